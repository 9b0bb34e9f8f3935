// Package storetest is the one suite that every store engine and every
// decorator of one passes.
//
// Use [Run]. What it asserts is the comment of store.Store, sentence by
// sentence; the model test in model.go draws overlays, commits and restarts at
// random and compares with a plain map.
package storetest

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"sigill/server/store"
)

// Rooms of the suite. A store under test is opened with Layout, to which a
// decorator adds its own rooms.
const (
	drafts  store.Room = "drafts"
	signed  store.Room = "signed"
	unknown store.Room = "attic"
)

// Layout returns the rooms that the suite uses.
func Layout() store.Layout {
	return store.Layout{drafts: store.Random, signed: store.Ordered}
}

// An Opener opens one store: empty at the first call, and as it was durable
// when the store of the call before has been closed.
type Opener func() (store.Store, error)

// Run runs the suite. The function new is called for each test and returns the
// opener of a store that does not exist yet.
func Run(t *testing.T, new func(t testing.TB) Opener) {
	for name, test := range map[string]func(*testing.T, *bench){
		"empty":       testEmpty,
		"rows":        testRows,
		"scan":        testScan,
		"snapshots":   testSnapshots,
		"large":       testLarge,
		"bytes":       testBytes,
		"refusals":    testRefusals,
		"context":     testContext,
		"closed":      testClosed,
		"concurrency": testConcurrency,
	} {
		t.Run(name, func(t *testing.T) { test(t, newBench(t, new(t))) })
	}
	t.Run("model", func(t *testing.T) { testModel(t, new) })
}

// A bench is a store on the bench with helpers that fail the test.
type bench struct {
	failer
	open Opener
	store.Store
	snapshots []store.Snapshot
}

// A failer is a *testing.T or a *rapid.T.
type failer interface {
	Helper()
	Fatal(...any)
	Fatalf(string, ...any)
}

func newBench(t testing.TB, open Opener) *bench {
	b := &bench{failer: t, open: open}
	b.reopen()
	t.Cleanup(b.close)
	return b
}

// close closes the store and every snapshot taken of it: an engine may hold on
// to its file for a snapshot.
func (b *bench) close() {
	for _, s := range b.snapshots {
		b.must(s.Close())
	}
	b.snapshots = nil
	b.must(b.Store.Close())
}

func (b *bench) reopen() {
	b.Helper()
	if b.Store != nil {
		b.close()
	}
	s, err := b.open()
	b.must(err)
	b.Store = s
}

func (b *bench) must(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

func (b *bench) snapshot() store.Snapshot {
	b.Helper()
	s, err := b.Snapshot(context.Background())
	b.must(err)
	b.snapshots = append(b.snapshots, s)
	return s
}

func put(room store.Room, key, value string) store.Change {
	return store.Change{Room: room, Key: []byte(key), Value: []byte(value)}
}

func del(room store.Room, key string) store.Change {
	return store.Change{Room: room, Key: []byte(key), Delete: true}
}

func (b *bench) commit(changes ...store.Change) {
	b.Helper()
	b.must(b.Commit(context.Background(), changes))
}

// want compares the rows of a room, written "key=value", with what scan and
// get say.
func (b *bench) want(r store.Reader, room store.Room, rows ...string) {
	b.Helper()
	if got := b.rows(r, room, nil, nil); !slices.Equal(got, rows) {
		b.Fatalf("room %s holds %q, want %q", room, got, rows)
	}
	for _, row := range rows {
		key, value, _ := strings.Cut(row, "=")
		got, err := r.Get(room, []byte(key))
		b.must(err)
		if string(got) != value || got == nil {
			b.Fatalf("room %s, row %q: got %q, want %q", room, key, got, value)
		}
	}
}

func (b *bench) rows(r store.Reader, room store.Room, from, to []byte) []string {
	b.Helper()
	rows := []string{}
	for p, err := range r.Scan(room, from, to) {
		b.must(err)
		rows = append(rows, string(p.Key)+"="+string(p.Value))
	}
	return rows
}

func (b *bench) wantErr(err, want error) {
	b.Helper()
	if !errors.Is(err, want) {
		b.Fatalf("got error %v, want %v", err, want)
	}
}

func testEmpty(t *testing.T, b *bench) {
	for range 2 {
		s := b.snapshot()
		b.want(s, drafts)
		value, err := s.Get(drafts, []byte("a"))
		b.wantErr(err, store.ErrNotFound)
		if value != nil {
			t.Fatal("a value came with ErrNotFound")
		}
		b.must(s.Close())
		b.commit()
		b.commit(del(drafts, "a"))
		b.reopen()
	}
}

func testRows(_ *testing.T, b *bench) {
	b.commit(put(drafts, "a", "1"), put(drafts, "b", ""), put(signed, "a", "3"))
	b.commit(put(drafts, "a", "one"), put(drafts, "c", "4"), del(signed, "a"))
	b.want(b.snapshot(), drafts, "a=one", "b=", "c=4")
	b.want(b.snapshot(), signed)
	b.reopen()
	b.want(b.snapshot(), drafts, "a=one", "b=", "c=4")
	b.commit(del(drafts, "b"), put(signed, "a", "5"))
	b.reopen()
	b.want(b.snapshot(), drafts, "a=one", "c=4")
	b.want(b.snapshot(), signed, "a=5")
	_, err := b.snapshot().Get(drafts, []byte("b"))
	b.wantErr(err, store.ErrNotFound)
	_, err = b.snapshot().Get(drafts, nil)
	b.wantErr(err, store.ErrNotFound)
}

func testScan(t *testing.T, b *bench) {
	keys := []string{"\x00", "\x00\x00", "a", "a\x00", "a\xff", "b", "\xff", "\xff\xff"}
	var changes store.Changes
	for _, k := range keys {
		changes = append(changes, put(drafts, k, k))
	}
	b.commit(changes...)
	s := b.snapshot()
	bounds := append([]string{"nil", ""}, append(keys, "0", "c")...)
	for _, from := range bounds {
		for _, to := range bounds {
			var want []string
			for _, k := range keys {
				if (from == "nil" || k >= from) && (to == "nil" || k < to) {
					want = append(want, k+"="+k)
				}
			}
			if got := b.rows(s, drafts, bound(from), bound(to)); !slices.Equal(got, want) {
				t.Fatalf("scan [%q,%q): got %q, want %q", from, to, got, want)
			}
		}
	}
	scan := s.Scan(drafts, nil, nil)
	for range 2 { // a scan can be broken off and begun again
		for p, err := range scan {
			b.must(err)
			if string(p.Key) != keys[0] {
				t.Fatalf("first row is %q", p.Key)
			}
			break
		}
	}
	func() { // the loop's panics are the loop's
		defer func() {
			if recover() != "mine" {
				t.Error("a scan swallowed a panic of its loop")
			}
		}()
		for range scan {
			panic("mine")
		}
	}()
}

func bound(s string) []byte {
	if s == "nil" {
		return nil
	}
	return []byte(s)
}

func testSnapshots(t *testing.T, b *bench) {
	b.commit(put(drafts, "a", "1"))
	first := b.snapshot()
	b.commit(put(drafts, "a", "2"), put(drafts, "b", "2"))
	second := b.snapshot()
	b.commit(del(drafts, "a"))
	b.want(first, drafts, "a=1")
	b.want(second, drafts, "a=2", "b=2")
	b.want(b.snapshot(), drafts, "b=2")

	value, err := first.Get(drafts, []byte("a"))
	b.must(err)
	b.must(first.Close())
	b.must(first.Close())
	for range 20 { // so that an engine uses the freed space again
		b.commit(put(drafts, "a", strings.Repeat("x", 9000)))
	}
	if string(value) != "1" {
		t.Fatalf("a value changed after its snapshot was closed: %q", value)
	}
	_, err = first.Get(drafts, []byte("a"))
	b.wantErr(err, store.ErrClosed)
	b.wantErr(scanErr(first, drafts), store.ErrClosed)
	b.want(second, drafts, "a=2", "b=2")

	// Closed within its own loop, a snapshot yields no further row.
	b.commit(put(drafts, "c", "3"))
	last, n := b.snapshot(), 0
	for _, err := range second.Scan(drafts, nil, nil) {
		if n++; n == 1 {
			b.must(second.Close())
		} else {
			b.wantErr(err, store.ErrClosed)
		}
	}
	b.must(last.Close())
}

func scanErr(r store.Reader, room store.Room) (err error) {
	for p, e := range r.Scan(room, nil, nil) {
		if err = e; e != nil && (p.Key != nil || p.Value != nil) {
			return errors.New("a pair came with an error")
		}
	}
	return err
}

// testLarge commits far more than any engine reserves at once, with a snapshot
// held over it.
func testLarge(t *testing.T, b *bench) {
	held := b.snapshot()
	value := bytes.Repeat([]byte("sigill "), (1<<20)/7)
	for i := range 20 {
		b.must(b.Commit(context.Background(), store.Changes{
			{Room: drafts, Key: []byte{byte(i * 7)}, Value: value[i:]},
			{Room: signed, Key: []byte{byte(i)}, Value: value[:i]},
		}))
	}
	b.want(held, drafts)
	b.must(held.Close())
	b.reopen()
	s := b.snapshot()
	for i := range 20 {
		got, err := s.Get(drafts, []byte{byte(i * 7)})
		b.must(err)
		if !bytes.Equal(got, value[i:]) {
			t.Fatalf("large row %d has changed", i)
		}
		got, err = s.Get(signed, []byte{byte(i)})
		b.must(err)
		if !bytes.Equal(got, value[:i]) {
			t.Fatalf("small row %d has changed", i)
		}
	}
}

// testBytes: what went in and what came out belongs to the caller, who may
// write over it.
func testBytes(_ *testing.T, b *bench) {
	c := put(drafts, "key", "value")
	b.commit(c)
	poison(c.Key, c.Value)
	s := b.snapshot()
	for range 2 {
		b.want(s, drafts, "key=value")
		value, err := s.Get(drafts, []byte("key"))
		b.must(err)
		poison(value)
		for p, err := range s.Scan(drafts, nil, nil) {
			b.must(err)
			poison(p.Key, p.Value)
		}
	}
	b.commit(put(drafts, "other", "value"))
	b.reopen()
	b.want(b.snapshot(), drafts, "key=value", "other=value")
}

func poison(slices ...[]byte) {
	for _, s := range slices {
		for i := range s {
			s[i] = 0xA5
		}
	}
}

func testRefusals(t *testing.T, b *bench) {
	b.commit(put(drafts, "a", "1"))
	long := strings.Repeat("k", store.MaxKey)
	for name, bad := range map[string]struct {
		changes store.Changes
		want    error
	}{
		"unknown room":    {store.Changes{put(unknown, "a", "2"), put(drafts, "a", "2")}, store.ErrUnknownRoom},
		"later unknown":   {store.Changes{put(drafts, "a", "2"), put("later", "a", "2")}, store.ErrUnknownRoom},
		"no room":         {store.Changes{put("", "a", "2")}, store.ErrUnknownRoom},
		"empty key":       {store.Changes{put(drafts, "", "2"), put(drafts, "a", "2")}, store.ErrInvalid},
		"empty deletion":  {store.Changes{del(drafts, ""), put(drafts, "a", "2")}, store.ErrInvalid},
		"long key":        {store.Changes{put(drafts, "a", "2"), put(drafts, long+"k", "2")}, store.ErrInvalid},
		"long value":      {store.Changes{put(drafts, "a", "2"), put(drafts, "b", strings.Repeat("v", store.MaxValue+1))}, store.ErrInvalid},
		"twice":           {store.Changes{put(drafts, "a", "2"), put(drafts, "a", "3")}, store.ErrInvalid},
		"descending":      {store.Changes{put(drafts, "b", "2"), put(drafts, "a", "2")}, store.ErrInvalid},
		"rooms descend":   {store.Changes{put(signed, "a", "2"), put(drafts, "a", "2")}, store.ErrInvalid},
		"deleting values": {store.Changes{{Room: drafts, Key: []byte("a"), Value: []byte("2"), Delete: true}}, store.ErrInvalid},
	} {
		if err := b.Commit(context.Background(), bad.changes); !errors.Is(err, bad.want) {
			t.Errorf("%s: got %v, want %v", name, err, bad.want)
		}
		b.want(b.snapshot(), drafts, "a=1")
		b.want(b.snapshot(), signed)
	}
	s := b.snapshot()
	_, err := s.Get(unknown, []byte("a"))
	b.wantErr(err, store.ErrUnknownRoom)
	b.wantErr(scanErr(s, unknown), store.ErrUnknownRoom)

	// None of it stopped the store.
	b.commit(put(drafts, long, "2"))
	b.reopen()
	b.want(b.snapshot(), drafts, "a=1", long+"=2")
}

func testContext(_ *testing.T, b *bench) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := b.Snapshot(ctx)
	b.wantErr(err, context.Canceled)
	b.wantErr(b.Commit(ctx, store.Changes{put(drafts, "a", "1")}), context.Canceled)
	b.want(b.snapshot(), drafts)
	b.commit(put(drafts, "a", "2"))
	b.want(b.snapshot(), drafts, "a=2")
}

func testClosed(_ *testing.T, b *bench) {
	b.commit(put(drafts, "a", "1"))
	open := b.snapshot()
	b.must(b.Store.Close())
	b.must(b.Store.Close())
	_, err := b.Snapshot(context.Background())
	b.wantErr(err, store.ErrClosed)
	b.wantErr(b.Commit(context.Background(), store.Changes{put(drafts, "a", "2")}), store.ErrClosed)
	b.want(open, drafts, "a=1") // what was being read can be read to its end
	b.must(open.Close())
	b.reopen()
	b.want(b.snapshot(), drafts, "a=1")
}

// testConcurrency reads while it writes: every snapshot shows whole commits,
// none older than one that the reader has seen.
func testConcurrency(t *testing.T, b *bench) {
	const commits = 50
	pair := func(n byte) store.Changes {
		v := bytes.Repeat([]byte{n}, 5000)
		return store.Changes{{Room: drafts, Key: []byte("a"), Value: v}, {Room: signed, Key: []byte("z"), Value: v}}
	}
	b.commit(pair(0)...)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for last := byte(0); last < commits; {
				s, err := b.Snapshot(context.Background())
				if err != nil {
					t.Error(err)
					return
				}
				x, err1 := s.Get(drafts, []byte("a"))
				y, err2 := s.Get(signed, []byte("z"))
				if err := errors.Join(err1, err2, s.Close()); err != nil {
					t.Error(err)
					return
				}
				if !bytes.Equal(x, y) || x[0] < last {
					t.Errorf("a reader saw commits %d and %d after %d", x[0], y[0], last)
					return
				}
				last = x[0]
			}
		})
	}
	for n := range byte(commits) {
		if err := b.Commit(context.Background(), pair(n+1)); err != nil {
			t.Error(err)
			break
		}
	}
	wg.Wait()
}
