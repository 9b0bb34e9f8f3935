package proof_test

import (
	"bytes"
	"errors"
	"testing"

	"sigill/keys/ident"
	"sigill/keys/proof"
)

func allKinds() (kinds []proof.Kind) {
	for k := proof.Decision; k <= proof.Recovery; k++ {
		kinds = append(kinds, k)
	}
	return kinds
}

func TestKinds(t *testing.T) {
	if n := len(allKinds()); n != 22 {
		t.Fatalf("%d kinds instead of 22", n)
	}
	seen := map[string]bool{}
	for _, k := range allKinds() {
		if seen[k.String()] {
			t.Errorf("two kinds are called %s", k)
		}
		seen[k.String()] = true
		if k.Public() == (k == proof.AuthorAct || k == proof.Event) {
			t.Errorf("%s: public %v", k, k.Public())
		}
	}
	if proof.Kind(0).Public() || proof.Kind(23).Public() || proof.Kind(23).OfAuthority() {
		t.Error("an unknown kind is public or of authority")
	}
}

func TestEntryStrict(t *testing.T) {
	good := entry(t, 7).Marshal()
	if len(good) != 51 || proof.EntrySize != 51 {
		t.Fatalf("an entry has %d bytes", len(good))
	}
	change := func(at int, to byte) []byte {
		b := bytes.Clone(good)
		b[at] = to
		return b
	}
	withTag := func(k proof.Kind, tag proof.Tag) []byte {
		return proof.Entry{Kind: k, Tag: tag, Digest: ident.Sum("x")}.Marshal()
	}
	for name, b := range map[string][]byte{
		"empty": nil, "short": good[:50], "long": append(bytes.Clone(good), 0),
		"version 0": change(0, 0), "version 2": change(0, 2),
		"kind 0": change(2, 0), "kind 23": change(2, 23), "kind 256+21": change(1, 1),
		"zero tag on an event":         withTag(proof.Event, proof.Tag{}),
		"marked document of the board": withTag(proof.DelegationOrder, proof.Tag{15: 1}),
	} {
		if e, err := proof.ParseEntry(b); !errors.Is(err, proof.ErrEntry) || e != (proof.Entry{}) {
			t.Errorf("%s: %v, %v", name, e, err)
		}
	}
	if _, err := proof.ParseEntry(withTag(proof.ReviewerSet, proof.Tag{})); err != nil {
		t.Error(err)
	}
}

// TestL11_tooLong: what is longer than an entry, as long as a bundle could say of one, is
// no entry, and neither is any part of it.
func TestL11_tooLong(t *testing.T) {
	p := proof.NewPreimage(proof.Decision, ident.Sum("a statement"))
	e, err := p.Entry(proof.DecisionTag(2026, 1, ident.NewID()))
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range []int{proof.EntrySize + 1, 65_535, 65_536} {
		long := append(e.Marshal(), make([]byte, size-proof.EntrySize)...)
		if got, err := proof.ParseEntry(long); !errors.Is(err, proof.ErrEntry) || got != (proof.Entry{}) {
			t.Errorf("an entry of %d bytes: %v", size, err)
		}
		if got, err := proof.ParsePreimage(append(p.Marshal(), make([]byte, size)...)); !errors.Is(err, proof.ErrPreimage) || got != (proof.Preimage{}) {
			t.Errorf("a preimage of %d bytes more: %v", size, err)
		}
	}
}

func TestPreimageSalt(t *testing.T) {
	signed := ident.Sum("a statement")
	for _, k := range allKinds() {
		p, q := proof.NewPreimage(k, signed), proof.NewPreimage(k, signed)
		if same := p == q; same != k.OfAuthority() {
			t.Errorf("%s: two preimages the same: %v", k, same)
		}
		if got, err := proof.ParsePreimage(p.Marshal()); err != nil || got != p {
			t.Errorf("%s: %v, %v", k, got, err)
		}
		wrong := p
		wrong.Salt = [32]byte{}
		if k.OfAuthority() {
			wrong.Salt[0] = 1
		}
		if got, err := proof.ParsePreimage(wrong.Marshal()); !errors.Is(err, proof.ErrPreimage) || got != (proof.Preimage{}) {
			t.Errorf("%s with the wrong salt: %v, %v", k, got, err)
		}
		if e, err := wrong.Entry(proof.RandomTag()); err == nil || e != (proof.Entry{}) {
			t.Errorf("%s with the wrong salt became an entry", k)
		}
	}
	good := proof.NewPreimage(proof.Decision, signed).Marshal()
	if len(good) != 82 {
		t.Fatalf("a preimage has %d bytes", len(good))
	}
	for i := range good {
		for bit := range 8 {
			b := bytes.Clone(good)
			b[i] ^= 1 << bit
			p, err := proof.ParsePreimage(b)
			if err == nil && (p.Digest() == ident.Sum(good) || !bytes.Equal(p.Marshal(), b)) {
				t.Fatalf("byte %d changed and the digest did not", i)
			}
			if i < 16 && err == nil {
				t.Fatalf("byte %d of the label changed and nothing was said", i)
			}
		}
	}
	for _, b := range [][]byte{nil, good[:81], append(bytes.Clone(good), 0)} {
		if _, err := proof.ParsePreimage(b); !errors.Is(err, proof.ErrPreimage) {
			t.Errorf("%d bytes: %v", len(b), err)
		}
	}
}

func TestTagsReadBack(t *testing.T) {
	id := ident.NewID()
	e := proof.Entry{Kind: proof.Decision, Tag: proof.DecisionTag(2026, 4711, id)}
	if n, ok := e.Number(); !ok || n != (proof.Number{Number: 4711, Year: 2026}) {
		t.Errorf("%v %v", n, ok)
	}
	if _, ok := e.Due(); ok {
		t.Error("a decision is due")
	}
	s := proof.SubjectTag(id)
	if !bytes.Equal(e.Tag[10:], s[:6]) {
		t.Error("the two tags of one decision differ in their hash")
	}
	if e.Tag == proof.DecisionTag(2026, 4711, ident.NewID()) {
		t.Error("two decisions share a tag")
	}
	r := proof.Entry{Kind: proof.OpeningReleased, Tag: proof.ReleaseTag("2027-02-28", [12]byte{1})}
	if d, ok := r.Due(); !ok || d != "2027-02-28" {
		t.Errorf("due %v %v", d, ok)
	}
	if _, ok := r.Number(); ok {
		t.Error("a release has a number")
	}
	r.Tag = proof.Tag{0xff, 0xff, 0xff, 0xff}
	if d, ok := r.Due(); ok || d != "" {
		t.Errorf("a day past 9999: %v", d)
	}
	secret := [32]byte{1}
	if proof.NoticeTag(secret, 0) == proof.NoticeTag(secret, 1) || proof.NoticeTag(secret, 0) == proof.NoticeTag([32]byte{2}, 0) {
		t.Error("two notices share a tag")
	}
	v := proof.Entry{Kind: proof.Recovery, Tag: proof.RecoveryTag(7, 1<<40)}
	if restored, regained, ok := v.Recovery(); !ok || restored != 7 || regained != 1<<40 {
		t.Error(restored, regained, ok)
	}
	for _, v := range []proof.Entry{{Kind: proof.Recovery, Tag: proof.RecoveryTag(8, 7)}, {Kind: proof.Event, Tag: proof.RecoveryTag(7, 8)}} {
		if _, _, ok := v.Recovery(); ok {
			t.Error("sizes of no recovery: ", v)
		}
	}
}

func FuzzParseEntry(f *testing.F) {
	f.Add(entry(f, 1).Marshal())
	f.Add(proof.Entry{Kind: proof.Requester}.Marshal())
	f.Fuzz(func(t *testing.T, b []byte) {
		if e, err := proof.ParseEntry(b); err == nil && !bytes.Equal(e.Marshal(), b) {
			t.Fatalf("%x has a second form", b)
		}
	})
}

func FuzzParsePreimage(f *testing.F) {
	f.Add(proof.NewPreimage(proof.Decision, ident.Sum("x")).Marshal())
	f.Add(proof.NewPreimage(proof.ProviderKeys, ident.Sum("x")).Marshal())
	f.Fuzz(func(t *testing.T, b []byte) {
		if p, err := proof.ParsePreimage(b); err == nil && !bytes.Equal(p.Marshal(), b) {
			t.Fatalf("%x has a second form", b)
		}
	})
}

// TestNumbersFollow: numbers go up by one, and begin again each year.
func TestNumbersFollow(t *testing.T) {
	for _, c := range []struct {
		last, next proof.Number
		follows    bool
	}{
		{proof.Number{}, proof.Number{Number: 1, Year: 2026}, true},
		{proof.Number{}, proof.Number{Number: 2, Year: 2026}, false},
		{proof.Number{}, proof.Number{Year: 2026}, false},
		{proof.Number{Number: 7, Year: 2026}, proof.Number{Number: 8, Year: 2026}, true},
		{proof.Number{Number: 7, Year: 2026}, proof.Number{Number: 7, Year: 2026}, false},
		{proof.Number{Number: 7, Year: 2026}, proof.Number{Number: 9, Year: 2026}, false},
		{proof.Number{Number: 7, Year: 2026}, proof.Number{Number: 1, Year: 2026}, false},
		{proof.Number{Number: 7, Year: 2026}, proof.Number{Number: 8, Year: 2027}, false},
		{proof.Number{Number: 7, Year: 2026}, proof.Number{Number: 1, Year: 2027}, true},
		{proof.Number{Number: 7, Year: 2026}, proof.Number{Number: 1, Year: 2029}, true},
		{proof.Number{Number: 7, Year: 2026}, proof.Number{Number: 1, Year: 2025}, false},
		{proof.Number{Number: 7, Year: 2026}, proof.Number{Number: 8, Year: 2025}, false},
		{proof.Number{Number: 1<<64 - 1, Year: 2026}, proof.Number{Year: 2026}, false},
	} {
		if got := c.next.Follows(c.last); got != c.follows {
			t.Errorf("%v after %v: %v", c.next, c.last, got)
		}
	}
}
