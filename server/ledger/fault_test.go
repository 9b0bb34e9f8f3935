package ledger_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"sigill/server/ledger"
	"sigill/server/store"
	"sigill/server/store/memory"
	"sigill/server/translog"
)

var errDisk = errors.New("the disk says no")

// many runs n operations at once and returns what each was told.
func (r *rig) many(prefix string, n int) map[string]error {
	told := map[string]error{}
	var mu sync.Mutex
	var all sync.WaitGroup
	for i := range n {
		name := fmt.Sprintf("%s-%02d", prefix, i)
		all.Go(func() {
			head, err := r.do(name)
			if err == nil && head.Size == 0 {
				err = errors.New("no head")
			}
			mu.Lock()
			defer mu.Unlock()
			told[name] = err
		})
	}
	all.Wait()
	return told
}

// TestD02_misbehaving: at every commit of a run, and each way in which a commit can
// fail, the ledger stops, all that was acknowledged is there after a restart,
// what was not is there whole or not at all, and the next ledger goes on.
func TestD02_misbehaving(t *testing.T) {
	for _, f := range []struct {
		name  string
		fault memory.Fault
	}{
		{"nothing applied", memory.Fault{Err: errDisk}},
		{"applied all the same", memory.Fault{Err: errDisk, Applied: true}},
	} {
		for nth := 1; nth <= 4; nth++ {
			t.Run(fmt.Sprintf("%s, commit %d", f.name, nth), func(t *testing.T) {
				r := newRig(t)
				r.disk.Fault(nth, f.fault)
				told := map[string]error{}
				for round := range nth {
					for name, err := range r.many(fmt.Sprint(round), 8) {
						told[name] = err
					}
				}
				if err := <-r.ended; !errors.Is(err, ledger.ErrStopped) || !errors.Is(err, errDisk) {
					t.Fatal("the ledger ended with", err)
				}
				_, err := r.do("after")
				wantErr(t, err, ledger.ErrStopped)
				wantErr(t, r.Read(context.Background(), func(store.Reader) error { return nil }), ledger.ErrStopped)
				r.start()
				r.check()
				acked, refused := 0, 0
				for name, err := range told {
					switch {
					case err == nil:
						acked++
						if !r.has(name) {
							t.Fatalf("acknowledged and lost: %s", name)
						}
					case errors.Is(err, ledger.ErrStopped):
						refused++
					default:
						t.Fatal(name, err)
					}
				}
				if refused == 0 {
					t.Fatal("the fault did not strike")
				}
				if r.has("after") {
					t.Fatal("a stopped ledger wrote")
				}
				for name, err := range r.many("again", 8) {
					if err != nil {
						t.Fatal(name, err)
					}
				}
				r.check()
			})
		}
	}
}

// TestCrash: a server that is killed during a commit loses that one and nothing
// before it, and its ledger never writes again beside the next one.
func TestCrash(t *testing.T) {
	r := newRig(t)
	_, err := r.do("before")
	ok(t, err)
	old, oldEnded := r.Ledger, r.ended
	r.disk.Fault(1, memory.Fault{During: func() { r.start() }})
	_, err = old.Do(context.Background(), file("during", entry()))
	wantErr(t, err, ledger.ErrStopped)
	wantErr(t, <-oldEnded, ledger.ErrStopped)
	_, err = old.Do(context.Background(), file("zombie", entry()))
	wantErr(t, err, ledger.ErrStopped)
	_, err = r.do("after")
	ok(t, err)
	r.check()
	if !r.has("before") || !r.has("after") || r.has("during") || r.has("zombie") {
		t.Fatal("not what was acknowledged")
	}
}

// TestLyingDisk: a disk that only says that it has flushed takes back commits
// that were acknowledged. No ledger can prevent that; what it opens is a prefix,
// shorter than the head that was published, which is how the server finds it.
func TestLyingDisk(t *testing.T) {
	r := newRig(t)
	_, err := r.do("kept")
	ok(t, err)
	kept := r.Head()
	r.disk.Freeze()
	_, err = r.do("lost")
	ok(t, err)
	published := r.publish()
	hashes, err := r.Consistency(context.Background(), kept.Size, published.Size)
	ok(t, err)
	if published.Size != kept.Size+1 || len(hashes) == 0 {
		t.Fatal("the log did not grow")
	}
	r.start()
	r.check()
	if r.Head().Size != kept.Size || r.Head().Root != kept.Root || r.has("lost") {
		t.Fatal("not the prefix that is on the disk")
	}
	if _, err := r.HeadAt(context.Background(), published.Size); err == nil {
		t.Fatal("a head beyond the log")
	}
}

// TestD03_full: without space the operations are refused and nothing else: the
// ledger goes on, and takes them when there is space.
func TestD03_full(t *testing.T) {
	r := newRig(t)
	_, err := r.do("before")
	ok(t, err)
	before := r.Head()
	r.disk.Fault(1, memory.Fault{Err: store.ErrFull})
	_, err = r.do("too much")
	wantErr(t, err, ledger.ErrFull)
	if r.has("too much") || r.Head().Size != before.Size {
		t.Fatal("a refused commit left something")
	}
	_, err = r.do("too much")
	ok(t, err)
	r.check()
	if r.Head().Size != before.Size+1 {
		t.Fatal("not one entry more")
	}
}

// TestOpenDamaged: a log that does not fit its checkpoint is not opened.
func TestOpenDamaged(t *testing.T) {
	other := newRig(t)
	_, err := other.do("of another key")
	ok(t, err)
	for name, damage := range map[string]func(r *rig, change func(store.Change)){
		"no checkpoint": func(r *rig, change func(store.Change)) {
			change(store.Change{Room: ledger.RoomHead, Key: []byte("checkpoint"), Delete: true})
		},
		"a checkpoint of before": func(r *rig, change func(store.Change)) {
			h, err := r.HeadAt(context.Background(), 2)
			ok(t, err)
			change(store.Change{Room: ledger.RoomHead, Key: []byte("checkpoint"), Value: h.Note})
		},
		"another log's checkpoint": func(r *rig, change func(store.Change)) {
			change(store.Change{Room: ledger.RoomHead, Key: []byte("checkpoint"), Value: other.Head().Note})
		},
		"another log's published": func(r *rig, change func(store.Change)) {
			change(store.Change{Room: ledger.RoomHead, Key: []byte("published"), Value: other.Head().Note})
		},
		"more published than there is": func(r *rig, change func(store.Change)) {
			note, err := r.signer.Checkpoint(4, r.Head().Root)
			ok(t, err)
			change(store.Change{Room: ledger.RoomHead, Key: []byte("published"), Value: note})
		},
		"something else published": func(r *rig, change func(store.Change)) {
			change(store.Change{Room: ledger.RoomHead, Key: []byte("published"), Value: []byte("nothing")})
		},
		"an entry missing": func(r *rig, change func(store.Change)) {
			change(store.Change{Room: "log-entries", Key: []byte{0, 0, 0, 0, 0, 0, 0, 1}, Delete: true})
		},
		"an entry changed": func(r *rig, change func(store.Change)) {
			e := entry()
			change(store.Change{Room: "log-entries", Key: []byte{0, 0, 0, 0, 0, 0, 0, 1}, Value: e.Marshal()})
		},
		"an entry too many": func(r *rig, change func(store.Change)) {
			e := entry()
			change(store.Change{Room: "log-entries", Key: []byte{0, 0, 0, 0, 0, 0, 0, 3}, Value: e.Marshal()})
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			for i := range 3 {
				_, err := r.do(fmt.Sprint(i))
				ok(t, err)
			}
			damage(r, func(c store.Change) {
				ok(t, r.stop())
				ok(t, r.disk.Open().Commit(context.Background(), store.Changes{c}))
			})
			if _, err := ledger.Open(context.Background(), r.disk.Open(), r.signer, true); !errors.Is(err, store.ErrCorrupt) && !errors.Is(err, ledger.ErrHead) {
				t.Fatal("opened, or", err)
			}
		})
	}
}

// TestVerify: a copy whose log is not that of its last checkpoint is refused, also where
// it opens: what is read then is the edge of the tree alone.
func TestVerify(t *testing.T) {
	r := newRig(t)
	_, err := r.Do(context.Background(), func(tx *ledger.Tx) error {
		for range 600 {
			tx.Log(entry())
		}
		return nil
	})
	ok(t, err)
	ok(t, r.stop())
	s := r.disk.Open()
	verify := func() error {
		l, err := ledger.OpenCopy(context.Background(), s)
		if err == nil {
			err = l.Verify(context.Background())
		}
		return err
	}
	ok(t, verify())
	rows := map[store.Room][]store.Pair{}
	snap, err := s.Snapshot(context.Background())
	ok(t, err)
	for _, room := range []store.Room{translog.Entries, translog.Tiles} {
		for p, err := range snap.Scan(room, nil, nil) {
			ok(t, err)
			rows[room] = append(rows[room], p)
		}
	}
	ok(t, snap.Close())
	set := func(room store.Room, key, value []byte) {
		ok(t, s.Commit(context.Background(), store.Changes{{Room: room, Key: key, Value: value, Delete: value == nil}}))
	}
	for room, list := range rows {
		p := list[0]
		other := bytes.Clone(p.Value)
		other[len(other)-1] ^= 1
		for what, value := range map[string][]byte{"another": other, "gone": nil} {
			set(room, p.Key, value)
			wantErr(t, verify(), store.ErrCorrupt)
			set(room, p.Key, p.Value)
			if err := verify(); err != nil {
				t.Fatalf("%s, %s, and put back: %v", room, what, err)
			}
		}
	}
	set(translog.Tiles, []byte("one too many"), []byte{1})
	wantErr(t, verify(), store.ErrCorrupt)
}
