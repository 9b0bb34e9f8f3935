package server

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"time"

	"sigill/keys/bundle"
	"sigill/server/check"
	"sigill/server/control"
	"sigill/server/gate"
	"sigill/server/store"
	"sigill/server/store/bolt"
	"sigill/server/workflow"
)

// A Checked is what a check of the whole store came to.
type Checked struct {
	State   string  `json:"state"` // green, or findings
	Rows    uint64  `json:"rows"`
	Seconds float64 `json:"seconds"`
	workflow.Figures
	LastGreen *Green `json:"last_green,omitempty"` // the one before
	Again     string `json:"again,omitempty"`      // what became of a check that was interrupted
	check.Findings
}

// A Green is when nothing was found, and how long the log was.
type Green struct {
	At      time.Time `json:"at"` // to the minute
	Entries uint64    `json:"entries"`
}

// checkFile, in the data directory, holds the last green check, and how far one has come
// that was interrupted.
const checkFile = "check.json"

// A checkState is what that file holds. Its MAC, under a key of the store, keeps who may
// write the file alone from saying that rooms have been read that have not.
type checkState struct {
	Green *Green  `json:"green,omitempty"`
	Begun *midway `json:"begun,omitempty"`
	MAC   []byte  `json:"mac,omitempty"`
}

// sealed is the state with its MAC.
func (s checkState) sealed(by *gate.Store) (checkState, error) {
	s.MAC = nil
	b, err := json.Marshal(s)
	mac := by.MAC("check", b)
	s.MAC = mac[:]
	return s, err
}

// midway is where a check was interrupted: which state of the store it was of, how many
// rooms were read, how many matters verified, and what had been found.
type midway struct {
	Store    string `json:"store"`
	Rooms    int    `json:"rooms"`
	Done     uint64 `json:"done"`
	Verified uint64 `json:"verified"`
	check.Findings
}

// A checking is a check under way.
type checking struct {
	trust    *bundle.Trust
	store    *gate.Store
	dir      string
	instance string                            // digest of the file, if it can be interrupted
	lock     sync.Locker                       // held to write how it went; nil: nobody else does
	pace     func() error                      // is called for every row
	told     func(step string, percent uint64) // of progress
}

// CheckStore checks the whole store of a configuration: by the running server, or if none
// runs, in the file itself, which is only read.
func CheckStore(ctx context.Context, c Config, told func(step string, percent uint64)) (*Checked, error) {
	in, err := control.Ask(ctx, c.Data, "check", nil)
	if errors.Is(err, control.ErrNobody) {
		return c.checkStopped(ctx, told)
	}
	if err != nil {
		return nil, err
	}
	defer in.Close()
	var found *Checked
	for d := json.NewDecoder(in); ; {
		var l checkLine
		switch err := d.Decode(&l); {
		case errors.Is(err, io.EOF) && found != nil:
			return found, nil
		case err != nil:
			return nil, err
		case l.Checked != nil:
			found = l.Checked
		default:
			told(l.Step, l.Percent)
		}
	}
}

// A checkLine is what the server answers with: how far it has come, and last what it
// found.
type checkLine struct {
	Step    string   `json:"step,omitempty"`
	Percent uint64   `json:"percent,omitempty"`
	Checked *Checked `json:"checked,omitempty"`
}

// sendCheck answers with a check of the store as it is now.
func (s *Server) sendCheck(ctx context.Context, _ url.Values, w io.Writer) error {
	out := json.NewEncoder(w)
	k := checking{trust: s.trust, store: s.store, dir: s.config.Data, lock: &s.checks, pace: ctx.Err, told: func(step string, percent uint64) {
		_ = out.Encode(checkLine{Step: step, Percent: percent}) // who has gone is found by ctx
	}}
	found, err := k.run(ctx)
	if err != nil {
		return err
	}
	s.noteCheck(found)
	return out.Encode(checkLine{Checked: found})
}

func (c Config) checkStopped(ctx context.Context, told func(string, uint64)) (_ *Checked, err error) {
	trust, k, err := c.load()
	if err != nil {
		return nil, err
	}
	path := filepath.Join(c.Data, storeFile)
	engine, err := openWith(bolt.OpenReadOnly, c.Data)
	if err != nil {
		return nil, err
	}
	instance, err := digestOf(ctx, path)
	if err != nil {
		return nil, errors.Join(err, engine.Close())
	}
	s, err := gate.Open(ctx, engine, k.gate)
	for _, no := range []error{gate.ErrWrongKey, gate.ErrNoKey, gate.ErrNoSum, store.ErrCorrupt} {
		if errors.Is(err, no) { // all else rests on it
			w := &check.Walk{}
			w.Found(gate.Room, err.Error())
			return &Checked{State: "findings", Findings: w.Findings}, engine.Close()
		}
	}
	if err != nil {
		return nil, errors.Join(err, engine.Close())
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	one := checking{trust: trust, store: s, dir: c.Data, pace: ctx.Err, told: told, instance: instance}
	return one.run(ctx)
}

// digestOf is the SHA-256 of a file. Its times would be told sooner, but root sets the
// clock: what was changed behind an interrupted check would not be read again.
func digestOf(ctx context.Context, path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	for err == nil {
		if err = ctx.Err(); err == nil {
			_, err = io.CopyN(h, f, 64<<20)
		}
	}
	if !errors.Is(err, io.EOF) {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// before is what that file holds, if this store wrote it: whoever changes it gains a
// check from the beginning.
func (k *checking) before() checkState {
	var s checkState
	b, err := os.ReadFile(filepath.Join(k.dir, checkFile))
	if err != nil || json.Unmarshal(b, &s) != nil {
		return checkState{}
	}
	want, err := s.sealed(k.store)
	if err != nil || !hmac.Equal(s.MAC, want.MAC) {
		return checkState{}
	}
	return s
}

// keep writes that file. Where that cannot be done, the next check begins anew and knows
// of an earlier green one: what was found is told all the same.
func (k *checking) keep(s checkState) {
	if k.lock != nil {
		k.lock.Lock()
		defer k.lock.Unlock()
	}
	s, err := s.sealed(k.store)
	if err != nil {
		return
	}
	if b, err := json.Marshal(s); err == nil {
		_ = replace(filepath.Join(k.dir, checkFile), b)
	}
}
