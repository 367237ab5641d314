import { expect, test } from "vitest";
import * as outbox from "./outbox";

const hi = { name: "a", text: "hi" };
const twice = outbox.enqueue(outbox.enqueue([], hi, 1), hi, 2);
const [first, second] = twice as [outbox.Pending, outbox.Pending];

test("an echo settles the oldest that says the same", () => {
  const one = outbox.settle(twice, hi);
  expect(one).toEqual({ box: [second], own: true });
  const two = outbox.settle(one.box, hi);
  expect(two).toEqual({ box: [], own: true });
  expect(outbox.settle(two.box, hi)).toEqual({ box: [], own: false });
});

test("someone else's words settle nothing", () => {
  expect(outbox.settle(twice, { name: "b", text: "hi" })).toEqual({ box: twice, own: false });
  expect(outbox.settle(twice, { name: "a", text: "hi " })).toEqual({ box: twice, own: false });
});

test("a refused message has no echo", () => {
  const box = outbox.refuse(twice, first.id, "no");
  expect(outbox.settle(box, hi).box).toMatchObject([{ id: first.id, state: "failed", reason: "no" }]);
});

test("an echo that comes late settles what was unsure", () => {
  expect(outbox.settle(outbox.expire(twice, first.id), hi).box).toEqual([second]);
});

test("only what has no answer expires", () => {
  const box = outbox.expire(outbox.confirm(twice, first.id), first.id);
  expect(box[0]!.state).toBe("sent");
});

test("when the connection ends, acknowledged is done and the rest is unsure", () => {
  const { box, done } = outbox.interrupt(outbox.confirm(twice, first.id));
  expect(done.map((p) => p.id)).toEqual([first.id]);
  expect(box).toMatchObject([{ id: second.id, state: "unsure" }]);
});
