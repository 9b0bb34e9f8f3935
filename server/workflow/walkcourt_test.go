package workflow_test

import (
	"bytes"
	"crypto/hpke"
	"slices"

	"pgregory.net/rapid"

	"sigill/keys/disclosure"
	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/opening"
	"sigill/keys/order"
	"sigill/keys/proof"
	"sigill/keys/record"
	"sigill/server/workflow"
)

// What requesters and reviewers do about the seals of signed decisions.

// atMost is how many undecided requests a requester may have in a walk.
const atMost = 2

// asks for a seal to be opened: mostly as it should be, at times of a draft, on a
// ground that the court is not registered for, under an id or to a key that was used.
func (w *walk) asks(rt *rapid.T) {
	s := w.some(rt, (*story).signed)
	c := draw(rt, "court", mostly(rt, w.courts, func(c *court) bool { return w.undecided(c) > 0 }))
	p := &petition{story: s, court: c, id: ident.NewID(), state: pending, recipient: must(hpke.MLKEM768X25519().GenerateKey()),
		sections: draw(rt, "sections", [][]record.Section{{decider}, {decider, bias}}), expires: today().AddDays(draw(rt, "days", []int{1, 14})),
		doubtful: seldom(rt, "doubtful", 4), votes: map[[2]int][]record.Section{}, delays: map[[2]int]ident.Date{}}
	r := &opening.Request{Authority: authority, Date: today(), Decision: s.id, Expires: p.expires, Ground: c.doc.Grounds[0],
		Opening: p.id, Recipient: p.recipient.PublicKey().Bytes(), Reference: "Mål 4711-26", Sections: p.sections, Statement: s.decision}
	want := taken
	switch {
	case !s.signed():
		r.Statement, want = s.last[0], refusal(workflow.ErrState, workflow.ReasonNotSigned)
	case w.undecided(c) >= atMost:
		want = refusal(workflow.ErrBusy, workflow.ReasonTooMany)
	}
	fault := draw(rt, "fault", []string{"", "", "", "", "", "ground", "id", "recipient"})
	switch {
	case fault == "ground":
		r.Ground, want = order.CourtWitness, refusal(workflow.ErrPermission, workflow.ReasonRequesterRevoked)
	case len(w.petitions) == 0 || !s.signed():
	case fault == "id":
		r.Opening, want = w.petitions[0].id, refusal(workflow.ErrInvalid, workflow.ReasonTaken)
	case fault == "recipient":
		r.Recipient, want = w.petitions[0].recipient.PublicKey().Bytes(), refusal(workflow.ErrState, workflow.ReasonTaken)
	}
	compact := must(jws.Make(c.key, r))
	if w.logs("ask", c.caller("RequestOpening"), want, proof.OpeningRequested, func(c *workflow.Caller) (*workflow.Logged, error) {
		return w.RequestOpening(ctx, c, compact)
	}) {
		w.petitions, w.asked = append(w.petitions, p), p
	}
}

// undecided counts a requester's requests that await votes, also those that have run
// out until the clock comes round to them.
func (w *walk) undecided(c *court) (n int) {
	for _, p := range w.petitions {
		if p.state == pending && p.court == c {
			n++
		}
	}
	return n
}

// someRequest is mostly an undecided one.
func (w *walk) someRequest(rt *rapid.T) *petition {
	p := draw(rt, "request", mostly(rt, w.petitions, func(p *petition) bool { return p.state == pending }))
	w.asked = p
	return p
}

var seats = [][2]int{{1, 1}, {1, 2}, {1, 3}, {1, 4}, {2, 1}, {2, 2}, {2, 3}}

// votes: a reviewer looks at a request, fetches a share and casts a vote that grants
// all, a part or nothing. More often than not somebody else follows.
func (w *walk) votes(rt *rapid.T) {
	p := w.someRequest(rt)
	for more := true; more; more = p.state == pending && !seldom(rt, "no more", 3) {
		at := draw(rt, "seat", mostly(rt, seats, func(at [2]int) bool { _, voted := p.votes[at]; return !voted }))
		granted := draw(rt, "granted", [][]record.Section{p.sections, p.sections, p.sections[:1], p.sections[:1], nil})
		if p.doubtful {
			granted = draw(rt, "granted", [][]record.Section{nil, nil, nil, p.sections[:1], p.sections})
		}
		r := w.reviews(p, at)
		share := w.fetches(p, at)
		if r == nil || share == nil {
			return
		}
		b := w.ballotOver(at[0], at[1], p.id, r, share, granted...)
		if p.court.doc.Grounds[0].MayDelay() && !seldom(rt, "told at once", 4) {
			b.vote.NotBefore = &opening.Delay{Date: today().AddDays(draw(rt, "told after", []int{0, 2, 10})), Provision: "35 kap. 1 § OSL"}
		}
		p.ballots = append(p.ballots, b)
		w.casts(p, b)
	}
}

// fetches: a reviewer is handed their share while the request runs.
func (w *walk) fetches(p *petition, at [2]int) (share []byte) {
	w.t.Helper()
	c := w.reviewerCaller(at[0], at[1], "FetchShare")
	c.Proof = w.keyProof(w.reviewers[at[0]-1][at[1]-1].sign, c, p.id)
	call := func(c *workflow.Caller) (any, error) {
		share, l, err := w.FetchShare(ctx, c, p.id)
		if err != nil {
			return nil, err
		}
		return [3][]byte{share, l.Preimage, l.Tag[:]}, nil
	}
	w.does("fetch", byName, p.may("fetch"), named(proof.ShareHandedOut), func() error {
		answer, err := call(c)
		if err == nil {
			share = answer.([3][]byte)[0]
			w.answered(nil, c, answer, call)
		}
		return err
	})
	return share
}

// reviews: who has a vote on it sees a request while it is undecided.
func (w *walk) reviews(p *petition, at [2]int) (r *workflow.Review) {
	w.t.Helper()
	want := taken
	if p.state != pending {
		want = absent
	}
	if w.does("review", byName, want, named(), func() (err error) {
		r, err = w.GetReview(ctx, w.reviewerCaller(at[0], at[1], "GetReview"), p.id, 0)
		return err
	}) {
		w.sameDecision(p.story, r.Bundle)
		w.alike("dissents", r.Dissents, p.story.dissents)
	}
	return r
}

func (w *walk) withBallots() (out []*petition) {
	for _, p := range w.petitions {
		if len(p.ballots) > 0 {
			out = append(out, p)
		}
	}
	return out
}

// votesAgain casts any vote that was made, by whoever has cast it or another.
func (w *walk) votesAgain(rt *rapid.T) {
	p := draw(rt, "request", w.withBallots())
	w.asked = p
	w.casts(p, draw(rt, "ballot", p.ballots))
}

func (w *walk) casts(p *petition, b *ballot) {
	w.t.Helper()
	at := [2]int{b.vote.Group, b.vote.Index}
	want := p.may("vote")
	if _, voted := p.votes[at]; want == taken && voted {
		want = refusal(workflow.ErrState, workflow.ReasonVoted)
	}
	next, leaves := p.state, named()
	if want == taken {
		p.votes[at] = b.vote.Granted
		if b.vote.NotBefore != nil {
			p.delays[at] = b.vote.NotBefore.Date
		}
		next = p.counted()
		leaves = append(named(proof.Event), p.ends(next)...) // the vote's own
	}
	compact := must(jws.Make(b.key, &b.vote))
	c := w.reviewerCaller(at[0], at[1], "ApproveOpening")
	if len(b.vote.Granted) == 0 {
		c.Method = "/sigill.v1.ReviewService/RefuseOpening"
	}
	call := func(c *workflow.Caller) (any, error) {
		do := func() (*workflow.Voted, error) { return w.ApproveOpening(ctx, c, compact, b.vector) }
		if len(b.vote.Granted) == 0 {
			do = func() (*workflow.Voted, error) { return w.RefuseOpening(ctx, c, compact) }
		}
		v, err := do()
		if err != nil {
			return nil, err
		}
		return v.State, nil
	}
	if w.does("vote", byName, want, leaves, func() error {
		answer, err := call(c)
		if err == nil {
			w.same("state told", answer, next)
			w.answered(nil, c, answer, call)
		}
		return err
	}) {
		p.state = next
		if next != pending {
			w.did.add("ended by votes: "+endings[next], taken)
		}
	}
}

// ends is what the end of a request leaves in the log today.
func (p *petition) ends(in int) []proof.Kind {
	switch in {
	case released:
		return p.releasedOn(today())
	case wasRefused:
		return []proof.Kind{proof.OpeningRefused}
	case withdrawn, expired:
		return []proof.Kind{proof.OpeningClosed}
	}
	return nil
}

var endings = map[int]string{released: "released", wasRefused: "refused", expired: "expired"}

// asker is mostly who made a request: anyone else is told that it is not there.
func (p *petition) asker(w *walk, rt *rapid.T) *court {
	return draw(rt, "court", mostly(rt, w.courts, func(c *court) bool { return c == p.court }))
}

func (w *walk) takesBack(rt *rapid.T) {
	p := w.someRequest(rt)
	c := p.asker(w, rt)
	want := p.may("take back")
	if c != p.court {
		want = absent
	}
	if w.logs("take back", c.caller("WithdrawOpening"), want, proof.OpeningClosed, func(c *workflow.Caller) (*workflow.Logged, error) {
		return w.WithdrawOpening(ctx, c, p.id)
	}) {
		p.state = withdrawn
	}
}

func (w *walk) collects(rt *rapid.T) {
	p := draw(rt, "request", mostly(rt, w.petitions, func(p *petition) bool { return p.state == released }))
	w.asked = p
	w.collect(p, p.asker(w, rt))
}

// collect fetches what was granted: the first time the court opens it, then it is the
// same bytes.
func (w *walk) collect(p *petition, by *court) {
	w.t.Helper()
	want := p.may("collect")
	if by != p.court {
		want = absent
	}
	c := by.caller("CollectOpening")
	call := func(c *workflow.Caller) (any, error) { return w.CollectOpening(ctx, c, p.id) }
	var pkg []byte
	if !w.does("collect", byName, want, named(), func() error {
		answer, err := call(c)
		if err == nil {
			pkg = answer.([]byte)
			w.answered(nil, c, answer, call)
		}
		return err
	}) {
		return
	}
	if p.state == collected {
		w.same("the same package", bytes.Equal(pkg, p.pkg), true)
		return
	}
	must(disclosure.Open(pkg, w.trust, p.recipient))
	p.state, p.pkg = collected, pkg
}

// petition is which of the requests one is; -1 if it is none.
func (w *walk) petition(id ident.ID) int {
	return slices.IndexFunc(w.petitions, func(p *petition) bool { return p.id == id })
}
