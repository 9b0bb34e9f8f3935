package guard_test

import (
	"fmt"
	"strings"
	"testing"

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
	check(t, names("Gun-Britt Lind"), "Lind, G-B", guard.Name)
	check(t, names("Eva Berg-Lind"), "Beslut av Berg-Lind", guard.Name)
	check(t, names("Eva Berg-Lind"), "Eva Berg", guard.Name)
	check(t, names("Eva Berg-Lind"), "Eva Lind", guard.Name)
	check(t, names("Eva Bergkvist-Lindroth"), "enligt Lindroth", guard.Name)
	check(t, names("Erik von Essen"), "Erik von Essen", guard.Name)
	check(t, names("Erik von Essen"), "von Essen", guard.Name)
	check(t, names("Erik von Essen"), "E. von Essen", guard.Name)
	check(t, names("Maria af Klint"), "meddelat af Klint att", guard.Name)
	for _, text := range []string{"erik von ek", "E r i k   v o n   E k", "Erik-von-Ek", "ErikVonEk", "von Ek, Erik", "E.r.i.k. .v.o.n. .E.k"} {
		check(t, names("Erik von Ek"), text, guard.Name)
	}
	check(t, names("Ana de la Cruz"), "Ana de la Cruz", guard.Name)
	check(t, names("Siobhán O'Brien"), "S. O’Brien", guard.Name)
	check(t, names("Li Wu"), "Kontakta Li Wu.", guard.Name)
	check(t, names("Nguyễn Thị Ánh"), "Nguyen Thi Anh", guard.Name)
	check(t, names("محمد الأحمد"), "av محمد الأحمد i dag", guard.Name)
}

func TestLastNameAlone(t *testing.T) {
	for _, text := range []string{
		"Enligt Lindberg är", "den lindbergska utredningen", "Lindbergs utredning", "LINDBERG", "kontakta lindberg",
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
	for _, text := range []string{"Torp skrev till", "enligt Torp", "Torps bedömning", "Torp kommer inte att ringa", "Torps brevlåda", "Ha det gott,\nTorp", "Välkommen!\nTorp", "kl. 9. /Torp", "biståndsbedömaren Torp", "Torp (biståndsbedömare)"} {
		check(t, names("Nils Torp"), text, guard.Name)
	}
	check(t, names("Eva Karlsson"), "Per Karlsson har sökt. Handläggare Karlsson", guard.Name)
	check(t, names("Eva Karlsson"), "Karlsson skrev till Per Karlsson", guard.Name)
	check(t, names("Ingrid Lund"), "I. Lund", guard.Name)
	check(t, names("Ada Berg"), "20%Ada Berg", guard.Name)
	check(t, names("Per Ek"), "Per Ek", guard.Name)
	check(t, names("Hans Berg"), "Hans Berg", guard.Name)
	check(t, names("Hans Berg"), "HANS BERG", guard.Name)
	check(t, names("Saga Sten"), "saga sten", guard.Name)
	check(t, names("Kaj Nora"), "två barn från (Nora, Kaj)", guard.Name)
	check(t, names("Björn Lind"), "björn lind", guard.Name)
	check(t, names("Bo Ek"), "B o   E k", guard.Name)
	check(t, names("Bo Ek"), "bo.ek@kommun.se", guard.Name)
	check(t, names("Bo Ek"), "BoEk", guard.Name)
}

// TestOwnFirstName: the full name once in a text does not make somebody else's
// of the last name alone.
func TestOwnFirstName(t *testing.T) {
	for name, text := range map[string]string{
		"Anna Lindberg": "Anna Lindberg skrev.\nLindberg svarade inte.",
		"Björn Ek":      "Samtal med Björn Ek.\nEk frågade.",
	} {
		got := guard.Check(names(name), guard.Text{Field: "content", Body: text})
		if len(got) != 2 || got[1].Line != 2 || got[1].Column != 1 {
			t.Errorf("%q: %v", text, got)
		}
	}
	// The number before the name is none of its letters, though 4 looks like A.
	got := guard.Check(names("Åsa Öberg"), guard.Text{Field: "content", Body: "Rum 4\nÅsa Öberg"})
	if len(got) != 1 || got[0].Line != 2 {
		t.Errorf("after a number: %v", got)
	}
}

func TestFirstNameInContext(t *testing.T) {
	for _, text := range []string{
		"handläggare Anna", "Handläggare: Anna", "Din handläggare heter Anna", "socialsekreterare Anna,", "Anna, socialsekreterare",
		"Anna (handläggare)", "Anna är din handläggare", "Hälsningar Anna", "Kontaktperson: Anna", "kontaktperson Anna, 0123", "Med vänlig hälsning\n\nAnna", "Handläggare Anna Telefon 0123", "Mvh Anna", "/Anna\n", "handläggaren Annas bedömning",
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

func TestNotNamed(t *testing.T) {
	for name, texts := range map[string][]string{
		"Björn Lind": {
			"En björn syntes vid en lind.", "Lind och ek växer där.", "Björnen gick. Lind växer", "avdelning Lind", "Björn", "Björn Svensson",
			"i Lindköping", "lindring", "Linda", "familjen Lind", "Maria Lind", "M. Lind", "Björkens förskola", "Björn. Lind planterades.", "boendet Lind",
		},
		"Hans Berg":      {"hans berg av skulder", "Hans bergfasta tro", "i Berg", "Bergs kommun", "handläggare i Bergs kommun", "Berg och dal", "från Berg", "hans Bergs"},
		"Per Ek":         {"per ekonomisk enhet", "Per eko", "perek", "person per ek", "Ek är ett träslag."},
		"Bo Ek":          {"att bo ekonomiskt", "bo ek", "boek", "Bo ekologiskt"},
		"Bo Ende":        {"kan bo en de första åren", "boende"},
		"Björn Ek":       {"Kontaktperson\n\nBjörn har sökt", "Insats: kontaktperson för Björn på sikt", "handläggare för Ek", "Kontaktperson: Björn får stöd"},
		"Jan Man":        {"din man Jan"},
		"Dag Ek":         {"enligt handledaren är Dag en god vän", "Välkommen Dag!", "Barn:\nDag"},
		"Petra Hagström": {"Hagström Bygg AB", "hos Hagströms HB"},
		"Saga Sten":      {"Saga, Stens syster", "direktör Sten Alm", "Med vänlig hälsning\nSten Alm"},
		"Eva Lund":       {"Lund svarade att", "enligt Lund", "Lunds beslut"},
		"Hans Ekblad":    {"löv och ekblad"},
		"Bo Stad":        {"bostad", "Bostad", "bo stadigvarande"},
		"Bo Berg":        {"Karin Boberg", "Boberg"},
		"Per Son":        {"person", "Person", "Personen"},
		"Sten Sund":      {"en sten, sund mat", "Sundsvall", "sunt"},
		"Ingrid Lund":    {"Flytt från Lund\n\nIngrid har sökt", "I Lund finns", "i Lund. I utredningen", "Lunds tingsrätt", "Universitetet i Lund", "bor i Lund, I dag"},
		"Anna Trygg":     {"känna sig trygg", "Trygg är den som", "en trygg vardag", "Trygg-Hansa"},
		"Mona Modig":     {"hon var modig", "Modig som hon är"},
		"Anna Lund":      {"så länge de bor i Lund, Anna och hennes mor", "bor i Lund. Anna går i skolan", "barnet Anna trivs", "modern uppger att Anna och Karl bor i Lund", "ann alund"},
		"Anna Öman":      {"ambassaden i Oman", "från Oman"},
		"Eva Häll":       {"en hall", "Hall"},
		"Lena Sol":       {"enligt SoL bedömer nämnden", "SOL"},
		"Eva Karlsson":   {"Per Karlsson har sökt. Karlsson uppger, och Karlssons mor", "makarna Karlsson. Karlsson är"},
		"Åsa Vik":        {"Per Vik har sökt. Vik uppger att"},
		"Anna Maria":     {"barnet Anna trivs"},
		"Eva Ali":        {"alla barn", "all hjälp", "Ali har", "eva li"},
		"Mattias Mark":   {"på statens mark", "Mark kommun", "i Mark"},
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

func BenchmarkCheck(b *testing.B) {
	terms := names("Anna Lindberg", "Björn Lind", "Karin Öberg", "Per Ek", "Hans Berg", "Eva Hall", "Maria af Klint", "Bo Ek", "Åsa Sund", "Ali Hassan")
	line := "Nämnden har utrett barnets behov av stöd och bedömer, enligt 11 kap. 1 § socialtjänstlagen, att insatsen bör beviljas.\n"
	body := strings.Repeat(line, guard.MaxContent/len(line))
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		guard.Check(terms, guard.Text{Field: "content", Body: body})
	}
}
