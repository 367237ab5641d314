// Records what @socket.io/redis-emitter publishes, call by call, for the tests of
// package emitter. Needs no Redis. Usage: npm ci && npm run record
"use strict";

const fs = require("node:fs");
const { Emitter } = require("@socket.io/redis-emitter");

const cases = [];
let name;
const emitter = new Emitter({
  publish: (channel, payload) => cases.push({ name, channel, payload: Buffer.from(payload).toString("base64") }),
});

// The Go test makes the same calls.
const calls = {
  "emit": (io) => io.emit("ev", "é", 1, { b: [null, true] }),
  "emit in a namespace": (io) => io.of("/chat").emit("ev"),
  "emit in a namespace without slash": (io) => io.of("chat").emit("ev"),
  "emit to a room": (io) => io.to("room1").emit("ev", 1),
  "emit to rooms": (io) => io.to("room1").in(["방", "room1"]).emit("ev", 1),
  "emit with exceptions": (io) => io.to("room1").except(["a", "b"]).except("b").emit("ev", 1),
  "emit binary": (io) => io.emit("ev", { b: Buffer.from([1, 255]) }),
  "emit volatile": (io) => io.volatile.emit("ev", 1),
  "emit not compressed": (io) => io.compress(false).emit("ev", 1),
  "emit with both flags": (io) => io.to("a").volatile.compress(false).emit("ev", 1),
  "join": (io) => io.in("room1").except("room2").socketsJoin(["a", "\"방\""]),
  "leave": (io) => io.of("/chat").socketsLeave("a"),
  "disconnect": (io) => io.in(["a", "b"]).disconnectSockets(),
  "disconnect and close": (io) => io.disconnectSockets(true),
  "server-side": (io) => io.of("/chat").serverSideEmit("hello", "세계", { a: 1 }),
};

for (const [what, call] of Object.entries(calls)) {
  name = what;
  call(emitter);
}

const [, , file] = process.argv;
fs.writeFileSync(file, "[\n" + cases.map((c) => JSON.stringify(c)).join(",\n") + "\n]\n");
console.log(`${cases.length} messages recorded in ${file}`);
