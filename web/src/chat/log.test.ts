import { expect, test } from "vitest";
import { append, appendGap, type Entry, MAX_ENTRIES } from "./log";

const join = { name: "admin", text: "join chat." };

test("joins in a row are one entry that counts", () => {
  let log: Entry[] = [];
  for (let i = 0; i < 1000; i++) log = append(log, join, false, i);
  log = append(log, { name: "a", text: "hi" }, false, 1000);
  log = append(log, join, false, 1001);
  expect(log).toMatchObject([
    { kind: "joins", count: 1000, at: 999 },
    { kind: "message", name: "a" },
    { kind: "joins", count: 1 },
  ]);
});

test("an own message is a message whatever it says", () => {
  expect(append([], join, true, 0)).toMatchObject([{ kind: "message", own: true }]);
});

test("the oldest go when the log is full", () => {
  let log: Entry[] = [];
  for (let i = 0; i < MAX_ENTRIES + 20; i++) log = append(log, { name: "a", text: `${i}` }, false, i);
  expect(log).toHaveLength(MAX_ENTRIES);
  expect(log[0]).toMatchObject({ text: "20" });
  expect(new Set(log.map((e) => e.id)).size).toBe(MAX_ENTRIES);
});

test("losses of the connection with nothing between them are one", () => {
  const log = appendGap(appendGap([], 10, 20), 30, 40);
  expect(log).toMatchObject([{ kind: "gap", from: 10, at: 40 }]);
});
