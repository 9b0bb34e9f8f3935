package record_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"testing"

	"sigill/keys/ident"
	"sigill/keys/record"
	"sigill/keys/vectors"
)

// TestVectors holds the code against values that another implementation made.
func TestVectors(t *testing.T) {
	v := vectors.Golden(t, "sections")
	seed, json := vectorSections(t)
	r, err := record.Parse([record.Stated][]byte(json[:record.Stated]))
	if err != nil {
		t.Fatal(err)
	}
	names := record.Names{Decider: record.Shown, Participants: record.Shown, Presenter: record.Omitted}
	if err := r.Check(record.ExecutiveDecides, names); err != nil {
		t.Error(err)
	}
	if _, err := record.ParseEvidence(json[record.SectionEvidence-1]); err != nil {
		t.Error(err)
	}
	plain, err := record.Lay(seed, encode(t, r))
	if err != nil {
		t.Fatal(err)
	}
	if err := plain.SetEvidence(seed, json[record.SectionEvidence-1]); err != nil {
		t.Fatal(err)
	}
	hold := func(key string, got []byte) {
		t.Helper()
		if hex.EncodeToString(got) != v[key] {
			t.Errorf("%s is %x, the vectors say %s", key, got, v[key])
		}
	}
	commitments := plain.Commitments()
	for i, s := range record.All() {
		blind, digest := seed.Blind(s), ident.Sum(plain[i])
		hold(fmt.Sprintf("blind/%d", s), blind[:])
		hold(fmt.Sprintf("plaintext-sha256/%d", s), digest[:])
		hold(fmt.Sprintf("commitment/%d", s), commitments[i][:])
		if s != record.SectionEvidence && plain.Stated()[i] != commitments[i] {
			t.Errorf("%s: the draft would carry another commitment than the core", s)
		}
	}
	whole := commitments.Digest()
	hold("record-commitment", whole[:])
	author := record.AuthorCommitment(record.Nonce(vectors.Hex(t, v["author-nonce"])), v["author-issuer"], v["author-subject"])
	hold("author-commitment", author[:])
}

// TestByteFlip changes each byte of each padded section, and of what the author
// commitment is over: no other plaintext has the commitment.
func TestByteFlip(t *testing.T) {
	seed, json := vectorSections(t)
	for i, s := range record.All() {
		plain, err := record.Pad(s, seed.Blind(s), json[i])
		if err != nil {
			t.Fatal(err)
		}
		want := record.Commit(s, plain)
		for j := range plain {
			plain[j] ^= 1
			if record.Commit(s, plain) == want {
				t.Errorf("%s: byte %d can be changed", s, j)
			}
			if got, err := record.Unpad(s, plain); j >= 32 && err == nil && bytes.Equal(got, json[i]) {
				t.Errorf("%s: byte %d can be changed and the text stays", s, j)
			}
			plain[j] ^= 1
		}
		for _, other := range record.All() {
			if other != s && record.Commit(other, plain) == want {
				t.Errorf("%s commits to the same as %s", s, other)
			}
		}
	}
	c := record.Commitments{{1}, {2}, {3}, {4}, {5}, {6}, {7}}
	want := c.Digest()
	for i := range c {
		for j := range c[i] {
			c[i][j] ^= 0x80
			if c.Digest() == want {
				t.Errorf("record commitment: byte %d of %d can be changed", j, i)
			}
			c[i][j] ^= 0x80
		}
	}
}

// TestAuthorCommitmentFrames: no two pairs of issuer and subject run together.
func TestAuthorCommitmentFrames(t *testing.T) {
	seen := map[ident.Digest]string{}
	for _, p := range [][2]string{{"ab", "c"}, {"a", "bc"}, {"abc", ""}, {"", "abc"}, {"ab", "C"}, {"a\x00\x02bc", ""}, {"a", "\x00\x02bc"}} {
		d := record.AuthorCommitment(record.Nonce{1}, p[0], p[1])
		if who, ok := seen[d]; ok {
			t.Errorf("%q has the commitment of %s", p, who)
		}
		seen[d] = fmt.Sprintf("%q", p)
		if d == record.AuthorCommitment(record.Nonce{2}, p[0], p[1]) {
			t.Errorf("%q: the nonce does not matter", p)
		}
	}
}

// FuzzSections: whatever is accepted as a section re-encodes to the same bytes,
// and any bytes that unpad pad to the same plaintext.
func FuzzSections(f *testing.F) {
	seed, json := vectorSections(f)
	for i, s := range record.All() {
		f.Add(uint8(s), json[i])
		plain, err := record.Pad(s, seed.Blind(s), json[i])
		if err != nil {
			f.Fatal(err)
		}
		f.Add(uint8(s), plain)
	}
	f.Add(uint8(5), []byte(`{"declarations":null}`))
	f.Add(uint8(2), []byte(`{"person":null}`))
	f.Add(uint8(2), []byte(`{ }`))
	f.Fuzz(func(t *testing.T, n uint8, data []byte) {
		s := record.Section(n)
		if json, err := record.Unpad(s, data); err == nil {
			again, err := record.Pad(s, [32]byte(data), json)
			if err != nil || !bytes.Equal(again, data) {
				t.Fatalf("%s: another plaintext says the same (%v)", s, err)
			}
		}
		if s == record.SectionEvidence {
			if e, err := record.ParseEvidence(data); err == nil && len(data) <= s.Room() {
				if again, err := e.Encode(); err != nil || !bytes.Equal(again, data) {
					t.Fatalf("%s: %q becomes %q (%v)", s, data, again, err)
				}
			}
			return
		}
		part, err := record.Decode(s, data)
		if err != nil {
			return
		}
		r := lawful(record.ExecutiveDecides)
		sections := encode(t, r)
		sections[s-1] = data
		if len(data) > s.Room() {
			if _, err := record.Parse(sections); err == nil {
				t.Fatalf("%s: accepted what does not fit", s)
			}
			return
		}
		r, err = record.Parse(sections)
		if err != nil {
			t.Fatalf("%s: accepted alone and refused in a record: %v", s, err)
		}
		if again := encode(t, r); !bytes.Equal(again[s-1], data) {
			t.Fatalf("%s: %q becomes %q", s, data, again[s-1])
		}
		if part == nil {
			t.Fatalf("%s: accepted as nothing", s)
		}
	})
}
