import { isJoin, type Message } from "./protocol";

/** One line of the log, in the order of arrival. Times are milliseconds since 1970. */
export type Entry =
  | { kind: "message"; id: number; at: number; name: string; text: string; own: boolean }
  | { kind: "joins"; id: number; at: number; count: number }
  | { kind: "gap"; id: number; at: number; from: number };

export type MessageEntry = Extract<Entry, { kind: "message" }>;

/** How many entries are kept; the oldest go first. */
export const MAX_ENTRIES = 500;

let lastId = 0;

/** The log with one more message. Joins in a row become one entry that counts them. */
export function append(log: readonly Entry[], m: Message, own: boolean, at: number): Entry[] {
  if (own || !isJoin(m)) {
    return push(log, { kind: "message", id: ++lastId, at, name: m.name, text: m.text, own });
  }
  const last = log.at(-1);
  if (last?.kind === "joins") return [...log.slice(0, -1), { ...last, at, count: last.count + 1 }];
  return push(log, { kind: "joins", id: ++lastId, at, count: 1 });
}

/** The log with a mark that messages may be missing between `from` and `at`. */
export function appendGap(log: readonly Entry[], from: number, at: number): Entry[] {
  const last = log.at(-1);
  if (last?.kind === "gap") return [...log.slice(0, -1), { ...last, at }];
  return push(log, { kind: "gap", id: ++lastId, at, from });
}

function push(log: readonly Entry[], entry: Entry): Entry[] {
  return [...log.slice(-(MAX_ENTRIES - 1)), entry];
}
