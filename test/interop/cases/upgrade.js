'use strict';
// The default mode begins with polling and goes on with WebSocket.

module.exports = {
  async 'transport'(t) {
    const socket = await t.connect('/');
    await t.settled(socket);
    const transport = t.transport === 'polling' ? 'polling' : 'websocket';
    t.same(socket.io.engine.transport.name, transport);
    t.same((await t.ask(socket, 'conn'))[0], { transport, upgraded: t.transport === 'upgrade' }, 'at the server');
  },

  // Events travel both ways without a pause while the transport changes under
  // them; none may be lost, doubled or overtaken.
  async 'under way, nothing is lost'(t) {
    const socket = t.open('/');
    const back = [];
    let sent = 0;
    let over = false;
    socket.on('echo', (i) => back.push(i));
    await t.once(socket, 'connect');
    const upgraded = t.settled(socket).then(() => { over = true; });
    const speak = () => {
      socket.emit('echo', sent++);
      if (!over) setImmediate(speak);
    };
    speak();
    await upgraded;
    for (let i = 0; i < 10; i++) socket.emit('echo', sent++);
    await t.until('all echoes', () => back.length >= sent);
    t.same(back, Array.from({ length: sent }, (_, i) => i));
  },

  async 'under way, a burst from the server'(t) {
    const socket = await t.connect('/');
    const numbers = t.take(socket, 'number', 3000);
    for (let i = 0; i < 30; i++) socket.emit('burst', 100, true);
    t.same((await numbers).map(({ i }) => i), Array.from({ length: 3000 }, (_, i) => i % 100));
    await t.settled(socket);
    t.same(await t.echo(socket, 'after'), ['after']);
  },
};

for (const name of ['under way, nothing is lost', 'under way, a burst from the server']) {
  module.exports[name].unless = (t) => t.transport !== 'upgrade';
}
