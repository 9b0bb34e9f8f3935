package translog_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"reflect"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"sigill/keys/ident"
	"sigill/keys/proof"
	"sigill/server/store"
	"sigill/server/store/memory"
	"sigill/server/translog"
)

func layout() store.Layout {
	return store.Layout{translog.Entries: store.Ordered, translog.Tiles: store.Random, translog.Days: store.Ordered}
}

func entries(from, n int) []proof.Entry {
	out := make([]proof.Entry, n)
	for i := range out {
		out[i] = proof.Entry{Kind: proof.Event, Tag: proof.Tag{1}, Digest: ident.Sum(fmt.Sprint(from + i))}
	}
	return out
}

// A reference is the same log kept by x/mod alone.
type reference struct {
	hashes  []tlog.Hash
	entries []proof.Entry
}

func (m *reference) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, x := range indexes {
		out[i] = m.hashes[x]
	}
	return out, nil
}

func (m *reference) append(t fataler, entries []proof.Entry) {
	for _, e := range entries {
		hashes, err := tlog.StoredHashes(int64(len(m.entries)), e.Marshal(), m)
		if err != nil {
			t.Fatal(err)
		}
		m.hashes, m.entries = append(m.hashes, hashes...), append(m.entries, e)
	}
}

func (m *reference) root(t fataler, size uint64) ident.Digest {
	h, err := tlog.TreeHash(int64(size), m)
	if err != nil {
		t.Fatal(err)
	}
	return ident.Digest(h)
}

func (m *reference) size() uint64 { return uint64(len(m.entries)) }

type fataler interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// A log is the log under test, in a store, with its reference beside it.
type log struct {
	*memory.Store
	tree translog.Tree
	ref  reference
}

func newLog(t testing.TB) *log {
	l := &log{Store: memory.NewDisk(layout()).Open()}
	t.Cleanup(func() { l.Close() })
	return l
}

func (l *log) reader(t fataler) store.Snapshot {
	t.Helper()
	s, err := l.Snapshot(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// once refuses to write a row a second time.
type once struct{ *store.Overlay }

func (o once) Put(room store.Room, key, value []byte) error {
	if _, err := o.Get(room, key); !errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("room %s: a row would be rewritten (%w)", room, err)
	}
	return o.Overlay.Put(room, key, value)
}

// grow appends n entries in one commit.
func (l *log) grow(t fataler, n int) {
	t.Helper()
	r := l.reader(t)
	defer r.Close()
	o := store.NewOverlay(r)
	next, err := l.tree.Append(once{o}, entries(len(l.ref.entries), n))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range o.Changes() {
		if c.Delete {
			t.Fatal("a row would be deleted")
		}
	}
	if err := l.Commit(context.Background(), o.Changes()); err != nil {
		t.Fatal(err)
	}
	l.tree = next
	l.ref.append(t, entries(len(l.ref.entries), n))
}

// checkRoot compares size and root with the reference's.
func (l *log) checkRoot(t fataler) {
	t.Helper()
	if l.tree.Size() != l.ref.size() || l.tree.Root() != l.ref.root(t, l.ref.size()) {
		t.Fatalf("size %d: another root than the reference's", l.ref.size())
	}
}

// checkInclusion proves an entry's place, compares and verifies.
func (l *log) checkInclusion(t fataler, r store.Reader, index, size uint64) {
	t.Helper()
	got, err := l.tree.ProveInclusion(r, index, size)
	if err != nil {
		t.Fatalf("%d in %d: %v", index, size, err)
	}
	want, err := tlog.ProveRecord(int64(size), int64(index), &l.ref)
	if err != nil || !same(got, want) {
		t.Fatalf("%d in %d: another proof than the reference's", index, size)
	}
	leaf := tlog.Hash(l.ref.entries[index].LeafHash())
	if err := tlog.CheckRecord(hashes(got), int64(size), tlog.Hash(l.ref.root(t, size)), int64(index), leaf); err != nil {
		t.Fatalf("%d in %d: %v", index, size, err)
	}
}

// checkConsistency proves growth, and verifies as clients do.
func (l *log) checkConsistency(t fataler, r store.Reader, older, newer uint64) {
	t.Helper()
	got, err := l.tree.ProveConsistency(r, older, newer)
	if err != nil {
		t.Fatalf("%d in %d: %v", older, newer, err)
	}
	for _, size := range []uint64{older, newer} {
		if root, err := l.tree.RootAt(r, size); err != nil || root != l.ref.root(t, size) {
			t.Fatalf("at %d: another root than the reference's, %v", size, err)
		}
		if peaks, err := l.tree.Frontier(r, size); err != nil || len(peaks) != bits.OnesCount64(size) || proof.Root(hashes(peaks)) != l.ref.root(t, size) {
			t.Fatalf("at %d: %d hashes of the frontier, or another root, %v", size, len(peaks), err)
		}
	}
	cp := func(size uint64) proof.Checkpoint {
		return proof.Checkpoint{Origin: "229999-0008", Size: size, Root: l.ref.root(t, size)}
	}
	if err := proof.CheckConsistency(cp(older), cp(newer), got); err != nil {
		t.Fatalf("%d in %d: %v", older, newer, err)
	}
}

// checkReload: what Load gives is not to be told from what Append gave.
func (l *log) checkReload(t fataler, r store.Reader) {
	t.Helper()
	loaded, err := translog.Load(r, l.tree.Size(), l.tree.Root())
	if err != nil {
		t.Fatalf("size %d: %v", l.tree.Size(), err)
	}
	if !reflect.DeepEqual(loaded, l.tree) {
		t.Fatalf("size %d: another tree was loaded than was appended to", l.tree.Size())
	}
}

// ReadTiles, Height and SaveTiles make l a stranger's source of tiles.
type stranger struct {
	*log
	r store.Reader
}

func (stranger) Height() int                     { return 8 }
func (stranger) SaveTiles([]tlog.Tile, [][]byte) {}

func (s stranger) ReadTiles(tiles []tlog.Tile) (data [][]byte, err error) {
	for _, x := range tiles {
		b, err := s.tree.Tile(s.r, x.L, uint64(x.N), x.W)
		if err != nil {
			return nil, err
		}
		data = append(data, b)
	}
	return data, nil
}

// checkFiles reads the whole log as a monitor does: every tile of a checkpoint
// of this size against its root, every bundle against the tiles.
func (l *log) checkFiles(t fataler, r store.Reader, size uint64) {
	t.Helper()
	if size == 0 {
		return
	}
	tree := tlog.Tree{N: int64(size), Hash: tlog.Hash(l.ref.root(t, size))}
	reader := tlog.TileHashReader(tree, stranger{l, r})
	for first := uint64(0); first < size; first += 256 {
		n := int(min(256, size-first))
		bundle, err := l.tree.EntryBundle(r, first/256, n)
		if err != nil {
			t.Fatal(err)
		}
		indexes, leaves := []int64{}, []tlog.Hash{}
		for i := range n {
			length := binary.BigEndian.Uint16(bundle)
			indexes = append(indexes, tlog.StoredHashIndex(0, int64(first)+int64(i)))
			leaves = append(leaves, tlog.RecordHash(bundle[2:2+length]))
			bundle = bundle[2+length:]
		}
		if len(bundle) > 0 {
			t.Fatalf("bundle %d has something after its entries", first/256)
		}
		proven, err := reader.ReadHashes(indexes)
		if err != nil {
			t.Fatalf("size %d, tile %d: %v", size, first/256, err)
		}
		for i := range leaves {
			if proven[i] != leaves[i] {
				t.Fatalf("size %d: entry %d is not what its tile says", size, first+uint64(i))
			}
		}
	}
}

func hashes(in []ident.Digest) []tlog.Hash {
	out := make([]tlog.Hash, len(in))
	for i, h := range in {
		out[i] = tlog.Hash(h)
	}
	return out
}

func same(a []ident.Digest, b []tlog.Hash) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if tlog.Hash(a[i]) != b[i] {
			return false
		}
	}
	return true
}
