package story

import (
	"errors"
	"strings"

	"sigill/keys/statement"
)

// missing is what the story writes for a part that the law asks for (32 and 33 §§
// FL) and a text does not have.
var missing = map[statement.Part]struct{ title, text string }{
	statement.PartDecision: {"Beslut", "Socialnämnden beslutar det som står ovan."},
	statement.PartReasons:  {"Skäl för beslutet", "Skälen framgår av det som står ovan."},
	statement.PartAppeal: {"Hur du överklagar", "Du kan överklaga beslutet hos förvaltningsrätten. Skriv till socialnämnden inom tre veckor från\n" +
		"den dag då du fick del av beslutet."},
}

// addParts adds the parts that a text does not have, and names them.
func addParts(text string) (string, []string) {
	var added []string
	out := text
	for range statement.Parts {
		lacks := (*statement.PartError)(nil)
		if !errors.As(statement.CheckParts([]byte(out), statement.ReasonsStated, statement.AppealAdministrative), &lacks) {
			break
		}
		if len(added) == 0 {
			out = strings.TrimRight(text, " \t\n") + "\n"
			if f := openFence(text); f != "" { // what follows would be code
				out += f + "\n"
			}
		}
		p := missing[lacks.Part]
		out += "\n## " + p.title + "\n\n" + p.text + "\n"
		added = append(added, p.title)
	}
	return out, added
}

// openFence is what closes a code block that is open at the end of a text, or "".
func openFence(text string) (fence string) {
	for line := range strings.Lines(text) {
		bare := strings.TrimSpace(line)
		switch mark := fenceOf(bare); {
		case fence == "":
			fence = mark
		case strings.HasPrefix(mark, fence) && mark == bare:
			fence = ""
		}
	}
	return fence
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
