package workflow_test

import (
	"bytes"
	"errors"
	"slices"
	"testing"
	"time"

	"sigill/keys/ident"
	"sigill/keys/opening"
	"sigill/keys/order"
	"sigill/keys/proof"
	"sigill/server/store"
	"sigill/server/workflow"
)

// damage changes one row on the disk; "" mends it.
func (h *house) damage(room store.Room, key []byte) {
	h.disk.Tamper(func(r store.Room, k, value []byte) []byte {
		if r == room && bytes.Equal(k, key) {
			value[len(value)/2] ^= 1
		}
		return value
	})
}

func rowKey(id ident.ID) []byte { b := id.Bytes(); return b[:] }

// firstOf is the one whose row comes first.
func firstOf(ids []ident.ID) ident.ID {
	return slices.MinFunc(ids, func(a, b ident.ID) int { return bytes.Compare(rowKey(a), rowKey(b)) })
}

// TestExpiryGoesOn: a request whose row is damaged does not keep the others open.
func TestExpiryGoesOn(t *testing.T) {
	h := newHouse(t)
	v := h.sign(h.author("Åsa Öberg"))
	c := h.court("Förvaltningsrätten", order.CourtOrder)
	var ids []ident.ID
	for range 4 {
		ids = append(ids, c.request(v, order.CourtOrder, decider))
	}
	first := firstOf(ids)
	h.damage("opening", rowKey(first))
	if err := h.ExpireOpenings(ctx, today().AddDays(15).Start()); !errors.Is(err, workflow.ErrData) {
		t.Fatal("the damage is not reported", err)
	}
	h.damage("", nil)
	for _, id := range ids {
		if state := c.get(id).State; (state == expired) != (id != first) {
			t.Errorf("state %d", state)
		}
	}
	h.same("closed", h.count(proof.OpeningClosed), 3)
	must(0, h.ExpireOpenings(ctx, today().AddDays(15).Start()))
	h.same("closed", h.count(proof.OpeningClosed), 4)
}

// TestNoticesGoOn: an opening whose row is damaged keeps no other author waiting.
func TestNoticesGoOn(t *testing.T) {
	h := newHouse(t)
	v := h.sign(h.author("Åsa Öberg"))
	c := h.court("Polisen", order.PoliceSuspectOfficial)
	due := today().AddDays(30)
	var ids []ident.ID
	for range 4 {
		id := c.request(v, order.PoliceSuspectOfficial, decider)
		for _, at := range [][2]int{{1, 1}, {1, 2}, {2, 1}} {
			b := h.ballot(at[0], at[1], id, decider)
			b.vote.NotBefore = &opening.Delay{Date: due, Provision: "35 kap. 1 § OSL"}
			must(h.cast(at[0], at[1], b))
		}
		ids = append(ids, id)
	}
	h.damage("opening", rowKey(firstOf(ids)))
	if err := h.SendNotices(ctx, due.Start().Add(time.Hour)); !errors.Is(err, workflow.ErrData) {
		t.Fatal("the damage is not reported", err)
	}
	h.damage("", nil)
	h.same("notices", h.count(proof.OpeningNotice), 3)
	must(0, h.SendNotices(ctx, due.Start().Add(time.Hour)))
	h.same("notices", h.count(proof.OpeningNotice), 4)
}
