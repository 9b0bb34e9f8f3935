package statement

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// A Part is what the law asks for in a decision's content, under a heading of
// its own. See proto/SPEC.md, "Parts of the content".
type Part string

// The parts, in the order in which they are asked for.
const (
	PartDecision Part = "DECISION"
	PartReasons  Part = "REASONS" // where they are stated
	PartAppeal   Part = "APPEAL"  // how to appeal, where that is possible
)

// Parts are all parts.
var Parts = []Part{PartDecision, PartReasons, PartAppeal}

// Provision is where the law asks for the part.
func (p Part) Provision() string {
	if p == PartReasons {
		return "32 § FL"
	}
	return "33 § FL"
}

// headed are the words by which each part's heading is known, in small letters:
// what Swedish authorities write.
var headed = []struct {
	part  Part
	words []string
}{
	{PartDecision, []string{"beslut", "beslutet", "förvaltningens beslut", "nämndens beslut", "socialnämndens beslut"}},
	{PartReasons, []string{"skäl", "skälen", "skäl för beslutet", "skälen för beslutet", "motivering", "beslutsmotivering", "bedömning",
		"förvaltningens bedömning", "nämndens bedömning", "socialnämndens bedömning"}},
	{PartAppeal, []string{"hur du överklagar", "hur man överklagar", "hur beslutet överklagas", "så överklagar du", "så här överklagar du",
		"om du vill överklaga", "beslutet kan överklagas", "överklagande", "överklagan", "överklagandehänvisning", "besvärshänvisning"}},
}

// A PartError says which part a content lacks, and never what stands there
// instead. Line is that of the heading under which there is no text, from 1; 0
// if there is no heading.
type PartError struct {
	Part Part
	Line int
}

func (e *PartError) Error() string {
	what := map[Part]string{PartDecision: "the decision", PartReasons: "its reasons", PartAppeal: "how to appeal"}[e.Part]
	if e.Line == 0 {
		return fmt.Sprintf("the content has no heading for %s (%s)", what, e.Part.Provision())
	}
	return fmt.Sprintf("line %d: there is no text under the heading for %s (%s)", e.Line, what, e.Part.Provision())
}

// CheckParts refuses a content without one of the parts that the law asks for,
// given how the draft says that reasons are stated and how to appeal. A heading
// without text under it is no part. Its answer is a [*PartError].
func CheckParts(content []byte, reasons Reasons, appeal Appeal) error {
	lines := strings.Split(string(content), "\n")
	found := headings(lines)
	for _, p := range Parts {
		if p == PartReasons && reasons != ReasonsStated || p == PartAppeal && appeal == AppealNone {
			continue
		}
		if line, ok := written(p, lines, found); !ok {
			return &PartError{p, line}
		}
	}
	return nil
}

// written reports whether a part has a heading with text under it, and if it has
// none, the line of the first heading that should have.
func written(p Part, lines []string, found []heading) (line int, ok bool) {
	for i, h := range found {
		if h.part != p || title(h, found[i+1:]) {
			continue
		}
		if h.hasText(lines, found[i+1:]) {
			return 0, true
		}
		if line == 0 {
			line = h.at + 1
		}
	}
	return line, false
}

// A heading is a line that is one. Level is 1 to 6 as Markdown marks it, or
// setOff; at counts lines from 0.
type heading struct {
	at, level int
	part      Part
}

// setOff is the level of a heading that is marked by nothing but how it looks:
// under one that is marked such a line is text, as bold words of a decision are.
const setOff = 7

// title reports whether a heading holds another one for its own part. Then it is
// the document's title (Beslut om boendestöd), and the text is to stand under the
// other.
func title(h heading, later []heading) bool {
	for _, o := range later {
		if o.level <= h.level {
			return false
		}
		if o.part == h.part && o.level < setOff {
			return true
		}
	}
	return false
}

// hasText looks between a heading and the one that ends its part: the next of the
// same or a higher level, or that of another part.
func (h heading) hasText(lines []string, later []heading) bool {
	from := h.at + 1
	for _, o := range later {
		if o.level == setOff && h.level < setOff {
			continue
		}
		if anyText(lines[from:o.at]) {
			return true
		}
		if o.level <= h.level || o.part != "" && o.part != h.part {
			return false
		}
		from = o.at + 1
	}
	return anyText(lines[from:])
}

func anyText(lines []string) bool {
	for _, l := range lines {
		if hasText(l) {
			return true
		}
	}
	return false
}

// hasText looks for a letter that a reader of the rendered text sees as text, and
// usually finds it at once. Entities (&nbsp;), targets of links, the number of an
// empty item and code fences are none.
func hasText(line string) bool {
	start := strings.TrimLeft(line, " \t")
	if strings.HasPrefix(start, "```") || strings.HasPrefix(start, "~~~") {
		return false
	}
	closed := true // a link's target can still end
	for rest := start[item(start):]; rest != ""; {
		r, n := utf8.DecodeRuneInString(rest)
		switch {
		case r == '&':
			n = entity(rest)
		case closed && strings.HasPrefix(rest, "]("):
			end := strings.IndexByte(rest, ')')
			if closed = end > 0; closed {
				n = end + 1
			}
		case letter(r):
			return true
		}
		rest = rest[n:]
	}
	return false
}

// item is the length of the number that begins an item: 1 to 9 digits and a full
// stop or bracket.
func item(line string) int {
	n := len(line) - len(strings.TrimLeft(line, "0123456789"))
	if n > 0 && n < 10 && n < len(line) && (line[n] == '.' || line[n] == ')') {
		return n + 1
	}
	return 0
}

// entity is the length of the HTML entity that rest begins with, or that of its
// ampersand alone.
func entity(rest string) int {
	n := 1
	if strings.HasPrefix(rest, "&#") {
		n = 2
	}
	name := rest[n:]
	end := strings.IndexFunc(name, func(r rune) bool { return r >= utf8.RuneSelf || !letter(r) })
	if end < 1 || end > 32 || name[end] != ';' {
		return 1
	}
	return n + end + 1
}

// letter is a letter or digit that can be seen: Hangul fillers are letters that
// cannot.
func letter(r rune) bool {
	return unicode.IsLetter(r) && r != 0x115F && r != 0x1160 && r != 0x3164 && r != 0xFFA0 || unicode.IsDigit(r)
}

func headings(lines []string) (found []heading) {
	begins := true // a paragraph begins with this line
	for i, line := range lines {
		level, words := 0, ""
		switch text := unindented(line); {
		case text == "" || underline(text) > 0:
			begins = true
			continue
		case marks(text) > 0:
			level, words = marks(text), plain(text)
		case i+1 < len(lines) && underline(unindented(lines[i+1])) > 0:
			level, words = underline(unindented(lines[i+1])), plain(text)
		case begins && looks(text):
			level, words = setOff, plain(text)
		}
		if begins = level > 0; begins {
			part, _ := known(words)
			found = append(found, heading{i, level, part})
		}
	}
	return found
}

// unindented is a line without the white space around it; what is indented like
// code gets a mark in front, so that it is neither empty nor a heading.
func unindented(line string) string {
	text := strings.TrimSpace(line)
	if text != "" && (len(line)-len(strings.TrimLeft(line, " ")) > 3 || line[0] == '\t') {
		return "|" + text
	}
	return text
}

// marks counts the number signs that make a line a heading.
func marks(text string) int {
	rest := strings.TrimLeft(text, "#")
	if n := len(text) - len(rest); n <= 6 && (rest == "" || rest[0] == ' ' || rest[0] == '\t') {
		return n
	}
	return 0
}

// underline is the level that a line gives to the one above it, or 0.
func underline(text string) int {
	switch {
	case len(text) < 3:
		return 0
	case strings.Trim(text, "=") == "":
		return 1
	case strings.Trim(text, "-") == "":
		return 2
	}
	return 0
}

var number = regexp.MustCompile(`^[0-9]+(?:\.[0-9]+)*\\?[.)]? `)

// plain are a heading's words: in small letters and one form, without marks, a
// number in front and a colon at the end.
func plain(text string) string {
	return strings.ToLower(strings.TrimRight(unmarked(spaced(text)), ":#*_ "))
}

func spaced(text string) string { return strings.Join(strings.Fields(norm.NFC.String(text)), " ") }

func unmarked(text string) string {
	const around = "#*_ "
	return strings.Trim(number.ReplaceAllString(strings.Trim(text, around), ""), around)
}

// looks reports whether a line that has no mark looks like a heading: it is bold
// or in capitals and no sentence, or it is the words for a part and nothing else.
// What begins otherwise is an item of a list, a row of a table, a quotation.
func looks(text string) bool {
	if sentences(text) {
		return false
	}
	words, line := plain(text), number.ReplaceAllString(spaced(text), "")
	if words == "" || strings.HasPrefix(line, "* ") || strings.IndexFunc(strings.TrimLeft(line, "*_"), letter) != 0 {
		return false
	}
	if _, n := known(words); n == len(words) {
		return true
	}
	return !strings.Contains(".,;!?", words[len(words)-1:]) && (bold(line) || capitals(line))
}

// sentences tells ordinary text apart at a glance: more letters than the words for
// any part have, small ones among them, and nothing bold.
func sentences(text string) bool {
	letters, small := 0, false
	for _, r := range text {
		if unicode.IsLetter(r) {
			letters++
			small = small || unicode.IsLower(r)
		}
		if letters > 64 && small {
			return !strings.Contains(text, "**") && !strings.Contains(text, "__")
		}
	}
	return false
}

func bold(text string) bool {
	text = strings.TrimRight(text, ": ")
	for _, m := range []string{"**", "__"} {
		if in, ok := strings.CutPrefix(text, m); ok {
			if in, ok = strings.CutSuffix(in, m); ok && in != "" && !strings.Contains(in, m) {
				return true
			}
		}
	}
	return false
}

// capitals: four at least, so that a case reference is no heading.
func capitals(line string) bool {
	n := 0
	for _, r := range line {
		if unicode.IsLower(r) {
			return false
		}
		if unicode.IsUpper(r) {
			n++
		}
	}
	return n >= 4
}

// known is the part whose words a heading begins with, and their length: of the
// longest that end where a word ends.
func known(heading string) (p Part, n int) {
	for _, h := range headed {
		for _, w := range h.words {
			if rest, ok := strings.CutPrefix(heading, w); ok && len(w) > n && strings.IndexFunc(rest, letter) != 0 {
				p, n = h.part, len(w)
			}
		}
	}
	return p, n
}
