package jws

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"math/big"
	"strings"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"sigill/keys/ident"
)

// Errors of verification.
var (
	ErrFormat     = errors.New("not a statement: three parts of canonical base64url")
	ErrType       = errors.New("a statement of another type")
	ErrUnknownKey = errors.New("signed by a key that is not known here")
	ErrSignature  = errors.New("the signature does not fit")
	ErrTooLong    = errors.New("longer than a statement may be")
)

// MaxSize is the longest compact JWS that is read, in bytes: a decision holds an
// approval, which holds a draft.
const MaxSize = 256 << 10

var (
	p256      = elliptic.P256()
	halfOrder = new(big.Int).Rsh(p256.Params().N, 1)
)

// Digest names a signed statement: the SHA-256 of its compact form.
func Digest(compact string) ident.Digest { return ident.Sum(compact) }

// Verify checks compact, of exactly typ, against the key and reads its payload,
// a pointer to a struct. Nothing is written to payload before the signature has
// been found right.
func Verify(compact, typ string, key *PublicKey, payload any) (Header, error) {
	_, h, err := VerifyBy(compact, typ, func(kid ident.Digest) (*PublicKey, error) {
		if kid != key.Thumbprint() {
			return nil, ErrUnknownKey
		}
		return key, nil
	}, payload)
	return h, err
}

// VerifyBy is [Verify] with the key that lookup finds for the header's kid.
func VerifyBy(compact, typ string, lookup func(kid ident.Digest) (*PublicKey, error), payload any) (*PublicKey, Header, error) {
	m, err := split(compact, typ)
	if err != nil {
		return nil, Header{}, err
	}
	if m.Kid == nil || m.Jwk != nil {
		return nil, Header{}, ErrFormat
	}
	key, err := lookup(*m.Kid)
	if err != nil {
		return nil, Header{}, err
	}
	if err := m.verify(key, payload); err != nil {
		return nil, Header{}, err
	}
	return key, m.Header, nil
}

// VerifyEmbedded checks a statement that carries its own Ed25519 key, and
// returns that key. It proves possession of the key and nothing more.
func VerifyEmbedded(compact, typ string, payload any) (*PublicKey, error) {
	m, err := split(compact, typ)
	if err != nil {
		return nil, err
	}
	if m.Jwk == nil || m.Kid != nil || m.X5t != nil || m.X5c != nil || m.Iat != 0 {
		return nil, ErrFormat
	}
	key, err := m.Jwk.Public()
	if err != nil {
		return nil, err
	}
	if key.alg != EdDSA {
		return nil, ErrAlgorithm
	}
	if err := m.verify(key, payload); err != nil {
		return nil, err
	}
	return key, nil
}

// Certificates parses the chain in the header, leaf first, and checks that
// x5t#S256 names the leaf. It says nothing about trust.
func (h Header) Certificates() ([]*x509.Certificate, error) {
	var chain []*x509.Certificate
	for _, s := range h.X5c {
		der, err := base64.StdEncoding.Strict().DecodeString(s)
		if err != nil || base64.StdEncoding.EncodeToString(der) != s {
			return nil, ErrFormat
		}
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, ErrFormat
		}
		chain = append(chain, c)
	}
	if len(chain) == 0 || h.X5t == nil || *h.X5t != ident.Sum(chain[0].Raw) {
		return nil, ErrFormat
	}
	return chain, nil
}

type message struct {
	Header
	input   string // what is signed: the first two parts
	payload []byte
	sig     []byte
}

func split(compact, typ string) (*message, error) {
	if len(compact) > MaxSize {
		return nil, ErrTooLong
	}
	first, rest, ok := strings.Cut(compact, ".")
	second, third, ok2 := strings.Cut(rest, ".")
	if !ok || !ok2 {
		return nil, ErrFormat
	}
	m := &message{input: compact[:len(first)+1+len(second)]}
	hb, err := strict64(first)
	if err != nil {
		return nil, err
	}
	if err := Decode(hb, &m.Header); err != nil {
		return nil, err
	}
	if m.Typ != typ {
		return nil, ErrType
	}
	if !strings.HasSuffix(typ, "+jwt") && (m.Iat != 0 || m.X5c != nil || m.X5t != nil) {
		return nil, ErrFormat
	}
	if m.payload, err = strict64(second); err != nil {
		return nil, err
	}
	m.sig, err = strict64(third)
	return m, err
}

// strict64 is base64url without padding in its one form: the standard decoder
// skips line feeds, so the length is compared as well.
func strict64(s string) ([]byte, error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil || base64.RawURLEncoding.EncodedLen(len(b)) != len(s) {
		return nil, ErrFormat
	}
	return b, nil
}

func (m *message) verify(key *PublicKey, payload any) error {
	if m.Alg != key.alg {
		return ErrAlgorithm
	}
	if !key.fits([]byte(m.input), m.sig) {
		return ErrSignature
	}
	return Decode(m.payload, payload)
}

func (p *PublicKey) fits(input, sig []byte) bool {
	if len(sig) != 64 {
		return false
	}
	if p.ed != nil {
		return ed25519.Verify(p.ed, input, sig)
	}
	r, s := new(big.Int).SetBytes(sig[:32]), new(big.Int).SetBytes(sig[32:])
	if s.Cmp(halfOrder) > 0 {
		return false
	}
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1BigInt(r)
		b.AddASN1BigInt(s)
	})
	der, err := b.Bytes()
	if err != nil {
		return false
	}
	d := sha256.Sum256(input)
	return ecdsa.VerifyASN1(p.ec, d[:], der)
}

// Peek reads a statement's payload without any check of its signature: to find
// out which key it would have to be verified with, and for nothing else.
func Peek(compact string, st Statement) error {
	m, err := split(compact, st.Typ())
	if err != nil {
		return err
	}
	return Decode(m.payload, st)
}
