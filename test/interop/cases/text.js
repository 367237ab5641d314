'use strict';
// What a client says comes back as it was said.

const texts = {
  'Korean': '안녕하세요, 담소입니다. 뷁쀍',
  'emoji': '🍵👨‍👩‍👧‍👦🇰🇷 𝒟amso',
  'mixed': 'héllo 안녕 😀 ñandú Ωμέγα ascii "따옴표"',
  'Latin that looks like UTF-8': 'ì\u0095\u0088ë\u0085\u0095 é Ã©',
  'line and paragraph separators': 'a\u2028b\u2029c\r\n\td',
  'quotes, slashes, controls': '"\'\\/ \\n \\u0041 \u0000\u0001\u001e\u001f\u007f <b>&amp;</b>',
  'protocol look-alikes': '42["echo"]\u001e2probe:0-/chat,1{"_placeholder":true,"num":0}',
  'lone surrogates': 'high \ud83d low \udc4d end',
  'byte order mark': '\ufeffstart \ufffe \uffff',
  'empty': '',
};

for (const [name, text] of Object.entries(texts)) {
  module.exports[name] = async (t) => {
    const socket = await t.connect('/');
    t.same(await t.echo(socket, text), [text], 'event');
    t.same(await t.ask(socket, 'echo', text, { [text]: [text] }), [text, { [text]: [text] }], 'ack');
  };
}

Object.assign(module.exports, {
  // A server that misreads a text and miswrites it again in the same way passes
  // an echo; these two look at each direction alone.
  async 'as the server reads it'(t) {
    const socket = await t.connect('/');
    for (const name of ['Korean', 'emoji', 'mixed', 'Latin that looks like UTF-8']) {
      t.same((await t.ask(socket, 'spell', texts[name]))[0], Array.from(texts[name], (char) => char.codePointAt(0)), name);
    }
  },

  async 'as the server writes it'(t) {
    const socket = await t.connect('/');
    const back = t.once(socket, 'greeting');
    socket.emit('greet');
    const greeting = '안녕하세요, 담소예요 🍵 ñ';
    t.same(await back, [greeting, { [greeting]: Buffer.from(greeting) }]);
  },

  async 'JSON values and key order'(t) {
    const socket = await t.connect('/');
    const values = [
      null, true, false, 0, -1, 0.1 + 0.2, 1e-7, 5e-324, 1.7976931348623157e308, 2 ** 53, -(2 ** 53) + 1, 1e21, 123456789012345680000,
      { z: 1, a: { y: [], b: {}, x: [[]] }, 안녕: 2, '': 3, 'a b': 4 }, [1, [2, [3, [4, [5]]]]],
    ];
    t.same(await t.echo(socket, ...values), values, 'event');
    t.same(await t.ask(socket, 'echo', ...values), values, 'ack');
  },

  async 'no arguments'(t) {
    const socket = await t.connect('/');
    t.same(await t.echo(socket), []);
  },

  async '100 kB'(t) {
    const socket = await t.connect('/');
    const text = '담소 tea 🍵 '.repeat(7000);
    t.ok(Buffer.byteLength(text) > 100e3, 'the text is too short');
    const [back] = await t.echo(socket, text);
    t.ok(back === text, `came back changed: ${back.length} of ${text.length} characters`);
  },

  async 'in another namespace'(t) {
    const socket = await t.connect('/chat');
    t.same(await t.echo(socket, '네임스페이스, "chat", [1]'), ['네임스페이스, "chat", [1]']);
  },
});
