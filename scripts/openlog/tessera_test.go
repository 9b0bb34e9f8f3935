package openlog_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"sigill/client/tiles"
	"sigill/keys/ident"
	"sigill/keys/proof"
	"sigill/scripts/openlog"
	"sigill/server/web"
)

// tool builds scripts/tessera/fsck, which is of another module.
func tool(t *testing.T) string {
	t.Helper()
	for _, f := range []string{"fsck/main.go", "go.mod", "go.sum"} { // so that a change there runs the tests again
		if _, err := os.ReadFile(filepath.Join("..", "tessera", f)); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(t.TempDir(), "tessera")
	if out, err := exec.Command("go", "build", "-C", "../tessera", "-o", path, "./fsck").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return path
}

// read has Tessera read a log, and returns what it says, and whether it found nothing.
func read(t *testing.T, tool, source string, key proof.LogKey) (said string, ok bool) {
	t.Helper()
	out, err := exec.Command(tool, source, key.String()).Output()
	exit := (*exec.ExitError)(nil)
	switch {
	case err == nil:
		return string(out), true
	case !errors.As(err, &exit) || exit.ExitCode() != 1 || len(out) > 0:
		t.Fatalf("%v, and it says %q", err, out)
	}
	return string(exit.Stderr), false
}

// says is what Tessera prints of a log that it finds whole.
func says(t *testing.T, l *openlog.Log, size int) string {
	t.Helper()
	cp, err := proof.OpenCheckpoint(l.PublishedCheckpoint(), l.Policy)
	if err != nil || cp.Size != uint64(size) {
		t.Fatal(cp, err)
	}
	h := sha256.New()
	for _, e := range l.Logged[:size] {
		h.Write(e.Marshal())
	}
	return fmt.Sprintf("size %d\nroot %x\nentries %x\n", size, cp.Root[:], h.Sum(nil))
}

// TestL12_sizes: Tessera's fsck finds nothing at the sizes where tiles fill, its
// client reads what was logged, and its proofs hold; of a mirror that grows as well.
func TestL12_sizes(t *testing.T) {
	tool, l, dir := tool(t), openlog.New(t), t.TempDir()
	s := httptest.NewServer(web.Handler(l))
	defer s.Close()
	for _, size := range []int{0, 1, 255, 256, 257, 65_535, 65_536, 65_537} {
		l.Grow(size)
		if said, ok := read(t, tool, s.URL+"/", l.Key); !ok || said != says(t, l, size) {
			t.Errorf("%d: %s", size, said)
		}
		if size%256 == 0 {
			continue
		}
		mirror, err := tiles.Open(s.URL, l.Policy, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := mirror.Mirror(t.Context(), dir, ident.DateOf(time.Now())); err != nil {
			t.Fatal(err)
		}
		if said, ok := read(t, tool, dir, l.Key); !ok || said != says(t, l, size) {
			t.Errorf("a mirror at %d: %s", size, said)
		}
	}
}

// TestL03_damage: a tile that is cut, an entry that is changed, a bundle that is
// missing: Tessera's fsck finds each.
func TestL03_damage(t *testing.T) {
	tool, l := tool(t), openlog.New(t)
	l.Grow(600)
	flip := func(b []byte) []byte { b[len(b)/2+30] ^= 1; return b } // in a hash, and in an entry's digest
	for name, c := range map[string]struct {
		path   string
		damage func(b []byte) []byte // nil: missing
	}{
		"nothing":              {"", nil},
		"a tile cut":           {"/tile/0/001", func(b []byte) []byte { return b[:len(b)-32] }},
		"half a hash cut":      {"/tile/0/001", func(b []byte) []byte { return b[:len(b)-16] }},
		"a hash changed":       {"/tile/0/000", flip},
		"a hash above changed": {"/tile/1/000.p/2", flip},
		"a tile missing":       {"/tile/0/000", nil},
		"an entry changed":     {"/tile/entries/001", flip},
		"the last changed":     {"/tile/entries/002.p/88", flip},
		"a bundle cut":         {"/tile/entries/001", func(b []byte) []byte { return b[:len(b)-53] }},
		"a bundle missing":     {"/tile/entries/000", nil},
		"another checkpoint":   {"/checkpoint", flip},
	} {
		h := web.Handler(l)
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != c.path {
				h.ServeHTTP(w, r)
				return
			}
			if c.damage == nil {
				http.NotFound(w, r)
				return
			}
			whole := httptest.NewRecorder()
			h.ServeHTTP(whole, r)
			_, _ = w.Write(c.damage(whole.Body.Bytes()))
		}))
		if said, ok := read(t, tool, s.URL+"/", l.Key); ok != (name == "nothing") {
			t.Errorf("%s: %s", name, said)
		}
		s.Close()
	}
}
