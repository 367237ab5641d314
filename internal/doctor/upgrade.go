package doctor

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/damso/damso/internal/enginewire"
)

// echoes is how many things are echoed to measure how long that takes.
const echoes = 5

// checkWebSocket opens a session over WebSocket from the beginning.
func (e *exam) checkWebSocket(ctx context.Context) string {
	ctx, cancel := context.WithTimeout(ctx, 2*partTimeout)
	defer cancel()
	w, open, err := e.webSocket(ctx)
	if err != nil {
		e.judgeHandshake(err)
		return ""
	}
	defer w.close()
	if e.open == nil {
		e.learn(open)
	}
	talk := &talk{link: w, protocol: e.target.protocol}
	var took []time.Duration
	for range echoes {
		d, err := talk.echo(ctx)
		if err != nil {
			e.find("websocket-silent", "ws-no-echo", brief(err.Error()))
			return ""
		}
		took = append(took, d)
	}
	e.sockets = true
	e.report.Latency.WebSocket = millis(median(took))
	return ""
}

// errSilent is a WebSocket handshake after which nothing comes.
var errSilent = errors.New("no packet")

// webSocket opens a session over WebSocket.
func (e *exam) webSocket(ctx context.Context) (w *websocket, open *opening, err error) {
	err = e.insist(ctx, func(ctx context.Context) error {
		if w, err = dialWebSocket(ctx, e.target, e.target.protocol, "", nil); err != nil {
			return err
		}
		if open, err = w.opening(ctx); err != nil {
			w.close()
			return errors.Join(errSilent, err)
		}
		return nil
	})
	return w, open, err
}

// judgeHandshake names what stands in the way of a WebSocket.
func (e *exam) judgeHandshake(err error) {
	var no *refusal
	isNo := errors.As(err, &no)
	switch {
	case errors.Is(err, errSilent):
		e.find("websocket-silent", "ws-silent", brief(err.Error()))
	case !isNo:
		e.find("websocket-blocked", "ws-failed", brief(err.Error()))
	case no.code == codeTransport:
		e.find("websocket-disabled", "answered", no.Error())
	case no.code == codeRequest, no.status == http.StatusUpgradeRequired, no.status == http.StatusOK:
		e.find("websocket-stripped", "ws-status", no.Error())
	default:
		e.find("websocket-blocked", "ws-status", no.Error())
	}
}

// checkUpgrade does what most clients do: begin with long-polling, then upgrade.
func (e *exam) checkUpgrade(ctx context.Context) string {
	switch {
	case !e.polls || !e.sockets:
		return notApplicable
	case !slices.Contains(e.open.Upgrades, "websocket"):
		return "upgrades-off"
	}
	ctx, cancel := context.WithTimeout(ctx, 2*partTimeout)
	defer cancel()
	p, err := e.session(ctx)
	if err != nil {
		return e.unopened(err)
	}
	defer e.leave(p) // says goodbye to nobody, if all went well
	if err := e.upgrade(ctx, p); err != nil && !e.lost(err) {
		e.find("upgrade-fails", "upgrade-failed", brief(err.Error()))
	}
	return ""
}

// upgrade moves a session to WebSocket, as the protocol has it: ping "probe", pong
// "probe", upgrade.
func (e *exam) upgrade(ctx context.Context, p *polling) error {
	w, err := dialWebSocket(ctx, e.target, e.target.protocol, p.open.SID, p.caller.jar)
	if err != nil {
		return err
	}
	defer w.close()
	if err := w.send(ctx, enginewire.Packet{Type: enginewire.Ping, Data: []byte("probe")}); err != nil {
		return err
	}
	probe, cancel := context.WithTimeout(ctx, partTimeout)
	defer cancel()
	if _, err := w.receive(probe); err != nil {
		return err
	}
	if err := w.send(ctx, enginewire.Packet{Type: enginewire.Upgrade}); err != nil {
		return err
	}
	_, err = (&talk{link: w, protocol: e.target.protocol}).echo(ctx)
	return err
}
