package bolt

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"go.etcd.io/bbolt"

	"sigill/server/store"
)

// maxSize is the largest file, and the address space that is mapped for it.
const maxSize = 1 << 40

// The reserve grows by firstStep; on a disk that has less it takes what it can
// get, down to lastStep.
const (
	firstStep = 16 << 20
	lastStep  = 64 << 10
)

// A reserve keeps the blocks of the file allocated ahead of their use, so that
// a full disk is found before a commit and not inside it, where it would stop
// the store. Bbolt is told that the file may not exceed what is allocated; it
// then refuses, before it writes, a commit that would.
type reserve struct {
	file *os.File
	size int64 // allocated bytes
	max  int64
}

// fill allocates blocks for the whole file as it is: a copy that was restored
// may have holes.
func (r *reserve) fill(db *bbolt.DB) error {
	info, err := r.file.Stat()
	if err != nil {
		return fmt.Errorf("reserving space: %w", err)
	}
	r.size = info.Size()
	if err := r.allocate(0, r.size); err != nil {
		return err
	}
	r.bind(db)
	return nil
}

// grow allocates a further step, durably. It returns store.ErrFull when disk or
// quota have no more, and the file is then as long as before.
func (r *reserve) grow(db *bbolt.DB) error {
	for step := int64(firstStep); step >= lastStep; step /= 2 {
		if r.size+step > r.max {
			continue
		}
		err := r.allocate(r.size, step)
		if err == nil {
			r.size += step
			r.bind(db)
			return nil
		}
		if truncateErr := r.file.Truncate(r.size); truncateErr != nil {
			return fmt.Errorf("giving back space: %w", truncateErr)
		}
		if !errors.Is(err, store.ErrFull) {
			return err
		}
	}
	return fmt.Errorf("reserving space: %w", store.ErrFull)
}

// bind makes the reserve bbolt's limit. Bbolt adds AllocSize to what it needs
// before it compares.
func (r *reserve) bind(db *bbolt.DB) {
	db.AllocSize = 0
	db.MaxSize = int(r.size)
}

func (r *reserve) allocate(offset, length int64) error {
	err := syscall.Fallocate(int(r.file.Fd()), 0, offset, length)
	for err == syscall.EINTR {
		err = syscall.Fallocate(int(r.file.Fd()), 0, offset, length)
	}
	if err == nil {
		err = r.file.Sync()
	}
	if err != nil {
		return fmt.Errorf("reserving space: %w", full(err))
	}
	return nil
}

// full names the error of a disk, or a quota, that has no more.
func full(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return fmt.Errorf("%w: %w", store.ErrFull, err)
	}
	return err
}
