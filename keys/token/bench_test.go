package token_test

import (
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"sigill/keys/token"
)

// BenchmarkCheck is the whole door but for DPoP, BenchmarkBare what golang-jwt
// does on its own with everything required that it can require. The first
// should cost at most 1.3 of the second.
func BenchmarkCheck(b *testing.B) {
	for alg, tok := range benchTokens() {
		b.Run(alg, func(b *testing.B) {
			p, err := token.NewProvider(config())
			if err != nil {
				b.Fatal(err)
			}
			set, _, err := token.ParseKeySet(issuer, allKeys())
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				u, err := token.Parse(tok)
				if err != nil {
					b.Fatal(err)
				}
				key, _ := set.Find(u.KeyID(), u.Algorithm())
				if _, err := p.Check(u, key, now); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkBare(b *testing.B) {
	type all struct {
		jwt.RegisteredClaims
		AuthTime int64    `json:"auth_time"`
		ACR      string   `json:"acr"`
		Name     string   `json:"name"`
		Email    string   `json:"email"`
		Phone    string   `json:"phone_number"`
		UserID   string   `json:"uid"`
		HSAID    string   `json:"hsa"`
		Roles    []string `json:"roles"`
	}
	for alg, tok := range benchTokens() {
		b.Run(alg, func(b *testing.B) {
			key := map[string]any{"ES256": &keys().ec.PublicKey, "EdDSA": keys().ed.Public(), "RS256": &keys().rsa.PublicKey}[alg]
			b.ReportAllocs()
			for b.Loop() {
				var c all
				if _, err := jwt.ParseWithClaims(tok, &c, func(*jwt.Token) (any, error) { return key, nil },
					jwt.WithValidMethods([]string{alg}), jwt.WithIssuer(issuer), jwt.WithAudience(audience), jwt.WithExpirationRequired(),
					jwt.WithTimeFunc(func() time.Time { return now })); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func benchTokens() map[string]string {
	k, c := keys(), claims().json()
	return map[string]string{
		"ES256": raw(header("ES256").json(), c, k.ec), "EdDSA": raw(header("EdDSA").json(), c, k.ed), "RS256": raw(header("RS256").json(), c, k.rsa),
	}
}

func BenchmarkCheckProof(b *testing.B) {
	day, _ := dayKey(b)
	tok := benchTokens()["ES256"]
	proof, err := token.NewProof(day, htm, htu, tok, now, "x")
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := token.CheckProof(proof, tok, day.Public().Thumbprint(), htm, htu, now); err != nil {
			b.Fatal(err)
		}
	}
}
