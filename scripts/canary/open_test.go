package canary_test

import (
	"io/fs"
	"net/http"
	"net/http/httputil"
	"path/filepath"
	"testing"
	"time"

	"sigill/client/tiles"
	"sigill/keys/ident"
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
	return map[string][]byte{"the log in the open": all}
}
