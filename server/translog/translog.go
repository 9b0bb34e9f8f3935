// Package translog keeps an authority's log in the store: entries and C2SP
// tlog-tiles as rows of the ledger's own commit, so that there is no second
// place that could fall behind.
//
// A writer starts with the zero [Tree], or after a restart with [Load], and
// adds to it with [Tree.Append] over the overlay of each batch. A Tree is a
// value and is never changed: a batch that fails is forgotten by forgetting
// what Append returned. Anyone with a Tree and a reader that shows its commit,
// or a later one, reads entries, tiles and proofs, also of earlier sizes.
//
// No row is ever changed or deleted. Each entry is one row of 51 bytes; a
// tile is stored once, when its 256 hashes are there. The tiles at the right
// edge, which are not full yet, and the bundles of entries, which repeat the
// rows, are put together on reading. So an entry costs its own row, and every
// 256th one tile: there is no partial tile to write again with every commit.
//
//	room log-entries  index (u64)               entry (51 bytes, keys/proof)
//	room log-tiles    level (u8) ‖ index (u64)  256 hashes (8,192 bytes)
//	room log-days     day (u32)                 the checkpoint with which it ended
//
// Numbers in keys are big-endian. Rows are taken as the store gives them:
// package gate is what notices a changed one; what is missing, short or no
// entry is store.ErrCorrupt here.
//
// proto/SPEC.md, "Log", has the hashes and files; TestSizes and TestModel prove
// every proof against golang.org/x/mod/sumdb/tlog, TestDays what a day is made from.
package translog

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/mod/sumdb/tlog"

	"sigill/keys/ident"
	"sigill/keys/proof"
	"sigill/server/store"
)

// The rooms of the log.
const (
	Entries store.Room = "log-entries" // store.Ordered
	Tiles   store.Room = "log-tiles"   // store.Random: each level grows by itself
)

// ErrRange is returned for an index, size, level or width outside the tree.
var ErrRange = errors.New("translog: outside the log")

const (
	height    = 8           // of a tile
	width     = 1 << height // hashes of a full tile
	tileBytes = width * tlog.HashSize
)

// A Writer takes the rows of an append; it is *store.Overlay.
type Writer interface {
	Put(room store.Room, key, value []byte) error
}

// A Tree is the log at one size. The zero value is the empty log. It may be
// used by several goroutines, each with a reader of its own.
type Tree struct {
	size uint64
	// peaks are the roots of the full binary trees that the entries fall into,
	// from the largest to the smallest: one for each bit that is set in size.
	peaks []tlog.Hash
	// edge holds for each level the hashes of the tile that is not full yet,
	// less than tileBytes.
	edge [][]byte
}

// Size is the number of entries.
func (t Tree) Size() uint64 { return t.size }

// Root is the RFC 6962 hash of the tree, as a checkpoint states it.
func (t Tree) Root() ident.Digest { return proof.Root(t.peaks) }

// Append puts the entries into w, the first at index Size, and returns the tree
// that has them. It fails before the first row if an entry is not valid or the
// log is full (proof.MaxSize), else with the error of w, which is then to be
// dropped. The receiver stays as it is.
func (t Tree) Append(w Writer, entries []proof.Entry) (Tree, error) {
	for i, e := range entries {
		if err := e.Valid(); err != nil {
			return Tree{}, fmt.Errorf("appending entry %d of %d to the log: %w", i, len(entries), err)
		}
	}
	if uint64(len(entries)) > proof.MaxSize-t.size {
		return Tree{}, fmt.Errorf("appending to the log: %w", ErrRange)
	}
	next := Tree{size: t.size, peaks: slices.Clone(t.peaks), edge: make([][]byte, len(t.edge))}
	for level, hashes := range t.edge {
		next.edge[level] = slices.Clip(hashes) // so that adding to it copies
	}
	for _, e := range entries {
		b := e.Marshal()
		if err := w.Put(Entries, entryKey(next.size), b); err != nil {
			return Tree{}, fmt.Errorf("appending to the log: %w", err)
		}
		next.add(tlog.RecordHash(b))
		if err := next.store(w); err != nil {
			return Tree{}, fmt.Errorf("appending a tile to the log: %w", err)
		}
	}
	return next, nil
}

// PutAgain writes an entry as it stands.
func PutAgain(o *store.Overlay, index uint64) error {
	b, err := o.Get(Entries, entryKey(index))
	if err != nil {
		return err
	}
	return o.Put(Entries, entryKey(index), b)
}

// add takes one leaf, and one hash into the edge of each tile level at which it
// completes a tree.
func (t *Tree) add(h tlog.Hash) {
	t.addToEdge(0, h)
	level := 0
	for n := t.size; n&1 == 1; n >>= 1 {
		last := len(t.peaks) - 1
		h = tlog.NodeHash(t.peaks[last], h)
		t.peaks = t.peaks[:last]
		if level++; level%height == 0 {
			t.addToEdge(level/height, h)
		}
	}
	t.peaks = append(t.peaks, h)
	t.size++
}

func (t *Tree) addToEdge(level int, h tlog.Hash) {
	if level == len(t.edge) {
		t.edge = append(t.edge, nil)
	}
	t.edge[level] = append(t.edge[level], h[:]...)
}

// store moves the tiles that are full from the edge to w.
func (t *Tree) store(w Writer) error {
	for level, hashes := range t.edge {
		if len(hashes) < tileBytes {
			return nil // a tile above fills only when those below do
		}
		if err := w.Put(Tiles, tileKey(level, t.full(level)>>height-1), hashes); err != nil {
			return err
		}
		t.edge[level] = nil
	}
	return nil
}

// full is how many hashes there are at a tile level: trees of 256^level entries
// that are complete.
func (t *Tree) full(level int) uint64 { return t.size >> (height * level) }

func entryKey(index uint64) []byte { return binary.BigEndian.AppendUint64(nil, index) }

func tileKey(level int, index uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte{byte(level)}, index)
}

// Load reads back the tree of the checkpoint that stands in the store beside
// it. It fails with store.ErrCorrupt if rows are missing, damaged or too many,
// or do not give that root: then the store is not what was committed under the
// checkpoint. It reads at most 255 entries and 255 tiles for each level of
// tiles over the lowest.
func Load(r store.Reader, size uint64, root ident.Digest) (Tree, error) {
	if size > proof.MaxSize {
		return Tree{}, fmt.Errorf("loading the log: %w", ErrRange)
	}
	t := Tree{size: size}
	for level := 0; t.full(level) > 0; level++ {
		if err := t.loadEdge(r, level); err != nil {
			return Tree{}, fmt.Errorf("loading the log: %w", err)
		}
	}
	for _, err := range r.Scan(Entries, entryKey(size), nil) {
		if err != nil {
			return Tree{}, fmt.Errorf("loading the log: %w", err)
		}
		return Tree{}, corrupt("loading the log: entries after the last")
	}
	for _, hashes := range slices.Backward(t.edge) {
		for bit := height - 1; bit >= 0; bit-- {
			if n := tlog.HashSize << bit; len(hashes)&n != 0 {
				t.peaks = append(t.peaks, subtree(hashes[:n]))
				hashes = hashes[n:]
			}
		}
	}
	if t.Root() != root {
		return Tree{}, corrupt("loading the log: another root than the checkpoint's")
	}
	return t, nil
}

func (t *Tree) loadEdge(r store.Reader, level int) error {
	to := t.full(level)
	from := to &^ (width - 1)
	t.edge = append(t.edge, nil)
	if level > 0 {
		for i := from; i < to; i++ {
			tile, err := storedTile(r, level-1, i)
			if err != nil {
				return err
			}
			t.addToEdge(level, subtree(tile))
		}
		return nil
	}
	return scan(r, from, to, func(entry []byte) { t.addToEdge(0, tlog.RecordHash(entry)) })
}

// scan yields the entries with from <= index < to, or fails if one is missing
// or no entry.
func scan(r store.Reader, from, to uint64, yield func(entry []byte)) error {
	for p, err := range r.Scan(Entries, entryKey(from), entryKey(to)) {
		if err != nil {
			return fmt.Errorf("reading entries: %w", err)
		}
		if string(p.Key) != string(entryKey(from)) {
			break
		}
		if _, err := proof.ParseEntry(p.Value); err != nil {
			return corrupt("a row that is no entry")
		}
		yield(p.Value)
		from++
	}
	if from != to {
		return corrupt("an entry is missing")
	}
	return nil
}

// subtree is the root over a power of two of hashes.
func subtree(hashes []byte) tlog.Hash {
	if len(hashes) == tlog.HashSize {
		return tlog.Hash(hashes)
	}
	half := len(hashes) / 2
	return tlog.NodeHash(subtree(hashes[:half]), subtree(hashes[half:]))
}

func storedTile(r store.Reader, level int, index uint64) ([]byte, error) {
	b, err := r.Get(Tiles, tileKey(level, index))
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil, corrupt("a tile is missing")
	case err != nil:
		return nil, fmt.Errorf("reading a tile: %w", err)
	case len(b) != tileBytes:
		return nil, corrupt("a tile of the wrong length")
	}
	return b, nil
}

func corrupt(what string) error { return fmt.Errorf("%s: %w", what, store.ErrCorrupt) }
