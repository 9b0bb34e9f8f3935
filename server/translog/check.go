package translog

import (
	"bytes"
	"encoding/binary"
	"errors"

	"sigill/keys/ident"
	"sigill/keys/proof"
	"sigill/server/check"
	"sigill/server/store"
)

// Check reads the whole log anew: every entry in its place, every tile from the hashes
// of its entries, the root. Each is called with every entry.
func (t Tree) Check(r store.Reader, w *check.Walk, each func(index uint64, e proof.Entry)) error {
	again := Tree{}
	tiles := &compared{r: r, w: w}
	var entries []proof.Entry
	flush := func() {
		next, err := again.Append(tiles, entries)
		if err != nil {
			w.Found(Tiles, "a tile cannot be made of the entries")
			return
		}
		again, entries = next, entries[:0]
	}
	broken := false
	err := w.Rows(r, Entries, func(key, value []byte) {
		at := again.size + uint64(len(entries))
		e, err := proof.ParseEntry(value)
		if broken || err != nil || !bytes.Equal(key, entryKey(at)) {
			if !broken {
				w.Found(Entries, "an entry is missing, or no entry stands here", check.At(at))
			}
			broken = true
			return
		}
		each(at, e)
		if entries = append(entries, e); len(entries) == width {
			flush()
		}
	})
	if err != nil {
		return err
	}
	flush()
	if again.size != t.size || again.Root() != t.Root() {
		w.Found(Entries, "the entries are not those of the last checkpoint")
	}
	stored := 0
	if err := w.Rows(r, Tiles, func(_, _ []byte) { stored++ }); err != nil {
		return err
	}
	if stored != tiles.n {
		w.Found(Tiles, "there are more tiles, or fewer, than the entries fill")
	}
	return nil
}

// compared takes the rows of an append and holds them against those that are stored.
type compared struct {
	r store.Reader
	w *check.Walk
	n int
}

// Put implements Writer.
func (c *compared) Put(room store.Room, key, value []byte) error {
	if room != Tiles {
		return nil
	}
	c.n++
	if b, err := c.r.Get(room, key); err != nil || !bytes.Equal(b, value) {
		c.w.Found(Tiles, "a tile is missing, or is not that of its entries")
	}
	return nil
}

// A Span is the first and the last of days; of none both are "".
type Span struct{ First, Last ident.Date }

// CheckDays holds the checkpoints with which days ended against the log: one for each
// day without a gap, none shorter than the one before, each a head of this log. A row
// for a day that is not over is dated ahead. It returns which days there are.
func (t Tree) CheckDays(r store.Reader, w *check.Walk, policy proof.Policy) (s Span, err error) {
	var size uint64
	err = w.Rows(r, Days, func(key, value []byte) {
		if len(key) != 4 {
			w.Found(Days, "a row of no day")
			return
		}
		day := ident.DateFromDays(binary.BigEndian.Uint32(key))
		switch {
		case s.Last == "":
			s.First = day
		case day != s.Last.AddDays(1):
			w.Found(Days, "a day is missing", check.On(s.Last.AddDays(1)))
		}
		if s.Last = day; !day.Before(w.Today) {
			w.Found(Days, "a day that is not over has a row", check.On(day))
		}
		cp, err := proof.OpenCheckpoint(value, policy)
		if err == nil && cp.Size < size {
			err = ErrRange
		}
		if err == nil {
			err = t.Holds(r, cp)
		}
		if err != nil {
			w.Found(Days, "the checkpoint of a day is none of this log, or shorter than the day before's", check.On(day))
			return
		}
		size = cp.Size
	})
	return s, err
}

// Holds says that a checkpoint is a head that this log has, or had.
func (t Tree) Holds(r store.Reader, cp proof.Checkpoint) error {
	root, err := t.RootAt(r, cp.Size)
	if err == nil && root != cp.Root {
		err = errors.New("another root")
	}
	return err
}
