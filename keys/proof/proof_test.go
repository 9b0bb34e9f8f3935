package proof_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	tlogproof "github.com/transparency-dev/formats/proof"

	"sigill/keys/ident"
	"sigill/keys/proof"
)

func TestInclusion(t *testing.T) {
	s := signer(t, authority, 1)
	p, m := unwitnessed(t, s), newTree(t, 70)
	for size := 1; size <= 70; size += 1 + size/8 {
		cp := m.note(t, s, size)
		for i := range size {
			text := m.proof(t, i, size, cp)
			index, got, err := proof.CheckInclusion(text, m.entries[i], p)
			if err != nil || index != uint64(i) || got != m.checkpoint(t, size) {
				t.Fatalf("%d in %d: %d %v %v", i, size, index, got, err)
			}
			parsed, err := proof.ParseProof(text)
			if err != nil {
				t.Fatal(err)
			}
			refuse := func(name string, q proof.Proof, e proof.Entry) {
				t.Helper()
				index, got, err := proof.CheckInclusion(q.Marshal(), e, p)
				if !errors.Is(err, proof.ErrProof) || index != 0 || got != (proof.Checkpoint{}) {
					t.Fatalf("%d in %d: %s: %d %v %v", i, size, name, index, got, err)
				}
			}
			refuse("another entry", parsed, entry(t, i+100))
			more := parsed
			more.Hashes = append(append([]ident.Digest{}, parsed.Hashes...), ident.Digest{})
			refuse("one hash more", more, m.entries[i])
			if size > 1 {
				moved, less := parsed, parsed
				moved.Index = uint64((i + 1) % size)
				refuse("another index", moved, m.entries[i])
				less.Hashes = parsed.Hashes[1:]
				refuse("one hash less", less, m.entries[i])
			}
			outside := parsed
			outside.Index = uint64(size)
			refuse("outside the log", outside, m.entries[i])
		}
	}
}

func TestInclusionNeedsItsCheckpoint(t *testing.T) {
	s, m := signer(t, authority, 1), newTree(t, 9)
	e := m.entries[4]
	watched := policy(t, twoOfThree(s))
	pending := m.proof(t, 4, 9, m.note(t, s, 9, witness(1)))
	if i, cp, err := proof.CheckInclusion(pending, e, watched); !errors.Is(err, proof.ErrUnwitnessed) || i != 0 || cp != (proof.Checkpoint{}) {
		t.Error("too few witnesses:", err)
	}
	seen := m.proof(t, 4, 9, m.note(t, s, 9, witness(3), witness(1)))
	if i, _, err := proof.CheckInclusion(seen, e, watched); err != nil || i != 4 {
		t.Error("two witnesses:", err)
	}
	if _, _, err := proof.CheckInclusion(seen, e, unwitnessed(t, signer(t, authority, 2))); !errors.Is(err, proof.ErrCheckpoint) {
		t.Error("another log key:", err)
	}
	if _, _, err := proof.CheckInclusion(seen, proof.Entry{}, watched); !errors.Is(err, proof.ErrEntry) {
		t.Error("no entry:", err)
	}
}

func TestProofStrict(t *testing.T) {
	s, m := signer(t, authority, 1), newTree(t, 3)
	good := string(m.proof(t, 0, 3, m.note(t, s, 3)))
	p, err := proof.ParseProof([]byte(good))
	if err != nil || p.Index != 0 || len(p.Hashes) != 2 {
		t.Fatal(p, err)
	}
	head, _, _ := strings.Cut(good, "\n\n")
	hash := strings.Split(head, "\n")[2]
	long := p
	for range 63 {
		long.Hashes = append(long.Hashes, ident.Digest{})
	}
	for name, text := range map[string]string{
		"nothing":           "",
		"another version":   strings.Replace(good, "@v1", "@v2", 1),
		"extra data":        strings.Replace(good, "index", "extra eA==\nindex", 1),
		"empty extra data":  strings.Replace(good, "index", "extra \nindex", 1),
		"leading zero":      strings.Replace(good, "index 0", "index 00", 1),
		"index 2^53":        strings.Replace(good, "index 0", "index 9007199254740992", 1),
		"no index":          strings.Replace(good, "index 0\n", "", 1),
		"stray base64 bits": strings.Replace(good, hash, looser(hash), 1),
		"short hash":        strings.Replace(good, hash, hash[:40], 1),
		"carriage return":   strings.Replace(good, "\n", "\r\n", 1),
		"all CRLF":          strings.ReplaceAll(good, "\n", "\r\n"),
		"no checkpoint":     head + "\n\n",
		"no final newline":  strings.TrimSuffix(good, "\n"),
		"65 hashes":         string(long.Marshal()),
		"too long":          good + strings.Repeat("x\n", proof.MaxProof/2),
	} {
		if p, err := proof.ParseProof([]byte(text)); !errors.Is(err, proof.ErrProof) || p.Checkpoint != nil {
			t.Errorf("%s: %v, %v", name, p, err)
		}
	}
	// A stranger's reader takes what we write.
	var theirs tlogproof.TLogProof
	if err := theirs.Unmarshal([]byte(good)); err != nil || theirs.Index != 0 || len(theirs.Hashes) != 2 {
		t.Error(theirs, err)
	}
}

// TestByteFlip changes every bit, cuts at every byte and adds one: nothing else
// proves the entry, and the proof proves no other entry.
func TestByteFlip(t *testing.T) {
	s, m := signer(t, authority, 1), newTree(t, 9)
	w := witness(1)
	p := policy(t, "log "+s.String()+"\nwitness w "+w.VKey()+"\nquorum w\n")
	good := m.proof(t, 4, 9, m.note(t, s, 9, w))
	e := m.entries[4].Marshal()
	check := func(text, entry []byte) error {
		parsed, err := proof.ParseEntry(entry)
		if err != nil {
			return err
		}
		i, cp, err := proof.CheckInclusion(text, parsed, p)
		if err != nil && (i != 0 || cp != proof.Checkpoint{}) {
			t.Fatal("refused, and yet something came back")
		}
		return err
	}
	if err := check(good, e); err != nil {
		t.Fatal(err)
	}
	for i := range good {
		for bit := range 8 {
			b := bytes.Clone(good)
			b[i] ^= 1 << bit
			if check(b, e) == nil {
				t.Fatalf("byte %d of the proof, bit %d, can be changed", i, bit)
			}
		}
		if check(good[:i], e) == nil {
			t.Fatalf("the proof can be cut at %d", i)
		}
	}
	if check(append(bytes.Clone(good), '\n'), e) == nil {
		t.Fatal("the proof can be added to")
	}
	for i := range e {
		for bit := range 8 {
			b := bytes.Clone(e)
			b[i] ^= 1 << bit
			if check(good, b) == nil {
				t.Fatalf("byte %d of the entry, bit %d, can be changed", i, bit)
			}
		}
	}
}

func FuzzParseProof(f *testing.F) {
	s, m := signer(f, authority, 1), newTree(f, 9)
	f.Add(m.proof(f, 4, 9, m.note(f, s, 9)))
	f.Add(m.proof(f, 0, 1, m.note(f, s, 1, witness(1))))
	f.Fuzz(func(t *testing.T, b []byte) {
		if p, err := proof.ParseProof(b); err == nil && !bytes.Equal(p.Marshal(), b) {
			t.Fatalf("%q has a second form", b)
		}
	})
}
