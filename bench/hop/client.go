package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
)

// echo is the event that block E of bench/run sends, and answer the beginning of its
// acknowledgement.
var (
	echo   = `42/chat,1["echo",{"name":"u","text":"` + strings.Repeat("x", 64) + `"}]`
	answer = `43/chat,1[`
)

// patience is how long an answer may take.
const patience = 10 * time.Second

// A client is a session of the owner. It is used by one goroutine.
type client struct {
	sid      string
	http     *conn
	ws       net.Conn // nil while it polls
	requests int64    // HTTP requests, or WebSocket messages of both directions
}

// A conn is a connection over which requests go one after the other.
type conn struct {
	net.Conn
	in *bufio.Reader
}

func dial(host string) (*conn, error) {
	c, err := net.DialTimeout("tcp", host, patience)
	if err != nil {
		return nil, err
	}
	return &conn{c, bufio.NewReader(c)}, nil
}

// connect opens a session at the owner and joins the namespace there; what follows
// goes where the row says.
func connect(c *cluster, r row) (*client, error) {
	home, err := dial(c.owner.addr)
	if err != nil {
		return nil, err
	}
	cl := &client{http: home}
	if err := cl.join(); err != nil {
		cl.close()
		return nil, fmt.Errorf("connect: %w", err)
	}
	host := c.owner.addr
	if r.other {
		host = c.other.addr
	}
	home.Close()
	if cl.http, err = dial(host); err != nil {
		return nil, err
	}
	if r.ws {
		if err := cl.upgrade(host); err != nil {
			cl.close()
			return nil, fmt.Errorf("upgrade: %w", err)
		}
	}
	return cl, nil
}

func (cl *client) close() {
	if cl.ws != nil {
		cl.ws.Close()
	} else if cl.sid != "" {
		_, _ = cl.request("POST", "1") // the session ends
	}
	cl.http.Close()
}

func (cl *client) join() error {
	open, err := cl.request("GET", "")
	if err != nil {
		return err
	}
	_, after, _ := strings.Cut(open, `"sid":"`)
	cl.sid, _, _ = strings.Cut(after, `"`)
	if cl.sid == "" {
		return fmt.Errorf("no session in %q", open)
	}
	if _, err := cl.request("POST", "40/chat,"); err != nil {
		return err
	}
	return cl.poll("40/chat,")
}

// upgrade opens a WebSocket for the session.
func (cl *client) upgrade(host string) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	c, _, _, err := ws.Dial(ctx, "ws://"+host+"/socket.io/?EIO=4&transport=websocket&sid="+cl.sid)
	if err != nil {
		return err
	}
	cl.ws = c
	if err := cl.send("2probe"); err != nil {
		return err
	}
	if err := cl.receive("3probe"); err != nil {
		return err
	}
	return cl.send("5")
}

// roundTrip sends the event and waits for its acknowledgement.
func (cl *client) roundTrip() error {
	if cl.ws != nil {
		if err := cl.send(echo); err != nil {
			return err
		}
		return cl.receive(answer)
	}
	if _, err := cl.request("POST", echo); err != nil {
		return err
	}
	return cl.poll(answer)
}

// poll polls until a packet with that beginning comes.
func (cl *client) poll(want string) error {
	for {
		body, err := cl.request("GET", "")
		if err != nil {
			return err
		}
		found := false
		for p := range strings.SplitSeq(body, "\x1e") {
			found = found || strings.HasPrefix(p, want)
			if p == "2" {
				if _, err := cl.request("POST", "3"); err != nil {
					return err
				}
			}
		}
		if found {
			return nil
		}
	}
}

func (cl *client) request(method, body string) (string, error) {
	cl.requests++
	query := "/socket.io/?EIO=4&transport=polling"
	if cl.sid != "" {
		query += "&sid=" + cl.sid
	}
	_ = cl.http.SetDeadline(time.Now().Add(patience))
	if _, err := fmt.Fprintf(cl.http, "%s %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain;charset=UTF-8\r\nContent-Length: %d\r\n\r\n%s",
		method, query, len(body), body); err != nil {
		return "", err
	}
	resp, err := http.ReadResponse(cl.http.in, nil)
	if err != nil {
		return "", fmt.Errorf("%s: %w", method, err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: status %d %q", method, resp.StatusCode, b)
	}
	return string(b), err
}

func (cl *client) send(packet string) error {
	cl.requests++
	return wsutil.WriteClientText(cl.ws, []byte(packet))
}

// receive reads until a packet with that beginning comes.
func (cl *client) receive(want string) error {
	_ = cl.ws.SetDeadline(time.Now().Add(patience))
	for {
		b, err := wsutil.ReadServerText(cl.ws)
		if err != nil {
			return err
		}
		cl.requests++
		switch p := string(b); {
		case strings.HasPrefix(p, want):
			return nil
		case p == "2":
			if err := cl.send("3"); err != nil {
				return err
			}
		}
	}
}
