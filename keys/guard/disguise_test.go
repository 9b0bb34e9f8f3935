package guard_test

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"golang.org/x/text/unicode/norm"

	"sigill/keys/guard"
)

var (
	cyrillic = strings.NewReplacer("a", "а", "o", "о", "e", "е", "p", "р", "B", "В", "A", "А").Replace
	greek    = strings.NewReplacer("A", "Α", "o", "ο", "B", "Β", "i", "ι", "n", "ո").Replace
	digits   = strings.NewReplacer("i", "1", "o", "0", "e", "3").Replace
	capitalI = strings.NewReplacer("l", "I", "i", "l").Replace
	rnForM   = strings.NewReplacer("m", "rn").Replace
	noMarks  = strings.NewReplacer("å", "a", "ä", "a", "ö", "o", "Å", "A", "Ö", "O", "Ä", "A", "é", "e").Replace
	spelled  = strings.NewReplacer("å", "aa", "ä", "ae", "ö", "oe", "Å", "Aa", "Ö", "Oe", "Ä", "Ae").Replace
	entities = strings.NewReplacer("å", "&aring;", "ö", "&ouml;", "ä", "&auml;", "Å", "&Aring;", "Ö", "&Ouml;", " ", "&nbsp;").Replace
	latin1   = strings.NewReplacer("å", "%E5", "ö", "%F6", "ä", "%E4", "Ö", "%D6", "Å", "%C5").Replace
	quoted   = strings.NewReplacer("å", "=C3=A5", "ö", "=C3=B6", "ä", "=C3=A4", "Ö", "=C3=96", "Å", "=C3=85").Replace
	circled  = strings.NewReplacer("a", "ⓐ", "n", "ⓝ", "r", "ⓡ").Replace
	smallCap = strings.NewReplacer("n", "ɴ", "i", "ɪ", "r", "ʀ").Replace
	boldSans = strings.NewReplacer("A", "𝐀", "n", "𝗻", "i", "𝑖", "d", "𝓭").Replace
)

func between(sep string) func(string) string {
	return func(s string) string { return strings.Join(strings.Split(s, ""), sep) }
}

// each writes every character as format says.
func each(format string) func(string) string {
	return func(s string) string {
		var b strings.Builder
		for _, r := range s {
			fmt.Fprintf(&b, format, r)
		}
		return b.String()
	}
}

func percent(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		fmt.Fprintf(&b, "%%%02X", c)
	}
	return b.String()
}

func backslashU(s string) string {
	var b strings.Builder
	for _, u := range utf16.Encode([]rune(s)) {
		fmt.Fprintf(&b, `\u%04x`, u)
	}
	return b.String()
}

func fullWidth(s string) string {
	return strings.Map(func(r rune) rune {
		if r > ' ' && r < 0x7f {
			return r + 0xFEE0
		}
		return r
	}, s)
}

// splitLink makes a link of the second and third character.
func splitLink(s string) string {
	r := []rune(s)
	return string(r[:1]) + "[" + string(r[1:3]) + "](https://x.example/a)" + string(r[3:])
}

// halfBold leaves the first and last letter out of it.
func halfBold(s string) string {
	r := []rune(s)
	return string(r[:1]) + "**" + string(r[1:len(r)-1]) + "**" + string(r[len(r)-1:])
}

// disguised are the ways to write a name that are found, whoever's it is.
var disguised = map[string]func(string) string{
	"upper": strings.ToUpper, "lower": strings.ToLower, "NFC": norm.NFC.String, "NFD": norm.NFD.String, "full width": fullWidth,
	"zero width space": between("\u200b"), "zero width joiner": between("\u200d"), "soft hyphen": between("\u00ad"),
	"word joiner": between("\u2060"), "byte order mark": between("\ufeff"), "variation selector": between("\ufe0f"),
	"tag": between("\U000E0041"), "letter-spaced": between(" "), "no-break spaced": between("\u00a0"), "dotted": between("."),
	"hyphened": between("-"), "lines": between("\n"), "bold": between("**"), "code": between("`"), "strike": between("~~"),
	"escapes": between("\\"), "underscores": between("_"), "tags": between("<b></b>"), "comments": between("<!-- -->"),
	"hangul filler": between("\u3164"),
	"Cyrillic":      cyrillic, "Greek": greek, "mathematical": boldSans, "circled": circled, "small capital": smallCap,
	"digits": digits, "capital I": capitalI, "rn for m": rnForM, "no marks": noMarks, "spelled out": spelled,
	"decimal": each("&#%d;"), "hex": each("&#x%X;"), "open decimal": each("&#%d"), "percent": percent,
	"twice percent": func(s string) string { return url.QueryEscape(percent(s)) },
	"named":         entities,
	"nested":        strings.NewReplacer("n", "&amp;#110;", "ö", "&amp;amp;ouml;").Replace,
	"latin-1":       latin1, "quoted": quoted, "backslash u": backslashU,
	"escaped space":  strings.NewReplacer(" ", `\_`).Replace,
	"half bold":      halfBold,
	"split link":     splitLink,
	"two links":      func(s string) string { return "[" + strings.Replace(s, " ", "](x) [", 1) + "](y)" },
	"reference link": func(s string) string { return "[" + s[:2] + "][1]" + s[2:] },
}

// forms are the ways to name somebody by parts of the name. What is in front of
// the place and behind it can make somebody else of it, so brackets are around.
var forms = map[string]func(first, last string) string{
	"as it is":      func(first, last string) string { return first + " " + last },
	"genitive":      func(first, last string) string { return first + " " + last + "s" },
	"reversed":      func(first, last string) string { return last + ", " + first },
	"initial":       func(first, last string) string { return string([]rune(first)[:1]) + ". " + last },
	"initial after": func(first, last string) string { return last + ", " + string([]rune(first)[:1]) + "." },
	"label":         func(_, last string) string { return "Handläggare: " + last },
	"title, last":   func(_, last string) string { return "socialsekreterare " + last },
	"title, first":  func(first, _ string) string { return "handläggare " + first },
	"last, title":   func(_, last string) string { return last + ", socialsekreterare" },
	"dotted":        func(first, last string) string { return first + "." + last },
	"half marked":   func(first, last string) string { return "**" + first + "** " + last },
	"with a middle": func(first, last string) string { return first + " M. " + last },
}

// TestPlanted: every form and every disguise is found on its line, wherever in
// clean documents of the corpus it is put and whoever is named.
func TestPlanted(t *testing.T) {
	variants := map[string]func(name string) string{}
	for what, form := range forms {
		variants[what] = func(name string) string {
			first, last, _ := strings.Cut(name, " ")
			return form(first, last)
		}
	}
	maps.Copy(variants, disguised)
	kinds := slices.Sorted(maps.Keys(variants))
	everybody := slices.Sorted(maps.Keys(people(t)))
	counts := tally{}
	for i, d := range corpus(t) {
		if len(d.traces) > 0 || i%2 == 1 {
			continue // half of them are enough
		}
		lines := strings.Split(d.body, "\n")
		for k, who := range everybody {
			kind := kinds[(7*i+k)%len(kinds)]
			first, _, _ := strings.Cut(who, " ")
			if kind == "lower" && slices.Contains(strings.Fields(alsoWords), first) {
				continue // "per ek" is not found, as the package says
			}
			text := "se (" + variants[kind](who) + ")"
			n := (31*k + 17*i) % len(lines)
			body := strings.Join(slices.Concat(lines[:n], []string{lines[n] + " " + text + " "}, lines[n+1:]), "\n")
			got := guard.Check(names(who), guard.Text{Field: d.field, Body: body})
			ok := len(got) > 0 && !slices.ContainsFunc(got, func(f guard.Finding) bool {
				return f.Kind != guard.Name || f.Line <= n || f.Line > n+1+strings.Count(text, "\n")
			})
			if !ok && len(guard.Check(names(who), guard.Text{Field: d.field, Body: d.body})) > 0 {
				continue // one of those that TestCorpus counts
			}
			counts.add(kind, !ok)
			if !ok {
				t.Errorf("%s: %s, %q on line %d: %v", d.file, kind, text, n+1, got)
			}
		}
	}
	t.Logf("\n%v", counts)
}

// alsoWords are first names that stand before nouns as words.
const alsoWords = "Hans Per Bo Dag Maj My Liv Mark Lo Sol Stig Sten Tor"
