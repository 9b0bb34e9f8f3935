package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sigill/scripts/authority"
	"sigill/scripts/story"
)

// TestFailures: what goes wrong with a real server is told with what to do about it, in
// both languages, as lines and as one line of JSON; nothing is printed beside it.
func TestFailures(t *testing.T) {
	r := ward(t, true)
	other, err := authority.Make(t.Context(), t.TempDir(), authority.Options{TLS: true})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		user, args     string
		exit           int
		reason, sv, en string // of the advice
		wrong          func()
	}{
		"another issuer": {"direktor", "inbox", exitUnknown, "", "SIGILL_CACERT", "SIGILL_CACERT", func() { t.Setenv("SIGILL_CACERT", filepath.Join(other.Dir, "tls-issuer.pem")) }},
		"nobody there":   {"domstol", "request list", exitUnknown, "", "sigill doctor", "sigill doctor", func() { t.Setenv("SIGILL_ADDR", "127.0.0.1:1") }},
		"an old login": {"domstol", "request list", exitRefused, "TOKEN", "Inloggningen gick ut klockan", "The login ran out at", func() {
			b, err := os.ReadFile(os.Getenv("SIGILL_TOKEN_FILE"))
			if err != nil {
				t.Fatal(err)
			}
			old := filepath.Join(dir, "old")
			if err := os.WriteFile(old, timed(t, string(b), time.Minute, -time.Hour), 0o600); err != nil {
				t.Fatal(err)
			}
			t.Setenv("SIGILL_TOKEN_FILE", old)
		}},
		"another origin": {"domstol", "request list", exitRefused, "TOKEN", "SIGILL_ORIGIN", "SIGILL_ORIGIN", func() { t.Setenv("SIGILL_ORIGIN", "https://another.example") }},
		"another role":   {"asa", "admin status", exitRefused, "ROLE", "Logga in i den roll", "Log in with the role", func() {}},
		"unknown":        {"domstol", "collect mfrggzdfmztwq2lknnwg23tpoa --out " + filepath.Join(dir, "p"), exitRefused, "ABSENT", "Kontrollera beteckningen", "Check the id", func() {}},
		"no such id":     {"domstol", "request show hemligt", exitLocal, "", "Kopiera den", "Copy it", func() {}},
		"an open login":  {"domstol", "request list", exitLocal, "", "chmod 600", "chmod 600", func() { t.Setenv("SIGILL_TOKEN_FILE", filepath.Join(r.Dir, "trust.json")) }},
	} {
		t.Run(name, func(t *testing.T) {
			as(t, r, c.user)
			c.wrong()
			for lang, advice := range map[string]string{"sv": c.sv, "en": c.en} {
				args := append(strings.Fields(c.args), "--lang", lang)
				var out, talk bytes.Buffer
				code := run(context.Background(), args, strings.NewReader(""), &out, &talk)
				_, do, found := strings.Cut(talk.String(), map[string]string{"sv": "\nAtt göra: ", "en": "\nWhat to do: "}[lang])
				if code != c.exit || out.Len() > 0 || !found || !strings.Contains(do, advice) || strings.Contains(talk.String(), "hemligt") {
					t.Errorf("%s: exit %d, %s%s", lang, code, out.String(), talk.String())
				}
				talk.Reset()
				code = run(context.Background(), append(args, "-o", "json"), strings.NewReader(""), &out, &talk)
				var f failure
				if err := json.Unmarshal(talk.Bytes(), &f); err != nil || code != c.exit || f.Exit != code || f.Reason != c.reason || !strings.Contains(f.Advice, advice) || f.Error == "" || out.Len() > 0 {
					t.Errorf("%s: %v, exit %d, %s", lang, err, code, talk.String())
				}
			}
		})
	}
	as(t, r, "direktor")
	t.Setenv("SIGILL_CACERT", filepath.Join(other.Dir, "tls-issuer.pem"))
	var out, talk bytes.Buffer
	if run(context.Background(), []string{"inbox"}, strings.NewReader(""), &out, &talk); !strings.Contains(talk.String(), "nothing was sent") {
		t.Errorf("a server that cannot prove who it is: %s", talk.String())
	}
}

// TestUnpublished: proof of an act that the log has not published yet comes later: that is
// said, not that there is no such act, and its file stays as it was.
func TestUnpublished(t *testing.T) {
	a, err := authority.Make(t.Context(), t.TempDir(), authority.Options{PublishEvery: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	r, err := a.Start(context.WithoutCancel(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Stop()
	if err := r.Publish(t.Context()); err != nil {
		t.Fatal(err)
	}
	asa, err := r.Caseworker("asa")
	if err != nil {
		t.Fatal(err)
	}
	own, err := asa.Submit(t.Context(), story.Text(story.Decision, "SN 2026-00777"))
	if err != nil {
		t.Fatal(err)
	}
	as(t, r, "direktor")
	dir := t.TempDir()
	reason, receipt := filepath.Join(dir, "skal.txt"), filepath.Join(dir, "kvitto.json")
	if err := os.WriteFile(reason, []byte("Motivera beloppet.\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var out, talk bytes.Buffer
	if code := run(context.Background(), []string{"return", string(own.Decision), "--file", reason, "--receipt", receipt}, strings.NewReader(""), &out, &talk); code != exitOK {
		t.Fatal(talk.String())
	}
	before, err := os.ReadFile(receipt)
	if err != nil {
		t.Fatal(err)
	}
	for lang, w := range languages {
		out.Reset()
		talk.Reset()
		code := run(context.Background(), []string{"log", "prove", receipt, "--lang", lang}, strings.NewReader(""), &out, &talk)
		if code != exitRefused || out.Len() > 0 || !strings.HasPrefix(talk.String(), "sigill: "+w.unpublished+"\n") || !strings.Contains(talk.String(), w.unpublishedDo) {
			t.Errorf("%s: %d %s%s", lang, code, out.String(), talk.String())
		}
	}
	if after, err := os.ReadFile(receipt); err != nil || !bytes.Equal(after, before) {
		t.Error("the file was changed: ", err)
	}
}
