package workflow_test

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"sigill/keys/bundle"
	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/proof"
	"sigill/keys/token"
	"sigill/server/access"
	"sigill/server/workflow"
)

// live plays all that an author can do and have refused, to a dispatched decision
// and a withdrawn draft. It returns every answer to somebody else, and errors to
// anyone.
func (h *house) live(name string) (a *author, answers []string) {
	h.t.Helper()
	say := func(v any, err error) {
		answers = append(answers, fmt.Sprintf("%+v", v))
		if err != nil {
			answers = append(answers, err.Error(), fmt.Sprintf("%+v", err))
		}
	}
	a = h.author(name)
	a.content = text + "\nHandläggare: " + name + "\n"
	say(a.submit())
	a.content = text
	must(a.submit())
	say(h.sendBack(director, a))
	must(a.submit())
	must(a.get())
	must(a.dissent("Jag är skiljaktig."))
	say(a.dissent("Jag, " + name + ", är skiljaktig."))
	d, err := h.look(director, a.id)
	say(d, err)
	answers = append(answers, string(d.Content), string(d.Head))
	items, _, err := h.ListInbox(ctx, h.signerCaller(director, "SigningService/ListInbox"), 0, "")
	say(items, err)
	b := must(h.cosign(director, must(h.approval(director, d))))
	answers = append(answers, string(b))
	say(a.submit())
	say(h.dispatch(registrar, a.id, must(bundle.Verify(b, h.trust)).Digest, d.Dissents...))
	say(h.status())
	w := h.author(name).in("SN2026-2")
	must(w.submit())
	must(w.withdraw())
	for _, l := range []string{"GetDraft", "GetBundle", "ListSealOpenings"} { // a clock that is wrong
		c := a.reader(l)
		c.Received = c.Received.Add(5 * time.Minute)
		_, err := h.GetDraft(ctx, c, a.id)
		say(nil, err)
	}
	must(0, h.PublishOwed(ctx, time.Now().AddDate(0, 0, 8)))
	return a, answers
}

// forms are the ways in which a value can stand somewhere.
func forms(v string) []string {
	out := []string{v, hex.EncodeToString([]byte(v)), strings.ToUpper(v)}
	for i := range 3 { // base64 at three offsets, without what depends on the neighbours
		s := base64.RawStdEncoding.EncodeToString(append(make([]byte, i), v...))
		out = append(out, s[(i*8+5)/6:len(s)-2], strings.NewReplacer("+", "-", "/", "_").Replace(s)[(i*8+5)/6:len(s)-2])
	}
	return out
}

// TestAuthorLeavesNoTrace: after all that an author can do, nothing at rest (under
// the gate and the matters' keys), no answer and no error says who it was. The
// signer's name is found where it belongs, so the search can find.
func TestAuthorLeavesNoTrace(t *testing.T) {
	h := newHouse(t)
	const name = "Åsa Öberg-Lindström"
	a, answers := h.live(name)
	rows := h.rows()
	for what, value := range map[string]string{"subject": "sub-" + name, "name": name, "token": "token-of-" + name, "nonce": string(a.nonce[:]),
		"day key": string(must(jws.Canonical(a.day.Public().JWK()))), "day key's thumbprint": a.day.Public().Thumbprint().String()} {
		for i, form := range forms(value) {
			if found := where(rows, form); found != nil {
				t.Errorf("the author's %s (form %d) lies in %v", what, i, found)
			}
			for n, answer := range answers {
				if strings.Contains(answer, form) {
					t.Errorf("the author's %s (form %d) stands in answer %d", what, i, n)
				}
			}
		}
	}
	h.same("the signer", where(rows, "sub-Officer "+director), []string{"account"})
	for key, value := range rows { // no account of a caseworker's at all
		if strings.Contains(key, "sigill.v1") {
			t.Errorf("a key, which lies in clear, names a method: %q", key)
		}
		if strings.HasPrefix(key, "account/") && strings.Contains(value, string(token.Caseworker)) {
			t.Error("a caseworker has an account")
		}
	}
	for _, e := range h.entries() {
		if e.Kind == proof.Event && e.Tag == (proof.Tag{}) {
			t.Error("an event without a random tag")
		}
	}
}

// TestAuthorCalls: what authors did is counted by day and method.
func TestAuthorCalls(t *testing.T) {
	h := newHouse(t)
	a := h.author("Åsa Öberg")
	must(a.submit())
	must(a.submit())
	want := map[string]uint64{}
	for _, m := range access.AuthorMethods() {
		want[m] = 0
	}
	h.same("yesterday", must(h.AuthorCalls(ctx, today().AddDays(-1))), want)
	want["/sigill.v1.DraftingService/SubmitDraft"], want["/sigill.v1.DraftingService/ReviseDraft"] = 1, 1
	h.same("today", must(h.AuthorCalls(ctx, today())), want)
}

// Two authors with names of other lengths leave rows of the same
// number and the same sizes in every room.
func TestE15_authorsAlike(t *testing.T) {
	shapes := func(name string) (out []string) {
		h := newHouse(t)
		h.live(name)
		for key, value := range h.rows() {
			room, k, _ := strings.Cut(key, "/")
			out = append(out, fmt.Sprintf("%s %d %d", room, len(k), len(value)))
		}
		slices.Sort(out)
		return out
	}
	one, other := shapes("Bo Ek"), shapes("Anna-Karin Öberg Lindström af Ugglas")
	for i := range one {
		if one[i] != other[i] {
			t.Fatalf("%q and %q: the sizes tell the authors apart", one[i], other[i])
		}
	}
}

// TestLostSubmission: an author whose submission was lost asks after it, and sends
// it again. A name beside the decision's id, or at that minute, would be the name in
// the seal.
func TestLostSubmission(t *testing.T) {
	h := newHouse(t)
	a := h.author("Åsa Öberg")
	h.refuses(workflow.ErrNotFound, workflow.ReasonAbsent, nothing, func() error { _, err := a.get(); return err })
	must(a.submit())
	must(a.get())
	if found := where(h.rows(), "sub-Åsa Öberg"); found != nil {
		t.Fatal("the author stands in", found)
	}
}

// TestNoProvider: the key that verified an author's token, which says where and
// about when they logged in, lies nowhere in clear; a retry is answered with it.
func TestNoProvider(t *testing.T) {
	h := newHouse(t)
	a := h.author("Åsa Öberg")
	for range 2 { // a submission, a revision
		in, _ := a.submission()
		c := a.caller("SubmitDraft")
		call := h.SubmitDraft
		if len(a.last) > 0 {
			c, call = a.caller("ReviseDraft"), h.ReviseDraft
		}
		c.Key = []byte(`{"kid":"of the small provider"}`)
		first := must(call(ctx, c, in))
		a.last = append(a.last, jws.Digest(in.Statement))
		if found := where(h.rows(), "of the small provider"); found != nil {
			t.Fatal("the provider's key lies in", found)
		}
		c.Key = []byte(`{"kid":"a later one"}`)
		h.same("the retry", must(call(ctx, c, in)), first)
	}
}

// TestProof: an author proof is good for one call, decision, request and time.
func TestProof(t *testing.T) {
	h := newHouse(t)
	a, b := h.author("Åsa Öberg"), h.author("Bo Ek").in("SN2026-2")
	must(a.submit())
	must(b.submit())
	for name, spoil := range map[string]func(c *workflow.Caller){
		"none":               func(c *workflow.Caller) { c.Proof = "" },
		"of another request": func(c *workflow.Caller) { c.RequestID[0] ^= 1 },
		"of another method":  func(c *workflow.Caller) { c.Proof = a.reader("GetBundle").Proof },
		"of another matter":  func(c *workflow.Caller) { c.Proof = b.reader("GetDraft").Proof },
		"old":                func(c *workflow.Caller) { c.Received = c.Received.Add(2 * time.Minute) },
		"garbage":            func(c *workflow.Caller) { c.Proof = strings.Repeat("x", 5000) },
	} {
		c := a.reader("GetDraft")
		spoil(c)
		h.refuses(workflow.ErrNotFound, workflow.ReasonAbsent, byDay, func() error { _, err := h.GetDraft(ctx, c, a.id); return err })
		_ = name
	}
	c := a.reader("GetDraft") // without the nonce the token opens nothing
	c.Nonce = nil
	h.refuses(workflow.ErrNotFound, workflow.ReasonAbsent, byName, func() error { _, err := h.GetDraft(ctx, c, a.id); return err })
	for _, id := range []ident.ID{"", "x", ident.ID(strings.Repeat("ö", 13))} {
		h.refuses(workflow.ErrNotFound, workflow.ReasonAbsent, nothing, func() error { _, err := h.GetDraft(ctx, a.reader("GetDraft"), id); return err })
	}
}

// TestLooksAreFiled: each look of a named caller at a matter is filed, under one
// entry of the log, before its answer leaves; without a record there is no answer.
func TestLooksAreFiled(t *testing.T) {
	h := newHouse(t)
	a := h.author("Åsa Öberg")
	h.sign(a)
	for name, look := range map[string]func() error{
		"GetBundle": func() error {
			_, err := h.GetBundle(ctx, h.signerCaller(deputy, "VerificationService/GetBundle"), a.id)
			return err
		},
		"ListInbox": func() error {
			return second(h.ListInbox(ctx, h.signerCaller(director, "SigningService/ListInbox"), 0, ""))
		},
		"GetStatus": func() error { _, err := h.status(); return err },
	} {
		before, events := h.rows(), h.count(proof.Event)
		must(0, look())
		got := changed(before, h.rows())
		delete(got, "account")
		delete(got, "login")
		if !maps.Equal(got, map[string]int{"trail": 1}) || h.count(proof.Event) != events+1 {
			t.Fatal(name, "left", got)
		}
	}
	h.refuses(workflow.ErrNotFound, workflow.ReasonAbsent, byName, func() error {
		_, err := h.GetBundle(ctx, h.signerCaller(deputy, "VerificationService/GetBundle"), ident.NewID())
		return err
	})
	pending := h.author("Bo Ek").in("SN2026-2")
	must(pending.submit())
	h.refuses(workflow.ErrNotFound, workflow.ReasonAbsent, byName, func() error {
		_, err := h.GetBundle(ctx, h.signerCaller(deputy, "VerificationService/GetBundle"), pending.id)
		return err
	})
	if _, err := h.GetBundle(ctx, pending.reader("GetBundle"), pending.id); err == nil {
		t.Fatal("a bundle of what is not signed")
	}
}
