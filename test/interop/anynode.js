'use strict';
// Runs many clients of one generation over one transport, which talk all the time, and
// reports whether anything was lost, came twice or in the wrong order.
//
//   node anynode.js <version> <polling|websocket|upgrade> <url> <clients>
//
// It prints {connected: n} when all are connected, once more when it is told {moved: name} and
// all that were at the node of that name have connected again and all are answered, and one report when it is told
// {ticks: n}: then each client waits until it has seen so many ticks of each node that ticks,
// but for those in {gone: [names]}.
//
// The server sends "who" with its name on connection, answers "say" n with "said" n and an
// acknowledgement, sends "bad" for a say out of order, and "tick" with its name and a number
// that counts from 1.

const readline = require('readline');

const [version, transport, url, count] = process.argv.slice(2);
const io = require(`client-${version}`);
const interval = 50; // ms between two says
const patience = 60000;

function talk() {
  const socket = io(url, {
    forceNew: true,
    transports: transport === 'upgrade' ? ['polling', 'websocket'] : [transport],
    reconnectionDelay: 50,
    reconnectionDelayMax: 500,
  });
  const c = { node: '', connects: 0, disconnects: [], errors: [], faults: [], ticks: {}, said: 0, acked: 0, says: 0 };
  let timer;
  let last = {};
  socket.on('connect', () => {
    c.connects += 1;
    c.said = 0; c.acked = 0; c.says = 0;
    last = {};
    clearInterval(timer);
    timer = setInterval(say, interval);
  });
  function say() {
    if (c.stop) return;
    const at = c.connects;
    c.says += 1;
    const n = c.says;
    socket.emit('say', n, (answer) => {
      if (at !== c.connects) return;
      if (answer !== c.acked + 1) c.faults.push(`acknowledgement ${answer} after ${c.acked}`);
      c.acked = answer;
    });
  }
  socket.on('disconnect', (reason, details) => { c.disconnects.push(`${reason}${why(details)}, ${new Date().toISOString()}`); clearInterval(timer); });
  const failed = (err) => c.errors.push(String((err && err.message) || err));
  socket.on('connect_error', failed);
  socket.on('who', (name) => { c.node = c.node || name; });
  socket.on('said', (n) => {
    if (n !== c.said + 1) c.faults.push(`said ${n} after ${c.said}`);
    c.said = n;
  });
  socket.on('tick', (node, n) => {
    if (last[node] !== undefined ? n !== last[node] + 1 : n !== 1 && c.connects === 1) c.faults.push(`tick ${n} of ${node} after ${last[node]}`);
    last[node] = n;
    c.ticks[node] = n;
  });
  socket.on('bad', (n, want) => c.faults.push(`the server got ${n} instead of ${want}`));
  c.complete = (ticks) => c.says === c.said && c.says === c.acked && (ticks === 0 || Object.values(c.ticks).includes(ticks))
    && Object.keys(last).every((node) => last[node] === ticks || c.gone(node));
  c.gone = (node) => goneNodes.includes(node);
  return { c, socket };
}

// why is what clients of 4.x know of the end of their connection.
function why(details) {
  const { message, description, context } = details || {};
  return [message, description && description.message || description, context && context.status, context && context.responseText]
    .filter((part) => part !== undefined && part !== '').map((part) => `, ${part}`).join('');
}

let goneNodes = [];
const talks = Array.from({ length: Number(count) }, talk);

function until(done) {
  return new Promise((resolve) => {
    const end = Date.now() + patience;
    const timer = setInterval(() => {
      if (done() || Date.now() > end) { clearInterval(timer); resolve(); }
    }, 20);
  });
}

(async () => {
  await until(() => talks.every(({ c }) => c.connects > 0 && c.node));
  console.log(JSON.stringify({ connected: talks.filter(({ c }) => c.connects > 0).length }));
})();

readline.createInterface({ input: process.stdin }).on('line', async (line) => {
  const { ticks, gone, moved } = JSON.parse(line);
  if (moved !== undefined) {
    // A client may not know yet that it has lost its session; one that is answered has it.
    const before = talks.map(({ c }) => ({ connects: c.connects, says: c.says }));
    await until(() => talks.every(({ c, socket }, i) => socket.connected && (c.node !== moved || c.connects > 1)
      && c.acked > (c.connects === before[i].connects ? before[i].says : 0)));
    console.log(JSON.stringify({ connected: talks.filter(({ socket }) => socket.connected).length }));
    return;
  }
  goneNodes = gone || [];
  talks.forEach(({ c }) => { c.stop = true; });
  await until(() => talks.every(({ c }) => c.complete(ticks)));
  const clients = talks.map(({ c, socket }) => {
    const upgraded = transport !== 'upgrade' || socket.io.engine.transport.name === 'websocket';
    return { ...c, complete: c.complete(ticks), upgraded };
  });
  console.log(JSON.stringify({ clients }));
  talks.forEach(({ socket }) => socket.close());
  process.exit(0);
}).on('close', () => process.exit(1)); // whoever started this is gone
