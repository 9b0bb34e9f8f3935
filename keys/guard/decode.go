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

// reading is a text after decoding, in valid UTF-8, and for each of its bytes
// and its end the byte of the given text that it came from. Without from it is
// the given text.
type reading struct {
	text string
	from []int32
}

func (rd *reading) at(i int) int32 {
	if rd.from == nil {
		return int32(i)
	}
	return rd.from[i]
}

// read scans the readings of a text that are searched, and calls each after
// every one: as written, and with link targets and tags left out, since those
// can stand within a name.
func (v *view) read(body string, each func()) {
	rd := valid(body)
	for range layers {
		next, changed := decode(rd)
		if !changed {
			break
		}
		rd = next
	}
	v.scan(&rd)
	each()
	if bare, changed := strip(rd); changed {
		v.scan(&bare)
		each()
	}
}

// rewriting makes a reading of another, with something else in some places.
type rewriting struct {
	of   reading
	text strings.Builder
	from []int32
	done int // how much of the other one is in text
}

// replace puts something else for n bytes at i, which never goes back.
func (w *rewriting) replace(i, n int, other string) {
	w.keep(i)
	w.text.WriteString(other)
	for range len(other) {
		w.from = append(w.from, w.of.at(i))
	}
	w.done = i + n
}

// keep takes over what is not replaced, up to i.
func (w *rewriting) keep(i int) {
	if w.from == nil {
		w.text.Grow(len(w.of.text))
		w.from = make([]int32, 0, len(w.of.text)+1)
	}
	w.text.WriteString(w.of.text[w.done:i])
	if w.of.from != nil {
		w.from = append(w.from, w.of.from[w.done:i]...)
		return
	}
	for k := w.done; k < i; k++ {
		w.from = append(w.from, int32(k))
	}
}

// result is the reading made, or the other one where nothing was replaced.
func (w *rewriting) result() (rd reading, changed bool) {
	if w.done == 0 {
		return w.of, false
	}
	w.keep(len(w.of.text))
	return reading{w.text.String(), append(w.from, w.of.at(len(w.of.text)))}, true
}

// valid reads every byte that is no UTF-8 as a replacement character, so that
// no two of them make a letter once what stands between is gone.
func valid(body string) reading {
	rd := reading{text: body}
	if utf8.ValidString(body) {
		return rd
	}
	w := rewriting{of: rd}
	for i, r := range body {
		if r == utf8.RuneError {
			_, n := utf8.DecodeRuneInString(body[i:])
			w.replace(i, n, string(r))
		}
	}
	rd, _ = w.result()
	return rd
}

// decode undoes one layer of HTML entities, percent-encoding, quoted-printable
// and \u escapes.
func decode(rd reading) (out reading, changed bool) {
	if !holds(rd.text, `&%=\`) {
		return rd, false
	}
	w := rewriting{of: rd}
	for i := 0; i < len(rd.text); {
		switch rd.text[i] {
		case '&':
			i = w.entity(i)
		case '%', '=':
			i = w.hexBytes(i)
		case '\\':
			i = w.escape(i)
		default:
			i++
		}
	}
	return w.result()
}

// entity decodes an HTML entity at i, with or without its semicolon, and returns
// what is next.
func (w *rewriting) entity(i int) int {
	text := w.of.text[i:]
	n := 1
	for n < len(text) && n < 34 && (text[n] == '#' && n == 1 || alphanumeric(text[n])) {
		n++
	}
	if n < len(text) && text[n] == ';' {
		n++
	}
	other := html.UnescapeString(text[:n])
	if other == text[:n] {
		return i + 1
	}
	w.replace(i, n, other)
	return i + n
}

func alphanumeric(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'
}

// hexBytes decodes a run of %XX at i, or of =XX that makes letters beyond ASCII,
// as UTF-8 or else as the Latin-1 letters of Swedish, and returns what is next.
// Anything else is taken as written: "20%Ada" is a percent sign and a name.
func (w *rewriting) hexBytes(i int) int {
	text := w.of.text[i:]
	var raw []byte
	for n := 0; n+2 < len(text) && text[n] == text[0]; n += 3 {
		b, err := strconv.ParseUint(text[n+1:n+3], 16, 8)
		if err != nil || text[0] == '=' && b < 0x80 {
			break
		}
		raw = append(raw, byte(b))
	}
	if len(raw) == 0 {
		return i + 1
	}
	from := utf8From(raw)
	other := string(raw[from:])
	if k := latinFrom(raw); k < from {
		from, other = k, latinString(raw[k:])
	}
	if from < len(raw) {
		w.replace(i+3*from, 3*(len(raw)-from), other)
	}
	return i + 3*len(raw)
}

// utf8From returns from where on all of raw is UTF-8.
func utf8From(raw []byte) int {
	from := len(raw)
	for from > 0 {
		r, n := utf8.DecodeLastRune(raw[:from])
		if r == utf8.RuneError && n == 1 {
			break
		}
		from -= n
	}
	return from
}

// latinFrom returns from where on all of raw is ASCII or Swedish in Latin-1.
func latinFrom(raw []byte) int {
	from := len(raw)
	for from > 0 && (raw[from-1] < utf8.RuneSelf || strings.ContainsRune("åäöéüÅÄÖÉÜ", rune(raw[from-1]))) {
		from--
	}
	return from
}

func latinString(raw []byte) string {
	var b strings.Builder
	for _, c := range raw {
		b.WriteRune(rune(c))
	}
	return b.String()
}

// escape decodes \u00e5 or \xe5 at i and returns what is next.
func (w *rewriting) escape(i int) int {
	text := w.of.text[i:]
	n := 0
	switch {
	case strings.HasPrefix(text, `\u`):
		n = 6
	case strings.HasPrefix(text, `\x`):
		n = 4
	}
	if n == 0 || len(text) < n {
		return i + 1
	}
	r, err := strconv.ParseUint(text[2:n], 16, 32)
	if err != nil {
		return i + 1
	}
	w.replace(i, n, string(rune(r)))
	return i + n
}

// strip leaves out Markdown link brackets with their targets and HTML tags.
func strip(rd reading) (out reading, changed bool) {
	text := rd.text
	if !holds(text, "[]<") {
		return rd, false
	}
	w := rewriting{of: rd}
	ahead := closings{text: text, next: map[byte]place{}}
	for i := 0; i+1 < len(text); i++ {
		end := -1
		switch next := text[i+1]; text[i] {
		case ']':
			if next == '(' {
				end = target(text, i+2)
			} else if next == '[' {
				end = ahead.label(i + 1)
			}
		case '<':
			if startsTag(text[i+1:]) {
				end = ahead.find(i, '>')
			}
		case '[':
			end = i
		}
		if end >= 0 {
			w.replace(i, end+1-i, "")
			i = end
		}
	}
	return w.result()
}

// target returns where the link target whose text begins at i ends, as Markdown
// has it: no space within, round brackets in pairs. What ended elsewhere could
// take another link, and a name in it, away.
func target(text string, i int) int {
	const length, depth = 2048, 32 // bytes, and brackets, so that many openings cost one pass each
	rest := text[i:min(len(text), i+length)]
	n := spaces(rest)
	if strings.HasPrefix(rest[n:], "<") {
		end := strings.IndexAny(rest[n+1:], "<>\n") + n + 1
		if rest[end] != '>' {
			return -1
		}
		n = end + 1
	}
	for open := 0; n < len(rest); n++ {
		switch rest[n] {
		case '(':
			open++
		case ')':
			open--
		case '\\':
			n++
		case ' ', '\t', '\n':
			n += spaces(rest[n:])
			if open > 0 || !strings.HasPrefix(rest[n:], ")") {
				return -1
			}
			return i + n
		}
		if open < 0 {
			return i + n
		}
		if open > depth {
			return -1
		}
	}
	return -1
}

// spaces counts those at the beginning, with at most one line break.
func spaces(text string) int {
	n := 0
	for lines := 0; n < len(text); n++ {
		if text[n] == '\n' {
			lines++
		}
		if lines > 1 || text[n] != ' ' && text[n] != '\t' && text[n] != '\n' {
			break
		}
	}
	return n
}

func startsTag(rest string) bool {
	r, _ := utf8.DecodeRuneInString(rest)
	return r == '/' || r == '!' || r == '?' || unicode.IsLetter(r)
}

// closings finds the closing characters of a text. It remembers where each was
// last seen ahead, so that many openings without a closing cost one pass and
// not one each.
type closings struct {
	text string
	here place
	next map[byte]place
}

// place is a byte of a text and how many characters are before it.
type place struct{ at, characters int }

func (p place) moveTo(text string, at int) place {
	return place{at, p.characters + utf8.RuneCountInString(text[p.at:at])}
}

// find returns where closing is next, or -1 where that is too far away to belong
// to what opens at from, which never goes back.
func (c *closings) find(from int, closing byte) int {
	const reach = 2048 // characters
	c.here = c.here.moveTo(c.text, from)
	to, ok := c.next[closing]
	if !ok || to.at < from {
		n := strings.IndexByte(c.text[from:], closing)
		if n < 0 {
			n = len(c.text) - from
		}
		to = c.here.moveTo(c.text, from+n)
		c.next[closing] = to
	}
	if to.at == len(c.text) || to.characters-c.here.characters > reach {
		return -1
	}
	return to.at
}

// label returns where the label that opens at from ends; it holds no bracket.
func (c *closings) label(from int) int {
	end, inner := c.find(from, ']'), c.find(from+1, '[')
	if inner >= 0 && inner < end {
		return -1
	}
	return end
}

// holds says whether any of some ASCII characters stands in a text.
func holds(text, any string) bool {
	// One search for each is faster than one for all of them.
	return slices.ContainsFunc([]byte(any), func(c byte) bool { return strings.IndexByte(text, c) >= 0 })
}
