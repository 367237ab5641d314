'use strict';
// Leaving, being sent away, losing the connection and coming back.

const idOf = async (t, socket) => (await t.once(socket, 'welcome'))[0].id;

// both opens a connection and returns it with the id that the server gave it,
// and a second one that can ask why the first has gone.
async function both(t, nsp, opts) {
  const witness = await t.connect('/');
  const socket = t.open(nsp, opts);
  const id = await idOf(t, socket);
  await t.connected(socket);
  return { witness, socket, id };
}

module.exports = {
  async 'the client leaves'(t) {
    const { witness, socket, id } = await both(t, '/chat');
    const left = t.once(socket, 'disconnect');
    socket.disconnect();
    t.same((await left)[0], 'io client disconnect', 'reason at the client');
    const [reason] = await t.ask(witness, 'gone', id);
    // The last namespace's goodbye and the connection's end travel together.
    t.ok(['client namespace disconnect', 'transport close'].includes(reason), `reason at the server: ${reason}`);
  },

  async 'the client leaves one namespace and comes back to it'(t) {
    const { witness, socket } = await both(t, '/');
    const side = t.beside(socket, '/chat');
    const id = await idOf(t, side);
    await t.connected(side);
    side.disconnect();
    t.same((await t.ask(witness, 'gone', id))[0], 'client namespace disconnect', 'reason at the server');
    side.connect();
    await t.connected(side);
    t.same(await t.echo(side, 'back'), ['back']);
  },

  async 'the server sends the socket away'(t) {
    const { witness, socket, id } = await both(t, '/');
    const side = t.beside(socket, '/chat');
    const sideId = await idOf(t, side);
    await t.connected(side);
    const left = t.once(side, 'disconnect');
    side.emit('dismiss', false);
    t.same((await left)[0], 'io server disconnect', 'reason at the client');
    t.same((await t.ask(witness, 'gone', sideId))[0], 'server namespace disconnect', 'reason at the server');
    t.same(await t.echo(socket, 'the other stays'), ['the other stays']);
    t.ok(id !== sideId || t.generation < 3, 'one id for two sockets');
  },

  async 'the server closes the connection'(t) {
    const { witness, socket, id } = await both(t, '/chat');
    const left = t.once(socket, 'disconnect');
    socket.emit('dismiss', true);
    t.same((await left)[0], 'io server disconnect', 'reason at the client');
    t.same((await t.ask(witness, 'gone', id))[0], 'server namespace disconnect', 'reason at the server');
  },

  async 'the connection is lost, the client returns'(t) {
    const proxy = await t.proxy();
    const { witness, socket, id } = await both(t, '/chat', { url: proxy.url });
    await t.settled(socket);
    const lost = t.once(socket, 'disconnect');
    proxy.cut();
    const [reason] = await lost;
    proxy.mend();
    t.ok(['transport close', 'transport error'].includes(reason), `reason at the client: ${reason}`);
    socket.emit('echo', '끊긴 사이에'); // kept by the client until it is back
    t.same(await t.once(socket, 'echo'), ['끊긴 사이에']);
    const [rooms] = await t.ask(socket, 'rooms');
    t.ok(!rooms.includes(id), 'the same id after the return');
    if (t.transport === 'polling') return; // between two polls the server sees nothing until the heartbeat fails
    const [seen] = await t.ask(witness, 'gone', id);
    t.ok(['transport close', 'transport error'].includes(seen), `reason at the server: ${seen}`);
  },

  async 'lost and back, three times'(t) {
    const proxy = await t.proxy();
    const socket = await t.connect('/', { url: proxy.url });
    for (const turn of [1, 2, 3]) {
      await t.settled(socket);
      const lost = t.once(socket, 'disconnect');
      proxy.cut();
      await lost;
      proxy.mend();
      t.same(await t.ask(socket, 'echo', turn), [turn]);
    }
  },
};
