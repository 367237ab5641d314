import type { Entry } from "./log";

/** How an entry of the log is shown. */
export interface Row {
  entry: Entry;
  /** A message that does not go on with the one above: it shows name and time. */
  head: boolean;
  /** The first entry of a new day, which is named above it. */
  day: boolean;
}

/** A pause longer than this gives the next message a name and a time of its own. */
export const PAUSE = 3 * 60_000;

/**
 * Rows for the entries. The first entry's day is not named: the page's log
 * begins when the page is opened, which is nearly always today.
 */
export function layout(entries: readonly Entry[]): Row[] {
  return entries.map((entry, i) => {
    const before = entries[i - 1];
    const day = before !== undefined && !sameDay(before.at, entry.at);
    return { entry, day, head: day || !goesOn(before, entry) };
  });
}

function goesOn(before: Entry | undefined, entry: Entry): boolean {
  return (
    before?.kind === "message" &&
    entry.kind === "message" &&
    before.name === entry.name &&
    before.own === entry.own &&
    entry.at - before.at <= PAUSE
  );
}

function sameDay(a: number, b: number): boolean {
  return new Date(a).toDateString() === new Date(b).toDateString();
}
