package nats

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"time"

	"github.com/damso/damso/adapter"
	"github.com/damso/damso/adapter/members"
)

// format is the first byte of every frame.
const format = 1

// A frameKind says what a frame is for.
type frameKind byte

const (
	signFrame    frameKind = iota + 1 // a node lives, with the namespaces that it has open
	listFrame                         // a node wants to know what namespaces another has open
	byeFrame                          // a node stops
	messageFrame                      // of one node to another
	publishFrame                      // an operation
	askFrame                          // an operation whose sender wants answers
	answerFrame
)

// A space is the hash of a namespace's name: short, of one length, and fit for a
// subject. Names come from clients, so that it must not be easy to find two with one
// hash.
type space [16]byte

func spaceOf(nsp string) space {
	sum := sha256.Sum256([]byte(nsp))
	return space(sum[:16])
}

func (s space) String() string { return base64.RawURLEncoding.EncodeToString(s[:]) }

// A frame is what travels in one NATS message.
type frame struct {
	kind frameKind
	from members.Node // without a name

	version uint64  // of a sign: changes with the namespaces that are open
	listed  bool    // of a sign: spaces is there
	spaces  []space // of a sign

	body []byte // of a message

	space  space              // of an operation, a question or an answer
	query  uint64             // of a question or an answer
	op     *adapter.Operation // of an operation or a question
	answer adapter.Answer     // of an answer, without Node
}

// encode returns the frame as it is sent.
func (f *frame) encode() []byte {
	w := writer(make([]byte, 0, f.sizeHint()))
	w = append(w, format, byte(f.kind))
	w = append(w, f.from.ID...)
	w = binary.BigEndian.AppendUint64(w, f.from.Instance)
	switch f.kind {
	case signFrame:
		w.uint(f.version)
		w.bools(f.listed)
		for _, s := range f.spaces {
			w = append(w, s[:]...)
		}
	case messageFrame:
		w = append(w, f.body...)
	case publishFrame:
		w = append(w, f.space[:]...)
		w.operation(f.op)
	case askFrame:
		w = append(w, f.space[:]...)
		w.uint(f.query)
		w.uint(uint64(f.op.Timeout))
		w.operation(f.op)
	case answerFrame:
		w = append(w, f.space[:]...)
		w.uint(f.query)
		w.answer(&f.answer)
	}
	return w
}

func (f *frame) sizeHint() int {
	n := 128 + len(f.body) + len(f.spaces)*len(space{})
	if f.op != nil {
		n += eventSize(f.op.Event)
	}
	return n + eventSize(f.answer.Value)
}

func eventSize(e adapter.Event) int {
	n := len(e.Data)
	for _, a := range e.Attachments {
		n += len(a) + binary.MaxVarintLen32
	}
	return n
}

// A writer appends the parts of a frame. Lengths and numbers are varints.
type writer []byte

func (w *writer) uint(n uint64) { *w = binary.AppendUvarint(*w, n) }

func (w *writer) bools(list ...bool) {
	var b byte
	for i, set := range list {
		if set {
			b |= 1 << i
		}
	}
	*w = append(*w, b)
}

func (w *writer) string(s string) {
	w.uint(uint64(len(s)))
	*w = append(*w, s...)
}

func (w *writer) bytes(b []byte) {
	w.uint(uint64(len(b)))
	*w = append(*w, b...)
}

func (w *writer) strings(list []string) {
	w.uint(uint64(len(list)))
	for _, s := range list {
		w.string(s)
	}
}

func (w *writer) event(e adapter.Event) {
	w.bytes(e.Data)
	w.uint(uint64(len(e.Attachments)))
	for _, a := range e.Attachments {
		w.bytes(a)
	}
}

func (w *writer) operation(op *adapter.Operation) {
	*w = append(*w, byte(op.Kind))
	w.bools(op.Flags.Volatile, op.Flags.NoCompress, op.Close, op.Brief)
	*w = append(*w, op.Flags.Slow)
	w.string(op.Flags.SlowKey)
	w.strings(op.Rooms)
	w.strings(op.Except)
	w.strings(op.Names)
	w.event(op.Event)
}

func (w *writer) answer(a *adapter.Answer) {
	w.bools(a.Ack)
	w.string(a.Socket)
	w.uint(uint64(max(a.Count, 0)))
	w.string(a.Err)
	w.strings(a.Rooms)
	w.event(a.Value)
	w.uint(uint64(len(a.Sockets)))
	for _, s := range a.Sockets {
		w.string(s.ID)
		w.strings(s.Rooms)
		w.bytes(s.Handshake)
		w.event(s.Data)
	}
}

// maxTimeout is how long a question of another node may wait for its answers.
const maxTimeout = time.Hour
