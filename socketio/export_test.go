package socketio

import (
	"testing"

	"github.com/damso/damso/socketio/packet"
)

// CheckUnpack decodes b, and fails the test if what comes of it can't be encoded, or
// is another packet then.
func CheckUnpack(t *testing.T, b []byte) {
	p, attachments, err := unpackPacket(b)
	if err != nil {
		return
	}
	if p.Type == packet.BinaryEvent || p.Type == packet.BinaryAck {
		p.Type -= packet.BinaryEvent - packet.Event
		p.Attachments = 0
	}
	_, again, err := packPacket(p, attachments)
	if err != nil {
		return // binary may be referred to more often than it is there
	}
	if _, _, err := unpackPacket(again); err != nil {
		t.Errorf("%s %q: %v", p.Type, p.Data, err)
	}
}
