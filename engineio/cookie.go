package engineio

import (
	"errors"
	"fmt"
	"net/http"
	"time"
)

// A Cookie is one that the answer to a handshake over polling sets, with the
// session's id as its value: for load balancers that keep a client's requests
// together by cookie. Its zero value is {name: "io", path: "/", httpOnly: true,
// sameSite: "lax"}, as with engine.io.
type Cookie struct {
	// Name of the cookie. If empty, it is "io".
	Name string
	// Path below which the cookie is sent. If empty, it is "/".
	Path string
	// Domain the cookie is sent to. If empty, it is the host of the request.
	Domain string
	// MaxAge is how long the browser keeps the cookie. If zero, it is until the
	// browser ends.
	MaxAge time.Duration
	// SameSite says with which requests of other sites the cookie is sent. If zero,
	// it is http.SameSiteLaxMode.
	SameSite http.SameSite
	// Secure sends the cookie over HTTPS only.
	Secure bool
	// Scriptable shows the cookie to the page's scripts (httpOnly: false).
	Scriptable bool
	// Partitioned keeps one cookie for each site that embeds the page.
	Partitioned bool
}

// of returns the cookie for a session.
func (c *Cookie) of(id string) *http.Cookie {
	cookie := &http.Cookie{
		Name:        c.Name,
		Value:       id,
		Path:        c.Path,
		Domain:      c.Domain,
		MaxAge:      int(c.MaxAge.Seconds()),
		SameSite:    c.SameSite,
		Secure:      c.Secure,
		HttpOnly:    !c.Scriptable,
		Partitioned: c.Partitioned,
	}
	setDefault(&cookie.Name, "io")
	setDefault(&cookie.Path, "/")
	setDefault(&cookie.SameSite, http.SameSiteLaxMode)
	return cookie
}

func (c *Cookie) check() error {
	if err := c.of("id").Valid(); err != nil {
		return fmt.Errorf("engineio: Options.Cookie: %w", err)
	}
	if c.MaxAge < 0 || c.MaxAge%time.Second != 0 {
		return errors.New("engineio: Options.Cookie: MaxAge must be whole seconds and not negative")
	}
	if c.SameSite == http.SameSiteNoneMode && !c.Secure {
		return errors.New("engineio: Options.Cookie: browsers refuse SameSite=None without Secure")
	}
	return nil
}
