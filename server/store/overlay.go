package store

import (
	"bytes"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
)

// An Overlay reads through to a base and holds changes over it until they are
// merged into the overlay below or committed. Overlays nest: one for each
// operation inside one for each batch, so that an operation that fails is
// dropped and leaves nothing. It is used by one goroutine.
type Overlay struct {
	base Reader
	held map[Room]map[string]held
}

type held struct {
	value   []byte
	deleted bool
}

// NewOverlay returns an empty overlay over base.
func NewOverlay(base Reader) *Overlay {
	return &Overlay{base: base, held: map[Room]map[string]held{}}
}

// Get is Reader.Get with the changes applied.
func (o *Overlay) Get(room Room, key []byte) ([]byte, error) {
	h, ok := o.held[room][string(key)]
	switch {
	case !ok:
		return o.base.Get(room, key)
	case h.deleted:
		return nil, ErrNotFound
	}
	return clone(h.value), nil
}

// Put changes the value of a row and keeps value, which must not be changed
// afterwards. It returns ErrInvalid for what no engine
// would take, and for a value longer than MaxHeld; a room that the engine does not
// know is found by Commit.
func (o *Overlay) Put(room Room, key, value []byte) error {
	if err := checkRow(key, value); err != nil {
		return err
	}
	if len(value) > MaxHeld {
		return fmt.Errorf("%w: a value of %d bytes in an overlay", ErrInvalid, len(value))
	}
	o.hold(room, string(key), held{value: value})
	return nil
}

// Delete removes a row, if it is there. It returns ErrInvalid for a key that no
// engine would take.
func (o *Overlay) Delete(room Room, key []byte) error {
	if err := checkRow(key, nil); err != nil {
		return err
	}
	o.hold(room, string(key), held{deleted: true})
	return nil
}

func (o *Overlay) hold(room Room, key string, h held) {
	rows := o.held[room]
	if rows == nil {
		rows = map[string]held{}
		o.held[room] = rows
	}
	rows[key] = h
}

// Scan is Reader.Scan with the changes applied, as they stand when the
// iteration begins: rows may be put and deleted inside the loop.
func (o *Overlay) Scan(room Room, from, to []byte) iter.Seq2[Pair, error] {
	return func(yield func(Pair, error) bool) {
		own := o.sorted(room, from, to)
		// emit yields the own rows up to and with limit (all if nil) and says
		// whether to go on.
		emit := func(limit []byte) bool {
			for len(own) > 0 && (limit == nil || bytes.Compare(own[0].Key, limit) <= 0) {
				c := own[0]
				own = own[1:]
				if !c.Delete && !yield(Pair{c.Key, clone(c.Value)}, nil) {
					return false
				}
			}
			return true
		}
		for p, err := range o.base.Scan(room, from, to) {
			if err != nil {
				yield(Pair{}, err)
				return
			}
			_, replaced := slices.BinarySearchFunc(own, p.Key, compareKey)
			if !emit(p.Key) || !replaced && !yield(p, nil) {
				return
			}
		}
		emit(nil)
	}
}

// Merge takes over what child, an overlay over o, holds, and leaves child
// empty. Merging an overlay that lies over something else is a mistake of the
// program and panics.
func (o *Overlay) Merge(child *Overlay) {
	if child.base != Reader(o) {
		panic(errors.New("store: merging an overlay into one that it does not lie over"))
	}
	for room, rows := range child.held {
		if o.held[room] == nil {
			o.held[room] = rows
			continue
		}
		for key, h := range rows {
			o.hold(room, key, h)
		}
	}
	clear(child.held)
}

// Changes returns what the overlay holds, in the order that Commit wants. It
// shares the overlay's bytes, which must not be changed.
func (o *Overlay) Changes() Changes {
	var changes Changes
	for room := range o.held {
		changes = append(changes, o.sorted(room, nil, nil)...)
	}
	slices.SortStableFunc(changes, func(a, b Change) int {
		return strings.Compare(string(a.Room), string(b.Room))
	})
	return changes
}

// sorted returns the held changes of a room with from <= key < to, ascending.
func (o *Overlay) sorted(room Room, from, to []byte) Changes {
	var changes Changes
	for key, h := range o.held[room] {
		if key >= string(from) && (to == nil || key < string(to)) {
			changes = append(changes, Change{Room: room, Key: []byte(key), Value: h.value, Delete: h.deleted})
		}
	}
	slices.SortFunc(changes, func(a, b Change) int { return bytes.Compare(a.Key, b.Key) })
	return changes
}

func compareKey(c Change, key []byte) int { return bytes.Compare(c.Key, key) }

// clone returns a copy that is never nil: an empty value is a value.
func clone(b []byte) []byte { return append(make([]byte, 0, len(b)), b...) }
