package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"sigill/keys/bundle"
	"sigill/keys/ident"
	"sigill/keys/proof"
	"sigill/server/ledger"
	"sigill/server/store"
)

// ErrOlder: the log is not the one, or not all of the one, whose checkpoint was
// published last: the store has been put back to an older copy, or another's
// lies in its place.
var ErrOlder = fmt.Errorf("the log does not hold the last published checkpoint: put the newest copy of the store back, or, if there is none, "+
	"take up again what was published, with sigilld recover: %w", store.ErrCorrupt)

// clock does what has its time, until ctx ends. A job that fails is logged and
// tried again at its next time: a commit that fails stops the server by itself.
// What has its hour is [Server.daily], and publication, which waits for others,
// [Server.publishing].
func (s *Server) clock(ctx context.Context) {
	minute := time.NewTicker(time.Minute)
	defer minute.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-minute.C:
			s.job("notices", s.office.SendNotices(ctx, now))
			s.job("inbox", s.office.ForgetShown(ctx, now))
		}
	}
}

// dailyAgain is when a daily job that failed is tried again: what a receipt has
// promised by a day does not wait until the next.
const dailyAgain = 30 * time.Minute

// daily does a job at the hour for what is owed, and at once if that was missed,
// until ctx ends.
func (s *Server) daily(ctx context.Context, name string, missed bool, run func(ctx context.Context, now time.Time) error) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	if !missed {
		timer.Reset(time.Until(nextHour(time.Now(), s.config.OwedHour)))
	}
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-timer.C:
			err := run(ctx, now)
			s.job(name, err)
			wait := time.Until(nextHour(now, s.config.OwedHour))
			if err != nil {
				wait = min(wait, dailyAgain)
			}
			timer.Reset(wait)
		}
	}
}

func (s *Server) job(name string, err error) {
	if errors.Is(err, context.Canceled) {
		return
	}
	s.watch.ran(name, err)
	if err != nil {
		s.log.Error("job failed", "job", name, "error", err)
	}
}

// nextHour is the next time after now at which clocks in Sweden show h.
func nextHour(now time.Time, h Hour) time.Time {
	in := now.In(ident.Stockholm())
	minutes := int(time.Duration(h).Minutes())
	for day := in.Day(); ; day++ {
		if at := time.Date(in.Year(), in.Month(), day, minutes/60, minutes%60, 0, 0, ident.Stockholm()); at.After(now) {
			return at
		}
	}
}

// replace puts a whole new file in the place of the old one.
func replace(path string, data []byte) error {
	draft := path + ".new"
	f, err := os.OpenFile(draft, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(draft, path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(draft))
	}
	return syncDir(filepath.Dir(path))
}

// syncDir makes what a directory lists durable.
func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// clockFits is ledger.ErrClock if the clock shows an earlier time than when the last
// checkpoint was kept, and says what to do.
func clockFits(l *ledger.Ledger, checkpoint string, kept time.Time) error {
	l.NotBefore(kept)
	if err := l.Clock(); err != nil {
		return fmt.Errorf("%w (UTC): set it right or, if it is right now and was wrong then, say so: touch %s", err, checkpoint)
	}
	return nil
}

// checkLast holds the log against the checkpoint that was published last. A
// store that never published one has no such file.
func (s *Server) checkLast(ctx context.Context, trust *bundle.Trust) error {
	f, err := os.Open(filepath.Join(s.config.Data, checkpointFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("last checkpoint: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("last checkpoint: %w", err)
	}
	note, err := io.ReadAll(io.LimitReader(f, 1<<16))
	if err != nil {
		return fmt.Errorf("last checkpoint: %w", err)
	}
	if err := clockFits(s.ledger, f.Name(), info.ModTime()); err != nil {
		return err
	}
	last, err := proof.OpenCheckpoint(note, trust.Policy)
	if err != nil {
		return fmt.Errorf("last checkpoint: %w", err)
	}
	if last.Size > s.ledger.Head().Size {
		return ErrOlder
	}
	head, err := s.ledger.HeadAt(ctx, last.Size)
	if err != nil {
		return fmt.Errorf("last checkpoint: %w", err)
	}
	if head.Root != last.Root {
		return ErrOlder
	}
	if !trust.Policy.Witnessed() { // else the store has what was published, and this may be newer
		s.last = note
	}
	s.missed = nextHour(info.ModTime(), s.config.OwedHour).Before(time.Now())
	return nil
}
