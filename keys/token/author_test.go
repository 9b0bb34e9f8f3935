package token_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/token"
)

func authorRead() token.AuthorRead {
	return token.AuthorRead{Authority: "212000-0142", Decision: ident.IDFromBytes([16]byte{1, 2, 3}),
		Method: "/sigill.v1.DraftingService/GetDraft", Request: [16]byte{4, 5, 6}}
}

func TestAuthorProof(t *testing.T) {
	author, _, err := jws.Generate(jws.EdDSA)
	if err != nil {
		t.Fatal(err)
	}
	other, _, err := jws.Generate(jws.EdDSA)
	if err != nil {
		t.Fatal(err)
	}
	day, _ := dayKey(t)
	r := authorRead()
	proof, err := token.NewAuthorProof(author, r, now)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range []time.Duration{-60 * time.Second, 0, 60 * time.Second} {
		if err := token.CheckAuthorProof(proof, author.Public(), r, now.Add(d)); err != nil {
			t.Fatal(err)
		}
	}
	check := func(name, proof string, key *jws.PublicKey, want token.AuthorRead, at time.Time) {
		t.Helper()
		if err := token.CheckAuthorProof(proof, key, want, at); !errors.Is(err, token.ErrToken) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, change := range map[string]func(*token.AuthorRead){
		"authority": func(r *token.AuthorRead) { r.Authority = "232100-0016" },
		"decision":  func(r *token.AuthorRead) { r.Decision = ident.IDFromBytes([16]byte{9}) },
		"method":    func(r *token.AuthorRead) { r.Method = "/sigill.v1.DraftingService/ListSealOpenings" },
		"request":   func(r *token.AuthorRead) { r.Request[15] = 1 },
	} {
		w := r
		change(&w)
		check(name, proof, author.Public(), w, now)
	}
	check("late", proof, author.Public(), r, now.Add(61*time.Second))
	check("early", proof, author.Public(), r, now.Add(-61*time.Second))
	check("another key", proof, other.Public(), r, now)
	check("a day key", proof, day.Public(), r, now)
	check("empty", "", author.Public(), r, now)
	long := r
	long.Method = "/" + strings.Repeat("m", token.MaxProof)
	s, err := token.NewAuthorProof(author, long, now)
	if err != nil {
		t.Fatal(err)
	}
	check("long", s, author.Public(), long, now)
	for i := range len(proof) {
		b := []byte(proof)
		b[i] ^= 1
		check("a changed byte", string(b), author.Public(), r, now)
	}
	// A reviewer's key proof has the same form, and may be by a P-256 key.
	s, err = token.NewAuthorProof(day, r, now)
	if err != nil || token.CheckAuthorProof(s, day.Public(), r, now) != nil {
		t.Fatal("a P-256 key cannot prove itself", err)
	}
	check("by another key", s, author.Public(), r, now)
	// Another statement of the same bytes is no proof.
	type payload struct {
		Authority string `json:"authority"`
		Decision  string `json:"decision"`
		Issued    int64  `json:"issued"`
		Method    string `json:"method"`
		Request   string `json:"request"`
	}
	s, err = jws.Sign(author, "sigill-withdrawal+jws", payload{string(r.Authority), string(r.Decision), now.Unix(), r.Method, b64.EncodeToString(r.Request[:])})
	if err != nil {
		t.Fatal(err)
	}
	check("another typ", s, author.Public(), r, now)
}
