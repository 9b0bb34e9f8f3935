// Package bolt is the store engine that keeps everything in one bbolt file.
//
// Use first: [Create] once, [Open] at each start; [OpenReadOnly] reads a copy of
// a stopped store. Which bytes lie in the file is in SPEC.md, "The store file".
//
// Bbolt is a good engine behind a trusting door, and this package is the door.
// A file is refused before bbolt sees it when it is empty, short, truncated,
// foreign, readable by others or in use (file.go). Space is taken from the file
// system before a commit and never inside one (reserve.go). The first failed
// commit is the last. Readers see only what is durable. A damaged page is an
// error and does not kill the process, where Go allows that; a damaged value is
// not noticed here but by package gate. Long values lie on pages of their own
// (row.go).
//
// It needs Linux (flock, fallocate). The suite in storetest, file_test.go and
// space_test.go prove the above.
package bolt

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"runtime/debug"
	"sync"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"sigill/server/store"
)

// Config says which file, for what.
type Config struct {
	// Path is the file. Its folder must exist.
	Path string
	// Layout lists the rooms. Open adds rooms that the file does not have yet,
	// and refuses a file that has others.
	Layout store.Layout
	// MaxSize is the size in bytes that the file may grow to; 0 means 1 TiB,
	// which is also the most. A commit that needs more is store.ErrFull.
	MaxSize int64
}

// A Store is one open file. It implements store.Store.
type Store struct {
	layout   store.Layout
	instance [16]byte
	reserve  reserve
	readOnly bool

	write  sync.Mutex // held by a commit
	wedged bool       // bbolt panicked and may hold its own locks for ever (under write)

	mu      sync.Mutex // guards all below
	db      *bbolt.DB
	now     *generation // newest durable state; nil when closed
	open    int         // generations alive
	refusal error
}

// A generation is one durable state, shared by all its snapshots: one bbolt
// read transaction, begun after the commit had returned. Bbolt itself would
// show a new state as soon as its meta page is written, before it is flushed.
// A read transaction only reads (its counters are atomic), so that snapshots
// may share it.
type generation struct {
	tx    *bbolt.Tx
	rooms map[store.Room]*bbolt.Bucket
	users int // snapshots, and 1 while it is the newest; under Store.mu
}

// Instance returns the random id that the file got when it was created. Copies
// share it; two stores never do.
func (s *Store) Instance() [16]byte { return s.instance }

// Snapshot implements store.Store.
func (s *Store) Snapshot(ctx context.Context) (store.Snapshot, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refusal != nil {
		return nil, s.refusal
	}
	s.now.users++
	return &snapshot{store: s, gen: s.now}, nil
}

// Commit implements store.Store.
func (s *Store) Commit(ctx context.Context, changes store.Changes) error {
	if s.readOnly {
		return store.ErrReadOnly
	}
	if err := changes.Check(s.layout); err != nil {
		return err
	}
	s.write.Lock()
	defer s.write.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	refusal := s.refusal
	s.mu.Unlock()
	if refusal != nil {
		return refusal
	}
	err := s.apply(changes)
	for errors.Is(err, berrors.ErrMaxSizeReached) {
		// Bbolt ran out of reserved pages while laying out the commit and has
		// written nothing.
		if err = s.reserve.grow(s.db); errors.Is(err, store.ErrFull) {
			return err
		}
		if err == nil {
			err = s.apply(changes)
		}
	}
	if err == nil {
		err = s.advance()
	}
	if err != nil {
		s.mu.Lock()
		s.refusal = store.ErrStopped
		s.mu.Unlock()
		return fmt.Errorf("committing: %w: %w", store.ErrStopped, err)
	}
	return nil
}

// apply makes one bbolt commit of changes.
func (s *Store) apply(changes store.Changes) error {
	err := guarded(func() error {
		tx, err := s.db.Begin(true)
		if err != nil {
			return err
		}
		if err := s.stage(tx, changes); err != nil {
			return errors.Join(err, tx.Rollback())
		}
		return tx.Commit()
	})
	s.wedged = errors.Is(err, errPanicked)
	return err
}

func (s *Store) stage(tx *bbolt.Tx, changes store.Changes) error {
	var bucket *bbolt.Bucket
	for i, c := range changes {
		if i == 0 || c.Room != changes[i-1].Room {
			if bucket = tx.Bucket([]byte(c.Room)); bucket == nil {
				return store.ErrCorrupt
			}
			if s.layout[c.Room] == store.Ordered {
				bucket.FillPercent = 1
			}
		}
		var err error
		if c.Delete {
			err = deleteRow(bucket, c.Key)
		} else {
			err = putRow(bucket, c.Key, c.Value)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// advance makes what is durable now the newest generation.
func (s *Store) advance() error {
	next := &generation{rooms: map[store.Room]*bbolt.Bucket{}, users: 1}
	err := guarded(func() (err error) {
		if next.tx, err = s.db.Begin(false); err != nil {
			return err
		}
		for room := range s.layout {
			// Only a read-only file may lack a room, which is then empty.
			next.rooms[room] = next.tx.Bucket([]byte(room))
		}
		return nil
	})
	if err != nil {
		s.wedged = errors.Is(err, errPanicked)
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.now
	s.now = next
	s.open++
	if old != nil {
		return s.release(old)
	}
	return nil
}

// release gives up one use of a generation, and the file with the last one.
// The caller holds mu.
func (s *Store) release(g *generation) error {
	if g.users--; g.users > 0 {
		return nil
	}
	err := guarded(g.tx.Rollback)
	if s.open--; s.open > 0 {
		return err
	}
	if s.wedged {
		return errors.Join(err, abandon(s.reserve.file))
	}
	return errors.Join(err, guarded(s.db.Close))
}

// Close implements store.Store.
func (s *Store) Close() error {
	s.write.Lock()
	defer s.write.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.now == nil {
		return nil
	}
	last := s.now
	s.now, s.refusal = nil, store.ErrClosed
	if err := s.release(last); err != nil {
		return fmt.Errorf("closing the store: %w", err)
	}
	return nil
}

type snapshot struct {
	store *Store
	gen   *generation // nil when closed
}

func (p *snapshot) bucket(room store.Room) (*bbolt.Bucket, error) {
	if p.gen == nil {
		return nil, store.ErrClosed
	}
	bucket, known := p.gen.rooms[room]
	if !known {
		return nil, fmt.Errorf("%w: %q", store.ErrUnknownRoom, string(room))
	}
	return bucket, nil
}

// Get implements store.Reader.
func (p *snapshot) Get(room store.Room, key []byte) (value []byte, err error) {
	bucket, err := p.bucket(room)
	if err != nil {
		return nil, err
	}
	if bucket == nil {
		return nil, store.ErrNotFound
	}
	err = guarded(func() error {
		found, err := getRow(bucket, key)
		if err != nil {
			return err
		}
		if found == nil {
			return store.ErrNotFound
		}
		value, err = clone(found, store.MaxValue)
		return err
	})
	return value, err
}

// Scan implements store.Reader.
func (p *snapshot) Scan(room store.Room, from, to []byte) iter.Seq2[store.Pair, error] {
	return func(yield func(store.Pair, error) bool) {
		bucket, err := p.bucket(room)
		if err != nil {
			yield(store.Pair{}, err)
			return
		}
		if bucket == nil {
			return
		}
		var cursor *bbolt.Cursor
		var row store.Pair
		// step reads one row. The loop's body runs outside the guard, so that
		// its panics stay its own.
		step := func() (err error) {
			var key, value []byte
			if cursor == nil {
				cursor = bucket.Cursor()
				key, value = cursor.Seek(from)
			} else {
				key, value = cursor.Next()
			}
			if key == nil || to != nil && bytes.Compare(key, to) >= 0 {
				row = store.Pair{}
				return nil
			}
			if row.Key, err = clone(key, store.MaxKey); err != nil {
				return err
			}
			if value, err = rowValue(bucket, row.Key, value); err == nil {
				row.Value, err = clone(value, store.MaxValue)
			}
			return err
		}
		for {
			if p.gen == nil {
				yield(store.Pair{}, store.ErrClosed)
				return
			}
			if err := guarded(step); err != nil {
				yield(store.Pair{}, err)
				return
			}
			if row.Key == nil || !yield(row, nil) {
				return
			}
		}
	}
}

// Close implements store.Snapshot.
func (p *snapshot) Close() error {
	if p.gen == nil {
		return nil
	}
	p.store.mu.Lock()
	defer p.store.mu.Unlock()
	gen := p.gen
	p.gen = nil
	return p.store.release(gen)
}

// errPanicked marks the errors that guarded made of a panic.
var errPanicked = fmt.Errorf("%w: bbolt gave up on a damaged page", store.ErrCorrupt)

// guarded runs a few bbolt calls. Bbolt panics on a page that contradicts
// itself and faults on one that points outside the file; both become
// errPanicked, without the panic's text, which may hold what was stored.
func guarded(calls func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if recover() != nil {
			err = errPanicked
		}
	}()
	return calls()
}

// clone copies what bbolt shows of its pages. A damaged length must not become
// an allocation that ends the process.
func clone(b []byte, limit int) ([]byte, error) {
	if len(b) > limit {
		return nil, fmt.Errorf("%w: a row beyond all limits", store.ErrCorrupt)
	}
	return append(make([]byte, 0, len(b)), b...), nil
}

// openBbolt hands a locked and checked file to bbolt. Address space for all
// that the file may grow to is mapped at once: bbolt would otherwise wait for
// every reader before it maps a larger file.
func openBbolt(file *os.File, readOnly bool) (db *bbolt.DB, err error) {
	options := &bbolt.Options{
		FreelistType: bbolt.FreelistMapType,
		PageSize:     pageSize,
		ReadOnly:     readOnly,
		NoStatistics: true,
		OpenFile:     func(string, int, os.FileMode) (*os.File, error) { return file, nil },
	}
	if !readOnly {
		options.InitialMmapSize = maxSize
	}
	err = guarded(func() error {
		db, err = bbolt.Open(file.Name(), 0o600, options)
		return err
	})
	return db, err
}
