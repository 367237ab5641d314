package auth

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// From RFC 7517, appendix A.1, and RFC 8037, appendix A.2.
const (
	ecKey  = `{"kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM","use":"enc","kid":"1"}`
	rsaKey = `{"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB","alg":"RS256","kid":"2011-04-29"}`
	edKey  = `{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`
)

func TestParseSet(t *testing.T) {
	with := func(key string, pairs ...string) string { return strings.NewReplacer(pairs...).Replace(key) }
	tests := []struct {
		name string
		key  string
		want string // algorithm and id, "" if the key is left out
	}{
		{"RSA", rsaKey, "RS256 2011-04-29"},
		{"EC", with(ecKey, `"enc"`, `"sig"`), "ES256 1"},
		{"Ed25519", edKey, "EdDSA "},
		{"for encryption", ecKey, ""},
		{"for signing", with(edKey, `{`, `{"key_ops":["sign"],`), ""},
		{"for verifying", with(edKey, `{`, `{"key_ops":["sign","verify"],`), "EdDSA "},
		{"another algorithm", with(rsaKey, "RS256", "PS256"), ""},
		{"padding", with(edKey, "URo", "URo="), "EdDSA "},
		{"standard base64", with(edKey, "_", "/"), ""},
		{"short point", with(edKey, "URo", ""), ""},
		{"off the curve", with(ecKey, `"enc"`, `"sig"`, "IFyM", "IFzM"), ""},
		{"P-384", with(ecKey, `"enc"`, `"sig"`, "P-256", "P-384"), ""},
		{"X25519", with(edKey, "Ed25519", "X25519"), ""},
		{"exponent 1", with(rsaKey, "AQAB", "AQ"), ""},
		{"even exponent", with(rsaKey, "AQAB", "AQAA"), ""},
		{"huge exponent", with(rsaKey, "AQAB", "AQABAQABAQAB"), ""},
		{"no exponent", with(rsaKey, "AQAB", ""), ""},
		{"huge modulus", with(rsaKey, `"n":"`, `"n":"`+strings.Repeat("_", 4096)), ""},
		{"small modulus", with(rsaKey, rsaKey[18:250], ""), ""},
		{"secret", `{"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"}`, ""},
		{"unknown", `{"kty":"new"}`, ""},
		{"no object", `5`, ""},
		{"null", `null`, ""},
		{"id is no string", `{"kty":"OKP","kid":5}`, ""},
	}
	const fallback = `{"kid":"fallback",` // there must be one
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			keys, err := parseSet(fmt.Appendf(nil, `{"keys":[%s,%s]}`, test.key, fallback+edKey[1:]), []string{RS256, ES256, EdDSA})
			if err != nil {
				t.Fatal(err)
			}
			var got string
			if len(keys) == 2 {
				got = keys[0].Algorithm() + " " + keys[0].ID
			}
			if got != test.want || keys[len(keys)-1].ID != "fallback" {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
	many := `{"keys":[` + strings.Repeat(edKey+",", maxKeys) + edKey + `]}`
	if _, err := parseSet([]byte(many), algorithms); err == nil {
		t.Error("too many keys were taken")
	}
	if _, err := parseSet([]byte(`{"keys":[`+edKey+`]}`), []string{RS256}); err == nil {
		t.Error("an algorithm was taken that is not wanted")
	}
}

func FuzzParseSet(f *testing.F) {
	for _, key := range []string{ecKey, rsaKey, edKey, "null", `{"kty":"EC"}`} {
		f.Add([]byte(`{"keys":[` + key + `]}`))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		keys, err := parseSet(data, []string{RS256, ES256, EdDSA})
		if (err == nil) != (len(keys) > 0) {
			t.Errorf("%d keys, %v", len(keys), err)
		}
		for _, k := range keys {
			if k.Check() != nil || !slices.Contains(algorithms, k.Algorithm()) || k.Algorithm() == HS256 {
				t.Errorf("took %+v", k)
			}
		}
	})
}
