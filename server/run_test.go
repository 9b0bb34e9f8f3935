package server_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sigill/keys/keyfile"
	"sigill/scripts/authority"
	"sigill/server"
	"sigill/server/store"
)

func made(t *testing.T, o authority.Options) (*authority.Authority, server.Config) {
	t.Helper()
	a, err := authority.Make(t.Context(), t.TempDir(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	c, err := server.ReadConfig(filepath.Join(a.Dir, authority.ConfigFile))
	if err != nil {
		t.Fatal(err)
	}
	return a, c
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func starts(t *testing.T, c server.Config) error {
	t.Helper()
	s, err := server.New(t.Context(), c, quiet())
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return s.Run(ctx)
}

func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		out[path] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestL13_initOnce: a store is made once; the second time nothing is touched, nor where
// only the last checkpoint of a log is left. A new log under an old log's key, wherever
// it was made, is not served: its witnesses know a longer one.
func TestL13_initOnce(t *testing.T) {
	_, c := made(t, authority.Options{})
	before := tree(t, c.Data)
	if err := server.Init(t.Context(), c); !errors.Is(err, fs.ErrExist) {
		t.Fatal(err)
	}
	after := tree(t, c.Data)
	if len(after) != len(before) {
		t.Fatal("files appeared")
	}
	for path, b := range before {
		if after[path] != b {
			t.Error("changed: ", path)
		}
	}
	c.Data = filepath.Join(t.TempDir(), "none")
	if err := starts(t, c); !errors.Is(err, fs.ErrNotExist) {
		t.Error("a start without a store: ", err)
	}
	fine(t, os.Mkdir(c.Data, 0o700))
	fine(t, os.WriteFile(filepath.Join(c.Data, "checkpoint"), []byte("of a log\n"), 0o600))
	if err := server.Init(t.Context(), c); !errors.Is(err, fs.ErrExist) || len(tree(t, c.Data)) != 1 {
		t.Error("over the last checkpoint of a log: ", err)
	}

	w := newOutsider(t, "ivo.example")
	a, c := made(t, watchedBy(t, "quorum ivo.example", w))
	r, err := a.Start(context.WithoutCancel(t.Context()))
	fine(t, err)
	looks(t, r)
	until(t, func() bool { return w.seen() > 0 })
	fine(t, r.Stop())
	c.Data = filepath.Join(t.TempDir(), "new")
	fine(t, server.Init(t.Context(), c))
	if err := runs(t, c); !errors.Is(err, server.ErrOlder) {
		t.Error("a new log under the key of another: ", err)
	}
}

// runOnce starts a server, makes a call that leaves an entry, and stops it.
func runOnce(t *testing.T, a *authority.Authority) {
	t.Helper()
	r, err := a.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	looks(t, r)
	if err := r.Stop(); err != nil {
		t.Fatal(err)
	}
}

// looks makes a call that leaves an entry.
func looks(t *testing.T, r *authority.Running) {
	t.Helper()
	if s, err := r.Session("drift"); err != nil {
		t.Fatal(err)
	} else if _, err := s.Board().Status(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// TestOlderStore is L2: a store that was put back to an older copy, or that has
// another log under the same keys, does not start.
func TestOlderStore(t *testing.T) {
	a, c := made(t, authority.Options{})
	path := filepath.Join(c.Data, "store.db")
	older, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // and a restart goes on where the log stood
		runOnce(t, a)
	}
	newest, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, older, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := starts(t, c); !errors.Is(err, server.ErrOlder) || !errors.Is(err, store.ErrCorrupt) {
		t.Fatal("an older copy: ", err)
	}
	if err := os.WriteFile(path, newest, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := starts(t, c); err != nil {
		t.Fatal("the newest: ", err)
	}
	last := filepath.Join(c.Data, "checkpoint")
	note, err := os.ReadFile(last)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(last); err != nil {
		t.Fatal(err)
	}
	if err := server.Init(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	for range 2 { // as many entries, of another history
		runOnce(t, a)
	}
	if err := os.WriteFile(last, note, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := starts(t, c); !errors.Is(err, server.ErrOlder) {
		t.Fatal("another log under the same keys: ", err)
	}
	if err := os.WriteFile(path, newest, 0o600); err != nil {
		t.Fatal(err)
	}
	note[len(note)/2] ^= 1
	if err := os.WriteFile(last, note, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := starts(t, c); err == nil {
		t.Fatal("a changed checkpoint")
	}
}

// TestForeignKeys: keys, certificate and trust file must belong together, and be
// safe where they lie.
func TestForeignKeys(t *testing.T) {
	_, good := made(t, authority.Options{})
	_, other := made(t, authority.Options{})
	unsafe := filepath.Join(t.TempDir(), "passphrase")
	if err := os.WriteFile(unsafe, []byte(authority.Passphrase), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SIGILL_TEST_PASSPHRASE", "not this one")
	for name, c := range map[string]struct {
		change func(*server.Config)
		want   error
	}{
		"another institution":   {func(c *server.Config) { c.Keys.Institution = other.Keys.Institution }, server.ErrKeys},
		"another certificate":   {func(c *server.Config) { c.Certificates = other.Certificates }, server.ErrKeys},
		"another log":           {func(c *server.Config) { c.Keys.Log = other.Keys.Log }, server.ErrKeys},
		"another trust file":    {func(c *server.Config) { c.Trust = other.Trust }, server.ErrKeys},
		"a key of another use":  {func(c *server.Config) { c.Keys.Log = good.Keys.Institution }, server.ErrKeys},
		"another gate key":      {func(c *server.Config) { c.Keys.Gate = other.Keys.Gate }, nil},
		"an open passphrase":    {func(c *server.Config) { c.Keys.PassphraseFile = unsafe }, keyfile.ErrUnsafe},
		"the wrong passphrase":  {func(c *server.Config) { c.Keys.PassphraseFile, c.Keys.PassphraseEnv = "", "SIGILL_TEST_PASSPHRASE" }, keyfile.ErrCannotOpen},
		"no passphrase":         {func(c *server.Config) { c.Keys.PassphraseFile, c.Keys.PassphraseEnv = "", "SIGILL_NOT_SET" }, server.ErrConfig},
		"a port that is not":    {func(c *server.Config) { c.Listen = "127.0.0.1:65536" }, nil},
		"an issuer over http":   {func(c *server.Config) { c.Providers[0].JWKSURI = "http://idp.example/jwks" }, nil},
		"the same issuer twice": {func(c *server.Config) { c.Providers = append(c.Providers, c.Providers[0]) }, nil},
	} {
		changed := good
		changed.Providers = append([]server.Provider{}, good.Providers...)
		c.change(&changed)
		if err := starts(t, changed); err == nil || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := starts(t, good); err != nil {
		t.Fatal("after all that: ", err)
	}
}

// TestTwoServers is L8 and D9: a store has one server.
func TestTwoServers(t *testing.T) {
	r := start(t, authority.Options{})
	c, err := server.ReadConfig(filepath.Join(r.Dir, authority.ConfigFile))
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if err := starts(t, c); err == nil || time.Since(began) > 5*time.Second {
		t.Fatal(err)
	}
}

// TestLogLines: the log has the calls of officers by method, code and time, and
// nothing at all of a caseworker's.
func TestLogLines(t *testing.T) {
	a, err := authority.Make(t.Context(), t.TempDir(), authority.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	r, err := a.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Publish(t.Context()); err != nil {
		t.Fatal(err)
	}
	asa, err := r.Caseworker("asa")
	if err != nil {
		t.Fatal(err)
	}
	own, err := asa.Submit(t.Context(), text("SN 2026-0419"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := asa.Get(t.Context(), own); err != nil {
		t.Fatal(err)
	}
	director, err := r.Signer("direktor", r.Director)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := director.Inbox(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := r.Stop(); err != nil {
		t.Fatal(err)
	}
	log, err := os.ReadFile(filepath.Join(a.Dir, authority.LogFile))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(log, []byte(`"method":"/sigill.v1.SigningService/ListInbox","code":"OK"`)) {
		t.Errorf("the director's call is missing:\n%s", log)
	}
	me := asa.Me
	for _, never := range []string{"DraftingService", "GetBundle", me.Subject, me.Email, me.UserID, me.HSAID, me.Token, string(own.Decision)} {
		if strings.Contains(string(log), never) {
			t.Errorf("the log has %q", never)
		}
	}
	for _, line := range strings.Split(strings.TrimSpace(string(log)), "\n") {
		if !strings.HasPrefix(line, `{"time":`) {
			t.Errorf("a line that is none of ours: %q", line)
		}
	}
}

// TestAllowList: a field that nobody allowed does not reach the log, however it
// is handed over.
func TestAllowList(t *testing.T) {
	var out bytes.Buffer
	log := server.NewLog(&out)
	log.With("subject", "Öberghult").WithGroup("g").Info("call", "method", "m", "name", "Öberghult", slog.Group("g", "x", "Öberghult"))
	if s := out.String(); strings.Contains(s, "berghult") || !strings.Contains(s, `"method":"m"`) {
		t.Fatal(s)
	}
}
