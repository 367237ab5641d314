'use strict';
// Many events arrive once each and in order.

const count = 1000;
const upTo = (n) => Array.from({ length: n }, (_, i) => i);

module.exports = {
  async 'to the server'(t) {
    const socket = await t.connect('/');
    for (const i of upTo(count)) socket.emit('number', { i });
    t.same((await t.ask(socket, 'numbers'))[0], upTo(count));
  },

  async 'to the server, binary among text'(t) {
    const socket = await t.connect('/');
    for (const i of upTo(count)) socket.emit('number', i % 10 ? { i } : { i, bytes: Buffer.from([i & 255]) });
    t.same((await t.ask(socket, 'numbers'))[0], upTo(count));
  },

  async 'to the client'(t) {
    const socket = await t.connect('/');
    const numbers = t.take(socket, 'number', count);
    socket.emit('burst', count, false);
    t.same((await numbers).map(({ i }) => i), upTo(count));
  },

  async 'to the client, binary among text'(t) {
    const socket = await t.connect('/');
    const numbers = t.take(socket, 'number', count);
    socket.emit('burst', count, true);
    const got = await numbers;
    t.same(got.map(({ i }) => i), upTo(count));
    t.same(got[990].bytes, Buffer.from([990 & 255]));
  },

  async 'both ways at once'(t) {
    const socket = await t.connect('/');
    const numbers = t.take(socket, 'number', count);
    socket.emit('burst', count, false);
    for (const i of upTo(count)) socket.emit('number', { i });
    t.same((await t.ask(socket, 'numbers'))[0], upTo(count), 'to the server');
    t.same((await numbers).map(({ i }) => i), upTo(count), 'to the client');
  },

  async 'events sent before the connection is made'(t) {
    const socket = t.open('/');
    for (const i of upTo(10)) socket.emit('number', { i });
    t.same((await t.ask(socket, 'numbers'))[0], upTo(10));
  },
};
