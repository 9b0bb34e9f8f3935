package jws_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"math/big"
	"strings"
	"testing"

	"filippo.io/edwards25519"

	"sigill/keys/jws"
	"sigill/keys/vectors"
)

// Row S14: Ed25519 keys of small order and signatures that a lenient verifier takes.

// smallOrder lists the canonical encodings of the eight points of small order
// and every other encoding that a lenient decoder takes for one of them.
func smallOrder(t *testing.T) (list [][]byte) {
	t.Helper()
	order, _ := new(big.Int).SetString("7237005577332262213973186563042994240857116359379907606001950938285454250989", 10)
	generator := func() *edwards25519.Point { // of order 8: ℓ times a point outside the prime subgroup
		for y := byte(2); ; y++ {
			p, err := new(edwards25519.Point).SetBytes(append([]byte{y}, make([]byte, 31)...))
			if err != nil {
				continue
			}
			q := edwards25519.NewIdentityPoint()
			for i := order.BitLen() - 1; i >= 0; i-- {
				if q.Add(q, q); order.Bit(i) == 1 {
					q.Add(q, p)
				}
			}
			four := new(edwards25519.Point).Add(q, q)
			if four.Add(four, four).Equal(edwards25519.NewIdentityPoint()) == 0 {
				return q
			}
		}
	}()
	for q, i := edwards25519.NewIdentityPoint(), 0; i < 8; i++ {
		list = append(list, q.Bytes())
		q = new(edwards25519.Point).Add(q, generator)
	}
	if !bytes.Equal(list[0], append([]byte{1}, make([]byte, 31)...)) {
		t.Fatal("the first point is not the identity")
	}
	p := append(append([]byte{0xed}, bytes.Repeat([]byte{0xff}, 30)...), 0x7f) // y = p, which is 0
	p1 := append([]byte{0xee}, p[1:]...)                                       // y = p + 1, which is 1
	minus1 := append([]byte{0xec}, p[1:]...)                                   // y = −1, x = 0
	for _, b := range [][]byte{p, p1, list[0], minus1} {
		list = append(list, b, flipTop(b))
	}
	return list
}

// Under such a key one signature fits many statements, so
// it is no key.
func TestS14_smallOrderKeys(t *testing.T) {
	identity := append([]byte{1}, make([]byte, 31)...)
	if !ed25519.Verify(identity, []byte("any"), append(identity[:32:32], make([]byte, 32)...)) {
		t.Fatal("the attack does not work to begin with")
	}
	points := smallOrder(t)
	if len(points) != 16 {
		t.Fatalf("%d encodings", len(points))
	}
	header := func(x string) string {
		return `{"alg":"EdDSA","jwk":{"crv":"Ed25519","kty":"OKP","x":"` + x + `"},"typ":"` + typ + `"}`
	}
	for i, b := range points {
		if k, err := jws.NewPublicKey(ed25519.PublicKey(b)); !errors.Is(err, jws.ErrKey) || k != nil {
			t.Errorf("encoding %d: %v", i, err)
		}
		if k, err := jws.ParseJWK([]byte(`{"crv":"Ed25519","kty":"OKP","x":"` + b64(b) + `"}`)); !errors.Is(err, jws.ErrKey) || k != nil {
			t.Errorf("encoding %d as JWK: %v", i, err)
		}
		input := b64([]byte(header(b64(b)))) + "." + b64([]byte(good))
		_, emb := refused(t, "small order", input+"."+b64(append(identity[:32:32], make([]byte, 32)...)), vectors.Signer(t, edKey(t)).Public())
		if !errors.Is(emb, jws.ErrKey) {
			t.Errorf("encoding %d embedded: %v", i, emb)
		}
	}
}

// A key whose y is written a field prime higher is a second name for the same
// key, of full order.
func TestS14_nonCanonicalKeys(t *testing.T) {
	tried := 0
	for y := byte(2); y < 19; y++ {
		k := append([]byte{y}, make([]byte, 31)...)
		if _, err := jws.NewPublicKey(ed25519.PublicKey(k)); err != nil {
			continue
		}
		tried++
		high := append(append([]byte{0xed + y}, bytes.Repeat([]byte{0xff}, 30)...), 0x7f)
		for _, b := range [][]byte{high, flipTop(high)} {
			if _, err := new(edwards25519.Point).SetBytes(b); err != nil {
				t.Fatal("the curve library refuses it by itself")
			}
			if p, err := jws.NewPublicKey(ed25519.PublicKey(b)); !errors.Is(err, jws.ErrKey) || p != nil {
				t.Errorf("y = p + %d: %v", y, err)
			}
		}
	}
	if tried == 0 {
		t.Fatal("no such key")
	}
}

// Values of R and S that are out of range, and lengths and encodings other than ours.
func TestS14_signatureForms(t *testing.T) {
	ed, edPub := vectors.Golden(t, "eddsa"), vectors.Signer(t, edKey(t)).Public()
	cut := strings.LastIndexByte(ed["compact"], '.') + 1
	sig, zero := vectors.Base64(t, ed["compact"][cut:]), make([]byte, 32)
	noncanonical := append([]byte{0xee}, append([]byte(strings.Repeat("\xff", 30)), 0x7f)...) // p+1: the identity
	for name, b := range map[string][]byte{
		"none": nil, "zeros": make([]byte, 64), "63 bytes": sig[:63], "65 bytes": append(sig[:64:64], 0),
		"S + L": append(sig[:32:32], plusOrder(sig[32:], 1)...), "S + 8L": append(sig[:32:32], plusOrder(sig[32:], 8)...),
		"S is 0": append(sig[:32:32], zero...), "S is L": append(sig[:32:32], plusOrder(zero, 1)...),
		"R another encoding": append(noncanonical[:32:32], sig[32:]...), "R off the curve": append([]byte{2}, append(zero[:31:31], sig[32:]...)...),
		"sign of R": append(flipTop(sig[:32]), sig[32:]...), "all ones": []byte(strings.Repeat("\xff", 64)),
	} {
		if err, _ := refused(t, name, ed["compact"][:cut]+b64(b), edPub); !errors.Is(err, jws.ErrSignature) {
			t.Errorf("EdDSA, %s: %v", name, err)
		}
	}
}

// plusOrder adds k times the order of Ed25519's group to a scalar, both little-endian.
func plusOrder(s []byte, k int64) []byte {
	l, _ := new(big.Int).SetString("7237005577332262213973186563042994240857116359379907606001950938285454250989", 10)
	be := make([]byte, 32)
	for i := range s {
		be[31-i] = s[i]
	}
	n := new(big.Int).SetBytes(be)
	n.Add(n, l.Mul(l, big.NewInt(k))).FillBytes(be)
	out := make([]byte, 32)
	for i := range be {
		out[31-i] = be[i]
	}
	return out
}

func flipTop(b []byte) []byte {
	out := append([]byte{}, b...)
	out[31] ^= 0x80
	return out
}

// The vectors of Project Wycheproof: all that is invalid is refused, and what is
// valid is not.
func TestS14_wycheproof(t *testing.T) {
	count := map[string]int{}
	for name, v := range vectors.Golden(t, "wycheproof") {
		_, want, _ := strings.Cut(name, "-")
		part := strings.Split(v, ",")
		var raw [3][]byte
		for i := range raw {
			var err error
			if raw[i], err = hex.DecodeString(part[i]); err != nil {
				t.Fatal(name, err)
			}
		}
		key, err := jws.NewPublicKey(ed25519.PublicKey(raw[0]))
		if err != nil {
			t.Errorf("%s: the key: %v", name, err)
			continue
		}
		if got := key.Fits(raw[1], raw[2]); got != (want == "valid") {
			t.Errorf("%s: %v", name, got)
		}
		count[want]++
	}
	if count["valid"] != 84 || count["invalid"] != 61 {
		t.Errorf("%v", count)
	}
}
