package client_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"testing"

	"google.golang.org/grpc/codes"

	"sigill/client"
	"sigill/keys/guard"
	"sigill/keys/ident"
	"sigill/scripts/authority"
)

// inbox is how many drafts the director is shown.
func inbox(t *testing.T, r *authority.Running) int {
	t.Helper()
	d, err := r.Signer("direktor", r.Director)
	if err != nil {
		t.Fatal(err)
	}
	list, err := d.Inbox(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

func caseworker(t *testing.T, r *authority.Running, user string) *client.Caseworker {
	t.Helper()
	w, err := r.Caseworker(user)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

var allLost = []codes.Code{codes.Unavailable, codes.Unavailable, codes.Unavailable, codes.Unavailable}

// TestSubmitAgain: the same submission after a lost answer is the answer, with the
// receipt and the seal checked; it makes one draft, whatever was tried in between.
func TestSubmitAgain(t *testing.T) {
	r, l := beginLossy(t)
	h, _ := openHome(t)
	l.lose("SubmitDraft", allLost...)
	name, own, err := h.Submit(t.Context(), caseworker(t, r, "asa"), decisionText(), false)
	unsure(t, err)
	lost := (*client.UnansweredError)(nil)
	if !errors.As(err, &lost) || lost.Matter != name || own.Pending == nil {
		t.Fatalf("%q, %+v, %v", name, own, err)
	}
	if _, kept, err := h.Matter(name); err != nil || kept.Pending == nil {
		t.Fatalf("not kept to be sent again: %v", err)
	}
	// Still no answer: nothing new is sent.
	l.lose("SubmitDraft", allLost...)
	if again, _, err := h.Submit(t.Context(), caseworker(t, r, "asa"), decisionText(), true); !errors.As(err, &lost) || again != name {
		t.Fatalf("%q, %v", again, err)
	}
	// A login that is refused tells nothing either.
	l.lose("SubmitDraft", codes.Unauthenticated)
	out := caseworker(t, r, "asa")
	out.Token = func(context.Context) (string, error) { return "e30.e30.AA", nil }
	if again, _, err := h.Submit(t.Context(), out, decisionText(), false); !errors.As(err, &lost) || again != name {
		t.Fatalf("%q, %v", again, err)
	}
	asa := caseworker(t, r, "asa")
	told := []string{}
	asa.Settled = func(matter string, taken bool) {
		if taken {
			told = append(told, matter)
		}
	}
	again, own, err := h.Submit(t.Context(), asa, decisionText(), false)
	if err != nil || again != name || len(own.Receipts) != 1 || own.Pending != nil || !slices.Equal(told, []string{name}) {
		t.Fatalf("%q, %+v, %v, told %v", again, own, err, told)
	}
	if n := inbox(t, r); n != 1 {
		t.Errorf("%d drafts", n)
	}
	if _, kept, err := h.Matter(name); err != nil || len(kept.Revisions) != 1 || kept.Pending != nil || !kept.Sent.IsZero() {
		t.Errorf("kept %+v, %v", kept, err)
	}
}

// TestSubmitNeverArrived: what never arrived is sent as it was; where it is refused
// by then, the matter is gone and the new text is submitted.
func TestSubmitNeverArrived(t *testing.T) {
	r, l := beginLossy(t)
	h, _ := openHome(t)
	l.drop("SubmitDraft", allLost...)
	name, _, err := h.Submit(t.Context(), caseworker(t, r, "asa"), decisionText(), false)
	unsure(t, err)
	if inbox(t, r) != 0 {
		t.Fatal("it arrived")
	}
	again, _, err := h.Submit(t.Context(), caseworker(t, r, "asa"), decisionText(), false)
	if err != nil || again != name || inbox(t, r) != 1 {
		t.Fatalf("%q, %v", again, err)
	}
	// In another case, with a colleague's draft between the two.
	text := decisionText()
	text.Case = "SN 2026-00418"
	l.drop("SubmitDraft", allLost...)
	name, _, err = h.Submit(t.Context(), caseworker(t, r, "asa"), text, false)
	unsure(t, err)
	if _, err := caseworker(t, r, "bjorn").Submit(t.Context(), text); err != nil {
		t.Fatal(err)
	}
	again, _, err = h.Submit(t.Context(), caseworker(t, r, "asa"), text, false)
	if err != nil || again == name || inbox(t, r) != 3 {
		t.Fatalf("%q, %v, %d", again, err, inbox(t, r))
	}
	if _, _, err := h.Matter(name); !errors.Is(err, client.ErrNoMatter) {
		t.Errorf("the refused one is kept: %v", err)
	}
}

// TestSubmitAnother: beside a draft of one's own no other is made unless asked for;
// a colleague's stands in nobody's way.
func TestSubmitAnother(t *testing.T) {
	r, l := beginLossy(t)
	h, _ := openHome(t)
	asa := caseworker(t, r, "asa")
	name, _, err := h.Submit(t.Context(), asa, decisionText(), false)
	if err != nil {
		t.Fatal(err)
	}
	mine := (*client.AnotherError)(nil)
	if _, _, err := h.Submit(t.Context(), asa, decisionText(), false); !errors.As(err, &mine) || !slices.Equal(mine.Matters, []string{name}) {
		t.Fatalf("%v", err)
	}
	// Nor beside one of other text whose answer was lost.
	other := decisionText()
	other.Title, other.Case = "Avslag", "SN 2026-00420"
	l.lose("SubmitDraft", allLost...)
	lost, _, err := h.Submit(t.Context(), asa, other, false)
	unsure(t, err)
	other.Title = "Bifall"
	if _, _, err := h.Submit(t.Context(), asa, other, false); !errors.As(err, &mine) || !slices.Equal(mine.Matters, []string{lost}) {
		t.Fatalf("%v", err)
	}
	if list, err := h.Matters(); err != nil || len(list) != 2 || inbox(t, r) != 2 {
		t.Fatalf("%v, %v, %d shown", list, err, inbox(t, r))
	}
	var shown []ident.Digest
	asa.Earlier = func(list []ident.Digest) error { shown = list; return nil }
	if _, _, err := h.Submit(t.Context(), asa, decisionText(), true); err != nil || len(shown) != 1 {
		t.Fatalf("%v, %v", err, shown)
	}
	h2, _ := openHome(t)
	if _, _, err := h2.Submit(t.Context(), caseworker(t, r, "bjorn"), decisionText(), false); err != nil {
		t.Errorf("beside a colleague's: %v", err)
	}
}

// TestSubmitAgainChecks: an answer to what is asked again is held against what was
// sent, as a first one is.
func TestSubmitAgainChecks(t *testing.T) {
	r, l := beginLossy(t)
	h, _ := openHome(t)
	asa := caseworker(t, r, "asa")
	l.lose("SubmitDraft", allLost...)
	text := decisionText()
	text.Content = append(text.Content, bytes.Repeat([]byte("Mer.\n\n"), guard.MaxContent/6-20)...) // as long as one may be
	name, own, err := h.Submit(t.Context(), asa, text, false)
	unsure(t, err)
	own.Pending.Token, asa.Me.Token = "e30.e30.AA", "e30.e30.AQ" // the server sealed neither
	if err := h.SaveMatter(name, own); err != nil {
		t.Fatal(err)
	}
	again, own, err := h.Submit(t.Context(), asa, text, false)
	if !errors.Is(err, client.ErrSeal) || again != name || len(own.Revisions) != 1 {
		t.Fatalf("%q, %v", again, err)
	}
	if _, kept, err := h.Matter(name); err != nil || len(kept.Receipts) != 1 {
		t.Errorf("what proves it is not kept: %+v, %v", kept, err)
	}
}
