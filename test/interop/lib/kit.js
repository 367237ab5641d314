'use strict';
// What a case has at hand: connections that are closed when it ends, waiting
// with a limit, and comparing values that may hold binary.

const { randomUUID } = require('crypto');
const Proxy = require('./proxy');


class Kit {
  constructor(setup) {
    // version, generation, transport, url, heartbeatUrl, silenceUrl, io (the client library),
    // and patience: how long to wait for anything, in milliseconds
    Object.assign(this, setup);
    this.sockets = [];
    this.proxies = [];
    this.tag = randomUUID(); // tells this case's broadcasts from those of the cases beside it
  }

  // open starts a connection of its own to a namespace, and does not wait for it.
  open(nsp = '/', opts = {}) {
    const { url = this.url, ...rest } = opts;
    const transports = this.transport === 'upgrade' ? ['polling', 'websocket'] : [this.transport];
    const socket = this.io(url + nsp, {
      transports, forceNew: true, reconnectionDelay: 50, reconnectionDelayMax: 100,
      ...(this.parser && { parser: this.parser }), ...rest,
    });
    this.sockets.push(socket);
    return socket;
  }

  // beside joins another namespace over the connection that socket has.
  beside(socket, nsp, opts) {
    const other = socket.io.socket(nsp, opts);
    this.sockets.push(other);
    return other;
  }

  // connect opens a connection and waits until the server has accepted it.
  async connect(nsp, opts) {
    const socket = this.open(nsp, opts);
    await this.connected(socket);
    return socket;
  }

  connected(socket) {
    if (socket.connected) return Promise.resolve();
    return this.limit('connect', new Promise((resolve, reject) => {
      socket.on('connect', resolve);
      for (const ev of ['connect_error', 'error']) {
        socket.on(ev, (err) => reject(new Error(`${ev}: ${describe(err)}`)));
      }
    }));
  }

  // once waits for the next event and returns its arguments.
  once(emitter, event) {
    return this.limit(event, new Promise((resolve) => emitter.once(event, (...args) => resolve(args))));
  }

  // take waits for count events of one name and returns their first arguments, in order.
  take(emitter, event, count) {
    const got = [];
    return this.limit(`${count} × ${event}`, new Promise((resolve) => {
      const on = (value) => {
        got.push(value);
        if (got.length === count) { emitter.removeListener(event, on); resolve(got); }
      };
      emitter.on(event, on);
    }), () => `${got.length} came`);
  }

  // ask emits an event and waits for its acknowledgement, whose arguments it returns.
  ask(socket, event, ...args) {
    return this.limit(`ack of ${event}`, new Promise((resolve) => {
      socket.emit(event, ...args, (...answer) => resolve(answer));
    }));
  }

  // echo sends values and returns what comes back as an event.
  async echo(socket, ...values) {
    const back = this.once(socket, 'echo');
    socket.emit('echo', ...values);
    return back;
  }

  // say asks the server for a broadcast; see README.md.
  say(socket, { from = 'namespace', to = [], except = [], volatile = false, text }) {
    socket.emit('say', { from, to, except, volatile }, { tag: this.tag, text });
  }

  // hears returns a list that fills with what socket hears of this case's broadcasts.
  hears(socket) {
    const texts = [];
    socket.on('heard', ({ tag, text }) => { if (tag === this.tag) texts.push(text); });
    return texts;
  }

  // settled waits until an upgrade, where one is to come, is over on both sides.
  async settled(socket) {
    if (this.transport !== 'upgrade') return;
    await this.until('upgrade', () => socket.io.engine.transport.name === 'websocket' && !socket.io.engine.upgrading);
    await this.ask(socket, 'echo');
  }

  // until repeats a question until it is answered with true.
  until(what, question) {
    return this.limit(what, new Promise((resolve) => {
      const look = () => (question() ? resolve() : setTimeout(look, 10));
      look();
    }));
  }

  async proxy(url = this.url) {
    const proxy = await Proxy.open(url);
    this.proxies.push(proxy);
    return proxy;
  }

  // limit gives a promise a time to be fulfilled in.
  limit(what, promise, state = () => '') {
    let timer;
    const late = new Promise((_, reject) => {
      timer = setTimeout(() => reject(new Error(`no ${what} within ${this.patience / 1000} s ${state()}`)), this.patience);
    });
    return Promise.race([promise, late]).finally(() => clearTimeout(timer));
  }

  ok(condition, message) { if (!condition) throw new Error(message); }

  same(got, want, what = 'value') {
    const [g, w] = [canonical(got), canonical(want)];
    if (g !== w) throw new Error(`${what}: got ${shorten(g)}, want ${shorten(w)}`);
  }

  close() {
    for (const socket of this.sockets) {
      socket.removeAllListeners?.() ?? socket.off?.();
      if (socket.io.reconnection) socket.io.reconnection(false);
      socket.disconnect();
      socket.io.engine?.close();
    }
    for (const proxy of this.proxies) proxy.close();
  }
}

// canonical is a text that is equal for equal values: keys keep their order,
// binary of any kind shows its bytes.
function canonical(value) { return JSON.stringify(bare(value)); }

function bare(value) {
  if (Buffer.isBuffer(value)) return { $binary: value.toString('hex') };
  if (value instanceof ArrayBuffer) return { $binary: Buffer.from(value).toString('hex') };
  if (ArrayBuffer.isView(value)) return { $binary: Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('hex') };
  if (Array.isArray(value)) return value.map(bare);
  if (value && typeof value === 'object') return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, bare(v)]));
  return value;
}

function describe(err) {
  if (err instanceof Error) return `${err.message}${err.description ? ` (${err.description.message ?? err.description})` : ''}`;
  return canonical(err);
}

function shorten(text = 'undefined') {
  return text.length > 300 ? `${text.slice(0, 300)}… (${text.length} characters)` : text;
}

module.exports = { Kit, describe, canonical };
