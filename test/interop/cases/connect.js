'use strict';
// Handshake: namespaces, query and auth, refusals.

// seen is what the server knows of the handshake. Socket.IO 2 put a namespace's
// query into handshake.query, 4 puts an old client's into auth: either will do.
const seen = async (t, socket) => {
  const [{ id, query, auth }] = await t.once(socket, 'welcome');
  return { id, ...query, ...auth };
};

// refused waits for the refusal, as each generation tells it.
const refused = async (t, nsp, opts) => {
  const socket = t.open(nsp, opts);
  const [err] = await t.once(socket, t.generation < 3 ? 'error' : 'connect_error');
  t.ok(!socket.connected, 'connected in spite of the refusal');
  return err;
};

module.exports = {
  async 'main namespace'(t) {
    const socket = t.open('/');
    const { id, EIO } = await seen(t, socket);
    t.same(EIO, t.generation < 3 ? '3' : '4', 'EIO in the query');
    await t.connected(socket);
    t.same(id, socket.id, 'id on both sides');
  },

  async 'other namespace'(t) {
    const socket = t.open('/chat');
    const { id } = await seen(t, socket);
    await t.connected(socket);
    if (t.generation > 1) t.same(id, socket.id, 'id on both sides'); // 1.x shows the engine's id
  },

  async 'query option'(t) {
    const socket = t.open('/chat', { query: t.generation < 2 ? 'username=' + encodeURIComponent('김담소') : { username: '김담소' } });
    t.same((await seen(t, socket)).username, '김담소');
  },

  async 'query in the address'(t) {
    const socket = t.open('/chat?username=damso&room=b%26c');
    const { username, room } = await seen(t, socket);
    t.same([username, room], ['damso', 'b&c']);
  },

  async 'query of a namespace'(t) {
    const main = await t.connect('/');
    const socket = t.beside(main, '/chat', { query: t.generation < 2 ? 'username=' + encodeURIComponent('김담소') : { username: '김담소' } });
    t.same((await seen(t, socket)).username, '김담소');
  },

  async 'auth'(t) {
    const socket = t.open('/token', { auth: { token: 'secret', name: '김담소 🍵' } });
    const { token, name } = await seen(t, socket);
    t.same([token, name], ['secret', '김담소 🍵']);
  },

  async 'auth from a function'(t) {
    const socket = t.open('/token', { auth: (cb) => cb({ token: 'secret' }) });
    t.same((await seen(t, socket)).token, 'secret');
  },

  async 'wrong auth'(t) {
    t.same((await refused(t, '/token', { auth: { token: 'guess' } })).message, 'no token');
  },

  async 'refused with data'(t) {
    const err = await refused(t, '/refuse');
    const data = { code: 7, why: '점심 시간' };
    if (t.generation < 3) t.same(err, data);
    else t.same([err.message, err.data], ['문 닫았습니다 🚪', data]);
  },

  async 'refused with a message'(t) {
    const err = await refused(t, '/refuse-plain');
    t.same(t.generation < 3 ? err : err.message, 'no entry');
  },

  async 'unknown namespace'(t) {
    const err = await refused(t, '/nowhere');
    t.same(err.message ?? err, 'Invalid namespace'); // old clients get the text from Socket.IO 2, {message} from 4
  },

  async 'several namespaces over one connection'(t) {
    const main = await t.connect('/');
    const others = ['/chat', '/a', '/b'].map((nsp) => t.beside(main, nsp));
    await Promise.all(others.map((socket) => t.connected(socket)));
    for (const socket of [main, ...others]) t.ok(socket.io === main.io, 'a connection of its own');

    const heard = [main, ...others].map((socket) => t.hears(socket));
    [main, ...others].forEach((socket, i) => t.say(socket, { text: `in ${i}` }));
    await t.until('text in each namespace', () => heard.every((texts) => texts.length > 0));
    t.same(heard, [['in 0'], ['in 1'], ['in 2'], ['in 3']]);

    others[0].disconnect();
    t.same(await t.echo(others[1], 'still here'), ['still here']);
    t.same(await t.echo(main, 'still here'), ['still here']);
  },
};

for (const name of ['auth', 'auth from a function', 'wrong auth']) module.exports[name].unless = (t) => t.generation < 3;
module.exports['query of a namespace'].unless = (t) => t.generation > 2 || t.version === '1.4.5';
