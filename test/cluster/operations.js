'use strict';
// Lets the servers of a cluster ask and command each other, and prints what came of it
// as one JSON object: by operation, with the names of clients in place of their ids.
//
//   node operations.js '{"servers": {"s0": {"url": "http://…", "client": "4"}, …}, "ask": ["s0"], "old": [], "all": true}'
//
// ask are the servers that speak as socket.io 4 does, old those that do as socket.io 2;
// without all, what servers with socket.io 2 cannot say of their sockets is left out.

const { Listener, until, bare } = require('./lib');

const { servers, all, ...speakers } = JSON.parse(process.argv[2]);
const ask = speakers.ask || [];
const old = speakers.old || [];
const clients = new Map(); // by name
const names = new Map(); // by id
const results = {};

const twenty = 'abcdefghij0123456789';

async function connect(server, name, rooms) {
  const { url, client } = servers[server];
  const listener = new Listener(server, client, url, '/', { name });
  listener.label = name;
  listener.socket.on('answer?', (what, answer) => answer({ name, what }));
  listener.id = await listener.ask('whoami');
  names.set(listener.id, name);
  for (const room of rooms) await listener.ask('join', room);
  return listener;
}

// named shows names for ids, and sorts what has no order.
function named(value) {
  if (typeof value === 'string') return names.get(value) || value;
  if (Array.isArray(value)) return value.map(named).map((v) => [JSON.stringify(v), v]).sort(([a], [b]) => (a < b ? -1 : 1)).map(([, v]) => v);
  if (value && typeof value === 'object') return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, named(v)]));
  return value;
}

function speaker(server) { return clients.get(`${server}-a`); }

async function note(server, what, ...args) {
  const key = `${server}: ${args.map((a) => JSON.stringify(named(bare(a)))).join(' ')}`;
  results[`${what} ${key}`] = named(bare(await speaker(server).ask('do', what, args)));
}

// members waits until a room has these members and no others, on all servers.
async function members(room, want) {
  await until(() => `${want} in ${room}`, async () => {
    const got = [];
    for (const c of clients.values()) if ((await c.ask('my rooms')).map(String).includes(room)) got.push(c.label);
    return String(got.sort()) === String([...want].sort());
  });
}

async function victims(rooms) {
  const list = [];
  for (const server of Object.keys(servers)) list.push(await connect(server, `${server}-victim`, rooms));
  return list.map((listener) => {
    const gone = new Promise((resolve) => listener.socket.on('disconnect', (reason) => resolve(reason)));
    return { listener, gone };
  });
}

async function questions(s) {
  const { id } = clients.get('s2-b');
  await note(s, 'serverCount');
  for (const [to, except] of [[[], []], [['room-a'], []], [['room-a', 'room-b'], [id]], [['nobody'], []], [['42'], []], [[id], []], [['a#b'], []], [[twenty], []]]) {
    await note(s, all ? 'fetchSockets' : 'ids', to, except);
  }
  if (all) await note(s, 'fetchSockets', ['everyone'], ['42', 'room-b']);
  await note(s, 'allRooms');
  await note(s, 'serverSideEmitWithAck', ['customRequest', { 글: ['안녕', 1, null] }]);
  if (!all) return;
  await note(s, 'serverSideEmitWithAck', ['sum', 1, 2]);
  for (const to of [[], ['room-a'], ['nobody'], [id], ['42']]) await note(s, 'emitWithAck', to, [], { n: 1 });
  await note(s, 'emitWithAck', [], ['room-a'], '글');
  await note(s, 'emitWithAck', ['room-b'], [], Buffer.from([0, 255]));
}

async function commands(s) {
  const labels = [...clients.keys()];
  const [as, bs] = ['a', 'b'].map((end) => labels.filter((label) => label.endsWith(end)));
  await note(s, 'socketsJoin', ['room-a'], [], ['x', '77']);
  await members('x', as);
  await members('77', as);
  await note(s, 'socketsLeave', [], [], ['x']);
  await members('x', []);
  await note(s, 'socketsJoin', [clients.get('s2-b').id], [], ['x', 'y']);
  await members('y', ['s2-b']);
  await note(s, 'socketsLeave', ['room-b'], [], ['x', 'y', '77']);
  await members('x', []);
  await note(s, 'socketsJoin', [], ['room-a'], ['z']);
  await members('z', bs);
  await note(s, 'socketsLeave', [], [], ['z', '77']);
  await members('77', []);
  for (const close of [false, true]) {
    const gone = await victims(['victims', 'everyone']);
    await note(s, 'disconnectSockets', ['victims'], [], close);
    for (const v of gone) results[`${s} disconnects, close ${close}: ${v.listener.label}`] = await v.gone;
  }
  if (!all) return;
  await note(s, 'serverSideEmit', ['note', { by: s }]);
  for (const other of Object.keys(servers)) {
    if (other !== s) await until(`${other} hears ${s}`, async () => (await speaker(other).ask('notes')).some((n) => n.by === s));
  }
}

async function oldRequests(s) {
  const label = [...clients.values()];
  for (const rooms of [[], ['room-a'], ['nobody'], ['42'], ['room-a', 'room-b'], ['a#b']]) await note(s, 'clients', rooms);
  for (const c of label) await note(s, 'clientRooms', c.id);
  await note(s, 'allRooms');
  await note(s, 'customRequest', { 글: ['안녕', 1, null] });
  await note(s, 'customRequest', null);
  for (const c of label) {
    await note(s, 'remoteJoin', c.id, 'by id');
    await members('by id', [c.label]);
    await note(s, 'remoteLeave', c.id, 'by id');
    await members('by id', []);
  }
  for (const close of [false, true]) {
    for (const v of await victims(['victims'])) {
      await note(s, 'remoteDisconnect', v.listener.id, close);
      results[`${s} disconnects, close ${close}: ${v.listener.label}`] = await v.gone;
    }
  }
}

async function main() {
  for (const server of Object.keys(servers)) {
    for (const [end, rooms] of [['a', ['room-a', 'everyone', '42']], ['b', ['room-b', 'everyone', 'a#b']]]) {
      clients.set(`${server}-${end}`, await connect(server, `${server}-${end}`, rooms));
    }
  }
  await clients.get('s1-b').ask('join', twenty);
  // All are joined once each server counts all, or all clients.
  for (const s of ask) {
    await until(`${s} counts all`, async () => (await speaker(s).ask('do', 'serverCount', [])) === Object.keys(servers).length);
  }
  for (const s of old) {
    await until(`${s} hears all`, async () => (await speaker(s).ask('do', 'clients', [[]])).length === clients.size);
  }
  for (const s of ask) await questions(s);
  for (const s of ask) await commands(s);
  for (const s of old) await oldRequests(s);
  console.log(JSON.stringify(results));
  process.exit(0);
}

process.stdin.on('end', () => process.exit(1)).resume();
process.on('unhandledRejection', (err) => { console.error(err); process.exit(2); });
main();
