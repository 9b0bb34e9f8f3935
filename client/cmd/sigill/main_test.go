package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"google.golang.org/grpc/codes"

	"sigill/client"
	"sigill/keys/command"
	"sigill/keys/disclosure"
	"sigill/keys/guard"
	"sigill/keys/proof"
	"sigill/keys/record"
	"sigill/keys/statement"
)

// TestHelp: every command says what it does, with examples that name it, and
// groups refuse what they do not have.
func TestHelp(t *testing.T) {
	n := 0
	command.Each((&app{}).root(), func(c *cobra.Command) {
		n++
		if c.Short == "" || !strings.Contains(c.Example, "sigill") {
			t.Errorf("%s: no short text or no example", c.CommandPath())
		}
		if !c.HasSubCommands() && !strings.Contains(c.Example, c.CommandPath()) {
			t.Errorf("%s: its examples are another command's", c.CommandPath())
		}
		if !c.HasSubCommands() && c.Long == "" {
			t.Errorf("%s: says too little", c.CommandPath())
		}
		c.LocalFlags().VisitAll(func(f *pflag.Flag) {
			if kind, _ := pflag.UnquoteUsage(f); kind == "string" || kind == "strings" || kind == "int" {
				t.Errorf("%s --%s: the help calls its value a %s", c.CommandPath(), f.Name, kind)
			}
		})
		args := append(strings.Fields(c.CommandPath())[1:], "--help")
		var stdout, stderr bytes.Buffer
		if code := run(context.Background(), args, nil, &stdout, &stderr); code != exitOK || stderr.Len() > 0 || !strings.Contains(stdout.String(), "--output") {
			t.Errorf("%s --help: exit %d, %s", c.CommandPath(), code, stderr.String())
		}
	})
	if n < 40 {
		t.Errorf("only %d commands", n)
	}
}

func TestExitCodes(t *testing.T) {
	for _, c := range []struct {
		err  error
		want int
	}{
		{nil, exitOK},
		{errors.New("anything"), exitLocal},
		{client.ErrNamed, exitLocal},
		{&client.Error{Code: codes.FailedPrecondition}, exitRefused},
		{&client.Error{Code: codes.Unauthenticated}, exitRefused},
		{&client.Error{Code: codes.Unavailable}, exitUnknown},
		{&client.Error{Code: codes.DeadlineExceeded}, exitUnknown},
		{&client.Error{Code: codes.Internal}, exitUnknown},
		{client.ErrSeal, exitUnverified},
		{client.ErrNotPinned, exitUnverified},
		{disclosure.ErrVerification, exitUnverified},
		{errVerify, exitUnverified},
		{fmt.Errorf("%w: %w", client.ErrNotLogged, proof.ErrUnwitnessed), exitUnknown},
		{fmt.Errorf("%w: %w", errVerify, proof.ErrUnwitnessed), exitUnknown},
		{disclosure.ErrNotForKey, exitNotForKey},
	} {
		wrapped := c.err
		if wrapped != nil {
			wrapped = fmt.Errorf("doing something: %w", c.err)
		}
		if got := exitCode(wrapped); got != c.want {
			t.Errorf("%v: exit %d, want %d", c.err, got, c.want)
		}
	}
}

// TestSay: a refusal is told by its reason, in the caller's language.
func TestSay(t *testing.T) {
	err := fmt.Errorf("calling: %w", &client.Error{Code: codes.InvalidArgument, Reason: "NAMED", Field: "content", Line: 3})
	for lang, want := range map[string]string{
		"sv": "servern sade nej: Texten anger någon vars namn ska utelämnas: content:3 (InvalidArgument NAMED)",
		"en": "the server said no: the text names someone whose name is to be left out: content:3 (InvalidArgument NAMED)",
	} {
		if got := (&app{words: languages[lang]}).failure(err).Error; got != want {
			t.Errorf("%s: %s", lang, got)
		}
	}
}

// TestSayPart: each part that a text lacks is named in the caller's language, with
// its provision, and with the line where there is one.
func TestSayPart(t *testing.T) {
	for _, p := range statement.Parts {
		section := strings.TrimSuffix(p.Provision(), " § FL")
		for lang, want := range map[string]string{"sv": section + " § förvaltningslagen", "en": "section " + section} {
			for _, line := range []int{0, 7} {
				got := (&app{words: languages[lang]}).failure(fmt.Errorf("drafting: %w", &statement.PartError{Part: p, Line: line})).Error
				if !strings.Contains(got, want) || strings.HasSuffix(got, "\n  content:7") != (line == 7) || strings.Contains(got, "%!") {
					t.Errorf("%s: %s", lang, got)
				}
			}
		}
	}
}

// TestSayForm: whatever package guard refuses of a text's form is told in the
// caller's language, by field and line.
func TestSayForm(t *testing.T) {
	f, err := parser.ParseFile(token.NewFileSet(), "../../../keys/guard/media.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	ast.Inspect(f, func(node ast.Node) bool {
		if v, ok := node.(*ast.ValueSpec); ok && strings.HasPrefix(v.Names[0].Name, "Err") {
			n++
		}
		return true
	})
	for lang, w := range languages {
		if len(w.forms) != n || n < 12 {
			t.Errorf("%s says %d of %d", lang, len(w.forms), n)
		}
		for cause, text := range w.forms {
			got := (&app{words: w}).failure(fmt.Errorf("drafting: %w", &client.FormError{Field: "content", Line: 3, Err: cause})).Error
			if text == "" || !strings.Contains(got, text) || !strings.HasSuffix(got, "\n  content:3") {
				t.Errorf("%s: %s", lang, got)
			}
		}
	}
	if got := (&app{words: swedish}).failure(&client.FormError{Field: "content", Err: guard.ErrEmpty}).Error; !strings.HasSuffix(got, "texten är tom. Ingenting har skickats.\n  content") {
		t.Error(got)
	}
}

// TestMeaning: only where the signer decides does the screen say so.
func TestMeaning(t *testing.T) {
	a := &app{words: swedish}
	for m, decides := range map[record.Mode]bool{record.ExecutiveDecides: true, record.DelegateDecides: false, record.BoardDecides: false} {
		if strings.Contains(a.meaning(m), "Du fattar nu beslutet") != decides {
			t.Errorf("%s: %s", m, a.meaning(m))
		}
	}
	if !strings.HasPrefix(a.meaning(record.DelegateDecides), "Du kontrasignerar.") {
		t.Error("a countersignature is not called one")
	}
}

// TestPreview: the notice says who decided by capacity, and which roles are left
// out; it never calls a countersigner the one who decided.
func TestPreview(t *testing.T) {
	for _, c := range []struct {
		draft     statement.Draft
		has, lack string
	}{
		{statement.Draft{Mode: record.DelegateDecides, Item: "2.4", Names: record.Names{Decider: record.Omitted, Presenter: record.Shown, Participants: record.Shown}},
			"Uppgift om beslutsfattare har utelämnats med stöd av 33 § fjärde stycket", "direktör"},
		{statement.Draft{Mode: record.ExecutiveDecides, Item: "3.1", Names: record.Names{Decider: record.Shown, Presenter: record.Omitted, Participants: record.Omitted}},
			"Uppgift om föredragande, medverkande har utelämnats", "kontrasignerats"},
		{statement.Draft{Mode: record.BoardDecides, Protocol: "§ 114", Names: record.Names{Decider: record.Shown, Presenter: record.Shown, Participants: record.Shown}},
			"fattats av Socialnämnden, protokoll § 114", "utelämnats"},
	} {
		got := preview(&c.draft, "Socialnämnden")
		if !strings.Contains(got, c.has) || strings.Contains(got, c.lack) {
			t.Errorf("%s: %s", c.draft.Mode, got)
		}
	}
}

// TestSections: sections come out in the order of the record, each once.
func TestSections(t *testing.T) {
	got, err := sections([]string{"evidence", "DECIDER", "Evidence"})
	if err != nil || sectionNames(got) != "DECIDER,EVIDENCE" {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := sections([]string{"NAME"}); !errors.Is(err, errUsage) {
		t.Errorf("an unknown section: %v", err)
	}
}
