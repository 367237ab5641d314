// Rewrites requests.json: what engine.io answers to the requests listed here, each
// to a server of its own. Run it after "npm ci" in test/interop.
"use strict";
const fs = require("fs");
const http = require("http");
const path = require("path");
const { createRequire } = require("module");
const engine = createRequire(path.join(__dirname, "..", "..", "test", "interop", "package.json"))("engine.io");

const upgrade = {
  Connection: "Upgrade",
  Upgrade: "websocket",
  "Sec-WebSocket-Version": "13",
  "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
};
const text = { "Content-Type": "text/plain;charset=UTF-8" };
const binary = { "Content-Type": "application/octet-stream" };

// Each case: options of the server; the transport of a session opened before, if
// any, whose id takes the place of SID; the request. "refuse" makes allowRequest refuse.
const cases = [
  { name: "handshake", query: "EIO=4&transport=polling" },
  { name: "handshake of protocol 3", query: "EIO=3&transport=polling" },
  { name: "handshake without EIO", query: "transport=polling" },
  { name: "empty sid", query: "EIO=4&transport=polling&sid=" },
  { name: "no query", query: "" },
  { name: "no transport", query: "EIO=4" },
  { name: "unknown transport", query: "EIO=4&transport=tobi" },
  { name: "transport of JavaScript", query: "EIO=4&transport=constructor" },
  { name: "unknown transport and sid", query: "EIO=4&transport=tobi&sid=x" },
  { name: "unknown sid", query: "EIO=4&transport=polling&sid=tobi" },
  { name: "sid of JavaScript", query: "EIO=4&transport=polling&sid=__proto__" },
  { name: "unknown sid in a POST", method: "POST", headers: text, body: "4a", query: "EIO=4&transport=polling&sid=tobi" },
  { name: "POST without sid", method: "POST", headers: text, body: "4a", query: "EIO=4&transport=polling" },
  { name: "PUT without sid", method: "PUT", query: "EIO=4&transport=polling" },
  { name: "DELETE without sid", method: "DELETE", query: "EIO=4&transport=polling" },
  { name: "OPTIONS without sid", method: "OPTIONS", query: "EIO=4&transport=polling" },
  { name: "websocket without upgrade", query: "EIO=4&transport=websocket" },
  { name: "transport not allowed", options: { transports: ["polling"] }, query: "EIO=4&transport=websocket" },
  { name: "polling not allowed", options: { transports: ["websocket"] }, query: "EIO=4&transport=polling" },
  { name: "protocol 3 refused", options: { allowEIO3: false }, query: "EIO=3&transport=polling" },
  { name: "no EIO, refused", options: { allowEIO3: false }, query: "transport=polling" },
  { name: "EIO=5, refused", options: { allowEIO3: false }, query: "EIO=5&transport=polling" },
  { name: "refused", options: { refuse: "Thou shall not pass" }, query: "EIO=4&transport=polling" },
  { name: "refused, protocol 3 too", options: { refuse: "Thou shall not pass", allowEIO3: false }, query: "EIO=3&transport=polling" },
  { name: "refused, but the method is wrong", options: { refuse: "no" }, method: "POST", query: "EIO=4&transport=polling" },
  { name: "refused, but with sid", options: { refuse: "no" }, query: "EIO=4&transport=polling&sid=x" },
  { name: "websocket for polling's sid without upgrade", session: "polling", query: "EIO=4&transport=websocket&sid=SID" },
  { name: "polling for websocket's sid", session: "websocket", query: "EIO=4&transport=polling&sid=SID" },
  { name: "other protocol", session: "polling", query: "EIO=3&transport=polling&sid=SID" },
  { name: "no protocol", session: "polling", query: "transport=polling&sid=SID" },
  { name: "POST", session: "polling", method: "POST", headers: text, body: "4a", query: "EIO=4&transport=polling&sid=SID" },
  { name: "POST without content type", session: "polling", method: "POST", body: "4a", query: "EIO=4&transport=polling&sid=SID" },
  { name: "POST of binary", session: "polling", method: "POST", headers: binary, body: "4a", query: "EIO=4&transport=polling&sid=SID" },
  { name: "PUT", session: "polling", method: "PUT", query: "EIO=4&transport=polling&sid=SID" },
  { name: "DELETE", session: "polling", method: "DELETE", query: "EIO=4&transport=polling&sid=SID" },
  { name: "POST too large", options: { maxHttpBufferSize: 5 }, session: "polling", method: "POST", headers: text, body: "4aaaaa", query: "EIO=4&transport=polling&sid=SID" },
  { name: "chunked POST too large", options: { maxHttpBufferSize: 5 }, session: "polling", method: "POST", headers: { ...text, "Transfer-Encoding": "chunked" }, body: "4aaaaa", query: "EIO=4&transport=polling&sid=SID" },
  { name: "POST as large as allowed", options: { maxHttpBufferSize: 5 }, session: "polling", method: "POST", headers: text, body: "4aaaa", query: "EIO=4&transport=polling&sid=SID" },
  { name: "malformed POST", session: "polling", method: "POST", headers: text, body: "abc", query: "EIO=4&transport=polling&sid=SID" },
  { name: "empty POST", session: "polling", method: "POST", headers: text, body: "", query: "EIO=4&transport=polling&sid=SID" },
  { name: "malformed base64", session: "polling", method: "POST", headers: text, body: "4a\u001eb!", query: "EIO=4&transport=polling&sid=SID" },
  { name: "ping of a client of 4", session: "polling", method: "POST", headers: text, body: "2", query: "EIO=4&transport=polling&sid=SID" },
  { name: "close", session: "polling", method: "POST", headers: text, body: "1", query: "EIO=4&transport=polling&sid=SID" },
  { name: "malformed POST of 3", session: "polling3", method: "POST", headers: text, body: "abc", query: "EIO=3&transport=polling&sid=SID" },
  { name: "POST of 3 that is cut short", session: "polling3", method: "POST", headers: text, body: "9:4a", query: "EIO=3&transport=polling&sid=SID" },
  { name: "pong of a client of 3", session: "polling3", method: "POST", headers: text, body: "1:3", query: "EIO=3&transport=polling&sid=SID" },

  { name: "upgrade", headers: upgrade, query: "EIO=4&transport=websocket" },
  { name: "upgrade, unknown transport", headers: upgrade, query: "EIO=4&transport=tobi" },
  { name: "upgrade, unknown sid", headers: upgrade, query: "EIO=4&transport=websocket&sid=tobi" },
  { name: "upgrade, refused", options: { refuse: "Thou shall not pass" }, headers: upgrade, query: "EIO=4&transport=websocket" },
  { name: "upgrade, not allowed", options: { transports: ["polling"] }, headers: upgrade, query: "EIO=4&transport=websocket" },
  { name: "upgrade, other protocol", session: "polling", headers: upgrade, query: "EIO=3&transport=websocket&sid=SID" },
  { name: "upgrade, without key", headers: { ...upgrade, "Sec-WebSocket-Key": undefined }, query: "EIO=4&transport=websocket" },
  { name: "upgrade, old version", headers: { ...upgrade, "Sec-WebSocket-Version": "5" }, query: "EIO=4&transport=websocket" },
  { name: "upgrade by POST", method: "POST", headers: upgrade, query: "EIO=4&transport=websocket" },
];

const listen = (server) => new Promise((done) => server.listen(0, "127.0.0.1", done));

function request(port, c, sid) {
  return new Promise((done, fail) => {
    const headers = Object.fromEntries(Object.entries(c.headers || {}).filter(([, v]) => v !== undefined));
    if (c.body !== undefined && !headers["Transfer-Encoding"]) headers["Content-Length"] = Buffer.byteLength(c.body);
    const req = http.request({ port, host: "127.0.0.1", method: c.method || "GET", path: "/engine.io/?" + c.query.replace("SID", sid), headers, agent: false });
    req.on("response", (res) => {
      let body = "";
      res.on("data", (d) => (body += d));
      res.on("end", () => done({ status: res.statusCode, type: res.headers["content-type"] || "", body }));
    });
    req.on("upgrade", (res, socket) => {
      socket.destroy();
      done({ status: res.statusCode, type: "", body: "" });
    });
    req.on("error", fail);
    req.end(c.body);
  });
}

// open opens the session that a case needs, and returns its id.
async function open(port, kind) {
  if (kind === "websocket") {
    const { Socket } = createRequire(path.join(__dirname, "..", "..", "test", "interop", "package.json"))("engine.io-client");
    const socket = new Socket("ws://127.0.0.1:" + port, { transports: ["websocket"] });
    await new Promise((done) => socket.on("open", done));
    return socket.id;
  }
  const res = await request(port, { query: `EIO=${kind === "polling3" ? 3 : 4}&transport=polling` });
  return /"sid":"([^"]+)"/.exec(res.body)[1];
}

async function main() {
  const out = [];
  for (const c of cases) {
    const { refuse, ...options } = { allowEIO3: true, ...c.options };
    if (refuse) options.allowRequest = (req, done) => done(refuse, false);
    const server = http.createServer();
    const io = engine.attach(server, options);
    await listen(server);
    const reasons = [];
    io.on("connection", (socket) => socket.on("close", (reason) => reasons.push(reason)));
    const { port } = server.address();
    const sid = c.session ? await open(port, c.session) : "";
    const reply = await request(port, c, sid);
    reply.body = reply.body.replace(/"sid":"[^"]+"/, '"sid":"SID"');
    await new Promise((done) => setTimeout(done, 20));
    out.push({ ...c, reply, sessions: io.clientsCount, reason: c.session && reasons[0] });
    io.close();
    server.closeAllConnections();
    server.close();
  }
  fs.writeFileSync(path.join(__dirname, "requests.json"), "[\n" + out.map((c) => "  " + JSON.stringify(c)).join(",\n") + "\n]\n");
  process.exit(0);
}
main();
