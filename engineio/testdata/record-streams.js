// Rewrites streams.json: the frames that engine.io-parser writes to a stream for each
// packet, and what it reads from streams. Run it after "npm ci" in test/interop.
"use strict";
const fs = require("fs");
const path = require("path");
const { createRequire } = require("module");
const inEngine = createRequire(createRequire(path.join(__dirname, "..", "..", "test", "interop", "package.json")).resolve("engine.io"));
const { createPacketEncoderStream, createPacketDecoderStream } = inEngine("engine.io-parser");

const packets = [
  { type: "open" },
  { type: "ping", data: "probe" },
  { type: "message", data: "안녕" },
  ...[0, 1, 124, 125, 126, 65534, 65535, 65536].map((n) => ({ type: "message", data: "a".repeat(n) })),
  ...[1, 125, 126, 65535, 65536].map((n) => ({ type: "message", data: Buffer.alloc(n, 7) })),
];

// Read with at most 1000 bytes in a message.
const streams = [
  "0130", "81ff", "00", "0139", "033461620131", "7e03e9", "7f0000000100000000", "7fffffffffffffffff", "ffffffffffffffffff",
  "7e000334c3a9", "fe000101", "7f000000000000000134", "0562414148", "05624141482f0162",
];

async function through(transform, chunks) {
  const out = [];
  const reader = transform.readable.getReader();
  const reading = (async () => {
    for (let r = await reader.read(); !r.done; r = await reader.read()) out.push(r.value);
  })();
  const writer = transform.writable.getWriter();
  for (const chunk of chunks) await writer.write(chunk);
  await writer.close();
  await reading;
  return out;
}

const json = (p) => ({ type: p.type, text: typeof p.data === "string" ? p.data : undefined, hex: p.data && typeof p.data !== "string" ? Buffer.from(p.data).toString("hex") : undefined });

(async () => {
  const written = [];
  for (const p of packets) {
    const bytes = Buffer.concat((await through(createPacketEncoderStream(), [p])).map((b) => Buffer.from(b)));
    written.push({ type: p.type, binary: Buffer.isBuffer(p.data), length: p.data ? p.data.length : 0, header: bytes.subarray(0, 12).toString("hex"), size: bytes.length });
  }
  const read = [];
  for (const hex of streams) {
    const got = await through(createPacketDecoderStream(1000, "nodebuffer"), [new Uint8Array(Buffer.from(hex, "hex"))]);
    read.push({ stream: hex, packets: got.map(json) });
  }
  fs.writeFileSync(path.join(__dirname, "streams.json"), JSON.stringify({ written, read }, null, 1) + "\n");
})();
