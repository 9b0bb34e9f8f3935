package faults_test

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"google.golang.org/grpc/codes"

	"sigill/scripts/story"
)

// TestD03_diskFull fills the disk under a running server. A draft is refused with
// RESOURCE_EXHAUSTED and leaves nothing, the author still reads, and with space
// again the server goes on as if nothing had been.
func TestD03_diskFull(t *testing.T) {
	dir, mounted := mount(t, "24m")
	if !mounted {
		return
	}
	h := newHouse(t, filepath.Join(dir, "authority"))
	h.reset() // it finds its reserve gone, and
	var free syscall.Statfs_t
	ok(t, syscall.Statfs(dir, &free))
	ballast, rest := filepath.Join(dir, "ballast"), filepath.Join(dir, "rest")
	ok(t, os.WriteFile(ballast, make([]byte, int64(free.Bavail)*free.Bsize-3<<20), 0o600)) // a few MiB left to take
	r := h.start(sigilld)
	s := &tale{}
	ok(t, s.play(t.Context(), r))
	if err := os.WriteFile(rest, make([]byte, 3<<20), 0o600); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("the disk is not full: %v", err)
	}
	asa, err := r.Caseworker("asa")
	ok(t, err)
	drafts := 0
	own, err := asa.Submit(t.Context(), story.Text(story.Decision, "SN 2026-00600"))
	for ; err == nil; drafts++ {
		own, err = asa.Submit(t.Context(), story.Text(story.Decision, "SN 2026-00600"))
	}
	if own != nil || !refusedAs(err, codes.ResourceExhausted, "FULL") {
		t.Fatalf("after %d drafts: %v", drafts, err)
	}
	t.Logf("full after %d drafts", drafts)
	m, err := asa.Get(t.Context(), s.own)
	ok(t, err)
	if m.Verdict == nil || m.Verdict.Digest != s.verdict.Digest {
		t.Error("another decision is read")
	}
	public, err := r.Session("")
	ok(t, err)
	cp, err := public.Checkpoint(t.Context(), nil)
	ok(t, err)

	ok(t, errors.Join(os.Remove(ballast), os.Remove(rest)))
	ok(t, next(t.Context(), r, s.verdict))
	director, err := r.Signer("direktor", r.Director)
	ok(t, err)
	waiting, err := director.Inbox(t.Context())
	ok(t, err)
	if len(waiting) != drafts {
		t.Errorf("%d drafts wait, %d were taken", len(waiting), drafts)
	}
	ok(t, r.Stop())
	r = h.start(sigilld)
	s.seen = append(s.seen, cp)
	ok(t, s.grown(t.Context(), r))
	ok(t, s.stands(t.Context(), r))
	ok(t, r.Stop())
	h.quiet()
}
