package client

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// ErrExists says that a file would have been written over.
var ErrExists = errors.New("the file exists")

// WriteFile writes a file as a whole or not at all: to another name in the same
// directory first, synced, then under its own name, which with force may exist.
// Errors are [ErrExists] or the operating system's, without the path.
func WriteFile(path string, data []byte, mode fs.FileMode, force bool) (err error) {
	temp := filepath.Join(filepath.Dir(path), ".sigill-"+rand.Text()+".tmp")
	f, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("writing: %w", pathless(err))
	}
	defer os.Remove(temp)
	_, err = f.Write(data)
	if err == nil {
		err = f.Chmod(mode)
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("writing: %w", pathless(err))
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
	return err
}
