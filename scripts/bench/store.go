package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"

	"go.etcd.io/bbolt"

	"sigill/scripts/authority"
)

// starts is how often each start is timed; the median counts.
const starts = 5

// stores makes one store grow to each number of decisions in turn, and measures how
// long a server takes from its start until it is ready, how much longer its file is
// than what lies in it, and how many decisions a check of it gets through in a second.
func stores(ctx context.Context, dir, binary string, counts []int, say func(string)) (rows []row, err error) {
	a, err := authority.Make(ctx, dir, authority.Options{Groups: shapes[0].groups, TLS: true, Ed25519Directors: true})
	if err != nil {
		return nil, err
	}
	defer a.Close()
	made := 0
	for _, n := range slices.Sorted(slices.Values(counts)) {
		say(fmt.Sprintf("a store of %d decisions", n))
		if err := grow(ctx, a, binary, made == 0, n-made); err != nil {
			return nil, err
		}
		made = n
		var ready []float64
		for range starts {
			began := time.Now()
			run, err := a.StartBinary(ctx, binary)
			if err != nil {
				return nil, err
			}
			ready = append(ready, ms(time.Since(began)))
			if err := run.Stop(); err != nil {
				return nil, err
			}
		}
		file := filepath.Join(dir, "data", "store.db")
		used, err := usedBytes(file)
		if err != nil {
			return nil, err
		}
		logical, err := logicalBytes(file)
		if err != nil {
			return nil, err
		}
		name := fmt.Sprint(n)
		rows = append(rows, row{"store", name, "ready_ms", median(ready)}, row{"store", name, "of_logical", float64(used) / float64(logical)},
			row{"store", name, "bytes", float64(used) / float64(n)})
		more, err := checked(ctx, a, binary, n, logical)
		if err != nil {
			return nil, err
		}
		rows = append(rows, more...)
	}
	return rows, nil
}

// grow adds decisions to an authority's store, 16 at a time.
func grow(ctx context.Context, a *authority.Authority, binary string, first bool, n int) (err error) {
	run, err := a.StartBinary(ctx, binary)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, run.Stop()) }()
	if first {
		if err := run.Publish(ctx); err != nil {
			return err
		}
	}
	c, err := newCaller(run)
	if err != nil {
		return err
	}
	defer c.close()
	var left atomic.Int64
	left.Store(int64(n))
	errs := make(chan error, 16)
	for w := range 16 {
		go func() {
			var err error
			for err == nil && left.Add(-1) >= 0 {
				err = c.decision(ctx, w)
			}
			errs <- err
		}()
	}
	for range 16 {
		err = errors.Join(err, <-errs)
	}
	return err
}

// logicalBytes is the length of all keys and values in a closed store.
func logicalBytes(file string) (n int64, err error) {
	db, err := bbolt.Open(file, 0o600, &bbolt.Options{ReadOnly: true, Timeout: time.Second})
	if err != nil {
		return 0, fmt.Errorf("the store's content: %w", err)
	}
	err = db.View(func(tx *bbolt.Tx) error {
		return tx.ForEach(func(_ []byte, room *bbolt.Bucket) error {
			return room.ForEach(func(k, v []byte) error {
				n += int64(len(k) + len(v))
				if v == nil { // a long value, in a bucket of its own
					return room.Bucket(k).ForEach(func(_, v []byte) error { n += int64(len(v)); return nil })
				}
				return nil
			})
		})
	})
	return n, errors.Join(err, db.Close())
}

// size is how long a file is, in MiB.
func size(path string) (float64, error) {
	info, err := os.Stat(path)
	if err != nil {
		return 0, err
	}
	return float64(info.Size()) / (1 << 20), nil
}
