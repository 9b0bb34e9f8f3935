package bolt

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"go.etcd.io/bbolt"

	"sigill/server/store"
)

// A Draft is a new store that is being filled. It appears under its name only when it
// is whole: what ends before leaves at most a nameless file (.sigill-*) beside it. It
// holds no row but those that were put, not even in free pages.
type Draft struct {
	path  string
	file  string
	db    *bbolt.DB
	tx    *bbolt.Tx
	bytes int // put since the last commit
}

// draftStep is after how many bytes a draft is flushed: what bbolt keeps in memory.
const draftStep = 8 << 20

// NewDraft begins a store at a path. An existing path is fs.ErrExist and untouched.
func NewDraft(c Config) (*Draft, error) {
	if _, err := os.Lstat(c.Path); err == nil {
		return nil, os.ErrExist
	} else if !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	dir := filepath.Dir(c.Path)
	file, err := os.CreateTemp(dir, ".sigill-*")       // mode 0600
	if p := (*fs.PathError)(nil); errors.As(err, &p) { // of that name, which nobody gave
		err = &fs.PathError{Op: "making a file in", Path: dir, Err: p.Err}
	}
	if err != nil {
		return nil, err
	}
	d := &Draft{path: c.Path, file: file.Name()}
	if err := errors.Join(file.Close(), d.begin(c.Layout)); err != nil {
		d.Drop()
		return nil, err
	}
	return d, nil
}

func (d *Draft) begin(layout store.Layout) (err error) {
	// Bbolt makes an empty file a database and flushes it at each commit.
	if d.db, err = bbolt.Open(d.file, 0o600, &bbolt.Options{FreelistType: bbolt.FreelistMapType, PageSize: pageSize}); err != nil {
		return err
	}
	if d.tx, err = d.db.Begin(true); err != nil {
		return err
	}
	about, err := d.tx.CreateBucket(aboutBucket)
	if err != nil {
		return err
	}
	var instance [16]byte
	rand.Read(instance[:])
	if err := errors.Join(about.Put(formatKey, formatValue), about.Put(instanceKey, instance[:])); err != nil {
		return err
	}
	return addRooms(d.tx, layout)
}

// Put puts a row. Rows that come in the order of their keys take the least room.
func (d *Draft) Put(room store.Room, key, value []byte) error {
	if err := (store.Changes{{Room: room, Key: key, Value: value}}).Check(store.Layout{room: store.Random}); err != nil {
		return err
	}
	if d.bytes += len(key) + len(value); d.bytes > draftStep {
		d.bytes = 0
		if err := d.tx.Commit(); err != nil {
			return full(err)
		}
		var err error
		if d.tx, err = d.db.Begin(true); err != nil {
			return err
		}
	}
	bucket := d.tx.Bucket([]byte(room))
	if bucket == nil {
		return ErrNewer
	}
	bucket.FillPercent = 0.9
	return putRow(bucket, key, value)
}

// Finish makes the store durable under its name.
func (d *Draft) Finish() error {
	if err := errors.Join(d.tx.Commit(), d.db.Close()); err != nil {
		return full(err)
	}
	d.db = nil
	// A link, unlike a rename, never replaces a store that appeared meanwhile.
	if err := os.Link(d.file, d.path); err != nil {
		return err
	}
	if err := syncFolder(filepath.Dir(d.path)); err != nil {
		return errors.Join(err, os.Remove(d.path))
	}
	return nil
}

// Drop takes away what is not finished. It comes after [Draft.Finish] too.
func (d *Draft) Drop() {
	if d.db != nil {
		if d.tx != nil {
			_ = d.tx.Rollback() // what was committed is not wanted either
		}
		_ = d.db.Close()
	}
	_ = os.Remove(d.file)
}
