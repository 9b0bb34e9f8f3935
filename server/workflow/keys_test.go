package workflow_test

import (
	"crypto/hpke"
	"slices"
	"testing"

	"sigill/keys/bundle"
	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/order"
	"sigill/keys/token"
	"sigill/server/workflow"
)

// nextOrder puts the next delegation order into force, with other signers.
func (h *house) nextOrder(signers ...order.Officer) {
	h.t.Helper()
	next := *h.order
	next.Version, next.Previous, next.Signers = h.order.Version+1, h.version.Digest, signers
	must(h.publishOrder(&next))
	h.order, h.version = &next, order.Version{Digest: must(order.Digest(&next)), Version: next.Version}
}

// officer is a signer of the item 1.1 in the order.
func officer(key *jws.Signer, title string) order.Officer {
	return order.Officer{From: "2020-01-01", Items: []string{"1.1"}, Key: key.Public().JWK(), Title: title}
}

// pending is a draft that awaits a signature, under the order in force.
func (h *house) pending() ident.ID {
	h.t.Helper()
	return h.signedElsewhere().id
}

// signsAs wants a login to sign under a key, or to be refused.
func (h *house) signsAs(key *jws.Signer, title string, may bool) {
	h.t.Helper()
	id := h.pending()
	fresh := h.caller("somebody new", token.Signer, "SigningService/GetInboxDraft")
	h.signers[title] = key
	approval := must(h.approval(title, must(h.GetInboxDraft(ctx, fresh, id))))
	if may {
		must(bundle.Verify(must(h.cosign(title, approval)), h.trust))
		return
	}
	h.refuses(workflow.ErrPermission, workflow.ReasonKey, byName, func() error { _, err := h.cosign(title, approval); return err })
}

// TestRenewedKey: a director whose key is renewed in a later order signs under the
// new one from the same login, which is shown the inbox before it has used it. Both
// keys stay that login's for good.
func TestRenewedKey(t *testing.T) {
	h := newHouse(t)
	old, renewed := h.signers[director], newSigner(jws.ES256)
	h.signsAs(old, director, true)
	h.nextOrder(officer(renewed, director))
	id := h.pending()
	h.same("inbox", h.inbox(director), []ident.ID{id})
	must(h.look(director, id))
	h.signsAs(renewed, director, true)
	h.signsAs(renewed, director, true)
	h.signsAs(old, director, false) // the order lists it no more
	h.nextOrder(officer(old, deputy), officer(renewed, director))
	h.signsAs(old, deputy, false)
	h.signsAs(renewed, director, true)
	approval := h.approve(director, h.pending())
	h.refuses(workflow.ErrPermission, workflow.ReasonKey, byName, func() error { _, err := h.cosign(deputy, approval); return err })
}

// TestOneSigner: a login never acts as two signers: it binds no second key of the
// order in force, and where a later order lists two that it holds, it acts under the
// one that it bound last.
func TestOneSigner(t *testing.T) {
	h := newHouse(t)
	a, b, c := newSigner(jws.ES256), newSigner(jws.ES256), newSigner(jws.EdDSA)
	h.nextOrder(officer(a, director), officer(b, director))
	h.signsAs(a, director, true)
	h.signsAs(b, director, false)
	h.nextOrder(officer(b, director))
	h.signsAs(b, director, true)
	h.nextOrder(officer(a, director), officer(b, director))
	h.signsAs(a, director, false)
	h.signsAs(b, director, true)
	h.nextOrder(officer(a, director))
	h.signsAs(a, director, true)
	// One that may sign no more today hands over to the next in the same order.
	left := officer(a, director)
	left.Until = today().AddDays(-1)
	h.nextOrder(left, officer(c, director))
	h.same("inbox", len(h.inbox(director)), 2) // what was refused above: one of the keys may be the login's next
	h.signsAs(c, director, true)
	h.signsAs(a, director, false)
}

// TestWhoHasLeft: a login with keys that the order lists no more is shown drafts
// only while some signer's key is nobody's yet, which may be its next.
func TestWhoHasLeft(t *testing.T) {
	h := newHouse(t)
	h.signsAs(h.signers[director], director, true)
	successor := newSigner(jws.ES256)
	h.nextOrder(officer(successor, deputy))
	id := h.pending()
	h.same("inbox", h.inbox(director), []ident.ID{id})
	h.signsAs(successor, deputy, true)
	h.same("inbox", len(h.inbox(director)), 0)
	h.refuses(workflow.ErrNotFound, workflow.ReasonAbsent, byName, func() error { _, err := h.look(director, id); return err })
	h.same("inbox", len(h.inbox(deputy)), 1)
}

// withKeys puts a set into force in which seats have other keys, and makes them
// those of the house's reviewers.
func (h *house) withKeys(seats map[[2]int]reviewer) {
	h.t.Helper()
	next := *h.set
	next.Epoch, next.Previous = h.set.Epoch+1, h.setEpoch.Digest
	next.Groups = slices.Clone(next.Groups)
	changed := slices.Clone(h.reviewers)
	for g := range next.Groups {
		next.Groups[g].Members, changed[g] = slices.Clone(next.Groups[g].Members), slices.Clone(changed[g])
	}
	for at, r := range seats {
		m := &next.Groups[at[0]-1].Members[at[1]-1]
		m.Key, m.HPKE, changed[at[0]-1][at[1]-1] = r.sign.Public().JWK(), r.open.PublicKey().Bytes(), r
	}
	must(h.publishSet(&next, 2, 1))
	h.set, h.setEpoch, h.reviewers = &next, order.Epoch{Digest: must(order.Digest(&next)), Epoch: next.Epoch}, changed
}

func newReviewer() reviewer {
	return reviewer{newSigner(jws.EdDSA), must(hpke.MLKEM768X25519().GenerateKey())}
}

// asked is a fresh decision under the set in force, and an opening of it.
func (h *house) asked(c *court) ident.ID {
	h.t.Helper()
	v := h.sign(h.signedElsewhere())
	return c.request(v, order.CourtOrder, decider)
}

// TestTwoEpochs: a reviewer with a key in one epoch and another in the next votes on
// seals of both from one login, whichever comes first; so does one whose key stands
// in both.
func TestTwoEpochs(t *testing.T) {
	for _, newFirst := range []bool{false, true} {
		h := newHouse(t)
		c := h.court("Förvaltningsrätten", order.CourtOrder)
		first := h.asked(c)
		before := h.reviewers
		h.withKeys(map[[2]int]reviewer{{1, 1}: newReviewer(), {2, 1}: newReviewer()})
		second, after := h.asked(c), h.reviewers
		ids, keys := []ident.ID{first, second}, [][][]reviewer{before, after}
		for i := range ids {
			if newFirst {
				i = 1 - i
			}
			h.reviewers = keys[i]
			for _, at := range [][2]int{{1, 1}, {1, 3}} { // another key, the same key
				list, _, err := h.ListReviews(ctx, h.reviewerCaller(at[0], at[1], "ListReviews"), 0, "")
				must(0, err)
				if !slices.ContainsFunc(list, func(it workflow.ReviewItem) bool { return it.ID == ids[i] && !it.Voted }) {
					t.Fatal("a reviewer is not shown a request of epoch", i+1)
				}
				h.vote(at[0], at[1], ids[i], decider)
			}
			h.same("state", h.vote(2, 1, ids[i], decider), released)
		}
	}
}

// TestOneReviewer: a login never casts two votes: it binds no second key of a set,
// revoked or not, and where a later set lists two that it holds, it has the seat of
// the one that it bound last.
func TestOneReviewer(t *testing.T) {
	h := newHouse(t)
	c := h.court("Förvaltningsrätten", order.CourtOrder)
	first, before := h.asked(c), h.reviewers
	mine, moved := before[0][0], newReviewer()
	h.vote(1, 1, first, decider)
	h.withKeys(map[[2]int]reviewer{{1, 1}: moved})
	second := h.asked(c)
	h.vote(1, 1, second, decider)
	// Another seat of either set, by vote and by share: one login, one seat.
	foreign := func(id ident.ID, keys [][]reviewer) {
		t.Helper()
		h.reviewers = keys
		other := h.ballot(1, 4, id) // nobody's key yet
		h.noEffect(workflow.ErrPermission, workflow.ReasonKey, func() error { _, err := h.cast(1, 1, other); return err })
		thief := h.reviewerCaller(1, 1, "FetchShare")
		thief.Proof = h.keyProof(keys[0][1].sign, thief, id)
		h.noEffect(workflow.ErrPermission, workflow.ReasonKey, func() error { _, _, err := h.FetchShare(ctx, thief, id); return err })
		h.same("votes", c.get(id).Votes, 1)
	}
	after := h.reviewers
	foreign(second, after)
	foreign(first, before)
	// Both of the login's keys in one set: the later one's seat, and the other none.
	h.reviewers = after
	h.withKeys(map[[2]int]reviewer{{1, 2}: mine})
	third := h.asked(c)
	h.vote(1, 1, third, decider)
	b := h.ballot(1, 2, third)
	h.noEffect(workflow.ErrPermission, workflow.ReasonKey, func() error { _, err := h.cast(1, 1, b); return err })
	h.same("votes", c.get(third).Votes, 1)
	// Nor is it anybody else's.
	h.noEffect(workflow.ErrPermission, workflow.ReasonKey, func() error { _, err := h.cast(1, 2, b); return err })
	h.same("votes", c.get(third).Votes, 1)
}

// TestRenewedRequester: a court whose key is renewed asks from the same login, when
// the board has revoked the one before.
func TestRenewedRequester(t *testing.T) {
	h := newHouse(t)
	v := h.sign(h.author("Åsa"))
	c := h.court("Förvaltningsrätten", order.CourtOrder)
	first := c.request(v, order.CourtOrder, decider)
	renewed := h.court("Förvaltningsrätten", order.CourtOrder) // the same clerk
	r := renewed.ask(v, order.CourtOrder, decider)
	h.noEffect(workflow.ErrPermission, workflow.ReasonKey, func() error { _, err := renewed.send(r); return err })
	h.same("openings", len(renewed.openings()), 1)
	c.revoke()
	must(renewed.send(r))
	h.same("openings", len(renewed.openings()), 2)
	h.same("state", renewed.get(first).State, pending)
}
