package canary_test

import (
	"encoding/json"
	"io/fs"
	"net/http"
	"net/http/httputil"
	"os"
	"path/filepath"
	"testing"
	"time"

	"sigill/client/monitor"
	"sigill/client/tiles"
	"sigill/keys/ident"
	"sigill/keys/keyfile"
	"sigill/keys/proof"
	"sigill/scripts/authority"
)

// given is all that the log in the open says to anyone, with its headers: every tile,
// every bundle, the checkpoint, every day, and an answer of no.
func given(t *testing.T, run *authority.Running) map[string][]byte {
	t.Helper()
	l, err := tiles.Open(run.Log, run.Trust.Policy, run.Roots)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if _, err := l.Mirror(t.Context(), dir, ident.DateOf(time.Now())); err != nil {
		t.Fatal(err)
	}
	paths := []string{"no/such/path"}
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			path, err = filepath.Rel(dir, path)
			paths = append(paths, filepath.ToSlash(path))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	var all []byte
	for _, path := range paths {
		res, err := http.Get(run.Log + "/" + path)
		if err != nil {
			t.Fatal(err)
		}
		b, err := httputil.DumpResponse(res, true)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		all = append(all, b...)
	}
	return map[string][]byte{"the log in the open": all, "what a monitor keeps and says": followed(t, run)}
}

// followed is all that somebody who follows the log writes and prints, with the evidence
// of a fork: one that is made here, under the log's key.
func followed(t *testing.T, run *authority.Running) (all []byte) {
	t.Helper()
	dir := t.TempDir()
	key, err := keyfile.Load(filepath.Join(run.Dir, "keys", "log.age"), authority.Passphrase)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := key.Crypto()
	if err != nil {
		t.Fatal(err)
	}
	log, err := proof.NewLogSigner(authority.Number, signer)
	if err != nil {
		t.Fatal(err)
	}
	note, err := log.Checkpoint(3, ident.Sum("another history"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "note"), note, 0o600); err != nil {
		t.Fatal(err)
	}
	m, err := monitor.Open(monitor.Config{Source: run.Log, Roots: run.Roots, Trust: run.Trust, State: filepath.Join(dir, "state"), Compare: []string{filepath.Join(dir, "note")}})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	l, err := m.Look(t.Context(), time.Now())
	if err != nil || len(l.Findings) != 1 || l.Findings[0].Evidence == "" || l.Entries["decision"] == 0 {
		t.Fatalf("%v, %+v", err, l)
	}
	if all, err = json.Marshal(l); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"state", l.Findings[0].Evidence} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, b...)
	}
	return all
}
