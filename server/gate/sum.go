package gate

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"maps"
	"math/bits"
	"slices"

	"sigill/server/store"
)

// The sum over all rows finds what no value's encryption can: a row that is gone, and
// one that is as it once was. It is an additive multiset hash (MSet-Add-Hash: D. Clarke,
// S. Devadas, M. van Dijk, B. Gassend, G. E. Suh, "Incremental Multiset Hash Functions
// and Their Application to Memory Integrity Checking", ASIACRYPT 2003): for each room
// the sum modulo 2^256 of an HMAC of each row, so that a commit subtracts what it
// replaces and adds what it puts, whatever else is there. The key makes 32 bytes enough,
// where a hash that anyone can compute needs 2,048 (LtHash): who has the key can write
// another sum anyway. A value is bound by its salt and its tag, which nobody without the
// store key can give to another.

var sumKey = []byte("sum")

// A sum is that of one room.
type sum struct {
	rows uint64
	mod  [4]uint64 // the most significant first
}

// sums are those of all rooms that have rows.
type sums map[store.Room]sum

func (s *sum) add(d [sha256.Size]byte) {
	var carry uint64
	for i := len(s.mod) - 1; i >= 0; i-- {
		s.mod[i], carry = bits.Add64(s.mod[i], binary.BigEndian.Uint64(d[8*i:]), carry)
	}
	s.rows++
}

func (s *sum) subtract(d [sha256.Size]byte) {
	var borrow uint64
	for i := len(s.mod) - 1; i >= 0; i-- {
		s.mod[i], borrow = bits.Sub64(s.mod[i], binary.BigEndian.Uint64(d[8*i:]), borrow)
	}
	s.rows--
}

// A termer makes terms; it is used again from row to row.
type termer struct {
	mac hash.Hash // under the sum key
	in  []byte
}

// term is what a row adds, as it lies in the engine.
func (s *Store) term(room store.Room, key, value []byte) (d [sha256.Size]byte) {
	t := s.terms.Get().(*termer)
	defer s.terms.Put(t)
	b := append(append(t.in[:0], byte(len(room))), room...)
	b = append(binary.BigEndian.AppendUint16(b, uint16(len(key))), key...)
	b = binary.BigEndian.AppendUint32(b, uint32(len(value)))
	b = append(b, value[:min(len(value), 1+saltSize)]...)
	t.in = append(b, value[max(len(value)-tagSize, 0):]...)
	t.mac.Reset()
	t.mac.Write(t.in)
	t.mac.Sum(d[:0])
	return d
}

// commit makes one commit of changes, as they lie in the engine, and the sum after
// them.
func (s *Store) commit(ctx context.Context, changes store.Changes) error {
	s.committing.Lock()
	defer s.committing.Unlock()
	next, err := s.after(ctx, changes)
	if err != nil {
		return err
	}
	at := slices.IndexFunc(changes, func(c store.Change) bool {
		return c.Room > Room || c.Room == Room && bytes.Compare(c.Key, sumKey) > 0
	})
	if at < 0 {
		at = len(changes)
	}
	if err := s.engine.Commit(ctx, slices.Insert(changes, at, s.sumRow(next))); err != nil {
		return err
	}
	s.sums = next
	return nil
}

// after is the sums as changes leave them.
func (s *Store) after(ctx context.Context, changes store.Changes) (sums, error) {
	before, err := s.engine.Snapshot(ctx)
	if err != nil {
		return nil, err
	}
	defer before.Close()
	next := maps.Clone(s.sums)
	for _, c := range changes {
		if c.Room == Room {
			continue
		}
		of := next[c.Room]
		switch old, err := before.Get(c.Room, c.Key); {
		case err == nil:
			of.subtract(s.term(c.Room, c.Key, old))
		case !errors.Is(err, store.ErrNotFound):
			return nil, err
		}
		if !c.Delete {
			of.add(s.term(c.Room, c.Key, c.Value))
		}
		next[c.Room] = of
	}
	return next, nil
}

// sumRow is the row of the sums: for each room that has rows, in order of name, its
// name with its length (u8), the number of its rows (u64) and its sum, big-endian.
func (s *Store) sumRow(of sums) store.Change {
	var b []byte
	for _, room := range slices.Sorted(maps.Keys(of)) {
		one := of[room]
		if one == (sum{}) {
			continue
		}
		b = append(append(b, byte(len(room))), room...)
		b = binary.BigEndian.AppendUint64(b, one.rows)
		for _, word := range one.mod {
			b = binary.BigEndian.AppendUint64(b, word)
		}
	}
	return store.Change{Room: Room, Key: sumKey, Value: s.seal(nil, Room, sumKey, b)}
}

func (s *Store) readSums(ctx context.Context) (sums, error) {
	snapshot, err := s.Snapshot(ctx)
	if err != nil {
		return nil, err
	}
	defer snapshot.Close()
	return s.sumsOf(snapshot)
}

func (s *Store) sumsOf(of store.Snapshot) (sums, error) {
	p := of.(*snapshot)
	b, err := p.inner.Get(Room, sumKey)
	if errors.Is(err, store.ErrNotFound) {
		return nil, ErrNoSum
	}
	if err == nil {
		b, err = p.open(Room, sumKey, b)
	}
	if err != nil {
		return nil, fmt.Errorf("the sum over all rows: %w", err)
	}
	return parseSums(b)
}

func parseSums(b []byte) (sums, error) {
	out := sums{}
	for len(b) > 0 {
		n := 1 + int(b[0])
		if len(b) < n+8+sha256.Size {
			return nil, fmt.Errorf("the sum over all rows: %w", store.ErrCorrupt)
		}
		one := sum{rows: binary.BigEndian.Uint64(b[n:])}
		for i := range one.mod {
			one.mod[i] = binary.BigEndian.Uint64(b[n+8+8*i:])
		}
		out[store.Room(b[1:n])] = one
		b = b[n+8+sha256.Size:]
	}
	return out, nil
}

// Rows is over how many rows the sum of a snapshot of this store is.
func (s *Store) Rows(of store.Snapshot) (n uint64, err error) {
	all, err := s.sumsOf(of)
	for _, one := range all {
		n += one.rows
	}
	return n, err
}

// A Look is what [Store.Verify] has seen of a room.
type Look struct {
	Rows    uint64 // that are there
	Wanted  uint64 // that the sum is over
	Damaged uint64 // whose values do not open: edited, cut, moved or swapped
	Differs bool   // from the sum: rows are gone, or added, or as they once were
}

// Verify reads every row of a room in a snapshot of this store, and calls each for
// every one of them: it may wait there, or end the reading with an error. What is
// damaged is counted and passed over; only a page of the engine that cannot be read
// ends it with store.ErrCorrupt.
func (s *Store) Verify(of store.Snapshot, room store.Room, each func() error) (Look, error) {
	var l Look
	all, err := s.sumsOf(of)
	if err != nil {
		return l, err
	}
	l.Wanted = all[room].rows
	var found sum
	p := of.(*snapshot)
	for row, err := range p.inner.Scan(room, nil, nil) {
		if err == nil {
			err = each()
		}
		if err != nil {
			return l, err
		}
		found.add(s.term(room, row.Key, row.Value))
		if _, err := p.open(room, row.Key, row.Value); err != nil {
			l.Damaged++
		}
	}
	l.Rows, l.Differs = found.rows, found != all[room]
	return l, nil
}
