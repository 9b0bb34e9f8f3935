package workflow_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/proof"
	"sigill/keys/statement"
	"sigill/server/workflow"
)

// receipt reads a receipt as its holder does.
func (h *house) receipt(compact string) (rc statement.Receipt) {
	h.t.Helper()
	if _, _, err := jws.ReadBy(compact, h.trust.LogKey, &rc); err != nil {
		h.t.Fatal(err)
	}
	return rc
}

// TestOwed: author's acts go into the log in batches of k, or on the day before the
// one that the oldest receipt gives. Before, an owed entry is like one that never
// was.
func TestOwed(t *testing.T) {
	bubble(t, "2026-11-22T12:00:00Z", func(t *testing.T) {
		h := newHouse(t)
		a := h.author("Åsa Öberg")
		receipts := []statement.Receipt{h.receipt(must(a.submit()).Receipt)}
		for i := range 3 {
			receipts = append(receipts, h.receipt(must(a.dissent(fmt.Sprint("Skäl ", i)))))
		}
		owed := func(n int) {
			t.Helper()
			h.same("owed", len(h.owed()), n)
			for _, rc := range receipts[len(receipts)-n:] {
				h.absent(rc.Entry)
			}
		}
		owed(4)
		size := h.ledger.Head().Size
		must(0, h.PublishOwed(ctx, time.Now().AddDate(0, 0, 5)))
		owed(4)
		h.same("log", h.ledger.Head().Size, size)
		must(0, h.PublishOwed(ctx, time.Now().AddDate(0, 0, 6))) // the day before the one that the receipt gives
		owed(0)
		for _, rc := range receipts {
			h.same("due", rc.Due, ident.Date("2026-11-29"))
			h.absent(rc.Entry) // in the log, and not published
		}
		h.announce()
		h.inLog(receipts, proof.AuthorAct)

		more := []statement.Receipt{}
		for i := range 4 {
			more = append(more, h.receipt(must(a.dissent(fmt.Sprint("Mer ", i)))))
		}
		more = append(more, h.receipt(must(a.withdraw())))
		must(0, h.PublishOwed(ctx, time.Now())) // five are a batch
		h.announce()
		h.inLog(more[:4], proof.AuthorAct)
		h.inLog(more[4:], proof.Withdrawn)
		h.same("withdrawn", h.lastOf(proof.Withdrawn).Tag, proof.SubjectTag(a.id))
	})
}

func (h *house) lastOf(k proof.Kind) (e proof.Entry) {
	for _, one := range h.entries() {
		if one.Kind == k {
			e = one
		}
	}
	return e
}

// inLog wants the entries of receipts proved by GetProof.
func (h *house) inLog(receipts []statement.Receipt, kind proof.Kind) {
	h.t.Helper()
	all := h.entries()
	for _, rc := range receipts {
		text := must(h.GetProof(ctx, rc.Entry))
		p := must(proof.ParseProof([]byte(text)))
		e := all[p.Index]
		if _, _, err := proof.CheckInclusion([]byte(text), e, h.trust.Policy); err != nil || e.Digest != rc.Entry || e.Kind != kind {
			h.t.Fatal("not the entry of the receipt", err)
		}
	}
}

// absent wants the one answer for what is owed, unpublished or unknown.
func (h *house) absent(entry ident.Digest) {
	h.t.Helper()
	no := h.refuses(workflow.ErrNotFound, workflow.ReasonAbsent, nothing, func() error { _, err := h.GetProof(ctx, entry); return err })
	h.same("answer", no.Error(), "not found: ABSENT")
}

// TestOwedOrder: neither the place in the log nor the key of a row says in which
// order acts came; and a batch that is called for twice at once is published once.
func TestOwedOrder(t *testing.T) {
	h := newHouse(t)
	a := h.author("Åsa Öberg")
	came := []ident.Digest{h.receipt(must(a.submit()).Receipt).Entry}
	for i := range 19 {
		came = append(came, h.receipt(must(a.dissent(fmt.Sprint("Skäl ", i)))).Entry)
	}
	rows := h.rows()
	var keys []string
	for key := range rows {
		if strings.HasPrefix(key, "owed/") {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	var byKey []ident.Digest
	for _, key := range keys {
		byKey = append(byKey, must(proof.ParseEntry([]byte(rows[key])[4:4+proof.EntrySize])).Digest)
	}
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			if err := h.PublishOwed(ctx, time.Now()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	var inLog []ident.Digest
	for _, e := range h.entries() {
		if e.Kind == proof.AuthorAct {
			inLog = append(inLog, e.Digest)
		}
	}
	h.same("entries", len(inLog), len(came))
	for name, order := range map[string][]ident.Digest{"came": came, "lay": byKey} {
		if slices.Equal(order, inLog) {
			t.Fatal("the log has them in the order in which they", name)
		}
		if name == "lay" && slices.Equal(order, came) {
			t.Fatal("they lie in the order in which they came")
		}
		for _, d := range order {
			if !slices.Contains(inLog, d) {
				t.Fatal("an entry is lost")
			}
		}
	}
}

// TestStatus: the figures do not move with somebody's act.
func TestStatus(t *testing.T) {
	bubble(t, "2026-11-22T12:00:00Z", func(t *testing.T) {
		h := newHouse(t)
		h.InboxHours = []time.Duration{8 * time.Hour}
		before := must(h.status())
		a := h.author("Åsa Öberg")
		must(a.submit())
		after := must(h.status())
		before.LogSize, after.LogSize = 0, 0 // each look is an entry
		h.same("status", *after, *before)
		sleepUntil("2026-11-23T07:00:00Z")
		later := must(h.status())
		if later.Drafts != 1 || later.Owed != 1 || later.Order != 1 || later.Epoch != 1 || later.Version != "test" {
			t.Fatalf("%+v", later)
		}
	})
}

// TestCheckpoint: the published head extends every size that anyone has seen.
func TestCheckpoint(t *testing.T) {
	h := newHouse(t)
	a := h.author("Åsa Öberg")
	h.sign(a)
	note, hashes, err := h.GetCheckpoint(ctx, 0)
	if err != nil || len(hashes) != 0 {
		t.Fatal(err)
	}
	if got := must(proof.OpenCheckpoint([]byte(note), h.trust.Policy)); got.Size >= h.ledger.Head().Size {
		t.Fatal("what is not published is shown")
	}
	h.announce()
	note, _, err = h.GetCheckpoint(ctx, 0)
	must(0, err)
	now := must(proof.OpenCheckpoint([]byte(note), h.trust.Policy))
	h.same("size", now.Size, h.ledger.Head().Size)
	for size := uint64(1); size <= now.Size; size++ {
		_, hashes, err := h.GetCheckpoint(ctx, size)
		must(0, err)
		old := must(h.ledger.HeadAt(ctx, size))
		if err := proof.CheckConsistency(proof.Checkpoint{Origin: authority, Size: old.Size, Root: old.Root}, now, hashes); err != nil {
			t.Fatal(size, err)
		}
	}
	h.refuses(workflow.ErrInvalid, workflow.ReasonField, nothing, func() error { _, _, err := h.GetCheckpoint(ctx, now.Size+1); return err })
}
