package jws_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"math/big"
	"testing"

	"sigill/keys/ident"
	"sigill/keys/vectors"
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

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func edKey(t testing.TB) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(vectors.Base64(t, vectors.Golden(t, "eddsa")["d"]))
}

func ecKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	k, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), vectors.Base64(t, vectors.Golden(t, "es256")["d"]))
	if err != nil {
		t.Fatal(err)
	}
	return k
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
