package token_test

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"testing"

	"sigill/keys/token"
)

// notLoaded puts j between two good keys: they are loaded, it is not, and is
// reported by its index.
func notLoaded(t *testing.T, j obj) {
	t.Helper()
	k := keys()
	set, faults, err := token.ParseKeySet(issuer, jwks(jwkOf("first", k.rsa), j, jwkOf("last", k.ed)))
	if err != nil {
		t.Fatal(err)
	}
	if len(faults) != 1 || faults[0].Index != 1 || !errors.Is(faults[0].Err, token.ErrKeySet) || set.Len() != 2 {
		t.Fatalf("%d loaded, faults %v", set.Len(), faults)
	}
	kid, _ := j["kid"].(string)
	for _, alg := range []string{"ES256", "RS256", "EdDSA", "PS256", "HS256", ""} {
		if key, ok := set.Find(kid, alg); ok || key != nil {
			t.Fatalf("found for %s", alg)
		}
	}
	if v, ok := j["n"].(string); ok && len(v) > 8 && strings.Contains(faults[0].Err.Error(), v) {
		t.Fatal("the fault quotes the key")
	}
}

func rsaJWK(n *big.Int, e int64) obj {
	return obj{"kty": "RSA", "kid": "k", "n": b64.EncodeToString(n.Bytes()), "e": b64.EncodeToString(big.NewInt(e).Bytes())}
}

// rocaModulus is a power of 65537 modulo each small prime, as Infineon's were.
func rocaModulus() *big.Int {
	m := big.NewInt(1)
	for i := int64(2); i <= 167; i++ {
		if big.NewInt(i).ProbablyPrime(20) {
			m.Mul(m, big.NewInt(i))
		}
	}
	n := new(big.Int).Exp(big.NewInt(65537), big.NewInt(4711), m) // odd: m is even
	k := new(big.Int).Lsh(big.NewInt(1), uint(2048-m.BitLen()))
	return n.Add(n, k.Mul(k, m))
}

func TestJ23_keysNotLoaded(t *testing.T) {
	k := keys()
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	n := k.rsa.N
	roca := rocaModulus()
	if roca.BitLen() != 2048 {
		t.Fatalf("a modulus of %d bits", roca.BitLen())
	}
	ec, ed := jwkOf("k", k.ec), jwkOf("k", k.ed)
	for name, j := range map[string]obj{
		"RSA-1024":      rsaJWK(small.N, 65537),
		"RSA-2047":      rsaJWK(new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 2047), big.NewInt(1)), 65537),
		"RSA-4097":      rsaJWK(new(big.Int).Add(new(big.Int).Lsh(big.NewInt(1), 4096), big.NewInt(1)), 65537),
		"even":          rsaJWK(new(big.Int).Sub(n, big.NewInt(1)), 65537),
		"e=1":           rsaJWK(n, 1),
		"e=3":           rsaJWK(n, 3),
		"e even":        rsaJWK(n, 65538),
		"e huge":        rsaJWK(n, 1<<31+1),
		"e padded":      rsaJWK(n, 65537).with(obj{"e": "AAEAAQ"}),
		"n padded":      rsaJWK(n, 65537).with(obj{"n": b64.EncodeToString(append([]byte{0}, n.Bytes()...))}),
		"ROCA":          rsaJWK(roca, 65537),
		"oct":           {"kty": "oct", "kid": "k", "k": "c2VjcmV0"},
		"private":       ec.with(obj{"d": b64.EncodeToString(make([]byte, 32))}),
		"off the curve": ec.with(obj{"y": b64.EncodeToString(make([]byte, 32))}),
		"infinity":      ec.with(obj{"x": b64.EncodeToString(make([]byte, 32)), "y": b64.EncodeToString(make([]byte, 32))}),
		"short x":       ec.with(obj{"x": b64.EncodeToString(make([]byte, 31))}),
		"no y":          ec.with(obj{"y": nil}),
		"small order":   ed.with(obj{"x": b64.EncodeToString(append([]byte{1}, make([]byte, 31)...))}),
		"not canonical": ed.with(obj{"x": b64.EncodeToString(bytes.Repeat([]byte{0xff}, 32))}),
		"Ed448":         ed.with(obj{"crv": "Ed448"}),
		"X25519":        ed.with(obj{"crv": "X25519"}),
		"no kid":        ec.with(obj{"kid": nil}),
		"empty kid":     ec.with(obj{"kid": ""}),
		"kid number":    ec.with(obj{"kid": 1}),
		"kid control":   ec.with(obj{"kid": "a\tb"}),
		"kid long":      ec.with(obj{"kid": strings.Repeat("k", 256)}),
		"mixed":         ec.with(obj{"n": "AQAB"}),
		"x number":      ec.with(obj{"x": 1}),
		"no kty":        ec.with(obj{"kty": nil}),
	} {
		t.Run(name, func(t *testing.T) { notLoaded(t, j) })
	}

	// Of two keys with one kid neither is loaded, whichever comes first and
	// whatever else is wrong with one of them.
	for _, pair := range [][2]obj{{ec, ed}, {ed, ec}, {ec, ec}, {ec, ed.with(obj{"use": "enc"})}} {
		set, faults, err := token.ParseKeySet(issuer, jwks(pair[0], jwkOf("other", k.rsa), pair[1]))
		if err != nil || set.Len() != 1 || len(faults) != 2 {
			t.Fatal(set.Len(), faults, err)
		}
	}
}

func TestKeySet(t *testing.T) {
	k := keys()
	set, faults, err := token.ParseKeySet(issuer, jwks(
		jwkOf("a", k.ec).with(obj{"use": "sig", "alg": "ES256", "key_ops": []any{"verify", "sign"}, "x5c": []any{"MII"}, "x5t": "x"}),
		jwkOf("b", k.rsa), jwkOf("c", k.ed)))
	if err != nil || len(faults) != 0 || set.Len() != 3 {
		t.Fatal(faults, err)
	}
	key, ok := set.Find("a", "ES256")
	want := jwkOf("a", k.ec)
	if !ok || string(key.JWK()) != fmt.Sprintf(`{"alg":"ES256","crv":"P-256","kid":"a","kty":"EC","x":"%s","y":"%s"}`, want["x"], want["y"]) {
		t.Fatal("not the key alone, in canonical form")
	}
	if _, ok := set.Find("a", "RS256"); ok {
		t.Fatal("found for another algorithm")
	}
	if _, ok := set.Find("d", "ES256"); ok {
		t.Fatal("found for another kid")
	}
	// Nothing published is nothing accepted, but it is no broken document.
	if set, faults, err := token.ParseKeySet(issuer, []byte(`{"keys":[]}`)); err != nil || set.Len() != 0 || len(faults) != 0 {
		t.Fatal(faults, err)
	}
	good := string(allKeys())
	for name, doc := range map[string]string{
		"empty": "", "null": "null", "list": "[]", "no keys": "{}", "keys object": `{"keys":{}}`, "KEYS": `{"KEYS":[]}`,
		"HTML": "<html>", "cut": good[:len(good)-2], "trailing": good + "{}", "twice": `{"keys":[],` + good[1:],
		"member twice": strings.Replace(good, `"kty":"EC"`, `"kty":"EC","kty":"EC"`, 1),
		"long":         good[:len(good)-1] + `,"x":"` + strings.Repeat("x", token.MaxKeySet) + `"}`,
		"many":         string(jwks(make([]obj, 65)...)),
		"deep":         `{"keys":[],"x":` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + `}`,
	} {
		if set, faults, err := token.ParseKeySet(issuer, []byte(doc)); !errors.Is(err, token.ErrKeySet) || set != nil || faults != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, faults, err := token.ParseKeySet(issuer, []byte(`{"keys":[1,null,"x"]}`)); err != nil || len(faults) != 3 {
		t.Fatal(faults, err)
	}
}

// TestKeySetBytes: a set is its usable keys, in order of kid, and nothing else that
// its document says.
func TestKeySetBytes(t *testing.T) {
	k := keys()
	read := func(list ...obj) *token.KeySet {
		t.Helper()
		set, _, err := token.ParseKeySet(issuer, jwks(list...))
		if err != nil {
			t.Fatal(err)
		}
		return set
	}
	set := read(jwkOf("b", k.rsa), jwkOf("a", k.ed))
	a, _ := set.Find("a", "EdDSA")
	b, _ := set.Find("b", "RS256")
	if want := fmt.Sprintf("%s\n%s\n", a.JWK(), b.JWK()); string(set.Bytes()) != want {
		t.Fatalf("%s, want %s", set.Bytes(), want)
	}
	other := read(jwkOf("a", k.ed), obj{"kty": "oct", "kid": "c"}, jwkOf("b", k.rsa))
	if !bytes.Equal(set.Bytes(), other.Bytes()) {
		t.Error("order or an unusable key makes another set")
	}
	if bytes.Equal(set.Bytes(), read(jwkOf("a", k.ed)).Bytes()) || bytes.Equal(set.Bytes(), read(jwkOf("b", k.ed), jwkOf("a", k.rsa)).Bytes()) {
		t.Error("other keys are the same set")
	}
	if read(obj{"kty": "oct", "kid": "c"}).Bytes() != nil {
		t.Error("no keys are something")
	}
}
