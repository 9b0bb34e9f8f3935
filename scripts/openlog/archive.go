package openlog

import (
	"os"
	"path/filepath"
	"testing"

	"sigill/keys/disclosure/story"
	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/proof"
	"sigill/keys/statement"
	"sigill/keys/vectors"
)

// An Archive is a story's log under two of three witnesses, with its days as files:
// for what takes days, and for what an honest log never does.
type Archive struct {
	*story.Story
	Dir  string
	Last ident.Date // that passed
}

// NewArchive is one whose first day has passed.
func NewArchive(t testing.TB, first ident.Date) *Archive {
	t.Helper()
	a := &Archive{Story: story.New(t), Dir: t.TempDir(), Last: first.AddDays(-1)}
	a.Watch()
	must(t, os.Mkdir(filepath.Join(a.Dir, "day"), 0o700))
	a.Pass()
	return a
}

// Day is where a day's file is.
func (a *Archive) Day(d ident.Date) string { return filepath.Join(a.Dir, "day", string(d)) }

// Pass ends the next day, with what was logged in it, in front of two witnesses.
func (a *Archive) Pass() { a.Helper(); a.PassBy(1, 3) }

// PassBy ends it in front of some.
func (a *Archive) PassBy(witnesses ...int) {
	a.Helper()
	a.Last = a.Last.AddDays(1)
	must(a, os.WriteFile(a.Day(a.Last), a.Tree.Pass(a.Last, story.Cosigned(a.Last, witnesses...)...), 0o600))
}

// Receive has the log receive an act on the day that is passing: its receipt, and
// what the log owes for it.
func (a *Archive) Receive(decision ident.ID, act string, kind proof.Kind) (receipt string, owed proof.Preimage) {
	a.Helper()
	owed = story.Salt(kind, vectors.Digest(act))
	today := a.Last.AddDays(1)
	receipt, err := jws.Make(a.LogKey, &statement.Receipt{Authority: story.Authority, Decision: decision, Due: today.AddDays(statement.MaxOwed),
		Entry: owed.Digest(), Received: today, Statement: vectors.Digest(act)})
	must(a, err)
	return receipt, owed
}
