package jws_test

import (
	"bufio"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"math/big"
	"os"
	"strings"
	"testing"

	"sigill/keys/ident"
	"sigill/keys/jws"
)

// sample has a member of every kind that a statement's payload may have.
type sample struct {
	Authority ident.Authority `json:"authority"`
	Cites     []ident.Digest  `json:"cites,omitempty"`
	Count     int64           `json:"count"`
	Date      ident.Date      `json:"date,omitempty"`
	Digest    ident.Digest    `json:"digest,omitzero"`
	ID        ident.ID        `json:"id"`
	Inner     *inner          `json:"inner,omitempty"`
	List      []inner         `json:"list"`
	Shown     bool            `json:"shown"`
	Small     uint16          `json:"small,omitempty"`
	Text      string          `json:"text"`
}

type inner struct {
	Name  string   `json:"name"`
	Words []string `json:"words"`
}

const typ = "sigill-sample+jws"

func newSample() sample {
	return sample{
		Authority: "202100-0001", Count: 7, Date: "2026-11-22", Digest: ident.Sum("x"),
		ID: "aaaqeayeaudaocajbifqydiob4", List: []inner{{"Åsa", []string{"å", "ä", "ö"}}},
		Shown: true, Text: `Beslut <1> & "2" \ 😀`,
	}
}

// golden reads a file of "name: value" lines.
func golden(t testing.TB, file string) map[string]string {
	t.Helper()
	f, err := os.Open("testdata/" + file)
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

func unb64(t testing.TB, s string) []byte {
	t.Helper()
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func edKey(t testing.TB) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(unb64(t, golden(t, "eddsa.txt")["d"]))
}

func ecKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	k, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), unb64(t, golden(t, "es256.txt")["d"]))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func signer(t testing.TB, k crypto.Signer) *jws.Signer {
	t.Helper()
	s, err := jws.NewSigner(k)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// forge signs whatever bytes it is given as header and payload, as an attacker
// can with a key of their own.
func forge(t testing.TB, k crypto.Signer, header, payload string) string {
	t.Helper()
	input := b64([]byte(header)) + "." + b64([]byte(payload))
	if ed, ok := k.(ed25519.PrivateKey); ok {
		return input + "." + b64(ed25519.Sign(ed, []byte(input)))
	}
	d := sha256.Sum256([]byte(input))
	r, s, err := ecdsa.Sign(rand.Reader, k.(*ecdsa.PrivateKey), d[:])
	if err != nil {
		t.Fatal(err)
	}
	n := elliptic.P256().Params().N
	if twin := new(big.Int).Sub(n, s); twin.Cmp(s) < 0 {
		s = twin
	}
	return input + "." + b64(append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...))
}

func canonical(t testing.TB, v any) string {
	t.Helper()
	b, err := jws.Canonical(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
