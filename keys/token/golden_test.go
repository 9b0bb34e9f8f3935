package token_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"fmt"
	"strings"
	"testing"
	"time"

	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/token"
	"sigill/keys/vectors"
)

func unix(t testing.TB, s string) time.Time {
	t.Helper()
	var n int64
	if _, err := fmt.Sscan(s, &n); err != nil {
		t.Fatal(err)
	}
	return time.Unix(n, 0)
}

func TestGoldenAccess(t *testing.T) {
	g := vectors.Golden(t, "access")
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
	if string(vectors.Base64(t, first)) != g["header"] || string(vectors.Base64(t, second)) != g["claims"] {
		t.Fatal("header and claims are not the token's")
	}
}

func TestGoldenProof(t *testing.T) {
	g, tok := vectors.Golden(t, "dpop"), vectors.Golden(t, "access")["token-ES256"]
	key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), vectors.Base64(t, g["d"]))
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
		if string(vectors.Base64(t, parts[0])) != g["header"] || string(vectors.Base64(t, parts[1])) != g["payload"] {
			t.Fatal("other bytes")
		}
	}
}

func TestGoldenAuthorProof(t *testing.T) {
	g := vectors.Golden(t, "author")
	author, err := jws.NewSigner(ed25519.NewKeyFromSeed(vectors.Base64(t, g["d"])))
	if err != nil {
		t.Fatal(err)
	}
	r := token.AuthorRead{Authority: ident.Authority(g["authority"]), Decision: ident.ID(g["decision"]), Method: g["method"],
		Request: [16]byte(vectors.Base64(t, g["request"]))}
	s, err := token.NewAuthorProof(author, r, unix(t, g["issued"]))
	if err != nil || s != g["compact"] {
		t.Fatal("other bytes", err)
	}
	if err := token.CheckAuthorProof(g["compact"], author.Public(), r, unix(t, g["issued"])); err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(s, ".")
	if string(vectors.Base64(t, parts[0])) != g["header"] || string(vectors.Base64(t, parts[1])) != g["payload"] {
		t.Fatal("header and payload are not the proof's")
	}
}
