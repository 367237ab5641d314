package auth

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// JWKSOptions configures a [JWKS]. The zero value works.
type JWKSOptions struct {
	// Algorithms are those that are taken from the set. If empty, they are RS256,
	// ES256 and EdDSA. HS256 can't be among them.
	Algorithms []string

	// MaxAge is how old the keys may become before they are fetched again: so long
	// may it take until a key that was taken back is forgotten. If zero, it is 15
	// minutes.
	MaxAge time.Duration

	// MinInterval is the time between two fetches, however many unknown keys
	// tokens name. After a failure the next one comes sooner, beginning with one
	// second. If zero, it is 30 seconds.
	MinInterval time.Duration

	// Timeout is how long a fetch may take. If zero, it is 5 seconds.
	Timeout time.Duration

	// Client fetches. If nil, it is one that keeps no connections.
	Client *http.Client

	// Insecure allows a URL with http beyond the own machine. Who can change what
	// goes over that network can then let anybody in.
	Insecure bool

	// Logger is told when a fetch fails. If nil, it is [slog.Default].
	Logger *slog.Logger
}

// maxSet is how much of an answer is read.
const maxSet = 512 << 10

// A JWKS is the keys that an identity provider publishes at a URL, a JSON Web Key
// Set. They are fetched when a token needs them, by whoever is checking it: a JWKS
// has no goroutine and needs no end. While they can't be had, those from before
// stay. It is safe for concurrent use.
type JWKS struct {
	// Set once.
	url  string
	opts JWKSOptions

	// Guarded by mu.
	mu       sync.Mutex
	keys     []Key
	stale    time.Time     // when they are to be fetched again
	next     time.Time     // when they may be fetched again
	failures int           // since the last success
	err      error         // of the last fetch
	flight   chan struct{} // closed when the fetch under way is over; nil without one
}

// NewJWKS returns the keys at a URL, without fetching them yet.
func NewJWKS(address string, opts JWKSOptions) (*JWKS, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, fmt.Errorf("auth: address of a key set: %w", err)
	}
	if u.Scheme != "https" && (u.Scheme != "http" || !opts.Insecure && !loopback(u.Hostname())) || u.Host == "" {
		return nil, fmt.Errorf("auth: address of a key set: %q must begin with https:// (see JWKSOptions.Insecure)", address)
	}
	if opts.MaxAge < 0 || opts.MinInterval < 0 || opts.Timeout < 0 {
		return nil, errors.New("auth: times in JWKSOptions must not be negative")
	}
	if len(opts.Algorithms) == 0 {
		opts.Algorithms = []string{RS256, ES256, EdDSA}
	}
	for _, alg := range opts.Algorithms {
		if alg != RS256 && alg != ES256 && alg != EdDSA {
			return nil, fmt.Errorf("auth: algorithm %q of a key set: use %s, %s, %s", alg, RS256, ES256, EdDSA)
		}
	}
	setDefault(&opts.MaxAge, 15*time.Minute)
	setDefault(&opts.MinInterval, 30*time.Second)
	setDefault(&opts.Timeout, 5*time.Second)
	setDefault(&opts.Client, defaultClient)
	setDefault(&opts.Logger, slog.Default())
	return &JWKS{url: address, opts: opts}, nil
}

// defaultClient does not keep connections that are used once in a quarter of an
// hour, and is not led from https to http.
var defaultClient = &http.Client{
	Transport: &http.Transport{Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true, ForceAttemptHTTP2: true},
	CheckRedirect: func(req *http.Request, via []*http.Request) error {
		if len(via) > 3 || req.URL.Scheme != via[0].URL.Scheme {
			return errors.New("redirected too often, or to another scheme")
		}
		return nil
	},
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Find implements [Keys]. It waits for a fetch only if it knows no key.
func (j *JWKS) Find(ctx context.Context, alg, kid string) ([]Key, error) {
	j.mu.Lock()
	found := match(j.keys, alg, kid)
	now := time.Now()
	fresh := len(found) > 0 && now.Before(j.stale)
	flight, mine := j.flight, false
	if !fresh && flight == nil && !now.Before(j.next) {
		flight, mine = make(chan struct{}), true
		j.flight = flight
	}
	err := j.err
	j.mu.Unlock()

	switch {
	case mine:
		j.fetch(ctx)
	case len(found) > 0:
		return found, nil
	case flight == nil: // nobody may ask again yet
		return nil, err
	default:
		select {
		case <-flight:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if found = match(j.keys, alg, kid); len(found) > 0 {
		return found, nil
	}
	return nil, j.err
}

// fetch fetches the keys and ends the flight. It goes on when ctx ends: a client
// that leaves must not keep the others from getting keys.
func (j *JWKS) fetch(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), j.opts.Timeout)
	defer cancel()
	keys, err := j.get(ctx)

	j.mu.Lock()
	defer j.mu.Unlock()
	close(j.flight)
	j.flight, j.err = nil, err
	if now := time.Now(); err == nil {
		j.keys, j.failures = keys, 0
		j.stale, j.next = now.Add(j.opts.MaxAge), now.Add(j.opts.MinInterval)
	} else {
		j.next = now.Add(min(time.Second<<min(j.failures, 10), j.opts.MinInterval))
		j.failures++
		j.opts.Logger.Warn("key set can't be fetched: going on with the keys from before", "url", j.url, "keys", len(j.keys), "error", err)
	}
}

func (j *JWKS) get(ctx context.Context) ([]Key, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, j.url, nil)
	if err != nil {
		return nil, fmt.Errorf("fetch key set: %w", err)
	}
	req.Header.Set("Accept", "application/json, application/jwk-set+json")
	resp, err := j.opts.Client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("fetch key set: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("fetch key set: status %s", resp.Status)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxSet+1))
	if err != nil {
		return nil, fmt.Errorf("fetch key set: %w", err)
	}
	if len(body) > maxSet {
		return nil, fmt.Errorf("fetch key set: more than %d bytes", maxSet)
	}
	return parseSet(body, j.opts.Algorithms)
}
