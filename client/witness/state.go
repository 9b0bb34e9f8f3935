package witness

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"syscall"

	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/proof"
)

const typState = "sigill-witness-state"

// state is what the witness remembers: of each log the last checkpoint that it
// cosigned. It is a value; changing it makes another.
type state struct {
	changes uint64 // how often it was written
	last    []cosigned
}

// cosigned is a checkpoint with our own Ed25519 cosignature in the note, which
// says when.
type cosigned struct {
	proof.Checkpoint
	at   int64
	note []byte
}

type stateDoc struct {
	Changes     uint64        `json:"changes"`
	Checkpoints []ident.Bytes `json:"checkpoints"`
	Digest      ident.Digest  `json:"digest"` // of the document with zeros here: shows a damaged byte
	Typ         string        `json:"typ"`
}

func (s state) encode() ([]byte, error) {
	d := stateDoc{Changes: s.changes, Checkpoints: []ident.Bytes{}, Typ: typState}
	for _, c := range s.last {
		d.Checkpoints = append(d.Checkpoints, c.note)
	}
	b, err := jws.Canonical(d)
	if err != nil {
		return nil, err
	}
	d.Digest = ident.Sum(b)
	return jws.Canonical(d)
}

// decodeState reads what encode wrote, under the witness's Ed25519 vkey.
func decodeState(b []byte, vkey string) (state, error) {
	var d stateDoc
	if err := jws.Decode(b, &d); err != nil || d.Typ != typState {
		return state{}, ErrState
	}
	s := state{changes: d.Changes}
	for _, note := range d.Checkpoints {
		cp, at, err := proof.OpenCosigned(note, vkey)
		if err != nil {
			return state{}, ErrState
		}
		s.last = append(s.last, cosigned{cp, at, note})
	}
	for i := 1; i < len(s.last); i++ {
		if s.last[i-1].Origin >= s.last[i].Origin {
			return state{}, ErrState
		}
	}
	if again, err := s.encode(); err != nil || !bytes.Equal(again, b) { // the digest
		return state{}, ErrState
	}
	return s, nil
}

func byOrigin(a, b cosigned) int { return cmp.Compare(a.Origin, b.Origin) }

// of is a log's last checkpoint; that of an empty log if there was none.
func (s state) of(origin ident.Authority) cosigned {
	if i, ok := slices.BinarySearchFunc(s.last, cosigned{Checkpoint: proof.Checkpoint{Origin: origin}}, byOrigin); ok {
		return s.last[i]
	}
	return cosigned{Checkpoint: proof.Checkpoint{Origin: origin, Root: ident.Sum("")}}
}

// with is the state after c.
func (s state) with(c cosigned) state {
	next := state{changes: s.changes + 1, last: slices.Clone(s.last)}
	i, ok := slices.BinarySearchFunc(next.last, c, byOrigin)
	if ok {
		next.last[i] = c
	} else {
		next.last = slices.Insert(next.last, i, c)
	}
	return next
}

// latest is the time of the last cosignature.
func (s state) latest() (at int64) {
	for _, c := range s.last {
		at = max(at, c.at)
	}
	return at
}

func readState(dir, vkey string) (state, error) {
	b, err := read(dir, stateFile)
	if errors.Is(err, fs.ErrNotExist) {
		err = ErrState
	}
	if err != nil {
		return state{}, err
	}
	return decodeState(b, vkey)
}

// A counter is the open and locked file that says how often the state was
// written. It follows the state and is not flushed each time: after a power cut it may
// be behind, never ahead, unless an older state has been put back.
type counter struct{ *os.File }

const countDigits = 20

func count(n uint64) []byte { return fmt.Appendf(nil, "%0*d\n", countDigits, n) }

// lock opens the counter; a second process is ErrLocked.
func lock(dir string) (counter, error) {
	f, err := openFile(dir, countFile, os.O_RDWR)
	if errors.Is(err, fs.ErrNotExist) {
		err = ErrState
	}
	if err != nil {
		return counter{}, err
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = ErrLocked
	}
	if err != nil {
		return counter{}, errors.Join(err, f.Close())
	}
	return counter{f}, nil
}

func (c counter) read() (uint64, error) {
	b := make([]byte, countDigits+2)
	n, err := c.ReadAt(b, 0)
	if !errors.Is(err, io.EOF) || n != countDigits+1 {
		return 0, ErrState
	}
	v, err := strconv.ParseUint(string(b[:countDigits]), 10, 64)
	if err != nil || string(count(v)) != string(b[:n]) {
		return 0, ErrState
	}
	return v, nil
}

func (c counter) set(n uint64) error {
	_, err := c.WriteAt(count(n), 0)
	return err
}
