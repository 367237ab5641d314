'use strict';
// What the server does by itself: namespaces that clients ask for, questions to many,
// sockets put into rooms, looked up and sent away, what it knows of a connection.

const idOf = async (t, socket) => (await t.once(socket, 'welcome'))[0].id;

// members opens connections that are in a room of this case.
async function members(t, count) {
  return Promise.all(Array.from({ length: count }, async () => {
    const socket = t.open('/');
    const id = await idOf(t, socket);
    await t.connected(socket);
    await t.ask(socket, 'join', t.tag);
    return { socket, id };
  }));
}

module.exports = {
  async 'a namespace that clients ask for'(t) {
    const number = parseInt(t.tag.slice(0, 8), 16);
    const [one, two] = [await t.connect(`/dynamic-${number}`), await t.connect(`/dynamic-${number}`)];
    t.same(await t.echo(one, 'here'), ['here']);
    const heard = t.hears(two);
    t.say(one, { from: 'socket', text: 'to the others' });
    await t.until('text', () => heard.length > 0);

    const other = t.open('/dynamic-x');
    const [err] = await t.once(other, t.generation < 3 ? 'error' : 'connect_error');
    t.same(err.message ?? err, 'Invalid namespace');
  },

  async 'a question to many'(t) {
    const all = await members(t, 3);
    all.forEach(({ socket }, i) => socket.on('question', (what, ack) => ack(`${what} ${i}`)));
    const [answer] = await t.ask(await t.connect('/'), 'poll', t.tag, 20000, 'who?');
    t.same(answer, { answers: ['who? 0', 'who? 1', 'who? 2'], complete: true });
  },

  async 'a question to many, of whom one is silent'(t) {
    const all = await members(t, 3);
    all.forEach(({ socket }, i) => socket.on('question', (what, ack) => { if (i !== 1) ack(`${i}`); }));
    const [answer] = await t.ask(await t.connect('/'), 'poll', t.tag, 4000, 'who?'); // long enough for the others on a busy machine
    t.same(answer, { answers: ['0', '2'], complete: false });
  },

  async 'a question to nobody'(t) {
    const [answer] = await t.ask(await t.connect('/'), 'poll', t.tag, 20000, 'who?');
    t.same(answer, { answers: [], complete: true });
  },

  async 'sockets are put into rooms and taken out'(t) {
    const all = await members(t, 2);
    const asker = await t.connect('/');
    const ids = all.map(({ id }) => id).sort();
    t.same((await t.ask(asker, 'who', t.tag))[0], ids);
    await t.ask(asker, 'gather', t.tag, `${t.tag} 2`);
    t.same((await t.ask(asker, 'who', `${t.tag} 2`))[0], ids);
    t.same((await t.ask(all[0].socket, 'rooms'))[0], [all[0].id, t.tag, `${t.tag} 2`].sort());
    await t.ask(asker, 'scatter', `${t.tag} 2`, t.tag);
    t.same((await t.ask(asker, 'who', t.tag))[0], []);
  },

  async 'a room is sent away'(t) {
    const all = await members(t, 2);
    const asker = await t.connect('/');
    const left = all.map(({ socket }) => t.once(socket, 'disconnect'));
    asker.emit('expel', t.tag);
    for (const l of left) t.same((await l)[0], 'io server disconnect', 'reason');
    t.same(await t.echo(asker, 'still here'), ['still here']);
  },

  async 'who leaves still has its rooms'(t) {
    const [{ socket, id }] = await members(t, 1);
    const asker = await t.connect('/');
    socket.disconnect();
    t.same((await t.ask(asker, 'left', id))[0], [id, t.tag].sort());
  },

  async 'what the server knows of a connection'(t) {
    const socket = await t.connect('/', { extraHeaders: { 'X-Damso': 'a header' } });
    const [{ url, ...rest }] = await t.ask(socket, 'handshake');
    t.ok(/^\/socket\.io\/\?.*EIO=[34]/.test(url), `url ${url}`);
    t.same(rest, { secure: false, header: 'a header', address: '127.0.0.1', recent: true });
  },
};
