package witness_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"sigill/client/witness"
	"sigill/keys/ident"
	"sigill/keys/keyfile"
	"sigill/keys/proof"
)

const (
	authority = ident.Authority("229999-0008")
	other     = ident.Authority("229999-0016")
	name      = "vittne.example"
	pass      = "rätt häst batteri"
)

// A history is a log in memory, hashed by x/mod alone.
type history struct {
	signer *proof.LogSigner
	hashes []tlog.Hash
	size   int
}

// newHistory has n entries; from the one numbered fork on they are of the branch's own.
func newHistory(t testing.TB, a ident.Authority, key byte, n, fork int, branch string) *history {
	t.Helper()
	s, err := proof.NewLogSigner(a, ed25519.NewKeyFromSeed(bytes.Repeat([]byte{key}, ed25519.SeedSize)))
	if err != nil {
		t.Fatal(err)
	}
	h := &history{signer: s}
	for i := range n {
		text := fmt.Sprint(i)
		if i >= fork {
			text = branch + text
		}
		leaf := sha256.Sum256([]byte(text))
		hashes, err := tlog.StoredHashes(int64(i), leaf[:], h)
		if err != nil {
			t.Fatal(err)
		}
		h.hashes, h.size = append(h.hashes, hashes...), n
	}
	return h
}

// log is the authority's log, of n entries; forked has another entry instead of the
// last one and goes on alike.
func log(t testing.TB, n int) *history    { return newHistory(t, authority, 1, n, n, "") }
func forked(t testing.TB, n int) *history { return newHistory(t, authority, 1, n, 2, "other") }

func (h *history) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, x := range indexes {
		out[i] = h.hashes[x]
	}
	return out, nil
}

func (h *history) root(t testing.TB, size int) ident.Digest {
	t.Helper()
	root, err := tlog.TreeHash(int64(size), h)
	if err != nil {
		t.Fatal(err)
	}
	return ident.Digest(root)
}

func (h *history) note(t testing.TB, size int) []byte {
	t.Helper()
	msg, err := h.signer.Checkpoint(uint64(size), h.root(t, size))
	if err != nil {
		t.Fatal(err)
	}
	return msg
}

// ask is the request to go from old entries to size.
func (h *history) ask(t testing.TB, old, size int) proof.Submission {
	t.Helper()
	s := proof.Submission{Old: uint64(old), Checkpoint: h.note(t, size)}
	if 0 < old && old < size {
		hashes, err := tlog.ProveTree(int64(size), int64(old), h)
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range hashes {
			s.Hashes = append(s.Hashes, ident.Digest(x))
		}
	}
	return s
}

// A post is a witness in a directory of its own.
type post struct {
	testing.TB
	dir     string
	config  witness.Config
	w       *witness.Witness
	notices []string
}

// logs are what every post watches.
func logs(t testing.TB) []string {
	return []string{log(t, 0).signer.String(), newHistory(t, other, 2, 0, 0, "").signer.String()}
}

func newPost(t testing.TB) *post {
	t.Helper()
	p := &post{TB: t, dir: filepath.Join(t.TempDir(), "vittne")}
	var err error
	if p.config, err = witness.Create(p.dir, name, pass, keyfile.Options{WorkFactor: 1}); err != nil {
		t.Fatal(err)
	}
	p.open()
	return p
}

func (p *post) open() {
	p.Helper()
	w, err := p.try()
	if err != nil {
		p.Fatal(err)
	}
	p.w = w
	p.Cleanup(func() { w.Close() })
}

func (p *post) try() (*witness.Witness, error) {
	return witness.Open(p.dir, logs(p), func() (string, error) { return pass, nil }, func(n witness.Notice) {
		if n.Err != nil {
			p.notices = append(p.notices, n.Err.Error())
		} else {
			p.notices = append(p.notices, fmt.Sprint("found ", n.Found.Origin, " ", n.Found.Size, " ", n.Found.Fork))
		}
	})
}

func (p *post) close() {
	p.Helper()
	if err := p.w.Close(); err != nil {
		p.Fatal(err)
	}
}

// told are the notices since the last call.
func (p *post) told() string {
	out := strings.Join(p.notices, "\n")
	p.notices = nil
	return out
}

func (p *post) send(body []byte) *httptest.ResponseRecorder {
	rec := httptest.NewRecorder()
	p.w.ServeHTTP(rec, httptest.NewRequest("POST", "/add-checkpoint", bytes.NewReader(body)))
	return rec
}

// files is all that lies in the directory, by name, mode and content.
func (p *post) files() string {
	p.Helper()
	list, err := os.ReadDir(p.dir)
	if err != nil {
		p.Fatal(err)
	}
	var b strings.Builder
	for _, e := range list {
		info, err := e.Info()
		if err != nil {
			p.Fatal(err)
		}
		data, _ := os.ReadFile(filepath.Join(p.dir, e.Name()))
		fmt.Fprintf(&b, "%s %v %x\n", e.Name(), info.Mode(), sha256.Sum256(data))
	}
	return b.String()
}

// cosigns asks and holds the answer against policies that ask for either key, and for both.
func (p *post) cosigns(s proof.Submission) proof.Checkpoint {
	p.Helper()
	rec := p.send(s.Marshal())
	if rec.Code != 200 {
		p.Fatalf("%d %s", rec.Code, rec.Body)
	}
	return p.accepted(s, rec.Body.String())
}

func (p *post) accepted(s proof.Submission, lines string) proof.Checkpoint {
	p.Helper()
	cosigned := append(bytes.Clone(s.Checkpoint), lines...)
	names := p.config.Lines("https://vittne.example/")
	var cp proof.Checkpoint
	for _, quorum := range []string{"quorum " + name, "quorum " + name + "/ml-dsa", "group g all " + name + " " + name + "/ml-dsa\nquorum g"} {
		policy, err := proof.ParsePolicy([]byte("log " + log(p, 0).signer.String() + "\n" + strings.Join(names, "\n") + "\n" + quorum + "\n"))
		if err != nil {
			p.Fatal(err)
		}
		var witnessed bool
		if cp, witnessed, err = policy.Accept(cosigned); err != nil || !witnessed {
			p.Fatalf("%s: %v %v", quorum, witnessed, err)
		}
	}
	return cp
}

// refuses asks and holds that the answer is that, and that nothing has changed.
func (p *post) refuses(what string, body []byte, status int, typ, answer string) {
	p.Helper()
	before, told := p.files(), len(p.notices)
	rec := p.send(body)
	if rec.Code != status || rec.Header().Get("Content-Type") != typ || rec.Body.String() != answer {
		p.Errorf("%s: %d %s %q, want %d %s %q", what, rec.Code, rec.Header().Get("Content-Type"), rec.Body, status, typ, answer)
	}
	if after := p.files(); after != before || len(p.notices) != told {
		p.Errorf("%s: something changed:\n%s%s%v", what, before, after, p.notices)
	}
}

const text = "text/plain; charset=utf-8"

// is holds that the last that was cosigned of the log is that checkpoint.
func (p *post) is(h *history, size int) {
	p.Helper()
	s, err := witness.Read(p.dir)
	if err != nil {
		p.Fatal(err)
	}
	for _, l := range s.Logs {
		if l.Origin == authority && (l.Size != uint64(size) || l.Root != h.root(p, size)) {
			p.Errorf("it remembers %d %v, want %d", l.Size, l.Root, size)
		}
	}
	if (len(s.Logs) == 0) != (size < 0) {
		p.Errorf("it remembers %d logs", len(s.Logs))
	}
}

// remembered are the notes of the state file.
func (p *post) remembered() string {
	p.Helper()
	b, err := os.ReadFile(filepath.Join(p.dir, "state.json"))
	if err != nil {
		p.Fatal(err)
	}
	var d struct {
		Checkpoints []ident.Bytes `json:"checkpoints"`
	}
	if err := json.Unmarshal(b, &d); err != nil {
		p.Fatal(err)
	}
	var out strings.Builder
	for _, c := range d.Checkpoints {
		out.Write(c)
	}
	return out.String()
}

// at holds that what is remembered of the authority's log was cosigned then.
func (p *post) at(want int64) {
	p.Helper()
	if _, at, err := proof.OpenCosigned([]byte(p.remembered()), p.config.VKeys[0]); err != nil || at != want {
		p.Errorf("cosigned at %d, want %d: %v", at, want, err)
	}
}
