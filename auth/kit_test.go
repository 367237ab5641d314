package auth_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"math/big"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"go.uber.org/goleak"

	"github.com/damso/damso/auth"
	"github.com/damso/damso/socketio"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// claims is what the tests read from tokens.
type claims struct {
	Name string `json:"name"`
	Sub  string `json:"sub"`
}

// secret is a key for HS256.
var secret = []byte("0123456789abcdef0123456789abcdef")

// A pair is a key that tests sign with.
type pair struct {
	method  jwt.SigningMethod
	private any
	public  any
}

// pairs has one for each algorithm.
var pairs = sync.OnceValue(func() map[string]pair {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	must(err)
	ecKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(err)
	edPublic, edKey, err := ed25519.GenerateKey(rand.Reader)
	must(err)
	return map[string]pair{
		auth.HS256: {jwt.SigningMethodHS256, secret, secret},
		auth.RS256: {jwt.SigningMethodRS256, rsaKey, &rsaKey.PublicKey},
		auth.ES256: {jwt.SigningMethodES256, ecKey, &ecKey.PublicKey},
		auth.EdDSA: {jwt.SigningMethodEdDSA, edKey, edPublic},
	}
})

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// says makes claims of names and values on top of some that are valid for an hour.
func says(pairs ...any) jwt.MapClaims {
	c := jwt.MapClaims{"sub": "u1", "name": "연우", "exp": time.Now().Add(time.Hour).Unix()}
	for i := 0; i < len(pairs); i += 2 {
		if name := pairs[i].(string); pairs[i+1] == nil {
			delete(c, name)
		} else {
			c[name] = pairs[i+1]
		}
	}
	return c
}

// sign makes a token. header may have more than the algorithm.
func sign(alg string, c jwt.Claims, header ...string) string {
	p := pairs()[alg]
	t := jwt.NewWithClaims(p.method, c)
	for i := 0; i < len(header); i += 2 {
		t.Header[header[i]] = header[i+1]
	}
	token, err := t.SignedString(p.private)
	must(err)
	return token
}

// forge makes a token of JSON and a signature, with whatever is wrong with it.
func forge(header, payload string, signature func(text string) []byte) string {
	text := b64(header) + "." + b64(payload)
	return text + "." + b64(string(signature(text)))
}

func b64(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

// hs256 signs with the secret.
func hs256(text string) []byte {
	signature, err := jwt.SigningMethodHS256.Sign(text, secret)
	must(err)
	return signature
}

// jwkOf writes a public key for a key set.
func jwkOf(kid string, public crypto.PublicKey) map[string]string {
	switch k := public.(type) {
	case *rsa.PublicKey:
		return map[string]string{"kty": "RSA", "kid": kid, "use": "sig", "n": b64(string(k.N.Bytes())), "e": b64(string(big.NewInt(int64(k.E)).Bytes()))}
	case *ecdsa.PublicKey:
		point, err := k.Bytes()
		must(err)
		return map[string]string{"kty": "EC", "kid": kid, "crv": "P-256", "x": b64(string(point[1:33])), "y": b64(string(point[33:]))}
	case ed25519.PublicKey:
		return map[string]string{"kty": "OKP", "kid": kid, "crv": "Ed25519", "alg": "EdDSA", "x": b64(string(k))}
	default:
		return map[string]string{"kty": "oct", "kid": kid, "k": b64(string(k.([]byte)))}
	}
}

func setOf(keys ...map[string]string) string {
	data, err := json.Marshal(map[string]any{"keys": keys})
	must(err)
	return string(data)
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// newServer returns a server that ends with the test.
func newServer(t testing.TB) *socketio.Server {
	srv := socketio.NewServer(socketio.Options{Logger: quiet()})
	t.Cleanup(func() {
		if err := srv.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return srv
}
