package doctor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/damso/damso/internal/enginewire"
)

// maxPackets is how many packets a payload may have.
const maxPackets = 10_000

// A link carries the packets of one session.
type link interface {
	// send returns once the packets are written, or the request with them is answered.
	send(ctx context.Context, packets ...enginewire.Packet) error
	// receive waits for packets until ctx ends.
	receive(ctx context.Context) ([]enginewire.Packet, error)
	// close says goodbye, without waiting for long.
	close()
}

// An opening is what a server says of a session at its beginning.
type opening struct {
	SID          string   `json:"sid"`
	Upgrades     []string `json:"upgrades"`
	PingInterval int      `json:"pingInterval"`
	PingTimeout  int      `json:"pingTimeout"`
	MaxPayload   int      `json:"maxPayload"`

	protocol int
	answer   *answer // nil over WebSocket
}

// errNotOpening means that something else than a handshake's answer came.
var errNotOpening = errors.New("not the answer to a handshake")

// decodePayload decodes the body of an answer to a GET.
func decodePayload(a *answer, protocol int) ([]enginewire.Packet, error) {
	if protocol == 3 {
		return enginewire.DecodePayload3(a.body, strings.HasPrefix(a.header.Get("Content-Type"), "application/octet-stream"), maxPackets)
	}
	return enginewire.DecodePayload4(a.body, maxPackets)
}

// readOpening finds out which protocol an answer to a handshake has.
func readOpening(a *answer) (*opening, []enginewire.Packet, error) {
	for _, protocol := range []int{4, 3} {
		packets, err := decodePayload(a, protocol)
		if err != nil {
			continue
		}
		if o, err := parseOpening(packets[:min(1, len(packets))]); err == nil {
			o.protocol, o.answer = protocol, a
			return o, packets[1:], nil
		}
	}
	return nil, nil, errNotOpening
}

func parseOpening(packets []enginewire.Packet) (*opening, error) {
	o := &opening{}
	if len(packets) == 0 || packets[0].Type != enginewire.Open {
		return nil, errNotOpening
	}
	if err := json.Unmarshal(packets[0].Data, o); err != nil || o.SID == "" {
		return nil, errNotOpening
	}
	return o, nil
}

// A polling link is a session over long-polling.
type polling struct {
	caller *caller
	open   *opening
	ahead  []enginewire.Packet // received, not yet asked for; of the receiver
}

// openPolling does a handshake. What is no opening is a *refusal.
func openPolling(ctx context.Context, c *caller, protocol int) (*polling, error) {
	a, err := c.do(ctx, http.MethodGet, c.target.url("polling", protocol, ""), nil, nil)
	if err != nil {
		return nil, err
	}
	if a.status != http.StatusOK {
		return nil, refused(a)
	}
	open, rest, err := readOpening(a)
	if err != nil {
		return nil, refused(a)
	}
	return &polling{caller: c, open: open, ahead: rest}, nil
}

func (p *polling) send(ctx context.Context, packets ...enginewire.Packet) error {
	var body []byte
	for i, packet := range packets {
		switch {
		case p.open.protocol == 3:
			body = enginewire.AppendPacket3Text(body, packet)
			continue
		case i > 0:
			body = append(body, enginewire.Separator4)
		}
		body = enginewire.AppendPacket4(body, packet)
	}
	header := http.Header{"Content-Type": {"text/plain;charset=UTF-8"}}
	a, err := p.caller.do(ctx, http.MethodPost, p.caller.target.url("polling", p.open.protocol, p.open.SID), body, header)
	if err == nil && a.status != http.StatusOK {
		err = refused(a)
	}
	return err
}

func (p *polling) receive(ctx context.Context) ([]enginewire.Packet, error) {
	if packets := p.ahead; len(packets) > 0 {
		p.ahead = nil
		return packets, nil
	}
	a, err := p.caller.do(ctx, http.MethodGet, p.caller.target.url("polling", p.open.protocol, p.open.SID), nil, nil)
	if err != nil {
		return nil, err
	}
	if a.status != http.StatusOK {
		return nil, refused(a)
	}
	packets, err := decodePayload(a, p.open.protocol)
	if err != nil {
		return nil, fmt.Errorf("%w: %s", err, brief(string(a.body)))
	}
	return packets, nil
}

func (p *polling) close() {
	ctx, cancel := context.WithTimeout(context.Background(), goodbyeTimeout)
	defer cancel()
	_ = p.send(ctx, enginewire.Packet{Type: enginewire.Close})
	p.caller.close()
}
