package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"sigill/keys/guard"
	"sigill/scripts/made"
)

// script is scripts/demo, which the tests run from directories of their own.
func script(t *testing.T) string {
	t.Helper()
	path, err := filepath.Abs("../../demo")
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// shell runs scripts/demo in a directory.
func shell(t *testing.T, dir string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	made.From(t, "sigill/server/cmd/sigilld", "sigill/scripts/story/play")
	cmd := exec.CommandContext(t.Context(), "bash", append([]string{script(t)}, args...)...)
	var out, talk bytes.Buffer
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &out, &talk
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), out.String(), talk.String()
}

// sigill builds the client.
func sigill(t *testing.T) string {
	t.Helper()
	made.From(t, "sigill/client/cmd/sigill")
	bin := filepath.Join(t.TempDir(), "sigill")
	if out, err := exec.Command("go", "build", "-o", bin, "sigill/client/cmd/sigill").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return bin
}

func get(t *testing.T, dir, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil || len(b) == 0 {
		t.Fatalf("%s is not there, or empty: %v", name, err)
	}
	return b
}

// TestDemo runs the script as README says, from another directory: a line for
// each step, and every file that it promises, in its shape.
func TestDemo(t *testing.T) {
	work := t.TempDir()
	code, out, talk := shell(t, work, "--dir", "beslut")
	if code != 0 || talk != "" {
		t.Fatalf("exit %d: %s%s", code, out, talk)
	}
	steps := holdLines(t, out)
	for _, word := range []string{"Nycklar", "bevakar loggen som vittne", "igång", "Nämnden har beslutat", "nämner den som skrev", "förseglat", "återsänt", "Version 2", "avvikande mening",
		"Kontrasignerat", "väntar på vittnet", "beslutet är bevittnat", "Expedierat", "Kontrollerat utan nät", "En ändrad byte", "avslås helt", "begär fyra uppgifter", "öppnar ingenting förrän", "lämnar ut tre",
		"sigilld check hittar det: decision: a decision's row is missing or cannot be read, decision B-", "allt som det skrevs: green: ",
		"Domstolen öppnar", "ser vem som fick uppgiften", "loggen till dess löften: 3 kvitton", "lagret kopieras", "utan anmärkning", "servern vägrar", "har blivit kortare", "samma nummer, B-2", "två historier"} {
		if !strings.Contains(out, word) {
			t.Errorf("no line says %q", word)
		}
	}
	if steps != 40 {
		t.Errorf("%d lines", steps)
	}
	dir := filepath.Join(work, "beslut")
	get(t, dir, "data/store.db")
	get(t, dir, "log/sigilld.log")
	get(t, dir, "opened.txt")
	me := holdAuthor(t, dir)
	holdKeys(t, dir)
	var opened struct {
		Typ     string `json:"typ"`
		Granted []any  `json:"granted"`
	}
	if b := get(t, dir, "opened.json"); json.Unmarshal(b, &opened) != nil || len(opened.Granted) != 3 || !bytes.Contains(b, []byte(me["name"])) {
		t.Error("opened.json is no opening protocol of this author")
	}
	bin := sigill(t)
	holdVerified(t, bin, dir, me["name"])
	found, err := filepath.Glob(filepath.Join(dir, "monitor", "logg.fork-*.json"))
	if err != nil || len(found) != 1 {
		t.Fatalf("evidence: %q, %v", found, err)
	}
	cmd := exec.Command(bin, "verify", found[0], "--trust", filepath.Join(dir, "trust.json"), "--lang", "en")
	if said, err := cmd.Output(); err == nil || cmd.ProcessState.ExitCode() != 6 || !bytes.Contains(said, []byte("signed two histories")) {
		t.Errorf("sigill verify of the evidence: %v: %s", err, said)
	}
	if left, err := os.ReadDir(filepath.Join(dir, "monitor")); err != nil || len(left) != 3 {
		t.Errorf("beside the monitor lies %v: %v", left, err)
	}
}

// holdLines holds that every step is one line with the next number.
func holdLines(t *testing.T, out string) (n int) {
	t.Helper()
	lines := strings.Split(strings.TrimSuffix(out, "\n"), "\n")
	numbered := regexp.MustCompile(`^ ?([0-9]+)  \S`)
	for _, line := range lines[1 : len(lines)-1] {
		n++
		if m := numbered.FindStringSubmatch(line); m == nil || m[1] != strconv.Itoa(n) {
			t.Errorf("line %d is %q", n, line)
		}
	}
	if !strings.HasPrefix(lines[0], "Bygger") || !strings.HasPrefix(lines[len(lines)-1], "Klart på ") {
		t.Errorf("begins %q, ends %q", lines[0], lines[len(lines)-1])
	}
	return n
}

// holdAuthor holds that author.json is six texts and nothing else.
func holdAuthor(t *testing.T, dir string) map[string]string {
	t.Helper()
	var me map[string]string
	if err := json.Unmarshal(get(t, dir, "author.json"), &me); err != nil || len(me) != 6 {
		t.Fatalf("author.json: %d members: %v", len(me), err)
	}
	for _, name := range []string{"issuer", "subject", "name", "email", "phone", "token"} {
		if me[name] == "" {
			t.Errorf("author.json has no %s", name)
		}
	}
	return me
}

// holdKeys holds that jwks.json is a set of public keys.
func holdKeys(t *testing.T, dir string) {
	t.Helper()
	var set struct {
		Keys []map[string]string `json:"keys"`
	}
	if err := json.Unmarshal(get(t, dir, "jwks.json"), &set); err != nil || len(set.Keys) < 8 {
		t.Fatalf("jwks.json: %d keys: %v", len(set.Keys), err)
	}
	for _, k := range set.Keys {
		if k["kty"] == "" || k["kid"] == "" || k["x"] == "" || k["use"] != "sig" || k["d"] != "" {
			t.Errorf("jwks.json: a key with the members of no public key: %s", k["kid"])
		}
	}
}

// holdVerified holds that the built client accepts the decision by the trust file
// that lies beside it, and that it does not name its author.
func holdVerified(t *testing.T, bin, dir, name string) {
	t.Helper()
	cmd := exec.Command(bin, "verify", "decision.sigill", "--trust", "trust.json", "-o", "json")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil || !bytes.Contains(out, []byte(`"valid": true`)) {
		t.Errorf("sigill verify: %v: %s", err, out)
	}
	if bytes.Contains(get(t, dir, "decision.sigill"), []byte(name)) {
		t.Error("the decision names its author")
	}
}

// TestInputs runs the script on three texts by three authors.
func TestInputs(t *testing.T) {
	work, bin := t.TempDir(), sigill(t)
	for i, in := range []struct{ author, file, content, says string }{
		{"Sten Berg", "brev.txt", "\ufeffHej!\r\n\r\nAnsökan beviljas.", "saknades är tillagt"},
		{"Per-Åke O'Brien af Ängslycka", "the decision.md", "# Decision\n\nGranted by Per-Åke O'Brien.\n", "saknades är tillagt"},
		{"Björn Lind", "sida.md", "<p>Ja.</p>\n\n## Beslut\n\nJa.\n\n## Skäl\n\nBehov.\n\n## Överklagande\n\nInom tre veckor.\n", "ren text"},
	} {
		if err := os.WriteFile(filepath.Join(work, in.file), []byte(in.content), 0o600); err != nil {
			t.Fatal(err)
		}
		dir := fmt.Sprint("beslut ", i)
		code, out, talk := shell(t, work, "--input", in.file, "--author", in.author, "--dir", dir)
		if code != 0 || talk != "" || !strings.Contains(out, in.says) || !strings.Contains(out, "nämner den som skrev det (rad ") {
			t.Fatalf("%s: exit %d: %s%s", in.file, code, out, talk)
		}
		holdLines(t, out)
		dir = filepath.Join(work, dir)
		if me := holdAuthor(t, dir); me["name"] != in.author {
			t.Errorf("%s drafted instead of %s", me["name"], in.author)
		}
		holdVerified(t, bin, dir, in.author)
	}
}

// TestHelp: help is asked for, and shows what the script takes.
func TestHelp(t *testing.T) {
	for _, word := range []string{"--help", "-h"} {
		code, out, talk := shell(t, t.TempDir(), word)
		if code != 0 || talk != "" || !strings.Contains(out, "--author NAMN") || strings.Contains(out, "sigilld") {
			t.Errorf("%s: exit %d: %s%s", word, code, out, talk)
		}
	}
}

// TestRefused: what cannot be played ends with one line and exit code 1, and
// nothing is made; what was there is left alone.
func TestRefused(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	for name, content := range map[string]string{"full/kept": "kept", "empty.md": "", "big.md": strings.Repeat("a", guard.MaxContent+1),
		"wide.md": "\xff\xfeJ\x00a\x00", "bin": "\x7fELF\x00"} {
		if err := os.MkdirAll(filepath.Dir(at(name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at(name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		args []string
		says string
	}{
		{[]string{"--dir", at("full")}, at("full")},
		{[]string{"--dir", at("empty.md")}, at("empty.md")},
		{[]string{"--dir", at("new"), "--input", at("empty.md")}, "tom"},
		{[]string{"--dir", at("new"), "--input", at("big.md")}, "1 MiB"},
		{[]string{"--dir", at("new"), "--input", at("wide.md")}, "UTF-16"},
		{[]string{"--dir", at("new"), "--input", at("bin")}, "binär"},
		{[]string{"--dir", at("new"), "--input", at("none")}, at("none") + ": filen finns inte\n"},
		{[]string{"--dir", at("new"), "--input", at("full")}, at("full") + ": filen kan inte läsas: "},
		{[]string{"--dir", at("new"), "--author", ""}, "minst två bokstäver"},
		{[]string{"--dir", at("new"), "--author", "Å"}, "minst två bokstäver"},
		{[]string{"--dir", ""}, "namnet är tomt: scripts/demo"},
		{[]string{"--dir"}, "--dir behöver ett värde: scripts/demo"},
		{[]string{"--dir", at("new"), "more"}, "\"more\" hör inte dit: scripts/demo"},
		{[]string{"--sigilld", "x"}, "flaggan --sigilld finns inte: scripts/demo"},
		// A server that ends at once: what was made for it is removed.
		{[]string{"--dir", at("new/deep")}, "did not start"},
	} {
		var out, talk bytes.Buffer
		code := run(context.Background(), append([]string{"/bin/false"}, c.args...), &out, &talk)
		started := c.says == "did not start"
		if code != 1 || !strings.Contains(talk.String(), c.says) || (strings.Count(talk.String(), "\n") != 1 || out.Len() > 0) && !started {
			t.Errorf("%q: exit %d: %s%s", c.args, code, out.String(), talk.String())
		}
		if _, err := os.Stat(at("new")); err == nil {
			t.Errorf("%q: something was made", c.args)
		}
	}
	if b := get(t, dir, "full/kept"); string(b) != "kept" {
		t.Error("a file was overwritten")
	}
}
