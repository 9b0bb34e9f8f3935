package workflow_test

import (
	"slices"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"

	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/opening"
	"sigill/keys/order"
	"sigill/keys/proof"
	"sigill/server/store"
)

// ballots are a request's votes with their vectors, as they lie in the store.
func (h *house) ballots(id ident.ID) (votes []string, vectors [][]byte) {
	h.t.Helper()
	must(0, h.ledger.Read(ctx, func(r store.Reader) error {
		key := id.Bytes()
		var row struct {
			Ballots []struct {
				Vote   string `cbor:"1,keyasint"`
				Vector []byte `cbor:"2,keyasint"`
			} `cbor:"9,keyasint"`
		}
		b, err := r.Get("opening", key[:])
		if err != nil {
			return err
		}
		err = cbor.Unmarshal(b, &row)
		for _, b := range row.Ballots {
			votes, vectors = append(votes, b.Vote), append(vectors, b.Vector)
		}
		return err
	}))
	return votes, vectors
}

// TestVotedForNothing: what reviewers have sealed for a request that gives nothing
// is not kept. Else whoever asks again and again, and reads the store, adds up the
// shares of requests of which none had a quorum.
func TestVotedForNothing(t *testing.T) {
	h := newHouse(t)
	v := h.sign(h.author("Åsa"))
	c := h.court("Förvaltningsrätten", order.CourtOrder)
	ask := func() ident.ID { return c.request(v, order.CourtOrder, decider, bias) }
	taken, late, denied, pending, given := ask(), ask(), ask(), ask(), ask()
	for _, id := range []ident.ID{taken, late, denied, pending} {
		h.vote(1, 1, id, decider, bias)
	}
	before, vectors := h.ballots(pending)
	if len(vectors[0]) == 0 {
		t.Fatal("an undecided request has lost what was voted")
	}
	must(h.WithdrawOpening(ctx, c.caller("WithdrawOpening"), taken))
	for i := range 3 {
		h.vote(2, i+1, denied)
	}
	for _, at := range [][2]int{{1, 1}, {1, 2}, {2, 1}} {
		h.vote(at[0], at[1], given, decider, bias)
	}
	if c.get(denied).State != wasRefused || c.get(given).State != released || c.get(taken).State != withdrawn {
		t.Fatal("the requests have not ended as they should")
	}
	if now, kept := h.ballots(pending); !slices.Equal(now, before) || !slices.EqualFunc(kept, vectors, slices.Equal) {
		t.Error("an undecided request has lost what was voted")
	}
	must(0, h.ExpireOpenings(ctx, time.Now().AddDate(0, 0, 15)))
	for id, state := range map[ident.ID]int{taken: withdrawn, denied: wasRefused, late: expired, pending: expired} {
		votes, vectors := h.ballots(id)
		if c.get(id).State != state || len(votes) == 0 {
			t.Errorf("state %d with %d votes, want %d", c.get(id).State, len(votes), state)
		}
		for i, b := range vectors {
			var vote opening.Vote
			must(0, jws.Peek(votes[i], &vote))
			if len(b) > 0 || len(vote.Granted) > 0 && vote.Vector.IsZero() {
				t.Errorf("in state %d there is a vector of %d bytes; the vote has its digest: %t", state, len(b), !vote.Vector.IsZero())
			}
		}
	}
	h.collected(c, given, 3)
}

// TestEarlierRequests: who votes is told how many requests on the decision were
// before this one and how they stand, and nothing of those on others.
func TestEarlierRequests(t *testing.T) {
	h := newHouse(t)
	a := h.author("Åsa")
	v := h.sign(a)
	b := h.author("Björn")
	b.earlier = []ident.Digest{a.last[0]}
	foreign := h.sign(b)
	c := h.court("Förvaltningsrätten", order.CourtOrder)
	see := func(id ident.ID) map[int]int {
		return must(h.GetReview(ctx, h.reviewerCaller(1, 1, "GetReview"), id, 0)).Earlier
	}
	c.request(foreign, order.CourtOrder, decider)
	first := c.request(v, order.CourtOrder, decider)
	second := c.request(v, order.CourtOrder, decider)
	h.same("before the first", see(first), map[int]int{})
	for range 2 {
		must(h.WithdrawOpening(ctx, c.caller("WithdrawOpening"), c.request(v, order.CourtOrder, decider)))
	}
	last := c.request(v, order.CourtOrder, decider)
	h.same("before the last", see(last), map[int]int{pending: 2, withdrawn: 2})
	for i := range 3 {
		h.vote(1, i+1, second)
	}
	h.same("after a refusal", see(last), map[int]int{pending: 1, wasRefused: 1, withdrawn: 2})
	h.same("before the first, still", see(first), map[int]int{})
}

// TestRevokedVectorGoes: a vote that a release does not count gives nothing either.
func TestRevokedVectorGoes(t *testing.T) {
	h := newHouse(t)
	v := h.sign(h.author("Åsa"))
	c := h.court("Förvaltningsrätten", order.CourtOrder)
	id := c.request(v, order.CourtOrder, decider)
	h.vote(1, 1, id, decider)
	h.revokes([2]int{1, 1})
	for _, at := range [][2]int{{1, 2}, {1, 3}, {2, 1}} {
		h.vote(at[0], at[1], id, decider)
	}
	_, vectors := h.ballots(id)
	if len(vectors) != 4 || len(vectors[0]) != 0 || len(vectors[1]) == 0 {
		t.Error("the vector of a vote that is not counted is kept, or another is not")
	}
	h.collected(c, id, 3)
}

// TestReleasedTooLate: a server that stood still for more than the days that a
// release may be late makes none: no court's client would take it.
func TestReleasedTooLate(t *testing.T) {
	h := newHouse(t)
	v := h.sign(h.author("Åsa"))
	c := h.court("Förvaltningsrätten", order.CourtOrder)
	id := c.request(v, order.CourtOrder, decider, bias)
	for _, at := range [][2]int{{1, 1}, {1, 2}, {2, 1}} {
		h.vote(at[0], at[1], id, decider)
	}
	must(0, h.ExpireOpenings(ctx, time.Now().AddDate(0, 0, 14+opening.MaxLate+2)))
	if s := c.get(id).State; s != expired || h.count(proof.OpeningReleased) != 0 || h.count(proof.OpeningClosed) != 1 {
		t.Errorf("state %d", s)
	}
}

// TestExpiredShowsVotes: who asked is told what was voted on a request that has run
// out, each vote as its reviewer signed it: a refusal gives provision and reasons,
// also where too few voted to end the request. While it runs, and when it was taken
// back, nobody is told who voted how.
func TestExpiredShowsVotes(t *testing.T) {
	h := newHouse(t)
	v := h.sign(h.author("Åsa"))
	c := h.court("Förvaltningsrätten", order.CourtOrder)
	late, taken := c.request(v, order.CourtOrder, decider, bias), c.request(v, order.CourtOrder, decider)
	for _, id := range []ident.ID{late, taken} {
		h.vote(1, 1, id)
		h.vote(2, 3, id, decider)
		h.same("shown while it runs", c.get(id).Ballots, []string(nil))
	}
	must(h.WithdrawOpening(ctx, c.caller("WithdrawOpening"), taken))
	must(0, h.ExpireOpenings(ctx, time.Now().AddDate(0, 0, 15)))
	h.same("shown when taken back", c.get(taken).Ballots, []string(nil))
	view := c.get(late)
	if view.State != expired || view.Release != "" || len(view.Ballots) != 2 {
		t.Fatalf("state %d, %d votes", view.State, len(view.Ballots))
	}
	for i, at := range [][2]int{{1, 1}, {2, 3}} {
		var vote opening.Vote
		must(jws.Read(view.Ballots[i], h.reviewers[at[0]-1][at[1]-1].sign.Public(), &vote))
		if vote.Refusal == nil || vote.Refusal.Provision == "" {
			t.Error("a vote without provision and reasons")
		}
	}
	for _, o := range c.openings() {
		if o.ID == late {
			h.same("listed", o.Ballots, view.Ballots)
		}
	}
}
