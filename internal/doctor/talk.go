package doctor

import (
	"context"
	"errors"
	"time"

	"github.com/damso/damso/internal/enginewire"
	"github.com/damso/damso/socketio/packet"
)

// nobody is a namespace that no server has. Asking for it is answered at once, by
// every server, before any of the application's code runs.
const nobody = "/damso-doctor"

// A talk is Socket.IO over a link. It is for one goroutine.
type talk struct {
	link     link
	protocol int
	heard    []packet.Packet // received, not yet looked at
}

// say sends Socket.IO packets.
func (c *talk) say(ctx context.Context, texts ...string) error {
	var packets []enginewire.Packet
	for _, text := range texts {
		packets = append(packets, enginewire.Packet{Type: enginewire.Message, Data: []byte(text)})
	}
	return c.link.send(ctx, packets...)
}

// next returns the next packet, and answers pings meanwhile. Binary is passed over.
func (c *talk) next(ctx context.Context) (packet.Packet, error) {
	for len(c.heard) == 0 {
		packets, err := c.link.receive(ctx)
		if err != nil {
			return packet.Packet{}, err
		}
		if err := c.take(ctx, packets); err != nil {
			return packet.Packet{}, err
		}
	}
	p := c.heard[0]
	c.heard = c.heard[1:]
	return p, nil
}

var errClosed = errors.New("the server has closed the session")

func (c *talk) take(ctx context.Context, packets []enginewire.Packet) error {
	for _, p := range packets {
		switch {
		case p.Type == enginewire.Ping:
			if err := c.link.send(ctx, enginewire.Packet{Type: enginewire.Pong, Data: p.Data}); err != nil {
				return err
			}
		case p.Type == enginewire.Close:
			return errClosed
		case p.Type == enginewire.Message && !p.Binary:
			decoded, err := packet.Decode(p.Data, 10)
			if err != nil {
				return err
			}
			c.heard = append(c.heard, decoded)
		}
	}
	return nil
}

// echo has something sent back, and returns how long that took.
func (c *talk) echo(ctx context.Context) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, partTimeout)
	defer cancel()
	start := time.Now()
	if err := c.say(ctx, "0"+nobody+","); err != nil {
		return 0, err
	}
	err := c.answered(ctx)
	return time.Since(start), err
}

// answered waits for what echo asked for.
func (c *talk) answered(ctx context.Context) error {
	for {
		p, err := c.next(ctx)
		if err != nil || p.Namespace == nobody {
			return err
		}
	}
}

// A connectError is a namespace's refusal.
type connectError struct{ message string }

// Error implements error.
func (e *connectError) Error() string { return "connect_error: " + e.message }

// join joins the target's namespace. A refusal is a *connectError.
func (c *talk) join(ctx context.Context, t *target) error {
	ctx, cancel := context.WithTimeout(ctx, partTimeout)
	defer cancel()
	if c.protocol == 4 || t.namespace != "/" { // the main one is joined by itself in protocol 3
		if err := c.say(ctx, t.connect(c.protocol)); err != nil {
			return err
		}
	}
	for {
		p, err := c.next(ctx)
		switch {
		case err != nil:
			return err
		case p.Namespace != t.namespace:
			// Another namespace's.
		case p.Type == packet.ConnectError:
			return &connectError{reason(p.Data)}
		case p.Type == packet.Connect:
			return nil
		}
	}
}

// connect is the packet that joins the target's namespace.
func (t *target) connect(protocol int) string {
	p := packet.Packet{Type: packet.Connect, Namespace: t.namespace}
	switch {
	case protocol == 4:
		p.Data = t.auth
	case t.namespace != "/":
		p.Query = t.query.Encode()
	}
	return string(p.Append(nil))
}

// reason is the message in a refusal: {"message": …}, or a string of protocol 4.
func reason(data []byte) string {
	var e struct{ Message string }
	if packet.Unmarshal(data, nil, &e) == nil && e.Message != "" {
		return brief(e.Message)
	}
	var text string
	if packet.Unmarshal(data, nil, &text) == nil {
		return brief(text)
	}
	return brief(string(data))
}
