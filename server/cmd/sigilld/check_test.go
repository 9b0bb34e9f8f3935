package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sigill/scripts/authority"
)

// files are the names, sizes and times of what lies in a folder.
func files(t *testing.T, dir string) string {
	t.Helper()
	var out strings.Builder
	err := filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if err == nil {
			out.WriteString(path + info.ModTime().String() + "\n")
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// TestConfigCheck: a line for each thing that a server needs; whatever is wrong is
// named, by what is to be mended, and nothing is changed.
func TestConfigCheck(t *testing.T) {
	a, err := authority.Make(t.Context(), t.TempDir(), authority.Options{TLS: true})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	config := filepath.Join(a.Dir, authority.ConfigFile)
	before := files(t, a.Dir)
	code, out, talk := try(t, "config", "check", "--config", config)
	if code != 0 || talk != "" || strings.Count(out, "\n") != 9 || strings.Count("\n"+out, "\nok    ") != 9 {
		t.Fatalf("%d\n%s%s", code, out, talk)
	}
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	if code, out, talk := try(t, "config", "check", "--config", config, "-o", "xml"); code != 1 || out != "" || !strings.Contains(talk, "table or json") {
		t.Errorf("%d\n%s%s", code, out, talk)
	}
	in := func(from, to string) func(*testing.T) {
		return func(t *testing.T) {
			changed := strings.Replace(string(text), from, to, 1)
			if changed == string(text) {
				t.Fatalf("the configuration has no %q", from)
			}
			if err := os.WriteFile(config, []byte(changed), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	for want, wrong := range map[string]func(*testing.T){
		"environment":                       func(t *testing.T) { t.Setenv("GODEBUG", "http2debug=2") },
		"trust file":                        in("trust.json", "none.json"),
		"keys":                              in("passphrase_file: keys/passphrase", "passphrase_file: keys/none"),
		"store":                             in("data: data", "data: elsewhere"),
		"tls":                               in("key: tls", "key: none"),
		"provider Utvecklingens inloggning": in("audience: ", "audience: x"),
		"keys of Utvecklingens inloggning":  in("/jwks", "/nothing"),
	} {
		t.Run(want, func(t *testing.T) {
			wrong(t)
			defer os.WriteFile(config, text, 0o600)
			code, out, talk := try(t, "config", "check", "--config", config)
			if code != 1 || !strings.Contains("\n"+out, "\nfail  "+want+" ") || strings.Count("\n"+out, "\nfail  ") != 1 || !strings.HasPrefix(talk, "sigilld: 1 of the above") {
				t.Errorf("%d\n%s%s", code, out, talk)
			}
			var list []finding
			if code, out, _ := try(t, "config", "check", "--config", config, "-o", "json"); code != 1 || json.Unmarshal([]byte(out), &list) != nil ||
				!slices.ContainsFunc(list, func(f finding) bool { return f.Check == want && f.State == "fail" && f.Note != "" }) {
				t.Errorf("as JSON: %d\n%s", code, out)
			}
		})
	}
	if err := os.WriteFile(config, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if after := files(t, filepath.Join(a.Dir, "data")); !strings.Contains(before, after) {
		t.Errorf("the store was touched:\n%s\n%s", before, after)
	}
	r, err := a.Start(context.WithoutCancel(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Stop()
	if code, out, talk := try(t, "config", "check", "--config", config); code != 0 || !regexp.MustCompile(`(?m)^ok    store +in use by a server$`).MatchString(out) {
		t.Errorf("%d\n%s%s", code, out, talk)
	}
	if err := r.Publish(t.Context()); err != nil {
		t.Error("the server was disturbed: ", err)
	}
}
