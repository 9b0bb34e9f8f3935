package e2e

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// built runs a built program in a folder, with little around it.
func built(t *testing.T, dir string, env []string, name string, args ...string) string {
	t.Helper()
	c := exec.Command(name, args...)
	c.Dir, c.Env = dir, append([]string{"PATH=" + programs + string(os.PathListSeparator) + os.Getenv("PATH"), "HOME=" + dir}, env...)
	var out, talk bytes.Buffer
	c.Stdout, c.Stderr = &out, &talk
	if err := c.Run(); err != nil || talk.Len() > 0 {
		t.Fatalf("%s %v: %v\n%s%s", name, args, err, out.String(), talk.String())
	}
	return out.String()
}

func program(name string) string { return filepath.Join(programs, name) }

// TestManualPages: both programs write a page for each command, the same bytes
// whenever they do, with which a strict reader of pages finds nothing wrong.
func TestManualPages(t *testing.T) {
	dirs := []string{t.TempDir(), t.TempDir()}
	for i, dir := range dirs {
		env := [][]string{{"TZ=Pacific/Kiritimati", "SOURCE_DATE_EPOCH=0"}, {"SIGILL_LANG=en"}}[i]
		built(t, dir, env, program("sigill"), "man", dir)
		built(t, dir, env, program("sigilld"), "man", ".")
	}
	pages, err := filepath.Glob(filepath.Join(dirs[0], "*.[18]"))
	if err != nil || len(pages) < 60 {
		t.Fatal(len(pages), err)
	}
	have := map[string]bool{}
	for _, page := range pages {
		one, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		other, err := os.ReadFile(filepath.Join(dirs[1], filepath.Base(page)))
		if err != nil || !bytes.Equal(one, other) {
			t.Errorf("%s: written twice, and different: %v", page, err)
		}
		have[filepath.Base(page)] = true
	}
	for _, page := range pages { // what is referred to is there
		b, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		_, also, _ := strings.Cut(string(b), ".SH SEE ALSO")
		for _, m := range regexp.MustCompile(`\\fB([a-z-]+)\(([18])\)`).FindAllStringSubmatch(strings.ReplaceAll(also, `\-`, "-"), -1) {
			if !have[m[1]+"."+m[2]] {
				t.Errorf("%s refers to %s(%s)", filepath.Base(page), m[1], m[2])
			}
		}
	}
	if out, err := exec.Command("mandoc", append([]string{"-T", "lint", "-W", "warning"}, pages...)...).CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("mandoc: %v\n%s", err, out)
	}
	text := built(t, dirs[0], nil, "mandoc", "-T", "ascii", "-I", "os=x", "sigill.1")
	text = regexp.MustCompile(".\b").ReplaceAllString(text, "")
	for code, says := range []string{"Done", "Something here is wrong", "The server said no", "Verification failed", "It cannot be told", "not for this key", "did not do what"} {
		if !regexp.MustCompile(fmt.Sprintf(`(?s)EXIT STATUS.*\n +%d +[^\n]*%s.*\nOPTIONS`, code, says)).MatchString(text) {
			t.Errorf("sigill(1) does not say what %d is:\n%s", code, text)
		}
	}
	for _, name := range []string{"sigill", "sigilld"} {
		if c := exec.Command(program(name), "man", filepath.Join(dirs[0], "none")); c.Run() == nil || c.ProcessState.ExitCode() != 1 {
			t.Errorf("%s: a directory that is not there: exit %d", name, c.ProcessState.ExitCode())
		}
	}
	if one, other := built(t, dirs[0], nil, program("sigill"), "--version"), built(t, dirs[0], nil, program("sigilld"), "--version"); strings.TrimPrefix(one, "sigill ") != strings.TrimPrefix(other, "sigilld ") {
		t.Errorf("two versions: %s%s", one, other)
	}
}

// TestBash: the completion script is one that bash takes, and what it offers is what
// the program says, files by their extension among them.
func TestBash(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"decision.sigill", "other.txt", "trust.json", "director.age"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"sigill", "sigilld"} {
		for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
			script := built(t, dir, nil, program(name), "completion", shell)
			if !strings.Contains(script, name) {
				t.Errorf("%s completion %s: %s", name, shell, script)
			}
			if err := os.WriteFile(filepath.Join(dir, name+"."+shell), []byte(script), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		built(t, dir, nil, "bash", "-n", name+".bash")
	}
	for line, want := range map[string]string{
		"sigill verif":                    "verify",
		"sigill verify ":                  "decision.sigill trust.json",
		"sigill sign x --key ":            "director.age",
		"sigill keys new revie":           "reviewer",
		"sigill request --ground COURT_O": "COURT_ORDER COURT_ORDER_ON_REFUSAL",
		"sigill inbox -o js":              "json",
		"sigilld conf":                    "config",
	} {
		name, _, _ := strings.Cut(line, " ")
		got := built(t, dir, []string{"LINE=" + line, "NAME=" + name}, "bash", "--norc", "-c", `
. /usr/share/bash-completion/bash_completion
. "./$NAME.bash"
COMP_LINE=$LINE COMP_POINT=${#LINE} COMP_TYPE=9 COMP_KEY=9
read -ra COMP_WORDS <<<"$LINE"
[ "${LINE% }" = "$LINE" ] || COMP_WORDS+=("")
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
compopt() { :; }
"__start_$NAME"
printf '%s\n' "${COMPREPLY[@]}" | sed 's/ *$//' | sort -u | tr '\n' ' '`)
		if strings.TrimSpace(got) != want {
			t.Errorf("%q: %q, want %q", line, got, want)
		}
	}
}
