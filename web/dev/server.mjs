// A stand-in for the Damso server, for work on the page alone: one Node
// Socket.IO server that speaks the chat's protocol, with acknowledgements and
// the node's name. It also serves the built page with its security headers.
//
//   PORT        3000
//   NODE_ID     what the page shows as the node, "dev-1"
//   ARTICLE     "1" answers as the article's server does: no ack, no node
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname } from "node:path";
import { Server } from "socket.io";

const port = Number(process.env.PORT ?? 3000);
const nodeId = process.env.NODE_ID ?? "dev-1";
const article = process.env.ARTICLE === "1";

const site = new URL("../../internal/page/dist/site/", import.meta.url);
const types = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml" };
const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
  "manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; " +
  "require-trusted-types-for 'script'; trusted-types vue";

const http = createServer(async (req, res) => {
  const { pathname } = new URL(req.url, "http://localhost");
  const name = pathname === "/" ? "index.html" : pathname.slice(1);
  try {
    const body = await readFile(new URL(name, site));
    res.setHeader("Content-Security-Policy", policy);
    res.setHeader("Content-Type", types[extname(name)] ?? "application/octet-stream");
    res.end(body);
  } catch {
    res.writeHead(404).end("not found\n");
  }
});

const count = (s) => [...s].length;

// fault says what is wrong with a payload, or nothing.
function fault(m) {
  if (typeof m?.name !== "string" || typeof m?.text !== "string") return "name and text must be strings";
  if (count(m.name) < 1 || count(m.name) > 50) return "name must have 1 to 50 characters";
  if (count(m.text) < 1 || count(m.text) > 2000) return "text must have 1 to 2000 characters";
}

const chat = new Server(http).of("/chat");
chat.on("connection", (socket) => {
  if (!article) socket.emit("node", { id: nodeId });
  chat.emit("msgToClient", { name: "admin", text: "join chat." });
  socket.on("msgToServer", (message, ack) => {
    const wrong = fault(message);
    if (wrong) socket.emit("exception", { status: "error", message: wrong });
    else chat.emit("msgToClient", message);
    if (!article && typeof ack === "function") ack(wrong ? { status: "error", message: wrong } : { status: "ok" });
  });
});

http.listen(port, () => console.log(`http://localhost:${http.address().port}`));
