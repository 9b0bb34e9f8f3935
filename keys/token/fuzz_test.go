package token_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/token"
	"sigill/keys/vectors"
)

// FuzzParse: what the reader accepts is the canonical base64url of its parts,
// and golang-jwt and encoding/json read the same out of it.
func FuzzParse(f *testing.F) {
	h, c := header("ES256").json(), claims().json()
	f.Add(h, c, []byte("signature"))
	f.Add(h, ` {"iss":"\u0061","x":[1,true,null,{"y":-1.5e3,"z":[]}]} `, []byte{0})
	f.Add(h, `{"iss":"a","iss":"b"}`, []byte{0})
	f.Add(h, `{"iss":"\\\"","\ud800":"\ud83d\ude00"}`, []byte{0})
	f.Fuzz(func(t *testing.T, h, c string, sig []byte) {
		tok := b64.EncodeToString([]byte(h)) + "." + b64.EncodeToString([]byte(c)) + "." + b64.EncodeToString(sig)
		u, err := token.Parse(tok)
		if err != nil {
			return
		}
		var m jwt.MapClaims
		j, parts, err := jwt.NewParser(jwt.WithStrictDecoding()).ParseUnverified(tok, &m)
		if err != nil {
			t.Fatal("golang-jwt refuses it", err)
		}
		if strings.Join(parts, ".") != tok || j.Header["kid"] != u.KeyID() || j.Header["alg"] != u.Algorithm() || m["iss"] != u.Issuer() {
			t.Fatal("two readings")
		}
		names := map[string]bool{}
		for name := range m {
			names[name] = true
		}
		if !json.Valid([]byte(c)) || len(names) != strings.Count(tokens(c), "k") {
			t.Fatal("a member stands twice")
		}
	})
}

// FuzzText takes whole tokens as they come.
func FuzzText(f *testing.F) {
	f.Add(es256(header("ES256"), claims()))
	f.Add("..")
	f.Fuzz(func(t *testing.T, tok string) {
		if _, err := token.Parse(tok); err != nil {
			return
		}
		var again []string
		for part := range strings.SplitSeq(tok, ".") {
			b, err := b64.DecodeString(part)
			if err != nil {
				t.Fatal(err)
			}
			again = append(again, b64.EncodeToString(b))
		}
		if strings.Join(again, ".") != tok {
			t.Fatal("not canonical")
		}
	})
}

// tokens marks each member name of the outermost object with a k.
func tokens(s string) string {
	d := json.NewDecoder(strings.NewReader(s))
	var out strings.Builder
	depth, name := 0, true
	for {
		t, err := d.Token()
		if err != nil {
			return out.String()
		}
		if depth == 1 && name && t != json.Delim('}') {
			out.WriteByte('k')
			name = false
			continue
		}
		switch t {
		case json.Delim('{'), json.Delim('['):
			depth++
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
		if depth == 1 {
			name = true
		}
	}
}

// FuzzKeySet: each key that is loaded has one form, which is read again as the
// same key, and no document makes a key of what a fault was reported for.
func FuzzKeySet(f *testing.F) {
	f.Add(allKeys())
	f.Add([]byte(`{"keys":[{"kty":"RSA"},{"kty":"EC","crv":"P-256","kid":"x"}]}`))
	f.Fuzz(func(t *testing.T, doc []byte) {
		set, faults, err := token.ParseKeySet(issuer, doc)
		if err != nil {
			return
		}
		var plain struct {
			Keys []struct{ Kid any }
		}
		if err := json.Unmarshal(doc, &plain); err != nil && !strings.Contains(err.Error(), "cannot unmarshal") {
			t.Fatal(err)
		}
		if len(faults)+set.Len() != len(plain.Keys) {
			t.Fatal("a key is neither loaded nor reported")
		}
		for _, k := range plain.Keys {
			kid, _ := k.Kid.(string)
			for _, alg := range []string{"ES256", "RS256", "EdDSA"} {
				key, ok := set.Find(kid, alg)
				if !ok {
					continue
				}
				again, faults, err := token.ParseKeySet(issuer, []byte(`{"keys":[`+string(key.JWK())+`]}`))
				if err != nil || len(faults) != 0 {
					t.Fatal(faults, err)
				}
				same, ok := again.Find(kid, alg)
				if !ok || !bytes.Equal(same.JWK(), key.JWK()) || !reflect.DeepEqual(same, key) {
					t.Fatal("two forms")
				}
			}
		}
	})
}

// FuzzAuthorProof: a payload that is accepted under a right signature, for the call
// that it names, is made again to the identical proof.
func FuzzAuthorProof(f *testing.F) {
	g := vectors.Golden(f, "author")
	f.Add([]byte(g["payload"]))
	f.Add([]byte(strings.Replace(g["payload"], `"issued":`, `"issued": `, 1)))
	f.Add([]byte(strings.Replace(g["payload"], `{"authority"`, `{"a":1,"authority"`, 1)))
	f.Add([]byte(strings.Replace(g["payload"], "GetDraft", `Get\u0044raft`, 1)))
	f.Fuzz(func(t *testing.T, payload []byte) {
		var said struct {
			Authority, Decision, Method, Request string
			Issued                               int64
		}
		if json.Unmarshal(payload, &said) != nil {
			return
		}
		id, err := b64.DecodeString(said.Request)
		if err != nil || len(id) != 16 {
			return // no call has such an id
		}
		call := token.AuthorRead{Authority: ident.Authority(said.Authority), Decision: ident.ID(said.Decision), Method: said.Method, Request: [16]byte(id)}
		author, at := vectors.Ed25519(t, "author"), time.Unix(said.Issued, 0)
		proof := vectors.Forge(t, "author", "sigill-author-proof+jws", payload, false)
		if token.CheckAuthorProof(proof, author.Public(), call, at) != nil {
			return
		}
		if again, err := token.NewAuthorProof(author, call, at); err != nil || again != proof {
			t.Fatalf("accepted and made again otherwise: %v\n%s\n%s", err, proof, again)
		}
	})
}

// FuzzAuthorization: of two metadata keys with any values, what is taken is one
// token under one scheme, with one proof under DPoP alone.
func FuzzAuthorization(f *testing.F) {
	f.Add("DPoP e30.e30.AA", "", "e30.e30.AQ", "")
	f.Add("bearer e30.e30.AA", "", "", "")
	f.Add("Bearer a, DPoP b", "Bearer a", "p", "q")
	f.Fuzz(func(t *testing.T, auth1, auth2, proof1, proof2 string) {
		given := func(values ...string) (out []string) {
			for _, v := range values {
				if v != "" {
					out = append(out, v)
				}
			}
			return out
		}
		auth, dpop := given(auth1, auth2), given(proof1, proof2)
		a, err := token.ParseAuthorization(auth, dpop)
		if err != nil {
			if !errors.Is(err, token.ErrToken) || a != (token.Authorization{}) {
				t.Fatal("refused, and something is left")
			}
			return
		}
		scheme := "Bearer"
		if len(dpop) == 1 {
			scheme = "DPoP"
		}
		if len(auth) != 1 || len(dpop) > 1 || !strings.EqualFold(auth[0], scheme+" "+a.Token) || a.Proof != strings.Join(dpop, "") ||
			!strings.HasSuffix(auth[0], " "+a.Token) {
			t.Fatal("read otherwise than it stands")
		}
	})
}

// FuzzProof: what is accepted under the day key's own signature says, as
// encoding/json reads it, that it is for this call, and says it once.
func FuzzProof(f *testing.F) {
	const tok = "a.b.c"
	key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), bytes.Repeat([]byte{7}, 32))
	if err != nil {
		f.Fatal(err)
	}
	day, err := jws.NewSigner(key)
	if err != nil {
		f.Fatal(err)
	}
	pub := jwkOf("", key)
	delete(pub, "kid")
	h := obj{"typ": "dpop+jwt", "alg": "ES256", "jwk": pub}.json()
	c := obj{"htm": htm, "htu": htu, "iat": now.Unix(), "jti": "x", "ath": ident.Sum(tok).String()}.json()
	f.Add(h, c)
	f.Add(h, strings.Replace(c, `"iat":`, `"iat": 0, "iat":`, 1))
	f.Add(strings.Replace(h, `"typ":`, `"crit":[],"typ":`, 1), c)
	f.Add(h, strings.Replace(c, `"htm"`, `"h\u0074m"`, 1))
	f.Fuzz(func(t *testing.T, h, c string) {
		p, err := token.CheckProof(raw(h, c, key), tok, day.Public().Thumbprint(), htm, htu, now)
		if err != nil {
			if !errors.Is(err, token.ErrToken) || p != (token.Proof{}) {
				t.Fatal("refused, and something is left")
			}
			return
		}
		var said struct {
			Htm, Htu, Ath, Jti string
			Iat                float64
		}
		if err := json.Unmarshal([]byte(c), &said); err != nil {
			t.Fatal(err)
		}
		off := said.Iat - float64(now.Unix())
		if said.Htm != htm || said.Htu != htu || said.Ath != ident.Sum(tok).String() || said.Jti != p.ID || p.ID == "" ||
			off < -token.Window.Seconds() || off > token.Window.Seconds() || strings.Count(tokens(c), "k") != len(members(t, c)) {
			t.Fatalf("accepted: %q", c)
		}
	})
}

func members(t *testing.T, object string) (m map[string]any) {
	t.Helper()
	if err := json.Unmarshal([]byte(object), &m); err != nil {
		t.Fatal(err)
	}
	return m
}
