package monitor

import (
	"bytes"
	"errors"
	"io/fs"
	"slices"

	"sigill/client"
	"sigill/client/tiles"
	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/proof"
)

const (
	typState = "sigill-monitor-state"

	// maxState is more than any state holds.
	maxState = 16 << 20

	// maxFindings is how many of one name are kept.
	maxFindings = 10
)

// A Finding is something that was found. At and the files are as the name says.
type Finding struct {
	At       uint64        `json:"at"`
	Day      ident.Date    `json:"day"`                // when it was found, in Sweden
	Evidence string        `json:"evidence,omitempty"` // a file in the state's directory, for strangers
	Name     string        `json:"finding"`
	Notes    []ident.Bytes `json:"notes,omitempty"` // signed checkpoints that prove it to nobody who was not there
}

// state is what the monitor remembers.
type state struct {
	head     tiles.Head // the last checkpoint of the history that it follows; Note is nil before the first
	counted  uint64     // entries of it
	tally    tally
	day      ident.Date // the last that was held against the log
	pending  int64      // since when too few witnesses have cosigned what is given out; 0: they have
	findings []Finding
}

type stateDoc struct {
	Changes    []ident.Digest `json:"changes,omitempty"`
	Checkpoint ident.Bytes    `json:"checkpoint"`
	Counted    uint64         `json:"counted"`
	Counts     []uint64       `json:"counts"` // by kind, from 1 to the highest that has come
	Day        ident.Date     `json:"day,omitempty"`
	Digest     ident.Digest   `json:"digest"` // of the document with zeros here: shows a damaged byte
	Due        []due          `json:"due"`
	Findings   []Finding      `json:"findings"`
	Last       proof.Number   `json:"last"`
	LastIndex  uint64         `json:"last_index"`
	Pending    int64          `json:"pending,omitempty"`
	Typ        string         `json:"typ"`
	Unknown    uint64         `json:"unknown"`
}

func (s *state) encode() ([]byte, error) {
	t := &s.tally
	counts := t.counts[1:]
	for len(counts) > 0 && counts[len(counts)-1] == 0 {
		counts = counts[:len(counts)-1]
	}
	d := stateDoc{Changes: t.changes, Checkpoint: s.head.Note, Counted: s.counted, Counts: counts, Day: s.day, Due: append([]due{}, t.due...),
		Findings: append([]Finding{}, s.findings...), Last: t.last, LastIndex: t.lastIndex, Pending: s.pending, Typ: typState, Unknown: t.unknown}
	b, err := jws.Canonical(d)
	if err != nil {
		return nil, err
	}
	d.Digest = ident.Sum(b)
	return jws.Canonical(d)
}

// decodeState reads what encode wrote of a log of the policy.
func decodeState(b []byte, policy proof.Policy) (s state, err error) {
	var d stateDoc
	if err := jws.Decode(b, &d); err != nil || d.Typ != typState {
		return state{}, ErrState
	}
	if s.head.Checkpoint, err = proof.OpenCheckpoint(d.Checkpoint, policy); err != nil {
		return state{}, ErrState
	}
	s.head.Note, s.counted, s.day, s.pending, s.findings = d.Checkpoint, d.Counted, d.Day, d.Pending, d.Findings
	s.tally = tally{changes: d.Changes, due: d.Due, last: d.Last, lastIndex: d.LastIndex, unknown: d.Unknown}
	copy(s.tally.counts[1:], d.Counts)
	if again, err := s.encode(); err != nil || !bytes.Equal(again, b) { // the digest, and kinds that a later version counted
		return state{}, ErrState
	}
	return s, nil
}

func readState(path string, policy proof.Policy) (s state, raw []byte, err error) {
	raw, err = client.ReadFile(path, maxState)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return state{}, nil, nil
	case errors.Is(err, client.ErrEndless):
		return state{}, nil, ErrState
	case err != nil:
		return state{}, nil, err
	}
	s, err = decodeState(raw, policy)
	return s, raw, err
}

// news says whether a finding is to be kept: it is not known yet, and there are few of
// its name.
func (s *state) news(name string, at uint64) bool {
	n := 0
	for _, f := range s.findings {
		if f.Name == name {
			n++
			if f.At == at {
				return false
			}
		}
	}
	return n < maxFindings
}

// with are the findings and one more.
func (s *state) with(f Finding) []Finding { return append(slices.Clone(s.findings), f) }
