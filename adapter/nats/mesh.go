package nats

import (
	"fmt"

	"github.com/damso/damso/adapter"
)

// Node implements [adapter.Mesh].
func (a *Adapter) Node() string { return a.self.ID }

// Nodes implements [adapter.Mesh]. While there is no connection, it returns those that
// were alive before.
func (a *Adapter) Nodes() []string { return a.peers.alive() }

// Receive implements [adapter.Mesh].
func (a *Adapter) Receive(f func(from string, message []byte)) { a.receive = f }

// Watch implements [adapter.Mesh].
func (a *Adapter) Watch(f func(node string, alive bool)) { a.watch = append(a.watch, f) }

// Send implements [adapter.Mesh]. It returns [ErrUnavailable], [ErrQueueFull],
// [adapter.ErrNode] or [adapter.ErrTooLarge], or nil. A message may have the server's
// max_payload less 16 bytes.
func (a *Adapter) Send(to string, message []byte) error {
	f := &frame{kind: messageFrame, body: message}
	if to == "" {
		return a.put(a.everybody(), f, nil)
	}
	if !a.peers.other(to) {
		return fmt.Errorf("nats: send to %q: %w", to, adapter.ErrNode)
	}
	return a.put(a.inbox(to), f, nil)
}
