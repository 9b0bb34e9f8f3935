package workflow_test

import (
	"errors"
	"slices"
	"sync"
	"testing"

	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/order"
	"sigill/keys/proof"
	"sigill/keys/token"
	"sigill/server/workflow"
)

// admin delivers a document.
func (h *house) admin(method string) *workflow.Caller {
	return h.caller("admin", token.Administrator, "AdministrationService/"+method)
}

// TestDelegationOrder: the next version, citing the one before, signed by enough of
// the board: all else is refused and changes nothing.
func TestDelegationOrder(t *testing.T) {
	h := newHouse(t)
	next := *h.order
	next.Version, next.Previous = 2, h.version.Digest
	deliver := func(signatures ...string) func() error {
		return func() error {
			_, err := h.PublishDelegationOrder(ctx, h.admin("PublishDelegationOrder"), signatures)
			return err
		}
	}
	by := func(key *jws.Signer, edit func(o *order.Delegation)) string {
		o := next
		if edit != nil {
			edit(&o)
		}
		return must(order.Sign(key, &o))
	}
	both := func(edit func(o *order.Delegation)) []string {
		return []string{by(h.board[0], edit), by(h.board[1], edit)}
	}
	for name, row := range map[string]struct {
		kind       error
		reason     string
		signatures []string
	}{
		"none":                {workflow.ErrInvalid, workflow.ReasonField, nil},
		"too many":            {workflow.ErrInvalid, workflow.ReasonField, slices.Repeat(both(nil), 9)},
		"garbage":             {workflow.ErrInvalid, workflow.ReasonSignature, []string{"x.y.z"}},
		"one of two":          {workflow.ErrInvalid, workflow.ReasonSignature, []string{by(h.board[0], nil)}},
		"one twice":           {workflow.ErrInvalid, workflow.ReasonSignature, []string{by(h.board[0], nil), by(h.board[0], nil)}},
		"a stranger":          {workflow.ErrInvalid, workflow.ReasonSignature, []string{by(h.board[0], nil), by(newSigner(jws.EdDSA), nil)}},
		"two payloads":        {workflow.ErrInvalid, workflow.ReasonSignature, []string{by(h.board[0], nil), by(h.board[1], func(o *order.Delegation) { o.Board = "X" })}},
		"a set":               {workflow.ErrInvalid, workflow.ReasonSignature, h.byBoard(h.set)},
		"the same version":    {workflow.ErrStale, workflow.ReasonSuperseded, h.byBoard(h.order)},
		"a version left out":  {workflow.ErrStale, workflow.ReasonSuperseded, both(func(o *order.Delegation) { o.Version = 3 })},
		"another before it":   {workflow.ErrStale, workflow.ReasonSuperseded, both(func(o *order.Delegation) { o.Previous[0] ^= 1 })},
		"another authority's": {workflow.ErrStale, workflow.ReasonSuperseded, both(func(o *order.Delegation) { o.Authority = "202100-5489" })},
	} {
		leaves := nothing
		if errors.Is(row.kind, workflow.ErrStale) {
			leaves = byName
		}
		t.Run(name, func(t *testing.T) {
			h.t = t
			h.refuses(row.kind, row.reason, leaves, deliver(row.signatures...))
		})
	}
	h.t = t
	docs, _, err := h.GetDelegationOrder(ctx, 0)
	h.same("in force", must(docs, err), h.byBoard(h.order))
	must(h.publishOrder(&next))
	docs, l, err := h.GetDelegationOrder(ctx, 0)
	h.same("in force", must(docs, err), h.byBoard(&next))
	h.proves(l, proof.DelegationOrder)
	docs, l, err = h.GetDelegationOrder(ctx, 1)
	h.same("the first", must(docs, err), h.byBoard(h.order))
	h.proves(l, proof.DelegationOrder)
	h.refuses(workflow.ErrNotFound, workflow.ReasonAbsent, nothing, func() error { return second(h.GetDelegationOrder(ctx, 3)) })
}

// TestOneVersion: of many that publish the next version at once one does, and what
// is in force afterwards is the newest, also in the office that was told last.
func TestOneVersion(t *testing.T) {
	h := newHouse(t)
	for version := 2; version <= 4; version++ {
		next := *h.order
		next.Version, next.Previous = version, h.version.Digest
		var all sync.WaitGroup
		errs := make([]error, 8)
		for i := range errs {
			all.Go(func() { _, errs[i] = h.publishOrder(&next) })
		}
		all.Wait()
		won := 0
		for _, err := range errs {
			switch {
			case err == nil:
				won++
			case !errors.Is(err, workflow.ErrStale):
				t.Fatal(err)
			}
		}
		h.same("published", won, 1)
		h.version = order.Version{Digest: must(order.Digest(&next)), Version: version}
		h.same("in force", must(h.status()).Order, version)
	}
	h.same("logged", h.count(proof.DelegationOrder), 4)
	must(h.author("Åsa Öberg").submit()) // under the newest
	h.reopen()
	h.same("in force", must(h.status()).Order, 4)
}

// TestReviewerSet: the first set is the board's, each later one a quorum's of every
// group of the one before, and never the board's again.
func TestReviewerSet(t *testing.T) {
	h := newHouse(t)
	next := *h.set
	next.Epoch, next.Previous = 2, h.setEpoch.Digest
	h.refuses(workflow.ErrStale, workflow.ReasonSuperseded, byName, func() error { // epoch 1 again
		_, err := h.PublishReviewerSet(ctx, h.admin("PublishReviewerSet"), h.byBoard(h.set))
		return err
	})
	h.refuses(workflow.ErrInvalid, workflow.ReasonSignature, nothing, func() error { // the board takes the seals from their keepers
		_, err := h.PublishReviewerSet(ctx, h.admin("PublishReviewerSet"), h.byBoard(&next))
		return err
	})
	for _, of := range [][]int{{1, 1}, {2}, {4, 0}, {0, 3}} {
		h.refuses(workflow.ErrInvalid, workflow.ReasonSignature, nothing, func() error { _, err := h.publishSet(&next, of...); return err })
	}
	skipped := next
	skipped.Epoch = 3
	h.refuses(workflow.ErrStale, workflow.ReasonSuperseded, byName, func() error { _, err := h.publishSet(&skipped, 2, 1); return err })
	uncited := next
	uncited.Previous[0] ^= 1
	h.refuses(workflow.ErrStale, workflow.ReasonSuperseded, byName, func() error { _, err := h.publishSet(&uncited, 2, 1); return err })
	h.proves(must(h.publishSet(&next, 2, 1)), proof.ReviewerSet)
	h.same("in force", must(h.status()).Epoch, 2)
	_, l, err := h.GetReviewerSet(ctx, 1)
	must(0, err)
	h.proves(l, proof.ReviewerSet)
	h.refuses(workflow.ErrNotFound, workflow.ReasonAbsent, nothing, func() error { return second(h.GetReviewerSet(ctx, 3)) })
	h.reopen()
	h.same("in force", must(h.status()).Epoch, 2)
}

// TestReplacedInTheQueue: what was checked under an order that has been replaced
// when its turn comes is refused.
func TestReplacedInTheQueue(t *testing.T) {
	bubble(t, "2026-11-22T12:00:00Z", func(t *testing.T) {
		h := newHouse(t)
		a, b := h.author("Åsa Öberg"), h.author("Bo Ek").in("SN2026-2")
		must(a.submit())
		approval := h.approve(director, a.id)
		next := *h.order
		next.Version, next.Previous = 2, h.version.Digest
		var published, cosigned, submitted error
		h.hold(func() { _, published = h.publishOrder(&next) },
			func() { _, cosigned = h.cosign(director, approval) },
			func() { _, submitted = b.submit() })
		must(0, published)
		for _, err := range []error{cosigned, submitted} {
			if no := (*workflow.Refusal)(nil); !errors.As(err, &no) || no.Reason != workflow.ReasonSuperseded {
				t.Fatal(err)
			}
		}
		h.same("decisions", h.count(proof.Decision), 0)
	})
}

// TestRequesters: registered once, revoked for good, by the board alone.
func TestRequesters(t *testing.T) {
	h := newHouse(t)
	key := newSigner(jws.EdDSA)
	doc := &order.Requester{Address: "brev@domstol.example", Authority: authority, From: "2020-01-01", Grounds: []order.Ground{order.CourtOrder},
		Key: key.Public().JWK(), Name: "Förvaltningsrätten", Requester: ident.NewID()}
	register := func(d *order.Requester, signatures ...string) func() error {
		if signatures == nil {
			signatures = h.byBoard(d)
		}
		return func() error { _, err := h.RegisterRequester(ctx, h.admin("RegisterRequester"), signatures); return err }
	}
	revoke := func(d *order.Requester) func() error {
		return func() error { _, err := h.RevokeRequester(ctx, h.admin("RevokeRequester"), h.byBoard(d)); return err }
	}
	gone := *doc
	gone.Revoked = today()
	h.refuses(workflow.ErrInvalid, workflow.ReasonSignature, nothing, register(doc, h.byBoard(doc)[:1]...))
	h.refuses(workflow.ErrInvalid, workflow.ReasonField, nothing, register(&gone))
	h.refuses(workflow.ErrInvalid, workflow.ReasonField, nothing, revoke(doc))
	h.refuses(workflow.ErrNotFound, workflow.ReasonAbsent, byName, revoke(&gone))
	must(0, register(doc)())
	// An earlier registration cannot be played again, nor a narrower one widened.
	h.refuses(workflow.ErrState, workflow.ReasonAlreadyPublished, byName, register(doc))
	moved, stolen := *doc, gone
	moved.Address = "post@domstol.example"
	h.refuses(workflow.ErrState, workflow.ReasonAlreadyPublished, byName, register(&moved))
	stolen.Key = newSigner(jws.EdDSA).Public().JWK()
	h.refuses(workflow.ErrInvalid, workflow.ReasonContradiction, nothing, revoke(&stolen))
	must(0, revoke(&gone)())
	h.refuses(workflow.ErrState, workflow.ReasonAlreadyPublished, byName, register(doc))
	h.refuses(workflow.ErrState, workflow.ReasonAlreadyPublished, byName, revoke(&gone))
	h.same("entries", h.count(proof.Requester), 2)
	for range 4 {
		more := *doc
		more.Requester = ident.NewID()
		must(0, register(&more)())
	}
	var ids []ident.ID
	for next := ""; ; {
		docs, more, err := h.ListRequesters(ctx, h.admin("ListRequesters"), 2, next)
		if err != nil || len(docs) > 2 {
			t.Fatal(err)
		}
		for _, d := range docs {
			var q order.Requester
			must(0, jws.Peek(d[0], &q))
			if q.Requester == doc.Requester && q.Revoked == "" {
				t.Fatal("not the last document")
			}
			ids = append(ids, q.Requester)
		}
		if next = more; next == "" {
			break
		}
	}
	h.same("requesters", len(slices.Compact(ids)), 5)
}
