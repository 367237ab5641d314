'use strict';
// The listeners of the cluster, and how to compare what they hear.

const { randomUUID } = require('crypto');

// patience is how long anything may take, in milliseconds; it is only reached when
// something is wrong.
const patience = 30000;

// A Listener is one client on one server.
class Listener {
  constructor(server, client, url, nsp, query = {}) {
    Object.assign(this, { server, client, name: `${client}@${server}${nsp}` });
    this.socket = require(`client-${client}`)(url + nsp, { transports: ['websocket'], forceNew: true, query });
    this.heard = [];
    this.socket.on('heard', (what) => this.heard.push(what));
  }

  ask(event, ...args) {
    return limit(`${this.name}: answer to ${event}`, new Promise((resolve) => this.socket.emit(event, ...args, resolve)));
  }

  // say lets the server broadcast {tag, text}.
  say(tag, text, { from = 'namespace', to = [], except = [], volatile = false, local = false } = {}) {
    this.socket.emit('say', { from, to, except, volatile, local }, { tag, text });
  }

  // texts are what it has heard under a tag.
  texts(tag) { return this.heard.filter((what) => what?.tag === tag).map(({ text }) => text); }
}

function limit(what, promise) {
  let timer;
  const late = new Promise((_, reject) => { timer = setTimeout(() => reject(new Error(`${what}: not within ${patience / 1000} s`)), patience); });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

// until repeats a question until it is answered with true.
async function until(what, question) {
  for (const end = Date.now() + patience; !(await question());) {
    if (Date.now() > end) throw new Error(`${typeof what === 'function' ? what() : what}: not within ${patience / 1000} s`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

// broadcasts lets speaker say things, then a last word to all, and returns what
// each of all has heard before that: the order of one speaker's words is kept
// everywhere, so nothing of it can come later.
async function broadcasts(all, speaker, wants) {
  const tag = randomUUID();
  for (const { text, ...where } of wants) speaker.say(tag, text, where);
  speaker.say(tag, 'end');
  await until(() => `the end of what ${speaker.name} says, at ${all.filter((l) => !l.texts(tag).includes('end')).map((l) => l.name)}`,
    () => all.every((listener) => listener.texts(tag).includes('end')));
  return new Map(all.map((listener) => [listener, listener.texts(tag).filter((text) => text !== 'end')]));
}

// expect compares what each listener has heard with want(listener).
function expect(heard, want) {
  for (const [listener, texts] of heard) same(texts, want(listener), listener.name);
}

function same(got, want, what) {
  const [g, w] = [JSON.stringify(bare(got)), JSON.stringify(bare(want))];
  if (g !== w) throw new Error(`${what}: got ${g.slice(0, 300)}, want ${w.slice(0, 300)}`);
}

// bare shows binary of any kind as its bytes, and sorts keys.
function bare(value) {
  if (Buffer.isBuffer(value) || value instanceof ArrayBuffer) return { $binary: Buffer.from(value).toString('hex') };
  if (Array.isArray(value)) return value.map(bare);
  if (value && typeof value === 'object') return Object.fromEntries(Object.keys(value).sort().map((k) => [k, bare(value[k])]));
  return value;
}

module.exports = { Listener, until, broadcasts, expect, same, bare };
