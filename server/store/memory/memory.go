// Package memory is the store engine for tests: a disk in memory that
// misbehaves on demand, so that what stands on a store can be seen to hold when
// its store does not.
//
// Use first: [NewDisk], then [Disk.Open] as often as the server under test is
// to start. [Disk.Fault], [Disk.Freeze] and [Disk.Tamper] are the ways to go
// wrong. Nothing outside tests imports it; storetest.Run proves that it is a
// store, memory_test.go that the faults are what they say.
package memory

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"

	"sigill/server/store"
)

// A Disk keeps what its stores commit. Its methods may be called by any
// goroutine.
type Disk struct {
	layout store.Layout

	mu      sync.Mutex // guards all below and the fields of its stores
	durable state
	frozen  bool
	commits int
	faults  map[int]Fault
	tamper  func(room store.Room, key, value []byte) []byte
	current *Store
}

// state is immutable: a commit makes a new one. Rows are sorted by key.
type state map[store.Room][]store.Pair

// A Fault says how one commit goes wrong.
type Fault struct {
	// During, if set, is called when the commit has begun and nothing has been
	// applied; the commit goes on when it returns. Snapshots can be taken
	// meanwhile. If the disk is opened again meanwhile, as after a kill, the
	// commit is lost.
	During func()
	// Err, if set, is what fails. The store stops, unless it is store.ErrFull.
	Err error
	// Applied makes the commit durable although it reports an Err that stops.
	Applied bool
}

// NewDisk returns an empty disk for the rooms of layout, which it panics on if
// they are not valid.
func NewDisk(layout store.Layout) *Disk {
	if err := layout.Check(); err != nil {
		panic(err)
	}
	return &Disk{layout: layout, faults: map[int]Fault{}}
}

// Open starts a store from what is durable on the disk. A store that was open
// before is gone as after a kill: it answers store.ErrStopped.
func (d *Disk) Open() *Store {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.current != nil && d.current.refusal == nil {
		d.current.refusal = store.ErrStopped
	}
	d.frozen = false
	d.current = &Store{disk: d, state: d.durable}
	return d.current
}

// Fault makes the nth commit from now (1 is the next) go wrong. Commits refused
// before they begin are not counted.
func (d *Disk) Fault(nth int, f Fault) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.faults[d.commits+nth] = f
}

// Freeze keeps the disk as it is: commits report success and are seen until the
// next Open, which finds none of them, as with a disk that lies about flushing
// or a file put back to an older copy.
func (d *Disk) Freeze() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.frozen = true
}

// Tamper makes f stand between the disk and all readers: it is given a copy of
// each value read and returns what is read instead. Nil ends it.
func (d *Disk) Tamper(f func(room store.Room, key, value []byte) []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.tamper = f
}

// A Store is one opening of a Disk.
type Store struct {
	disk    *Disk
	commit  sync.Mutex // one commit at a time
	state   state
	refusal error
}

// Snapshot implements store.Store.
func (s *Store) Snapshot(ctx context.Context) (store.Snapshot, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.disk.mu.Lock()
	defer s.disk.mu.Unlock()
	if s.refusal != nil {
		return nil, s.refusal
	}
	return &snapshot{disk: s.disk, state: s.state}, nil
}

// Commit implements store.Store.
func (s *Store) Commit(ctx context.Context, changes store.Changes) error {
	if err := changes.Check(s.disk.layout); err != nil {
		return err
	}
	s.commit.Lock()
	defer s.commit.Unlock()
	d := s.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	if s.refusal != nil {
		return s.refusal
	}
	d.commits++
	fault := d.faults[d.commits]
	delete(d.faults, d.commits)
	if fault.During != nil {
		d.mu.Unlock()
		fault.During()
		d.mu.Lock()
		if s.refusal != nil { // the disk was opened again, or the store closed
			return store.ErrStopped
		}
	}
	if errors.Is(fault.Err, store.ErrFull) {
		return fmt.Errorf("committing: %w", fault.Err)
	}
	next := s.state.with(changes)
	if !d.frozen && (fault.Err == nil || fault.Applied) {
		d.durable = next
	}
	if fault.Err != nil {
		s.refusal = store.ErrStopped
		return fmt.Errorf("committing: %w: %w", store.ErrStopped, fault.Err)
	}
	s.state = next
	return nil
}

// Close implements store.Store.
func (s *Store) Close() error {
	s.disk.mu.Lock()
	defer s.disk.mu.Unlock()
	s.refusal = store.ErrClosed
	return nil
}

func (old state) with(changes store.Changes) state {
	next := state{}
	for room, rows := range old {
		next[room] = slices.Clone(rows)
	}
	for _, c := range changes {
		rows := next[c.Room]
		i, found := find(rows, c.Key)
		switch {
		case c.Delete && found:
			rows = slices.Delete(rows, i, i+1)
		case c.Delete:
		case found:
			rows[i] = copyPair(store.Pair{Key: c.Key, Value: c.Value})
		default:
			rows = slices.Insert(rows, i, copyPair(store.Pair{Key: c.Key, Value: c.Value}))
		}
		next[c.Room] = rows
	}
	return next
}

func find(rows []store.Pair, key []byte) (int, bool) {
	return slices.BinarySearchFunc(rows, key, func(p store.Pair, key []byte) int { return bytes.Compare(p.Key, key) })
}

func copyPair(p store.Pair) store.Pair {
	return store.Pair{
		Key:   append([]byte{}, p.Key...),
		Value: append([]byte{}, p.Value...),
	}
}

type snapshot struct {
	disk   *Disk
	state  state
	closed bool
}

func (s *snapshot) room(room store.Room) ([]store.Pair, error) {
	if s.closed {
		return nil, store.ErrClosed
	}
	if _, known := s.disk.layout[room]; !known {
		return nil, fmt.Errorf("%w: %q", store.ErrUnknownRoom, string(room))
	}
	return s.state[room], nil
}

func (s *snapshot) read(room store.Room, p store.Pair) store.Pair {
	s.disk.mu.Lock()
	tamper := s.disk.tamper
	s.disk.mu.Unlock()
	p = copyPair(p)
	if tamper != nil {
		p.Value = tamper(room, p.Key, p.Value)
	}
	return p
}

func (s *snapshot) Get(room store.Room, key []byte) ([]byte, error) {
	rows, err := s.room(room)
	if err != nil {
		return nil, err
	}
	i, found := find(rows, key)
	if !found {
		return nil, store.ErrNotFound
	}
	return s.read(room, rows[i]).Value, nil
}

func (s *snapshot) Scan(room store.Room, from, to []byte) iter.Seq2[store.Pair, error] {
	return func(yield func(store.Pair, error) bool) {
		rows, err := s.room(room)
		if err != nil {
			yield(store.Pair{}, err)
			return
		}
		i, _ := find(rows, from)
		for _, p := range rows[i:] {
			if s.closed {
				yield(store.Pair{}, store.ErrClosed)
				return
			}
			if to != nil && bytes.Compare(p.Key, to) >= 0 || !yield(s.read(room, p), nil) {
				return
			}
		}
	}
}

func (s *snapshot) Close() error {
	s.closed = true
	return nil
}
