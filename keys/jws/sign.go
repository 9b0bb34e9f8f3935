package jws

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"
	"time"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"sigill/keys/ident"
)

// Header is a statement's protected header. Jwk stands in drafts alone, Kid
// everywhere else; Iat (seconds) and the certificate (x5c is standard base64
// of DER, leaf first; x5t#S256 its digest) in what the institution signs.
type Header struct {
	Alg string        `json:"alg"`
	Iat int64         `json:"iat,omitempty"`
	Jwk *JWK          `json:"jwk,omitempty"`
	Kid *ident.Digest `json:"kid,omitempty"`
	Typ string        `json:"typ"`
	X5c []string      `json:"x5c,omitempty"`
	X5t *ident.Digest `json:"x5t#S256,omitempty"`
}

// A Signer signs statements with a private key that may live in a file, in
// memory or in a device. It is safe for concurrent use if the key is.
type Signer struct {
	key crypto.Signer
	pub *PublicKey
}

// NewSigner takes a private key of one of the two algorithms.
func NewSigner(key crypto.Signer) (*Signer, error) {
	if key == nil {
		return nil, ErrKey
	}
	pub, err := NewPublicKey(key.Public())
	if err != nil {
		return nil, err
	}
	return &Signer{key, pub}, nil
}

// Generate draws a fresh key of the algorithm from the system's randomness.
func Generate(alg string) (*Signer, crypto.Signer, error) {
	var key crypto.Signer
	var err error
	switch alg {
	case EdDSA:
		_, key, err = ed25519.GenerateKey(nil)
	case ES256:
		key, err = ecdsa.GenerateKey(p256, rand.Reader)
	default:
		return nil, nil, ErrAlgorithm
	}
	if err != nil {
		return nil, nil, fmt.Errorf("drawing a key: %w", err)
	}
	s, err := NewSigner(key)
	return s, key, err
}

// Public is the signer's verifying key.
func (s *Signer) Public() *PublicKey { return s.pub }

// An Option adds to a statement's header.
type Option func(*Header, *Signer)

// Embed puts the public key itself into the header, in place of its thumbprint.
func Embed() Option {
	return func(h *Header, s *Signer) {
		j := s.pub.JWK()
		h.Jwk, h.Kid = &j, nil
	}
}

// Certified adds the time of signing and the signer's certificate chain, leaf
// first, as JAdES (ETSI TS 119 182-1) has it.
func Certified(at time.Time, chain ...*x509.Certificate) Option {
	return func(h *Header, _ *Signer) {
		h.Iat = at.Unix()
		for _, c := range chain {
			h.X5c = append(h.X5c, base64.StdEncoding.EncodeToString(c.Raw))
		}
		if len(chain) > 0 {
			d := ident.Sum(chain[0].Raw)
			h.X5t = &d
		}
	}
}

// Sign makes a compact JWS of typ over the canonical form of payload. One that
// would be longer than [MaxSize] is refused with [ErrTooLong]: nobody would read
// it.
func Sign(s *Signer, typ string, payload any, opts ...Option) (string, error) {
	kid := s.pub.Thumbprint()
	h := Header{Alg: s.pub.alg, Kid: &kid, Typ: typ}
	for _, o := range opts {
		o(&h, s)
	}
	hb, err := Canonical(h)
	if err != nil {
		return "", fmt.Errorf("signing %s: header: %w", typ, err)
	}
	pb, err := Canonical(payload)
	if err != nil {
		return "", fmt.Errorf("signing %s: payload: %w", typ, err)
	}
	b64 := base64.RawURLEncoding
	n := b64.EncodedLen(len(hb)) + 1 + b64.EncodedLen(len(pb))
	out := make([]byte, 0, n+1+86)
	out = b64.AppendEncode(out, hb)
	out = append(out, '.')
	out = b64.AppendEncode(out, pb)
	sig, err := s.sign(out)
	if err != nil {
		return "", fmt.Errorf("signing %s: %w", typ, err)
	}
	out = append(out, '.')
	if out = b64.AppendEncode(out, sig); len(out) > MaxSize {
		return "", fmt.Errorf("signing %s: %w", typ, ErrTooLong)
	}
	return string(out), nil
}

func (s *Signer) sign(input []byte) ([]byte, error) {
	if s.pub.ed != nil {
		return s.key.Sign(rand.Reader, input, crypto.Hash(0))
	}
	d := sha256.Sum256(input)
	der, err := s.key.Sign(rand.Reader, d[:], crypto.SHA256)
	if err != nil {
		return nil, err
	}
	return rawLowS(der)
}

// rawLowS turns an ASN.1 ECDSA signature into r ‖ s of 32 bytes each, with the
// lower of the two possible s.
func rawLowS(der []byte) ([]byte, error) {
	var r, s big.Int
	in := cryptobyte.String(der)
	var inner cryptobyte.String
	if !in.ReadASN1(&inner, asn1.SEQUENCE) || !in.Empty() ||
		!inner.ReadASN1Integer(&r) || !inner.ReadASN1Integer(&s) || !inner.Empty() ||
		r.Sign() <= 0 || s.Sign() <= 0 || r.BitLen() > 256 || s.BitLen() > 256 {
		return nil, errors.New("the key gave no ECDSA signature")
	}
	if s.Cmp(halfOrder) > 0 {
		s.Sub(p256.Params().N, &s)
	}
	return append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...), nil
}
