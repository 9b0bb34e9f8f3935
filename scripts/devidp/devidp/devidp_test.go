package devidp_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/token"
	"sigill/scripts/devidp/devidp"
)

const audience = "https://sigill.example"

// serve runs a provider for the invented people over real HTTP.
func serve(t *testing.T) *devidp.Provider {
	t.Helper()
	l, err := devidp.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open("../users.json")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	users, err := devidp.ParseUsers(f)
	if err != nil {
		t.Fatal(err)
	}
	p, err := devidp.New(devidp.Config{
		Issuer: "http://" + l.Addr().String(), Audience: audience, ClientID: "sigill-dev", Lifetime: 8 * time.Hour, Users: users,
	})
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: p.Handler()}
	go srv.Serve(l)
	t.Cleanup(func() { srv.Close() })
	return p
}

func get(t *testing.T, url string, v any) {
	t.Helper()
	r, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	if r.StatusCode != http.StatusOK {
		t.Fatal(r.Status)
	}
	if err := json.NewDecoder(r.Body).Decode(v); err != nil {
		t.Fatal(err)
	}
}

type reply struct {
	Token   string `json:"access_token"`
	Type    string `json:"token_type"`
	Expires int64  `json:"expires_in"`
	Error   string `json:"error"`
}

func ask(t *testing.T, p *devidp.Provider, form url.Values, proofs ...string) (reply, int) {
	t.Helper()
	req, err := http.NewRequest("POST", p.Issuer()+"/token", strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for _, s := range proofs {
		req.Header.Add("DPoP", s)
	}
	r, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	var out reply
	if err := json.NewDecoder(r.Body).Decode(&out); err != nil {
		t.Fatal(err)
	}
	return out, r.StatusCode
}

func form(user string) url.Values {
	return url.Values{"grant_type": {devidp.GrantType}, "user": {user}}
}

// keyfunc finds the key of a token in the set that is served, as a stranger to
// this code would.
func keyfunc(t *testing.T, p *devidp.Provider) jwt.Keyfunc {
	var meta struct{ Issuer, JWKSURI string }
	var raw map[string]any
	get(t, p.Issuer()+"/.well-known/openid-configuration", &raw)
	meta.Issuer, _ = raw["issuer"].(string)
	meta.JWKSURI, _ = raw["jwks_uri"].(string)
	if meta.Issuer != p.Issuer() || raw["token_endpoint"] != p.Issuer()+"/token" {
		t.Fatalf("discovery: %v", raw)
	}
	var set struct {
		Keys []struct{ Kty, Crv, X, Y, Kid, Alg, Use string }
	}
	get(t, meta.JWKSURI, &set)
	return func(tok *jwt.Token) (any, error) {
		for _, k := range set.Keys {
			if k.Kid == tok.Header["kid"] && k.Kty == "EC" && k.Crv == "P-256" && k.Alg == "ES256" && k.Use == "sig" {
				x, errX := base64.RawURLEncoding.DecodeString(k.X)
				y, errY := base64.RawURLEncoding.DecodeString(k.Y)
				if errX != nil || errY != nil {
					return nil, errors.New("no coordinates")
				}
				return ecdsa.ParseUncompressedPublicKey(elliptic.P256(), append(append([]byte{4}, x...), y...))
			}
		}
		return nil, errors.New("no such key")
	}
}

func parse(t *testing.T, p *devidp.Provider, s string) (jwt.MapClaims, error) {
	t.Helper()
	c := jwt.MapClaims{}
	tok, err := jwt.NewParser(jwt.WithValidMethods([]string{"ES256"}), jwt.WithIssuer(p.Issuer()), jwt.WithAudience(audience),
		jwt.WithExpirationRequired(), jwt.WithIssuedAt(), jwt.WithStrictDecoding()).ParseWithClaims(s, c, keyfunc(t, p))
	if err == nil && tok.Header["typ"] != "at+jwt" {
		t.Errorf("typ %v", tok.Header["typ"])
	}
	return c, err
}

func dayKey(t *testing.T) *jws.Signer {
	t.Helper()
	s, _, err := jws.Generate(jws.ES256)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func proof(t *testing.T, day *jws.Signer, htm, htu string, at time.Time) string {
	t.Helper()
	s, err := token.NewProof(day, htm, htu, "", at, string(ident.NewID()))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestServed: tokens that are asked for over HTTP hold before golang-jwt with
// the served key set, and before the server's own strict reader.
func TestServed(t *testing.T) {
	p := serve(t)
	day := dayKey(t)
	for _, bound := range []bool{true, false} {
		var proofs []string
		kind := "Bearer"
		if bound {
			proofs, kind = []string{proof(t, day, "POST", p.Issuer()+"/token", time.Now())}, "DPoP"
		}
		r, status := ask(t, p, form("asa"), proofs...)
		if status != http.StatusOK || r.Type != kind || r.Expires != 8*3600 || r.Error != "" {
			t.Fatalf("%d, %+v", status, r)
		}
		c, err := parse(t, p, r.Token)
		if err != nil {
			t.Fatal(err)
		}
		for name, want := range map[string]any{
			"sub": "b7f0c1d2-0001", "name": "Åsa-Märta Öberghult Ny", "email": "asa-marta.oberghult@kommun.example",
			"phone_number": "+46701740605", "preferred_username": "asaobe01", "employeeHsaId": "SE2021000001-A001",
			"client_id": "sigill-dev", "acr": "http://id.elegnamnden.se/loa/1.0/loa3",
		} {
			if c[name] != want {
				t.Errorf("%s is %v", name, c[name])
			}
		}
		if roles, _ := c["roles"].([]any); len(roles) != 1 || roles[0] != "caseworker" {
			t.Errorf("roles %v", c["roles"])
		}
		if c["exp"].(float64)-c["iat"].(float64) != 8*3600 || c["auth_time"] != c["iat"] || c["jti"] == "" {
			t.Errorf("times or jti: %v", c)
		}
		cnf, _ := c["cnf"].(map[string]any)
		if bound && cnf["jkt"] != day.Public().Thumbprint().String() || !bound && c["cnf"] != nil {
			t.Errorf("bound %t: cnf %v", bound, c["cnf"])
		}
		strict(t, p, r.Token, bound, day)
	}
}

// strict reads a token as the server does.
func strict(t *testing.T, p *devidp.Provider, s string, bound bool, day *jws.Signer) {
	t.Helper()
	set, faults, err := token.ParseKeySet(p.Issuer(), p.JWKS())
	if err != nil || len(faults) != 0 {
		t.Fatal(err, faults)
	}
	provider, err := token.NewProvider(token.Config{
		Issuer: p.Issuer(), Audience: audience, Label: "dev", Lifetime: 8 * time.Hour,
		Name: token.Path{"name"}, UserID: token.Path{"preferred_username"}, Email: token.Path{"email"},
		Phone: token.Path{"phone_number"}, HSAID: token.Path{"employeeHsaId"},
		RolePath: token.Path{"roles"}, Roles: map[string]token.Role{"caseworker": "caseworker"},
	})
	if err != nil {
		t.Fatal(err)
	}
	u, err := token.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	key, ok := set.Find(u.KeyID(), u.Algorithm())
	if !ok {
		t.Fatal("the key is not in the set")
	}
	id, err := provider.Check(u, key, time.Now())
	if err != nil || id.Role != "caseworker" || id.HSAID != "SE2021000001-A001" || id.ACR != devidp.LOA3 {
		t.Fatal(err)
	}
	if bound != (id.JKT != nil) || bound && *id.JKT != day.Public().Thumbprint() {
		t.Error("bound to another key")
	}
}

func TestProofRefused(t *testing.T) {
	p := serve(t)
	day := dayKey(t)
	here := p.Issuer() + "/token"
	used := proof(t, day, "POST", here, time.Now())
	if _, status := ask(t, p, form("asa"), used); status != http.StatusOK {
		t.Fatal(status)
	}
	good := proof(t, day, "POST", here, time.Now())
	parts := strings.Split(proof(t, dayKey(t), "POST", here, time.Now()), ".")
	mine := strings.Split(good, ".")
	author, _, err := jws.Generate(jws.EdDSA)
	if err != nil {
		t.Fatal(err)
	}
	claims := map[string]any{"htm": "POST", "htu": here, "iat": time.Now().Unix(), "jti": "j"}
	signed := func(method jwt.SigningMethod, key any, header map[string]any) string {
		tok := jwt.NewWithClaims(method, jwt.MapClaims(claims))
		for k, v := range header {
			tok.Header[k] = v
		}
		s, err := tok.SignedString(key)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	_, own, err := jws.Generate(jws.ES256)
	if err != nil {
		t.Fatal(err)
	}
	pub, err := jws.NewPublicKey(own.Public())
	if err != nil {
		t.Fatal(err)
	}
	j := pub.JWK()
	full := signed(jwt.SigningMethodES256, own, map[string]any{"typ": "dpop+jwt", "jwk": j})
	if r, status := ask(t, p, form("asa"), full); status != http.StatusOK {
		t.Fatal(status, r.Error) // the other ones differ from this in one thing each
	}
	claims["jti"] = ""
	bare := signed(jwt.SigningMethodES256, own, map[string]any{"typ": "dpop+jwt", "jwk": j})
	claims["jti"] = "k"
	for name, proofs := range map[string][]string{
		"no jti":          {bare},
		"another typ":     {signed(jwt.SigningMethodES256, own, map[string]any{"typ": "JWT", "jwk": j})},
		"no key":          {signed(jwt.SigningMethodES256, own, map[string]any{"typ": "dpop+jwt"})},
		"a private key":   {signed(jwt.SigningMethodES256, own, map[string]any{"typ": "dpop+jwt", "jwk": map[string]string{"crv": j.Crv, "d": "AA", "kty": j.Kty, "x": j.X, "y": j.Y}})},
		"used before":     {used},
		"two":             {good, proof(t, day, "POST", here, time.Now())},
		"empty":           {""},
		"another method":  {proof(t, day, "GET", here, time.Now())},
		"another place":   {proof(t, day, "POST", p.Issuer()+"/rotate", time.Now())},
		"too old":         {proof(t, day, "POST", here, time.Now().Add(-2*time.Minute))},
		"of the future":   {proof(t, day, "POST", here, time.Now().Add(2*time.Minute))},
		"another's key":   {parts[0] + "." + mine[1] + "." + mine[2]},
		"signature cut":   {good[:len(good)-2]},
		"alg none":        {signed(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, map[string]any{"typ": "dpop+jwt", "jwk": day.Public().JWK()})},
		"HS256":           {signed(jwt.SigningMethodHS256, []byte("k"), map[string]any{"typ": "dpop+jwt", "jwk": day.Public().JWK()})},
		"an Ed25519 key":  {signed(jwt.SigningMethodHS256, []byte("k"), map[string]any{"typ": "dpop+jwt", "jwk": author.Public().JWK()})},
		"a token instead": {func() string { s, _ := p.Issue("asa", nil, 0); return s }()},
	} {
		if r, status := ask(t, p, form("asa"), proofs...); status != http.StatusBadRequest || r.Error != "invalid_dpop_proof" || r.Token != "" {
			t.Errorf("%s: %d, %q", name, status, r.Error)
		}
	}
	// what was refused beside others was not used up
	if _, status := ask(t, p, form("asa"), good); status != http.StatusOK {
		t.Errorf("the good one: %d", status)
	}
}

func TestRequestsRefused(t *testing.T) {
	p := serve(t)
	with := func(k, v string) url.Values { f := form("asa"); f.Set(k, v); return f }
	for name, c := range map[string]struct {
		form url.Values
		want string
	}{
		"another grant": {with("grant_type", "password"), "unsupported_grant_type"},
		"no user":       {with("user", ""), "invalid_grant"},
		"unknown user":  {with("user", "Åsa-Märta Öberghult Ny"), "invalid_grant"},
		"lifetime":      {with("lifetime", "-1"), "invalid_request"},
		"lifetime long": {with("lifetime", "1e9"), "invalid_request"},
	} {
		if r, status := ask(t, p, c.form); status != http.StatusBadRequest || r.Error != c.want || r.Token != "" {
			t.Errorf("%s: %d, %q", name, status, r.Error)
		}
	}
	if r, _ := ask(t, p, with("lifetime", "60")); r.Expires != 60 {
		t.Errorf("lifetime 60: %+v", r)
	}
	// another name for this address, as a web page could have made
	req, err := http.NewRequest("GET", p.Issuer()+"/jwks", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Host = "evil.example"
	r, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	b, _ := io.ReadAll(r.Body)
	if r.Body.Close(); r.StatusCode != http.StatusMisdirectedRequest || strings.Contains(string(b), "keys") {
		t.Errorf("another host: %s", r.Status)
	}
}

func TestRotate(t *testing.T) {
	p := serve(t)
	rotate := func(form url.Values) {
		t.Helper()
		r, err := http.PostForm(p.Issuer()+"/rotate", form)
		if err != nil {
			t.Fatal(err)
		}
		if r.Body.Close(); r.StatusCode != http.StatusNoContent {
			t.Fatal(r.Status)
		}
	}
	first, err := p.Issue("bjorn", nil, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	rotate(nil)
	second, err := p.Issue("bjorn", nil, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if kidOf(t, first) == kidOf(t, second) {
		t.Error("the key is the same")
	}
	for _, s := range []string{first, second} {
		if _, err := parse(t, p, s); err != nil {
			t.Errorf("after a rotation that keeps: %v", err)
		}
	}
	rotate(url.Values{"withdraw": {"true"}})
	for _, s := range []string{first, second} {
		if _, err := parse(t, p, s); !errors.Is(err, jwt.ErrTokenUnverifiable) {
			t.Errorf("after its key was withdrawn: %v", err)
		}
	}
}

func kidOf(t *testing.T, s string) any {
	t.Helper()
	tok, _, err := jwt.NewParser().ParseUnverified(s, jwt.MapClaims{})
	if err != nil {
		t.Fatal(err)
	}
	return tok.Header["kid"]
}

// The provider gives anybody's token to anybody: it must not be reached from
// elsewhere.
func TestLoopbackOnly(t *testing.T) {
	for _, addr := range []string{":0", "0.0.0.0:0", "[::]:0", "192.0.2.1:0", "10.0.0.1:8081", "example.org:0", "[2001:db8::1]:0", "[::ffff:192.0.2.1]:0"} {
		l, err := devidp.Listen(addr)
		if !errors.Is(err, devidp.ErrLoopback) || l != nil {
			t.Errorf("%s: %v", addr, err)
		}
	}
	for _, addr := range []string{"127.0.0.1:0", "localhost:0", "127.8.8.8:0"} {
		l, err := devidp.Listen(addr)
		if err != nil {
			t.Errorf("%s: %v", addr, err)
			continue
		}
		l.Close()
	}
}

func TestConfigRefused(t *testing.T) {
	good := devidp.Config{Issuer: "http://127.0.0.1:1", Audience: "a", ClientID: "c", Lifetime: time.Hour,
		Users: []devidp.User{{ID: "a", Subject: "1", Roles: []string{"caseworker"}}}}
	if _, err := devidp.New(good); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*devidp.Config){
		"https":       func(c *devidp.Config) { c.Issuer = "https://127.0.0.1:1" },
		"path":        func(c *devidp.Config) { c.Issuer = "http://127.0.0.1:1/" },
		"elsewhere":   func(c *devidp.Config) { c.Issuer = "http://192.0.2.1:1" },
		"no audience": func(c *devidp.Config) { c.Audience = "" },
		"no lifetime": func(c *devidp.Config) { c.Lifetime = 0 },
		"twice":       func(c *devidp.Config) { c.Users = append(c.Users[:1:1], c.Users[0]) },
		"same sub": func(c *devidp.Config) {
			c.Users = append(c.Users[:1:1], devidp.User{ID: "b", Subject: "1", Roles: []string{"x"}})
		},
		"no role": func(c *devidp.Config) { c.Users = []devidp.User{{ID: "a", Subject: "1"}} },
	} {
		c := good
		change(&c)
		if p, err := devidp.New(c); p != nil || !errors.Is(err, devidp.ErrConfig) && !errors.Is(err, devidp.ErrLoopback) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, s := range []string{"", "null {}", `[{"ID2":"a"}]`, `[] []`, `{}`} {
		if u, err := devidp.ParseUsers(strings.NewReader(s)); !errors.Is(err, devidp.ErrConfig) || u != nil {
			t.Errorf("%q: %v", s, err)
		}
	}
}
