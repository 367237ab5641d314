'use strict';
// Clients come back to another server of a cluster over Redis Streams, by pairs of
// servers, and print for each pair what was found.
//
//   node streams_recovery.js '{"s0": {"url": "http://…"}, …}'
//
// In between is a proxy, so that a client can be cut off and come back to another server.

const net = require('net');

const { Listener, until, bare } = require('./lib');

const servers = JSON.parse(process.argv[2]);

// A Proxy hands connections to the server of its choice.
class Proxy {
  constructor() {
    this.open = new Set();
    this.server = net.createServer((socket) => this.accept(socket));
  }

  async listen() {
    await new Promise((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${this.server.address().port}`;
  }

  accept(socket) {
    if (!this.to) return socket.destroy();
    const { hostname, port } = new URL(servers[this.to].url);
    const up = net.connect(Number(port), hostname);
    for (const [a, b] of [[socket, up], [up, socket]]) {
      this.open.add(a);
      a.on('error', () => {}).on('close', () => { this.open.delete(a); b.destroy(); });
      a.pipe(b);
    }
  }

  cut(to) {
    this.to = to;
    for (const socket of this.open) socket.destroy();
  }
}

async function comeBack(from, to) {
  const proxy = new Proxy();
  proxy.cut(from);
  const client = new Listener(from, '4', await proxy.listen(), '/', { name: `${from}-${to}` });
  const other = new Listener(to, '4', servers[to].url, '/');
  const own = new Listener(from, '4', servers[from].url, '/');
  client.socket.io.reconnectionDelay(20);
  client.socket.io.reconnectionDelayMax(50);
  const id = await client.ask('whoami');
  await client.ask('join', 'room');
  const say = (speaker, text, where) => speaker.say('t', text, where);
  const hears = (text) => until(`${from} to ${to}: ${text}`, () => client.texts('t').includes(text));
  say(client, 'one', { to: ['room'] });
  await hears('one');
  say(other, { binary: [Buffer.from([0, 255])] }, { to: [id] });
  say(other, 'two', {});
  await hears('two');

  const lost = new Promise((resolve) => client.socket.once('disconnect', resolve));
  proxy.cut(null);
  await lost;
  const gone = async () => !(await own.ask('do', 'ids', [[], []])).includes(id);
  await until(`${from} knows that the client is gone`, gone);
  say(other, 'three', { to: ['room'] });
  say(other, 'not for it', { to: ['another room'] });
  say(other, 'not for it', { except: ['room'] });
  say(other, 'not for it', { volatile: true, to: ['nobody'] });
  say(other, { more: Buffer.from([1, 2, 3]) }, {});
  say(other, 'four', { to: [id] });
  await until('they are said', () => other.texts('t').some((text) => text.more));
  say(own, 'five', { to: ['room', 'another room'] });
  say(own, 'said', {});
  await until('they are said, too', () => own.texts('t').includes('said'));

  const back = new Promise((resolve) => client.socket.once('connect', resolve));
  proxy.cut(to);
  await back;
  say(own, 'six', { to: ['room'] });
  await hears('six');
  say(client, 'seven', { from: 'socket', to: ['room'] });
  say(client, 'eight', { to: [id] });
  await hears('eight');
  const result = {
    recovered: client.socket.recovered, sameID: client.socket.id === id, sameWhoami: (await client.ask('whoami')) === id,
    data: await client.ask('my data'), rooms: (await client.ask('my rooms')).map((room) => (room === id ? 'id' : room)).sort(),
    heard: bare(client.texts('t')),
  };
  for (const l of [client, other, own]) l.socket.disconnect();
  proxy.server.close();
  return result;
}

async function main() {
  const results = {};
  const names = Object.keys(servers);
  for (const from of names) for (const to of names) results[`${from} to ${to}`] = await comeBack(from, to);
  console.log(JSON.stringify(results));
  process.exit(0);
}

process.stdin.on('end', () => process.exit(1)).resume();
process.on('unhandledRejection', (err) => { console.error(err); process.exit(2); });
main();
