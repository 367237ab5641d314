'use strict';
// A client that loses its connection again and again, in the ways in which networks
// do it. It prints what it gets, one JSON line each.
//
//   node recovery.js <polling|websocket|upgrade> <url> <losses>
//
// DAMSO_PARSER may name a package that the client takes its parser from.

const io = require('client-4.8');
const Proxy = require('./lib/proxy');

const [transport, url, losses] = process.argv.slice(2);
const say = (value) => console.log(JSON.stringify(value));
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function main() {
  const proxy = await Proxy.open(url);
  const socket = io(proxy.url, {
    transports: transport === 'upgrade' ? ['polling', 'websocket'] : [transport],
    reconnectionDelay: 5, reconnectionDelayMax: 20, forceNew: true,
    ...(process.env.DAMSO_PARSER && { parser: require(process.env.DAMSO_PARSER) }),
  });
  socket.on('number', (n, bytes) => say({ n, bytes: Buffer.isBuffer(bytes) ? bytes.toString() : '' }));
  socket.on('question', (n, answer) => { say({ question: n }); answer(n); });
  socket.on('volatile', () => {});
  const connected = () => new Promise((resolve) => socket.once('connect', () => {
    say({ connect: socket.id, recovered: socket.recovered === true });
    resolve();
  }));
  await connected();
  for (let i = 0; i < Number(losses); i++) {
    await wait(Math.random() * 50);
    const back = connected();
    const gone = new Promise((resolve) => socket.once('disconnect', resolve));
    if (i === 0 || Math.random() < 0.5) {
      let lost = false;
      gone.then(() => { lost = true; });
      while (!lost) { // polling may have no request on its way
        if (i === 0) proxy.silence(); // neither side hears of it
        else proxy.lose();
        await wait(1);
      }
    } else {
      proxy.cut();
      await gone;
      await wait(Math.random() * 30);
      proxy.mend();
    }
    await back;
  }
  say({ over: true });
}

process.stdin.on('end', () => process.exit(0)).resume();
main().catch((err) => { console.error(err); process.exit(2); });
