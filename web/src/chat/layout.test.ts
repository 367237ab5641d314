import { expect, test } from "vitest";
import { layout, PAUSE } from "./layout";
import { append, type Entry } from "./log";

const noon = new Date(2026, 2, 3, 12).getTime();

function log(...lines: [name: string, own: boolean, at: number][]): Entry[] {
  return lines.reduce<Entry[]>((l, [name, own, at]) => append(l, { name, text: "join chat." }, own, at), []);
}

const heads = (entries: Entry[]) => layout(entries).map((r) => r.head);

test("messages of one person in a row stand under one name", () => {
  expect(heads(log(["a", false, noon], ["a", false, noon + 1], ["b", false, noon + 2], ["a", false, noon + 3]))).toEqual(
    [true, false, true, true],
  );
});

test("a pause, a join and another person of the same name begin anew", () => {
  expect(heads(log(["a", false, noon], ["a", false, noon + PAUSE], ["a", false, noon + 2 * PAUSE + 1]))).toEqual([
    true,
    false,
    true,
  ]);
  expect(heads(log(["a", false, noon], ["admin", false, noon], ["a", false, noon]))).toEqual([true, true, true]);
  expect(heads(log(["a", false, noon], ["a", true, noon]))).toEqual([true, true]);
});

test("a new day is named, the first is not", () => {
  const midnight = new Date(2026, 2, 4).getTime();
  const rows = layout(log(["a", false, midnight - 1], ["a", false, midnight], ["a", false, midnight + 1]));
  expect(rows.map((r) => r.day)).toEqual([false, true, false]);
  expect(rows.map((r) => r.head)).toEqual([true, true, false]);
});
