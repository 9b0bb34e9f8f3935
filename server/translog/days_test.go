package translog_test

import (
	"context"
	"encoding/binary"
	"errors"
	"testing"

	"sigill/keys/ident"
	"sigill/server/store"
	"sigill/server/translog"
)

// TestDays: the room begins with the day before the first, every later day that is
// over has a row, however long the server stood still, and no row changes.
func TestDays(t *testing.T) {
	l := newLog(t)
	want := map[ident.Date]string{}
	closed := func(through ident.Date, note string) error {
		t.Helper()
		r := l.reader(t)
		defer r.Close()
		o := store.NewOverlay(r)
		err := translog.CloseDays(o, through, []byte(note))
		if err == nil {
			err = l.Commit(context.Background(), o.Changes())
		}
		return err
	}
	check := func(what string) {
		t.Helper()
		r := l.reader(t)
		defer r.Close()
		rows := 0
		for _, err := range r.Scan(translog.Days, nil, nil) {
			if err != nil {
				t.Fatal(err)
			}
			rows++
		}
		if rows != len(want) {
			t.Fatalf("%s: %d rows, want %d", what, rows, len(want))
		}
		for d, note := range want {
			if got, err := translog.DayNote(r, d); err != nil || string(got) != note {
				t.Fatalf("%s: %s has %q: %v", what, d, got, err)
			}
		}
	}
	for _, c := range []struct {
		what, through, note string
		rows                []ident.Date
	}{
		{"the first publication", "2026-11-26", "none", []ident.Date{"2026-11-26"}},
		{"again on that day", "2026-11-26", "more", nil},
		{"the next day", "2026-11-27", "a", []ident.Date{"2026-11-27"}},
		{"after days of silence", "2026-12-01", "b", []ident.Date{"2026-11-28", "2026-11-29", "2026-11-30", "2026-12-01"}},
		{"a clock that was put back", "2026-11-29", "c", nil},
		{"and right again", "2026-12-02", "d", []ident.Date{"2026-12-02"}},
	} {
		if err := closed(ident.Date(c.through), c.note); err != nil {
			t.Fatalf("%s: %v", c.what, err)
		}
		for _, d := range c.rows {
			want[d] = c.note
		}
		check(c.what)
	}
	for what, through := range map[string]ident.Date{"before the log's first day": "2026-11-25", "eleven years on": "2037-12-02"} {
		if err := closed(through, "x"); !errors.Is(err, translog.ErrRange) {
			t.Errorf("%s: %v", what, err)
		}
		check(what)
	}
	if err := closed("2036-12-01", "e"); err != nil {
		t.Fatal("almost ten years on:", err)
	}
}

// TestDaysFail: a store that fails while days are closed is told of.
func TestDaysFail(t *testing.T) {
	l := newLog(t)
	r := l.reader(t)
	key := binary.BigEndian.AppendUint32(nil, ident.Date("2026-11-26").Days())
	if err := l.Commit(context.Background(), store.Changes{{Room: translog.Days, Key: key, Value: []byte("a")}}); err != nil {
		t.Fatal(err)
	}
	r.Close()
	if err := translog.CloseDays(store.NewOverlay(r), "2026-11-27", []byte("b")); !errors.Is(err, store.ErrClosed) {
		t.Error("a closed snapshot:", err)
	}
}
