// Adapters measures what a broadcast costs between nodes: the CPU time of Redis for
// each message, and of a node for each message that it hears, for every mode of
// adapter/redis. In half of the rows the nodes have members in the room that the
// message is for, in the others they have not.
//
//	go run ./bench/adapters [-n 50000] [-rate 0] [-nodes 1,4,16] [-modes classic,...]
//
// It starts a Redis of its own, publishes from this process and listens in another
// one, which holds all nodes. Nothing else may run on the machine meanwhile.
package main

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/redis/rueidis"

	"github.com/damso/damso/adapter"
	"github.com/damso/damso/adapter/redis"
)

// rooms is how many rooms messages go to, in turn.
const rooms = 100

func main() {
	log.SetFlags(0)
	n := flag.Int("n", 50_000, "messages of each row")
	rate := flag.Int("rate", 0, "messages a second; 0 is as fast as it goes, which puts many into one round trip")
	nodes := flag.String("nodes", "1,4,16", "numbers of nodes that listen")
	names := flag.String("modes", order, "modes of the adapter")
	listen := flag.Int("listen", 0, "be that many nodes; for the program itself")
	addr := flag.String("redis", "", "where Redis is; for the program itself")
	flag.Parse()
	if *listen > 0 {
		if err := beNodes(*addr, *names, *listen); err != nil {
			log.Fatal(err)
		}
		return
	}
	if err := measureAll(strings.Split(*names, ","), strings.Split(*nodes, ","), *n, *rate); err != nil {
		log.Fatal("adapters: ", err)
	}
}

// measureAll prints a row for each mode, number of nodes and kind of room.
func measureAll(names, nodes []string, n, rate int) error {
	port, server, err := startRedis()
	if err != nil {
		return err
	}
	defer func() {
		_ = server.Process.Kill()
		_ = server.Wait()
	}()
	addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	fmt.Println("| mode | nodes | members in the room | Redis µs/message | node µs/message | publisher µs/message | messages/s |")
	fmt.Println("|---|--:|---|--:|--:|--:|--:|")
	for _, name := range names {
		for _, count := range nodes {
			for _, here := range []bool{true, false} {
				log.Printf("%s, %s nodes, members: %v", name, count, here)
				if err := measure(addr, name, count, here, n, rate, server.Process.Pid); err != nil {
					return fmt.Errorf("%s with %s nodes: %w", name, count, err)
				}
			}
		}
	}
	return nil
}

func startRedis() (port int, cmd *exec.Cmd, err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, nil, err
	}
	port = l.Addr().(*net.TCPAddr).Port
	l.Close()
	cmd = exec.Command("redis-server", "--port", strconv.Itoa(port), "--save", "", "--bind", "127.0.0.1")
	if err := cmd.Start(); err != nil {
		return 0, nil, fmt.Errorf("start redis-server: %w", err)
	}
	for range 100 {
		conn, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err == nil {
			conn.Close()
			return port, cmd, nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	return 0, nil, fmt.Errorf("redis-server does not listen on port %d", port)
}

// measure prints one row.
func measure(addr, mode, count string, here bool, n, rate, redisPID int) error {
	child := exec.Command(os.Args[0], "-listen", count, "-redis", addr, "-modes", mode)
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	if err != nil {
		return err
	}
	in, err := child.StdinPipe() // the nodes end with it
	if err != nil {
		return err
	}
	if err := child.Start(); err != nil {
		return err
	}
	defer func() {
		in.Close()
		_ = child.Wait()
	}()
	lines := bufio.NewScanner(out)
	if !lines.Scan() || lines.Text() != "ready" {
		return fmt.Errorf("the nodes do not come up: %q", lines.Text())
	}
	nsp, stop, err := open(addr, mode, silent{})
	if err != nil {
		return err
	}
	defer stop()
	prefix := "other-"
	if here {
		prefix = "room-"
	}
	pids := []int{redisPID, child.Process.Pid, os.Getpid()}
	before, begin := cpu(pids), time.Now()
	for i := range n {
		if rate > 0 {
			time.Sleep(time.Until(begin.Add(time.Duration(i) * time.Second / time.Duration(rate))))
		}
		publish(nsp, message(prefix+strconv.Itoa(i%rooms)))
	}
	publish(nsp, message()) // to all: the nodes wait for it
	if !lines.Scan() {
		return io.ErrUnexpectedEOF
	}
	took := time.Since(begin)
	after := cpu(pids)
	want, _ := strconv.Atoi(count)
	per := func(i, parts int) float64 { return (after[i] - before[i]) * 1e6 / float64(n*parts) }
	fmt.Printf("| %s | %s | %v | %.1f | %.2f | %.1f | %.0f |\n", mode, count, here, per(0, 1), per(1, want), per(2, 1), float64(n)/took.Seconds())
	return nil
}

func message(rooms ...string) *adapter.Operation {
	return &adapter.Operation{Kind: adapter.Broadcast, Rooms: rooms, Event: adapter.Event{
		Data: []byte(`["msgToClient",{"name":"연우","text":"` + strings.Repeat("안녕 ", 12) + `"}]`),
	}}
}

// publish waits while the queue is full.
func publish(nsp adapter.Namespace, op *adapter.Operation) {
	for nsp.Publish(op) != nil {
		time.Sleep(100 * time.Microsecond)
	}
}

// open starts a node, and returns when it is ready.
func open(addr, mode string, local adapter.Local) (adapter.Namespace, func(), error) {
	opts := modes[mode]
	opts.Logger = slog.New(slog.DiscardHandler)
	a := redis.New(rueidis.ClientOption{InitAddress: []string{addr}}, opts)
	nsp, err := a.Open("/", local)
	if err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- a.Run(ctx) }()
	for range 1000 {
		if err = a.Ready(); err == nil {
			return nsp, func() { cancel(); <-done }, nil
		}
		time.Sleep(10 * time.Millisecond)
	}
	cancel()
	<-done
	return nil, nil, err
}

// beNodes is what listens: count nodes that have members in rooms. It prints "ready",
// and "done" when all have heard the last message.
func beNodes(addr, mode string, count int) error {
	ended := make(chan struct{}, count)
	for range count {
		nsp, stop, err := open(addr, mode, ears{ended})
		if err != nil {
			return err
		}
		defer stop()
		for i := range rooms {
			nsp.Room("room-"+strconv.Itoa(i), false, true)
		}
	}
	time.Sleep(time.Second) // until the rooms are subscribed, where they are
	fmt.Println("ready")
	for range count {
		<-ended
	}
	fmt.Println("done")
	_, err := io.Copy(io.Discard, os.Stdin)
	return err
}

// silent is a node without clients.
type silent struct{}

func (silent) Apply(*adapter.Operation)                        {}
func (silent) Answer(*adapter.Operation, func(adapter.Answer)) {}
func (silent) Wants(string) bool                               { return false }

// ears is a node with members in its rooms.
type ears struct{ ended chan<- struct{} }

func (e ears) Apply(op *adapter.Operation) {
	if len(op.Rooms) == 0 {
		e.ended <- struct{}{}
	}
}
func (ears) Answer(*adapter.Operation, func(adapter.Answer)) {}
func (ears) Wants(room string) bool                          { return strings.HasPrefix(room, "room-") }

// cpu returns the seconds of CPU time that processes have used.
func cpu(pids []int) []float64 {
	used := make([]float64, len(pids))
	for i, pid := range pids {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			log.Fatal("adapters: ", err)
		}
		fields := strings.Fields(string(b[strings.LastIndexByte(string(b), ')')+2:]))
		for _, ticks := range fields[11:13] { // user and system, in hundredths
			t, _ := strconv.ParseFloat(ticks, 64)
			used[i] += t / 100
		}
	}
	return used
}

// modes are the adapters that are compared.
var modes = map[string]redis.Options{
	"classic":         {},
	"classic-exact":   {ExactRooms: true},
	"sharded-static":  {Mode: redis.ShardedStatic},
	"sharded-dynamic": {Mode: redis.ShardedDynamic},
	"streams":         {Mode: redis.Streams},
}

// order is that of the table.
const order = "classic,classic-exact,sharded-static,sharded-dynamic,streams"
