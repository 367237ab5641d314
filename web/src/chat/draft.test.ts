import { expect, test } from "vitest";
import { check, toMessage } from "./draft";

test("space around goes, what is inside stays", () => {
  expect(toMessage(" 민지 ", "\n \n  two spaces in\n\nend \n")).toEqual({ name: "민지", text: "  two spaces in\n\nend" });
});

test.each([
  ["민지", "안녕", null],
  ["n".repeat(50), "t".repeat(2000), null],
  ["👋".repeat(50), "👋".repeat(2000), null],
  ["민지", " \n ", { kind: "noText" }],
  ["", "", { kind: "noText" }],
  ["  ", "안녕", { kind: "noName" }],
  ["n".repeat(53), "안녕", { kind: "nameTooLong", over: 3 }],
  ["민지", "가".repeat(2001), { kind: "textTooLong", over: 1 }],
])("check %#", (name, text, want) => expect(check(toMessage(name, text))).toEqual(want));
