package workflow

import (
	"strings"
	"unicode/utf8"

	"sigill/keys/jws"
	"sigill/keys/statement"
)

// The parts that the law asks for in the content (32 and 33 §§ FL), each by the
// words that its heading begins with: the decision, its reasons where they are
// stated, and how to appeal where that is possible.
var (
	headingDecision = []string{"beslut"}
	headingReasons  = []string{"skäl"}
	headingAppeal   = []string{"hur du överklagar", "överklagande", "hur beslutet överklagas"}
)

// maxHeading is how many bytes a line may have and still be a heading.
const maxHeading = 120

func checkParts(d *statement.Draft, content []byte) error {
	var decision, reasons, appeal bool
	for line := range strings.Lines(string(content)) {
		h := heading(line)
		decision = decision || begins(h, headingDecision)
		reasons = reasons || begins(h, headingReasons)
		appeal = appeal || begins(h, headingAppeal)
	}
	for _, part := range []struct {
		there bool
		name  string
	}{
		{decision, "content.decision"},
		{reasons || d.Reasons != statement.ReasonsStated, "content.reasons"},
		{appeal || d.Appeal == statement.AppealNone, "content.appeal"},
	} {
		if !part.there {
			return invalid(part.name, ReasonLaw, jws.ErrMissing)
		}
	}
	return nil
}

// heading is a line in small letters without the marks of a Markdown heading or
// of bold text in front; "" for a line that is too long, or set off as code.
func heading(line string) string {
	line = strings.TrimRight(line, " \t\n")
	text := strings.TrimLeft(line, " ")
	if len(line) > maxHeading || len(line)-len(text) > 3 {
		return ""
	}
	return strings.ToLower(strings.TrimLeft(strings.TrimLeft(text, "#"), " \t*"))
}

// begins reports whether a heading begins with one of the words, and the word
// ends there.
func begins(h string, words []string) bool {
	for _, w := range words {
		if rest, ok := strings.CutPrefix(h, w); ok {
			next, _ := utf8.DecodeRuneInString(rest)
			if rest == "" || strings.ContainsRune(" \t:*", next) {
				return true
			}
		}
	}
	return false
}
