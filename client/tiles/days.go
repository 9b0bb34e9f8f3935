package tiles

import (
	"context"
	"errors"
	"fmt"

	"sigill/keys/ident"
	"sigill/keys/proof"
)

// Days reads every day from one to another, in order, and gives each to use once it
// is checked and begins where the one before ended. Left out are days before the
// log's first, and those at the end that the source does not have yet. Nothing else
// is asked for, whatever use is looking for: whoever gives the log out learns from
// when to when somebody reads. Errors: as of [Log.Day]; ErrAbsent if the source
// begins after the first day and is not all of the log; proof.ErrInconsistent if two
// days that the log signed do not join, which proves it.
func (l *Log) Days(ctx context.Context, from, until ident.Date, use func(proof.Day, Head) error) error {
	var last Head
	begun, gap := false, false
	for date := from; !until.Before(date); date = date.AddDays(1) {
		d, before, after, err := l.Day(ctx, date)
		switch {
		case errors.Is(err, ErrAbsent):
			gap = true
			continue
		case err != nil:
			return err
		case begun && gap:
			return fmt.Errorf("%w: a day is missing", ErrDamaged)
		case begun && before != last.Checkpoint:
			return fmt.Errorf("%w: two days", proof.ErrInconsistent)
		case !begun && gap && before.Size > 0:
			return fmt.Errorf("%w: the days before %s", ErrAbsent, date)
		}
		begun, gap, last = true, false, after
		if err := use(d, after); err != nil {
			return err
		}
	}
	return nil
}
