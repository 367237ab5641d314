package engineio

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"github.com/damso/damso/internal/enginewire"
)

// slowSession is a session whose client takes nothing, with room for so many
// messages of slowMessage.
func slowSession(room int) *Session {
	opts := Options{MaxBuffer: room * slowMessage("x", CloseSlow, "").size}.withDefaults()
	return &Session{srv: &Server{opts: opts}, protocol: 4}
}

func slowMessage(name string, p SlowPolicy, key string) *Message {
	buf := append(make([]byte, Headroom), strings.Repeat(name, 8)...)
	return NewMessage(buf, [][]byte{[]byte(name + "data")}).IfSlow(p, key)
}

// waits has the first letters of what waits.
func waits(s *Session) (names string) {
	for _, m := range s.out {
		names += string(m.text()[:1])
	}
	return names
}

func TestSlowPolicy(t *testing.T) {
	for _, c := range []struct {
		name  string
		sent  string // letters: capital ones are CloseSlow, a–g DropOldest, n–t DropNewest, w–z KeepLatest
		begun bool   // the first was begun to be written
		want  string
		stats SlowStats
		fails bool
	}{
		{name: "room for all", sent: "Aanw", want: "Aanw"},
		{name: "close", sent: "ABCDE", want: "ABCD", stats: SlowStats{Closed: 1}, fails: true},
		{name: "drop oldest", sent: "abcdef", want: "cdef", stats: SlowStats{DroppedOldest: 2}},
		{name: "drop oldest, others stay", sent: "AaBbcd", want: "ABcd", stats: SlowStats{DroppedOldest: 2}},
		{name: "drop oldest, nothing goes", sent: "ABCDab", want: "ABCD", stats: SlowStats{DroppedNewest: 2}},
		{name: "drop oldest, not what was begun", sent: "abcde", begun: true, want: "acde", stats: SlowStats{DroppedOldest: 1}},
		{name: "drop newest", sent: "nopqrs", want: "nopq", stats: SlowStats{DroppedNewest: 2}},
		{name: "drop newest, oldest stay", sent: "abcdn", want: "abcd", stats: SlowStats{DroppedNewest: 1}},
		{name: "close makes room first", sent: "anbcAB", want: "ncAB", stats: SlowStats{DroppedOldest: 2}},
		{name: "keep latest", sent: "wAxwwx", want: "Awx", stats: SlowStats{Replaced: 3}},
		{name: "keep latest, not what was begun", sent: "wAw", begun: true, want: "wAw"},
		{name: "keep latest, many keys", sent: "wxyzAyx", want: "zAyx", stats: SlowStats{Replaced: 2, DroppedOldest: 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := slowSession(4)
			for i, letter := range c.sent {
				p := CloseSlow
				switch {
				case letter >= 'w':
					p = KeepLatest
				case letter >= 'n':
					p = DropNewest
				case letter >= 'a':
					p = DropOldest
				}
				s.enqueue(slowMessage(string(letter), p, string(letter)), false)
				if c.begun && i == 0 {
					s.outStart = 1
				}
			}
			if got := waits(s); got != c.want {
				t.Errorf("%q wait, want %q", got, c.want)
			}
			if got := s.srv.SlowStats(); got != c.stats {
				t.Errorf("%+v, want %+v", got, c.stats)
			}
			if (s.failure == ErrSlowClient) != c.fails {
				t.Errorf("failure: %v", s.failure)
			}
			size := 0
			for _, m := range s.out {
				size += m.size
			}
			if size != s.outSize {
				t.Errorf("outSize is %d, want %d", s.outSize, size)
			}
		})
	}
}

// TestSlowHeartbeat sends a ping to an outbox that is full.
func TestSlowHeartbeat(t *testing.T) {
	s := slowSession(2)
	for _, name := range []string{"a", "b", "c"} {
		s.enqueue(slowMessage(name, DropOldest, ""), false)
	}
	s.push(pingPacket)
	s.enqueue(slowMessage("d", DropOldest, ""), false)
	if !slices.Contains(s.out, pingPacket) || pingPacket.typ != enginewire.Ping {
		t.Error("the ping was dropped")
	}
}

func TestSlowVolatile(t *testing.T) {
	s := slowSession(2) // polling, without a GET that waits
	s.enqueue(slowMessage("a", CloseSlow, ""), true)
	if got := fmt.Sprint(len(s.out), s.srv.SlowStats().Volatile); got != "0 1" {
		t.Errorf("waiting and dropped: %s", got)
	}
}

// TestSlowSize holds policies to the room that there was in a Message, and nothing in
// a Session.
func TestSlowSize(t *testing.T) {
	if got := unsafe.Sizeof(Message{}); got > overhead {
		t.Errorf("a Message has %d bytes, more than the %d that are counted", got, overhead)
	}
	t.Logf("Message %d bytes, Session %d bytes", unsafe.Sizeof(Message{}), unsafe.Sizeof(Session{}))
}
