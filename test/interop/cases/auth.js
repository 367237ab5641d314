'use strict';
// JSON Web Tokens: who is let in, a token that expires, a new one in its place. The
// server signs tokens for whoever asks in the main namespace.

const hour = 3600;

const token = async (t, sub, seconds = hour) => (await t.ask(await t.connect('/'), 'token', { sub, seconds }))[0];

// login is where each generation has its token.
const login = (t, token) => (t.generation < 3 ? inQuery(t, token) : { auth: { token } });
const inQuery = (t, token) => ({ query: t.generation < 2 ? `token=${token}` : { token } });

const refused = async (t, opts) => {
  const socket = t.open('/members', opts);
  const [err] = await t.once(socket, t.generation < 3 ? 'error' : 'connect_error');
  t.ok(!socket.connected, 'connected in spite of the refusal');
  return t.generation < 3 ? err : err.data;
};

const member = async (t, opts) => {
  const socket = t.open('/members', opts);
  const [{ sub }] = await t.once(socket, 'member');
  return { socket, sub };
};

module.exports = {
  async 'without a token'(t) {
    t.same(await refused(t), { code: 'token_missing', message: 'a token is needed' });
  },

  async 'what is no token'(t) {
    t.same((await refused(t, login(t, 'let me in'))).code, 'token_malformed');
  },

  async 'a forged token'(t) {
    const forged = (await token(t, 'yeonwoo')).replace(/.{10}$/, 'AAAAAAAAAA');
    t.same((await refused(t, login(t, forged))).code, 'token_invalid');
  },

  async 'an expired token'(t) {
    t.same((await refused(t, login(t, await token(t, 'yeonwoo', -1)))).code, 'token_expired');
  },

  async 'a valid token'(t) {
    t.same((await member(t, login(t, await token(t, '연우')))).sub, '연우');
  },

  async 'a valid token in the query'(t) {
    t.same((await member(t, inQuery(t, await token(t, '연우')))).sub, '연우');
  },

  async 'expiry while connected'(t) {
    const { socket } = await member(t, login(t, await token(t, 'yeonwoo', 4)));
    const heard = [];
    socket.on('token_expiring', ({ expiresAt, expiresInMs }) => {
      t.ok(Math.abs(expiresAt - Date.now() - expiresInMs) < 2000, `expires at ${expiresAt}, in ${expiresInMs} ms`);
      heard.push('token_expiring');
    });
    socket.on('exception', ({ status, code }) => heard.push([status, code]));
    t.same((await t.once(socket, 'disconnect'))[0], 'io server disconnect', 'reason');
    t.same(heard, ['token_expiring', ['error', 'token_expired']]);
  },

  async 'a new token in its place'(t) {
    const [old, next] = [await token(t, 'yeonwoo', 4), await token(t, 'yeonwoo')];
    const { socket } = await member(t, login(t, old));
    let left = false;
    socket.on('disconnect', () => { left = true; });
    const [{ expiresAt }] = await t.once(socket, 'token_expiring');
    const [answer] = await t.ask(socket, 'auth:refresh', { token: next });
    t.same(answer.status, 'ok');
    t.ok(answer.expiresAt > expiresAt, `expires at ${answer.expiresAt}`);
    await t.until('end of the old token', () => Date.now() > expiresAt + 500);
    t.same(await t.echo(socket, 'still here'), ['still here']);
    t.ok(!left, 'was disconnected');
  },

  async 'a new token that is not accepted'(t) {
    const { socket } = await member(t, login(t, await token(t, 'yeonwoo')));
    for (const [bad, code] of [[await token(t, 'somebody else'), 'token_subject'], ['nonsense', 'token_malformed'], [7, 'token_malformed']]) {
      const [answer] = await t.ask(socket, 'auth:refresh', bad);
      t.same([answer.status, answer.code], ['error', code]);
    }
    t.same(await t.echo(socket, 'still here'), ['still here']);
  },
};
