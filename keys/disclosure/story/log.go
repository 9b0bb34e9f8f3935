package story

import (
	"crypto"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"sigill/keys/bundle"
	"sigill/keys/ident"
	"sigill/keys/opening"
	"sigill/keys/proof"
)

// A Log is a log in memory.
type Log struct {
	testing.TB
	Key     *proof.LogSigner
	hashes  []tlog.Hash
	entries []proof.Entry
	size    int64
	passed  int // how many entries there were when the last day ended
}

// NewLog makes an empty one.
func NewLog(t testing.TB, key crypto.Signer) *Log {
	t.Helper()
	s, err := proof.NewLogSigner(Authority, key)
	check(t, err)
	return &Log{TB: t, Key: s}
}

// ReadHashes implements [tlog.HashReader].
func (l *Log) ReadHashes(at []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(at))
	for i, x := range at {
		out[i] = l.hashes[x]
	}
	return out, nil
}

// Salt is a preimage with a salt that follows from what it is over.
func Salt(kind proof.Kind, signed ident.Digest) proof.Preimage {
	return proof.Preimage{Kind: kind, Salt: ident.Sum("salt", string(signed[:])), Signed: signed}
}

// Add appends an entry and gives its index.
func (l *Log) Add(pre proof.Preimage, tag proof.Tag) uint64 {
	l.Helper()
	e, err := pre.Entry(tag)
	check(l, err)
	h, err := tlog.StoredHashes(l.size, e.Marshal(), l)
	check(l, err)
	l.hashes, l.entries = append(l.hashes, h...), append(l.entries, e)
	l.size++
	return uint64(l.size - 1)
}

// Head is the newest checkpoint.
func (l *Log) Head() proof.Checkpoint {
	l.Helper()
	root, err := tlog.TreeHash(l.size, l)
	check(l, err)
	return proof.Checkpoint{Origin: Authority, Size: uint64(l.size), Root: ident.Digest(root)}
}

// Note is the newest checkpoint, signed by the log and by witnesses.
func (l *Log) Note(witnesses ...note.Signer) []byte {
	l.Helper()
	head := l.Head()
	msg, err := l.Key.Checkpoint(head.Size, head.Root)
	check(l, err)
	n, err := note.Open(msg, note.VerifierList(l.Key.LogKey))
	check(l, err)
	msg, err = note.Sign(n, witnesses...)
	check(l, err)
	return msg
}

// Day is all that the log got since it had a size, as a day of it.
func (l *Log) Day(date ident.Date, from int, witnesses ...note.Signer) proof.Day {
	l.Helper()
	return proof.Day{Date: date, First: uint64(from), Frontier: Frontier(l, l, from), Entries: l.entries[from:], Checkpoint: l.Note(witnesses...)}
}

// Frontier are the roots of the full subtrees of a log's first entries, left to right.
func Frontier(t testing.TB, log tlog.HashReader, size int) (roots []ident.Digest) {
	t.Helper()
	for level, start := 62, 0; level >= 0; level-- {
		if size>>level&1 == 1 {
			hashes, err := log.ReadHashes([]int64{tlog.StoredHashIndex(level, int64(start>>level))})
			check(t, err)
			roots = append(roots, ident.Digest(hashes[0]))
			start += 1 << level
		}
	}
	return roots
}

// Proof is the tlog-proof of an entry at the newest checkpoint, by line.
func (l *Log) Proof(index uint64) []string {
	l.Helper()
	signed := l.Note()
	hashes, err := tlog.ProveRecord(l.size, int64(index), l)
	check(l, err)
	p := proof.Proof{Index: index, Checkpoint: signed}
	for _, h := range hashes {
		p.Hashes = append(p.Hashes, ident.Digest(h))
	}
	return bundle.SplitLines(string(p.Marshal()))
}

// Entry is what a package holds of an entry.
func (l *Log) Entry(pre proof.Preimage, tag proof.Tag, index uint64) opening.Entry {
	return opening.Entry{Preimage: pre.Marshal(), Proof: l.Proof(index), Tag: tag[:]}
}
