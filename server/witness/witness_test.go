package witness_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"sigill/keys/ident"
	"sigill/keys/proof"
	"sigill/keys/vectors"
	"sigill/server/witness"
)

const authority = ident.Authority("229999-0008")

// A log is kept by x/mod alone.
type log struct {
	t      *testing.T
	signer *proof.LogSigner
	hashes []tlog.Hash
	size   uint64
}

func newLog(t *testing.T) *log {
	_, key, err := ed25519.GenerateKey(nil)
	ok(t, err)
	s, err := proof.NewLogSigner(authority, key)
	ok(t, err)
	return &log{t: t, signer: s}
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (l *log) ReadHashes(indexes []int64) (out []tlog.Hash, _ error) {
	for _, x := range indexes {
		out = append(out, l.hashes[x])
	}
	return out, nil
}

func (l *log) grow(n int) {
	for range n {
		more, err := tlog.StoredHashes(int64(l.size), []byte(rand.Text()), l)
		ok(l.t, err)
		l.hashes, l.size = append(l.hashes, more...), l.size+1
	}
}

func (l *log) note() []byte {
	root, err := tlog.TreeHash(int64(l.size), l)
	ok(l.t, err)
	n, err := l.signer.Checkpoint(l.size, ident.Digest(root))
	ok(l.t, err)
	return n
}

func (l *log) Consistency(_ context.Context, older, newer uint64) (out []ident.Digest, err error) {
	if older == 0 {
		return nil, nil
	}
	hashes, err := tlog.ProveTree(int64(newer), int64(older), l)
	for _, h := range hashes {
		out = append(out, ident.Digest(h))
	}
	return out, err
}

// A watcher is a witness: it checks what it is sent, and answers as it is told to.
type watcher struct {
	*httptest.Server
	log    *log
	signer vectors.Cosigner
	last   proof.Checkpoint
	asked  int
	answer func(w http.ResponseWriter, r *http.Request, req asking) // nil: as a witness does
}

type asking struct {
	proof.Submission
	cp proof.Checkpoint
}

func newWatcher(t *testing.T, l *log, name string) *watcher {
	_, key, err := ed25519.GenerateKey(nil)
	ok(t, err)
	w := &watcher{log: l, signer: vectors.Cosigner{Label: name, Key: key}, last: proof.Checkpoint{Origin: authority, Root: ident.Sum("")}}
	w.Server = httptest.NewServer(w)
	t.Cleanup(w.Close)
	return w
}

func (w *watcher) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	w.asked++
	req, err := w.read(r)
	if err != nil {
		w.log.t.Error(err)
	}
	if w.answer != nil {
		w.answer(rw, r, req)
		return
	}
	w.agree(rw, r, req)
}

// read takes the body of add-checkpoint apart.
func (w *watcher) read(r *http.Request) (req asking, err error) {
	b, err := io.ReadAll(r.Body)
	if err != nil || r.Method != http.MethodPost || r.URL.Path != "/at/add-checkpoint" || r.UserAgent() != "" {
		return req, fmt.Errorf("asked with %s %s by %q: %w", r.Method, r.URL.Path, r.UserAgent(), err)
	}
	if req.Submission, err = proof.ParseSubmission(b); err != nil {
		return req, err
	}
	p, err := proof.UnwitnessedPolicy(w.log.signer.LogKey)
	if err != nil {
		return req, err
	}
	req.cp, err = proof.OpenCheckpoint(req.Checkpoint, p)
	return req, err
}

// agree is what an honest witness does.
func (w *watcher) agree(rw http.ResponseWriter, _ *http.Request, req asking) {
	switch {
	case req.Old != w.last.Size:
		w.has(rw, w.last.Size)
	case proof.CheckConsistency(w.last, req.cp, req.Hashes) != nil:
		rw.WriteHeader(http.StatusUnprocessableEntity)
	default:
		w.last = req.cp
		rw.Write(w.line(req.Checkpoint, time.Now()))
	}
}

func (w *watcher) has(rw http.ResponseWriter, size uint64) {
	rw.Header().Set("Content-Type", "text/x.tlog.size")
	rw.WriteHeader(http.StatusConflict)
	fmt.Fprintf(rw, "%d\n", size)
}

// line is a signature line of a time.
func (w *watcher) line(msg []byte, at time.Time) []byte {
	c := w.signer
	c.Time = uint64(at.Unix())
	sig, err := c.Sign(msg[:bytes.LastIndex(msg, []byte("\n\n"))+1])
	ok(w.log.t, err)
	b := append(binary.BigEndian.AppendUint32(nil, c.KeyHash()), sig...)
	return []byte("— " + c.Label + " " + base64.StdEncoding.EncodeToString(b) + "\n")
}

// policy is one for the log, with the witnesses' lines and a quorum.
func (l *log) policy(quorum string, watchers ...*watcher) proof.Policy {
	text := "log " + l.signer.String() + "\n"
	for i, w := range watchers {
		text += fmt.Sprintf("witness w%d %s %s/at\n", i, w.signer.VKey(), w.URL)
	}
	p, err := proof.ParsePolicy([]byte(text + quorum + "\n"))
	ok(l.t, err)
	return p
}

// ask has a new asker's policy, or one that has asked before, ask once. It returns what
// was published, which the policy accepts or the test fails.
func (l *log) ask(ctx context.Context, a *witness.Asker, p proof.Policy) (published [][]byte, _ []witness.Problem, _ error) {
	l.t.Helper()
	problems, err := a.Ask(ctx, l.size, l.note(), func(n []byte) error {
		if cp, _, err := p.Accept(n); err != nil || cp.Size != l.size {
			l.t.Errorf("published %d, which the policy does not accept: %v", cp.Size, err)
		}
		published = append(published, slices.Clone(n))
		return nil
	})
	return published, problems, err
}

func asker(t *testing.T, p proof.Policy, l *log) *witness.Asker {
	t.Helper()
	a, err := witness.New(p, l)
	ok(t, err)
	return a
}

// TestGrows: each head is brought with the proof from the last, and published with the
// cosignatures of all.
func TestGrows(t *testing.T) {
	l := newLog(t)
	one, two := newWatcher(t, l, "one.example"), newWatcher(t, l, "two.example")
	p := l.policy("group g all w0 w1\nquorum g", one, two)
	a := asker(t, p, l)
	if !a.Reachable() {
		t.Fatal("the quorum is said to be out of reach")
	}
	for i, n := range []int{0, 1, 1, 0, 300, 7} {
		l.grow(n)
		published, problems, err := l.ask(t.Context(), a, p)
		if err != nil || len(problems) != 0 || len(published) != 1 {
			t.Fatalf("%d entries more: %d published, %v, %v", n, len(published), problems, err)
		}
		if one.asked != i+1 || two.asked != i+1 || one.last.Size != l.size {
			t.Fatalf("asked %d and %d times in %d rounds", one.asked, two.asked, i+1)
		}
	}
	a = asker(t, p, l) // after a restart, when nothing is known of them
	l.grow(1)
	if published, _, err := l.ask(t.Context(), a, p); err != nil || len(published) != 1 || one.asked != 8 {
		t.Fatalf("after a restart: asked %d times, %v", one.asked, err)
	}
}

// TestQuorumNone: the log's own word is published at once, and again with what witnesses
// there are.
func TestQuorumNone(t *testing.T) {
	l := newLog(t)
	l.grow(3)
	p := l.policy("quorum none")
	if published, problems, err := l.ask(t.Context(), asker(t, p, l), p); err != nil || len(problems) != 0 || len(published) != 1 || !bytes.Equal(published[0], l.note()) {
		t.Fatal(len(published), problems, err)
	}
	w := newWatcher(t, l, "one.example")
	p = l.policy("quorum none", w)
	published, problems, err := l.ask(t.Context(), asker(t, p, l), p)
	if err != nil || len(problems) != 0 || len(published) != 2 || !bytes.HasPrefix(published[1], l.note()) || len(published[1]) == len(l.note()) {
		t.Fatal(len(published), problems, err)
	}
}

// TestAnswers: whatever else than a cosignature a witness answers, it counts for nothing,
// harms nobody where others are enough, and stops the log only if it contradicts and is
// needed.
func TestAnswers(t *testing.T) {
	status := func(code int) func(*watcher) {
		return func(w *watcher) {
			w.answer = func(rw http.ResponseWriter, _ *http.Request, _ asking) { rw.WriteHeader(code) }
		}
	}
	conflict := func(typ, body string) func(*watcher) {
		return func(w *watcher) {
			w.answer = func(rw http.ResponseWriter, _ *http.Request, _ asking) {
				rw.Header().Set("Content-Type", typ)
				rw.WriteHeader(http.StatusConflict)
				fmt.Fprint(rw, body)
			}
		}
	}
	for name, c := range map[string]struct {
		as   func(w *watcher)
		want error
	}{
		"has forgotten":           {func(w *watcher) { w.last = proof.Checkpoint{Origin: authority, Root: ident.Sum("")} }, nil},
		"knows a longer log":      {conflict("text/x.tlog.size", "5000\n"), witness.ErrContradicted},
		"says the same and no":    {conflict("text/x.tlog.size", "4\n"), witness.ErrContradicted},
		"refuses the proof":       {status(422), witness.ErrContradicted},
		"knows another log":       {func(w *watcher) { w.last.Root = ident.Sum("another") }, witness.ErrContradicted},
		"a size without its type": {conflict("text/plain", "5000\n"), witness.ErrPending},
		"no size":                 {conflict("text/x.tlog.size", "many\n"), witness.ErrPending},
		"a size of two forms":     {conflict("text/x.tlog.size", "05000\n"), witness.ErrPending},
		"a size without an end":   {conflict("text/x.tlog.size", "5000"), witness.ErrPending},
		"does not know the log":   {status(404), witness.ErrPending},
		"does not know the key":   {status(403), witness.ErrPending},
		"does not understand":     {status(400), witness.ErrPending},
		"is broken":               {status(500), witness.ErrPending},
		"is elsewhere": {func(w *watcher) {
			w.answer = func(rw http.ResponseWriter, r *http.Request, _ asking) {
				http.Redirect(rw, r, "/", http.StatusTemporaryRedirect)
			}
		}, witness.ErrPending},
		"is gone": {func(w *watcher) { w.Close() }, witness.ErrPending},
		"hangs up": {func(w *watcher) {
			w.answer = func(http.ResponseWriter, *http.Request, asking) { panic(http.ErrAbortHandler) }
		}, witness.ErrPending},
		"says nothing":        {says(func(*watcher, asking) []byte { return nil }), witness.ErrPending},
		"says something else": {says(func(*watcher, asking) []byte { return []byte("thanks\n") }), witness.ErrPending},
		"does not stop":       {says(func(*watcher, asking) []byte { return bytes.Repeat([]byte("— a b\n"), 1<<14) }), witness.ErrPending},
		"cosigns another": {says(func(w *watcher, req asking) []byte {
			return w.line(bytes.Replace(req.Checkpoint, []byte("\n4\n"), []byte("\n3\n"), 1), time.Now())
		}), witness.ErrPending},
		"cosigns by another key":  {func(w *watcher) { w.signer.Key = ed25519.NewKeyFromSeed(make([]byte, 32)) }, witness.ErrPending},
		"cosigns by another name": {func(w *watcher) { w.signer.Label = "else.example" }, witness.ErrPending},
	} {
		t.Run(name, func(t *testing.T) { tries(t, c.as, c.want) })
	}
}

// tries asks a witness that goes on as it is told after a round in which all was well:
// once as one that the quorum needs, and once among enough others.
func tries(t *testing.T, as func(w *watcher), want error) {
	t.Helper()
	l := newLog(t)
	w, one, two := newWatcher(t, l, "w.example"), newWatcher(t, l, "one.example"), newWatcher(t, l, "two.example")
	alone, among := l.policy("quorum w0", w), l.policy("group g 2 w0 w1 w2\nquorum g", w, one, two)
	needed, spare := asker(t, alone, l), asker(t, among, l)
	l.grow(4)
	for p, a := range map[*proof.Policy]*witness.Asker{&alone: needed, &among: spare} {
		if published, _, err := l.ask(t.Context(), a, *p); err != nil || len(published) == 0 {
			t.Fatal("while all was well: ", err)
		}
	}
	as(w)
	published, problems, err := l.ask(t.Context(), needed, alone)
	if !errors.Is(err, want) || (len(published) == 0) != (want != nil) || (len(problems) == 0) != (want == nil) {
		t.Errorf("needed: %d published, %v, %v", len(published), problems, err)
	}
	published, problems, err = l.ask(t.Context(), spare, among)
	if err != nil || len(published) == 0 || (len(problems) == 0) != (want == nil) || len(problems) > 0 && !slices.Equal(problems[0].Names, []string{"w0"}) {
		t.Errorf("among others: %d published, %v, %v", len(published), problems, err)
	}
	for _, p := range problems {
		if strings.Contains(p.Err.Error(), "127.0.0.1") || strings.Contains(p.Err.Error(), "example") {
			t.Error("the problem repeats what was said: ", p.Err)
		}
	}
}

// says is a witness with an answer of its own.
func says(body func(w *watcher, req asking) []byte) func(*watcher) {
	return func(w *watcher) {
		w.answer = func(rw http.ResponseWriter, _ *http.Request, req asking) { rw.Write(body(w, req)) }
	}
}

// TestL06_cosignatureTime: a cosignature of time 0, or of a time to come, is none.
func TestL06_cosignatureTime(t *testing.T) {
	for name, at := range map[string]func() time.Time{
		"0":         func() time.Time { return time.Unix(0, 0) },
		"tomorrow":  func() time.Time { return time.Now().Add(24 * time.Hour) },
		"too large": func() time.Time { return time.Unix(-1, 0) },
	} {
		t.Run(name, func(t *testing.T) {
			tries(t, says(func(w *watcher, req asking) []byte { return w.line(req.Checkpoint, at()) }), witness.ErrPending)
		})
	}
	tries(t, says(func(w *watcher, req asking) []byte {
		w.last = req.cp
		return w.line(req.Checkpoint, time.Now().Add(30*time.Second))
	}), nil)
}

// TestSlow: who does not answer is not waited for longer than the caller would, and what
// the others answered stands.
func TestSlow(t *testing.T) {
	l := newLog(t)
	slow, quick := newWatcher(t, l, "slow.example"), newWatcher(t, l, "quick.example")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	slow.answer = func(_ http.ResponseWriter, r *http.Request, _ asking) { <-r.Context().Done() }
	p := l.policy("group g any w0 w1\nquorum g", slow, quick)
	l.grow(2)
	published := 0
	problems, err := asker(t, p, l).Ask(ctx, l.size, l.note(), func([]byte) error { published++; cancel(); return nil })
	if err != nil || published != 1 || len(problems) != 1 || problems[0].Names[0] != "w0" {
		t.Error(published, problems, err)
	}
}

// TestPublishFails: what cannot be published ends the round.
func TestPublishFails(t *testing.T) {
	l := newLog(t)
	full := errors.New("no space")
	for _, p := range []proof.Policy{l.policy("quorum none"), l.policy("quorum w0", newWatcher(t, l, "w.example"))} {
		if _, err := asker(t, p, l).Ask(t.Context(), 0, l.note(), func([]byte) error { return full }); !errors.Is(err, full) {
			t.Error(err)
		}
	}
}

// TestURL: a witness that cannot be asked safely is refused before it is, and a quorum
// that needs one who has no URL is known to be out of reach.
func TestURL(t *testing.T) {
	l := newLog(t)
	w := vectors.Cosigner{Label: "w.example", Key: ed25519.NewKeyFromSeed(make([]byte, 32))}
	for at, want := range map[string]error{
		"https://w.example": nil, "https://w.example/a/": nil, "http://127.0.0.1:8080/": nil, "http://[::1]:1": nil, "http://localhost/": nil,
		"http://w.example": witness.ErrURL, "ftp://w.example": witness.ErrURL, "w.example": witness.ErrURL, "https://": witness.ErrURL, "https://u:p@w.example": witness.ErrURL,
		"https://w.example/?a=b": witness.ErrURL, "https://w.example/#a": witness.ErrURL, "%": witness.ErrURL, "https://w.example/" + strings.Repeat("a", 1000): witness.ErrURL,
	} {
		p, err := proof.ParsePolicy(fmt.Appendf(nil, "log %s\nwitness w %s %s\nquorum w\n", l.signer, w.VKey(), at))
		ok(t, err)
		if a, err := witness.New(p, l); !errors.Is(err, want) || want == nil && !a.Reachable() {
			t.Errorf("%s: %v", at, err)
		}
	}
	p, err := proof.ParsePolicy(fmt.Appendf(nil, "log %s\nwitness w %s\nquorum w\n", l.signer, w.VKey()))
	ok(t, err)
	if asker(t, p, l).Reachable() {
		t.Error("a witness without URL is said to be in reach")
	}
}
