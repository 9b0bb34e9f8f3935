package workflow_test

import (
	"errors"
	"sync"
	"testing"

	"sigill/keys/disclosure"
	"sigill/keys/order"
	"sigill/server/workflow"
)

// TestCollectFails: a package that cannot be made is not collected. Nothing is
// changed or filed, so that it can be collected when it can be made again.
func TestCollectFails(t *testing.T) {
	h := newHouse(t)
	a := h.author("Åsa Öberg")
	a.submitReal()
	v := h.sign(a)
	c := h.court("Förvaltningsrätten", order.CourtOrder)
	id := c.request(v, order.CourtOrder, decider, evidence)
	for _, at := range [][2]int{{1, 1}, {1, 2}, {2, 1}} {
		h.vote(at[0], at[1], id, decider, evidence)
	}
	call := c.caller("CollectOpening")
	size := h.ledger.Head().Size
	for _, row := range []string{"provider", "decision/s", "set"} {
		h.spoil(row)
		if _, err := h.CollectOpening(ctx, call, id); !errors.Is(err, workflow.ErrData) {
			t.Error(row, err)
		}
		h.disk.Tamper(nil)
		h.same("entries", h.ledger.Head().Size, size)
	}
	h.same("state", c.get(id).State, released)
	p := must(disclosure.Open(must(h.CollectOpening(ctx, call, id)), h.trust, c.recipient))
	h.same("evidence", p.Evidence.Name, a.name)
	h.same("state", c.get(id).State, collected)
}

// TestCollectedTogether: whoever collects at the same time is given the same bytes.
func TestCollectedTogether(t *testing.T) {
	h := newHouse(t)
	v := h.sign(h.author("Åsa Öberg"))
	c := h.court("Förvaltningsrätten", order.CourtOrder)
	id := c.request(v, order.CourtOrder, decider)
	for _, at := range [][2]int{{1, 1}, {1, 2}, {2, 1}} {
		h.vote(at[0], at[1], id, decider)
	}
	got := make([][]byte, 8)
	var all sync.WaitGroup
	for i := range got {
		all.Go(func() {
			must(h.status()) // so that their heads differ
			got[i] = must(h.CollectOpening(ctx, c.caller("CollectOpening"), id))
		})
	}
	all.Wait()
	for _, b := range got {
		if string(b) != string(got[0]) {
			t.Fatal("two packages of one opening")
		}
	}
	must(disclosure.Open(got[0], h.trust, c.recipient))
}
