package main

import (
	"errors"
	"fmt"
	"log"
	"math/rand/v2"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// A tempest is what happens when the first node is killed: its clients come back, to
// the node that is left, while that node's own clients go on.
type tempest struct {
	// Set once.
	d     *dialect
	l     *loop
	hosts []string

	killed   atomic.Int64  // when, in nanos; 0 before
	next     atomic.Uint64 // round robin
	attempts atomic.Int64
	refused  atomic.Int64 // with status 503
	timeouts atomic.Int64
	broken   atomic.Int64 // attempts that failed in another way
	settled  atomic.Int64 // clients that are back and have their WebSocket, or do without
	polling  atomic.Int64 // upgrades that failed
	again    atomic.Int64 // clients that lost their connection, but not by the kill
	homeless atomic.Int64 // residents that lost theirs

	mu   sync.Mutex
	back []time.Duration // after the kill, one for each client that is back; guarded by mu
	lat  hist            // echoes of the residents after the kill; guarded by mu
}

// storm connects all clients to the first node, some residents to the second, kills the
// first with its pid, and waits until everybody is at the second.
func storm(d *dialect, hosts []string, pids []int, res result) string {
	if len(hosts) != 2 || len(pids) != 2 {
		log.Fatal("storm: needs two servers and their pids")
	}
	var files syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files); *fVia == "polling" && files.Cur < uint64(2**fN+*fResidents+100) {
		log.Printf("storm: %d open files may be too few for %d clients that upgrade, with two connections each", files.Cur, *fN)
	}
	l, err := newLoop(d)
	if err != nil {
		log.Fatal(err)
	}
	t := &tempest{d: d, l: l, hosts: hosts}
	l.gone = t.gone
	go l.run()
	for range *fResidents {
		t.resident()
	}
	took := t.gather(*fN)
	time.Sleep(2 * time.Second) // until both nodes are at rest
	if lost := t.again.Load(); lost > 0 {
		log.Fatalf("storm: %d clients were gone before the kill", lost)
	}
	survivor := pids[1]
	rss0, _ := memKB(survivor)
	c0, me0 := cpuSec(survivor), cpuSec(os.Getpid())
	t.polling.Store(0)
	t.killed.Store(nanos())
	if err := syscall.Kill(pids[0], syscall.SIGKILL); err != nil {
		log.Fatal("storm: kill the first server: ", err)
	}
	t.wait(*fN)
	sec := float64(nanos()-t.killed.Load()) / 1e9
	c1, me1 := cpuSec(survivor), cpuSec(os.Getpid())
	time.Sleep(3 * time.Second) // is anybody thrown off again?
	if syscall.Kill(survivor, 0) != nil || peakKB(survivor) == 0 {
		log.Fatal("storm: the second server died, too")
	}
	rss1, _ := memKB(survivor)
	res["settled_s"], res["upgrades_failed"] = r3(sec), t.polling.Load()
	res["n"], res["via"], res["residents"], res["connect_s"] = *fN, *fVia, *fResidents, r3(took.Seconds())
	res["server_cpu_s"], res["server_cores"] = r2(c1-c0), r2((c1-c0)/sec)
	res["server_ms_per_client"] = r3((c1 - c0) * 1000 / float64(*fN))
	res["loadgen_cores"] = r2((me1 - me0) / sec)
	res["rss_before_kb"], res["rss_after_kb"], res["rss_peak_kb"] = rss0, rss1, peakKB(survivor)
	return t.report(res)
}

func (t *tempest) report(res result) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	slices.Sort(t.back)
	for _, q := range []struct {
		key string
		p   float64
	}{{"back_50_s", .5}, {"back_95_s", .95}, {"back_99_s", .99}, {"back_100_s", 1}} {
		if k := int(q.p*float64(*fN)+0.5) - 1; k < len(t.back) {
			res[q.key] = r3(t.back[max(k, 0)].Seconds())
		}
	}
	res["not_back"], res["thrown_again"] = *fN-len(t.back), t.again.Load()
	res["attempts"], res["refused"], res["timeouts"], res["broken"] = t.attempts.Load(), t.refused.Load(), t.timeouts.Load(), t.broken.Load()
	res["resident_p50_ms"], res["resident_p99_ms"], res["resident_max_ms"] = r3(t.lat.q(.5)/1e6), r3(t.lat.q(.99)/1e6), r3(float64(t.lat.max)/1e6)
	res["residents_lost"] = t.homeless.Load()
	return fmt.Sprintf("via %s: 50 %% back after %v s, 95 %% %v, 99 %% %v, all %v, settled %v (%d upgrades failed); not back %d, again gone %d; %d attempts, refused %d, timed out %d, broken %d; survivor %.2f cores, peak %d MB; residents p50 %.1f p99 %.1f max %.1f ms, lost %d",
		*fVia, res["back_50_s"], res["back_95_s"], res["back_99_s"], res["back_100_s"], res["settled_s"], res["upgrades_failed"], res["not_back"], res["thrown_again"],
		res["attempts"], res["refused"], res["timeouts"], res["broken"], res["server_cores"], res["rss_peak_kb"].(int)/1024,
		res["resident_p50_ms"], res["resident_p99_ms"], res["resident_max_ms"], res["residents_lost"])
}

// gather connects n clients to the first node.
func (t *tempest) gather(n int) time.Duration {
	begin := time.Now()
	var wg sync.WaitGroup
	slots := make(chan struct{}, *fC)
	for i := range n {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			for try := 0; ; try++ { // the server may have a limit
				err := t.connect(t.hosts[0], &client{idx: i, sender: -1})
				if err == nil {
					return
				}
				if try == 10 {
					log.Fatal("storm: connect before the kill: ", err)
				}
				time.Sleep(backoff(try))
			}
		})
	}
	wg.Wait()
	return time.Since(begin)
}

// connect makes a connection of a client and hands it to the loop. A client that can't
// upgrade goes on polling, as socket.io-client does.
func (t *tempest) connect(host string, c *client) error {
	if *fVia != "polling" {
		h, err := t.d.open(host, "")
		if err != nil {
			return err
		}
		t.joined(c)
		return t.l.adopt(h, c)
	}
	conn, err := dial(host)
	if err != nil {
		return err
	}
	conn.SetDeadline(time.Now().Add(time.Duration(*fTmo * 1e9)))
	p, err := t.d.pollOpen(conn, host)
	if err != nil {
		conn.Close()
		return err
	}
	t.joined(c)
	conn.SetDeadline(time.Time{})
	h, err := p.upgrade()
	if err == nil {
		conn.Close()
		h.c.SetDeadline(time.Time{})
		return t.l.adopt(h, c)
	}
	if h != nil {
		h.c.Close()
	}
	t.polling.Add(1)
	go func() {
		defer conn.Close()
		p.stay()
		t.gone(c)
	}()
	return nil
}

// stay polls until the session ends.
func (p *pollSession) stay() {
	for {
		if !p.hanging && p.poll() != nil {
			return
		}
		p.hanging = false
		b, err := body(p.br)
		if err != nil {
			return
		}
		if b == "2" && p.post("3") != nil {
			return
		}
	}
}

// joined notes that a client is in the namespace.
func (t *tempest) joined(c *client) {
	if c.back {
		t.mu.Lock()
		t.back = append(t.back, time.Duration(nanos()-t.killed.Load()))
		t.mu.Unlock()
	}
}

// gone is called by the loop when a client has lost its connection.
func (t *tempest) gone(c *client) {
	if c.back || t.killed.Load() == 0 {
		t.again.Add(1)
		return
	}
	go t.comeBack(c.idx)
}

// comeBack tries until the client is connected, with the pauses of socket.io-client.
func (t *tempest) comeBack(i int) {
	for n := 0; ; n++ {
		time.Sleep(backoff(n))
		t.attempts.Add(1)
		err := t.attempt(i)
		if err == nil {
			break
		}
		t.count(err)
	}
	t.settled.Add(1)
}

// attempt goes to the next node, as behind a load balancer that takes turns; like
// those, it goes on to another node when nobody listens.
func (t *tempest) attempt(i int) error {
	var err error
	turn := t.next.Add(1)
	for k := range t.hosts {
		host := t.hosts[(turn+uint64(k))%uint64(len(t.hosts))]
		if err = t.connect(host, &client{idx: i, sender: -1, back: true}); !errors.Is(err, syscall.ECONNREFUSED) {
			break
		}
	}
	return err
}

func (t *tempest) count(err error) {
	var timeout net.Error
	switch {
	case strings.Contains(err.Error(), "503"):
		t.refused.Add(1)
	case errors.As(err, &timeout) && timeout.Timeout():
		t.timeouts.Add(1)
	default:
		if t.broken.Add(1) <= 3 {
			log.Print("connect again: ", err)
		}
	}
}

// backoff is how long socket.io-client waits before attempt n, with its defaults:
// reconnectionDelay 1 s, doubled each time, ± half of it, at most
// reconnectionDelayMax 5 s. It knows no Retry-After.
func backoff(n int) time.Duration {
	d := time.Second << min(n, 10)
	d += time.Duration((rand.Float64() - 0.5) * float64(d))
	return min(d, 5*time.Second)
}

// resident connects a client to the second node that sends an echo in every second.
func (t *tempest) resident() {
	h, err := t.d.open(t.hosts[1], "")
	if err != nil {
		log.Fatal("storm: connect a resident: ", err)
	}
	go func() {
		time.Sleep(rand.N(time.Second))
		for tick := time.Tick(time.Second); ; <-tick {
			begin := nanos()
			err := h.send("42" + t.d.np() + `1["echo","x"]`)
			if err == nil {
				_, err = h.until("43")
			}
			if err != nil {
				t.homeless.Add(1)
				return
			}
			if killed := t.killed.Load(); killed != 0 && begin >= killed {
				t.mu.Lock()
				t.lat.add(nanos() - begin)
				t.mu.Unlock()
			}
		}
	}()
}

// wait waits until n clients are settled, or as long as -drain says.
func (t *tempest) wait(n int) {
	for end := time.Now().Add(time.Duration(*fDrain * 1e9)); time.Now().Before(end) && t.settled.Load() < int64(n); {
		time.Sleep(5 * time.Millisecond)
	}
}
