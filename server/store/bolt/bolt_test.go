package bolt_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"

	"go.etcd.io/bbolt"

	"sigill/server/store"
	"sigill/server/store/bolt"
	"sigill/server/store/storetest"
)

func TestSuite(t *testing.T) {
	storetest.Run(t, func(t testing.TB) storetest.Opener {
		c := bolt.Config{Path: filepath.Join(t.TempDir(), "store"), Layout: storetest.Layout()}
		open := bolt.Create
		return func() (store.Store, error) {
			s, err := open(c)
			open = bolt.Open
			return s, err
		}
	})
}

const room store.Room = "drafts"

func config(folder string) bolt.Config {
	return bolt.Config{Path: filepath.Join(folder, "store"), Layout: store.Layout{room: store.Random}}
}

func wantErr(t testing.TB, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("got error %v, want %v", err, want)
	}
}

func ok(t testing.TB, err error) {
	t.Helper()
	wantErr(t, err, nil)
}

func must[T any](v T, err error) func(t testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		ok(t, err)
		return v
	}
}

func put(s store.Store, key, value string) error {
	return s.Commit(context.Background(), store.Changes{{Room: room, Key: []byte(key), Value: []byte(value)}})
}

// readAll returns the rows of the room, or the first error.
func readAll(s store.Store) (map[string]string, error) {
	snapshot, err := s.Snapshot(context.Background())
	if err != nil {
		return nil, err
	}
	defer snapshot.Close()
	rows := map[string]string{}
	for p, err := range snapshot.Scan(room, nil, nil) {
		if err != nil {
			return nil, err
		}
		rows[string(p.Key)] = string(p.Value)
	}
	return rows, nil
}

func want(t testing.TB, s store.Store, key, value string) {
	t.Helper()
	if got := must(readAll(s))(t)[key]; got != value {
		t.Fatalf("row %q is %.20q, want %.20q", key, got, value)
	}
}

// used returns how many bytes of the file bbolt uses; the rest is reserve. It
// also has bbolt check every page.
func used(t testing.TB, path string) int64 {
	t.Helper()
	db := must(bbolt.Open(path, 0o600, &bbolt.Options{ReadOnly: true, PreLoadFreelist: true}))(t)
	defer db.Close()
	var size int64
	ok(t, db.View(func(tx *bbolt.Tx) error {
		size = tx.Size()
		for err := range tx.Check() {
			return err
		}
		return nil
	}))
	return size
}
