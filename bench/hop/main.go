// Hop measures what it costs when a client's requests come to another node than the
// one that has its session: round trips of an event with acknowledgement over HTTP
// long-polling, and over a WebSocket, with all requests at the owner of the session, and with
// all of them at the other node.
//
//	go run ./bench/hop [-d 5] [-clients 50] [-rate 50] [-cmd 'node index.js' -name peer]
//
// It starts a Redis and two nodes of its own: bench/server, or those that -cmd starts, which
// must do what bench/README.md asks. Nothing else may run on the machine meanwhile.
package main

import (
	"cmp"
	"flag"
	"fmt"
	"log"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// A row is what is measured at a time.
type row struct {
	ws      bool
	other   bool // the requests come to the node that does not have the session
	clients int
	rate    float64 // round trips a second of each client; 0 is one after the other
}

func main() {
	log.SetFlags(0)
	clients := flag.Int("clients", 50, "clients in the rows with many")
	rate := flag.Float64("rate", 50, "round trips a second in the rows with one client")
	length := flag.Duration("d", 5*time.Second, "time measured for each row")
	command := flag.String("cmd", "", "start nodes by this command instead of bench/server")
	name := flag.String("name", "damso", "name of the nodes in the table")
	flag.Parse()
	if err := run(*name, *command, *clients, *rate, *length); err != nil {
		log.Fatal("hop: ", err)
	}
}

func run(name, command string, clients int, rate float64, length time.Duration) error {
	c, err := startCluster(command)
	if err != nil {
		return err
	}
	defer c.stop()
	if err := c.listenIdly(3 * time.Second); err != nil {
		return err
	}
	log.Printf("%.1f messages a second on Redis without any client", c.idle)
	fmt.Println("| server | transport | clients | requests go to | round trips/s | p50 ms | p99 ms | CPU µs/request: owner | other node | Redis | messages on Redis/request |")
	fmt.Println("|---|---|--:|---|--:|--:|--:|--:|--:|--:|--:|")
	for _, ws := range []bool{false, true} {
		for _, load := range []row{{clients: 1, rate: rate}, {clients: clients}} {
			for _, other := range []bool{false, true} {
				r := row{ws: ws, other: other, clients: load.clients, rate: load.rate}
				if err := measure(c, name, r, length); err != nil {
					return fmt.Errorf("measure %s: %w", r, err)
				}
			}
		}
	}
	return nil
}

func (r row) String() string { return fmt.Sprintf("%s | %d | %s", r.transport(), r.clients, r.to()) }

func (r row) transport() string {
	if r.ws {
		return "websocket"
	}
	return "polling"
}

func (r row) to() string {
	if r.other {
		return "the other node"
	}
	return "the owner"
}

// A recorder has what the clients of a row have seen.
type recorder struct {
	measuring atomic.Bool
	stop      atomic.Bool
	requests  atomic.Int64 // while measuring

	mu    sync.Mutex
	times []time.Duration // of round trips, while measuring; guarded by mu
	err   error           // the first; guarded by mu
}

// measure prints one row.
func measure(c *cluster, name string, r row, length time.Duration) error {
	log.Printf("%s, %s", name, r)
	rec := &recorder{}
	var wg sync.WaitGroup
	defer wg.Wait()
	defer rec.stop.Store(true)
	for range r.clients {
		cl, err := connect(c, r)
		if err != nil {
			return err
		}
		wg.Go(func() { rec.work(cl, r) })
	}
	time.Sleep(time.Second) // warm up
	before, err := c.usage()
	if err != nil {
		return err
	}
	begin := time.Now()
	rec.measuring.Store(true)
	time.Sleep(length)
	rec.measuring.Store(false)
	took := time.Since(begin)
	after, err := c.usage()
	if err != nil {
		return err
	}
	rec.stop.Store(true)
	wg.Wait()
	return rec.print(name, r, took, after.since(before), c.idle)
}

// work makes round trips until the row ends, and closes the client.
func (rec *recorder) work(cl *client, r row) {
	defer cl.close()
	var due time.Time
	for !rec.stop.Load() {
		if r.rate > 0 {
			time.Sleep(time.Until(due))
			due = time.Now().Add(time.Duration(float64(time.Second) / r.rate))
		}
		begin, requests := time.Now(), cl.requests
		err := cl.roundTrip()
		took := time.Since(begin)
		rec.mu.Lock()
		if rec.measuring.Load() {
			rec.times = append(rec.times, took)
			rec.requests.Add(cl.requests - requests)
		}
		rec.err = cmp.Or(rec.err, err)
		rec.mu.Unlock()
		if err != nil {
			return
		}
	}
}

func (rec *recorder) print(name string, r row, took time.Duration, used usage, idle float64) error {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	if rec.err != nil {
		return rec.err
	}
	if len(rec.times) == 0 {
		return fmt.Errorf("no round trip in %v", took)
	}
	slices.Sort(rec.times)
	at := func(p float64) float64 { return rec.times[int(p*float64(len(rec.times)-1))].Seconds() * 1000 }
	n := float64(rec.requests.Load())
	per := func(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1000 / n }
	messages := max(0, float64(used.messages)-idle*took.Seconds()) / n
	fmt.Printf("| %s | %s | %.0f | %.2f | %.2f | %.0f | %.0f | %.0f | %.2f |\n", name, r, float64(len(rec.times))/took.Seconds(),
		at(.5), at(.99), per(used.owner), per(used.other), per(used.redis), messages)
	return nil
}
