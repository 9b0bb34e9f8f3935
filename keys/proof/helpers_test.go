package proof_test

import (
	"bytes"
	"crypto/ed25519"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"sigill/keys/ident"
	"sigill/keys/proof"
	"sigill/keys/vectors"
)

const (
	authority = ident.Authority("229999-0008")
	other     = ident.Authority("229999-0016")
)

func seed(b byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{b}, ed25519.SeedSize))
}

func signer(t testing.TB, a ident.Authority, b byte) *proof.LogSigner {
	t.Helper()
	s, err := proof.NewLogSigner(a, seed(b))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func policy(t testing.TB, text string) proof.Policy {
	t.Helper()
	p, err := proof.ParsePolicy([]byte(text))
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return p
}

func unwitnessed(t testing.TB, s *proof.LogSigner) proof.Policy {
	t.Helper()
	p, err := proof.UnwitnessedPolicy(s.LogKey)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// A cosigner is a witness.
type cosigner = vectors.Cosigner

func witness(b byte) cosigner {
	return cosigner{Label: fmt.Sprintf("witness%d.example", b), Key: seed(100 + b), Time: 1798761600}
}

// A tree is a log in memory, hashed by x/mod alone.
type tree struct {
	hashes  []tlog.Hash
	entries []proof.Entry
}

func (m *tree) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, x := range indexes {
		out[i] = m.hashes[x]
	}
	return out, nil
}

func newTree(t testing.TB, n int) *tree {
	t.Helper()
	m := &tree{}
	for i := range n {
		e := entry(t, i)
		hashes, err := tlog.StoredHashes(int64(i), e.Marshal(), m)
		if err != nil {
			t.Fatal(err)
		}
		m.hashes, m.entries = append(m.hashes, hashes...), append(m.entries, e)
	}
	return m
}

func entry(t testing.TB, i int) proof.Entry {
	t.Helper()
	p := proof.Preimage{Kind: proof.Event, Salt: [32]byte{31: byte(1 + i%255)}, Signed: ident.Sum(fmt.Sprint(i))}
	e, err := p.Entry(proof.Tag{0: 1, 15: byte(i)})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func (m *tree) checkpoint(t testing.TB, size int) proof.Checkpoint {
	t.Helper()
	root, err := tlog.TreeHash(int64(size), m)
	if err != nil {
		t.Fatal(err)
	}
	return proof.Checkpoint{Origin: authority, Size: uint64(size), Root: ident.Digest(root)}
}

func (m *tree) note(t testing.TB, s *proof.LogSigner, size int, cosigners ...note.Signer) []byte {
	t.Helper()
	cp := m.checkpoint(t, size)
	msg, err := s.Checkpoint(cp.Size, cp.Root)
	if err != nil {
		t.Fatal(err)
	}
	return cosign(t, msg, s, cosigners...)
}

func cosign(t testing.TB, msg []byte, s *proof.LogSigner, cosigners ...note.Signer) []byte {
	t.Helper()
	n, err := note.Open(msg, note.VerifierList(s.LogKey))
	if err != nil {
		t.Fatal(err)
	}
	out, err := note.Sign(n, cosigners...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func (m *tree) proof(t testing.TB, index, size int, checkpoint []byte) []byte {
	t.Helper()
	hashes, err := tlog.ProveRecord(int64(size), int64(index), m)
	if err != nil {
		t.Fatal(err)
	}
	return proof.Proof{Index: uint64(index), Hashes: digests(hashes), Checkpoint: checkpoint}.Marshal()
}

func digests(hashes []tlog.Hash) (out []ident.Digest) {
	for _, h := range hashes {
		out = append(out, ident.Digest(h))
	}
	return out
}

func twoOfThree(s *proof.LogSigner) string {
	return strings.Join([]string{
		"# the log, and three who watch it",
		"log " + s.String(),
		"witness w1 " + witness(1).VKey() + " https://w1.example/",
		"witness w2 " + witness(2).VKey() + " https://w2.example/",
		"witness w3 " + witness(3).VKey() + " https://w3.example/",
		"group g 2 w1 w2 w3",
		"quorum g",
		"",
	}, "\n")
}
