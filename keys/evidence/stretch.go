package evidence

import (
	"fmt"
	"math/bits"

	"golang.org/x/mod/sumdb/tlog"

	"sigill/keys/bundle"
	"sigill/keys/ident"
	"sigill/keys/proof"
)

// MaxEntries is how many entries a stretch may have.
const MaxEntries = 1 << 16

// A Stretch is some entries of a log, one after the other, and what shows that they
// stand there.
type Stretch struct {
	Entries  []ident.Bytes  `json:"entries"`  // their bytes
	First    uint64         `json:"first"`    // index of the first
	Frontier []ident.Digest `json:"frontier"` // as a day has it
	Hashes   []ident.Digest `json:"hashes"`   // consistency proof from their end to the checkpoint
}

// NewNumbers is the file for decision numbers that do not follow on each other: the
// entry of one, or the log's first, the entries after it, and the next that has one.
func NewNumbers(s Stretch, checkpoint []byte) *Evidence { return newStretch(Numbers, s, checkpoint) }

// NewEntry is the file for something in the log that is no entry.
func NewEntry(s Stretch, checkpoint []byte) *Evidence { return newStretch(Entry, s, checkpoint) }

func newStretch(kind Kind, s Stretch, checkpoint []byte) *Evidence {
	for _, list := range []*[]ident.Digest{&s.Frontier, &s.Hashes} {
		if *list == nil {
			*list = []ident.Digest{} // empty, and there
		}
	}
	e := &Evidence{Kind: kind, Stretch: &s, Typ: Typ}
	e.sign(checkpoint)
	return e
}

// stretch shows that the entries of a file stand under its checkpoint.
func (e *Evidence) stretch(t *bundle.Trust) (*Finding, error) {
	_, heads, err := e.checkpoints(t.Policy, 1)
	if err != nil {
		return nil, err
	}
	s, peaks := e.Stretch, []tlog.Hash(nil)
	n := uint64(len(s.Entries))
	if n == 0 || n > MaxEntries || s.First > proof.MaxSize-n || len(s.Frontier) != bits.OnesCount64(s.First) {
		return nil, ErrEvidence
	}
	for _, h := range s.Frontier {
		peaks = append(peaks, tlog.Hash(h))
	}
	before := proof.Checkpoint{Origin: heads[0].Origin, Size: s.First, Root: proof.Root(peaks)}
	for i, entry := range s.Entries {
		if len(entry) != proof.EntrySize {
			return nil, ErrEvidence
		}
		peaks = proof.AppendLeaf(peaks, s.First+uint64(i), tlog.RecordHash(entry))
	}
	end := proof.Checkpoint{Origin: heads[0].Origin, Size: s.First + n, Root: proof.Root(peaks)}
	if err := proof.CheckConsistency(end, heads[0], s.Hashes); err != nil {
		return nil, fmt.Errorf("%w: the entries do not stand under the checkpoint", ErrNothing)
	}
	return &Finding{Before: before, After: heads[0]}, nil
}

// numbers: the last entry has a number that is not the one after that of the first, or
// the first of a year, and those between have none.
func numbers(e *Evidence, t *bundle.Trust) (*Finding, error) {
	f, err := e.stretch(t)
	if err != nil {
		return nil, err
	}
	var last proof.Number
	for i, raw := range e.Stretch.Entries {
		entry, err := proof.ParseEntry(raw)
		n, numbered := entry.Number()
		switch end := i == len(e.Stretch.Entries)-1; {
		case err != nil || !numbered:
			if i == 0 && e.Stretch.First > 0 || end {
				return nil, fmt.Errorf("%w: no number where one should be", ErrNothing)
			}
		case !end && i > 0, end && n.Follows(last), end && i == 0 && e.Stretch.First > 0:
			return nil, fmt.Errorf("%w: the numbers follow on each other", ErrNothing)
		default:
			f.Last, f.Number = last, n
			last = n
		}
	}
	return f, nil
}

// entry: the log holds something that it must not sign.
func entry(e *Evidence, t *bundle.Trust) (*Finding, error) {
	f, err := e.stretch(t)
	if err != nil {
		return nil, err
	}
	if len(e.Stretch.Entries) != 1 {
		return nil, ErrEvidence
	}
	if _, err := proof.ParseEntry(e.Stretch.Entries[0]); err == nil {
		return nil, fmt.Errorf("%w: the entry is one of the log's", ErrNothing)
	}
	return f, nil
}
