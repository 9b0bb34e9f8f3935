package server

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"sigill/keys/ident"
	"sigill/keys/proof"
	"sigill/server/check"
	"sigill/server/gate"
	"sigill/server/ledger"
	"sigill/server/store"
	"sigill/server/workflow"
)

// keptEvery is how often a check that can be interrupted says how far it has come.
const keptEvery = 2 * time.Second

// run goes through one state of the store: first all rows by their encryption and the
// sum over them, then what they mean.
func (k *checking) run(ctx context.Context) (_ *Checked, err error) {
	began, before := time.Now(), k.before()
	snapshot, err := k.store.Snapshot(ctx)
	if err != nil {
		return nil, err
	}
	defer snapshot.Close()
	if k.instance != "" { // a server has seen to that
		if err := workflow.KeptUnder(snapshot, k.trust, k.follows); err != nil {
			return nil, err
		}
	}
	total, err := k.store.Rows(snapshot)
	if err != nil {
		return nil, err
	}
	found := &Checked{LastGreen: before.Green, Rows: total}
	at := midway{Store: k.instance, At: minute(began)}
	switch was := before.Begun; {
	case was == nil || k.instance == "":
	case was.Store == k.instance:
		at, found.Again = *was, "goes on where it was interrupted"
	default:
		found.Again = "begins anew: the store has changed since a check was interrupted"
	}
	at.Kept = len(at.List)
	house := &workflow.Checking{Skip: at.Verified}
	w := &check.Walk{Today: ident.DateOf(began), Findings: at.Findings}
	step, percent, kept := "", uint64(101), began
	w.Each = func() error {
		at.Done++
		if p := min(at.Done*50/max(total, 1), 99); p != percent {
			percent = p
			k.told(step, p)
		}
		if k.instance != "" && time.Since(kept) > keptEvery {
			at.Verified, at.Findings, kept = house.Verified, w.Findings, time.Now()
			k.keep(func(s *checkState) { s.Begun = &at })
		}
		return k.pace()
	}
	for _, s := range k.steps(snapshot, house, &at) {
		step, percent = s.Name, 101
		if err := s.Run(w); err != nil {
			if k.instance != "" && ctx.Err() != nil {
				at.Verified, at.Findings = house.Verified, w.Findings
				k.keep(func(s *checkState) { s.Begun = &at })
			}
			return nil, fmt.Errorf("checking %s: %w", s.Name, err)
		}
	}
	found.State, found.Figures, found.Findings = "findings", house.Figures, w.Findings
	if len(w.List) == 0 {
		found.State = "green"
	}
	from, to := check.Moment{At: at.At, Entries: house.Entries}, check.Moment{At: minute(time.Now()), Entries: house.Entries}
	k.keep(func(s *checkState) {
		s.Begun, s.Memory = nil, s.Date(&found.Findings, from, to)
		if len(w.List) == 0 && (s.Green == nil || !from.At.Before(s.Green.At) || to.At.Before(s.Green.At)) {
			s.Green = &from
		}
	})
	found.Seconds = time.Since(began).Seconds()
	return found, nil
}

// steps are those of a check, without the rooms that were read before it was
// interrupted.
func (k *checking) steps(snapshot store.Snapshot, house *workflow.Checking, at *midway) []check.Step {
	var steps []check.Step
	rooms := slices.Sorted(maps.Keys(layout()))
	rooms = slices.DeleteFunc(rooms, func(r store.Room) bool { return r == gate.Room })
	for i, room := range rooms {
		if i < at.Rooms {
			continue
		}
		steps = append(steps, check.Step{Name: "rows of " + string(room), Run: func(w *check.Walk) error {
			begun := at.Done
			if err := k.sum(snapshot, room, w); err != nil {
				at.Done = begun // it is read again
				return err
			}
			at.Rooms = i + 1
			return nil
		}})
	}
	steps = append(steps, check.Step{Name: checkpointFile, Run: func(w *check.Walk) error { return k.checkpoint(snapshot, w) }})
	return append(steps, workflow.Check(snapshot, k.trust, cipher{k.store}, house)...)
}

// sum holds a room against the sum over its rows.
func (k *checking) sum(snapshot store.Snapshot, room store.Room, w *check.Walk) error {
	l, err := k.store.Verify(snapshot, room, w.Each)
	if errors.Is(err, store.ErrCorrupt) {
		w.Found(room, "pages of the file cannot be read", check.Hiding)
		return nil
	}
	if err != nil {
		return err
	}
	if l.Damaged > 0 {
		w.Found(room, "rows were edited, cut, moved or swapped", check.Times(l.Damaged))
	}
	if l.Differs {
		w.Found(room, "rows are gone, or added, or as they once were", check.Rows(l.Rows, l.Wanted))
	}
	return nil
}

// checkpoint holds the file beside the store against the log.
func (k *checking) checkpoint(r store.Reader, w *check.Walk) error {
	note, err := os.ReadFile(filepath.Join(k.dir, checkpointFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("last checkpoint: %w", err)
	}
	log, err := ledger.LogAt(r)
	if err != nil {
		return nil // found in the log itself
	}
	cp, err := proof.OpenCheckpoint(note, k.trust.Policy)
	switch {
	case err != nil:
		w.Found(checkpointFile, "the checkpoint beside the store was not signed by the log's key")
	case cp.Size > log.Size && k.instance != "": // a running server may have written since
		w.Found(checkpointFile, "the log is shorter than the checkpoint beside the store: an older copy was put back")
	case cp.Size <= log.Size && log.Holds(r, cp) != nil:
		w.Found(checkpointFile, "the checkpoint beside the store is none of this log")
	}
	return nil
}

// A check in the background works for so long, and then rests: it takes about a tenth of
// one processor.
const (
	checkWorks = 2 * time.Millisecond
	checkRests = 18 * time.Millisecond
)

// checkAgain is how long the server waits for the next check of its own.
const checkAgain = 24 * time.Hour

// checkDaily checks the store after the start and then once a day, until ctx ends: since
// when a finding is there is known as well as checks are often.
func (s *Server) checkDaily(ctx context.Context) {
	for {
		s.checkSlowly(ctx)
		select {
		case <-ctx.Done():
			return
		case <-time.After(checkAgain):
		}
	}
}

// checkSlowly checks the store once. A finding is told, and makes the server unready as a
// job does that failed; it goes on, and answers DATA_LOSS where a damaged row is asked
// for.
func (s *Server) checkSlowly(ctx context.Context) {
	since := time.Now()
	k := checking{trust: s.trust, store: s.store, dir: s.config.Data, lock: &s.checks, told: func(string, uint64) {}, pace: func() error {
		if time.Since(since) < checkWorks {
			return ctx.Err()
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(checkRests):
			since = time.Now()
			return nil
		}
	}}
	found, err := k.run(ctx)
	if err != nil {
		s.job("check", err)
		return
	}
	s.noteCheck(found)
}

// noteCheck tells the operator of a check.
func (s *Server) noteCheck(found *Checked) {
	if found.State == "green" {
		s.log.Info("check green", "size", found.Entries)
		s.job("check", nil)
		return
	}
	for _, f := range found.List {
		s.log.Error("check found", "error", Text(f))
	}
	s.job("check", fmt.Errorf("the store is not as it was written: %d findings", len(found.List)+found.More))
}

// Text is a finding in one line.
func Text(f check.Finding) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s", f.Room, f.What)
	if f.There != "" {
		fmt.Fprintf(&b, ": %s", f.There)
	}
	for _, more := range [][2]string{{"decision", f.Decision}, {"log index", f.Index}, {"date", string(f.Date)}} {
		if more[1] != "" {
			fmt.Fprintf(&b, ", %s %s", more[0], more[1])
		}
	}
	if f.Times > 1 && f.There == "" {
		fmt.Fprintf(&b, " (%d times)", f.Times)
	}
	const to = "2006-01-02 15:04"
	for i, s := range f.Since {
		b.WriteString([]string{"; happened ", " and "}[min(i, 1)])
		if len(f.Since) > 1 {
			fmt.Fprintf(&b, "%d times ", s.Times)
		}
		if s.After == nil {
			fmt.Fprintf(&b, "before %s UTC", s.Found.At.Format(to))
		} else {
			fmt.Fprintf(&b, "between %s (log of %d entries) and %s UTC", s.After.At.Format(to), s.After.Entries, s.Found.At.Format(to))
		}
	}
	return b.String()
}
