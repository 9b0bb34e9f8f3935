package story

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// parts are what the law asks for in a decision (32 and 33 §§ FL), by the words
// that a heading begins with, each with what the story writes where it is missing.
var parts = []struct {
	title, text string
	words       []string
}{
	{"Beslut", "Socialnämnden beslutar det som står ovan.", []string{"beslut"}},
	{"Skäl för beslutet", "Skälen framgår av det som står ovan.", []string{"skäl"}},
	{"Hur du överklagar", "Du kan överklaga beslutet hos förvaltningsrätten. Skriv till socialnämnden inom tre veckor från\n" +
		"den dag då du fick del av beslutet.", []string{"hur du överklagar", "överklagande", "hur beslutet överklagas"}},
}

// addParts adds the parts that a text does not have, and names them. It takes
// fewer headings for one than the server does: a part too many hurts nobody.
func addParts(text string) (string, []string) {
	has, fence := partsOf(text)
	var added []string
	out := strings.TrimRight(text, " \t\n") + "\n"
	if fence != "" { // what follows would be code
		out += fence + "\n"
	}
	for i, p := range parts {
		if !has[i] {
			out += "\n## " + p.title + "\n\n" + p.text + "\n"
			added = append(added, p.title)
		}
	}
	if len(added) == 0 {
		return text, nil
	}
	return out, added
}

// partsOf reports which parts a text has, with something to read under the
// heading, and what closes a code block that is open at its end.
func partsOf(text string) (has [3]bool, fence string) {
	now, level := -1, 0
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		bare := strings.TrimSpace(line)
		switch mark := fenceOf(bare); {
		case fence != "":
			if strings.HasPrefix(mark, fence) && mark == bare {
				fence = ""
			}
			continue
		case mark != "":
			fence = mark
			continue
		}
		if n := levelOf(line); n > 0 {
			if p := partOf(bare[n:]); p >= 0 {
				now, level = p, n
			} else if n <= level || other.MatchString(bare) {
				now = -1
			}
			continue
		}
		if now >= 0 && strings.ContainsFunc(unread.ReplaceAllString(bare, ""), unicode.IsLetter) && (i+1 == len(lines) || !underlined(lines[i+1])) {
			has[now] = true
		}
	}
	return has, fence
}

var (
	// other are headings that may be taken for those of another part.
	other = regexp.MustCompile(`(?i)beslut|skäl|motiv|bedöm|överklag|besvär`)
	// unread is what a reader of rendered Markdown does not see.
	unread = regexp.MustCompile(`&#?\w+;|\]\([^)]*\)`)
)

// underlined reports whether a line makes a heading of the one above it.
func underlined(next string) bool {
	next = strings.TrimSpace(next)
	return next != "" && (strings.Trim(next, "=") == "" || strings.Trim(next, "-") == "")
}

// fenceOf is the run of backticks or tildes that a line begins or ends a code
// block with, or "".
func fenceOf(bare string) string {
	for _, c := range []string{"`", "~"} {
		if n := len(bare) - len(strings.TrimLeft(bare, c)); n >= 3 {
			return bare[:n]
		}
	}
	return ""
}

// levelOf is the level of a Markdown heading, or 0.
func levelOf(line string) int {
	n := len(line) - len(strings.TrimLeft(line, "#"))
	if n > 6 || n == len(line) || line[n] != ' ' && line[n] != '\t' {
		return 0
	}
	return n
}

// partOf is the part whose words a heading begins with, or -1.
func partOf(heading string) int {
	h := strings.ToLower(strings.TrimSpace(heading))
	for i, p := range parts {
		for _, w := range p.words {
			if rest, ok := strings.CutPrefix(h, w); ok {
				if next, _ := utf8.DecodeRuneInString(rest); rest == "" || next == ' ' {
					return i
				}
			}
		}
	}
	return -1
}
