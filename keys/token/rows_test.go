package token_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"sigill/keys/token"
)

// The tests are named by rows of scripts/rows/rows.txt. J24 to J26 are the key-set
// cache's (server/rpc), J27 and J28 stand in dpop_test.go, J23 in keyset_test.go.

const (
	becauseAlg       = "an algorithm that is not allowed"
	becauseHeader    = "a header member that is not read here"
	becauseTyp       = "another type"
	becauseDuplicate = "a member stands twice"
	becauseCase      = "a known name in other letters"
	becauseBase64    = "a segment is not canonical base64url"
	becauseSegments  = "not three segments"
	becauseSize      = "longer than allowed"
	becauseJSON      = "not one strict JSON object"
	becauseDepth     = "nested too deep"
	becauseSignature = "the signature does not fit"
	becauseTime      = "outside its time"
	becauseLifetime  = "lives longer than allowed"
	becauseClaim     = "a claim is not of the form that is due"
	becauseAudience  = "not for us alone"
	becauseIssuer    = "another issuer"
	becauseKey       = "not the key of this token"
	becauseSubject   = "no usable subject"
	becauseKid       = "no usable key id"
	becauseBinding   = "a binding that is not read here"
	becausePersonal  = "carries a personal number"
)

func TestJ01_algNone(t *testing.T) {
	for _, alg := range []string{"none", "nOnE", "NONE", ""} {
		in := b64.EncodeToString([]byte(header("ES256").with(obj{"alg": alg}).json())) + "." + b64.EncodeToString([]byte(claims().json()))
		refused(t, in+".", becauseSegments)
		refused(t, in+".AAAA", becauseAlg)
	}
	refused(t, es256(header("ES256").with(obj{"alg": nil}), claims()), becauseAlg)
	refused(t, es256(header("ES256").with(obj{"alg": []any{"ES256"}}), claims()), becauseAlg)
}

func TestJ02_publicKeyAsSecret(t *testing.T) {
	der, err := x509.MarshalPKIXPublicKey(&keys().rsa.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range [][]byte{der, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})} {
		in := b64.EncodeToString([]byte(header("RS256").with(obj{"alg": "HS256"}).json())) + "." + b64.EncodeToString([]byte(claims().json()))
		m := hmac.New(sha256.New, secret)
		m.Write([]byte(in))
		refused(t, in+"."+b64.EncodeToString(m.Sum(nil)), becauseAlg)
	}
}

func TestJ03_kid(t *testing.T) {
	for _, kid := range []string{"../../etc/passwd", "' OR 1=1", "k-ES256 ", "K-ES256"} {
		id, err := door(t, config(), allKeys(), es256(header("ES256").with(obj{"kid": kid}), claims()), now)
		if !errors.Is(err, errUnknownKey) || id != (token.Identity{}) {
			t.Fatalf("%q found a key: %v", kid, err)
		}
	}
	refused(t, es256(header("ES256").with(obj{"kid": strings.Repeat("k", 64<<10)}), claims()), becauseSize)
	refused(t, es256(header("ES256").with(obj{"kid": strings.Repeat("k", 256)}), claims()), becauseKid)
	refused(t, es256(header("ES256").with(obj{"kid": nil}), claims()), becauseKid)
	refused(t, es256(header("ES256").with(obj{"kid": 7}), claims()), becauseKid)
	refused(t, es256(header("ES256").with(obj{"kid": "a\x00b"}), claims()), becauseKid)
}

func TestJ04_keyByReference(t *testing.T) {
	for _, name := range []string{"jku", "x5u", "x5c"} {
		refused(t, es256(header("ES256").with(obj{name: "https://127.0.0.1:1/canary"}), claims()), becauseHeader)
	}
}

func TestJ05_embeddedKey(t *testing.T) {
	k := keys().other
	h := header("ES256").with(obj{"jwk": jwkOf("k-ES256", k)})
	refused(t, raw(h.json(), claims().json(), k), becauseHeader)
}

func TestJ06_crit(t *testing.T) {
	for _, crit := range []any{[]any{"x"}, []any{}, []any{"exp"}, false} {
		refused(t, es256(header("ES256").with(obj{"crit": crit, "x": 1}), claims()), becauseHeader)
		refused(t, es256(header("ES256").with(obj{"crit": crit}), claims()), becauseHeader)
	}
}

func TestJ07_b64false(t *testing.T) {
	refused(t, es256(header("ES256").with(obj{"b64": false}), claims()), becauseHeader)
	refused(t, es256(header("ES256").with(obj{"b64": true}), claims()), becauseHeader)
}

func TestJ08_typ(t *testing.T) {
	for _, typ := range []any{nil, "JWT", "dpop+jwt", "AT+JWT", "at+jwt ", "", 1, "application/AT+jwt"} {
		refused(t, es256(header("ES256").with(obj{"typ": typ}), claims()), becauseTyp)
	}
}

func TestJ09_duplicates(t *testing.T) {
	h, c := header("ES256").json(), claims().json()
	ec := keys().ec
	refused(t, raw(`{"alg":"none",`+h[1:], c, ec), becauseDuplicate)
	refused(t, raw(`{"\u0061lg":"ES256",`+h[1:], c, ec), becauseDuplicate)
	for _, m := range []string{`"sub":"somebody"`, `"aud":"` + audience + `"`, `"s\u0075b":"somebody"`, `"name":null`} {
		refused(t, raw(h, `{`+m+`,`+c[1:], ec), becauseDuplicate)
	}
	refused(t, raw(h, `{"cnf":{"jkt":"a","jkt":"b"},`+c[1:], ec), becauseDuplicate)
	refused(t, raw(h, `{"x":[[{"a":1,"a":1}]],`+c[1:], ec), becauseDuplicate)
	// Two lone surrogates are two names, but read as one and the same.
	refused(t, raw(h, `{"\ud800":1,`+c[1:], ec), becauseJSON)
	refused(t, raw(h, `{"x":"\udfff",`+c[1:], ec), becauseJSON)
}

func TestJ10_caseVariants(t *testing.T) {
	for _, name := range []string{"ISS", "AUD", "EXP", "Sub", "NBF", "Iat", "ſub", "Name", "ROLES", "Cnf", "HSA", "Acr"} {
		refused(t, es256(header("ES256"), claims().with(obj{name: "x"})), becauseCase)
	}
	// In place of the right name it is no better.
	refused(t, es256(header("ES256"), claims().with(obj{"exp": nil, "EXP": now.Unix() + 60})), becauseCase)
	refused(t, es256(header("ES256").with(obj{"Alg": "none"}), claims()), becauseHeader)
	refused(t, es256(header("ES256").with(obj{"\u212aid": "k-ES256"}), claims()), becauseHeader)
}

func TestJ11_issuer(t *testing.T) {
	for _, iss := range []any{issuer + "/", "https://IDP.example", "http://idp.example", "https://other.example", " " + issuer, nil, []any{issuer}, ""} {
		refused(t, es256(header("ES256"), claims().with(obj{"iss": iss})), becauseIssuer)
	}
	// Another issuer's key, under the same kid, does not verify our issuer's tokens,
	// even if a server took the wrong set.
	p, err := token.NewProvider(config())
	if err != nil {
		t.Fatal(err)
	}
	u, err := token.Parse(es256(header("ES256"), claims()))
	if err != nil {
		t.Fatal(err)
	}
	set, _, err := token.ParseKeySet("https://other.example", allKeys())
	if err != nil {
		t.Fatal(err)
	}
	key, ok := set.Find("k-ES256", "ES256")
	if !ok {
		t.Fatal("the key was not loaded")
	}
	id, err := p.Check(u, key, now)
	refusedAs(t, id, err, becauseKey)
	id, err = p.Check(u, nil, now)
	refusedAs(t, id, err, becauseKey)
}

func TestJ12_audience(t *testing.T) {
	for _, aud := range []any{nil, "https://other.example", audience + "/", []any{audience, "https://other.example"},
		[]any{audience, audience}, []any{}, []any{[]any{audience}}, 1, ""} {
		refused(t, es256(header("ES256"), claims().with(obj{"aud": aud})), becauseAudience)
	}
}

func TestJ13_noExpiry(t *testing.T) {
	ec := keys().ec
	for _, name := range []string{"exp", "iat"} {
		refused(t, es256(header("ES256"), claims().with(obj{name: nil})), becauseClaim)
		refused(t, raw(header("ES256").json(), `{"`+name+`":null,`+claims().with(obj{name: nil}).json()[1:], ec), becauseClaim)
	}
}

func TestJ14_expiryForm(t *testing.T) {
	ec := keys().ec
	base := claims().with(obj{"exp": nil}).json()[1:]
	exp := now.Unix() + 3600
	for form, because := range map[string]string{
		fmt.Sprintf(`"%d"`, exp): becauseClaim, "1e18": becauseClaim, "1000000000000000000": becauseClaim,
		fmt.Sprintf("%d.0", exp): becauseClaim, fmt.Sprintf("%d.5", exp): becauseClaim, "-1": becauseClaim, "0": becauseClaim,
		"true": becauseClaim, "99999999999": becauseLifetime,
		fmt.Sprint(now.Unix() - 60 + 12*3600 + 1): becauseLifetime, fmt.Sprint(now.Unix() - 60): becauseLifetime,
	} {
		refused(t, raw(header("ES256").json(), `{"exp":`+form+`,`+base, ec), because)
	}
	accepted(t, es256(header("ES256"), claims().with(obj{"exp": now.Unix() - 60 + 12*3600})))
}

func TestJ15_times(t *testing.T) {
	n := now.Unix()
	for _, c := range []obj{
		{"nbf": n + 300}, {"nbf": n + 31}, {"iat": n + 3600, "exp": n + 7200}, {"iat": n + 31},
		{"exp": n - 30}, {"exp": n - 31}, {"auth_time": n + 31},
	} {
		refused(t, es256(header("ES256"), claims().with(c)), becauseTime)
	}
	for _, c := range []obj{{"nbf": n + 30}, {"iat": n + 30, "nbf": nil}, {"exp": n - 29}, {"auth_time": n + 30}} {
		accepted(t, es256(header("ES256"), claims().with(c)))
	}
}

// Refused before decoding: nothing is allocated for what is too long or has the
// wrong number of segments, however long it is.
func TestJ16_sizeBeforeDecoding(t *testing.T) {
	long := es256(header("ES256"), claims().with(obj{"x": strings.Repeat("x", token.MaxToken)}))
	for because, tok := range map[string]string{becauseSize: long, becauseSegments: strings.Repeat(".", token.MaxToken)} {
		refused(t, tok, because)
		if n := testing.AllocsPerRun(10, func() { token.Parse(tok) }); n != 0 {
			t.Errorf("%v allocations before refusing", n)
		}
	}
	refused(t, strings.Repeat(".", 1_000_000), becauseSize)
	refused(t, strings.Repeat("A", token.MaxToken+1), becauseSize)
	// The limit itself: pad a valid token to exactly 8 KiB, and to one byte more.
	pad := func(n int) string {
		return es256(header("ES256"), claims().with(obj{"x": strings.Repeat("x", n)}))
	}
	n := 0
	for len(pad(n+1)) <= token.MaxToken {
		n += max(1, (token.MaxToken-len(pad(n)))*3/4-8)
	}
	if l := len(pad(n)); l > token.MaxToken || l < token.MaxToken-4 {
		t.Fatalf("padded to %d", l)
	}
	accepted(t, pad(n))
	refused(t, pad(n+3), becauseSize)
}

func TestJ17_json(t *testing.T) {
	h, c, ec := header("ES256").json(), claims().json(), keys().ec
	deep := strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000)
	refused(t, raw(h, `{"x":`+deep+`,`+c[1:], ec), becauseSize)
	nested := func(n int) string { return `{"x":` + strings.Repeat("[", n) + strings.Repeat("]", n) + `,` + c[1:] }
	refused(t, raw(h, nested(8), ec), becauseDepth)
	refused(t, raw(h, nested(1000), ec), becauseDepth)
	accepted(t, raw(h, nested(7), ec))
	objects := func(n int) string {
		return `{"x":` + strings.Repeat(`{"x":`, n) + `1` + strings.Repeat("}", n) + `,` + c[1:]
	}
	refused(t, raw(h, objects(8), ec), becauseDepth)
	accepted(t, raw(h, objects(7), ec))
	for _, bad := range []string{"null", "[]", `"x"`, "1", c + "{}", c + c, c + "x", c + "\x00", c[:len(c)-1], c[:len(c)-1] + ",}",
		"\ufeff" + c, c[:len(c)-1] + ",\"x\":\"\xff\"}", c[:len(c)-1] + ",\"x\":\"\n\"}", c[:len(c)-1] + `,"x":01}`, " "} {
		refused(t, raw(h, bad, ec), becauseJSON)
		refused(t, raw(strings.ReplaceAll(bad, c, h), c, ec), becauseJSON)
	}
	accepted(t, raw(h, " \n"+c+"\t ", ec)) // white space is JSON
}

func TestJ18_signatureForm(t *testing.T) {
	h, c := header("ES256").json(), claims().json()
	in := b64.EncodeToString([]byte(h)) + "." + b64.EncodeToString([]byte(c))
	d := sha256.Sum256([]byte(in))
	der, err := ecdsa.SignASN1(rand.Reader, keys().ec, d[:])
	if err != nil {
		t.Fatal(err)
	}
	good := signature(in, keys().ec)
	order := elliptic.P256().Params().N.Bytes()
	for name, sig := range map[string][]byte{
		"DER": der, "zero": make([]byte, 64), "63": good[:63], "65": append(good[:64:64], 0), "65 before": append([]byte{0}, good...),
		"r = n": append(order[:32:32], good[32:]...), "s = n": append(good[:32:32], order...), "r = 0": append(make([]byte, 32), good[32:]...),
		"short": {1}, "swapped": append(good[32:64:64], good[:32]...),
	} {
		t.Run(name, func(t *testing.T) { refused(t, in+"."+b64.EncodeToString(sig), becauseSignature) })
	}
	accepted(t, in+"."+b64.EncodeToString(good))
}

func TestJ19_twin(t *testing.T) {
	tok := es256(header("ES256"), claims())
	cut := strings.LastIndex(tok, ".") + 1
	sig, err := b64.DecodeString(tok[cut:])
	if err != nil {
		t.Fatal(err)
	}
	s := new(big.Int).SetBytes(sig[32:])
	s.Sub(elliptic.P256().Params().N, s).FillBytes(sig[32:])
	twin := tok[:cut] + b64.EncodeToString(sig)
	if twin == tok || accepted(t, twin) != accepted(t, tok) {
		t.Fatal("the twin is not the same identity")
	}
}

func TestJ20_base64(t *testing.T) {
	tok := es256(header("ES256"), claims())
	parts := strings.Split(tok, ".")
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := parts[2][85] // of 86 characters the last has four spare bits
	spare := alphabet[strings.IndexByte(alphabet, last)|1]
	if last == spare {
		t.Fatal("the signature's own form is not canonical")
	}
	refused(t, tok[:len(tok)-1]+string(spare), becauseBase64)
	for _, s := range []string{tok + "=", tok + "==", tok + "\n", "\n" + tok, " " + tok, tok[:10] + "\n" + tok[10:], tok[:10] + "\r\n" + tok[10:],
		strings.Replace(tok, ".", "=.", 1), parts[0] + "." + parts[1][:9] + "\n" + parts[1][9:] + "." + parts[2],
		parts[0] + "." + parts[1] + "." + parts[2][:9] + "\n" + parts[2][9:], parts[0] + ".+/." + parts[2]} {
		refused(t, s, becauseBase64)
	}
	for _, s := range []string{parts[0] + "." + parts[1], tok + ".", tok + ".x", "." + tok, "..", parts[0] + ".." + parts[2], ""} {
		refused(t, s, becauseSegments)
	}
}

// A key verifies by the one algorithm that its type has; what a token's header
// says of another finds no key.
func TestJ21_keyMismatch(t *testing.T) {
	k := keys()
	for _, alg := range []string{"RS256", "EdDSA"} {
		tok := raw(header("ES256").with(obj{"alg": alg}).json(), claims().json(), k.ec)
		if id, err := door(t, config(), allKeys(), tok, now); !errors.Is(err, errUnknownKey) || id != (token.Identity{}) {
			t.Fatal(alg, err)
		}
	}
	set, _, err := token.ParseKeySet(issuer, jwks(jwkOf("k-ES256", k.ed)))
	if err != nil {
		t.Fatal(err)
	}
	p, err := token.NewProvider(config())
	if err != nil {
		t.Fatal(err)
	}
	u, err := token.Parse(es256(header("ES256"), claims()))
	if err != nil {
		t.Fatal(err)
	}
	key, _ := set.Find("k-ES256", "EdDSA")
	id, err := p.Check(u, key, now)
	refusedAs(t, id, err, becauseKey)

	ec := jwkOf("k", k.ec)
	for name, j := range map[string]obj{
		"use": ec.with(obj{"use": "enc"}), "use of two": ec.with(obj{"use": []any{"sig"}}), "ops": ec.with(obj{"key_ops": []any{"sign"}}),
		"no ops": ec.with(obj{"key_ops": []any{}}), "ops as text": ec.with(obj{"key_ops": "verify"}), "alg": ec.with(obj{"alg": "RS256"}), "ES384": ec.with(obj{"alg": "ES384"}),
		"crv": ec.with(obj{"crv": "P-384"}), "kty": ec.with(obj{"kty": "RSA"}), "OKP": ec.with(obj{"kty": "OKP", "crv": "Ed25519"}),
		"PS256": jwkOf("k", k.rsa).with(obj{"alg": "PS256"}), "RSA-OAEP": jwkOf("k", k.rsa).with(obj{"alg": "RSA-OAEP"}),
		"USE": ec.with(obj{"USE": "sig"}),
	} {
		t.Run(name, func(t *testing.T) { notLoaded(t, j) })
	}
}

func TestJ22_PS256(t *testing.T) {
	in := b64.EncodeToString([]byte(header("RS256").with(obj{"alg": "PS256"}).json())) + "." + b64.EncodeToString([]byte(claims().json()))
	d := sha256.Sum256([]byte(in))
	for _, salt := range []int{32, 20} {
		sig, err := rsa.SignPSS(rand.Reader, keys().rsa, crypto.SHA256, d[:], &rsa.PSSOptions{SaltLength: salt})
		if err != nil {
			t.Fatal(err)
		}
		refused(t, in+"."+b64.EncodeToString(sig), becauseAlg)
	}
}

// The same token is right or wrong by the time of its receipt alone, at the door
// and at a court.
func TestJ29_receipt(t *testing.T) {
	tok := es256(header("ES256"), claims())
	set, _, err := token.ParseKeySet(issuer, allKeys())
	if err != nil {
		t.Fatal(err)
	}
	key, _ := set.Find("k-ES256", "ES256")
	p, err := token.NewProvider(config())
	if err != nil {
		t.Fatal(err)
	}
	for at, want := range map[time.Duration]bool{0: true, time.Hour: true, 2 * time.Hour: false, -time.Hour: false} {
		_, atDoor := door(t, config(), allKeys(), tok, now.Add(at))
		id, atCourt := token.CheckEvidence(tok, key.JWK(), p, now.Add(at))
		if (atDoor == nil) != want || (atCourt == nil) != want {
			t.Fatal(at, atDoor, atCourt)
		}
		if !want {
			refusedAs(t, id, atCourt, becauseTime)
		}
	}
}

func TestJ30_roles(t *testing.T) {
	nested := config()
	nested.RolePath = token.Path{"resource_access", "sigill.example", "roles"}
	for _, c := range []struct {
		config token.Config
		roles  any
		want   token.Role
	}{
		{config(), "SIGILL-HL", token.Caseworker},
		{config(), "SIGILL-FD", token.Signer},
		{config(), []any{"x", "SIGILL-HL", "SIGILL-HL"}, token.Caseworker},
		{config(), []any{"SIGILL-HL", "SIGILL-FD"}, ""},
		{config(), "SIGILL-HL SIGILL-FD", ""},
		{config(), "SIGILL-HL ", ""},
		{config(), " SIGILL-HL", ""},
		{config(), "sigill-hl", ""},
		{config(), "caseworker", ""},
		{config(), "", ""},
		{config(), nil, ""},
		{config(), []any{}, ""},
		{config(), []any{"SIGILL-HL", 1}, ""},
		{config(), []any{[]any{"SIGILL-HL"}}, ""},
		{config(), obj{"SIGILL-HL": true}, ""},
		{config(), true, ""},
		{nested, "SIGILL-HL", ""},
	} {
		checkRole(t, c.config, obj{"roles": c.roles}, c.want)
	}
	at := func(o any) obj { return obj{"roles": "SIGILL-HL", "resource_access": obj{"sigill.example": o}} }
	checkRole(t, nested, at(obj{"roles": []any{"SIGILL-FD"}}), token.Signer)
	checkRole(t, nested, at(obj{"Roles": []any{"SIGILL-FD"}}), "")
	checkRole(t, nested, at(obj{"roles": "SIGILL-FD", "Roles": "x"}), "")
	checkRole(t, nested, at([]any{obj{"roles": "SIGILL-FD"}}), "")
	checkRole(t, nested, at("SIGILL-FD"), "")
	checkRole(t, nested, obj{"resource_access.sigill.example.roles": "SIGILL-FD"}, "")
	none := config()
	none.Roles, none.RolePath = nil, nil
	checkRole(t, none, obj{}, "")
}

func checkRole(t *testing.T, c token.Config, more obj, want token.Role) {
	t.Helper()
	id, err := door(t, c, allKeys(), es256(header("ES256"), claims().with(more)), now)
	if want == "" && (!errors.Is(err, token.ErrRole) || errors.Is(err, token.ErrToken)) || want != "" && err != nil {
		t.Fatalf("%v: %v", more, err)
	}
	if id.Role != want || id.Subject != subject {
		t.Fatalf("%v: role %q", more, id.Role)
	}
}
