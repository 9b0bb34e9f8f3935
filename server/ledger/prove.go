package ledger

import (
	"context"
	"fmt"

	"sigill/keys/ident"
	"sigill/keys/proof"
	"sigill/server/store"
)

// Proof is a C2SP tlog-proof that the entry at index stands in the log at head,
// which is a committed one.
func (l *Ledger) Proof(ctx context.Context, index uint64, head Head) (text string, err error) {
	st := l.state.Load() // before the snapshot, which then shows at least this log
	err = l.Read(ctx, func(r store.Reader) error {
		hashes, err := st.tree.ProveInclusion(r, index, head.Size)
		if err != nil {
			return fmt.Errorf("proving inclusion: %w", err)
		}
		text = string(proof.Proof{Index: index, Hashes: hashes, Checkpoint: head.Note}.Marshal())
		return nil
	})
	return text, err
}

// RootAt is the root that the log had at an earlier size.
func (l *Ledger) RootAt(ctx context.Context, size uint64) (root ident.Digest, err error) {
	st := l.state.Load()
	err = l.Read(ctx, func(r store.Reader) error {
		root, err = st.tree.RootAt(r, size)
		return err
	})
	return root, err
}

// HeadAt is the head that the log had at an earlier size, with the same bytes:
// Ed25519 signs deterministically.
func (l *Ledger) HeadAt(ctx context.Context, size uint64) (Head, error) {
	root, err := l.RootAt(ctx, size)
	if err != nil {
		return Head{}, err
	}
	note, err := l.signer.Checkpoint(size, root)
	return Head{size, root, note}, err
}

// Consistency proves that the log at size newer begins with the log at older.
func (l *Ledger) Consistency(ctx context.Context, older, newer uint64) (hashes []ident.Digest, err error) {
	st := l.state.Load()
	err = l.Read(ctx, func(r store.Reader) error {
		hashes, err = st.tree.ProveConsistency(r, older, newer)
		return err
	})
	return hashes, err
}

// Published is the head that everyone may see. It follows the newest at the
// cadence of [Ledger.Publish].
func (l *Ledger) Published() Head { return *l.published.Load() }

// Publish makes a head of this log, with whatever cosignatures its checkpoint has, the
// published one. If checkpoints are witnessed it is stored before anyone sees it, since
// the cosignatures could not be made again.
func (l *Ledger) Publish(ctx context.Context, h Head) error {
	if l.witnessed {
		_, err := l.Do(ctx, func(tx *Tx) error { return tx.Put(RoomHead, publishedKey, h.Note) })
		if err != nil {
			return fmt.Errorf("publishing: %w", err)
		}
	}
	l.published.Store(&h)
	return nil
}
