'use strict';
// Acknowledgements, both ways.

module.exports = {
  async 'from the server'(t) {
    const socket = await t.connect('/');
    t.same(await t.ask(socket, 'echo', 1, '둘', { three: 3 }), [1, '둘', { three: 3 }]);
    t.same(await t.ask(socket, 'echo'), []);
  },

  async 'from the server, many at once'(t) {
    const socket = await t.connect('/');
    const answers = await Promise.all(Array.from({ length: 100 }, (_, i) => t.ask(socket, 'echo', i)));
    t.same(answers, Array.from({ length: 100 }, (_, i) => [i]));
  },

  async 'from the client'(t) {
    const socket = await t.connect('/');
    socket.on('question', (word, n, ack) => ack(`${word}!`, n + 1, null));
    const answered = t.once(socket, 'answered');
    socket.emit('question', '질문', 41);
    t.same(await answered, ['질문!', 42, null]);
  },

  async 'from the client, binary'(t) {
    const socket = await t.connect('/');
    socket.on('question', (data, ack) => ack({ twice: [data, data] }));
    const answered = t.once(socket, 'answered');
    socket.emit('question', Buffer.from([1, 2, 255]));
    t.same(await answered, [{ twice: [Buffer.from([1, 2, 255]), Buffer.from([1, 2, 255])] }]);
  },

  async 'from the client, in another namespace'(t) {
    const socket = await t.connect('/chat');
    socket.on('question', (ack) => ack());
    const answered = t.once(socket, 'answered');
    socket.emit('question');
    t.same(await answered, []);
  },
};
