package evidence_test

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"slices"
	"strings"
	"testing"

	"sigill/keys/bundle"
	"sigill/keys/disclosure/story"
	"sigill/keys/evidence"
	"sigill/keys/jws"
	"sigill/keys/proof"
	"sigill/keys/vectors"
)

// TestGolden: the vector verifies, and is made again to the byte.
func TestGolden(t *testing.T) {
	s := broken(t)
	f, err := evidence.Verify(golden(t, "promise.json"), trust(t))
	if err != nil {
		t.Fatal(err)
	}
	if f.Kind != evidence.Promise || f.Authority != story.Authority || f.From != received || f.Until != due || !f.Witnessed ||
		*f.Receipt != s.receipt || f.Before.Size != 1 || f.After != s.Tree.Head() {
		t.Errorf("%+v", f)
	}
	if got := s.evidence(); !bytes.Equal(got, golden(t, "promise.json")) {
		t.Error("the scene's file is not the vector")
	}
	if got, err := s.TrustFile.Marshal(); err != nil || !bytes.Equal(got, golden(t, "trust.json")) {
		t.Error("the scene's trust file is not the vector", err)
	}
}

// TestPromise: what does not show that the promise was broken is no evidence,
// whoever made it: the days can be cut and dated by anyone, and only the witnesses
// say when the log had what.
func TestPromise(t *testing.T) {
	for name, c := range map[string]struct {
		make func(s *scene) []byte
		err  error
	}{
		"as it is": {func(s *scene) []byte { return s.evidence() }, nil},
		"later days too": {func(s *scene) []byte {
			s.Tree.Meanwhile(1)
			s.pass("2026-11-24", story.Cosigned("2026-11-24", 1, 2)...)
			return s.evidence()
		}, nil},
		"from the log's first day": {func(s *scene) []byte {
			first := newScene(s)
			first.Tree.Meanwhile(3)
			first.pass(received)
			first.pass("2026-11-21")
			first.pass(due)
			first.Tree.Meanwhile(1)
			first.pass("2026-11-23", story.Cosigned("2026-11-23", 2, 3)...)
			return first.evidence()
		}, nil},
		"not from the day before": {func(s *scene) []byte { return s.file(s.signed(s.LogKey), s.days[1:]...) }, evidence.ErrNothing},
		"not to the day after":    {func(s *scene) []byte { return s.file(s.signed(s.LogKey), s.days[:4]...) }, evidence.ErrNothing},
		"a day left out": {func(s *scene) []byte {
			return s.file(s.signed(s.LogKey), slices.Delete(s.days, 2, 3)...)
		}, evidence.ErrNothing},
		"a quiet day left out": {func(s *scene) []byte {
			return s.file(s.signed(s.LogKey), slices.Delete(s.days, 3, 4)...)
		}, evidence.ErrNothing},
		"days of two histories": {func(s *scene) []byte {
			other := newScene(s)
			other.Tree.Meanwhile(3)
			other.Tree.Begin(1)
			other.pass("2026-11-19", story.Cosigned("2026-11-19", 1, 3)...)
			return s.file(s.signed(s.LogKey), append(other.days, s.days[1:]...)...)
		}, evidence.ErrNothing},
		"kept": {func(s *scene) []byte {
			s.back(s.days[:3])
			s.Tree.Add(s.owed, proof.Tag{1})
			s.pass(due)
			s.pass("2026-11-23", story.Cosigned("2026-11-23", 2, 3)...)
			return s.evidence()
		}, evidence.ErrNothing},
		"kept late": {func(s *scene) []byte {
			s.Tree.Add(s.owed, proof.Tag{1})
			s.pass("2026-11-24", story.Cosigned("2026-11-24", 1, 2)...)
			return s.evidence()
		}, evidence.ErrNothing},
		// A day that was cut short before the entry came, and called another.
		"ended before the day was over": {func(s *scene) []byte {
			s.back(s.days[:4])
			s.pass("2026-11-23", story.Cosigned(due, 1, 2, 3)...)
			return s.evidence()
		}, proof.ErrUnwitnessed},
		// Days that begin after the entry came, and called earlier.
		"begun after the act": {func(s *scene) []byte {
			s.days = nil
			s.Tree.Begin(3)
			s.pass("2026-11-19", story.Cosigned(received, 1, 2, 3)...)
			s.Tree.Meanwhile(1)
			s.pass(received)
			s.pass("2026-11-21")
			s.pass(due)
			s.pass("2026-11-23", story.Cosigned("2026-11-23", 2, 3)...)
			return s.evidence()
		}, proof.ErrUnwitnessed},
		"one witness after": {func(s *scene) []byte {
			s.back(s.days[:4])
			s.pass("2026-11-23", story.Cosigned("2026-11-23", 2)...)
			return s.evidence()
		}, proof.ErrUnwitnessed},
		"one of two after the day": {func(s *scene) []byte {
			s.back(s.days[:4])
			s.pass("2026-11-23", append(story.Cosigned("2026-11-23", 2), story.Cosigned(due, 3)...)...)
			return s.evidence()
		}, proof.ErrUnwitnessed},
		"another's receipt": {func(s *scene) []byte {
			return s.file(s.signed(vectors.Ed25519(s, "another")), s.days...)
		}, jws.ErrUnknownKey},
		"a receipt for another authority": {func(s *scene) []byte {
			s.receipt.Authority = "202100-0019"
			return s.evidence()
		}, bundle.ErrAuthority},
		"another log's days": {func(s *scene) []byte {
			key := vectors.Seed("another")
			s.Tree = story.NewLog(s, ed25519.NewKeyFromSeed(key[:]))
			s.days = nil
			s.pass("2026-11-19", story.Cosigned("2026-11-19", 1, 3)...)
			return s.evidence()
		}, proof.ErrUnsigned},
		"no day at all": {func(s *scene) []byte { return s.file(s.signed(s.LogKey), []byte("yesterday\n")) }, proof.ErrDay},
		"no receipt":    {func(s *scene) []byte { return s.file("a.b.c", s.days...) }, jws.ErrFormat},
	} {
		s := broken(t)
		f, err := evidence.Verify(c.make(s), s.Trust)
		if !errors.Is(err, c.err) || (f == nil) != (c.err != nil) {
			t.Errorf("%s: %v, %+v", name, err, f)
		}
	}
}

// TestUnwitnessed: where nobody watches, the dates are the word of whoever made the
// file, and the finding says so.
func TestUnwitnessed(t *testing.T) {
	s := broken(t)
	s.Follow("log "+s.Tree.Key.String(), "quorum none")
	f, err := evidence.Verify(s.evidence(), s.Trust)
	if err != nil || f.Witnessed {
		t.Errorf("%v, %+v", err, f)
	}
}

// TestForm: a file has the members of its kind and no others, and a size.
func TestForm(t *testing.T) {
	s := broken(t)
	good := s.evidence()
	replaced := func(old, new string) []byte {
		if !bytes.Contains(good, []byte(old)) {
			t.Fatal(old)
		}
		return bytes.Replace(good, []byte(old), []byte(new), 1)
	}
	for name, data := range map[string][]byte{
		"nothing":         nil,
		"no members":      []byte("{}"),
		"another kind":    replaced(`"kind":"promise"`, `"kind":"threat"`),
		"no kind":         replaced(`"kind":"promise",`, ""),
		"another version": replaced("evidence/v1", "evidence/v2"),
		"no receipt":      []byte(`{"days":[["a"]],"kind":"promise","typ":"sigill-evidence/v1"}`),
		"no days":         []byte(`{"kind":"promise","receipt":"a.b.c","typ":"sigill-evidence/v1"}`),
		"an empty list":   []byte(`{"days":[],"kind":"promise","receipt":"a.b.c","typ":"sigill-evidence/v1"}`),
		"a name":          replaced(`"kind"`, `"author":"somebody","kind"`),
		"too many days":   replaced(`{"days":[`, `{"days":[`+strings.Repeat(`["a"],`, evidence.MaxDays)),
		"a line feed":     append(bytes.Clone(good), '\n'),
		"too long":        bytes.Repeat([]byte(" "), evidence.MaxSize+1),
	} {
		if f, err := evidence.Verify(data, s.Trust); !errors.Is(err, evidence.ErrEvidence) || f != nil {
			t.Errorf("%s: %v, %+v", name, err, f)
		}
	}
	for name, e := range map[string]*evidence.Evidence{
		"no days":  evidence.NewPromise("a.b.c"),
		"too long": evidence.NewPromise(strings.Repeat("x", evidence.MaxSize), []byte("a\n")),
	} {
		if _, err := e.Marshal(); !errors.Is(err, evidence.ErrEvidence) {
			t.Errorf("%s was written: %v", name, err)
		}
	}
}

// TestByteFlip: no changed, missing or added byte of a file passes, where no more
// have cosigned than must. Each try costs ten signatures, so a fourth of the bytes
// are changed; those of a day all are where days are tested.
func TestByteFlip(t *testing.T) {
	t.Parallel()
	data, trusted, n := golden(t, "promise.json"), trust(t), 0
	vectors.Flips(string(data), func(changed string) {
		if n++; n%4 > 0 && len(changed) == len(data) {
			return
		}
		if f, err := evidence.Verify([]byte(changed), trusted); err == nil || f != nil {
			t.Errorf("passed: %s", changed)
		}
	})
}

func FuzzParse(f *testing.F) {
	for _, name := range []string{"promise", "fork", "rollback", "numbers", "entry"} {
		f.Add(golden(f, name+".json"))
	}
	f.Add([]byte(`{"days":[["a"]],"kind":"promise","receipt":"a.b.c","typ":"sigill-evidence/v1"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := evidence.Parse(data)
		if err != nil {
			if !errors.Is(err, evidence.ErrEvidence) {
				t.Fatal(err)
			}
			return
		}
		if again, err := e.Marshal(); err != nil || !bytes.Equal(again, data) {
			t.Errorf("accepted, and written otherwise: %v", err)
		}
	})
}
