// The chat on socket.io 4 without a framework.
const http = require("http");
const { Server } = require("socket.io");

const REDIS_PORT = process.env.REDIS_PORT;
const JOIN_MSG = process.env.JOIN_MSG !== "0";

async function main() {
  const opts = {};
  if (process.env.ENGINE === "eiows") opts.wsEngine = require("eiows").Server;
  if (REDIS_PORT) {
    const { createClient } = require("redis");
    const { createAdapter } = require("@socket.io/redis-adapter");
    const pub = createClient({ socket: { host: process.env.REDIS_HOST || "127.0.0.1", port: +REDIS_PORT } });
    const sub = pub.duplicate();
    await Promise.all([pub.connect(), sub.connect()]);
    opts.adapter = createAdapter(pub, sub);
  }
  const srv = http.createServer();
  const io = new Server(srv, opts);
  const chat = io.of("/chat");
  chat.on("connection", (s) => {
    if (JOIN_MSG) chat.emit("msgToClient", { name: "admin", text: "join chat." });
    s.on("msgToServer", (p) => chat.emit("msgToClient", p));
    s.on("echo", (p, ack) => typeof ack === "function" && ack(p));
    s.on("join", (room, ack) => { s.join(room); if (typeof ack === "function") ack("ok"); });
    s.on("roomMsg", (p) => chat.to(p.room).emit("msgToClient", p));
  });
  srv.listen(+process.env.NODE_PORT || 3000, "127.0.0.1", 8192);
}
main();
