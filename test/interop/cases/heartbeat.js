'use strict';
// Heartbeats, with a server whose interval is 300 ms and whose timeout is 2,500 ms.
// Servers ping the clients of generations 3 and 4, older clients ping the server.

const beat = (t) => (t.generation < 3 ? 'pong' : 'ping');

function beats(t, socket, count) {
  let seen = 0;
  socket.io.engine.on('packet', ({ type }) => { if (type === beat(t)) seen++; });
  return t.until(`${count} heartbeats`, () => seen >= count);
}

module.exports = {
  async 'keeps the connection'(t) {
    const socket = await t.connect('/', { url: t.heartbeatUrl });
    const lost = t.once(socket, 'disconnect').then(([reason]) => t.ok(false, `lost: ${reason}`));
    const kept = beats(t, socket, 5).then(() => t.echo(socket, 'alive'));
    t.same(await Promise.race([kept, lost]), ['alive']);
  },

  async 'both sides notice silence'(t) {
    const proxy = await t.proxy(t.heartbeatUrl);
    const witness = await t.connect('/');
    const socket = t.open('/', { url: proxy.url, reconnection: false });
    const [{ id }] = await t.once(socket, 'welcome');
    await t.connected(socket);
    await t.settled(socket);
    const lost = t.once(socket, 'disconnect');
    const gone = t.ask(witness, 'gone', id);
    proxy.freeze();
    t.same((await lost)[0], 'ping timeout', 'reason at the client');
    t.same((await gone)[0], 'ping timeout', 'reason at the server');
  },
};
