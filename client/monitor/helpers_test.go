package monitor_test

import (
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"sigill/client/monitor"
	"sigill/keys/bundle"
	"sigill/keys/evidence"
	"sigill/keys/ident"
	"sigill/keys/proof"
	"sigill/keys/vectors"
	"sigill/scripts/openlog"
	"sigill/server/web"
)

// noon is when a monitor looks, if nothing else is said.
var noon = ident.Date("2026-11-20").Start().Add(12 * time.Hour)

// A post is a log that is given out, and a monitor that follows it.
type post struct {
	*testing.T
	log   *openlog.Log
	url   string
	trust *bundle.Trust
	state string
	at    time.Time

	shown   http.Handler   // nil: the log
	asked   sync.WaitGroup // requests under way
	compare []string
	within  time.Duration
}

func newPost(t *testing.T, policy ...string) *post {
	t.Helper()
	return follow(t, openlog.New(t), policy...)
}

// follow is a monitor of a log, whose policy has these lines beside the log's; none:
// quorum none.
func follow(t *testing.T, l *openlog.Log, policy ...string) *post {
	t.Helper()
	p := &post{T: t, log: l, at: noon, state: filepath.Join(t.TempDir(), "logg.json")}
	p.believe(policy...)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.asked.Add(1)
		defer p.asked.Done()
		if p.shown != nil {
			p.shown.ServeHTTP(w, r)
			return
		}
		web.Handler(p.log).ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	p.url = s.URL
	return p
}

func (p *post) believe(policy ...string) {
	p.Helper()
	if policy == nil {
		policy = []string{"quorum none"}
	}
	parsed, err := proof.ParsePolicy([]byte("log " + p.log.Key.String() + "\n" + strings.Join(policy, "\n") + "\n"))
	if err != nil {
		p.Fatal(err)
	}
	p.trust = &bundle.Trust{Policy: parsed, Authority: openlog.Authority}
}

// watched is a policy of witnesses 1 to 3, of which two are needed.
func watched() (policy []string) {
	for i := range 3 {
		policy = append(policy, fmt.Sprintf("witness w%d %s", i+1, watcher(i+1, time.Time{}).VKey()))
	}
	return append(policy, "group g 2 w1 w2 w3", "quorum g")
}

func watcher(i int, at time.Time) vectors.Cosigner {
	key := vectors.Seed(fmt.Sprint("witness ", i))
	return vectors.Cosigner{Label: fmt.Sprintf("witness%d.example", i), Key: ed25519.NewKeyFromSeed(key[:]), Time: uint64(at.Unix())}
}

// cosigned has witnesses cosign at a time what is published from now on.
func (p *post) cosigned(at time.Time, by ...int) {
	var signers []note.Signer
	for _, i := range by {
		signers = append(signers, watcher(i, at))
	}
	p.log.Cosign = func(msg []byte) []byte {
		n, err := note.Open(msg, note.VerifierList(p.log.Key))
		if err == nil {
			msg, err = note.Sign(n, signers...)
		}
		if err != nil {
			p.Fatal(err)
		}
		return msg
	}
}

func (p *post) open() (*monitor.Monitor, error) {
	return monitor.Open(monitor.Config{Source: p.url, Trust: p.trust, State: p.state, Compare: p.compare, Within: p.within})
}

// look looks once, as a new process would.
func (p *post) look() monitor.Look {
	p.Helper()
	m, err := p.open()
	if err != nil {
		p.Fatal(err)
	}
	defer m.Close()
	defer p.asked.Wait()
	l, err := m.Look(p.Context(), p.at)
	if err != nil {
		p.Fatal(err)
	}
	return l
}

// says holds what a look says: its state, how far the log is followed, and what is found,
// each with where.
func (p *post) says(what string, state string, size int, found ...string) monitor.Look {
	p.Helper()
	l := p.look()
	got := []string{}
	for _, f := range l.Findings {
		got = append(got, fmt.Sprint(f.Name, " ", f.At))
	}
	at := -1
	if l.Log != nil {
		at = int(l.Log.Size)
		if l.Authority != openlog.Authority {
			p.Errorf("%s: of %s", what, l.Authority)
		}
	}
	if l.State != state || at != size || strings.Join(got, ", ") != strings.Join(found, ", ") {
		p.Errorf("%s: %s at %d, found %q; want %s at %d, %q", what, l.State, at, got, state, size, found)
	}
	return l
}

// proves holds that a finding's evidence verifies for whoever has the trust file.
func (p *post) proves(f monitor.Finding, kind evidence.Kind) *evidence.Finding {
	p.Helper()
	data := p.file(f.Evidence)
	v, err := evidence.Verify(data, p.trust)
	if err != nil || v.Kind != kind || len(f.Notes) > 0 {
		p.Fatalf("the evidence of %s: %v, %+v", f.Name, err, v)
	}
	return v
}

func (p *post) file(name string) []byte {
	p.Helper()
	b, err := os.ReadFile(filepath.Join(filepath.Dir(p.state), name))
	if err != nil {
		p.Fatal(err)
	}
	return b
}

// files are the names of all that lies in the state's directory.
func (p *post) files() (names []string) {
	p.Helper()
	list, err := os.ReadDir(filepath.Dir(p.state))
	if err != nil {
		p.Fatal(err)
	}
	for _, e := range list {
		names = append(names, e.Name())
	}
	return names
}

// number is the entry of a decision: 26001 is the first of 2026.
func number(n int) proof.Entry {
	return proof.Entry{Kind: proof.Decision, Tag: proof.DecisionTag(uint16(2000+n/1000), uint64(n%1000), ident.NewID()), Digest: vectors.Digest(fmt.Sprint(n))}
}

func of(kind proof.Kind) proof.Entry {
	return proof.Entry{Kind: kind, Tag: proof.RandomTag(), Digest: vectors.Digest(kind.String())}
}

func released(due ident.Date) proof.Entry {
	e := of(proof.OpeningReleased)
	e.Tag = proof.ReleaseTag(due, [12]byte{1})
	return e
}

func text(v any) string { b, _ := json.Marshal(v); return string(b) }
