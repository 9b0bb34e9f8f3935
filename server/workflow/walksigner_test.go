package workflow_test

import (
	"bytes"
	"slices"

	"pgregory.net/rapid"

	"sigill/keys/bundle"
	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/proof"
	"sigill/keys/statement"
	"sigill/keys/token"
	"sigill/server/workflow"
)

// What signers and the registrar do, each under their name.

var signers = []string{director, deputy}

// named is what an act under a name leaves in the log.
func named(kinds ...proof.Kind) []proof.Kind { return append(kinds, proof.Event) }

// shownTo is what a signer is shown of a matter, or nil. A login that has used no key
// yet is shown what some signer may sign.
func (w *walk) shownTo(title string, s *story) *showing {
	if slices.Contains(s.abstained, title) || s.board && title == deputy && w.bound[deputy] {
		return nil
	}
	return s.shown
}

func (w *walk) showsTo(title string) func(*story) bool {
	return func(s *story) bool { return w.shownTo(title, s) != nil }
}

// reads: a signer reads a draft and makes an approval of it, to be sent or not.
func (w *walk) reads(rt *rapid.T) {
	title := draw(rt, "title", signers)
	w.read(w.some(rt, w.showsTo(title)), title)
}

func (w *walk) read(s *story, title string) *approved {
	w.t.Helper()
	shown, want := w.shownTo(title, s), taken
	if shown == nil {
		want = absent
	}
	var d *workflow.InboxDraft
	if !w.does("read", byName, want, named(), func() (err error) { d, err = w.look(title, s.id); return err }) {
		return nil
	}
	w.same("revision", s.revision(d.Statement), shown.revision)
	w.alike("dissents", d.Dissents, shown.dissents)
	w.alike("returns", d.Returns, shown.returns)
	a := &approved{of: s, title: title, compact: must(w.approval(title, d)), under: shown.under, revision: shown.revision, day: today()}
	w.approvals = append(w.approvals, a)
	return a
}

// signs: reads, and signs at once.
func (w *walk) signs(rt *rapid.T) {
	title := draw(rt, "title", signers)
	s := w.some(rt, w.showsTo(title))
	if a := w.read(s, title); a != nil {
		w.cosignWith(a)
	}
}

// cosigns sends any of the approvals that were made: also one that signed, one over an
// earlier revision, one of an earlier day and a second signer's.
func (w *walk) cosigns(rt *rapid.T) {
	a := draw(rt, "approval", mostly(rt, w.approvals, func(a *approved) bool { return a.day == today() && a.of.state == isPending }))
	w.touched = a.of
	w.cosignWith(a)
}

func (w *walk) cosignWith(a *approved) {
	w.t.Helper()
	s, b := a.of, []byte(nil)
	c := w.signerCaller(a.title, "SigningService/CosignDecision")
	call := func(c *workflow.Caller) (any, error) { return w.CosignDecision(ctx, c, a.compact) }
	if a.compact == s.signedBy {
		w.does("cosign, the same bytes", byName, taken, nil, func() (err error) { b, err = w.CosignDecision(ctx, c, a.compact); return err })
		w.same("the same bundle", bytes.Equal(b, s.bundle), true)
		return
	}
	want := s.over("cosign", w.shownTo(a.title, s), a.revision, false)
	switch {
	case a.day != today():
		want = refusal(workflow.ErrState, workflow.ReasonDay)
	case s.board && a.title == deputy:
		want = refusal(workflow.ErrPermission, workflow.ReasonOrder)
	case a.under != w.inForce():
		want = refusal(workflow.ErrState, workflow.ReasonSuperseded)
	case slices.Contains(s.abstained, a.title):
		want = refusal(workflow.ErrState, workflow.ReasonAbstained)
	}
	if !w.does("cosign", byName, want, named(proof.Decision), func() error {
		answer, err := call(c)
		if err == nil {
			b = answer.([]byte)
			w.answered(nil, c, answer, call)
		}
		return err
	}) {
		return
	}
	w.bound[a.title] = true
	v := must(bundle.Verify(b, w.trust))
	year := v.Decision.Date.Year()
	w.numbers[year]++
	w.same("number", v.Decision.Number, w.numbers[year])
	w.same("revision that is signed", s.revision(v.Approval.Draft), len(s.last))
	s.state, s.signedBy, s.bundle, s.number, s.decision, s.returns = isSigned, a.compact, b, v.Number(), v.Digest, nil
	s.hide()
}

// onPending is the verdict on a signer's act over a revision that they cite, or of
// which they have an approval.
func (w *walk) onPending(event, title string, s *story, draft ident.Digest) verdict {
	shown := w.shownTo(title, s)
	if s.board && title == deputy {
		shown = nil
	}
	return s.over(event, shown, slices.Index(s.last, draft)+1, slices.Contains(s.abstained, title))
}

// over is the verdict by what the signer is shown: only who acts on that is told what
// has become of it. What was sent back has ended until its next revision is shown.
func (s *story) over(event string, shown *showing, n int, abstained bool) verdict {
	want := decisionRules[event].in(s.state)
	switch {
	case shown == nil && (abstained || len(s.returns) > 0 && n < len(s.last)):
		return refusal(workflow.ErrState, workflow.ReasonEnded)
	case shown == nil && want == taken, shown != nil && n > shown.revision:
		return absent
	case shown != nil && n < shown.revision, want == taken && n < len(s.last):
		return refusal(workflow.ErrStale, workflow.ReasonRevision)
	}
	return want
}

func (w *walk) returns(rt *rapid.T) {
	title := draw(rt, "title", signers)
	s := w.some(rt, w.showsTo(title))
	draft, _ := s.cites(rt)
	s.acts++
	compact := must(jws.Make(w.signers[title], &statement.Return{Authority: authority, Date: today(), Decision: s.id, Draft: draft, Paragraphs: []string{"Skälen räcker inte."}}))
	c := w.signerCaller(title, "SigningService/ReturnDraft")
	call := func(c *workflow.Caller) (*workflow.Logged, error) { return w.ReturnDraft(ctx, c, compact) }
	if w.logs("return", c, w.onPending("return", title, s, draft), proof.Returned, call) {
		w.bound[title] = true
		s.state, s.returns = isReturned, append(s.returns, compact)
		s.hide()
	}
}

// abstains, at times with an approval that was made before.
func (w *walk) abstains(rt *rapid.T) {
	title := draw(rt, "title", signers)
	s := w.some(rt, w.showsTo(title))
	if seldom(rt, "having read", 2) {
		w.read(s, title)
	}
	draft, _ := s.cites(rt)
	compact := must(jws.Make(w.signers[title], &statement.Abstention{Authority: authority, Date: today(), Decision: s.id, Draft: draft}))
	c := w.signerCaller(title, "SigningService/AbstainFromDecision")
	call := func(c *workflow.Caller) (*workflow.Logged, error) { return w.AbstainFromDecision(ctx, c, compact) }
	if w.logs("abstain", c, w.onPending("abstain", title, s, draft), proof.Event, call) {
		w.bound[title] = true
		s.abstained = append(s.abstained, title)
	}
}

// dispatches, at times without a dissent.
func (w *walk) dispatches(rt *rapid.T) {
	s, title := w.some(rt, allowing("dispatch")), draw(rt, "title", []string{director, deputy, registrar})
	decision, cited := s.decision, s.dissents
	if !s.signed() {
		decision = s.last[0]
	}
	want := decisionRules["dispatch"].in(s.state)
	switch {
	case s.signed():
	case s.shown == nil: // nobody but its author knows of it
		want = absent
	default:
		want = refusal(workflow.ErrState, workflow.ReasonNotSigned)
	}
	if len(cited) > 0 && seldom(rt, "drops one", 4) {
		cited = cited[1:]
		if want == taken {
			want = refusal(workflow.ErrState, workflow.ReasonDissents)
		}
	}
	compact := w.dispatching(title, s.id, decision, cited...)
	c := w.signerCaller(title, "SigningService/DispatchDecision")
	call := func(c *workflow.Caller) (*workflow.Logged, error) { return w.DispatchDecision(ctx, c, compact) }
	if w.logs("dispatch", c, want, proof.Dispatched, call) {
		w.bound[title] = true
		s.state = isDispatched
	}
}

// logs makes an act that leaves an entry of its own, and proves it.
func (w *walk) logs(name string, c *workflow.Caller, want verdict, kind proof.Kind, call func(c *workflow.Caller) (*workflow.Logged, error)) bool {
	w.t.Helper()
	again := func(c *workflow.Caller) (any, error) { return logged(call(c)) }
	return w.does(name, byName, want, named(kind), func() error {
		l, err := call(c)
		if err == nil {
			w.proves(l, kind)
			answer := must(logged(l, nil))
			w.answered(nil, c, answer, again)
		}
		return err
	})
}

// bundles: a decision is given to those who may have it, once there is one.
func (w *walk) bundles(rt *rapid.T) {
	s, title := w.some(rt, (*story).signed), draw(rt, "title", []string{director, deputy, registrar, "author"})
	c := w.signerCaller(title, "VerificationService/GetBundle")
	want, refused, leaves := taken, byName, named()
	if title == "author" {
		c, refused, leaves = s.reader("GetBundle"), byDay, nil
	}
	switch {
	case s.signed():
	case c.Role == token.Caseworker:
		want = refusal(workflow.ErrState, workflow.ReasonNotSigned)
	default:
		want = absent
	}
	w.does("bundle", refused, want, leaves, func() error {
		b, err := w.GetBundle(ctx, c, s.id)
		if err == nil {
			w.sameDecision(s, b)
		}
		return err
	})
}

func (w *walk) sameDecision(s *story, b []byte) {
	w.t.Helper()
	v := must(bundle.Verify(b, w.trust))
	w.same("the decision", v.Digest == s.decision, true)
	w.same("number", v.Number(), s.number)
}
