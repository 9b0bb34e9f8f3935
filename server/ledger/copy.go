package ledger

import (
	"context"
	"errors"
	"fmt"
	"strings"

	tlog "github.com/transparency-dev/formats/log"

	"sigill/keys/ident"
	"sigill/keys/proof"
	"sigill/server/check"
	"sigill/server/store"
	"sigill/server/translog"
)

// OpenCopy reads a copy of a stopped store without the log key. It gives what is
// stored and proofs at the last checkpoint, and changes nothing: [Ledger.Run] is
// not for it. Whether the log key signed the checkpoint is for the reader of the
// proofs to find out; the gate vouches that it is the one that was stored.
func OpenCopy(ctx context.Context, s store.Store) (*Ledger, error) {
	l := &Ledger{store: s, stopped: true}
	err := l.Read(ctx, func(r store.Reader) error {
		note, err := r.Get(RoomHead, headKey)
		if err != nil {
			return err
		}
		cp, err := ParseHead(note)
		if err != nil {
			return err
		}
		tree, err := translog.Load(r, cp.Size, cp.Root)
		if err != nil {
			return err
		}
		st := &state{Head{cp.Size, cp.Root, note}, tree}
		l.state.Store(st)
		published, err := storedPublished(r, st)
		if errors.Is(err, store.ErrNotFound) {
			published, err = st.Head, nil
		}
		l.published.Store(&published)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("opening a copy of the log: %w", err)
	}
	return l, nil
}

// ParseHead reads a checkpoint of this log that was stored, and no signature.
func ParseHead(note []byte) (Head, error) {
	text, _, _ := strings.Cut(string(note), "\n\n")
	var cp tlog.Checkpoint
	if _, err := cp.Unmarshal([]byte(text + "\n")); err != nil {
		return Head{}, ErrHead
	}
	root, err := ident.DigestFromBytes(cp.Hash)
	if err != nil {
		return Head{}, fmt.Errorf("%w: %w", ErrHead, err)
	}
	return Head{cp.Size, root, note}, nil
}

// storedPublished reads what was published last, which must be a head of this log.
func storedPublished(r store.Reader, st *state) (Head, error) {
	note, err := r.Get(RoomHead, publishedKey)
	if err != nil {
		return Head{}, err
	}
	h, err := ParseHead(note)
	if err != nil {
		return Head{}, err
	}
	if h.Size > st.Size {
		return Head{}, ErrHead
	}
	root, err := st.tree.RootAt(r, h.Size)
	if err == nil && root != h.Root {
		err = ErrHead
	}
	return h, err
}

// HeadOf is the head that a state of this log's store has.
func (l *Ledger) HeadOf(r Reader) (Head, error) {
	st, err := l.load(r)
	if err != nil {
		return Head{}, err
	}
	return st.Head, nil
}

// Verify makes the log anew from all its entries, and fails unless it is the one that
// its last checkpoint states, tile by tile.
func (l *Ledger) Verify(ctx context.Context) error {
	return l.readLog(ctx, func(t translog.Tree, r Reader) error {
		w := &check.Walk{Each: ctx.Err}
		err := t.Check(r, w, func(uint64, proof.Entry) {})
		if err == nil && len(w.List) > 0 {
			err = fmt.Errorf("%s: %w", w.List[0].What, ErrCorrupt)
		}
		return err
	})
}

// LastDay is the last day of the log that has its row; "" if none has.
func LastDay(r Reader) (ident.Date, error) { return translog.LastDay(r) }

// Grown is the head, unsigned, that the log would have with further entries.
func (l *Ledger) Grown(entries []proof.Entry) (Head, error) {
	tree, err := l.state.Load().tree.Append(nowhere{}, entries)
	return Head{Size: tree.Size(), Root: tree.Root()}, err
}

type nowhere struct{}

func (nowhere) Put(store.Room, []byte, []byte) error { return nil }

// PutPublished makes a checkpoint, over what is in the log when the operation is done,
// the one that was published last, if checkpoints are witnessed.
func (l *Ledger) PutPublished(tx *Tx, note []byte) error {
	if !l.witnessed {
		return nil
	}
	return tx.Put(RoomHead, publishedKey, note)
}

// PutDay puts the checkpoint with which a day ended.
func PutDay(tx *Tx, d ident.Date, note []byte) error { return translog.PutDay(tx.Overlay, d, note) }
