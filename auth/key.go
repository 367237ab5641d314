package auth

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
)

// Algorithms of signatures, by the type of their keys.
const (
	HS256 = "HS256" // []byte
	RS256 = "RS256" // *rsa.PublicKey
	ES256 = "ES256" // *ecdsa.PublicKey
	EdDSA = "EdDSA" // ed25519.PublicKey
)

var algorithms = []string{HS256, RS256, ES256, EdDSA}

// Keys finds the keys that tokens may be signed with. [Static] and [JWKS] are Keys.
type Keys interface {
	// Find returns the keys for an algorithm and a key id, "" if the token has
	// none. It may wait until ctx ends. It returns no keys if there are none, and an
	// error if it can't tell for now. kid comes from an unchecked token: it may be
	// anything.
	Find(ctx context.Context, alg, kid string) ([]Key, error)
}

// A Key verifies the signatures of one algorithm, which is that of its type.
type Key struct {
	// ID is compared with the key id of a token. If it is empty, or the token has
	// none, the key is tried.
	ID string
	// Key is a []byte of at least 32 random bytes (HS256), an *rsa.PublicKey of at
	// least 2048 bits (RS256), an *ecdsa.PublicKey on P-256 (ES256), or an
	// ed25519.PublicKey (EdDSA).
	Key any
}

// Algorithm returns the algorithm that the key is for, "" if there is none.
func (k Key) Algorithm() string {
	switch k.Key.(type) {
	case []byte:
		return HS256
	case *rsa.PublicKey:
		return RS256
	case *ecdsa.PublicKey:
		return ES256
	case ed25519.PublicKey:
		return EdDSA
	default:
		return ""
	}
}

// Check says why a key can't be used, or returns nil.
func (k Key) Check() error {
	switch key := k.Key.(type) {
	case []byte:
		// "A key of the same size as the hash output […] or larger MUST be used"
		// (RFC 7518, 3.2)
		if len(key) < 32 {
			return fmt.Errorf("auth: key %q: a secret for HS256 must have at least 32 bytes, not %d", k.ID, len(key))
		}
	case *rsa.PublicKey:
		// "A key of size 2048 bits or larger MUST be used" (RFC 7518, 3.3)
		if n := bits(key); n < 2048 || n > maxRSABits {
			return fmt.Errorf("auth: key %q: an RSA key must have 2048 to %d bits, not %d", k.ID, maxRSABits, n)
		}
	case *ecdsa.PublicKey:
		if key == nil || key.Curve != elliptic.P256() {
			return fmt.Errorf("auth: key %q: a key for ES256 must be on the curve P-256", k.ID)
		}
	case ed25519.PublicKey:
		if len(key) != ed25519.PublicKeySize {
			return fmt.Errorf("auth: key %q: an Ed25519 key must have %d bytes, not %d", k.ID, ed25519.PublicKeySize, len(key))
		}
	default:
		return fmt.Errorf("auth: key %q is a %T: use []byte, *rsa.PublicKey, *ecdsa.PublicKey or ed25519.PublicKey", k.ID, k.Key)
	}
	return nil
}

// maxRSABits keeps a stranger's key from making each signature dear.
const maxRSABits = 8192

func bits(key *rsa.PublicKey) int {
	if key == nil || key.N == nil {
		return 0
	}
	return key.N.BitLen()
}

// Static is Keys that never change.
type Static []Key

// Find implements [Keys].
func (all Static) Find(_ context.Context, alg, kid string) ([]Key, error) {
	return match(all, alg, kid), nil
}

// Check says which key can't be used, or returns nil.
func (all Static) Check() error {
	if len(all) == 0 {
		return errors.New("auth: no keys")
	}
	for _, k := range all {
		if err := k.Check(); err != nil {
			return err
		}
	}
	return nil
}

// match returns the keys for a token.
func match(all []Key, alg, kid string) (found []Key) {
	for _, k := range all {
		if k.Algorithm() == alg && (kid == "" || k.ID == "" || k.ID == kid) {
			found = append(found, k)
		}
	}
	return found
}

// ParsePEM reads a public key from its usual form, "-----BEGIN PUBLIC KEY-----".
func ParsePEM(id string, data []byte) (Key, error) {
	block, _ := pem.Decode(data)
	if block == nil || block.Type != "PUBLIC KEY" {
		return Key{}, fmt.Errorf("auth: parse key %q: no PUBLIC KEY in PEM form", id)
	}
	public, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return Key{}, fmt.Errorf("auth: parse key %q: %w", id, err)
	}
	k := Key{ID: id, Key: public}
	return k, k.Check()
}
