// Package openlog is a log of any size, made in memory of the parts that a server
// makes it of, for tests of those who give it out and of those who read it.
package openlog

import (
	"context"
	"crypto/ed25519"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"sigill/keys/bundle"
	"sigill/keys/ident"
	"sigill/keys/proof"
	"sigill/server/ledger"
	"sigill/server/store"
	"sigill/server/store/memory"
	"sigill/server/translog"
	"sigill/server/workflow"
)

// Authority is whose log it is.
const Authority = ident.Authority("212000-0449")

// A Log is an office that has nothing but its log.
type Log struct {
	*workflow.Office
	Key    proof.LogKey
	Policy proof.Policy
	Logged []proof.Entry // all of them, published or not
	Disk   *memory.Disk
	Cosign func(note []byte) []byte // adds witnesses' lines to what is published; nil: none
	t      testing.TB
	key    ed25519.PrivateKey
	name   string
	ledger *ledger.Ledger
	last   []byte
}

// New is an empty log, which ends with the test.
func New(t testing.TB) *Log {
	t.Helper()
	_, key, err := ed25519.GenerateKey(nil)
	must(t, err)
	return begin(t, key, "")
}

// Fork is another history under the same key, from the first entry on.
func (l *Log) Fork() *Log {
	l.t.Helper()
	return begin(l.t, l.key, l.name+"fork")
}

func begin(t testing.TB, key ed25519.PrivateKey, name string) *Log {
	t.Helper()
	signer, err := proof.NewLogSigner(Authority, key)
	must(t, err)
	l := &Log{Key: signer.LogKey, key: key, name: name, t: t, Disk: memory.NewDisk(layout())}
	l.Policy, err = proof.UnwitnessedPolicy(signer.LogKey)
	must(t, err)
	ctx, stop := context.WithCancel(context.Background())
	l.ledger, err = ledger.Open(ctx, l.Disk.Open(), signer, false)
	must(t, err)
	ended := make(chan error, 1)
	go func() { ended <- l.ledger.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil && !errors.Is(err, ledger.ErrStopped) {
			t.Error(err)
		}
	})
	l.Office, err = workflow.New(ctx, workflow.Config{Trust: &bundle.Trust{Policy: l.Policy}}, l.ledger, nil)
	must(t, err)
	l.publish()
	return l
}

func layout() store.Layout {
	out := store.Layout{ledger.RoomHead: store.Random, translog.Entries: store.Ordered, translog.Tiles: store.Random, translog.Days: store.Ordered}
	for room := range workflow.Rooms() {
		out[room] = store.Random
	}
	return out
}

// Branch is another history under the same key, which begins with so many entries of
// this one's.
func (l *Log) Branch(size int) *Log {
	l.t.Helper()
	b := begin(l.t, l.key, l.name+"branch")
	b.Put(l.Logged[:size]...)
	b.publish()
	return b
}

// Add logs entries, and publishes nothing.
func (l *Log) Add(n int) {
	l.t.Helper()
	var list []proof.Entry
	for i := len(l.Logged); len(list) < n; i++ {
		list = append(list, proof.Entry{Kind: proof.Event, Tag: proof.Tag{0: 1, 15: byte(i)}, Digest: ident.Sum(l.name, fmt.Sprint(i))})
	}
	l.Put(list...)
}

// Put logs these entries, and publishes nothing.
func (l *Log) Put(list ...proof.Entry) {
	l.t.Helper()
	_, err := l.ledger.Do(context.Background(), func(tx *ledger.Tx) error {
		for _, e := range list {
			tx.Log(e)
		}
		return nil
	})
	must(l.t, err)
	l.Logged = append(l.Logged, list...)
}

// Grow publishes the log at a size.
func (l *Log) Grow(size int) {
	l.t.Helper()
	if n := size - len(l.Logged); n > 0 {
		l.Add(n)
	}
	l.publish()
}

func (l *Log) publish() {
	l.t.Helper()
	h := l.ledger.Head()
	if l.Cosign != nil {
		h.Note = l.Cosign(h.Note)
	}
	must(l.t, l.Publish(context.Background(), h))
	l.last = l.PublishedCheckpoint()
}

// End closes a day as the server does when its first publication of the next comes.
func (l *Log) End(d ident.Date) {
	l.t.Helper()
	must(l.t, l.CloseDays(context.Background(), Morning(d.AddDays(1)), l.last))
}

// Write is a log as files in a directory, signed by this one's key, of whatever it is
// told: also of what no ledger takes.
func (l *Log) Write(dir string, entries ...[]byte) {
	l.t.Helper()
	var hashes []tlog.Hash
	stored := tlog.HashReaderFunc(func(at []int64) (out []tlog.Hash, err error) {
		for _, i := range at {
			out = append(out, hashes[i])
		}
		return out, nil
	})
	var bundles []byte
	for i, e := range entries {
		more, err := tlog.StoredHashes(int64(i), e, stored)
		must(l.t, err)
		hashes = append(hashes, more...)
		bundles = append(binary.BigEndian.AppendUint16(bundles, uint16(len(e))), e...)
	}
	put := func(path string, b []byte) {
		at := filepath.Join(dir, filepath.FromSlash(path))
		must(l.t, os.MkdirAll(filepath.Dir(at), 0o700))
		must(l.t, os.WriteFile(at, b, 0o600))
	}
	for _, t := range tlog.NewTiles(proof.TileHeight, 0, int64(len(entries))) {
		b, err := tlog.ReadTileData(t, stored)
		must(l.t, err)
		put(proof.TilePath(t.L, uint64(t.N), t.W), b)
		if t.L == 0 {
			n := t.W * (2 + proof.EntrySize)
			put(proof.TilePath(proof.EntriesLevel, uint64(t.N), t.W), bundles[:n])
			bundles = bundles[n:]
		}
	}
	root, err := tlog.TreeHash(int64(len(entries)), stored)
	must(l.t, err)
	signer, err := proof.NewLogSigner(Authority, l.key)
	must(l.t, err)
	note, err := signer.Checkpoint(uint64(len(entries)), ident.Digest(root))
	must(l.t, err)
	put("checkpoint", note)
}

// Morning is a time on a day.
func Morning(d ident.Date) time.Time { return d.Start().Add(8 * time.Hour) }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
