package keyfile

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hpke"
	"crypto/rand"
	"errors"
	"fmt"

	"sigill/keys/ident"
	"sigill/keys/jws"
)

// A Use says what a key is for, and so what kind of key it is.
type Use string

// The uses. Author and board keys, the log's and a witness's are Ed25519, the day
// key is P-256, other signing keys are either; the two that open seals are
// MLKEM768-X25519; a witness's second key is ML-DSA-44; the gate key is 32 random
// bytes.
const (
	Author       Use = "author"
	Day          Use = "day"
	Director     Use = "director"
	Institution  Use = "institution"
	Log          Use = "log"
	Board        Use = "board"
	Requester    Use = "requester"
	ReviewerSign Use = "reviewer-sign"
	ReviewerHPKE Use = "reviewer-hpke"
	Recipient    Use = "recipient"
	Gate         Use = "gate"
	Witness      Use = "witness"
	WitnessMLDSA Use = "witness-mldsa"
)

// ErrUse is returned for an unknown use, for a key that is not of its use's
// kind, and by the methods that give a key out as what it is not.
var ErrUse = errors.New("a key of another kind than its use needs")

// algorithm is what a use signs with; free means that the other one will do too.
func (u Use) algorithm() (alg string, free bool) {
	switch u {
	case Author, Log, Board, Witness:
		return jws.EdDSA, false
	case Day:
		return jws.ES256, false
	case Director, Institution:
		return jws.ES256, true
	case Requester, ReviewerSign:
		return jws.EdDSA, true
	}
	return "", false
}

func (u Use) seeded() bool { return u.hpke() || u == Gate || u == WitnessMLDSA }
func (u Use) hpke() bool   { return u == ReviewerHPKE || u == Recipient }

// shown reports whether the public half is registered with others and so lies
// beside the key in clear. A witness's are registered under the witness's name, as
// vkeys.
func (u Use) shown() bool {
	switch u {
	case Director, Institution, Log, Board, Requester, ReviewerSign, ReviewerHPKE:
		return true
	}
	return false
}

// A Key is a private key and what it is for. It is immutable, and prints as its
// use alone.
type Key struct {
	use       Use
	authority ident.Authority
	signer    crypto.Signer // ed25519.PrivateKey or *ecdsa.PrivateKey, or
	seed      []byte        // 32 bytes
}

// Generate draws a fresh key: of the first algorithm that [Use] allows, ES256
// for directors and the institution. Authority may be empty where a key belongs
// to no authority, as a requester's.
func Generate(use Use, authority ident.Authority) (Key, error) {
	if use.seeded() {
		var seed [32]byte
		rand.Read(seed[:])
		return FromSeed(use, authority, seed)
	}
	alg, _ := use.algorithm()
	_, signer, err := jws.Generate(alg)
	if err != nil {
		return Key{}, ErrUse
	}
	return FromSigner(use, authority, signer)
}

// FromSigner takes an ed25519.PrivateKey or a P-256 *ecdsa.PrivateKey.
func FromSigner(use Use, authority ident.Authority, key crypto.Signer) (Key, error) {
	return checked(Key{use: use, authority: authority, signer: key})
}

// FromSeed takes the 32-byte seed of an MLKEM768-X25519 or ML-DSA-44 key, or a gate key.
func FromSeed(use Use, authority ident.Authority, seed [32]byte) (Key, error) {
	return checked(Key{use: use, authority: authority, seed: seed[:]})
}

func checked(k Key) (Key, error) {
	if k.authority != "" {
		if _, err := ident.ParseAuthority(string(k.authority)); err != nil {
			return Key{}, err
		}
	}
	if k.use.seeded() {
		if len(k.seed) != 32 || k.signer != nil {
			return Key{}, ErrUse
		}
		return k, nil
	}
	switch k.signer.(type) {
	case ed25519.PrivateKey, *ecdsa.PrivateKey:
	default:
		return Key{}, ErrUse
	}
	s, err := jws.NewSigner(k.signer)
	if err != nil || k.seed != nil {
		return Key{}, ErrUse
	}
	alg, free := k.use.algorithm()
	if alg == "" || s.Public().Algorithm() != alg && !free {
		return Key{}, ErrUse
	}
	return k, nil
}

// Use is what the key is for.
func (k Key) Use() Use { return k.use }

// Authority is the authority that the key belongs to, or empty.
func (k Key) Authority() ident.Authority { return k.authority }

// Format writes the use alone, whatever the verb: a key that ends up in a log
// line shows nothing.
func (k Key) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "private key (%s)", k.use) }

// Signer gives the key out for signing statements.
func (k Key) Signer() (*jws.Signer, error) {
	if k.signer == nil {
		return nil, ErrUse
	}
	return jws.NewSigner(k.signer)
}

// Crypto gives the key out for certificates, checkpoints and TLS.
func (k Key) Crypto() (crypto.Signer, error) {
	if k.signer == nil {
		return nil, ErrUse
	}
	return k.signer, nil
}

// HPKE gives the key out for opening shares.
func (k Key) HPKE() (hpke.PrivateKey, error) {
	if !k.use.hpke() {
		return nil, ErrUse
	}
	return hpke.MLKEM768X25519().NewPrivateKey(k.seed)
}

// Seed is a copy of the 32 bytes of a gate key or an HPKE key, as they are
// escrowed on paper, or of an ML-DSA-44 key.
func (k Key) Seed() (seed [32]byte, err error) {
	if len(k.seed) != 32 {
		return seed, ErrUse
	}
	return [32]byte(k.seed), nil
}

// A Public is the public half of a key, as it is registered with others.
// Thumbprint is RFC 7638's of a signing key and the SHA-256 of the 1,216 bytes
// of an HPKE key.
type Public struct {
	Authority  ident.Authority `json:"authority,omitempty"`
	HPKE       ident.Bytes     `json:"hpke,omitempty"`
	Key        *jws.JWK        `json:"key,omitempty"`
	Thumbprint ident.Digest    `json:"thumbprint"`
	Typ        string          `json:"typ"`
	Use        Use             `json:"use"`
}

// Public is the key's public half. A gate key has none, and that of an ML-DSA-44
// key is given by its cosigner: [ErrUse].
func (k Key) Public() (Public, error) {
	p := Public{Authority: k.authority, Typ: typPublic, Use: k.use}
	switch {
	case k.signer != nil:
		pub, err := jws.NewPublicKey(k.signer.Public())
		if err != nil {
			return Public{}, err
		}
		j := pub.JWK()
		p.Key, p.Thumbprint = &j, pub.Thumbprint()
	case k.use.hpke():
		priv, err := k.HPKE()
		if err != nil {
			return Public{}, fmt.Errorf("HPKE key: %w", err)
		}
		p.HPKE = priv.PublicKey().Bytes()
		p.Thumbprint = ident.Sum(p.HPKE)
	default:
		return Public{}, ErrUse
	}
	return p, nil
}

// check holds a public half that was read to its use and its thumbprint.
func (p Public) check() error {
	alg, free := p.Use.algorithm()
	switch {
	case p.Typ != typPublic || !p.Use.shown():
		return ErrUse
	case alg != "" && p.Key != nil && p.HPKE == nil:
		pub, err := p.Key.Public()
		if err != nil || pub.Thumbprint() != p.Thumbprint || pub.Algorithm() != alg && !free {
			return ErrUse
		}
		return nil
	case p.Use.hpke() && p.Key == nil:
		if _, err := hpke.MLKEM768X25519().NewPublicKey(p.HPKE); err != nil || ident.Sum(p.HPKE) != p.Thumbprint {
			return ErrUse
		}
		return nil
	}
	return ErrUse
}

const (
	typKey    = "sigill-key"
	typPublic = "sigill-public-key"
)

// document is what stands in a key file under the passphrase.
type document struct {
	Authority ident.Authority `json:"authority,omitempty"`
	Key       *privateJWK     `json:"key,omitempty"`
	Seed      ident.Bytes     `json:"seed,omitempty"`
	Typ       string          `json:"typ"`
	Use       Use             `json:"use"`
}

// privateJWK is a private key as RFC 7518, 6.2.2 and RFC 8037, 2 have it.
type privateJWK struct {
	Crv string      `json:"crv"`
	D   ident.Bytes `json:"d"` // 32 bytes: the seed, or the scalar big-endian
	Kty string      `json:"kty"`
	X   string      `json:"x"`
	Y   string      `json:"y,omitempty"`
}

func (k Key) encode() ([]byte, error) {
	d := document{Authority: k.authority, Seed: k.seed, Typ: typKey, Use: k.use}
	if k.signer != nil {
		pub, err := jws.NewPublicKey(k.signer.Public())
		if err != nil {
			return nil, err
		}
		j := pub.JWK()
		d.Key = &privateJWK{Crv: j.Crv, Kty: j.Kty, X: j.X, Y: j.Y}
		switch s := k.signer.(type) {
		case ed25519.PrivateKey:
			d.Key.D = s.Seed()
		case *ecdsa.PrivateKey:
			if d.Key.D, err = s.Bytes(); err != nil {
				return nil, err
			}
		}
	}
	return jws.Canonical(d)
}

// decode is the inverse of encode: what it accepts is encoded to the same bytes.
func decode(plain []byte) (Key, error) {
	var d document
	if err := jws.Decode(plain, &d); err != nil {
		return Key{}, err
	}
	k := Key{use: d.Use, authority: d.Authority, seed: d.Seed}
	if j := d.Key; j != nil && len(j.D) == 32 {
		switch j.Crv {
		case "Ed25519":
			k.signer = ed25519.NewKeyFromSeed(j.D)
		case "P-256":
			s, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), j.D)
			if err != nil {
				return Key{}, ErrUse
			}
			k.signer = s
		}
	}
	k, err := checked(k)
	if err != nil {
		return Key{}, err
	}
	// typ, kty and the public half are what this key would be written with
	if again, err := k.encode(); err != nil || !bytes.Equal(again, plain) {
		return Key{}, ErrUse
	}
	return k, nil
}
