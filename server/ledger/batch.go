package ledger

import (
	"context"
	"errors"
	"fmt"
	"time"

	"sigill/keys/proof"
	"sigill/server/store"
	"sigill/server/translog"
)

// batch runs the calls and commits what they did. It answers every call. The
// error is nil unless the ledger must stop.
func (l *Ledger) batch(calls []*call) error {
	// The commit is not cut short by any caller's deadline.
	ctx := context.Background()
	if err := l.Clock(); err != nil {
		answer(calls, err)
		return nil
	}
	snap, err := l.store.Snapshot(ctx)
	if err != nil {
		return answer(calls, fmt.Errorf("%w: %w", ErrStopped, err))
	}
	defer snap.Close()
	shared := store.NewOverlay(store.Once(snap))
	now, before := time.Now(), l.state.Load()

	var done, refused []*call
	var entries, dropped []proof.Entry
	var atHead []func(Head, Writer) error
	for _, c := range calls {
		tx := &Tx{Overlay: store.NewOverlay(shared), Now: now, first: before.Size + uint64(len(entries))}
		if c.refusal = run(c, tx); c.refusal != nil {
			if len(done) == 0 {
				c.result <- c.refusal
			} else {
				refused = append(refused, c) // it may rest on what is not durable yet
			}
			continue
		}
		shared.Merge(tx.Overlay)
		entries = append(entries, tx.entries...)
		atHead = append(atHead, tx.atHead...)
		for _, a := range tx.apart {
			dropped = append(dropped, a.entries...)
		}
		done = append(done, c)
	}
	if len(done) == 0 {
		return nil
	}
	after, err := l.grow(before, shared, entries, atHead)
	if err == nil && len(dropped) > 0 {
		err = l.pretend(after, shared, dropped, len(entries) == 0)
	}
	if err == nil {
		err = l.store.Commit(ctx, shared.Changes())
	}
	switch {
	case errors.Is(err, store.ErrFull):
		answer(done, err) // nothing was changed; reading goes on
		answer(refused, err)
		return nil
	case err != nil:
		err = fmt.Errorf("%w: %w", ErrStopped, err)
		answer(refused, err)
		return answer(done, err)
	}
	l.state.Store(after)
	for _, c := range refused {
		c.result <- c.refusal
	}
	for _, c := range done {
		c.head = after.Head
		c.result <- nil
	}
	return nil
}

// grow appends the entries and puts the new checkpoint into the commit.
func (l *Ledger) grow(before *state, shared *store.Overlay, entries []proof.Entry, atHead []func(Head, Writer) error) (*state, error) {
	after := before
	if len(entries) > 0 {
		tree, err := before.tree.Append(shared, entries)
		if err != nil {
			return nil, err
		}
		head, err := l.sign(tree)
		if err != nil {
			return nil, err
		}
		if err := shared.Put(RoomHead, headKey, head.Note); err != nil {
			return nil, err
		}
		after = &state{head, tree}
	}
	for _, f := range atHead {
		if err := f(after.Head, shared); err != nil {
			return nil, err
		}
	}
	return after, nil
}

// pretend does what entries cost, and leaves the log as it is: they are hashed over
// it, a checkpoint over them is signed if the batch has not signed one, and what stands
// last is written again in their place.
func (l *Ledger) pretend(st *state, shared *store.Overlay, dropped []proof.Entry, sign bool) error {
	tree, err := st.tree.Append(store.NewOverlay(shared), dropped)
	if err != nil || !sign || st.Size == 0 {
		return err
	}
	if _, err := l.sign(tree); err != nil {
		return err
	}
	return errors.Join(translog.PutAgain(shared, st.Size-1), shared.Put(RoomHead, headKey, st.Note))
}

// run calls the operation, and turns a panic into an error that says nothing of
// what it held.
func run(c *call, tx *Tx) (err error) {
	if !c.taken.CompareAndSwap(false, true) {
		return context.Canceled // nobody waits for it
	}
	if err := c.ctx.Err(); err != nil {
		return err
	}
	defer func() {
		if recover() != nil {
			err = ErrPanic
		}
	}()
	return c.op(tx)
}

func answer(calls []*call, err error) error {
	for _, c := range calls {
		c.result <- err
	}
	return err
}
