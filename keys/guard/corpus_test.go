package guard_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sigill/keys/guard"
)

// omitted are invented people, most of whose names are words, places or the
// beginnings of others'. None is in the documents under testdata.
var omitted = strings.Split(`Anna Lindberg
Björn Lind
Eva Berg
Sten Ek
Hans Berg
Per Skog
Bo Sten
Anna Sund
Mona Modig
Ulla Trygg
Karl Frisk
Stig Lång
Dag Hall
Maj Vik
Ingrid Lund
Liv Strand
Saga Holm
Karin Björk
Gunilla Sjö
Lena Holmberg
Maria Sandberg
Mia Andersson Lind
Xena Ali
Ahmed Hussein
Mohamed Hassan Omar
Amir Karimi
Åsa Öberg
Åke Öman
Anna-Karin Öberg Lindström
Eva Berg-Lind
Erik von Ek
Maria af Klint
Lars-Åke Stark
Siv Snäll
Hugo Bror Glad
Per Mark
Rut Klar
Tor Järn
Ulf Röd
My Vara
Kaj Nora
Åsa Brant
Ida Brun
Sara Ström
Ola Malm
Tom Tung
Li Nu
Bo Ende
Per Son
Al In
Eva Norling-Holm
Ulf Tak
Hans Hus
Jan Man
Kim Gran
Lindqvist Anna
Åke Lindqvist
Karin Strand
Eva Ström
Stig Malm`, "\n")

func documents(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob("testdata/*.[mt]*")
	if err != nil || len(files) < 5 {
		t.Fatalf("documents: %v, %v", files, err)
	}
	docs := map[string]string{}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		docs[f] = string(b)
	}
	return docs
}

// TestCleanDocuments: no false alarm for anybody in whole documents full of
// other people, places, and words that are names.
func TestCleanDocuments(t *testing.T) {
	for file, body := range documents(t) {
		kind := "text/plain"
		if strings.HasSuffix(file, ".md") {
			kind = "text/markdown"
		}
		if err := guard.CheckMedia(kind, []byte(body)); err != nil {
			t.Errorf("%s: %v", file, err)
		}
		for _, n := range omitted {
			terms := guard.Terms{
				Names: []string{n}, Emails: []string{strings.ToLower(strings.ReplaceAll(n, " ", ".")) + "@bjorkvik.example"},
				Phones: []string{"0123-456 17"}, UserIDs: []string{"abc" + "1234"},
			}
			for _, f := range guard.Check(terms, guard.Text{Field: file, Body: body}) {
				t.Errorf("%s is not named: %v: %q", n, f, strings.Split(body, "\n")[f.Line-1])
			}
		}
	}
}

// TestPlanted: each of them is found on the right line wherever a name is put.
func TestPlanted(t *testing.T) {
	misses, planted := 0, 0
	for file, body := range documents(t) {
		lines := strings.Split(body, "\n")
		for k, n := range omitted {
			first, rest, _ := strings.Cut(n, " ")
			initial := string([]rune(first)[:1])
			for j, form := range []string{
				n, n + "s", rest + ", " + first, initial + ". " + rest, strings.ToUpper(n), "Handläggare: " + rest,
				"handläggare " + first, "socialsekreterare " + rest, strings.ReplaceAll(n, " ", "."), "**" + first + "** " + rest,
			} {
				at := (k*31 + j*17) % len(lines)
				with := append(append(append([]string(nil), lines[:at]...), lines[at]+" ("+form+") "), lines[at+1:]...)
				planted++
				got := guard.Check(names(n), guard.Text{Field: file, Body: strings.Join(with, "\n")})
				if len(got) == 0 || got[0].Line != at+1 || got[len(got)-1].Line != at+1 {
					misses++
					t.Errorf("%s: %q on line %d: %v", file, form, at+1, got)
				}
			}
		}
	}
	t.Logf("%d planted, %d missed", planted, misses)
}
