package faults_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"sigill/client/tiles"
	"sigill/client/witness"
	"sigill/keys/ident"
	"sigill/keys/keyfile"
	"sigill/scripts/authority"
)

// A guard is a witness of ours at one address, whose memory can be put back with the
// store that it watches.
type guard struct {
	t      *testing.T
	dir    string
	config witness.Config
	url    string
	key    string // of the log

	mu   sync.Mutex
	open *witness.Witness
}

func newGuard(t *testing.T) *guard {
	g := &guard{t: t, dir: filepath.Join(t.TempDir(), "witness")}
	var err error
	g.config, err = witness.Create(g.dir, "witness.example", authority.Passphrase, keyfile.Options{WorkFactor: 1})
	ok(t, err)
	s := httptest.NewServer(g)
	t.Cleanup(s.Close)
	g.url = s.URL
	return g
}

func (g *guard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.open.ServeHTTP(w, r)
}

// restart opens the witness over a copy of what it remembered, or over what it remembers.
func (g *guard) restart(from string) {
	g.t.Helper()
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.open != nil {
		ok(g.t, g.open.Close())
	}
	if from != "" {
		ok(g.t, os.RemoveAll(g.dir))
		ok(g.t, os.CopyFS(g.dir, os.DirFS(from)))
		ok(g.t, private(g.dir))
	}
	var err error
	g.open, err = witness.Open(g.dir, []string{g.key}, func() (string, error) { return authority.Passphrase, nil }, nil)
	ok(g.t, err)
}

// private takes a copied directory from everyone else.
func private(dir string) error {
	return filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		mode := os.FileMode(0o600)
		if err == nil && d.IsDir() {
			mode = 0o700
		}
		if err == nil {
			err = os.Chmod(path, mode)
		}
		return err
	})
}

// has is the size of the log that the witness has cosigned.
func (g *guard) has() uint64 {
	g.t.Helper()
	st, err := witness.Read(g.dir)
	ok(g.t, err)
	if len(st.Found) > 0 {
		g.t.Errorf("the witness found %+v", st.Found)
	}
	for _, l := range st.Logs {
		if l.Size > 0 {
			return l.Size
		}
	}
	return 0
}

// fsck builds Tessera's.
func fsck(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "fsck")
	if out, err := exec.Command("go", "build", "-C", "../tessera", "-o", path, "./fsck").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return path
}

// TestL09_publishing kills the server, or its disk fails, at calls while it appends,
// publishes and is witnessed. After each the check is green, the log is one that the
// witness goes on with, Tessera's fsck finds nothing in it, and what was answered is in
// it and becomes witnessed.
func TestL09_publishing(t *testing.T) {
	program, err := counted()
	ok(t, err)
	g, tool := newGuard(t), fsck(t)
	a, err := authority.Make(t.Context(), filepath.Join(t.TempDir(), "authority"), authority.Options{PublishEvery: 100 * time.Millisecond,
		Witnesses: append(g.config.Lines(g.url), "quorum witness.example")})
	ok(t, err)
	t.Cleanup(func() { a.Close() })
	g.key = a.Trust.Policy.LogKeys()[0].String()
	g.restart("")
	h := &house{Authority: a, t: t}
	r := h.start(sigilld)
	ok(t, r.Publish(t.Context()))
	ok(t, r.Stop())
	h.keep()
	base := filepath.Join(t.TempDir(), "base")
	ok(t, os.CopyFS(base, os.DirFS(g.dir)))
	for _, p := range []point{{call: "pwrite64", fault: kill}, {call: "fdatasync", fault: kill}, {call: "renameat", fault: kill},
		{call: "fsync", fault: kill}, {call: "pwrite64", fault: eio}, {call: "fdatasync", fault: eio}} {
		tried, struck := 0, 0
		step, last := 1, 2 // the checkpoint beside the store is written seldom
		if p.call == "pwrite64" || p.call == "fdatasync" {
			step, last = 5, 12
		}
		if *everything {
			step, last = 1, 60
		}
		for p.n = 1; p.n <= last; p.n += step {
			g.restart(base)
			s := &tale{most: 3} // what comes later waits for the witness
			s, status := h.strikes(t, program, p, s)
			tried++
			if status != 0 {
				struck++
			}
			if err := h.witnessed(t, g, s, tool); err != nil {
				t.Errorf("%s %d, %s, after %d answers: %v", p.call, p.n, p.fault, s.acked, err)
			}
		}
		t.Logf("%s, %s: %d points tried, %d struck", p.call, p.fault, tried, struck)
		if struck == 0 {
			t.Errorf("%s, %s never struck", p.call, p.fault)
		}
	}
	h.quiet()
}

// witnessed goes on after a fault, until the witness has cosigned all that there is.
func (h *house) witnessed(t *testing.T, g *guard, s *tale, tool string) error {
	t.Helper()
	if c := sh(t, sigilld, "check", "--config", h.config()); c.status != 0 {
		return fmt.Errorf("check: %s%s", c.stdout, c.stderr)
	}
	had := g.has()
	r, err := h.StartBinary(context.Background(), sigilld)
	if err != nil {
		return err
	}
	defer r.Stop()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for _, look := range []func() error{
		func() error { return s.grown(ctx, r) }, func() error { return s.stands(ctx, r) },
		func() error { return s.play(ctx, r) }, func() error { return s.stands(ctx, r) },
	} {
		if err := look(); err != nil {
			return err
		}
	}
	log, err := tiles.Open(r.Log, r.Trust.Policy, r.Roots)
	if err != nil {
		return err
	}
	dir := t.TempDir()
	for tick := time.NewTicker(20 * time.Millisecond); ; {
		c, err := log.Mirror(ctx, dir, ident.DateOf(time.Now()))
		if err != nil {
			return err
		}
		if c.Witnessed && c.Size > s.verdict.Index && c.Size >= had {
			break
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("not witnessed: %d entries", c.Size)
		}
	}
	if c := sh(t, tool, dir, g.key); c.status != 0 || !strings.HasPrefix(c.stdout, "size ") {
		return fmt.Errorf("fsck: %s%s", c.stdout, c.stderr)
	}
	g.has()
	return r.Stop()
}
