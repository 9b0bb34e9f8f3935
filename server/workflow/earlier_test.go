package workflow_test

import (
	"fmt"
	"testing"
	"time"

	"sigill/keys/ident"
	"sigill/keys/statement"
	"sigill/server/workflow"
)

// told is what a colleague who would draft in a case is told that they must cite.
func (h *house) told(reference string) string {
	h.t.Helper()
	c := h.author("Kim Snok").in(reference)
	c.earlier = []ident.Digest{ident.Sum("nothing")}
	return fmt.Sprint(c.refusedDraft(workflow.ErrState, workflow.ReasonEarlier, "").Digests)
}

// TestEarlierByTheHour: who asks all the time which drafts a case has learns of what its
// author has done when the hours of the inbox come, and never the minute; what signers do
// is told at once. In the end nothing is missing.
func TestEarlierByTheHour(t *testing.T) {
	hours(t, func(h *house) {
		a := h.author("Åsa Öberg")
		reference := "SN2026-00417"
		told := func(when string, want ...ident.Digest) {
			t.Helper()
			statement.SortEarlier(want)
			h.same(when, h.told(reference), fmt.Sprint(append([]ident.Digest{}, want...)))
		}
		must(a.submit())
		told("before its hour")
		b := h.author("Bo Ek") // owes nothing to what nobody knows of yet
		must(b.submit())
		sleepUntil(atEight)
		told("at its hour", a.last[0], b.last[0])
		must(a.submit())
		told("revised", a.last[0], b.last[0])
		must(a.withdraw())
		told("and withdrawn", a.last[0], b.last[0])
		must(h.sendBack(director, b))
		told("the other returned", a.last[0], b.last[0])
		b.earlier = []ident.Digest{a.last[0]} // which its revision now owes
		must(b.submit())
		told("and revised", a.last[0], b.last[0])
		sleepUntil(atOne)
		told("at the next hour", a.last[1], b.last[1])
		must(h.sendBack(director, b))
		b.earlier = []ident.Digest{a.last[1]}
		must(b.submit())
		must(b.withdraw())
		c := h.author("Cia Dahl")
		c.earlier = []ident.Digest{a.last[1], b.last[1]}
		statement.SortEarlier(c.earlier)
		must(c.submit())
		must(c.withdraw())
		told("returned, revised and withdrawn; submitted and withdrawn", a.last[1], b.last[1])
		sleepUntil("2026-11-23T07:00:00Z")
		must(0, h.ForgetShown(ctx, time.Now()))
		told("in the end", a.last[1], b.last[2], c.last[0])
	})
}
