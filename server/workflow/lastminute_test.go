package workflow_test

import (
	"fmt"
	"testing"
	"time"

	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/server/workflow"
)

// TestLastMinute: what an author does less than a minute before an hour of the inbox
// is seen at the hour after it, whatever they did before and whether or not signers
// were shown the draft. A director who looks when the hour comes would else see at
// once what has just been done.
func TestLastMinute(t *testing.T) {
	const lastMinute, evening = "2026-11-22T11:59:30Z", "2026-11-22T20:00:00Z"
	revise := func(a *author) { a.content += "\nOch så.\n"; must(a.submit()) }
	dissent := func(a *author) { must(a.dissent(fmt.Sprint("Jag är skiljaktig, ", time.Now()))) }
	withdraw := func(a *author) { must(a.withdraw()) }
	none := func(*author) {}
	for name, row := range map[string]struct {
		first, noon, last func(a *author) // from 08:00, at 12:40 and at 12:59:30
		revision          int             // shown the next morning, or none
	}{
		"revised":                    {revise, none, revise, 2},
		"revised again":              {revise, revise, revise, 3},
		"dissent, then revised":      {revise, dissent, revise, 2},
		"revised, then dissent":      {revise, revise, dissent, 2},
		"withdrawn":                  {revise, none, withdraw, 0},
		"revised, then withdrawn":    {revise, revise, withdraw, 0},
		"not shown yet, and revised": {none, revise, revise, 2},
		"not shown yet, and dissent": {none, revise, dissent, 1},
		"not shown yet, withdrawn":   {none, revise, withdraw, 0},
	} {
		t.Run(name, func(t *testing.T) {
			hours(t, func(h *house) {
				a := h.author("Åsa Öberg")
				row.first(a)
				sleepUntil(atEight)
				before := h.seen()
				sleepUntil(noon)
				row.noon(a)
				sleepUntil(lastMinute)
				row.last(a)
				for _, at := range []string{atOne, evening, "2026-11-23T06:59:59Z"} {
					h.same("what is shown", h.seen(), before)
					sleepUntil(at)
					must(0, h.ForgetShown(ctx, time.Now()))
					h.same("what is shown", h.seen(), before)
				}
				sleepUntil("2026-11-23T07:00:00Z")
				must(0, h.ForgetShown(ctx, time.Now()))
				h.same("kept", h.kept(), 0)
				if row.revision == 0 {
					h.same("inbox", h.inbox(director), []ident.ID{})
					return
				}
				d := must(h.look(director, a.id))
				h.same("revision", jws.Digest(d.Statement), a.last[row.revision-1])
				must(h.cosign(director, must(h.approval(director, d))))
			})
		})
	}
}

// TestReturnedAgain: who sends a draft back once more, while its next revision awaits
// its hour, is told what they were told before it came.
func TestReturnedAgain(t *testing.T) {
	hours(t, func(h *house) {
		a := h.author("Åsa Öberg")
		must(a.submit())
		sleepUntil(atEight)
		must(h.sendBack(director, a))
		shown := *a
		h.refuses(workflow.ErrState, workflow.ReasonEnded, byName, func() error { _, err := h.sendBack(director, &shown); return err })
		must(a.submit())
		for _, title := range []string{director, deputy} {
			h.refuses(workflow.ErrState, workflow.ReasonEnded, byName, func() error { _, err := h.sendBack(title, &shown); return err })
		}
		h.same("inbox", h.inbox(director), []ident.ID{})
	})
}
