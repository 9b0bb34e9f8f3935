package guard_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
	"pgregory.net/rapid"

	"sigill/keys/guard"
)

// anna is nobody; the number lies in a range set aside for drama (PTS).
var anna = guard.Terms{
	Names:   []string{"Anna Lindberg"},
	Emails:  []string{"anna.lindberg@exempelkommun.se"},
	Phones:  []string{"+46 70-174 06 05"},
	UserIDs: []string{"annlin07"},
	HSAIDs:  []string{"SE2321000016-1A2B"},
}

func names(n ...string) guard.Terms { return guard.Terms{Names: n} }

func check(t *testing.T, terms guard.Terms, text string, want guard.Kind) {
	t.Helper()
	got := guard.Check(terms, guard.Text{Field: "content", Body: text})
	if len(got) == 0 || got[0].Kind != want {
		t.Errorf("%q for %v: got %v, want %v", text, terms.Names, got, want)
	}
}

func clean(t *testing.T, terms guard.Terms, text string) {
	t.Helper()
	if got := guard.Check(terms, guard.Text{Field: "content", Body: text}); len(got) != 0 {
		t.Errorf("%q for %v: got %v, want nothing", text, terms.Names, got)
	}
}

func TestFullName(t *testing.T) {
	for _, text := range []string{
		"Beslutet har fattats av Anna Lindberg.",
		"Anna Lindbergs bedömning är att",
		"Lindberg, Anna",
		"Lindberg Anna",
		"ANNA LINDBERG",
		"anna lindberg",
		"AnnaLindberg",
		"utkast_anna_lindberg_v2.docx",
		"utkastAnnaLindberg2",
		"Anna\nLindberg",
		"Anna Lind-\nberg",
		"Anna Lind-\n> berg",
		"| Anna | Lindberg |",
		"Anna Maria Lindberg",
		"Anna M. Lindberg",
		"Anna M Lindberg",
		"Anna (Ankan) Lindberg",
		"A. Lindberg",
		"A Lindberg",
		"A.Lindberg",
		"Lindberg, A.",
		"Lindberg A",
		"Anna L. bedömer",
		"hos Anna L",
		"anna.l@exempel.se",
		"alindberg",
		"annlin@exempel.se",
		"annlin3",
	} {
		check(t, names("Anna Lindberg"), text, guard.Name)
		check(t, names("Lindberg, Anna"), text, guard.Name)
		check(t, names("Lindberg Anna"), text, guard.Name)
		check(t, names("Socialsekreterare Anna Lindberg (Socialförvaltningen)"), text, guard.Name)
		check(t, names("Anna Lindberg, socionom"), text, guard.Name)
	}
}

func TestDoubleNames(t *testing.T) {
	for _, text := range []string{
		"Anna-Karin Öberg Lindström",
		"Anna Karin Öberg Lindström",
		"Annakarin Lindström",
		"Anna Lindström",
		"Karin Öberg",
		"Karin Lindström",
		"Anna-Karin Öberg",
		"Anna-\nKarin Lindström",
		"A-K Lindström",
		"A.K. Öberg",
		"AK Öberg",
		"A.-K. Öberg",
		"Öberg Lindström",
		"Öberg-Lindström",
		"Lindström-Öberg",
		"Lindström, Anna-Karin",
		"Öberg Lindström, Anna-Karin",
		"handläggare Lindström",
		"Anna-Karin Oberg",
		"anna-karin.oberg.lindstrom",
		"Karin Oeberg",
	} {
		check(t, names("Anna-Karin Öberg Lindström"), text, guard.Name)
	}
	check(t, names("Eva Berg-Lind"), "Beslut av Berg-Lind", guard.Name)
	check(t, names("Eva Berg-Lind"), "Eva Berg", guard.Name)
	check(t, names("Eva Berg-Lind"), "Eva Lind", guard.Name)
	check(t, names("Eva Bergkvist-Lindroth"), "enligt Lindroth", guard.Name)
	check(t, names("Erik von Essen"), "Erik von Essen", guard.Name)
	check(t, names("Erik von Essen"), "von Essen", guard.Name)
	check(t, names("Erik von Essen"), "E. von Essen", guard.Name)
	check(t, names("Maria af Klint"), "meddelat af Klint att", guard.Name)
	check(t, names("Ana de la Cruz"), "Ana de la Cruz", guard.Name)
	check(t, names("Siobhán O'Brien"), "S. O’Brien", guard.Name)
	check(t, names("Li Wu"), "Kontakta Li Wu.", guard.Name)
	check(t, names("Nguyễn Thị Ánh"), "Nguyen Thi Anh", guard.Name)
	check(t, names("محمد الأحمد"), "av محمد الأحمد i dag", guard.Name)
}

func TestLastNameAlone(t *testing.T) {
	for _, text := range []string{
		"Enligt Lindberg är", "Lindbergs utredning", "LINDBERG", "kontakta lindberg",
		"L i n d b e r g", "Lind-\nberg", "socialsekreterare Lindberg", "på IFO Lindberg", "hos Socialtjänsten Lindberg", "Lind**berg**", "Kontakta Lindberg",
	} {
		check(t, names("Anna Lindberg"), text, guard.Name)
	}
	for _, text := range []string{
		"handläggare Lind", "Handläggare: Lind", "Handläggare:\n\nLind", "socialsekr. Lind", "Socialsekreteraren Linds bedömning",
		"fru Lind", "herr Lind", "tf Lind", "enhetschef Lind", "Enhetschefen, Lind", "Din handläggare är Lind", "handläggare i ärendet är Lind",
		"Lind, socialsekreterare", "Lind (handläggare)", "Med vänliga hälsningar\nLind", "Mvh\n\nLind", "/Lind", "B. Lind", "B Lind", "Lind, B.",
		"familjehemssekreterare Lind", "Lind bedömer att", "enligt Lind", "Linds bedömning", "Lind har bedömt att", "Handlagt av: Lind", "deltog Lind", "björn.lind@kommun.se", "HANDLÄGGARE: LIND",
	} {
		check(t, names("Björn Lind"), text, guard.Name)
	}
	check(t, names("Eva Karlsson"), "Per Karlsson har sökt. Handläggare Karlsson", guard.Name)
	check(t, names("Eva Karlsson"), "Karlsson skrev till Per Karlsson", guard.Name)
	check(t, names("Ingrid Lund"), "I. Lund", guard.Name)
	check(t, names("Ada Berg"), "20%Ada Berg", guard.Name)
	check(t, names("Per Ek"), "Per Ek", guard.Name)
	check(t, names("Hans Berg"), "Hans Berg", guard.Name)
	check(t, names("Hans Berg"), "HANS BERG", guard.Name)
	check(t, names("Björn Lind"), "björn lind", guard.Name)
	check(t, names("Bo Ek"), "B o   E k", guard.Name)
	check(t, names("Bo Ek"), "bo.ek@kommun.se", guard.Name)
	check(t, names("Bo Ek"), "BoEk", guard.Name)
}

func TestFirstNameInContext(t *testing.T) {
	for _, text := range []string{
		"handläggare Anna", "Handläggare: Anna", "Din handläggare heter Anna", "socialsekreterare Anna,", "Anna, socialsekreterare",
		"Anna (handläggare)", "Anna är din handläggare", "Hälsningar Anna", "Med vänlig hälsning\n\nAnna", "Handläggare Anna Telefon 0123", "Mvh Anna", "/Anna\n", "handläggaren Annas bedömning",
	} {
		check(t, names("Anna Lindberg"), text, guard.Name)
	}
	check(t, names("Anna-Karin Öberg"), "handläggare Karin", guard.Name)
}

func TestAddressesAndNumbers(t *testing.T) {
	for _, text := range []string{
		"anna.lindberg@exempelkommun.se", "ANNA.LINDBERG@EXEMPELKOMMUN.SE", "anna.lindberg (at) exempelkommun.se",
		"anna.lindberg[at]exempelkommun.se", "anna.lindberg snabel-a exempelkommun.se", "<mailto:anna.lindberg@exempelkommun.se>",
		"[skriv](mailto:anna.lindberg%40exempelkommun.se)", "anna.lindberg@\nexempelkommun.se", "anna.lindberg@annan.example",
		"anna.**lindberg**@exempelkommun\\.se", "anna&#46;lindberg&commat;exempelkommun.se",
	} {
		check(t, guard.Terms{Emails: anna.Emails}, text, guard.Email)
	}
	check(t, guard.Terms{Emails: anna.Emails}, "Anna Lindberg", guard.Name)
	check(t, guard.Terms{Emails: []string{"asa.oberg@x.se"}}, "Åsa Öberg", guard.Name)
	for _, text := range []string{
		"070-174 06 05", "0701740605", "+46701740605", "+46 (0)70-174 06 05", "0046 70 1740605", "070 / 17 40 60 5", "070.174.06.05",
		"tel: 070–174–06–05.", "０７０-１７４ ０６ ０５", "O7O-l74 O6 O5", "070-**174** 06 05", "070-174\n06 05", "070\u00a0174\u200b06 05", "46701740605",
		"tel:+46701740605", "٠٧٠-١٧٤ ٠٦ ٠٥", "(070) 174 06 05", "%2B46701740605",
	} {
		check(t, guard.Terms{Phones: anna.Phones}, text, guard.Phone)
		check(t, guard.Terms{Phones: []string{"0701740605"}}, text, guard.Phone)
		check(t, guard.Terms{Phones: []string{"0046701740605"}}, text, guard.Phone)
	}
	check(t, guard.Terms{Phones: []string{"+47 21 55 01 00"}}, "0047 2155 0100", guard.Phone)
	for _, text := range []string{"annlin07", "ANNLIN07", "konto: annlin07.", "KOMMUN\\annlin07", "ann-lin07", "annl\u200bin07"} {
		check(t, guard.Terms{UserIDs: []string{"annlin07"}}, text, guard.UserID)
		check(t, guard.Terms{UserIDs: []string{`EXKOM\annlin07`}}, text, guard.UserID)
	}
	for _, text := range []string{"SE2321000016-1A2B", "se2321000016-1a2b", "SE23210000161A2B", "(SE2321000016–1A2B)"} {
		check(t, guard.Terms{HSAIDs: anna.HSAIDs}, text, guard.HSAID)
	}
	for _, text := range []string{
		"1701740605", "070-174 06 051", "9070-1740605", "070-174 06 06", "annlin071", "annlin07s", "xannlin07", "SE2321000016-1A2BC", "info@exempelkommun.se",
		"exempelkommun.se", "SE2321000016", "SE2321000016. 1A2B",
	} {
		terms := anna
		terms.Names = nil // annlin and digits is also what accounts are called by
		clean(t, terms, text)
	}
}

func TestMailboxIsNoWords(t *testing.T) {
	terms := guard.Terms{Emails: []string{"berg.2026@exempelkommun.se", "per.son@exempelkommun.se", "info@exempelkommun.se"}}
	for _, text := range []string{"i Berg 2026 växte", "en person", "person per son", "för info se nedan", "info på exempelkommun.se"} {
		clean(t, terms, text)
	}
	check(t, terms, "berg.2026", guard.Email)
	check(t, terms, "info@exempelkommun.se", guard.Email)
}

func TestDisguised(t *testing.T) {
	entities := func(format string) func(string) string {
		return func(s string) string {
			var b strings.Builder
			for _, r := range s {
				fmt.Fprintf(&b, format, r)
			}
			return b.String()
		}
	}
	between := func(sep string) func(string) string {
		return func(s string) string { return strings.Join(strings.Split(s, ""), sep) }
	}
	disguises := map[string]func(string) string{
		"upper": strings.ToUpper, "lower": strings.ToLower,
		"NFC": norm.NFC.String, "NFD": norm.NFD.String,
		"full width": func(s string) string {
			return strings.Map(func(r rune) rune {
				if r > ' ' && r < 0x7f {
					return r + 0xFEE0
				}
				return r
			}, s)
		},
		"zero width space": between("\u200b"), "zero width joiner": between("\u200d"), "soft hyphen": between("\u00ad"),
		"word joiner": between("\u2060"), "byte order mark": between("\ufeff"), "variation selector": between("\ufe0f"),
		"tag": between("\U000E0041"), "letter-spaced": between(" "), "no-break spaced": between("\u00a0"), "dotted": between("."),
		"hyphened": between("-"), "lines": between("\n"), "bold": between("**"), "code": between("`"), "strike": between("~~"),
		"escapes": between("\\"), "underscores": between("_"), "tags": between("<b></b>"), "comments": between("<!-- -->"),
		"hangul filler": between("\u3164"),
		"Cyrillic":      strings.NewReplacer("a", "а", "o", "о", "e", "е", "p", "р", "B", "В", "A", "А").Replace,
		"Greek":         strings.NewReplacer("A", "Α", "o", "ο", "B", "Β", "i", "ι", "n", "ո").Replace,
		"mathematical": func(s string) string {
			return strings.NewReplacer("A", "𝐀", "n", "𝗻", "i", "𝑖", "d", "𝓭").Replace(s)
		},
		"circled":       strings.NewReplacer("a", "ⓐ", "n", "ⓝ", "r", "ⓡ").Replace,
		"small capital": strings.NewReplacer("n", "ɴ", "i", "ɪ", "r", "ʀ").Replace,
		"digits":        strings.NewReplacer("i", "1", "o", "0", "e", "3").Replace,
		"capital I":     strings.NewReplacer("l", "I", "i", "l").Replace,
		"rn for m":      strings.NewReplacer("m", "rn").Replace,
		"no marks":      strings.NewReplacer("å", "a", "ä", "a", "ö", "o", "Å", "A", "Ö", "O", "Ä", "A", "é", "e").Replace,
		"spelled out":   strings.NewReplacer("å", "aa", "ä", "ae", "ö", "oe", "Å", "Aa", "Ö", "Oe", "Ä", "Ae").Replace,
		"decimal":       entities("&#%d;"), "hex": entities("&#x%X;"), "open decimal": entities("&#%d"), "percent": percent,
		"twice percent": func(s string) string { return url.QueryEscape(percent(s)) },
		"named":         strings.NewReplacer("å", "&aring;", "ö", "&ouml;", "ä", "&auml;", "Å", "&Aring;", "Ö", "&Ouml;", " ", "&nbsp;").Replace,
		"nested":        strings.NewReplacer("n", "&amp;#110;", "ö", "&amp;amp;ouml;").Replace,
		"latin-1":       strings.NewReplacer("å", "%E5", "ö", "%F6", "ä", "%E4", "Ö", "%D6", "Å", "%C5").Replace,
		"quoted":        strings.NewReplacer("å", "=C3=A5", "ö", "=C3=B6", "ä", "=C3=A4", "Ö", "=C3=96", "Å", "=C3=85").Replace,
		"backslash u": func(s string) string {
			var b strings.Builder
			for _, u := range utf16.Encode([]rune(s)) {
				fmt.Fprintf(&b, `\u%04x`, u)
			}
			return b.String()
		},
		"escaped space":  strings.NewReplacer(" ", `\_`).Replace,
		"half bold":      func(s string) string { return s[:2] + "**" + s[2:4] + "** " + s[4:] },
		"split link":     func(s string) string { return "[" + s[:2] + "](https://x.example/a)" + s[2:] },
		"two links":      func(s string) string { return "[" + strings.Replace(s, " ", "](x) [", 1) + "](y)" },
		"reference link": func(s string) string { return "[" + s[:2] + "][1]" + s[2:] },
	}
	for what, f := range disguises {
		for _, n := range []string{"Anna Lindberg", "Monica Öberg", "Sara Åkesson", "Emil Väinö Malm", "Björn Lind", "Per Ek"} {
			if what == "lower" && n == "Per Ek" {
				continue // "per ek" is not found, as the package says
			}
			got := guard.Check(names(n), guard.Text{Field: "content", Body: "Ärendet har beretts, " + f(n) + ", och avgjorts."})
			if len(got) == 0 || got[0].Kind != guard.Name || got[0].Line > 20 {
				t.Errorf("%s: %q: got %v", what, f(n), got)
			}
		}
	}
}

func percent(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		fmt.Fprintf(&b, "%%%02X", c)
	}
	return b.String()
}

func TestNotNamed(t *testing.T) {
	for name, texts := range map[string][]string{
		"Björn Lind": {
			"En björn syntes vid en lind.", "Lind och ek växer där.", "Björnen gick. Lind växer", "avdelning Lind", "Björn", "Björn Svensson",
			"i Lindköping", "lindring", "Linda", "familjen Lind", "Maria Lind", "M. Lind", "Björkens förskola", "Björn. Lind planterades.", "boendet Lind",
		},
		"Hans Berg":    {"hans berg av skulder", "Hans bergfasta tro", "i Berg", "Bergs kommun", "handläggare i Bergs kommun", "Berg och dal", "från Berg", "hans Bergs"},
		"Per Ek":       {"per ekonomisk enhet", "Per eko", "perek", "person per ek", "Ek är ett träslag."},
		"Bo Ek":        {"att bo ekonomiskt", "bo ek", "boek", "Bo ekologiskt"},
		"Bo Ende":      {"kan bo en de första åren", "boende"},
		"Bo Stad":      {"bostad", "Bostad", "bo stadigvarande"},
		"Bo Berg":      {"Karin Boberg", "Boberg"},
		"Per Son":      {"person", "Person", "Personen"},
		"Sten Sund":    {"en sten, sund mat", "Sundsvall", "sunt"},
		"Ingrid Lund":  {"I Lund finns", "i Lund. I utredningen", "Lunds tingsrätt", "Universitetet i Lund", "bor i Lund, I dag"},
		"Anna Trygg":   {"känna sig trygg", "Trygg är den som", "en trygg vardag", "Trygg-Hansa"},
		"Mona Modig":   {"hon var modig", "Modig som hon är"},
		"Anna Lund":    {"så länge de bor i Lund, Anna och hennes mor", "bor i Lund. Anna går i skolan", "barnet Anna trivs", "modern uppger att Anna och Karl bor i Lund", "ann alund"},
		"Anna Öman":    {"ambassaden i Oman", "från Oman"},
		"Eva Häll":     {"en hall", "Hall"},
		"Lena Sol":     {"enligt SoL bedömer nämnden", "SOL"},
		"Eva Karlsson": {"Per Karlsson har sökt. Karlsson uppger, och Karlssons mor", "makarna Karlsson. Karlsson är"},
		"Åsa Vik":      {"Per Vik har sökt. Vik uppger att"},
		"Anna Maria":   {"barnet Anna trivs"},
		"Eva Ali":      {"alla barn", "all hjälp", "Ali har", "eva li"},
		"Mattias Mark": {"på statens mark", "Mark kommun", "i Mark"},
		"Anna Lindberg": {
			"Hanna Lindberg", "Johanna Lindberg", "Anna Lindbergh", "Lindbergsgatan", "Maria Lindberg", "M. Lindberg", "modern Xaawo Lindberg",
			"Anna Svensson", "Anna Lind", "Anna", "Anna och Karl", "handläggare Anna Svensson", "handläggare Anna-Lena Berg", "lind berg", "syskonen Lindberg",
			"Björkens samtal med Annas mor", "Annlindberga", "annlin", "ANNA", "mannalindbergs",
			"Lena-Anna, socialsekreterare", "Anna, socialsekreterare Maria Svensson och Karl", "Xaawo Lindberg har sökt. Här trivs Xaawo.",
		},
	} {
		for _, text := range texts {
			clean(t, names(name), text)
		}
	}
}

func TestShortAndEmptyTermsMatchNothing(t *testing.T) {
	terms := guard.Terms{
		Names:  []string{"", " ", "-", "A", "A B", "(x)", ",", ".", "123", "\u200b", "von", "Å"},
		Emails: []string{"", "@", "a@", "@kommun.se", "."}, Phones: []string{"", "0", "+46", "112", "1177", "114 14"},
		UserIDs: []string{"", "a", "1", "a1", "1234", "10000", "lind", "barn", `\`}, HSAIDs: []string{"", "SE", "-"},
	}
	clean(t, terms, "A B, a b. 1 12 112 1177 1234 10000 kr von barn lind @kommun.se a@b.se kontakta kommun.se SE 2026-11-20 Å ena sidan")
	if got := guard.Check(guard.Terms{}, guard.Text{Field: "content", Body: "Anna Lindberg"}); got != nil {
		t.Errorf("no terms: %v", got)
	}
	if got := guard.Check(anna); got != nil {
		t.Errorf("no texts: %v", got)
	}
}

func TestPositions(t *testing.T) {
	got := guard.Check(anna,
		guard.Text{Field: "statement.title", Body: "Beslut"},
		guard.Text{Field: "content", Body: "Åäö 𝐀 &aring; Anna\r\nLindberg\nx\xff A&#110;na **Lind**berg och\n\ttel 0701740605"},
		guard.Text{Field: "statement.reason", Body: "annlin07"})
	want := []guard.Finding{
		{guard.Name, "content", 1, 15},
		{guard.Name, "content", 3, 4},
		{guard.Phone, "content", 4, 6},
		{guard.UserID, "statement.reason", 1, 1},
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if s := want[2].String(); s != "content, line 4, column 6: phone" {
		t.Error(s)
	}
	many := guard.Check(anna, guard.Text{Field: "content", Body: strings.Repeat("Anna Lindberg, ", 1000)})
	if len(many) != guard.MaxFindings {
		t.Errorf("%d findings", len(many))
	}
}

// TestFindingNeverHoldsTheTerm: whatever is named, and however, nothing of it
// is in what Check returns.
func TestFindingNeverHoldsTheTerm(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		first := rapid.StringMatching(`[A-VÅÄÖ][a-våäö]{3,8}`).Draw(t, "first")
		last := rapid.StringMatching(`[A-VÅÄÖ][a-våäö]{4,9}(-[A-VÅÄÖ][a-våäö]{4,9})?`).Draw(t, "last")
		gap := rapid.SampledFrom([]string{" ", "  ", "\n", "-", "_", "\u00a0", " X. ", "&nbsp;"}).Draw(t, "gap")
		pad := rapid.StringMatching(`([xyz ,]{0,40}\n){0,4}`).Draw(t, "pad")
		body := pad + first + gap + last
		got := guard.Check(names(first+" "+last), guard.Text{Field: "content", Body: body})
		if len(got) == 0 {
			t.Fatalf("%q is missed", body)
		}
		for _, f := range got {
			all := strings.ToLower(fmt.Sprintf("%v %+v %#v", f, f, f))
			for _, part := range append(strings.Split(last, "-"), first) {
				if len(part) > 5 && strings.Contains(all, strings.ToLower(part)) {
					t.Fatalf("the finding %q holds %q", all, part)
				}
			}
			if lines := strings.Count(pad, "\n"); f.Line < lines+1 {
				t.Fatalf("line %d of text that begins at %d", f.Line, lines+1)
			}
		}
	})
}

// TestLinear: ten people and text made to be slow. What is quadratic takes
// minutes here, what is linear well under a second without -race.
func TestLinear(t *testing.T) {
	terms := anna
	for i := range 10 {
		terms.Names = append(terms.Names, fmt.Sprintf("Anna%c-Lena Berg%c Lindström", 'a'+i, 'a'+i))
	}
	for _, unit := range []string{
		"Anna Lindber ", "Berg ", "a", "](", "<a", "[", "&amp;", "%25", "A. ", "Anna A. B. C. ", "070-174 06 0 ", "\u200b", "**", "a\u0308", "handläggare i på för ", "aA",
		"Nämnden har utrett barnets behov av stöd och bedömer att insatsen bör beviljas.\n", "&#38;#38;#38;", "\\u005cu", "[x](", "An ",
	} {
		body := strings.Repeat(unit, guard.MaxContent/8/len(unit))
		start := time.Now()
		guard.Check(terms, guard.Text{Field: "content", Body: body})
		if d := time.Since(start); d > 8*time.Second {
			t.Errorf("%q repeated took %v", unit, d)
		} else {
			t.Logf("%-20q %v", unit, d.Round(time.Millisecond))
		}
	}
}

func BenchmarkCheck(b *testing.B) {
	terms := names("Anna Lindberg", "Björn Lind", "Karin Öberg", "Per Ek", "Hans Berg", "Eva Hall", "Maria af Klint", "Bo Ek", "Åsa Sund", "Ali Hassan")
	line := "Nämnden har utrett barnets behov av stöd och bedömer, enligt 11 kap. 1 § socialtjänstlagen, att insatsen bör beviljas.\n"
	body := strings.Repeat(line, guard.MaxContent/len(line))
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		guard.Check(terms, guard.Text{Field: "content", Body: body})
	}
}

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
