'use strict';
// Runs every case with one generation of the JavaScript client over one
// transport, and prints one JSON line per case: {case, ok, detail, ms}.
//
//   node client.js <version> <polling|websocket|upgrade> <url> <heartbeat url> <silence url> [name part]
//
// DAMSO_HOPELESS may hold a JSON list of beginnings of case names that are known
// to fail with this server: they are run too, but not waited for so long.
//
// DAMSO_GROUPS may name other files of cases/, which need more than README.md's
// server.
//
// DAMSO_PARSER may name a package that the client takes its parser from.
//
// The server must speak the events of README.md; reference.js is one in Node.

const { Kit } = require('./lib/kit');

const [version, transport, url, heartbeatUrl, silenceUrl, only = ''] = process.argv.slice(2);
const setup = {
  version, transport, url, heartbeatUrl, silenceUrl,
  generation: Number(version[0]),
  io: require(`client-${version}`),
  parser: process.env.DAMSO_PARSER && require(process.env.DAMSO_PARSER),
};
const cases = (process.env.DAMSO_GROUPS || 'connect,text,binary,ack,order,room,server,lifecycle,heartbeat,upgrade').split(',')
  .flatMap((group) => Object.entries(require(`./cases/${group}`)).map(([name, run]) => ({ name: `${group}/${name}`, run })))
  .filter(({ name, run }) => name.includes(only) && !(run.unless && run.unless(setup)));

const hopeless = JSON.parse(process.env.DAMSO_HOPELESS || '[]');
const isHopeless = (name) => hopeless.some((start) => name.startsWith(start));

// A wait ends by itself unless something is wrong, so it may be generous.
const patience = (name) => (isHopeless(name) ? 3000 : 30000);

// One case at a time would mostly wait; all at once would starve each other.
const width = 6;

async function worker() {
  for (let next = cases.shift(); next; next = cases.shift()) {
    const kit = new Kit({ ...setup, patience: patience(next.name) });
    const start = Date.now();
    let detail = '';
    try {
      await next.run(kit);
    } catch (err) {
      detail = err.message || String(err);
    }
    kit.close();
    console.log(JSON.stringify({ case: next.name, ok: detail === '', detail, ms: Date.now() - start }));
  }
}

process.on('unhandledRejection', (err) => { console.error(err); process.exit(2); });
process.stdin.on('end', () => process.exit(1)).resume(); // whoever started this is gone
Promise.all(Array.from({ length: width }, worker)).then(() => process.exit(0));
