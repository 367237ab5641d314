package engineio

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/rs/cors"
)

// CORS tells browsers which pages of other origins may connect. The zero value
// allows all origins, without credentials.
type CORS struct {
	// Origins are allowed origins such as "https://example.com" or
	// "https://*.example.com"; "*" or an empty list means all.
	Origins []string
	// Credentials allows cookies and HTTP authentication. It can't be had together
	// with all origins: name them.
	Credentials bool
	// Headers are request headers a page may set, besides the simple ones.
	Headers []string
	// MaxAge is how long a browser may keep the answer to a preflight request. If
	// zero, it decides itself.
	MaxAge time.Duration
}

func (c *CORS) all() bool { return len(c.Origins) == 0 || slices.Contains(c.Origins, "*") }

func (c *CORS) check() error {
	loose := func(origin string) bool { return strings.Contains(strings.Replace(origin, "://*.", "", 1), "*") }
	if c.Credentials && (c.all() || slices.ContainsFunc(c.Origins, loose)) {
		return errors.New("engineio: CORS: all origins (\"*\") with credentials would let every page act as its visitor: name the origins, for example https://example.com")
	}
	return nil
}

// Handler puts the CORS headers on every reply of next, errors too, and answers
// preflight requests, as a [Server] with these options does: for what is served
// beside it.
func (c *CORS) Handler(next http.Handler) http.Handler {
	origins := c.Origins
	if c.all() {
		origins = []string{"*"}
	}
	return cors.New(cors.Options{
		AllowedOrigins:       origins,
		AllowedMethods:       []string{http.MethodGet, http.MethodPost},
		AllowedHeaders:       append([]string{"Content-Type"}, c.Headers...),
		AllowCredentials:     c.Credentials,
		MaxAge:               int(c.MaxAge.Seconds()),
		OptionsSuccessStatus: http.StatusNoContent,
	}).Handler(next)
}
