package evidence_test

import (
	"bytes"
	"crypto/ed25519"
	"fmt"
	"testing"
	"time"

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
	end     int // how many entries the log had when the last day ended
}

func newScene(t testing.TB) *scene {
	s := &scene{Story: story.New(t)}
	policy := []string{"log " + s.Tree.Key.String()}
	for i := 1; i <= 3; i++ {
		policy = append(policy, fmt.Sprintf("witness w%d %s https://w%[1]d.example/", i, witness(i, time.Time{}).VKey()))
	}
	s.follow(append(policy, "group g 2 w1 w2 w3", "quorum g")...)
	s.owed = story.Salt(proof.AuthorAct, vectors.Digest("draft"))
	s.receipt = statement.Receipt{Authority: story.Authority, Decision: vectors.ID("decision"), Due: due, Entry: s.owed.Digest(),
		Received: received, Statement: vectors.Digest("draft")}
	return s
}

// follow sets the policy.
func (s *scene) follow(policy ...string) {
	f := s.TrustFile
	f.Policy = policy
	s.Retrust(f)
}

func witness(i int, at time.Time) vectors.Cosigner {
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{byte(i)}, ed25519.SeedSize))
	return vectors.Cosigner{Label: fmt.Sprintf("witness%d.example", i), Key: key, Time: uint64(at.Unix())}
}

// cosigned are witnesses whose clocks say that it is an hour before midnight.
func cosigned(d ident.Date, which ...int) (out []note.Signer) {
	for _, i := range which {
		out = append(out, witness(i, d.AddDays(1).Start().Add(-time.Hour)))
	}
	return out
}

// log adds entries that mean nothing here.
func (s *scene) log(n int) {
	for range n {
		s.Tree.Add(story.Salt(proof.Event, vectors.Digest(fmt.Sprint(s.Tree.Head().Size))), proof.Tag{1})
	}
}

// pass ends a day.
func (s *scene) pass(d ident.Date, witnesses ...note.Signer) {
	s.days = append(s.days, s.Tree.Day(d, s.end, witnesses...).Marshal())
	s.end = int(s.Tree.Head().Size)
}

// broken are the days of a promise that is not kept: of the day before it, those of
// it, on which nobody need have cosigned, and the one after.
func broken(t testing.TB) *scene {
	s := newScene(t)
	s.end = int(s.Tree.Head().Size)
	s.log(2)
	s.pass("2026-11-19", cosigned("2026-11-19", 1, 3)...)
	s.log(1)
	s.pass(received)
	s.log(4)
	s.pass("2026-11-21")
	s.pass(due)
	s.log(1)
	s.pass("2026-11-23", cosigned("2026-11-23", 2, 3)...)
	return s
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
