// Package store is the small ordered key-value interface under everything that
// the server keeps. Rows live in rooms, a closed list given when a store is
// opened; one writer commits lists of changes, any number of readers read
// snapshots.
//
// Use first: [Store.Snapshot] to read, [NewOverlay] to prepare changes over a
// snapshot, [Store.Commit] to make them durable. Engines: package bolt (one
// file) and package memory (tests; it misbehaves on demand). Package gate
// decorates an engine so that no value reaches it in clear.
//
// Bytes that come out belong to the caller and outlive the snapshot they came
// from; what goes into an engine is copied. An overlay keeps what is put into it,
// and [Overlay.Changes] shows it.
//
// Storetest.Run is the suite that every engine and decorator passes; its model
// test proves overlays and commits against a plain map.
package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
)

// What a store refuses with. An error text names a room and never a key or a
// value.
var (
	// ErrNotFound: the room has no such row.
	ErrNotFound = errors.New("store: not found")
	// ErrUnknownRoom: the room is not in the store's layout.
	ErrUnknownRoom = errors.New("store: unknown room")
	// ErrInvalid: a key, value, layout or list of changes breaks the rules of
	// its type.
	ErrInvalid = errors.New("store: invalid")
	// ErrFull: there is no space for the commit. Nothing was changed, reading
	// goes on, and the commit may be tried again when there is space.
	ErrFull = errors.New("store: no space left")
	// ErrReadOnly: the store was opened for reading.
	ErrReadOnly = errors.New("store: read-only")
	// ErrStopped: a commit failed, and whether it will be there after a restart
	// is not known. The store refuses everything from then on.
	ErrStopped = errors.New("store: stopped after a failed commit")
	// ErrClosed: the store or the snapshot has been closed.
	ErrClosed = errors.New("store: closed")
	// ErrCorrupt: what was stored is not what was written.
	ErrCorrupt = errors.New("store: corrupt")
)

// Limits on rows, in bytes. Keys hold at least one byte; a value may be empty,
// which is not the same as absent.
const (
	MaxKey   = 512
	MaxValue = 4 << 20
	// MaxHeld is the longest value that an overlay takes: what lies between it and
	// the engine makes values longer, and a row that only the commit refuses stops
	// the server.
	MaxHeld = MaxValue - 64
)

// A Room is a named part of a store with its own keys: 1 to 32 of a-z, 0-9 and
// the hyphen, a letter first.
type Room string

// Order says how the keys of a room arrive.
type Order uint8

const (
	// Random keys arrive in any order.
	Random Order = iota
	// Ordered keys only ever grow, so that pages can be filled to the brim.
	// Another order is allowed and costs space.
	Ordered
)

// A Layout is the closed list of a store's rooms.
type Layout map[Room]Order

// Check returns ErrInvalid for an empty layout or a misnamed room.
func (l Layout) Check() error {
	if len(l) == 0 {
		return fmt.Errorf("%w: a layout without rooms", ErrInvalid)
	}
	for room, order := range l {
		if !room.valid() || order > Ordered {
			return fmt.Errorf("%w: room %q", ErrInvalid, string(room))
		}
	}
	return nil
}

func (r Room) valid() bool {
	for i, c := range []byte(r) {
		letter := 'a' <= c && c <= 'z'
		if !letter && (i == 0 || c != '-' && (c < '0' || c > '9')) {
			return false
		}
	}
	return 1 <= len(r) && len(r) <= 32
}

// A Pair is one row of a room.
type Pair struct {
	Key, Value []byte
}

// A Reader reads one state of a store. It is used by one goroutine at a time.
type Reader interface {
	// Get returns the value of a row, or ErrNotFound, ErrUnknownRoom,
	// ErrCorrupt, ErrClosed.
	Get(room Room, key []byte) ([]byte, error)

	// Scan yields the rows with from <= key < to in the order of their keys'
	// bytes. A nil from means from the first row, a nil to means to the last.
	// An error is yielded once, with an empty pair, and ends the iteration.
	Scan(room Room, from, to []byte) iter.Seq2[Pair, error]
}

// A Snapshot is the state of a store when it was taken; no later commit shows
// in it. It must be closed: until then the engine keeps every row that it
// shows. Closing twice is harmless.
type Snapshot interface {
	Reader
	Close() error
}

// A Store is opened by its engine's package. Its methods may be called by
// several goroutines; commits are taken one at a time.
type Store interface {
	// Snapshot returns the newest durable state: a commit that has not reached
	// the disk is never seen, so that nothing leaves the server which a power
	// cut could take back. It does not wait for a running commit.
	Snapshot(ctx context.Context) (Snapshot, error)

	// Commit applies all changes or none, and returns when they are durable.
	// An open snapshot does not hinder it. It keeps nothing of changes.
	//
	// The errors ErrInvalid, ErrUnknownRoom, ErrFull, ErrReadOnly, ErrClosed
	// and that of a context which ended before the commit began mean that
	// nothing was changed. Any other is final: the changes may or may not be
	// there after the next start, and the store answers only ErrStopped, since
	// engines and file systems go on after a failed flush as if it had
	// succeeded. A context that ends later does not cut a commit short.
	Commit(ctx context.Context, changes Changes) error

	// Close refuses new work and lets go of the store, at the latest when the
	// last open snapshot is closed. Closing twice is harmless.
	Close() error
}

// A Change puts a value into a row or deletes the row; deleting what is not
// there changes nothing.
type Change struct {
	Room   Room
	Key    []byte
	Value  []byte // nil when Delete is set
	Delete bool
}

// Changes are strictly ascending by room and key, as Overlay.Changes returns
// them.
type Changes []Change

// Check returns ErrUnknownRoom or ErrInvalid unless every change is within the
// limits and the layout. Engines call it before they touch anything.
func (c Changes) Check(layout Layout) error {
	for i, change := range c {
		if _, known := layout[change.Room]; !known {
			return fmt.Errorf("%w: %q", ErrUnknownRoom, string(change.Room))
		}
		if err := checkRow(change.Key, change.Value); err != nil {
			return fmt.Errorf("room %s: %w", change.Room, err)
		}
		if change.Delete && change.Value != nil {
			return fmt.Errorf("room %s: %w: a deletion with a value", change.Room, ErrInvalid)
		}
		if i > 0 && !c[i-1].before(change) {
			return fmt.Errorf("room %s: %w: changes out of order", change.Room, ErrInvalid)
		}
	}
	return nil
}

func (c Change) before(d Change) bool {
	if c.Room != d.Room {
		return c.Room < d.Room
	}
	return bytes.Compare(c.Key, d.Key) < 0
}

func checkRow(key, value []byte) error {
	if len(key) == 0 || len(key) > MaxKey {
		return fmt.Errorf("%w: a key of %d bytes", ErrInvalid, len(key))
	}
	if len(value) > MaxValue {
		return fmt.Errorf("%w: a value of %d bytes", ErrInvalid, len(value))
	}
	return nil
}
