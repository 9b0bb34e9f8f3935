// Package vectors reads golden files and makes what they are made of, for the
// tests of all packages (proto/SPEC.md, "Vectors"). [Read] and [Golden] read a
// file; [Ed25519], [P256], [HPKE], [Digest] and [ID] make the test key, digest or
// identifier of a name; [Flips] changes every byte of a text; [Forge] signs what
// no client would. It may touch the disk, as tests do: scripts/arrows holds that
// no program links it.
package vectors

import (
	"bufio"
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hpke"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"sigill/keys/ident"
	"sigill/keys/jws"
)

// Read reads a file of lines of a name, a space and a value. A colon behind the
// name is no part of it, and # begins a comment.
func Read(t testing.TB, path string) map[string]string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	m := map[string]string{}
	s := bufio.NewScanner(f)
	s.Buffer(nil, 1<<20)
	for s.Scan() {
		if name, value, ok := strings.Cut(s.Text(), " "); ok && !strings.HasPrefix(name, "#") {
			m[strings.TrimSuffix(name, ":")] = value
		}
	}
	if err := s.Err(); err != nil {
		t.Fatal(err)
	}
	return m
}

// Golden reads testdata/NAME.txt of the package that is tested.
func Golden(t testing.TB, name string) map[string]string {
	t.Helper()
	return Read(t, "testdata/"+name+".txt")
}

// File is testdata/NAME of the package that is tested, as it is: a golden file whose
// bytes are the format.
func File(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Hex is what hexadecimal digits stand for.
func Hex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Base64 is what base64url without padding stands for.
func Base64(t testing.TB, s string) []byte {
	t.Helper()
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Seed is the private half of the test key of a name, whatever its kind.
func Seed(name string) [32]byte { return sha256.Sum256([]byte("sigill test " + name)) }

// Digest is the test digest of a name.
func Digest(name string) ident.Digest { return ident.Sum("sigill test digest " + name) }

// Sorted are n digests in the order of their bytes.
func Sorted(n int) []ident.Digest {
	out := []ident.Digest{}
	for i := range n {
		out = append(out, Digest(string(rune('0'+i))))
	}
	slices.SortFunc(out, func(a, b ident.Digest) int { return bytes.Compare(a[:], b[:]) })
	return out
}

// ID is the test identifier of a name.
func ID(name string) ident.ID {
	s := Seed("id " + name)
	return ident.IDFromBytes([16]byte(s[:16]))
}

// Ed25519 signs by the Ed25519 test key of a name.
func Ed25519(t testing.TB, name string) *jws.Signer {
	t.Helper()
	s := Seed(name)
	return Signer(t, ed25519.NewKeyFromSeed(s[:]))
}

// steady signs ECDSA without randomness (RFC 6979).
type steady struct{ *ecdsa.PrivateKey }

// Sign implements [crypto.Signer].
func (s steady) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	return s.PrivateKey.Sign(nil, digest, opts)
}

// P256 signs by the P-256 test key of a name, the same each time.
func P256(t testing.TB, name string) *jws.Signer {
	t.Helper()
	s := Seed(name)
	k, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), s[:])
	if err != nil {
		t.Fatal(err)
	}
	return Signer(t, steady{k})
}

// Signer signs by a key.
func Signer(t testing.TB, k crypto.Signer) *jws.Signer {
	t.Helper()
	s, err := jws.NewSigner(k)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// HPKE is the public half of the HPKE test key of a name.
func HPKE(t testing.TB, name string) ident.Bytes {
	t.Helper()
	s := Seed(name)
	k, err := hpke.MLKEM768X25519().NewPrivateKey(s[:])
	if err != nil {
		t.Fatal(err)
	}
	return k.PublicKey().Bytes()
}

// Canonical is the canonical JSON of a value.
func Canonical(t testing.TB, v any) string {
	t.Helper()
	b, err := jws.Canonical(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// Blames fails the test unless err blames the field, for the reason that is
// wanted.
func Blames(t testing.TB, what string, err error, field string, want error) {
	t.Helper()
	var f *jws.FieldError
	if !errors.As(err, &f) || f.Field != field || !errors.Is(err, want) {
		t.Errorf("%s: %v, want %s: %v", what, err, field, want)
	}
}

// Flips calls try with s changed in each byte, by a bit and in one of the ways
// that decoders are known to forgive (in a long s one of the two), and with s cut
// and extended. Of an s over 10,000 bytes, which is mostly reviewers' keys, the
// middle is sampled.
func Flips(s string, try func(changed string)) {
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

// Forge signs any payload as canonical JSON would be, right or wrong, by the
// Ed25519 test key of a name, which the header embeds or names.
func Forge(t testing.TB, name, typ string, payload []byte, embed bool) string {
	t.Helper()
	s := Ed25519(t, name)
	kid, jwk := s.Public().Thumbprint(), s.Public().JWK()
	h := jws.Header{Alg: jws.EdDSA, Kid: &kid, Typ: typ}
	if embed {
		h.Kid, h.Jwk = nil, &jwk
	}
	b64 := base64.RawURLEncoding.EncodeToString
	key := Seed(name)
	in := b64([]byte(Canonical(t, h))) + "." + b64(payload)
	return in + "." + b64(ed25519.Sign(ed25519.NewKeyFromSeed(key[:]), []byte(in)))
}
