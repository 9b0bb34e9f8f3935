package proto_test

import (
	"bytes"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"
)

// What of SPEC.md can be held by a machine: that every section which the code
// refers to is there, that every file which it names exists, and that every word
// of the formats that the code spells out stands in it.

var (
	heading   = regexp.MustCompile(`(?m)^#+ (.+)$`)
	link      = regexp.MustCompile(`\]\(#([^)]+)\)`)
	quoted    = regexp.MustCompile("`([^`\n]+)`")
	comment   = regexp.MustCompile(`\s*\n[ \t]*(?://|#|\*)?[ \t]*`)
	reference = regexp.MustCompile(`SPEC\.md(?: alone)?,? \(?((?:"[A-Z][^"]*"(?:, | and )?)+)`)
	name      = regexp.MustCompile(`"([^"]+)"`)
)

// words are what the formats are made of, where the code spells it out.
var words = []struct {
	what, under string
	form        *regexp.Regexp
}{
	{"typ", "keys", regexp.MustCompile(`"(sigill-[a-z-]+(?:\+jw[st])?)"`)},
	{"typ", "client", regexp.MustCompile(`"(sigill-[a-z-]+(?:\+jw[st])?)"`)},
	{"label", "keys", regexp.MustCompile(`"(sigill [a-z ]+ v\d+)"`)},
	{"label", "server", regexp.MustCompile(`"(sigill [a-z ]+ v\d+)"`)},
	{"reason", "server", regexp.MustCompile(`\n\tReason\w+ += "([A-Z_]+)"`)},
	{"room", "server", regexp.MustCompile(`Room += "([a-z-]+)"`)},
}

func spec(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile("SPEC.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// source calls f with every file of the repository that is somebody's text.
func source(t *testing.T, under string, f func(path string, data []byte)) {
	t.Helper()
	root := os.DirFS("..")
	err := fs.WalkDir(root, under, func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == ".git" || d.Name() == "node_modules" || d.Name() == "bin"):
			return fs.SkipDir
		case d.IsDir() || !slices.Contains([]string{".go", ".proto", ".md", ".mjs", ".py", ".txt", ".yaml"}, path.Ext(p)):
			return nil
		}
		b, err := fs.ReadFile(root, p)
		if err == nil {
			f(p, b)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestSpecReferences(t *testing.T) {
	headings := map[string]bool{}
	for _, m := range heading.FindAllStringSubmatch(spec(t), -1) {
		headings[m[1]] = true
	}
	found := 0
	source(t, ".", func(p string, data []byte) {
		if p == "proto/SPEC.md" || p == "proto/spec_test.go" {
			return
		}
		text := comment.ReplaceAll(data, []byte(" "))
		for _, m := range reference.FindAllSubmatch(text, -1) {
			for _, n := range name.FindAllSubmatch(m[1], -1) {
				found++
				if !headings[string(n[1])] {
					t.Errorf("%s refers to SPEC.md, %q, which is no heading", p, n[1])
				}
			}
		}
	})
	if found < 30 {
		t.Errorf("found only %d references", found)
	}
}

func TestSpecLinks(t *testing.T) {
	anchors := map[string]bool{}
	for _, m := range heading.FindAllStringSubmatch(spec(t), -1) {
		a := strings.Map(func(r rune) rune {
			switch r = unicode.ToLower(r); {
			case r == ' ':
				return '-'
			case unicode.IsLetter(r) || unicode.IsDigit(r) || r == '-' || r == '_':
				return r
			}
			return -1
		}, m[1])
		if anchors[a] {
			t.Errorf("two headings %q", m[1])
		}
		anchors[a] = true
	}
	for _, m := range link.FindAllStringSubmatch(spec(t), -1) {
		if !anchors[m[1]] {
			t.Errorf("a link to #%s, which is no heading", m[1])
		}
	}
}

// TestSpecFiles: a name without a folder is in the folder named before it on the
// same line.
func TestSpecFiles(t *testing.T) {
	found := 0
	for line := range strings.Lines(spec(t)) {
		dir := ""
		for _, m := range quoted.FindAllStringSubmatch(line, -1) {
			p := m[1]
			first, _, deep := strings.Cut(p, "/")
			switch {
			case deep && slices.Contains([]string{"client", "keys", "proto", "scripts", "server"}, first):
				dir = path.Dir(p)
			case !deep && dir != "" && regexp.MustCompile(`^[a-z][a-z0-9-]*(\.[a-z0-9-]+)+$`).MatchString(p):
				p = path.Join(dir, p)
			default:
				continue
			}
			found++
			files, err := filepath.Glob(filepath.Join("..", filepath.FromSlash(p)))
			if err != nil || len(files) == 0 {
				t.Errorf("SPEC.md names %s, which does not exist", p)
			}
		}
	}
	if found < 40 {
		t.Errorf("found only %d files", found)
	}
}

func TestSpecWords(t *testing.T) {
	text := spec(t)
	for _, w := range words {
		found := 0
		source(t, w.under, func(p string, data []byte) {
			if strings.HasSuffix(p, "_test.go") || path.Ext(p) != ".go" || bytes.Contains(data, []byte(`"testing"`)) {
				return
			}
			for _, m := range w.form.FindAllSubmatch(data, -1) {
				found++
				if !regexp.MustCompile(`(^|[^a-zA-Z0-9_-])` + regexp.QuoteMeta(string(m[1])) + `($|[^a-zA-Z0-9_-])`).MatchString(text) {
					t.Errorf("the %s %q of %s does not stand in SPEC.md", w.what, m[1], p)
				}
			}
		})
		if found == 0 {
			t.Errorf("found no %s under %s", w.what, w.under)
		}
	}
}

// rowsOf are the rows that SPEC.md describes by numbered members, by the type
// that the code encodes: a room, and the part of it if it has parts.
var rowsOf = map[string]string{
	"matterRow": "matter/m", "draftRow": "matter/d", "inboxRow": "inbox", "shownRow": "still-shown", "decisionRow": "decision/d", "boxesRow": "matter/s", "caseRow": "case", "requestRow": "request",
	"owedRow": "owed", "documentRow": "order", "openingRow": "opening", "Event": "trail", "AuthorEvent": "trail-author", "AccountRow": "account",
}

func TestSpecRows(t *testing.T) {
	row := regexp.MustCompile("(?m)^\\| `([a-z-]+)`[^|]*\\|(?:[^|]* ‖ `([a-z])` \\|)?.*$")
	described := map[string]string{}
	_, rooms, _ := strings.Cut(spec(t), "\n### Rooms and rows\n")
	rooms, _, _ = strings.Cut(rooms, "\n## ")
	for _, m := range row.FindAllStringSubmatch(rooms, -1) {
		at := strings.TrimSuffix(m[1]+"/"+m[2], "/")
		if _, ok := described[at]; !ok {
			described[at] = m[0]
		}
	}
	member := regexp.MustCompile(`cbor:"(\d+),keyasint"`)
	types := regexp.MustCompile(`(?s)\ntype (\w+) struct \{(.*?)\n\}`)
	found := 0
	source(t, "server", func(p string, data []byte) {
		for _, m := range types.FindAllSubmatch(data, -1) {
			text, ok := described[rowsOf[string(m[1])]]
			if !ok || !member.Match(m[2]) {
				continue
			}
			found++
			for i := range len(member.FindAll(m[2], -1)) + 1 {
				has := regexp.MustCompile(`[ (|,]` + strconv.Itoa(i) + ` [A-Za-z]`).MatchString(text)
				if last := i == len(member.FindAll(m[2], -1)); i > 0 && !has {
					t.Errorf("member %d of %s in %s does not stand in SPEC.md", i, m[1], p)
				} else if next := strconv.Itoa(i + 1); last && regexp.MustCompile(`, `+next+` [a-z]`).MatchString(text) {
					t.Errorf("SPEC.md gives %s a member %s that %s has not", m[1], next, p)
				}
			}
		}
	})
	if found != len(rowsOf) {
		t.Errorf("found %d of %d types", found, len(rowsOf))
	}
}
