package workflow_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"sigill/keys/bundle"
	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/proof"
	"sigill/keys/statement"
	"sigill/server/store/memory"
	"sigill/server/workflow"
)

// The tests are named by the rows S of scripts/rows/rows.txt; S14 has its own in
// keys/jws, S15 and S17 stand in admissionrows_test.go, S16 in fault_test.go.

func TestS01_sameCosignTwice(t *testing.T) {
	h := newHouse(t)
	a := h.author("Åsa Öberg")
	must(a.submit())
	approval := h.approve(director, a.id)
	first := must(h.cosign(director, approval))
	twice := func() {
		t.Helper()
		before, size := h.rows(), h.ledger.Head().Size
		again := must(h.cosign(director, approval))
		if !bytes.Equal(first, again) || len(changed(before, h.rows())) != 0 || h.ledger.Head().Size != size {
			t.Fatal("the same approval did something again")
		}
	}
	twice()
	must(h.dispatch(registrar, a.id, must(bundle.Verify(first, h.trust)).Digest))
	twice()
}

func TestS02_secondDirector(t *testing.T) {
	h := newHouse(t)
	a := h.author("Åsa Öberg")
	must(a.submit())
	approval, late := h.approve(director, a.id), h.approve(deputy, a.id)
	first := must(h.cosign(director, approval))
	h.refuses(workflow.ErrState, workflow.ReasonEnded, byName, func() error {
		b, err := h.cosign(deputy, late)
		if b != nil {
			t.Fatal("the second is shown the decision")
		}
		return err
	})
	h.same("bundle", must(h.cosign(director, approval)), first)
}

func TestS03_staleDigest(t *testing.T) {
	h := newHouse(t)
	a := h.author("Åsa Öberg")
	must(a.submit())
	stale := h.approve(director, a.id)
	must(a.submit())
	h.refuses(workflow.ErrStale, workflow.ReasonRevision, byName, func() error { _, err := h.cosign(director, stale); return err })
	h.same("state", must(a.get()).State, 1)
	must(h.cosign(director, h.approve(director, a.id)))
	h.refuses(workflow.ErrState, workflow.ReasonEnded, byName, func() error { _, err := h.cosign(director, stale); return err })
	h.same("decisions", h.count(proof.Decision), 1)
}

// The call has no decision beside the approval that is signed: what can be replayed
// is an approval whose decision, or whose draft, has been exchanged.
func TestS04_anotherDecision(t *testing.T) {
	h := newHouse(t)
	a, other := h.author("Åsa Öberg"), h.author("Bo Ek").in("SN2026-2")
	must(a.submit())
	must(other.submit())
	theirs, approval := must(h.look(director, other.id)), h.approve(director, a.id)
	for name, edit := range map[string]func(ap *statement.Approval){
		"its decision exchanged": func(ap *statement.Approval) { ap.Decision = other.id },
		"its draft exchanged":    func(ap *statement.Approval) { ap.Draft = theirs.Statement },
		"both exchanged":         func(ap *statement.Approval) { ap.Decision, ap.Draft = other.id, theirs.Statement },
	} {
		t.Run(name, func(t *testing.T) {
			h.t = t
			var ap statement.Approval
			must(0, jws.Peek(approval, &ap))
			edit(&ap)
			parts := strings.Split(approval, ".") // the signature is the one that was given
			parts[1] = strings.Split(must(jws.Sign(h.signers[director], statement.TypApproval, &ap)), ".")[1]
			h.refuses(workflow.ErrInvalid, workflow.ReasonSignature, nothing, func() error { _, err := h.cosign(director, strings.Join(parts, ".")); return err })
			// Nor does it fit when the director signs it: the seal is another's.
			signed := must(jws.Sign(h.signers[director], statement.TypApproval, &ap))
			no := (*workflow.Refusal)(nil)
			before, size := h.rows(), h.ledger.Head().Size
			if _, err := h.cosign(director, signed); !errors.Is(err, workflow.ErrInvalid) || !errors.As(err, &no) {
				t.Fatal(err)
			}
			if want := map[bool]string{true: "approval.core", false: "statement.draft"}[name == "both exchanged"]; no.Field != want {
				t.Fatal(no)
			}
			if len(changed(before, h.rows())) != 0 || h.ledger.Head().Size != size {
				t.Fatal("what is malformed left something")
			}
		})
	}
	h.t = t
	h.same("decisions", h.count(proof.Decision), 0)
}

func TestS05_reviseOrWithdrawAfterCosign(t *testing.T) {
	h := newHouse(t)
	a := h.author("Åsa Öberg")
	v := h.sign(a)
	for range 2 { // signed, then dispatched
		h.refuses(workflow.ErrState, workflow.ReasonEnded, byDay, func() error {
			answer, err := a.submit()
			if answer != nil {
				t.Fatal("a revision is answered")
			}
			return err
		})
		h.refuses(workflow.ErrState, workflow.ReasonEnded, byDay, func() error { _, err := a.withdraw(); return err })
		view := must(a.get())
		h.same("decision", must(bundle.Verify(view.Bundle, h.trust)).Digest, v.Digest)
		if view.State == 3 {
			must(h.dispatch(registrar, a.id, v.Digest))
		}
	}
	h.same("state", must(a.get()).State, 4)
	h.same("owed", h.owed(), []proof.Kind{proof.AuthorAct}) // the draft alone
}

// Somebody else's token is named, also with a borrowed author key and nonce, and
// gets the answer for a decision that is not there.
func TestS06_wrongAuthorKey(t *testing.T) {
	h := newHouse(t)
	a := h.author("Åsa Öberg")
	must(a.submit())
	for _, who := range []struct {
		leaves string
		make   func() *author
	}{
		{byName, func() *author { s := *a; s.name = "Kim Snok"; return &s }}, // with all but the token
		{byName, func() *author { // with nothing
			s := h.author("Kim Snok")
			s.id, s.last = a.id, a.last
			return s
		}},
		// The author with another key: the token that opens the commitment is theirs,
		// and a name would be the one in the seal.
		{byDay, func() *author { s := *a; s.key = newSigner(jws.EdDSA); return &s }},
	} {
		h.seesNothing(who.make(), who.leaves)
	}
	h.same("state", must(a.get()).State, 1)
	if found := where(h.rows(), "sub-Kim Snok"); !slices.Equal(found, []string{"account"}) {
		t.Fatal("the snooper stands in", found)
	}
	if found := where(h.rows(), "sub-Åsa Öberg"); found != nil {
		t.Fatal("the author stands in", found)
	}
}

// seesNothing makes an author's calls and wants each answered as for a decision that
// is not there.
func (h *house) seesNothing(s *author, leaves string) {
	h.t.Helper()
	for method, call := range map[string]func() error{
		"ReviseDraft":      func() error { _, err := s.submit(); return err },
		"AttachDissent":    func() error { _, err := s.dissent("Text."); return err },
		"WithdrawDraft":    func() error { _, err := s.withdraw(); return err },
		"GetDraft":         func() error { _, err := s.get(); return err },
		"ListSealOpenings": func() error { _, err := h.ListSealOpenings(ctx, s.reader("ListSealOpenings"), s.id); return err },
		"GetBundle":        func() error { _, err := h.GetBundle(ctx, s.reader("GetBundle"), s.id); return err },
	} {
		no := h.refuses(workflow.ErrNotFound, workflow.ReasonAbsent, leaves, call)
		if no.Error() != "not found: ABSENT" {
			h.t.Fatal(s.name, method, "is told", no)
		}
	}
}

func TestS07_dispatchBeforeCosign(t *testing.T) {
	h := newHouse(t)
	a := h.author("Åsa Öberg")
	must(a.submit())
	refuses := func(kind error, reason string) {
		t.Helper()
		for _, title := range []string{director, registrar} {
			h.refuses(kind, reason, byName, func() error { _, err := h.dispatch(title, a.id, a.last[0]); return err })
		}
	}
	refuses(workflow.ErrState, workflow.ReasonNotSigned)
	must(h.sendBack(director, a))
	refuses(workflow.ErrNotFound, workflow.ReasonAbsent)
	h.same("state", must(a.get()).State, 2)
	h.same("dispatched", h.count(proof.Dispatched), 0)
}

// Of 32 approvals at once one signs. Those with its very bytes get the same bundle,
// all others are told that the matter has ended.
func TestS08_32AtOnce(t *testing.T) {
	h := newHouse(t)
	for _, distinct := range []bool{false, true} {
		a := h.author("Åsa Öberg").in(strings.ToUpper(fmt.Sprint("SN-", distinct)))
		must(a.submit())
		shown := must(h.look(director, a.id))
		approval := must(h.approval(director, shown))
		before := h.count(proof.Decision)
		var all sync.WaitGroup
		bundles, errs := make([][]byte, 32), make([]error, 32)
		for i := range 32 {
			mine := approval
			if distinct {
				mine = must(h.approval(director, shown)) // ECDSA: other bytes each time
			}
			all.Go(func() { bundles[i], errs[i] = h.cosign(director, mine) })
		}
		all.Wait()
		won := map[string]int{}
		for i := range 32 {
			switch no := (*workflow.Refusal)(nil); {
			case errs[i] == nil:
				must(bundle.Verify(bundles[i], h.trust))
				won[string(bundles[i])]++
			case !distinct:
				t.Fatal("the same bytes, and refused:", errs[i])
			case !errors.Is(errs[i], workflow.ErrState) || !errors.As(errs[i], &no) || no.Reason != workflow.ReasonEnded || bundles[i] != nil:
				t.Fatal(errs[i])
			}
		}
		if len(won) != 1 {
			t.Fatal(len(won), "different answers")
		}
		for _, n := range won {
			if n != 32 && !distinct || n != 1 && distinct {
				t.Fatal(n, "of 32 were answered")
			}
		}
		h.same("decisions", h.count(proof.Decision), before+1)
	}
}

// The same request id for something else is refused and shows nothing of the first.
func TestS09_sameRequestIDOtherBody(t *testing.T) {
	h := newHouse(t)
	a := h.author("Åsa Öberg")
	in, _ := a.submission()
	c := a.caller("SubmitDraft")
	must(h.SubmitDraft(ctx, c, in))
	a.last = append(a.last, jws.Digest(in.Statement))
	dissent := a.caller("AttachDissent")
	dissent.RequestID = c.RequestID
	h.refuses(workflow.ErrState, workflow.ReasonRequestID, byDay, func() error {
		receipt, err := h.AttachDissent(ctx, dissent, a.dissentBy(a.key, "Skiljaktig."))
		if receipt != "" {
			t.Fatal("an answer to a refused request")
		}
		return err
	})
	other, _ := a.submission()
	revise := a.caller("ReviseDraft")
	revise.RequestID = c.RequestID
	h.refuses(workflow.ErrState, workflow.ReasonRequestID, byDay, func() error {
		answer, err := h.ReviseDraft(ctx, revise, other)
		if answer != nil {
			t.Fatal("an answer to a refused request")
		}
		return err
	})
	// Named callers alike.
	c1, c2 := h.signerCaller(director, "SigningService/ReturnDraft"), h.signerCaller(director, "SigningService/DispatchDecision")
	must(h.ReturnDraft(ctx, c1, h.returning(director, a)))
	c2.RequestID = c1.RequestID
	h.refuses(workflow.ErrState, workflow.ReasonRequestID, byName, func() error {
		logged, err := h.DispatchDecision(ctx, c2, h.dispatching(director, a.id, ident.Digest{1}))
		if logged != nil {
			t.Fatal("an answer to a refused request")
		}
		return err
	})
}

// With another caller the same request id is another request.
func TestS10_sameRequestIDOtherCaller(t *testing.T) {
	h := newHouse(t)
	a, b := h.author("Åsa Öberg"), h.author("Bo Ek").in("SN2026-2")
	in, _ := a.submission()
	c := a.caller("SubmitDraft")
	first := must(h.SubmitDraft(ctx, c, in))
	a.last = append(a.last, jws.Digest(in.Statement))
	// Somebody else's statement and id, with one's own token: nothing of the answer.
	thief := b.caller("SubmitDraft")
	thief.RequestID = c.RequestID
	h.refuses(workflow.ErrInvalid, workflow.ReasonContradiction, byDay, func() error {
		answer, err := h.SubmitDraft(ctx, thief, in)
		if answer != nil {
			t.Fatal("another's answer")
		}
		return err
	})
	inB, _ := b.submission()
	cB := b.caller("SubmitDraft")
	cB.RequestID = c.RequestID
	if second := must(h.SubmitDraft(ctx, cB, inB)); second.Receipt == first.Receipt {
		t.Fatal("the answer of another's request")
	}
	back, c1 := h.returning(director, a), h.signerCaller(director, "SigningService/ReturnDraft")
	must(h.ReturnDraft(ctx, c1, back))
	must(h.cosign(deputy, h.approve(deputy, h.signedElsewhere().id))) // the deputy's login has another key
	c2 := h.signerCaller(deputy, "SigningService/ReturnDraft")
	c2.RequestID = c1.RequestID
	h.refuses(workflow.ErrPermission, workflow.ReasonKey, byName, func() error { _, err := h.ReturnDraft(ctx, c2, back); return err })
}

// A guessed id is answered as a decision of somebody else's, and leaves no name: the
// guess may be an author's who asks after a submission that was lost.
func TestS11_guessedID(t *testing.T) {
	h := newHouse(t)
	must(h.author("Åsa Öberg").submit())
	s := h.author("Kim Snok")
	s.last = []ident.Digest{{1}}
	h.seesNothing(s, nothing)
	if found := where(h.rows(), "Kim Snok"); found != nil {
		t.Fatal("a caller who guessed stands in", found)
	}
	for _, title := range []string{director, deputy} {
		h.refuses(workflow.ErrNotFound, workflow.ReasonAbsent, byName, func() error { _, err := h.look(title, s.id); return err })
	}
}

// The time of either answer is that of one commit, which the refusal is filed by.
func TestS11_bothWaitForOneCommit(t *testing.T) {
	h := newHouse(t)
	a := h.author("Åsa Öberg")
	must(a.submit())
	s := h.author("Kim Snok")
	for name, id := range map[string]ident.ID{"another's": a.id, "a guess": ident.NewID()} {
		s.id = id
		commits := 0
		for n := 1; n <= 3; n++ { // the next three, should there be so many
			h.disk.Fault(n, memory.Fault{During: func() { commits++ }})
		}
		if _, err := s.get(); !errors.Is(err, workflow.ErrNotFound) {
			t.Fatal(err)
		}
		h.same(name, commits, 1)
	}
}

// A withdrawal and a signature at once have one order, and the log shows it.
func TestS12_withdrawalRacesCosign(t *testing.T) {
	h := newHouse(t)
	signed, withdrawn := 0, 0
	for i := range 12 {
		a := h.author("Åsa Öberg").in(fmt.Sprint("SN-", i))
		must(a.submit())
		approval := h.approve(director, a.id)
		var all sync.WaitGroup
		var cosigned, taken error
		all.Go(func() { _, cosigned = h.cosign(director, approval) })
		all.Go(func() { _, taken = a.withdraw() })
		all.Wait()
		switch {
		case cosigned == nil && errors.Is(taken, workflow.ErrState):
			signed++
			h.same("state", must(a.get()).State, 3)
		case taken == nil && errors.Is(cosigned, workflow.ErrState):
			withdrawn++
			h.same("state", must(a.get()).State, 5)
		default:
			t.Fatal("cosigned:", cosigned, "withdrawn:", taken)
		}
	}
	h.visible(signed, withdrawn)
}

// Both orders, in one batch behind a commit that takes long.
func TestS12_inOneBatch(t *testing.T) {
	for _, withdrawnFirst := range []bool{false, true} {
		bubble(t, "2026-11-22T12:00:00Z", func(t *testing.T) {
			h := newHouse(t)
			a := h.author("Åsa Öberg")
			must(a.submit())
			approval := h.approve(director, a.id)
			var cosigned, taken error
			wait := map[bool]time.Duration{true: time.Second}
			h.hold(func() { must(h.status()) },
				func() { pass(wait[withdrawnFirst]); _, cosigned = h.cosign(director, approval) },
				func() { pass(wait[!withdrawnFirst]); _, taken = a.withdraw() })
			won, lost := cosigned, taken
			if withdrawnFirst {
				won, lost = taken, cosigned
			}
			if no := (*workflow.Refusal)(nil); won != nil || !errors.Is(lost, workflow.ErrState) || !errors.As(lost, &no) || no.Reason != workflow.ReasonEnded {
				t.Fatal("cosigned:", cosigned, "withdrawn:", taken)
			}
			h.same("state", must(a.get()).State, map[bool]int{false: 3, true: 5}[withdrawnFirst])
			if withdrawnFirst {
				h.visible(0, 1)
			} else {
				h.visible(1, 0)
			}
		})
	}
}

// visible counts what the log holds, or is owed, of either end.
func (h *house) visible(signed, withdrawn int) {
	h.t.Helper()
	n := 0
	for _, k := range h.owed() {
		if k == proof.Withdrawn {
			n++
		}
	}
	h.same("decisions", h.count(proof.Decision), signed)
	h.same("withdrawals", n, withdrawn)
}

// A decision id or an author key is used once, and the refusal does not say where it
// was.
func TestS13_authorKeyTwice(t *testing.T) {
	h := newHouse(t)
	a := h.author("Åsa Öberg")
	must(a.submit())
	b := h.author("Bo Ek").in("SN2026-2")
	b.key = a.key
	key := b.refusedDraft(workflow.ErrInvalid, workflow.ReasonTaken, "statement.jwk")
	b = h.author("Bo Ek").in("SN2026-2")
	b.id = a.id
	b.refusedDraft(workflow.ErrInvalid, workflow.ReasonTaken, "statement.decision")
	must(a.withdraw())
	b.refusedDraft(workflow.ErrInvalid, workflow.ReasonTaken, "statement.decision")
	for _, where := range []string{string(a.id), "SN2026", a.last[0].String(), a.key.Public().Thumbprint().String()} {
		if strings.Contains(key.Error(), where) || len(key.Digests) != 0 {
			t.Fatal("the refusal says where the key was used")
		}
	}
}
