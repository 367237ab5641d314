// Records what the adapters publish that are built on socket.io-adapter's
// ClusterAdapter, sharded PUB/SUB and Streams: broadcasts, requests and responses,
// each with what a server of socket.io 4 makes of it. Needs no Redis: the packages
// get a client that only takes notes. Usage: npm ci && npm run record
"use strict";

const crypto = require("node:crypto");
const fs = require("node:fs");

// The same ids in each recording.
crypto.randomBytes = (n) => Buffer.alloc(n, 7);

const msgpack = require("notepack.io");
const { Encoder } = require("socket.io-parser");
const { Server } = require("socket.io-4");
const { createShardedAdapter } = require("@socket.io/redis-adapter");
const { createAdapter } = require("@socket.io/redis-streams-adapter");

let published = [];

// A client as the redis package has it, for three servers in the cluster.
const notes = {
  sPublish: async (channel, payload) => { published.push({ command: "SPUBLISH", channel, payload: Buffer.from(payload) }); },
  publish: async (channel, payload) => { published.push({ command: "PUBLISH", channel, payload: Buffer.from(payload) }); },
  xAdd: async (channel, id, fields) => { published.push({ command: "XADD", channel, fields }); return "1-0"; },
  sSubscribe() {}, sUnsubscribe() {}, subscribe() {}, on() {}, disconnect() {},
  sendCommand: async ([, , channel]) => [channel, "3"],
  duplicate: () => notes,
  connect: async () => {},
  xRead: () => new Promise(() => {}),
};

const adapters = {
  "sharded, dynamic": createShardedAdapter(notes, notes),
  "sharded, dynamic-private": createShardedAdapter(notes, notes, { subscriptionMode: "dynamic-private" }),
  "sharded, static": createShardedAdapter(notes, notes, { subscriptionMode: "static" }),
  "streams": createAdapter(notes),
  "streams, 3 of them": createAdapter(notes, { streamCount: 3 }),
  "streams, sharded PUB/SUB": createAdapter(notes, { useShardedPubSub: true }),
};

const binary = Buffer.from([1, 255]);
const object = (n) => Object.fromEntries(Array.from({ length: n }, (_, i) => ["k" + i, i]));

// What servers do: (namespace) => the call.
const calls = {
  "one string": (n) => n.emit("ev", "é"),
  "no argument": (n) => n.emit("ping"),
  "article": (n) => n.emit("msgToClient", { name: "연우", text: "안녕하세요 👋🏽" }),
  "numbers": (n) => n.emit("ev", 0, 127, 128, 65536, 4294967296, 2 ** 53 - 1, -1, -33, -32769, 0.1, 1.5e-300),
  "literals": (n) => n.emit("ev", true, false, null, "", [], {}),
  "order of keys": (n) => n.emit("ev", { z: 1, a: { y: 1, b: 2 }, "": 3, "키": 4 }),
  "escapes": (n) => n.emit("ev", "\"\\/\b\f\n\r\t\u0000\u001f\u007f\u2028"),
  "lone surrogate": (n) => n.emit("ev", "\ud800"),
  "long": (n) => n.emit("ev", "a".repeat(300), object(16), Array(16).fill(1)),
  "undefined": (n) => n.emit("ev", undefined, { a: undefined, b: 1 }),
  "date": (n) => n.emit("ev", new Date(1700000000123)),
  "binary": (n) => n.emit("ev", { b: binary }),
  "nested binary": (n) => n.emit("ev", [Buffer.alloc(0), { x: [Buffer.alloc(300, 7)] }], Buffer.from("끝")),
  "binary and a date": (n) => n.emit("ev", binary, new Date(1700000000123), undefined),
  "one room": (n) => n.to("room1").emit("ev", 1),
  "two rooms": (n) => n.to("room1").to("방").emit("ev", 1),
  "room of 20 characters": (n) => n.to("abcdefghij0123456789").emit("ev", 1),
  "room of 20 Korean characters": (n) => n.to("가나다라마바사아자차가나다라마바사아자차").emit("ev", 1),
  "room of 10 emoji": (n) => n.to("👋".repeat(10)).emit("ev", 1),
  "room with #": (n) => n.to("a#b#").emit("ev", 1),
  "room with quotes": (n) => n.to("\"<\\>&\"").emit("ev", 1),
  "numeric room": (n) => n.to(42).emit("ev", 1),
  "binary to a room": (n) => n.to("room1").emit("ev", binary),
  "except": (n) => n.to("room1").except(["id1", "id2"]).emit("ev", 1),
  "volatile": (n) => n.volatile.emit("ev", 1),
  "not compressed": (n) => n.compress(false).emit("ev", 1),
  "both flags": (n) => n.volatile.compress(false).emit("ev", 1),
  "with acks": (n) => n.to("room1").timeout(1234).emit("ev", { a: [1] }, () => {}),
  "with acks, binary": (n) => n.timeout(1000).emit("ev", binary, () => {}),
  "join": (n) => n.in("room1").except("room2").socketsJoin(["a", "방"]),
  "leave": (n) => n.socketsLeave("a"),
  "disconnect": (n) => n.in("room1").disconnectSockets(),
  "disconnect and close": (n) => n.disconnectSockets(true),
  "fetch": (n) => void n.in(["room1", "room2"]).except("room3").fetchSockets(),
  "fetch with a timeout": (n) => void n.timeout(1500).fetchSockets(),
  "server-side": (n) => n.serverSideEmit("hello", "세계", { a: 1 }),
  "server-side, binary": (n) => n.serverSideEmit("hello", binary),
  "server-side with answers": (n) => n.serverSideEmit("hello", 1, () => {}),
};

const handshake = { headers: { a: "b", "x-名": "<>" }, time: "Mon", xdomain: false, secure: false, issued: 1700000000123, query: { EIO: "4" }, auth: {} };

// fake is a socket as the in-memory adapter wants it.
function fake(adapter, id, rooms, data, ...args) {
  const socket = {
    id, data, handshake, rooms: new Set([id, ...rooms]), acks: new Map(),
    client: { writeToEngine: () => queueMicrotask(() => { for (const ack of socket.acks.values()) ack(...args); }) },
  };
  adapter.addAll(id, socket.rooms);
  adapter.nsp.sockets.set(id, socket);
}

// What a server answers to requests of another one.
const request = (type, data) => (a) => a.onMessage({ type, uid: "asker", nsp: a.nsp.name, data: { requestId: "req1", ...data } });
const everybody = { rooms: [], except: [], flags: { timeout: 1000 } };
const responses = {
  "no sockets": [() => {}, request(7, { opts: everybody })],
  "two sockets": [(a) => { fake(a, "s1", ["room1", "방"], { name: "연우" }); fake(a, "s2", [], {}); }, request(7, { opts: everybody })],
  "sockets with binary": [(a) => { fake(a, "s1", [], { x: binary }); fake(a, "s2", [], { y: Buffer.from("b"), z: [binary] }); }, request(7, { opts: everybody })],
  "sockets without data": [(a) => fake(a, "s1", [], undefined), request(7, { opts: everybody })],
  "count of no clients": [() => {}, request(3, { packet: { type: 2, data: ["ev"] }, opts: everybody })],
  "count and acks": [(a) => { fake(a, "s1", [], {}, { ok: "네" }); fake(a, "s2", [], {}, 1, 2); }, request(3, { packet: { type: 2, data: ["ev"] }, opts: everybody })],
  "ack without arguments": [(a) => fake(a, "s1", [], {}), request(3, { packet: { type: 2, data: ["ev"] }, opts: everybody })],
  "binary ack": [(a) => fake(a, "s1", [], {}, [binary]), request(3, { packet: { type: 2, data: ["ev"] }, opts: everybody })],
  "server-side answer": [(a) => a.nsp.on("q", (cb) => cb({ a: [1, "둘"] })), request(9, { packet: ["q"] })],
  "server-side answer of nothing": [(a) => a.nsp.on("q", (cb) => cb()), request(9, { packet: ["q"] })],
  "server-side binary answer": [(a) => a.nsp.on("q", (cb) => cb({ b: binary })), request(9, { packet: ["q"] })],
};

// relay is a value as a server of socket.io 4 sends it to its clients.
function relay(list) {
  const [text, ...attachments] = new Encoder().encode({ type: 2, data: list, nsp: "/" });
  return { data: text.slice(text.indexOf("[")), attachments: attachments.map((a) => Buffer.from(a).toString("base64")) };
}

function relayValue(value) {
  if (value === undefined) return { data: "", attachments: [] };
  const { data, attachments } = relay([value]);
  return { data: data.slice(1, -1), attachments };
}

function decode({ payload, fields }) {
  if (!fields) return payload[0] === 0x7b ? JSON.parse(payload) : msgpack.decode(payload);
  const { uid, nsp, type, data } = fields;
  return { uid, nsp, type: Number(type), data: data[0] === "{" ? JSON.parse(data) : msgpack.decode(Buffer.from(data, "base64")) };
}

// meaning is what a recording must be understood as.
function meaning({ type, uid, nsp, data }) {
  const m = { type, uid, nsp, id: data.requestId ?? "" };
  if (data.opts) {
    m.rooms = data.opts.rooms.map(String);
    m.except = data.opts.except.map(String);
    m.volatile = data.opts.flags?.volatile === true;
    m.noCompress = data.opts.flags?.compress === false;
    m.timeout = data.opts.flags?.timeout ?? 0;
  }
  switch (type) {
    case 3: return { ...m, ...relay(data.packet.data) };
    case 4: case 5: return { ...m, names: data.rooms };
    case 6: return { ...m, close: data.close };
    case 8: return { ...m, sockets: data.sockets.map((s) => ({ id: s.id, rooms: s.rooms, handshake: JSON.stringify(s.handshake), ...relayValue(s.data) })) };
    case 9: return { ...m, ...relay(data.packet) };
    case 10: case 12: return { ...m, ...relayValue(data.packet) };
    case 11: return { ...m, count: data.clientCount };
  }
  return m;
}

const cases = [];
const settled = () => new Promise((resolve) => setTimeout(resolve, 5));

async function note(from, name, action) {
  published = [];
  action();
  await settled();
  for (const p of published) {
    const { command, channel, payload, fields } = p;
    const text = payload?.[0] === 0x7b; // JSON, which is recorded as it is
    cases.push({ from, name, command, channel, text: text ? payload.toString() : undefined,
      packed: text ? undefined : payload?.toString("base64"), fields, ...meaning(decode(p)) });
  }
  if (published.length === 0) throw new Error(`${from}: ${name}: nothing was published`);
}

async function main() {
  for (const [from, adapter] of Object.entries(adapters)) {
    const io = new Server({ adapter });
    await settled();
    const whole = from === "sharded, dynamic" || from === "streams";
    for (const [name, call] of Object.entries(calls)) {
      if (whole || /room|fetch|acks/.test(name)) await note(from, name, () => call(io.of("/")));
    }
    for (const nsp of ["/chat", "/대화", "/" + "x".repeat(40)]) await note(from, nsp, () => io.of(nsp).to("room1").emit("ev", 1));
    if (!whole) continue; // the others answer alike
    let n = 0;
    for (const [name, [prepare, ask]] of Object.entries(responses)) {
      const a = io.of("/r" + n++).adapter;
      prepare(a);
      await note(from, name, () => ask(a));
    }
  }
  const [, , file] = process.argv;
  fs.writeFileSync(file, "[\n" + cases.map((c) => JSON.stringify(c)).join(",\n") + "\n]\n");
  console.log(`${cases.length} messages recorded in ${file}`);
  process.exit(0); // servers keep timers
}

process.on("unhandledRejection", () => {}); // of the questions, which nobody answers
main();
