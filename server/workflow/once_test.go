package workflow_test

import (
	"bytes"
	"context"
	"errors"
	"reflect"
	"testing"
	"time"

	"sigill/keys/bundle"
	"sigill/keys/jws"
	"sigill/keys/order"
	"sigill/keys/token"
	"sigill/server/workflow"
)

// TestG11_once: each change is made once for a request id. The same request again is
// answered alike and leaves nothing, also over a restart, on another day, under
// another order and when the matter has moved on.
func TestG11_once(t *testing.T) {
	bubble(t, "2026-11-22T12:00:00Z", func(t *testing.T) {
		h := newHouse(t)
		a := h.author("Åsa Öberg")
		var calls []func() (any, error)
		var answers []any
		do := func(call func() (any, error)) any {
			t.Helper()
			answer, err := call()
			if err != nil {
				t.Fatal(err)
			}
			calls, answers = append(calls, call), append(answers, answer)
			return answer
		}
		// A caller's token may be a fresh one: the request is its id and its bytes.
		again := func(c *workflow.Caller) *workflow.Caller { d := *c; d.Token = "another token"; return &d }
		in, _ := a.submission()
		c1 := a.caller("SubmitDraft")
		do(func() (any, error) { return h.SubmitDraft(ctx, again(c1), in) })
		a.last = append(a.last, jws.Digest(in.Statement))
		back, c2 := h.returning(director, a), h.signerCaller(director, "SigningService/ReturnDraft")
		do(func() (any, error) { return logged(h.ReturnDraft(ctx, again(c2), back)) })
		in2, _ := a.submission()
		c3 := a.caller("ReviseDraft")
		do(func() (any, error) { return h.ReviseDraft(ctx, again(c3), in2) })
		a.last = append(a.last, jws.Digest(in2.Statement))
		dissent, c4 := a.dissentBy(a.key, "Skiljaktig."), a.caller("AttachDissent")
		do(func() (any, error) { return h.AttachDissent(ctx, again(c4), dissent) })
		approval, c5 := h.approve(director, a.id), h.signerCaller(director, "SigningService/CosignDecision")
		signed := do(func() (any, error) { return h.CosignDecision(ctx, again(c5), approval) }).([]byte)
		v := must(bundle.Verify(signed, h.trust))
		dispatch, c6 := h.dispatching(registrar, a.id, v.Digest, dissent), h.signerCaller(registrar, "SigningService/DispatchDecision")
		do(func() (any, error) { return logged(h.DispatchDecision(ctx, again(c6), dispatch)) })
		b := h.author("Bo Ek").in("SN2026-2")
		must(b.submit())
		withdrawal, c7 := b.withdrawal(), b.caller("WithdrawDraft")
		do(func() (any, error) { return h.WithdrawDraft(ctx, again(c7), withdrawal) })

		court := h.court("Förvaltningsrätten", order.CourtOrder)
		request, c8 := must(jws.Make(court.key, court.ask(v, order.CourtOrder, decider))), court.caller("RequestOpening")
		do(func() (any, error) {
			c := again(c8)
			c.Received = time.Now()
			return logged(h.RequestOpening(ctx, c, request))
		})

		check := func(when string) {
			t.Helper()
			before, size := h.rows(), h.ledger.Head().Size
			for i, call := range calls {
				got, err := call()
				if err != nil || !reflect.DeepEqual(got, answers[i]) {
					t.Fatal(when, "call", i+1, "has another answer", err)
				}
			}
			if got := changed(before, h.rows()); len(got) != 0 || h.ledger.Head().Size != size {
				t.Fatal(when, "the same requests left", got)
			}
		}
		check("at once")
		h.reopen()
		check("after a restart")
		sleepUntil("2026-11-23T12:00:00Z")
		next := *h.order
		next.Version, next.Previous = 2, h.version.Digest
		next.Signers = []order.Officer{next.Signers[1]}
		next.Registrars = []order.Officer{}
		must(h.publishOrder(&next))
		check("under another order, the day after")
	})
}

// logged is what of an answer is the same at each head of the log.
func logged(l *workflow.Logged, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return [2][]byte{l.Preimage, l.Tag[:]}, nil
}

// reopen stops the office and starts another over what is durable.
func (h *house) reopen() {
	h.t.Helper()
	h.stop()
	h.open(h.logSigner)
}

// TestG12_givenUp: a call that was given up before it began has done nothing, and
// can be made again.
func TestG12_givenUp(t *testing.T) {
	h := newHouse(t)
	a := h.author("Åsa Öberg")
	in, _ := a.submission()
	c := a.caller("SubmitDraft")
	gone, cancel := context.WithCancel(ctx)
	cancel()
	before, size := h.rows(), h.ledger.Head().Size
	if answer, err := h.SubmitDraft(gone, c, in); !errors.Is(err, context.Canceled) || answer != nil {
		t.Fatal(err)
	}
	for _, call := range []func() error{
		func() error { _, err := h.ReviseDraft(gone, a.caller("ReviseDraft"), in); return err },
		func() error { _, err := h.GetDraft(gone, a.reader("GetDraft"), a.id); return err },
		func() error {
			return second(h.ListInbox(gone, h.signerCaller(director, "SigningService/ListInbox"), 0, ""))
		},
		func() error {
			_, err := h.GetBundle(gone, h.signerCaller(director, "VerificationService/GetBundle"), a.id)
			return err
		},
	} {
		if err := call(); !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
	}
	if got := changed(before, h.rows()); len(got) != 0 || h.ledger.Head().Size != size {
		t.Fatal("calls that were given up left", got)
	}
	must(h.SubmitDraft(ctx, c, in))
}

// TestSameBytesSameReply: all of a reply but what proves it is the same bytes.
func TestSameBytesSameReply(t *testing.T) {
	h := newHouse(t)
	a := h.author("Åsa Öberg")
	must(a.submit())
	approval := h.approve(director, a.id)
	first := must(h.cosign(director, approval))
	h.announce()
	must(h.status()) // the log grows
	h.announce()
	if !bytes.Equal(must(h.cosign(director, approval)), first) {
		t.Fatal("another bundle at another head")
	}
	if got := must(h.GetBundle(ctx, h.caller("Officer "+registrar, token.Registrar, "VerificationService/GetBundle"), a.id)); must(bundle.Verify(got, h.trust)).Digest != must(bundle.Verify(first, h.trust)).Digest {
		t.Fatal("another decision")
	}
}
