package server_test

import (
	"errors"
	"slices"
	"testing"

	"sigill/client"
	"sigill/keys/bundle"
	"sigill/keys/ident"
	"sigill/scripts/authority"
)

// TestNotBuried: a draft that was returned cannot be passed over by a fresh one in the
// same case. Without it the fresh one is refused, and nothing is left of it; with it
// the decision cites it, which its author sees in the bundle and nobody is named by.
func TestNotBuried(t *testing.T) {
	r := published(t, authority.Options{})
	ctx := t.Context()
	asa, err := r.Caseworker("asa")
	if err != nil {
		t.Fatal(err)
	}
	own, err := asa.Submit(ctx, text("SN 2026-0417"))
	if err != nil {
		t.Fatal(err)
	}
	director, err := r.Signer("direktor", r.Director)
	if err != nil {
		t.Fatal(err)
	}
	c, err := director.Read(ctx, own.Decision)
	if err != nil {
		t.Fatal(err)
	}
	if err := director.Return(ctx, c, []string{"Pröva om."}); err != nil {
		t.Fatal(err)
	}

	bjorn, err := r.Caseworker("bjorn")
	if err != nil {
		t.Fatal(err)
	}
	var told []ident.Digest
	over := errors.New("we would rather not")
	bjorn.Earlier = func(list []ident.Digest) error { told = list; return over }
	fresh, err := bjorn.Submit(ctx, text("sn 2026-0417"))
	if !errors.Is(err, over) || fresh != nil || !slices.Equal(told, own.Revisions) {
		t.Fatalf("without the returned draft: %v, told of %v", err, told)
	}
	if inbox, err := director.Inbox(ctx); err != nil || len(inbox) != 0 {
		t.Fatalf("something of it is left: %d, %v", len(inbox), err)
	}
	bjorn.Earlier = nil
	if fresh, err = bjorn.Submit(ctx, text("sn 2026-0417")); err != nil {
		t.Fatal(err)
	}
	if c, err = director.Read(ctx, fresh.Decision); err != nil {
		t.Fatal(err)
	}
	_, raw, err := director.Sign(ctx, c)
	if err != nil {
		t.Fatal(err)
	}

	v, err := bundle.Verify(raw, r.Trust)
	if err != nil {
		t.Fatal(err)
	}
	kept := []client.Kept{{Matter: "mine", Own: own}}
	if got := client.CheckDecision(v, kept); got.Matter != "" || len(got.Uncited) != 0 || !slices.Equal(got.Cited, []client.CitedDraft{{Matter: "mine", Revision: 1}}) {
		t.Errorf("to the first author: %+v", got)
	}
	if got := client.CheckDecision(v, []client.Kept{{Matter: "mine", Own: fresh}}); got.Matter != "mine" || got.Revision != 1 {
		t.Errorf("to the second: %+v", got)
	}
}
