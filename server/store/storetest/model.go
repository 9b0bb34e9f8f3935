package storetest

import (
	"context"
	"errors"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"sigill/server/store"
)

// model is what a room should hold; a view is a reader with its model.
type model map[string]string

type view struct {
	reader store.Reader
	want   model
}

// testModel draws actions on a stack of overlays over a store and compares
// every reader that is still open with a plain map.
func testModel(t *testing.T, new func(t testing.TB) Opener) {
	rapid.Check(t, func(rt *rapid.T) {
		m := &machine{bench: newBench(t, new(t)), durable: model{}}
		m.failer = rt
		m.base()
		rt.Repeat(map[string]func(*rapid.T){
			"":       m.compare,
			"put":    m.put,
			"delete": m.remove,
			"nest":   m.nest,
			"merge":  m.merge,
			"drop":   m.drop,
			"commit": m.commit,
			"reopen": m.reopen,
			"hold":   m.hold,
			"purge":  m.purge,
		})
		m.close()
		m.failer = t // for the bench's own cleaning up
	})
}

type machine struct {
	*bench
	durable model
	snap    store.Snapshot
	stack   []view // overlays, the innermost last; the first is the batch
	held    []view // snapshots of states gone by
}

// base begins a new batch over the newest state.
func (m *machine) base() {
	m.snap = m.snapshot()
	m.stack = []view{{store.NewOverlay(store.Once(m.snap)), maps.Clone(m.durable)}}
}

func (m *machine) top() (*store.Overlay, model) {
	v := m.stack[len(m.stack)-1]
	return v.reader.(*store.Overlay), v.want
}

func drawKey(rt *rapid.T) string {
	return string(rapid.SliceOfN(rapid.SampledFrom([]byte{0, 'a', 'b', 0xff}), 1, 3).Draw(rt, "key"))
}

func (m *machine) put(rt *rapid.T) {
	o, want := m.top()
	key := drawKey(rt)
	value := rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(rt, "value")
	for range rapid.SampledFrom([]int{0, 0, 4, 8}).Draw(rt, "doublings") {
		value = append(value, value...)
	}
	want[key] = string(value)
	k := []byte(key)
	m.must(o.Put(drafts, k, value))
	poison(k) // the overlay keeps the value
}

func (m *machine) remove(rt *rapid.T) {
	o, want := m.top()
	key := drawKey(rt)
	delete(want, key)
	m.must(o.Delete(drafts, []byte(key)))
}

func (m *machine) nest(*rapid.T) {
	o, want := m.top()
	m.stack = append(m.stack, view{store.NewOverlay(o), maps.Clone(want)})
}

func (m *machine) merge(rt *rapid.T) {
	if len(m.stack) == 1 {
		rt.Skip()
	}
	child, want := m.top()
	m.stack = m.stack[:len(m.stack)-1]
	parent, _ := m.top()
	parent.Merge(child)
	m.stack[len(m.stack)-1].want = want
	if len(child.Changes()) != 0 {
		rt.Fatal("a merged overlay still holds changes")
	}
}

func (m *machine) drop(rt *rapid.T) {
	if len(m.stack) == 1 {
		rt.Skip()
	}
	m.stack = m.stack[:len(m.stack)-1]
}

// commit makes the batch durable; operations not merged are dropped.
func (m *machine) commit(*rapid.T) {
	batch := m.stack[0]
	m.must(m.Commit(context.Background(), batch.reader.(*store.Overlay).Changes()))
	m.durable = batch.want
	m.must(m.snap.Close())
	m.base()
}

func (m *machine) reopen(*rapid.T) {
	m.held = nil
	m.bench.reopen()
	m.base()
}

func (m *machine) hold(rt *rapid.T) {
	if len(m.held) == 3 {
		rt.Skip()
	}
	m.held = append(m.held, view{m.snapshot(), m.durable})
}

// purge deletes what a scan finds, while it finds it.
func (m *machine) purge(rt *rapid.T) {
	o, want := m.top()
	from := drawKey(rt)
	for p, err := range o.Scan(drafts, []byte(from), nil) {
		m.must(err)
		if _, ok := want[string(p.Key)]; !ok || string(p.Key) < from {
			rt.Fatalf("the scan yielded %q", p.Key)
		}
		delete(want, string(p.Key))
		m.must(o.Delete(drafts, p.Key))
	}
}

func (m *machine) compare(rt *rapid.T) {
	from, to := []byte(drawKey(rt)), []byte(drawKey(rt))
	if rapid.Bool().Draw(rt, "whole") {
		from, to = nil, nil
	}
	key := drawKey(rt)
	for _, v := range slices.Concat(m.stack, m.held, []view{{m.snap, m.durable}}) {
		var want []string
		for _, k := range slices.Sorted(maps.Keys(v.want)) {
			if k >= string(from) && (to == nil || k < string(to)) {
				want = append(want, k+"="+v.want[k])
			}
		}
		if got := m.rows(v.reader, drafts, from, to); !slices.Equal(got, want) {
			rt.Fatalf("scan [%q,%q): got %q, want %q", from, to, got, want)
		}
		got, err := v.reader.Get(drafts, []byte(key))
		value, there := v.want[key]
		if there && (err != nil || string(got) != value) || !there && !errors.Is(err, store.ErrNotFound) {
			rt.Fatalf("get %q: got %q, %v; want %q, %v", key, got, err, value, there)
		}
	}
}
