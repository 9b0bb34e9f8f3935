package memory_test

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"sigill/server/store"
	"sigill/server/store/memory"
	"sigill/server/store/storetest"
)

func TestSuite(t *testing.T) {
	storetest.Run(t, func(testing.TB) storetest.Opener {
		disk := memory.NewDisk(storetest.Layout())
		return func() (store.Store, error) { return disk.Open(), nil }
	})
}

const room store.Room = "drafts"

var errDisk = errors.New("the disk says no")

func newDisk() *memory.Disk { return memory.NewDisk(store.Layout{room: store.Random}) }

func commit(s store.Store, value string) error {
	return s.Commit(context.Background(), store.Changes{{Room: room, Key: []byte("k"), Value: []byte(value)}})
}

func read(t *testing.T, s store.Store) string {
	t.Helper()
	snap, err := s.Snapshot(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer snap.Close()
	value, err := snap.Get(room, []byte("k"))
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		t.Fatal(err)
	}
	return string(value)
}

func want(t *testing.T, s store.Store, value string) {
	t.Helper()
	if got := read(t, s); got != value {
		t.Fatalf("got %q, want %q", got, value)
	}
}

func wantErr(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("got %v, want %v", err, want)
	}
}

func ok(t *testing.T, err error) {
	t.Helper()
	wantErr(t, err, nil)
}

// A commit that fails stops the store; only the next start shows whether it is
// there.
func TestFaultsStop(t *testing.T) {
	for _, applied := range []bool{false, true} {
		disk := newDisk()
		s := disk.Open()
		disk.Fault(2, memory.Fault{Err: errDisk, Applied: applied})
		ok(t, commit(s, "1"))
		err := commit(s, "2")
		wantErr(t, err, errDisk)
		wantErr(t, err, store.ErrStopped)
		wantErr(t, commit(s, "3"), store.ErrStopped)
		_, err = s.Snapshot(context.Background())
		wantErr(t, err, store.ErrStopped)
		s = disk.Open()
		want(t, s, map[bool]string{false: "1", true: "2"}[applied])
		ok(t, commit(s, "4"))
	}
}

func TestFullDoesNotStop(t *testing.T) {
	disk := newDisk()
	s := disk.Open()
	disk.Fault(1, memory.Fault{Err: store.ErrFull, Applied: true})
	wantErr(t, commit(s, "1"), store.ErrFull)
	want(t, s, "")
	ok(t, commit(s, "2"))
	want(t, s, "2")
}

func TestFreezeLosesCommits(t *testing.T) {
	disk := newDisk()
	s := disk.Open()
	ok(t, commit(s, "1"))
	disk.Freeze()
	ok(t, commit(s, "2"))
	want(t, s, "2")
	s = disk.Open()
	want(t, s, "1")
	ok(t, commit(s, "3"))
	want(t, disk.Open(), "3")
}

func TestHeldCommit(t *testing.T) {
	disk := newDisk()
	s := disk.Open()
	begun, release := make(chan struct{}), make(chan struct{})
	hold := memory.Fault{During: func() { close(begun); <-release }}

	disk.Fault(1, hold)
	done := make(chan error)
	go func() { done <- commit(s, "1") }()
	<-begun
	want(t, s, "") // not durable, so not seen
	close(release)
	ok(t, <-done)
	want(t, s, "1")

	begun, release = make(chan struct{}), make(chan struct{})
	disk.Fault(1, hold)
	go func() { done <- commit(s, "2") }()
	<-begun
	again := disk.Open() // killed in the middle of it
	close(release)
	wantErr(t, <-done, store.ErrStopped)
	want(t, again, "1")
}

func TestTamper(t *testing.T) {
	disk := newDisk()
	s := disk.Open()
	ok(t, commit(s, "whole"))
	disk.Tamper(func(_ store.Room, key, value []byte) []byte {
		if !bytes.Equal(key, []byte("k")) {
			t.Errorf("asked about %q", key)
		}
		return value[:2]
	})
	want(t, s, "wh")
	disk.Tamper(nil)
	want(t, s, "whole")
}
