package ledger_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"testing"

	"sigill/keys/ident"
	"sigill/keys/proof"
	"sigill/server/ledger"
	"sigill/server/store"
	"sigill/server/store/memory"
	"sigill/server/translog"
)

const things store.Room = "things"

func layout() store.Layout {
	return store.Layout{things: store.Random, ledger.RoomHead: store.Random, translog.Entries: store.Ordered, translog.Tiles: store.Random,
		translog.Days: store.Ordered}
}

// rig is a ledger over a disk that can be started again and again.
type rig struct {
	t      *testing.T
	disk   *memory.Disk
	signer *proof.LogSigner
	policy proof.Policy

	witnessed bool // or published on the log's own word
	*ledger.Ledger
	cancel context.CancelFunc
	ended  chan error
}

func newRig(t *testing.T) *rig {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	ok(t, err)
	r := &rig{t: t, disk: memory.NewDisk(layout())}
	r.signer, err = proof.NewLogSigner("212000-0449", key)
	ok(t, err)
	r.policy, err = proof.UnwitnessedPolicy(r.signer.LogKey)
	ok(t, err)
	r.start()
	t.Cleanup(func() { r.stop() })
	return r
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantErr(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("got %v, want %v", err, want)
	}
}

// start opens the disk as after a kill, and runs a new ledger over it.
func (r *rig) start() {
	r.t.Helper()
	l, err := ledger.Open(context.Background(), r.disk.Open(), r.signer, r.witnessed)
	ok(r.t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- l.Run(ctx) }()
	r.Ledger, r.cancel, r.ended = l, cancel, ended
}

// publish makes the newest head the published one.
func (r *rig) publish() ledger.Head {
	h := r.Head()
	if err := r.Publish(context.Background(), h); err != nil {
		r.t.Error(err)
	}
	return h
}

// stop ends the ledger and returns what Run returned.
func (r *rig) stop() error {
	r.cancel()
	<-r.Done()
	err := <-r.ended
	r.ended <- err
	return err
}

func entry() proof.Entry {
	e, err := proof.NewPreimage(proof.AuthorAct, ident.Digest{1}).Entry(proof.RandomTag())
	if err != nil {
		panic(err)
	}
	return e
}

// file is an operation that keeps a row and its entry: the row's value is the
// entry's index and the entry.
func file(name string, e proof.Entry) ledger.Op {
	return func(tx *ledger.Tx) error {
		return tx.Put(things, []byte(name), append(binary.BigEndian.AppendUint64(nil, tx.Log(e)), e.Marshal()...))
	}
}

// do files a row and returns the head of its commit.
func (r *rig) do(name string) (ledger.Head, error) {
	return r.Do(context.Background(), file(name, entry()))
}

// has reports whether a row is durable.
func (r *rig) has(name string) bool {
	r.t.Helper()
	_, err := r.row(name)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		r.t.Fatal(err)
	}
	return err == nil
}

func (r *rig) row(name string) (b []byte, err error) {
	err = r.Read(context.Background(), func(s store.Reader) error {
		b, err = s.Get(things, []byte(name))
		return err
	})
	return b, err
}

// check proves the whole log again: every row's entry stands at the row's index
// in the newest head, and there are as many entries as rows, so that no commit
// is there by half.
func (r *rig) check() {
	r.t.Helper()
	head := r.Head()
	rows := uint64(0)
	err := r.Read(context.Background(), func(s store.Reader) error {
		for p, err := range s.Scan(things, nil, nil) {
			ok(r.t, err)
			rows++
			e, err := proof.ParseEntry(p.Value[8:])
			ok(r.t, err)
			text, err := r.Proof(context.Background(), binary.BigEndian.Uint64(p.Value), head)
			ok(r.t, err)
			index, cp, err := proof.CheckInclusion([]byte(text), e, r.policy)
			ok(r.t, err)
			if index != binary.BigEndian.Uint64(p.Value) || cp.Size != head.Size || cp.Root != head.Root {
				r.t.Fatal("an entry at another place than its row says")
			}
		}
		note, err := s.Get(ledger.RoomHead, []byte("checkpoint"))
		if rows > 0 && (err != nil || !bytes.Equal(note, head.Note)) {
			r.t.Fatal("the stored checkpoint is not the head", err)
		}
		return nil
	})
	ok(r.t, err)
	if rows != head.Size {
		r.t.Fatalf("%d rows and %d entries", rows, head.Size)
	}
}
