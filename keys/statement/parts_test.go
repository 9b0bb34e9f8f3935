package statement_test

import (
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"sigill/keys/statement"
)

// partsRow is a vector: of what is not said, reasons are stated and the decision
// can be appealed.
type partsRow struct {
	Name    string
	Content string
	Reasons statement.Reasons
	Appeal  statement.Appeal
	Part    statement.Part // that is missing or, with a line, empty; "" for none
	Line    int
}

// TestParts: the vectors of proto/SPEC.md, "Parts of the content".
func TestParts(t *testing.T) {
	b, err := os.ReadFile("testdata/parts.json")
	if err != nil {
		t.Fatal(err)
	}
	var rows []partsRow
	if err := json.Unmarshal(b, &rows); err != nil || len(rows) < 40 {
		t.Fatal(len(rows), err)
	}
	for _, r := range rows {
		if r.Reasons == "" {
			r.Reasons = statement.ReasonsStated
		}
		if r.Appeal == "" {
			r.Appeal = statement.AppealAdministrative
		}
		err := statement.CheckParts([]byte(r.Content), r.Reasons, r.Appeal)
		got := &statement.PartError{}
		if err != nil && !errors.As(err, &got) {
			t.Fatal(r.Name, err)
		}
		if got.Part != r.Part || got.Line != r.Line || (err == nil) != (r.Part == "") {
			t.Errorf("%s: %v", r.Name, err)
		}
	}
}

// TestEveryWord: each word of each part heads it, in each of the ways in which a
// heading is written, and is empty where nothing follows.
func TestEveryWord(t *testing.T) {
	words := map[statement.Part]string{
		statement.PartDecision: "beslut|beslutet|förvaltningens beslut|nämndens beslut|socialnämndens beslut",
		statement.PartReasons: "skäl|skälen|skäl för beslutet|skälen för beslutet|motivering|beslutsmotivering|bedömning|förvaltningens bedömning|" +
			"nämndens bedömning|socialnämndens bedömning",
		statement.PartAppeal: "hur du överklagar|hur man överklagar|hur beslutet överklagas|så överklagar du|så här överklagar du|om du vill överklaga|" +
			"beslutet kan överklagas|överklagande|överklagan|överklagandehänvisning|besvärshänvisning",
	}
	ways := []string{"W", "## W", "###### 2.3 W ##", "**W**", "__W__:", "4) **W**", "W\n---", "2 W\n===", "W:"}
	whole := map[statement.Part]string{statement.PartDecision: "# Beslut\n\nJa.\n\n", statement.PartReasons: "# Skäl\n\nX.\n\n", statement.PartAppeal: "# Överklagan\n\nY.\n\n"}
	for part, list := range words {
		others := ""
		for p, text := range whole {
			if p != part {
				others += text
			}
		}
		for _, w := range strings.Split(list, "|") {
			for _, way := range ways {
				for _, said := range []string{w, capitalised(w), strings.ToUpper(w)} {
					head := strings.ReplaceAll(way, "W", said) + "\n"
					if err := statement.CheckParts([]byte(head+"\nText.\n\n"+others), statement.ReasonsStated, statement.AppealAdministrative); err != nil {
						t.Errorf("%q: %v", head, err)
					}
					no := &statement.PartError{}
					if err := statement.CheckParts([]byte(others+head), statement.ReasonsStated, statement.AppealAdministrative); !errors.As(err, &no) || no.Part != part || no.Line == 0 {
						t.Errorf("%q without text: %v", head, err)
					}
				}
			}
		}
	}
}

func capitalised(w string) string {
	_, n := utf8.DecodeRuneInString(w)
	return strings.ToUpper(w[:n]) + w[n:]
}

// TestPartError: the error says which part, under which provision, and nothing of
// the text.
func TestPartError(t *testing.T) {
	const secret = "Öberghult"
	for content, want := range map[string]string{
		"## " + secret + "\n": "the content has no heading for the decision (33 § FL)",
		"## Beslut\n\nJa, " + secret + ".\n\n## Skäl, " + secret:   "line 5: there is no text under the heading for its reasons (32 § FL)",
		"## Beslut\n\nJa.\n\n## Skäl\n\n" + secret + "\n\n# Mer\n": "the content has no heading for how to appeal (33 § FL)",
	} {
		if err := statement.CheckParts([]byte(content), statement.ReasonsStated, statement.AppealLegality); err == nil || err.Error() != want {
			t.Errorf("%v", err)
		}
	}
}

// FuzzParts: no text panics, and text that is added under every heading never
// makes a part that was there go.
func FuzzParts(f *testing.F) {
	for _, s := range []string{"", "# Beslut\n", "---\n", "**\n", "1. \n===\n", "\xff\n\t#", "****\n", "__:\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		before := statement.CheckParts([]byte(s), statement.ReasonsStated, statement.AppealAdministrative)
		after := statement.CheckParts([]byte(s+"\n\nText.\n"), statement.ReasonsStated, statement.AppealAdministrative)
		if before == nil && after != nil {
			t.Errorf("%q: text at its end: %v", s, after)
		}
	})
}
