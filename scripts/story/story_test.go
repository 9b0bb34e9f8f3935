package story_test

import (
	"bytes"
	"context"
	"testing"

	"sigill/scripts/authority"
	"sigill/scripts/story"
)

// TestPlay plays the whole story in process.
func TestPlay(t *testing.T) {
	ctx := context.Background()
	a, err := authority.Make(ctx, t.TempDir()+"/a", authority.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	run, err := a.Start(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := run.Stop(); err != nil {
			t.Error(err)
		}
	}()
	if err := run.Publish(ctx); err != nil {
		t.Fatal(err)
	}
	steps := 0
	r, err := story.Play(ctx, story.Cast{Run: run, Author: authority.People()[0], Content: story.Decision,
		Say: func(format string, values ...any) { steps++; t.Logf(format, values...) }})
	if err != nil {
		t.Fatal(err)
	}
	if steps < 12 || !bytes.Contains(r.Opened, []byte(r.Me.Name)) || bytes.Contains(r.Bundle, []byte(r.Me.Name)) {
		t.Fatal("the story left something out")
	}
}
