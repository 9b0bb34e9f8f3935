package workflow_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"sigill/keys/bundle"
	"sigill/keys/opening"
	"sigill/keys/order"
	"sigill/server/store"
	"sigill/server/store/memory"
	"sigill/server/workflow"
)

// A keeper is an engine that remembers what each row was before it was last written.
type keeper struct {
	store.Store
	was map[string][]byte // by room and key
}

func (k *keeper) Commit(ctx context.Context, changes store.Changes) error {
	snapshot, err := k.Snapshot(ctx)
	if err != nil {
		return err
	}
	defer snapshot.Close()
	for _, c := range changes {
		if old, err := snapshot.Get(c.Room, c.Key); err == nil {
			k.was[string(c.Room)+"/"+string(c.Key)] = old
		}
	}
	return k.Store.Commit(ctx, changes)
}

// officerID is a user id that lived notes as an officer's.
const officerID = "dir01"

// lived is a house with a row of every kind, in every state, if it has a tile, which takes
// its time: it is for a bubble.
func lived(t *testing.T, tile bool) (*house, *keeper) {
	disk := memory.NewDisk(layout())
	k := &keeper{was: map[string][]byte{}}
	h := newHouseOver(t, func() store.Store { k.Store = disk.Open(); return k })
	h.disk = disk
	day := func() { // what the clock does at night
		pass(24 * time.Hour)
		must(0, h.CloseDays(ctx, time.Now(), h.ledger.Published().Note))
		h.announce()
		must(0, h.PublishOwed(ctx, time.Now()))
		must(0, h.SendNotices(ctx, time.Now()))
		must(0, h.ExpireOpenings(ctx, time.Now()))
		must(0, h.ForgetShown(ctx, time.Now()))
	}
	must(0, h.RecordTrust(ctx)) // as a server does first
	a := h.author("Åsa Öberg")
	must(a.submit())
	must(h.sendBack(director, a))
	must(a.submit())
	dissent := a.dissentBy(a.key, "Nej.")
	must(h.AttachDissent(ctx, a.caller("AttachDissent"), dissent))
	v := h.sign(a)
	must(h.dispatch(registrar, a.id, v.Digest, dissent))
	must(a.get())
	day()

	gone := h.author("Bo Ek").in("SN2026-2")
	must(gone.submit())
	must(gone.withdraw())
	for i := range 2 { // the first batch goes out
		must(h.author(fmt.Sprint("Författare ", i)).in(fmt.Sprint("SN2026-3", i)).submit())
	}
	for range 270 {
		if !tile {
			break
		}
		_, _, err := h.ListInbox(ctx, h.signerCaller(director, "SigningService/ListInbox"), 1, "")
		must(0, err)
	}
	c := h.signerCaller(director, "SigningService/ListInbox")
	c.Identity.UserID = officerID
	_, _, err := h.ListInbox(ctx, c, 1, "")
	must(0, err)
	day()
	h.openings(v)

	next := *h.order
	next.Version, next.Previous = 2, h.version.Digest
	must(h.publishOrder(&next))
	h.order, h.version = &next, order.Version{Digest: must(order.Digest(&next)), Version: 2}
	h.nextSet()
	b := h.author("Cecilia Dahl").in("SN2026-5")
	must(b.submit())
	must(h.abstain(deputy, b))
	h.sign(b)
	day()

	back, waits := h.author("Dan Eng").in("SN2026-6"), h.author("Eva Falk").in("SN2026-6")
	must(back.submit())
	must(h.sendBack(director, back))
	waits.earlier = slices.Clone(back.last)
	must(waits.submit())
	h.InboxHours = []time.Duration{13 * time.Hour}
	must(waits.submit()) // the one before is still shown
	quit := h.author("Filippa Gran").in("SN2026-7")
	must(quit.submit())
	must(quit.withdraw())
	if _, err := h.snoop(a); err == nil {
		t.Fatal("a snooper was shown something")
	}
	return h, k
}

// openings asks for a seal in every way in which that can end.
func (h *house) openings(v *bundle.Verdict) {
	quorum := [][2]int{{1, 1}, {1, 2}, {2, 1}}
	c := h.court("Förvaltningsrätten", order.CourtOrder)
	id := c.request(v, order.CourtOrder, decider, bias)
	h.vote(1, 3, id, bias)
	for _, at := range quorum {
		h.vote(at[0], at[1], id, decider, bias)
	}
	must(h.CollectOpening(ctx, c.caller("CollectOpening"), id))
	id = c.request(v, order.CourtOrder, decider)
	for i := range 2 {
		h.vote(2, i+1, id)
	}
	h.vote(2, 3, id)
	id = c.request(v, order.CourtOrder, decider)
	must(h.WithdrawOpening(ctx, c.caller("WithdrawOpening"), id))
	short := c.ask(v, order.CourtOrder, decider)
	short.Expires = today()
	must(c.send(short))
	h.vote(1, 1, short.Opening, decider)
	h.vote(1, 1, c.request(v, order.CourtOrder, decider), decider)

	police := h.court("Polisen", order.PoliceSuspectOfficial)
	id = police.request(v, order.PoliceSuspectOfficial, decider)
	for _, at := range quorum {
		b := h.ballot(at[0], at[1], id, decider)
		b.vote.NotBefore = &opening.Delay{Date: today().AddDays(30), Provision: "35 kap. 1 § OSL"}
		must(h.cast(at[0], at[1], b))
	}
	police.revoke()
	must(0, h.ExpireOpenings(ctx, today().AddDays(1).Start()))
}

// snoop is another's try to read an author's matter.
func (h *house) snoop(a *author) (*workflow.DraftView, error) {
	other := h.author("Gustav Hed")
	other.id = a.id
	return other.get()
}
