package monitor_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sigill/client/monitor"
	"sigill/client/tiles"
	"sigill/client/witness"
	"sigill/keys/bundle"
	"sigill/keys/evidence"
	"sigill/keys/ident"
	"sigill/keys/keyfile"
	"sigill/keys/proof"
	"sigill/server/web"
)

// TestFollows: each entry is counted once, over restarts and at every size of the right
// edge, from the log or from a copy; where nothing is new nothing is written.
func TestFollows(t *testing.T) {
	p := newPost(t)
	p.log.End("2026-11-18")
	dir, have := filepath.Join(t.TempDir(), "copy"), 0
	for _, size := range []int{0, 1, 255, 256, 257, 600, 600, 1000} {
		if size == 257 {
			p.log.Put(number(26001))
		}
		p.log.Grow(size)
		l := p.says(fmt.Sprint(size), "fine", size)
		if l.New != uint64(size-have) || l.Witnessed || l.Cosigned != 0 {
			t.Errorf("%d: %s", size, text(l))
		}
		have = size
		before, err := os.Stat(p.state)
		if err != nil {
			t.Fatal(err)
		}
		if l := p.says("again", "fine", size); l.New != 0 {
			t.Errorf("again: %d are new", l.New)
		}
		if after, err := os.Stat(p.state); err != nil || !os.SameFile(before, after) {
			t.Errorf("%d: the state was written again: %v", size, err)
		}
	}
	p.log.End("2026-11-19")
	l := p.says("all", "fine", 1000)
	if text(l.Entries) != `{"decision":1,"event":999}` || l.Day != "2026-11-19" || *l.Number != (proof.Number{Number: 1, Year: 2026}) {
		t.Error(text(l))
	}
	log, err := tiles.Open(p.url, p.trust.Policy, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := log.Mirror(t.Context(), dir, "2026-11-20"); err != nil {
		t.Fatal(err)
	}
	p.url, p.state = dir, filepath.Join(t.TempDir(), "another.json")
	again := p.says("from a copy", "fine", 1000)
	l.New, again.New = 0, 0
	if text(l) != text(again) {
		t.Errorf("%s\n%s", text(l), text(again))
	}
	if got := p.files(); fmt.Sprint(got) != "[another.json]" {
		t.Errorf("files: %q", got)
	}
}

// TestHistories: another history is found at whatever size it is shown, is proven, is
// never followed, and is said at each look; the history that is known is followed on.
func TestHistories(t *testing.T) {
	for _, c := range []struct {
		name        string
		seen, grown int // entries that were seen, and that the other history then has
		common      int // of both
		found       string
		proven      bool
	}{
		{"of one size", 300, 300, 299, "fork 300", true},
		{"grown", 300, 700, 256, "fork 300", true},
		{"from the first entry on", 300, 301, 0, "fork 300", true},
		{"smaller", 300, 200, 200, "rollback 300", false},
		{"smaller and another", 300, 200, 100, "rollback 300", false},
		{"nothing", 300, 0, 0, "rollback 300", false},
	} {
		p := newPost(t)
		p.log.Grow(c.seen)
		p.says(c.name, "fine", c.seen)
		right, other := p.log, p.log.Branch(c.common)
		other.Grow(c.grown)
		p.log = other
		l := p.says(c.name, "found", c.seen, c.found)
		if l.New != 0 {
			t.Errorf("%s: %d entries of the other history are counted", c.name, l.New)
		}
		f := l.Findings[0]
		if c.proven {
			v := p.proves(f, evidence.Fork)
			if v.Before.Size != uint64(c.seen) || v.After.Size != uint64(c.grown) {
				t.Errorf("%s: proven is %+v", c.name, v)
			}
		} else {
			if f.Evidence != "" || len(f.Notes) != 2 || len(p.files()) != 1 {
				t.Errorf("%s: %s, files %q", c.name, text(f), p.files())
			}
			for i, size := range []int{c.seen, c.grown} {
				if cp, err := proof.OpenCheckpoint(f.Notes[i], p.trust.Policy); err != nil || cp.Size != uint64(size) {
					t.Errorf("%s: the note of %d: %v, %v", c.name, size, cp, err)
				}
			}
		}
		state := string(p.file("logg.json"))
		p.at = p.at.Add(time.Hour)
		p.says(c.name+", again", "found", c.seen, c.found)
		if string(p.file("logg.json")) != state {
			t.Errorf("%s: the state has changed", c.name)
		}
		right.Grow(c.seen + 10)
		p.log = right
		if l := p.says(c.name+", then the right one", "found", c.seen+10, c.found); l.New != 10 || l.Findings[0].Day != "2026-11-20" {
			t.Errorf("%s: %s", c.name, text(l))
		}
	}
}

// TestRollbackProven: where a quorum of witnesses saw the smaller log later, strangers
// can check that too.
func TestRollbackProven(t *testing.T) {
	p := newPost(t, watched()...)
	p.cosigned(p.at.Add(-2*time.Hour), 1, 2)
	p.log.Grow(200)
	p.says("at first", "fine", 200)
	p.log = p.log.Branch(150)
	p.cosigned(p.at.Add(-time.Hour), 2, 3)
	p.log.Grow(150)
	l := p.says("put back", "found", 200, "rollback 200")
	if v := p.proves(l.Findings[0], evidence.Rollback); !v.Witnessed || v.Before.Size != 200 || v.After.Size != 150 || !l.Witnessed {
		t.Errorf("%+v", v)
	}
}

// TestDays: the file of a day is held against the log, and one of another history is a
// fork.
func TestDays(t *testing.T) {
	p := newPost(t)
	p.log.End("2026-11-17")
	p.log.Grow(100)
	p.log.End("2026-11-18")
	if l := p.says("before it is there", "fine", 100); l.Day != "" {
		t.Error(l.Day)
	}
	other := p.log.Branch(40)
	other.End("2026-11-18")
	other.Grow(90)
	other.End("2026-11-19")
	day := httptest.NewRecorder()
	web.Handler(other).ServeHTTP(day, httptest.NewRequest("GET", "/day/2026-11-19", nil))
	right := web.Handler(p.log)
	p.shown = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/day/") {
			w.Write(day.Body.Bytes())
			return
		}
		right.ServeHTTP(w, r)
	})
	l := p.says("another history's", "found", 100, "fork 90")
	p.proves(l.Findings[0], evidence.Fork)
	if l.Day != "" {
		t.Error(l.Day)
	}
	p.shown = nil
	p.log.End("2026-11-19")
	if l := p.says("its own", "found", 100, "fork 90"); l.Day != "2026-11-19" {
		t.Error(l.Day)
	}
}

// TestL04_monitors: what others hold of the log is held against it: a checkpoint, a
// state, another place where it is given out, of either history.
func TestL04_monitors(t *testing.T) {
	p := newPost(t)
	p.log.Grow(300)
	other := follow(t, p.log.Branch(200))
	other.log.Grow(250)
	other.says("the other", "fine", 250)
	dir := t.TempDir()
	given := func(name string, b []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	early := given("early", p.log.PublishedCheckpoint())
	note := given("note", append(other.log.PublishedCheckpoint(), "— stranger.example AAAAAAAA\n"...))
	fork := other.log.PublishedCheckpoint()
	proved := given("proof", proof.Proof{Hashes: []ident.Digest{}, Checkpoint: fork}.Marshal())
	act, err := (&bundle.Act{Preimage: proof.NewPreimage(proof.Returned, ident.Digest{1}).Marshal(), Proof: bundle.SplitLines(string(proof.Proof{Checkpoint: fork}.Marshal())),
		Statement: "a.b.c", Tag: make([]byte, 16), Typ: bundle.TypAct}).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	seen := witnessed(t, p.log.Key, fork)
	p.log.Grow(310)
	same := follow(t, p.log)
	same.says("the same", "fine", 310)
	late := other.log.Branch(220)
	late.Grow(400)
	larger := given("larger", late.PublishedCheckpoint())
	for _, c := range []struct{ name, compare, state, found string }{
		{"an earlier one", early, "fine", ""},
		{"a state", same.state, "fine", ""},
		{"the log itself", same.url, "fine", ""},
		{"its checkpoint's address", same.url + "/checkpoint", "fine", ""},
		{"another history", note, "found", "fork 250"},
		{"a proof", proved, "found", "fork 250"},
		{"an act", given("act", act), "found", "fork 250"},
		{"a witness's memory", seen, "found", "fork 250"},
		{"another's state", other.state, "found", "fork 250"},
		{"another's log", other.url, "found", "fork 250"},
		{"a larger one", larger, "unknown", "ahead 400"},
	} {
		one := follow(t, p.log)
		one.compare = []string{c.compare}
		var want []string
		if c.found != "" {
			want = []string{c.found}
		}
		l := one.says(c.name, c.state, 310, want...)
		if c.state == "found" {
			one.proves(l.Findings[0], evidence.Fork)
			one.compare = []string{filepath.Join(filepath.Dir(one.state), l.Findings[0].Evidence)}
			if err := os.Rename(one.state, filepath.Join(dir, "state")); err != nil {
				t.Fatal(err)
			}
			one.says("the evidence", "found", 310, "fork 250")
		}
	}
	// The larger proves it, from where it is given out.
	one, far := follow(t, p.log), follow(t, late)
	one.compare = []string{far.url}
	l := one.says("a larger log", "found", 310, "fork 310")
	one.proves(l.Findings[0], evidence.Fork)
	late = p.log.Branch(310)
	late.Grow(500)
	one, far = follow(t, p.log), follow(t, late)
	one.compare = []string{far.url, early}
	one.says("a larger log of the same history", "fine", 310)
}

// witnessed is the memory of a witness that has seen a checkpoint.
func witnessed(t *testing.T, key proof.LogKey, note []byte) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "vittne")
	pass := func() (string, error) { return "rätt häst batteri", nil }
	if _, err := witness.Create(dir, "vittne.example", "rätt häst batteri", keyfile.Options{WorkFactor: 1}); err != nil {
		t.Fatal(err)
	}
	w, err := witness.Open(dir, []string{key.String()}, pass, func(witness.Notice) {})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	answer := httptest.NewRecorder()
	w.ServeHTTP(answer, httptest.NewRequest("POST", "/add-checkpoint", bytes.NewReader(proof.Submission{Checkpoint: note}.Marshal())))
	if answer.Code != http.StatusOK {
		t.Fatal(answer.Code, answer.Body)
	}
	return filepath.Join(dir, "state.json")
}

// TestCompareRefuses: what holds no checkpoint of this log is refused before it counts
// for anything, and a source that is silent is said to be.
func TestCompareRefuses(t *testing.T) {
	p, other := newPost(t), newPost(t)
	p.log.Grow(3)
	other.log.Grow(3)
	dir := t.TempDir()
	for name, b := range map[string][]byte{"empty": nil, "text": []byte("hej\n"), "another log's": other.log.PublishedCheckpoint()} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		p.compare = []string{path}
		m, err := p.open()
		if err != nil {
			t.Fatal(err)
		}
		if l, err := m.Look(t.Context(), p.at); err == nil || l.Typ != "" {
			t.Errorf("%s: %v", name, text(l))
		}
		m.Close()
	}
	p.compare = []string{filepath.Join(dir, "nothing")}
	if _, err := p.open(); !errors.Is(err, monitor.ErrCompare) || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file there: %v", err)
	}
	p.compare = []string{t.TempDir()}
	p.says("no log there", "unknown", 3, "unreachable 0")
	p.compare = []string{other.url}
	p.says("another log", "found", 3, "signature 0")
	for _, no := range []string{"ftp://log.example", "http://127.0.0.1:80.", "http://[::1"} {
		p.compare = []string{no}
		if _, err := p.open(); !errors.Is(err, tiles.ErrSource) {
			t.Errorf("%s is no address: %v", no, err)
		}
	}
}

// TestSchema: what a look says in JSON is what SPEC says, and no more.
func TestSchema(t *testing.T) {
	p := newPost(t, watched()...)
	p.cosigned(p.at.Add(-time.Minute), 1, 2)
	p.log.Put(number(26001), of(proof.Event))
	p.log.Grow(2)
	l := p.look()
	root, err := json.Marshal(l.Log.Root)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"authority":"212000-0449","checkpoint":{"root":` + string(root) + `,"size":2},"cosigned":1795172340,"entries":{"decision":1,"event":1},"findings":[],` +
		`"new_entries":2,"number":{"number":1,"year":2026},"state":"fine","time":1795172400,"typ":"sigill-monitor-look","witnessed":true}`
	if text(l) != want {
		t.Errorf("%s\n%s", text(l), want)
	}
}
