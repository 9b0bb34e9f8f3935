package workflow_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/proof"
	"sigill/keys/record"
	"sigill/keys/statement"
	"sigill/keys/token"
	"sigill/server/workflow"
)

// inbox is what an officer is shown.
func (h *house) inbox(title string) (ids []ident.ID) {
	h.t.Helper()
	items, next, err := h.ListInbox(ctx, h.signerCaller(title, "SigningService/ListInbox"), 0, "")
	if err != nil || next != "" {
		h.t.Fatal(err, next)
	}
	for _, it := range items {
		ids = append(ids, it.ID)
	}
	return ids
}

// TestInboxHours: a draft is shown from the next of the fixed hours on, also on the
// days on which the clock is changed, and before that it is not there. An urgent one
// is shown at once.
func TestInboxHours(t *testing.T) {
	for _, row := range []struct{ name, sent, before, shown string }{
		{"in the night", "2026-11-22T01:00:00Z", "2026-11-22T06:59:59Z", "2026-11-22T07:00:00Z"},
		{"a minute before it", "2026-11-22T06:59:00Z", "2026-11-22T06:59:59Z", "2026-11-22T07:00:00Z"},
		{"less than a minute before it", "2026-11-22T06:59:01Z", "2026-11-22T11:59:59Z", "2026-11-22T12:00:00Z"},
		{"a second before it", "2026-11-22T06:59:59Z", "2026-11-22T11:59:59Z", "2026-11-22T12:00:00Z"},
		{"a second before the last", "2026-11-22T11:59:59Z", "2026-11-23T06:59:59Z", "2026-11-23T07:00:00Z"},
		{"at the hour", "2026-11-22T07:00:00Z", "2026-11-22T11:59:59Z", "2026-11-22T12:00:00Z"},
		{"just after it", "2026-11-22T07:00:01Z", "2026-11-22T11:59:59Z", "2026-11-22T12:00:00Z"},
		{"in the evening", "2026-11-22T21:00:00Z", "2026-11-23T06:59:59Z", "2026-11-23T07:00:00Z"},
		{"when summer begins", "2026-03-29T00:30:00Z", "2026-03-29T05:59:59Z", "2026-03-29T06:00:00Z"},
		{"the evening before", "2026-03-28T20:00:00Z", "2026-03-29T05:59:59Z", "2026-03-29T06:00:00Z"},
		{"when summer ends", "2026-10-25T00:30:00Z", "2026-10-25T06:59:59Z", "2026-10-25T07:00:00Z"},
		{"at the year's end", "2026-12-31T22:30:00Z", "2027-01-01T06:59:59Z", "2027-01-01T07:00:00Z"},
	} {
		t.Run(row.name, func(t *testing.T) {
			bubble(t, row.sent, func(t *testing.T) {
				h := newHouse(t)
				h.InboxHours = []time.Duration{13 * time.Hour, 8 * time.Hour} // in any order
				a, urgent := h.author("Åsa Öberg"), h.author("Bo Ek").in("SN2026-2")
				was := urgent.edit
				urgent.edit = func(d *statement.Draft, r *record.Record) { was(d, r); d.Urgent = true }
				must(a.submit())
				must(urgent.submit())
				for _, at := range []string{row.sent, row.before} {
					sleepUntil(at)
					h.same("inbox", h.inbox(director), []ident.ID{urgent.id})
					h.refuses(workflow.ErrNotFound, workflow.ReasonAbsent, byName, func() error { _, err := h.look(director, a.id); return err })
					h.same("drafts", must(h.status()).Drafts, 1)
				}
				sleepUntil(row.shown)
				h.same("inbox", len(h.inbox(director)), 2)
				must(h.look(director, a.id))
				h.same("drafts", must(h.status()).Drafts, 2)
			})
		})
	}
}

func (h *house) status() (*workflow.Status, error) {
	return h.GetStatus(ctx, h.caller("admin", token.Administrator, "AdministrationService/GetStatus"))
}

// TestRevisedBeforeItsHour: who approved what has been revised is told so, though
// the revision is not shown yet, and what it replaces still is.
func TestRevisedBeforeItsHour(t *testing.T) {
	bubble(t, "2026-11-22T11:00:00Z", func(t *testing.T) {
		h := newHouse(t)
		h.InboxHours = []time.Duration{13 * time.Hour}
		a := h.author("Åsa Öberg")
		must(a.submit())
		sleepUntil("2026-11-22T12:00:00Z")
		approval := h.approve(director, a.id)
		sleepUntil("2026-11-22T12:00:01Z")
		must(a.submit())
		h.refuses(workflow.ErrStale, workflow.ReasonRevision, byName, func() error { _, err := h.cosign(director, approval); return err })
		h.same("shown", jws.Digest(must(h.look(director, a.id)).Statement), a.last[0])
	})
}

// TestNoTimeAtRest: two drafts of one day, hours apart, leave rows that say the same
// of when they came.
func TestNoTimeAtRest(t *testing.T) {
	bubble(t, "2026-11-22T07:15:11Z", func(t *testing.T) {
		h := newHouse(t)
		for i, urgent := range []bool{false, true} {
			a := h.author("Åsa Öberg").in(fmt.Sprint("SN-", i))
			was := a.edit
			a.edit = func(d *statement.Draft, r *record.Record) { was(d, r); d.Urgent = urgent }
			must(a.submit())
			time.Sleep(3 * time.Hour)
		}
		var seen []string
		for key, value := range h.rows() {
			if strings.HasPrefix(key, "inbox/") {
				seen = append(seen, value)
			}
		}
		if len(seen) != 2 || seen[0] != seen[1] {
			t.Fatalf("the rows tell the hour: %x", seen)
		}
	})
}

// TestInboxOrder: by random id, in pages that hold each draft once; nothing says
// which came first.
func TestInboxOrder(t *testing.T) {
	h := newHouse(t)
	var all []ident.ID
	for i := range 7 {
		a := h.author("Åsa Öberg").in(fmt.Sprint("SN-", i))
		must(a.submit())
		all = append(all, a.id)
	}
	slices.SortFunc(all, func(a, b ident.ID) int { x, y := a.Bytes(), b.Bytes(); return slices.Compare(x[:], y[:]) })
	h.same("inbox", h.inbox(director), all)
	var got []ident.ID
	for next, pages := "", 0; ; pages++ {
		items, more, err := h.ListInbox(ctx, h.signerCaller(director, "SigningService/ListInbox"), 3, next)
		if err != nil || len(items) > 3 || pages > 3 {
			t.Fatal(err, len(items), pages)
		}
		for _, it := range items {
			got = append(got, it.ID)
		}
		if next = more; next == "" {
			break
		}
	}
	h.same("pages", got, all)
	for _, bad := range []string{"x", string(all[0]) + "a", "ÅÄÖ"} {
		h.refuses(workflow.ErrInvalid, workflow.ReasonField, nothing, func() error {
			_, _, err := h.ListInbox(ctx, h.signerCaller(director, "SigningService/ListInbox"), 3, bad)
			return err
		})
	}
}

// TestAbstention: who abstained is out of the matter, for good, also over its
// revisions; the log has an opaque entry, and others go on.
func TestAbstention(t *testing.T) {
	h := newHouse(t)
	a := h.author("Åsa Öberg")
	must(a.submit())
	approval := h.approve(director, a.id)
	logged := must(h.abstain(director, a))
	h.proves(logged, proof.Event) // event: nobody outside learns of it
	for _, revise := range []bool{false, true} {
		if revise {
			must(a.submit())
		}
		h.same("inbox", len(h.inbox(director)), 0)
		h.refuses(workflow.ErrNotFound, workflow.ReasonAbsent, byName, func() error { _, err := h.look(director, a.id); return err })
		h.refuses(workflow.ErrState, workflow.ReasonAbstained, byName, func() error { _, err := h.cosign(director, approval); return err })
		h.refuses(workflow.ErrState, workflow.ReasonEnded, byName, func() error { _, err := h.sendBack(director, a); return err })
		h.refuses(workflow.ErrState, workflow.ReasonEnded, byName, func() error { _, err := h.abstain(director, a); return err })
	}
	h.same("inbox", len(h.inbox(deputy)), 1)
	must(h.cosign(deputy, h.approve(deputy, a.id)))
}

// TestSmallSet: the signer is warned where fewer than k could have drafted.
func TestSmallSet(t *testing.T) {
	h := newHouse(t)
	h.Drafters = map[string]int{"bistand": 4, "lvu": 5}
	a, b := h.author("Åsa Öberg"), h.author("Bo Ek").board().in("SN2026-2")
	must(a.submit())
	must(b.submit())
	if !must(h.look(director, a.id)).SmallSet || must(h.look(director, b.id)).SmallSet {
		t.Fatal("four are few, five are not")
	}
	h.Drafters = nil
	if must(h.look(director, a.id)).SmallSet {
		t.Fatal("warned without a figure")
	}
}

// TestWatchInbox: first what is shown, then what becomes shown, each once; one
// stream for each login; one event, however long it lasts.
func TestWatchInbox(t *testing.T) {
	bubble(t, "2026-11-22T11:00:00Z", func(t *testing.T) {
		h := newHouse(t)
		h.InboxHours = []time.Duration{13 * time.Hour}
		a, b := h.author("Åsa Öberg"), h.author("Bo Ek").in("SN2026-2")
		b.edit = func(d *statement.Draft, _ *record.Record) { d.Case, d.Urgent = "SN2026-2", true }
		must(b.submit())
		must(a.submit())
		watching, cancel := context.WithCancel(ctx)
		var mu sync.Mutex
		var sent [][]ident.ID
		seen := func() [][]ident.ID {
			mu.Lock()
			defer mu.Unlock()
			return slices.Clone(sent)
		}
		ended := make(chan error, 1)
		before := h.count(proof.Event)
		go func() {
			ended <- h.WatchInbox(watching, h.signerCaller(director, "SigningService/WatchInbox"), func(ids []ident.ID) error {
				mu.Lock()
				defer mu.Unlock()
				sent = append(sent, slices.Clone(ids))
				return nil
			})
		}()
		time.Sleep(10 * time.Second)
		synctest.Wait()
		h.same("at first", seen(), [][]ident.ID{{b.id}})
		second := h.signerCaller(director, "SigningService/WatchInbox")
		if err := h.WatchInbox(watching, second, nil); !errors.Is(err, workflow.ErrBusy) {
			t.Fatal(err)
		}
		sleepUntil("2026-11-22T11:59:58Z")
		synctest.Wait()
		h.same("before the hour", len(seen()), 1)
		sleepUntil("2026-11-22T12:00:02Z")
		synctest.Wait()
		h.same("at the hour", seen(), [][]ident.ID{{b.id}, {a.id}})
		h.same("events", h.count(proof.Event), before+1)
		must(h.sendBack(deputy, b))
		sleepUntil("2026-11-22T12:00:10Z")
		must(b.submit())
		sleepUntil("2026-11-22T12:00:20Z")
		synctest.Wait()
		h.same("what came back", seen(), [][]ident.ID{{b.id}, {a.id}, {b.id}})
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		stop := errors.New("gone")
		if err := h.WatchInbox(ctx, second, func([]ident.ID) error { return stop }); !errors.Is(err, stop) {
			t.Fatal("the login is still watching, or", err)
		}
	})
}
