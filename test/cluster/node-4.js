'use strict';
// socket.io 4.8 with @socket.io/redis-adapter 8.3: node node-4.js <redis host> <redis port>

const http = require('http');
const { createAdapter } = require('@socket.io/redis-adapter');
const { createClient } = require('redis');
const { Server } = require('server-4');

const [host, port] = process.argv.slice(2);

async function main() {
  const pub = createClient({ socket: { host, port: Number(port) } });
  const sub = pub.duplicate();
  for (const client of [pub, sub]) client.on('error', (err) => console.error(String(err)));
  await Promise.all([pub.connect(), sub.connect()]);

  const server = http.createServer();
  const io = new Server(server, { adapter: createAdapter(pub, sub) });
  for (const name of ['/', '/custom']) serve(io.of(name));
  server.listen(0, '127.0.0.1', () => console.log(JSON.stringify({ url: `http://127.0.0.1:${server.address().port}` })));
}

function serve(nsp) {
  nsp.on('connection', (socket) => {
    socket.on('join', (room, ack) => { socket.join(room); ack(true); });
    socket.on('whoami', (ack) => ack(socket.id));
    socket.on('say', ({ from, to, except, volatile, local }, what) => {
      let target = (from === 'socket' ? socket.broadcast : nsp).to(to).except(except);
      if (volatile) target = target.volatile;
      if (local) target = target.local;
      target.emit('heard', what);
    });
  });
}

// A publish that fails while Redis is away must not end the process.
process.on('unhandledRejection', (err) => console.error(String(err)));
process.stdin.on('end', () => process.exit(0)).resume();
main();
