package workflow

import (
	"context"
	"time"

	"sigill/keys/ident"
	"sigill/keys/proof"
	"sigill/server/ledger"
)

// ErrNotPublished: nothing of this kind in the published log.
var ErrNotPublished = ledger.ErrRange

// PublishedCheckpoint is the newest published checkpoint, as it was published.
func (o *Office) PublishedCheckpoint() []byte { return o.ledger.Published().Note }

// Tile is the first n hashes of a C2SP tile of the published log.
func (o *Office) Tile(ctx context.Context, level int, index uint64, n int) ([]byte, error) {
	tile, err := o.ledger.Tile(ctx, level, index, n)
	return tile, ledgerError(err)
}

// EntryBundle is the first n entries of a C2SP entry bundle of the published log.
func (o *Office) EntryBundle(ctx context.Context, index uint64, n int) ([]byte, error) {
	bundle, err := o.ledger.EntryBundle(ctx, index, n)
	return bundle, ledgerError(err)
}

// Day is a day of the published log that is over in Sweden at now, without its
// entries, and the size of the log when it ended: [Office.Entries] has those from
// First to there.
func (o *Office) Day(ctx context.Context, date ident.Date, now time.Time) (d proof.Day, size uint64, err error) {
	if !date.Before(ident.DateOf(now)) {
		return proof.Day{}, 0, ErrNotPublished
	}
	note, after, err := o.dayEnd(ctx, date)
	if err != nil {
		return proof.Day{}, 0, ledgerError(err)
	}
	_, before, err := o.dayEnd(ctx, date.AddDays(-1))
	if err != nil {
		return proof.Day{}, 0, ledgerError(err)
	}
	peaks, err := o.ledger.Frontier(ctx, before.Size)
	if err != nil {
		return proof.Day{}, 0, ledgerError(err)
	}
	return proof.Day{Date: date, First: before.Size, Frontier: peaks, Checkpoint: note}, after.Size, nil
}

func (o *Office) dayEnd(ctx context.Context, d ident.Date) ([]byte, proof.Checkpoint, error) {
	note, err := o.ledger.DayNote(ctx, d)
	if err != nil {
		return nil, proof.Checkpoint{}, err
	}
	cp, err := proof.OpenCheckpoint(note, o.Trust.Policy)
	if err != nil {
		return nil, proof.Checkpoint{}, damaged("day", err)
	}
	return note, cp, nil
}

// Entries yields the entries of the published log with from <= index < to.
func (o *Office) Entries(ctx context.Context, from, to uint64, yield func(entry []byte)) error {
	return ledgerError(o.ledger.Entries(ctx, from, to, yield))
}

// CloseDays comes before the first publication of each day: it writes down, for
// each day that is over at now, the checkpoint that was published last.
func (o *Office) CloseDays(ctx context.Context, now time.Time, last []byte) error {
	return ledgerError(o.ledger.CloseDays(ctx, ident.DateOf(now).AddDays(-1), last))
}
