import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type EffectScope, effectScope } from "vue";

type Handler = (...args: unknown[]) => void;
type Answer = (err: Error | null, answer?: unknown) => void;

// Stands for the client library: what the page emits is recorded, what the
// server would say is said by `hear`.
const fake = vi.hoisted(() => ({
  handlers: new Map<string, Handler>(),
  sent: [] as { message: unknown; answer: Answer }[],
  connected: false,
  connects: 0,
}));

vi.mock("socket.io-client", () => ({
  io: () => {
    const socket = {
      io: { on() {}, opts: {} },
      active: true,
      recovered: false,
      get connected() {
        return fake.connected;
      },
      on: (event: string, handler: Handler) => fake.handlers.set(event, handler),
      timeout: () => ({
        emit: (_event: string, message: unknown, answer: Answer) => fake.sent.push({ message, answer }),
      }),
      disconnect: () => socket,
      connect: () => fake.connects++,
    };
    return socket;
  },
}));

const { useChat } = await import("./useChat");

const hear = (event: string, ...args: unknown[]) => fake.handlers.get(event)!(...args);
const hi = { name: "민지", text: "안녕" };

let scope: EffectScope;
let chat: ReturnType<typeof useChat>;

function online() {
  fake.connected = true;
  hear("connect");
}

function offline(reason = "transport close") {
  fake.connected = false;
  hear("disconnect", reason);
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("window", new EventTarget());
  Object.assign(fake, { connected: false, connects: 0, sent: [] });
  scope = effectScope();
  chat = scope.run(() => useChat(() => "민지"))!;
});

afterEach(() => {
  scope.stop();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test("nothing is taken while offline, and nothing is sent later", () => {
  expect(chat.send(hi)).toBe(false);
  online();
  offline();
  expect(chat.send(hi)).toBe(false);
  online();
  expect(fake.sent).toEqual([]);
});

test("the echo shows an own message once, with and without an ack", () => {
  online();
  chat.send(hi);
  hear("msgToClient", hi);
  fake.sent[0]!.answer(null, { status: "ok" });
  chat.send(hi);
  hear("msgToClient", hi); // a server that never acknowledges
  vi.advanceTimersByTime(60_000);
  expect(chat.pending.value).toEqual([]);
  expect(chat.entries.value).toMatchObject([{ own: true }, { own: true }]);
  hear("msgToClient", hi); // someone else says the same
  expect(chat.entries.value.at(-1)).toMatchObject({ own: false });
});

test("what had no answer before the connection ended is unsure and stays unsent", () => {
  online();
  chat.send(hi);
  offline();
  online();
  expect(fake.sent).toHaveLength(1);
  expect(chat.pending.value).toMatchObject([{ state: "unsure" }]);
  expect(chat.entries.value).toMatchObject([{ kind: "gap" }]);
});

test("what was acknowledged before the connection ended is in the log", () => {
  online();
  chat.send(hi);
  fake.sent[0]!.answer(null, { status: "ok" });
  offline();
  expect(chat.pending.value).toEqual([]);
  expect(chat.entries.value).toMatchObject([{ kind: "message", own: true, text: "안녕" }]);
});

const no = { status: "error", message: "no" };

test.each([
  ["exception, then ack", () => [hear("exception", no), fake.sent[0]!.answer(null, no)]],
  ["ack, then exception", () => [fake.sent[0]!.answer(null, no), hear("exception", no)]],
  ["exception alone", () => hear("exception", no)],
])("a refusal is said once, at its message: %s", (_, refuse) => {
  online();
  chat.send(hi);
  chat.send({ ...hi, text: "second" });
  refuse();
  expect(chat.pending.value).toMatchObject([{ state: "failed", reason: "no" }, { state: "sending" }]);
  expect(chat.notice.value).toBe("");
});

test("an exception that is about no message is a notice until the next one is sent", () => {
  online();
  hear("exception", no);
  expect(chat.notice.value).toBe("no");
  chat.send(hi);
  expect(chat.notice.value).toBe("");
});

test("no answer in time is unsure", () => {
  online();
  chat.send(hi);
  fake.sent[0]!.answer(new Error("operation has timed out"));
  expect(chat.pending.value).toMatchObject([{ state: "unsure" }]);
});

test("the number of messages that wait is limited", () => {
  online();
  for (let i = 0; i < 50; i++) expect(chat.send(hi)).toBe(true);
  expect(chat.send(hi)).toBe(false);
});

test("the node is known while connected, where the server says it", () => {
  online();
  expect(chat.node.value).toBeNull();
  hear("node", { id: "n1" });
  expect(chat.node.value).toBe("n1");
  offline();
  expect(chat.node.value).toBeNull();
});

test("when the server ends the connection the page comes back by itself", () => {
  online();
  offline("io server disconnect");
  expect(fake.connects).toBe(0);
  vi.advanceTimersByTime(1500);
  expect(fake.connects).toBe(1);
});

test("strange payloads change nothing", () => {
  online();
  for (const strange of [null, undefined, 7, "x", {}, { name: {}, text: [] }]) hear("msgToClient", strange);
  expect(chat.entries.value).toEqual([]);
});
