package story_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"sigill/keys/guard"
	"sigill/keys/statement"
	"sigill/scripts/authority"
	"sigill/scripts/devidp/devidp"
	"sigill/scripts/story"
)

func author(i int, name string) devidp.User {
	return devidp.User{ID: fmt.Sprintf("forfattare-%d", i), Subject: fmt.Sprintf("4d1f7a52-%04d", i), Name: name, Roles: []string{"caseworker"},
		Email: fmt.Sprintf("demo.forfattare%d@exempelstad.example", i), Phone: fmt.Sprintf("+46701740%03d", 100+i),
		Username: fmt.Sprintf("exsdemo%02d", i), HSAID: fmt.Sprintf("SE2120009994-%04d", i)}
}

// texts are as people keep them, each with what the story says of it.
var texts = map[string]struct{ content, says string }{
	"one line":              {"Ansökan beviljas.", "Beslut, Skäl för beslutet, Hur du överklagar"},
	"English":               {"# Decision\n\nYour application is granted.\n\n## Reasons\n\nYou need it.\n", "Beslut, Skäl för beslutet, Hur du överklagar"},
	"CRLF":                  {"## Beslut\r\n\r\nJa.\r\n\r\n## Skäl\r\n\r\nBehov.\r\n", "radsluten är gjorda till LF; det som lagen kräver och som saknades är tillagt (Hur du överklagar)"},
	"carriage returns":      {"## Beslut\rJa.\r", "radsluten är gjorda till LF"},
	"byte order mark":       {"\ufeff## Beslut\n\nJa.\n", "byteordningsmärket är struket"},
	"trailing spaces":       {"## Beslut   \n\nJa.  \n   \n", "(Skäl för beslutet, Hur du överklagar)"},
	"empty headings":        {"## Beslut\n\n## Skäl\n\n## Hur du överklagar\n", "(Beslut, Skäl för beslutet, Hur du överklagar)"},
	"headings as code":      {"Ja.\n\n```\n## Beslut\n\nJa.\n", "(Skäl för beslutet, Hur du överklagar)"},
	"text as heading":       {"## Beslut\n\nJa.\n---\n\n## Skäl\n\n&nbsp;\n", "(Beslut, Skäl för beslutet, Hur du överklagar)"},
	"parts under parts":     {"## Beslut\n\n### Bedömning\n\nJa.\n", "(Beslut, Hur du överklagar)"},
	"form feed":             {"Sida 1\fSida 2\n", "radsluten är gjorda till LF"},
	"right to left":         {"Ja \u200f(שלום).\n", "riktning är strukna"},
	"HTML":                  {"<b>Ja</b> & ![bild](x.png)\n", "ren text"},
	"source text":           {"#include <stdio.h>\nint main(void) { return 0; }\n", "ren text"},
	"names its author":      {"Handläggare: Åsa-Märta Öberghult Ny\n\n## Beslut\n\nJa.\n", "(Skäl för beslutet, Hur du överklagar)"},
	"author in each part":   {"## Beslut\n\nÅsa-Märta Öberghult beslutar.\n\n## Skäl\n\nEnligt Öberghult.\n", "(Beslut, Skäl för beslutet, Hur du överklagar)"},
	"a MiB less a few KiB":  {strings.Repeat("Ansökan beviljas med tio timmar i veckan.\n", 24000), "Hur du överklagar"},
	"names it on each line": {strings.Repeat("Åsa-Märta Öberghult Ny\n", 1000) + "Ja.\n", "Hur du överklagar"},
	"everything is there":   {string(story.Decision), ""},
}

// played are the texts that need the server's word on their parts, and one of each
// media type; what the others become is the same.
var played = []string{"one line", "CRLF", "empty headings", "headings as code", "text as heading", "parts under parts", "HTML",
	"names its author", "author in each part", "a MiB less a few KiB"}

// TestTexts: any text becomes one that can be played, its author is told what was
// done to it, and where a server plays it, it is played to its end.
func TestTexts(t *testing.T) {
	for name, in := range texts {
		s, err := story.Prepare([]byte(in.content), author(1, "Åsa-Märta Öberghult Ny"))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if said := strings.Join(s.Changes, "; "); !strings.Contains(said, in.says) || (in.says == "") != (said == "") {
			t.Errorf("%s: said %q", name, said)
		}
		if !bytes.Contains(s.Named, []byte("Öberghult")) || bytes.Contains(s.Mended, []byte("Öberghult")) {
			t.Errorf("%s: the draft that is refused names nobody, or the mended one does", name)
		}
	}
	var users []devidp.User
	for i := range played {
		users = append(users, author(i, "Åsa-Märta Öberghult Ny"))
	}
	run := start(t, users)
	for i, name := range played {
		t.Run(name, func(t *testing.T) {
			changed, refused := "", 0
			r, err := story.Play(context.Background(), story.Cast{Run: run, Author: users[i], Content: []byte(texts[name].content),
				Case: fmt.Sprintf("SN 2026-%05d", i), Say: func(format string, values ...any) {
					line := fmt.Sprintf(format, values...)
					if strings.HasPrefix(line, "Innan texten skickas") {
						changed += line
					}
					if strings.HasPrefix(line, "Utkastet nämner den som skrev det") {
						refused++
					}
				}})
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(changed, texts[name].says) || refused != 1 || bytes.Contains(r.Signed, []byte("Öberghult")) {
				t.Errorf("said %q, refused %d times", changed, refused)
			}
		})
	}
}

// TestNoText: what is no text is refused with one line, and nothing is asked of
// any server.
func TestNoText(t *testing.T) {
	for name, in := range map[string]struct{ content, says string }{
		"empty":            {"", "tom"},
		"spaces":           {" \r\n\t\n\ufeff", "tom"},
		"marks":            {"---\n***\n", "tom"},
		"a MiB and one":    {strings.Repeat("a", guard.MaxContent) + "b", "1 MiB"},
		"a MiB":            {strings.Repeat("a", guard.MaxContent), "1 MiB"},
		"UTF-16":           {"\xff\xfeH\x00e\x00j\x00", "UTF-16"},
		"UTF-16, big":      {"\xfe\xff\x00H\x00e\x00j", "UTF-16"},
		"UTF-16, unmarked": {"H\x00e\x00j\x00", "UTF-16"},
		"an ELF program":   {"\x7fELF\x02\x01\x01\x00\x00", "binär"},
		"Latin-1":          {"Ja.\nSk\xe4l.\n", "inte UTF-8 (rad 2)"},
		"a PDF":            {"%PDF-1.7\nhej", "PDF"},
		"a web page":       {"<!DOCTYPE html><p>hej", "HTML"},
		"escapes":          {"\x1b[1mJa\x1b[0m", "styrtecken"},
		"only its author":  {"Åsa-Märta Öberghult Ny\n", "ingenting är kvar"},
	} {
		_, err := story.Prepare([]byte(in.content), author(1, "Åsa-Märta Öberghult Ny"))
		if !errors.Is(err, story.ErrText) || !strings.Contains(err.Error(), in.says) || strings.Contains(err.Error(), "\n") || strings.Contains(err.Error(), "%!") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestNames: a name plays, also one that is made of words, or is refused with a
// line that says what a name must be.
func TestNames(t *testing.T) {
	var users []devidp.User
	for i, name := range []string{"Sten Berg", "Björn Lind", "Per-Åke O'Brien-Ågren", "Margareta von und zu Löwenhjelm", "Åsa", "Li Ek",
		"Jean d'Årc", "Aška Čapek", "A\u030asa O\u0308berg", "Öberg, Åsa", "Иван Петров", "Xaawo Ali", "Anna-Karin de la Gardie af Ugglas", "Handläggare Beslut"} {
		users = append(users, author(i, name))
	}
	run := start(t, users)
	for i, u := range users {
		if _, err := story.Prepare(story.Decision, u); err != nil {
			t.Errorf("%s: %v", u.Name, err)
		}
		if i >= 5 { // one of each kind is enough to ask the server
			continue
		}
		if _, err := story.Play(context.Background(), story.Cast{Run: run, Author: u, Content: story.Decision, Case: fmt.Sprintf("SN 2026-%05d", i)}); err != nil {
			t.Errorf("%s: %v", u.Name, err)
		}
	}
	for _, name := range []string{"", " ", "Å", "Å B", "-", "12", "Åsa\nBerg", "Åsa\x00", "\xff\xfe", "Åsa\u202eBerg", strings.Repeat("Å", 121)} {
		_, err := story.Prepare(story.Decision, author(1, name))
		if !errors.Is(err, story.ErrName) || strings.Contains(err.Error(), "\n") || strings.Contains(err.Error(), "%!") {
			t.Errorf("%q: %v", name, err)
		}
	}
	// A name that the form itself says cannot be kept out of it.
	if _, err := story.Prepare(story.Decision, author(1, "Boende Stöd")); !errors.Is(err, story.ErrName) {
		t.Error(err)
	}
}

// TestParts: what is added is the text's last, and a text that has everything is
// left as it is, but for the lines that name its author.
func TestParts(t *testing.T) {
	s, err := story.Prepare(story.Decision, author(1, "Åsa-Märta Öberghult Ny"))
	if err != nil || s.Media != statement.MediaMarkdown || len(s.Changes) > 0 || string(s.Mended) != string(story.Decision)+"\n" {
		t.Error("the story's own text is changed", err)
	}
	s, err = story.Prepare([]byte("~~~~\nJa.\n~~~\n"), author(1, "Åsa-Märta Öberghult Ny"))
	if err != nil || !strings.HasPrefix(string(s.Mended), "~~~~\nJa.\n~~~\n~~~~\n\n## Beslut\n") {
		t.Errorf("%v: %s", err, s.Mended)
	}
}

func start(t *testing.T, users []devidp.User) *authority.Running {
	t.Helper()
	ctx := context.Background()
	a, err := authority.Make(ctx, t.TempDir()+"/a", authority.Options{Users: users, PublishEvery: 100 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	run, err := a.Start(ctx)
	if err != nil {
		a.Close()
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(run.Stop(), a.Close()); err != nil {
			t.Error(err)
		}
	})
	if err := run.Publish(ctx); err != nil {
		t.Fatal(err)
	}
	return run
}
