// What the generations of engine.io-parser write and read.
"use strict";

const old = {
  1.2: require("engine.io-parser-1.2"),
  1.3: require("engine.io-parser-1.3"),
  2.2: require("engine.io-parser-2.2"),
};
const parser5 = require("engine.io-parser-5.2");

const base64 = (data) => Buffer.from(data, "utf8").toString("base64");

// payloads are lists of packets that a client or a server could send.
const message = (data) => ({ type: "message", data });
const payloads = [
  [{ type: "ping" }],
  [{ type: "ping", data: "probe" }],
  [{ type: "pong" }, { type: "noop" }, { type: "close" }, { type: "upgrade" }],
  [{ type: "open", data: '{"sid":"abc","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":20000}' }],
  [message("hello")],
  [message("")],
  [message("2:4a"), message("1:"), message("b64")],
  [message("안녕하세요"), message("a")],
  [message('2["msgToServer",{"name":"담소","text":"안녕 👋🏽"}]')],
  [message("é"), message("ÿ"), message("\u0080"), message("ñandú ¿qué?")],
  [message("👍"), message("𝄞 clef"), message("👨‍👩‍👧‍👦")],
  [message("\uffff\ufffd\ufeff"), message("\u2028\u2029"), message("line\nbreak\r\n\ttab")],
  [message("lone \ud800 high"), message("lone \udc00 low")],
  [message("\u0000\u001f")],
  [message(Buffer.from([]))],
  [message(Buffer.from([0, 1, 2, 253, 254, 255]))],
  [message("안녕"), message(Buffer.from("안녕")), message("again"), message(Buffer.from([30, 4, 58]))],
  [message(Buffer.alloc(300, 7)), message("x".repeat(1234)), message("가".repeat(345))],
];

// show gives a packet as it is written to the file.
function show(packet) {
  const binary = Buffer.isBuffer(packet.data);
  return { type: packet.type, binary, data: binary ? packet.data.toString("base64") : base64(packet.data || "") };
}

const has30 = (packets) => packets.some((p) => typeof p.data === "string" && p.data.includes("\u001e"));

// Of the payloads, what each parser writes in each form. A parser that throws has no case.
const encode = [];
for (const packets of payloads) {
  const add = (parser, form, body) => encode.push({ parser, form, packets: packets.map(show), body: base64(body) });
  if (!has30(packets)) {
    parser5.encodePayload(packets, (body) => add("5.2", "v4", body));
  }
  for (const version of ["1.2", "1.3", "2.2"]) {
    const copy = () => packets.map((p) => ({ ...p }));
    try {
      old[version].encodePayload(copy(), false, (body) => add(version, "v3 text", body));
    } catch (e) {}
    try {
      old[version].encodePayloadAsBinary(copy(), (body) =>
        encode.push({ parser: version, form: "v3 binary", packets: packets.map(show), body: body.toString("base64") })
      );
    } catch (e) {}
  }
}

// read gives what a parser of protocol 3 makes of a body, null if it finds fault with it.
function read(parser, body) {
  const packets = [];
  let fault = false;
  try {
    parser.decodePayload(body, (packet) => {
      if (packet.type === "error" || packet.type === undefined) fault = true;
      else packets.push(show(packet));
    });
  } catch (e) {
    fault = true;
  }
  return fault ? null : packets;
}

// JSON in ASCII only, as a server must write it for clients of whom it is not known whether they are 1.x or 2.x.
const ascii = (json) =>
  json.replace(/[^\0-\x7f]/g, (c) => "\\u" + c.charCodeAt(0).toString(16).padStart(4, "0"));
const escaped = [];
for (const value of ["안녕하세요", "é ÿ \u0080", "👍𝄞", "\ud800", "plain", "\uffff"]) {
  const json = JSON.stringify(["msg", { text: value, "키": 1 }]);
  // A lone surrogate can't be in UTF-8; JSON.stringify has escaped it already.
  const text = ascii(json);
  for (const version of ["1.2", "1.3", "2.2"]) {
    const body = `${text.length + 1}:4${text}`;
    const got = read(old[version], body);
    if (Buffer.from(got[0].data, "base64").toString() !== text) throw new Error(`${version} does not read ${text}`);
    if (JSON.parse(text)[1].text !== value) throw new Error(`${text} is not ${json}`);
  }
  escaped.push({ json: base64(json), ascii: text });
}

// Bodies of which many are broken: what the parsers make of them. null is a fault.
const bodies4 = ["", "4", "4a", "7", "a", "b", "bAQID", "bAQ==", "bAQ", "4a\x1e", "\x1e4a", "4a\x1e\x1e4b", "4a\x1e4b", "2probe",
  "4a\x1ebAQID\x1e4", "/", "44", "-1", " 4", "안", "4안\x1e4녕", "b\x1e4"];
const bodies3 = ["", ":", "0:", "1:", "1:4", "2:4a", "3:4a", "1:4a", "2:4a2:4b", "2:4a2", "2:4a:", "a:4", "-1:4", "1:7", "1:a", "2:4안",
  "4:4안녕", "3:4👍", "2:4👍", "5:b4AQ==", "1:b", "2:b4", "6:b4AQID", "1:4" + "0:".repeat(3), "00000000000001:4", "99999999999999999999:4",
  "2147483648:4", "4a"];
const bin = (kind, length, data) => Buffer.from([kind, ...String(length).split("").map(Number), 255, ...Buffer.from(data)]);
const bodies3binary = [
  Buffer.alloc(0), bin(0, 2, "4a"), bin(0, 1, "4"), bin(1, 2, [4, 1]), bin(1, 1, [4]), bin(0, 0, ""), Buffer.from([0]), Buffer.from([0, 1]),
  Buffer.from([0, 255]), bin(0, 3, "4a"), bin(1, 9, [4]), bin(0, 4, "4안"), bin(0, 6, "b4AQID"), bin(0, 1, "9"), bin(1, 2, [9, 1]),
  Buffer.concat([bin(0, 2, "4a"), bin(1, 2, [4, 255]), bin(0, 1, "6")]), Buffer.from([0, 48, 255, 52]), Buffer.from([2, 1, 255, 52]),
  Buffer.concat([Buffer.from([0]), Buffer.alloc(400, 9)]), Buffer.from([0, 2, 255, 0x34, 0xff]), Buffer.from([0, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 255, 52]),
];
const decode = [];
for (const body of bodies4) {
  const packets = parser5.decodePayload(body);
  const fault = packets.some((p) => p.type === "error");
  decode.push({ parser: "5.2", form: "v4", body: base64(body), packets: fault ? null : packets.map(show) });
}
for (const body of bodies3) {
  decode.push({ parser: "2.2", form: "v3 text", body: base64(body), packets: read(old["2.2"], body) });
}
for (const body of bodies3binary) {
  decode.push({ parser: "2.2", form: "v3 binary", body: body.toString("base64"), packets: read(old["2.2"], body) });
}

module.exports = { encode, escaped, decode };
