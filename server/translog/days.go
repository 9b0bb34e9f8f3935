package translog

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"

	"golang.org/x/mod/sumdb/tlog"

	"sigill/keys/ident"
	"sigill/server/store"
)

// Days is the room of the checkpoint with which each day ended (store.Ordered).
// It begins with a row for the day before the first, which holds what there was
// already; from there on every day that is over has one.
const Days store.Room = "log-days"

// maxDays is how many days in a row may have passed without a publication. A
// clock that says there were more is wrong.
const maxDays = 3660

func dayKey(d ident.Date) []byte { return binary.BigEndian.AppendUint32(nil, d.Days()) }

// CloseDays puts the row of each day after the last that has one, through the
// given one, all with the checkpoint that was published last. A row that is
// there stays. Errors: ErrRange for a day before the log's first and for one more
// than ten years after the last, and those of the overlay.
func CloseDays(o *store.Overlay, through ident.Date, note []byte) error {
	begun := false
	for _, err := range o.Scan(Days, nil, nil) {
		if err != nil {
			return fmt.Errorf("reading days: %w", err)
		}
		begun = true
		break
	}
	for d, left := through, maxDays; left > 0; d, left = d.AddDays(-1), left-1 {
		if _, err := DayNote(o, d); !errors.Is(err, ErrRange) {
			return err
		}
		if err := o.Put(Days, dayKey(d), note); err != nil {
			return fmt.Errorf("closing a day: %w", err)
		}
		if !begun {
			return nil
		}
	}
	return fmt.Errorf("closing days: %w", ErrRange)
}

// DayNote returns the checkpoint with which a day ended. Errors: ErrRange for a
// day that has no row, and those of the reader.
func DayNote(r store.Reader, d ident.Date) ([]byte, error) {
	note, err := r.Get(Days, dayKey(d))
	if errors.Is(err, store.ErrNotFound) {
		return nil, ErrRange
	}
	if err != nil {
		return nil, fmt.Errorf("reading a day: %w", err)
	}
	return note, nil
}

// LastDay is the last day that has a row; "" if none has.
func LastDay(r store.Reader) (last ident.Date, err error) {
	for p, err := range r.Scan(Days, nil, nil) {
		if err != nil {
			return "", fmt.Errorf("reading days: %w", err)
		}
		if len(p.Key) != 4 {
			return "", corrupt("a row that is no day")
		}
		last = ident.DateFromDays(binary.BigEndian.Uint32(p.Key))
	}
	return last, nil
}

// Frontier returns the roots of the full subtrees that the first size entries
// fall into, left to right: one for each bit that is set in size. Errors as for
// [Tree.Entry].
func (t Tree) Frontier(r store.Reader, size uint64) ([]ident.Digest, error) {
	if size > t.size {
		return nil, ErrRange
	}
	var indexes []int64
	for from := uint64(0); from < size; {
		level := bits.Len64(size-from) - 1
		indexes = append(indexes, tlog.StoredHashIndex(level, int64(from>>level)))
		from += 1 << level
	}
	hashes, err := t.hashes(r).ReadHashes(indexes)
	if err != nil {
		return nil, fmt.Errorf("the log's frontier: %w", err)
	}
	return digests(hashes), nil
}

// Scan yields the entries with from <= index < to. Errors as for [Tree.Entry].
func (t Tree) Scan(r store.Reader, from, to uint64, yield func(entry []byte)) error {
	if from > to || to > t.size {
		return ErrRange
	}
	return scan(r, from, to, yield)
}
