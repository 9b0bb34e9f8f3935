package seal_test

import (
	"bytes"
	"crypto/hpke"
	"fmt"
	"strconv"
	"testing"

	"sigill/keys/ident"
	"sigill/keys/record"
	"sigill/keys/seal"
	"sigill/keys/vectors"
)

func number(t testing.TB, s string) int {
	t.Helper()
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// An input is all that a seal is made of.
type input struct {
	subject seal.Subject
	groups  []seal.Group
	seed    record.Seed
	plain   record.Plaintexts
}

func (in *input) seal(t testing.TB) *seal.Sealed {
	t.Helper()
	s, err := seal.New(in.subject, in.groups, in.seed, &in.plain)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// golden is the input of testdata/seal.txt.
func golden(t testing.TB) *input {
	t.Helper()
	v, sections := vectors.Read(t, "testdata/seal.txt"), vectors.Read(t, "../record/testdata/sections.txt")
	in := &input{seed: record.Seed(vectors.Hex(t, sections["seed"]))}
	in.subject = seal.Subject{Authority: ident.Authority(v["authority"]), Decision: ident.ID(v["decision"]), Revision: number(t, v["revision"]),
		Draft: ident.Digest(vectors.Hex(t, v["draft"])), AuthorKey: ident.Digest(vectors.Hex(t, v["author-key"]))}
	in.subject.Set.Epoch, in.subject.Set.Digest = number(t, v["epoch"]), ident.Digest(vectors.Hex(t, v["set"]))
	for i := range 2 {
		g := seal.Group{Group: i + 1}
		if _, err := fmt.Sscan(v[fmt.Sprintf("group/%d", i+1)], &g.Threshold, &g.Members); err != nil {
			t.Fatal(err)
		}
		in.groups = append(in.groups, g)
	}
	for i, s := range record.All() {
		var err error
		if in.plain[i], err = record.Pad(s, in.seed.Blind(s), []byte(sections[fmt.Sprintf("json/%d", s)])); err != nil {
			t.Fatal(err)
		}
	}
	return in
}

func marshal(t testing.TB, h *seal.Head) []byte {
	t.Helper()
	b, err := h.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func digest(t testing.TB, h *seal.Head) ident.Digest {
	t.Helper()
	d, err := h.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func reviewer(t testing.TB) hpke.PrivateKey {
	t.Helper()
	k, err := hpke.MLKEM768X25519().DeriveKeyPair(bytes.Repeat([]byte{1}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return k
}
