package auth_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/damso/damso/auth"
)

// static has the keys of all pairs, with their algorithms as ids.
func static() (all auth.Static) {
	for alg, p := range pairs() {
		all = append(all, auth.Key{ID: alg, Key: p.public})
	}
	return all
}

// code returns that of an error, "" for none.
func code(t testing.TB, err error) string {
	t.Helper()
	if err == nil {
		return ""
	}
	var e *auth.Error
	if !errors.As(err, &e) {
		t.Fatalf("%v is no auth.Error", err)
	}
	return e.Code
}

func TestVerify(t *testing.T) {
	now := time.Now()
	at := func(d time.Duration) int64 { return now.Add(d).Unix() }
	tests := []struct {
		name  string
		opts  auth.Options
		token string
		want  string // code
	}{
		{"HS256", auth.Options{}, sign(auth.HS256, says()), ""},
		{"RS256", auth.Options{}, sign(auth.RS256, says()), ""},
		{"ES256", auth.Options{}, sign(auth.ES256, says()), ""},
		{"EdDSA", auth.Options{}, sign(auth.EdDSA, says()), ""},
		{"key id", auth.Options{}, sign(auth.RS256, says(), "kid", auth.RS256), ""},
		{"nothing", auth.Options{}, "", auth.CodeMissing},

		{"expired", auth.Options{}, sign(auth.HS256, says("exp", at(-5*time.Second))), auth.CodeExpired},
		{"expired within the leeway", auth.Options{Leeway: time.Minute}, sign(auth.HS256, says("exp", at(-5*time.Second))), ""},
		{"expired beyond the leeway", auth.Options{Leeway: time.Minute}, sign(auth.HS256, says("exp", at(-2*time.Minute))), auth.CodeExpired},
		{"expired long ago", auth.Options{}, sign(auth.HS256, says("exp", -1)), auth.CodeExpired},
		{"no expiry", auth.Options{}, sign(auth.HS256, says("exp", nil)), auth.CodeInvalid},
		{"no expiry, allowed", auth.Options{NoExpiry: true}, sign(auth.HS256, says("exp", nil)), ""},
		{"expired, though it need not", auth.Options{NoExpiry: true}, sign(auth.HS256, says("exp", at(-time.Hour))), auth.CodeExpired},
		{"expiry is no number", auth.Options{}, sign(auth.HS256, says("exp", "never")), auth.CodeMalformed},
		{"not before", auth.Options{}, sign(auth.HS256, says("nbf", at(time.Minute))), auth.CodeNotYet},
		{"not before, within the leeway", auth.Options{Leeway: 2 * time.Minute}, sign(auth.HS256, says("nbf", at(time.Minute))), ""},

		{"issuer", auth.Options{Issuer: "idp"}, sign(auth.HS256, says("iss", "idp")), ""},
		{"other issuer", auth.Options{Issuer: "idp"}, sign(auth.HS256, says("iss", "idp2")), auth.CodeInvalid},
		{"no issuer", auth.Options{Issuer: "idp"}, sign(auth.HS256, says()), auth.CodeInvalid},
		{"audience", auth.Options{Audience: []string{"chat", "damso"}}, sign(auth.HS256, says("aud", "chat")), ""},
		{"one of several audiences", auth.Options{Audience: []string{"chat"}}, sign(auth.HS256, says("aud", []string{"mail", "chat"})), ""},
		{"other audience", auth.Options{Audience: []string{"chat"}}, sign(auth.HS256, says("aud", "chat2")), auth.CodeInvalid},
		{"no audience", auth.Options{Audience: []string{"chat"}}, sign(auth.HS256, says()), auth.CodeInvalid},
		{"name is no string", auth.Options{}, sign(auth.HS256, says("name", 5)), auth.CodeInvalid},

		{"as long as may be", auth.Options{MaxToken: len(sign(auth.HS256, says()))}, sign(auth.HS256, says()), ""},
		{"longer", auth.Options{MaxToken: len(sign(auth.HS256, says())) - 1}, sign(auth.HS256, says()), auth.CodeMalformed},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			test.opts.Keys = static()
			token, err := auth.New[claims](test.opts).Verify(t.Context(), test.token)
			if got := code(t, err); got != test.want {
				t.Fatalf("%q (%v), want %q", got, err, test.want)
			}
			if err == nil && (token.Subject != "u1" || token.Claims.Name != "연우" || token.Claims.Sub != "u1") {
				t.Errorf("token is %+v", token)
			}
		})
	}
}

// TestForgeries holds tokens of an attacker to be refused, who knows the public keys
// and may write what he likes into header and claims.
func TestForgeries(t *testing.T) {
	valid := fmt.Sprintf(`{"sub":"admin","exp":%d}`, time.Now().Add(time.Hour).Unix())
	unsigned := func(string) []byte { return nil }
	der, err := x509.MarshalPKIXPublicKey(pairs()[auth.RS256].public)
	must(err)
	pemKey := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	hmacWith := func(key []byte) func(string) []byte {
		return func(text string) []byte {
			signature, err := jwt.SigningMethodHS256.Sign(text, key)
			must(err)
			return signature
		}
	}
	mine, err := rsa.GenerateKey(rand.Reader, 2048)
	must(err)
	rsaWithMine := func(text string) []byte {
		signature, err := jwt.SigningMethodRS256.Sign(text, mine)
		must(err)
		return signature
	}
	good := sign(auth.RS256, says())
	parts := strings.Split(good, ".")
	long := strings.Repeat("[", 1<<16)

	tests := map[string]string{
		"alg none":                           forge(`{"alg":"none"}`, valid, unsigned),
		"alg None":                           forge(`{"alg":"None"}`, valid, unsigned),
		"alg none with a signature":          forge(`{"alg":"none"}`, valid, hs256),
		"alg empty":                          forge(`{"alg":""}`, valid, unsigned),
		"no alg":                             forge(`{}`, valid, hs256),
		"alg is a list":                      forge(`{"alg":["HS256"]}`, valid, hs256),
		"alg twice, the last none":           forge(`{"alg":"HS256","alg":"none"}`, valid, unsigned),
		"public key in PEM as a secret":      forge(`{"alg":"HS256","kid":"RS256"}`, valid, hmacWith(pemKey)),
		"public key in DER as a secret":      forge(`{"alg":"HS256"}`, valid, hmacWith(der)),
		"empty secret":                       forge(`{"alg":"HS256"}`, valid, hmacWith([]byte{})),
		"HS512 with the secret":              forge(`{"alg":"HS512"}`, valid, hs256),
		"RS384":                              forge(`{"alg":"RS384"}`, valid, rsaWithMine),
		"another's key":                      forge(`{"alg":"RS256"}`, valid, rsaWithMine),
		"key in the header":                  forge(`{"alg":"RS256","jwk":{"kty":"RSA"}}`, valid, rsaWithMine),
		"key at a URL of the header":         forge(`{"alg":"RS256","jku":"http://127.0.0.1:1/keys"}`, valid, rsaWithMine),
		"certificate at a URL of the header": forge(`{"alg":"RS256","x5u":"file:///etc/passwd"}`, valid, rsaWithMine),
		"key id is a path":                   forge(`{"alg":"HS256","kid":"../../../../dev/null"}`, valid, hmacWith([]byte{})),
		"key id is SQL":                      forge(`{"alg":"HS256","kid":"x' UNION SELECT 'secret';--"}`, valid, hmacWith([]byte("secret"))),
		"key id is of another algorithm":     forge(`{"alg":"HS256","kid":"RS256"}`, valid, hs256),
		"key id is no string":                forge(`{"alg":"HS256","kid":["HS256"]}`, valid, hs256),
		"critical extension":                 forge(`{"alg":"HS256","crit":["b64"],"b64":false}`, valid, hs256),
		"claims changed":                     parts[0] + "." + b64(valid) + "." + parts[2],
		"signature cut":                      good[:len(good)-4],
		"no signature":                       parts[0] + "." + parts[1] + ".",
		"two parts":                          parts[0] + "." + parts[1],
		"four parts":                         good + ".x",
		"space before":                       " " + good,
		"padding":                            good + "==",
		"JWE":                                b64(`{"alg":"RSA-OAEP","enc":"A128GCM"}`) + ".a.b.c.d",
		"subject twice":                      forge(`{"alg":"HS256"}`, `{"sub":"u1",`+valid[1:], hs256),
		"claims are null":                    forge(`{"alg":"HS256"}`, `null`, hs256),
		"claims are a list":                  forge(`{"alg":"HS256"}`, `[]`, hs256),
		"claims are deep":                    forge(`{"alg":"HS256"}`, long, hs256),
		"header is deep":                     forge(long, valid, hs256),
		"header is null":                     forge(`null`, valid, hs256),
		"no UTF-8":                           forge(`{"alg":"HS256"}`, "{\"sub\":\"\xff\","+valid[1:], hs256),
		"dots":                               strings.Repeat(".", 8000),
		"huge":                               good + strings.Repeat("x", 1<<20),
	}
	a := auth.New[claims](auth.Options{Keys: static()})
	roomy := auth.New[claims](auth.Options{Keys: static(), MaxToken: 1 << 22})
	for name, token := range tests {
		t.Run(name, func(t *testing.T) {
			for _, a := range []*auth.Auth[claims]{a, roomy} {
				_, err := a.Verify(t.Context(), token)
				if got := code(t, err); got != auth.CodeInvalid && got != auth.CodeMalformed {
					t.Errorf("%q, %v", got, err)
				}
				if err == nil {
					t.Fatal("let in")
				}
				if e := (*auth.Error)(nil); errors.As(err, &e) && strings.Contains(e.Message, "kid") {
					t.Errorf("says too much: %q", e.Message)
				}
			}
		})
	}
}

// TestNamesToTheLetter holds a claim with a name that only looks like another's not
// to count.
func TestNamesToTheLetter(t *testing.T) {
	a := auth.New[claims](auth.Options{Keys: static()})
	payload := fmt.Sprintf(`{"sub":"u1","SUB":"admin","Sub":"admin","NAME":"root","exp":%d,"EXP":1}`, time.Now().Add(time.Hour).Unix())
	token, err := a.Verify(t.Context(), forge(`{"alg":"HS256"}`, payload, hs256))
	if err != nil {
		t.Fatal(err)
	}
	if token.Subject != "u1" || token.Claims != (claims{Sub: "u1"}) {
		t.Errorf("token is %+v", token)
	}
}

// TestOneAlgorithm holds a server that has keys of one algorithm to refuse the
// others.
func TestOneAlgorithm(t *testing.T) {
	for alg, p := range pairs() {
		a := auth.New[claims](auth.Options{Keys: auth.Static{{Key: p.public}}})
		for other := range pairs() {
			_, err := a.Verify(t.Context(), sign(other, says()))
			if (err == nil) != (alg == other) {
				t.Errorf("key for %s, token with %s: %v", alg, other, err)
			}
		}
	}
}

// careless finds keys without looking at the algorithm.
type careless struct{ auth.Static }

func (c careless) Find(context.Context, string, string) ([]auth.Key, error) { return c.Static, nil }

func TestCarelessKeys(t *testing.T) {
	der, err := x509.MarshalPKIXPublicKey(pairs()[auth.RS256].public)
	must(err)
	a := auth.New[claims](auth.Options{Keys: careless{auth.Static{{Key: pairs()[auth.RS256].public}}}})
	signature := func(text string) []byte {
		s, err := jwt.SigningMethodHS256.Sign(text, der)
		must(err)
		return s
	}
	if _, err := a.Verify(t.Context(), forge(`{"alg":"HS256"}`, `{"exp":99999999999}`, signature)); err == nil {
		t.Error("let in")
	}
}

func TestCheck(t *testing.T) {
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	must(err)
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	must(err)
	tests := []struct {
		name string
		opts auth.Options
		want string
	}{
		{"no keys", auth.Options{}, "Keys is missing"},
		{"empty keys", auth.Options{Keys: auth.Static{}}, "no keys"},
		{"short secret", auth.Options{Keys: auth.Static{{ID: "a", Key: []byte("password")}}}, "at least 32 bytes, not 8"},
		{"small RSA key", auth.Options{Keys: auth.Static{{Key: &small.PublicKey}}}, "2048 to 8192 bits, not 1024"},
		{"no RSA key", auth.Options{Keys: auth.Static{{Key: (*rsa.PublicKey)(nil)}}}, "not 0"},
		{"P-384", auth.Options{Keys: auth.Static{{Key: &p384.PublicKey}}}, "P-256"},
		{"private key", auth.Options{Keys: auth.Static{{Key: small}}}, "*rsa.PrivateKey"},
		{"text as a secret", auth.Options{Keys: auth.Static{{Key: string(secret)}}}, "is a string"},
		{"negative", auth.Options{Keys: static(), Leeway: -1}, "negative"},
		{"good", auth.Options{Keys: static()}, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			err := test.opts.Check()
			if test.want == "" != (err == nil) || err != nil && !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v, want %q", err, test.want)
			}
		})
	}
}

func TestParsePEM(t *testing.T) {
	for alg, p := range pairs() {
		if alg == auth.HS256 {
			continue
		}
		der, err := x509.MarshalPKIXPublicKey(p.public)
		must(err)
		key, err := auth.ParsePEM("k", pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
		if err != nil || key.Algorithm() != alg || key.ID != "k" {
			t.Errorf("%s: %v, %v", alg, key, err)
		}
	}
	for _, bad := range []string{"", "x", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"} {
		if _, err := auth.ParsePEM("k", []byte(bad)); err == nil {
			t.Errorf("%q: no error", bad)
		}
	}
}

// FuzzVerify wants no crash, and nobody to get in without the secret.
func FuzzVerify(f *testing.F) {
	f.Add(sign(auth.HS256, says("exp", 1)))
	f.Add(sign(auth.RS256, says("exp", 1), "kid", "RS256"))
	f.Add(forge(`{"alg":"none"}`, `{"exp":99999999999}`, func(string) []byte { return nil }))
	f.Add("..")
	a := auth.New[claims](auth.Options{Keys: auth.Static{{Key: pairs()[auth.ES256].public}}})
	f.Fuzz(func(t *testing.T, token string) {
		if _, err := a.Verify(t.Context(), token); err == nil {
			t.Errorf("%q is valid", token)
		}
	})
}
