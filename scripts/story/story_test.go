package story_test

import (
	"bytes"
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"sigill/client"
	"sigill/keys/ident"
	"sigill/keys/statement"
	"sigill/scripts/authority"
	"sigill/scripts/story"
)

// TestFolder: the story's folder, as README.md has it submitted, says what the
// story says, of a type that fits it and that the delegation order lets a delegate
// decide, and its text has what the law asks for.
func TestFolder(t *testing.T) {
	got, err := client.ReadFolder(os.DirFS("beslut"))
	if err != nil {
		t.Fatal(err)
	}
	want := story.Text(story.Decision, got.Case)
	if got.Title != want.Title || got.Type != want.Type || got.Item != want.Item || got.Mode != want.Mode || !bytes.Equal(got.Content, want.Content) {
		t.Errorf("the folder is %s, %s under %s, the story %s, %s under %s", got.Title, got.Type, got.Item, want.Title, want.Type, want.Item)
	}
	if got.Type != "boendestod-och-kontaktperson" {
		t.Errorf("%s is decided as %s", got.Title, got.Type)
	}
	if err := statement.CheckParts(got.Content, got.Reasons, got.Appeal); err != nil {
		t.Error(err)
	}
	a, err := authority.Make(context.Background(), t.TempDir()+"/a", authority.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	for _, typ := range []string{got.Type, authority.TypeSupport} {
		if err := a.Order.Permits(got.Item, typ, got.Mode, ident.DateOf(time.Now())); err != nil {
			t.Errorf("%s: %v", typ, err)
		}
	}
}

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
	steps, votes := 0, 0
	r, err := story.Play(ctx, story.Cast{Run: run, Author: authority.People()[0], Content: story.Decision,
		Say: func(format string, values ...any) {
			steps++
			if strings.HasPrefix(format, "Granskare") {
				votes++
			}
			t.Logf(format, values...)
		}})
	if err != nil {
		t.Fatal(err)
	}
	if votes != 8 {
		t.Errorf("%d votes of 8 were told", votes)
	}
	if steps < 12 || !bytes.Contains(r.Opened, []byte(r.Me.Name)) || bytes.Contains(r.Bundle, []byte(r.Me.Name)) {
		t.Fatal("the story left something out")
	}
}
