package workflow_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/opening"
	"sigill/keys/order"
	"sigill/keys/proof"
	"sigill/keys/record"
	"sigill/keys/statement"
	"sigill/keys/token"
	"sigill/server/workflow"
)

// The tests are named by the rows E of scripts/rows/rows.txt that the office decides; the others stand in keys/unseal, keys/disclosure,
// keys/order, keys/record and client.

// An approval is of no use for another request, another court or another key.
func TestE07_replayedApproval(t *testing.T) {
	h := newHouse(t)
	v := h.sign(h.author("Åsa"))
	c, elsewhere := h.court("Förvaltningsrätten", order.CourtOrder), h.court("Tingsrätten", order.CourtOrder)
	id, again, theirs := c.request(v, order.CourtOrder, decider, bias), c.request(v, order.CourtOrder, decider, bias), elsewhere.request(v, order.CourtOrder, decider, bias)
	cast := h.ballot(1, 1, id, decider, bias)
	for _, other := range []ident.ID{again, theirs} { // the same court's, another court's
		replayed := *cast
		replayed.vote.Opening = other
		h.noEffect(workflow.ErrInvalid, workflow.ReasonField, func() error { _, err := h.cast(1, 1, &replayed); return err })
		// The vote made out anew for the other request, with the shares of the first.
		made := h.ballot(1, 1, other, decider, bias)
		made.vector = cast.vector
		h.noEffect(workflow.ErrInvalid, workflow.ReasonContradiction, func() error { _, err := h.cast(1, 1, made); return err })
	}
	digest := *cast
	digest.vote.Request = ident.Sum("x")
	h.noEffect(workflow.ErrInvalid, workflow.ReasonField, func() error { _, err := h.cast(1, 1, &digest); return err })
	key := *cast
	key.key = h.reviewers[0][1].sign
	h.noEffect(workflow.ErrInvalid, workflow.ReasonContradiction, func() error { _, err := h.cast(1, 1, &key); return err })
	for _, id := range []ident.ID{id, again} {
		h.same("votes", c.get(id).Votes, 0)
	}
	h.same("votes", elsewhere.get(theirs).Votes, 0)
	must(h.cast(1, 1, cast))
}

// A request that is taken back gets no vote, no share and no
// package.
func TestE09_withdrawn(t *testing.T) {
	h := newHouse(t)
	v := h.sign(h.author("Åsa"))
	c := h.court("Förvaltningsrätten", order.CourtOrder)
	id := c.request(v, order.CourtOrder, decider)
	b := h.ballot(1, 1, id, decider)
	must(h.WithdrawOpening(ctx, c.caller("WithdrawOpening"), id))
	if o := c.get(id); o.State != withdrawn || h.count(proof.OpeningClosed) != 1 {
		t.Errorf("state %d, %d closed", o.State, h.count(proof.OpeningClosed))
	}
	h.noEffect(workflow.ErrState, workflow.ReasonEnded, func() error { _, err := h.cast(1, 1, b); return err })
	h.noEffect(workflow.ErrState, workflow.ReasonEnded, func() error { _, _, err := h.fetch(1, 2, id); return err })
	h.noEffect(workflow.ErrState, workflow.ReasonEnded, func() error {
		_, err := h.CollectOpening(ctx, c.caller("CollectOpening"), id)
		return err
	})
	h.noEffect(workflow.ErrState, workflow.ReasonEnded, func() error {
		_, err := h.WithdrawOpening(ctx, c.caller("WithdrawOpening"), id)
		return err
	})
	h.noEffect(workflow.ErrNotFound, workflow.ReasonAbsent, func() error {
		_, err := h.GetReview(ctx, h.reviewerCaller(1, 1, "GetReview"), id, 0)
		return err
	})
}

// What has run out gets no vote, no share and no package, on the day after its last.
func TestE09_expired(t *testing.T) {
	h := newHouse(t)
	v := h.sign(h.author("Åsa"))
	c := h.court("Förvaltningsrätten", order.CourtOrder)
	id := c.request(v, order.CourtOrder, decider)
	b := h.ballot(1, 1, id, decider)
	must(0, h.ExpireOpenings(ctx, time.Now().AddDate(0, 0, 15)))
	h.same("state", c.get(id).State, expired)
	shares := h.count(proof.ShareHandedOut)
	h.noEffect(workflow.ErrState, workflow.ReasonEnded, func() error { _, err := h.cast(1, 1, b); return err })
	h.noEffect(workflow.ErrState, workflow.ReasonEnded, func() error {
		share, _, err := h.fetch(1, 2, id)
		if share != nil {
			t.Fatal("a share leaves")
		}
		return err
	})
	h.noEffect(workflow.ErrState, workflow.ReasonEnded, func() error {
		pkg, err := h.CollectOpening(ctx, c.caller("CollectOpening"), id)
		if pkg != nil {
			t.Fatal("a package leaves")
		}
		return err
	})
	h.same("shares", h.count(proof.ShareHandedOut), shares)
	h.same("state", c.get(id).State, expired)
	h.same("votes", c.get(id).Votes, 0)
}

func TestE10_stranger(t *testing.T) {
	h := newHouse(t)
	v := h.sign(h.author("Åsa"))
	c := h.court("Förvaltningsrätten", order.CourtOrder)
	id := c.request(v, order.CourtOrder, decider)
	b := h.ballot(1, 1, id, decider)
	b.key = newSigner(jws.EdDSA)
	h.noEffect(workflow.ErrPermission, workflow.ReasonKey, func() error { _, err := h.cast(1, 1, b); return err })
	h.same("votes", c.get(id).Votes, 0)
}

// A seal is voted on by the reviewers of its own epoch, also by
// those who have left since, but never by a key that was revoked.
func TestE10_epochsAndRevokedKeys(t *testing.T) {
	h := newHouse(t)
	v := h.sign(h.author("Åsa"))
	c := h.court("Förvaltningsrätten", order.CourtOrder)
	id := c.request(v, order.CourtOrder, decider)
	late := h.ballot(1, 1, id, decider) // fetched before the key is revoked
	newcomer := newSigner(jws.EdDSA)
	next := *h.set
	next.Epoch, next.Previous = 2, h.setEpoch.Digest
	next.Groups = append([]order.Group{}, h.set.Groups...)
	next.Groups[0].Members = append([]order.Reviewer{}, h.set.Groups[0].Members...)
	next.Groups[0].Members[1].Key = newcomer.Public().JWK() // reviewer 2 has left
	next.Revoked = []ident.Digest{h.reviewers[0][0].sign.Public().Thumbprint()}
	var docs []string
	for _, s := range []*jws.Signer{h.reviewers[0][1].sign, h.reviewers[0][2].sign, h.reviewers[1][0].sign} {
		docs = append(docs, must(order.Sign(s, &next)))
	}
	must(h.PublishReviewerSet(ctx, h.caller("admin", token.Administrator, "AdministrationService/PublishReviewerSet"), docs))

	h.noEffect(workflow.ErrPermission, workflow.ReasonKey, func() error { _, err := h.cast(1, 1, late); return err })
	h.noEffect(workflow.ErrPermission, workflow.ReasonKey, func() error { _, _, err := h.fetch(1, 1, id); return err })
	h.noEffect(workflow.ErrNotFound, workflow.ReasonAbsent, func() error {
		_, err := h.GetReview(ctx, h.reviewerCaller(1, 1, "GetReview"), id, 0)
		return err
	})
	if list, _, err := h.ListReviews(ctx, h.reviewerCaller(1, 1, "ListReviews"), 0, ""); err != nil || len(list) != 0 {
		t.Error("a revoked reviewer is shown a request", err)
	}
	stranger := h.caller("newcomer", token.Reviewer, "ReviewService/FetchShare")
	stranger.Proof = h.keyProof(newcomer, stranger, id)
	h.noEffect(workflow.ErrPermission, workflow.ReasonKey, func() error { _, _, err := h.FetchShare(ctx, stranger, id); return err })
	h.vote(1, 2, id, decider) // has left, and still votes on what was sealed to them
	h.vote(1, 3, id, decider)
	if s := h.vote(2, 1, id, decider); s != released {
		t.Errorf("state %d", s)
	}
}

// The same vote under the same request id is one vote, with the
// same answer.
func TestE10_sameVoteTwice(t *testing.T) {
	h := newHouse(t)
	v := h.sign(h.author("Åsa"))
	c := h.court("Förvaltningsrätten", order.CourtOrder)
	id := c.request(v, order.CourtOrder, decider)
	b := h.ballot(1, 1, id, decider)
	compact := must(jws.Make(b.key, &b.vote))
	caller := h.reviewerCaller(1, 1, "ApproveOpening")
	first := must(h.ApproveOpening(ctx, caller, compact, b.vector))
	before := h.entries()
	again := must(h.ApproveOpening(ctx, caller, compact, b.vector))
	if first.State != again.State || !bytes.Equal(first.Logged.Preimage, again.Logged.Preimage) || first.Logged.Tag != again.Logged.Tag || len(h.entries()) != len(before) || c.get(id).Votes != 1 {
		t.Error("two votes")
	}
}

// One vote each, and one login for a key.
func TestE10_sameReviewerTwice(t *testing.T) {
	h := newHouse(t)
	v := h.sign(h.author("Åsa"))
	c := h.court("Förvaltningsrätten", order.CourtOrder)
	id := c.request(v, order.CourtOrder, decider, bias)
	yes, no := h.ballot(1, 1, id, decider, bias), h.ballot(1, 1, id)
	must(h.cast(1, 1, yes))
	h.noEffect(workflow.ErrState, workflow.ReasonVoted, func() error { _, err := h.cast(1, 1, yes); return err })
	h.noEffect(workflow.ErrState, workflow.ReasonVoted, func() error { _, err := h.cast(1, 1, no); return err })
	second := h.ballot(1, 2, id, decider, bias)
	h.noEffect(workflow.ErrPermission, workflow.ReasonKey, func() error { _, err := h.cast(1, 1, second); return err })
	if o := c.get(id); o.Votes != 1 {
		t.Errorf("%d votes", o.Votes)
	}
	h.same("state", h.vote(2, 1, id, decider, bias), pending) // of two that group 1 needs there is one
}

// A key of small order, or one that is none, is no reviewer's and no recipient's.
func TestE13_registeredKeys(t *testing.T) {
	h := newHouse(t)
	good := h.reviewers[0][0].open.PublicKey().Bytes()
	change := func(f func(b []byte)) []byte {
		b := slices.Clone(good)
		f(b)
		return b
	}
	v := h.sign(h.author("Åsa"))
	c := h.court("Förvaltningsrätten", order.CourtOrder)
	for name, key := range map[string][]byte{
		"X25519 of zero":     change(func(b []byte) { clear(b[len(b)-32:]) }),
		"X25519 of one":      change(func(b []byte) { clear(b[len(b)-32:]); b[len(b)-32] = 1 }),
		"X25519 alone":       good[len(good)-32:],
		"ML-KEM not reduced": change(func(b []byte) { b[0], b[1] = 0xff, 0xff }),
		"none":               nil,
	} {
		t.Run(name, func(t *testing.T) {
			h.t = t
			signatures := h.unlawfulSet(func(g *order.Group) { g.Members[0].HPKE = key })
			no := h.refuses(workflow.ErrInvalid, workflow.ReasonField, nothing, func() error {
				_, err := h.PublishReviewerSet(ctx, h.admin("PublishReviewerSet"), signatures)
				return err
			})
			h.same("field", no.Field, "set.groups[0].members[0].hpke")
			h.same("epoch", must(h.status()).Epoch, 1)
			r := c.ask(v, order.CourtOrder, decider)
			r.Recipient = key
			no = h.refuses(workflow.ErrInvalid, workflow.ReasonField, nothing, func() error {
				_, err := h.RequestOpening(ctx, c.caller("RequestOpening"), must(jws.Sign(c.key, opening.TypRequest, r)))
				return err
			})
			h.same("field", no.Field, "request.recipient")
			h.same("openings", len(c.openings()), 0)
		})
	}
}

// A name or a subject that is not the token's is refused at the draft, without being
// repeated; keys/disclosure has what a court is shown of one that was sealed anyway.
func TestE17_otherClaims(t *testing.T) {
	h := newHouse(t)
	for name, edit := range map[string]func(p *record.Person){
		"another name":                     func(p *record.Person) { p.Name = "Bo Ek" },
		"another subject":                  func(p *record.Person) { p.Subject = "sub-Bo Ek" },
		"another issuer":                   func(p *record.Person) { p.Issuer = "https://bo-ek.example" },
		"a user id that the token has not": func(p *record.Person) { p.UserID = "boek01" },
	} {
		t.Run(name, func(t *testing.T) {
			h.t = t
			a := h.author("Åsa Öberg")
			a.edit = func(_ *statement.Draft, r *record.Record) { edit(r.Decider.Person); edit(&r.DissentAuthor.Person) }
			no := a.refusedDraft(workflow.ErrInvalid, workflow.ReasonContradiction, "seal.record.DISSENT_AUTHOR")
			for _, word := range []string{"Bo Ek", "bo-ek", "Öberg", "boek01"} {
				if strings.Contains(no.Error(), word) {
					t.Fatal("the refusal repeats what was written:", no)
				}
			}
		})
	}
}
