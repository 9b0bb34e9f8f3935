package monitor_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sigill/client/monitor"
	"sigill/client/tiles"
	"sigill/keys/ident"
	"sigill/keys/proof"
	"sigill/keys/vectors"
	"sigill/server/web"
)

// TestCadence: what witnesses have not seen for long stands still; what they have not
// seen yet is pending, for as long; a time that has not come says nothing.
func TestCadence(t *testing.T) {
	p := newPost(t, watched()...)
	limit := monitor.DefaultStall
	p.cosigned(p.at, 1)
	p.log.Grow(3)
	begun := p.at
	l := p.says("too few", "pending", 3)
	if l.Witnessed || l.Cosigned != p.at.Unix() {
		t.Error(text(l))
	}
	p.at = begun.Add(limit)
	p.says("too few, still", "pending", 3)
	p.at = begun.Add(limit + time.Second)
	p.says("too few, for too long", "found", 3, fmt.Sprint("stall ", begun.Unix()))

	p.cosigned(begun.Add(limit), 1, 3)
	p.log.Grow(4)
	if l := p.says("enough", "fine", 4); !l.Witnessed {
		t.Error(text(l))
	}
	p.at = begun.Add(2 * limit)
	p.says("not for long", "fine", 4)
	p.at = begun.Add(2*limit + time.Second)
	p.says("for too long", "found", 4, fmt.Sprint("stall ", begun.Add(limit).Unix()))
	p.cosigned(p.at.Add(-time.Second), 1, 2)
	p.log.Grow(4)
	p.says("cosigned again, though nothing is new", "fine", 4)

	p.cosigned(p.at.Add(time.Minute), 2, 3)
	p.log.Grow(5)
	p.says("clocks that are ahead", "fine", 5)
	p.cosigned(p.at.Add(time.Minute+time.Second), 2, 3)
	p.log.Grow(6)
	if l := p.says("a time that has not come", "pending", 6); l.Witnessed || l.Cosigned != 0 {
		t.Error(text(l))
	}

	alone := newPost(t)
	alone.log.Grow(3)
	alone.says("nobody watches", "fine", 3)
	alone.at = alone.at.AddDate(1, 0, 0)
	alone.says("a year later", "fine", 3)
}

// TestUnreadable: a log that is away, or gives out something else than it signed, is
// said to, and nothing of it is counted, kept or remembered; then it goes on.
func TestUnreadable(t *testing.T) {
	p := newPost(t)
	p.says("an empty log", "fine", 0)
	p.log.Grow(300)
	p.says("at first", "fine", 300)
	p.log.Grow(600)
	other := newPost(t)
	other.log.Grow(700)
	before := string(p.file("logg.json"))
	whole := web.Handler(p.log)
	change := func(path string, how func(w http.ResponseWriter, b []byte)) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			rec := httptest.NewRecorder()
			if whole.ServeHTTP(rec, r); r.URL.Path != path {
				w.WriteHeader(rec.Code)
				w.Write(rec.Body.Bytes())
				return
			}
			how(w, rec.Body.Bytes())
		}
	}
	flip := func(w http.ResponseWriter, b []byte) { b[len(b)/2] ^= 1; w.Write(b) }
	fails := func(w http.ResponseWriter, _ []byte) { w.WriteHeader(503) }
	for name, c := range map[string]struct {
		shown http.Handler
		found string
		moves bool // the checkpoint continues what is known, and is remembered
	}{
		"away":              {http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) }), "unreachable 0", false},
		"no log there":      {http.NotFoundHandler(), "unreachable 0", false},
		"cut off":           {http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }), "unreachable 0", false},
		"a changed tile":    {change("/tile/1/000.p/2", flip), "damaged 0", false},
		"a changed entry":   {change("/tile/entries/002.p/88", flip), "damaged 0", true},
		"entries away":      {change("/tile/entries/002.p/88", fails), "unreachable 0", true},
		"a changed note":    {change("/checkpoint", flip), "signature 0", false},
		"another log":       {web.Handler(other.log), "signature 0", false},
		"a page for people": {http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "<html>") }), "signature 0", false},
	} {
		if err := os.WriteFile(p.state, []byte(before), 0o600); err != nil {
			t.Fatal(err)
		}
		p.shown = c.shown
		state, size := "found", 300
		if c.found == "unreachable 0" {
			state = "unknown"
		}
		if c.moves {
			size = 600
		}
		l := p.says(name, state, size, c.found)
		if got := string(p.file("logg.json")); (got != before) != c.moves || len(p.files()) != 1 {
			t.Errorf("%s: the state has changed: %v; files %q", name, got != before, p.files())
		}
		// Nothing is counted twice, whatever was read before it broke off.
		p.shown = nil
		after := p.says("then", "fine", 600)
		if l.Entries["event"]+after.New != 600 || after.Entries["event"] != 600 {
			t.Errorf("%s: %d and %d are %d", name, l.Entries["event"], after.New, after.Entries["event"])
		}
	}
}

// TestTrickle: a log that begins to answer and never ends holds a look for as long as one
// may take, and no longer; it is unreachable meanwhile, and then goes on.
func TestTrickle(t *testing.T) {
	p := newPost(t)
	p.log.Grow(300)
	p.says("at first", "fine", 300)
	p.log.Grow(301)
	whole := p.url
	for name, sent := range map[string]string{"silent": "", "a byte at a time": "2"} {
		slow := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if sent != "" {
				fmt.Fprint(w, sent)
				_ = http.NewResponseController(w).Flush()
			}
			<-r.Context().Done()
		}))
		p.within, p.url = 20*time.Millisecond, slow.URL
		p.says(name, "unknown", 300, "unreachable 0")
		slow.Close()
	}
	p.within, p.url = 0, whole
	p.says("then", "fine", 301)
}

// TestSucceeded: a change of trust that the log has and the trust file does not know of is
// said, whoever keeps the new file back, until a trust file that knows of it is used.
func TestSucceeded(t *testing.T) {
	p := newPost(t)
	change := func(name string) proof.Entry {
		return proof.Entry{Kind: proof.KeyChange, Digest: vectors.Digest(name)}
	}
	p.log.Put(of(proof.Event), change("the second"))
	p.log.Grow(2)
	if l := p.says("one", "unknown", 2, "succeeded 1"); l.Entries["key_change"] != 1 {
		t.Error(text(l))
	}
	p.trust.File.Successions = 1
	p.says("taken over", "fine", 2)
	p.log.Put(change("the second"))
	p.log.Grow(3)
	p.says("logged again, after a restore", "fine", 3)
	p.log.Put(change("the third"), change("the fourth"))
	p.log.Grow(5)
	p.says("two more", "unknown", 5, "succeeded 3")
	p.says("again", "unknown", 5, "succeeded 3")
	p.trust.File.Successions = 2
	p.says("only one of them is given out", "unknown", 5, "succeeded 3")
	p.trust.File.Successions = 3
	p.says("both", "fine", 5)
}

// TestState: a state of which a byte is changed, another log's, or one that somebody
// else uses is refused, and left as it is.
func TestState(t *testing.T) {
	p := newPost(t)
	p.log.End("2026-11-18")
	p.log.Put(number(26002), of(proof.OpeningRequested), released("2026-11-30"))
	p.log.Grow(3)
	p.log.End("2026-11-19")
	p.says("at first", "found", 3, "gap 0")
	good := string(p.file("logg.json"))
	refused := func(name string, content []byte, want error) {
		t.Helper()
		if err := os.WriteFile(p.state, content, 0o600); err != nil {
			t.Fatal(err)
		}
		m, err := p.open()
		if !errors.Is(err, want) {
			t.Errorf("%s: %v", name, err)
			m.Close()
		}
		if got := p.file("logg.json"); !bytes.Equal(got, content) {
			t.Errorf("%s: it was changed", name)
		}
	}
	for i := range good {
		changed := []byte(good)
		changed[i] ^= 1
		refused("a changed byte", changed, monitor.ErrState)
		if i%50 == 0 {
			refused("cut", []byte(good[:i]), monitor.ErrState)
		}
	}
	refused("empty", nil, monitor.ErrState)
	refused("too long", bytes.Repeat([]byte(" "), 17<<20), monitor.ErrState)
	if err := os.WriteFile(p.state, []byte(good), 0o600); err != nil {
		t.Fatal(err)
	}
	m, err := p.open()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.open(); !errors.Is(err, monitor.ErrLocked) {
		t.Error("a second one:", err)
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	if got := p.files(); len(got) != 2 || !strings.HasPrefix(got[0], "logg.gap-0-") || got[1] != "logg.json" {
		t.Errorf("files: %q", got)
	}
	other := newPost(t)
	p.trust = other.trust
	refused("another log's", []byte(good), monitor.ErrState)
	for _, source := range []string{"", "ftp://log.example", "https://"} {
		if _, err := monitor.Open(monitor.Config{Source: source, Trust: p.trust, State: filepath.Join(t.TempDir(), "x")}); !errors.Is(err, tiles.ErrSource) {
			t.Errorf("%q: %v", source, err)
		}
	}
	if _, err := monitor.Open(monitor.Config{Source: p.url, Trust: p.trust, State: filepath.Join(t.TempDir(), "no", "x")}); !errors.Is(err, os.ErrNotExist) {
		t.Error("no directory:", err)
	}
}

// TestUnwritten: what cannot be remembered is an error, and is found again.
func TestUnwritten(t *testing.T) {
	p := newPost(t)
	p.log.Put(number(26002))
	p.log.Grow(1)
	m, err := p.open()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Dir(p.state), filepath.Dir(p.state)+"-away"); err != nil {
		t.Fatal(err)
	}
	if l, err := m.Look(t.Context(), p.at); !errors.Is(err, os.ErrNotExist) || l.Typ != "" {
		t.Errorf("%v, %s", err, text(l))
	}
	m.Close()
	if err := os.Rename(filepath.Dir(p.state)+"-away", filepath.Dir(p.state)); err != nil {
		t.Fatal(err)
	}
	p.says("then", "found", 1, "gap 0")
}

// TestPublic: whatever is written or said of a log is of its public bytes alone: names,
// numbers, dates, hashes, signatures and entries.
func TestPublic(t *testing.T) {
	p := newPost(t, watched()...)
	p.cosigned(p.at, 1, 2, 3)
	p.log.Put(number(26002), of(proof.OpeningRequested), released("2026-11-30"))
	p.log.Grow(3)
	said := text(p.look())
	p.log = p.log.Branch(2)
	p.log.Grow(9)
	said += text(p.look())
	for _, name := range p.files() {
		said += string(p.file(name))
	}
	for _, private := range []string{p.url, strings.TrimPrefix(p.url, "http://"), filepath.Dir(p.state), "127.0.0.1"} {
		if strings.Contains(said, private) {
			t.Errorf("it says %s: %s", private, said)
		}
	}
	if len(p.files()) != 3 {
		t.Errorf("files: %q", p.files())
	}
}

// TestWatch: it looks at once and then at its pace, whatever the log does meanwhile, and
// ends when it is told to.
func TestWatch(t *testing.T) {
	p, dir := newPost(t), t.TempDir()
	p.log.Grow(10)
	log, err := tiles.Open(p.url, p.trust.Policy, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := log.Mirror(t.Context(), filepath.Join(dir, "log"), ident.DateOf(noon)); err != nil {
		t.Fatal(err)
	}
	p.url = filepath.Join(dir, "log")
	synctest.Test(t, func(t *testing.T) {
		m, err := p.open()
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		ctx, stop := context.WithCancel(t.Context())
		begun, said := time.Now(), []string(nil)
		err = m.Watch(ctx, time.Minute, func(l monitor.Look) error {
			said = append(said, fmt.Sprint(time.Since(begun), " ", l.State))
			away := filepath.Join(dir, "away")
			switch len(said) {
			case 1:
				err = os.Rename(p.url, away)
			case 3:
				err = os.Rename(away, p.url)
			case 4:
				stop()
			}
			return err
		})
		if want := "[0s fine 1m0s unknown 2m0s unknown 3m0s fine]"; err != nil || fmt.Sprint(said) != want {
			t.Errorf("%v, %v", err, said)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		m, err := p.open()
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		enough := errors.New("enough")
		if err := m.Watch(t.Context(), time.Minute, func(monitor.Look) error { return enough }); err != enough {
			t.Error("what hears it fails:", err)
		}
	})
}

// TestStopped: a look that is interrupted has found nothing, and loses nothing.
func TestStopped(t *testing.T) {
	p := newPost(t)
	p.log.Put(number(26002))
	p.log.Grow(600)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	p.shown = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/tile/entries/001") {
			stop()
		}
		web.Handler(p.log).ServeHTTP(w, r)
	})
	m, err := p.open()
	if err != nil {
		t.Fatal(err)
	}
	if l, err := m.Look(ctx, p.at); !errors.Is(err, context.Canceled) || l.Typ != "" {
		t.Errorf("%v, %s", err, text(l))
	}
	m.Close()
	p.asked.Wait()
	p.shown = nil
	if l := p.says("then", "found", 600, "gap 0"); l.Entries["event"] != 599 || l.New != 344 {
		t.Error(text(l))
	}
}

// TestSavedMeanwhile: a long way is remembered on the way, so that what is killed goes on
// near where it was.
func TestSavedMeanwhile(t *testing.T) {
	p, dir := newPost(t), t.TempDir()
	e := of(proof.Event).Marshal()
	all := make([][]byte, 1<<16+10)
	for i := range all {
		all[i] = e
	}
	p.log.Write(dir, all...)
	saved := ""
	p.shown = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/tile/entries/256.p/10" {
			saved = string(p.file("logg.json"))
		}
		http.FileServer(http.Dir(dir)).ServeHTTP(w, r)
	})
	p.says("a long log", "fine", len(all))
	if !strings.Contains(saved, `"counted":65536,`) {
		t.Errorf("behind 65,536 entries the state is %.300s", saved)
	}
}
