package main

import (
	"os"
	"path/filepath"
	"testing"

	"go.etcd.io/bbolt"
)

// TestUsedBytes: what is reserved and what was freed is not counted.
func TestUsedBytes(t *testing.T) {
	file := filepath.Join(t.TempDir(), "store.db")
	write := func(do func(b *bbolt.Bucket) error) {
		t.Helper()
		db, err := bbolt.Open(file, 0o600, nil)
		if err != nil {
			t.Fatal(err)
		}
		db.AllocSize = 16 << 20
		if err := db.Update(func(tx *bbolt.Tx) error {
			b, err := tx.CreateBucketIfNotExists([]byte("b"))
			if err != nil {
				return err
			}
			return do(b)
		}); err != nil {
			t.Fatal(err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
	used := func() int64 {
		t.Helper()
		n, err := usedBytes(file)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	const value = 1 << 20
	write(func(b *bbolt.Bucket) error { return b.Put([]byte("k"), make([]byte, value)) })
	if n := used(); n < value || n > value+64<<10 {
		t.Errorf("%d bytes are used by a value of %d", n, value)
	}
	write(func(b *bbolt.Bucket) error { return b.Delete([]byte("k")) })
	if info, err := os.Stat(file); err != nil || info.Size() < value {
		t.Fatal("the file shrank: the test proves nothing", err)
	}
	if n := used(); n > 64<<10 {
		t.Errorf("%d bytes are used by nothing", n)
	}
	if _, err := usedBytes(file + ".none"); err == nil {
		t.Error("a file that is not there uses nothing")
	}
}
