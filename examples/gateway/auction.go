package main

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/damso/damso/gateway"
	"github.com/damso/damso/socketio"
)

// A Bid is what a client offers for a lot.
type Bid struct {
	Lot    string `json:"lot"`
	Amount int    `json:"amount"`
	By     string `json:"by"`
}

// Validate implements [gateway.Validator].
func (b *Bid) Validate() error {
	var p gateway.Problems
	p.Length("lot", b.Lot, 1, 20)
	if b.Amount < 1 {
		p.Add("amount", "must be at least 1")
	}
	return p.Err()
}

// An Auction is the gateway: clients watch lots, and bid for them.
type Auction struct {
	ns  *socketio.Namespace
	log *slog.Logger

	mu   sync.Mutex
	best map[string]Bid // by lot; guarded by mu
}

// NewAuction returns an auction of these lots.
func NewAuction(log *slog.Logger, lots ...string) *Auction {
	a := &Auction{log: log, best: map[string]Bid{}}
	for _, lot := range lots {
		a.best[lot] = Bid{Lot: lot}
	}
	return a
}

// Routes implements [gateway.Gateway].
func (a *Auction) Routes(r *gateway.Router) {
	a.ns = r.Namespace()
	r.Use(a.timed, gateway.Guard(named), gateway.Catch(a.noLot))
	r.AfterInit(func(ns *socketio.Namespace) { a.log.Info("the auction is open", "namespace", ns.Name()) })
	r.OnDisconnection(a.left)
	gateway.OnAck(r, "watch", a.watch)
	gateway.OnAck(r, "bid", a.bid)
	gateway.OnAck(r, "time", a.time)
}

// watch puts a client into the room of a lot, and answers with its best bid.
func (a *Auction) watch(_ context.Context, s *socketio.Socket, lot string) (Bid, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	best, ok := a.best[lot]
	if !ok {
		return Bid{}, errNoLot
	}
	s.Join(lot)
	return best, nil
}

// bid tells all who watch the lot, if the bid is the best.
func (a *Auction) bid(_ context.Context, s *socketio.Socket, b Bid) (Bid, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	best, ok := a.best[b.Lot]
	if !ok {
		return Bid{}, errNoLot
	}
	if b.Amount <= best.Amount {
		return Bid{}, gateway.Errorf("%s has bid %d already", best.By, best.Amount)
	}
	b.By = name(s)
	a.best[b.Lot] = b
	return b, a.ns.To(b.Lot).Emit("best", b)
}

// time answers with an event.
func (a *Auction) time(_ context.Context, _ *socketio.Socket, layout string) (gateway.Response, error) {
	return gateway.Response{Event: "time", Data: time.Now().Format(layout)}, nil
}

func (a *Auction) left(_ context.Context, s *socketio.Socket, reason socketio.Reason) error {
	a.log.Info("left", "who", name(s), "reason", reason)
	return nil
}

// timed is an interceptor that tells how long each call took.
func (a *Auction) timed(next gateway.Handler) gateway.Handler {
	return func(ctx context.Context, c *gateway.Call) (any, error) {
		start := time.Now()
		result, err := next(ctx, c)
		a.log.Info(c.Name(), "who", name(c.Socket), "took", time.Since(start), "error", err)
		return result, err
	}
}

// named is a guard that wants clients to say who they are.
func named(_ context.Context, c *gateway.Call) error {
	if name(c.Socket) == "" {
		return &gateway.Error{Message: "who are you?", Data: map[string]string{"missing": "name"}}
	}
	return nil
}

func name(s *socketio.Socket) string { return s.Handshake().Query.Get("name") }

// errNoLot is an error as a database might return it.
var errNoLot = errors.New("no row in table lots")

// noLot is an error filter.
func (a *Auction) noLot(_ context.Context, _ *gateway.Call, err error) error {
	if errors.Is(err, errNoLot) {
		return &gateway.Error{Message: "there is no such lot", Err: err}
	}
	return err
}
