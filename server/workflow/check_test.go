package workflow_test

import (
	"sigill/server/check"
	"sigill/server/gate"
	"sigill/server/workflow"
)

// checked is what a check of a house finds, by the sum over its rows and by what they
// mean.
func (h *house) checked() []check.Finding {
	h.t.Helper()
	g := h.store.(*gate.Store)
	snapshot := must(g.Snapshot(ctx))
	defer snapshot.Close()
	w := &check.Walk{Today: today(), Each: func() error { return nil }}
	for room := range layout() {
		if room == gate.Room {
			continue
		}
		if l := must(g.Verify(snapshot, room, w.Each)); l.Differs || l.Damaged > 0 {
			w.Found(room, "the sum")
		}
	}
	return append(w.List, h.meant()...)
}

// meant is what their meaning shows.
func (h *house) meant() []check.Finding {
	h.t.Helper()
	snapshot := must(h.store.Snapshot(ctx))
	defer snapshot.Close()
	w := &check.Walk{Today: today(), Each: func() error { return nil }}
	for _, s := range workflow.Check(snapshot, h.trust, cipher{h.store.(*gate.Store)}, &workflow.Checking{}) {
		must(0, s.Run(w))
	}
	return w.List
}

// sound wants nothing found.
func (h *house) sound() {
	h.t.Helper()
	for _, f := range h.checked() {
		h.t.Errorf("check: %+v", f)
	}
}
