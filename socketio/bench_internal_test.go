package socketio

import (
	"testing"

	"github.com/damso/damso/adapter"
	"github.com/damso/damso/socketio/packet"
)

// BenchmarkEchoPath is what an echo costs without a connection: the text decoded,
// the handler's arguments cut out, the acknowledgement encoded.
func BenchmarkEchoPath(b *testing.B) {
	text := []byte(`2/chat,17["echo",{"name":"연우","text":"안녕하세요"}]`)
	b.ReportAllocs()
	for b.Loop() {
		p, err := packet.Decode(text, 10)
		if err != nil {
			b.Fatal(err)
		}
		e := Event{id: p.ID, wantsAck: p.HasID, data: p.Data}
		if err := e.decode(); err != nil {
			b.Fatal(err)
		}
		arg, err := argument[Raw](&e)
		if err != nil {
			b.Fatal(err)
		}
		data, attachments, err := packet.MarshalArgs(arg)
		if err != nil {
			b.Fatal(err)
		}
		encodeText(packet.Packet{Type: packet.Ack, Namespace: p.Namespace, ID: e.id, HasID: true, Data: data}, attachments)
	}
}

// BenchmarkEncodeEvent is a broadcast's part that does not depend on the number of
// its receivers.
func BenchmarkEncodeEvent(b *testing.B) {
	arg := Raw{JSON: []byte(`{"name":"연우","text":"안녕하세요"}`)}
	b.ReportAllocs()
	for b.Loop() {
		e, err := marshal("msgToClient", []any{arg})
		if err != nil {
			b.Fatal(err)
		}
		new(Server).encodeEvent("/chat", adapter.Event{Data: e.Data, Attachments: e.Attachments})
	}
}
