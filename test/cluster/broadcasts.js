'use strict';
// Lets the servers of a cluster broadcast, one after the other, and prints who has
// heard what as one JSON object: by speaker and listener, the numbers of the broadcasts.
// Volatile ones are not among them: a client that is busy may miss them, anywhere.
//
//   node broadcasts.js '{"s0": {"url": "http://…", "client": "4"}, …}'

const { Listener, until, broadcasts, bare } = require('./lib');

const servers = JSON.parse(process.argv[2]);
const twenty = 'abcdefghij0123456789';
const rooms = { a: ['room-a', 'everyone', '42', '방'], b: ['room-b', 'everyone', 'a#b#', twenty], c: [] };

async function connect(nsp) {
  const all = [];
  for (const [server, { url, client }] of Object.entries(servers)) {
    for (const [end, list] of Object.entries(rooms)) {
      const listener = new Listener(server, client, url, nsp);
      listener.label = `${server}-${end}`;
      listener.id = await listener.ask('whoami');
      for (const room of list) await listener.ask('join', room);
      all.push(listener);
    }
  }
  return all;
}

// settle waits until each room's members hear what any server says to it.
async function settle(all) {
  for (const speaker of all.filter((l) => l.label.endsWith('-c'))) {
    for (const [end, list] of Object.entries(rooms)) {
      const members = all.filter((l) => l.label.endsWith(`-${end}`));
      for (const to of [...list, ...members.map((m) => m.id)]) {
        const tag = `${speaker.label} to ${to}`;
        const those = list.includes(to) ? members.concat(to === 'everyone' ? all.filter((l) => l.label.endsWith('-a') || l.label.endsWith('-b')) : []) : members.filter((m) => m.id === to);
        await until(tag, () => {
          speaker.say(tag, 'hear me', { to: [to] });
          return those.every((m) => m.texts(tag).length > 0);
        });
      }
    }
  }
}

const wants = (all) => {
  const id = (label) => all.find((l) => l.label === label).id;
  return [
    {}, { to: ['room-a'] }, { to: ['room-a', 'room-b'] }, { to: ['everyone'] }, { to: ['nobody'] }, { to: ['42'] }, { to: ['방'] },
    { to: ['a#b#'] }, { to: [twenty] }, { to: [id('s0-a')] }, { to: [id('s1-b')] }, { to: [id('s2-c')] }, { to: [id('s2-a'), 'room-b'] },
    { except: ['room-a'] }, { to: ['everyone'], except: ['room-b', '42'] }, { except: [id('s1-a'), id('s2-b')] },
    { from: 'socket' }, { from: 'socket', to: ['everyone'] }, { local: true }, { local: true, to: ['room-a'] },
  ];
};

const payloads = ['글', Buffer.from([0, 255]), { z: [1, null, { b: Buffer.from('끝') }], a: '\ud83d\udc4b' }, 1.5];

// note is a broadcast's number, with what it carries if that has changed on the way.
function note([number, payload]) {
  const [got, sent] = [payload, payloads[number.split('.')[1]]].map((p) => JSON.stringify(bare(p)));
  return got === sent ? number : `${number}=${got}`;
}

async function main() {
  const results = {};
  for (const nsp of ['/', '/custom']) {
    const all = await connect(nsp);
    await settle(all);
    const say = wants(all).flatMap((want, i) => payloads.map((payload, j) => ({ ...want, text: [`${i}.${j}`, payload] })));
    for (const speaker of all) {
      for (const [listener, texts] of await broadcasts(all, speaker, say)) {
        // Sorted: Node delivers what is local before what it has published.
        results[`${nsp}: ${speaker.label} to ${listener.label}`] = texts.map(note).sort().join(' ');
      }
    }
  }
  process.stdout.write(JSON.stringify(results) + '\n', () => process.exit(0));
}

main().catch((err) => { console.error(err); process.exit(1); });
