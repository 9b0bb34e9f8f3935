package workflow_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/server/gate"
)

// TestRequestRowsAlike: what lies in the store of an author's requests has one size,
// whichever key of whichever provider verified the token and wherever in the log its
// key set lies. The size would else say who logged in how, beside a decision.
func TestRequestRowsAlike(t *testing.T) {
	h := newHouse(t)
	sizes := map[int][]string{}
	before := h.rows()
	for i, key := range []string{`{"alg":"ES256","crv":"P-256","kid":"1","kty":"EC","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","y":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`,
		`{"alg":"RS256","e":"AQAB","kid":"nyckel-2026-11","kty":"RSA","n":"` + strings.Repeat("x", 342) + `"}`, strings.Repeat("k", 2<<10)} {
		a := h.author("Åsa").in(fmt.Sprint("SN2026-", i+1))
		in, _ := a.submission()
		c := a.caller("SubmitDraft")
		c.Key = []byte(key)
		c.KeysIndex = []uint64{0, 300, 1 << 40}[i]
		first := must(h.SubmitDraft(ctx, c, in))
		if string(first.Key) != key || first.KeysIndex != c.KeysIndex {
			t.Fatal("another answer")
		}
		h.same("the answer again", *must(h.SubmitDraft(ctx, c, in)), *first)
		after := h.rows()
		for key, value := range after {
			if _, was := before[key]; !was && strings.HasPrefix(key, "request/") {
				sizes[len(value)] = append(sizes[len(value)], fmt.Sprint("key ", i))
			}
		}
		before = after
	}
	if len(sizes) != 1 {
		t.Errorf("rows of different sizes: %v", sizes)
	}
}

// TestPrintIsNoName: who has the store's keys and a published decision does not find
// the request that sent its draft: what a row is told by cannot be made from what was
// sent, but with the request id as well, which nobody keeps.
func TestPrintIsNoName(t *testing.T) {
	h := newHouse(t)
	a := h.author("Åsa")
	in, _ := a.submission()
	c := a.caller("SubmitDraft")
	must(h.SubmitDraft(ctx, c, in))
	store := h.store.(*gate.Store)
	one, two := ident.Sum("submit"), jws.Digest(in.Statement)
	sha := ident.Sum(append(one[:], two[:]...))
	var known []string
	for _, b := range [][]byte{sha[:], two[:]} {
		known = append(known, string(b))
	}
	for _, parts := range [][][]byte{{[]byte("submit"), []byte(in.Statement)}, {sha[:]}, {one[:], two[:]}} {
		mac := store.MAC("print", parts...)
		known = append(known, string(mac[:]))
	}
	found := 0
	for key, value := range h.rows() {
		if !strings.HasPrefix(key, "request/") {
			continue
		}
		found++
		if slices.ContainsFunc(known, func(k string) bool { return strings.Contains(value, k) }) {
			t.Error("the row of a request can be told by the draft that it sent")
		}
		if strings.Contains(value, string(c.RequestID[:])) {
			t.Error("the row of a request holds its id")
		}
	}
	if found == 0 {
		t.Fatal("no rows of requests")
	}
}
