'use strict';
// The events of README.md for a socket.io 4 server.

const greeting = '안녕하세요, 담소예요 🍵 ñ';

function serve(io) {
  io.engine.on('connection', (conn) => conn.once('upgrade', () => upgraded.add(conn)));
  for (const name of ['/', '/chat', '/a', '/b', /^\/dynamic-\d+$/]) open(io.of(name));

  io.of('/refuse').use((socket, next) => {
    next(Object.assign(new Error('문 닫았습니다 🚪'), { data: { code: 7, why: '점심 시간' } }));
  });
  io.of('/refuse-plain').use((socket, next) => next(new Error('no entry')));
  io.of('/token').use((socket, next) => next(socket.handshake.auth.token === 'secret' ? undefined : new Error('no token')));
  open(io.of('/token'));
}

function open(nsp) {
  nsp.on('connection', (socket) => {
    const { query, auth, headers, url, secure, address, issued } = socket.handshake;
    let numbers = [];

    socket.emit('welcome', { id: socket.id, query, auth });
    socket.on('disconnecting', () => left.add(socket.id, [...socket.rooms].sort()));
    socket.on('disconnect', (reason) => gone.add(socket.id, reason));

    socket.on('echo', (...args) => {
      const last = args[args.length - 1];
      if (typeof last === 'function') last(...args.slice(0, -1));
      else socket.emit('echo', ...args);
    });
    socket.on('question', async (...args) => socket.emit('answered', ...await asked(socket, args)));
    socket.on('greet', () => socket.emit('greeting', greeting, { [greeting]: Buffer.from(greeting) }));
    socket.on('spell', (text, ack) => ack([...text].map((char) => char.codePointAt(0))));
    socket.on('join', (room, ack) => { socket.join(room); ack(); });
    socket.on('leave', (room, ack) => { socket.leave(room); ack(); });
    socket.on('rooms', (ack) => ack([...socket.rooms].sort()));
    socket.on('say', ({ from, to, except, volatile }, said) => {
      let target = from === 'socket' ? socket.broadcast : socket.nsp;
      target = target.to(to).except(except);
      if (volatile) target = target.volatile;
      target.emit('heard', said);
    });
    socket.on('murmur', (said) => socket.volatile.emit('heard', said));
    socket.on('burst', (count, binary) => {
      for (let i = 0; i < count; i++) socket.emit('number', i % 10 === 0 && binary ? { i, bytes: Buffer.from([i & 255]) } : { i });
    });
    socket.on('number', ({ i }) => numbers.push(i));
    socket.on('numbers', (ack) => { ack(numbers); numbers = []; });
    socket.on('gone', (id, ack) => gone.wait(id, ack));
    socket.on('left', (id, ack) => left.wait(id, ack));
    socket.on('conn', (ack) => ack({ transport: socket.conn.transport.name, upgraded: upgraded.has(socket.conn) }));
    socket.on('handshake', (ack) => ack({
      url, secure, header: headers['x-damso'], address: address.replace('::ffff:', ''), recent: Math.abs(Date.now() - issued) < 60000,
    }));
    socket.on('poll', (room, ms, what, ack) => {
      nsp.to(room).timeout(ms).emit('question', what, (err, answers) => ack({ answers: answers.sort(), complete: !err }));
    });
    socket.on('gather', (room, into, ack) => { nsp.in(room).socketsJoin(into); ack(); });
    socket.on('scatter', (room, from, ack) => { nsp.in(room).socketsLeave(from); ack(); });
    socket.on('who', async (room, ack) => ack((await nsp.in(room).fetchSockets()).map(({ id }) => id).sort()));
    socket.on('expel', (room) => nsp.in(room).disconnectSockets());
    socket.on('dismiss', (close) => socket.disconnect(close));
  });
}

function asked(socket, args) {
  return new Promise((resolve) => socket.emit('question', ...args, (...answer) => resolve(answer)));
}

// Departures remembers something of each socket that went, for whoever asks before or after.
class Departures {
  constructor() { this.reasons = new Map(); this.waiting = new Map(); }

  add(id, reason) { this.reasons.set(id, reason); this.waiting.get(id)?.(reason); }

  wait(id, ack) {
    if (this.reasons.has(id)) ack(this.reasons.get(id));
    else this.waiting.set(id, ack);
  }
}

const gone = new Departures(); // why, of all servers of the process
const left = new Departures(); // which rooms
const upgraded = new WeakSet(); // connections

module.exports = { serve };
