package token

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Reasons of the reader.
const (
	errSize      reason = "longer than allowed"
	errSegments  reason = "not three segments"
	errBase64    reason = "a segment is not canonical base64url"
	errJSON      reason = "not one strict JSON object"
	errDuplicate reason = "a member stands twice"
	errDepth     reason = "nested too deep"
	errCase      reason = "a known name in other letters"
	errHeader    reason = "a header member that is not read here"
	errAlg       reason = "an algorithm that is not allowed"
	errTyp       reason = "another type"
	errKid       reason = "no usable key id"
)

// maxDepth is how deep objects and arrays may nest, the outermost counted.
const maxDepth = 8

// A compact is a JWS taken apart and not yet verified.
type compact struct {
	header, payload map[string]any
	input           string // what is signed: the first two segments
	sig             []byte
}

// parseCompact reads a compact JWS of at most max bytes strictly. Size and
// segments are checked before anything is decoded or copied.
func parseCompact(s string, max int) (*compact, error) {
	if len(s) > max {
		return nil, errSize
	}
	if strings.Count(s, ".") != 2 {
		return nil, errSegments
	}
	first, rest, _ := strings.Cut(s, ".")
	second, third, _ := strings.Cut(rest, ".")
	if first == "" || second == "" || third == "" {
		return nil, errSegments
	}
	c := &compact{input: s[:len(s)-len(third)-1]}
	var err error
	if c.header, err = readSegment(first); err != nil {
		return nil, err
	}
	if c.payload, err = readSegment(second); err != nil {
		return nil, err
	}
	c.sig, err = decode64(third)
	return c, err
}

func readSegment(s string) (map[string]any, error) {
	b, err := decode64(s)
	if err != nil {
		return nil, err
	}
	return readObject(b)
}

// decode64 is base64url without padding in its one form. The standard decoder
// skips line feeds, so the length is compared as well.
func decode64(s string) ([]byte, error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil || base64.RawURLEncoding.EncodedLen(len(b)) != len(s) {
		return nil, errBase64
	}
	return b, nil
}

// readObject reads data, exactly one JSON object. Texts become string, numbers
// json.Number. The grammar is encoding/json's; what that lets pass is refused
// here: duplicate members, deep nesting, and any text with U+FFFD, which is what
// invalid UTF-8 and lone surrogates are read as: two names would become one.
func readObject(data []byte) (map[string]any, error) {
	if !json.Valid(data) {
		return nil, errJSON
	}
	w := walker{s: string(data)}
	w.space()
	if w.s[w.i] != '{' {
		return nil, errJSON
	}
	return w.members(1)
}

// A walker goes through text that is known to be JSON, so that no step of it
// needs to look whether it is. It is twice as fast as a json.Decoder, on a path
// that every call takes. FuzzParse compares the two.
type walker struct {
	s string
	i int
}

func (w *walker) space() {
	for w.i < len(w.s) && (w.s[w.i] == ' ' || w.s[w.i] == '\t' || w.s[w.i] == '\n' || w.s[w.i] == '\r') {
		w.i++
	}
}

// next skips a comma or a colon and the space around it, and reports whether
// the object or list ends here instead, which it then skips.
func (w *walker) next() (end bool) {
	w.space()
	switch w.s[w.i] {
	case '}', ']':
		w.i++
		return true
	case ',', ':':
		w.i++
		w.space()
	}
	return false
}

func (w *walker) members(depth int) (map[string]any, error) {
	if depth > maxDepth {
		return nil, errDepth
	}
	o := map[string]any{}
	w.i++
	for !w.next() {
		name, err := w.text()
		if err != nil {
			return nil, err
		}
		if _, twice := o[name]; twice {
			return nil, errDuplicate
		}
		w.next()
		if o[name], err = w.value(depth); err != nil {
			return nil, err
		}
	}
	return o, nil
}

func (w *walker) list(depth int) ([]any, error) {
	if depth > maxDepth {
		return nil, errDepth
	}
	list := []any{}
	w.i++
	for !w.next() {
		v, err := w.value(depth)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, nil
}

func (w *walker) value(depth int) (any, error) {
	switch w.s[w.i] {
	case '{':
		return w.members(depth + 1)
	case '[':
		return w.list(depth + 1)
	case '"':
		return w.text()
	}
	from := w.i
	for strings.IndexByte(",]} \t\r\n", w.s[w.i]) < 0 { // an object's brace ends it at the latest
		w.i++
	}
	switch word := w.s[from:w.i]; word {
	case "true", "false":
		return word == "true", nil
	case "null":
		return nil, nil
	default:
		return json.Number(word), nil
	}
}

func (w *walker) text() (string, error) {
	from, escaped := w.i, false
	for w.i++; w.s[w.i] != '"'; w.i++ {
		if w.s[w.i] == '\\' {
			escaped = true
			w.i++
		}
	}
	w.i++
	t := w.s[from+1 : w.i-1]
	if escaped {
		return unescaped(w.s[from:w.i])
	}
	if strings.ContainsRune(t, utf8.RuneError) {
		return "", errJSON
	}
	return t, nil
}

// unescaped is the text of a quoted one.
func unescaped(quoted string) (t string, err error) {
	if json.Unmarshal([]byte(quoted), &t) != nil || strings.ContainsRune(t, utf8.RuneError) {
		return "", errJSON
	}
	return t, nil
}

// fold maps a name to what a reader that ignores case would take it for, as
// encoding/json does: by simple folding, under which ſ is s and the Kelvin
// sign is k.
func fold(s string) string {
	for i := range len(s) {
		if c := s[i]; c >= utf8.RuneSelf || 'A' <= c && c <= 'Z' {
			return strings.Map(foldRune, s)
		}
	}
	return s
}

func foldRune(r rune) rune {
	least := r
	for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
		least = min(least, f)
	}
	return unicode.ToLower(least)
}

// exactly refuses an object in which one of the known names stands in other
// letters: a reader that ignores case would take it for the real one.
func exactly(o map[string]any, known map[string]string) error {
	for name := range o {
		if exact, ok := known[fold(name)]; ok && exact != name {
			return errCase
		}
	}
	return nil
}

func folded(names ...string) map[string]string {
	m := make(map[string]string, len(names))
	for _, n := range names {
		m[fold(n)] = n
	}
	return m
}

// text gives a member that must be a text.
func text(o map[string]any, name string) (string, bool) {
	s, ok := o[name].(string)
	return s, ok
}

// only refuses every member that is not named.
func only(o map[string]any, names ...string) bool {
	n := 0
	for _, name := range names {
		if _, ok := o[name]; ok {
			n++
		}
	}
	return n == len(o)
}
