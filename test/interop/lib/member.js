'use strict';
// A member of the crowd: one client of the chat, which keeps account of what it says
// and hears.

// What the chat refuses: the answer goes to the sender alone, and says what was wrong.
const questions = [
  [{ name: 'a' }, 'text must be a string'],
  [{ text: '나' }, 'name must be a string'],
  [{ name: 'a', text: Buffer.from('binary') }, 'payload must not have binary in it'],
  [{ name: '', text: 'a' }, 'name must have 1 to 50 characters'],
  [{ name: 'a', text: '' }, 'text must have 1 to 2000 characters'],
  ['a', 'payload must be an object {name, text}'],
];

class Member {
  constructor(url, kind, name, fault) {
    const [version, transport] = kind.split('/');
    Object.assign(this, { url, kind, version, transport, name });
    this.fault = (text) => fault(`${name}: ${text}`);
    this.connects = 0;   // to the namespace
    this.failures = 0;   // attempts that failed
    this.lost = 0;       // connections lost
    this.recovered = 0;  // times it came back as the same socket
    this.nodes = [];     // that have served it
    this.asked = 0;
    this.answered = 0;
    this.open = [];      // questions without an answer: {doubtful}
    this.heard = new Map(); // series → last number
    this.away = new Map();  // series → what was heard before it was away, not recovered
    this.series = [];    // what it says to all: {name, last, broken}
  }

  connect() {
    const transports = this.transport === 'upgrade' ? ['polling', 'websocket'] : [this.transport];
    const socket = require(`client-${this.version}`)(`${this.url}/chat`, {
      transports, forceNew: true, reconnectionDelay: 50, reconnectionDelayMax: 500, timeout: 60000, rememberUpgrade: false,
    });
    this.socket = socket;
    socket.on('connect', () => this.connected());
    socket.on('disconnect', (reason) => this.disconnected(reason));
    for (const event of ['connect_error', 'connect_timeout', 'error']) {
      socket.on(event, (err) => {
        if (event === 'error' && socket.connected) return; // of clients 1 and 2: the connection is lost, which they say next
        this.failures++;
        this.failure = [err && err.message || err, err && err.description].join(' ').trim();
      });
    }
    socket.on('node', ({ id }) => { this.nodes.push(id); });
    socket.on('msgToClient', ({ name, text }) => { if (name !== 'admin') this.hear(name, Number(text)); });
  }

  connected() {
    if (this.connects++ === 0) return;
    if (this.socket.recovered) { this.recovered++; return; }
    this.open = [];
    this.away = new Map(this.heard);
  }

  disconnected(reason) {
    this.lost++;
    this.reason = `${reason}, ${new Date().toISOString()}`;
    for (const question of this.open) question.doubtful = true;
    if (this.series.length > 0) this.series[this.series.length - 1].broken = true;
  }

  // ask says something whose answer is for this member alone.
  ask() {
    if (!this.isConnected()) return;
    const [payload, want] = questions[this.asked++ % questions.length];
    const question = { doubtful: false };
    this.open.push(question);
    this.socket.emit('msgToServer', payload, ({ message }) => {
      if (message !== want) this.fault(`the answer is ${message}, want ${want}`);
      this.answer(question);
    });
  }

  answer(question) {
    // With the connection, what was on its way in either direction may be lost.
    while (this.open.length > 0 && this.open[0] !== question && this.open[0].doubtful) this.open.shift();
    if (this.open[0] !== question) return this.fault(`answer ${this.answered + 1} comes twice, or before another one`);
    this.open.shift();
    this.answered++;
  }

  // speak says the next number of a series to all. A lost connection ends the series, as
  // numbers may be lost with it.
  speak() {
    if (!this.isConnected()) return;
    let series = this.series[this.series.length - 1];
    if (series === undefined || series.broken) this.series.push(series = { name: `${this.name}/${this.series.length}`, last: 0, broken: false });
    this.socket.emit('msgToServer', { name: series.name, text: String(++series.last) });
  }

  hear(series, n) {
    const last = this.heard.get(series) || 0;
    const wasAway = this.away.delete(series) || (this.away.size > 0 && last === 0) || (last === 0 && this.lost > this.recovered);
    // The node that a new socket is at may be behind the old one's by what is on its way, so it may hear the
    // last word again, which makes no difference to a socket that knows nothing. Words before that it must not hear.
    if (n !== last + 1 && !(wasAway && n >= last)) this.fault(`heard ${n} after ${last} of ${series}`);
    this.heard.set(series, n);
  }

  // missing says which series it has not heard to the end.
  missing(series) {
    return series.filter(({ name, last, broken }) => !broken && this.heard.get(name) !== last)
      .map(({ name, last }) => `${this.name}: heard ${this.heard.get(name) || 0} of ${last} of ${name}`);
  }

  isConnected() { return this.socket !== undefined && this.socket.connected; }

  // isUpgraded says whether it is connected and as far as it will come. Where a node ends in
  // between, it may not come so far.
  isUpgraded() {
    if (!this.isConnected() || this.nodes.length === 0) return false;
    const engine = this.socket.io.engine;
    return this.transport !== 'upgrade' || (engine.transport.name === 'websocket' && !engine.upgrading);
  }

  isAnswered() { return this.open.every((question) => question.doubtful); }

  // state is what there is to know of one that is late.
  state() {
    const engine = this.socket && this.socket.io.engine;
    return JSON.stringify({
      ...this.summary(), connected: this.isConnected(), asked: this.asked, open: this.open.length,
      engine: engine && [engine.id, engine.readyState, engine.transport && engine.transport.name, engine.upgrading, engine.writeBuffer.length],
    });
  }

  summary() {
    const { name, kind, connects, failures, failure = '', lost, reason = '', recovered, nodes, answered } = this;
    return { name, kind, connects, failures, failure, lost, reason, recovered, nodes, answered, heard: [...this.heard.values()].reduce((a, b) => a + b, 0) };
  }
}

module.exports = { Member };
