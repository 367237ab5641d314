'use strict';
// socket.io 4.8 with one of adapters.js: node node-4.js <redis host> <redis port> [<name> [<mode> [recovery]]]

const http = require('http');
const { createClient } = require('redis');
const { Server } = require('server-4');

const adapters = require('./adapters');

const [host, port, name, mode = 'classic', recovery] = process.argv.slice(2);

async function main() {
  const pub = createClient({ socket: { host, port: Number(port) } });
  const sub = pub.duplicate();
  for (const client of [pub, sub]) client.on('error', (err) => console.error(String(err)));
  await Promise.all([pub.connect(), sub.connect()]);

  const server = http.createServer();
  const io = new Server(server, {
    adapter: adapters[mode](pub, sub, name),
    ...(recovery && { connectionStateRecovery: {} }),
  });
  for (const name of ['/', '/custom']) serve(io.of(name));
  server.listen(0, '127.0.0.1', () => console.log(JSON.stringify({ url: `http://127.0.0.1:${server.address().port}` })));
}

// What operations.js asks for, by name.
const operations = (nsp) => ({
  serverCount: () => nsp.adapter.serverCount(),
  async fetchSockets(to, except) {
    const sockets = await nsp.to(to).except(except).fetchSockets();
    return sockets.map(({ id, rooms, data, handshake }) => ({ id, rooms: [...rooms], data, query: handshake.query.name }));
  },
  async ids(to, except) { return (await nsp.to(to).except(except).fetchSockets()).map(({ id }) => id); },
  async allRooms() { return [...await nsp.adapter.allRooms()]; },
  serverSideEmit: (args) => { nsp.serverSideEmit(...args); },
  serverSideEmitWithAck: (args) => nsp.serverSideEmitWithAck(...args),
  emitWithAck: (to, except, what) => nsp.to(to).except(except).timeout(10000).emitWithAck('answer?', what),
  socketsJoin: (to, except, rooms) => nsp.to(to).except(except).socketsJoin(rooms),
  socketsLeave: (to, except, rooms) => nsp.to(to).except(except).socketsLeave(rooms),
  disconnectSockets: (to, except, close) => nsp.to(to).except(except).disconnectSockets(close),
});

function serve(nsp) {
  const notes = [];
  const does = operations(nsp);
  nsp.on('note', (what) => notes.push(what));
  nsp.on('sum', (a, b, answer) => answer({ name, sum: a + b }));
  nsp.on('customRequest', (data, answer) => answer({ name, data }));
  nsp.on('connection', (socket) => {
    if (socket.handshake.query.name && !socket.recovered) socket.data = { name: socket.handshake.query.name };
    socket.on('do', async (what, args, ack) => ack(await Promise.resolve().then(() => does[what](...args)).catch((err) => ({ error: String(err) })) ?? null));
    socket.on('notes', (ack) => ack(notes));
    socket.on('my rooms', (ack) => ack([...socket.rooms]));
    socket.on('join', (room, ack) => { socket.join(room); ack(true); });
    socket.on('my data', (ack) => ack([socket.recovered, socket.data]));
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
