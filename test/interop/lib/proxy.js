'use strict';
// A TCP proxy between one client and the server. A case cuts or freezes the
// connection here, as a network does, without asking either side to help.

const net = require('net');

class Proxy {
  // open listens on a free port and forwards to the server at url.
  static open(url) {
    const target = new URL(url);
    const proxy = new Proxy();
    proxy.pairs = new Set();
    proxy.frozen = false;
    proxy.down = false;
    proxy.server = net.createServer((near) => proxy.join(near, target));
    return new Promise((resolve, reject) => {
      proxy.server.on('error', reject);
      proxy.server.listen(0, '127.0.0.1', () => {
        proxy.url = `http://127.0.0.1:${proxy.server.address().port}`;
        resolve(proxy);
      });
    });
  }

  join(near, target) {
    near.on('error', () => {});
    if (this.down) { near.resetAndDestroy(); return; }
    const far = net.connect(Number(target.port), target.hostname);
    const pair = [near, far];
    this.pairs.add(pair);
    for (const [from, to] of [[near, far], [far, near]]) {
      from.on('data', (data) => { if (!this.frozen && !pair.lost) to.write(data); });
      from.on('error', () => {});
      from.on('close', () => { if (!this.frozen && !pair.lost) { to.destroy(); this.pairs.delete(pair); } });
    }
  }

  // cut ends every connection at once and lets no new one through until mend.
  cut() {
    this.down = true;
    for (const [near, far] of this.pairs) { near.resetAndDestroy(); far.resetAndDestroy(); }
  }

  mend() { this.down = false; }

  // lose ends every connection for the client, while the server hears nothing of it.
  lose() {
    for (const pair of this.pairs) { pair.lost = true; pair[0].resetAndDestroy(); }
  }

  // silence lets nothing through the connections that there are, not even their end.
  silence() { for (const pair of this.pairs) pair.lost = true; }

  // freeze lets nothing through any more, neither bytes nor the end of a connection.
  freeze() { this.frozen = true; }

  // close ends the proxy and every connection through it.
  close() { this.server.close(); this.cut(); }
}

module.exports = Proxy;
