package guard_test

import (
	"fmt"
	"io"
	"maps"
	"net/mail"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"sigill/keys/guard"
)

// document is one file of testdata/corpus: a header, an empty line, the text.
// In the text ⟪kind:…⟫ marks what names the person omitted, and {200B} is a
// character that would not be seen. A kind that begins with a question mark is
// one that the guard does not promise to find, one with "warn-" is for Warn.
// Without any mark the document is clean.
type document struct {
	file, omitted, field, media string
	body                        string // without marks
	traces                      []trace
}

// trace is a marked place: bytes of the body.
type trace struct {
	kind     string
	from, to int
}

var mark = regexp.MustCompile(`⟪([?a-z-]+):|⟫|\{([0-9A-F]{4})\}`)

// corpus reads all documents.
func corpus(tb testing.TB) []document {
	tb.Helper()
	files, err := filepath.Glob("testdata/corpus/*.txt")
	if err != nil || len(files) < 200 {
		tb.Fatalf("%d documents: %v", len(files), err)
	}
	var docs []document
	for _, f := range files {
		docs = append(docs, read(tb, f))
	}
	return docs
}

func read(tb testing.TB, file string) document {
	tb.Helper()
	r, err := os.Open(file)
	if err != nil {
		tb.Fatal(err)
	}
	defer r.Close()
	m, err := mail.ReadMessage(r)
	if err != nil {
		tb.Fatalf("%s: %v", file, err)
	}
	text, err := io.ReadAll(m.Body)
	if err != nil {
		tb.Fatal(err)
	}
	d := document{file: filepath.Base(file), omitted: m.Header.Get("Omitted"), field: m.Header.Get("Field"), media: m.Header.Get("Media")}
	if d.field == "" || d.media == "" || m.Header.Get("Kind") == "" {
		tb.Fatalf("%s: its header is not whole", file)
	}
	var body []byte
	open, last := false, 0
	for _, at := range mark.FindAllSubmatchIndex(text, -1) {
		body = append(body, text[last:at[0]]...)
		last = at[1]
		switch {
		case at[4] >= 0:
			c, _ := strconv.ParseUint(string(text[at[4]:at[5]]), 16, 16)
			body = utf8.AppendRune(body, rune(c))
		case open == (at[2] >= 0):
			tb.Fatalf("%s: marks do not match at byte %d", file, at[0])
		case open:
			d.traces[len(d.traces)-1].to, open = len(body), false
		default:
			d.traces, open = append(d.traces, trace{string(text[at[2]:at[3]]), len(body), 0}), true
		}
	}
	d.body = string(append(body, text[last:]...))
	return d
}

// people reads who is omitted, by name.
func people(tb testing.TB) map[string]guard.Terms {
	tb.Helper()
	b, err := os.ReadFile("testdata/people.txt")
	if err != nil {
		tb.Fatal(err)
	}
	all := map[string]guard.Terms{}
	for line := range strings.Lines(string(b)) {
		if !strings.HasPrefix(line, "#") {
			f := strings.Split(strings.TrimSpace(line), " | ")
			all[f[0]] = guard.Terms{Names: f[:1]}
			if len(f) > 1 {
				all[f[0]] = guard.Terms{Names: f[:1], Emails: f[1:2], Phones: f[2:3], UserIDs: f[3:4], HSAIDs: f[4:]}
			}
		}
	}
	return all
}

// at is the byte of a text at a line and column.
func at(body string, line, column int) int {
	off := 0
	for range line - 1 {
		off += strings.IndexByte(body[off:], '\n') + 1
	}
	for range column - 1 {
		_, n := utf8.DecodeRuneInString(body[off:])
		off += n
	}
	return off
}

// found returns the trace that holds a place, or -1.
func (d *document) found(line, column int) int {
	off := at(d.body, line, column)
	return slices.IndexFunc(d.traces, func(t trace) bool { return t.from <= off && off < t.to })
}

// kindOf is what a trace should be found as.
func kindOf(trace string) guard.Kind {
	first, _, _ := strings.Cut(trace, "-")
	kinds := map[string]guard.Kind{"email": guard.Email, "phone": guard.Phone, "user": guard.UserID, "hsa": guard.HSAID}
	if k, ok := kinds[first]; ok {
		return k
	}
	return guard.Name
}

// tally counts the traces of each kind, and those that were missed.
type tally map[string]*[2]int

func (c tally) add(kind string, missed bool) {
	if c[kind] == nil {
		c[kind] = new([2]int)
	}
	c[kind][0]++
	if missed {
		c[kind][1]++
	}
}

func (c tally) String() string {
	var b strings.Builder
	for _, k := range slices.Sorted(maps.Keys(c)) {
		fmt.Fprintf(&b, "%-18s %5d planted %4d missed\n", k, c[k][0], c[k][1])
	}
	return b.String()
}

// TestCorpus holds the bars over documents written by hand: no trace of a kind
// that the package comment promises is missed, each is found where it is and as
// what it is, nothing is found beside them, and fewer than one clean document in
// a hundred is alarmed at by anybody's terms, whether they are its author or not.
func TestCorpus(t *testing.T) {
	counts := tally{}
	clean, alarmed := 0, 0
	everybody := people(t)
	for _, d := range corpus(t) {
		if err := guard.CheckMedia(d.media, []byte(d.body)); err != nil {
			t.Errorf("%s: %v", d.file, err)
		}
		if _, ok := everybody[d.omitted]; !ok && d.omitted != "" {
			t.Fatalf("%s: nobody is called %s", d.file, d.omitted)
		}
		hits := make([]bool, len(d.traces))
		alarms := 0
		for who, terms := range everybody {
			if len(d.traces) > 0 && who != d.omitted {
				continue // a first name here is a last name there
			}
			for _, f := range guard.Check(terms, guard.Text{Field: d.field, Body: d.body}) {
				says(t, f, who)
				i := d.found(f.Line, f.Column)
				if i < 0 {
					alarms++
					t.Logf("%s: false alarm for %s: %v: %.60q", d.file, who, f, d.body[at(d.body, f.Line, f.Column):])
					continue
				}
				tr := d.traces[i]
				hits[i] = true
				if f.Field != d.field || !strings.HasPrefix(tr.kind, "?") && f.Kind != kindOf(tr.kind) {
					t.Errorf("%s: %q was found as %v", d.file, d.body[tr.from:tr.to], f)
				}
			}
		}
		for i, tr := range d.traces {
			if strings.Contains(tr.kind, "warn-") {
				continue
			}
			counts.add(tr.kind, !hits[i])
			if !hits[i] && !strings.HasPrefix(tr.kind, "?") {
				t.Errorf("%s: %s %q of %s is missed", d.file, tr.kind, d.body[tr.from:tr.to], d.omitted)
			}
		}
		switch {
		case len(d.traces) == 0:
			clean++
			alarmed += min(alarms, 1)
		case alarms > 0:
			t.Errorf("%s: %d findings beside its traces", d.file, alarms)
		}
	}
	t.Logf("traces by kind, those with ? outside the bar:\n%v", counts)
	t.Logf("%d of %d clean documents alarmed at", alarmed, clean)
	if clean < 100 || 100*alarmed >= clean {
		t.Errorf("%d of %d clean documents alarmed at", alarmed, clean)
	}
}

// says checks that a finding holds no part of a name.
func says(t *testing.T, f guard.Finding, who string) {
	t.Helper()
	all := strings.ToLower(fmt.Sprintf("%v %#v", f, f))
	words := strings.FieldsFunc(all, func(r rune) bool { return !unicode.IsLetter(r) })
	for part := range strings.FieldsSeq(strings.ToLower(who)) {
		if slices.Contains(words, part) {
			t.Errorf("a finding for %s says %q", who, all)
		}
	}
}

// TestReturns holds the bars of Warn over what is written without terms to
// search for: in returns and refusals every stated pattern is warned of where
// it is, and nothing else.
func TestReturns(t *testing.T) {
	counts := tally{}
	clean, beside := 0, 0
	for _, d := range corpus(t) {
		if !strings.HasPrefix(d.file, "retur-") {
			continue
		}
		hits := make([]string, len(d.traces))
		for _, w := range guard.Warn(guard.Text{Field: d.field, Body: d.body}) {
			if i := d.found(w.Line, w.Column); i >= 0 {
				hits[i] += " " + w.Kind.String()
				continue
			}
			beside++
			t.Errorf("%s: %v beside what is marked: %.60q", d.file, w, d.body[at(d.body, w.Line, w.Column):])
		}
		for i, tr := range d.traces {
			kind, promised := strings.CutPrefix(tr.kind, "warn-")
			missed := hits[i] == "" || promised && !strings.Contains(hits[i], kind)
			counts.add(tr.kind, missed)
			if missed && promised {
				t.Errorf("%s: %s %q is missed: %v", d.file, tr.kind, d.body[tr.from:tr.to], hits[i])
			}
		}
		if len(d.traces) == 0 {
			clean++
		}
	}
	t.Logf("patterns by kind, those with ? outside the bar:\n%v", counts)
	t.Logf("%d clean texts, %d warnings beside what is marked", clean, beside)
	if clean < 25 {
		t.Errorf("only %d clean texts", clean)
	}
}
