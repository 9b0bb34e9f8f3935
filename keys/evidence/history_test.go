package evidence_test

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"sigill/keys/bundle"
	"sigill/keys/disclosure/story"
	"sigill/keys/evidence"
	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/proof"
	"sigill/keys/statement"
	"sigill/keys/vectors"
)

// A tree is a log under the scene's key, of whatever bytes it is told.
type tree struct {
	*scene
	hashes []tlog.Hash
	raw    [][]byte
}

// grown has the entries of a history from index 0: those before fork are common to all.
func grown(s *scene, branch string, size, fork int) *tree {
	h := &tree{scene: s}
	for i := range size {
		e := proof.Entry{Kind: proof.Event, Tag: proof.Tag{1}, Digest: vectors.Digest(fmt.Sprint(i))}
		if i >= fork {
			e.Digest = vectors.Digest(branch + fmt.Sprint(i))
		}
		h.add(e.Marshal())
	}
	return h
}

func (h *tree) add(raw []byte) {
	h.Helper()
	hashes, err := tlog.StoredHashes(int64(len(h.raw)), raw, h)
	if err != nil {
		h.Fatal(err)
	}
	h.hashes, h.raw = append(h.hashes, hashes...), append(h.raw, raw)
}

// ReadHashes implements [tlog.HashReader].
func (h *tree) ReadHashes(at []int64) (out []tlog.Hash, err error) {
	for _, i := range at {
		out = append(out, h.hashes[i])
	}
	return out, nil
}

func (h *tree) root(size int) ident.Digest {
	h.Helper()
	root, err := tlog.TreeHash(int64(size), h)
	if err != nil {
		h.Fatal(err)
	}
	return ident.Digest(root)
}

// note is the checkpoint at a size, cosigned as cosigned says.
func (h *tree) note(size int, by ...note.Signer) []byte {
	h.Helper()
	msg, err := h.Tree.Key.Checkpoint(uint64(size), h.root(size))
	if err != nil {
		h.Fatal(err)
	}
	n, err := note.Open(msg, note.VerifierList(h.Tree.Key.LogKey))
	if err != nil {
		h.Fatal(err)
	}
	if msg, err = note.Sign(n, by...); err != nil {
		h.Fatal(err)
	}
	return msg
}

// consistency proves the way from one size to another.
func (h *tree) consistency(from, to int) (out []ident.Digest) {
	h.Helper()
	list, err := tlog.ProveTree(int64(to), int64(from), h)
	if err != nil {
		h.Fatal(err)
	}
	for _, x := range list {
		out = append(out, ident.Digest(x))
	}
	return out
}

// stretch is the entries from one index to before another, under the log at a size.
func (h *tree) stretch(from, to, size int) evidence.Stretch {
	h.Helper()
	s := evidence.Stretch{First: uint64(from), Frontier: story.Frontier(h, h, from), Hashes: h.consistency(to, size)}
	for _, raw := range h.raw[from:to] {
		s.Entries = append(s.Entries, raw)
	}
	return s
}

// numbered adds entries: 0 is one without a number, 27001 is the first of 2027.
func (h *tree) numbered(list ...int) *tree {
	for _, n := range list {
		e := proof.Entry{Kind: proof.Event, Tag: proof.Tag{1}, Digest: vectors.Digest(fmt.Sprint(len(h.raw)))}
		if n != 0 {
			e.Kind, e.Tag = proof.Decision, proof.DecisionTag(uint16(2000+n/1000), uint64(n%1000), vectors.ID(fmt.Sprint(len(h.raw))))
		}
		h.add(e.Marshal())
	}
	return h
}

func written(t testing.TB, e *evidence.Evidence) []byte {
	t.Helper()
	data, err := e.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// forked is the vector: nine entries, and fourteen of which only five are the same.
func forked(s *scene) *evidence.Evidence {
	one, other := grown(s, "one", 9, 5), grown(s, "other", 14, 5)
	return evidence.NewFork(one.note(9), other.note(14), other.root(9), other.consistency(9, 14))
}

// putBack is the vector: nine entries, and three of them an hour before the next midnight.
func putBack(s *scene) *evidence.Evidence {
	h := grown(s, "", 9, 9)
	return evidence.NewRollback(h.note(9, story.Cosigned(received, 1, 2)...), h.note(3, story.Cosigned("2026-11-21", 2, 3)...))
}

// skipping is the vector: a number is left out.
func skipping(s *scene) *evidence.Evidence {
	h := grown(s, "", 6, 6).numbered(26001, 0, 0, 26003, 0)
	return evidence.NewNumbers(h.stretch(6, 10, 11), h.note(11))
}

// foreign is the vector: an entry of an unknown kind.
func foreign(s *scene) *evidence.Evidence {
	h := grown(s, "", 6, 6)
	h.add(proof.Entry{Kind: 999, Tag: proof.Tag{1}}.Marshal())
	h.numbered(0, 0)
	return evidence.NewEntry(h.stretch(6, 7, 9), h.note(9))
}

// TestHistoryVectors: each vector verifies for a stranger, is made again to the byte,
// and no changed byte of it passes: all are tried of the fork, of the others each fifth.
func TestHistoryVectors(t *testing.T) {
	t.Parallel()
	trusted := trust(t)
	for kind, make := range map[evidence.Kind]func(*scene) *evidence.Evidence{
		evidence.Fork: forked, evidence.Rollback: putBack, evidence.Numbers: skipping, evidence.Entry: foreign} {
		data := golden(t, string(kind)+".json")
		f, err := evidence.Verify(data, trusted)
		if err != nil {
			t.Fatal(kind, err)
		}
		want := evidence.Finding{Kind: kind, Authority: story.Authority, Before: f.Before, After: f.After}
		sizes := map[evidence.Kind][2]uint64{evidence.Fork: {9, 14}, evidence.Rollback: {9, 3}, evidence.Numbers: {6, 11}, evidence.Entry: {6, 9}}[kind]
		switch kind {
		case evidence.Rollback:
			want.From, want.Until, want.Witnessed = received, received, true
		case evidence.Numbers:
			want.Last, want.Number = proof.Number{Number: 1, Year: 2026}, proof.Number{Number: 3, Year: 2026}
		}
		if *f != want || f.Before.Size != sizes[0] || f.After.Size != sizes[1] {
			t.Errorf("%s: %+v", kind, f)
		}
		if got := written(t, make(newScene(t))); !bytes.Equal(got, data) {
			t.Errorf("%s: the file is not the vector:\n%s", kind, got)
		}
		step := 5
		if kind == evidence.Fork {
			step = 1
		}
		for i := 0; i < len(data); i += step {
			changed := bytes.Clone(data)
			changed[i] ^= 1
			if f, err := evidence.Verify(changed, trusted); err == nil || f != nil {
				t.Errorf("passed: %s", changed)
			}
		}
	}
}

// TestFork: two checkpoints of one history are no fork, whatever comes with them.
func TestFork(t *testing.T) {
	s := newScene(t)
	one, other := grown(s, "one", 9, 5), grown(s, "other", 14, 5)
	stranger := newScene(t)
	for name, c := range map[string]struct {
		e   *evidence.Evidence
		err error
	}{
		"of one size":           {evidence.NewFork(one.note(9), other.note(9), other.root(9), nil), nil},
		"the other way":         {evidence.NewFork(other.note(7), one.note(9), one.root(7), one.consistency(7, 9)), nil},
		"at a full tree":        {evidence.NewFork(one.note(8), other.note(14), other.root(8), other.consistency(8, 14)), nil},
		"cosigned too":          {evidence.NewFork(one.note(9, story.Cosigned(due, 1, 2)...), other.note(9, story.Cosigned(due, 3)...), other.root(9), nil), nil},
		"before they part":      {evidence.NewFork(one.note(5), other.note(14), other.root(5), other.consistency(5, 14)), evidence.ErrNothing},
		"the same":              {evidence.NewFork(one.note(9), one.note(9), one.root(9), nil), evidence.ErrNothing},
		"grown":                 {evidence.NewFork(one.note(6), one.note(9), one.root(6), one.consistency(6, 9)), evidence.ErrNothing},
		"a root of nowhere":     {evidence.NewFork(one.note(6), one.note(9), ident.Sum("x"), one.consistency(6, 9)), evidence.ErrNothing},
		"another way's proof":   {evidence.NewFork(one.note(9), other.note(14), other.root(9), other.consistency(9, 13)), evidence.ErrNothing},
		"no proof":              {evidence.NewFork(one.note(9), other.note(14), other.root(9), nil), evidence.ErrNothing},
		"smaller":               {evidence.NewFork(other.note(14), one.note(9), one.root(9), nil), evidence.ErrNothing},
		"from nothing":          {evidence.NewFork(one.note(0), other.note(14), other.root(1), nil), evidence.ErrNothing},
		"one alone":             {&evidence.Evidence{Checkpoints: lines(one.note(9)), Hashes: []ident.Digest{other.root(9)}, Kind: evidence.Fork, Typ: evidence.Typ}, evidence.ErrEvidence},
		"three":                 {&evidence.Evidence{Checkpoints: lines(one.note(9), other.note(9), other.note(9)), Hashes: []ident.Digest{other.root(9)}, Kind: evidence.Fork, Typ: evidence.Typ}, evidence.ErrEvidence},
		"with a stranger's key": {evidence.NewFork(one.note(9), other.note(9, story.Witness(9, 1)), other.root(9), nil), evidence.ErrEvidence},
		"not signed":            {evidence.NewFork(one.note(9), bytes.Replace(other.note(9), []byte("\n9\n"), []byte("\n8\n"), 1), other.root(9), nil), proof.ErrUnsigned},
	} {
		f, err := evidence.Verify(written(t, c.e), s.Trust)
		if !errors.Is(err, c.err) || (f == nil) != (c.err != nil) {
			t.Errorf("%s: %v, %+v", name, err, f)
		}
	}
	stranger.Follow("log "+s.Tree.Key.String(), "quorum none")
	if f, err := evidence.Verify(written(t, forked(s)), stranger.Trust); err != nil || f.Witnessed {
		t.Error("where nobody watches:", err)
	}
}

func lines(notes ...[]byte) (out [][]string) {
	for _, n := range notes {
		out = append(out, bundle.SplitLines(string(n)))
	}
	return out
}

// TestRollback: only a quorum of witnesses that saw the smaller one later makes it
// proof; clocks of too few, or of none, do not.
func TestRollback(t *testing.T) {
	s := newScene(t)
	h := grown(s, "", 9, 9)
	early, late := ident.Date("2026-11-20"), ident.Date("2026-11-21")
	for name, c := range map[string]struct {
		larger, smaller []byte
		err             error
	}{
		"two of three":        {h.note(9, story.Cosigned(early, 1, 3)...), h.note(8, story.Cosigned(late, 1, 2)...), nil},
		"all":                 {h.note(9, story.Cosigned(early, 1, 2, 3)...), h.note(8, story.Cosigned(late, 1, 2, 3)...), nil},
		"at once":             {h.note(9, story.Cosigned(early, 1, 3)...), h.note(8, story.Cosigned(early, 1, 3)...), proof.ErrUnwitnessed},
		"earlier":             {h.note(9, story.Cosigned(late, 1, 3)...), h.note(8, story.Cosigned(early, 1, 3)...), proof.ErrUnwitnessed},
		"one later":           {h.note(9, story.Cosigned(early, 1, 3)...), h.note(8, append(story.Cosigned(late, 1), story.Cosigned(early, 2)...)...), proof.ErrUnwitnessed},
		"one before":          {h.note(9, append(story.Cosigned(early, 1), story.Cosigned(late, 2)...)...), h.note(8, story.Cosigned(late, 1, 2)...), proof.ErrUnwitnessed},
		"nobody":              {h.note(9), h.note(8), proof.ErrUnwitnessed},
		"grown":               {h.note(8, story.Cosigned(early, 1, 3)...), h.note(9, story.Cosigned(late, 1, 3)...), evidence.ErrNothing},
		"the same":            {h.note(8, story.Cosigned(early, 1, 3)...), h.note(8, story.Cosigned(late, 1, 3)...), evidence.ErrNothing},
		"of time 0":           {h.note(9, story.Cosigned(early, 1, 3)...), h.note(8, append(story.Cosigned(late, 1), story.Witness(2, 0))...), proof.ErrCheckpoint},
		"not a policy's line": {h.note(9, story.Cosigned(early, 1, 3)...), h.note(8, append(story.Cosigned(late, 1, 2), story.Witness(4, 9))...), evidence.ErrEvidence},
	} {
		f, err := evidence.Verify(written(t, evidence.NewRollback(c.larger, c.smaller)), s.Trust)
		if !errors.Is(err, c.err) || (f == nil) != (c.err != nil) {
			t.Errorf("%s: %v, %+v", name, err, f)
		}
	}
	good := written(t, putBack(s))
	s.Follow("log "+s.Tree.Key.String(), "witness w1 "+story.Witness(1, 0).VKey()+" https://w1.example/",
		"witness w2 "+story.Witness(2, 0).VKey()+" https://w2.example/", "witness w3 "+story.Witness(3, 0).VKey()+" https://w3.example/", "quorum none")
	if f, err := evidence.Verify(good, s.Trust); !errors.Is(err, evidence.ErrNothing) || f != nil {
		t.Error("where nobody is asked:", err)
	}
}

// TestStretch: numbers that follow on each other, and entries that are some, prove
// nothing; nor does a stretch that is not whole, or stands elsewhere.
func TestStretch(t *testing.T) {
	s := newScene(t)
	good := grown(s, "", 3, 3).numbered(26001, 0, 26002, 0, 27001, 27002, 0)
	bad := grown(s, "", 3, 3).numbered(26001, 0, 26003, 0, 27002, 26004, 26004, 0)
	begun := grown(s, "", 0, 0).numbered(0, 26005, 0)
	first := grown(s, "", 0, 0).numbered(26002, 0)
	numbers := func(h *tree, from, to int) *evidence.Evidence {
		return evidence.NewNumbers(h.stretch(from, to, len(h.raw)), h.note(len(h.raw)))
	}
	changed := func(e *evidence.Evidence, change func(*evidence.Stretch)) *evidence.Evidence {
		change(e.Stretch)
		return e
	}
	for name, c := range map[string]struct {
		e          *evidence.Evidence
		last, next string
		err        error
	}{
		"a gap":                   {numbers(bad, 3, 6), "1 2026", "3 2026", nil},
		"a year that begins late": {numbers(bad, 5, 8), "3 2026", "2 2027", nil},
		"a year that comes back":  {numbers(bad, 7, 9), "2 2027", "4 2026", nil},
		"a number again":          {numbers(bad, 8, 10), "4 2026", "4 2026", nil},
		"a log that begins late":  {numbers(begun, 0, 2), "0 0", "5 2026", nil},
		"at once":                 {numbers(first, 0, 1), "0 0", "2 2026", nil},
		"in order":                {numbers(good, 3, 6), "", "", evidence.ErrNothing},
		"a new year":              {numbers(good, 5, 8), "", "", evidence.ErrNothing},
		"more than two":           {numbers(bad, 3, 8), "", "", evidence.ErrNothing},
		"from an entry without":   {numbers(bad, 4, 6), "", "", evidence.ErrNothing},
		"to an entry without":     {numbers(bad, 3, 7), "", "", evidence.ErrNothing},
		"one alone":               {numbers(bad, 5, 6), "", "", evidence.ErrNothing},
		"no number at all":        {numbers(bad, 0, 3), "", "", evidence.ErrNothing},
		"one left out":            {changed(numbers(good, 3, 8), func(s *evidence.Stretch) { s.Entries = append(s.Entries[:1], s.Entries[4]) }), "", "", evidence.ErrNothing},
		"elsewhere":               {changed(numbers(bad, 3, 6), func(s *evidence.Stretch) { s.First, s.Frontier = 5, append(s.Frontier[:1:1], s.Frontier[0]) }), "", "", evidence.ErrNothing},
		"another frontier":        {changed(numbers(bad, 3, 6), func(s *evidence.Stretch) { s.Frontier[1][0] ^= 1 }), "", "", evidence.ErrNothing},
		"a frontier of too many":  {changed(numbers(bad, 3, 6), func(s *evidence.Stretch) { s.Frontier = append(s.Frontier, ident.Digest{}) }), "", "", evidence.ErrEvidence},
		"no entries":              {changed(numbers(bad, 3, 6), func(s *evidence.Stretch) { s.Entries = []ident.Bytes{} }), "", "", evidence.ErrEvidence},
		"too far":                 {changed(numbers(bad, 3, 6), func(s *evidence.Stretch) { s.First = proof.MaxSize }), "", "", evidence.ErrEvidence},
		"a short entry":           {changed(numbers(bad, 3, 6), func(s *evidence.Stretch) { s.Entries[1] = s.Entries[1][:50] }), "", "", evidence.ErrEvidence},
		"entry: one that is one":  {evidence.NewEntry(good.stretch(3, 4, 9), good.note(9)), "", "", evidence.ErrNothing},
		"entry: more than one":    {evidence.NewEntry(good.stretch(3, 5, 9), good.note(9)), "", "", evidence.ErrEvidence},
		"entry: under another's":  {evidence.NewEntry(*foreign(s).Stretch, bad.note(9)), "", "", evidence.ErrNothing},
	} {
		f, err := evidence.Verify(written(t, c.e), s.Trust)
		if !errors.Is(err, c.err) || (f == nil) != (c.err != nil) {
			t.Errorf("%s: %v, %+v", name, err, f)
			continue
		}
		if f != nil && (fmt.Sprint(f.Last.Number, f.Last.Year) != c.last || fmt.Sprint(f.Number.Number, f.Number.Year) != c.next) {
			t.Errorf("%s: %v, %v", name, f.Last, f.Number)
		}
	}
}

// TestReplacedKey: whoever has a log key that was replaced gives no receipts any more, so
// that none is broken; those of its time are still held to.
func TestReplacedKey(t *testing.T) {
	s := broken(t)
	promise := s.file(s.signed(vectors.Ed25519(t, "the next log")), s.days...) // here it is the one before
	d, err := proof.ParseDay(s.days[0])
	if err != nil {
		t.Fatal(err)
	}
	for size, cause := range map[uint64]error{d.First: nil, d.First - 1: jws.ErrUnknownKey} {
		f := s.TrustFile
		before := append([]string{s.NextLog()}, f.Policy[1:]...)
		f.Earlier = []bundle.Before{{Board: f.Board, Policy: before, Size: size}}
		b, err := f.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		later, err := bundle.ParseTrust(b)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := evidence.Verify(promise, later); !errors.Is(err, cause) || (got != nil) != (cause == nil) {
			t.Errorf("replaced at %d: %v", size, err)
		}
	}
}

// TestUnwitnessedBefore: where witnesses were asked for from some size of the log on, an
// honest log's checkpoints from before make no evidence by their clocks: they have none.
func TestUnwitnessedBefore(t *testing.T) {
	s := &scene{Story: story.New(t)}
	s.owed = story.Salt(proof.AuthorAct, vectors.Digest("draft"))
	s.receipt = statement.Receipt{Authority: story.Authority, Decision: vectors.ID("decision"), Due: due, Entry: s.owed.Digest(),
		Received: received, Statement: vectors.Digest("draft")}
	s.Tree.Begin(0)
	s.Tree.Meanwhile(3)
	s.pass("2026-11-23") // as whoever holds the receipt dates it: it was a day before the entry came
	promise := s.evidence()
	h := grown(s, "", 9, 9)
	rollback := written(t, evidence.NewRollback(h.note(9, story.Cosigned(received, 1, 2)...), h.note(3)))
	before := s.TrustFile
	s.Watch()
	f := s.TrustFile
	f.Earlier = []bundle.Before{{Board: before.Board, Policy: before.Policy, Size: 100}}
	s.Retrust(f)
	if f, err := evidence.Verify(rollback, s.Trust); f != nil || !errors.Is(err, proof.ErrUnwitnessed) {
		t.Errorf("rollback: %+v, %v", f, err)
	}
	if f, err := evidence.Verify(promise, s.Trust); err != nil || f.Witnessed {
		t.Errorf("promise: %+v, %v", f, err)
	}
	if _, err := evidence.Verify(written(t, putBack(s)), s.Trust); err != nil {
		t.Errorf("what witnesses saw: %v", err)
	}
}
