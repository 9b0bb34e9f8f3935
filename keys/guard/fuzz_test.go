package guard_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

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

// plants are what the fuzz target hides: names that are words and names that
// are not, an address, numbers.
var plants = []struct {
	text  string
	terms guard.Terms
	kind  guard.Kind
}{
	{"Petronella Hagström", names("Petronella Hagström"), guard.Name},
	{"Björn Frid", names("Björn Frid"), guard.Name},
	{"Öberg Dahl, Majken", names("Majken Öberg Dahl"), guard.Name},
	{"Sten Alm", names("Alm, Sten"), guard.Name},
	{"S. Rosenqvist-Åhl", names("Siv Rosenqvist-Åhl"), guard.Name},
	{"anna.lindberg@exempelkommun.se", guard.Terms{Emails: anna.Emails}, guard.Email},
	{"070-174 06 05", guard.Terms{Phones: anna.Phones}, guard.Phone},
	{"annlin07", guard.Terms{UserIDs: anna.UserIDs}, guard.UserID},
	{"SE2321000016-1A2B", guard.Terms{HSAIDs: anna.HSAIDs}, guard.HSAID},
}

// layers are ways to write a name that the fuzz target lays over one another,
// in this order: an encoding that something is put into is none any more.
var layers = []func(string) string{
	strings.ToUpper,
	cyrillic,
	greek,
	digits,
	capitalI,
	rnForM,
	fullWidth,
	norm.NFD.String,
	norm.NFC.String,
	strings.NewReplacer(" ", "\n").Replace,
	strings.NewReplacer(" ", "\u00a0").Replace,
	strings.NewReplacer(" ", "_").Replace,
	between("\u200b"),
	between("\u00ad"),
	between("\ufe0f"),
	between(" "),
	between("**"),
	between("`"),
	between(`\`),
	splitLink,
	func(s string) string { return "**" + s + "**" },
	func(s string) string { return "[" + s + "](https://x.example/a)" },
	entities,
	percent,
	strings.NewReplacer("%", "%25").Replace,
}

// FuzzPlanted: what names somebody is found under any of the disguises laid
// over one another, whatever text stands before and after, and the same in NFC
// and NFD.
func FuzzPlanted(f *testing.F) {
	for i := range layers {
		f.Add(uint8(i), uint32(1)<<i, "Nämnden har hört ", " och beslutar [så](x).")
		f.Add(uint8(i+1), uint32(0x10101)<<(i%9)|1<<i, "Per Berg och Maria Strand har sökt.\n\n- **Björn", "](y) Lindberg <b")
	}
	for i, d := range corpus(f) {
		if before, after, ok := strings.Cut(d.body, "\n\n"); ok && i%10 == 0 {
			f.Add(uint8(i), uint32(i)*0x9E3779B1, before, after)
		}
	}
	f.Fuzz(func(t *testing.T, which uint8, set uint32, before, after string) {
		p := plants[int(which)%len(plants)]
		text := p.text
		for i, disguise := range layers {
			if set>>i&1 == 1 {
				text = disguise(text)
			}
		}
		before, after = before[:min(len(before), 400)]+"\n\n", "\n\n"+after[:min(len(after), 400)]
		body := before + text + after
		whole := guard.Check(p.terms, guard.Text{Field: "f", Body: body})
		alone := guard.Check(p.terms, guard.Text{Field: "f", Body: before})
		from := strings.Count(before, "\n") + 1
		if !reaches(whole, alone, from, from+strings.Count(text, "\n")) {
			t.Fatalf("%q, written %q between %q and %q, is missed: %v", p.text, text, before, after, whole)
		}
		composed := guard.Check(p.terms, guard.Text{Field: "f", Body: norm.NFC.String(body)})
		apart := guard.Check(p.terms, guard.Text{Field: "f", Body: norm.NFD.String(body)})
		if lines(composed) != lines(apart) {
			t.Fatalf("%q: NFC %v, NFD %v", body, composed, apart)
		}
	})
}

// reaches says whether something is found on one of the lines, or begins before
// them and is not found in the text before them alone.
func reaches(whole, alone []guard.Finding, first, last int) bool {
	for _, f := range whole {
		if f.Line >= first && f.Line <= last || f.Line < first && !slices.Contains(alone, f) {
			return true
		}
	}
	return len(whole) == guard.MaxFindings
}

// lines are findings without their columns.
func lines(found []guard.Finding) string {
	var b strings.Builder
	for _, f := range found {
		fmt.Fprintln(&b, f.Line, f.Kind)
	}
	return b.String()
}
