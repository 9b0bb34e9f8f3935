package store

import (
	"bytes"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
)

// An Overlay reads through to a base and holds changes over it until they are
// merged into the overlay below or committed. Overlays nest: one for each
// operation inside one for each batch, so that an operation that fails is
// dropped and leaves nothing. It is used by one goroutine.
type Overlay struct {
	base Reader
	held map[Room]Changes // ascending by key
}

// NewOverlay returns an empty overlay over base.
func NewOverlay(base Reader) *Overlay {
	return &Overlay{base: base, held: map[Room]Changes{}}
}

// Get is Reader.Get with the changes applied.
func (o *Overlay) Get(room Room, key []byte) ([]byte, error) {
	rows := o.held[room]
	i, ok := rows.find(key)
	switch {
	case !ok:
		return o.base.Get(room, key)
	case rows[i].Delete:
		return nil, ErrNotFound
	}
	return clone(rows[i].Value), nil
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
	o.hold(Change{Room: room, Key: clone(key), Value: value})
	return nil
}

// Delete removes a row, if it is there. It returns ErrInvalid for a key that no
// engine would take.
func (o *Overlay) Delete(room Room, key []byte) error {
	if err := checkRow(key, nil); err != nil {
		return err
	}
	o.hold(Change{Room: room, Key: clone(key), Delete: true})
	return nil
}

func (o *Overlay) hold(c Change) {
	rows := o.held[c.Room]
	i, ok := rows.find(c.Key)
	if ok {
		rows[i] = c
		return
	}
	o.held[c.Room] = slices.Insert(rows, i, c)
}

// Scan is Reader.Scan with the changes applied, as they stand when the
// iteration begins: rows may be put and deleted inside the loop.
func (o *Overlay) Scan(room Room, from, to []byte) iter.Seq2[Pair, error] {
	return func(yield func(Pair, error) bool) {
		own := slices.Clone(o.held[room].between(from, to))
		// emit yields the own rows up to and with limit (all if nil) and says
		// whether to go on.
		emit := func(limit []byte) bool {
			for len(own) > 0 && (limit == nil || bytes.Compare(own[0].Key, limit) <= 0) {
				c := own[0]
				own = own[1:]
				if !c.Delete && !yield(Pair{clone(c.Key), clone(c.Value)}, nil) {
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
			_, replaced := own.find(p.Key)
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
		for _, c := range rows {
			o.hold(c)
		}
	}
	clear(child.held)
}

// Changes returns what the overlay holds, in the order that Commit wants. It
// shares the overlay's bytes, which must not be changed.
func (o *Overlay) Changes() Changes {
	var changes Changes
	for _, room := range slices.Sorted(maps.Keys(o.held)) {
		changes = append(changes, o.held[room]...)
	}
	return changes
}

// find is where a key stands in the changes of one room, or would.
func (c Changes) find(key []byte) (int, bool) {
	return slices.BinarySearchFunc(c, key, func(c Change, key []byte) int { return bytes.Compare(c.Key, key) })
}

// between are the changes of one room with from <= key < to.
func (c Changes) between(from, to []byte) Changes {
	if to != nil {
		end, _ := c.find(to)
		c = c[:end]
	}
	begin, _ := c.find(from)
	return c[begin:]
}

// clone returns a copy that is never nil: an empty value is a value.
func clone(b []byte) []byte { return append(make([]byte, 0, len(b)), b...) }
