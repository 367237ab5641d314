import { expect, test } from "vitest";
import { retryDelay } from "./retry";

test("waits longer each time, to a limit", () => {
  expect([0, 1, 2, 3, 4, 5, 1000].map((n) => retryDelay(n, 0))).toEqual([1000, 2000, 4000, 8000, 16000, 30000, 30000]);
  expect(retryDelay(0, 0.5)).toBe(1250);
  expect(retryDelay(1e9, 0.999)).toBeLessThanOrEqual(45_000);
});
