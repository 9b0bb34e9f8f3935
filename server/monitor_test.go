package server_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"sigill/client/monitor"
	"sigill/client/tiles"
	"sigill/keys/evidence"
	"sigill/keys/ident"
	"sigill/keys/proof"
	"sigill/scripts/authority"
)

// watches looks once at where a log is given out, with a state of its own, and holds what
// is found.
func watches(t *testing.T, a *authority.Authority, state, source string, compare []string, want ...string) monitor.Look {
	t.Helper()
	m, err := monitor.Open(monitor.Config{Source: source, Trust: a.Trust, State: state, Compare: compare})
	fine(t, err)
	defer m.Close()
	l, err := m.Look(t.Context(), time.Now())
	fine(t, err)
	var got []string
	for _, f := range l.Findings {
		got = append(got, f.Name)
	}
	if len(got) != len(want) || len(got) > 0 && got[0] != want[0] {
		t.Fatalf("found %q, want %q", got, want)
	}
	return l
}

// proven holds that a finding's file convinces whoever has the trust file, and that no
// changed byte of it does.
func proven(t *testing.T, a *authority.Authority, state string, f monitor.Finding) *evidence.Finding {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(filepath.Dir(state), f.Evidence))
	fine(t, err)
	v, err := evidence.Verify(b, a.Trust)
	if err != nil || v.Kind != evidence.Fork {
		t.Fatalf("the evidence: %v, %+v", err, v)
	}
	for i := 0; i < len(b); i += 37 {
		changed := bytes.Clone(b)
		changed[i] ^= 1
		if _, err := evidence.Verify(changed, a.Trust); err == nil {
			t.Errorf("a changed byte at %d passes", i)
		}
	}
	return v
}

// TestL04_twoHistories: two stores from one copy, under one log key, show two clients
// different logs. Each alone is in order; whoever compares what they were shown finds
// it, by a decision, a copy, a state or an address, and can prove it to anybody.
func TestL04_twoHistories(t *testing.T) {
	a, c := made(t, authority.Options{PublishEvery: 100 * time.Millisecond})
	ctx := context.WithoutCancel(t.Context())
	r, err := a.Start(ctx)
	fine(t, err)
	fine(t, r.Publish(t.Context()))
	fine(t, r.Stop())
	older := tree(t, c.Data)
	common, err := strconv.ParseUint(strings.Split(older[filepath.Join(c.Data, "checkpoint")], "\n")[1], 10, 64)
	fine(t, err)
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }

	// history runs a server until a decision is in the log that it gives out, and leaves
	// the decision, a copy of the log and a monitor's state.
	history := func(name string) (*authority.Running, uint64) {
		r, err := a.Start(ctx)
		fine(t, err)
		director, err := r.Signer("direktor", r.Director)
		fine(t, err)
		v, raw := sign(t, r, director, "SN 2026-0417 "+name)
		fine(t, os.WriteFile(at(name+".sigill"), raw, 0o600))
		until(t, func() bool {
			cp, err := director.Checkpoint(t.Context(), nil)
			return err == nil && uint64(cp.Size) > v.Index
		})
		log, err := tiles.Open(r.Log, a.Trust.Policy, nil)
		fine(t, err)
		_, err = log.Mirror(t.Context(), at(name), ident.DateOf(time.Now()))
		fine(t, err)
		l := watches(t, a, at(name+".json"), r.Log, nil)
		if l.State != monitor.StateFine || l.Entries["decision"] != 1 || l.Number.Number != 1 || l.Log.Size <= v.Index {
			t.Errorf("%s alone: %+v", name, l)
		}
		return r, l.Log.Size
	}
	one, size := history("one")
	fine(t, one.Stop())
	for path, b := range older { // with the checkpoint beside the store, which would have told
		fine(t, os.WriteFile(path, []byte(b), 0o600))
	}
	other, _ := history("other")
	for range size { // so that it is the larger
		looks(t, other)
	}
	until(t, func() bool {
		s, err := other.Session("")
		fine(t, err)
		cp, err := s.Checkpoint(t.Context(), nil)
		return err == nil && uint64(cp.Size) > size
	})

	for _, compare := range []string{"one.sigill", "one", "one.json"} {
		state := at("by " + compare)
		l := watches(t, a, state, other.Log, []string{at(compare)}, monitor.Fork)
		if v := proven(t, a, state, l.Findings[0]); v.Before.Size <= common || v.After != (proof.Checkpoint{Origin: a.Trust.Authority, Size: v.After.Size, Root: l.Log.Root}) {
			t.Errorf("proven of sizes %d and %d", v.Before.Size, v.After.Size)
		}
	}
	state := at("by address")
	proven(t, a, state, watches(t, a, state, at("one"), []string{other.Log}, monitor.Fork).Findings[0])
	watches(t, a, at("agrees"), other.Log, []string{at("other.sigill"), at("other"), at("other.json")})
	// The client of the first is shown the second, from the same address.
	l := watches(t, a, at("one.json"), other.Log, nil, monitor.Fork)
	if v := proven(t, a, at("one.json"), l.Findings[0]); l.Log.Size != size || v.Before.Size != size {
		t.Errorf("it follows %d, proven is %+v", l.Log.Size, v)
	}
	fine(t, other.Stop())
}
