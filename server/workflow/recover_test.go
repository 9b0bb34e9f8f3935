package workflow_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"sigill/keys/ident"
	"sigill/keys/proof"
	"sigill/server/workflow"
)

// TestRecover: entries that were published before the store was put back stand as they
// were; what they say was owed, signed or withdrawn is so, and numbers go on after them.
func TestRecover(t *testing.T) {
	h := newHouse(t)
	gone, decided, waits := h.author("Åsa Öberg").in("SN2026-1"), h.author("Bo Ek").in("SN2026-2"), h.author("Cia Al").in("SN2026-3")
	receipt := h.receipt(must(gone.submit()).Receipt)
	must(decided.submit())
	must(waits.submit())
	must(waits.dissent("Skäl"))
	must(decided.dissent("Skäl"))
	var owed proof.Entry
	for key, value := range h.rows() {
		if e, err := proof.ParseEntry([]byte(value)[min(4, len(value)):min(4+proof.EntrySize, len(value))]); strings.HasPrefix(key, "owed/") && err == nil && e.Digest == receipt.Entry {
			owed = e
		}
	}
	before := h.ledger.Head().Size
	random := func(kind proof.Kind, tag proof.Tag) proof.Entry {
		return proof.Entry{Kind: kind, Tag: tag, Digest: ident.Sum(kind.String(), string(tag[:]))}
	}
	entries := []proof.Entry{
		owed,
		random(proof.Event, proof.RandomTag()),
		random(proof.Withdrawn, proof.SubjectTag(gone.id)),
		random(proof.Decision, proof.DecisionTag(uint16(today().Year()), 6, ident.NewID())),
		random(proof.Decision, proof.DecisionTag(uint16(today().Year()), 7, decided.id)),
		random(proof.Decision, proof.DecisionTag(uint16(today().Year())-1, 99, ident.NewID())),
	}
	root := must(h.ledger.Grown(entries)).Root
	said := must(h.Recover(ctx, workflow.Regained{Entries: entries, Root: root}, "DAMAGE"))
	h.announce()
	all := h.entriesFrom(before)
	if !slices.Equal(all[:len(entries)], entries) || len(all) != len(entries)+1 || said.Index != before+uint64(len(entries)) {
		t.Fatal("the log has ", all)
	}
	last := all[len(entries)]
	if a, b, ok := last.Recovery(); !ok || a != before || b != said.Index || must(proof.ParsePreimage(said.Preimage)).Digest() != last.Digest {
		t.Error("the log says ", last)
	}
	p := must(proof.ParseProof([]byte(must(h.GetProof(ctx, receipt.Entry)))))
	h.same("place of what was owed", p.Index, before)
	h.same("owed", len(h.owed()), 4)
	h.same("inbox", h.inbox(director), []ident.ID{waits.id})
	for _, a := range []*author{gone, decided} {
		h.refuses(workflow.ErrNotFound, workflow.ReasonAbsent, byName, func() error { _, err := h.look(director, a.id); return err })
	}
	v := h.sign(waits)
	h.sound()
	h.same("number", v.Decision.Number, int64(8))
	must(0, h.PublishOwed(ctx, time.Now().AddDate(0, 0, 6)))
	h.announce()
	for _, e := range h.entriesFrom(said.Index) {
		if e.Digest == receipt.Entry {
			t.Error("what was owed is logged twice")
		}
	}
	h.reopen()
	if _, err := h.Recover(ctx, workflow.Regained{Root: h.ledger.Head().Root}, "Disken dog"); err == nil {
		t.Error("a reason in words")
	}
}
