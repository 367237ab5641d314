'use strict';
// Rooms and broadcasts. Each test ends with a word to everybody: whoever was
// to hear something earlier has heard it by then, as one node keeps the order.

const people = (t, nsp = '/') => Promise.all(['a', 'b', 'c'].map(() => t.connect(nsp)));

const idOf = (t, socket) => t.ask(socket, 'rooms').then(([rooms]) => rooms.find((room) => room.includes(socket.io.engine.id) || room === socket.id));

// heardBy lets the server do the broadcasts of wants, and returns what each heard.
async function heardBy(t, sockets, wants) {
  const heard = sockets.map((socket) => t.hears(socket));
  const [speaker] = sockets;
  for (const want of wants) t.say(speaker, want);
  t.say(speaker, { text: 'end' });
  await t.until('end of the broadcasts', () => heard.every((texts) => texts.includes('end')));
  return heard.map((texts) => texts.filter((text) => text !== 'end'));
}

module.exports = {
  async 'join and leave'(t) {
    const [a] = await people(t);
    const [own] = (await t.ask(a, 'rooms'))[0];
    await t.ask(a, 'join', 'blue room');
    await t.ask(a, 'join', '방');
    t.same((await t.ask(a, 'rooms'))[0], [own, 'blue room', '방'].sort());
    await t.ask(a, 'leave', 'blue room');
    t.same((await t.ask(a, 'rooms'))[0], [own, '방'].sort());
  },

  async 'to a room, from a socket and from the namespace'(t) {
    const [a, b, c] = await people(t);
    for (const socket of [a, b]) await t.ask(socket, 'join', t.tag);
    t.same(await heardBy(t, [a, b, c], [
      { from: 'socket', to: [t.tag], text: 'not to me' },
      { from: 'namespace', to: [t.tag], text: '모두에게' },
    ]), [['모두에게'], ['not to me', '모두에게'], []]);
  },

  async 'in two rooms, heard once'(t) {
    const [a, b, c] = await people(t);
    for (const room of ['1', '2']) for (const socket of [a, b]) await t.ask(socket, 'join', t.tag + room);
    t.same(await heardBy(t, [a, b, c], [{ to: [t.tag + '1', t.tag + '2'], text: 'once' }]), [['once'], ['once'], []]);
  },

  async 'except a room, except a socket'(t) {
    const [a, b, c] = await people(t);
    await t.ask(b, 'join', t.tag);
    t.same(await heardBy(t, [a, b, c], [
      { except: [t.tag], text: 'not in the room' },
      { except: [await idOf(t, c)], text: 'not c' },
    ]), [['not in the room', 'not c'], ['not c'], ['not in the room']]);
  },

  async 'to one socket by its id'(t) {
    const [a, b, c] = await people(t);
    t.same(await heardBy(t, [a, b, c], [{ to: [await idOf(t, b)], text: 'b alone' }]), [[], ['b alone'], []]);
  },

  async 'to everybody else'(t) {
    const [a, b, c] = await people(t, '/chat');
    // ASCII, as the clients of other cases hear it too, and not all can read Korean from every server.
    t.same(await heardBy(t, [a, b, c], [{ from: 'socket', text: 'others' }]), [[], ['others'], ['others']]);
  },

  async 'not in another namespace'(t) {
    const [a, b] = await people(t, '/a');
    const [c] = await people(t, '/b');
    const heard = t.hears(c);
    await heardBy(t, [a, b], [{ text: 'in /a' }]);
    t.say(c, { text: 'in /b' });
    await t.until('word in /b', () => heard.length > 0);
    t.same(heard, ['in /b']);
  },

  async 'no longer after leaving'(t) {
    const [a, b, c] = await people(t);
    await t.ask(b, 'join', t.tag);
    await t.ask(b, 'leave', t.tag);
    t.same(await heardBy(t, [a, b, c], [{ to: [t.tag], text: 'empty room' }]), [[], [], []]);
  },

  // A volatile event may be lost, so the question is repeated until one arrives.
  async 'volatile'(t) {
    const [a, b] = await people(t);
    const [own, others] = [t.once(a, 'heard'), t.once(b, 'heard')];
    const timer = setInterval(() => { a.emit('murmur', '소곤'); t.say(a, { from: 'socket', volatile: true, text: 'psst' }); }, 30);
    try {
      await own;
      await others;
    } finally {
      clearInterval(timer);
    }
  },
};
