'use strict';
// Binary, anywhere in the arguments, both ways.

const bytes = (length, seed = 0) => Buffer.from(Array.from({ length }, (_, i) => (i * 31 + seed) & 255));

const shapes = {
  'alone': [bytes(256)],
  'several': [bytes(3), 'between', bytes(5, 7), bytes(1)],
  'deep': [{ a: [1, { b: bytes(10), c: [[bytes(4, 3)]] }], 이름: bytes(7, 1), last: null }],
  'empty': [Buffer.alloc(0), { none: Buffer.alloc(0) }],
  'beside text': ['안녕 🍵', { text: '담소', file: bytes(33) }],
};

for (const [name, shape] of Object.entries(shapes)) {
  module.exports[name] = async (t) => {
    const socket = await t.connect('/');
    t.same(await t.echo(socket, ...shape), shape, 'event');
    t.same(await t.ask(socket, 'echo', ...shape), shape, 'ack');
  };
}

Object.assign(module.exports, {
  async 'in another namespace'(t) {
    const socket = await t.connect('/chat');
    t.same(await t.echo(socket, { file: bytes(9) }), [{ file: bytes(9) }]);
    t.same(await t.ask(socket, 'echo', [bytes(2)]), [[bytes(2)]]);
  },

  async '100 kB'(t) {
    const socket = await t.connect('/');
    const [back] = await t.echo(socket, { file: bytes(100e3) });
    t.ok(Buffer.from(back.file).equals(bytes(100e3)), `came back changed, ${back.file.byteLength} bytes`);
  },

  async 'to a room'(t) {
    const [a, b] = [await t.connect('/'), await t.connect('/')];
    await t.ask(a, 'join', t.tag);
    const heard = t.hears(a);
    t.say(b, { to: [t.tag], text: [{ file: bytes(20) }, bytes(1)] });
    await t.until('binary in the room', () => heard.length === 1);
    t.same(heard[0], [{ file: bytes(20) }, bytes(1)]);
  },
});
