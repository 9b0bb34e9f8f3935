package order_test

import (
	"bufio"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"os"
	"strings"
	"testing"

	"sigill/keys/ident"
	"sigill/keys/jws"
)

const authority = ident.Authority("202100-0001")

// golden reads a file of "name: value" lines.
func golden(t testing.TB, name string) map[string]string {
	t.Helper()
	f, err := os.Open("testdata/" + name + ".txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	m := map[string]string{}
	s := bufio.NewScanner(f)
	s.Buffer(nil, 1<<20)
	for s.Scan() {
		if name, value, ok := strings.Cut(s.Text(), ": "); ok && !strings.HasPrefix(name, "#") {
			m[name] = value
		}
	}
	return m
}

// Test keys, digests and ids are made of their names, as in the vectors.
func seed(name string) [32]byte { return sha256.Sum256([]byte("sigill test " + name)) }

func dig(name string) ident.Digest { return ident.Sum("sigill test digest " + name) }

func id(name string) ident.ID {
	s := seed("id " + name)
	return ident.IDFromBytes([16]byte(s[:16]))
}

func ed(t testing.TB, name string) *jws.Signer {
	t.Helper()
	s := seed(name)
	return newSigner(t, ed25519.NewKeyFromSeed(s[:]))
}

func p256(t testing.TB, name string) *jws.Signer {
	t.Helper()
	s := seed(name)
	k, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), s[:])
	if err != nil {
		t.Fatal(err)
	}
	return newSigner(t, k)
}

func newSigner(t testing.TB, k crypto.Signer) *jws.Signer {
	t.Helper()
	s, err := jws.NewSigner(k)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func canonical(t testing.TB, v any) string {
	t.Helper()
	b, err := jws.Canonical(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// named fails the test unless err blames the field, for the reason that is
// wanted.
func named(t *testing.T, what string, err error, field string, want error) {
	t.Helper()
	var f *jws.FieldError
	if !errors.As(err, &f) || f.Field != field || !errors.Is(err, want) {
		t.Errorf("%s: %v, want %s: %v", what, err, field, want)
	}
}

// flips calls try with s changed in each byte, by a bit and in one of the ways
// that decoders are known to forgive (in a long s one of the two), and with s cut
// and extended. Of a very long s, which is mostly reviewers' keys, the middle is
// sampled.
func flips(s string, try func(changed string)) {
	for i := range len(s) {
		if len(s) > 10_000 && i > 2000 && i < len(s)-2000 && i%7 > 1 {
			continue
		}
		for j, c := range []byte{s[i] ^ 1, "\n=A "[i/2%4]} {
			if c != s[i] && (len(s) < 2000 || j == i%2) {
				try(s[:i] + string([]byte{c}) + s[i+1:])
			}
		}
	}
	for _, add := range []string{"=", "\n", " ", ".", "A"} {
		try(s + add)
		try(add + s)
	}
	for _, n := range []int{0, 1, len(s) / 2, len(s) - 1} {
		try(s[:n])
	}
}

// forge signs any payload as canonical JSON would be, right or wrong.
func forge(t testing.TB, name, typ string, payload []byte, embed bool) string {
	t.Helper()
	s := ed(t, name)
	kid, jwk := s.Public().Thumbprint(), s.Public().JWK()
	h := jws.Header{Alg: jws.EdDSA, Kid: &kid, Typ: typ}
	if embed {
		h.Kid, h.Jwk = nil, &jwk
	}
	b64 := base64.RawURLEncoding.EncodeToString
	key := seed(name)
	in := b64([]byte(canonical(t, h))) + "." + b64(payload)
	return in + "." + b64(ed25519.Sign(ed25519.NewKeyFromSeed(key[:]), []byte(in)))
}
