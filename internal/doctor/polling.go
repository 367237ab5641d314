package doctor

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptrace"
	"slices"
	"time"

	"github.com/damso/damso/internal/enginewire"
)

// held is how late an answer may be before something holds it back, beside what a
// request takes anyway.
const held = time.Second

// checkPolling looks whether what a server sends reaches a client that waits for it
// with a GET, at once. A slow server is slow with every request; who keeps answers
// back is quick with others.
func (e *exam) checkPolling(ctx context.Context) string {
	if !e.polls {
		return notApplicable
	}
	e.judgeBodies()
	p, err := e.session(ctx)
	if err != nil {
		return e.unopened(err)
	}
	defer e.leave(p)
	var took, over []time.Duration
	for len(took) < echoes && (len(took) < 2 || median(took) < held) { // two that take long are enough
		d, after, err := waitingEcho(ctx, p, partTimeout+e.plain)
		if err != nil {
			if ctx.Err() == nil {
				e.failedPoll(err)
			}
			return ""
		}
		took, over = append(took, d), append(over, after)
	}
	e.report.Latency.Polling = millis(median(took))
	if least := slices.Min(over); least > held+2*e.plain {
		e.find("proxy-buffering", "poll-late", least.Seconds(), e.plain.Seconds())
	}
	return ""
}

func (e *exam) failedPoll(err error) {
	switch {
	case e.lost(err):
	case late(err):
		e.find("proxy-buffering", "poll-held", partTimeout.Seconds())
	default:
		e.find("some-requests-fail", "some-requests", 1, 1, brief(err.Error()))
	}
}

// judgeBodies looks for small answers that begin at once and end late.
func (e *exam) judgeBodies() {
	var tails []time.Duration
	for _, o := range e.openings {
		tails = append(tails, o.answer.total-o.answer.first)
	}
	if len(tails) > 0 && slices.Min(tails) > held/2 {
		e.find("proxy-buffering", "body-late", slices.Min(tails).Seconds())
	}
}

// waitingEcho has something echoed to a GET that waits already. late is how long
// after the answer to the POST the GET's came.
func waitingEcho(ctx context.Context, p *polling, patience time.Duration) (total, late time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	waiting := make(chan struct{}, 1)
	traced := httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteRequest: func(httptrace.WroteRequestInfo) {
		select {
		case waiting <- struct{}{}:
		default:
		}
	}})
	type end struct {
		at  time.Time
		err error
	}
	ended := make(chan end, 1)
	talk := &talk{link: p, protocol: p.open.protocol}
	go func() {
		err := talk.answered(traced)
		ended <- end{time.Now(), err}
	}()
	select {
	case <-waiting:
	case <-ctx.Done():
	}
	start := time.Now()
	sendErr := talk.say(ctx, "0"+nobody+",")
	posted := time.Now()
	if sendErr != nil {
		cancel()
	}
	got := <-ended
	if sendErr != nil {
		return 0, 0, sendErr
	}
	return got.at.Sub(start), max(0, got.at.Sub(posted)), got.err
}

// maxUpload is how much is sent to find the limit of a proxy, in bytes.
const maxUpload = 4 << 20

// checkPayload sends as much as the server takes in one request.
func (e *exam) checkPayload(ctx context.Context) string {
	switch {
	case !e.polls:
		return notApplicable
	case e.open.MaxPayload == 0 || e.target.protocol == 3:
		return "payload-unchecked"
	}
	ctx, cancel := context.WithTimeout(ctx, partTimeout)
	defer cancel()
	p, err := e.session(ctx)
	if err != nil {
		return e.unopened(err)
	}
	defer e.leave(p)
	size := min(e.open.MaxPayload, maxUpload)
	if !tooLarge(ctx, p, size) {
		return ""
	}
	passes := size / 2
	for passes > 256 && tooLarge(ctx, p, passes) {
		passes /= 2
	}
	e.find("payload-limit", "too-large", size, e.open.MaxPayload, passes)
	return ""
}

// tooLarge reports whether so many bytes are too many for somebody.
func tooLarge(ctx context.Context, p *polling, size int) bool {
	head, tail := "0"+nobody+`,{"fill":"`, `"}`
	fill := bytes.Repeat([]byte("x"), max(0, size-len(head)-len(tail)-1))
	text := slices.Concat([]byte(head), fill, []byte(tail))
	err := p.send(ctx, enginewire.Packet{Type: enginewire.Message, Data: text})
	var no *refusal
	if errors.As(err, &no) {
		return no.status == http.StatusRequestEntityTooLarge
	}
	return err != nil && ctx.Err() == nil // cut off while sending
}
