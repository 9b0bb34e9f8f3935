package main

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"sigill/keys/command"
	"sigill/scripts/authority"
	"sigill/server"
)

func try(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, talk bytes.Buffer
	code = run(t.Context(), args, strings.NewReader(""), &out, &talk)
	return code, out.String(), talk.String()
}

// TestTalk: what is asked for stands on standard output, what goes wrong on
// standard error, and the exit code tells them apart.
func TestTalk(t *testing.T) {
	if code, out, talk := try(t, "config"); code != 0 || out != server.Example || talk != "" {
		t.Error("config", code, talk)
	}
	if code, out, talk := try(t, "--version"); code != 0 || out != "sigilld version "+server.Version+"\n" || talk != "" {
		t.Error("version", code, out, talk)
	}
	mistyped := filepath.Join(t.TempDir(), "sigilld.yaml")
	if err := os.WriteFile(mistyped, []byte(strings.Replace(server.Example, "inbox_hours", "inbox_hour", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"serve"}, {"init"}, {"serve", "--config", "/none"}, {"serve", "--config", mistyped},
		{"init", "--config", mistyped}, {"serve", "--config", mistyped, "more"}, {"unknown"}, {"serve", "--passphrase", "x"}} {
		if code, out, talk := try(t, args...); code != 1 || out != "" || !strings.HasPrefix(talk, "sigilld: ") {
			t.Errorf("%v: %d %q %q", args, code, out, talk)
		}
	}
}

// TestHelp: every command shows how it is typed.
func TestHelp(t *testing.T) {
	n := 0
	command.Each(root(), func(c *cobra.Command) {
		name := strings.Fields(c.CommandPath())[1:]
		if len(name) > 0 && name[0] == "completion" { // cobra's own, which explains itself
			return
		}
		n++
		if code, out, _ := try(t, append(name, "--help")...); code != 0 || c.Short == "" || !strings.Contains(out, "Examples:\n  "+c.CommandPath()) {
			t.Errorf("%v --help: %d %s", name, code, out)
		}
	})
	if n != 12 {
		t.Errorf("%d commands", n)
	}
}

// TestUsage: what cannot be followed is answered with what is near it or how it is
// written; what was typed is not repeated.
func TestUsage(t *testing.T) {
	for args, want := range map[string]string{
		"srve":                          "there is no such command; did you mean sigilld serve?",
		"config chekc --config hemligt": "there is no flag --config here",
		"config hemligt":                "there is no such command\nHow the command is used: sigilld config --help\n",
		"serve hemligt --config x":      "the form is: sigilld serve [flags]\nHow the command is used: sigilld serve --help\n",
		"serve --confg x":               "there is no flag --confg here",
		"serve":                         "needed are --config\nHow the command is used: sigilld serve --help\n",
		"extract --store hemligt":       "needed are --decision, --gate-key, --out, --passphrase-file\nHow the command is used: sigilld extract --help\n",
		"serve --config":                "the flag --config needs a value",
		"help hemligt":                  "there is no such command",
		"help serev":                    "did you mean sigilld serve?",
		"man":                           "the form is: sigilld man DIR",
		"man /none/hemligt":             "no such file",
	} {
		code, out, talk := try(t, strings.Fields(args)...)
		if code != 1 || out != "" || !strings.Contains(talk, want) || strings.Contains(talk, "hemligt") {
			t.Errorf("%s: %d %s%s", args, code, out, talk)
		}
	}
}

// TestCompletion: commands, and the files that a flag takes.
func TestCompletion(t *testing.T) {
	for line, want := range map[string]string{"ser": "serve\t", "serve --config ": "yaml\nyml\n:8", "config ": "check\t", "man ": ":16", "init ": "--config\t"} {
		if code, out, _ := try(t, append([]string{"__complete"}, strings.Split(line, " ")...)...); code != 0 || !strings.Contains(out, want) {
			t.Errorf("%q: %d %q", line, code, out)
		}
	}
}

// TestAdvice: what stops a server is said in the words of the configuration, with what
// to do about it.
func TestAdvice(t *testing.T) {
	a, err := authority.Make(t.Context(), t.TempDir(), authority.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	text, err := os.ReadFile(filepath.Join(a.Dir, authority.ConfigFile))
	if err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(a.Dir, "other.yaml")
	for _, c := range []struct{ command, from, to, want string }{
		{"serve", string(text), "", "sigilld: configuration: the file is empty\nEvery key, explained: sigilld config\n"},
		{"config check", "data:", "dat:", ": field dat not found\nEvery key, explained: sigilld config\n"},
		{"init", "lifetime: ", "lifetime: 7 #", "into a time such as 12h\nEvery key, explained: sigilld config\n"},
		{"serve", "data: ", "data: none/", "make it with sigilld init\nWhat a server needs, and lacks: sigilld config check --config FILE\n"},
		{"init", "data: ", "data: ", "exists: the store stays as it is; for a new one let data name another directory\n"},
	} {
		changed := strings.Replace(string(text), c.from, c.to, 1)
		if err := os.WriteFile(other, []byte(changed), 0o600); err != nil {
			t.Fatal(err)
		}
		code, out, talk := try(t, append(strings.Fields(c.command), "--config", other)...)
		if code != 1 || out != "" || !strings.HasSuffix(talk, c.want) || strings.Contains(talk, "server.") {
			t.Errorf("%s with %s: %d %s%s", c.command, c.to, code, out, talk)
		}
	}
}

// TestRefused: a second init and an environment that would tell are refused.
func TestRefused(t *testing.T) {
	a, err := authority.Make(t.Context(), t.TempDir(), authority.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	config := filepath.Join(a.Dir, authority.ConfigFile)
	if code, _, talk := try(t, "init", "--config", config); code != 1 || !strings.Contains(talk, "exists") {
		t.Error("init over a store: ", code, talk)
	}
	t.Setenv("GODEBUG", "http2debug=2")
	if code, out, talk := try(t, "serve", "--config", config); code != 1 || out != "" || !strings.Contains(talk, "refusing to start") {
		t.Error("under http2debug: ", code, out, talk)
	}
	// It had closed its memory by then: to cores, and to others of the same user.
	if open, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0); err != nil || open != 0 {
		t.Error("memory and environment can be read: ", open, err)
	}
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 1, 0, 0, 0); err != nil {
		t.Error(err)
	}
}

// TestBinary: the built program serves, leaves no core, and ends with 0 on
// SIGTERM.
func TestBinary(t *testing.T) {
	bin := filepath.Join(t.TempDir(), "sigilld")
	if out, err := exec.Command("go", "build", "-o", bin, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	a, err := authority.Make(t.Context(), t.TempDir(), authority.Options{TLS: true})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	r, err := a.StartBinary(context.WithoutCancel(t.Context()), bin)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Publish(t.Context()); err != nil {
		t.Error(err)
	}
	limits, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(r.PID()), "limits"))
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(string(limits), "\n") {
		if strings.HasPrefix(line, "Max core file size") && strings.Join(strings.Fields(line)[4:6], " ") != "0 0" {
			t.Error(line)
		}
	}
	if err := r.Stop(); err != nil {
		t.Error("after SIGTERM: ", err)
	}
	if err := syscall.Kill(r.PID(), 0); err == nil {
		t.Error("still there")
	}
}

// TestWriteNew is C4 and C5: an existing file is refused and kept, a new one is
// its owner's, and nothing half-done stays.
func TestWriteNew(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "decision.extract")
	if err := writeNew(path, []byte("first")); err != nil {
		t.Fatal(err)
	}
	if err := writeNew(path, []byte("second")); !errors.Is(err, fs.ErrExist) {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatal(info.Mode(), err)
	}
	if b, err := os.ReadFile(path); err != nil || string(b) != "first" {
		t.Fatal(string(b), err)
	}
	if all, err := os.ReadDir(dir); err != nil || len(all) != 1 {
		t.Fatal(all, err)
	}
	if code, out, talk := try(t, "extract", "--store", path, "--gate-key", path, "--passphrase-file", path, "--decision", "x"); code != 1 || out != "" || !strings.Contains(talk, "out") {
		t.Error(code, out, talk)
	}
}
