// Records what real Node.js servers and emitters ask and answer on the request and
// response channels. Usage: npm ci && npm run record
"use strict";

const crypto = require("node:crypto");
const fs = require("node:fs");

// The same ids in each recording.
crypto.randomBytes = crypto.pseudoRandomBytes = (n) => Buffer.alloc(n, 7);

const published = [];
const notes = {
  publish: (channel, payload) => published.push({ channel, payload: Buffer.from(payload) }),
  send_command: (_, [, channel], answer) => answer(null, [channel, 3]), // three servers listen
  psubscribe() {},
  subscribe() {},
  on() {},
  hset() {},
};

const recordings = [];

// note lets one of the packages publish, and keeps what that was.
async function note(from, name, act) {
  published.length = 0;
  act();
  for (let i = 0; i < 10; i++) await new Promise((resolve) => setImmediate(resolve));
  if (published.length === 0) throw new Error(`${from}: ${name}: nothing was published`);
  published.forEach(({ channel, payload }, i) => {
    recordings.push({ from, name: i ? `${name} ${i + 1}` : name, channel, payload: payload.toString("base64") });
  });
}

const id = "abcdefghij0123456789";

// socket is one of the namespace, as far as the adapters look at it.
const socket = () => ({
  id,
  handshake: { headers: { host: "h" }, time: "t", address: "::1", xdomain: false, secure: false, issued: 1700000000000, url: "/", query: { name: "연우" }, auth: {} },
  rooms: new Set([id, "room1", "42"]),
  data: { name: "연우" },
  acks: new Map(),
  client: { writeToEngine() {} },
  join: (_, done) => done && done(),
  leave: (_, done) => done && done(),
  disconnect() {},
});

async function eight() {
  const from = "@socket.io/redis-adapter 8.3.0";
  const { Server } = require("socket.io-4");
  const { createAdapter } = require("@socket.io/redis-adapter");
  const nsp = new Server({ adapter: createAdapter(notes, notes) }).of("/");
  const { adapter } = nsp;
  const nothing = () => {};
  await note(from, "join", () => nsp.in("room1").except("x").socketsJoin(["a", "방"]));
  await note(from, "leave", () => nsp.socketsLeave("a"));
  await note(from, "disconnect", () => nsp.in(["room1", "room2"]).disconnectSockets(true));
  await note(from, "server side", () => nsp.serverSideEmit("hello", 1, { z: "é", a: null }));
  await note(from, "server side, asked", () => nsp.serverSideEmit("hello", nothing));
  await note(from, "fetch", () => nsp.in("room1").except("x").fetchSockets());
  await note(from, "all rooms", () => adapter.allRooms());
  await note(from, "broadcast, asked", () => nsp.to("room1").timeout(1000).emit("ev", { b: Buffer.from([1, 255]) }, nothing));

  const one = socket();
  nsp.sockets.set(id, one);
  adapter.addAll(id, one.rooms);
  const ask = (request) => () => adapter.onrequest("socket.io-request#/#", Buffer.from(JSON.stringify({ uid: "asker0", requestId: "question", ...request })));
  nsp.on("ask", (answer) => answer({ z: 1, a: ["é"] }));
  await note(from, "answer: sockets", ask({ type: 0, rooms: ["room1"] }));
  await note(from, "answer: no sockets", ask({ type: 0, rooms: ["x"] }));
  await note(from, "answer: all rooms", ask({ type: 1 }));
  await note(from, "answer: join", ask({ type: 2, sid: id, room: "a" }));
  await note(from, "answer: fetch", ask({ type: 5, opts: { rooms: ["room1"], except: [] } }));
  await note(from, "answer: fetch, none", ask({ type: 5, opts: { rooms: ["x"], except: [] } }));
  await note(from, "answer: server side", ask({ type: 6, data: ["ask"] }));
  await note(from, "answer: broadcast", () => {
    ask({ type: 7, packet: { type: 2, data: ["ev"], nsp: "/" }, opts: { rooms: ["room1"], except: [], flags: { timeout: 1000 } } })();
    setImmediate(() => { for (const ack of one.acks.values()) ack("é"); });
  });
  await note(from, "answer: broadcast, binary", () => {
    ask({ type: 7, packet: { type: 2, data: ["ev"], nsp: "/" }, opts: { rooms: ["room1"], except: [], flags: { timeout: 1000 } } })();
    setImmediate(() => { [...one.acks.values()].pop()({ b: Buffer.from([1, 255]) }); });
  });
}

async function five() {
  const from = "socket.io-redis 5.4.0";
  const io = require("socket.io-2")();
  io.adapter(require("socket.io-redis")({ pubClient: notes, subClient: notes }));
  const nsp = io.of("/");
  const { adapter } = nsp;
  const nothing = () => {};
  await note(from, "clients", () => adapter.clients(["room1"], nothing));
  await note(from, "client's rooms", () => adapter.clientRooms(id, nothing));
  await note(from, "all rooms", () => adapter.allRooms(nothing));
  await note(from, "join", () => adapter.remoteJoin(id, "a", nothing));
  await note(from, "leave", () => adapter.remoteLeave(id, "a", nothing));
  await note(from, "disconnect", () => adapter.remoteDisconnect(id, true, nothing));
  await note(from, "custom", () => adapter.customRequest({ z: "é", a: null }, nothing));

  nsp.connected[id] = socket();
  await new Promise((resolve) => adapter.addAll(id, [id, "room1", "42"], resolve));
  adapter.customHook = (data, answer) => answer({ z: 1, a: ["é"] });
  const ask = (request) => () => adapter.onrequest("socket.io-request#/#", Buffer.from(JSON.stringify({ requestid: "question", ...request })));
  await note(from, "answer: clients", ask({ type: 0, rooms: ["room1"] }));
  await note(from, "answer: no clients", ask({ type: 0, rooms: ["x"] }));
  await note(from, "answer: client's rooms", ask({ type: 1, sid: id }));
  await note(from, "answer: all rooms", ask({ type: 2 }));
  await note(from, "answer: join", ask({ type: 3, sid: id, room: "a" }));
  await note(from, "answer: custom", ask({ type: 5, data: null }));
}

async function emitter() {
  const from = "@socket.io/redis-emitter 5.1.0";
  const { Emitter } = require("@socket.io/redis-emitter");
  const emitter = new Emitter(notes);
  await note(from, "join", () => emitter.in("room1").except("x").socketsJoin(["a", "방"]));
  await note(from, "leave", () => emitter.socketsLeave("a"));
  await note(from, "disconnect", () => emitter.in(["room1", "room2"]).disconnectSockets(true));
  await note(from, "server side", () => emitter.serverSideEmit("hello", 1, { z: "é", a: null }));
}

async function main() {
  await eight();
  await five();
  await emitter();
  const [, , file] = process.argv;
  fs.writeFileSync(file, "[\n" + recordings.map((r) => JSON.stringify(r)).join(",\n") + "\n]\n");
  console.log(`${recordings.length} questions and answers recorded in ${file}`);
  process.exit(0);
}

process.on("unhandledRejection", (err) => { console.error(err); process.exit(1); });
main();
