package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"

	"sigill/client"
	"sigill/keys/command"
	"sigill/keys/guard"
	"sigill/keys/statement"
	sigillv1 "sigill/proto/sigill/v1"
)

var verbs = regexp.MustCompile(`%[-+# 0-9.]*[a-zA-Z]`)

// texts are all texts of a language by name, those in maps by name and key.
func texts(w *words) map[string]string {
	out := map[string]string{}
	v := reflect.ValueOf(w).Elem()
	for i := range v.NumField() {
		name, f := v.Type().Field(i).Name, v.Field(i)
		if f.Kind() != reflect.Map {
			out[name] = f.String()
			continue
		}
		for _, k := range f.MapKeys() {
			key := name + " " + fmt.Sprint(k)
			if v := f.MapIndex(k); v.Kind() == reflect.Struct {
				out[key+" what"], out[key+" do"] = v.FieldByName("what").String(), v.FieldByName("do").String()
			} else {
				out[key] = v.String()
			}
		}
	}
	return out
}

// TestLanguages: both languages say everything, of the same values, and neither
// promises what the law does not.
func TestLanguages(t *testing.T) {
	sv, en := texts(swedish), texts(english)
	if a, b := slices.Sorted(maps.Keys(sv)), slices.Sorted(maps.Keys(en)); !slices.Equal(a, b) {
		t.Fatalf("other texts:\n%q\n%q", a, b)
	}
	avoided := func(name, text string) {
		t.Helper()
		for _, avoid := range []string{"anonym", "hemlig", "maskera", "mask", "secret caseworker"} {
			if strings.Contains(strings.ToLower(text), avoid) {
				t.Errorf("%s says %s", name, avoid)
			}
		}
	}
	for name := range sv {
		if sv[name] == "" || en[name] == "" {
			t.Errorf("%s is not said in both", name)
		}
		one, other := verbs.FindAllString(sv[name], -1), verbs.FindAllString(en[name], -1)
		if !strings.HasPrefix(name, "local ") && !slices.Equal(one, other) { // of a local error the error itself may be the text
			t.Errorf("%s: %q and %q", name, one, other)
		}
		avoided(name, sv[name])
		avoided(name, en[name])
	}
	for en, sv := range inSwedish {
		if sv == "" || !slices.Equal(verbs.FindAllString(en, -1), verbs.FindAllString(sv, -1)) {
			t.Errorf("%q: %q", en, sv)
		}
		avoided(en, en)
		avoided(en, sv)
	}
}

// literals are the texts in the program's source, without its table of them, and those of them
// that are shown to people.
func literals(t *testing.T) (any, shown map[string]bool) {
	t.Helper()
	any, shown = map[string]bool{}, map[string]bool{}
	says := map[string][]int{"t": {0}, "heads": {0, 1, 2, 3, 4, 5}, "usage": {0}, "ofFile": {0}, "ok": {0, 1}, "warn": {0, 1, 2}, "fail": {0, 1, 2}, "broken": {0}, "until": {0, 1}, "unpublished": {0}}
	sources, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	read := func(e ast.Expr) string {
		s := ""
		if l, ok := e.(*ast.BasicLit); ok && l.Kind == token.STRING {
			s, _ = strconv.Unquote(l.Value)
		}
		return s
	}
	for _, source := range sources {
		if strings.HasSuffix(source, "_test.go") || source == "terms.go" {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), source, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if l, ok := n.(*ast.BasicLit); ok {
				any[read(l)] = true
			}
			if c, ok := n.(*ast.ValueSpec); ok && len(c.Values) == 1 && c.Names[0].Name == "renew" {
				shown[read(c.Values[0])] = true
			}
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			name := ""
			switch f := call.Fun.(type) {
			case *ast.SelectorExpr:
				name = f.Sel.Name
			case *ast.Ident:
				name = f.Name
			}
			for _, i := range says[name] {
				if i < len(call.Args) && read(call.Args[i]) != "" {
					shown[read(call.Args[i])] = true
				}
			}
			return true
		})
	}
	return any, shown
}

// TestTerms: every short text that the program shows is in the table, and nothing is
// in the table that it does not show.
func TestTerms(t *testing.T) {
	any, shown := literals(t)
	for _, s := range []string{command.Form, command.NoSuch, command.Meant, command.NoFlag, command.NoValue, command.BadValue, command.BadFlag, command.Required} {
		any[s], shown[s] = true, true
	}
	for _, names := range []map[int32]string{sigillv1.DecisionState_name, sigillv1.OpeningState_name} {
		for n := range names {
			if n > 0 {
				s := strings.ToLower(strings.TrimPrefix(strings.TrimPrefix(names[n], "DECISION_STATE_"), "OPENING_STATE_"))
				any[s], shown[s] = true, true
			}
		}
	}
	for k := range 6 {
		for _, s := range []fmt.Stringer{guard.Kind(k + 1), guard.WarningKind(k + 1)} {
			if s.String() != "unknown" {
				any[s.String()], shown[s.String()] = true, true
			}
		}
	}
	for s := range shown {
		if inSwedish[s] == "" {
			t.Errorf("no Swedish for %q", s)
		}
	}
	source, err := os.ReadFile("terms.go")
	if err != nil {
		t.Fatal(err)
	}
	for s := range inSwedish {
		if !any[s] && strings.Count(string(source), strconv.Quote(s)) < 2 {
			t.Errorf("%q is in the table, and never shown", s)
		}
	}
	if len(shown) < 150 {
		t.Errorf("only %d texts were found", len(shown))
	}
}

// TestAdvice: whatever reason the server gives, the caller is told in both languages
// what it means and what to do; and so for every error of this machine that has a name.
func TestAdvice(t *testing.T) {
	reasons := map[string]bool{}
	for _, file := range []string{"../../../server/workflow/errors.go", "../../../server/rpc/errors.go"} {
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			v, ok := n.(*ast.ValueSpec)
			for i := 0; ok && i < len(v.Values); i++ {
				if l, ok := v.Values[i].(*ast.BasicLit); ok && strings.HasPrefix(v.Names[i].Name, "Reason") {
					s, err := strconv.Unquote(l.Value)
					if err != nil {
						t.Fatal(err)
					}
					reasons[s] = true
				}
			}
			return true
		})
	}
	if len(reasons) < 40 {
		t.Errorf("only %d reasons were found", len(reasons))
	}
	for lang, w := range languages {
		a := &app{words: w}
		for r := range reasons {
			f := a.failure(fmt.Errorf("calling: %w", &client.Error{Code: codes.FailedPrecondition, Reason: r}))
			if w.reason[r] == "" || w.do[r] == "" || !strings.Contains(f.Error, w.reason[r]) || f.Advice != w.do[r] || f.Reason != r || f.Exit != exitRefused {
				t.Errorf("%s, %s: %+v", lang, r, f)
			}
		}
		for r := range w.reason {
			if !reasons[r] {
				t.Errorf("%s: %s is no reason", lang, r)
			}
		}
		named := map[string]bool{"": true, "handshake": true}
		for _, c := range causes {
			named[c.name] = true
			err := fmt.Errorf("doing something: %w", c.err)
			if f := a.failure(err); f.Error == "" || f.Advice == "" || strings.Contains(f.Error+f.Advice, "%!") || f.Exit != exitCode(err) {
				t.Errorf("%s, %v: %+v", lang, c.err, f)
			}
		}
		for name := range w.local {
			if !named[name] {
				t.Errorf("%s: nothing is called %s", lang, name)
			}
		}
		for _, err := range []error{errors.New("anything"), &client.Error{Code: codes.Unavailable}, &client.Error{Code: codes.Unavailable, Handshake: true},
			&client.Error{Unsure: true, Reason: "ROLE", Code: codes.PermissionDenied}, client.ErrNamed, &client.NamedError{}, &client.AnotherError{},
			&statement.PartError{Part: statement.PartAppeal}, usage("no server: set SIGILL_ADDR")} {
			var out bytes.Buffer
			(&app{words: w, stderr: &out}).fail(a.root(), err)
			if lines := strings.Split(out.String(), "\n"); len(lines) < 3 || !strings.HasPrefix(lines[len(lines)-2], strings.TrimSuffix(w.toDo, "%s")) || len(lines[len(lines)-2]) < 25 {
				t.Errorf("%s, %v: %q", lang, err, out.String())
			}
		}
	}
}

// TestUsage: what cannot be followed is answered with what is near it or how it is
// written, and never repeats what was typed.
func TestUsage(t *testing.T) {
	t.Setenv("SIGILL_FORMAT", "")
	for args, want := range map[string]string{
		"drfat":                      "did you mean sigill draft?",
		"draft sumbit hemligt":       "did you mean sigill draft submit?",
		"hemligt":                    "there is no such command\n",
		"draft show":                 "the form is: sigill draft show MATTER [flags]",
		"draft show hemligt hemligt": "the form is: sigill draft show MATTER",
		"inbox --wacth":              "there is no flag --wacth here",
		"inbox -x":                   "there is no flag -x here",
		"inbox --addr":               "the flag --addr needs a value",
		"inbox --watch=hemligt":      "the value of --watch is not of its kind",
		"request --days hemligt":     "the value of --days is not of its kind",
		"inbox --output hemligt":     "the output is table or json",
		"verify x":                   "no trust file: give --trust",
		"completion hemligt":         "there is no such command",
	} {
		t.Setenv("SIGILL_LANG", "en")
		t.Setenv("SIGILL_HOME", t.TempDir())
		var out, talk bytes.Buffer
		code := run(context.Background(), strings.Fields(args), strings.NewReader(""), &out, &talk)
		if code != exitLocal || out.Len() > 0 || !strings.Contains(talk.String(), want) || strings.Contains(talk.String(), "hemligt") || !strings.Contains(talk.String(), "--help") {
			t.Errorf("%s: exit %d, %s%s", args, code, out.String(), talk.String())
		}
		talk.Reset()
		t.Setenv("SIGILL_LANG", "sv")
		if run(context.Background(), strings.Fields(args), strings.NewReader(""), &out, &talk); strings.Contains(talk.String(), want) || !strings.Contains(talk.String(), "Att göra: ") && !strings.Contains(talk.String(), "Så här") {
			t.Errorf("%s in Swedish: %s", args, talk.String())
		}
	}
	var talk bytes.Buffer
	if code := run(context.Background(), []string{"inbox", "--lang", "de"}, strings.NewReader(""), &talk, &talk); code != exitLocal || !strings.Contains(talk.String(), "sv") {
		t.Errorf("German: exit %d, %s", code, talk.String())
	}
}
