package faults_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"sigill/client/tiles"
	"sigill/keys/ident"
	"sigill/keys/proof"
	"sigill/server"
)

// TestBackupFaults: a backup, and a restore, that is killed or whose disk fails at any
// write, flush or link leaves a whole one or none, and says which; the store is as it was.
func TestBackupFaults(t *testing.T) {
	h := newHouse(t, filepath.Join(t.TempDir(), "authority"))
	good := filepath.Join(t.TempDir(), "good")
	if r := sh(t, sigilld, "backup", "--config", h.config(), good); r.status != 0 {
		t.Fatal(r)
	}
	c, err := server.ReadConfig(h.config())
	ok(t, err)
	before := h.read("store.db")
	dead := c.Data + ".dead"
	some := 2
	if *everything {
		some = 1000
	}
	for _, call := range []string{"pwrite64", "fdatasync", "fsync", "linkat"} {
		for _, fault := range []string{kill, eio} {
			tried := 0
			for n := 1; n <= some; n++ {
				program := under(t, sigilld, "/dev/null", call, fmt.Sprintf("%s:%s:when=%d", call, fault, n))
				dir := t.TempDir()
				made := sh(t, program, "backup", "--config", h.config(), filepath.Join(dir, "backup"))
				wholeOrNone(t, c, made, dir, "backup")
				if !bytes.Equal(h.read("store.db"), before) {
					t.Fatal("the store was changed")
				}
				there := filepath.Join(dir, "data")
				ok(t, os.Rename(c.Data, dead))
				restored := sh(t, program, "restore", "--config", h.config(), good)
				if err := os.Rename(c.Data, there); !errors.Is(err, fs.ErrNotExist) {
					ok(t, err)
				}
				ok(t, os.Rename(dead, c.Data))
				wholeOrNone(t, c, restored, there, "store.db")
				if made.status == 0 && restored.status == 0 {
					break // there are no more
				}
				tried++
			}
			if t.Logf("%s, %s: %d points", call, fault, tried); tried == 0 {
				t.Errorf("%s, %s: the fault did not strike", call, fault)
			}
		}
	}
}

// wholeOrNone: what a command made is a whole copy if it says so, and a whole one or
// none if it was killed; if it failed, nothing is left at all.
func wholeOrNone(t *testing.T, c server.Config, r run, dir, name string) {
	t.Helper()
	path := filepath.Join(dir, name)
	_, err := os.Stat(path)
	switch made := err == nil; {
	case r.status == 0 && !made:
		t.Errorf("%s is not there, though it is said to be", name)
	case made && r.status != 0 && !killed(r.status):
		t.Errorf("%s is there, though it failed: %s", name, r.stderr)
	case made:
		if _, err := server.Rehearse(t.Context(), c, path); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if r.status == 0 || killed(r.status) {
		return
	}
	if r.refused(t, ""); len(left(t, dir)) > 0 {
		t.Errorf("%s failed and left %v", name, left(t, dir))
	}
}

func left(t *testing.T, dir string) []os.DirEntry {
	t.Helper()
	list, err := os.ReadDir(dir)
	if !errors.Is(err, fs.ErrNotExist) {
		ok(t, err)
	}
	return list
}

// TestRecoverFaults: a log that is taken up again is so in one commit: killed or failing
// at any call, the command can be given again, and the log says it once.
func TestRecoverFaults(t *testing.T) {
	h := newHouse(t, filepath.Join(t.TempDir(), "authority"))
	good, mirror := filepath.Join(t.TempDir(), "good"), t.TempDir()
	if r := sh(t, sigilld, "backup", "--config", h.config(), good); r.status != 0 {
		t.Fatal(r)
	}
	entries := func(dir string) []proof.Entry {
		r := h.start(sigilld)
		defer r.Stop()
		log, err := tiles.Open(r.Log, r.Trust.Policy, r.Roots)
		ok(t, err)
		c, err := log.Mirror(t.Context(), dir, ident.DateOf(time.Now()))
		ok(t, err)
		list, err := log.At(t.Context(), c.Head).Entries(0, c.Head.Size)
		ok(t, err)
		return list
	}
	r := h.start(sigilld)
	session, err := r.Session("drift")
	ok(t, err)
	_, err = session.Board().Status(t.Context())
	ok(t, err)
	ok(t, r.Stop())
	size := len(entries(mirror))
	recovers := []string{"recover", "--config", h.config(), "--log", mirror, "--reason", "OTHER"}
	some := 2
	if *everything {
		some = 1000
	}
	for _, call := range []string{"pwrite64", "fdatasync", "renameat"} {
		for _, fault := range []string{kill, eio} {
			tried := 0
			for n := 1; n <= some; n++ {
				ok(t, os.RemoveAll(h.data("")))
				if r := sh(t, sigilld, "restore", "--config", h.config(), good); r.status != 0 {
					t.Fatal(r)
				}
				first := sh(t, under(t, sigilld, "/dev/null", call, fmt.Sprintf("%s:%s:when=%d", call, fault, n)), recovers...)
				if again := sh(t, sigilld, recovers...); again.status != 0 {
					again.refused(t, "nothing is to be regained")
				}
				said := 0
				for i, e := range entries(t.TempDir()) {
					if e.Kind == proof.Recovery {
						if said++; i != size {
							t.Errorf("%s %d, %s: taken up again at %d, not %d", call, n, fault, i, size)
						}
					}
				}
				if said != 1 {
					t.Errorf("%s %d, %s: the log says %d times that it was taken up again", call, n, fault, said)
				}
				if first.status == 0 {
					break // there are no more
				}
				tried++
			}
			if t.Logf("%s, %s: %d points", call, fault, tried); tried == 0 {
				t.Errorf("%s, %s: the fault did not strike", call, fault)
			}
		}
	}
}
