package main

import (
	"testing"

	"sigill/scripts/authority"
)

// TestDecision: what is measured is taken by a server.
func TestDecision(t *testing.T) {
	a, err := authority.Make(t.Context(), t.TempDir(), authority.Options{Groups: shapes[0].groups, TLS: true})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	run, err := a.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer run.Stop()
	if err := run.Publish(t.Context()); err != nil {
		t.Fatal(err)
	}
	c, err := newCaller(run)
	if err != nil {
		t.Fatal(err)
	}
	for w := range c.conns {
		if err := c.decision(t.Context(), w); err != nil {
			t.Fatal(err)
		}
	}
}
