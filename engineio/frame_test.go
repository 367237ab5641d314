package engineio

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gobwas/ws"
	"github.com/google/go-cmp/cmp"
)

// readFrames feeds stream in pieces of the given size and returns what is
// delivered, each as "opcode:payload".
func readFrames(max int, stream []byte, size int) (got []string, err error) {
	f := frameReader{max: max}
	for piece := range slices.Chunk(stream, size) {
		err = f.feed(bytes.Clone(piece), func(op ws.OpCode, payload []byte) error {
			got = append(got, fmt.Sprintf("%x:%s", byte(op), payload))
			return nil
		})
		if err != nil {
			return got, err
		}
	}
	return got, nil
}

func unmasked(op ws.OpCode, data string) []byte {
	return ws.MustCompileFrame(ws.NewFrame(op, true, []byte(data)))
}

// bits changes the first byte of a frame.
func bits(frame []byte, or, andNot byte) []byte {
	frame[0] = frame[0]&^andNot | or
	return frame
}

func join(frames ...[]byte) []byte { return bytes.Join(frames, nil) }

var frameTests = []struct {
	name   string
	stream []byte
	want   []string
	err    error
}{
	{"nothing", nil, nil, nil},
	{"text", frame(ws.OpText, "4hello"), []string{"1:4hello"}, nil},
	{"binary", frame(ws.OpBinary, "\x00\xff"), []string{"2:\x00\xff"}, nil},
	{"empty", frame(ws.OpText, ""), []string{"1:"}, nil},
	{"several", join(frame(ws.OpText, "4a"), frame(ws.OpBinary, "b"), frame(ws.OpText, "4c")), []string{"1:4a", "2:b", "1:4c"}, nil},
	{"125", frame(ws.OpText, strings.Repeat("a", 125)), []string{"1:" + strings.Repeat("a", 125)}, nil},
	{"126", frame(ws.OpText, strings.Repeat("a", 126)), []string{"1:" + strings.Repeat("a", 126)}, nil},
	{"max", frame(ws.OpText, strings.Repeat("a", 1000)), []string{"1:" + strings.Repeat("a", 1000)}, nil},
	{"16 bit length for 1 byte", []byte("\x81\xfe\x00\x01\x00\x00\x00\x004"), []string{"1:4"}, nil},
	{"64 bit length for 1 byte", []byte("\x81\xff\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x004"), []string{"1:4"}, nil},
	{"fragments", join(fragment(ws.OpText, false, "4a"), fragment(ws.OpContinuation, false, "b"), fragment(ws.OpContinuation, true, "c")),
		[]string{"1:4abc"}, nil},
	{"empty fragments", join(fragment(ws.OpBinary, false, ""), fragment(ws.OpContinuation, false, ""), fragment(ws.OpContinuation, true, "")),
		[]string{"2:"}, nil},
	{"control between fragments", join(fragment(ws.OpText, false, "4a"), frame(ws.OpPing, "p"), frame(ws.OpPong, ""), fragment(ws.OpContinuation, true, "b"), frame(ws.OpText, "4c")),
		[]string{"9:p", "a:", "1:4ab", "1:4c"}, nil},
	{"close", frame(ws.OpClose, "\x03\xe8bye"), []string{"8:\x03\xe8bye"}, nil},
	{"incomplete", frame(ws.OpText, "4abc")[:8], nil, nil},

	{"too big", frame(ws.OpText, strings.Repeat("a", 1001)), nil, errMessageTooBig},
	{"too big after others", join(frame(ws.OpText, "4a"), frame(ws.OpText, strings.Repeat("a", 1001))), []string{"1:4a"}, errMessageTooBig},
	{"too big in sum", join(fragment(ws.OpText, false, strings.Repeat("a", 600)), fragment(ws.OpContinuation, true, strings.Repeat("a", 401))), nil, errMessageTooBig},
	{"huge length without data", []byte("\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff\x00\x00\x00\x00"), nil, errMessageTooBig},
	{"length with the highest bit", []byte("\x82\xff\xff\xff\xff\xff\xff\xff\xff\xff\x00\x00\x00\x00"), nil, ws.ErrHeaderLengthMSB},
	{"no mask", unmasked(ws.OpText, "4a"), nil, ws.ErrProtocolMaskRequired},
	{"reserved bit 1", bits(frame(ws.OpText, "4a"), 0x40, 0), nil, ws.ErrProtocolNonZeroRsv},
	{"reserved bit 3", bits(frame(ws.OpText, "4a"), 0x10, 0), nil, ws.ErrProtocolNonZeroRsv},
	{"opcode 3", bits(frame(ws.OpText, "4a"), 3, 0x0f), nil, ws.ErrProtocolOpCodeReserved},
	{"opcode 15", bits(frame(ws.OpText, "4a"), 0x0f, 0), nil, ws.ErrProtocolOpCodeReserved},
	{"continuation of nothing", fragment(ws.OpContinuation, true, "a"), nil, ws.ErrProtocolContinuationUnexpected},
	{"text in a fragmented text", join(fragment(ws.OpText, false, "4a"), frame(ws.OpText, "4b")), nil, ws.ErrProtocolContinuationExpected},
	{"fragmented ping", bits(frame(ws.OpPing, ""), 0, 0x80), nil, ws.ErrProtocolControlNotFinal},
	{"big ping", bits(frame(ws.OpText, strings.Repeat("a", 126)), 9, 0x0f), nil, ws.ErrProtocolControlPayloadOverflow},
}

// However the bytes arrive, the same is read.
func TestFrameReader(t *testing.T) {
	for _, tt := range frameTests {
		for size := 1; size <= max(len(tt.stream), 1); size++ {
			got, err := readFrames(1000, tt.stream, size)
			if !errors.Is(err, tt.err) || err != nil && tt.err == nil {
				t.Errorf("%s, %d bytes at once: error %v, want %v", tt.name, size, err, tt.err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("%s, %d bytes at once: -want +got\n%s", tt.name, size, diff)
			}
		}
	}
}

// The error of a message comes back, and nothing after it is delivered.
func TestFrameReaderStops(t *testing.T) {
	f, n, fault := frameReader{max: 10}, 0, errors.New("fault")
	err := f.feed(join(frame(ws.OpText, "a"), frame(ws.OpText, "b"), frame(ws.OpText, "c")), func(ws.OpCode, []byte) error {
		if n++; n == 2 {
			return fault
		}
		return nil
	})
	if err != fault || n != 2 {
		t.Errorf("delivered %d, error %v", n, err)
	}
}

// What is claimed and not sent costs nothing, and what was read is given back.
func TestFrameReaderMemory(t *testing.T) {
	deliver := func(ws.OpCode, []byte) error { return nil }
	f := frameReader{max: 1 << 30}
	if err := f.feed([]byte("\x82\xff\x00\x00\x00\x00\x3f\xff\xff\xff\x00\x00\x00\x00abc"), deliver); err != nil {
		t.Fatal(err)
	}
	if cap(f.pending) > 100 {
		t.Errorf("%d bytes for 17", cap(f.pending))
	}

	f = frameReader{max: 1 << 20}
	if err := f.feed(fragment(ws.OpText, false, "4"), deliver); err != nil {
		t.Fatal(err)
	}
	for range 100_000 {
		if err := f.feed(fragment(ws.OpContinuation, false, "a"), deliver); err != nil {
			t.Fatal(err)
		}
	}
	if cap(f.message) > 200_000 || cap(f.pending) > 100 {
		t.Errorf("%d and %d bytes for 100,001", cap(f.message), cap(f.pending))
	}
	if err := f.feed(fragment(ws.OpContinuation, true, ""), deliver); err != nil {
		t.Fatal(err)
	}
	if f.message != nil || f.pending != nil {
		t.Error("bytes of a message that was delivered are kept")
	}
}

// In pieces of any size a stream is read as in one, and a header as package ws
// reads it.
func FuzzFrameReader(f *testing.F) {
	for _, tt := range frameTests {
		f.Add(tt.stream, uint8(3))
	}
	f.Fuzz(func(t *testing.T, stream []byte, size uint8) {
		whole, err := readFrames(1000, stream, max(len(stream), 1))
		pieces, err2 := readFrames(1000, stream, int(size)+1)
		if diff := cmp.Diff(whole, pieces); diff != "" {
			t.Errorf("-whole +pieces\n%s", diff)
		}
		if fmt.Sprint(err) != fmt.Sprint(err2) {
			t.Errorf("error %v in one piece, %v in several", err, err2)
		}

		h, n, err := parseHeader(stream)
		r := bytes.NewReader(stream)
		want, wantErr := ws.ReadHeader(r)
		switch {
		case n == 0 && err == nil:
			if wantErr == nil {
				t.Error("a header is taken for incomplete")
			}
		case !errors.Is(err, wantErr):
			t.Errorf("error %v, want %v", err, wantErr)
		case err == nil && (h != want || n != len(stream)-r.Len()):
			t.Errorf("got %+v in %d bytes, want %+v in %d", h, n, want, len(stream)-r.Len())
		}
	})
}

func BenchmarkFrameReader(b *testing.B) {
	deliver := func(ws.OpCode, []byte) error { return nil }
	for _, size := range []int{20, 1000, 100_000} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			stream := frame(ws.OpText, strings.Repeat("a", size))
			f := frameReader{max: 1 << 20}
			b.ReportAllocs()
			b.SetBytes(int64(len(stream)))
			for b.Loop() {
				_ = f.feed(stream, deliver)
			}
		})
	}
}
