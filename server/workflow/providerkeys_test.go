package workflow_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"sigill/keys/disclosure"
	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/order"
	"sigill/keys/proof"
	"sigill/server/workflow"
)

const issuer = "https://idp.example"

// jwks is a key set with a fresh key for each kid.
func jwks(kids ...string) []byte {
	var keys []string
	for _, kid := range kids {
		j := newSigner(jws.ES256).Public().JWK()
		keys = append(keys, fmt.Sprintf(`{"alg":"ES256","crv":"P-256","kid":%q,"kty":"EC","use":"sig","x":%q,"y":%q}`, kid, j.X, j.Y))
	}
	return []byte(`{"keys":[` + strings.Join(keys, ",") + `]}`)
}

// TestProviderKeys: one entry for a key set, however many ask at once, also after a
// restart; another set, or another issuer's, is another.
func TestProviderKeys(t *testing.T) {
	bubble(t, "2026-11-22T12:00:00Z", func(t *testing.T) {
		h := newHouse(t)
		keys := jwks("a")
		record := func(issuer string, jwks []byte, n int) uint64 {
			t.Helper()
			got, calls := make([]uint64, n), make([]func(), n)
			for i := range n {
				calls[i] = func() { got[i] = must(h.RecordProviderKeys(ctx, issuer, jwks)) }
			}
			h.hold(func() { must(h.status()) }, calls...)
			if slices.Min(got) != slices.Max(got) {
				t.Fatal("different places:", got)
			}
			return got[0]
		}
		before := h.count(proof.ProviderKeys)
		first := record(issuer, keys, 16)
		h.same("entries", h.count(proof.ProviderKeys), before+1)
		h.same("kind", h.entries()[first].Kind, proof.ProviderKeys)
		if other := record(issuer, jwks("a"), 16); other == first {
			t.Fatal("another set at the same place")
		}
		if other := record("https://idp2.example", keys, 1); other == first {
			t.Fatal("another issuer at the same place")
		}
		h.reopen()
		h.same("place", record(issuer, keys, 16), first)
		h.same("entries", h.count(proof.ProviderKeys), before+3)
	})
}

// TestSameKeys: a set is what may verify by it. Spaces, order, other members and
// keys that are not used make no new entry; a key more, less or other does.
func TestSameKeys(t *testing.T) {
	h := newHouse(t)
	both := string(jwks("a", "b"))
	a, b, _ := strings.Cut(strings.TrimSuffix(strings.TrimPrefix(both, `{"keys":[`), `]}`), "},")
	a += "}"
	set := func(text string) uint64 { t.Helper(); return must(h.RecordProviderKeys(ctx, issuer, []byte(text))) }
	first, before := set(both), h.count(proof.ProviderKeys)
	for name, text := range map[string]string{
		"a space":        both + " ",
		"other order":    `{"keys":[` + b + `,` + a + `]}`,
		"a member":       `{"at":"2026-11-22","keys":[` + a + `,` + b + `]}`,
		"a key's":        strings.Replace(both, `"kid":"a"`, `"kid":"a","x5t":"eA"`, 1),
		"use left out":   strings.ReplaceAll(both, `"use":"sig",`, ""),
		"one not to use": `{"keys":[` + a + `,` + b + `,{"kty":"oct"}]}`,
	} {
		h.same(name, set(text), first)
	}
	h.same("entries", h.count(proof.ProviderKeys), before)
	for name, text := range map[string]string{
		"less":    `{"keys":[` + a + `]}`,
		"more":    `{"keys":[` + a + `,` + b + `,` + strings.TrimSuffix(strings.TrimPrefix(string(jwks("c")), `{"keys":[`), `]}`) + `]}`,
		"renamed": strings.Replace(both, `"kid":"a"`, `"kid":"c"`, 1),
		"another": string(jwks("a", "b")),
		"none":    strings.ReplaceAll(both, `"use":"sig"`, `"use":"enc"`),
	} {
		before := h.count(proof.ProviderKeys)
		index := set(text)
		want := before + 1
		if name == "none" { // the house began with it
			want = before
		}
		if h.count(proof.ProviderKeys) != want || index == first {
			t.Error(name, "is taken for another set")
		}
	}
	h.same("the first again", set(both), first)
}

// TestKeySetsADay: a provider whose keys never rest does not fill the log, and with
// it every package: of its new sets eight are taken in a day.
func TestKeySetsADay(t *testing.T) {
	bubble(t, "2026-11-22T12:00:00Z", func(t *testing.T) {
		h := newHouse(t) // with its first
		a := h.author("Åsa Öberg")
		a.submitReal() // under the second
		v := h.sign(a)
		var last []byte
		for range 6 {
			last = jwks("a")
			must(h.RecordProviderKeys(ctx, issuer, last))
		}
		for range 3 {
			h.refuses(workflow.ErrBusy, workflow.ReasonTooMany, nothing, func() error { _, err := h.RecordProviderKeys(ctx, issuer, jwks("a")); return err })
			h.reopen()
		}
		h.same("entries", h.count(proof.ProviderKeys), 8)
		must(h.RecordProviderKeys(ctx, issuer, last)) // what is recorded is still found
		must(h.RecordProviderKeys(ctx, "https://idp2.example", jwks("a")))
		sleepUntil("2026-11-22T23:00:00Z") // midnight in Sweden
		for range 8 {
			must(h.RecordProviderKeys(ctx, issuer, jwks("a")))
		}
		h.refuses(workflow.ErrBusy, workflow.ReasonTooMany, nothing, func() error { _, err := h.RecordProviderKeys(ctx, issuer, jwks("a")); return err })
		h.same("entries", h.count(proof.ProviderKeys), 17)
		c := h.court("Förvaltningsrätten", order.CourtOrder)
		id := c.request(v, order.CourtOrder, decider, evidence)
		for _, at := range [][2]int{{1, 1}, {1, 2}, {2, 1}} {
			h.vote(at[0], at[1], id, decider, evidence)
		}
		p := must(disclosure.Open(must(h.CollectOpening(ctx, c.caller("CollectOpening"), id)), h.trust, c.recipient))
		h.same("evidence", p.Evidence.Name, a.name)
		h.same("received", p.Evidence.Received, ident.DateOf(time.Now()).AddDays(-1))
	})
}
