package faults_test

import (
	"context"
	"errors"
	"fmt"

	"google.golang.org/grpc/codes"

	"sigill/client"
	"sigill/keys/bundle"
	"sigill/keys/disclosure"
	"sigill/keys/ident"
	"sigill/keys/order"
	"sigill/keys/record"
	"sigill/keys/statement"
	"sigill/scripts/authority"
	"sigill/scripts/story"
)

// A tale is the way of one decision, each step of which can be taken again by who
// was not answered. It keeps what its people would keep.
type tale struct {
	own      *client.Own
	approval string
	verdict  *bundle.Verdict
	request  *client.Recipient
	voted    int
	pack     []byte
	seen     []statement.Checkpoint
	acked    int // steps that were answered
	most     int // steps to take; 0: all
}

// step is one change. It is taken again after a restart when its answer was lost:
// then it finds the state before it or the state after it, or fails.
type step struct {
	name string
	take func(s *tale, ctx context.Context, r *authority.Running) error
}

var steps = []step{
	{"draft", (*tale).draft}, {"revise", (*tale).revise}, {"sign", (*tale).sign}, {"ask", (*tale).ask},
	{"vote", (*tale).vote}, {"vote", (*tale).vote}, {"vote", (*tale).vote}, {"collect", (*tale).collect},
}

// firstVote is the place of the first vote among the steps; "ask" stands before it.
const firstVote = 4

// sections is what is asked for and granted.
var sections = []record.Section{record.SectionDecider, record.SectionEvidence}

// voters are the reviewers who vote, by group and index.
var voters = [][2]int{{1, 1}, {2, 1}, {1, 2}}

var errLost = errors.New("lost, or neither before nor after")

// play takes the steps that have not been answered, and keeps the log's head after
// each.
func (s *tale) play(ctx context.Context, r *authority.Running) error {
	public, err := r.Session("")
	if err != nil {
		return err
	}
	for s.acked < len(steps) && (s.most == 0 || s.acked < s.most) {
		st := steps[s.acked]
		if err := st.take(s, ctx, r); err != nil {
			return fmt.Errorf("%s: %w", st.name, err)
		}
		s.acked++
		if cp, err := public.Checkpoint(ctx, nil); err == nil {
			s.seen = append(s.seen, cp)
		}
	}
	return nil
}

func refusedAs(err error, code codes.Code, reason string) bool {
	e := (*client.Error)(nil)
	return errors.As(err, &e) && e.Code == code && (reason == "" || e.Reason == reason)
}

func (s *tale) draft(ctx context.Context, r *authority.Running) error {
	asa, err := r.Caseworker("asa")
	if err != nil {
		return err
	}
	if s.own != nil {
		_, err := asa.Get(ctx, s.own)
		if !refusedAs(err, codes.NotFound, "") {
			return err
		}
	}
	own, err := asa.Submit(ctx, story.Text(story.Decision, "SN 2026-00417"))
	if own != nil {
		s.own = own
	}
	return err
}

func (s *tale) revise(ctx context.Context, r *authority.Running) error {
	asa, err := r.Caseworker("asa")
	if err != nil {
		return err
	}
	m, err := asa.Get(ctx, s.own)
	if err != nil {
		return err
	}
	switch {
	case m.Draft == nil:
		return errLost
	case m.Draft.Revision == 2:
		return nil
	case m.Draft.Revision != 1:
		return errLost
	}
	return asa.Revise(ctx, s.own, story.Text(append(story.Decision[:len(story.Decision):len(story.Decision)], "\nÄndrat.\n"...), "SN 2026-00417"))
}

func (s *tale) sign(ctx context.Context, r *authority.Running) error {
	director, err := r.Signer("direktor", r.Director)
	if err != nil {
		return err
	}
	director.Store = func(_ ident.ID, approval string) error { s.approval = approval; return nil }
	if s.approval != "" {
		s.verdict, _, err = director.Send(ctx, s.approval)
		return err
	}
	c, err := director.Read(ctx, s.own.Decision)
	if err != nil {
		return err
	}
	s.verdict, _, err = director.Sign(ctx, c)
	return err
}

func (s *tale) ask(ctx context.Context, r *authority.Running) error {
	court, err := r.AsCourt()
	if err != nil {
		return err
	}
	if s.request == nil {
		if s.request, err = court.NewRequest(client.Ask{Verdict: s.verdict, Ground: order.CourtReferralOnAppeal,
			Reference: "Mål 4711-26", Sections: sections, Days: 14}); err != nil {
			return err
		}
	}
	return court.Send(ctx, s.request)
}

func (s *tale) vote(ctx context.Context, r *authority.Running) error {
	switch n, err := s.votes(ctx, r); {
	case err != nil:
		return err
	case n == s.voted+1: // it had been counted, and may have settled the request
		s.voted++
		return nil
	case n != s.voted:
		return errLost
	}
	at := voters[s.voted]
	reviewer, err := r.Reviewer(at[0], at[1])
	if err != nil {
		return err
	}
	w, err := reviewer.Get(ctx, s.request.Opening)
	if err != nil {
		return err
	}
	if _, err := reviewer.Vote(ctx, w, client.Judgement{Granted: sections}); err != nil {
		return err
	}
	s.voted++
	return nil
}

// votes is how many the requester is told of.
func (s *tale) votes(ctx context.Context, r *authority.Running) (int, error) {
	court, err := r.AsCourt()
	if err != nil {
		return 0, err
	}
	o, err := court.Get(ctx, s.request.Opening)
	return int(o.GetVotes()), err
}

func (s *tale) collect(ctx context.Context, r *authority.Running) error {
	court, err := r.AsCourt()
	if err != nil {
		return err
	}
	if s.pack, err = court.Collect(ctx, s.request.Opening); err != nil {
		return err
	}
	key, err := s.request.Private()
	if err != nil {
		return err
	}
	p, err := disclosure.Open(s.pack, r.Trust, key)
	if err == nil && (len(p.Granted) != len(sections) || len(p.Contradictions) > 0) {
		err = errLost
	}
	return err
}

// stands: whatever was answered is there.
func (s *tale) stands(ctx context.Context, r *authority.Running) error {
	for i, st := range steps[:s.acked] {
		if err := s.kept(ctx, r, i); err != nil {
			return fmt.Errorf("%s, answered: %w", st.name, err)
		}
	}
	return nil
}

// grown: a log that was just opened holds every head that had left.
func (s *tale) grown(ctx context.Context, r *authority.Running) error {
	public, err := r.Session("")
	if err != nil {
		return err
	}
	seen := s.seen
	if s.verdict != nil {
		seen = append(seen, statement.Checkpoint{Root: s.verdict.Checkpoint.Root, Size: int64(s.verdict.Checkpoint.Size)})
	}
	for _, cp := range seen {
		if _, err := public.Checkpoint(ctx, &cp); err != nil {
			return fmt.Errorf("a head of size %d: %w", cp.Size, err)
		}
	}
	return nil
}

// kept: what the i-th step was answered for is there.
func (s *tale) kept(ctx context.Context, r *authority.Running, i int) error {
	switch steps[i].name {
	case "draft", "revise":
		asa, err := r.Caseworker("asa")
		if err != nil {
			return err
		}
		m, err := asa.Get(ctx, s.own)
		if err == nil && m.Draft != nil && m.Draft.Revision < i+1 {
			err = errLost
		}
		return err
	case "sign":
		director, err := r.Signer("direktor", r.Director)
		if err != nil {
			return err
		}
		v, _, err := director.Bundle(ctx, s.own.Decision)
		if err == nil && (v.Digest != s.verdict.Digest || v.Index != s.verdict.Index) {
			err = errLost
		}
		return err
	case "collect":
		return s.collect(ctx, r)
	}
	n, err := s.votes(ctx, r)
	if err == nil && n < min(i-firstVote+1, len(voters)) {
		err = errLost
	}
	return err
}

// next signs one decision more: numbers must have no gap.
func next(ctx context.Context, r *authority.Running, first *bundle.Verdict) error {
	var s tale
	for _, take := range []func(*tale, context.Context, *authority.Running) error{(*tale).draftOther, (*tale).sign} {
		if err := take(&s, ctx, r); err != nil {
			return err
		}
	}
	if n := s.verdict.Decision.Number; first.Decision.Number != 1 || n != 2 || s.verdict.Index <= first.Index {
		return fmt.Errorf("decision %d follows %d", n, first.Decision.Number)
	}
	return nil
}

func (s *tale) draftOther(ctx context.Context, r *authority.Running) error {
	bjorn, err := r.Caseworker("bjorn")
	if err != nil {
		return err
	}
	s.own, err = bjorn.Submit(ctx, story.Text(story.Decision, "SN 2026-00500"))
	return err
}
