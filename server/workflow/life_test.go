package workflow_test

import (
	"context"
	"testing"

	"sigill/keys/bundle"
	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/statement"
)

// TestLife: a draft is sealed, seen, signed, verified and dispatched.
func TestLife(t *testing.T) {
	h := newHouse(t)
	ctx := context.Background()
	a := h.author("Åsa Öberg-Lindström")
	answer, err := a.submit()
	if err != nil {
		t.Fatal(err)
	}
	var rc statement.Receipt
	if _, _, err := jws.ReadBy(answer.Receipt, h.trust.LogKey, &rc); err != nil {
		t.Fatal(err)
	}
	items, _, err := h.ListInbox(ctx, h.signerCaller("förvaltningsdirektör", "SigningService/ListInbox"), 0, "")
	if err != nil || len(items) != 1 || items[0].ID != a.id {
		t.Fatal("inbox", len(items), err)
	}
	d, err := h.GetInboxDraft(ctx, h.signerCaller("förvaltningsdirektör", "SigningService/GetInboxDraft"), a.id)
	if err != nil {
		t.Fatal(err)
	}
	approval := must(h.approval("förvaltningsdirektör", d))
	b, err := h.CosignDecision(ctx, h.signerCaller("förvaltningsdirektör", "SigningService/CosignDecision"), approval)
	if err != nil {
		t.Fatal(err)
	}
	v, err := bundle.Verify(b, h.trust)
	if err != nil {
		t.Fatal(err)
	}
	if v.Decision.Number != 1 || v.DraftDigest() != a.last[0] {
		t.Fatal("not the decision")
	}
	if _, err := v.CheckHead(answer.Head); err != nil {
		t.Fatal(err)
	}
	again, err := h.CosignDecision(ctx, h.signerCaller("förvaltningsdirektör", "SigningService/CosignDecision"), approval)
	if err != nil || string(again) != string(b) {
		t.Fatal("another answer to the same approval", err)
	}
	dispatch := must(jws.Make(h.signers["registrator"], &statement.Dispatch{Authority: authority,
		Checkpoint: statement.Checkpoint{Root: v.Checkpoint.Root, Size: int64(v.Checkpoint.Size)}, Date: today(), Decision: a.id,
		Dissents: []ident.Digest{}, Statement: v.Digest}))
	if _, err := h.DispatchDecision(ctx, h.signerCaller("registrator", "SigningService/DispatchDecision"), dispatch); err != nil {
		t.Fatal(err)
	}
	h.sound()
}
