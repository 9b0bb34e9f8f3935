package server_test

import (
	"bytes"
	"context"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"go.etcd.io/bbolt"

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
		s.CheckAfterStart(ctx)
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
