package translog

import (
	"bytes"
	"fmt"

	"sigill/keys/proof"
	"sigill/server/store"
)

// Verify makes the tree anew from every entry, and fails with store.ErrCorrupt unless
// that gives each tile that is stored, and the root.
func (t Tree) Verify(r store.Reader) error {
	again := Tree{}
	for from := uint64(0); from < t.size; from += width {
		var entries []proof.Entry
		err := scan(r, from, min(from+width, t.size), func(b []byte) {
			if e, err := proof.ParseEntry(b); err == nil { // else scan refuses it
				entries = append(entries, e)
			}
		})
		if err != nil {
			return err
		}
		if again, err = again.Append(stored{r}, entries); err != nil {
			return fmt.Errorf("verifying the log: %w", err)
		}
	}
	if again.Root() != t.Root() {
		return corrupt("verifying the log: the entries give another root")
	}
	return nil
}

// stored takes only the tiles that the store has.
type stored struct{ r store.Reader }

// Put implements Writer.
func (s stored) Put(room store.Room, key, value []byte) error {
	if room != Tiles {
		return nil
	}
	if b, err := s.r.Get(room, key); err != nil || !bytes.Equal(b, value) {
		return corrupt("a tile that is not that of its entries")
	}
	return nil
}
