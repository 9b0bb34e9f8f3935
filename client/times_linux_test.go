package client_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"sigill/client"
	"sigill/keys/ident"
	"sigill/keys/statement"
)

// TestHomeTimes: the times of what lies in a home, and of its rooms, say on which
// day something was done there, not when: drafts lie in a trail by their day.
func TestHomeTimes(t *testing.T) {
	h, dir := openHome(t)
	hold := func(when string) { t.Helper(); holdTimes(t, dir, when) }
	own := &client.Own{Typ: client.TypOwn, Case: "SN2026-00417", Decision: ident.NewID(), AuthorKey: make(ident.Bytes, 32),
		Nonce: make(ident.Bytes, 32), Watch: make(ident.Bytes, 32), Receipts: []string{}, Revisions: []ident.Digest{}}
	sent, opening := *own, ident.NewID()
	sent.Sent = ident.Sum("sent")
	name, today := h.NewMatter(), ident.DateOf(time.Now())
	for _, step := range []struct {
		what string
		do   func() error
	}{
		{"opened", func() error { return nil }},
		{"a day key is made", func() error { _, err := h.Day(today); return err }},
		{"a draft is sent", func() error { return h.SaveMatter(name, &sent) }},
		{"it is answered", func() error { return h.SaveMatter(name, own) }},
		{"matters are listed", func() error { _, err := h.Matters(); return err }},
		{"one is read", func() error { _, _, err := h.Matter(name); return err }},
		{"a recipient is kept", func() error {
			return h.SaveRecipient(&client.Recipient{Typ: client.TypRecipient, Opening: opening, Seed: make(ident.Bytes, 32)})
		}},
		{"it is deleted", func() error { return h.ForgetRecipient(opening) }},
		{"an approval is kept", func() error { return h.SaveApproval(opening, "a.b.c") }},
		{"it is forgotten", func() error { return h.ForgetApproval(opening) }},
		{"a checkpoint is seen", func() error { return h.SaveSeen("212000-0449", &statement.Checkpoint{Size: 1}) }},
		{"it is read", func() error { _, err := h.Seen("212000-0449"); return err }},
		{"a key is pinned", func() error { return h.Pin(opening, ident.Sum("key")) }},
		{"the next day comes", func() error { _, err := h.Day(today.AddDays(1)); return err }},
		{"a matter is forgotten", func() error { return h.Forget(name) }},
	} {
		if err := step.do(); err != nil {
			t.Fatalf("%s: %v", step.what, err)
		}
		hold(step.what)
	}
}

// holdTimes walks a tree without marking it, as a walk otherwise does.
func holdTimes(t *testing.T, path, when string) {
	t.Helper()
	info, err := os.Lstat(path)
	if err != nil {
		t.Fatal(err)
	}
	for what, at := range map[string]time.Time{"mtime": info.ModTime(), "atime": time.Unix(info.Sys().(*syscall.Stat_t).Atim.Unix())} {
		if !at.Equal(ident.DateOf(at).Start()) {
			t.Errorf("%s of %s when %s: %s", what, filepath.Base(path), when, at)
		}
	}
	if !info.IsDir() {
		return
	}
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOATIME, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	names, err := f.Readdirnames(-1)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		holdTimes(t, filepath.Join(path, name), when)
	}
}
