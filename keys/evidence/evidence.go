// Package evidence is what is kept, and shown to strangers, where an authority's
// log did not do what it signed: an [Evidence] file, which anyone who holds the
// authority's trust file checks offline with [Verify]. What it proves is a
// [Finding].
//
// A file is of one [Kind] of a closed list, and holds what that kind needs and
// nothing else. Whoever has found something makes the value, writes it with
// [Evidence.Marshal] and verifies what was written: a file that proves nothing is
// [ErrNothing] to its maker as to everyone.
//
// Bytes are in proto/SPEC.md, "Evidence"; TestByteFlip shows that no changed byte of
// a file passes as another's proof, FuzzParse that a file has one form.
package evidence

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"sigill/keys/bundle"
	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/proof"
	"sigill/keys/statement"
)

const (
	// Typ is the typ member of every evidence file.
	Typ = "sigill-evidence/v1"

	// MaxSize is the longest file that is read or made, in bytes.
	MaxSize = 64 << 20

	// MaxDays is how many days a file may hold.
	MaxDays = 40
)

// Errors of this package, beside those of keys/proof and keys/jws for what is not
// signed as it must be. None repeats what was read.
var (
	// ErrEvidence: not an evidence file, or over MaxSize.
	ErrEvidence = errors.New("not an evidence file")
	// ErrNothing: all of it is what the log signed, and it does not show what the
	// file says that it shows.
	ErrNothing = errors.New("the file does not prove what it says")
)

// A Kind says what a file proves. The list is closed: an unknown kind is refused.
type Kind string

// The kinds.
const (
	// Promise: an entry that a receipt promised is not in the log.
	Promise Kind = "promise"
	// Fork: two checkpoints that the log signed are not of one history.
	Fork Kind = "fork"
	// Rollback: witnesses saw the log, and later a smaller one.
	Rollback Kind = "rollback"
	// Numbers: two decision numbers do not follow on each other.
	Numbers Kind = "numbers"
	// Entry: something in the log is none of its entries.
	Entry Kind = "entry"
)

// A rule is what files of a kind hold beside kind and typ, and what makes them
// proof.
type rule struct {
	members string
	check   func(*Evidence, *bundle.Trust) (*Finding, error)
}

var rules = map[Kind]rule{
	Promise:  {"days receipt", promise},
	Fork:     {"checkpoints hashes", fork},
	Rollback: {"checkpoints", rollback},
	Numbers:  {"checkpoints stretch", numbers},
	Entry:    {"checkpoints stretch", entry},
}

// An Evidence is a file as it is written.
type Evidence struct {
	Checkpoints [][]string     `json:"checkpoints,omitempty"` // by line
	Days        [][]string     `json:"days,omitempty"`        // whole days of the log, one after the other, by line
	Hashes      []ident.Digest `json:"hashes,omitempty"`      // of a fork
	Kind        Kind           `json:"kind"`
	Receipt     string         `json:"receipt,omitempty"`
	Stretch     *Stretch       `json:"stretch,omitempty"`
	Typ         string         `json:"typ"`
}

// members are the names of those that a file has, in their order.
func (e *Evidence) members() string {
	var list []string
	for _, m := range []struct {
		name string
		has  bool
	}{{"checkpoints", len(e.Checkpoints) > 0}, {"days", len(e.Days) > 0}, {"hashes", len(e.Hashes) > 0}, {"receipt", e.Receipt != ""},
		{"stretch", e.Stretch != nil}} {
		if m.has {
			list = append(list, m.name)
		}
	}
	return strings.Join(list, " ")
}

// Marshal is the file's one form: RFC 8785 JSON. It proves nothing before [Verify]
// has read it.
func (e *Evidence) Marshal() ([]byte, error) {
	room := 4096 + len(e.Receipt)
	for _, d := range slices.Concat(e.Checkpoints, e.Days) {
		for _, line := range d {
			room += len(line) + 3
		}
	}
	b, err := jws.AppendCanonical(make([]byte, 0, room), e)
	if err != nil {
		return nil, err
	}
	_, err = Parse(b)
	return b, err
}

// Parse reads a file of at most [MaxSize] bytes strictly, and holds it to the form
// of its kind. It proves nothing: use [Verify].
func Parse(data []byte) (*Evidence, error) {
	e := &Evidence{}
	if len(data) > MaxSize {
		return nil, fmt.Errorf("%w: over %d bytes", ErrEvidence, MaxSize)
	}
	if err := jws.Decode(data, e); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrEvidence, err)
	}
	if r, ok := rules[e.Kind]; !ok || e.Typ != Typ || e.members() != r.members || len(e.Days) > MaxDays {
		return nil, ErrEvidence
	}
	return e, nil
}

// Is reports whether data is meant as an evidence file, so that what is wrong with it
// can be said.
func Is(data []byte) bool { return bytes.Contains(data, []byte(`"typ":"`+Typ+`"`)) }

// A Finding is what a verified file proves.
type Finding struct {
	Kind      Kind
	Authority ident.Authority
	From      ident.Date       // the first day that it is about; "" where no clock has a part in it
	Until     ident.Date       // the last
	Before    proof.Checkpoint // the states of the log between which it holds
	After     proof.Checkpoint
	// Witnessed says that the clocks of the policy's witnesses vouch for the days.
	// Under a policy that asks for none the days are the word of whoever made the
	// file, to be held against what others have of the log.
	Witnessed bool
	Receipt   *statement.Receipt // of a promise
	Last      proof.Number       // of numbers: the one before; zero if there was none
	Number    proof.Number       // and the one that does not follow on it
}

// Verify checks a file against a trust file. Errors: [ErrEvidence]; [ErrNothing];
// proof.ErrUnwitnessed, if witnesses may yet make it proof; and those of what is
// not signed as it must be. Then there is no finding.
func Verify(data []byte, t *bundle.Trust) (*Finding, error) {
	e, err := Parse(data)
	if err != nil {
		return nil, err
	}
	f, err := rules[e.Kind].check(e, t)
	if err != nil {
		return nil, err
	}
	f.Kind, f.Authority = e.Kind, t.Authority
	return f, nil
}

// days reads the days of a file: of the log of a policy, each as whole as it was
// signed, and each the next one's beginning.
func (e *Evidence) days(policy proof.Policy) (days []proof.Day, before, after proof.Checkpoint, err error) {
	for i, lines := range e.Days {
		d, err := proof.ParseDay([]byte(bundle.JoinLines(lines)))
		if err != nil {
			return nil, before, after, err
		}
		begins, ends, _, err := d.Check(d.Date, policy)
		if err != nil {
			return nil, before, after, err
		}
		switch {
		case i == 0:
			before = begins
		case days[i-1].Date.AddDays(1) != d.Date || begins != after:
			return nil, before, after, fmt.Errorf("%w: the days do not follow on each other", ErrNothing)
		}
		days, after = append(days, d), ends
	}
	return days, before, after, nil
}
