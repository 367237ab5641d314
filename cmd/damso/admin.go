package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// drainTimeout is how long a node that ends may take to send its clients away, one after
// the other: with stopTimeout and twice requestTimeout less than the 30 seconds after which
// Kubernetes loses its patience.
const drainTimeout = 20 * time.Second

// minPace is how many clients a second are sent away at least.
const minPace = 100

// pace is at how many clients a second all are gone in three quarters of drainTimeout.
func pace(clients int) float64 {
	return max(minPace, float64(clients)/(drainTimeout.Seconds()*3/4))
}

// adminAddr is where a node with that admin port listens: for this machine only, since
// nobody is asked who they are.
func adminAddr(port uint16) string {
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(int(port)))
}

// listenAdmin serves the commands drain and rebalance, if there is a port for it.
func (n *node) listenAdmin(port uint16) error {
	if port == 0 {
		return nil
	}
	l, err := net.Listen("tcp", adminAddr(port))
	if err != nil {
		return fmt.Errorf("listen on ADMIN_PORT: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /drain", n.drain)
	mux.HandleFunc("POST /rebalance", n.rebalance)
	n.admin = &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = n.admin.Serve(l) }() // ends by stop
	return nil
}

// drain sends all clients away and lets no more in.
func (n *node) drain(w http.ResponseWriter, r *http.Request) {
	clients := n.io.Connections()
	if err := n.io.Drain(r.Context(), pace(clients)); err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintf(w, "%d clients were sent to other nodes; this one takes no more. End it when you like.\n", clients)
}

// rebalance sends as many clients away as this node has more than others.
func (n *node) rebalance(w http.ResponseWriter, r *http.Request) {
	closed, err := n.io.Rebalance(r.Context(), pace(n.io.Connections()))
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintf(w, "%d clients were sent to look for another node; %d stay.\n", closed, n.io.Connections())
}

type drainCmd struct{}

// Run tells the node of this machine to drain.
func (drainCmd) Run(ctx context.Context, a *app) error { return a.tell(ctx, "/drain") }

type rebalanceCmd struct{}

// Run tells the node of this machine to rebalance.
func (rebalanceCmd) Run(ctx context.Context, a *app) error { return a.tell(ctx, "/rebalance") }

var errNoAdmin = errors.New("this needs ADMIN_PORT, the same as the node's: set it, for example ADMIN_PORT=3900, and start the node with it")

// tell tells the node whose settings these are, and prints what it answers.
func (a *app) tell(ctx context.Context, path string) error {
	if err := a.configure(); err != nil {
		return err
	}
	if a.settings.AdminPort == 0 {
		return errNoAdmin
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+adminAddr(a.settings.AdminPort)+path, nil)
	if err != nil {
		return err
	}
	req.Close = true
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("no node answers on ADMIN_PORT: %w", err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 1<<16))
	if err != nil {
		return fmt.Errorf("read the node's answer: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		return errors.New(strings.TrimSpace(string(answer)))
	}
	_, err = a.out.Write(answer)
	return err
}
