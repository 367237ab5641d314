package siotest

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"slices"

	"github.com/gobwas/ws"

	"github.com/damso/damso/internal/enginewire"
)

// openWebSocket opens a session over WebSocket and reads from it.
func (c *Client) openWebSocket(s *Server, o Options) error {
	dialer := ws.Dialer{
		NetDial: func(context.Context, string, string) (net.Conn, error) { return s.dial() },
		Header:  ws.HandshakeHeaderHTTP(o.Header),
	}
	conn, buffered, _, err := dialer.Dial(context.Background(), s.url("ws", "websocket", o))
	if err != nil {
		return err
	}
	r := bufio.NewReader(conn)
	if buffered != nil {
		r = bufio.NewReader(io.MultiReader(io.LimitReader(buffered, int64(buffered.Buffered())), conn))
	}
	c.hangUp = func() { _ = conn.Close() }
	c.write = func(p enginewire.Packet) error { return c.writeFrame(conn, p) }
	open, err := readFrame(r)
	if err != nil || len(open.Payload) == 0 || open.Payload[0] != '0' {
		_ = conn.Close()
		return fmt.Errorf("open packet: %q, %w", open.Payload, err)
	}
	if err := c.opened(open.Payload[1:]); err != nil {
		return err
	}
	c.hear = make(chan struct{})
	if !o.Deaf {
		c.Hear()
	}
	go c.readWebSocket(conn, r)
	return nil
}

// opened takes the data of the packet that opens a session.
func (c *Client) opened(data []byte) error {
	var open struct{ SID string }
	if err := json.Unmarshal(data, &open); err != nil {
		return fmt.Errorf("open packet %q: %w", data, err)
	}
	c.SID = open.SID
	return nil
}

// writeFrame writes a packet; the writer calls it.
func (c *Client) writeFrame(conn net.Conn, p enginewire.Packet) error {
	f := ws.NewTextFrame(append([]byte{byte(p.Type)}, p.Data...))
	if p.Binary {
		payload := slices.Clone(p.Data)
		if c.protocol == 3 {
			payload = slices.Insert(payload, 0, 4)
		}
		f = ws.NewBinaryFrame(payload)
	}
	return ws.WriteFrame(conn, ws.MaskFrameInPlace(f))
}

// readWebSocket reads until the connection ends, or the server says goodbye.
func (c *Client) readWebSocket(conn net.Conn, r io.Reader) {
	defer close(c.done)
	defer close(c.incoming)
	defer conn.Close()
	select {
	case <-c.hear:
	case <-c.ctx.Done():
		return
	}
	for {
		f, err := readFrame(r)
		if err != nil || f.Header.OpCode == ws.OpClose {
			return
		}
		if m, ok := c.packet(f); ok && !c.got(m) {
			return
		}
	}
}

// packet takes the message out of a frame, and answers a ping.
func (c *Client) packet(f ws.Frame) (m Message, ok bool) {
	switch {
	case f.Header.OpCode == ws.OpBinary && c.protocol == 3:
		return Message{Binary: f.Payload[1:]}, true
	case f.Header.OpCode == ws.OpBinary:
		return Message{Binary: append([]byte{}, f.Payload...)}, true
	case f.Payload[0] == '4':
		return Message{Text: string(f.Payload[1:])}, true
	case f.Payload[0] == '2':
		defer c.lock()()
		_ = c.write(enginewire.Packet{Type: enginewire.Pong})
	}
	return Message{}, false
}

// readFrame reads a frame of our own server, which is not masked.
func readFrame(r io.Reader) (f ws.Frame, err error) {
	if f.Header, err = ws.ReadHeader(r); err != nil {
		return f, err
	}
	f.Payload = make([]byte, f.Header.Length)
	_, err = io.ReadFull(r, f.Payload)
	return f, err
}
