new Vue({
  el: '#app',
  data: { title: 'Nestjs Websockets Chat', name: '', text: '', messages: [], socket: null },
  methods: {
    sendMessage() {
      if (!this.validateInput()) return;
      this.socket.emit('msgToServer', { name: this.name, text: this.text });
      this.text = '';
    },
    receivedMessage(message) {
      this.messages.push(message);
    },
    validateInput() {
      return this.name.length > 0 && this.text.length > 0;
    },
  },
  created() {
    // The article's two copies of the page name their ports, 3000 and 3001.
    this.socket = io('http://localhost:PORT/chat');
    this.socket.on('msgToClient', (message) => this.receivedMessage(message));
  },
});
