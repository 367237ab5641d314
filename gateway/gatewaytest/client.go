package gatewaytest

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/damso/damso/internal/siotest"
	"github.com/damso/damso/socketio/packet"
)

// maxAttachments is how many a packet for a client may have.
const maxAttachments = 1000

// patience is how long a client waits for what must happen.
const patience = time.Minute

// A Client is a client of the gateway. It fails its test when what it waits for does
// not come within a minute. It is for one goroutine at a time.
type Client struct {
	t      testing.TB
	conn   *siotest.Client
	id     string
	asked  uint64    // acknowledgements
	events []Message // that came while an ack was waited for
}

// ID returns the id that the socket has on the server.
func (c *Client) ID() string { return c.id }

// Emit sends an event.
func (c *Client) Emit(event string, args ...any) {
	c.t.Helper()
	data, attachments, err := packet.Marshal(event, args...)
	if err != nil {
		c.t.Fatalf("gatewaytest: emit: %v", err)
	}
	c.send(packet.Packet{Type: packet.Event, Namespace: namespace, Data: data}, attachments)
}

// Ask sends an event and returns its acknowledgement. Events that come before are
// kept for Next. What a handler sends to its own client before it returns is there
// when Ask returns: see Came.
func (c *Client) Ask(event string, args ...any) Message {
	c.t.Helper()
	data, attachments, err := packet.Marshal(event, args...)
	if err != nil {
		c.t.Fatalf("gatewaytest: ask: %v", err)
	}
	c.asked++
	c.send(packet.Packet{Type: packet.Event, Namespace: namespace, ID: c.asked, HasID: true, Data: data}, attachments)
	for {
		p, attachments := c.read()
		switch m := c.message(p, attachments); {
		case m.Event != "":
			c.events = append(c.events, m)
		case p.ID == c.asked:
			return m
		}
	}
}

// Next returns the next event, and waits for it if need be.
func (c *Client) Next() Message {
	c.t.Helper()
	if len(c.events) > 0 {
		m := c.events[0]
		c.events = c.events[1:]
		return m
	}
	for {
		if m := c.message(c.read()); m.Event != "" {
			return m
		}
	}
}

// Came returns the events that came while Ask waited and Next has not returned yet.
func (c *Client) Came() []Message {
	events := c.events
	c.events = nil
	return events
}

// Leave leaves the namespace.
func (c *Client) Leave() {
	c.t.Helper()
	c.send(packet.Packet{Type: packet.Disconnect, Namespace: namespace}, nil)
}

// A Message is what a client got: an event or an acknowledgement.
type Message struct {
	Event string            // its name; "" for an acknowledgement
	Args  []json.RawMessage // binary is in them as placeholders

	attachments [][]byte
}

// Decode decodes the arguments into what v points to, as [socketio.Args.Decode]
// does.
func (m Message) Decode(v ...any) error {
	for i := range min(len(v), len(m.Args)) {
		if err := packet.Unmarshal(m.Args[i], m.attachments, v[i]); err != nil {
			return err
		}
	}
	return nil
}

// String returns the event's name and the arguments as they came, with spaces
// between them: `msgToClient {"name":"a","text":"hello"}`.
func (m Message) String() string {
	var parts []string
	if m.Event != "" {
		parts = append(parts, m.Event)
	}
	for _, arg := range m.Args {
		parts = append(parts, string(arg))
	}
	return strings.Join(parts, " ")
}

// send sends a packet, which becomes a binary one if there are attachments.
func (c *Client) send(p packet.Packet, attachments [][]byte) {
	c.t.Helper()
	if p.Attachments = len(attachments); p.Attachments > 0 {
		p.Type = packet.BinaryEvent
	}
	if err := c.conn.Send(string(p.Append(nil)), attachments...); err != nil {
		c.t.Fatalf("gatewaytest: send: %v", err)
	}
}

// read returns the next packet with its attachments.
func (c *Client) read() (p packet.Packet, attachments [][]byte) {
	c.t.Helper()
	p, err := packet.Decode([]byte(c.part().Text), maxAttachments)
	if err != nil {
		c.t.Fatalf("gatewaytest: %v", err)
	}
	for range p.Attachments {
		attachments = append(attachments, c.part().Binary)
	}
	return p, attachments
}

// part returns the next part of a packet.
func (c *Client) part() siotest.Message {
	c.t.Helper()
	late := time.AfterFunc(patience, c.conn.Close)
	m, err := c.conn.Read()
	switch stopped := late.Stop(); {
	case err == nil:
		return m
	case !stopped:
		c.t.Fatalf("gatewaytest: nothing came within %v", patience)
	}
	c.t.Fatalf("gatewaytest: %v", err)
	return m
}

// message takes an event or an acknowledgement apart.
func (c *Client) message(p packet.Packet, attachments [][]byte) Message {
	c.t.Helper()
	var raw [][]byte
	var err error
	m := Message{attachments: attachments}
	switch p.Type {
	case packet.Event, packet.BinaryEvent:
		m.Event, raw, err = packet.EventName(p.Data)
	case packet.Ack, packet.BinaryAck:
		raw, err = packet.Split(p.Data)
	default:
		c.t.Fatalf("gatewaytest: %s instead of an event", p.Type)
	}
	if err != nil {
		c.t.Fatalf("gatewaytest: %v", err)
	}
	for _, arg := range raw {
		m.Args = append(m.Args, arg)
	}
	return m
}

func (c *Client) decode(data []byte, v any) {
	c.t.Helper()
	if err := json.Unmarshal(data, v); err != nil {
		c.t.Fatalf("gatewaytest: decode %s: %v", data, err)
	}
}
