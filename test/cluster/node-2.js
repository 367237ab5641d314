'use strict';
// socket.io 2.4.1 with socket.io-redis 5.4.0: node node-2.js <redis host> <redis port> [<name>]

const http = require('http');
const adapter = require('socket.io-redis');

const [host, port, myName] = process.argv.slice(2);
const server = http.createServer();
const io = require('server-2')(server);
io.adapter(adapter({ host, port: Number(port) }));

// What operations.js asks for, by name: methods of the adapter.
function does(nsp, what, args) {
  return new Promise((resolve) => nsp.adapter[what](...args, (err, result) => resolve(err ? { error: String(err) } : result ?? null)));
}

for (const name of ['/', '/custom']) {
  const nsp = io.of(name);
  nsp.adapter.customHook = (data, answer) => answer({ name: myName, data });
  nsp.adapter.on('error', (err) => console.error(name, String(err))); // without a listener the process would end
  nsp.on('connection', (socket) => {
    socket.on('join', (room, ack) => socket.join(room, () => ack(true)));
    socket.on('whoami', (ack) => ack(socket.id));
    socket.on('do', async (what, args, ack) => ack(await does(nsp, what, args)));
    socket.on('my rooms', (ack) => ack(Object.keys(nsp.adapter.sids[socket.id] || {})));
    socket.on('say', ({ from, to, volatile, local }, what) => {
      let target = from === 'socket' ? socket.broadcast : nsp;
      for (const room of to) target = target.to(room);
      if (volatile) target = target.volatile;
      if (local) target = target.local;
      target.emit('heard', what);
    });
  });
}

process.stdin.on('end', () => process.exit(0)).resume();
server.listen(0, '127.0.0.1', () => console.log(JSON.stringify({ url: `http://127.0.0.1:${server.address().port}` })));
