package tiles_test

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"sigill/client/tiles"
	"sigill/keys/ident"
	"sigill/keys/proof"
)

const first = ident.Date("2026-03-02")

// days is a log of five days: of 3, 0, 260, 1 and 0 entries.
func days(t *testing.T) *site {
	t.Helper()
	s := newSite(t)
	for i, size := range []int{3, 3, 263, 264, 264} {
		if i == 0 {
			s.End(first.AddDays(-1))
		}
		s.Grow(size)
		s.End(first.AddDays(i))
	}
	return s
}

func read(t *testing.T, l *tiles.Log, from, until ident.Date) (got []ident.Date, entries []proof.Entry, err error) {
	t.Helper()
	err = l.Days(t.Context(), from, until, func(d proof.Day, after tiles.Head) error {
		if after.Size != d.First+uint64(len(d.Entries)) {
			t.Error("another state than the day's:", d.Date)
		}
		got, entries = append(got, d.Date), append(entries, d.Entries...)
		return nil
	})
	return got, entries, err
}

// TestDays: days are read in order and join, with no others asked for, nor anything
// else; before the log's first and after its last there is nothing to miss.
func TestDays(t *testing.T) {
	s := days(t)
	l := open(t, s.URL, s.Policy)
	for _, c := range []struct {
		from, until int
		want        int // days
		entries     []proof.Entry
	}{{0, 4, 5, s.Logged}, {1, 3, 3, s.Logged[3:]}, {2, 2, 1, s.Logged[3:263]}, {-30, 10, 5, s.Logged}, {5, 9, 0, nil}, {3, 2, 0, nil}} {
		s.asked = 0
		got, entries, err := read(t, l, first.AddDays(c.from), first.AddDays(c.until))
		if err != nil || len(got) != c.want || !slices.Equal(entries, c.entries) || !slices.IsSorted(got) {
			t.Errorf("%d to %d: %v, %d entries, %v", c.from, c.until, got, len(entries), err)
		}
		if s.asked != max(0, c.until-c.from+1) {
			t.Errorf("%d to %d: asked %d times", c.from, c.until, s.asked)
		}
	}
	stop := errors.New("enough")
	if err := l.Days(t.Context(), first, first.AddDays(4), func(proof.Day, tiles.Head) error { return stop }); !errors.Is(err, stop) {
		t.Error("the reader's error:", err)
	}
}

// TestDaysMissing: a day that is left out, or of another history, is an error, and
// nothing after it is given.
func TestDaysMissing(t *testing.T) {
	s := days(t)
	dir := t.TempDir()
	if _, err := mirror(t, s, dir); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(dir, "day"), 0o700); err != nil {
		t.Fatal(err)
	}
	whole := func() {
		for i := range 5 {
			d := "day/" + string(first.AddDays(i))
			if err := os.WriteFile(filepath.Join(dir, d), ask(t, s, d), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	remove := func(i int) {
		if err := os.Remove(filepath.Join(dir, "day", string(first.AddDays(i)))); err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		change func()
		want   int
		err    error
	}{
		"whole":         {func() {}, 5, nil},
		"one missing":   {func() { remove(2) }, 2, tiles.ErrDamaged},
		"a quiet one":   {func() { remove(1) }, 1, tiles.ErrDamaged},
		"the beginning": {func() { remove(0); remove(1) }, 0, tiles.ErrAbsent},
		"the end":       {func() { remove(4); remove(3) }, 3, nil},
		"another history's": {func() {
			fork := serve(t, s.Fork())
			fork.End(first.AddDays(1))
			fork.Grow(5)
			fork.End(first.AddDays(2))
			d := "day/" + string(first.AddDays(2))
			if err := os.WriteFile(filepath.Join(dir, d), ask(t, fork, d), 0o600); err != nil {
				t.Fatal(err)
			}
		}, 2, proof.ErrInconsistent},
	} {
		whole()
		c.change()
		got, _, err := read(t, open(t, dir, s.Policy), first, first.AddDays(4))
		if !errors.Is(err, c.err) || len(got) != c.want {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	s.path, s.change = "day/"+string(first.AddDays(1)), func(w http.ResponseWriter, _ []byte) { w.WriteHeader(503) }
	if got, _, err := read(t, open(t, s.URL, s.Policy), first, first.AddDays(4)); !errors.Is(err, tiles.ErrUnreachable) || len(got) != 1 {
		t.Errorf("one that does not come: %v, %v", got, err)
	}
}
