package workflow_test

import (
	"errors"
	"fmt"
	"testing"

	"sigill/keys/bundle"
	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/proof"
	"sigill/server/store"
	"sigill/server/store/memory"
	"sigill/server/workflow"
)

// step is one change of a matter's life, made again under the same request id.
type step struct {
	name string
	do   func() error
}

// steps are the changes of one life. Each prepares what it sends when it first runs,
// as a client does that keeps it until it has an answer.
func (h *house) steps(a, b *author) []step {
	var in workflow.Submission
	var back, approval, dispatch, dissent, withdrawal string
	var signed []byte
	once := func(prepare func(), call func() error) func() error {
		prepared := false
		return func() error {
			if !prepared {
				prepare()
				prepared = true
			}
			return call()
		}
	}
	c := map[string]*workflow.Caller{}
	for _, m := range []string{"SubmitDraft", "ReviseDraft", "AttachDissent"} {
		c[m] = a.caller(m)
	}
	for _, m := range []string{"ReturnDraft", "CosignDecision"} {
		c[m] = h.signerCaller(director, "SigningService/"+m)
	}
	c["DispatchDecision"], c["WithdrawDraft"] = h.signerCaller(registrar, "SigningService/DispatchDecision"), b.caller("WithdrawDraft")
	next := func() {
		in, _ = a.submission()
		a.last = append(a.last, jws.Digest(in.Statement))
	}
	return []step{
		{"SubmitDraft", once(next, func() error { _, err := h.SubmitDraft(ctx, c["SubmitDraft"], in); return err })},
		{"ReturnDraft", once(func() { back = h.returning(director, a) }, func() error { _, err := h.ReturnDraft(ctx, c["ReturnDraft"], back); return err })},
		{"ReviseDraft", once(next, func() error { _, err := h.ReviseDraft(ctx, c["ReviseDraft"], in); return err })},
		{"AttachDissent", once(func() { dissent = a.dissentBy(a.key, "Skiljaktig.") }, func() error { _, err := h.AttachDissent(ctx, c["AttachDissent"], dissent); return err })},
		{"CosignDecision", once(func() { approval = h.approve(director, a.id) }, func() error {
			var err error
			signed, err = h.CosignDecision(ctx, c["CosignDecision"], approval)
			return err
		})},
		{"DispatchDecision", once(func() {
			dispatch = h.dispatching(registrar, a.id, must(bundle.Verify(signed, h.trust)).Digest, dissent)
		},
			func() error { _, err := h.DispatchDecision(ctx, c["DispatchDecision"], dispatch); return err })},
		{"WithdrawDraft", once(func() { must(b.submit()); withdrawal = b.withdrawal() },
			func() error { _, err := h.WithdrawDraft(ctx, c["WithdrawDraft"], withdrawal); return err })},
	}
}

// TestS16_crashAtCommit: at each change of a life the commit fails, before or after
// it reached the disk. The caller is told that it is not known, nothing answers any
// more, and after a restart the same request is answered and has happened once.
func TestS16_crashAtCommit(t *testing.T) {
	for _, applied := range []bool{false, true} {
		t.Run(fmt.Sprint("applied ", applied), func(t *testing.T) {
			h := newHouse(t)
			a, b := h.author("Åsa Öberg"), h.author("Bo Ek").in("SN2026-2")
			for _, s := range h.steps(a, b) {
				h.disk.Fault(1, memory.Fault{Err: errors.New("the disk says no"), Applied: applied})
				prepared := s.do
				if s.name == "CosignDecision" || s.name == "WithdrawDraft" { // they look, or draft, first
					prepared = func() error {
						h.disk.Fault(2, memory.Fault{Err: errors.New("the disk says no"), Applied: applied})
						return s.do()
					}
					h.disk.Fault(1, memory.Fault{})
				}
				if err := prepared(); !errors.Is(err, workflow.ErrUnavailable) {
					t.Fatal(s.name, err)
				}
				for name, call := range map[string]func() error{
					"again": s.do,
					"read":  func() error { _, err := h.GetProof(ctx, ident.Digest{1}); return err },
					"look":  func() error { _, err := h.look(director, a.id); return err },
					"get":   func() error { _, err := a.get(); return err },
					"keys": func() error {
						_, err := h.RecordProviderKeys(ctx, "https://idp.example", jwks("new"))
						return err
					},
				} {
					if err := call(); !errors.Is(err, workflow.ErrUnavailable) {
						t.Fatal("a stopped office answers:", s.name, name, err)
					}
				}
				h.reopen()
				if err := s.do(); err != nil {
					t.Fatal(s.name, "after the restart:", err)
				}
			}
			for kind, n := range map[proof.Kind]int{proof.Decision: 1, proof.Returned: 1, proof.Dispatched: 1} {
				h.same(kind.String(), h.count(kind), n)
			}
			h.same("owed", len(h.owed()), 5) // three of a's acts, a draft and a withdrawal of b's
			h.numbersInOrder()
			h.same("state", must(a.get()).State, 4)
			h.same("dissents", len(must(a.get()).Dissents), 1)
			h.same("state", must(b.get()).State, 5)
		})
	}
}

// TestD03_noSpace: without space a change is refused as a whole, reading goes on, and
// the same request is taken when there is space.
func TestD03_noSpace(t *testing.T) {
	h := newHouse(t)
	a := h.author("Åsa Öberg")
	in, _ := a.submission()
	c := a.caller("SubmitDraft")
	h.disk.Fault(1, memory.Fault{Err: store.ErrFull})
	h.refuses(workflow.ErrBusy, workflow.ReasonFull, byDay, func() error { _, err := h.SubmitDraft(ctx, c, in); return err })
	must(h.SubmitDraft(ctx, c, in))
}

// TestD06_damagedRows: a row that was changed on the disk is damage, to everyone, and
// never a refusal or an empty answer.
func TestD06_damagedRows(t *testing.T) {
	h := newHouse(t)
	a := h.author("Åsa Öberg")
	must(a.submit())
	signed := h.author("Bo Ek").in("SN2026-2")
	h.sign(signed)
	for _, row := range []string{"matter/k", "matter/m", "matter/d", "decision/d"} {
		h.spoil(row)
		calls := map[string]func() error{
			"GetDraft": func() error { _, err := a.get(); return err },
			"look":     func() error { _, err := h.look(director, a.id); return err },
		}
		if row == "decision/d" {
			calls = map[string]func() error{
				"GetDraft": func() error { _, err := signed.get(); return err },
				"GetBundle": func() error {
					_, err := h.GetBundle(ctx, h.signerCaller(director, "VerificationService/GetBundle"), signed.id)
					return err
				},
			}
		}
		for name, call := range calls {
			if err := call(); !errors.Is(err, workflow.ErrData) {
				t.Error(row, name, err)
			}
		}
		h.disk.Tamper(nil)
	}
	must(a.get())
}
