package faults_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"google.golang.org/grpc/codes"

	"sigill/keys/bundle"
	"sigill/keys/opening"
)

// TestD05_readOnly: on a disk that cannot be written the server says so and does
// not start; a decision can be taken out of it all the same.
func TestD05_readOnly(t *testing.T) {
	dir, mounted := mount(t, "100m")
	if !mounted {
		return
	}
	h := newHouse(t, filepath.Join(dir, "authority"))
	r := h.start(sigilld)
	s := &tale{}
	ok(t, s.play(t.Context(), r))
	ok(t, r.Stop())
	before := h.read("store.db")
	ok(t, syscall.Mount("", dir, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""))
	sh(t, sigilld, "serve", "--config", h.config()).refused(t, "read-only file system")

	out := filepath.Join(t.TempDir(), "extract")
	if got := sh(t, sigilld, "extract", "--store", h.data("store.db"), "--gate-key", filepath.Join(h.Dir, "keys", "gate.age"),
		"--passphrase-file", filepath.Join(h.Dir, "keys", "passphrase"), "--decision", string(s.own.Decision), "--out", out); got.status != 0 {
		t.Fatal(got)
	}
	b, err := os.ReadFile(out)
	ok(t, err)
	e, err := opening.ParseExtract(b)
	ok(t, err)
	v, err := bundle.Verify(e.Bundle, h.Trust)
	ok(t, err)
	if v.Digest != s.verdict.Digest {
		t.Error("another decision")
	}
	if !bytes.Equal(before, h.read("store.db")) {
		t.Error("a read-only store has changed")
	}
}

// TestD07_truncated: a file that was cut short ends the start with a reason, and a
// running server with an error, where bbolt's mapping would end it with SIGBUS.
func TestD07_truncated(t *testing.T) {
	h := newHouse(t, filepath.Join(t.TempDir(), "authority"))
	end := len(h.base)
	for _, size := range []int{4096 + 100, 2 * 4096, end / 2, end - 4096, end - 1} {
		cut := h.base[:size]
		ok(t, os.WriteFile(h.data("store.db"), cut, 0o600))
		sh(t, sigilld, "serve", "--config", h.config()).refused(t, "opening the store: store: corrupt: ")
		if !bytes.Equal(cut, h.read("store.db")) {
			t.Errorf("%d bytes: the refused file has changed", size)
		}
	}

	h.reset()
	r := h.start(sigilld)
	ok(t, (&tale{}).play(t.Context(), r))
	ok(t, os.Truncate(h.data("store.db"), 2*4096))
	for range 3 {
		if err := (&tale{}).play(t.Context(), r); !refusedAs(err, codes.DataLoss, "") && !refusedAs(err, codes.Unavailable, "") {
			t.Fatalf("without its store: %v", err)
		}
	}
	if status := ended(r.Stop()); status != 0 && !stopped(status) {
		t.Errorf("ended with %#x", int(status))
	}
	h.quiet()
}

// TestD08_emptyOrShort: no new store is made in place of what is left of one.
func TestD08_emptyOrShort(t *testing.T) {
	h := newHouse(t, filepath.Join(t.TempDir(), "authority"))
	for _, content := range []string{"", "hello"} {
		ok(t, os.WriteFile(h.data("store.db"), []byte(content), 0o600))
		sh(t, sigilld, "serve", "--config", h.config()).refused(t, "not a Sigill store")
		sh(t, sigilld, "init", "--config", h.config()).refused(t, "exists")
		if string(h.read("store.db")) != content {
			t.Errorf("%q has become a store", content)
		}
	}
}

// TestD09_twoProcesses: the second server on a store is refused at once (bbolt
// would wait for ever), and the first does not notice.
func TestD09_twoProcesses(t *testing.T) {
	h := newHouse(t, filepath.Join(t.TempDir(), "authority"))
	r := h.start(sigilld)
	sh(t, sigilld, "serve", "--config", h.config()).refused(t, "in use by another process")
	ok(t, (&tale{}).play(t.Context(), r))
	ok(t, r.Stop())
}

// TestD12_firstStart kills sigilld at each call that makes the store, and at each
// that the first start makes: the same command again completes what was begun, or
// refuses what is whole.
func TestD12_firstStart(t *testing.T) {
	h := newHouse(t, filepath.Join(t.TempDir(), "authority"))
	points := 0
	for _, call := range []string{"mkdirat", "pwrite64", "fdatasync", "linkat", "unlinkat", "fsync", "fallocate"} {
		for n := 1; ; n++ {
			ok(t, os.RemoveAll(h.data("")))
			got := sh(t, under(t, sigilld, "/dev/null", call, fmt.Sprintf("%s:%s:when=%d", call, kill, n)), "init", "--config", h.config())
			if !killed(got.status) {
				break // there are no more
			}
			points++
			if again := sh(t, sigilld, "init", "--config", h.config()); again.status != 0 {
				again.refused(t, "store.db: file already exists") // the key was in it, as the start shows
			}
			ok(t, h.start(sigilld).Stop())
		}
	}
	t.Logf("init was killed at %d calls", points)
	if points < 10 {
		t.Error("the kills reach little")
	}

	for _, call := range []string{"fallocate", "fsync", "flock"} {
		for n := 1; n <= 3; n++ {
			ok(t, os.RemoveAll(h.data("")))
			if got := sh(t, sigilld, "init", "--config", h.config()); got.status != 0 {
				t.Fatal(got)
			}
			r, err := h.StartBinary(t.Context(), under(t, sigilld, "/dev/null", call, fmt.Sprintf("%s:%s:when=%d", call, kill, n)))
			if err == nil {
				r.Stop()
			}
			ok(t, h.start(sigilld).Stop())
		}
	}
	h.quiet()
}

var (
	onFile  = regexp.MustCompile(`^\d+ +(pwrite64|fdatasync|fsync|write)\(\d+<([^>]*)>(.*)`)
	onPlace = regexp.MustCompile(`^\d+ +(mkdirat|linkat)\(.*"([^"]*)", 0`)
)

// TestD12_flushedBeforeSaid: init flushes the file before it gets its name, and the
// folders that list it before it says that there is a store, so that a power cut
// takes back nothing of that.
func TestD12_flushedBeforeSaid(t *testing.T) {
	h := newHouse(t, filepath.Join(t.TempDir(), "authority"))
	ok(t, os.RemoveAll(h.data("")))
	trace := filepath.Join(t.TempDir(), "trace")
	if got := sh(t, "strace", "-f", "-y", "-o", trace, "-e", "trace=mkdirat,linkat,pwrite64,fdatasync,fsync,write",
		sigilld, "init", "--config", h.config()); got.status != 0 {
		t.Fatal(got)
	}
	b, err := os.ReadFile(trace)
	ok(t, err)
	pending, said, named := map[string]bool{}, false, 0
	for line := range strings.Lines(string(b)) {
		if m := onPlace.FindStringSubmatch(line); m != nil {
			if m[1] == "linkat" {
				for file := range pending {
					if strings.Contains(file, ".sigill-") {
						t.Errorf("%s gets its name before it is flushed", file)
					}
				}
			}
			pending[filepath.Dir(m[2])] = true
			named++
		}
		m := onFile.FindStringSubmatch(line)
		switch {
		case m == nil:
		case m[1] == "pwrite64":
			pending[m[2]] = true
		case m[1] == "write" && strings.Contains(m[3], "store made"):
			said = true
			if len(pending) > 0 {
				t.Errorf("said before these are flushed: %v", pending)
			}
		case m[1] != "write":
			delete(pending, m[2])
		}
	}
	if !said || named != 2 {
		t.Errorf("not the calls that were looked for:\n%s", b)
	}
}
