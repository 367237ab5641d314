package siotest

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/damso/damso/internal/enginewire"
)

const maxPackets = 10_000

// openPolling opens a session over long-polling and polls.
func (c *Client) openPolling(s *Server, o Options) error {
	client, release := s.client()
	base := s.url("http", "polling", o)
	packets, err := c.poll(client, base)
	if err != nil {
		release()
		return err
	}
	if len(packets) == 0 || packets[0].Type != enginewire.Open {
		release()
		return errors.New("no open packet")
	}
	if err := c.opened(packets[0].Data); err != nil {
		release()
		return err
	}
	base += "&sid=" + c.SID
	c.hangUp = release
	c.write = func(p enginewire.Packet) error { return c.post(client, base, p) }
	if !o.Upgrade {
		go func() {
			defer close(c.done)
			defer close(c.incoming)
			c.pollOn(client, base, packets[1:], nil)
		}()
		return nil
	}
	u := &upgrade{wanted: make(chan struct{}), polled: make(chan bool, 1), moved: make(chan *bufio.Reader, 1)}
	go c.upgrade(s, o, u)
	go func() {
		ended := c.pollOn(client, base, packets[1:], u.wanted)
		u.polled <- !ended
		if r := <-u.moved; r != nil {
			c.readWebSocket(u.conn, r)
			return
		}
		close(c.incoming)
		close(c.done)
	}()
	return nil
}

// pollOn polls until the session ends, or stop is closed, and says which.
func (c *Client) pollOn(client *http.Client, base string, packets []enginewire.Packet, stop <-chan struct{}) (ended bool) {
	for c.take(packets) {
		select {
		case <-stop:
			return false
		default:
		}
		var err error
		if packets, err = c.poll(client, base); err != nil {
			return true
		}
	}
	return true
}

// take hands on the messages of a payload, and says whether to go on.
func (c *Client) take(packets []enginewire.Packet) bool {
	for _, p := range packets {
		switch {
		case p.Type == enginewire.Close:
			return false
		case p.Type == enginewire.Ping:
			unlock := c.lock()
			_ = c.write(enginewire.Packet{Type: enginewire.Pong}) // if not, the next poll fails
			unlock()
		case p.Type != enginewire.Message:
		case p.Binary && !c.got(Message{Binary: p.Data}),
			!p.Binary && !c.got(Message{Text: string(p.Data)}):
			return false
		}
	}
	return true
}

// poll does one GET.
func (c *Client) poll(client *http.Client, url string) ([]enginewire.Packet, error) {
	req, err := http.NewRequestWithContext(c.ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", resp.Status, body)
	}
	if c.protocol == 3 {
		binary := strings.HasPrefix(resp.Header.Get("Content-Type"), "application/octet-stream")
		return enginewire.DecodePayload3(body, binary, maxPackets)
	}
	return enginewire.DecodePayload4(body, maxPackets)
}

// post does one POST; the writer calls it.
func (c *Client) post(client *http.Client, url string, p enginewire.Packet) error {
	body := enginewire.AppendPacket4(nil, p)
	if c.protocol == 3 {
		body = enginewire.AppendPacket3Text(nil, p)
	}
	req, err := http.NewRequestWithContext(c.ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "text/plain;charset=UTF-8")
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", resp.Status, answer)
	}
	return err
}

func get(client *http.Client, url string) (status int, body string, err error) {
	resp, err := client.Get(url)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(b), err
}
