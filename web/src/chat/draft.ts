import { length, MAX_NAME, MAX_TEXT, type Message } from "./protocol";

/** Why a draft cannot be sent as it is; `over` is in characters. */
export type Fault =
  | { kind: "noName" }
  | { kind: "nameTooLong"; over: number }
  | { kind: "noText" }
  | { kind: "textTooLong"; over: number };

/** What is sent of a draft: no space around the name, no blank lines around the text. */
export function toMessage(name: string, text: string): Message {
  return { name: name.trim(), text: text.replace(/^(\s*\n)+/, "").trimEnd() };
}

/** The first thing that is wrong with a message, in the order in which a person would mend it. */
export function check(m: Message): Fault | null {
  const name = length(m.name);
  const text = length(m.text);
  if (m.text.trim() === "") return { kind: "noText" };
  if (name === 0) return { kind: "noName" };
  if (name > MAX_NAME) return { kind: "nameTooLong", over: name - MAX_NAME };
  if (text > MAX_TEXT) return { kind: "textTooLong", over: text - MAX_TEXT };
  return null;
}
