// Package openlog is a log of any size, made in memory of the parts that a server
// makes it of, for tests of those who give it out and of those who read it.
package openlog

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"testing"
	"time"

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

// Add logs entries, and publishes nothing.
func (l *Log) Add(n int) {
	l.t.Helper()
	_, err := l.ledger.Do(context.Background(), func(tx *ledger.Tx) error {
		for range n {
			i := len(l.Logged)
			e := proof.Entry{Kind: proof.Event, Tag: proof.Tag{0: 1, 15: byte(i)}, Digest: ident.Sum(l.name, fmt.Sprint(i))}
			tx.Log(e)
			l.Logged = append(l.Logged, e)
		}
		return nil
	})
	must(l.t, err)
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
	must(l.t, l.Publish(context.Background(), l.ledger.Head()))
	l.last = l.PublishedCheckpoint()
}

// End closes a day as the server does when its first publication of the next comes.
func (l *Log) End(d ident.Date) {
	l.t.Helper()
	must(l.t, l.CloseDays(context.Background(), Morning(d.AddDays(1)), l.last))
}

// Morning is a time on a day.
func Morning(d ident.Date) time.Time { return d.Start().Add(8 * time.Hour) }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
