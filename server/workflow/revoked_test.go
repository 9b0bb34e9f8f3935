package workflow_test

import (
	"bytes"
	"errors"
	"slices"
	"testing"
	"time"

	"sigill/keys/disclosure"
	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/opening"
	"sigill/keys/order"
	"sigill/keys/proof"
	"sigill/keys/record"
	"sigill/server/workflow"
)

// revoking is the next set: the same people, with the keys of some seats revoked,
// signed by a quorum of the others.
func (h *house) revoking(seats ...[2]int) (*order.ReviewerSet, []string) {
	h.t.Helper()
	next := *h.set
	next.Epoch, next.Previous, next.Revoked = h.set.Epoch+1, h.setEpoch.Digest, slices.Clone(h.set.Revoked)
	for _, at := range seats {
		next.Revoked = append(next.Revoked, h.reviewers[at[0]-1][at[1]-1].sign.Public().Thumbprint())
	}
	slices.SortFunc(next.Revoked, func(a, b ident.Digest) int { return bytes.Compare(a[:], b[:]) })
	var signatures []string
	for g, group := range h.reviewers {
		for i, r := range group {
			if !slices.Contains(seats, [2]int{g + 1, i + 1}) {
				signatures = append(signatures, must(order.Sign(r.sign, &next)))
			}
		}
	}
	return &next, signatures
}

// revokes puts that set into force.
func (h *house) revokes(seats ...[2]int) {
	h.t.Helper()
	next, signatures := h.revoking(seats...)
	must(h.PublishReviewerSet(ctx, h.admin("PublishReviewerSet"), signatures))
	h.set, h.setEpoch = next, order.Epoch{Digest: must(order.Digest(next)), Epoch: next.Epoch}
}

// collected opens what was released as the court does, and checks that the release,
// the package and what the requester is shown hold the same votes.
func (h *house) collected(c *court, id ident.ID, votes int) *disclosure.Protocol {
	h.t.Helper()
	view := c.get(id)
	pkg := must(h.CollectOpening(ctx, c.caller("CollectOpening"), id))
	p := must(disclosure.Open(pkg, h.trust, c.recipient))
	var rel opening.Release
	must(0, jws.Peek(view.Release, &rel))
	held := must(opening.ParsePackage(pkg)).Votes
	if len(rel.Votes) != votes || len(held) != votes || len(view.Ballots) != votes {
		h.t.Fatalf("%d votes in the release, %d in the package, %d shown, want %d", len(rel.Votes), len(held), len(view.Ballots), votes)
	}
	for i, v := range rel.Votes {
		if jws.Digest(held[i].Vote) != v.Vote || jws.Digest(view.Ballots[i]) != v.Vote {
			h.t.Fatal("other votes than those that the release counts")
		}
	}
	return p
}

// TestRevokedVoteGrantsNothing: a vote whose key is revoked before the count is no
// vote: what is granted by it is not, its reservation and delay say nothing, and the
// release that leaves it out is one that the court's client makes again.
func TestRevokedVoteGrantsNothing(t *testing.T) {
	h := newHouse(t)
	v := h.sign(h.author("Åsa"))
	c := h.court("Polisen", order.PoliceSuspectOfficial)
	id := c.request(v, order.PoliceSuspectOfficial, decider)
	due := today().AddDays(30)
	delayed := func(g, i int, reservation string) {
		t.Helper()
		b := h.ballot(g, i, id, decider)
		b.vote.NotBefore, b.vote.Reservation = &opening.Delay{Date: due, Provision: "35 kap. 1 § OSL"}, reservation
		h.same("state", must(h.cast(g, i, b)).State, pending)
	}
	delayed(1, 1, "Får inte föras vidare.")
	h.revokes([2]int{1, 1})
	delayed(1, 2, "")
	delayed(2, 1, "") // with the revoked one this would be a quorum
	h.same("released", h.count(proof.OpeningReleased), 0)
	h.same("state", h.vote(1, 3, id, decider), released) // sets no delay: one of two is none
	entries := h.entries()
	i := slices.IndexFunc(entries, func(e proof.Entry) bool { return e.Kind == proof.OpeningReleased })
	if day, ok := entries[i].Due(); !ok || day != today() {
		t.Fatal("the notice is delayed by a revoked vote, to", day)
	}
	h.same("votes cast", c.get(id).Votes, 4)
	p := h.collected(c, id, 3)
	h.same("outcome", p.Outcome, opening.GrantedFull)
}

// TestRevokedVoteRefusesNothing: nor does it refuse, and the number of reviewers
// stays: what can then neither be granted nor refused runs to its end.
func TestRevokedVoteRefusesNothing(t *testing.T) {
	h := newHouse(t)
	v := h.sign(h.author("Åsa"))
	c := h.court("Förvaltningsrätten", order.CourtOrder)
	one, other := c.request(v, order.CourtOrder, decider), c.request(v, order.CourtOrder, decider)
	h.same("state", h.vote(1, 1, one), pending)
	h.same("state", h.vote(2, 1, other), pending)
	h.revokes([2]int{1, 1}, [2]int{2, 1})
	h.same("state", h.vote(1, 2, one), pending)
	h.same("state", h.vote(1, 3, one), pending) // with the revoked one more than 4 − 2
	h.same("state", h.vote(1, 4, one), wasRefused)
	view := c.get(one)
	var rel opening.Release
	must(0, jws.Peek(view.Release, &rel))
	if len(rel.Votes) != 3 || len(view.Ballots) != 3 || rel.Votes[0].Vote != jws.Digest(view.Ballots[0]) {
		t.Fatal("a refusal by a revoked key is counted")
	}
	h.same("state", h.vote(2, 2, other), pending)
	h.same("state", h.vote(2, 3, other), pending) // two are not more than 3 − 1
	must(0, h.ExpireOpenings(ctx, time.Now().AddDate(0, 0, 15)))
	h.same("state", c.get(other).State, expired)
}

// TestRevokedAtExpiry: what stands by a revoked vote on the last day is not granted.
func TestRevokedAtExpiry(t *testing.T) {
	h := newHouse(t)
	v := h.sign(h.author("Åsa"))
	c := h.court("Förvaltningsrätten", order.CourtOrder)
	id := c.request(v, order.CourtOrder, decider, bias)
	for _, at := range [][2]int{{1, 1}, {1, 2}, {2, 1}} {
		h.same("state", h.vote(at[0], at[1], id, decider), pending)
	}
	h.revokes([2]int{1, 2})
	must(0, h.ExpireOpenings(ctx, time.Now().AddDate(0, 0, 15)))
	h.same("state", c.get(id).State, expired)
	h.same("released", h.count(proof.OpeningReleased), 0)
}

// TestRevokedAfterRelease: a release stands, with the votes that it counted.
func TestRevokedAfterRelease(t *testing.T) {
	h := newHouse(t)
	v := h.sign(h.author("Åsa"))
	c := h.court("Förvaltningsrätten", order.CourtOrder)
	id := c.request(v, order.CourtOrder, decider)
	for _, at := range [][2]int{{1, 1}, {1, 2}, {2, 1}} {
		h.vote(at[0], at[1], id, decider)
	}
	h.revokes([2]int{1, 1})
	h.same("granted", h.collected(c, id, 3).Granted, []record.Section{decider})
}

// TestRevokedInTheQueue: a set that was published in the same batch revokes: what is
// in force is read where the vote is cast and where the share is handed out.
func TestRevokedInTheQueue(t *testing.T) {
	bubble(t, "2026-11-22T12:00:00Z", func(t *testing.T) {
		h := newHouse(t)
		v := h.sign(h.author("Åsa"))
		c := h.court("Förvaltningsrätten", order.CourtOrder)
		id := c.request(v, order.CourtOrder, decider)
		b := h.ballot(1, 1, id, decider)
		counted := h.ballot(1, 2, id, decider)
		for _, at := range [][2]int{{1, 3}, {2, 1}} {
			h.vote(at[0], at[1], id, decider)
		}
		_, signatures := h.revoking([2]int{1, 1}, [2]int{1, 3})
		shares := h.count(proof.ShareHandedOut)
		var published, voted, fetched, last error
		var state *workflow.Voted
		later := func(n int, f func()) func() {
			return func() { time.Sleep(time.Duration(n) * time.Second); f() }
		}
		h.hold(func() { must(h.status()) },
			later(1, func() { _, published = h.PublishReviewerSet(ctx, h.admin("PublishReviewerSet"), signatures) }),
			later(2, func() { _, voted = h.cast(1, 1, b) }),
			later(3, func() { _, _, fetched = h.fetch(1, 1, id) }),
			later(4, func() { state, last = h.cast(1, 2, counted) }))
		must(0, published)
		must(0, last)
		for _, err := range []error{voted, fetched} {
			if no := (*workflow.Refusal)(nil); !errors.As(err, &no) || no.Reason != workflow.ReasonKey {
				t.Fatal(err)
			}
		}
		h.same("state", state.State, pending) // one of the two that it would take is revoked
		h.same("votes", c.get(id).Votes, 3)
		h.same("shares", h.count(proof.ShareHandedOut), shares)
	})
}
