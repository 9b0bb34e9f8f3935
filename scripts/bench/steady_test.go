package main

import (
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"go.etcd.io/bbolt"
)

// TestSteady: calls come on time however long they take, and one that had to wait
// for another is timed from when it was due.
func TestSteady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		times, err := steady(t.Context(), 10, time.Second, func(int) error { time.Sleep(300 * time.Millisecond); return nil })
		if err != nil || len(times) != 10 {
			t.Fatal(len(times), err)
		}
		for _, d := range times {
			if d != 300*time.Millisecond {
				t.Error(d)
			}
		}
		turn := make(chan struct{}, 1)
		times, err = steady(t.Context(), 10, 300*time.Millisecond, func(int) error {
			turn <- struct{}{}
			defer func() { <-turn }()
			time.Sleep(250 * time.Millisecond)
			return nil
		})
		if err != nil || len(times) != 3 || times[0] != 250*time.Millisecond || times[1]+times[2] != (400+550)*time.Millisecond {
			t.Fatal(times, err)
		}
	})
}

// TestLogicalBytes: keys and values count once, and nothing else does.
func TestLogicalBytes(t *testing.T) {
	file := filepath.Join(t.TempDir(), "store.db")
	db, err := bbolt.Open(file, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Update(func(tx *bbolt.Tx) error {
		room, err := tx.CreateBucket([]byte("room"))
		if err != nil {
			return err
		}
		long, err := room.CreateBucket([]byte("long"))
		if err != nil {
			return err
		}
		if err := long.Put([]byte("v"), make([]byte, 5000)); err != nil {
			return err
		}
		return room.Put([]byte("key"), make([]byte, 100))
	}); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if n, err := logicalBytes(file); err != nil || n != 4+5000+3+100 {
		t.Fatal(n, err)
	}
}
