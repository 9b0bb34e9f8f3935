package store

import "errors"

// Once returns a reader of the same state that reads a short row no more than once:
// in a batch nearly every operation reads the same counters, logins and accounts. It
// is used as long as base is, by one goroutine, and not over an overlay, which
// changes.
func Once(base Reader) Reader { return &once{base, map[row]found{}} }

// maxKept is the longest value that is kept to be shown again. Longer ones are a
// matter's, and read once anyway.
const maxKept = 256

type once struct {
	Reader
	rows map[row]found
}

type row struct {
	room Room
	key  string
}

type found struct {
	value []byte
	err   error // nil or ErrNotFound
}

// Get implements Reader.
func (o *once) Get(room Room, key []byte) ([]byte, error) {
	if f, ok := o.rows[row{room, string(key)}]; ok {
		if f.err != nil {
			return nil, f.err
		}
		return clone(f.value), nil
	}
	value, err := o.Reader.Get(room, key)
	switch {
	case errors.Is(err, ErrNotFound):
		o.rows[row{room, string(key)}] = found{err: err}
	case err == nil && len(value) <= maxKept:
		o.rows[row{room, string(key)}] = found{value: clone(value)}
	}
	return value, err
}
