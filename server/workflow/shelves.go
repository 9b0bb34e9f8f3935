package workflow

import (
	"context"
	"errors"
	"slices"

	"sigill/keys/ident"
	"sigill/server/ledger"
)

// A long row has pages of its own in the store's file, and they stay where they were
// first put: in a file that grows, in the order in which drafts came. So the long rows
// of a draft move to other pages when a director returns it, and those of all that
// await a signature once a day. What is signed moves under its log index.

// shelf is how many drafts move in one commit, at up to a little over 1 MiB each.
const shelf = 16

// Reshelve moves the long rows of what awaits a signature to other pages, in order of
// random id. The server calls it at the hour for what is owed.
func (o *Office) Reshelve(ctx context.Context) error {
	for from := []byte(nil); ; {
		var ids [][]byte
		err := o.ledger.Read(ctx, func(r ledger.Reader) error {
			for p, err := range r.Scan(roomInbox, from, nil) {
				if err != nil {
					return storeError(err)
				}
				if ids = append(ids, slices.Clone(p.Key)); len(ids) == shelf {
					break
				}
			}
			return nil
		})
		if err != nil || len(ids) == 0 {
			return ledgerError(err)
		}
		_, err = o.ledger.Do(ctx, func(tx *ledger.Tx) error {
			for _, id := range ids {
				if err := (&matter{o: o, id: ident.IDFromBytes([16]byte(id))}).reshelve(tx); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return ledgerError(err)
		}
		from = append(ids[len(ids)-1], 0)
	}
}

// reshelve writes the long rows of a draft anew, as they are.
func (m *matter) reshelve(tx *ledger.Tx) error {
	for _, p := range []part{partDraft, partBoxes} {
		b, err := tx.Get(roomMatter, m.key(p))
		if errors.Is(err, ledger.ErrNotFound) {
			continue // withdrawn, and still shown
		}
		if err != nil {
			return storeError(err)
		}
		if err := tx.Put(roomMatter, m.key(p), b); err != nil {
			return err
		}
	}
	return nil
}
