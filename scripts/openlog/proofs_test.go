package openlog_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"sigill/keys/ident"
	"sigill/keys/proof"
	"sigill/scripts/openlog"
)

// A claim is a proof that somebody shows, right or wrong: of an entry at m in a log of n,
// or that a log of m is the beginning of one of n.
type claim struct {
	what        string
	consistency bool
	m, n        uint64
	leaf        proof.Entry // of an inclusion
	from, to    ident.Digest
	hashes      []tlog.Hash
}

// hashReader reads stored hashes of a tree in memory.
type hashReader []tlog.Hash

func (r hashReader) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, x := range indexes {
		out[i] = r[x]
	}
	return out, nil
}

// bent are all the ways in which a claim is shown otherwise than it is.
func (c claim) bent(other proof.Entry) []claim {
	all := []claim{c}
	add := func(what string, change func(c *claim)) {
		one := c
		one.what, one.hashes = c.what+": "+what, slices.Clone(c.hashes)
		change(&one)
		all = append(all, one)
	}
	for _, by := range []int64{-2, -1, 1, 2} {
		add(fmt.Sprint("m ", by), func(c *claim) { c.m = uint64(max(0, int64(c.m)+by)) })
		add(fmt.Sprint("n ", by), func(c *claim) { c.n = uint64(max(0, int64(c.n)+by)) })
	}
	add("m doubled", func(c *claim) { c.m *= 2 })
	add("n doubled", func(c *claim) { c.n *= 2 })
	add("n halved", func(c *claim) { c.n /= 2 })
	add("m and n in each other's place", func(c *claim) { c.m, c.n = c.n, c.m })
	add("another entry", func(c *claim) { c.leaf = other })
	add("another root", func(c *claim) { c.to[5] ^= 1 })
	add("another root before", func(c *claim) { c.from[31] ^= 1 })
	add("the empty root", func(c *claim) { c.to = sha256.Sum256(nil) })
	add("roots in each other's place", func(c *claim) { c.from, c.to = c.to, c.from })
	add("no hashes", func(c *claim) { c.hashes = nil })
	add("a hash more", func(c *claim) { c.hashes = append(c.hashes, tlog.Hash{}) })
	add("a hash more in front", func(c *claim) { c.hashes = append([]tlog.Hash{{}}, c.hashes...) })
	add("the root behind", func(c *claim) { c.hashes = append(c.hashes, tlog.Hash(c.to)) })
	add("the root in front", func(c *claim) { c.hashes = append([]tlog.Hash{tlog.Hash(c.to)}, c.hashes...) })
	if len(c.hashes) > 0 {
		add("a hash less", func(c *claim) { c.hashes = c.hashes[:len(c.hashes)-1] })
		add("a hash less in front", func(c *claim) { c.hashes = c.hashes[1:] })
		add("a hash twice", func(c *claim) { c.hashes = append(c.hashes, c.hashes[len(c.hashes)-1]) })
		add("backwards", func(c *claim) { slices.Reverse(c.hashes) })
	}
	for i := range c.hashes {
		add(fmt.Sprint("bit of hash ", i), func(c *claim) { c.hashes[i][i%32] ^= 4 })
	}
	return all
}

// byUs is what package proof makes of a claim, byThem the library of x/mod.
func (c claim) byUs(s *proof.LogSigner, policy proof.Policy) bool {
	if c.consistency {
		hashes := make([]ident.Digest, len(c.hashes))
		for i, h := range c.hashes {
			hashes[i] = ident.Digest(h)
		}
		older, newer := proof.Checkpoint{Origin: openlog.Authority, Size: c.m, Root: c.from}, proof.Checkpoint{Origin: openlog.Authority, Size: c.n, Root: c.to}
		return proof.CheckConsistency(older, newer, hashes) == nil
	}
	note, err := s.Checkpoint(c.n, c.to)
	if err != nil {
		return false // a log does not sign it
	}
	var text strings.Builder
	fmt.Fprintf(&text, "c2sp.org/tlog-proof@v1\nindex %d\n", c.m)
	for _, h := range c.hashes {
		fmt.Fprintf(&text, "%s\n", h)
	}
	fmt.Fprintf(&text, "\n%s", note)
	_, _, err = proof.CheckInclusion([]byte(text.String()), c.leaf, policy)
	return err == nil
}

func (c claim) byThem() bool {
	if c.consistency {
		return tlog.CheckTree(c.hashes, int64(c.n), tlog.Hash(c.to), int64(c.m), tlog.Hash(c.from)) == nil
	}
	return tlog.CheckRecord(c.hashes, int64(c.n), tlog.Hash(c.to), int64(c.m), tlog.Hash(c.leaf.LeafHash())) == nil
}

func (c claim) String() string {
	list := make([]string, len(c.hashes))
	for i, h := range c.hashes {
		list[i] = hex.EncodeToString(h[:])
	}
	joined := strings.Join(append(list, "-")[:max(1, len(list))], ",")
	if c.consistency {
		return fmt.Sprintf("consistency %d %d %x %x %s", c.m, c.n, c.from[:], c.to[:], joined)
	}
	leaf := c.leaf.LeafHash()
	return fmt.Sprintf("inclusion %d %d %x %x %s", c.m, c.n, leaf[:], c.to[:], joined)
}

// claims are right proofs of small and of uneven logs, and all that is bent about them.
func claims(t *testing.T, entries []proof.Entry) (all []claim) {
	t.Helper()
	var stored hashReader
	for i, e := range entries {
		h, err := tlog.StoredHashes(int64(i), e.Marshal(), stored)
		if err != nil {
			t.Fatal(err)
		}
		stored = append(stored, h...)
	}
	root := func(n uint64) ident.Digest {
		h, err := tlog.TreeHash(int64(n), stored)
		if err != nil {
			t.Fatal(err)
		}
		return ident.Digest(h)
	}
	for _, p := range [][2]uint64{{0, 1}, {0, 2}, {1, 2}, {2, 3}, {1, 5}, {4, 5}, {6, 7}, {0, 8}, {5, 8}, {11, 13}, {100, 256}, {256, 257}, {3, 400}} {
		h, err := tlog.ProveRecord(int64(p[1]), int64(p[0]), stored)
		if err != nil {
			t.Fatal(err)
		}
		c := claim{what: fmt.Sprint("entry ", p[0], " of ", p[1]), m: p[0], n: p[1], leaf: entries[p[0]], to: root(p[1]), hashes: h}
		all = append(all, c.bent(entries[300])...)
	}
	for _, p := range [][2]uint64{{1, 1}, {1, 2}, {1, 8}, {2, 5}, {6, 8}, {7, 13}, {255, 257}, {256, 300}, {300, 400}} {
		h, err := tlog.ProveTree(int64(p[1]), int64(p[0]), stored)
		if err != nil {
			t.Fatal(err)
		}
		c := claim{what: fmt.Sprint(p[0], " begins ", p[1]), consistency: true, m: p[0], n: p[1], from: root(p[0]), to: root(p[1]), hashes: h}
		all = append(all, c.bent(entries[300])...)
	}
	return all
}

// TestL15_bentProofs: of proofs that are right and of proofs that are bent in every way
// the three implementations, ours, x/mod's and transparency-dev's, believe the same.
func TestL15_bentProofs(t *testing.T) {
	bin := filepath.Join(t.TempDir(), "proofs")
	if out, err := exec.Command("go", "build", "-C", "../tessera", "-o", bin, "./proofs").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	l := openlog.New(t)
	l.Grow(400)
	signer, err := proof.NewLogSigner(openlog.Authority, ed25519.NewKeyFromSeed(make([]byte, 32)))
	if err != nil {
		t.Fatal(err)
	}
	policy, err := proof.UnwitnessedPolicy(signer.LogKey)
	if err != nil {
		t.Fatal(err)
	}
	all, believed := claims(t, l.Logged), 0
	var lines bytes.Buffer
	for _, c := range all {
		fmt.Fprintln(&lines, c)
	}
	cmd := exec.Command(bin)
	cmd.Stdin = &lines
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	answers := strings.Fields(string(out))
	if len(answers) != len(all) {
		t.Fatalf("%d answers to %d proofs", len(answers), len(all))
	}
	for i, c := range all {
		us, them, others := c.byUs(signer, policy), c.byThem(), answers[i] == "ok"
		if c.consistency && c.m == 0 {
			others = false // from nothing it believes any root of nothing; the right one x/mod does not take either
		}
		if us != them || us != others {
			t.Errorf("%s: we %v, x/mod %v, transparency-dev %v", c.what, us, them, others)
		}
		if us {
			believed++
		}
	}
	t.Logf("%d proofs, %d of them believed", len(all), believed)
	if right := 13 + 9; len(all) < 143 || believed < right {
		t.Errorf("%d proofs, %d believed", len(all), believed)
	}
}
