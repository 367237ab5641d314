import { expect, test } from "vitest";
import { isJoin, length, parseMessage, parseNode, parseRefusal } from "./protocol";

test.each([
  ["", 0],
  ["abc", 3],
  ["담소", 2],
  ["👋👋", 2], // surrogate pairs are one code point each, as for Go
  ["e\u0301", 2], // a combining mark counts, as for Go
  ["\ud800", 1],
])("length(%j) is %i", (s, want) => expect(length(s)).toBe(want));

test("a message needs a name and a text, both strings", () => {
  expect(parseMessage({ name: "a", text: "b", more: 1 })).toEqual({ name: "a", text: "b" });
  for (const bad of [null, undefined, 1, "x", [], {}, { name: "a" }, { name: 1, text: "b" }, { name: "a", text: null }]) {
    expect(parseMessage(bad)).toBeNull();
  }
});

test("what is endless is shown in part", () => {
  expect(parseMessage({ name: "n".repeat(1e6), text: "t".repeat(1e6) })!.text.length).toBeLessThan(21_000);
});

test("node and refusals", () => {
  expect(parseNode({ id: "n1" })).toBe("n1");
  for (const bad of [null, {}, { id: "" }, { id: 3 }, "n1"]) expect(parseNode(bad)).toBeNull();
  expect(parseRefusal({ status: "error", message: "no" })).toBe("no");
  expect(parseRefusal({ status: "error" })).toBe("");
  for (const other of [null, { status: "ok" }, "error", { message: "x" }]) expect(parseRefusal(other)).toBeNull();
});

test("a join is the server's very sentence, nothing else from an admin", () => {
  expect(isJoin({ name: "admin", text: "join chat." })).toBe(true);
  expect(isJoin({ name: "admin", text: "send me your password" })).toBe(false);
  expect(isJoin({ name: "minji", text: "join chat." })).toBe(false);
});
