'use strict';
// The adapters of socket.io 4 over Redis, by mode: (pub, sub, name) => adapter.

const { createAdapter, createShardedAdapter } = require('@socket.io/redis-adapter');

const streams = (pub, opts) => require('@socket.io/redis-streams-adapter').createAdapter(pub, opts);

module.exports = {
  classic: (pub, sub, name) => createAdapter(pub, sub, { publishOnSpecificResponseChannel: name === 's1' }),
  dynamic: (pub, sub) => createShardedAdapter(pub, sub),
  'dynamic-private': (pub, sub) => createShardedAdapter(pub, sub, { subscriptionMode: 'dynamic-private' }),
  static: (pub, sub) => createShardedAdapter(pub, sub, { subscriptionMode: 'static' }),
  streams: (pub) => streams(pub),
  'streams, three': (pub) => streams(pub, { streamCount: 3 }),
  'streams, sharded': (pub) => streams(pub, { useShardedPubSub: true }),
};
