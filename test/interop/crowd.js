'use strict';
// A crowd of clients of the chat (cmd/damso), who talk all the time and notice what
// is lost, doubled or out of order.
//
//   node crowd.js <url> <clients of each kind> <kind>...        kind: <version>/<polling|websocket|upgrade>
//
// It takes commands, one JSON value a line, and answers each with a line:
//
//   {"connect": n}     n more connect                         {connected, left}
//   {"talk": ms}       from now on, each client speaks so often
//   {"rounds": n}      wait until each has spoken n times more, and been answered
//   "back"             wait until all are connected           {connected}
//   "report"           all fall silent, and wait for what is on its way    {series}
//   {"heard": series}  wait until each has heard these to the end          {clients, faults}
//
// DAMSO_PATIENCE is how long to wait for anything, in seconds.

const { Member } = require('./lib/member');

const [url, each, ...kinds] = process.argv.slice(2);
const patience = Number(process.env.DAMSO_PATIENCE || 30) * 1000;
const faults = [];
const fault = (text) => { if (faults.length < 20) faults.push(text); };

const crowd = [];
const speakers = []; // those whom all hear
for (const kind of kinds) {
  for (let i = 0; i < Number(each); i++) {
    const member = new Member(url, kind, `${kind}#${i}`, fault);
    crowd.push(member);
    if (i === 0) speakers.push(member);
  }
}

const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// until waits for all members to be in a state, and puts down those that are not.
async function until(what, members, state) {
  for (const end = Date.now() + patience; ; await wait(10)) {
    const late = members.filter((m) => !state(m));
    if (late.length === 0) return;
    if (Date.now() > end) return late.forEach((m) => fault(`${m.name}: ${what}: not within ${patience / 1000} s: ${m.state()}`));
  }
}

let timers = [];

// talk lets the members speak in turn, each once in so many milliseconds. The speakers
// speak to all, so much more rarely that everybody hears a word or two in that time.
function talk(ms) {
  const inTurn = (list, does, every) => {
    let next = 0;
    return setInterval(() => does(list[next++ % list.length]), every);
  };
  timers = [
    inTurn(crowd, (m) => m.ask(), Math.max(1, ms / crowd.length)),
    inTurn(speakers, (m) => m.speak(), ms),
  ];
}

async function report() {
  for (const timer of timers) clearInterval(timer);
  await until('connected again', crowd, (m) => m.isConnected());
  for (const m of speakers) m.speak(); // the last word: what comes before it can't come later
  await until('answered', crowd, (m) => m.isAnswered());
  return { series: speakers.flatMap((m) => m.series) };
}

const commands = {
  async connect(n) {
    const next = crowd.filter((m) => m.socket === undefined);
    for (const m of next.slice(0, n)) { m.connect(); await wait(1); }
    await until('connected and upgraded', next.slice(0, n), (m) => m.isUpgraded());
    return { connected: crowd.filter((m) => m.isConnected()).length, left: Math.max(0, next.length - n) };
  },
  async talk(ms) { talk(ms); return {}; },
  async rounds(n) {
    for (const m of crowd) m.goal = m.answered + n;
    await until(`${n} answers`, crowd, (m) => m.answered >= m.goal);
    return {};
  },
  async back() {
    await until('back', crowd, (m) => m.isConnected() && m.nodes.length > 0);
    return { connected: crowd.filter((m) => m.isConnected()).length };
  },
  report,
  // heard says what the members still have not of these series.
  async heard(series) {
    await until('heard all', crowd, (m) => m.missing(series).length === 0);
    for (const m of crowd) m.missing(series).forEach(fault);
    return { clients: crowd.map((m) => m.summary()), faults };
  },
};

process.on('unhandledRejection', (err) => { console.error(err); process.exit(2); });
const lines = require('readline').createInterface({ input: process.stdin });
lines.on('close', () => process.exit(0));
(async () => {
  for await (const line of lines) {
    const command = JSON.parse(line);
    const [name, arg] = typeof command === 'string' ? [command] : Object.entries(command)[0];
    console.log(JSON.stringify(await commands[name](arg)));
  }
})();
