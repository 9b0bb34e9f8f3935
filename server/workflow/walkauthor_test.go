package workflow_test

import (
	"fmt"
	"slices"

	"pgregory.net/rapid"

	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/proof"
	"sigill/keys/record"
	"sigill/keys/statement"
	"sigill/server/workflow"
)

// What authors do. Their calls leave nothing in the log at once: what it is owed is
// promised by receipts.

var caseworkers = []string{"Åsa Öberg", "Bo Ek", "Cia Dahl"}

// submits sends a first revision: mostly a lawful one, at times with a key or an id
// that is taken, without an earlier draft of its case, correcting what is no decision,
// or by somebody who signs.
func (w *walk) submits(rt *rapid.T) {
	s := &story{author: w.author(draw(rt, "who", caseworkers)), reference: draw(rt, "case", []string{"SN-1", "SN-2"}),
		board: seldom(rt, "board", 4), urgent: seldom(rt, "urgent", 4)}
	s.drafts()
	s.earlier = w.earlier(s)
	want := taken
	switch {
	case seldom(rt, "officer", 12):
		s.name, want = w.signerCaller(draw(rt, "title", signers), "").Identity.Name, refusal(workflow.ErrPermission, workflow.ReasonOfficer)
	case len(w.stories) > 0:
		other := draw(rt, "other", w.stories)
		switch draw(rt, "fault", []string{"", "", "", "", "corrects", "corrects", "key", "id", "earlier"}) {
		case "corrects":
			s.corrects = &statement.Cite{Decision: other.id, Statement: other.decision}
			if !other.signed() {
				s.corrects.Statement = other.last[0] // a draft is no decision
				want = refusal(workflow.ErrInvalid, workflow.ReasonContradiction)
			}
		case "key":
			s.key, want = other.key, refusal(workflow.ErrInvalid, workflow.ReasonTaken)
		case "id":
			s.id, want = other.id, refusal(workflow.ErrInvalid, workflow.ReasonTaken)
		case "earlier":
			if n := len(s.earlier); n > 0 {
				s.earlier, want = s.earlier[:n-1], refusal(workflow.ErrState, workflow.ReasonEarlier)
			}
		}
	}
	name := "submit"
	if s.corrects != nil {
		name = "submit a correction"
	}
	in, _ := s.submission()
	if w.drafted(name, s, in, want, s.caller("SubmitDraft"), w.submitDraft) {
		w.stories = append(w.stories, s)
		s.accepted(w, in)
	}
}

// drafts makes the author's statements say what the story does.
func (s *story) drafts() {
	if s.board {
		s.author.board()
	}
	was := s.edit
	s.edit = func(d *statement.Draft, r *record.Record) {
		if was != nil {
			was(d, r)
		}
		d.Case, d.Urgent, d.Corrects = s.reference, s.urgent, s.corrects
	}
}

// earlier are the drafts of the case that came before a matter's first revision, each
// by its last that others may know of.
func (w *walk) earlier(s *story) (out []ident.Digest) {
	for _, other := range w.stories {
		if other == s {
			break
		}
		if other.reference == s.reference && !other.known.IsZero() {
			out = append(out, other.known)
		}
	}
	statement.SortEarlier(out)
	return out
}

// A draftCall is one of the two that send a revision.
type draftCall func(c *workflow.Caller, in workflow.Submission) (*workflow.DraftAnswer, error)

// submitDraft and reviseDraft go to the office that is open when they are called.
func (w *walk) submitDraft(c *workflow.Caller, in workflow.Submission) (*workflow.DraftAnswer, error) {
	return w.SubmitDraft(ctx, c, in)
}

func (w *walk) reviseDraft(c *workflow.Caller, in workflow.Submission) (*workflow.DraftAnswer, error) {
	return w.ReviseDraft(ctx, c, in)
}

func (w *walk) drafted(name string, s *story, in workflow.Submission, want verdict, c *workflow.Caller, call draftCall) bool {
	w.t.Helper()
	return w.does(name, byDay, want, nil, func() error {
		answer, err := call(c, in)
		if err == nil {
			w.promised(answer.Receipt, proof.AuthorAct)
			w.answered(s, c, answer, func(c *workflow.Caller) (any, error) { return call(c, in) })
		}
		return err
	})
}

// accepted: a revision awaits signatures from the next hour of the inbox.
func (s *story) accepted(w *walk, in workflow.Submission) {
	s.last, s.state, s.under = append(s.last, jws.Digest(in.Statement)), isPending, w.inForce()
	w.changes(s, s.urgent)
}

func (w *walk) revises(rt *rapid.T) {
	s := w.some(rt, allowing("revise"))
	s.urgent = seldom(rt, "urgent", 5)
	s.earlier = w.earlier(s)
	want := decisionRules["revise"].in(s.state)
	kept := s.last
	if seldom(rt, "stale", 5) {
		s.last = s.last[:len(s.last)-1] // the last revision once more
		if want == taken {
			want = refusal(workflow.ErrStale, workflow.ReasonRevision)
		}
	}
	in, _ := s.submission()
	s.last = kept
	if w.drafted("revise", s, in, want, s.caller("ReviseDraft"), w.reviseDraft) {
		s.accepted(w, in)
	}
}

// cites is a revision of a matter that an act is over, mostly the last.
func (s *story) cites(rt *rapid.T) (draft ident.Digest, last bool) {
	n := len(s.last) - 1
	if n > 0 && seldom(rt, "stale", 5) {
		return draw(rt, "revision", s.last[:n]), false
	}
	return s.last[n], true
}

// overLast is the verdict on an act in a state that must be over the last revision.
func overLast(event string, state int, last bool) verdict {
	want := decisionRules[event].in(state)
	if want == taken && !last {
		want = refusal(workflow.ErrStale, workflow.ReasonRevision)
	}
	return want
}

func (w *walk) dissents(rt *rapid.T) {
	s := w.some(rt, allowing("dissent"))
	draft, last := s.cites(rt)
	s.acts++
	compact := must(jws.Make(s.key, &statement.Dissent{Authority: authority, Decision: s.id, Draft: draft, Paragraphs: []string{fmt.Sprint("Skäl ", s.acts)}}))
	if len(s.dissents) > 0 && seldom(rt, "twice", 5) {
		compact = draw(rt, "dissent", s.dissents)
		var d statement.Dissent
		must(0, jws.Peek(compact, &d))
		last = d.Draft == s.last[len(s.last)-1]
	}
	want := overLast("dissent", s.state, last)
	switch {
	case want != taken:
	case slices.Contains(s.dissents, compact):
		want = refusal(workflow.ErrState, workflow.ReasonTaken)
	case len(s.dissents) >= statement.MaxDissents:
		want = refusal(workflow.ErrState, workflow.ReasonTooMany)
	}
	if w.acts("dissent", s, s.caller("AttachDissent"), want, proof.AuthorAct, compact) {
		s.dissents = append(s.dissents, compact)
		if s.state == isPending {
			w.changes(s, false)
		}
	}
}

func (w *walk) withdraws(rt *rapid.T) {
	s := w.some(rt, allowing("withdraw"))
	draft, last := s.cites(rt)
	compact := must(jws.Make(s.key, &statement.Withdrawal{Authority: authority, Decision: s.id, Draft: draft}))
	if w.acts("withdraw", s, s.caller("WithdrawDraft"), overLast("withdraw", s.state, last), proof.Withdrawn, compact) {
		s.state, s.returns = isWithdrawn, nil
		if s.shown != nil {
			w.changes(s, false)
		} else if s.changes.IsZero() { // nothing waits for its hour
			s.hide()
		}
	}
}

// acts makes one of the author's acts, which is answered by a receipt.
func (w *walk) acts(name string, s *story, c *workflow.Caller, want verdict, kind proof.Kind, compact string) bool {
	w.t.Helper()
	call := func(c *workflow.Caller) (any, error) {
		if kind == proof.Withdrawn {
			return w.WithdrawDraft(ctx, c, compact)
		}
		return w.AttachDissent(ctx, c, compact)
	}
	return w.does(name, byDay, want, nil, func() error {
		receipt, err := call(c)
		if err == nil {
			w.promised(receipt.(string), kind)
			w.answered(s, c, receipt, call)
		}
		return err
	})
}

// snoops: whoever is not the author is told that nothing is there. A foreign token is
// named, also with the author's key; the author without the key is not, nor is who
// guesses.
func (w *walk) snoops(rt *rapid.T) {
	s := draw(rt, "matter", w.stories)
	who, leaves := *s.author, byName
	switch draw(rt, "with", []string{"the author's key", "a key of their own", "the author's token", "a guess"}) {
	case "the author's key":
		who.name = "Kim Snok"
	case "a key of their own":
		who.name, who.key = "Kim Snok", newSigner(jws.EdDSA)
	case "the author's token":
		who.key, leaves = newSigner(jws.EdDSA), byDay
	case "a guess":
		who.name, who.key, who.id, leaves = "Kim Snok", newSigner(jws.EdDSA), ident.NewID(), byDay
	}
	w.does("snoop", leaves, absent, nil, func() (err error) {
		switch draw(rt, "call", []string{"revise", "dissent", "withdraw", "get", "seals", "bundle"}) {
		case "revise":
			_, err = who.submit()
		case "dissent":
			_, err = who.dissent("Text.")
		case "withdraw":
			_, err = who.withdraw()
		case "get":
			_, err = who.get()
		case "seals":
			_, err = who.seals()
		case "bundle":
			_, err = w.GetBundle(ctx, who.reader("GetBundle"), who.id)
		}
		return err
	})
	w.touched = s
}
