package token_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/token"
)

// golden reads a file of "name: value" lines.
func golden(t testing.TB, file string) map[string]string {
	t.Helper()
	b, err := os.ReadFile("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	m := map[string]string{}
	for line := range strings.Lines(string(b)) {
		if name, value, ok := strings.Cut(strings.TrimSuffix(line, "\n"), ": "); ok && !strings.HasPrefix(name, "#") {
			m[name] = value
		}
	}
	return m
}

func unix(t testing.TB, s string) time.Time {
	t.Helper()
	var n int64
	if _, err := fmt.Sscan(s, &n); err != nil {
		t.Fatal(err)
	}
	return time.Unix(n, 0)
}

func unb64(t testing.TB, s string) []byte {
	t.Helper()
	b, err := b64.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestGoldenAccess(t *testing.T) {
	g := golden(t, "access.txt")
	c := config()
	c.Issuer, c.Audience = g["issuer"], g["audience"]
	p, err := token.NewProvider(c)
	if err != nil {
		t.Fatal(err)
	}
	set, faults, err := token.ParseKeySet(c.Issuer, []byte(g["jwks"]))
	if err != nil || len(faults) != 1 || faults[0].Index != 3 {
		t.Fatal(faults, err)
	}
	at := unix(t, g["received"])
	for name, alg := range map[string]string{"token-ES256": "ES256", "twin": "ES256", "token-RS256": "RS256", "token-EdDSA": "EdDSA"} {
		u, err := token.Parse(g[name])
		if err != nil {
			t.Fatal(name, err)
		}
		key, ok := set.Find(u.KeyID(), u.Algorithm())
		if !ok || u.Algorithm() != alg || string(key.JWK()) != g["key-"+alg] {
			t.Fatal(name, "another key")
		}
		id, err := p.Check(u, key, at)
		if err != nil || id.Role != token.Caseworker {
			t.Fatal(name, err)
		}
		court, err := token.CheckEvidence(g[name], []byte(g["key-"+alg]), p, at)
		if err != nil {
			t.Fatal(name, err)
		}
		if *id.JKT != *court.JKT || id.JKT.String() != g["jkt"] {
			t.Fatal(name, "binding")
		}
		id.Role, id.JKT, court.JKT = "", nil, nil
		want := token.Identity{Issuer: g["issuer"], Subject: g["sub"], Name: g["name"], Email: g["email"], Phone: g["phone_number"],
			UserID: g["uid"], HSAID: g["hsa"], ACR: g["acr"], TokenID: g["jti"], IssuedAt: unix(t, g["iat"]), Expires: unix(t, g["exp"]),
			AuthTime: unix(t, g["auth_time"])}
		if id != want || court != want {
			t.Fatal(name, "another identity")
		}
	}
	first, rest, _ := strings.Cut(g["token-ES256"], ".")
	second, _, _ := strings.Cut(rest, ".")
	if string(unb64(t, first)) != g["header"] || string(unb64(t, second)) != g["claims"] {
		t.Fatal("header and claims are not the token's")
	}
}

func TestGoldenProof(t *testing.T) {
	g, tok := golden(t, "dpop.txt"), golden(t, "access.txt")["token-ES256"]
	key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), unb64(t, g["d"]))
	if err != nil {
		t.Fatal(err)
	}
	day, err := jws.NewSigner(key)
	if err != nil {
		t.Fatal(err)
	}
	jkt, err := ident.ParseDigest(g["jkt"])
	if err != nil || jkt != day.Public().Thumbprint() {
		t.Fatal(err)
	}
	at := unix(t, g["iat"])
	for _, name := range []string{"proof", "twin"} {
		p, err := token.CheckProof(g[name], tok, jkt, g["htm"], g["htu"], at)
		if err != nil || p.ID != g["jti"] || !p.Key.Equal(day.Public()) {
			t.Fatal(name, err)
		}
	}
	again, err := token.NewProof(day, g["htm"], g["htu"], tok, at, g["jti"])
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{again, g["proof"]} { // all but the signature is always the same
		parts := strings.Split(s, ".")
		if string(unb64(t, parts[0])) != g["header"] || string(unb64(t, parts[1])) != g["payload"] {
			t.Fatal("other bytes")
		}
	}
}

func TestGoldenAuthorProof(t *testing.T) {
	g := golden(t, "author.txt")
	author, err := jws.NewSigner(ed25519.NewKeyFromSeed(unb64(t, g["d"])))
	if err != nil {
		t.Fatal(err)
	}
	r := token.AuthorRead{Authority: ident.Authority(g["authority"]), Decision: ident.ID(g["decision"]), Method: g["method"],
		Request: [16]byte(unb64(t, g["request"]))}
	s, err := token.NewAuthorProof(author, r, unix(t, g["issued"]))
	if err != nil || s != g["compact"] {
		t.Fatal("other bytes", err)
	}
	if err := token.CheckAuthorProof(g["compact"], author.Public(), r, unix(t, g["issued"])); err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(s, ".")
	if string(unb64(t, parts[0])) != g["header"] || string(unb64(t, parts[1])) != g["payload"] {
		t.Fatal("header and payload are not the proof's")
	}
}
