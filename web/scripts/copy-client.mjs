// Copies the client library to where the binary embeds it, under the names
// that Node's Socket.IO server offers.
import { cpSync, mkdirSync, rmSync } from "node:fs";

const from = new URL("../node_modules/socket.io-client/", import.meta.url);
const to = new URL("../../internal/page/dist/client/", import.meta.url);

const files = ["socket.io.esm.min.js", "socket.io.js", "socket.io.min.js", "socket.io.msgpack.min.js"];

rmSync(to, { recursive: true, force: true });
mkdirSync(to, { recursive: true });
for (const file of files.flatMap((name) => [name, `${name}.map`])) {
  cpSync(new URL(`dist/${file}`, from), new URL(file, to));
}
