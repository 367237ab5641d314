'use strict';
// Speaks through each server of a cluster and compares what the clients of all hear.
// Prints one JSON line per case, {case, ok, detail}, and {please} for what it wants
// done to Redis; an answer of any kind is one line on the standard input.
//
//   node clients.js '{"damso-a": "http://…", "damso-b": …, "node-2": …, "node-4": …}'

const readline = require('readline');
const { randomUUID } = require('crypto');
const { Listener, until, broadcasts, expect, same } = require('./lib');

const urls = JSON.parse(process.argv[2]);
const generations = { 'damso-a': ['2', '4'], 'damso-b': ['2', '4'], 'node-2': ['2'], 'node-4': ['4'] };

const answers = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]();

async function please(what) {
  console.log(JSON.stringify({ please: what }));
  await answers.next();
}

async function judge(name, run) {
  let detail = '';
  try {
    await run();
  } catch (err) {
    detail = err.message || String(err);
  }
  console.log(JSON.stringify({ case: name, ok: detail === '', detail }));
}

// A Place is one namespace with its listeners; one of each server is a speaker.
async function open(nsp) {
  const all = Object.entries(generations).flatMap(([server, clients]) => clients.map((client) => new Listener(server, client, urls[server], nsp)));
  for (const listener of all) {
    listener.id = await listener.ask('whoami');
    await listener.ask('join', `${listener.server} ${listener.client}`);
  }
  const speakers = Object.keys(generations).map((server) => all.find((listener) => listener.server === server));
  return { nsp, all, speakers };
}

// whole waits until every server reaches every client.
async function whole({ all, speakers }) {
  for (const speaker of speakers) {
    const tag = randomUUID();
    const timer = setInterval(() => speaker.say(tag, 'hello?'), 100);
    try {
      await until(() => `${speaker.name} heard by ${all.filter((l) => !l.texts(tag).length).map((l) => l.name)}`,
        () => all.every((listener) => listener.texts(tag).length > 0));
    } finally {
      clearInterval(timer);
    }
  }
}

const isNode2 = ({ server }) => server === 'node-2';

// The cases that one speaker passes in one namespace.
const cases = {
  async 'to all, in order'({ all }, speaker) {
    const texts = Array.from({ length: 50 }, (_, i) => `${i} 안녕 🍵`);
    expect(await broadcasts(all, speaker, texts.map((text) => ({ text }))), () => texts);
  },

  async 'to all but the sender'({ all }, speaker) {
    const heard = await broadcasts(all, speaker, [{ from: 'socket', text: '나 빼고' }]);
    expect(heard, (listener) => (listener === speaker ? [] : ['나 빼고']));
  },

  async 'to a room'({ all }, speaker) {
    for (const there of all) {
      const room = `${there.server} ${there.client}`;
      expect(await broadcasts(all, speaker, [{ to: [room], text: room }]), (listener) => (listener === there ? [room] : []));
    }
  },

  async 'to several rooms'({ all }, speaker) {
    const heard = await broadcasts(all, speaker, [{ to: ['damso-a 4', 'damso-b 2', 'node-2 2', 'node-4 4', 'nobody'], text: 'rooms' }]);
    expect(heard, ({ server, client }) => (['damso-a 2', 'damso-b 4'].includes(`${server} ${client}`) ? [] : ['rooms']));
  },

  async 'to single sockets'({ all }, speaker) {
    for (const there of all) {
      expect(await broadcasts(all, speaker, [{ to: [there.id], text: 'you' }]), (listener) => (listener === there ? ['you'] : []));
    }
  },

  async 'except sockets'({ all }, speaker) {
    if (isNode2(speaker)) return; // it has no way to say so
    for (const there of all) {
      expect(await broadcasts(all, speaker, [{ except: [there.id], text: 'not you' }]), (listener) => (listener === there ? [] : ['not you']));
    }
  },

  async 'except rooms'({ all }, speaker) {
    if (isNode2(speaker)) return;
    const rooms = ['damso-a 2', 'damso-b 4', 'node-4 4'];
    const heard = await broadcasts(all, speaker, [{ except: rooms, text: 'others' }]);
    expect(heard, ({ server, client }) => (rooms.includes(`${server} ${client}`) ? [] : ['others']));
  },

  async 'on this server only'({ all }, speaker) {
    const heard = await broadcasts(all, speaker, [{ local: true, text: 'here' }]);
    expect(heard, ({ server }) => (server === speaker.server ? ['here'] : []));
  },

  // A volatile event may be lost, so it is repeated until it has been heard everywhere.
  async 'volatile'({ all }, speaker) {
    const tag = randomUUID();
    const timer = setInterval(() => speaker.say(tag, 'psst', { volatile: true }), 30);
    try {
      await until('volatile event everywhere', () => all.every((listener) => listener.texts(tag).length > 0));
    } finally {
      clearInterval(timer);
    }
  },

  async 'JSON as it was said'({ all }, speaker) {
    const texts = [
      { 이름: '담소', list: [1, -1, 0.1, 1e-7, null, true, { '': [] }], big: 2 ** 53, small: -(2 ** 53) },
      'a\u2028b "quoted" \\ \u0000 👨‍👩‍👧', '', 0, null, [],
    ];
    expect(await broadcasts(all, speaker, texts.map((text) => ({ text }))), () => texts);
  },

  // Who can read whose binary: see README.md.
  async 'binary'({ all }, speaker) {
    const readers = {
      'damso-a': ['damso-a', 'damso-b', 'node-4'], 'damso-b': ['damso-a', 'damso-b', 'node-2'],
      'node-2': ['damso-a', 'damso-b', 'node-2'], 'node-4': ['damso-a', 'damso-b', 'node-4'],
    }[speaker.server];
    const to = all.filter(({ server }) => readers.includes(server)).map(({ server, client }) => `${server} ${client}`);
    const texts = [Buffer.from([0, 1, 255]), { deep: [{ file: Buffer.alloc(300, 7) }, Buffer.alloc(0)], name: '파일' }];
    const heard = await broadcasts(all, speaker, texts.map((text) => ({ to, text })));
    expect(heard, ({ server }) => (readers.includes(server) ? texts : []));
  },
};

// While Redis is away each server serves its own clients. What Node's clients of
// Redis keep and publish later has an old tag, and nobody minds it.
async function away({ all, speakers }) {
  for (const speaker of speakers) {
    const tag = randomUUID();
    speaker.say(tag, '우리끼리');
    const own = all.filter(({ server }) => server === speaker.server);
    await until(`what ${speaker.name} says while Redis is away`, () => own.every((listener) => listener.texts(tag).length > 0));
    for (const listener of own) same(listener.texts(tag), ['우리끼리'], listener.name);
  }
}

async function main() {
  const places = [await open('/'), await open('/custom')];
  await judge('all servers hear each other', async () => { for (const place of places) await whole(place); });
  for (const place of places) {
    for (const speaker of place.speakers) {
      for (const [name, run] of Object.entries(cases)) await judge(`${speaker.server}${place.nsp}: ${name}`, () => run(place, speaker));
    }
  }
  await judge('not in another namespace', async () => {
    for (const speaker of places[1].speakers) {
      const here = await broadcasts(places[1].all, speaker, [{ text: 'in /custom' }]);
      expect(here, () => ['in /custom']);
    }
    for (const listener of places[0].all) same(listener.heard.filter((what) => what?.text === 'in /custom'), [], listener.name);
  });

  await please('kill redis');
  for (const place of places) await judge(`${place.nsp}: Redis is away`, () => away(place));
  await please('start redis');
  for (const place of places) {
    await judge(`${place.nsp}: Redis is back`, async () => {
      await whole(place);
      for (const speaker of place.speakers) await cases['to all, in order'](place, speaker);
    });
  }
  process.exit(0);
}

process.stdin.on('end', () => process.exit(1));
process.on('unhandledRejection', (err) => { console.error(err); process.exit(2); });
main();
