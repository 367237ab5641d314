'use strict';
// The server of README.md in Node: socket.io 4.8 with allowEIO3. The cases are
// judged by it before they judge anybody else.

const http = require('http');
const { Server } = require('server-4.8');
const { serve } = require('./lib/contract');

async function listen(opts) {
  const server = http.createServer();
  const io = new Server(server, { allowEIO3: true, ...opts });
  serve(io);
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${server.address().port}`;
}

process.stdin.on('end', () => process.exit(0)).resume();
Promise.all([listen({}), listen({ pingInterval: 300 }), listen({ pingInterval: 300, pingTimeout: 2500 })])
  .then(([url, heartbeatUrl, silenceUrl]) => console.log(JSON.stringify({ url, heartbeatUrl, silenceUrl })));
