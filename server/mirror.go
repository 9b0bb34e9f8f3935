package server

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"sigill/keys/ident"
	"sigill/keys/proof"
)

// ErrMirror: the copy of the published log is not whole, or of another log.
var ErrMirror = errors.New("the copy of the published log is damaged, or is not of this log")

// A mirror is a published log in a directory, as "sigill log mirror" writes it. Nothing
// of it is believed but what the checkpoint proves.
type mirror struct{ root *os.Root }

func openMirror(dir string) (mirror, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return mirror{}, fmt.Errorf("the copy of the published log: %w", err)
	}
	return mirror{root}, nil
}

func (m mirror) read(path string, limit int) ([]byte, error) {
	f, err := m.root.Open(path)
	if err != nil {
		return nil, fmt.Errorf("the copy of the published log: %w", err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, int64(limit)+1))
	if err == nil && len(b) > limit {
		err = ErrMirror
	}
	return b, err
}

// head is the newest checkpoint, which the policy must accept.
func (m mirror) head(policy proof.Policy) ([]byte, proof.Checkpoint, error) {
	note, err := m.read("checkpoint", proof.MaxNote)
	if err != nil {
		return nil, proof.Checkpoint{}, err
	}
	cp, _, err := policy.Accept(note)
	return note, cp, err
}

// entries are those with from <= index < to; whether they are the log's, its root says.
func (m mirror) entries(from, to uint64) (list []proof.Entry, err error) {
	const width, size = 1 << proof.TileHeight, 2 + proof.EntrySize
	for at := from; at < to; {
		first := at / width * width
		n := int(min(width, to-first))
		b, err := m.read(proof.TilePath(proof.EntriesLevel, at/width, n), width*size)
		if n < width && errors.Is(err, fs.ErrNotExist) { // the copy has grown since
			b, err = m.read(proof.TilePath(proof.EntriesLevel, at/width, width), width*size)
		}
		if err != nil {
			return nil, err
		}
		for ; at < first+uint64(n); at++ {
			i := int(at-first) * size
			if len(b) < i+size || binary.BigEndian.Uint16(b[i:]) != uint16(proof.EntrySize) {
				return nil, ErrMirror
			}
			e, err := proof.ParseEntry(b[i+2 : i+size])
			if err != nil {
				return nil, fmt.Errorf("%w: %w", ErrMirror, err)
			}
			list = append(list, e)
		}
	}
	return list, nil
}

// day is a whole day; ok is false if the copy does not have it, or it is none.
func (m mirror) day(date ident.Date, policy proof.Policy) (d proof.Day, after proof.Checkpoint, ok bool) {
	text, err := m.read("day/"+string(date), proof.MaxDay)
	if err != nil {
		return proof.Day{}, proof.Checkpoint{}, false
	}
	if d, err = proof.ParseDay(text); err != nil {
		return proof.Day{}, proof.Checkpoint{}, false
	}
	_, after, _, err = d.Check(date, policy)
	return d, after, err == nil
}
