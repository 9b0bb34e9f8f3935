package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestVerifyKinds: a file that verify does not take is said to be none that it does and,
// if it is one of ours, what takes it. Nothing is printed of it, and the exit code is
// that of what does not hold.
func TestVerifyKinds(t *testing.T) {
	r := ward(t, false)
	as(t, r, "domstol")
	dir := t.TempDir()
	state := filepath.Join(dir, "logg.json")
	var out, talk bytes.Buffer
	if code := run(context.Background(), []string{"log", "monitor", r.Log, "--state", state, "--once"}, strings.NewReader(""), &out, &talk); code != exitOK {
		t.Fatal(talk.String())
	}
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	tests := filepath.Join("..", "..", "..", "keys")
	seen := map[string]bool{}
	for path, kind := range map[string]string{
		filepath.Join(r.Dir, "keys", "log.age"):          "key",
		filepath.Join(r.Dir, "keys", "log.age.pub.json"): "key",
		filepath.Join(r.Dir, "trust.json"):               "trust",
		filepath.Join(r.Dir, "data", "checkpoint"):       "checkpoint",
		state: "memory",
		filepath.Join(tests, "proof", "testdata", "five-of-nine.tlog-proof"): "checkpoint",
		filepath.Join(tests, "proof", "testdata", "quiet.day"):               "day",
		filepath.Join(tests, "opening", "testdata", "package.json"):          "package",
		write("signed", `{"signatures":[],"typ":"sigill-signed-document"}`):  "document",
		write("text", "hemligt\n"):                                           "",
		write("empty", ""):                                                   "",
		write("json", `{"decision":"hemligt"}`):                              "",
	} {
		seen[kind] = true
		for lang, w := range languages {
			out.Reset()
			talk.Reset()
			code := run(context.Background(), []string{"verify", path, "--lang", lang}, strings.NewReader(""), &out, &talk)
			want := w.kinds[kind]
			if code != exitUnverified || out.Len() > 0 || want.what == "" || !strings.Contains(talk.String(), want.what+"\n") || !strings.Contains(talk.String(), want.do) ||
				strings.Contains(talk.String(), "hemligt") {
				t.Errorf("%s, %s: %d %s%s", filepath.Base(path), lang, code, out.String(), talk.String())
			}
		}
	}
	for kind := range swedish.kinds {
		if !seen[kind] {
			t.Errorf("%q was not tried", kind)
		}
	}
}
