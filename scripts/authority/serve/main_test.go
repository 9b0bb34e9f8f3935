package main

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"sigill/scripts/made"
)

// TestSandbox starts the script from another directory, sources a line that it
// prints, takes steps of README's tour, and ends it by its process id.
func TestSandbox(t *testing.T) {
	root, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	made.From(t, "sigill/client/cmd/sigill", "sigill/server/cmd/sigilld", "sigill/scripts/authority/serve")
	work := filepath.Join(t.TempDir(), "it's here")
	if err := os.Mkdir(work, 0o700); err != nil {
		t.Fatal(err)
	}
	sandbox := exec.Command("bash", filepath.Join(root, "scripts", "sandbox"), "house")
	var talk bytes.Buffer
	sandbox.Dir, sandbox.Stderr = work, &talk
	out, err := sandbox.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := sandbox.Start(); err != nil {
		t.Fatal(err)
	}
	ended := false
	defer func() {
		if !ended {
			_ = sandbox.Process.Signal(syscall.SIGTERM)
			_ = sandbox.Wait()
		}
	}()
	lines := bufio.NewReader(out)
	asa, direktor, log := "", "", ""
	for line := ""; !strings.HasPrefix(line, "End with ctrl-C"); {
		if line, err = lines.ReadString('\n'); err != nil {
			t.Fatalf("the sandbox ended: %v: %s", err, talk.String())
		}
		if strings.Contains(line, "as-asa") {
			asa = line
		}
		if strings.Contains(line, "as-direktor") {
			direktor = line
		}
		if _, after, found := strings.Cut(line, "log is given out at "); found {
			log = strings.TrimSuffix(after, ".\n")
		}
	}
	if r, err := http.Get(log + "/checkpoint"); err != nil {
		t.Error("the log: ", err)
	} else if r.Body.Close(); r.StatusCode != http.StatusOK {
		t.Error("the log: ", r.Status)
	}
	shell := func(script string) string {
		t.Helper()
		cmd := exec.Command("bash", "-euc", script)
		cmd.Dir, cmd.Env = work, append(os.Environ(), "PATH="+filepath.Join(root, "bin")+":"+os.Getenv("PATH"), "CHECKOUT="+root)
		out, err := cmd.Output()
		if err != nil {
			exit := (*exec.ExitError)(nil)
			errors.As(err, &exit)
			t.Fatalf("%s: %v: %s", script, err, exit.Stderr)
		}
		return string(out)
	}
	if s := shell(asa + "cp -r \"$CHECKOUT/scripts/story/beslut\" \"$(mktemp -d -p .)\" && cd \"$_\"\nsigill draft submit beslut\nsigill draft list\n"); !strings.Contains(s, "SN2026-00417") {
		t.Errorf("the caseworker's list: %s", s)
	}
	if s := shell(direktor + "sigill inbox\n"); !strings.Contains(s, "Boendestöd") {
		t.Errorf("the director's inbox: %s", s)
	}
	if err := sandbox.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, lines); err != nil {
		t.Error(err)
	}
	ended = true
	if err := sandbox.Wait(); err != nil || talk.Len() > 0 {
		t.Errorf("ended with %v: %s", err, talk.String())
	}
	if _, err := os.Stat(filepath.Join(work, "house", "data", "store.db")); err != nil {
		t.Error("what it wrote is gone", err)
	}
}

// TestRefused: a directory that is not empty is named and left alone; what a
// start that failed made is removed.
func TestRefused(t *testing.T) {
	dir := t.TempDir()
	full := filepath.Join(dir, "full")
	if err := errors.Join(os.Mkdir(full, 0o700), os.WriteFile(filepath.Join(full, "kept"), nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{full}, 1, full},
		{[]string{filepath.Join(dir, "new")}, 1, "did not start"},
		{nil, 1, "usage"},
		{[]string{"--dir"}, 1, "usage"},
		{[]string{"--help"}, 0, ""},
	} {
		var out, talk bytes.Buffer
		if code := run(t.Context(), append([]string{"/bin/false"}, c.args...), &out, &talk); code != c.code || !strings.Contains(talk.String(), c.says) || out.Len() > 0 && code != 0 {
			t.Errorf("%q: exit %d: %s%s", c.args, code, out.String(), talk.String())
		}
		if list, err := os.ReadDir(dir); err != nil || len(list) != 1 {
			t.Errorf("%q left something", c.args)
		}
	}
}
