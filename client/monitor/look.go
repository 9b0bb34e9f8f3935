package monitor

import (
	"context"
	"errors"
	"slices"
	"time"

	"sigill/client/tiles"
	"sigill/keys/evidence"
	"sigill/keys/ident"
	"sigill/keys/proof"
)

const (
	// ahead is how far a witness's clock may be before this machine's.
	ahead = time.Minute

	// savedEach is after how many entries what was counted is saved.
	savedEach = 1 << 16
)

// look is one look under way.
type look struct {
	*Monitor
	ctx       context.Context
	now       time.Time
	today     ident.Date
	view      *tiles.View // what is given out; nil if nothing is
	cosigned  time.Time
	witnessed bool
	pending   bool
	found     []Finding // beside those that are kept
	counted   uint64
}

// Look looks once. The error is this machine's, or ctx's; what is wrong with the log is
// in the look. A log that answers a byte at a time could hold it for ever: it has the
// time of [Config], and what did not come by then is unreachable.
func (m *Monitor) Look(ctx context.Context, now time.Time) (Look, error) {
	within, done := context.WithTimeout(ctx, m.Within)
	defer done()
	l := &look{Monitor: m, ctx: within, now: now, today: ident.DateOf(now)}
	steps := []func() error{l.follow}
	for _, what := range m.Compare {
		steps = append(steps, func() error { return l.compare(what) })
	}
	for _, step := range steps {
		err := step()
		switch {
		case ctx.Err() != nil:
			return Look{}, errors.Join(ctx.Err(), m.save())
		case errors.Is(err, ErrCompare):
			return Look{}, err
		case errors.Is(err, tiles.ErrUnreachable), errors.Is(err, tiles.ErrAbsent):
			l.see(Unreachable, 0)
		case errors.Is(err, tiles.ErrDamaged):
			l.see(Damaged, 0)
		case errors.Is(err, proof.ErrCheckpoint):
			l.see(Signature, 0)
		case err != nil:
			return Look{}, err
		}
	}
	return l.says(), m.save()
}

// see notes what is so now.
func (l *look) see(name string, at uint64) {
	if !slices.ContainsFunc(l.found, func(f Finding) bool { return f.Name == name && f.At == at }) {
		l.found = append(l.found, Finding{At: at, Day: l.today, Name: name})
	}
}

func (l *look) says() Look {
	s := &l.state
	out := Look{Authority: l.Trust.Authority, Day: s.day, Entries: map[string]uint64{}, Findings: append(slices.Clone(s.findings), l.found...),
		New: l.counted, State: StateFine, Time: l.now.Unix(), Typ: "sigill-monitor-look", Witnessed: l.witnessed}
	for kind, n := range s.tally.counts {
		if n > 0 {
			out.Entries[proof.Kind(kind).String()] = n
		}
	}
	if s.tally.unknown > 0 {
		out.Entries["unknown"] = s.tally.unknown
	}
	if s.head.Note != nil {
		out.Log = &Position{s.head.Root, s.head.Size}
	}
	if s.tally.last != (proof.Number{}) {
		out.Number = &s.tally.last
	}
	if !l.cosigned.IsZero() {
		out.Cosigned = l.cosigned.Unix()
	}
	if l.pending {
		out.State = StatePending
	}
	for _, f := range out.Findings {
		if f.Name != Unreachable && f.Name != Ahead && f.Name != Succeeded {
			out.State = StateFound
			return out
		}
		out.State = StateUnknown
	}
	if out.Findings == nil {
		out.Findings = []Finding{}
	}
	return out
}

// follow takes up what is new, as long as it continues what is known.
func (l *look) follow() error {
	h, err := l.log.Checkpoint(l.ctx)
	if err != nil {
		return err
	}
	if h.Note, err = l.Trust.Policy.Trim(h.Note); err != nil {
		return err
	}
	l.view = l.log.At(l.ctx, h)
	l.cadence(h.Note)
	if last := l.state.head; last.Note != nil {
		if h.Size < last.Size {
			return l.keep(Finding{At: last.Size, Day: l.today, Name: Rollback, Notes: []ident.Bytes{last.Note, h.Note}}, evidence.NewRollback(last.Note, h.Note))
		}
		if joined, err := l.joins(last, l.view); err != nil || !joined {
			return err
		}
	}
	l.state.head = h
	if err := l.count(); err != nil {
		return err
	}
	// The server that gives a log out may keep a new trust file back; its entry it must show.
	if n := uint64(len(l.state.tally.changes)); n > l.Trust.File.Successions {
		l.see(Succeeded, n)
	}
	if err := l.notices(); err != nil {
		return err
	}
	return l.yesterday()
}

// cadence looks at when witnesses saw the log. A checkpoint has no time: cosignatures
// have, and a log that works asks for them each hour, also where nothing is new.
func (l *look) cadence(note []byte) {
	latest, since := l.now.Add(ahead), int64(0)
	_, witnessed, err := l.Trust.Policy.AcceptAt(note, func(at time.Time) bool {
		if at.After(latest) {
			return false
		}
		if at.After(l.cosigned) {
			l.cosigned = at
		}
		return true
	})
	l.witnessed, l.pending = witnessed, err != nil
	switch {
	case !l.pending:
		l.state.pending, since = 0, l.cosigned.Unix()
	case l.state.pending == 0:
		l.state.pending = l.now.Unix()
		fallthrough
	default:
		since = l.state.pending
	}
	if l.Trust.Policy.Witnessed() && l.now.Unix()-since > int64(l.Stall/time.Second) {
		l.see(Stall, uint64(since))
	}
}

// joins holds an earlier checkpoint against the log of a view, and keeps a fork.
func (l *look) joins(earlier tiles.Head, v *tiles.View) (bool, error) {
	if earlier.Size == 0 {
		return true, nil
	}
	root, hashes, err := v.Prove(earlier.Size)
	if err != nil || root == earlier.Root {
		return err == nil, err
	}
	return false, l.keep(Finding{At: earlier.Size, Day: l.today, Name: Fork, Notes: []ident.Bytes{earlier.Note, v.Note}},
		evidence.NewFork(earlier.Note, v.Note, root, hashes))
}

// count reads the entries that have not been counted. What an entry shows is proven
// before it is: a look that is interrupted does not forget it.
func (l *look) count() error {
	s := &l.state
	return l.view.Each(s.counted, l.view.Size, func(index uint64, raw []byte) error {
		next, wrong := s.tally.add(index, raw, l.today)
		var e *evidence.Evidence
		if wrong != "" && s.news(wrong, index) {
			var err error
			if e, err = l.stretch(wrong, index); err != nil {
				return err
			}
		}
		s.tally, s.counted = next, index+1
		l.counted++
		if wrong != "" {
			return l.keep(Finding{At: index, Day: l.today, Name: wrong}, e)
		}
		if s.counted%savedEach == 0 {
			return l.save()
		}
		return nil
	})
}

// stretch is what shows a stranger what is wrong with an entry; nil if nothing does.
func (l *look) stretch(wrong string, index uint64) (*evidence.Evidence, error) {
	from := index
	switch wrong {
	case Gap, Duplicate:
		from = l.state.tally.lastIndex // 0 where there was none
	case Openings:
		return nil, nil
	}
	if index-from >= evidence.MaxEntries {
		return nil, nil
	}
	s := evidence.Stretch{First: from}
	err := l.view.Each(from, index+1, func(_ uint64, raw []byte) error {
		s.Entries = append(s.Entries, slices.Clone(raw))
		return nil
	})
	if err != nil {
		return nil, err
	}
	if s.Frontier, err = l.view.Frontier(from); err != nil {
		return nil, err
	}
	if _, s.Hashes, err = l.view.Prove(index + 1); err != nil {
		return nil, err
	}
	if wrong == Entry {
		return evidence.NewEntry(s, l.view.Note), nil
	}
	return evidence.NewNumbers(s, l.view.Note), nil
}

// notices counts those that are due. That a day is over in the log is told by a
// witness's clock, or by the log's own file of it: the log here may be an older copy.
func (l *look) notices() error {
	l.state.tally.settle(l.today)
	day := l.state.tally.short(l.today)
	if day == "" || !l.state.news(Notice, uint64(day.Days())) {
		return nil
	}
	if !day.Before(ident.DateOf(l.cosigned)) {
		_, _, after, err := l.log.Day(l.ctx, day)
		switch {
		case errors.Is(err, tiles.ErrAbsent), err == nil && after.Size > l.view.Size:
			return nil
		case err != nil:
			return err
		}
	}
	return l.keep(Finding{At: uint64(day.Days()), Day: l.today, Name: Notice}, nil)
}

// yesterday holds the newest day that is over against the log.
func (l *look) yesterday() error {
	day := l.today.AddDays(-1)
	if !l.state.day.Before(day) {
		return nil
	}
	_, _, after, err := l.log.Day(l.ctx, day)
	switch {
	case errors.Is(err, tiles.ErrAbsent), err == nil && after.Size > l.view.Size: // it is not there yet
		return nil
	case err != nil:
		return err
	}
	if after.Note, err = l.Trust.Policy.Trim(after.Note); err != nil {
		return err
	}
	joined, err := l.joins(after, l.view)
	if joined {
		l.state.day = day
	}
	return err
}
