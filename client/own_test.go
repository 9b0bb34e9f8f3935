package client_test

import (
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
