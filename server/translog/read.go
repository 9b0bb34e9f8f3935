package translog

import (
	"encoding/binary"
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"sigill/keys/ident"
	"sigill/keys/proof"
	"sigill/server/store"
)

// Entry returns the entry at an index. Errors: ErrRange, store.ErrCorrupt and
// those of the reader.
func (t Tree) Entry(r store.Reader, index uint64) (proof.Entry, error) {
	if index >= t.size {
		return proof.Entry{}, ErrRange
	}
	b, err := r.Get(Entries, entryKey(index))
	if errors.Is(err, store.ErrNotFound) {
		return proof.Entry{}, corrupt("an entry is missing")
	}
	if err != nil {
		return proof.Entry{}, fmt.Errorf("reading an entry: %w", err)
	}
	e, err := proof.ParseEntry(b)
	if err != nil {
		return proof.Entry{}, corrupt("a row that is no entry")
	}
	return e, nil
}

// EntryBundle returns the first n (1 to 256) entries of the bundle at an index,
// as C2SP tlog-tiles serves tile/entries: each with its length (u16) before it.
// Errors as for [Tree.Entry].
func (t Tree) EntryBundle(r store.Reader, index uint64, n int) ([]byte, error) {
	if !t.has(0, index, n) {
		return nil, ErrRange
	}
	b := make([]byte, 0, n*(2+proof.EntrySize))
	err := scan(r, index*width, index*width+uint64(n), func(entry []byte) {
		b = binary.BigEndian.AppendUint16(b, uint16(len(entry)))
		b = append(b, entry...)
	})
	if err != nil {
		return nil, err
	}
	return b, nil
}

// Tile returns the first n (1 to 256) hashes of the tile at a level (from 0)
// and index, 32 bytes each, as C2SP tlog-tiles serves it. Errors as for
// [Tree.Entry].
func (t Tree) Tile(r store.Reader, level int, index uint64, n int) ([]byte, error) {
	if !t.has(level, index, n) {
		return nil, ErrRange
	}
	tile, err := t.tile(r, level, index)
	if err != nil {
		return nil, err
	}
	return append([]byte(nil), tile[:n*tlog.HashSize]...), nil
}

// has says whether the tree has the first n hashes of a tile.
func (t Tree) has(level int, index uint64, n int) bool { return Has(t.size, level, index, n) }

// Has says whether a log of a size has the first n hashes of a tile, or on level 0
// the first n entries of a bundle.
func Has(size uint64, level int, index uint64, n int) bool {
	if level < 0 || n < 1 || n > width || index > proof.MaxSize>>height {
		return false
	}
	first, full := index<<height, size>>(height*level)
	return first < full && uint64(n) <= full-first
}

// tile returns all the tree's hashes of a tile that it has; they are shared.
func (t Tree) tile(r store.Reader, level int, index uint64) ([]byte, error) {
	if index == t.full(level)>>height {
		return t.edge[level], nil
	}
	return storedTile(r, level, index)
}

// ProveInclusion returns the RFC 6962 audit path for the entry at index in the
// log at size, which is at most the tree's. Errors as for [Tree.Entry].
func (t Tree) ProveInclusion(r store.Reader, index, size uint64) ([]ident.Digest, error) {
	if index >= size || size > t.size {
		return nil, ErrRange
	}
	hashes, err := tlog.ProveRecord(int64(size), int64(index), t.hashes(r))
	if err != nil {
		return nil, fmt.Errorf("proving an entry's place: %w", err)
	}
	return digests(hashes), nil
}

// ProveConsistency returns the RFC 6962 proof that the log at size newer begins
// with the log at size older; both are at most the tree's. From an empty log,
// and between equal sizes, it has no hashes. Errors as for [Tree.Entry].
func (t Tree) ProveConsistency(r store.Reader, older, newer uint64) ([]ident.Digest, error) {
	if older > newer || newer > t.size {
		return nil, ErrRange
	}
	if older == 0 {
		return nil, nil
	}
	hashes, err := tlog.ProveTree(int64(newer), int64(older), t.hashes(r))
	if err != nil {
		return nil, fmt.Errorf("proving that the log only grew: %w", err)
	}
	return digests(hashes), nil
}

// RootAt is the root that the log had at an earlier size, at most the tree's.
// Errors as for [Tree.Entry].
func (t Tree) RootAt(r store.Reader, size uint64) (ident.Digest, error) {
	switch {
	case size > t.size:
		return ident.Digest{}, ErrRange
	case size == t.size:
		return t.Root(), nil
	case size == 0:
		return ident.Sum(""), nil
	}
	h, err := tlog.TreeHash(int64(size), t.hashes(r))
	if err != nil {
		return ident.Digest{}, fmt.Errorf("the log's root at an earlier size: %w", err)
	}
	return ident.Digest(h), nil
}

func digests(hashes []tlog.Hash) []ident.Digest {
	out := make([]ident.Digest, len(hashes))
	for i, h := range hashes {
		out[i] = ident.Digest(h)
	}
	return out
}

// hashes reads inner hashes for one proof, and each tile once. What a proof for
// an earlier size needs stands in the tiles of the later one.
func (t Tree) hashes(r store.Reader) tlog.HashReader {
	type place struct {
		level int
		index int64
	}
	tiles := map[place][]byte{}
	return tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(indexes))
		for i, x := range indexes {
			need := tlog.TileForIndex(height, x)
			at := place{need.L, need.N}
			tile, ok := tiles[at]
			if !ok {
				var err error
				if tile, err = t.tile(r, need.L, uint64(need.N)); err != nil {
					return nil, err
				}
				tiles[at] = tile
			}
			var err error
			if out[i], err = tlog.HashFromTile(need, tile, x); err != nil {
				return nil, err
			}
		}
		return out, nil
	})
}
