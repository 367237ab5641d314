// What the generations of socket.io-parser write and read.
"use strict";

const versions = ["2.2", "2.3", "3.4", "4.2"];
const parsers = Object.fromEntries(versions.map((v) => [v, require("socket.io-parser-" + v)]));

const CONNECT = 0, DISCONNECT = 1, EVENT = 2, ACK = 3, ERROR = 4, BINARY_EVENT = 5, BINARY_ACK = 6;
const buf = (...bytes) => Buffer.from(bytes);

// packets that a client or a server could send. Keys of objects are in order, as Go's maps have them.
const packets = [
  { type: CONNECT, nsp: "/" },
  { type: CONNECT, nsp: "/chat" },
  { type: CONNECT, nsp: "/chat?username=x&room=%EB%8B%B4" },
  { type: CONNECT, nsp: "/", data: { token: "123" } },
  { type: CONNECT, nsp: "/채팅", data: { sid: "abc" } },
  { type: DISCONNECT, nsp: "/" },
  { type: DISCONNECT, nsp: "/chat" },
  { type: ERROR, nsp: "/chat", data: "Unauthorized" },
  { type: ERROR, nsp: "/chat", data: { message: "Not authorized", data: { code: 42 } } },
  { type: EVENT, nsp: "/", data: ["hello"] },
  { type: EVENT, nsp: "/", data: ["a", 1, -1.5, 1e21, 1e-7, true, null, "x", [], {}] },
  { type: EVENT, nsp: "/chat", id: 0, data: ["msgToServer", { name: "담소", text: "안녕 👋🏽 <b>&</b>" }] },
  { type: EVENT, nsp: "/chat", id: 9007199254740991, data: ["안녕", "\u2028\u2029\u007f\u0000\\\"/"] },
  { type: EVENT, nsp: "/", data: ["lone", "\ud800", "\udc00x"] },
  { type: EVENT, nsp: "/", data: [1, "number as name"] },
  { type: EVENT, nsp: "/", data: ["fake", { _placeholder: true, num: 7 }] },
  { type: EVENT, nsp: "/", data: ["proto", JSON.parse('{"__proto__":{"x":1},"constructor":2}')] },
  { type: ACK, nsp: "/", id: 12, data: [] },
  { type: ACK, nsp: "/chat", id: 1, data: [{ ok: true }, "둘"] },
  { type: BINARY_EVENT, nsp: "/", data: ["bin", buf(1, 2, 255)] },
  { type: BINARY_EVENT, nsp: "/", data: ["empty", buf()] },
  { type: BINARY_EVENT, nsp: "/chat", id: 5, data: ["bin", { a: buf(1), b: [buf(2), { c: buf(3) }, "안녕"], d: null }, buf(4)] },
  { type: BINARY_ACK, nsp: "/", id: 3, data: [buf(0), 1, [[buf(1)]]] },
  { type: BINARY_ACK, nsp: "/chat", id: 3, data: [{ "키": buf(0xec, 0x95, 0x88) }] },
];

// plain gives data as JSON can hold it: binary is {"$binary": base64}.
function plain(data) {
  if (Buffer.isBuffer(data)) return { $binary: data.toString("base64") };
  if (Array.isArray(data)) return data.map(plain);
  if (data === null || typeof data !== "object") return data;
  const out = Object.create(null);
  for (const key of Object.keys(data)) out[key] = plain(data[key]);
  return out;
}

const frame = (f) => (typeof f === "string" ? { text: f } : { binary: f.toString("base64") });

const encode = [];
for (const packet of packets) {
  const expected = plain(packet.data);
  for (const version of versions) {
    const { Encoder } = parsers[version];
    // 4.2 finds binary by itself, and encodes in place.
    const base = version === "4.2" && packet.type >= BINARY_EVENT ? packet.type - 3 : packet.type;
    const copy = { ...packet, type: base, data: packet.data && clone(packet.data) };
    const done = (frames) =>
      encode.push({ parser: version, type: packet.type, nsp: packet.nsp, id: packet.id, data: expected, frames: frames.map(frame) });
    const frames = new Encoder().encode(copy, done);
    if (frames) done(frames);
  }
}

function clone(data) {
  if (Buffer.isBuffer(data)) return Buffer.from(data);
  if (Array.isArray(data)) return data.map(clone);
  if (data === null || typeof data !== "object") return data;
  const out = {};
  for (const key of Object.keys(data)) {
    Object.defineProperty(out, key, { value: clone(data[key]), enumerable: true, writable: true, configurable: true });
  }
  return out;
}

// Texts of which many are broken, and what the strict parsers make of them: the packet, or null for a fault.
const texts = [
  "", "0", "1", "2", "3", "4", "5", "6", "7", "9", "a", "-1", " 2[\"a\"]", "00", "01", "0{}", '0{"a":1}', "0[]", "0null", '0"x"', "0/", "0/,",
  "0/chat", "0/chat,", '0/chat,{"a":1}', "0/chat?username=x", "0/chat?username=x,", '0/chat?a=b,{"c":1}', "1/chat", "1/chat,", "1{}", "1null",
  '2["a"]', '2[1]', "2[1.5]", "2[-1]", "2[]", "2[null]", "2[{}]", "2[[]]", "2[true]", "2{}", '2"a"', "2null", "21", '21["a"]', '2/chat["a"]',
  '2/chat,["a"]', '2/chat,1["a"]', '2/,["a"]', '2["a"', '2["a"]]', '2["a",]', "2['a']", '2["a"]x', '2 ["a"]', '2["a"] ', '2 1["a"]',
  '2[ "a" , 1 ]', '2["connect"]', '2["connect_error"]', '2["disconnect"]', '2["disconnecting"]', '2["newListener"]', '2["removeListener"]',
  '2["disconn\\u0065ct"]', '2["connect "]', '2["__proto__"]', '2["a",{"__proto__":1}]', '2["\\ud800"]', '2["\\u12"]', '2["\\x"]', '2["\t"]',
  '2["a",01]', '2["a",1.]', '2["a",.5]', '2["a",+1]', '2["a",1e5]', '2["a",1E+5]', '2["a",-]', '2["a",-0]', '2["a",NaN]', '2["a",nul]',
  '29007199254740991["a"]', '29007199254740993["a"]', '299999999999999999999999["a"]', '2-1["a"]', '21.5["a"]', '21e1["a"]',
  "3[]", "31[]", "31", '31["connect"]', "31{}", "31null", "3/chat,1[]", '4"x"', '4{"message":"x"}', "4[]", "4null", "41", "4/chat,\"x\"",
  '50-["a"]', '51-["a",{"_placeholder":true,"num":0}]', '5["a"]', '5-["a"]', '51["a"]', '5a-["a"]', '51.5-["a"]', '5-1-["a"]', '51e1-["a"]',
  '5 1-["a",{"_placeholder":true,"num":0}]', '511-["a"]', '510-["a"]', '5999999999999-["a"]', '5Infinity-["a"]', '51-', '51-/chat,', '51-{}',
  '51-["disconnect",{"_placeholder":true,"num":0}]', '51-/chat,12["a",{"_placeholder":true,"num":0}]', '61-3[{"_placeholder":true,"num":0}]',
  '61-[{"_placeholder":true,"num":0}]',
  '51-["a",{"_placeholder":true,"num":1}]', '51-["a",{"_placeholder":true,"num":-1}]', '51-["a",{"_placeholder":true,"num":"0"}]',
  '51-["a",{"_placeholder":true,"num":"splice"}]', '51-["a",{"_placeholder":true,"num":0.5}]', '51-["a",{"_placeholder":true,"num":1e99}]',
  '51-["a",{"_placeholder":true}]', '51-["a",{"_placeholder":true,"num":null}]', '51-["a",{"_placeholder":true,"num":[0]}]',
  '51-["a",{"_placeholder":1,"num":9}]', '51-["a",{"_placeholder":"true","num":9}]', '51-["a",{"_placeholder":false,"num":9}]',
  '51-["a",{"num":0,"_placeholder":true,"x":{"_placeholder":true,"num":9}}]', '51-["a",{"_placeholder":false,"_placeholder":true,"num":0}]',
  '51-["a",{"\\u005fplaceholder":true,"n\\u0075m":9}]', '51-["a",{"_placeholder":true,"num":9,"num":0}]', '51-["a",[[{"_placeholder":true,"num":0}]]]',
  '51-["a"]', '52-["a",{"_placeholder":true,"num":1},{"_placeholder":true,"num":1}]',
];

function read({ Decoder }, text) {
  const decoder = new Decoder();
  let got = null;
  let announced = 0;
  decoder.on("decoded", (packet) => (got = packet));
  try {
    decoder.add(text);
    for (; got === null && announced < 10; announced++) decoder.add(buf(announced));
  } catch (e) {
    return null;
  }
  if (got === null || typeof got.type !== "number") return null;
  return { type: got.type, nsp: got.nsp, id: got.id, data: plain(got.data), attachments: announced };
}

const decode = texts.map((text) => ({ text, "3.4": read(parsers["3.4"], text), 4.2: read(parsers["4.2"], text) }));

module.exports = { encode, decode };
