package client

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"sigill/keys/ident"
	"sigill/keys/keyfile"
)

// ErrExists says that a file would have been written over.
var ErrExists = errors.New("the file exists")

// ErrEndless says that a file holds more than anything that is read from it may.
var ErrEndless = errors.New("the file is larger than anything that could be read from it")

// maxText is the largest text that is read before its own limit is held against it.
const maxText = 8 << 20

// ReadFile reads a file of at most max bytes. The errors are [ErrEndless] and the
// operating system's, without the path.
func ReadFile(path string, max int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, keyfile.Pathless(err)
	}
	defer f.Close()
	return ReadAll(f, max)
}

// ReadAll reads at most max bytes, or [ErrEndless].
func ReadAll(r io.Reader, max int64) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, max+1))
	if err == nil && int64(len(b)) > max {
		err = ErrEndless
	}
	if err != nil {
		return nil, keyfile.Pathless(err)
	}
	return b, nil
}

// WriteFile writes a file as a whole or not at all: to another name in the same
// directory first, synced, then under its own name, which with force may exist. It is
// on disk when it returns.
// Its times say on which day it was written, not when. Errors are [ErrExists] or
// the operating system's, without the path.
func WriteFile(path string, data []byte, mode fs.FileMode, force bool) (err error) {
	temp := filepath.Join(filepath.Dir(path), ".sigill-"+rand.Text()+".tmp")
	f, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("writing: %w", keyfile.Pathless(err))
	}
	defer os.Remove(temp)
	_, err = f.Write(data)
	if err == nil {
		err = f.Chmod(mode)
	}
	if err == nil {
		err = dayOnly(temp)
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("writing: %w", keyfile.Pathless(err))
	}
	if force {
		err = os.Rename(temp, path)
	} else {
		err = os.Link(temp, path) // unlike a rename, never replaces what is there
	}
	if errors.Is(err, fs.ErrExist) {
		return ErrExists
	}
	if l := (*os.LinkError)(nil); errors.As(err, &l) {
		return fmt.Errorf("writing: %w", l.Err)
	}
	if err == nil {
		if err = syncDir(filepath.Dir(path)); err != nil && !force {
			err = errors.Join(err, os.Remove(path))
		}
	}
	return err
}

// syncDir makes what a directory lists durable.
func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("writing: %w", keyfile.Pathless(err))
	}
	return keyfile.Pathless(errors.Join(dir.Sync(), dir.Close()))
}

// dayOnly sets the times of a file or directory to the beginning of the day. To
// the second they would say when somebody drafted, in whosever backup they lie.
func dayOnly(path string) error {
	day := ident.DateOf(time.Now()).Start()
	return os.Chtimes(path, day, day)
}

// unmarked reads a file of the caller's own without marking when.
func unmarked(path string) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|keyfile.NoAtime, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(f)
}

// entries lists a directory of the caller's own without marking when, by name.
func entries(dir string) ([]fs.DirEntry, error) {
	f, err := os.OpenFile(dir, os.O_RDONLY|keyfile.NoAtime, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	list, err := f.ReadDir(-1)
	slices.SortFunc(list, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return list, err
}
