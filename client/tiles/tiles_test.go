package tiles_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"sigill/client/tiles"
	"sigill/keys/ident"
	"sigill/keys/proof"
	"sigill/scripts/openlog"
	"sigill/server/web"
)

// site is a log given out, with whoever stands between it and its readers.
type site struct {
	*openlog.Log
	*httptest.Server
	t      *testing.T
	path   string                                // what somebody changes
	change func(w http.ResponseWriter, b []byte) // nil: nobody
	asked  int
}

func newSite(t *testing.T) *site { t.Helper(); return serve(t, openlog.New(t)) }

func serve(t *testing.T, l *openlog.Log) *site {
	t.Helper()
	s := &site{Log: l, t: t}
	h := web.Handler(s.Log)
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.asked++
		if r.UserAgent() != "" || len(r.Cookies()) > 0 {
			t.Error("the reader says who it is:", r.Header)
		}
		if s.change == nil || r.Method != http.MethodGet || r.URL.Path != "/"+s.path {
			h.ServeHTTP(w, r)
			return
		}
		whole := httptest.NewRecorder()
		h.ServeHTTP(whole, r)
		s.change(w, whole.Body.Bytes())
	}))
	t.Cleanup(s.Close)
	return s
}

func open(t *testing.T, from string, policy proof.Policy) *tiles.Log {
	t.Helper()
	l, err := tiles.Open(from, policy, nil)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func newest(t *testing.T, l *tiles.Log) *tiles.View {
	t.Helper()
	h, err := l.Checkpoint(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return l.At(t.Context(), h)
}

func (s *site) view() *tiles.View { s.t.Helper(); return newest(s.t, open(s.t, s.URL, s.Policy)) }

func same(a, b []proof.Entry) bool { return fmt.Sprint(a) == fmt.Sprint(b) }

func mirror(t *testing.T, from *site, dir string) (tiles.Copied, error) {
	t.Helper()
	return open(t, from.URL, from.Policy).Mirror(t.Context(), dir, ident.DateOf(time.Now()))
}

// files are all files under a directory.
func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		out[name] = string(b)
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return out
}

func ask(t *testing.T, s *site, path string) []byte {
	t.Helper()
	whole := httptest.NewRecorder()
	web.Handler(s.Log).ServeHTTP(whole, httptest.NewRequest(http.MethodGet, "/"+path, nil))
	if whole.Code != http.StatusOK {
		t.Fatal(path, whole.Code)
	}
	return whole.Body.Bytes()
}

// TestRead: entries are those that were logged, through every size of the right edge,
// also under an earlier checkpoint than the newest.
func TestRead(t *testing.T) {
	s := newSite(t)
	var older []*tiles.View
	for _, size := range []int{0, 1, 255, 256, 257, 600, 1000} {
		s.Grow(size)
		v := s.view()
		if v.Size != uint64(size) || v.Witnessed || !bytes.Equal(v.Note, s.PublishedCheckpoint()) {
			t.Fatalf("%d: %v", size, v.Head)
		}
		for _, at := range [][2]int{{0, size}, {size / 3, size}, {size / 3, size / 2}, {size, size}} {
			got, err := v.Entries(uint64(at[0]), uint64(at[1]))
			if err != nil || !same(got, s.Logged[at[0]:at[1]]) {
				t.Fatalf("%d: entries %v: %d, %v", size, at, len(got), err)
			}
		}
		for _, at := range [][2]uint64{{1, 0}, {0, uint64(size) + 1}} {
			if got, err := v.Entries(at[0], at[1]); !errors.Is(err, tiles.ErrAbsent) || got != nil {
				t.Errorf("%d: entries %v: %v", size, at, err)
			}
		}
		for _, o := range older {
			if err := v.Extends(o.Checkpoint); err != nil {
				t.Errorf("%d extends %d: %v", size, o.Size, err)
			}
			if err := o.Extends(v.Checkpoint); !errors.Is(err, proof.ErrInconsistent) {
				t.Errorf("%d extends %d: %v", o.Size, size, err)
			}
			fork := o.Checkpoint
			fork.Root[0] ^= 1
			if err := v.Extends(fork); !errors.Is(err, proof.ErrInconsistent) {
				t.Errorf("%d extends a fork at %d: %v", size, o.Size, err)
			}
			if got, err := o.Entries(0, o.Size); err != nil || !same(got, s.Logged[:o.Size]) {
				t.Errorf("%d under the log at %d: %v", o.Size, size, err)
			}
		}
		older = append(older, v)
	}
	before := s.asked
	if _, err := s.view().Entries(0, 1000); err != nil || s.asked-before != 1+4+4+1 { // the checkpoint, bundles and tiles, and the tile over them
		t.Errorf("asked %d times: %v", s.asked-before, err)
	}
	s.change = func(w http.ResponseWriter, _ []byte) { w.WriteHeader(404) }
	for _, s.path = range []string{"tile/entries/002.p/88", "tile/0/002.p/88"} {
		v := open(t, s.URL, s.Policy).At(t.Context(), older[5].Head)
		if got, err := v.Entries(0, 600); err != nil || !same(got, s.Logged[:600]) {
			t.Errorf("a log that keeps %s as part of the whole alone: %v", s.path, err)
		}
	}
}

// TestProve: the log proves what it was at each size to whoever has its checkpoints, and
// its frontier and the entries after it are the log.
func TestProve(t *testing.T) {
	s := newSite(t)
	for _, size := range []int{1, 255, 256, 257, 300, 513, 600} {
		s.Grow(size)
		v := s.view()
		for older := 1; older <= size; older += 1 + size/7 {
			root, hashes, err := v.Prove(uint64(older))
			if err != nil {
				t.Fatal(err)
			}
			was := proof.Checkpoint{Origin: v.Origin, Size: uint64(older), Root: root}
			if err := proof.CheckConsistency(was, v.Checkpoint, hashes); err != nil || v.Extends(was) != nil {
				t.Errorf("from %d to %d: %v", older, size, err)
			}
			frontier, err := v.Frontier(uint64(older))
			if err != nil {
				t.Fatal(err)
			}
			var peaks []tlog.Hash
			for _, h := range frontier {
				peaks = append(peaks, tlog.Hash(h))
			}
			if proof.Root(peaks) != root {
				t.Errorf("the frontier at %d of %d", older, size)
			}
			err = v.Each(uint64(older), v.Size, func(index uint64, entry []byte) error {
				peaks = proof.AppendLeaf(peaks, index, tlog.RecordHash(entry))
				return nil
			})
			if err != nil || proof.Root(peaks) != v.Root {
				t.Errorf("the entries from %d to %d: %v", older, size, err)
			}
		}
	}
	v := s.view()
	if f, err := v.Frontier(0); err != nil || f != nil {
		t.Error("before the first entry:", f, err)
	}
	for _, size := range []uint64{0, 601} {
		if _, _, err := v.Prove(size); !errors.Is(err, tiles.ErrAbsent) {
			t.Errorf("from %d: %v", size, err)
		}
	}
	if _, err := v.Frontier(601); !errors.Is(err, tiles.ErrAbsent) {
		t.Error(err)
	}
}

// TestNoEntry: what the log signed and is no entry is read by who asks for bytes alone.
func TestNoEntry(t *testing.T) {
	s, dir := newSite(t), t.TempDir()
	s.Grow(300)
	var all [][]byte
	for _, e := range s.Logged {
		all = append(all, e.Marshal())
	}
	all[3][2] = 99
	s.Write(dir, all...)
	v := newest(t, open(t, dir, s.Policy))
	n, wrong := 0, []uint64(nil)
	err := v.Each(1, 300, func(index uint64, entry []byte) error {
		n++
		if _, err := proof.ParseEntry(entry); errors.Is(err, proof.ErrKind) && bytes.Equal(entry, all[index]) {
			wrong = append(wrong, index)
		}
		return nil
	})
	if err != nil || n != 299 || fmt.Sprint(wrong) != "[3]" {
		t.Errorf("%d entries, %v, %v", n, wrong, err)
	}
	if got, err := v.Entries(0, 6); !errors.Is(err, tiles.ErrDamaged) || got != nil {
		t.Error("entries:", err)
	}
	if c, err := open(t, dir, s.Policy).Mirror(t.Context(), t.TempDir(), ident.DateOf(time.Now())); !errors.Is(err, tiles.ErrDamaged) || c.Note != nil {
		t.Error("mirrored:", err)
	}
	if got, err := v.Entries(4, 300); err != nil || len(got) != 296 {
		t.Error("the entries after it:", err)
	}
	enough := errors.New("enough")
	if err := v.Each(0, 6, func(uint64, []byte) error { return enough }); err != enough {
		t.Error(err)
	}
}

// TestL03_reader: whatever is cut, changed, missing, too large, sent elsewhere or not
// sent is an error and no entry; nothing of it reaches a mirror, which is as before.
func TestL03_reader(t *testing.T) {
	s := newSite(t)
	day := ident.DateOf(time.Now()).AddDays(-1)
	s.End(day.AddDays(-1))
	s.Grow(600)
	s.End(day)
	flip := func(w http.ResponseWriter, b []byte) { b[len(b)/2+30] ^= 1; _, _ = w.Write(b) } // in a hash, and in an entry's digest
	cut := func(w http.ResponseWriter, b []byte) { _, _ = w.Write(b[:len(b)-1]) }
	more := func(w http.ResponseWriter, b []byte) { _, _ = w.Write(append(b, 0)) }
	gone := func(w http.ResponseWriter, _ []byte) { w.WriteHeader(404) }
	half := func(w http.ResponseWriter, b []byte) {
		w.Header().Set("Content-Length", fmt.Sprint(len(b)))
		_, _ = w.Write(b[:len(b)/2])
	}
	away := func(w http.ResponseWriter, _ []byte) { w.Header().Set("Location", "/checkpoint"); w.WriteHeader(302) }
	fails := func(w http.ResponseWriter, _ []byte) { w.WriteHeader(503) }
	ways := map[string]func(http.ResponseWriter, []byte){"flip": flip, "cut": cut, "more": more, "gone": gone, "half": half, "away": away, "fails": fails}
	want := func(path, way string) error {
		switch {
		case way == "half" || way == "away" || way == "fails":
			return tiles.ErrUnreachable
		case way == "gone" && (path == "checkpoint" || path[:3] == "day"):
			return tiles.ErrAbsent
		case path == "checkpoint", path[:3] == "day" && way != "flip":
			return proof.ErrCheckpoint // with which a day ends
		}
		return tiles.ErrDamaged
	}
	l := open(t, s.URL, s.Policy)
	all := func() error {
		h, err := l.Checkpoint(t.Context())
		if err != nil {
			return err
		}
		got, err := l.At(t.Context(), h).Entries(0, h.Size)
		if err != nil {
			if got != nil {
				t.Error("entries came with the error")
			}
			return err
		}
		d, _, _, err := l.Day(t.Context(), day)
		if err != nil && d.Entries != nil {
			t.Error("a day came with the error")
		}
		return err
	}
	if err := all(); err != nil {
		t.Fatal("undamaged:", err)
	}
	dir := filepath.Join(t.TempDir(), "mirror")
	for _, path := range []string{"checkpoint", "tile/0/000", "tile/0/002.p/88", "tile/1/000.p/2", "tile/entries/001", "tile/entries/002.p/88", "day/" + string(day)} {
		for way, change := range ways {
			s.path, s.change = path, change
			if err := all(); !errors.Is(err, want(path, way)) {
				t.Errorf("%s, %s: %v", path, way, err)
			}
			c, err := mirror(t, s, dir)
			if err == nil || c.Note != nil {
				t.Errorf("%s, %s: mirrored, %v", path, way, err)
			}
			if _, there := files(t, dir)["checkpoint"]; there {
				t.Fatalf("%s, %s: the mirror has a checkpoint", path, way)
			}
		}
	}
	s.change = nil
	if c, err := mirror(t, s, dir); err != nil || c.Entries != 600 || c.Days != 1 {
		t.Fatal("undamaged at last:", c, err)
	}
	v := newest(t, open(t, dir, s.Policy))
	if got, err := v.Entries(0, 600); err != nil || !same(got, s.Logged) {
		t.Error("what was written meanwhile:", err)
	}
}

// TestMirror: a mirror is a source like the log itself, at every size; it grows, goes
// on where it was interrupted, asks for nothing twice, and keeps nothing that is over.
func TestMirror(t *testing.T) {
	s, dir := newSite(t), filepath.Join(t.TempDir(), "a", "mirror")
	today, have := ident.DateOf(time.Now()), uint64(0)
	s.End(today.AddDays(-6))
	for i, size := range []int{0, 1, 255, 256, 257, 600, 600, 1_100} {
		s.Grow(size)
		if i > 2 {
			s.End(today.AddDays(i - 8))
		}
		c, err := mirror(t, s, dir)
		if err != nil || c.Size != uint64(size) || c.Entries != uint64(size)-have || (c.Days != 0) != (i > 2) {
			t.Fatalf("%d: %v %v", size, c, err)
		}
		have = c.Size
		l := open(t, dir, s.Policy)
		v := newest(t, l)
		if got, err := v.Entries(0, v.Size); err != nil || !same(got, s.Logged) {
			t.Fatalf("%d: %v", size, err)
		}
		again := filepath.Join(t.TempDir(), "again")
		if _, err := l.Mirror(t.Context(), again, today); err != nil || !maps.Equal(files(t, again), files(t, dir)) {
			t.Fatalf("%d: a mirror of the mirror, and the mirror: %d and %d files, %v", size, len(files(t, again)), len(files(t, dir)), err)
		}
		before := s.asked
		if c, err := mirror(t, s, dir); err != nil || c.Entries != 0 || c.Days != 0 || s.asked-before > 45 {
			t.Errorf("%d: a second time: %v, asked %d times, %v", size, c, s.asked-before, err)
		}
	}
	for d := -5; d < 0; d++ {
		if _, _, _, err := open(t, dir, s.Policy).Day(t.Context(), today.AddDays(d)); err != nil {
			t.Errorf("day %d: %v", d, err)
		}
	}
}

// TestMirrorResumes: what is there already is not asked for again.
func TestMirrorResumes(t *testing.T) {
	s, dir := newSite(t), t.TempDir()
	s.Grow(3000)
	fails := func(w http.ResponseWriter, _ []byte) { w.WriteHeader(503) }
	s.path, s.change = "tile/entries/007", fails
	if c, err := mirror(t, s, dir); !errors.Is(err, tiles.ErrUnreachable) || c.Note != nil {
		t.Fatal("interrupted:", c, err)
	}
	if n := len(files(t, dir)); n < 14 {
		t.Fatalf("%d files before the interruption", n)
	}
	s.path = "tile/entries/003"
	if c, err := mirror(t, s, dir); err != nil || c.Entries != 3000 {
		t.Fatal("again:", c, err)
	}
}

// TestMirrorRefuses: another history than the mirror's, an older one, another log and a
// mirror that is damaged leave it as it is.
func TestMirrorRefuses(t *testing.T) {
	s, dir := newSite(t), t.TempDir()
	day := ident.DateOf(time.Now()).AddDays(-1)
	s.Grow(300)
	if _, err := mirror(t, s, dir); err != nil {
		t.Fatal(err)
	}
	older := filepath.Join(t.TempDir(), "older")
	if _, err := mirror(t, s, older); err != nil {
		t.Fatal(err)
	}
	s.Grow(400)
	if _, err := mirror(t, s, dir); err != nil {
		t.Fatal(err)
	}
	other, fork := newSite(t), serve(t, s.Fork())
	other.Grow(500)
	fork.End(day.AddDays(-1))
	fork.Grow(500)
	fork.End(day)
	before := files(t, dir)
	for name, c := range map[string]struct {
		from   string
		policy proof.Policy
		want   error
	}{
		"an older one":           {older, s.Policy, proof.ErrInconsistent},
		"another history":        {fork.URL, s.Policy, proof.ErrInconsistent},
		"another log":            {other.URL, s.Policy, proof.ErrCheckpoint},
		"another log's mirror":   {other.URL, other.Policy, proof.ErrCheckpoint},
		"nothing":                {filepath.Join(t.TempDir(), "none"), s.Policy, tiles.ErrAbsent},
		"nobody":                 {"http://127.0.0.1:1", s.Policy, tiles.ErrUnreachable},
		"a log that is no other": {s.URL + "/elsewhere", s.Policy, tiles.ErrAbsent},
	} {
		got, err := open(t, c.from, c.policy).Mirror(t.Context(), dir, ident.DateOf(time.Now()))
		if !errors.Is(err, c.want) || got.Note != nil {
			t.Errorf("%s: %v %v", name, got, err)
		}
		if !maps.Equal(files(t, dir), before) {
			t.Fatalf("%s: the mirror has changed", name)
		}
	}
	theirs := ask(t, fork, "day/"+string(day))
	s.End(day.AddDays(-1))
	s.Grow(500)
	s.End(day)
	s.path, s.change = "day/"+string(day), func(w http.ResponseWriter, _ []byte) { _, _ = w.Write(theirs) }
	if c, err := mirror(t, s, dir); !errors.Is(err, proof.ErrInconsistent) || c.Note != nil || files(t, dir)["checkpoint"] != before["checkpoint"] {
		t.Error("a day of another history, which the log signed:", c, err)
	}
	if err := os.WriteFile(filepath.Join(dir, "tile", "0", "000"), make([]byte, 8192), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := newest(t, open(t, dir, s.Policy)).Entries(0, 400); !errors.Is(err, tiles.ErrDamaged) {
		t.Error("a damaged mirror:", err)
	}
}

func TestOpen(t *testing.T) {
	s := newSite(t)
	for _, from := range []string{"", "ftp://log.example", "http://", "https:///x", "http://u@log.example", "http://log.example?x", "http://log.example#x", "log.example://x"} {
		if l, err := tiles.Open(from, s.Policy, nil); !errors.Is(err, tiles.ErrSource) || l != nil {
			t.Errorf("%q: %v", from, err)
		}
	}
}
