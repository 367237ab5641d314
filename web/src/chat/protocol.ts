// The chat's events, and what is accepted of them. Payloads come from other
// people's programs, so nothing about their shape is taken on trust.

export interface Message {
  name: string;
  text: string;
}

/** The server's answer to a message that it did not pass on. */
export interface Refusal {
  status: "error";
  message: string;
}

export type Ack = { status: "ok" } | Refusal;

export interface ServerEvents {
  msgToClient: (message: unknown) => void;
  exception: (refusal: unknown) => void;
  node: (node: unknown) => void;
}

export interface ClientEvents {
  msgToServer: (message: Message, ack: (err: Error | null, ack: unknown) => void) => void;
}

export const MAX_NAME = 50;
export const MAX_TEXT = 2000;

/** Length in code points: what Go calls runes, and what the server counts. */
export function length(s: string): number {
  return [...s].length;
}

// Other servers may not limit what they pass on; a page must stay usable all the same.
const SHOWN_NAME = 100;
const SHOWN_TEXT = 20_000;

function isRecord(v: unknown): v is Record<string, unknown> {
  return typeof v === "object" && v !== null;
}

export function parseMessage(v: unknown): Message | null {
  if (!isRecord(v) || typeof v.name !== "string" || typeof v.text !== "string") return null;
  return { name: clip(v.name, SHOWN_NAME), text: clip(v.text, SHOWN_TEXT) };
}

export function parseNode(v: unknown): string | null {
  return isRecord(v) && typeof v.id === "string" && v.id !== "" ? clip(v.id, SHOWN_NAME) : null;
}

/** The reason in an `exception` event or an error ack; null if it is neither. */
export function parseRefusal(v: unknown): string | null {
  if (!isRecord(v) || v.status !== "error") return null;
  return typeof v.message === "string" ? clip(v.message, SHOWN_TEXT) : "";
}

export function isOk(v: unknown): boolean {
  return isRecord(v) && v.status === "ok";
}

/** The server tells everyone about each connection with this very message. */
export function isJoin(m: Message): boolean {
  return m.name === "admin" && m.text === "join chat.";
}

function clip(s: string, units: number): string {
  return s.length <= units ? s : `${s.slice(0, units)}…`;
}
