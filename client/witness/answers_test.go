package witness_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"sigill/client/witness"
	"sigill/keys/ident"
	"sigill/keys/proof"
)

// What the answers say, as SPEC has it.
const (
	malformed   = "not an add-checkpoint request\n"
	unreadable  = "not a checkpoint in the form that this log writes\n"
	oldTooLarge = "the old size is larger than the checkpoint's\n"
	unsigned    = "not signed by a key of this log that is known here\n"
	unknown     = "this log is not known here\n"
	otherStory  = "the checkpoint is not shown to continue what was cosigned here before\n"
	broken      = "nothing can be cosigned now\n"
	size        = "text/x.tlog.size"
)

// signs is a note of any text under the log's real signature.
func (h *history) signs(t testing.TB, text string) []byte {
	t.Helper()
	msg, err := note.Sign(&note.Note{Text: text}, h.signer)
	if err != nil {
		t.Fatal(err)
	}
	return msg
}

// TestAnswers: every answer of C2SP tlog-witness, and that a refusal changes nothing.
func TestAnswers(t *testing.T) {
	p, l := newPost(t), log(t, 20)
	p.is(l, -1)
	p.refuses("never asked before", l.ask(t, 3, 5).Marshal(), 409, size, "0\n")
	if cp := p.cosigns(l.ask(t, 0, 0)); cp.Size != 0 {
		t.Errorf("%v", cp)
	}
	for _, step := range [][2]int{{0, 5}, {5, 5}, {5, 6}, {6, 16}, {16, 17}} {
		if cp := p.cosigns(l.ask(t, step[0], step[1])); cp.Size != uint64(step[1]) || cp.Root != l.root(t, step[1]) {
			t.Errorf("%v: %v", step, cp)
		}
		p.is(l, step[1])
	}
	good := l.ask(t, 17, 20)
	hashes := func(change func([]ident.Digest) []ident.Digest) []byte {
		s := good
		s.Hashes = change(slices.Clone(good.Hashes))
		return s.Marshal()
	}
	elsewhere := newHistory(t, "229999-0024", 1, 20, 20, "")
	stranger := newHistory(t, authority, 9, 20, 20, "")
	for _, c := range []struct {
		what        string
		body        []byte
		status      int
		typ, answer string
	}{
		{"nothing", nil, 400, text, malformed},
		{"no request", []byte("hello\n\nworld\n"), 400, text, malformed},
		{"too long", bytes.Repeat([]byte("a"), proof.MaxSubmission+1), 400, text, malformed},
		{"a note alone", l.note(t, 20), 400, text, malformed},
		{"64 hashes", hashes(func(h []ident.Digest) []ident.Digest { return slices.Repeat(h[:1], 64) }), 400, text, malformed},
		{"no checkpoint", []byte("old 17\n\n" + authority + "\n"), 400, text, unreadable},
		{"no text", []byte("old 17\n\n\n"), 404, text, unknown},
		{"old larger than new", l.ask(t, 20, 17).Marshal(), 400, text, oldTooLarge},
		{"old larger than ours and new", l.ask(t, 21, 18).Marshal(), 400, text, oldTooLarge},
		{"another log", elsewhere.ask(t, 17, 20).Marshal(), 404, text, unknown},
		{"another key", stranger.ask(t, 17, 20).Marshal(), 403, text, unsigned},
		{"another key, and its form wrong", proof.Submission{Old: 17, Checkpoint: stranger.signs(t, string(authority)+"\nx\n\n")}.Marshal(), 403, text, unsigned},
		{"another log's key", newHistory(t, other, 2, 20, 20, "").askAs(t, authority, 17, 20), 403, text, unsigned},
		{"old smaller than ours", l.ask(t, 16, 20).Marshal(), 409, size, "17\n"},
		{"old 0", l.ask(t, 0, 20).Marshal(), 409, size, "17\n"},
		{"old between", l.ask(t, 18, 20).Marshal(), 409, size, "17\n"},
		{"a checkpoint smaller than ours", l.ask(t, 5, 6).Marshal(), 409, size, "17\n"},
		{"ours again, from before", l.ask(t, 16, 17).Marshal(), 409, size, "17\n"},
		{"hashes for the same size", append(bytes.Replace(hashes(func(h []ident.Digest) []ident.Digest { return h }), good.Checkpoint, nil, 1), l.note(t, 17)...), 422, text, otherStory},
		{"an empty log with a root", proof.Submission{Checkpoint: l.signs(t, fmt.Sprintf("%s\n0\n%s\n", authority, base64.StdEncoding.EncodeToString(make([]byte, 32))))}.Marshal(), 422, text, otherStory},
	} {
		p.refuses(c.what, c.body, c.status, c.typ, c.answer)
	}
	p.is(l, 17)
	// A proof that does not lead there is refused too, and kept once.
	for what, body := range map[string][]byte{
		"no hashes":       hashes(func([]ident.Digest) []ident.Digest { return nil }),
		"one too few":     hashes(func(h []ident.Digest) []ident.Digest { return h[1:] }),
		"one too many":    hashes(func(h []ident.Digest) []ident.Digest { return append(h, h[0]) }),
		"in another turn": hashes(func(h []ident.Digest) []ident.Digest { slices.Reverse(h); return h }),
	} {
		if rec := p.send(body); rec.Code != 422 || rec.Body.String() != otherStory {
			t.Errorf("%s: %d %s", what, rec.Code, rec.Body)
		}
		p.is(l, 17)
	}
	if told := p.told(); told != "found 229999-0008 20 false" {
		t.Error(told)
	}
	p.cosigns(good)
	p.is(l, 20)
	// From an empty log there is no proof.
	o := newHistory(t, other, 2, 5, 5, "")
	fromNothing := o.ask(t, 0, 5)
	fromNothing.Hashes = good.Hashes
	p.refuses("hashes from 0", fromNothing.Marshal(), 422, text, otherStory)
}

// askAs has another origin in the text than the log is called.
func (h *history) askAs(t testing.TB, origin ident.Authority, old, size int) []byte {
	t.Helper()
	s, root := h.ask(t, old, size), h.root(t, size)
	s.Checkpoint = h.signs(t, fmt.Sprintf("%s\n%d\n%s\n", origin, size, base64.StdEncoding.EncodeToString(root[:])))
	return s.Marshal()
}

func TestOtherRequests(t *testing.T) {
	p, l := newPost(t), log(t, 3)
	for _, c := range []struct {
		method, path string
		status       int
	}{{"GET", "/add-checkpoint", 405}, {"PUT", "/add-checkpoint", 405}, {"OPTIONS", "/add-checkpoint", 405}, {"POST", "/", 404}, {"POST", "/add-checkpoint/", 404}, {"GET", "/state.json", 404}} {
		before := p.files()
		rec := httptest.NewRecorder()
		p.w.ServeHTTP(rec, httptest.NewRequest(c.method, c.path, bytes.NewReader(l.ask(t, 0, 3).Marshal())))
		if rec.Code != c.status || rec.Header().Get("Content-Type") != text || strings.Count(rec.Body.String(), "\n") != 1 || (rec.Header().Get("Allow") == "POST") != (c.status == 405) {
			t.Errorf("%s %s: %d %v %s", c.method, c.path, rec.Code, rec.Header(), rec.Body)
		}
		if p.files() != before {
			t.Errorf("%s %s: something changed", c.method, c.path)
		}
	}
	p.is(l, -1)
}

// TestL14_forms: what C2SP lets others add is ignored and not remembered; what a log of
// ours never writes is refused.
func TestL14_forms(t *testing.T) {
	p, l := newPost(t), log(t, 9)
	p.cosigns(l.ask(t, 0, 5))
	ask := l.ask(t, 5, 9)
	head, sig, _ := strings.Cut(string(ask.Checkpoint), "\n\n")
	head += "\n"
	lines := strings.Split(head, "\n")
	stranger := "— stranger.example " + base64.StdEncoding.EncodeToString(make([]byte, 76)) + "\n"
	lookalike := "— " + string(authority) + " " + base64.StdEncoding.EncodeToString(make([]byte, 68)) + "\n"
	wrong := "— " + string(authority) + " " + base64.StdEncoding.EncodeToString(append(mustBase64(t, strings.Fields(sig)[2])[:4], make([]byte, 64)...)) + "\n"
	for what, c := range map[string]struct {
		note        string
		status      int
		typ, answer string
	}{
		"CRLF":                    {strings.ReplaceAll(string(ask.Checkpoint), "\n", "\r\n"), 404, text, unknown}, // the origin ends in CR
		"CRLF in the text":        {strings.Replace(string(ask.Checkpoint), lines[2]+"\n", lines[2]+"\r\n", 1), 400, text, unreadable},
		"CRLF after the line":     {strings.TrimSuffix(string(ask.Checkpoint), "\n") + "\r\n", 400, text, unreadable},
		"an extra line, signed":   {string(l.signs(t, head+"more\n")), 400, text, unreadable},
		"an extra line, unsigned": {head + "more\n\n" + sig, 403, text, unsigned},
		"a leading zero":          {string(l.signs(t, lines[0]+"\n09\n"+lines[2]+"\n")), 400, text, unreadable},
		"too large a size":        {string(l.signs(t, lines[0]+"\n9007199254740992\n"+lines[2]+"\n")), 400, text, unreadable},
		"a short root":            {string(l.signs(t, lines[0]+"\n9\n"+lines[2][:40]+"\n")), 400, text, unreadable},
		"the log twice":           {string(ask.Checkpoint) + sig, 400, text, unreadable},
		"the log, then garbage":   {string(ask.Checkpoint) + wrong, 400, text, unreadable},
		"garbage, then the log":   {head + "\n" + wrong + sig, 403, text, unsigned},
		"no newline at the end":   {strings.TrimSuffix(string(ask.Checkpoint), "\n"), 400, text, unreadable},
		"something after":         {string(ask.Checkpoint) + "\nmore\n", 400, text, unreadable},
		"no signature":            {head + "\n", 400, text, unreadable},
		"101 signatures":          {string(ask.Checkpoint) + strings.Repeat(stranger, 100), 400, text, unreadable},
		"only a stranger's":       {head + "\n" + stranger, 403, text, unsigned},
	} {
		p.refuses(what, proof.Submission{Old: 5, Hashes: ask.Hashes, Checkpoint: []byte(c.note)}.Marshal(), c.status, c.typ, c.answer)
	}
	ask.Checkpoint = []byte(head + "\n" + stranger + lookalike + sig + stranger)
	p.cosigns(ask)
	p.is(l, 9)
	if strings.Contains(p.remembered(), "stranger") || !strings.Contains(p.remembered(), sig) {
		t.Errorf("it remembers %s", p.remembered())
	}
}

func mustBase64(t *testing.T, s string) []byte {
	t.Helper()
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestByteFlip: no changed byte of a request is cosigned; each is answered with one of the
// answers, and changes nothing but what may be found.
func TestByteFlip(t *testing.T) {
	p, l := newPost(t), log(t, 9)
	p.cosigns(l.ask(t, 0, 5))
	body := l.ask(t, 5, 9).Marshal()
	remembered := p.remembered()
	got := map[int]int{}
	for i := range body {
		b := bytes.Clone(body)
		if b[i] ^= 1 << (i % 8); i < 8 {
			b[i] = body[i] ^ 1 // among them another old size
		}
		rec := p.send(b)
		got[rec.Code]++
		if !slices.Contains([]int{400, 403, 404, 409, 422}, rec.Code) || strings.Contains(rec.Body.String(), "—") {
			t.Fatalf("byte %d: %d %s", i, rec.Code, rec.Body)
		}
	}
	for _, status := range []int{400, 403, 404, 409, 422} {
		if got[status] == 0 {
			t.Errorf("no change was answered with %d: %v", status, got)
		}
	}
	if p.remembered() != remembered {
		t.Error("it remembers something else")
	}
	if s, err := witness.Read(p.dir); err != nil || len(s.Found) != 1 || s.Found[0].Fork {
		t.Errorf("found %v, %v", s.Found, err)
	}
	p.cosigns(l.ask(t, 5, 9))
}
