// Messages of ours whose way is not known to be finished.
//
// The protocol gives messages no identity, so an own message is known by its
// echo: same name, same text, the oldest first. Servers that acknowledge tell
// earlier, those that do not lose nothing. Nothing in here is ever sent again
// unless the person asks for it.

import type { Message } from "./protocol";

export type State =
  | "sending" // emitted; no answer yet
  | "sent" // acknowledged; its echo is still to come
  | "failed" // refused by the server; nobody saw it
  | "unsure"; // the connection or the patience ended first

export interface Pending extends Message {
  id: number;
  at: number;
  state: State;
  reason: string; // the server's words if failed, else ""
}

/** How many may wait; more are not taken. */
export const MAX_PENDING = 50;

let lastId = 0;

export function enqueue(box: readonly Pending[], m: Message, at: number): Pending[] {
  return [...box, { id: ++lastId, ...m, at, state: "sending", reason: "" }];
}

/** Takes out the message whose echo this is. `own` says whether there was one. */
export function settle(box: readonly Pending[], echo: Message): { box: Pending[]; own: boolean } {
  const i = box.findIndex((p) => p.state !== "failed" && p.name === echo.name && p.text === echo.text);
  return { box: box.filter((_, j) => j !== i), own: i >= 0 };
}

export function confirm(box: readonly Pending[], id: number): Pending[] {
  return box.map((p) => (p.id === id ? { ...p, state: "sent" } : p));
}

export function refuse(box: readonly Pending[], id: number, reason: string): Pending[] {
  return box.map((p) => (p.id === id ? { ...p, state: "failed", reason } : p));
}

/** No answer came in time. */
export function expire(box: readonly Pending[], id: number): Pending[] {
  return box.map((p) => (p.id === id && p.state === "sending" ? { ...p, state: "unsure" } : p));
}

/** The connection ended: what was acknowledged is done, what was not is unsure. */
export function interrupt(box: readonly Pending[]): { box: Pending[]; done: Pending[] } {
  return {
    box: box
      .filter((p) => p.state !== "sent")
      .map((p) => (p.state === "sending" ? { ...p, state: "unsure" } : p)),
    done: box.filter((p) => p.state === "sent"),
  };
}

/** The message an `exception` without an ack is about: events are answered in order. */
export function oldestSending(box: readonly Pending[]): Pending | undefined {
  return box.find((p) => p.state === "sending");
}

export function discard(box: readonly Pending[], id: number): Pending[] {
  return box.filter((p) => p.id !== id);
}
