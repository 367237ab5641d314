package engineio

import (
	"errors"
	"fmt"
	"io"
	"math"
	"mime"
	"net/http"
	"time"

	"github.com/damso/damso/internal/enginewire"
)

// A poll is a GET that waits for something to send.
type poll struct {
	reply chan payload // has room for one
	from  string       // the node that it came to; "" is this one
}

// A payload is the body of an answer to a GET.
type payload struct {
	body     []byte
	binary   bool
	compress bool // it may be
	messages bool // there is more in it than a packet that can be missed
}

func (p *poll) answer(body payload) { p.reply <- body }

// hurriedPolls is how many GETs of a client that is about to upgrade are answered
// at once. More of them mean that the answer to its probe does not reach it:
// they wait, by releaseDelay, so that the client does not spin.
const (
	hurriedPolls = 3
	releaseDelay = 100 * time.Millisecond
)

// servePolling serves a request of a client whose session is polling.
func (s *Session) servePolling(w http.ResponseWriter, r *http.Request) {
	switch r.Method {
	case http.MethodGet:
		s.serveGet(w, r)
	case http.MethodPost:
		s.servePost(w, r)
	default:
		errBadRequest.write(w)
	}
}

// serveGet answers with what waits for the client, as soon as there is something.
func (s *Session) serveGet(w http.ResponseWriter, r *http.Request) {
	p := &poll{reply: make(chan payload, 1), from: origin(w)}
	if !s.awaitDelivery(p.from, r) {
		s.writePayload(w, r, noopPayload(s.protocol))
		return
	}
	s.mu.Lock()
	if s.poll != nil && s.poll.from != "" && s.poll.from != p.from {
		s.poll.answer(noopPayload(s.protocol)) // what is in front has sent it once more
		s.poll = nil
	}
	switch {
	case s.state == stateClosed:
		s.mu.Unlock()
		errUnknownSession.write(w)
		return
	case s.poll != nil:
		s.mu.Unlock()
		errBadRequest.write(w)
		s.finish(TransportError, errOverlapGet)
		return
	case len(s.out) > 0 || s.ws != nil || s.state == stateClosing:
		body, ended := noopPayload(s.protocol), false
		if s.ws == nil { // else an upgrade was faster than this request
			body, ended = s.payload()
		}
		drained := s.ws == nil && s.drained()
		s.mu.Unlock()
		s.writePayload(w, r, body)
		if ended {
			s.finish(ForcedClose, nil)
		}
		s.tellDrained(drained)
		return
	}
	s.poll = p
	hurry := s.releasePoll()
	s.mu.Unlock()

	var late <-chan time.Time
	if !hurry {
		timer := time.NewTimer(releaseDelay)
		defer timer.Stop()
		late = timer.C
	}
	for {
		select {
		case body := <-p.reply:
			s.writePayload(w, r, body)
			return
		case <-late:
			s.mu.Lock()
			if s.poll == p {
				s.poll.answer(noopPayload(s.protocol))
				s.poll = nil
			}
			s.mu.Unlock()
			late = nil
		case <-r.Context().Done():
			if s.abort(p) {
				s.finish(TransportError, errPollAborted)
				return
			}
			s.writePayload(w, r, <-p.reply) // it was answered, and the client may still get that
			return
		}
	}
}

// abort gives up p, unless it was answered.
func (s *Session) abort(p *poll) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.poll != p {
		return false
	}
	s.poll = nil
	return true
}

// releasePoll answers the waiting GET with a noop if an upgrade was probed, since
// the client goes on with it only when no GET is under way. It returns false if
// that should be done later; mu is held.
func (s *Session) releasePoll() bool {
	if s.probe == nil || !s.probe.probed || s.poll == nil {
		return true
	}
	if s.released++; s.released > hurriedPolls {
		return false
	}
	s.poll.answer(noopPayload(s.protocol))
	s.poll = nil
	return true
}

// servePost takes the packets that a client sends.
func (s *Session) servePost(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	ended, upgraded, overlap := s.state == stateClosed, s.ws != nil, s.posting
	if !ended && !upgraded && !overlap {
		s.posting, s.reading = true, http.NewResponseController(w)
	}
	s.mu.Unlock()
	switch {
	case ended:
		errUnknownSession.write(w)
		return
	case upgraded:
		errBadRequest.write(w)
		return
	case overlap:
		errBadRequest.write(w)
		s.finish(TransportError, errOverlapPost)
		return
	}

	reason, err := s.takePost(w, r)
	s.mu.Lock()
	s.posting = false // before the answer, which allows the client to send more
	s.mu.Unlock()
	switch tooLarge := new(http.MaxBytesError); {
	case err == nil:
		h := w.Header()
		h.Set("Content-Type", "text/html") // "to avoid an unwanted download dialog on certain user-agents"
		s.pollHeaders(w, r)
		_, _ = io.WriteString(w, "ok") // a client that left misses nothing
	case errors.As(err, &tooLarge):
		w.WriteHeader(http.StatusRequestEntityTooLarge)
	default:
		errBadRequest.write(w)
		s.finish(reason, err)
	}
}

// takePost reads a POST and hands its packets over. It returns once the session is
// not paused.
func (s *Session) takePost(w http.ResponseWriter, r *http.Request) (Reason, error) {
	mediaType, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	binary := mediaType == "application/octet-stream" && s.jsonp == ""
	if binary && s.protocol == 4 {
		return TransportError, errBinaryPolling
	}
	body, err := io.ReadAll(limitBody(w, r, s.srv.opts.MaxPayload))
	s.shard.in.bytes.Add(uint64(len(body)))
	if s.wasCut() {
		w.Header().Set("Connection", "close") // it can't be read from any more
	}
	if err != nil {
		return TransportError, fmt.Errorf("engineio: read POST: %w", err)
	}
	if s.jsonp != "" {
		if body, err = jsonpPayload(body); body == nil || err != nil {
			return ParseError, err
		}
	}
	if reason, err := s.receivePayload(body, binary); err != nil {
		return reason, err
	}
	if !s.awaitResume(r.Context().Done()) {
		return TransportError, errPostAborted
	}
	return "", nil
}

// wasCut ends the reading of a POST, and says whether finish has cut it off.
// Afterwards the connection is none of finish's business: other requests may come
// over it, from a load balancer those of other clients.
func (s *Session) wasCut() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	cut := s.reading == nil
	s.reading = nil
	return cut
}

// limitBody returns the body of a request, which can't be read if it is too large.
func limitBody(w http.ResponseWriter, r *http.Request, limit int) io.Reader {
	if r.ContentLength > int64(limit) {
		return failedReader{&http.MaxBytesError{Limit: int64(limit)}}
	}
	return http.MaxBytesReader(w, r.Body, int64(limit))
}

type failedReader struct{ err error }

func (f failedReader) Read([]byte) (int, error) { return 0, f.err }

// receivePayload handles the packets of one POST.
func (s *Session) receivePayload(body []byte, binary bool) (Reason, error) {
	packets, err := s.decodePayload(body, binary)
	if err != nil {
		return ParseError, err
	}
	for _, p := range packets {
		if s.protocol == 3 && !binary && !p.Binary {
			p.Data = s.readText(p.Data)
		}
		if err := s.receive(p); err != nil {
			return TransportError, err
		}
	}
	return "", nil
}

// maxPackets is how many packets a polling payload may have.
const maxPackets = 10_000

func (s *Session) decodePayload(body []byte, binary bool) ([]enginewire.Packet, error) {
	if s.protocol == 3 {
		return enginewire.DecodePayload3(body, binary, maxPackets)
	}
	return enginewire.DecodePayload4(body, maxPackets)
}

// textEncoding says how a client of protocol 3 encodes the text of its polling
// payloads: clients of Socket.IO 1.x encode it as UTF-8 twice, those of 2.x once,
// and nothing but the text itself tells them apart.
type textEncoding uint8

const (
	textUnknown textEncoding = iota // has sent nothing yet that would show it
	textOnce
	textTwice
)

// readText undoes the second encoding of a client that encodes twice.
func (s *Session) readText(text []byte) []byte {
	if s.text == textOnce || isASCII(text) {
		return text
	}
	decoded, twice := enginewire.UndoDoubleUTF8(text)
	if !twice {
		s.text = textOnce // whoever encodes twice always does
		return text
	}
	s.text = textTwice
	return decoded
}

func isASCII(b []byte) bool {
	for _, c := range b {
		if c >= 0x80 {
			return false
		}
	}
	return true
}

// payload takes what is in the outbox as the body of an answer; mu is held. The
// close packet has an answer of its own, which ends the session: Socket.IO clients
// handle it before the messages beside it.
func (s *Session) payload() (body payload, ended bool) {
	if len(s.out) == 0 && s.state == stateClosing {
		return closedPayload(s.protocol), true
	}
	out := s.takeOut(nil, math.MaxInt)
	s.outSize = 0
	for _, m := range out {
		s.shard.out.messages.Add(uint64(m.messages()))
	}
	body = encodePayload(out, s.protocol, s.base64)
	body.messages = true
	return body, false
}

// encodePayload puts messages into one body. In protocol 3 it is binary, unless
// the client can't read that or all is ASCII: clients disagree about the rest.
func encodePayload(messages []*Message, protocol int, base64 bool) payload {
	f := payload4
	if protocol == 3 {
		f = payload3Text
		for _, m := range messages {
			if !base64 && (len(m.binary) > 0 || !isASCII(m.text())) {
				f = payload3Bin
			}
		}
	}
	var body []byte
	compress := false
	for _, m := range messages {
		if m.typ == 0 {
			continue // a control frame
		}
		compress = compress || !m.plain
		if f == payload4 && len(body) > 0 {
			body = append(body, enginewire.Separator4)
		}
		body = append(body, m.in(f)...)
	}
	return payload{body: body, binary: f == payload3Bin, compress: compress}
}

var noopPacket = textPacket(enginewire.Noop, "")

func noopPayload(protocol int) payload {
	return encodePayload([]*Message{noopPacket}, protocol, true)
}

func closedPayload(protocol int) payload {
	return encodePayload([]*Message{closePacket}, protocol, true)
}
