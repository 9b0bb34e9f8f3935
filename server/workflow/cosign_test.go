package workflow_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/fxamacker/cbor/v2"

	"sigill/keys/bundle"
	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/order"
	"sigill/keys/proof"
	"sigill/keys/seal"
	"sigill/keys/statement"
	"sigill/keys/token"
	"sigill/keys/unseal"
	"sigill/server/workflow"
)

// TestApprovalRefused: an approval stands for exactly this draft, this seal, this
// signer and this log.
func TestApprovalRefused(t *testing.T) {
	h := newHouse(t)
	a := h.author("Åsa Öberg")
	must(a.submit())
	must(h.cosign(director, h.approve(director, h.signedElsewhere().id))) // the login's key is bound
	h.look(deputy, a.id)
	shown := must(h.look(director, a.id))
	for name, row := range map[string]struct {
		kind   error
		reason string
		field  string
		leaves string
		edit   func(ap *statement.Approval)
	}{
		"another title":   {workflow.ErrInvalid, workflow.ReasonField, "approval.signer.title", nothing, func(ap *statement.Approval) { ap.Signer.Title = "chef" }},
		"another seal":    {workflow.ErrInvalid, workflow.ReasonContradiction, "approval.core", nothing, func(ap *statement.Approval) { ap.Core[0] ^= 1 }},
		"another record":  {workflow.ErrInvalid, workflow.ReasonContradiction, "approval.core", nothing, func(ap *statement.Approval) { ap.Record[0] ^= 1 }},
		"a later log":     {workflow.ErrInvalid, workflow.ReasonField, "approval.checkpoint", nothing, func(ap *statement.Approval) { ap.Checkpoint.Size += 1000 }},
		"a forked log":    {workflow.ErrInvalid, workflow.ReasonContradiction, "approval.checkpoint", nothing, func(ap *statement.Approval) { ap.Checkpoint.Root[0] ^= 1 }},
		"an earlier fork": {workflow.ErrInvalid, workflow.ReasonContradiction, "approval.checkpoint", nothing, func(ap *statement.Approval) { ap.Checkpoint.Size-- }},
		"yesterday":       {workflow.ErrState, workflow.ReasonDay, "", byName, func(ap *statement.Approval) { ap.Date = today().AddDays(-1) }},
		"a draft signed anew": {workflow.ErrNotFound, workflow.ReasonAbsent, "", byName, func(ap *statement.Approval) {
			var d statement.Draft
			must(0, jws.Peek(ap.Draft, &d))
			forger, _, err := jws.Generate(jws.EdDSA)
			ap.Draft = must(jws.Make(must(forger, err), &d, jws.Embed()))
		}},
		"a draft with another signature": {workflow.ErrNotFound, workflow.ReasonAbsent, "", byName, func(ap *statement.Approval) {
			last := strings.LastIndexByte(ap.Draft, '.') + 1
			ap.Draft = ap.Draft[:last] + strings.Repeat("A", 86)
		}},
		"another authority": {workflow.ErrInvalid, workflow.ReasonField, "statement.draft", nothing, func(ap *statement.Approval) { ap.Authority = "202100-5489" }},
		"not declared":      {workflow.ErrInvalid, workflow.ReasonField, "statement.signer.declared", nothing, func(ap *statement.Approval) { ap.Signer.Declared = "BIASED" }},
		"a name that is not shown": {workflow.ErrInvalid, workflow.ReasonField, "statement.signer.name", nothing, func(ap *statement.Approval) {
			ap.Signer.Name = "Officer " + director
		}},
	} {
		t.Run(name, func(t *testing.T) {
			h.t = t
			var ap statement.Approval
			must(0, jws.Peek(must(h.approval(director, shown)), &ap))
			row.edit(&ap)
			compact := must(jws.Sign(h.signers[director], statement.TypApproval, &ap))
			no := h.refuses(row.kind, row.reason, row.leaves, func() error { _, err := h.cosign(director, compact); return err })
			h.same("field", no.Field, row.field)
		})
	}
	h.t = t
	must(h.cosign(director, must(h.approval(director, shown)))) // the very draft, unchanged
}

// signedElsewhere is a matter of nobody's.
func (h *house) signedElsewhere() *author {
	a := h.author("Eva Falk").in("SN2026-" + fmt.Sprint(h.ledger.Head().Size))
	must(a.submit())
	return a
}

// TestWhoSigns: the key, the account, the item and the role must all be right, at
// the time of the signature.
func TestWhoSigns(t *testing.T) {
	h := newHouse(t)
	a, lvu := h.author("Åsa Öberg"), h.author("Bo Ek").board().in("SN2026-2")
	must(a.submit())
	must(lvu.submit())
	shown := must(h.look(director, a.id))
	byDirector := must(h.approval(director, shown))
	refuses := func(kind error, reason, title, approval string) {
		t.Helper()
		h.refuses(kind, reason, byName, func() error { _, err := h.cosign(title, approval); return err })
	}
	must(h.cosign(director, h.approve(director, h.signedElsewhere().id))) // binds the login
	refuses(workflow.ErrPermission, workflow.ReasonKey, director, must(h.approval(deputy, shown)))
	must(h.cosign(deputy, h.approve(deputy, h.signedElsewhere().id)))
	refuses(workflow.ErrPermission, workflow.ReasonKey, deputy, byDirector)
	h.signers["okänd"] = newSigner(jws.ES256)
	refuses(workflow.ErrPermission, workflow.ReasonKey, director, must(h.approval("okänd", shown)))
	// A login with a key of its own does not take another's, nor a key another login.
	refuses(workflow.ErrPermission, workflow.ReasonKey, director, must(h.approval(deputy, shown)))
	h.refuses(workflow.ErrPermission, workflow.ReasonKey, byName, func() error {
		_, err := h.CosignDecision(ctx, h.caller("ny chef", token.Signer, "SigningService/CosignDecision"), byDirector)
		return err
	})
	// The deputy has no such item: it is not even shown.
	h.refuses(workflow.ErrNotFound, workflow.ReasonAbsent, byName, func() error { _, err := h.look(deputy, lvu.id); return err })
	refuses(workflow.ErrPermission, workflow.ReasonOrder, deputy, must(h.approval(deputy, must(h.look(director, lvu.id)))))
	// A registrar's key signs no decision.
	refuses(workflow.ErrPermission, workflow.ReasonOrder, registrar, must(h.approval(registrar, shown)))
	// An order that lists the director no more ends it.
	next := *h.order
	next.Version, next.Previous = 2, h.version.Digest
	next.Signers = slices.Clone(h.order.Signers)
	next.Signers[0].Until = today().AddDays(-1)
	must(h.publishOrder(&next))
	refuses(workflow.ErrPermission, workflow.ReasonKey, director, byDirector)
	if items, _, err := h.ListInbox(ctx, h.signerCaller(director, "SigningService/ListInbox"), 0, ""); err != nil || len(items) != 0 {
		t.Fatal("who may not sign is shown drafts", err)
	}
	items, _, err := h.ListInbox(ctx, h.caller("ny chef", token.Signer, "SigningService/ListInbox"), 0, "")
	if err != nil || len(items) != 1 || items[0].ID != a.id {
		t.Fatal("a login without a key is shown what nobody may sign", err)
	}
	h.same("decisions", h.count(proof.Decision), 2)
}

// TestAuthorSigns: a draft under a signer's own key, which says whose it is, is not
// signed by it; a bundle of it would verify nowhere.
func TestAuthorSigns(t *testing.T) {
	h := newHouse(t)
	key := newSigner(jws.EdDSA)
	next := *h.order
	next.Version, next.Previous = 2, h.version.Digest
	next.Signers = append(slices.Clone(h.order.Signers), order.Officer{From: "2020-01-01", Items: []string{"1.1"}, Key: key.Public().JWK(), Title: "ny chef"})
	must(h.publishOrder(&next))
	h.version, h.signers["ny chef"] = order.Version{Digest: must(order.Digest(&next)), Version: 2}, key
	a := h.author("Åsa Öberg")
	a.key = key
	must(a.submit())
	approval := h.approve("ny chef", a.id)
	no := h.refuses(workflow.ErrInvalid, workflow.ReasonContradiction, nothing, func() error { _, err := h.cosign("ny chef", approval); return err })
	h.same("field", no.Field, "approval.draft")
}

// TestNumbers: under 32 signatures at once, with others that fail between them, the
// numbers have no gap and stand in the log in their order.
func TestNumbers(t *testing.T) {
	h := newHouse(t)
	type job struct {
		approval string
		fails    bool
	}
	var jobs []job
	for i := range 48 {
		a := h.author("Åsa Öberg").in(fmt.Sprint("SN-", i))
		must(a.submit())
		jobs = append(jobs, job{h.approve(director, a.id), i%3 == 2})
		if i%3 == 2 {
			must(a.submit()) // the approval is stale now: it is refused inside the queue
		}
	}
	var all sync.WaitGroup
	got := make([]int64, len(jobs))
	for i, j := range jobs {
		all.Go(func() {
			b, err := h.cosign(director, j.approval)
			if j.fails {
				if !errors.Is(err, workflow.ErrStale) {
					t.Error(err)
				}
				return
			}
			v, err := bundle.Verify(b, h.trust)
			if err != nil {
				t.Error(err)
				return
			}
			got[i] = v.Decision.Number
		})
	}
	all.Wait()
	slices.Sort(got)
	for i, n := range got[16:] {
		h.same("number", n, i+1)
	}
	h.numbersInOrder()
}

// numbersInOrder checks the decisions in the log: each year counts from 1, without
// gaps, in the order of the log. It gives the last number of each.
func (h *house) numbersInOrder() map[uint16]uint64 {
	h.t.Helper()
	years, last := map[uint16]uint64{}, proof.Number{}
	for _, e := range h.entries() {
		if n, ok := e.Number(); ok {
			if !n.Follows(last) {
				h.t.Fatalf("%v after %v", n, last)
			}
			last, years[n.Year] = n, n.Number
		}
	}
	return years
}

// TestNewYear: the number is that of the day of the signature. An approval of the
// day before is refused, one that has signed is answered as it was.
func TestNewYear(t *testing.T) {
	bubble(t, "2026-12-31T22:59:00Z", func(t *testing.T) { // one minute to midnight
		h := newHouse(t)
		a, b := h.author("Åsa Öberg"), h.author("Bo Ek").in("SN2026-2")
		must(a.submit())
		must(b.submit())
		late := h.approve(director, b.id)
		approval := h.approve(director, a.id)
		first := must(h.cosign(director, approval))
		h.same("number", must(bundle.Verify(first, h.trust)).Number(), "B-2026-000001")
		sleepUntil("2026-12-31T23:00:00Z")
		h.refuses(workflow.ErrState, workflow.ReasonDay, byName, func() error { _, err := h.cosign(director, late); return err })
		if !bytes.Equal(must(h.cosign(director, approval)), first) {
			t.Fatal("a retry after midnight gets another answer")
		}
		v := must(bundle.Verify(must(h.cosign(director, h.approve(director, b.id))), h.trust))
		h.same("number", v.Number(), "B-2027-000001")
		h.same("date", v.Decision.Date, ident.Date("2027-01-01"))
		h.same("years", h.numbersInOrder(), map[uint16]uint64{2026: 1, 2027: 1})
	})
}

// TestMidnightInTheQueue: the date is that of the commit. An approval that waits over
// midnight is refused, since its decision would bear the day before.
func TestMidnightInTheQueue(t *testing.T) {
	bubble(t, "2026-11-22T22:59:59Z", func(t *testing.T) {
		h := newHouse(t)
		a := h.author("Åsa Öberg")
		must(a.submit())
		approval := h.approve(director, a.id)
		var late error
		h.hold(func() { must(h.status()) }, func() { _, late = h.cosign(director, approval) })
		if no := (*workflow.Refusal)(nil); !errors.As(late, &no) || no.Reason != workflow.ReasonDay {
			t.Fatal(late)
		}
		h.same("decisions", h.count(proof.Decision), 0)
		v := must(bundle.Verify(must(h.cosign(director, h.approve(director, a.id))), h.trust))
		h.same("number", v.Number(), "B-2026-000001")
	})
}

// TestSealIsOpenable: every reviewer's wrapping of a signed seal opens with their
// key and holds shares with the digests of the head. A wrapping that was lost would
// be a reviewer lost.
func TestSealIsOpenable(t *testing.T) {
	h := newHouse(t)
	for i := range 8 {
		a := h.author("Åsa Öberg").in(fmt.Sprint("SN-", i))
		answer := must(a.submit())
		head := must(seal.ParseHead(answer.Head))
		h.same("groups", len(head.Shares), len(h.reviewers))
		wrappings := h.wrappings(a.id)
		h.same("wrappings", len(wrappings), 7)
		for g, group := range h.reviewers {
			for i, r := range group {
				w := must(seal.ParseWrapping(wrappings[g*len(h.reviewers[0])+i]))
				if _, err := unseal.OpenWrapping(head, w, r.open); err != nil || w.Group != g+1 || w.Index != i+1 {
					t.Fatal("group", g+1, "reviewer", i+1, err)
				}
			}
		}
	}
}

// wrappings are what lies at rest of a pending seal for its reviewers.
func (h *house) wrappings(id ident.ID) [][]byte {
	h.t.Helper()
	var row struct {
		Ciphertexts []byte   `cbor:"1,keyasint"`
		Wrappings   [][]byte `cbor:"2,keyasint"`
	}
	key := id.Bytes()
	must(0, cbor.Unmarshal([]byte(h.rows()["matter/"+string(key[:])+"s"]), &row))
	return row.Wrappings
}
