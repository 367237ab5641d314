'use strict';
// Limits on events and connections. Each case is a user and comes from an address of
// its own.

const { randomBytes } = require('crypto');

const someAddress = () => ['10', ...randomBytes(3)].join('.');

const from = (address) => ({ extraHeaders: { 'X-Forwarded-For': address } });

const as = (t, user) => ({ query: t.generation < 2 ? `user=${user}` : { user }, ...from(someAddress()) });

const refused = async (t, nsp, opts) => {
  const socket = t.open(nsp, opts);
  const [err] = await t.once(socket, t.generation < 3 ? 'error' : 'connect_error');
  t.ok(!socket.connected, 'connected in spite of the refusal');
  socket.disconnect();
  return t.generation < 3 ? err : err.data;
};

module.exports = {
  async 'too many events, with an acknowledgement'(t) {
    const socket = await t.connect('/limited', as(t, t.tag));
    for (let i = 0; i < 3; i++) t.same(await t.ask(socket, 'rare', i), [i]);
    const [answer] = await t.ask(socket, 'rare', 3);
    t.same([answer.status, answer.code], ['error', 'rate_limited']);
    t.ok(answer.retryAfterMs > 0 && answer.message.startsWith('too many events'), JSON.stringify(answer));
    t.same(await t.echo(socket, 'others pass'), ['others pass']);
  },

  async 'too many events, without'(t) {
    const socket = await t.connect('/limited', as(t, t.tag));
    const told = t.take(socket, 'exception', 2);
    for (let i = 0; i < 5; i++) socket.emit('rare', i);
    t.same((await told).map(({ code, event }) => [code, event]), [['rate_limited', 'rare'], ['rate_limited', 'rare']]);
    t.same(await t.echo(socket, 'others pass'), ['others pass']);
  },

  async 'too many events of a user'(t) {
    const sockets = [await t.connect('/limited', as(t, t.tag)), await t.connect('/limited', as(t, t.tag))];
    const codes = [];
    for (let i = 0; i < 6; i++) codes.push((await t.ask(sockets[i % 2], 'shared', i))[0].code);
    t.same(codes, [undefined, undefined, undefined, undefined, 'rate_limited', 'rate_limited']);
  },

  async 'too many connections of a user'(t) {
    const [first] = [await t.connect('/limited', as(t, t.tag)), await t.connect('/limited', as(t, t.tag))];
    const message = 'too many connections of this user';
    t.same(await refused(t, '/limited', as(t, t.tag)), { code: 'too_many_connections', message });
    first.disconnect();
    for (let ok = false; !ok;) { // until the server knows
      const socket = t.open('/limited', as(t, t.tag));
      ok = await t.limit('connect', new Promise((resolve) => {
        socket.on('connect', () => resolve(true));
        socket.on(t.generation < 3 ? 'error' : 'connect_error', () => resolve(false));
      }));
    }
  },

  async 'the newest connection of a user'(t) {
    const first = await t.connect('/newest', as(t, t.tag));
    const [told, left] = [t.once(first, 'exception'), t.once(first, 'disconnect')];
    const second = await t.connect('/newest', as(t, t.tag));
    t.same((await told)[0].code, 'replaced');
    t.same((await left)[0], 'io server disconnect', 'reason');
    t.same(await t.echo(second, 'in its place'), ['in its place']);
  },

  async 'too many connections from an address'(t) {
    const address = someAddress();
    const [first] = [await t.connect('/', from(address)), await t.connect('/', from(address))];
    const third = t.open('/', from(address));
    let refusals = 0;
    third.on('connect_error', () => { refusals++; });
    await t.once(third, 'connect_error');
    t.same(third.connected, false);
    await t.connect('/', from(someAddress())); // nobody else is
    first.disconnect(); // and the third one, which tries again and again, gets in
    await t.until('connect', () => third.connected);
    t.same(await t.echo(third, 'in'), ['in']);
    t.ok(refusals > 0);
  },
};
