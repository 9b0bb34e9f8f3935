package canary_test

import (
	"bytes"
	"context"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"sigill/scripts/authority"
	"sigill/scripts/canary"
	"sigill/scripts/neighbour"
	"sigill/scripts/story"
)

// TestWitness: what a witness is sent and keeps, while the story is played under its
// eyes, says nothing of who wrote.
func TestWitness(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	people := authors(rand.New(rand.NewPCG(seed, 3)))[:1]
	n, err := neighbour.New(filepath.Join(t.TempDir(), "witness"), "vittne.example")
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	var mu sync.Mutex
	var asked []byte
	n.Hear = func(ask []byte) {
		mu.Lock()
		defer mu.Unlock()
		asked = append(append(asked, ask...), '\n')
	}
	dir := filepath.Join(t.TempDir(), "authority")
	a, err := authority.Make(t.Context(), dir, authority.Options{Users: people, PublishEvery: 100 * time.Millisecond, Witnesses: n.Policy()})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	if err := n.Watch(a.Trust.Policy.LogKeys()[0].String()); err != nil {
		t.Fatal(err)
	}
	run, err := a.Start(context.WithoutCancel(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	defer run.Stop()
	if err := run.Publish(t.Context()); err != nil {
		t.Fatal(err)
	}
	r, err := story.Play(t.Context(), story.Cast{Run: run, Author: people[0], Content: story.Decision, Away: n.Away})
	if err != nil {
		t.Fatal(err)
	}
	needles := canary.NewNeedles()
	add(t, needles, r.Me)
	if err := run.Stop(); err != nil {
		t.Fatal(err)
	}
	paths, err := filepath.Glob(filepath.Join(n.Dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	var kept []byte
	for _, p := range paths {
		kept = append(kept, files(t, n.Dir, filepath.Base(p))[filepath.Base(p)]...)
	}
	mu.Lock()
	defer mu.Unlock()
	if n := bytes.Count(asked, []byte("POST /add-checkpoint")); n < 5 {
		t.Errorf("the witness was asked %d times", n)
	}
	look(t, needles, map[string][]byte{"what a witness is asked": asked, "what a witness keeps": kept})
}
