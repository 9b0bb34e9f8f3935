package authority_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sigill/scripts/authority"
)

// TestDirectory: an authority is made where nothing is, and nowhere else; what a
// failed one made is gone.
func TestDirectory(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	for _, name := range []string{"empty", "full", "open"} {
		if err := os.Mkdir(at(name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for _, err := range []error{os.Chmod(at("open"), 0o777), os.WriteFile(at("full/trust.json"), []byte("kept"), 0o600),
		os.WriteFile(at("file"), nil, 0o600), os.Symlink(at("nowhere"), at("link"))} {
		if err != nil {
			t.Fatal(err)
		}
	}
	ctx := context.Background()
	for _, name := range []string{"full", "open", "file", "link"} {
		_, err := authority.Make(ctx, at(name), authority.Options{})
		if !errors.Is(err, authority.ErrDirectory) || !strings.Contains(err.Error(), at(name)) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := authority.Make(ctx, "", authority.Options{}); !errors.Is(err, authority.ErrDirectory) {
		t.Error(err)
	}
	if _, err := authority.Make(ctx, at("file/below"), authority.Options{}); err == nil {
		t.Error("made below a file")
	}
	if b, err := os.ReadFile(at("full/trust.json")); err != nil || string(b) != "kept" {
		t.Error("a file was overwritten")
	}
	left := func() string {
		list, err := filepath.Glob(at("*/*"))
		if err != nil {
			t.Fatal(err)
		}
		all, _ := os.ReadDir(dir)
		for _, e := range all {
			list = append(list, e.Name())
		}
		return strings.Join(list, " ")
	}
	before := left()
	for _, name := range []string{"empty", "new/deep/er"} {
		if _, err := authority.Make(ctx, at(name), authority.Options{Internal: "no address"}); err == nil {
			t.Fatal("made with an address that is none")
		}
		if after := left(); after != before {
			t.Errorf("a failed authority left %s, was %s", after, before)
		}
		a, err := authority.Make(ctx, at(name), authority.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := authority.Make(ctx, at(name), authority.Options{}); !errors.Is(err, authority.ErrDirectory) {
			t.Error("made twice")
		}
		if err := a.Remove(); err != nil {
			t.Error(err)
		}
		if after := left(); after != before {
			t.Errorf("a removed authority left %s, was %s", after, before)
		}
	}
}
