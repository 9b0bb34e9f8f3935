package server

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"sigill/keys/bundle"
	"sigill/keys/ident"
	"sigill/keys/proof"
	"sigill/keys/statement"
	"sigill/server/gate"
	"sigill/server/ledger"
	"sigill/server/store/bolt"
	"sigill/server/witness"
	"sigill/server/workflow"
)

var (
	// ErrReason: why the store was put back is one of a closed list.
	ErrReason = fmt.Errorf("a reason is one of %v", statement.RecoveryReasons)
	// ErrBehind: the copy of the published log is older than what has been published.
	ErrBehind = errors.New("more has been published than the copy of the log has: fetch a newer one (sigill log mirror)")
	// ErrNothing: the store is no restored one, and has all that was published.
	ErrNothing = errors.New("nothing is to be regained: the store has all that was published, and was not restored from a backup")
)

// Recovered is what a store had lost, and how its log says so.
type Recovered struct {
	Restored  uint64             `json:"restored"` // size of the store's own log
	Regained  uint64             `json:"regained"` // size up to which it was taken up again
	Kinds     map[string]int     `json:"kinds"`    // of the entries between
	Decisions []Lost             `json:"decisions"`
	Again     []string           `json:"publish_again"` // kinds of documents of authority: until then those before are in force, and who was revoked may ask
	Recovery  *workflow.Recovery `json:"recovery,omitempty"`
}

// A Lost is a decision whose record is not in the store. Whoever has its bundle still
// has the decision, which verifies.
type Lost struct {
	Year   int        `json:"year"`
	Number uint64     `json:"number"`
	Index  uint64     `json:"index"`
	Day    ident.Date `json:"day,omitempty"` // on which it was published, if that day is over
}

// A Regain is how a log is to be taken up again.
type Regain struct {
	Log      string // directory with a copy of the published log
	Reason   string // one of [statement.RecoveryReasons]
	Rehearse bool   // only say what would be lost
}

// Recover takes the log of a store that was put back to a backup, or to an older copy,
// up again where it was published: so that its witnesses know it, and everyone sees
// that it happened. It needs a copy of the published log that no witness knows more
// than, and enough witnesses who say so.
func Recover(ctx context.Context, c Config, r Regain) (_ *Recovered, err error) {
	if !r.Rehearse && !slices.Contains(statement.RecoveryReasons, r.Reason) {
		return nil, ErrReason
	}
	trust, k, err := c.load()
	if err != nil {
		return nil, err
	}
	open := bolt.Open
	if r.Rehearse {
		open = bolt.OpenReadOnly
	}
	s, err := openCopy(ctx, open, filepath.Join(c.Data, storeFile), k)
	if errors.Is(err, bolt.ErrLocked) {
		return nil, ErrRunning
	}
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	l, err := ledger.Open(ctx, s, k.log, trust.Policy.Witnessed(), k.before...)
	if err != nil {
		return nil, err
	}
	g, out, err := c.regained(ctx, l, trust, r.Log)
	if err != nil || r.Rehearse {
		return out, err
	}
	if whole(ctx, s) == nil && len(g.Entries) == 0 {
		return nil, ErrNothing
	}
	out.Recovery, err = c.takeUp(ctx, s, l, c.office(trust, k), *g, r.Reason)
	if err != nil {
		return nil, err
	}
	note := g.Note
	if note == nil {
		note = l.Head().Note
	}
	return out, replace(filepath.Join(c.Data, checkpointFile), note)
}

// takeUp runs the one operation.
func (c Config) takeUp(ctx context.Context, s *gate.Store, l *ledger.Ledger, o workflow.Config, g workflow.Regained, reason string) (*workflow.Recovery, error) {
	office, err := workflow.New(ctx, o, l, cipher{s})
	if err != nil {
		return nil, err
	}
	s.Unmark()
	run, stop := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan error, 1)
	go func() { ended <- l.Run(run) }()
	said, err := office.Recover(ctx, g, reason)
	stop()
	return said, errors.Join(err, <-ended)
}

// regained reads what was published after the log's own entries, and proves that it
// continues them.
func (c Config) regained(ctx context.Context, l *ledger.Ledger, trust *bundle.Trust, from string) (*workflow.Regained, *Recovered, error) {
	m, err := openMirror(from)
	if err != nil {
		return nil, nil, err
	}
	defer m.root.Close()
	note, cp, err := m.head(trust.Policy)
	if err != nil {
		return nil, nil, fmt.Errorf("the copy of the published log: %w", err)
	}
	own := l.Head()
	if err := c.newest(ctx, l, trust, max(cp.Size, own.Size)); err != nil {
		return nil, nil, err
	}
	g, out := &workflow.Regained{Root: own.Root}, &Recovered{Restored: own.Size, Regained: own.Size, Kinds: map[string]int{}, Decisions: []Lost{}, Again: []string{}}
	if cp.Size <= own.Size {
		root, err := l.RootAt(ctx, cp.Size)
		if err == nil && root != cp.Root {
			err = ErrMirror
		}
		return g, out, err
	}
	if g.Entries, err = m.entries(own.Size, cp.Size); err != nil {
		return nil, nil, err
	}
	grown, err := l.Grown(g.Entries)
	if err != nil || grown.Root != cp.Root {
		return nil, nil, errors.Join(ErrMirror, err)
	}
	g.Root, g.Note, out.Regained = cp.Root, note, cp.Size
	spans, err := regainedDays(ctx, l, m, trust.Policy, g)
	if err != nil {
		return nil, nil, err
	}
	out.name(g.Entries, spans)
	return g, out, nil
}

// newest refuses a size that is less than what anyone knows to be published.
func (c Config) newest(ctx context.Context, l *ledger.Ledger, trust *bundle.Trust, size uint64) error {
	note, err := os.ReadFile(filepath.Join(c.Data, checkpointFile))
	if err == nil {
		last, err := proof.OpenCheckpoint(note, trust.Policy)
		if err != nil {
			return fmt.Errorf("last checkpoint: %w", err)
		}
		if last.Size > size {
			return fmt.Errorf("%w: %d entries were published, it has %d", ErrBehind, last.Size, size)
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("last checkpoint: %w", err)
	}
	asker, err := witnesses(trust, l)
	if err != nil {
		return err
	}
	own := l.Head()
	known, err := asker.Known(ctx, own.Size, own.Note)
	for _, k := range known {
		if k.Err == nil && k.Size > size {
			return fmt.Errorf("%w: %s knows %d entries, it has %d", ErrBehind, strings.Join(k.Names, ", "), k.Size, size)
		}
		if k.Err != nil {
			err = errors.Join(err, fmt.Errorf("%s: %w", strings.Join(k.Names, ", "), k.Err))
		}
	}
	if errors.Is(err, witness.ErrPending) || errors.Is(err, witness.ErrContradicted) {
		return fmt.Errorf("asking the witnesses: %w", err)
	}
	return nil
}

// A span is the entries of a day that is over.
type span struct {
	day      ident.Date
	from, to uint64
}

// regainedDays reads the days of the copy that the store does not have. Those that
// follow on its own without a gap are regained.
func regainedDays(ctx context.Context, l *ledger.Ledger, m mirror, policy proof.Policy, g *workflow.Regained) (spans []span, err error) {
	var last ident.Date
	if err := l.Read(ctx, func(r ledger.Reader) (err error) { last, err = ledger.LastDay(r); return err }); err != nil {
		return nil, err
	}
	today, own := ident.DateOf(time.Now()), l.Head().Size
	begun, gap := last != "", false
	if last == "" {
		last = today.AddDays(-maxDaysBack)
	}
	for d := last.AddDays(1); d.Before(today); d = d.AddDays(1) {
		day, after, ok := m.day(d, policy)
		if !ok || after.Size > own+uint64(len(g.Entries)) {
			gap = gap || begun
			continue
		}
		begun = true
		head, err := headAt(ctx, l, g.Entries, after.Size)
		if err != nil {
			return nil, err
		}
		if head != after.Root {
			return nil, ErrMirror
		}
		if !gap {
			g.Days = append(g.Days, workflow.Closed{Date: d, Note: day.Checkpoint})
		}
		spans = append(spans, span{d, day.First, after.Size})
	}
	return spans, nil
}

// maxDaysBack is how far back days are looked for, for a store that has none.
const maxDaysBack = 366

// headAt is the root of the regained log at a size.
func headAt(ctx context.Context, l *ledger.Ledger, entries []proof.Entry, size uint64) (ident.Digest, error) {
	own := l.Head().Size
	if size <= own {
		return l.RootAt(ctx, size)
	}
	head, err := l.Grown(entries[:size-own])
	return head.Root, err
}

// name says what the entries stand for.
func (r *Recovered) name(entries []proof.Entry, spans []span) {
	for i, e := range entries {
		r.Kinds[e.Kind.String()]++
		if e.Kind == proof.ReviewerSet || e.Kind == proof.DelegationOrder || e.Kind == proof.Requester {
			if !slices.Contains(r.Again, e.Kind.String()) {
				r.Again = append(r.Again, e.Kind.String())
			}
		}
		if e.Kind != proof.Decision {
			continue
		}
		n, _ := e.Number()
		lost := Lost{Year: int(n.Year), Number: n.Number, Index: r.Restored + uint64(i)}
		for _, s := range spans {
			if s.from <= lost.Index && lost.Index < s.to {
				lost.Day = s.day
			}
		}
		r.Decisions = append(r.Decisions, lost)
	}
}
