package token_test

import (
	"crypto"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/token"
)

const (
	htm = "POST"
	htu = "https://sigill.example/sigill.v1.DraftingService/SubmitDraft"
)

func dayKey(t testing.TB) (*jws.Signer, crypto.Signer) {
	t.Helper()
	s, k, err := jws.Generate(jws.ES256)
	if err != nil {
		t.Fatal(err)
	}
	return s, k
}

func proofRefused(t *testing.T, p token.Proof, err error, because string) {
	t.Helper()
	if !errors.Is(err, token.ErrToken) || !strings.HasSuffix(err.Error(), because) {
		t.Fatalf("want ErrToken because %q, got %v", because, err)
	}
	if p != (token.Proof{}) {
		t.Fatal("a proof came with a refusal")
	}
}

func TestJ27_dpop(t *testing.T) {
	const tok = "a.b.c"
	day, _ := dayKey(t)
	jkt := day.Public().Thumbprint()
	proof, err := token.NewProof(day, htm, htu, tok, now, "an id")
	if err != nil {
		t.Fatal(err)
	}
	p, err := token.CheckProof(proof, tok, jkt, htm, htu, now)
	if err != nil || p.ID != "an id" || !p.Key.Equal(day.Public()) {
		t.Fatal(err)
	}
	check := func(proof, tok string, jkt ident.Digest, htm, htu string, at time.Time, because string) {
		t.Helper()
		p, err := token.CheckProof(proof, tok, jkt, htm, htu, at)
		proofRefused(t, p, err, because)
	}
	const another = "a proof for another call"
	check(proof, tok+"x", jkt, htm, htu, now, another)
	check(proof, tok, jkt, "GET", htu, now, another)
	check(proof, tok, jkt, "post", htu, now, another)
	check(proof, tok, jkt, htm, htu+"/", now, another)
	check(proof, tok, jkt, htm, htu+"?x", now, another)
	check(proof, tok, jkt, htm, strings.ToUpper(htu), now, another)
	check(proof, tok, ident.Sum("another key"), htm, htu, now, "a proof by another key than the token is bound to")
	for _, d := range []time.Duration{-10 * time.Minute, -61 * time.Second, 61 * time.Second} {
		check(proof, tok, jkt, htm, htu, now.Add(d), "a proof outside its time")
	}
	for _, d := range []time.Duration{-60 * time.Second, 60 * time.Second} {
		if _, err := token.CheckProof(proof, tok, jkt, htm, htu, now.Add(d)); err != nil {
			t.Fatal(err)
		}
	}
	// No changed byte passes, but for the twin that anybody can make of a
	// signature, which is no second proof: it has the same jti.
	for i := range len(proof) {
		b := []byte(proof)
		b[i] ^= 1
		if p, err := token.CheckProof(string(b), tok, jkt, htm, htu, now); err == nil || p != (token.Proof{}) {
			t.Fatalf("byte %d does not matter", i)
		}
	}

	ed, _, err := jws.Generate(jws.EdDSA)
	if err != nil {
		t.Fatal(err)
	}
	if s, err := token.NewProof(ed, htm, htu, tok, now, "x"); !errors.Is(err, jws.ErrAlgorithm) || s != "" {
		t.Fatal("a day key that is not P-256", err)
	}
	for _, jti := range []string{"", strings.Repeat("j", 129)} {
		if s, err := token.NewProof(day, htm, htu, tok, now, jti); err == nil || s != "" {
			t.Fatal("a proof that nobody would take")
		}
	}
}

// What other clients write.
func TestJ27_othersProofs(t *testing.T) {
	const tok, another = "a.b.c", "a proof for another call"
	day, key := dayKey(t)
	jkt := day.Public().Thumbprint()
	check := func(proof, tok string, jkt ident.Digest, htm, htu string, at time.Time, because string) {
		t.Helper()
		p, err := token.CheckProof(proof, tok, jkt, htm, htu, at)
		proofRefused(t, p, err, because)
	}
	pub := jwkOf("", key)
	delete(pub, "kid")
	h := obj{"typ": "dpop+jwt", "alg": "ES256", "jwk": pub}
	c := obj{"htm": htm, "htu": htu, "iat": now.Unix(), "jti": "x", "ath": ident.Sum(tok).String(), "nonce": "ignored"}
	if _, err := token.CheckProof(raw(h.json(), " "+c.json(), key), tok, jkt, htm, htu, now); err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		h, c    obj
		because string
	}{
		{h.with(obj{"typ": "JWT"}), c, becauseTyp},
		{h.with(obj{"typ": nil}), c, becauseTyp},
		{h.with(obj{"typ": "at+jwt"}), c, becauseTyp},
		{h.with(obj{"alg": "none"}), c, becauseAlg},
		{h.with(obj{"alg": "HS256"}), c, becauseAlg},
		{h.with(obj{"alg": "EdDSA"}), c, becauseAlg},
		{h.with(obj{"crit": []any{}}), c, becauseHeader},
		{h.with(obj{"kid": "x"}), c, becauseHeader},
		{h.with(obj{"jwk": nil}), c, "a proof by another key than the token is bound to"},
		{h.with(obj{"jwk": pub.with(obj{"d": "AA"})}), c, "a proof by another key than the token is bound to"},
		{h.with(obj{"jwk": pub.with(obj{"y": pub["x"]})}), c, "a proof by another key than the token is bound to"},
		{h.with(obj{"jwk": jwkOf("", keys().ed).with(obj{"kid": nil})}), c, "a proof by another key than the token is bound to"},
		{h, c.with(obj{"ath": nil}), another},
		{h, c.with(obj{"htm": nil}), another},
		{h, c.with(obj{"htu": 1}), another},
		{h, c.with(obj{"iat": nil}), becauseClaim},
		{h, c.with(obj{"iat": fmt.Sprint(now.Unix())}), becauseClaim},
		{h, c.with(obj{"iat": float64(now.Unix()) + .5}), becauseClaim},
		{h, c.with(obj{"jti": nil}), "a proof without a usable jti"},
		{h, c.with(obj{"jti": ""}), "a proof without a usable jti"},
		{h, c.with(obj{"jti": strings.Repeat("j", 129)}), "a proof without a usable jti"},
		{h, c.with(obj{"HTM": "GET"}), becauseCase},
		{h, c.with(obj{"x": strings.Repeat("x", token.MaxProof)}), becauseSize},
	} {
		check(raw(x.h.json(), x.c.json(), key), tok, jkt, htm, htu, now, x.because)
	}
	edPub, err := jws.NewPublicKey(keys().ed.Public())
	if err != nil {
		t.Fatal(err)
	}
	check(raw(h.with(obj{"jwk": jwkOf("", keys().ed).with(obj{"kid": nil})}).json(), c.json(), keys().ed), tok, edPub.Thumbprint(), htm, htu, now,
		"a proof by another key than the token is bound to")
	check(raw(h.json(), `{"jti":"y",`+c.json()[1:], key), tok, jkt, htm, htu, now, becauseDuplicate)
	check(raw(h.json(), c.json(), keys().other), tok, jkt, htm, htu, now, becauseSignature)
}

// The example of RFC 9449, sections 4.1, 7.1 and 6.1, made by others.
func TestProofOfRFC9449(t *testing.T) {
	const (
		proof = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9wcm90ZWN0ZWRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNFc05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9.2oW9RP35yRqzhrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA"
		tok   = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"
	)
	jkt, err := ident.ParseDigest("0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I")
	if err != nil {
		t.Fatal(err)
	}
	p, err := token.CheckProof(proof, tok, jkt, "GET", "https://resource.example.org/protectedresource", time.Unix(1562262618, 0))
	if err != nil || p.ID != "e1j3V_bKic8-LAEB" {
		t.Fatal(err)
	}
}

func TestJ27_reuse(t *testing.T) {
	day, _ := dayKey(t)
	other, _ := dayKey(t)
	p := token.Proof{Key: day.Public(), ID: "one"}
	s := token.NewSeen(3)
	if err := s.Use(p, now); err != nil {
		t.Fatal(err)
	}
	// As long as a proof made a window ahead of our clock could come again.
	for _, d := range []time.Duration{0, time.Second, token.Window, 2 * token.Window, -time.Hour} {
		if err := s.Use(p, now.Add(d)); !errors.Is(err, token.ErrToken) {
			t.Fatalf("after %v: %v", d, err)
		}
	}
	if err := s.Use(token.Proof{Key: other.Public(), ID: "one"}, now); err != nil {
		t.Fatal("another caller's jti is another", err)
	}
	for range 5 { // unbound tokens bring none
		if err := s.Use(token.Proof{}, now); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Use(token.Proof{Key: day.Public(), ID: "two"}, now); err != nil {
		t.Fatal(err)
	}
	full := token.Proof{Key: day.Public(), ID: "three"}
	if err := s.Use(full, now); !errors.Is(err, token.ErrSeenFull) || errors.Is(err, token.ErrToken) {
		t.Fatal("more than it has room for", err)
	}
	if err := s.Use(p, now); !errors.Is(err, token.ErrToken) {
		t.Fatal("full, it forgot", err)
	}
	if err := s.Use(full, now.Add(2*token.Window+2*time.Second)); err != nil {
		t.Fatal("room never comes back", err)
	}
	if err := s.Use(p, now.Add(2*token.Window+2*time.Second)); !errors.Is(err, token.ErrToken) {
		t.Fatal("the aged were forgotten at once", err)
	}
	if err := s.Use(p, now.Add(6*token.Window)); err != nil {
		t.Fatal("it never forgets", err)
	}

	// Of many at once with one proof exactly one gets through.
	s = token.NewSeen(10)
	var wg sync.WaitGroup
	var mu sync.Mutex
	through := 0
	for range 32 {
		wg.Go(func() {
			if s.Use(p, now) == nil {
				mu.Lock()
				through++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if through != 1 {
		t.Fatalf("%d got through", through)
	}
}

func TestJ28_authorization(t *testing.T) {
	tok := es256(header("ES256"), claims())
	for _, bad := range []struct{ auth, dpop []string }{
		{nil, nil}, {[]string{}, []string{"p"}}, {[]string{""}, nil}, {[]string{tok}, nil}, {[]string{"Bearer"}, nil}, {[]string{"Bearer "}, nil},
		{[]string{"Bearer " + tok, "Bearer " + tok}, nil}, {[]string{"DPoP " + tok, "Bearer " + tok}, []string{"p"}},
		{[]string{"Bearer  " + tok}, nil}, {[]string{"Bearer " + tok + " "}, nil}, {[]string{"Bearer " + tok + ", DPoP x"}, nil}, {[]string{" Bearer " + tok}, nil},
		{[]string{"Bearer\t" + tok}, nil}, {[]string{"Basic " + tok}, nil}, {[]string{"Bearer " + tok}, []string{"p"}}, {[]string{"Bearer " + tok}, []string{""}},
		{[]string{"DPoP " + tok}, nil}, {[]string{"DPoP " + tok}, []string{""}}, {[]string{"DPoP " + tok}, []string{"p", "p"}},
	} {
		a, err := token.ParseAuthorization(bad.auth, bad.dpop)
		if !errors.Is(err, token.ErrToken) || a != (token.Authorization{}) {
			t.Fatalf("%d values, %d proofs: %v", len(bad.auth), len(bad.dpop), err)
		}
	}
	for _, scheme := range []string{"Bearer", "bearer", "BEARER"} {
		a, err := token.ParseAuthorization([]string{scheme + " " + tok}, nil)
		if err != nil || a.Token != tok || a.Proof != "" {
			t.Fatal(scheme, err)
		}
		if p, err := a.Check(accepted(t, a.Token), htm, htu, now); err != nil || p != (token.Proof{}) {
			t.Fatal(scheme, err)
		}
	}

	day, _ := dayKey(t)
	bound := es256(header("ES256"), claims().with(obj{"cnf": obj{"jkt": day.Public().Thumbprint().String()}}))
	proof, err := token.NewProof(day, htm, htu, bound, now, "x")
	if err != nil {
		t.Fatal(err)
	}
	a, err := token.ParseAuthorization([]string{"DPoP " + bound}, []string{proof})
	if err != nil {
		t.Fatal(err)
	}
	if p, err := a.Check(accepted(t, a.Token), htm, htu, now); err != nil || !p.Key.Equal(day.Public()) || p.ID != "x" {
		t.Fatal(err)
	}
	const wrong = "a bound token as Bearer, or an unbound one as DPoP"
	if a, err = token.ParseAuthorization([]string{"Bearer " + bound}, nil); err != nil {
		t.Fatal(err)
	}
	p, err := a.Check(accepted(t, a.Token), htm, htu, now)
	proofRefused(t, p, err, wrong)
	if a, err = token.ParseAuthorization([]string{"DPoP " + tok}, []string{proof}); err != nil {
		t.Fatal(err)
	}
	p, err = a.Check(accepted(t, a.Token), htm, htu, now)
	proofRefused(t, p, err, wrong)
}
