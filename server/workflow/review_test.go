package workflow_test

import (
	"errors"
	"testing"

	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/opening"
	"sigill/keys/order"
	"sigill/keys/proof"
	"sigill/keys/seal"
	"sigill/keys/token"
	"sigill/server/store/memory"
	"sigill/server/workflow"
)

// TestVoteRefused: all that a vote can be wrong by, but for what E7 and E10 are
// about. None leaves anything.
func TestVoteRefused(t *testing.T) {
	h := newHouse(t)
	v := h.sign(h.author("Åsa"))
	c := h.court("Förvaltningsrätten", order.CourtOrder)
	id := c.request(v, order.CourtOrder, decider, bias)
	for name, tt := range map[string]struct {
		kind   error
		reason string
		change func(b *ballot)
	}{
		"an unknown opening":  {workflow.ErrNotFound, workflow.ReasonAbsent, func(b *ballot) { b.vote.Opening = ident.NewID() }},
		"in another's place":  {workflow.ErrInvalid, workflow.ReasonContradiction, func(b *ballot) { b.vote.Index = 2 }},
		"with another's key":  {workflow.ErrInvalid, workflow.ReasonContradiction, func(b *ballot) { b.key = h.reviewers[0][1].sign }},
		"more than asked for": {workflow.ErrInvalid, workflow.ReasonField, func(b *ballot) { b.vote.Granted = append(b.vote.Granted, evidence) }},
		"a secrecy test under a duty": {workflow.ErrInvalid, workflow.ReasonField, func(b *ballot) {
			b.vote.Granted = b.vote.Granted[:1]
			b.vote.Refusal = &opening.Refusal{Basis: opening.BasisSecrecy, Paragraphs: []string{"x"}, Provision: "26 kap. 1 § OSL"}
		}},
		"a delay that the law does not know": {workflow.ErrInvalid, workflow.ReasonField, func(b *ballot) {
			b.vote.NotBefore = &opening.Delay{Date: today().AddDays(3), Provision: "x"}
		}},
		"a checkpoint before the request": {workflow.ErrInvalid, workflow.ReasonField, func(b *ballot) { b.vote.Checkpoint.Size = 2 }},
		"a checkpoint of no log":          {workflow.ErrInvalid, workflow.ReasonContradiction, func(b *ballot) { b.vote.Checkpoint.Root = ident.Sum("x") }},
		"a checkpoint to come":            {workflow.ErrInvalid, workflow.ReasonField, func(b *ballot) { b.vote.Checkpoint.Size += 1000 }},
		"another vector":                  {workflow.ErrInvalid, workflow.ReasonContradiction, func(b *ballot) { b.vote.Vector = ident.Sum("x") }},
		"a vector in another's place": {workflow.ErrInvalid, workflow.ReasonContradiction, func(b *ballot) {
			r := must(seal.ParseRelease(b.vector))
			r.Index = 2
			b.vector = r.Marshal()
			b.vote.Vector = ident.Sum(b.vector)
		}},
		"a vector that is none": {workflow.ErrInvalid, workflow.ReasonField, func(b *ballot) {
			b.vector = b.vector[1:]
			b.vote.Vector = ident.Sum(b.vector)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			h.t = t
			b := h.ballot(1, 1, id, decider, bias)
			tt.change(b)
			h.noEffect(tt.kind, tt.reason, func() error { _, err := h.cast(1, 1, b); return err })
			if o := c.get(id); o.Votes != 0 || o.State != pending {
				t.Errorf("%+v", o)
			}
		})
	}
	h.t = t
	// A vote that grants is no refusal, and the other way round.
	yes, no := h.ballot(1, 1, id, decider, bias), h.ballot(1, 1, id)
	h.noEffect(workflow.ErrInvalid, workflow.ReasonField, func() error {
		_, err := h.RefuseOpening(ctx, h.reviewerCaller(1, 1, "RefuseOpening"), must(jws.Make(yes.key, &yes.vote)))
		return err
	})
	h.noEffect(workflow.ErrInvalid, workflow.ReasonField, func() error {
		_, err := h.ApproveOpening(ctx, h.reviewerCaller(1, 1, "ApproveOpening"), must(jws.Make(no.key, &no.vote)), nil)
		return err
	})
}

// TestFetchShare: a share leaves to the reviewer whose it is, after the log has it.
func TestFetchShare(t *testing.T) {
	h := newHouse(t)
	v := h.sign(h.author("Åsa"))
	c := h.court("Förvaltningsrätten", order.CourtOrder)
	id := c.request(v, order.CourtOrder, decider)

	// A login without a key gets nothing, whoever it may be; nor does one that
	// shows a key of nobody's, or a proof for another opening or another call.
	plain := h.reviewerCaller(1, 1, "FetchShare")
	h.noEffect(workflow.ErrPermission, workflow.ReasonKey, func() error { _, _, err := h.FetchShare(ctx, plain, id); return err })
	for name, proved := range map[string]func(c *workflow.Caller) string{
		"a stranger's key": func(c *workflow.Caller) string { return h.keyProof(newSigner(jws.EdDSA), c, id) },
		"another opening":  func(c *workflow.Caller) string { return h.keyProof(h.reviewers[0][0].sign, c, ident.NewID()) },
		"another call": func(c *workflow.Caller) string {
			d := *c
			d.RequestID[0] ^= 1
			return h.keyProof(h.reviewers[0][0].sign, &d, id)
		},
		"no proof": func(*workflow.Caller) string { return "x" },
	} {
		t.Run(name, func(t *testing.T) {
			h.t = t
			caller := h.reviewerCaller(1, 1, "FetchShare")
			caller.Proof = proved(caller)
			h.noEffect(workflow.ErrPermission, workflow.ReasonKey, func() error { _, _, err := h.FetchShare(ctx, caller, id); return err })
		})
	}
	h.t = t

	caller := h.reviewerCaller(2, 3, "FetchShare")
	caller.Proof = h.keyProof(h.reviewers[1][2].sign, caller, id)
	share, logged, err := h.FetchShare(ctx, caller, id)
	must(0, err)
	if w := must(seal.ParseWrapping(share)); w.Group != 2 || w.Index != 3 {
		t.Errorf("the share of %d, %d", w.Group, w.Index)
	}
	pre := must(proof.ParsePreimage(logged.Preimage))
	if pre.Kind != proof.ShareHandedOut || pre.Signed != ident.Sum(share) {
		t.Error("the log says something else")
	}
	if _, _, err := proof.CheckInclusion([]byte(logged.Proof), must(pre.Entry(proof.Tag(logged.Tag))), h.trust.Policy); err != nil {
		t.Error(err)
	}
	// The same call again is one hand-out; another call is another, and the login
	// is known by now.
	if again, _, err := h.FetchShare(ctx, caller, id); err != nil || string(again) != string(share) || h.count(proof.ShareHandedOut) != 1 {
		t.Error("handed out twice", err)
	}
	if _, _, err := h.FetchShare(ctx, h.reviewerCaller(2, 3, "FetchShare"), id); err != nil || h.count(proof.ShareHandedOut) != 2 {
		t.Error("a known login needs a proof", err)
	}
	h.noEffect(workflow.ErrNotFound, workflow.ReasonAbsent, func() error { _, _, err := h.fetch(2, 3, ident.NewID()); return err })
	// Nobody else's login has this key.
	thief := h.caller("a thief", token.Reviewer, "ReviewService/FetchShare")
	thief.Proof = h.keyProof(h.reviewers[1][2].sign, thief, id)
	h.noEffect(workflow.ErrPermission, workflow.ReasonKey, func() error { _, _, err := h.FetchShare(ctx, thief, id); return err })
}

// TestE18_logDown: what cannot be logged does not leave: no share, and no word of a
// request. A commit that failed has handed nothing out, whether it is durable or not; after
// a restart the reviewer gets it, and the log says so.
func TestE18_logDown(t *testing.T) {
	for _, looks := range []int{0, 1} { // before the first share
		for _, applied := range []bool{false, true} {
			h := newHouse(t)
			v := h.sign(h.author("Åsa"))
			c := h.court("Förvaltningsrätten", order.CourtOrder)
			id := c.request(v, order.CourtOrder, decider)
			look := func() {
				if r, err := h.GetReview(ctx, h.reviewerCaller(1, 1, "GetReview"), id, 0); !errors.Is(err, workflow.ErrUnavailable) || r != nil {
					t.Errorf("%v", err)
				}
			}
			h.disk.Fault(1, memory.Fault{Err: errors.New("the disk says no"), Applied: applied})
			for range looks {
				look()
			}
			for range 2 {
				share, logged, err := h.fetch(1, 1, id)
				if !errors.Is(err, workflow.ErrUnavailable) || share != nil || logged != nil {
					t.Errorf("%v", err)
				}
			}
			look()
			h.reopen()
			before := h.count(proof.ShareHandedOut)
			if (before == 1) != (applied && looks == 0) {
				t.Errorf("%d handed out by the log", before)
			}
			if share, _, err := h.fetch(1, 1, id); err != nil || share == nil || h.count(proof.ShareHandedOut) != before+1 {
				t.Errorf("after a restart: %v", err)
			}
		}
	}
}

// TestListReviews shows a reviewer what is undecided, and whether they have voted.
func TestListReviews(t *testing.T) {
	h := newHouse(t)
	v := h.sign(h.author("Åsa"))
	c := h.court("Förvaltningsrätten", order.CourtOrder)
	want := map[ident.ID]bool{}
	for range 5 {
		want[c.request(v, order.CourtOrder, decider)] = false
	}
	var voted ident.ID
	for id := range want {
		voted = id
	}
	h.vote(1, 1, voted, decider)
	page := ""
	for seen := 0; ; {
		list, next, err := h.ListReviews(ctx, h.reviewerCaller(1, 1, "ListReviews"), 2, page)
		must(0, err)
		for _, it := range list {
			if _, ok := want[it.ID]; !ok || it.Voted != (it.ID == voted) {
				t.Errorf("%s: voted %v", it.ID, it.Voted)
			}
			seen++
		}
		if next == "" {
			if seen != len(want) {
				t.Errorf("%d of %d", seen, len(want))
			}
			break
		}
		page = next
	}
	if s := h.vote(2, 1, voted, decider); s != pending {
		t.Fatal(s)
	}
	h.vote(1, 2, voted, decider)
	list, _, err := h.ListReviews(ctx, h.reviewerCaller(1, 3, "ListReviews"), 0, "")
	if err != nil || len(list) != len(want)-1 {
		t.Errorf("%d after one is decided: %v", len(list), err)
	}
}

// TestReviewConsistency: a reviewer's client can follow the log from the last
// checkpoint it saw.
func TestReviewConsistency(t *testing.T) {
	h := newHouse(t)
	v := h.sign(h.author("Åsa"))
	c := h.court("Förvaltningsrätten", order.CourtOrder)
	old := h.ledger.Head()
	id := c.request(v, order.CourtOrder, decider)
	r := must(h.GetReview(ctx, h.reviewerCaller(1, 1, "GetReview"), id, old.Size))
	p := must(proof.ParseProof([]byte(r.Logged.Proof)))
	cp := must(proof.OpenCheckpoint(p.Checkpoint, h.trust.Policy))
	if err := proof.CheckConsistency(proof.Checkpoint{Origin: authority, Size: old.Size, Root: old.Root}, cp, r.Consistency); err != nil {
		t.Error(err)
	}
	if _, err := h.GetReview(ctx, h.reviewerCaller(1, 1, "GetReview"), id, h.ledger.Head().Size+100); !errors.Is(err, workflow.ErrInvalid) {
		t.Error(err)
	}
}
