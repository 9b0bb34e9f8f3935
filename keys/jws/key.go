package jws

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"

	"filippo.io/edwards25519"

	"sigill/keys/ident"
)

// The algorithms that statements are signed with.
const (
	EdDSA = "EdDSA" // Ed25519 (RFC 8037)
	ES256 = "ES256" // ECDSA on P-256 with SHA-256 (RFC 7518)
)

// Errors of keys.
var (
	ErrKey       = errors.New("not a usable public key: a canonical Ed25519 key that is not of small order, or P-256")
	ErrAlgorithm = errors.New("the key cannot be used with this algorithm")
)

// A JWK is a public key (RFC 7517) with its required members alone, so that its
// canonical form is also the input of its RFC 7638 thumbprint.
type JWK struct {
	Crv string `json:"crv"`
	Kty string `json:"kty"`
	X   string `json:"x"`
	Y   string `json:"y,omitempty"`
}

// A PublicKey is a checked verifying key. It is immutable and may be shared.
type PublicKey struct {
	alg   string
	ed    ed25519.PublicKey
	ec    *ecdsa.PublicKey
	jwk   JWK
	thumb ident.Digest
}

// NewPublicKey checks an ed25519.PublicKey or a P-256 *ecdsa.PublicKey.
func NewPublicKey(key crypto.PublicKey) (*PublicKey, error) {
	b64 := base64.RawURLEncoding.EncodeToString
	switch k := key.(type) {
	case ed25519.PublicKey:
		return JWK{Crv: "Ed25519", Kty: "OKP", X: b64(k)}.Public()
	case *ecdsa.PublicKey:
		if k == nil || k.Curve != elliptic.P256() {
			return nil, ErrKey
		}
		raw, err := k.Bytes() // 4 ‖ x ‖ y; fails for a point off the curve
		if err != nil || len(raw) != 65 {
			return nil, ErrKey
		}
		return JWK{Crv: "P-256", Kty: "EC", X: b64(raw[1:33]), Y: b64(raw[33:])}.Public()
	}
	return nil, ErrKey
}

// largeOrder refuses keys that are no canonical point, and those of small order,
// under which one signature fits many messages.
func largeOrder(k ed25519.PublicKey) bool {
	if len(k) != ed25519.PublicKeySize {
		return false
	}
	pt, err := new(edwards25519.Point).SetBytes(k)
	if err != nil || !bytes.Equal(pt.Bytes(), k) {
		return false
	}
	return new(edwards25519.Point).MultByCofactor(pt).Equal(edwards25519.NewIdentityPoint()) == 0
}

// Public checks the JWK and makes a verifying key of it.
func (j JWK) Public() (*PublicKey, error) {
	x, err := coordinate(j.X)
	if err != nil {
		return nil, err
	}
	p := &PublicKey{jwk: j}
	switch {
	case j.Kty == "OKP" && j.Crv == "Ed25519" && j.Y == "":
		if !largeOrder(x) {
			return nil, ErrKey
		}
		p.alg, p.ed = EdDSA, x
	case j.Kty == "EC" && j.Crv == "P-256":
		y, err := coordinate(j.Y)
		if err != nil {
			return nil, err
		}
		p.alg = ES256
		if p.ec, err = ecdsa.ParseUncompressedPublicKey(elliptic.P256(), slices.Concat([]byte{4}, x, y)); err != nil {
			return nil, ErrKey
		}
	default:
		return nil, ErrKey
	}
	p.thumb, err = j.Thumbprint()
	return p, err
}

// Is reports whether the thumbprint of the members is kid. Whether they are a key
// at all, only Public says.
func (j JWK) Is(kid ident.Digest) bool {
	thumb, err := j.Thumbprint()
	return err == nil && thumb == kid
}

// Thumbprint is the RFC 7638 thumbprint of the members with SHA-256.
func (j JWK) Thumbprint() (ident.Digest, error) {
	c, err := Canonical(j)
	if err != nil {
		return ident.Digest{}, fmt.Errorf("public key: %w", err)
	}
	return sha256.Sum256(c), nil
}

func coordinate(s string) ([]byte, error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil || len(b) != 32 || len(s) != 43 {
		return nil, ErrKey
	}
	return b, nil
}

// ParseJWK reads a key in its canonical form.
func ParseJWK(data []byte) (*PublicKey, error) {
	var j JWK
	if err := Decode(data, &j); err != nil {
		return nil, fmt.Errorf("public key: %w", err)
	}
	return j.Public()
}

// JWK is the key's public form.
func (p *PublicKey) JWK() JWK { return p.jwk }

// Thumbprint is the RFC 7638 thumbprint with SHA-256.
func (p *PublicKey) Thumbprint() ident.Digest { return p.thumb }

// Algorithm is [EdDSA] or [ES256].
func (p *PublicKey) Algorithm() string { return p.alg }

// Equal reports whether q is the same key.
func (p *PublicKey) Equal(q *PublicKey) bool { return q != nil && p.thumb == q.thumb }

// Crypto is the key as the standard library knows it.
func (p *PublicKey) Crypto() crypto.PublicKey {
	if p.ed != nil {
		return ed25519.PublicKey(bytes.Clone(p.ed))
	}
	return p.ec
}
