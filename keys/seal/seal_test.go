package seal_test

import (
	"bytes"
	"crypto/ecdh"
	"crypto/hpke"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"sigill/keys/ident"
	"sigill/keys/order"
	"sigill/keys/record"
	"sigill/keys/seal"
)

// TestDeterminism: the same seed gives the same head and ciphertexts, so that
// the author's client can compare; whatever else differs gives another.
func TestDeterminism(t *testing.T) {
	in := golden(t)
	a, b := in.seal(t), in.seal(t)
	first := marshal(t, &a.Head)
	parsed, err := seal.ParseHead(first)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(marshal(t, &b.Head), first) || !bytes.Equal(marshal(t, parsed), first) || digest(t, parsed) != digest(t, &a.Head) {
		t.Error("the same seed gives another head")
	}
	if !bytes.Equal(a.JoinCiphertexts(), b.JoinCiphertexts()) {
		t.Error("the same seed gives other ciphertexts")
	}
	for name, change := range map[string]func(in *input){
		"seed":       func(in *input) { in.seed[31]++ },
		"authority":  func(in *input) { in.subject.Authority = "202100-2114" },
		"decision":   func(in *input) { in.subject.Decision = ident.NewID() },
		"revision":   func(in *input) { in.subject.Revision++ },
		"draft":      func(in *input) { in.subject.Draft[0]++ },
		"author key": func(in *input) { in.subject.AuthorKey[0]++ },
		"epoch":      func(in *input) { in.subject.Set.Epoch++ },
		"set":        func(in *input) { in.subject.Set.Digest[0]++ },
		"threshold":  func(in *input) { in.groups[0].Threshold-- },
		"members":    func(in *input) { in.groups[1].Members++ },
		"groups":     func(in *input) { in.groups = in.groups[:1] },
		"a section":  func(in *input) { in.plain[6][1000]++ },
	} {
		other := golden(t)
		change(other)
		if s := other.seal(t); digest(t, &s.Head) == digest(t, &a.Head) {
			t.Errorf("%s does not matter to the core digest", name)
		}
	}
}

// TestFreshKeys: no two shares, sections or drafts share a scalar or a key.
func TestFreshKeys(t *testing.T) {
	in := golden(t)
	seen := map[ident.Digest]bool{}
	count := 0
	for draft := range 3 {
		in.subject.Draft[31] = byte(draft)
		for i := range in.plain { // one plaintext, so that equal keys show
			in.plain[i] = make([]byte, len(in.plain[i]))
		}
		s := in.seal(t)
		for _, g := range s.Head.Shares {
			for _, m := range g {
				for _, d := range m {
					seen[d] = true
					count++
				}
			}
		}
		for _, c := range s.Ciphertexts {
			seen[ident.Sum(c[:512])] = true
			count++
		}
	}
	if len(seen) != count {
		t.Errorf("%d of %d shares and ciphertexts differ", len(seen), count)
	}
}

func TestGroups(t *testing.T) {
	good := [][]seal.Group{
		{{Group: 1, Threshold: 1, Members: 3}},
		{{Group: 1, Threshold: 13, Members: 15}},
		{{Group: 1, Threshold: 2, Members: 4}, {Group: 2, Threshold: 1, Members: 3}, {Group: 3, Threshold: 1, Members: 3}, {Group: 4, Threshold: 3, Members: 15}},
	}
	for _, groups := range good {
		in := golden(t)
		in.groups = groups
		s := in.seal(t)
		back, err := seal.ParseHead(marshal(t, &s.Head))
		if err != nil || !slices.Equal(back.Groups, groups) {
			t.Errorf("%v: %v", groups, err)
		}
	}
	for _, groups := range [][]seal.Group{
		nil,
		{},
		{{Group: 1, Threshold: 0, Members: 3}},
		{{Group: 1, Threshold: -1, Members: 3}},
		{{Group: 1, Threshold: 1, Members: 2}},
		{{Group: 1, Threshold: 2, Members: 3}},
		{{Group: 1, Threshold: 3, Members: 2}},
		{{Group: 1, Threshold: 14, Members: 16}},
		{{Group: 1, Threshold: 1, Members: 259}},
		{{Group: 0, Threshold: 1, Members: 3}},
		{{Group: 2, Threshold: 1, Members: 3}},
		{{Group: 1, Threshold: 1, Members: 3}, {Group: 1, Threshold: 1, Members: 3}},
		{{Group: 1, Threshold: 1, Members: 3}, {Group: 2, Threshold: 2, Members: 3}},
		{{Group: 1, Threshold: 1, Members: 3}, {Group: 2, Threshold: 1, Members: 3}, {Group: 3, Threshold: 1, Members: 3},
			{Group: 4, Threshold: 1, Members: 3}, {Group: 5, Threshold: 1, Members: 3}},
	} {
		in := golden(t)
		if s, err := seal.New(in.subject, groups, in.seed, &in.plain); !errors.Is(err, order.ErrGroup) || s != nil {
			t.Errorf("%v: %v", groups, err)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		change func(in *input)
		want   error
	}{
		"no authority":     {func(in *input) { in.subject.Authority = "" }, seal.ErrFormat},
		"no organisation":  {func(in *input) { in.subject.Authority = "202100-0002" }, seal.ErrFormat},
		"no decision":      {func(in *input) { in.subject.Decision = "" }, seal.ErrFormat},
		"revision 0":       {func(in *input) { in.subject.Revision = 0 }, seal.ErrFormat},
		"revision 1001":    {func(in *input) { in.subject.Revision = 1001 }, seal.ErrFormat},
		"epoch 0":          {func(in *input) { in.subject.Set.Epoch = 0 }, seal.ErrFormat},
		"epoch 2^31":       {func(in *input) { in.subject.Set.Epoch = 1 << 31 }, seal.ErrFormat},
		"no evidence":      {func(in *input) { in.plain[6] = nil }, record.ErrFit},
		"a short section":  {func(in *input) { in.plain[0] = in.plain[0][1:] }, record.ErrFit},
		"a long section":   {func(in *input) { in.plain[3] = append(in.plain[3], 0) }, record.ErrFit},
		"swapped sections": {func(in *input) { in.plain[0], in.plain[2] = in.plain[2], in.plain[0] }, record.ErrFit},
	} {
		in := golden(t)
		c.change(in)
		if s, err := seal.New(in.subject, in.groups, in.seed, &in.plain); !errors.Is(err, c.want) || s != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestNewKeepsItsGroups: what the caller does with its slice afterwards does not
// reach the head.
func TestNewKeepsItsGroups(t *testing.T) {
	in := golden(t)
	s := in.seal(t)
	before := digest(t, &s.Head)
	in.groups[0].Threshold = 1
	if digest(t, &s.Head) != before {
		t.Error("the head changed under its digest")
	}
}

func TestShapes(t *testing.T) {
	set := &order.ReviewerSet{Groups: []order.Group{{Group: 1, Threshold: 2, Members: make([]order.Reviewer, 4)}, {Group: 2, Threshold: 1, Members: make([]order.Reviewer, 3)}}}
	if got := seal.Shapes(set); !slices.Equal(got, golden(t).groups) {
		t.Errorf("%v", got)
	}
}

func TestWrap(t *testing.T) {
	s := golden(t).seal(t)
	key := reviewer(t)
	w, err := s.Wrap(1, 4, key.PublicKey())
	if err != nil || w.Epoch != 3 || w.Group != 1 || w.Index != 4 || w.Generation != 0 || len(w.Box) != seal.BoxSize {
		t.Fatalf("%+v, %v", w, err)
	}
	again, err := s.Wrap(1, 4, key.PublicKey())
	if err != nil || bytes.Equal(again.Box, w.Box) {
		t.Errorf("the same message twice: %v", err)
	}
	for _, at := range [][2]int{{0, 1}, {3, 1}, {-1, 1}, {1, 0}, {1, 5}, {2, 4}, {1, -1}} {
		if w, err := s.Wrap(at[0], at[1], key.PublicKey()); err == nil || w != nil {
			t.Errorf("reviewer %v is in no group", at)
		}
	}
}

// TestWrapAtOnce: messages to all reviewers may be made at the same time.
func TestWrapAtOnce(t *testing.T) {
	s, to := golden(t).seal(t), reviewer(t).PublicKey()
	var wg sync.WaitGroup
	for _, g := range s.Head.Groups {
		for i := range g.Members {
			wg.Go(func() {
				if w, err := s.Wrap(g.Group, i+1, to); err != nil || w.Index != i+1 {
					t.Errorf("%d/%d: %v", g.Group, i+1, err)
				}
			})
		}
	}
	wg.Wait()
}

// Shares are sealed to hybrid keys only.
func TestE12_wrapOtherKEM(t *testing.T) {
	s := golden(t).seal(t)
	for _, kem := range []hpke.KEM{hpke.DHKEM(ecdh.X25519()), hpke.DHKEM(ecdh.P256()), hpke.MLKEM768(), hpke.MLKEM1024(), hpke.MLKEM768P256()} {
		key, err := kem.GenerateKey()
		if err != nil {
			t.Fatal(err)
		}
		if w, err := s.Wrap(1, 1, key.PublicKey()); !errors.Is(err, order.ErrHPKEKey) || w != nil {
			t.Errorf("KEM %#04x: %v", kem.ID(), err)
		}
	}
	kdf, aead := seal.Suite()
	if seal.KEM != hpke.MLKEM768X25519().ID() || kdf.ID() != 1 || aead.ID() != 2 {
		t.Error("the suite is not 0x647a, 0x0001, 0x0002")
	}
}

// TestInfos: info bytes differ wherever anything that they bind differs.
func TestInfos(t *testing.T) {
	base := golden(t).subject
	seen := map[string]string{}
	add := func(name string, info []byte) {
		if other, ok := seen[string(info)]; ok {
			t.Errorf("%s and %s are bound to the same", name, other)
		}
		seen[string(info)] = name
	}
	change := map[string]func(s *seal.Subject){
		"golden":    func(*seal.Subject) {},
		"authority": func(s *seal.Subject) { s.Authority = "202100-2114" },
		"decision":  func(s *seal.Subject) { s.Decision = "aaaqeayeaudaocajbifqydioa4" },
		"draft":     func(s *seal.Subject) { s.Draft[31]++ },
	}
	for name, f := range change {
		s := base
		f(&s)
		for _, at := range [][3]int{{1, 1, 0}, {1, 2, 0}, {2, 1, 0}, {1, 1, 1}, {1, 1, 256}} {
			add(fmt.Sprint(name, " wrap ", at), s.WrapInfo(at[0], at[1], uint32(at[2])))
		}
		for _, sec := range record.All() {
			add(fmt.Sprint(name, " ", sec), s.SectionInfo(sec))
		}
	}
	s := base
	s.Set.Epoch++
	add("epoch", s.WrapInfo(1, 1, 0))
}

// TestShareDigests: a digest is that of one share at one place.
func TestShareDigests(t *testing.T) {
	s := golden(t).subject
	other := s
	other.Decision = "aaaqeayeaudaocajbifqydioa4"
	later := s
	later.Draft[0]++
	x, y := make([]byte, 32), append(make([]byte, 31), 1)
	list := []ident.Digest{
		s.ShareDigest(1, 1, 1, x), s.ShareDigest(2, 1, 1, x), s.ShareDigest(1, 2, 1, x), s.ShareDigest(1, 1, 2, x),
		s.ShareDigest(1, 1, 1, y), other.ShareDigest(1, 1, 1, x), later.ShareDigest(1, 1, 1, x),
	}
	for i, d := range list {
		if slices.Contains(list[:i], d) {
			t.Errorf("share %d has the digest of another", i)
		}
	}
}

func TestSplitCiphertexts(t *testing.T) {
	s := golden(t).seal(t)
	joined := s.JoinCiphertexts()
	if len(joined) != 20<<10+7*16 {
		t.Errorf("%d bytes", len(joined))
	}
	parts, err := seal.SplitCiphertexts(joined)
	if err != nil || !slices.EqualFunc(parts[:], s.Ciphertexts[:], bytes.Equal) {
		t.Errorf("%v", err)
	}
	for _, bad := range [][]byte{nil, joined[1:], joined[:len(joined)-1], append(bytes.Clone(joined), 0), joined[:1040]} {
		if _, err := seal.SplitCiphertexts(bad); !errors.Is(err, seal.ErrFormat) {
			t.Errorf("%d bytes: %v", len(bad), err)
		}
	}
}
