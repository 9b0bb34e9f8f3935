package guard

import (
	"html"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// layers is how deep encodings may be nested in one another (&amp;aring; is two).
const layers = 4

// unit is one character after decoding and the byte of the given text that it
// came from.
type unit struct {
	r   rune
	off int32
}

// views are the readings of a text that are searched: as written, and with
// link targets and tags left out, since those can stand within a name.
func views(body string) []*view {
	us := make([]unit, 0, len(body))
	for i, r := range body {
		us = append(us, unit{r, int32(i)})
	}
	for range layers {
		next, changed := decode(us)
		if !changed {
			break
		}
		us = next
	}
	vs := []*view{scan(us, len(body))}
	if bare, changed := strip(us); changed {
		vs = append(vs, scan(bare, len(body)))
	}
	return vs
}

// decode undoes one layer of HTML entities, percent-encoding, quoted-printable
// and \u escapes.
func decode(us []unit) (out []unit, changed bool) {
	if !holds(us, `&%=\`) {
		return us, false
	}
	out = make([]unit, 0, len(us))
	for i := 0; i < len(us); {
		var text string
		n := 0
		switch us[i].r {
		case '&':
			text, n = entity(us[i:])
		case '%', '=':
			text, n = hexBytes(us[i:])
		case '\\':
			text, n = escape(us[i:])
		}
		if n == 0 {
			out = append(out, us[i])
			i++
			continue
		}
		for _, r := range text {
			out = append(out, unit{r, us[i].off})
		}
		i += n
		changed = true
	}
	return out, changed
}

// entity decodes an HTML entity, with or without its semicolon.
func entity(us []unit) (string, int) {
	n := 1
	for n < len(us) && n < 34 && (us[n].r == '#' && n == 1 || us[n].r < 0x80 && (unicode.IsLetter(us[n].r) || unicode.IsDigit(us[n].r))) {
		n++
	}
	if n < len(us) && us[n].r == ';' {
		n++
	}
	raw := ascii(us[:n])
	if text := html.UnescapeString(raw); text != raw {
		return text, n
	}
	return "", 0
}

// hexBytes decodes a run of %XX, or of =XX that makes letters beyond ASCII, as
// UTF-8 or else as the Latin-1 letters of Swedish. Anything else is taken as
// written: "20%Ada" is a percent sign and a name.
func hexBytes(us []unit) (string, int) {
	mark := us[0].r
	var raw []byte
	n := 0
	for n+2 < len(us) && us[n].r == mark && us[n+1].r < 0x80 && us[n+2].r < 0x80 {
		b, err := strconv.ParseUint(ascii(us[n+1:n+3]), 16, 8)
		if err != nil || mark == '=' && b < 0x80 {
			break
		}
		raw = append(raw, byte(b))
		n += 3
	}
	if utf8.Valid(raw) {
		return string(raw), n
	}
	var b strings.Builder
	for _, c := range raw {
		if c >= 0x80 && !strings.ContainsRune("åäöéüÅÄÖÉÜ", rune(c)) {
			return "", 0
		}
		b.WriteRune(rune(c))
	}
	return b.String(), n
}

// escape decodes \u00e5 and \xe5.
func escape(us []unit) (string, int) {
	if len(us) < 2 {
		return "", 0
	}
	n := map[rune]int{'u': 6, 'x': 4}[us[1].r]
	if n == 0 || len(us) < n {
		return "", 0
	}
	v, err := strconv.ParseUint(ascii(us[2:n]), 16, 32)
	if err != nil {
		return "", 0
	}
	return string(rune(v)), n
}

// ascii is the text of units; what is not ASCII becomes a question mark.
func ascii(us []unit) string {
	b := make([]byte, len(us))
	for i, u := range us {
		b[i] = '?'
		if u.r < 0x80 {
			b[i] = byte(u.r)
		}
	}
	return string(b)
}

// strip leaves out Markdown link brackets with their targets and HTML tags.
func strip(us []unit) (out []unit, changed bool) {
	if !holds(us, "[]<") {
		return us, false
	}
	const reach = 2048
	// next[c] is where the closing character was last seen ahead, so that many
	// openings without a closing cost one pass and not one each.
	next := map[rune]int{}
	find := func(from int, c rune) int {
		at, ok := next[c]
		if !ok || at < from {
			for at = from; at < len(us) && us[at].r != c; at++ {
			}
			next[c] = at
		}
		if at == len(us) || at-from > reach {
			return -1
		}
		return at
	}
	out = make([]unit, 0, len(us))
	for i := 0; i < len(us); i++ {
		end := -1
		switch {
		case i+1 == len(us):
		case us[i].r == ']' && us[i+1].r == '(':
			end = find(i, ')')
		case us[i].r == ']' && us[i+1].r == '[':
			end = find(i+1, ']')
		case us[i].r == '<' && (us[i+1].r == '/' || us[i+1].r == '!' || us[i+1].r == '?' || unicode.IsLetter(us[i+1].r)):
			end = find(i, '>')
		case us[i].r == '[':
			end = i
		}
		if end < 0 {
			out = append(out, us[i])
			continue
		}
		changed = true
		i = end
	}
	return out, changed
}

// holds says whether any of some ASCII characters stands in the units.
func holds(us []unit, any string) bool {
	return slices.ContainsFunc(us, func(u unit) bool { return u.r < 0x80 && strings.IndexByte(any, byte(u.r)) >= 0 })
}
