package evidence_test

import (
	"bytes"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"sigill/keys/bundle"
	"sigill/keys/disclosure/story"
	"sigill/keys/evidence"
	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/proof"
	"sigill/keys/statement"
	"sigill/keys/vectors"
)

const (
	received = ident.Date("2026-11-20")
	due      = ident.Date("2026-11-22")
)

// A scene is a log whose checkpoints two of three witnesses must have cosigned, an
// act that it received, and its days since.
type scene struct {
	*story.Story
	receipt statement.Receipt
	owed    proof.Preimage
	days    [][]byte
}

func newScene(t testing.TB) *scene {
	s := &scene{Story: story.New(t)}
	s.Watch()
	s.owed = story.Salt(proof.AuthorAct, vectors.Digest("draft"))
	s.receipt = statement.Receipt{Authority: story.Authority, Decision: vectors.ID("decision"), Due: due, Entry: s.owed.Digest(),
		Received: received, Statement: vectors.Digest("draft")}
	return s
}

// pass ends a day.
func (s *scene) pass(d ident.Date, witnesses ...note.Signer) {
	s.days = append(s.days, s.Tree.Pass(d, witnesses...))
}

// broken are the days of a promise that is not kept: of the day before it, those of
// it, on which nobody need have cosigned, and the one after.
func broken(t testing.TB) *scene {
	s := newScene(t)
	s.Tree.Begin(s.Tree.Head().Size)
	s.Tree.Meanwhile(2)
	s.pass("2026-11-19", story.Cosigned("2026-11-19", 1, 3)...)
	s.Tree.Meanwhile(1)
	s.pass(received)
	s.Tree.Meanwhile(4)
	s.pass("2026-11-21")
	s.pass(due)
	s.Tree.Meanwhile(1)
	s.pass("2026-11-23", story.Cosigned("2026-11-23", 2, 3)...)
	return s
}

// back has only some days passed, after which the log got one entry.
func (s *scene) back(days [][]byte) {
	s.days = days
	s.Tree.Begin(s.Tree.Head().Size - 1)
}

func (s *scene) signed(by *jws.Signer) string {
	s.Helper()
	compact, err := jws.Make(by, &s.receipt)
	if err != nil {
		s.Fatal(err)
	}
	return compact
}

func (s *scene) file(receipt string, days ...[]byte) []byte {
	s.Helper()
	data, err := evidence.NewPromise(receipt, days...).Marshal()
	if err != nil {
		s.Fatal(err)
	}
	return data
}

// evidence is what is written down of the scene.
func (s *scene) evidence() []byte { s.Helper(); return s.file(s.signed(s.LogKey), s.days...) }

func golden(t testing.TB, name string) []byte {
	t.Helper()
	return bytes.TrimSuffix(vectors.File(t, name), []byte("\n"))
}

func trust(t testing.TB) *bundle.Trust {
	t.Helper()
	got, err := bundle.ParseTrust(golden(t, "trust.json"))
	if err != nil {
		t.Fatal(err)
	}
	return got
}
