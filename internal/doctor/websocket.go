package doctor

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/gobwas/ws"

	"github.com/damso/damso/internal/enginewire"
)

// partTimeout is how long one request, or one answer, may take.
const partTimeout = 4 * time.Second

// goodbyeTimeout is how long the last frame of a connection, or the last request of a
// session, may take.
const goodbyeTimeout = time.Second

// A websocket is a session over WebSocket, or the upgrade of one to it. One
// goroutine may receive while others send.
type websocket struct {
	conn     net.Conn
	reader   *bufio.Reader
	protocol int
	writing  sync.Mutex
}

// dialWebSocket does the WebSocket handshake, for a new session if sid is empty. A
// server that answers something else than 101 gives a *refusal. jar may be nil.
func dialWebSocket(ctx context.Context, t *target, protocol int, sid string, jar http.CookieJar) (*websocket, error) {
	u := t.url("websocket", protocol, sid)
	header := t.header.Clone()
	host := header.Get("Host")
	header.Del("Host")
	if jar != nil {
		for _, cookie := range jar.Cookies(u) {
			header.Add("Cookie", cookie.Name+"="+cookie.Value)
		}
	}
	u.Scheme = map[string]string{"http": "ws", "https": "wss"}[t.scheme]
	var no *refusal
	dialer := ws.Dialer{
		Header:    ws.HandshakeHeaderHTTP(header),
		Host:      host,
		TLSConfig: t.tls(),
		OnStatusError: func(_ int, _ []byte, raw io.Reader) {
			if resp, err := http.ReadResponse(bufio.NewReader(raw), nil); err == nil {
				body, _ := io.ReadAll(io.LimitReader(resp.Body, 4096))
				no = refused(&answer{status: resp.StatusCode, header: resp.Header, body: body})
			}
		},
	}
	conn, ahead, _, err := dialer.Dial(ctx, u.String())
	switch {
	case no != nil:
		return nil, no
	case err != nil:
		return nil, err
	}
	w := &websocket{conn: conn, reader: bufio.NewReader(conn), protocol: protocol}
	if ahead != nil { // what came with the handshake's answer
		b, _ := ahead.Peek(ahead.Buffered())
		w.reader = bufio.NewReader(io.MultiReader(bytes.NewReader(bytes.Clone(b)), conn))
		ws.PutReader(ahead)
	}
	return w, nil
}

// opening is the first packet of a session that began over WebSocket.
func (w *websocket) opening(ctx context.Context) (*opening, error) {
	packets, err := w.receive(ctx)
	if err != nil {
		return nil, err
	}
	o, err := parseOpening(packets)
	if err == nil {
		o.protocol = w.protocol
	}
	return o, err
}

func (w *websocket) send(ctx context.Context, packets ...enginewire.Packet) error {
	w.writing.Lock()
	defer w.writing.Unlock()
	deadline, _ := ctx.Deadline()
	_ = w.conn.SetWriteDeadline(deadline)
	defer context.AfterFunc(ctx, func() { _ = w.conn.SetWriteDeadline(time.Unix(1, 0)) })()
	for _, p := range packets {
		f := ws.NewTextFrame(append([]byte{byte(p.Type)}, p.Data...))
		if err := ws.WriteFrame(w.conn, ws.MaskFrameInPlace(f)); err != nil {
			return err
		}
	}
	return nil
}

// A goodbye is a close frame.
type goodbye struct{ code ws.StatusCode }

// Error implements error.
func (g goodbye) Error() string { return fmt.Sprintf("close frame %d", g.code) }

var errFrame = errors.New("a frame that is too long")

func (w *websocket) receive(ctx context.Context) ([]enginewire.Packet, error) {
	deadline, _ := ctx.Deadline()
	_ = w.conn.SetReadDeadline(deadline)
	defer context.AfterFunc(ctx, func() { _ = w.conn.SetReadDeadline(time.Unix(1, 0)) })()
	for {
		header, err := ws.ReadHeader(w.reader)
		if err != nil {
			return nil, err
		}
		if header.Length > maxBody {
			return nil, errFrame
		}
		payload := make([]byte, header.Length)
		if _, err := io.ReadFull(w.reader, payload); err != nil {
			return nil, err
		}
		switch header.OpCode {
		case ws.OpClose:
			code, _ := ws.ParseCloseFrameData(payload)
			return nil, goodbye{code}
		case ws.OpPing:
			if err := w.pong(payload); err != nil {
				return nil, err
			}
		case ws.OpText:
			p, err := enginewire.DecodePacket4(payload) // the text packets of both protocols are alike
			return []enginewire.Packet{p}, err
		}
	}
}

func (w *websocket) pong(payload []byte) error {
	w.writing.Lock()
	defer w.writing.Unlock()
	return ws.WriteFrame(w.conn, ws.MaskFrameInPlace(ws.NewPongFrame(payload)))
}

func (w *websocket) close() {
	w.writing.Lock()
	defer w.writing.Unlock()
	_ = w.conn.SetDeadline(time.Now().Add(goodbyeTimeout))
	_ = ws.WriteFrame(w.conn, ws.MaskFrameInPlace(ws.NewCloseFrame(ws.NewCloseFrameBody(ws.StatusNormalClosure, ""))))
	_ = w.conn.Close()
}
