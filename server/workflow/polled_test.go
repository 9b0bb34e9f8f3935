package workflow_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"sigill/keys/bundle"
	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/statement"
	"sigill/server/workflow"
)

// polls are what a signer can ask about a draft again and again without signing,
// returning or abstaining: all that is answered, act by act.
func (h *house) polls(a *author, shown string) string {
	h.t.Helper()
	spoiled := func(edit func(ap *statement.Approval)) func() error {
		return func() error {
			var ap statement.Approval
			must(0, jws.Peek(shown, &ap))
			edit(&ap)
			_, err := h.cosign(director, must(jws.Sign(h.signers[director], statement.TypApproval, &ap)))
			return err
		}
	}
	citing := func(d ident.Digest) *author { return &author{h: h, id: a.id, last: []ident.Digest{d}} }
	forged := func(ap *statement.Approval) {
		ap.Draft = ap.Draft[:strings.LastIndexByte(ap.Draft, '.')+1] + strings.Repeat("A", 86)
	}
	var told []string
	for name, call := range map[string]func() error{
		"a seal that is not its own":  spoiled(func(ap *statement.Approval) { ap.Core[0] ^= 1 }),
		"a draft that nobody wrote":   spoiled(forged),
		"returning what is not there": func() error { _, err := h.sendBack(director, citing(ident.Sum("x"))); return err },
		"abstaining from it":          func() error { _, err := h.abstain(director, citing(ident.Sum("x"))); return err },
		"dispatching a draft":         func() error { _, err := h.dispatch(registrar, a.id, ident.Sum("x")); return err },
	} {
		told = append(told, fmt.Sprintf("%s: %v", name, call()))
	}
	slices.Sort(told)
	return strings.Join(told, "\n")
}

// returned are the same with the revision that was sent back.
func (h *house) returned(a *author, was ident.Digest, approval string) string {
	sent := &author{h: h, id: a.id, last: []ident.Digest{was}}
	_, signed := h.cosign(director, approval)
	_, again := h.sendBack(director, sent)
	_, abstained := h.abstain(deputy, sent)
	return fmt.Sprintln(signed, again, abstained) + h.polls(a, approval)
}

// TestPolledForDissents: a registrar who cites a dissent that is none, so that nothing
// is dispatched, is told the same whether or not its author has dissented.
func TestPolledForDissents(t *testing.T) {
	h := newHouse(t)
	a := h.author("Åsa Öberg")
	must(a.submit())
	v := must(bundle.Verify(must(h.cosign(director, h.approve(director, a.id))), h.trust))
	none := a.dissentBy(a.key, "Som ingen har lämnat.")
	ask := func() {
		no := h.refuses(workflow.ErrInvalid, workflow.ReasonContradiction, nothing, func() error { _, err := h.dispatch(registrar, a.id, v.Digest, none); return err })
		h.same("field and digests", fmt.Sprint(no.Field, no.Digests), "statement.dissents[]")
	}
	ask()
	must(a.dissent("Skiljaktig."))
	ask()
	must(h.dispatch(registrar, a.id, v.Digest, must(a.get()).Dissents...))
}

// TestPolled: what its author does to a draft is not told before its hour to a signer
// who asks all the time, with acts that come to nothing: the minute in which the
// answer changes would be that of the author. Nor is it of a draft that was sent back.
func TestPolled(t *testing.T) {
	for name, act := range map[string]func(a *author){
		"revised":            func(a *author) { must(a.submit()) },
		"dissent":            func(a *author) { must(a.dissent("Skiljaktig.")) },
		"withdrawn":          func(a *author) { must(a.withdraw()) },
		"revised, withdrawn": func(a *author) { must(a.submit()); must(a.withdraw()) },
	} {
		t.Run(name, func(t *testing.T) {
			hours(t, func(h *house) {
				a, b := h.author("Åsa Öberg"), h.author("Bo Ek").in("SN2026-2")
				must(a.submit())
				must(b.submit())
				sleepUntil(morning)
				approval, other := h.approve(director, a.id), h.approve(director, b.id)
				must(h.sendBack(director, b))
				first, was := h.polls(a, approval), b.last[0]
				sent := h.returned(b, was, other)
				act(a)
				act(b)
				pass(time.Minute)
				h.same("of a draft that is shown", h.polls(a, approval), first)
				h.same("of one that was returned", h.returned(b, was, other), sent)
				sleepUntil(justBefore)
				h.same("of a draft that is shown", h.polls(a, approval), first)
				h.same("of one that was returned", h.returned(b, was, other), sent)
			})
		})
	}
}
