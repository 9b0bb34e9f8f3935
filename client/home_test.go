package client_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sigill/client"
	"sigill/keys/ident"
	"sigill/keys/keyfile"
	"sigill/keys/statement"
)

func passphrase() (string, error) { return "rätt häst", nil }

func openHome(t *testing.T) (*client.Home, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "home")
	h, err := client.OpenHome(dir, passphrase, keyfile.Options{WorkFactor: 1})
	if err != nil {
		t.Fatal(err)
	}
	return h, dir
}

// TestHomeSaysNothing: nothing in the home's files or their names says which case
// or decision a matter is, and all comes back as it was.
func TestHomeSaysNothing(t *testing.T) {
	h, dir := openHome(t)
	own := &client.Own{Typ: client.TypOwn, Case: "SN2026-00417", Decision: ident.NewID(), AuthorKey: make(ident.Bytes, 32),
		Nonce: make(ident.Bytes, 32), Watch: make(ident.Bytes, 32), Receipts: []string{}, Revisions: []ident.Digest{}}
	name := h.NewMatter()
	if err := h.SaveMatter(name, own); err != nil {
		t.Fatal(err)
	}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		for _, secret := range []string{own.Case, string(own.Decision)} {
			if bytes.Contains(b, []byte(secret)) || strings.Contains(path, secret) {
				t.Errorf("a file of the home says %q", secret)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	full, got, err := h.Matter(name[:5])
	if err != nil || full != name || got.Case != own.Case || got.Decision != own.Decision {
		t.Fatalf("Matter = %q, %+v, %v", full, got, err)
	}
	for _, unknown := range []string{"", "0", name + "a", "../" + name} {
		if _, _, err := h.Matter(unknown); !errors.Is(err, client.ErrNoMatter) {
			t.Errorf("Matter(%q): %v", unknown, err)
		}
	}
	if err := h.Forget(name); err != nil {
		t.Fatal(err)
	}
	if list, err := h.Matters(); err != nil || len(list) != 0 {
		t.Errorf("after Forget: %v, %v", list, err)
	}
}

// TestHomePlaces: a home that others can look into, or a link, is refused.
func TestHomePlaces(t *testing.T) {
	dir := t.TempDir()
	open := filepath.Join(dir, "open")
	if err := os.Mkdir(open, 0o750); err != nil {
		t.Fatal(err)
	}
	mine := filepath.Join(dir, "mine")
	if err := os.Mkdir(mine, 0o700); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dir, "link")
	if err := os.Symlink(mine, link); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{open, link} {
		if _, err := client.OpenHome(path, passphrase, keyfile.Options{}); !errors.Is(err, client.ErrHome) {
			t.Errorf("%s: %v", filepath.Base(path), err)
		}
	}
	if _, err := client.OpenHome(mine, passphrase, keyfile.Options{}); err != nil {
		t.Error(err)
	}
}

// TestDayKey: one key for a day; the next day's takes its place; a token that is
// bound to another is told so.
func TestDayKey(t *testing.T) {
	h, _ := openHome(t)
	if _, err := h.DayFor(ident.Sum("nothing")); !errors.Is(err, client.ErrDayKey) {
		t.Errorf("no key yet: %v", err)
	}
	monday, err := h.Day("2026-11-23")
	if err != nil {
		t.Fatal(err)
	}
	again, err := h.Day("2026-11-23")
	if err != nil || again.Public().Thumbprint() != monday.Public().Thumbprint() {
		t.Fatalf("the same day gave another key: %v", err)
	}
	if _, err := h.DayFor(monday.Public().Thumbprint()); err != nil {
		t.Error(err)
	}
	tuesday, err := h.Day("2026-11-24")
	if err != nil || tuesday.Public().Thumbprint() == monday.Public().Thumbprint() {
		t.Fatalf("the next day gave the same key: %v", err)
	}
	if _, err := h.DayFor(monday.Public().Thumbprint()); !errors.Is(err, client.ErrDayKey) {
		t.Errorf("yesterday's key is still there: %v", err)
	}
}

// TestHomeRemembers: approvals, the last checkpoint and pinned requesters.
func TestHomeRemembers(t *testing.T) {
	h, _ := openHome(t)
	id := ident.NewID()
	if a, err := h.Approval(id); a != "" || err != nil {
		t.Errorf("an approval out of nothing: %v", err)
	}
	if err := h.SaveApproval(id, "a.b.c"); err != nil {
		t.Fatal(err)
	}
	if a, err := h.Approval(id); a != "a.b.c" || err != nil {
		t.Errorf("Approval = %q, %v", a, err)
	}
	if cp, err := h.Seen("212000-0449"); cp != nil || err != nil {
		t.Errorf("a checkpoint out of nothing: %v", err)
	}
	want := statement.Checkpoint{Root: ident.Sum("root"), Size: 7}
	if err := h.SaveSeen("212000-0449", &want); err != nil {
		t.Fatal(err)
	}
	if cp, err := h.Seen("212000-0449"); err != nil || *cp != want {
		t.Errorf("Seen = %v, %v", cp, err)
	}
	if cp, err := h.Seen("202100-0001"); cp != nil || err != nil {
		t.Errorf("another authority's checkpoint: %v, %v", cp, err)
	}
	if err := h.Pin(id, ident.Sum("key")); err != nil {
		t.Fatal(err)
	}
	if p, err := h.Pinned(); err != nil || p[id] != ident.Sum("key") {
		t.Errorf("Pinned = %v, %v", p, err)
	}
	if err := h.Pin(id, ident.Digest{}); err != nil {
		t.Fatal(err)
	}
	if p, err := h.Pinned(); err != nil || len(p) != 0 {
		t.Errorf("still pinned: %v, %v", p, err)
	}
}

// TestDamagedHome: a client that has forgotten what it saw must say so, not begin
// anew.
func TestDamagedHome(t *testing.T) {
	h, dir := openHome(t)
	for _, name := range []string{"seen.json", "pinned.json"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("{"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := h.Seen("212000-0449"); err == nil {
		t.Error("a damaged list of checkpoints was read")
	}
	if _, err := h.Pinned(); err == nil {
		t.Error("a damaged list of requesters was read")
	}
}

func TestWriteFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a")
	if err := client.WriteFile(path, []byte("one"), 0o600, false); err != nil {
		t.Fatal(err)
	}
	if err := client.WriteFile(path, []byte("two"), 0o600, false); !errors.Is(err, client.ErrExists) {
		t.Errorf("an existing file: %v", err)
	}
	if b, _ := os.ReadFile(path); string(b) != "one" {
		t.Error("the existing file was changed")
	}
	if err := client.WriteFile(path, []byte("two"), 0o644, true); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if b, _ := os.ReadFile(path); err != nil || string(b) != "two" || info.Mode().Perm() != 0o644 {
		t.Errorf("after force: %q, %v", b, info.Mode())
	}
	if err := client.WriteFile(filepath.Join(dir, "no", "b"), nil, 0o600, false); err == nil || strings.Contains(err.Error(), dir) {
		t.Errorf("a directory that is not there: %v", err)
	}
	// a directory in the way: refused, and nothing left beside it
	if err := os.Mkdir(filepath.Join(dir, "c"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := client.WriteFile(filepath.Join(dir, "c"), nil, 0o600, true); err == nil {
		t.Error("a directory was written over")
	}
	if list, err := os.ReadDir(dir); err != nil || len(list) != 2 {
		t.Errorf("files left behind: %v, %v", list, err)
	}
}
