package engineio

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"time"
)

// Options configures a [Server]. The zero value works and behaves as the
// engine.io server of socket.io 4.8 does by default, except that clients of
// protocol 3 are welcome.
type Options struct {
	// PingInterval is the time between two pings. If zero, it is 25 seconds.
	PingInterval time.Duration

	// PingTimeout is how long the other side may take to answer a ping, in
	// protocol 3: how long it may be late with one. If zero, it is 20 seconds.
	PingTimeout time.Duration

	// UpgradeTimeout is how long an upgrade to another transport may take. If
	// zero, it is 10 seconds.
	UpgradeTimeout time.Duration

	// MaxPayload is the largest message or polling body that a client may send, in
	// bytes (maxHttpBufferSize of engine.io). If zero, it is 1,000,000.
	MaxPayload int

	// MaxBuffer is how much may wait to be written to one session, in bytes of
	// memory: about 200 for each message, and its own. A message that comes on top
	// ends the session with [ErrSlowClient]. If zero, it is 4 MiB.
	MaxBuffer int

	// Transports are those a client may use: "polling", "websocket", "webtransport".
	// If empty, it is the first two. The last one also needs somebody who calls
	// [Server.ServeStream], such as package webtransport.
	Transports []string

	// NoUpgrades keeps a session on the transport it was opened with
	// (allowUpgrades: false of engine.io).
	NoUpgrades bool

	// NoEIO3 refuses clients of Engine.IO protocol 3, which are those of Socket.IO
	// 1 and 2 (allowEIO3: false of engine.io).
	NoEIO3 bool

	// HTTPThreshold is the size in bytes from which on the answer to a poll is
	// compressed with gzip or deflate, if the client takes that and a message in it
	// may be compressed (httpCompression.threshold of engine.io). If zero, it is
	// 1,024.
	HTTPThreshold int

	// NoHTTPCompression compresses no answer (httpCompression: false).
	NoHTTPCompression bool

	// PerMessageDeflate compresses messages over WebSocket for the clients that
	// want it. If nil, nothing is compressed, as with engine.io: it saves traffic and
	// takes CPU time.
	PerMessageDeflate *Deflate

	// CORS tells browsers which other origins may connect. If nil, no CORS header
	// is sent.
	CORS *CORS

	// Cookie is set by the answer to a handshake over polling. If nil, there is
	// none.
	Cookie *Cookie

	// AllowRequest decides about a handshake; the text of its error goes to the
	// client, with status 403. If nil, every handshake is allowed.
	AllowRequest func(*http.Request) error

	// Admit decides, like AllowRequest and after it, whether there is room for one
	// more session. What it has counted for the session is given back by release,
	// which is called once: when the session has ended, or when none comes of the
	// handshake. release may be nil, and must not wait for anything. If Admit is
	// nil, there is no limit.
	Admit func(*http.Request) (release func(), err error)

	// Admission limits how many sessions are opened in a second over polling and
	// WebSocket, before Admit is asked. If nil, there is no limit.
	Admission *Admission

	// InitialHeaders may change the headers of the answer to a handshake, of both
	// transports (the event "initial_headers" of engine.io). It is called with those
	// that are set already, before Headers. If nil, they stay.
	InitialHeaders func(h http.Header, r *http.Request)

	// Headers may change the headers of every answer but those that refuse a
	// request: to handshakes, polls, data and upgrades (the event "headers"). If nil,
	// they stay.
	Headers func(h http.Header, r *http.Request)

	// OnConnectionError is told of each request that is refused, before the client is
	// (the event "connection_error"). It must not keep r. If nil, nobody is told.
	OnConnectionError func(r *http.Request, err *ConnectionError)

	// Router serves requests for sessions that other nodes have. If nil, there are none.
	Router Router

	// Logger gets what concerns single sessions, at debug level. If nil, nothing
	// is logged.
	Logger *slog.Logger
}

// Names of transports.
const (
	Polling   = "polling"
	WebSocket = "websocket"
	// WebTransport is for sessions over a stream, see [Server.ServeStream].
	WebTransport = "webtransport"
)

// Check says what in the options can't be meant, or returns nil.
func (o Options) Check() error {
	for _, t := range o.Transports {
		if t != Polling && t != WebSocket && t != WebTransport {
			return fmt.Errorf("engineio: unknown transport %q in Options.Transports: use %q, %q, %q", t, Polling, WebSocket, WebTransport)
		}
	}
	if o.PingInterval < 0 || o.PingTimeout < 0 || o.UpgradeTimeout < 0 || o.MaxPayload < 0 || o.MaxBuffer < 0 || o.HTTPThreshold < 0 {
		return errors.New("engineio: times and sizes in Options must not be negative")
	}
	if o.PerMessageDeflate != nil {
		if err := o.PerMessageDeflate.check(); err != nil {
			return err
		}
	}
	if o.Admission != nil && !o.Admission.valid() {
		return errors.New("engineio: Options.Admission: PerSecond must be positive, Burst and MaxWait not negative")
	}
	if o.Cookie != nil {
		if err := o.Cookie.check(); err != nil {
			return err
		}
	}
	if o.CORS != nil {
		if err := o.CORS.check(); err != nil {
			return err
		}
	}
	if o.Router != nil {
		return checkPrefix(o.Router.Prefix())
	}
	return nil
}

// withDefaults fills in the zero values.
func (o Options) withDefaults() Options {
	setDefault(&o.PingInterval, 25*time.Second)
	setDefault(&o.PingTimeout, 20*time.Second)
	setDefault(&o.UpgradeTimeout, 10*time.Second)
	setDefault(&o.MaxPayload, 1_000_000)
	setDefault(&o.MaxBuffer, 4<<20)
	setDefault(&o.HTTPThreshold, 1024)
	if len(o.Transports) == 0 {
		o.Transports = []string{Polling, WebSocket}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

func setDefault[T comparable](v *T, value T) {
	var zero T
	if *v == zero {
		*v = value
	}
}

// upgrades are the transports that a session opened over transport may move to.
func (o *Options) upgrades(transport string) []string {
	if transport != Polling || o.NoUpgrades {
		return []string{}
	}
	upgrades := make([]string, 0, 2)
	for _, t := range [...]string{WebSocket, WebTransport} { // in engine.io's order
		if slices.Contains(o.Transports, t) {
			upgrades = append(upgrades, t)
		}
	}
	return upgrades
}
