package token_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math/big"
	"strings"
	"sync"
	"testing"
	"time"

	"sigill/keys/token"
)

const (
	issuer   = "https://idp.example"
	audience = "https://sigill.example"
	subject  = "5f0d6c1e-3c1b-4b8e-9a51-0d9f3f6f8a10"
)

var (
	b64 = base64.RawURLEncoding
	now = time.Unix(1_795_600_000, 0)
)

// keys are drawn once for a run: their values do not matter.
var keys = sync.OnceValue(func() (k struct {
	ec, other *ecdsa.PrivateKey
	rsa       *rsa.PrivateKey
	ed        ed25519.PrivateKey
}) {
	var err error
	must := func() {
		if err != nil {
			panic(err)
		}
	}
	k.ec, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must()
	k.other, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must()
	k.rsa, err = rsa.GenerateKey(rand.Reader, 2048)
	must()
	_, k.ed, err = ed25519.GenerateKey(nil)
	must()
	return k
})

// obj is a JSON object under construction.
type obj map[string]any

func (o obj) with(more obj) obj {
	n := obj{}
	for k, v := range o {
		n[k] = v
	}
	for k, v := range more {
		if v == nil {
			delete(n, k)
		} else {
			n[k] = v
		}
	}
	return n
}

func (o obj) json() string {
	b, err := json.Marshal(o)
	if err != nil {
		panic(err)
	}
	return string(b)
}

func header(alg string) obj { return obj{"alg": alg, "typ": "at+jwt", "kid": "k-" + alg} }

func claims() obj {
	return obj{
		"iss": issuer, "aud": audience, "sub": subject, "jti": "c1f0", "client_id": "desk",
		"iat": now.Unix() - 60, "nbf": now.Unix() - 60, "exp": now.Unix() + 3600, "auth_time": now.Unix() - 120,
		"acr": "http://id.elegnamnden.se/loa/1.0/loa3", "name": "Åsa Öberg-Ek", "email": "asa@kommun.example",
		"phone_number": "+46701234567", "uid": "asaobe", "hsa": "SE2120000000-1A2B", "roles": []any{"SIGILL-HL", "other"},
	}
}

// raw signs header and payload as they are written.
func raw(head, payload string, key crypto.Signer) string {
	in := b64.EncodeToString([]byte(head)) + "." + b64.EncodeToString([]byte(payload))
	return in + "." + b64.EncodeToString(signature(in, key))
}

func signature(in string, key crypto.Signer) []byte {
	d := sha256.Sum256([]byte(in))
	var sig []byte
	var err error
	switch k := key.(type) {
	case *ecdsa.PrivateKey:
		var r, s *big.Int
		r, s, err = ecdsa.Sign(rand.Reader, k, d[:])
		sig = append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
	case *rsa.PrivateKey:
		sig, err = rsa.SignPKCS1v15(nil, k, crypto.SHA256, d[:])
	case ed25519.PrivateKey:
		sig = ed25519.Sign(k, []byte(in))
	}
	if err != nil {
		panic(err)
	}
	return sig
}

func jwkOf(kid string, key crypto.Signer) obj {
	switch k := key.Public().(type) {
	case *ecdsa.PublicKey:
		p, err := k.Bytes()
		if err != nil {
			panic(err)
		}
		return obj{"kty": "EC", "crv": "P-256", "kid": kid, "x": b64.EncodeToString(p[1:33]), "y": b64.EncodeToString(p[33:])}
	case *rsa.PublicKey:
		return obj{"kty": "RSA", "kid": kid, "n": b64.EncodeToString(k.N.Bytes()),
			"e": b64.EncodeToString(big.NewInt(int64(k.E)).Bytes())}
	case ed25519.PublicKey:
		return obj{"kty": "OKP", "crv": "Ed25519", "kid": kid, "x": b64.EncodeToString(k)}
	}
	panic("no JWK")
}

func jwks(list ...obj) []byte { return []byte(obj{"keys": list}.json()) }

func allKeys() []byte {
	k := keys()
	return jwks(jwkOf("k-ES256", k.ec), jwkOf("k-RS256", k.rsa), jwkOf("k-EdDSA", k.ed))
}

func config() token.Config {
	return token.Config{
		Issuer: issuer, Audience: audience, Label: "test", Lifetime: 12 * time.Hour, Leeway: 30 * time.Second,
		Name: token.Path{"name"}, UserID: token.Path{"uid"}, Email: token.Path{"email"},
		Phone: token.Path{"phone_number"}, HSAID: token.Path{"hsa"}, RolePath: token.Path{"roles"},
		Roles: map[string]token.Role{"SIGILL-HL": token.Caseworker, "SIGILL-FD": token.Signer},
	}
}

// door is the way a server takes: parse, find, check.
func door(t testing.TB, c token.Config, set []byte, tok string, at time.Time) (token.Identity, error) {
	t.Helper()
	p, err := token.NewProvider(c)
	if err != nil {
		t.Fatal(err)
	}
	ks, _, err := token.ParseKeySet(c.Issuer, set)
	if err != nil {
		t.Fatal(err)
	}
	u, err := token.Parse(tok)
	if err != nil {
		if u != nil {
			t.Fatal("a token that was refused was returned")
		}
		return token.Identity{}, err
	}
	key, ok := ks.Find(u.KeyID(), u.Algorithm())
	if !ok {
		return token.Identity{}, errUnknownKey
	}
	return p.Check(u, key, at)
}

var errUnknownKey = errors.New("no such key")

// refused asserts U: ErrToken (or no key to verify by), nothing returned, and a
// text without any value of the token.
func refused(t *testing.T, tok, because string) {
	t.Helper()
	id, err := door(t, config(), allKeys(), tok, now)
	refusedAs(t, id, err, because)
}

func refusedAs(t *testing.T, id token.Identity, err error, because string) {
	t.Helper()
	if !errors.Is(err, token.ErrToken) || errors.Is(err, token.ErrRole) || !strings.HasSuffix(err.Error(), because) {
		t.Fatalf("want ErrToken because %q, got %v", because, err)
	}
	if id != (token.Identity{}) {
		t.Fatal("an identity came with a refusal")
	}
}

func accepted(t *testing.T, tok string) token.Identity {
	t.Helper()
	id, err := door(t, config(), allKeys(), tok, now)
	if err != nil {
		t.Fatal(err)
	}
	if id.Subject != subject || id.Issuer != issuer || id.Role != token.Caseworker {
		t.Fatal("another identity")
	}
	return id
}

func es256(h, c obj) string { return raw(h.json(), c.json(), keys().ec) }

func TestIdentity(t *testing.T) {
	k := keys()
	for alg, key := range map[string]crypto.Signer{"ES256": k.ec, "RS256": k.rsa, "EdDSA": k.ed} {
		id := accepted(t, raw(header(alg).json(), claims().json(), key))
		want := token.Identity{Issuer: issuer, Subject: subject, Name: "Åsa Öberg-Ek", Email: "asa@kommun.example",
			Phone: "+46701234567", UserID: "asaobe", HSAID: "SE2120000000-1A2B", Role: token.Caseworker,
			AuthTime: now.Add(-120 * time.Second), ACR: "http://id.elegnamnden.se/loa/1.0/loa3",
			IssuedAt: now.Add(-60 * time.Second), Expires: now.Add(time.Hour), TokenID: "c1f0"}
		if id != want {
			t.Fatalf("%s: a field differs", alg)
		}
	}
	// What a token need not have is empty; a list of one audience is an audience.
	id := accepted(t, es256(header("ES256").with(obj{"typ": "application/at+jwt", "x5t": "a", "x5t#S256": "b"}),
		claims().with(obj{"name": nil, "email": nil, "hsa": "", "jti": nil, "acr": nil, "nbf": nil, "auth_time": nil, "aud": []any{audience}})))
	if id.Name != "" || id.Email != "" || id.HSAID != "" || id.TokenID != "" || id.ACR != "" || !id.AuthTime.IsZero() || id.JKT != nil {
		t.Fatal("an absent claim has a value")
	}
}

func TestConfig(t *testing.T) {
	for name, spoil := range map[string]func(*token.Config){
		"issuer":        func(c *token.Config) { c.Issuer = "" },
		"audience":      func(c *token.Config) { c.Audience = "a\n" },
		"label":         func(c *token.Config) { c.Label = strings.Repeat("a", 256) },
		"no lifetime":   func(c *token.Config) { c.Lifetime = 0 },
		"long lifetime": func(c *token.Config) { c.Lifetime = token.MaxLifetime + time.Second },
		"half a second": func(c *token.Config) { c.Lifetime = time.Second / 2 },
		"leeway":        func(c *token.Config) { c.Leeway = token.MaxLeeway + time.Second },
		"before":        func(c *token.Config) { c.Leeway = -time.Second },
		"role":          func(c *token.Config) { c.Roles = map[string]token.Role{"x": "king"} },
		"empty value":   func(c *token.Config) { c.Roles = map[string]token.Role{"": token.Signer} },
		"no path":       func(c *token.Config) { c.RolePath = nil },
		"no roles":      func(c *token.Config) { c.Roles = nil },
		"empty name":    func(c *token.Config) { c.Name = token.Path{""} },
		"deep path":     func(c *token.Config) { c.Name = token.Path{"a", "b", "c", "d", "e"} },
		"case alone":    func(c *token.Config) { c.Name = token.Path{"SUB"} },
	} {
		c := config()
		spoil(&c)
		if p, err := token.NewProvider(c); !errors.Is(err, token.ErrConfig) || p != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	// A provider is a copy: what happens to the configuration later is nothing to it.
	c := config()
	p, err := token.NewProvider(c)
	if err != nil {
		t.Fatal(err)
	}
	c.Roles["SIGILL-HL"], c.RolePath[0] = token.Auditor, "elsewhere"
	ks, _, _ := token.ParseKeySet(issuer, allKeys())
	u, err := token.Parse(es256(header("ES256"), claims()))
	if err != nil {
		t.Fatal(err)
	}
	key, _ := ks.Find("k-ES256", "ES256")
	if id, err := p.Check(u, key, now); err != nil || id.Role != token.Caseworker {
		t.Fatal("the provider changed with its configuration")
	}
	if p.Issuer() != issuer || p.Label() != "test" {
		t.Fatal("issuer or label")
	}
	for _, r := range []token.Role{token.Caseworker, token.Signer, token.Registrar, token.Requester, token.Reviewer, token.Administrator, token.Auditor} {
		var got token.Role
		if err := got.UnmarshalText([]byte(r)); err != nil || got != r {
			t.Fatal(r)
		}
	}
	if _, err := token.ParseRole("Signer"); !errors.Is(err, token.ErrConfig) {
		t.Fatal("a role in other letters")
	}
}
