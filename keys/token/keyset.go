package token

import (
	"crypto"
	"crypto/rsa"
	"maps"
	"math/big"
	"slices"

	"sigill/keys/jws"
)

// A fault is why a key of a set is not loaded: a constant text.
type fault string

func (f fault) Error() string { return "not a key set: " + string(f) }
func (f fault) Unwrap() error { return ErrKeySet }

const (
	faultForm     fault = "a key is not of the form that is due"
	faultKid      fault = "a key without a usable kid"
	faultTwice    fault = "a kid that stands twice"
	faultSecret   fault = "a secret or private key was published"
	faultType     fault = "a key type that is not used here"
	faultUse      fault = "a key that is not for verifying"
	faultAlg      fault = "an algorithm that does not fit the key"
	faultPoint    fault = "not a point of the curve, or one of small order"
	faultSize     fault = "an RSA modulus that is even or not of 2048 to 4096 bits"
	faultExponent fault = "an RSA exponent that is not odd, or not 65537 to 2^31−1"
	faultROCA     fault = "an RSA modulus with the fingerprint of ROCA (CVE-2017-15361)"
)

const (
	maxKeys = 64
	maxKey  = 2 << 10 // bytes of a key in the evidence
)

// A Key is one verifying key of an issuer. It is immutable and may be shared.
type Key struct {
	issuer, id, alg string
	public          crypto.PublicKey
	jwk             []byte
}

// JWK is the key alone, as it goes into the evidence: RFC 8785 JSON of alg, kid
// and the members that the key type requires (RFC 7518), whatever else the
// provider wrote beside them. Callers do not change it.
func (k *Key) JWK() []byte { return k.jwk }

// A KeySet is the keys of an issuer that tokens may be verified by.
type KeySet struct{ keys map[string]*Key }

// A KeyFault is a key that was not loaded: its index in the document, and why,
// an [ErrKeySet].
type KeyFault struct {
	Index int
	Err   error
}

// ParseKeySet reads the JWKS (RFC 7517) of an issuer, at most [MaxKeySet] bytes
// and 64 keys. A document that cannot be read as a whole is [ErrKeySet], and
// the caller keeps the set it has. A key that must not be used is left out and
// reported; what remains may be nothing, and then no token is accepted. Of keys
// with the same kid none is loaded: which one verifies must never depend on
// order.
func ParseKeySet(issuer string, jwks []byte) (*KeySet, []KeyFault, error) {
	if len(jwks) > MaxKeySet {
		return nil, nil, fault("longer than 64 KiB")
	}
	doc, err := readObject(jwks)
	if err != nil {
		return nil, nil, fault("not strict JSON")
	}
	list, ok := doc["keys"].([]any)
	if !ok || len(list) > maxKeys {
		return nil, nil, fault("keys is not a list of at most 64")
	}
	times := map[string]int{}
	for _, e := range list {
		if o, ok := e.(map[string]any); ok {
			kid, _ := text(o, "kid")
			times[kid]++
		}
	}
	set := &KeySet{map[string]*Key{}}
	var faults []KeyFault
	for i, e := range list {
		k, err := loadKey(issuer, e)
		if err == nil && times[k.id] > 1 {
			err = faultTwice
		}
		if err != nil {
			faults = append(faults, KeyFault{i, err})
			continue
		}
		set.keys[k.id] = k
	}
	return set, faults, nil
}

// Find gives the key of exactly this kid and algorithm.
func (s *KeySet) Find(kid, alg string) (*Key, bool) {
	k, ok := s.keys[kid]
	if !ok || k.alg != alg {
		return nil, false
	}
	return k, true
}

// Len is how many keys were loaded.
func (s *KeySet) Len() int { return len(s.keys) }

// Bytes are what the set can verify by, and nothing else that the document says:
// the [Key.JWK] of each key, in the order of their kids, each with a line feed
// after it. Two documents with the same Bytes are one set.
func (s *KeySet) Bytes() (b []byte) {
	for _, kid := range slices.Sorted(maps.Keys(s.keys)) {
		b = append(append(b, s.keys[kid].jwk...), '\n')
	}
	return b
}

// jwk is a public key with its alg and kid, in the order of RFC 8785.
type jwk struct {
	Alg string `json:"alg"`
	Crv string `json:"crv,omitempty"`
	E   string `json:"e,omitempty"`
	Kid string `json:"kid"`
	Kty string `json:"kty"`
	N   string `json:"n,omitempty"`
	X   string `json:"x,omitempty"`
	Y   string `json:"y,omitempty"`
}

// parseKey reads a key in the form of [Key.JWK] and no other.
func parseKey(issuer string, data []byte) (*Key, error) {
	if len(data) > maxKey {
		return nil, faultForm
	}
	var j jwk
	if err := jws.Decode(data, &j); err != nil {
		return nil, faultForm
	}
	return j.key(issuer)
}

var knownKey = folded("alg", "crv", "d", "e", "k", "key_ops", "kid", "kty", "n", "use", "x", "y")

var algOf = map[string]string{"EC": "ES256", "OKP": "EdDSA", "RSA": "RS256"}

// loadKey reads an element of a JWKS, which may say more than we need.
func loadKey(issuer string, e any) (*Key, error) {
	o, ok := e.(map[string]any)
	if !ok {
		return nil, faultForm
	}
	if exactly(o, knownKey) != nil {
		return nil, faultForm
	}
	for _, secret := range []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k"} {
		if _, ok := o[secret]; ok {
			return nil, faultSecret
		}
	}
	if !verifies(o) {
		return nil, faultUse
	}
	var j jwk
	for name, to := range map[string]*string{"alg": &j.Alg, "crv": &j.Crv, "e": &j.E, "kid": &j.Kid,
		"kty": &j.Kty, "n": &j.N, "x": &j.X, "y": &j.Y} {
		if v, ok := o[name]; ok {
			if *to, ok = v.(string); !ok || *to == "" {
				return nil, faultForm
			}
		}
	}
	if j.Alg == "" {
		j.Alg = algOf[j.Kty]
	}
	return j.key(issuer)
}

// verifies: use is sig or absent, key_ops lists verify or is absent.
func verifies(o map[string]any) bool {
	if use, ok := o["use"]; ok && use != "sig" {
		return false
	}
	v, ok := o["key_ops"]
	if !ok {
		return true
	}
	ops, _ := v.([]any)
	for _, op := range ops {
		if op == "verify" {
			return true
		}
	}
	return false
}

func (j jwk) key(issuer string) (*Key, error) {
	if !plain(j.Kid) {
		return nil, faultKid
	}
	if algOf[j.Kty] == "" || j.Kty == "EC" && j.Crv != "P-256" || j.Kty == "OKP" && j.Crv != "Ed25519" {
		return nil, faultType
	}
	if algOf[j.Kty] != j.Alg {
		return nil, faultAlg
	}
	k := &Key{issuer: issuer, id: j.Kid, alg: j.Alg}
	if j.Kty == "RSA" {
		if j.Crv != "" || j.X != "" || j.Y != "" {
			return nil, faultForm
		}
		pub, err := rsaKey(j.N, j.E)
		if err != nil {
			return nil, err
		}
		k.public = pub
	} else {
		if j.N != "" || j.E != "" {
			return nil, faultForm
		}
		pub, err := jws.JWK{Crv: j.Crv, Kty: j.Kty, X: j.X, Y: j.Y}.Public()
		if err != nil {
			return nil, faultPoint
		}
		k.public = pub.Crypto()
	}
	c, err := jws.Canonical(j)
	if err != nil {
		return nil, faultForm
	}
	k.jwk = c
	return k, nil
}

func rsaKey(n64, e64 string) (*rsa.PublicKey, error) {
	n, err := integer(n64)
	if err != nil {
		return nil, err
	}
	e, err := integer(e64)
	if err != nil {
		return nil, err
	}
	switch {
	case n.BitLen() < 2048 || n.BitLen() > 4096 || n.Bit(0) == 0:
		return nil, faultSize
	case e.BitLen() > 31 || e.Int64() < 65537 || e.Bit(0) == 0:
		return nil, faultExponent
	case roca(n):
		return nil, faultROCA
	}
	return &rsa.PublicKey{N: n, E: int(e.Int64())}, nil
}

// integer reads a Base64urlUInt: the fewest bytes, so that it has one form.
func integer(s string) (*big.Int, error) {
	b, err := decode64(s)
	if err != nil || len(b) == 0 || b[0] == 0 {
		return nil, faultForm
	}
	return new(big.Int).SetBytes(b), nil
}

var rocaPrimes = []int64{3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83,
	89, 97, 101, 103, 107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167}

// roca reports the fingerprint of Infineon's broken key generation
// (CVE-2017-15361): the modulus is a power of 65537 modulo every small prime. A
// sound one is so with a chance of about 2^-27.
func roca(n *big.Int) bool {
	for _, p := range rocaPrimes {
		rest := new(big.Int).Mod(n, big.NewInt(p)).Int64()
		power := int64(1)
		for power != rest {
			if power = power * 65537 % p; power == 1 {
				return false
			}
		}
	}
	return true
}
