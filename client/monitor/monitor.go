package monitor

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"sigill/client"
	"sigill/client/tiles"
	"sigill/keys/bundle"
	"sigill/keys/evidence"
	"sigill/keys/ident"
	"sigill/keys/keyfile"
	"sigill/keys/proof"
)

const (
	// DefaultStall is longer than a log that works leaves its witnesses unasked: an hour.
	DefaultStall = 3 * time.Hour
	// DefaultEvery is how often a log is looked at.
	DefaultEvery = 5 * time.Minute
)

// A Config says which log is followed, and how.
type Config struct {
	Source  string         // a URL or a directory
	Roots   *x509.CertPool // who signs the TLS certificate; nil: whom this machine trusts
	Trust   *bundle.Trust
	State   string        // file of what is remembered; it need not be there. Evidence lies beside it
	Stall   time.Duration // how long witnesses may not have seen the log; 0: DefaultStall
	Within  time.Duration // how long a look may take; 0: DefaultEvery. What it has counted by then stays counted
	Compare []string      // files with checkpoints that others have, and other sources of the log
}

// A Monitor follows one log. It is for one goroutine.
type Monitor struct {
	Config
	log    *tiles.Log
	others map[string]*tiles.Log // sources to compare with
	state  state
	saved  []byte
	lock   *os.File
}

// Open takes a monitor up where it was, and holds its state until [Monitor.Close].
func Open(c Config) (*Monitor, error) {
	if c.Stall == 0 {
		c.Stall = DefaultStall
	}
	if c.Within == 0 {
		c.Within = DefaultEvery
	}
	m := &Monitor{Config: c, others: map[string]*tiles.Log{}}
	var err error
	if m.log, err = tiles.Open(c.Source, c.Trust.Policy, c.Roots); err != nil {
		return nil, err
	}
	for _, what := range c.Compare {
		if info, err := os.Stat(what); err == nil && !info.IsDir() {
			continue
		}
		if m.others[what], err = tiles.Open(strings.TrimSuffix(what, "/checkpoint"), c.Trust.Policy, c.Roots); err != nil {
			return nil, err
		}
	}
	if m.lock, err = lock(c.State + ".lock"); err != nil {
		return nil, err
	}
	if m.state, m.saved, err = readState(c.State, c.Trust.Policy); err != nil {
		return nil, errors.Join(err, m.Close())
	}
	return m, nil
}

// Close lets go of the state.
func (m *Monitor) Close() error { return errors.Join(os.Remove(m.lock.Name()), m.lock.Close()) }

// lock makes a file and holds it. Who let go of it meanwhile has taken it away.
func lock(path string) (*os.File, error) {
	for {
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			return nil, keyfile.Pathless(err)
		}
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if errors.Is(err, syscall.EWOULDBLOCK) {
			err = ErrLocked
		}
		if err != nil {
			return nil, errors.Join(err, f.Close())
		}
		held, err := f.Stat()
		if there, gone := os.Stat(path); err == nil && gone == nil && os.SameFile(held, there) {
			return f, nil
		}
		if err = errors.Join(err, f.Close()); err != nil {
			return nil, err
		}
	}
}

// save puts the state in its file, on disk when it returns.
func (m *Monitor) save() error {
	if m.state.head.Note == nil {
		return nil
	}
	b, err := m.state.encode()
	if err != nil || bytes.Equal(b, m.saved) {
		return err
	}
	if err := client.WriteFile(m.State, b, 0o600, true); err != nil {
		return fmt.Errorf("remembering: %w", err)
	}
	m.saved = b
	return nil
}

// keep remembers a finding, once. What can be shown to a stranger goes into a file
// first; of what cannot, the notes are kept.
func (m *Monitor) keep(f Finding, e *evidence.Evidence) error {
	if !m.state.news(f.Name, f.At) {
		return nil
	}
	if e != nil {
		data, err := e.Marshal()
		if err == nil {
			_, err = evidence.Verify(data, m.Trust)
		}
		if err == nil {
			digest := ident.Sum(data)
			f.Notes, f.Evidence = nil, fmt.Sprintf("%s.%s-%d-%x.json", strings.TrimSuffix(filepath.Base(m.State), ".json"), f.Name, f.At, digest[:4])
			if err := client.WriteFile(filepath.Join(filepath.Dir(m.State), f.Evidence), data, 0o600, true); err != nil {
				return fmt.Errorf("keeping evidence: %w", err)
			}
		}
	}
	m.state.findings = m.state.with(f)
	return m.save()
}

// Watch looks at once, and then at a steady pace, until ctx ends; tell hears what each
// look says. A log that is down, or has another history, does not end it; a disk that
// does not take the state does.
func (m *Monitor) Watch(ctx context.Context, every time.Duration, tell func(Look) error) error {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		l, err := m.Look(ctx, time.Now())
		if ctx.Err() != nil {
			return nil
		}
		if err == nil {
			err = tell(l)
		}
		if err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// A Look is what one look says. Its JSON form is in SPEC, "Monitor".
type Look struct {
	Authority ident.Authority   `json:"authority"`
	Log       *Position         `json:"checkpoint,omitempty"` // followed so far; absent before the first
	Cosigned  int64             `json:"cosigned,omitempty"`   // newest time of a cosignature on what is given out, in seconds
	Day       ident.Date        `json:"day,omitempty"`        // the last whose file was held against the log
	Entries   map[string]uint64 `json:"entries"`              // counted, by kind
	Findings  []Finding         `json:"findings"`
	New       uint64            `json:"new_entries"`      // counted by this look
	Number    *proof.Number     `json:"number,omitempty"` // given last
	State     string            `json:"state"`            // one of the states below
	Time      int64             `json:"time"`             // of the look, in seconds
	Typ       string            `json:"typ"`
	Witnessed bool              `json:"witnessed"` // what is given out, by the policy's quorum
}

// A Position is a state of the log.
type Position struct {
	Root ident.Digest `json:"root"`
	Size uint64       `json:"size"`
}

// States of a look, the worst first.
const (
	StateFound   = "found"   // something is wrong
	StateUnknown = "unknown" // the log could not be read, or not far enough, or by a trust file that is not the newest
	StatePending = "pending" // too few witnesses have cosigned what is given out, not for long
	StateFine    = "fine"
)
