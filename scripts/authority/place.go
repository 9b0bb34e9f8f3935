package authority

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// ErrDirectory says that an authority cannot be made in a directory; it names it.
var ErrDirectory = errors.New("must be absent, or an empty directory that not everyone can write in")

// place is a directory that was made, or taken empty.
type place struct {
	dir   string
	first string // the first directory on the way that was not there; "" if dir was
}

// findPlace looks at a directory that [Make] is to take. It changes nothing.
func findPlace(dir string) (p place, err error) {
	if dir == "" {
		return p, fmt.Errorf("%q %w", dir, ErrDirectory)
	}
	if p.dir, err = filepath.Abs(dir); err != nil {
		return p, err
	}
	info, err := os.Stat(p.dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if _, err := os.Lstat(p.dir); err == nil { // a link to nowhere
			return p, fmt.Errorf("%s %w", p.dir, ErrDirectory)
		}
		for p.first = p.dir; ; p.first = filepath.Dir(p.first) {
			if _, err := os.Lstat(filepath.Dir(p.first)); !errors.Is(err, fs.ErrNotExist) {
				return p, err
			}
		}
	case err != nil:
		return p, err
	case !info.IsDir() || info.Mode().Perm()&0o002 != 0:
		return p, fmt.Errorf("%s %w", p.dir, ErrDirectory)
	}
	list, err := os.ReadDir(p.dir)
	if err == nil && len(list) > 0 {
		err = fmt.Errorf("%s %w", p.dir, ErrDirectory)
	}
	return p, err
}

func makePlace(dir string) (p place, err error) {
	if p, err = findPlace(dir); err != nil {
		return p, err
	}
	if err := os.MkdirAll(p.dir, 0o700); err != nil {
		return p, errors.Join(err, p.remove())
	}
	return p, nil
}

// remove takes away the directory and those on the way that were made for it. One
// that was there before stays, empty.
func (p place) remove() error {
	if p.first != "" {
		return os.RemoveAll(p.first)
	}
	list, err := os.ReadDir(p.dir) // it was empty
	for _, e := range list {
		err = errors.Join(err, os.RemoveAll(filepath.Join(p.dir, e.Name())))
	}
	return err
}
