package faults_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sigill/client/tiles"
	"sigill/client/witness"
	"sigill/keys/ident"
	"sigill/scripts/authority"
	"sigill/scripts/neighbour"
)

// has is the size of the log that the witness has cosigned.
func has(t *testing.T, n *neighbour.Neighbour) uint64 {
	t.Helper()
	st, err := witness.Read(n.Dir)
	ok(t, err)
	if len(st.Found) > 0 {
		t.Errorf("the witness found %+v", st.Found)
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
	g, err := neighbour.New(filepath.Join(t.TempDir(), "witness"), "witness.example")
	ok(t, err)
	t.Cleanup(func() { g.Close() })
	tool := fsck(t)
	a, err := authority.Make(t.Context(), filepath.Join(t.TempDir(), "authority"), authority.Options{PublishEvery: 100 * time.Millisecond,
		Witnesses: g.Policy()})
	ok(t, err)
	t.Cleanup(func() { a.Close() })
	ok(t, g.Watch(a.Trust.Policy.LogKeys()[0].String()))
	h := &house{Authority: a, t: t}
	r := h.start(sigilld)
	ok(t, r.Publish(t.Context()))
	ok(t, r.Stop())
	h.keep()
	base := filepath.Join(t.TempDir(), "base")
	ok(t, os.CopyFS(base, os.DirFS(g.Dir)))
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
			ok(t, g.Restore(base))
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
func (h *house) witnessed(t *testing.T, g *neighbour.Neighbour, s *tale, tool string) error {
	t.Helper()
	if c := sh(t, sigilld, "check", "--config", h.config()); c.status != 0 {
		return fmt.Errorf("check: %s%s", c.stdout, c.stderr)
	}
	had := has(t, g)
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
	if c := sh(t, tool, dir, h.Trust.Policy.LogKeys()[0].String()); c.status != 0 || !strings.HasPrefix(c.stdout, "size ") {
		return fmt.Errorf("fsck: %s%s", c.stdout, c.stderr)
	}
	has(t, g)
	return r.Stop()
}
