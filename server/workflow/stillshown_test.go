package workflow_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sigill/keys/bundle"
	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/proof"
	"sigill/keys/record"
	"sigill/keys/statement"
	"sigill/server/workflow"
)

// A day with two hours of the inbox: 08:00 and 13:00 in Sweden.
const (
	beforeEight = "2026-11-22T06:10:00Z"
	atEight     = "2026-11-22T07:00:00Z"
	morning     = "2026-11-22T08:17:23Z"
	noon        = "2026-11-22T11:40:00Z" // or nearly
	justBefore  = "2026-11-22T11:59:59Z"
	atOne       = "2026-11-22T12:00:00Z"
)

// hours runs a test in a house with those hours.
func hours(t *testing.T, run func(h *house)) {
	t.Helper()
	bubble(t, beforeEight, func(t *testing.T) {
		h := newHouse(t)
		h.InboxHours = []time.Duration{8 * time.Hour, 13 * time.Hour}
		run(h)
	})
}

// seen is all that a director is told of the inbox.
func (h *house) seen() string {
	h.t.Helper()
	items, next, err := h.ListInbox(ctx, h.signerCaller(director, "SigningService/ListInbox"), 0, "")
	must(0, err)
	all := []string{fmt.Sprint(len(items), next, must(h.status()).Drafts)}
	for _, it := range items {
		all = append(all, fmt.Sprintf("%+v %+v", it, must(h.look(director, it.ID))))
	}
	return strings.Join(all, "\n")
}

// watch collects what a director who watches is told, until stop.
func (h *house) watch() (told func() []ident.ID, stop func()) {
	watching, cancel := context.WithCancel(ctx)
	var mu sync.Mutex
	var ids []ident.ID
	ended := make(chan error, 1)
	go func() {
		ended <- h.WatchInbox(watching, h.signerCaller(director, "SigningService/WatchInbox"), func(more []ident.ID) error {
			mu.Lock()
			defer mu.Unlock()
			ids = append(ids, more...)
			return nil
		})
	}()
	told = func() []ident.ID {
		synctest.Wait()
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(ids)
	}
	return told, func() { cancel(); <-ended }
}

// TestShownUntilTheHour: whatever its author does to a draft that is shown, a
// director who asks and watches is shown the same to the byte until the next hour,
// also after a restart, and from then on what has become of it.
func TestShownUntilTheHour(t *testing.T) {
	revise := func(a *author) { must(a.submit()) }
	dissent := func(a *author) { must(a.dissent(fmt.Sprint("Jag är skiljaktig, ", time.Now()))) }
	withdraw := func(a *author) { must(a.withdraw()) }
	for name, row := range map[string]struct {
		acts             []func(a *author)
		revision, told   int // shown after the hour, or none; how often the watcher is told
		dissents, drafts int
	}{
		"revised":                 {[]func(*author){revise}, 2, 2, 1, 1},
		"revised twice":           {[]func(*author){revise, revise}, 3, 2, 1, 1},
		"dissent":                 {[]func(*author){dissent}, 1, 1, 2, 1},
		"dissent, then revised":   {[]func(*author){dissent, revise}, 2, 2, 2, 1},
		"revised, then dissent":   {[]func(*author){revise, dissent}, 2, 2, 2, 1},
		"withdrawn":               {[]func(*author){withdraw}, 0, 1, 0, 0},
		"revised, withdrawn":      {[]func(*author){revise, withdraw}, 0, 1, 0, 0},
		"all, and then withdrawn": {[]func(*author){dissent, revise, dissent, withdraw}, 0, 1, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			hours(t, func(h *house) {
				a := h.author("Åsa Öberg")
				must(a.submit())
				dissent(a) // before it is shown
				sleepUntil(atEight)
				before := h.seen()
				sleepUntil(noon)
				told, stop := h.watch()
				for i, act := range row.acts {
					a.content = text + fmt.Sprint("\nLydelse ", i, "\n")
					act(a)
					pass(4 * time.Minute)
					h.same("what is shown", h.seen(), before)
				}
				must(0, h.ForgetShown(ctx, time.Now()))
				h.same("told", told(), []ident.ID{a.id})
				stop()
				h.reopen()
				h.InboxHours = []time.Duration{8 * time.Hour, 13 * time.Hour}
				told, stop = h.watch()
				sleepUntil(justBefore)
				h.same("what is shown", h.seen(), before)
				h.same("told", told(), []ident.ID{a.id})
				sleepUntil(atOne)
				pass(time.Second)
				h.same("told", len(told()), row.told)
				stop()
				h.same("drafts", must(h.status()).Drafts, row.drafts)
				if row.revision == 0 {
					h.same("inbox", len(h.inbox(director)), 0)
					h.refuses(workflow.ErrNotFound, workflow.ReasonAbsent, byName, func() error { _, err := h.look(director, a.id); return err })
					return
				}
				d := must(h.look(director, a.id))
				h.same("revision", jws.Digest(d.Statement), a.last[row.revision-1])
				h.same("dissents", len(d.Dissents), row.dissents)
				must(h.cosign(director, must(h.approval(director, d))))
			})
		})
	}
}

// TestActOnWhatIsStillShown: who signs, returns or abstains from what its author has
// replaced or withdrawn meanwhile is told that it is no more, and nothing changes. A
// revision that nobody is shown yet is signed by nobody.
func TestActOnWhatIsStillShown(t *testing.T) {
	hours(t, func(h *house) {
		revised, gone := h.author("Åsa Öberg"), h.author("Bo Ek").in("SN2026-2")
		must(revised.submit())
		must(gone.submit())
		sleepUntil(atEight)
		stale, ended := h.approve(director, revised.id), h.approve(director, gone.id)
		shown := *revised
		sleepUntil(morning)
		in, _ := revised.submission()
		answer := must(h.ReviseDraft(ctx, revised.caller("ReviseDraft"), in))
		must(gone.withdraw())
		before := h.seen()
		for _, title := range []string{director, deputy} {
			h.refuses(workflow.ErrStale, workflow.ReasonRevision, byName, func() error { _, err := h.sendBack(title, &shown); return err })
			h.refuses(workflow.ErrStale, workflow.ReasonRevision, byName, func() error { _, err := h.abstain(title, &shown); return err })
			h.refuses(workflow.ErrState, workflow.ReasonEnded, byName, func() error { _, err := h.sendBack(title, gone); return err })
			h.refuses(workflow.ErrState, workflow.ReasonEnded, byName, func() error { _, err := h.abstain(title, gone); return err })
		}
		h.refuses(workflow.ErrStale, workflow.ReasonRevision, byName, func() error { _, err := h.cosign(director, stale); return err })
		h.refuses(workflow.ErrState, workflow.ReasonEnded, byName, func() error { _, err := h.cosign(director, ended); return err })
		unseen := must(h.approval(director, &workflow.InboxDraft{Statement: in.Statement, Head: answer.Head}))
		h.refuses(workflow.ErrNotFound, workflow.ReasonAbsent, byName, func() error { _, err := h.cosign(director, unseen); return err })
		revised.last = append(revised.last, jws.Digest(in.Statement))
		h.refuses(workflow.ErrNotFound, workflow.ReasonAbsent, byName, func() error { _, err := h.sendBack(director, revised); return err })
		h.same("what is shown", h.seen(), before)
		sleepUntil(atOne)
		must(h.cosign(director, h.approve(director, revised.id)))
		h.same("decisions", h.count(proof.Decision), 1)
	})
}

// TestDissentMeanwhile: a dissent that a director is not shown yet stands in no way
// of what they do, and the dispatch cites it.
func TestDissentMeanwhile(t *testing.T) {
	hours(t, func(h *house) {
		a, b, c := h.author("Åsa Öberg"), h.author("Bo Ek").in("SN2026-2"), h.author("Cia Dahl").in("SN2026-3")
		for _, x := range []*author{a, b, c} {
			must(x.submit())
		}
		sleepUntil(morning)
		for _, x := range []*author{a, b, c} {
			must(x.dissent("Skiljaktig."))
		}
		v := must(bundle.Verify(must(h.cosign(director, h.approve(director, a.id))), h.trust))
		all := must(a.get()).Dissents
		no := h.refuses(workflow.ErrState, workflow.ReasonDissents, byName, func() error { _, err := h.dispatch(registrar, a.id, v.Digest); return err })
		h.same("due", no.Digests, []ident.Digest{jws.Digest(all[0])})
		must(h.dispatch(registrar, a.id, v.Digest, all...))
		must(h.sendBack(director, b))
		must(h.abstain(director, c))
		h.same("inbox", h.inbox(director), []ident.ID{})
		h.same("inbox", h.inbox(deputy), []ident.ID{c.id})
		h.same("dissents", len(must(h.look(deputy, c.id)).Dissents), 0) // an abstention shows nobody more
		h.same("kept", h.kept(), 1)
		sleepUntil(atOne)
		h.same("dissents", len(must(h.look(deputy, c.id)).Dissents), 1)
	})
}

// kept is how much is kept of what signers are still shown.
func (h *house) kept() (n int) {
	for key := range h.rows() {
		if strings.HasPrefix(key, "still-shown/") {
			n++
		}
	}
	return n
}

// TestUrgentRevision: what is urgent is shown at once, whatever was shown before it.
func TestUrgentRevision(t *testing.T) {
	hours(t, func(h *house) {
		a := h.author("Åsa Öberg")
		must(a.submit())
		sleepUntil(morning)
		told, stop := h.watch()
		must(a.submit())
		h.same("kept", h.kept(), 1)
		a.edit = func(d *statement.Draft, _ *record.Record) { d.Urgent = true }
		must(a.submit())
		h.same("kept", h.kept(), 0)
		d := must(h.look(director, a.id))
		h.same("shown", jws.Digest(d.Statement), a.last[2])
		pass(2 * time.Second)
		h.same("told", told(), []ident.ID{a.id, a.id})
		stop()
		// One that is no more urgent waits for its hour, and what was urgent stays.
		a.edit = nil
		must(a.submit())
		h.same("shown", fmt.Sprint(*must(h.look(director, a.id))), fmt.Sprint(*d))
		sleepUntil(atOne)
		h.same("shown", jws.Digest(must(h.look(director, a.id)).Statement), a.last[3])
	})
}

// TestKeptTextGoes: what was kept to be shown goes with its hour, or before it with
// the matter's signature or return; of a withdrawn draft nothing is left but what
// lasts. A job before the hour, and one again after it, changes nothing.
func TestKeptTextGoes(t *testing.T) {
	const old = "En mening som stryks."
	hours(t, func(h *house) {
		var all []*author
		for i := range 4 {
			a := h.author("Åsa Öberg").in(fmt.Sprint("SN-", i))
			a.content = text + "\n" + old + "\n"
			must(a.submit())
			all = append(all, a)
		}
		sleepUntil(morning)
		gone, revised, acted, sent := all[0], all[1], all[2], all[3]
		must(gone.withdraw())
		must(sent.dissent("Skiljaktig."))
		for _, a := range []*author{revised, acted} {
			a.content = text
			must(a.submit())
		}
		h.same("kept", h.kept(), 4)
		must(h.sendBack(director, sent))
		h.same("kept", h.kept(), 3)
		sent.content = text
		must(sent.submit())
		h.same("the old text", where(h.rows(), old), []string{"still-shown"})
		before := h.rows()
		must(0, h.ForgetShown(ctx, time.Now()))
		sleepUntil(justBefore)
		must(0, h.ForgetShown(ctx, time.Now()))
		h.same("changed", changed(before, h.rows()), map[string]int{})
		sleepUntil(atOne)
		pass(time.Second)
		must(acted.dissent("Skiljaktig.")) // the next act, before the clock: it keeps what is shown now
		h.same("kept", h.kept(), 3)
		for key, value := range h.rows() {
			if strings.HasPrefix(key, "still-shown/") && strings.HasSuffix(key, rawID(acted.id)) && strings.Contains(value, old) {
				t.Fatal("the next act has left what was shown before the hour")
			}
		}
		must(0, h.ForgetShown(ctx, time.Now()))
		h.same("kept", h.kept(), 1)
		if found := where(h.rows(), old); found != nil {
			t.Fatal("a text is left in", found)
		}
		for key := range h.rows() {
			if room, at, _ := strings.Cut(key, "/"); strings.Contains(at, rawID(gone.id)) && key != "matter/"+rawID(gone.id)+"m" && key != "matter/"+rawID(gone.id)+"k" {
				t.Error("of a withdrawn draft a row is left in", room)
			}
		}
		before = h.rows()
		must(0, h.ForgetShown(ctx, time.Now()))
		h.same("changed", changed(before, h.rows()), map[string]int{})
		must(h.cosign(director, h.approve(director, acted.id)))
		h.same("kept", h.kept(), 0)
		must(h.cosign(director, h.approve(director, revised.id)))
	})
}

func rawID(id ident.ID) string { b := id.Bytes(); return string(b[:]) }

// TestNothingKept: what nobody is shown is not kept: a draft before its hour, one
// that was returned, and any where drafts are shown at once.
func TestNothingKept(t *testing.T) {
	hours(t, func(h *house) {
		a := h.author("Åsa Öberg")
		must(a.submit())
		must(a.dissent("Skiljaktig."))
		must(a.submit())
		h.same("kept", h.kept(), 0)
		sleepUntil(morning)
		must(h.sendBack(director, a))
		must(a.dissent("Ännu en."))
		must(a.submit())
		must(a.withdraw())
		h.same("kept", h.kept(), 1) // that it was, and nothing of it
		for key, row := range h.rows() {
			if strings.HasPrefix(key, "still-shown/") && len(row) > 1000 {
				t.Error("a withdrawn draft is kept")
			}
		}
		h.same("inbox", len(h.inbox(director)), 0)
		sleepUntil(atOne)
		must(0, h.ForgetShown(ctx, time.Now()))
		h.same("kept", h.kept(), 0)
		h.InboxHours = nil
		b := h.author("Bo Ek").in("SN2026-2")
		must(b.submit())
		must(b.submit())
		must(b.dissent("Skiljaktig."))
		h.same("dissents", len(must(h.look(director, b.id)).Dissents), 1)
		must(b.withdraw())
		h.same("inbox", len(h.inbox(director)), 0)
		h.same("kept", h.kept(), 0)
	})
}

// TestKeptTellsNoTime: acts of one window, minutes or hours apart, leave the same of
// when they were.
func TestKeptTellsNoTime(t *testing.T) {
	hours(t, func(h *house) {
		var all []*author
		for i := range 6 {
			a := h.author("Åsa Öberg").in(fmt.Sprint("SN-", i))
			must(a.submit())
			all = append(all, a)
		}
		sleepUntil(morning)
		for i, a := range all {
			switch i % 3 {
			case 0:
				must(a.submit())
			case 1:
				must(a.withdraw())
			case 2:
				must(a.dissent("Skiljaktig."))
			}
			pass(31 * time.Minute)
		}
		hoursOf, inbox := map[string]bool{}, map[string]bool{}
		for key, value := range h.rows() {
			if rest, ok := strings.CutPrefix(key, "still-shown/"); ok {
				hoursOf[rest[:8]] = true
			}
			if strings.HasPrefix(key, "inbox/") {
				inbox[value] = true
			}
		}
		if len(hoursOf) != 1 || len(inbox) != 3 { // a form for each act, and none for its minute
			t.Fatalf("%x, %x", slices.Collect(maps.Keys(hoursOf)), slices.Collect(maps.Keys(inbox)))
		}
	})
}
