package server_test

import (
	"encoding/binary"
	"maps"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"

	"sigill/keys/ident"
	"sigill/server"
)

// published is the checkpoint that lies beside the store.
func (s *stage) published(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(s.config.Data, "checkpoint"))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// days are the rows of the stopped store, by day from the stage's first.
func (s *stage) days(t *testing.T) map[int]string {
	t.Helper()
	rows, err := server.Rows(t.Context(), s.config)
	if err != nil {
		t.Fatal(err)
	}
	out := map[int]string{}
	for _, r := range rows {
		if r.Room == "log-days" {
			out[int(binary.BigEndian.Uint32(r.Key))-int(ident.DateOf(s.dawn).Days())] = string(r.Value)
		}
	}
	return out
}

// TestDays: every day that is over has the checkpoint that was published last in it,
// also if the server was killed before midnight, stood still for days, or is stopped
// after midnight before it has published again; and no row is ever another.
func TestDays(t *testing.T) {
	s := newStage(t, nil)
	first := s.published(t) // on the day before; the row before that is the room's first
	started := s.days(t)
	if len(started) != 1 || started[-2] == "" || started[-2] == first {
		t.Fatalf("the room begins with %v", started)
	}
	want := map[int]string{-2: started[-2], -1: first}
	killed := map[string]string{}
	visit := func(day int, clock string, act func(p *play)) {
		synctest.Test(t, func(t *testing.T) {
			p := &play{t: t, ctx: t.Context(), stage: s}
			p.until(day, clock)
			p = newPlay(t, s, worlds[0], "")
			act(p)
			p.must(p.stop())
		})
	}
	visit(0, "08:00:00", func(p *play) {
		p.operator("in the morning")
		p.until(0, "23:51:00")
		want[0] = s.published(t)
		p.operator("before midnight")
		killed = tree(t, s.config.Data)
		p.until(1, "00:11:00")
		want[1] = s.published(t)
	})
	if want[0] == first || want[1] == want[0] {
		t.Fatal("nothing was published")
	}
	holds := func(what string, want map[int]string) {
		t.Helper()
		if got := s.days(t); !maps.Equal(got, want) {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
	last := want[1]
	delete(want, 1)
	holds("over midnight", want)
	if s.published(t) != last {
		t.Error("a stop without a new entry published another checkpoint")
	}

	for path, b := range killed {
		if err := os.WriteFile(path, []byte(b), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	visit(3, "23:58:00", func(p *play) {
		p.until(3, "23:59:00")
		want[1], want[2], want[3] = want[0], want[0], s.published(t)
		p.operator("before midnight")
		p.until(4, "00:00:30") // before the next publication
	})
	holds("killed, and days of silence", want)
	if want[3] == want[0] || s.published(t) == want[3] {
		t.Error("what was logged before the kill, or before the stop, is not published")
	}
}
