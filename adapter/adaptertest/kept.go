package adaptertest

import (
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/damso/damso/adapter"
)

// kept are the tests of adapters that keep sessions and events. Others pass them by
// doing nothing.
var kept = []test{
	{"sessions", 2, testSessions},
	{"sessions expire", 2, testSessionsExpire},
	{"log", 2, testLog},
	{"log of what is on its way", 2, testLogBarrier},
	{"log that is too short", 2, testLogTrimmed},
}

const (
	pid     = "12345678901234567890"
	maxKept = 150 // more than Redis drops at a time
)

// A KeptMember is a [Member] of a namespace that is kept.
type KeptMember struct {
	adapter.Kept
	*Member
	node adapter.Keeper

	SeenNumbers chan uint64
	MovedPIDs   chan string
}

// Publish implements [adapter.Namespace].
func (m *KeptMember) Publish(op *adapter.Operation) error { return m.Kept.Publish(op) }

// Seen implements [adapter.KeptLocal].
func (m *KeptMember) Seen(n uint64) { m.SeenNumbers <- n }

// Moved implements [adapter.KeptLocal].
func (m *KeptMember) Moved(pid string) { m.MovedPIDs <- pid }

// openKept opens a namespace on each node, or returns nil if the adapter can't do it.
func openKept(t *testing.T, nodes []adapter.Adapter) (members []*KeptMember) {
	for _, node := range nodes {
		k, ok := node.(adapter.Keeper)
		if !ok {
			return nil
		}
		m := &KeptMember{
			Member: &Member{arrived: make(chan *adapter.Operation, 1<<16)}, node: k,
			SeenNumbers: make(chan uint64, 1<<16), MovedPIDs: make(chan string, 1<<16),
		}
		var err error
		m.Kept, err = k.OpenKept("/kept", m, adapter.Keep{Life: time.Minute, MaxEvents: maxKept})
		if errors.Is(err, errors.ErrUnsupported) {
			return nil
		}
		if err != nil {
			t.Fatalf("OpenKept: %v", err)
		}
		m.Namespace = m.Kept
		members = append(members, m)
	}
	Start(t, nodes...)
	return members
}

// A source is a session that does not change.
type source struct {
	session *adapter.Session
	lost    chan bool
}

func (s source) Session() *adapter.Session { return s.session }
func (s source) Lost()                     { s.lost <- true }

func keep(m *KeptMember, s *adapter.Session) source {
	src := source{s, make(chan bool, 1)}
	m.Keep(s.PID, src)
	return src
}

// claim claims the session when it is there.
func claim(t *testing.T, m *KeptMember, pid string) (s *adapter.Session, from string) {
	t.Helper()
	Wait(t, "kept", func() (err error) {
		s, from, err = m.Claim(t.Context(), pid)
		return err
	})
	return s, from
}

func testSessions(t *testing.T, _ Suite, nodes []adapter.Adapter) {
	m := openKept(t, nodes)
	if m == nil {
		return
	}
	here := adapter.Place{Node: m[0].node.Node(), Own: 5, Seen: 1 << 40}
	s := &adapter.Session{
		PID: pid, ID: "id", Keep: time.Minute,
		Data: adapter.Event{Data: []byte(`{"a":{"_placeholder":true,"num":0}}`), Attachments: [][]byte{{1, 255}}},
		Born: adapter.Place{Node: "before", Own: 1, Seen: 2}, Base: here,
		Known: adapter.Place{Node: "before", Own: 3}, Unlogged: adapter.Logged{Node: here.Node, Own: 4},
		Stays: []adapter.Stay{{Room: "안녕", From: here}, {Room: "left", From: adapter.Place{Node: "before"}, To: here}},
	}
	if _, _, err := m[1].Claim(t.Context(), pid); !errors.Is(err, adapter.ErrNoSession) {
		t.Errorf("Claim of an unknown session: %v", err)
	}
	first := keep(m[0], s)
	got, from := claim(t, m[1], pid)
	got.Keep = s.Keep
	if from != m[0].node.Node() || !reflect.DeepEqual(got, s) {
		t.Errorf("claimed from %s %+v\nwant from %s %+v", from, got, m[0].node.Node(), s)
	}
	if moved := receiveFrom(t, m[0].MovedPIDs); moved != pid {
		t.Errorf("moved: %s", moved)
	}
	m[0].Keep(pid, first)
	receiveFrom(t, first.lost)
	m[0].End(pid) // is not its to end
	second := keep(m[1], s)
	if _, from = claim(t, m[1], pid); from != m[1].node.Node() {
		t.Errorf("was %s's", from)
	}
	if len(second.lost) > 0 {
		t.Error("the owner could not keep its session")
	}
	m[1].End(pid)
	if _, _, err := m[1].Claim(t.Context(), pid); !errors.Is(err, adapter.ErrSessionEnded) {
		t.Errorf("Claim of an ended session: %v", err)
	}
	m[1].Keep(pid, second)
	receiveFrom(t, second.lost)
}

func testSessionsExpire(t *testing.T, s Suite, nodes []adapter.Adapter) {
	m := openKept(t, nodes)
	if m == nil || s.Lacks.Expiry {
		return
	}
	short := &adapter.Session{PID: pid, ID: "id", Keep: time.Millisecond}
	keep(m[0], short)
	other := *short
	other.PID, other.Keep = "a"+pid[1:], time.Minute
	keep(m[0], &other)
	claim(t, m[1], other.PID) // both were written
	Wait(t, "expired", func() error {
		if _, err := m[0].missed(t, nil); !errors.Is(err, adapter.ErrNoSession) {
			return fmt.Errorf("it is there: %v", err)
		}
		return nil
	})
	if _, _, err := m[1].Claim(t.Context(), pid); !errors.Is(err, adapter.ErrNoSession) {
		t.Errorf("Claim: %v", err)
	}
}

// event is a broadcast that is to be kept.
func event(own uint64, rooms ...string) *adapter.Operation {
	op := Event("e", own, rooms...)
	op.Logged.Own = own
	return op
}

// missed reads the log for the session pid of m.
func (m *KeptMember) missed(t *testing.T, after map[string]uint64) (adapter.Log, error) {
	t.Helper()
	return m.Missed(t.Context(), adapter.Missed{PID: pid, Own: 7, After: after, MaxEvents: 2 * maxKept, MaxBytes: 1 << 20})
}

func testLog(t *testing.T, _ Suite, nodes []adapter.Adapter) {
	m := openKept(t, nodes)
	if m == nil {
		return
	}
	keep(m[0], &adapter.Session{PID: pid, Keep: time.Minute})
	claim(t, m[0], pid)
	published := []struct {
		by int
		op *adapter.Operation
	}{
		{0, event(1, "a")},
		{1, event(10, "a", "b")},
		{0, event(2)},
		{1, event(20, "other")},
		{0, event(3, "b")},
		{1, &adapter.Operation{
			Kind: adapter.Broadcast, Rooms: []string{"1", "2", "3", "4", "b"}, Except: []string{"x"}, Flags: adapter.Flags{NoCompress: true},
			Event:  adapter.Event{Data: []byte(`["e",{"_placeholder":true,"num":0}]`), Attachments: [][]byte{{0, 255}}},
			Logged: adapter.Logged{Own: 30},
		}},
	}
	var last uint64
	for i := range published {
		p := &published[i]
		m[p.by].Send(t, p.op)
		arrived := m[1-p.by].Next(t)
		if diff := difference(arrived, p.op); diff != "" {
			t.Errorf("operation %d: %s", i, diff)
		}
		if l := arrived.Logged; l.Node != m[p.by].node.Node() || l.Own != p.op.Logged.Own || l.N <= last || l.N >= 1<<48 {
			t.Errorf("operation %d: %+v after %d", i, l, last)
		}
		last, p.op = arrived.Logged.N, arrived
	}
	log, err := m[0].missed(t, map[string]uint64{"": 0, "a": published[0].op.Logged.N, "b": 0})
	if err != nil || log.N != last || len(log.Events) < 4 {
		t.Fatalf("log up to %d with %d events, error %v", log.N, len(log.Events), err)
	}
	var want []*adapter.Operation
	for _, i := range []int{1, 2, 4, 5} {
		want = append(want, published[i].op)
	}
	for i, op := range log.Events {
		if diff := difference(op, want[i]); diff != "" || op.Logged != want[i].Logged {
			t.Errorf("event %d: %s: %+v, want %+v", i, diff, op.Logged, want[i].Logged)
		}
	}
	s, _ := claim(t, m[1], pid)
	if want := (adapter.Place{Node: m[0].node.Node(), Own: 7, Seen: last}); s.Base != want {
		t.Errorf("handed out up to %+v, want %+v", s.Base, want)
	}
	if _, err := m[0].missed(t, nil); !errors.Is(err, adapter.ErrNoSession) {
		t.Errorf("log for another node's session: %v", err)
	}
}

// testLogBarrier asks for the log at once after it has published.
func testLogBarrier(t *testing.T, _ Suite, nodes []adapter.Adapter) {
	m := openKept(t, nodes)
	if m == nil {
		return
	}
	keep(m[0], &adapter.Session{PID: pid, Keep: time.Minute})
	claim(t, m[0], pid)
	for n := range maxKept / 2 {
		m[0].Send(t, event(uint64(n+1)))
		if n%10 > 0 {
			continue
		}
		log, err := m[0].missed(t, map[string]uint64{"": 0})
		if err != nil || len(log.Events) != n+1 || log.Events[n].Logged.Own != uint64(n+1) || log.Events[n].Logged.N != log.N {
			t.Fatalf("after %d events there are %d in the log, error %v", n+1, len(log.Events), err)
		}
	}
}

func testLogTrimmed(t *testing.T, _ Suite, nodes []adapter.Adapter) {
	m := openKept(t, nodes)
	if m == nil {
		return
	}
	keep(m[0], &adapter.Session{PID: pid, Keep: time.Minute})
	claim(t, m[0], pid)
	var half uint64
	for n := range 2 * maxKept {
		m[1].Send(t, event(uint64(n+1), "a"))
		if op := m[0].Next(t); n == maxKept*3/2 {
			half = op.Logged.N
		}
	}
	if _, err := m[0].missed(t, map[string]uint64{"a": 0}); !errors.Is(err, adapter.ErrTrimmed) {
		t.Errorf("whole log: %v", err)
	}
	if log, err := m[0].missed(t, map[string]uint64{"a": half, "": 0}); err != nil || len(log.Events) != maxKept/2-1 {
		t.Errorf("half of the log: %d events, error %v", len(log.Events), err)
	}
	for _, limit := range []adapter.Missed{{MaxEvents: maxKept/2 - 2, MaxBytes: 1 << 20}, {MaxEvents: maxKept, MaxBytes: 100}} {
		limit.PID, limit.After = pid, map[string]uint64{"a": half}
		if _, err := m[0].Missed(t.Context(), limit); !errors.Is(err, adapter.ErrTrimmed) {
			t.Errorf("limits %+v: %v", limit, err)
		}
	}
}

// receiveFrom returns what comes over a channel next.
func receiveFrom[T any](t *testing.T, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(patience):
		t.Fatalf("nothing came within %v", patience)
		panic("unreachable")
	}
}
