package bolt

import (
	"bytes"
	"errors"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"sigill/server/store"
)

// apart is the length from which a value gets a bucket, and so pages, of its own.
// Bbolt keeps at least two rows on a leaf and writes a leaf anew with each of its
// rows: long values would be written again for their neighbours' sake.
const apart = 2 << 10

// own is the one key of such a bucket.
var own = []byte("v")

// putRow makes value what the room holds under key.
func putRow(room *bbolt.Bucket, key, value []byte) error {
	if len(value) < apart {
		err := room.Put(key, value)
		if !errors.Is(err, berrors.ErrIncompatibleValue) {
			return err
		}
		if err := room.DeleteBucket(key); err != nil {
			return err
		}
		return room.Put(key, value)
	}
	bucket, err := room.CreateBucketIfNotExists(key)
	if errors.Is(err, berrors.ErrIncompatibleValue) {
		if err := room.Delete(key); err != nil {
			return err
		}
		bucket, err = room.CreateBucket(key)
	}
	if err != nil {
		return err
	}
	return bucket.Put(own, value)
}

// deleteRow removes what the room holds under key, if anything.
func deleteRow(room *bbolt.Bucket, key []byte) error {
	err := room.Delete(key)
	if errors.Is(err, berrors.ErrIncompatibleValue) {
		return room.DeleteBucket(key)
	}
	return err
}

// getRow returns what the room holds under key as bbolt shows it; nil is nothing.
func getRow(room *bbolt.Bucket, key []byte) ([]byte, error) {
	found, value := room.Cursor().Seek(key)
	if !bytes.Equal(found, key) {
		return nil, nil
	}
	return rowValue(room, key, value)
}

// rowValue is the value of a row that a cursor stands on: bbolt shows none for a
// bucket.
func rowValue(room *bbolt.Bucket, key, value []byte) ([]byte, error) {
	if value != nil {
		return value, nil
	}
	if bucket := room.Bucket(key); bucket != nil {
		value = bucket.Get(own)
	}
	if value == nil {
		return nil, store.ErrCorrupt
	}
	return value, nil
}
