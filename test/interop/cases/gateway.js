'use strict';
// A gateway: answers, exceptions, refusals. Exceptions come as an event, and as the
// acknowledgement to who wants one.

// failing asks for what fails and returns the exception.
async function failing(t, event, ...args) {
  const socket = await t.connect('/gateway');
  const told = t.once(socket, 'exception');
  const [answer] = await t.ask(socket, event, ...args);
  t.same((await told)[0], answer, 'exception and acknowledgement');
  t.same(await t.ask(socket, 'double', { n: 1 }), [2], 'the client stays');
  return answer;
}

module.exports = {
  async 'what is returned is the acknowledgement'(t) {
    t.same(await t.ask(await t.connect('/gateway'), 'double', { n: 21 }), [42]);
  },

  async 'an event as the answer'(t) {
    const socket = await t.connect('/gateway');
    const news = t.once(socket, 'news');
    socket.emit('subscribe', '날씨');
    t.same(await news, [{ about: '날씨' }]);
  },

  async 'a payload that is not valid'(t) {
    t.same(await failing(t, 'double', { n: -1 }), {
      status: 'error', message: 'n must not be negative', data: [{ field: 'n', message: 'must not be negative' }],
    });
  },

  async 'a payload of another type'(t) {
    const { status, message } = await failing(t, 'double', { n: 'many' });
    t.same(status, 'error');
    t.ok(message.startsWith('n '), message);
  },

  async 'an error'(t) {
    t.same(await failing(t, 'fail'), { status: 'error', message: '자리가 없습니다' });
  },

  async 'a panic'(t) {
    t.same(await failing(t, 'panic'), { status: 'error', message: 'Internal server error' });
  },

  async 'a guard refuses an event'(t) {
    t.same(await failing(t, 'guarded'), { status: 'error', message: 'Forbidden resource' });
  },

  async 'a guard refuses a client'(t) {
    const socket = t.open('/gateway', { query: t.generation < 2 ? 'refuse=1' : { refuse: 1 } });
    const [err] = await t.once(socket, t.generation < 3 ? 'error' : 'connect_error');
    t.ok(!socket.connected, 'connected in spite of the refusal');
    if (t.generation < 3) t.same(err, { code: 7 });
    else t.same([err.message, err.data], ['not you', { code: 7 }]);
  },

  async 'answers keep the order of events'(t) {
    const socket = await t.connect('/gateway');
    const answers = [];
    await Promise.all(Array.from({ length: 50 }, async (_, n) => answers.push((await t.ask(socket, 'double', { n }))[0])));
    t.same(answers, Array.from({ length: 50 }, (_, n) => 2 * n));
  },
};
