'use strict';
// A Socket.IO server without an adapter, as a tutorial has it:
// node plain.js <server-2 | server-4> <the server's options in JSON> [password]

const http = require('http');

const [version, options, password] = process.argv.slice(2);

// What is not Socket.IO's path is a page, as a single-page application serves it.
const server = http.createServer((req, res) => {
  res.setHeader('Content-Type', 'text/html');
  res.end('<!doctype html><title>page</title>');
});
const library = require(version);
const io = new (library.Server || library)(server, JSON.parse(options));

if (password) {
  io.use((socket, next) => next(socket.handshake.auth.token === password ? undefined : new Error('wrong password')));
}
io.on('connection', (socket) => {
  socket.on('say', (what) => io.emit('heard', what));
});
io.of('/silent').use(() => {}); // neither lets in nor refuses

server.listen(0, '127.0.0.1', () => console.log(JSON.stringify({ url: `http://127.0.0.1:${server.address().port}` })));
process.stdin.on('end', () => process.exit(0)).resume();
