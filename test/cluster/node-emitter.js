'use strict';
// Emits with an emitter of Node: node node-emitter.js <redis host> <redis port> 5|3
// It takes lines of JSON, {"call": "emit", "to": ["room"], "args": […]}, in which
// {"$binary": "00ff"} is binary, and answers each with "done" when it is on its way.

const { createClient } = require('redis');

const [host, port, version] = process.argv.slice(2);

async function open() {
  if (version === '3') return require('socket.io-emitter')({ host, port: Number(port) });
  const client = createClient({ socket: { host, port: Number(port) } });
  await client.connect();
  return new (require('@socket.io/redis-emitter').Emitter)(client);
}

const revive = (key, value) => (value?.$binary ? Buffer.from(value.$binary, 'hex') : value);

async function main() {
  const io = await open();
  for await (const line of require('readline').createInterface({ input: process.stdin })) {
    const { call, to, args } = JSON.parse(line, revive);
    (to.length > 0 ? io.to(to.length > 1 ? to : to[0]) : io)[call](...args);
    // What follows on another connection must not overtake it.
    console.log('"done"');
  }
  process.exit(0);
}

main();
