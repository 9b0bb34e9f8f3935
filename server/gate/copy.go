package gate

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"sigill/server/store"
)

// markKey is the row, in the gate's own room, that a copy of a store has and a store
// that is written does not: what the copy says of itself, under the store key.
var markKey = []byte("backup")

// Copy puts every row of one state of the store, as the engine has it, in the order of
// rooms and keys, and then a mark, which is made of that state.
func (s *Store) Copy(ctx context.Context, layout store.Layout, put func(room store.Room, key, value []byte) error,
	mark func(r store.Reader) ([]byte, error)) error {
	inner, err := s.engine.Snapshot(ctx)
	if err != nil {
		return err
	}
	defer inner.Close()
	for _, room := range slices.Sorted(maps.Keys(layout)) {
		for p, err := range inner.Scan(room, nil, nil) {
			if err == nil {
				err = ctx.Err()
			}
			if err == nil && (room != Room || !slices.Equal(p.Key, markKey)) {
				err = put(room, p.Key, p.Value)
			}
			if err != nil {
				return fmt.Errorf("copying room %s: %w", room, err)
			}
		}
	}
	text, err := mark(&snapshot{inner: inner, store: s})
	if err != nil {
		return err
	}
	return put(Room, markKey, s.seal(nil, Room, markKey, text))
}

// IsMark tells a copy's mark from its other rows.
func IsMark(room store.Room, key []byte) bool { return room == Room && slices.Equal(key, markKey) }

// Mark is what a copy says of itself, or store.ErrNotFound if the store is none.
func (s *Store) Mark(ctx context.Context) ([]byte, error) {
	inner, err := s.engine.Snapshot(ctx)
	if err != nil {
		return nil, err
	}
	defer inner.Close()
	value, err := inner.Get(Room, markKey)
	if err != nil {
		return nil, err
	}
	return (&snapshot{inner: inner, store: s}).open(Room, markKey, value)
}

// Unmark makes the copy a store again, with the next commit.
func (s *Store) Unmark() { s.unmark.Store(true) }

// withoutMark adds what [Store.Unmark] asked for to a commit.
func (s *Store) withoutMark(sealed store.Changes) store.Changes {
	if !s.unmark.Load() {
		return sealed
	}
	sealed = append(sealed, store.Change{Room: Room, Key: markKey, Delete: true})
	slices.SortFunc(sealed, func(a, b store.Change) int {
		return cmp.Or(cmp.Compare(a.Room, b.Room), slices.Compare(a.Key, b.Key))
	})
	return sealed
}
