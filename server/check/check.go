// Package check is what a check of the whole store says, and the way through it: a
// [Walk] goes room by room and collects [Finding]s. Each owner of rooms checks its own
// (Verify in package gate, Check in translog, ledger, audit and workflow); package
// server puts them together.
//
// A finding never says who wrote anything: it has no key of a row, no id, no name, and
// a number, a log index or a date only where the log shows them to everyone anyway. Since
// when it is there, a [Memory] of earlier checks says (TestDate).
//
// What a check finds is in proto/SPEC.md, "The check"; TestEveryValue in package workflow
// changes every row of a store and holds it to that.
package check

import (
	"errors"
	"fmt"
	"slices"

	"sigill/keys/ident"
	"sigill/server/store"
)

// A Finding is one thing that is wrong. Equal ones are told once, with their number.
type Finding struct {
	Room     string     `json:"room"`
	What     string     `json:"what"`
	Decision string     `json:"decision,omitempty"` // its number, as it is printed
	Index    string     `json:"index,omitempty"`    // in the log, decimal
	Date     ident.Date `json:"date,omitempty"`
	There    string     `json:"there,omitempty"` // how many rows, of how many
	Times    int        `json:"times"`
	Hides    bool       `json:"hides,omitempty"` // what lies behind it was not looked at
	Since    []Since    `json:"since"`
}

// same says that both are of one thing, however often and since when.
func (f Finding) same(g Finding) bool {
	return f.Room == g.Room && f.What == g.What && f.Decision == g.Decision && f.Index == g.Index && f.Date == g.Date
}

// MaxFindings is how many different ones are kept; more are counted.
const MaxFindings = 1000

// Findings are what a walk has found.
type Findings struct {
	List []Finding `json:"findings"`
	More int       `json:"more,omitempty"` // beyond MaxFindings
	Kept int       `json:"-"`              // of List, from before the check was interrupted: counted then
}

func (f *Findings) add(one Finding) {
	if i := slices.IndexFunc(f.List, one.same); i >= 0 {
		if i >= f.Kept {
			f.List[i].Times += one.Times
		}
		return
	}
	if len(f.List) == MaxFindings {
		f.More++
		return
	}
	f.List = append(f.List, one)
}

// A Walk is one check under way. It is used by one goroutine.
type Walk struct {
	Today ident.Date
	// Each is called for every row that is read. It may wait, and ends the walk with an
	// error.
	Each func() error
	Findings
}

// Option says more of a finding.
type Option func(*Finding)

// At is where in the log.
func At(index uint64) Option {
	return func(f *Finding) { f.Index = fmt.Sprint(index) }
}

// Numbered is which decision.
func Numbered(number string) Option { return func(f *Finding) { f.Decision = number } }

// On is when.
func On(d ident.Date) Option { return func(f *Finding) { f.Date = d } }

// Times is how often.
func Times(n uint64) Option { return func(f *Finding) { f.Times = int(n) } }

// Rows is how many rows are there, and how many should be.
func Rows(there, wanted uint64) Option {
	return func(f *Finding) {
		f.There = fmt.Sprintf("%d are there, of %d", there, wanted)
		f.Times = int(max(there, wanted) - min(there, wanted))
		f.Times = max(f.Times, 1)
	}
}

// Hiding is what keeps more from being looked at.
func Hiding(f *Finding) { f.Hides = true }

// Found notes that something is wrong in a room.
func (w *Walk) Found(room store.Room, what string, more ...Option) {
	f := Finding{Room: string(room), What: what, Times: 1}
	for _, o := range more {
		o(&f)
	}
	w.add(f)
}

// Rows calls do for each row of a room. What cannot be read is a finding and ends the
// room, not the walk.
func (w *Walk) Rows(r store.Reader, room store.Room, do func(key, value []byte)) error {
	for p, err := range r.Scan(room, nil, nil) {
		if errors.Is(err, store.ErrCorrupt) {
			w.Found(room, "a row cannot be read; what those after it mean was not looked at", Hiding)
			return nil
		}
		if err != nil {
			return fmt.Errorf("room %s: %w", room, err)
		}
		if err := w.Each(); err != nil {
			return err
		}
		do(p.Key, p.Value)
	}
	return nil
}

// A Step is a part of a check: a room, or what rooms say of each other.
type Step struct {
	Name string
	Run  func(w *Walk) error
}
