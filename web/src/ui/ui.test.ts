import { expect, test } from "vitest";
import { sends } from "./keys";
import { initial, tone, TONES } from "./person";
import { resolve, toStore } from "./theme";
import { choose, words } from "./words";

test.each([
  [null, ["ko-KR", "en"], "ko"],
  [null, ["fr", "ko"], "ko"],
  [null, ["EN-us"], "en"],
  [null, ["fr"], "en"],
  [null, [], "en"],
  ["en", ["ko"], "en"],
  ["xx", ["ko"], "ko"],
])("language: remembered %j, preferred %j", (remembered, preferred, want) => {
  expect(choose(remembered, preferred)).toBe(want);
});

test("theme: the chosen one, else the system's", () => {
  expect(resolve(null, true)).toBe("dark");
  expect(resolve("light", true)).toBe("light");
  expect(resolve("x", false)).toBe("light");
  expect(toStore("dark", false)).toBe("dark");
  expect(toStore("dark", true)).toBeNull();
});

const press = { key: "Enter", shiftKey: false, ctrlKey: false, altKey: false, metaKey: false, isComposing: false, keyCode: 13 };

test.each([
  [{}, true],
  [{ ctrlKey: true }, true],
  [{ shiftKey: true }, false],
  [{ altKey: true }, false],
  [{ isComposing: true }, false], // Chrome, Firefox: the syllable is not finished
  [{ keyCode: 229 }, false], // Safari: the Enter that finished it
  [{ key: "a", keyCode: 65 }, false],
])("Enter %j", (change, want) => expect(sends({ ...press, ...change })).toBe(want));

test.each([
  ["민지", "민"],
  [" anna", "A"],
  ["👩‍👩‍👧 family", "👩‍👩‍👧"],
  ["", "?"],
])("initial(%j)", (name, want) => expect(initial(name)).toBe(want));

test("a name keeps its tone", () => {
  for (const name of ["", "민지", "Anna", "👋"]) {
    expect(tone(name)).toBe(tone(name));
    expect(tone(name)).toBeLessThan(TONES);
  }
});

test("both languages have words everywhere", () => {
  const kinds = ["noName", "noText", "nameTooLong", "textTooLong"] as const;
  for (const w of Object.values(words)) {
    for (const kind of kinds) expect(w.fault({ kind, over: 1234 })).toMatch(/\S/);
    for (const state of ["sending", "sent", "failed", "unsure"] as const) expect(w.pending(state, "")).toMatch(/\S/);
    expect([w.joins(1), w.joins(2), w.gap("1", "1"), w.gap("1", "2"), w.newMessages(1)].every(Boolean)).toBe(true);
  }
});
