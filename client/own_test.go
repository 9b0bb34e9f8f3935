package client_test

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"sigill/client"
	"sigill/keys/ident"
)

// TestLostAnswer: a draft whose answer was lost is found again by what the author
// kept before it was sent, and nobody else's is.
func TestLostAnswer(t *testing.T) {
	ctx := context.Background()
	r, end := begin(ctx)
	defer end()
	asa, err := r.Caseworker("asa")
	if err != nil {
		t.Fatal(err)
	}
	var kept []client.Own
	asa.Store = func(o *client.Own) error { kept = append(kept, *o); return nil }
	own, err := asa.Submit(ctx, decisionText())
	if err != nil {
		t.Fatal(err)
	}
	if len(kept) != 2 || len(kept[0].Revisions) != 0 || kept[0].Sent != own.Revisions[0] || len(kept[1].Receipts) != 1 {
		t.Fatalf("kept %d times: %+v", len(kept), kept)
	}
	lost := kept[0]
	if _, err := asa.Get(ctx, &lost); err != nil {
		t.Fatal(err)
	}
	if len(lost.Revisions) != 1 || !lost.Sent.IsZero() {
		t.Errorf("after the answer: %+v", lost)
	}
	wrong := kept[0]
	wrong.Sent = ident.Sum("another draft")
	if _, err := asa.Get(ctx, &wrong); !errors.Is(err, client.ErrSeal) || len(wrong.Revisions) != 0 {
		t.Errorf("another draft: %v", err)
	}
}

// TestAfterLostAnswer: an author who sends again before looking neither loses the
// matter nor the revision that had arrived; nor does one whose first never arrived.
func TestAfterLostAnswer(t *testing.T) {
	ctx := context.Background()
	r, end := begin(ctx)
	defer end()
	asa, err := r.Caseworker("asa")
	if err != nil {
		t.Fatal(err)
	}
	var kept []client.Own
	asa.Store = func(o *client.Own) error { kept = append(kept, *o); return nil }
	if _, err := asa.Submit(ctx, decisionText()); err != nil {
		t.Fatal(err)
	}
	lost := kept[0] // the first revision was taken, the answer lost
	if err := asa.Revise(ctx, &lost, decisionText()); err != nil || len(lost.Revisions) != 2 {
		t.Fatalf("%v, %d revisions", err, len(lost.Revisions))
	}
	lost.Sent = ident.Sum("a third that was never taken")
	if err := asa.Withdraw(ctx, &lost); err != nil || !lost.Sent.IsZero() {
		t.Fatal(err)
	}
	never := client.Own{Typ: client.TypOwn, AuthorKey: bytes.Repeat([]byte{7}, 32), Case: "SN2026-9", Decision: ident.NewID(),
		Nonce: bytes.Repeat([]byte{8}, 32), Sent: ident.Sum("never taken"), Watch: bytes.Repeat([]byte{9}, 32)}
	text := decisionText()
	text.Case = never.Case
	if err := asa.Revise(ctx, &never, text); err != nil || len(never.Revisions) != 1 {
		t.Fatalf("%v, %+v", err, never)
	}
}

// TestOtherLogin: with another login than the one that drafted, nothing is sent; the
// server would name the caller beside the decision.
func TestOtherLogin(t *testing.T) {
	ctx := context.Background()
	r, end := begin(ctx)
	defer end()
	asa, own := drafted(ctx, r)
	asa.Me.Issuer = "https://another.example"
	_, get := asa.Get(ctx, own)
	_, openings := asa.Openings(ctx, own)
	for call, err := range map[string]error{"get": get, "openings": openings, "revise": asa.Revise(ctx, own, decisionText()),
		"dissent": asa.Dissent(ctx, own, []string{"Nej."}), "withdraw": asa.Withdraw(ctx, own)} {
		if !errors.Is(err, client.ErrLogin) {
			t.Errorf("%s: %v", call, err)
		}
	}
	if len(own.Revisions) != 1 || !own.Sent.IsZero() {
		t.Errorf("%+v", own)
	}
}

// TestKeptFirst: what cannot be kept is not sent.
func TestKeptFirst(t *testing.T) {
	ctx := context.Background()
	r, end := begin(ctx)
	defer end()
	asa, err := r.Caseworker("asa")
	if err != nil {
		t.Fatal(err)
	}
	full := errors.New("no space")
	asa.Store = func(*client.Own) error { return full }
	own, err := asa.Submit(ctx, decisionText())
	if !errors.Is(err, full) {
		t.Fatalf("%v", err)
	}
	director, err := r.Signer("direktor", r.Director)
	if err != nil {
		t.Fatal(err)
	}
	if list, err := director.Inbox(ctx); err != nil || len(list) != 0 {
		t.Errorf("sent all the same: %v, %v, %+v", list, err, own)
	}
}

// TestUnfit: a case that cannot be signed is not, whatever the caller does.
func TestUnfit(t *testing.T) {
	g := &client.Signer{}
	if v, b, err := g.Sign(context.Background(), &client.Case{Unfit: client.ErrSuperseded}); !errors.Is(err, client.ErrSuperseded) || v != nil || b != nil {
		t.Errorf("%v", err)
	}
}
