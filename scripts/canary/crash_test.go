package canary_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"syscall"
	"testing"

	"sigill/client"
	"sigill/scripts/authority"
	"sigill/scripts/canary"
	"sigill/scripts/story"
)

// TestQuit: a server that is made to print all its goroutines (SIGQUIT) while
// authors draft ends without a word of any of them.
func TestQuit(t *testing.T) {
	ctx := context.Background()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	people := authors(rand.New(rand.NewPCG(seed, 2)))[:16]
	dir := filepath.Join(t.TempDir(), "authority")
	a, err := authority.Make(ctx, dir, authority.Options{Users: people})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	run, err := a.StartBinary(ctx, built(t))
	if err != nil {
		t.Fatal(err)
	}
	defer run.Stop() // it has ended, and not well
	if err := run.Publish(ctx); err != nil {
		t.Fatal(err)
	}
	needles := canary.NewNeedles()
	var drafting sync.WaitGroup
	begun := make(chan struct{}, len(people))
	for i, u := range people {
		c, err := run.Caseworker(u.ID)
		if err != nil {
			t.Fatal(err)
		}
		add(t, needles, c.Me)
		drafting.Go(func() { draftUntilCut(ctx, c, i, begun) })
	}
	for range people {
		<-begun
	}
	if err := syscall.Kill(run.PID(), syscall.SIGQUIT); err != nil {
		t.Fatal(err)
	}
	drafting.Wait()
	if err := run.Stop(); err == nil {
		t.Error("the server ended as if it had been asked to")
	}
	left := files(t, dir, "data/store.db", authority.LogFile)
	if printed := left[authority.LogFile]; !bytes.Contains(printed, []byte("SIGQUIT")) || !bytes.Contains(printed, []byte("goroutine ")) {
		t.Fatalf("no goroutines were printed:\n%s", printed)
	}
	look(t, needles, left)
}

// draftUntilCut drafts one decision after another until the server is gone, and
// tells when the first is there.
func draftUntilCut(ctx context.Context, c *client.Caseworker, author int, begun chan<- struct{}) {
	for n := 0; ; n++ {
		_, err := c.Submit(ctx, story.Text(story.Decision, fmt.Sprintf("SN 2026-%02d%03d", author, n)))
		if n == 0 {
			begun <- struct{}{}
		}
		if err != nil {
			return
		}
	}
}
