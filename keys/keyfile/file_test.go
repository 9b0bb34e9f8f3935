package keyfile_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sigill/keys/keyfile"
)

// TestByteFlip: of a key file no changed, missing or added byte opens, and the error is
// that of a wrong passphrase.
func TestByteFlip(t *testing.T) {
	dir := home(t)
	path := filepath.Join(dir, "k")
	if err := keyfile.Save(path, pass, generate(t, keyfile.Author), fast); err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	_, wrong := keyfile.Load(path, pass+" ")
	refused := func(what string, b []byte) {
		t.Helper()
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		k, err := keyfile.Load(path, pass)
		if !errors.Is(err, keyfile.ErrCannotOpen) || err.Error() != wrong.Error() || k.Use() != "" {
			t.Errorf("%s: %v", what, err)
		}
	}
	for i := range file {
		for _, mask := range []byte{1, 0x20, 0x80} {
			b := bytes.Clone(file)
			b[i] ^= mask
			refused(fmt.Sprintf("byte %d ^ %x", i, mask), b)
		}
	}
	for n := range file {
		refused(fmt.Sprintf("cut to %d", n), file[:n])
	}
	for _, tail := range []string{"\n", "\x00", "age-encryption.org/v1\n"} {
		refused("appended", append(bytes.Clone(file), tail...))
		refused("prepended", append([]byte(tail), file...))
	}
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := keyfile.Load(path, pass); err != nil {
		t.Errorf("the file itself: %v", err)
	}
}

// What others could change is neither read nor written to.
func TestC01_places(t *testing.T) {
	key := generate(t, keyfile.Board)
	for name, spoil := range map[string]func(t *testing.T, dir, path string) string{
		"readable by the group": func(t *testing.T, dir, path string) string { return chmod(t, path, 0o640, path) },
		"readable by others":    func(t *testing.T, dir, path string) string { return chmod(t, path, 0o604, path) },
		"directory 0777":        func(t *testing.T, dir, path string) string { return chmod(t, dir, 0o777, path) },
		"directory 1777":        func(t *testing.T, dir, path string) string { return chmod(t, dir, 0o777|fs.ModeSticky, path) },
		"directory of a group":  func(t *testing.T, dir, path string) string { return chmod(t, dir, 0o770, path) },
		"symbolic link": func(t *testing.T, dir, path string) string {
			if err := os.Symlink("k", path+"2"); err != nil {
				t.Fatal(err)
			}
			return path + "2"
		},
		"directory in its place": func(t *testing.T, dir, path string) string {
			if err := os.Mkdir(path+"3", 0o700); err != nil {
				t.Fatal(err)
			}
			return path + "3"
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := home(t)
			path := filepath.Join(dir, "k")
			if err := keyfile.Save(path, pass, key, fast); err != nil {
				t.Fatal(err)
			}
			target := spoil(t, dir, path)
			if k, err := keyfile.Load(target, pass); !errors.Is(err, keyfile.ErrUnsafe) || k.Use() != "" {
				t.Errorf("loaded: %v", err)
			}
			if err := keyfile.Safe(target); !errors.Is(err, keyfile.ErrUnsafe) {
				t.Errorf("called safe: %v", err)
			}
			if strings.HasPrefix(name, "directory ") && target == path {
				before := listing(t, dir)
				if err := keyfile.Save(path+"new", pass, key, fast); !errors.Is(err, keyfile.ErrUnsafe) {
					t.Errorf("saved: %v", err)
				}
				if _, err := keyfile.LoadPublic(path); !errors.Is(err, keyfile.ErrUnsafe) {
					t.Errorf("loaded the public half: %v", err)
				}
				if listing(t, dir) != before {
					t.Error("refused, and yet something was written")
				}
			}
		})
	}
}

func chmod(t *testing.T, what string, mode fs.FileMode, then string) string {
	t.Helper()
	if err := os.Chmod(what, mode); err != nil {
		t.Fatal(err)
	}
	return then
}

// Another user's file, in another user's directory or in one's own, is refused.
func TestC01_owner(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Log("not tried: only root can give files away")
		return
	}
	key := generate(t, keyfile.Board)
	for _, what := range []string{"k", "."} {
		dir := home(t)
		path := filepath.Join(dir, "k")
		if err := keyfile.Save(path, pass, key, fast); err != nil {
			t.Fatal(err)
		}
		if err := os.Chown(filepath.Join(dir, what), 65534, -1); err != nil {
			t.Fatal(err)
		}
		if _, err := keyfile.Load(path, pass); !errors.Is(err, keyfile.ErrUnsafe) {
			t.Errorf("%s of another user: %v", what, err)
		}
	}
}

// What is refused leaves nothing; what is forced replaces both halves.
func TestC05_writingLeavesNothing(t *testing.T) {
	dir := home(t)
	path := filepath.Join(dir, "k")
	first, second := generate(t, keyfile.Board), generate(t, keyfile.Board)
	if err := keyfile.Save(path, pass, first, fast); err != nil {
		t.Fatal(err)
	}
	before := listing(t, dir)
	unchanged := func(what string, err, want error) {
		t.Helper()
		if !errors.Is(err, want) {
			t.Errorf("%s: %v", what, err)
		}
		if strings.Contains(err.Error(), dir) {
			t.Errorf("%s: the error names the place", what)
		}
		if listing(t, dir) != before {
			t.Errorf("%s: refused, and yet something was written", what)
		}
	}
	unchanged("exists", keyfile.Save(path, pass, second, fast), keyfile.ErrExists)
	unchanged("no passphrase", keyfile.Save(path+"2", "", second, fast), keyfile.ErrPassphrase)
	unchanged("no directory", keyfile.Save(filepath.Join(dir, "none", "k"), pass, second, fast), fs.ErrNotExist)
	unchanged("no file", func() error { _, err := keyfile.Load(path+"2", pass); return err }(), fs.ErrNotExist)
	unchanged("no passphrase", func() error { _, err := keyfile.Load(path, ""); return err }(), keyfile.ErrPassphrase)
	long := keyfile.SaveSealed(path+"2", pass, "sigill-test", note{strings.Repeat("a", keyfile.MaxSize)}, fast)
	unchanged("too long", long, keyfile.ErrTooLong)
	for _, factor := range []int{-1, 21, 31} {
		if err := keyfile.Save(path+"2", pass, first, keyfile.Options{WorkFactor: factor}); err == nil || listing(t, dir) != before {
			t.Errorf("work factor %d: %v", factor, err)
		}
	}

	// a key whose place is taken leaves no public half, and the other way round
	if err := os.Remove(path + ".pub.json"); err != nil {
		t.Fatal(err)
	}
	before = listing(t, dir)
	unchanged("key exists", keyfile.Save(path, pass, second, fast), keyfile.ErrExists)
	if err := os.Rename(path, path+".pub.json"); err != nil {
		t.Fatal(err)
	}
	before = listing(t, dir)
	unchanged("public half exists", keyfile.Save(path, pass, second, fast), keyfile.ErrExists)

	// forced, both are replaced
	if err := keyfile.Save(path, pass, second, keyfile.Options{WorkFactor: 1, Force: true}); err != nil {
		t.Fatal(err)
	}
	got, err := keyfile.Load(path, pass)
	pub, errPub := keyfile.LoadPublic(path)
	want, errWant := second.Public()
	if err != nil || !same(got, second) || errPub != nil || errWant != nil || pub.Thumbprint != want.Thumbprint {
		t.Errorf("forced: %v, %v", err, errPub)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 2 {
		t.Errorf("%d files", len(entries))
	}
}

// A file that is written without options costs a guesser the default.
func TestDefaultWorkFactor(t *testing.T) {
	path := filepath.Join(home(t), "k")
	if err := keyfile.Save(path, pass, generate(t, keyfile.Gate), keyfile.Options{}); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil || !bytes.Contains(b[:min(len(b), 100)], []byte(" 18\n")) {
		t.Errorf("another work factor (%v)", err)
	}
}
