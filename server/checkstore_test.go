package server_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.etcd.io/bbolt"

	"sigill/keys/ident"
	"sigill/scripts/authority"
	"sigill/server"
)

// isGreen wants nothing found in a stopped store.
func isGreen(t *testing.T, c server.Config) {
	t.Helper()
	found, err := server.CheckStore(t.Context(), c, func(string, uint64) {})
	fine(t, err)
	for _, f := range found.List {
		t.Errorf("check: %s", server.Text(f))
	}
}

// TestCheckDaily: a server that stands checks its store every day, so that what happens
// to its file is known to the day.
func TestCheckDaily(t *testing.T) {
	s := newStage(t, nil)
	synctest.Test(t, func(t *testing.T) {
		p := &play{t: t, ctx: t.Context(), stage: s}
		p.until(0, "06:00:00")
		p = newPlay(t, s, worlds[0], "")
		p.until(2, "07:00:00")
		p.must(p.stop())
		if n := strings.Count(p.log.String(), `"msg":"check green"`); n != 3 {
			t.Errorf("%d checks in two days:\n%s", n, p.log.String())
		}
		db, err := bbolt.Open(filepath.Join(s.config.Data, "store.db"), 0o600, nil)
		p.must(err)
		p.must(db.Update(func(tx *bbolt.Tx) error {
			b := tx.Bucket([]byte("account"))
			k, _ := b.Cursor().First()
			return b.Delete(k)
		}))
		p.must(db.Close())
		for _, clock := range []string{"12:30:00", "18:00:00"} {
			p.until(2, clock)
			found, err := server.CheckStore(t.Context(), s.config, func(string, uint64) {})
			p.must(err)
			if found.State != "findings" {
				t.Errorf("%+v", found)
			}
			utc := func(clock string) string {
				at, err := time.ParseInLocation("2006-01-02 15:04", string(ident.DateOf(s.dawn).AddDays(2))+" "+clock, ident.Stockholm())
				p.must(err)
				return at.UTC().Format("2006-01-02 15:04")
			}
			want := fmt.Sprintf("; happened between %s (log of %d entries) and %s UTC", utc("06:00"), found.Entries, utc("12:30"))
			for _, f := range found.List {
				if text := server.Text(f); !strings.HasSuffix(text, want) {
					t.Errorf("%s\nwant %s", text, want)
				}
			}
		}
	})
}

// TestCheckAfterStart: the server checks its store by itself. What it finds stands in its
// log, a line for each finding, and it is not ready; it goes on all the same. A green
// check is remembered.
func TestCheckAfterStart(t *testing.T) {
	r := published(t, authority.Options{})
	fine(t, r.Stop())
	a, c := r.Authority, configOf(t, r)
	look := func() (log, why string) {
		var b bytes.Buffer
		s, err := server.New(t.Context(), c, server.NewLog(&b))
		fine(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		s.CheckSlowly(ctx)
		why = strings.Join(s.Unready(), "\n")
		cancel()
		fine(t, s.Run(ctx))
		return b.String(), why
	}
	log, why := look()
	if !strings.Contains(log, `"msg":"check green"`) || strings.Contains(log, "ERROR") || strings.Contains(why, "check") {
		t.Errorf("of a store that nobody changed: %s\n%s", why, log)
	}
	db, err := bbolt.Open(filepath.Join(a.Dir, "data", "store.db"), 0o600, nil)
	fine(t, err)
	fine(t, db.Update(func(tx *bbolt.Tx) error {
		b := tx.Bucket([]byte("account"))
		k, _ := b.Cursor().First()
		return b.Delete(k)
	}))
	fine(t, db.Close())
	log, why = look()
	if strings.Count(log, `"msg":"check found"`) < 2 || !strings.Contains(log, "account: rows are gone") || strings.Contains(log, "check green") ||
		why != "check: the last run failed" {
		t.Errorf("of one that lacks a row: %s\n%s", why, log)
	}
	for line := range strings.Lines(log) {
		if !json.Valid([]byte(line)) {
			t.Errorf("not a line of the log: %s", line)
		}
	}
	found, err := server.CheckStore(t.Context(), c, func(string, uint64) {})
	fine(t, err)
	if found.LastGreen == nil || found.LastGreen.Entries == 0 || found.State != "findings" {
		t.Errorf("%+v", found)
	}
}
