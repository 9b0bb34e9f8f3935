package jws_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"math/big"
	"strings"
	"testing"

	"sigill/keys/jws"
	"sigill/keys/vectors"
)

func TestKeysRefused(t *testing.T) {
	ed, ec := vectors.Golden(t, "eddsa"), vectors.Golden(t, "es256")
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, k := range map[string]crypto.PublicKey{
		"nil": nil, "RSA": rsaKey.Public(), "P-384": p384.Public(), "nil P-256": (*ecdsa.PublicKey)(nil),
		"no Ed25519": ed25519.PublicKey(nil), "31 bytes": ed25519.PublicKey(make([]byte, 31)),
		"off the curve": ed25519.PublicKey(append([]byte{2}, make([]byte, 31)...)),
	} {
		if p, err := jws.NewPublicKey(k); !errors.Is(err, jws.ErrKey) || p != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if s, err := jws.NewSigner(nil); !errors.Is(err, jws.ErrKey) || s != nil {
		t.Errorf("signer without a key: %v", err)
	}
	if s, err := jws.NewSigner(rsaKey); !errors.Is(err, jws.ErrKey) || s != nil {
		t.Errorf("RSA signer: %v", err)
	}
	if s, k, err := jws.Generate("RS256"); !errors.Is(err, jws.ErrAlgorithm) || s != nil || k != nil {
		t.Errorf("generated RS256: %v", err)
	}

	bad := func(old, new, in string) string { return strings.Replace(in, old, new, 1) }
	x := b64(vectors.Base64(t, "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"))
	pad := base64.URLEncoding.EncodeToString(vectors.Base64(t, x))
	fieldPlusX := func() string { // the same x, a field prime higher
		b := new(big.Int).Add(new(big.Int).SetBytes(vectors.Base64(t, x)), elliptic.P256().Params().P)
		if b.BitLen() > 256 {
			return strings.Repeat("_", 42) + "8"
		}
		return b64(b.FillBytes(make([]byte, 32)))
	}()
	for name, j := range map[string]string{
		"private":             bad(`"kty"`, `"d":"AA","kty"`, ed["jwk"]),
		"member more":         bad(`"kty"`, `"kid":"a","kty"`, ed["jwk"]),
		"other order":         `{"kty":"OKP","crv":"Ed25519","x":"` + x + `"}`,
		"space":               bad(`:`, `: `, ed["jwk"]),
		"wrong kty":           bad(`OKP`, `EC`, ed["jwk"]),
		"wrong crv":           bad(`Ed25519`, `X25519`, ed["jwk"]),
		"P-256 without y":     `{"crv":"P-256","kty":"EC","x":"` + x + `"}`,
		"P-256 y is x":        `{"crv":"P-256","kty":"EC","x":"` + x + `","y":"` + x + `"}`,
		"P-256 with high x":   bad(x, fieldPlusX, ec["jwk"]),
		"P-256 at infinity":   `{"crv":"P-256","kty":"EC","x":"` + strings.Repeat("A", 43) + `","y":"` + strings.Repeat("A", 43) + `"}`,
		"P-384 by name":       bad(`P-256`, `P-384`, ec["jwk"]),
		"oct":                 `{"crv":"","kty":"oct","x":"` + x + `"}`,
		"x padded":            bad(x, pad, ec["jwk"]),
		"x with a line feed":  bad(x, x[:42]+"\n", ec["jwk"]),
		"x with spare bits":   bad("VEU", "VEV", ec["jwk"]),
		"x of 31 bytes":       bad(x, x[:42], ec["jwk"]),
		"x of 33 bytes":       bad(x, x+"A", ec["jwk"]),
		"Ed25519 with y":      bad(`}`, `,"y":"`+x+`"}`, ed["jwk"]),
		"Ed25519, empty y":    bad(`}`, `,"y":""}`, ed["jwk"]),
		"null":                "null",
		"set instead of key":  `{"keys":[]}`,
		"trailing":            ed["jwk"] + "{}",
		"duplicate x":         bad(`"x"`, `"x":"`+x+`","x"`, ed["jwk"]),
		"case variant of crv": bad(`"crv"`, `"CRV"`, ed["jwk"]),
	} {
		if p, err := jws.ParseJWK([]byte(j)); err == nil || p != nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if p, q := vectors.Signer(t, edKey(t)).Public(), vectors.Signer(t, ecKey(t)).Public(); p.Equal(q) || p.Equal(nil) || !p.Equal(p) {
		t.Error("Equal")
	}
}

// A key handed out is a copy: changing it changes no statement's verification.
func TestKeyIsACopy(t *testing.T) {
	raw := bytes.Clone(edKey(t).Public().(ed25519.PublicKey))
	p, err := jws.NewPublicKey(ed25519.PublicKey(raw))
	if err != nil {
		t.Fatal(err)
	}
	raw[0] ^= 1
	p.Crypto().(ed25519.PublicKey)[0] ^= 1
	if _, err := jws.Verify(vectors.Golden(t, "eddsa")["compact"], typ, p, new(sample)); err != nil {
		t.Error(err)
	}
}

func FuzzJWK(f *testing.F) {
	f.Add([]byte(vectors.Golden(f, "eddsa")["jwk"]))
	f.Add([]byte(vectors.Golden(f, "es256")["jwk"]))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := jws.ParseJWK(data)
		if err != nil {
			return
		}
		if vectors.Canonical(t, p.JWK()) != string(data) {
			t.Fatalf("%s was accepted and is written %s", data, vectors.Canonical(t, p.JWK()))
		}
		if q, err := jws.NewPublicKey(p.Crypto()); err != nil || !q.Equal(p) {
			t.Fatalf("%s: through the standard library: %v", data, err)
		}
	})
}
