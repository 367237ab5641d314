package siotest

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/damso/damso/internal/enginewire"
)

// A Message is one Engine.IO message: a Socket.IO packet, or an attachment.
type Message struct {
	Text   string
	Binary []byte // nil for text
}

// A Client is one session. Its methods are for one goroutine at a time, but Send
// and Close, which any may call.
type Client struct {
	t        testing.TB
	protocol int
	patience time.Duration

	SID string // of the session

	inMain bool // in protocol 3: it was told that it is in the main namespace

	incoming chan Message    // closed when the session has ended
	ctx      context.Context // ended by Close
	cancel   context.CancelFunc
	done     chan struct{} // closed when nothing is read any more

	writing  chan struct{} // held by the one who writes; a bubble of synctest waits for it, not for a mutex
	write    func(enginewire.Packet) error
	hangUp   func()     // closes the connection
	upgraded chan error // whether an upgrade was done
	hear     chan struct{}
	hearOnce sync.Once
}

// Send sends a packet and its attachments. An error says that the session has
// ended, which a test may want.
func (c *Client) Send(packet string, attachments ...[]byte) error {
	defer c.lock()()
	err := c.write(enginewire.Packet{Type: enginewire.Message, Data: []byte(packet)})
	for _, b := range attachments {
		err = cmp.Or(err, c.write(enginewire.Packet{Type: enginewire.Message, Binary: true, Data: b}))
	}
	return err
}

// SendBinary sends an attachment alone.
func (c *Client) SendBinary(b []byte) error {
	defer c.lock()()
	return c.write(enginewire.Packet{Type: enginewire.Message, Binary: true, Data: b})
}

// Emit sends an event of a namespace; data is its array.
func (c *Client) Emit(nsp, data string) {
	c.t.Helper()
	if err := c.Send("2" + prefix(nsp) + data); err != nil {
		c.t.Errorf("siotest: emit: %v", err)
	}
}

// Join joins a namespace and returns the socket's id. auth may be empty. In
// protocol 3 the main namespace is joined already: that is waited for.
func (c *Client) Join(nsp, auth string) (sid string) {
	c.t.Helper()
	if c.protocol == 3 {
		c.joinOld(nsp)
		return c.SID
	}
	_ = c.Send("0" + prefix(nsp) + auth)
	var answer struct{ SID string }
	text := c.Text()
	data, ok := strings.CutPrefix(text, "0"+prefix(nsp))
	if err := json.Unmarshal([]byte(data), &answer); !ok || err != nil || answer.SID == "" {
		c.t.Fatalf("siotest: answer to joining %s is %q", nsp, text)
	}
	return answer.SID
}

// joinOld joins a namespace in protocol 3. Its answer and that of the main namespace,
// which comes unasked, are independent of each other.
func (c *Client) joinOld(nsp string) {
	joined := nsp == "/"
	if !joined {
		_ = c.Send("0" + nsp + ",")
	}
	for !c.inMain || !joined {
		switch c.Text() {
		case "0":
			c.inMain = true
		case "0" + prefix(nsp):
			joined = true
		}
	}
}

var errEnded = errors.New("the session has ended")

// Read returns the next message.
func (c *Client) Read() (Message, error) {
	select {
	case m, ok := <-c.incoming:
		if !ok {
			return Message{}, errEnded
		}
		return m, nil
	case <-time.After(c.patience):
		return Message{}, fmt.Errorf("nothing came within %v", c.patience)
	}
}

// Text returns the next message, a text.
func (c *Client) Text() string {
	c.t.Helper()
	m, err := c.Read()
	if err != nil {
		c.t.Fatalf("siotest: %v", err)
	}
	if m.Binary != nil {
		c.t.Fatalf("siotest: got binary %x, want text", m.Binary)
	}
	return m.Text
}

// Want fails the test if the next messages are not these texts.
func (c *Client) Want(texts ...string) {
	c.t.Helper()
	for _, want := range texts {
		if got := c.Text(); got != want {
			c.t.Fatalf("siotest: got %s\nwant %s", got, want)
		}
	}
}

// WantBinary fails the test if the next message is not this attachment.
func (c *Client) WantBinary(want []byte) {
	c.t.Helper()
	if m, err := c.Read(); err != nil || m.Binary == nil || string(m.Binary) != string(want) {
		c.t.Fatalf("siotest: got %q, binary %x, %v; want binary %x", m.Text, m.Binary, err, want)
	}
}

// WantEnd fails the test if the server does not end the session, or sends more
// than these texts before.
func (c *Client) WantEnd(texts ...string) {
	c.t.Helper()
	c.Want(texts...)
	if m, err := c.Read(); err != errEnded {
		c.t.Fatalf("siotest: got %q, %v; want the end", m.Text, err)
	}
}

func (c *Client) lock() (unlock func()) {
	c.writing <- struct{}{}
	return func() { <-c.writing }
}

// Hear makes a deaf client read.
func (c *Client) Hear() { c.hearOnce.Do(func() { close(c.hear) }) }

// Close drops the connection without a word.
func (c *Client) Close() {
	c.cancel()
	c.hangUp()
	<-c.done
}

// got hands on what was read, and says whether to go on.
func (c *Client) got(m Message) bool {
	select {
	case c.incoming <- m:
		return true
	case <-c.ctx.Done():
		return false
	}
}
