package keyfile_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"sigill/keys/ident"
	"sigill/keys/keyfile"
)

// TestTimes: what is written says by its times on which day, not when; to read it
// leaves no other trace.
func TestTimes(t *testing.T) {
	dir := home(t)
	path := filepath.Join(dir, "k")
	hold := func(when string) {
		t.Helper()
		err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			info, err := os.Lstat(p)
			if err != nil {
				return err
			}
			st := info.Sys().(*syscall.Stat_t)
			for what, at := range map[string]time.Time{"mtime": info.ModTime(), "atime": time.Unix(st.Atim.Unix())} {
				if !at.Equal(ident.DateOf(at).Start()) {
					t.Errorf("%s of %s %s: %s", what, d.Name(), when, at)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, o := range []keyfile.Options{fast, {WorkFactor: fast.WorkFactor, Force: true}} {
		if err := keyfile.Save(path, pass, generate(t, keyfile.Board), o); err != nil {
			t.Fatal(err)
		}
		hold("written")
	}
	if _, err := keyfile.Load(path, pass); err != nil {
		t.Fatal(err)
	}
	if _, err := keyfile.LoadPublic(path); err != nil {
		t.Fatal(err)
	}
	hold("read")
}
