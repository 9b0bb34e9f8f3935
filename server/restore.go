package server

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"sigill/keys/bundle"
	"sigill/keys/proof"
	"sigill/server/gate"
	"sigill/server/ledger"
	"sigill/server/store"
	"sigill/server/store/bolt"
	"sigill/server/workflow"
)

// ErrNotEmpty: a backup is restored into an empty data directory alone.
var ErrNotEmpty = errors.New("the data directory is not empty: let data name another, or move what lies there")

// ErrRunning: what is to be done is not done beside a running server.
var ErrRunning = errors.New("a server, or another sigilld, uses the store: stop it first")

// Restored is what a backup was found to hold.
type Restored struct {
	Manifest Manifest         `json:"manifest"`
	Holds    *workflow.Survey `json:"holds"`
	Checked  *Checked         `json:"checked,omitempty"` // of a rehearsal: what sigilld check says
}

// Restore puts a backup into the configured data directory, which must be empty or
// not there, once all of it has been verified: that it is whole, this authority's,
// opens with the gate key, and that its log is the one whose checkpoint the log key
// signed. The server does not start on it before [Recover].
func Restore(ctx context.Context, c Config, from string) (*Restored, error) {
	if list, err := os.ReadDir(c.Data); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	} else if len(list) > 0 {
		engine, err := openWith(bolt.OpenReadOnly, c.Data)
		if errors.Is(err, bolt.ErrLocked) {
			return nil, fmt.Errorf("%w; and %w", ErrRunning, ErrNotEmpty)
		}
		if err == nil {
			_ = engine.Close() // which was only read
		}
		return nil, ErrNotEmpty
	}
	if err := makeData(c.Data); err != nil {
		return nil, fmt.Errorf("making the data directory: %w", err)
	}
	return c.restore(ctx, from)
}

// Rehearse restores a backup into a directory of its own, opens it as a server would,
// checks it as [CheckStore] does, and takes the directory away again. It lies where the system has temporary files
// (TMPDIR) and holds nothing in clear.
func Rehearse(ctx context.Context, c Config, from string) (_ *Restored, err error) {
	if c.Data, err = os.MkdirTemp("", "sigill-rehearsal-*"); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(c.Data)) }()
	if _, err := c.restore(ctx, from); err != nil {
		return nil, err
	}
	trust, k, err := c.load()
	if err != nil {
		return nil, err
	}
	r, err := c.inspect(ctx, bolt.Open, filepath.Join(c.Data, storeFile), k, trust)
	if err != nil {
		return nil, err
	}
	r.Checked, err = c.checkStopped(ctx, func(string, uint64) {})
	return r, err
}

func (c Config) restore(ctx context.Context, from string) (*Restored, error) {
	trust, k, err := c.load()
	if err != nil {
		return nil, err
	}
	r, err := c.inspect(ctx, bolt.OpenReadOnly, from, k, trust)
	if err != nil {
		return nil, fmt.Errorf("verifying the backup: %w", err)
	}
	if err := c.place(ctx, from, k); err != nil {
		return nil, fmt.Errorf("restoring: %w", err)
	}
	return r, nil
}

// openCopy opens a store's file with the gate key.
func openCopy(ctx context.Context, open func(bolt.Config) (*bolt.Store, error), path string, k *keys) (*gate.Store, error) {
	engine, err := open(bolt.Config{Path: path, Layout: layout()})
	if err != nil {
		return nil, err
	}
	s, err := gate.Open(ctx, engine, k.gate)
	if err != nil {
		return nil, errors.Join(err, engine.Close())
	}
	return s, nil
}

// inspect verifies a copy and reads all that it holds.
func (c Config) inspect(ctx context.Context, open func(bolt.Config) (*bolt.Store, error), path string, k *keys, trust *bundle.Trust) (_ *Restored, err error) {
	s, err := openCopy(ctx, open, path, k)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	m, err := manifest(ctx, s, trust.Authority)
	if err != nil {
		return nil, err
	}
	l, err := verifyCopy(ctx, s, k, trust, m)
	if err != nil {
		return nil, err
	}
	office, err := workflow.New(ctx, c.office(trust, k), l, cipher{s})
	if err != nil {
		return nil, err
	}
	holds, err := office.Survey(ctx)
	return &Restored{Manifest: *m, Holds: holds}, err
}

// place puts a verified backup into the data directory, whole or not at all.
func (c Config) place(ctx context.Context, from string, k *keys) (err error) {
	s, err := openCopy(ctx, bolt.OpenReadOnly, from, k)
	if err != nil {
		return err
	}
	path, note := filepath.Join(c.Data, storeFile), filepath.Join(c.Data, checkpointFile)
	defer func() {
		if err = errors.Join(err, s.Close()); err != nil {
			_, _ = os.Remove(path), os.Remove(note) // the directory was empty
		}
	}()
	d, err := bolt.NewDraft(bolt.Config{Path: path, Layout: layout()})
	if err != nil {
		return err
	}
	defer d.Drop()
	var m *Manifest
	sum := newRowSum()
	err = s.Copy(ctx, layout(), func(room store.Room, key, value []byte) error {
		if !gate.IsMark(room, key) {
			sum.add(room, key, value)
		}
		return d.Put(room, key, value)
	}, func(store.Reader) (mark []byte, err error) {
		if mark, err = s.Mark(ctx); err == nil {
			m, err = parseManifest(mark)
		}
		if err == nil && (sum.rows != m.Rows || sum.digest() != m.Digest) {
			err = ErrBackup
		}
		return mark, err
	})
	if err == nil {
		err = d.Finish()
	}
	if err != nil {
		return err
	}
	return replace(note, []byte(m.Checkpoint))
}

// verifyCopy opens every value, makes the log anew from its entries, and holds it
// against the checkpoint, which this log's key must have signed.
func verifyCopy(ctx context.Context, s *gate.Store, k *keys, trust *bundle.Trust, m *Manifest) (*ledger.Ledger, error) {
	snap, err := s.Snapshot(ctx)
	if err != nil {
		return nil, err
	}
	defer snap.Close()
	for room := range layout() {
		if room == gate.Room {
			continue
		}
		for _, err := range snap.Scan(room, nil, nil) {
			if err = errors.Join(err, ctx.Err()); err != nil {
				return nil, err
			}
		}
	}
	cp, err := proof.OpenCheckpoint([]byte(m.Checkpoint), trust.Policy)
	if err != nil {
		return nil, err
	}
	l, err := ledger.Open(ctx, s, k.log, false, k.before...)
	if err != nil {
		return nil, err
	}
	if head := l.Head(); cp.Size != head.Size || cp.Root != head.Root {
		return nil, ErrBackup
	}
	return l, l.Verify(ctx)
}
