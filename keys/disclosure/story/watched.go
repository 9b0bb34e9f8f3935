package story

import (
	"bytes"
	"crypto/ed25519"
	"fmt"
	"time"

	"golang.org/x/mod/sumdb/note"

	"sigill/keys/ident"
	"sigill/keys/proof"
	"sigill/keys/vectors"
)

// Follow sets the policy, by line.
func (s *Story) Follow(policy ...string) {
	s.Helper()
	f := s.TrustFile
	f.Policy = policy
	s.Retrust(f)
}

// Watch has the policy ask for two of three witnesses.
func (s *Story) Watch() {
	s.Helper()
	policy := []string{"log " + s.Tree.Key.String()}
	for i := 1; i <= 3; i++ {
		policy = append(policy, fmt.Sprintf("witness w%d %s https://w%[1]d.example/", i, Witness(i, 0).VKey()))
	}
	s.Follow(append(policy, "group g 2 w1 w2 w3", "quorum g")...)
}

// Witness is one whose clock says a time, in seconds.
func Witness(i int, at int64) vectors.Cosigner {
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{byte(i)}, ed25519.SeedSize))
	return vectors.Cosigner{Label: fmt.Sprintf("witness%d.example", i), Key: key, Time: uint64(at)}
}

// Cosigned are witnesses whose clocks say that it is an hour before a day's midnight.
func Cosigned(d ident.Date, which ...int) (out []note.Signer) {
	for _, i := range which {
		out = append(out, Witness(i, d.AddDays(1).Start().Add(-time.Hour).Unix()))
	}
	return out
}

// Meanwhile adds entries that mean nothing to anyone.
func (l *Log) Meanwhile(n int) {
	for range n {
		l.Add(Salt(proof.Event, vectors.Digest(fmt.Sprint(l.size))), proof.Tag{1})
	}
}

// Pass ends a day that began where the last one ended, and gives its text.
func (l *Log) Pass(d ident.Date, witnesses ...note.Signer) []byte {
	text := l.Day(d, l.passed, witnesses...).Marshal()
	l.passed = int(l.size)
	return text
}

// Begin has the next day that passes begin at an index.
func (l *Log) Begin(at uint64) { l.passed = int(at) }
