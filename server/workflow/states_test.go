package workflow_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"sigill/keys/bundle"
	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/proof"
	"sigill/keys/record"
	"sigill/keys/seal"
	"sigill/keys/statement"
	"sigill/server/workflow"
)

// TestModes: each mode lives from draft to dispatch; its bundle verifies, its seal
// is the one that the author's client recomputes, and its entries have the kinds
// that the contract gives them.
func TestModes(t *testing.T) {
	h := newHouse(t)
	for i, make := range []func(a *author) *author{func(a *author) *author { return a }, (*author).executive, (*author).board} {
		a := make(h.author(fmt.Sprintf("Åsa Öberg-%d", i))).in(fmt.Sprintf("SN2026-%05d", i))
		answer := must(a.submit())
		a.recomputes(answer)
		must(h.sendBack(director, a))
		a.recomputes(must(a.submit()))
		must(a.dissent("Jag hade beslutat annorlunda."))
		b := must(h.cosign(director, h.approve(director, a.id)))
		v := must(bundle.Verify(b, h.trust))
		h.same("number", v.Decision.Number, i+1)
		h.same("draft", v.DraftDigest(), a.last[1])
		if (v.Approval.Signer.Name != "") != (v.Decision.Mode == record.ExecutiveDecides) {
			t.Fatal("the signer is named in mode", v.Decision.Mode)
		}
		view := must(a.get())
		must(h.dispatch(registrar, a.id, v.Digest, view.Dissents...))
		if got := must(bundle.Verify(must(h.GetBundle(ctx, a.reader("GetBundle"), a.id)), h.trust)); got.Digest != v.Digest {
			t.Fatal("the author gets another decision")
		}
	}
	for kind, n := range map[proof.Kind]int{proof.Decision: 3, proof.Returned: 3, proof.Dispatched: 3, proof.AuthorAct: 0} {
		h.same(kind.String(), h.count(kind), n)
	}
}

// recomputes checks an answer as the author's client does: the head of the seal
// follows from what was sent and the answer.
func (a *author) recomputes(answer *workflow.DraftAnswer) {
	a.h.t.Helper()
	draft := a.last[len(a.last)-1]
	item := record.EvidenceItem{Type: record.EvidenceAccessToken, Label: record.LabelBearer, Token: "token-of-" + a.name, Key: string(answer.Key),
		KeysIndex: int64(answer.KeysIndex), Nonce: ident.Bytes(a.nonce[:]), Provider: "idp", Received: today()}
	if !a.unbound {
		j := a.day.Public().JWK()
		item.Label, item.DayKey, item.Authorship = record.LabelDPoP, &j, a.authorship
	}
	must(0, a.plain.SetEvidence(a.seed, must((&record.Evidence{Items: []record.EvidenceItem{item}}).Encode())))
	s := must(seal.New(seal.Subject{Authority: authority, Decision: a.id, Revision: len(a.last), Draft: draft, AuthorKey: a.key.Public().Thumbprint(),
		Set: a.h.setEpoch}, seal.Shapes(a.h.set), a.seed, &a.plain))
	if string(must(s.Head.Marshal())) != string(answer.Head) {
		a.h.t.Fatal("another seal than the one that was asked for")
	}
	var rc statement.Receipt
	if _, _, err := jws.ReadBy(answer.Receipt, a.h.trust.LogKey, &rc); err != nil {
		a.h.t.Fatal(err)
	}
	if rc.Decision != a.id || rc.Statement != draft || rc.Received != today() || rc.Due != today().AddDays(7) || rc.Authority != authority {
		a.h.t.Fatal("the receipt says something else")
	}
}

// TestUnbound: a token that is not bound to a day key is kept, and labelled so.
func TestUnbound(t *testing.T) {
	h := newHouse(t)
	a := h.author("Åsa Öberg")
	a.unbound = true
	a.recomputes(must(a.submit())) // with the label bearer
	b := h.author("Bo Ek").in("SN2026-2")
	in, _ := b.submission()
	c := b.caller("SubmitDraft")
	c.DayKey = nil
	no := h.refuses(workflow.ErrInvalid, workflow.ReasonEvidence, byDay, func() error { _, err := h.SubmitDraft(ctx, c, in); return err })
	h.same("field", no.Field, "seal.authorship")
}

// inState takes a matter of its own into a state.
func (h *house) inState(state string, n int) (*author, string) {
	h.t.Helper()
	a := h.author("Åsa Öberg").in(fmt.Sprintf("SN2026-%05d", n))
	must(a.submit())
	approval := h.approve(director, a.id)
	switch state {
	case "RETURNED":
		must(h.sendBack(director, a))
	case "SIGNED", "DISPATCHED":
		v := must(bundle.Verify(must(h.cosign(director, approval)), h.trust))
		if state == "DISPATCHED" {
			must(h.dispatch(registrar, a.id, v.Digest))
		}
	case "WITHDRAWN":
		must(a.withdraw())
	}
	return a, approval
}

// TestStates is the specification's table of decisions, as decisionRules has it: every
// event in every state. What is refused leaves nothing but its event.
func TestStates(t *testing.T) {
	h := newHouse(t)
	number := map[string]int{"PENDING": isPending, "RETURNED": isReturned, "SIGNED": isSigned, "DISPATCHED": isDispatched, "WITHDRAWN": isWithdrawn}
	type row struct {
		event string
		leave string
		do    func(a *author, approval string) error
	}
	events := []row{
		{"revise", byDay, func(a *author, _ string) error { _, err := a.submit(); return err }},
		{"dissent", byDay, func(a *author, _ string) error { _, err := a.dissent("Jag är skiljaktig."); return err }},
		{"return", byName, func(a *author, _ string) error { _, err := h.sendBack(director, a); return err }},
		{"abstain", byName, func(a *author, _ string) error { _, err := h.abstain(deputy, a); return err }},
		{"cosign", byName, func(a *author, approval string) error { _, err := h.cosign(director, approval); return err }},
		{"dispatch", byName, func(a *author, _ string) error {
			digest := ident.Digest{1}
			if v, err := a.get(); err == nil && len(v.Bundle) > 0 {
				digest = must(bundle.Verify(v.Bundle, h.trust)).Digest
			}
			_, err := h.dispatch(registrar, a.id, digest)
			return err
		}},
		{"withdraw", byDay, func(a *author, _ string) error { _, err := a.withdraw(); return err }},
	}
	n := 0
	for _, e := range events {
		for _, state := range slices.Sorted(maps.Keys(number)) {
			n++
			a, approval := h.inState(state, n)
			name, rule := e.event+" in "+state, decisionRules[e.event]
			if e.event == "cosign" && (state == "SIGNED" || state == "DISPATCHED") {
				rule = decisionRules["cosign, the same bytes"]
			}
			if want := rule.in(number[state]); want != taken {
				if e.event == "dispatch" { // reads first
					h.same(name, verdictOf(e.do(a, approval)), want)
				} else {
					h.refuses(want.kind, want.reason, e.leave, func() error { return e.do(a, approval) })
				}
				h.same(name, must(a.get()).State, number[state])
				continue
			}
			if err := e.do(a, approval); err != nil {
				t.Fatal(name, err)
			}
			h.same(name, must(a.get()).State, rule.next[number[state]])
		}
	}
}

// TestWeeded: when a decision is signed, or a draft withdrawn, its earlier texts and
// the returns go; their digests stay.
func TestWeeded(t *testing.T) {
	h := newHouse(t)
	a := h.author("Åsa Öberg")
	a.content = text + "\nEn mening som stryks i andra versionen.\n"
	must(a.submit())
	must(h.sendBack(director, a))
	first := a.content
	a.content = text
	must(a.submit())
	if len(where(h.rows(), "Skälen räcker inte")) == 0 && len(must(a.get()).Returns) != 1 {
		t.Fatal("the return is gone before it is read")
	}
	if found := where(h.rows(), "En mening som stryks"); found != nil {
		t.Fatal("an earlier text is kept in", found)
	}
	must(h.cosign(director, h.approve(director, a.id)))
	if v := must(a.get()); len(v.Returns) != 0 || len(v.Content) != 0 || v.Statement != "" {
		t.Fatal("a return, a text or a statement is kept")
	}
	b := h.author("Bo Ek").in("SN2026-2")
	b.content = first
	must(b.submit())
	must(b.withdraw())
	if found := where(h.rows(), "En mening som stryks"); found != nil {
		t.Fatal("a withdrawn text is kept in", found)
	}
	for _, room := range []string{"draft/", "inbox/"} {
		for key := range h.rows() {
			if len(key) > len(room) && key[:len(room)] == room {
				t.Fatal("a row is left in", room)
			}
		}
	}
	if !slices.Contains(h.owed(), proof.Withdrawn) {
		t.Fatal("a withdrawal is not owed to the log")
	}
}

// TestDissents: every dissent counts until dispatch, also after the signature, and
// the dispatch cites them all.
func TestDissents(t *testing.T) {
	h := newHouse(t)
	a := h.author("Åsa Öberg")
	must(a.submit())
	must(a.dissent("Före beslutet."))
	if d := must(h.look(director, a.id)); len(d.Dissents) != 1 {
		t.Fatal("the signer is not shown the dissent")
	}
	v := must(bundle.Verify(must(h.cosign(director, h.approve(director, a.id))), h.trust))
	must(a.dissent("Efter beslutet."))
	all := must(a.get()).Dissents
	h.same("dissents", len(all), 2)
	// The same again, as after a lost answer: cited twice, it could never go out.
	h.refuses(workflow.ErrState, workflow.ReasonTaken, byDay, func() error { _, err := a.dissent("Efter beslutet."); return err })
	for _, cited := range [][]string{nil, all[:1], all[1:]} {
		no := h.refuses(workflow.ErrState, workflow.ReasonDissents, byName, func() error {
			_, err := h.dispatch(registrar, a.id, v.Digest, cited...)
			return err
		})
		h.same("due", len(no.Digests), 2)
	}
	h.refuses(workflow.ErrInvalid, workflow.ReasonContradiction, nothing, func() error {
		_, err := h.dispatch(registrar, a.id, v.Digest, append(slices.Clone(all), "another")...)
		return err
	})
	h.refuses(workflow.ErrInvalid, workflow.ReasonContradiction, nothing, func() error {
		_, err := h.dispatch(registrar, a.id, ident.Digest{1}, all...)
		return err
	})
	var forked statement.Dispatch
	must(0, jws.Peek(h.dispatching(registrar, a.id, v.Digest, all...), &forked))
	forked.Checkpoint.Root[0] ^= 1
	h.refuses(workflow.ErrInvalid, workflow.ReasonContradiction, nothing, func() error {
		_, err := h.DispatchDecision(ctx, h.signerCaller(registrar, "SigningService/DispatchDecision"), must(jws.Make(h.signers[registrar], &forked)))
		return err
	})
	logged := must(h.dispatch(registrar, a.id, v.Digest, all...))
	h.proves(logged, proof.Dispatched)
	h.refuses(workflow.ErrState, workflow.ReasonDispatched, byDay, func() error { _, err := a.dissent("För sent."); return err })
}

// TestActCites: an act of the author's is over the last revision and names this
// authority.
func TestActCites(t *testing.T) {
	h := newHouse(t)
	a := h.author("Åsa Öberg")
	must(a.submit())
	stale := *a
	must(a.submit())
	h.refuses(workflow.ErrStale, workflow.ReasonRevision, byDay, func() error { _, err := stale.dissent("Om den förra."); return err })
	h.refuses(workflow.ErrStale, workflow.ReasonRevision, byDay, func() error { _, err := stale.withdraw(); return err })
	for _, st := range []jws.Statement{
		&statement.Dissent{Authority: "202100-5489", Decision: a.id, Draft: a.last[1], Paragraphs: []string{"x"}},
		&statement.Withdrawal{Authority: "202100-5489", Decision: a.id, Draft: a.last[1]},
	} {
		compact := must(jws.Make(a.key, st))
		h.refuses(workflow.ErrInvalid, workflow.ReasonField, nothing, func() error {
			if st.Typ() == statement.TypDissent {
				_, err := h.AttachDissent(ctx, a.caller("AttachDissent"), compact)
				return err
			}
			_, err := h.WithdrawDraft(ctx, a.caller("WithdrawDraft"), compact)
			return err
		})
	}
	h.same("state", must(a.get()).State, 1)
}

// TestDissentLimit: twenty, and no more.
func TestDissentLimit(t *testing.T) {
	h := newHouse(t)
	a := h.author("Åsa Öberg")
	must(a.submit())
	for i := range statement.MaxDissents {
		must(a.dissent(fmt.Sprint("Skäl ", i)))
	}
	h.refuses(workflow.ErrState, workflow.ReasonTooMany, byDay, func() error { _, err := a.dissent("Ett till"); return err })
}

// proves checks that what was logged stands in the log.
func (h *house) proves(l *workflow.Logged, kind proof.Kind) proof.Entry {
	h.t.Helper()
	pre := must(proof.ParsePreimage(l.Preimage))
	e := must(pre.Entry(l.Tag))
	if _, _, err := proof.CheckInclusion([]byte(l.Proof), e, h.trust.Policy); err != nil || e.Kind != kind {
		h.t.Fatal("not logged as", kind, err)
	}
	return e
}
