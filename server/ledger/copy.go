package ledger

import (
	"context"
	"fmt"
	"strings"

	tlog "github.com/transparency-dev/formats/log"

	"sigill/keys/ident"
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
		text, _, _ := strings.Cut(string(note), "\n\n")
		var cp tlog.Checkpoint
		if _, err := cp.Unmarshal([]byte(text + "\n")); err != nil {
			return ErrHead
		}
		root, err := ident.DigestFromBytes(cp.Hash)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrHead, err)
		}
		tree, err := translog.Load(r, cp.Size, root)
		if err != nil {
			return err
		}
		st := &state{Head{cp.Size, root, note}, tree}
		l.state.Store(st)
		l.published.Store(&st.Head)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("opening a copy of the log: %w", err)
	}
	return l, nil
}
