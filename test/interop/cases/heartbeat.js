'use strict';
// Heartbeats, with servers whose interval is 300 ms. The one that is to notice silence
// has a timeout of 2,500 ms; the other has the usual 20 s, so that no connection is lost
// because the machine has much to do.
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
    const proxy = await t.proxy(t.silenceUrl);
    const witness = await t.connect('/');
    const socket = t.open('/', { url: proxy.url });
    let id;
    socket.on('welcome', (welcome) => { id = welcome.id; });
    socket.on('disconnect', () => { id = undefined; });
    do { // again if the machine has so much to do that both are silent by themselves
      await t.until('connection', () => socket.connected && id);
      await Promise.race([t.settled(socket), t.once(socket, 'disconnect')]);
    } while (!id);
    const lost = t.once(socket, 'disconnect');
    const gone = t.ask(witness, 'gone', id);
    proxy.freeze();
    socket.io.reconnection(false);
    t.same((await lost)[0], 'ping timeout', 'reason at the client');
    t.same((await gone)[0], 'ping timeout', 'reason at the server');
  },
};
