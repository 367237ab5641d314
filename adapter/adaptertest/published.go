package adaptertest

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/damso/damso/adapter"
)

// published are the tests of what is published.
var published = []test{
	{"arrives unchanged", 3, arrivesUnchanged},
	{"kinds", 3, kinds},
	{"order of a publisher", 3, orderOfPublisher},
	{"concurrent publishers", 3, concurrentPublishers},
	{"namespaces are apart", 3, namespacesApart},
	{"opened before and during Run", 3, openedBeforeAndDuring},
	{"opened twice", 1, openedTwice},
	{"closed and opened again", 3, closedAndOpened},
}

func broadcast(data string, attachments ...string) *adapter.Operation {
	op := &adapter.Operation{Kind: adapter.Broadcast, Event: adapter.Event{Data: []byte(data)}}
	for _, a := range attachments {
		op.Event.Attachments = append(op.Event.Attachments, []byte(a))
	}
	return op
}

// operations are one of each sort that must arrive as it was published.
func operations() map[string]*adapter.Operation {
	long := strings.Repeat("가나다라", 30_000)
	ops := map[string]*adapter.Operation{
		"no argument":        broadcast(`["ping"]`),
		"korean and emoji":   broadcast(`["msgToClient",{"name":"연우","text":"안녕하세요 👋🏽"}]`),
		"order of keys":      broadcast(`["e",{"z":1,"a":2,"10":3,"2":4,"":5}]`),
		"numbers":            broadcast(`["e",0,-1,127,128,255,256,65535,65536,4294967295,4294967296,-32,-33,-128,-129,-32769,-2147483649,0.1,1.5e-7,1e+21,9007199254740993]`),
		"literals":           broadcast(`["e",true,false,null,[],{},[[]],""]`),
		"escapes":            broadcast(`["e","\"\\\b\f\n\r\t\u0000\u001f/"]`),
		"lone surrogate":     broadcast(`["e","\ud800","x\udfffy","\udc00\ud800"]`),
		"long text":          broadcast(`["e","` + long + `"]`),
		"deep":               broadcast(`["e",` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `]`),
		"wide":               broadcast(`["e",[1` + strings.Repeat(",1", 70_000) + `]]`),
		"binary":             broadcast(`["e",{"_placeholder":true,"num":0}]`, "\x01\xff"),
		"nested binary":      broadcast(`["e",{"a":[{"_placeholder":true,"num":0},{"b":{"_placeholder":true,"num":1}}]}]`, "", strings.Repeat("\x00\x01", 40_000)),
		"placeholder's like": broadcast(`["e",{"_placeholder":true,"num":0}]`),
	}
	for name, rooms := range map[string][]string{
		"one room":       {"lobby"},
		"two rooms":      {"lobby", "대화방"},
		"numeric room":   {"42"},
		"room with #":    {"a#b#"},
		"room is #":      {"#"},
		"room with glob": {`*?[a]\`},
		"room is empty":  {""},
		"20 characters":  {"abcdefghij0123456789"},
		"many rooms":     strings.Split(strings.Repeat("room,", 300), ","),
	} {
		op := Event("e", 1, rooms...)
		ops[name] = op
	}
	except := Event("e", 1, "lobby")
	except.Except = []string{"abcdefghij0123456789", "muted", "7"}
	ops["except"] = except
	for i := range 4 {
		op := Event("e", i)
		op.Flags = adapter.Flags{Volatile: i&1 != 0, NoCompress: i&2 != 0}
		ops[fmt.Sprintf("flags %d", i)] = op
	}
	slow := Event("e", 1)
	slow.Flags = adapter.Flags{Slow: 3, SlowKey: "cursor 연우"}
	ops["policy for slow clients"] = slow
	return ops
}

func arrivesUnchanged(t *testing.T, s Suite, nodes []adapter.Adapter) {
	members := Open(t, "/", Start(t, nodes...)...)
	for name, op := range operations() {
		t.Run(name, func(t *testing.T) {
			if !json.Valid(op.Event.Data) {
				t.Fatalf("the suite's own event is not JSON: %s", op.Event.Data)
			}
			if len(op.Rooms) == 1 { // perhaps it has a channel of its own
				Enter(t, members, op.Rooms[0])
			}
			members[0].Send(t, op)
			s.want(t, members[1], op)
			s.want(t, members[2], op)
		})
	}
}

// want is Want, but for what the wire format has no place for.
func (s Suite) want(t *testing.T, m *Member, op *adapter.Operation) {
	t.Helper()
	carried := *op
	if s.Lacks.Slow {
		carried.Flags.Slow, carried.Flags.SlowKey = 0, ""
	}
	m.Want(t, &carried)
}

// orderOfPublisher sends from one node and then from another, so that the last
// operation tells that none of the first node's came back to it.
func orderOfPublisher(t *testing.T, s Suite, nodes []adapter.Adapter) {
	members := Open(t, "/", Start(t, nodes...)...)
	Enter(t, members, "a")
	const n = 2000
	for i := range n {
		rooms := []string{"a", "b"}[:i%3] // several channels, where there are channels
		members[0].Send(t, Event("n", i, rooms...))
	}
	for i := range n {
		rooms := []string{"a", "b"}[:i%3]
		members[1].Want(t, Event("n", i, rooms...))
		members[2].Want(t, Event("n", i, rooms...))
	}
	last := Event("last", 0)
	members[1].Send(t, last)
	members[0].Want(t, last)
	members[2].Want(t, last)
}

func concurrentPublishers(t *testing.T, s Suite, nodes []adapter.Adapter) {
	members := Open(t, "/", Start(t, nodes...)...)
	const publishers, n = 8, 100
	var sending sync.WaitGroup
	for node, m := range members {
		for p := range publishers {
			sending.Go(func() {
				for i := range n {
					m.Send(t, Event(fmt.Sprint(node, "/", p), i))
				}
			})
		}
	}
	sending.Wait()
	for node, m := range members {
		next := make(map[string]int)
		for range (len(members) - 1) * publishers * n {
			name, i := decode(t, m.Next(t))
			if next[name] != i {
				t.Fatalf("node %d got %s's operation %d, want %d", node, name, i, next[name])
			}
			next[name]++
		}
		for name := range next {
			if strings.HasPrefix(name, fmt.Sprint(node, "/")) {
				t.Errorf("node %d got its own operations", node)
			}
		}
	}
}

func decode(t *testing.T, op *adapter.Operation) (name string, n int) {
	t.Helper()
	if err := json.Unmarshal(op.Event.Data, &[]any{&name, &n}); err != nil {
		t.Fatal(err)
	}
	return name, n
}

func namespacesApart(t *testing.T, s Suite, nodes []adapter.Adapter) {
	Start(t, nodes...)
	names := []string{"/", "/a", "/a/b", "/*", "/?", "/[a]", `/\`, "/안녕", "/x-request"}
	members := make(map[string][]*Member)
	for _, name := range names {
		members[name] = Open(t, name, nodes...)
		Enter(t, members[name], "b#")
	}
	for _, name := range names {
		members[name][0].Send(t, Event(name, 1))
		members[name][0].Send(t, Event(name, 2, "b#"))
	}
	for _, name := range names {
		for _, m := range members[name][1:] {
			m.Want(t, Event(name, 1))
			m.Want(t, Event(name, 2, "b#"))
		}
	}
	for _, name := range names { // and nothing else: this would be behind it
		members[name][0].Send(t, Event(name, "\"end\""))
		members[name][1].Want(t, Event(name, "\"end\""))
	}
}

func openedBeforeAndDuring(t *testing.T, s Suite, nodes []adapter.Adapter) {
	before := make([]*Member, len(nodes))
	for i, node := range nodes {
		if node.Ready() == nil {
			t.Error("Ready before Run")
		}
		before[i] = &Member{arrived: make(chan *adapter.Operation, 16)}
		var err error
		if before[i].Namespace, err = node.Open("/before", before[i]); err != nil {
			t.Fatal(err)
		}
	}
	Start(t, nodes...)
	during := Open(t, "/during", nodes...)
	for _, members := range [][]*Member{before, during} {
		members[2].Send(t, Event("e", 1))
		members[0].Want(t, Event("e", 1))
		members[1].Want(t, Event("e", 1))
	}
}

func openedTwice(t *testing.T, s Suite, nodes []adapter.Adapter) {
	if _, err := nodes[0].Open("/", &Member{}); err != nil {
		t.Fatal(err)
	}
	if _, err := nodes[0].Open("/", &Member{}); err == nil {
		t.Error("a namespace could be opened twice")
	}
}
