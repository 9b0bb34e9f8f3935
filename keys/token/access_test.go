package token_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"sigill/keys/ident"
	"sigill/keys/token"
)

func TestSubjectAndClaims(t *testing.T) {
	for _, sub := range []any{nil, "", 1, "a\nb", "a\u202eb", strings.Repeat("s", 256), []any{subject}} {
		refused(t, es256(header("ES256"), claims().with(obj{"sub": sub})), becauseSubject)
	}
	for _, name := range []string{"name", "uid", "email", "phone_number", "hsa", "acr", "jti"} {
		for _, v := range []any{1, []any{"x"}, obj{}, "a\u0007", "a\u2028b", strings.Repeat("x", 256)} {
			refused(t, es256(header("ES256"), claims().with(obj{name: v})), becauseClaim)
		}
		c := claims().with(obj{name: nil}).json()
		refused(t, raw(header("ES256").json(), `{"`+name+`":null,`+c[1:], keys().ec), becauseClaim)
	}
	refused(t, es256(header("ES256"), claims().with(obj{"act": obj{"sub": "somebody"}})), "made for an actor in the subject's place")
	c := config()
	c.Name = token.Path{"person", "Display Name"}
	id, err := door(t, c, allKeys(), es256(header("ES256"), claims().with(obj{"person": obj{"Display Name": "Åsa"}})), now)
	if err != nil || id.Name != "Åsa" {
		t.Fatal("a nested name", err)
	}
	_, err = door(t, c, allKeys(), es256(header("ES256"), claims().with(obj{"person": "Åsa"})), now)
	refusedAs(t, token.Identity{}, err, becauseClaim)
}

func TestBinding(t *testing.T) {
	jkt := ident.Sum("a day key")
	id := accepted(t, es256(header("ES256"), claims().with(obj{"cnf": obj{"jkt": jkt.String()}})))
	if id.JKT == nil || *id.JKT != jkt {
		t.Fatal("the binding was lost")
	}
	for _, cnf := range []any{obj{}, obj{"x5t#S256": jkt.String()}, obj{"jkt": jkt.String(), "x5t#S256": jkt.String()}, obj{"JKT": jkt.String()},
		obj{"jkt": jkt.String() + "="}, obj{"jkt": ""}, obj{"jkt": 1}, jkt.String(), []any{}, false} {
		refused(t, es256(header("ES256"), claims().with(obj{"cnf": cnf})), becauseBinding)
	}
	refused(t, raw(header("ES256").json(), `{"cnf":null,`+claims().json()[1:], keys().ec), becauseBinding)
}

// The personal numbers are Skatteverket's kind of test numbers: nobody has them.
func TestPersonalNumber(t *testing.T) {
	allow := config()
	allow.AllowPersonalNumber = true
	for name, c := range map[string]obj{
		"twelve":           {"x": "191212121212"},
		"ten":              {"x": "1212121212"},
		"hyphen":           {"x": "121212-1212"},
		"plus":             {"x": "121212+1212"},
		"twelve, hyphen":   {"x": "19121212-1212"},
		"space":            {"x": "19121212 1212"},
		"dash":             {"x": "19121212–1212"},
		"coordination":     {"x": "191212721219"},
		"coordination, 0":  {"x": "191200601217"},
		"number":           {"x": 191212121212},
		"prefix":           {"x": "PNOSE-191212121212"},
		"no gap":           {"x": "SE191212121212"},
		"in words":         {"x": "nr 121212-1212, Umeå"},
		"deep":             {"x": obj{"y": []any{obj{"z": "191212121212"}}}},
		"as a name":        {"191212121212": true},
		"as subject":       {"sub": "191212121212"},
		"as user id":       {"uid": "191212121212"},
		"as display name":  {"name": "Test Testsson 191212121212"},
		"as phone, twelve": {"phone_number": "191212121212"},
		"claim":            {"https://id.oidc.se/claim/personalIdentityNumber": "x"},
		"coordination no":  {"https://id.oidc.se/claim/coordinationNumber": "x"},
		"previous":         {"https://id.oidc.se/claim/previousCoordinationNumber": "x"},
		"snake":            {"personal_identity_number": ""},
		"swedish":          {"Personnummer": "x"},
		"deep claim":       {"x": []any{obj{"personal-number": 1}}},
		"ssn":              {"ssn": "x"},
		"certificate":      {"https://id.oidc.se/claim/userCertificate": "x"},
		"signature":        {"https://id.oidc.se/claim/userSignature": "x"},
	} {
		t.Run(name, func(t *testing.T) {
			tok := es256(header("ES256"), claims().with(c))
			refused(t, tok, becausePersonal)
			if _, err := door(t, allow, allKeys(), tok, now); err != nil {
				t.Fatal(err)
			}
			// Accepted once by configuration, it is evidence to any court.
			p, _ := token.NewProvider(config())
			set, _, _ := token.ParseKeySet(issuer, allKeys())
			key, _ := set.Find("k-ES256", "ES256")
			if _, err := token.CheckEvidence(tok, key.JWK(), p, now); err != nil {
				t.Fatal(err)
			}
		})
	}
	for name, c := range map[string]obj{
		"organisation":     {"x": "212000-0142"},
		"organisation, 12": {"x": "162120000142"},
		"wrong digit":      {"x": "191212121213"},
		"month 13":         {"x": "191213121211"},
		"month 0":          {"x": "191200121216"},
		"day 32":           {"x": "191212321218"},
		"day 0":            {"x": "191212001216"},
		"day 92":           {"x": "191212921215"},
		"month 13, day 61": {"x": "191213611211"},
		"other century":    {"x": "171212121212"},
		"eleven":           {"x": "11212121212"},
		"thirteen":         {"x": "1912121212123"},
		"seconds":          {"x": 1212121212},
		"phone":            {"phone_number": "0701234569"},
		"phone, written":   {"phone_number": "+46 70 123 45 67"},
		"uuid":             {"x": "19121212-1212-4121-8121-191212121212"},
		"a date":           {"birthdate": "1912-12-12"},
		"hsa":              {"x": "SE2120000142-1003"},
	} {
		t.Run(name, func(t *testing.T) { accepted(t, es256(header("ES256"), claims().with(c))) })
	}
	// A phone number is one by its standard name, and by the configured one.
	elsewhere := config()
	elsewhere.Phone = token.Path{"mobile"}
	for name, want := range map[string]error{"phone_number": nil, "mobile": nil, "Mobil": token.ErrToken} {
		_, err := door(t, elsewhere, allKeys(), es256(header("ES256"), claims().with(obj{name: "0701234569"})), now)
		if !errors.Is(err, want) {
			t.Fatal(name, err)
		}
	}
}

func TestCheckEvidence(t *testing.T) {
	k := keys()
	p, err := token.NewProvider(token.Config{Issuer: issuer, Audience: audience, Label: "court", Lifetime: token.MaxLifetime, Name: token.Path{"name"}})
	if err != nil {
		t.Fatal(err)
	}
	set, _, err := token.ParseKeySet(issuer, allKeys())
	if err != nil {
		t.Fatal(err)
	}
	for _, alg := range []string{"ES256", "RS256", "EdDSA"} {
		key, ok := set.Find("k-"+alg, alg)
		if !ok {
			t.Fatal(alg)
		}
		if len(key.JWK()) > 1100 {
			t.Fatalf("%s: a JWK of %d bytes", alg, len(key.JWK()))
		}
		tok := map[string]string{"ES256": es256(header(alg), claims()), "RS256": raw(header(alg).json(), claims().json(), k.rsa),
			"EdDSA": raw(header(alg).json(), claims().json(), k.ed)}[alg]
		id, err := token.CheckEvidence(tok, key.JWK(), p, now)
		if err != nil || id.Name != "Åsa Öberg-Ek" || id.Subject != subject || id.Role != "" {
			t.Fatal(alg, err)
		}
		// The JWK has one form, and no changed byte of it passes.
		for i := range key.JWK() {
			bad := bytes.Clone(key.JWK())
			bad[i] ^= 1
			if id, err := token.CheckEvidence(tok, bad, p, now); err == nil || id != (token.Identity{}) {
				t.Fatalf("%s: byte %d of the JWK does not matter", alg, i)
			}
		}
		for _, bad := range [][]byte{nil, append(bytes.Clone(key.JWK()), '\n'), []byte("{}"), bytes.Replace(key.JWK(), []byte(`,"kid"`), []byte(`, "kid"`), 1)} {
			id, err := token.CheckEvidence(tok, bad, p, now)
			refusedAs(t, id, err, becauseKey)
		}
	}
	id, err := token.CheckEvidence("x", []byte("{}"), p, now)
	refusedAs(t, id, err, becauseSegments)
}

func TestByteFlip(t *testing.T) {
	k := keys()
	p, err := token.NewProvider(config())
	if err != nil {
		t.Fatal(err)
	}
	set, _, err := token.ParseKeySet(issuer, allKeys())
	if err != nil {
		t.Fatal(err)
	}
	for alg, tok := range map[string]string{"ES256": es256(header("ES256"), claims()), "EdDSA": raw(header("EdDSA").json(), claims().json(), k.ed)} {
		key, _ := set.Find("k-"+alg, alg)
		if _, err := token.CheckEvidence(tok, key.JWK(), p, now); err != nil {
			t.Fatal(err)
		}
		for i := range len(tok) {
			for _, bit := range []byte{1, 2, 0x20} {
				b := []byte(tok)
				b[i] ^= bit
				if id, err := token.CheckEvidence(string(b), key.JWK(), p, now); err == nil || id != (token.Identity{}) {
					t.Fatalf("byte %d does not matter", i)
				}
			}
		}
	}
}

// Nothing that a mistake could print shows the caller.
func TestWithheld(t *testing.T) {
	tok := es256(header("ES256"), claims())
	id := accepted(t, tok)
	u, err := token.Parse(tok)
	if err != nil {
		t.Fatal(err)
	}
	a, err := token.ParseAuthorization([]string{"Bearer " + tok}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range []any{id, &id, u, a, &a, token.Proof{ID: subject}} {
		var log strings.Builder
		slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "v", v)
		slog.New(slog.NewTextHandler(&log, nil)).Info("x", "v", v)
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x"} {
			log.WriteString(fmt.Sprintf(verb, v))
		}
		for _, canary := range []string{subject, "Öberg", "asa", tok[:20], fmt.Sprintf("%x", "asa"), "loa3"} {
			if strings.Contains(log.String(), canary) {
				t.Fatalf("%T shows its caller", v)
			}
		}
	}
}
