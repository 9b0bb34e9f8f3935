package guard_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"sigill/keys/guard"
)

func FuzzCheck(f *testing.F) {
	f.Add("Anna Lindberg", "anna.lindberg@x.se", "0701740605", "annlin07", "A&#110;na [Lind](x)berg \xff%C3%A5 \\u00e5")
	f.Add("Ö-Å von", "@", "+46", "\\", "</a><![CDATA[ &amp;amp;#x6e; ]]>](")
	f.Fuzz(func(t *testing.T, name, mail, phone, user, body string) {
		terms := guard.Terms{Names: []string{name}, Emails: []string{mail}, Phones: []string{phone}, UserIDs: []string{user}, HSAIDs: []string{user}}
		got := guard.Check(terms, guard.Text{Field: "f", Body: body})
		lines := strings.Split(body, "\n")
		inside := func(line, column int) {
			if line < 1 || line > len(lines) || column < 1 || column > utf8.RuneCountInString(lines[line-1]) {
				t.Fatalf("line %d, column %d is not in %q", line, column, body)
			}
		}
		for i, g := range got {
			inside(g.Line, g.Column)
			if i > 0 && (g.Line < got[i-1].Line || g.Line == got[i-1].Line && g.Column < got[i-1].Column) {
				t.Fatalf("out of order: %v", got)
			}
		}
		for _, w := range guard.Warn(guard.Text{Field: "f", Body: body}) {
			inside(w.Line, w.Column)
		}
		_ = guard.CheckMedia("text/markdown", []byte(body))
	})
}
