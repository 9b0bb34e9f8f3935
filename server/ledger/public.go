package ledger

import (
	"context"
	"errors"

	"sigill/keys/ident"
	"sigill/server/store"
	"sigill/server/translog"
)

// ErrRange is returned for what the published log does not have.
var ErrRange = translog.ErrRange

// Tile is [translog.Tree.Tile] of the published log: what is not published yet is
// not there.
func (l *Ledger) Tile(ctx context.Context, level int, index uint64, n int) (tile []byte, err error) {
	if !translog.Has(l.Published().Size, level, index, n) {
		return nil, ErrRange
	}
	err = l.readLog(ctx, func(t translog.Tree, r Reader) (err error) {
		tile, err = t.Tile(r, level, index, n)
		return err
	})
	return tile, err
}

// EntryBundle is [translog.Tree.EntryBundle] of the published log.
func (l *Ledger) EntryBundle(ctx context.Context, index uint64, n int) (bundle []byte, err error) {
	if !translog.Has(l.Published().Size, 0, index, n) {
		return nil, ErrRange
	}
	err = l.readLog(ctx, func(t translog.Tree, r Reader) (err error) {
		bundle, err = t.EntryBundle(r, index, n)
		return err
	})
	return bundle, err
}

// Entries yields the entries of the published log with from <= index < to.
func (l *Ledger) Entries(ctx context.Context, from, to uint64, yield func(entry []byte)) error {
	if to > l.Published().Size {
		return ErrRange
	}
	return l.readLog(ctx, func(t translog.Tree, r Reader) error { return t.Scan(r, from, to, yield) })
}

// Frontier is [translog.Tree.Frontier] of the published log.
func (l *Ledger) Frontier(ctx context.Context, size uint64) (peaks []ident.Digest, err error) {
	if size > l.Published().Size {
		return nil, ErrRange
	}
	err = l.readLog(ctx, func(t translog.Tree, r Reader) (err error) {
		peaks, err = t.Frontier(r, size)
		return err
	})
	return peaks, err
}

// DayNote is the checkpoint with which a day ended.
func (l *Ledger) DayNote(ctx context.Context, d ident.Date) (note []byte, err error) {
	err = l.Read(ctx, func(r Reader) error {
		note, err = translog.DayNote(r, d)
		return err
	})
	return note, err
}

// CloseDays writes the row of each day after the last that has one, through the
// given one, with the checkpoint that was published last.
func (l *Ledger) CloseDays(ctx context.Context, through ident.Date, note []byte) error {
	if _, err := l.DayNote(ctx, through); !errors.Is(err, ErrRange) {
		return err
	}
	_, err := l.Do(ctx, func(tx *Tx) error { return translog.CloseDays(tx.Overlay, through, note) })
	return err
}

func (l *Ledger) readLog(ctx context.Context, f func(t translog.Tree, r Reader) error) error {
	st := l.state.Load() // before the snapshot, which then shows at least this log
	return l.Read(ctx, func(r store.Reader) error { return f(st.tree, r) })
}
