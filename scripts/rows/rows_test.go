package rows

import (
	_ "embed"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

//go:embed rows.txt
var rows string

//go:embed reasons.txt
var reasons string

// read is a list of lines, each a code and what is said of it.
func read(t *testing.T, list string) map[string]string {
	t.Helper()
	out, last := map[string]string{}, ""
	for line := range strings.Lines(list) {
		code, text, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		if !regexp.MustCompile(`^[JGSEDCL][0-9]{2}$`).MatchString(code) || text == "" || out[code] != "" {
			t.Errorf("no line of a list: %q", line)
		}
		if last != "" && last[0] == code[0] && last >= code {
			t.Errorf("%s stands after %s", code, last)
		}
		out[code], last = text, code
	}
	return out
}

// tests are the names of tests that bear a code, by code.
func tests(t *testing.T, root string) map[string][]string {
	t.Helper()
	named := regexp.MustCompile(`(?m)^func (Test([A-Z][0-9]{1,2})_?\w*)\(\w+ \*testing\.T\)`)
	out := map[string][]string{}
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(p, "_test.go") {
			return err
		}
		src, err := os.ReadFile(p)
		for _, m := range named.FindAllStringSubmatch(string(src), -1) {
			out[m[2]] = append(out[m[2]], p+" "+m[1])
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// unproved lists what is wrong between rows, tests and reasons.
func unproved(rows, reasons map[string]string, tests map[string][]string) (wrong []string) {
	for code, what := range rows {
		switch tested, excused := len(tests[code]) > 0, reasons[code] != ""; {
		case !tested && !excused:
			wrong = append(wrong, code+" has neither a test nor a reason: "+what)
		case tested && excused:
			wrong = append(wrong, code+" has a reason to have no test, and a test")
		}
	}
	for code := range reasons {
		if rows[code] == "" {
			wrong = append(wrong, code+" has a reason and is no row")
		}
	}
	for code, names := range tests {
		if rows[code] == "" {
			wrong = append(wrong, code+" is no row, but "+strings.Join(names, " and ")+" bears its code")
		}
		for _, name := range names {
			if !strings.Contains(name, "Test"+code+"_") {
				wrong = append(wrong, name+" has no word after its code")
			}
		}
	}
	slices.Sort(wrong)
	return wrong
}

func TestEveryRow(t *testing.T) {
	all := read(t, rows)
	for _, w := range unproved(all, read(t, reasons), tests(t, filepath.Join("..", ".."))) {
		t.Error(w)
	}
	want := map[byte]int{'J': 30, 'G': 25, 'S': 17, 'E': 18, 'D': 15, 'C': 10, 'L': 16}
	got := map[byte]int{}
	for code := range all {
		got[code[0]]++
	}
	if !maps.Equal(got, want) {
		t.Errorf("rows by letter: %v", got)
	}
}

// TestFinds: each kind of gap is found.
func TestFinds(t *testing.T) {
	rows := map[string]string{"J01": "x", "J02": "y", "J03": "z"}
	got := unproved(rows, map[string]string{"J02": "why", "J09": "why"},
		map[string][]string{"J02": {"a TestJ02_b"}, "J03": {"a TestJ03"}, "K01": {"a TestK01_c"}})
	want := []string{"J01 has neither a test nor a reason: x", "J02 has a reason to have no test, and a test", "J09 has a reason and is no row",
		"K01 is no row, but a TestK01_c bears its code", "a TestJ03 has no word after its code"}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}
