package translog_test

import (
	"errors"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"sigill/keys/ident"
	"sigill/keys/proof"
	"sigill/server/store"
	"sigill/server/translog"
)

// TestSizes walks every size to 600 one by one, then the sizes at which tiles
// of the second level fill, and proves everything at each.
func TestSizes(t *testing.T) {
	l := newLog(t)
	check := func(every uint64) {
		t.Helper()
		r := l.reader(t)
		defer r.Close()
		size := l.tree.Size()
		l.checkRoot(t)
		l.checkReload(t, r)
		for i := uint64(0); i < size; i += every {
			l.checkInclusion(t, r, i, size)
		}
		for o := uint64(0); o <= size; o += every {
			l.checkConsistency(t, r, o, size)
		}
		if size > 0 {
			l.checkInclusion(t, r, size-1, size)
			l.checkInclusion(t, r, size/2, size/2+1)
			l.checkConsistency(t, r, size/3, size-1)
		}
	}
	for size := range 601 {
		if size > 0 {
			l.grow(t, 1)
		}
		check(101)
		switch size {
		case 0, 1, 2, 255, 256, 257, 511, 512, 513, 600:
			r := l.reader(t)
			l.checkFiles(t, r, uint64(size))
			check(1)
			r.Close()
		}
	}
	for _, size := range []int{65535, 65536, 65537, 65536 + 255, 65536 + 256, 65536 + 257} {
		l.grow(t, size-len(l.ref.entries))
		check(8191)
		r := l.reader(t)
		for _, i := range []uint64{0, 255, 256, 65279, 65280, 65534} {
			l.checkInclusion(t, r, i, uint64(size))
			l.checkInclusion(t, r, i, 65535)
			l.checkConsistency(t, r, i, uint64(size))
		}
		r.Close()
	}
	r := l.reader(t)
	defer r.Close()
	for _, size := range []uint64{1, 255, 256, 257, 600, 65535, 65537, l.tree.Size()} {
		l.checkFiles(t, r, size) // as of an earlier checkpoint
	}
}

// TestModel appends, aborts, restarts and proves in any order.
func TestModel(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		l := newLog(t)
		size := func(name string, from uint64) uint64 { return rapid.Uint64Range(from, l.tree.Size()).Draw(r, name) }
		r.Repeat(map[string]func(*rapid.T){
			"append": func(*rapid.T) { l.grow(r, rapid.IntRange(0, 300).Draw(r, "n")) },
			"abort": func(*rapid.T) {
				s := l.reader(r)
				defer s.Close()
				if _, err := l.tree.Append(store.NewOverlay(s), entries(7777777, rapid.IntRange(0, 300).Draw(r, "n"))); err != nil {
					r.Fatal(err)
				}
			},
			"restart": func(*rapid.T) {
				s := l.reader(r)
				defer s.Close()
				var err error
				if l.tree, err = translog.Load(s, l.tree.Size(), l.tree.Root()); err != nil {
					r.Fatal(err)
				}
			},
			"prove": func(*rapid.T) {
				s := l.reader(r)
				defer s.Close()
				l.checkConsistency(r, s, size("older", 0), l.tree.Size())
				if l.tree.Size() == 0 {
					return
				}
				n := size("size", 1)
				i := rapid.Uint64Range(0, n-1).Draw(r, "index")
				l.checkInclusion(r, s, i, n)
				l.checkConsistency(r, s, i, n)
				l.checkFiles(r, s, n)
				if e, err := l.tree.Entry(s, i); err != nil || e != l.ref.entries[i] {
					r.Fatalf("entry %d: %v", i, err)
				}
			},
			"": func(*rapid.T) { l.checkRoot(r) },
		})
	})
}

// TestBranches: an aborted batch and the one after it start from the same tree,
// and neither shows in the other or in what they start from.
func TestBranches(t *testing.T) {
	for _, c := range [][2]int{{0, 1}, {1, 1}, {100, 1}, {100, 200}, {255, 2}, {256, 1}, {300, 7}, {300, 300}} {
		n, more := c[0], c[1]
		l := newLog(t)
		l.grow(t, n)
		r := l.reader(t)
		before := l.tree.Root()
		a, errA := l.tree.Append(store.NewOverlay(r), entries(1000, more))
		b, errB := l.tree.Append(store.NewOverlay(r), entries(2000, more))
		if errA != nil || errB != nil || a.Root() == b.Root() || l.tree.Root() != before {
			t.Fatal(n, errA, errB)
		}
		for from, tree := range map[int]translog.Tree{1000: a, 2000: b} {
			ref := reference{}
			ref.append(t, entries(0, n))
			ref.append(t, entries(from, more))
			if tree.Root() != ref.root(t, ref.size()) {
				t.Errorf("%d entries: a branch has another root", n)
			}
			// A tile of the right edge lies in memory alone.
			first, width := (n+more)/256, (n+more)%256
			for range 2 {
				tile, err := tree.Tile(r, 0, uint64(first), width)
				if err != nil {
					t.Fatal(err)
				}
				for i := range width {
					if leaf := ref.entries[first*256+i].LeafHash(); ident.Digest(tile[i*32:]) != leaf {
						t.Fatalf("%d and %d entries: hash %d of a branch's edge is another's", n, more, i)
					}
				}
				clear(tile) // what a caller does with it is its own affair
			}
		}
		r.Close()
	}
}

type failing struct{ after int }

var errDisk = errors.New("no")

func (f *failing) Put(store.Room, []byte, []byte) error {
	if f.after--; f.after < 0 {
		return errDisk
	}
	return nil
}

func TestAppendRefuses(t *testing.T) {
	l := newLog(t)
	l.grow(t, 250)
	r := l.reader(t)
	defer r.Close()
	for name, bad := range map[string]proof.Entry{
		"no kind":      {Tag: proof.Tag{1}},
		"unknown kind": {Kind: 23, Tag: proof.Tag{1}},
		"wrong tag":    {Kind: proof.DelegationOrder, Tag: proof.Tag{1}},
	} {
		o := store.NewOverlay(r)
		next, err := l.tree.Append(o, append(entries(0, 3), bad))
		if !errors.Is(err, proof.ErrEntry) || next.Size() != 0 || len(o.Changes()) != 0 {
			t.Errorf("%s: %v, and %d rows", name, err, len(o.Changes()))
		}
	}
	for after := range 11 { // ten entries and the tile that the sixth fills
		next, err := l.tree.Append(&failing{after}, entries(0, 10))
		if !errors.Is(err, errDisk) || next.Size() != 0 {
			t.Errorf("failing after %d rows: %v", after, err)
		}
	}
	if _, err := l.tree.Append(&failing{11}, entries(0, 10)); err != nil {
		t.Error(err)
	}
	l.checkRoot(t)
}

func TestOutsideTheLog(t *testing.T) {
	l := newLog(t)
	l.grow(t, 300)
	r := l.reader(t)
	defer r.Close()
	tree := l.tree
	const far = 1 << 60
	calls := map[string]func() (any, error){
		"entry":                    func() (any, error) { e, err := tree.Entry(r, 300); return e != proof.Entry{}, err },
		"bundle past the end":      func() (any, error) { b, err := tree.EntryBundle(r, 1, 45); return b != nil, err },
		"empty bundle":             func() (any, error) { b, err := tree.EntryBundle(r, 0, 0); return b != nil, err },
		"wide bundle":              func() (any, error) { b, err := tree.EntryBundle(r, 0, 257); return b != nil, err },
		"far bundle":               func() (any, error) { b, err := tree.EntryBundle(r, far, 1); return b != nil, err },
		"tile past the end":        func() (any, error) { b, err := tree.Tile(r, 0, 1, 45); return b != nil, err },
		"second tile of level 1":   func() (any, error) { b, err := tree.Tile(r, 1, 1, 1); return b != nil, err },
		"tile of level 1, 2 wide":  func() (any, error) { b, err := tree.Tile(r, 1, 0, 2); return b != nil, err },
		"tile of level 2":          func() (any, error) { b, err := tree.Tile(r, 2, 0, 1); return b != nil, err },
		"tile of level -1":         func() (any, error) { b, err := tree.Tile(r, -1, 0, 1); return b != nil, err },
		"wide tile":                func() (any, error) { b, err := tree.Tile(r, 0, 0, 257); return b != nil, err },
		"far tile":                 func() (any, error) { b, err := tree.Tile(r, 0, far, 1); return b != nil, err },
		"inclusion past the size":  func() (any, error) { p, err := tree.ProveInclusion(r, 10, 10); return p != nil, err },
		"inclusion past the tree":  func() (any, error) { p, err := tree.ProveInclusion(r, 10, 301); return p != nil, err },
		"consistency past the end": func() (any, error) { p, err := tree.ProveConsistency(r, 10, 301); return p != nil, err },
		"consistency backwards":    func() (any, error) { p, err := tree.ProveConsistency(r, 11, 10); return p != nil, err },
		"root past the end":        func() (any, error) { d, err := tree.RootAt(r, 301); return !d.IsZero(), err },
		"frontier past the end":    func() (any, error) { f, err := tree.Frontier(r, 301); return f != nil, err },
		"scan past the end":        func() (any, error) { return false, tree.Scan(r, 10, 301, nil) },
		"scan backwards":           func() (any, error) { return false, tree.Scan(r, 11, 10, nil) },
		"a day that has no row":    func() (any, error) { b, err := translog.DayNote(r, "2026-11-27"); return b != nil, err },
		"load past every size": func() (any, error) {
			x, err := translog.Load(r, proof.MaxSize+1, ident.Digest{})
			return x.Size() != 0, err
		},
	}
	for name, call := range calls {
		if something, err := call(); !errors.Is(err, translog.ErrRange) || something != false {
			t.Errorf("%s: %v, %v", name, something, err)
		}
	}
}

// TestDamage takes rows away, cuts, lengthens and changes them under the log.
func TestDamage(t *testing.T) {
	l := newLog(t)
	l.grow(t, 600)
	r := l.reader(t)
	defer r.Close()
	load := func(r store.Reader) error {
		tree, err := translog.Load(r, 600, l.tree.Root())
		if err != nil && tree.Size() != 0 {
			t.Error("a tree came with the error")
		}
		return err
	}
	entry := func(index uint64) func(store.Reader) error {
		return func(r store.Reader) error {
			e, err := l.tree.Entry(r, index)
			if err != nil && e != (proof.Entry{}) {
				t.Error("an entry came with the error")
			}
			return err
		}
	}
	bundle := func(r store.Reader) error { _, err := l.tree.EntryBundle(r, 2, 88); return err }
	tile := func(r store.Reader) error { _, err := l.tree.Tile(r, 0, 1, 256); return err }
	include := func(r store.Reader) error { _, err := l.tree.ProveInclusion(r, 300, 600); return err }
	grew := func(r store.Reader) error { _, err := l.tree.ProveConsistency(r, 300, 600); return err }
	front := func(r store.Reader) error { _, err := l.tree.Frontier(r, 384); return err }
	entries := func(r store.Reader) error { return l.tree.Scan(r, 513, 600, func([]byte) {}) }
	entryKey := func(i byte) []byte { return []byte{0, 0, 0, 0, 0, 0, 2, i} } // 512 + i
	tile1 := []byte{0, 0, 0, 0, 0, 0, 0, 0, 1}
	row := func(room store.Room, key []byte) []byte {
		v, err := r.Get(room, key)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	flipped := func(v []byte) []byte { v[len(v)-1] ^= 1; return v }
	e, full := row(translog.Entries, entryKey(1)), row(translog.Tiles, tile1)
	for name, c := range map[string]struct {
		room  store.Room
		key   []byte
		value []byte
		seen  []func(store.Reader) error
	}{
		"entry gone":          {translog.Entries, entryKey(1), nil, []func(store.Reader) error{load, entry(513), bundle, entries}},
		"last entry gone":     {translog.Entries, entryKey(87), nil, []func(store.Reader) error{load, entry(599), bundle, entries}},
		"entry cut":           {translog.Entries, entryKey(1), e[:50], []func(store.Reader) error{load, entry(513), bundle, entries}},
		"entry lengthened":    {translog.Entries, entryKey(1), append(e, 0), []func(store.Reader) error{load, entry(513), bundle, entries}},
		"entry of no version": {translog.Entries, entryKey(1), append([]byte{9}, e[1:]...), []func(store.Reader) error{load, entry(513), bundle, entries}},
		"entry changed":       {translog.Entries, entryKey(1), flipped(append([]byte{}, e...)), []func(store.Reader) error{load}},
		"entry too many":      {translog.Entries, entryKey(88), e, []func(store.Reader) error{load}},
		"entry far ahead":     {translog.Entries, []byte{1, 0, 0, 0, 0, 0, 0, 0}, e, []func(store.Reader) error{load}},
		"tile gone":           {translog.Tiles, tile1, nil, []func(store.Reader) error{load, tile, include, grew, front}},
		"tile cut":            {translog.Tiles, tile1, full[:8160], []func(store.Reader) error{load, tile, include, grew, front}},
		"tile lengthened":     {translog.Tiles, tile1, append(full, 0), []func(store.Reader) error{load, tile, include, grew, front}},
		"tile empty":          {translog.Tiles, tile1, []byte{}, []func(store.Reader) error{load, tile, include, grew, front}},
		"tile changed":        {translog.Tiles, tile1, flipped(append([]byte{}, full...)), []func(store.Reader) error{load}},
	} {
		o := store.NewOverlay(r)
		err := o.Delete(c.room, c.key)
		if c.value != nil {
			err = o.Put(c.room, c.key, c.value)
		}
		if err != nil {
			t.Fatal(err)
		}
		for i, read := range c.seen {
			if err := read(r); err != nil {
				t.Fatalf("%s: reader %d before the damage: %v", name, i, err)
			}
			if err := read(o); !errors.Is(err, store.ErrCorrupt) {
				t.Errorf("%s: reader %d: %v", name, i, err)
			}
		}
	}
	o := store.NewOverlay(r)
	if errors.Join(o.Delete(translog.Entries, entryKey(1)), o.Put(translog.Entries, append(entryKey(0), 7), e[:51])) != nil {
		t.Fatal("preparing a row under a key that is none")
	}
	if err := bundle(o); !errors.Is(err, store.ErrCorrupt) {
		t.Error("an entry under a key that is none:", err)
	}
	if _, err := translog.Load(r, 600, ident.Sum("another")); !errors.Is(err, store.ErrCorrupt) {
		t.Error("another root:", err)
	}
	if _, err := translog.Load(r, 599, l.ref.root(t, 599)); !errors.Is(err, store.ErrCorrupt) {
		t.Error("an older checkpoint over a newer store:", err)
	}
	if _, err := translog.Load(r, 601, l.tree.Root()); !errors.Is(err, store.ErrCorrupt) {
		t.Error("a newer checkpoint over an older store:", err)
	}
	r.Close()
	for i, read := range []func(store.Reader) error{load, entry(513), bundle, tile, include, grew, front, entries} {
		if err := read(r); !errors.Is(err, store.ErrClosed) {
			t.Errorf("reader %d of a closed snapshot: %v", i, err)
		}
	}
}

// BenchmarkAppend measures one commit's share of the log: the time of Append
// and Root, and what is handed to the store.
func BenchmarkAppend(b *testing.B) {
	for _, batch := range []int{1, 16, 64} {
		b.Run(fmt.Sprint(batch), func(b *testing.B) {
			es, written := entries(0, batch), 0
			var tree translog.Tree
			for b.Loop() {
				o := store.NewOverlay(nil)
				var err error
				if tree, err = tree.Append(o, es); err != nil {
					b.Fatal(err)
				}
				tree.Root()
				for _, c := range o.Changes() {
					written += len(c.Key) + len(c.Value)
				}
			}
			b.ReportMetric(float64(written)/float64(tree.Size()), "B/entry")
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(tree.Size()), "µs/entry")
		})
	}
}

// BenchmarkProve measures an inclusion proof for one of the newest entries of
// 100,000, and for one of the oldest.
func BenchmarkProve(b *testing.B) {
	l := newLog(b)
	l.grow(b, 100_000)
	r := l.reader(b)
	defer r.Close()
	for name, index := range map[string]uint64{"newest": 99_990, "oldest": 10} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := l.tree.ProveInclusion(r, index, 100_000); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
