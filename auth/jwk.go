package auth

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"slices"
)

// maxKeys is how many keys a set may have.
const maxKeys = 100

// A jwk is a key as RFC 7517, 7518 and 8037 write it.
type jwk struct {
	KeyType    string   `json:"kty"`
	ID         string   `json:"kid"`
	Use        string   `json:"use"`
	Operations []string `json:"key_ops"`
	Algorithm  string   `json:"alg"`
	Curve      string   `json:"crv"`
	N          b64      `json:"n"`
	E          b64      `json:"e"`
	X          b64      `json:"x"`
	Y          b64      `json:"y"`
}

// b64 is bytes in base64url.
type b64 []byte

// UnmarshalText implements [encoding.TextUnmarshaler].
func (b *b64) UnmarshalText(text []byte) (err error) {
	*b, err = base64.RawURLEncoding.DecodeString(string(bytes.TrimRight(text, "=")))
	return err
}

// parseSet reads the keys of a JSON Web Key Set that are for signatures of these
// algorithms. "Implementations SHOULD ignore JWKs within a JWK Set that use "kty"
// (key type) values that are not understood by them, that are missing required
// members, or for which values are out of the supported ranges." (RFC 7517, 5)
// Secrets are ignored, too: what anybody can read is none.
func parseSet(data []byte, algs []string) ([]Key, error) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(data, &set); err != nil {
		return nil, fmt.Errorf("no key set: %w", err)
	}
	if len(set.Keys) > maxKeys {
		return nil, fmt.Errorf("key set has %d keys, more than %d", len(set.Keys), maxKeys)
	}
	var keys []Key
	for _, raw := range set.Keys {
		var j jwk
		if json.Unmarshal(raw, &j) != nil || !j.verifies() {
			continue
		}
		k := Key{ID: j.ID, Key: j.public()}
		if k.Check() == nil && slices.Contains(algs, k.Algorithm()) && (j.Algorithm == "" || j.Algorithm == k.Algorithm()) {
			keys = append(keys, k)
		}
	}
	if len(keys) == 0 {
		return nil, errors.New("key set has no key that can be used")
	}
	return keys, nil
}

// verifies says whether the key is meant for signatures.
func (j *jwk) verifies() bool {
	return (j.Use == "" || j.Use == "sig") && (j.Operations == nil || slices.Contains(j.Operations, "verify"))
}

// public returns the key, nil if it is of a kind that is not supported.
func (j *jwk) public() any {
	switch {
	case j.KeyType == "RSA":
		e := new(big.Int).SetBytes(j.E)
		if e.BitLen() > 31 || e.Int64() < 3 || e.Bit(0) == 0 {
			return nil
		}
		return &rsa.PublicKey{N: new(big.Int).SetBytes(j.N), E: int(e.Int64())}
	case j.KeyType == "EC" && j.Curve == "P-256" && len(j.X) == 32 && len(j.Y) == 32:
		key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), slices.Concat([]byte{4}, j.X, j.Y))
		if err != nil { // not on the curve
			return nil
		}
		return key
	case j.KeyType == "OKP" && j.Curve == "Ed25519":
		return ed25519.PublicKey(j.X)
	default:
		return nil
	}
}
