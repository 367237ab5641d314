'use strict';
// The events of README.md for a socket.io 4 server.

const greeting = '안녕하세요, 담소예요 🍵 ñ';

function serve(io) {
  for (const name of ['/', '/chat', '/a', '/b']) open(io.of(name));

  io.of('/refuse').use((socket, next) => {
    next(Object.assign(new Error('문 닫았습니다 🚪'), { data: { code: 7, why: '점심 시간' } }));
  });
  io.of('/refuse-plain').use((socket, next) => next(new Error('no entry')));
  io.of('/token').use((socket, next) => next(socket.handshake.auth.token === 'secret' ? undefined : new Error('no token')));
  open(io.of('/token'));
}

function open(nsp) {
  nsp.on('connection', (socket) => {
    const { query, auth } = socket.handshake;
    let numbers = [];

    socket.emit('welcome', { id: socket.id, query, auth });
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
      let target = from === 'socket' ? socket.broadcast : nsp;
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
    socket.on('dismiss', (close) => socket.disconnect(close));
  });
}

function asked(socket, args) {
  return new Promise((resolve) => socket.emit('question', ...args, (...answer) => resolve(answer)));
}

// Departures remembers why each socket went, for whoever asks before or after.
class Departures {
  constructor() { this.reasons = new Map(); this.waiting = new Map(); }

  add(id, reason) { this.reasons.set(id, reason); this.waiting.get(id)?.(reason); }

  wait(id, ack) {
    if (this.reasons.has(id)) ack(this.reasons.get(id));
    else this.waiting.set(id, ack);
  }
}

const gone = new Departures(); // of all servers of the process

module.exports = { serve };
