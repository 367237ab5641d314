// Records the broadcasts that real Node.js servers and emitters publish, and what a
// server of socket.io 4 would send to its clients for each. Needs no Redis: the
// packages get a client that only takes notes. Usage: npm ci && npm run record
"use strict";

const crypto = require("node:crypto");
const fs = require("node:fs");

// The same ids in each recording.
crypto.randomBytes = crypto.pseudoRandomBytes = (n) => Buffer.alloc(n, 7);
Math.random = () => 0.5;

const msgpack = require("notepack.io");
const { Encoder } = require("socket.io-parser");

const published = [];
const notes = {
  publish: (channel, payload) => published.push({ channel, payload: Buffer.from(payload) }),
  psubscribe() {},
  subscribe() {},
  on() {},
  hset() {}, // socket.io-emitter knows a client by it
};

// Each of the four kinds of publishers, as (namespace) => something with to() and emit().
const publishers = {
  "@socket.io/redis-adapter 8.3.0": () => {
    const { Server } = require("socket.io-4");
    const { createAdapter } = require("@socket.io/redis-adapter");
    const io = new Server({ adapter: createAdapter(notes, notes) });
    return (nsp) => io.of(nsp);
  },
  "socket.io-redis 5.4.0": () => {
    const io = require("socket.io-2")();
    io.adapter(require("socket.io-redis")({ pubClient: notes, subClient: notes }));
    return (nsp) => io.of(nsp);
  },
  "@socket.io/redis-emitter 5.1.0": () => {
    const { Emitter } = require("@socket.io/redis-emitter");
    const emitter = new Emitter(notes);
    return (nsp) => (nsp === "/" ? emitter : emitter.of(nsp));
  },
  "socket.io-emitter 3.2.0": () => {
    const emitter = require("socket.io-emitter")(notes);
    return (nsp) => (nsp === "/" ? emitter : emitter.of(nsp));
  },
};

const object = (n) => Object.fromEntries(Array.from({ length: n }, (_, i) => ["k" + i, i]));

// What is sent, and whether it is all JSON (and attachments), so that Damso can be
// asked to publish the very same.
const events = {
  "one string": { json: true, args: ["ev", "é"] },
  "no argument": { json: true, args: ["ping"] },
  "article": { json: true, args: ["msgToClient", { name: "연우", text: "안녕하세요 👋🏽" }] },
  "integers": { json: true, args: ["ev", 0, 1, 127, 128, 255, 256, 65535, 65536, 4294967295, 4294967296, 2 ** 53,
    -1, -32, -33, -128, -129, -32768, -32769, -2147483648, -2147483649, -(2 ** 53)] },
  "floats": { json: true, args: ["ev", 0.1, -0.1, 1e-7, 1.5e-300, 123456789.125, 5e-324] },
  "large integers": { json: false, args: ["ev", 1e19, -0] },
  "not numbers": { json: false, args: ["ev", NaN, Infinity, -Infinity] },
  "literals": { json: true, args: ["ev", true, false, null, "", [], {}] },
  "undefined": { json: false, args: ["ev", undefined, { a: undefined, b: 1 }, [undefined]] },
  "order of keys": { json: true, args: ["ev", { z: 1, a: { y: 1, b: 2 }, "": 3, "키": 4 }] },
  "escapes": { json: true, args: ["ev", "\"\\/\b\f\n\r\t\u0000\u001f\u007f\u2028"] },
  "strings of 31, 32, 255, 256 bytes": { json: true, args: ["ev", "a".repeat(31), "b".repeat(32), "c".repeat(255), "d".repeat(256)] },
  "string of 65536 bytes": { json: true, args: ["ev", "e".repeat(65536)], only: "@socket.io/redis-adapter 8.3.0" },
  "arrays of 15, 16": { json: true, args: ["ev", Array(15).fill(1), Array(16).fill(1)] },
  "objects of 15, 16": { json: true, args: ["ev", object(15), object(16)] },
  "short lone surrogates": { json: false, args: ["ev", "\ud800", "a\udc00b"] },
  "long lone surrogate": { json: false, args: ["ev", "\ud800" + "x".repeat(40)] },
  "binary": { json: true, args: ["ev", { b: Buffer.from([1, 255]) }] },
  "nested binary": { json: true, args: ["ev", [Buffer.alloc(0), { x: [Buffer.alloc(300, 7)] }], Buffer.from("끝")] },
  "typed arrays": { json: false, args: ["ev", new Uint8Array([1, 2, 3]), new ArrayBuffer(4)] },
  "dates": { json: false, args: ["ev", new Date(0), new Date(1700000000123), new Date(-1), new Date(-62198755200001),
    new Date(253402300800000), new Date(8.64e15), new Date(-8.64e15), new Date(17179869184000), new Date(4294967296001)] },
  "invalid date": { json: false, args: ["ev", new Date(NaN)] },
  "own toJSON": { json: false, args: ["ev", { toJSON: () => ({ a: [1] }) }] },
};

// To whom it is sent.
const targets = {
  "a namespace": { nsp: "/chat", to: (n) => n },
  "one room": { nsp: "/", to: (n) => n.to("room1") },
  "two rooms": { nsp: "/", to: (n) => n.to("room1").to("방") },
  "room with #": { nsp: "/", to: (n) => n.to("a#b#") },
  "numeric room": { nsp: "/", json: false, to: (n) => n.to(42) },
  "volatile": { nsp: "/", to: (n) => n.volatile },
  "not compressed": { nsp: "/", to: (n) => n.compress(false) },
  "except": { nsp: "/", to: (n) => n.to("room1").except(["id1", "id2"]) },
};

const cases = [];

function note(from, name, nsp, json, send) {
  published.length = 0;
  try {
    send();
  } catch (err) {
    return; // this publisher cannot do that
  }
  if (published.length !== 1) throw new Error(`${from}: ${name}: ${published.length} messages`);
  const { channel, payload } = published[0];
  const [uid, packet, opts] = msgpack.decode(payload);
  const sent = relay(packet);
  cases.push({
    from, name, uid, nsp, json, channel,
    payload: payload.toString("base64"),
    type: packet.type,
    rooms: (opts.rooms || []).map(String),
    except: (opts.except || []).map(String),
    volatile: opts.flags.volatile === true,
    noCompress: opts.flags.compress === false,
    data: sent.data,
    attachments: sent.attachments,
  });
}

// What a server of socket.io 4 sends to its clients for a packet from Redis.
function relay(packet) {
  const [text, ...attachments] = new Encoder().encode({ ...packet, type: 2 });
  return {
    data: text.slice(text.indexOf("[")),
    attachments: attachments.map((a) => Buffer.from(a).toString("base64")),
  };
}

for (const [from, make] of Object.entries(publishers)) {
  const of = make();
  for (const [name, { json, args, only }] of Object.entries(events)) {
    if (only && only !== from) continue;
    note(from, name, "/", json, () => of("/").emit(...args));
  }
  for (const [name, { nsp, to, json }] of Object.entries(targets)) {
    note(from, name, nsp, json !== false, () => to(of(nsp)).emit("ev", 1));
  }
}

const [, , file] = process.argv;
fs.writeFileSync(file, "[\n" + cases.map((c) => JSON.stringify(c)).join(",\n") + "\n]\n");
console.log(`${cases.length} broadcasts recorded in ${file}`);
process.exit(0); // servers keep timers
