package guard

import (
	"slices"
	"sort"
	"unicode"
	"unicode/utf8"
)

// gap is what stands between two words.
type gap uint16

const (
	gapSpace gap = 1 << iota // a space of any kind
	gapLine                  // a line break
	gapPara                  // an empty line, or the start of the text
	gapStop                  // . ! ? ; before a space: a sentence may end here
	gapDot                   // a full stop, also within an abbreviation or address
	gapHyphen
	gapColon
	gapComma
	gapSlash
	gapAt
	gapMark  // Markdown, quotes, apostrophes, underscore
	gapOther // brackets, bars and whatever else
)

// is says whether only the given parts stand between the words.
func (g gap) is(only gap) bool { return g&^only == 0 }

// token is a run of letters and digits. A capital after a small letter starts
// a new one, with an empty gap.
type token struct {
	lo       int32 // where its fold begins in view.stream, see view.hi
	off, end int32 // its bytes in the text as given
	first    rune  // its first character
	letters  int32 // characters, not folds
	gap      gap   // before it
	upper    bool  // starts with a capital
	capitals bool  // has no small letter
}

// view is one reading of a text: the folds of all words run together, so that
// what is put between letters hides nothing, and where words begin.
type view struct {
	stream []byte
	digits []int32 // which bytes of stream come from digits, ascending
	toks   []token
	tail   gap             // after the last word
	proper map[string]bool // see isProper
	others map[string]bool // last names that somebody else was seen to have
}

// joiner stands within a word without ending it, as emphasis does.
func joiner(r rune) bool { return r == '*' || r == '~' || r == '`' }

// scan reads a text into words. What v held before is gone.
func (v *view) scan(rd *reading) {
	text := rd.text
	v.clear(len(text))
	stream, toks := v.stream, v.toks // appending to fields of v costs write barriers
	before := gapPara | gapStop
	inWord, small := false, false
	for i := 0; i < len(text); {
		c, at := classAt(text, i), i
		i += int(c.size)
		if c.none {
			continue
		}
		if c.fold == "" {
			if inWord && c.joiner {
				if next := afterJoiners(text, i); startsWord(text[next:]) {
					i = next
					continue
				}
			}
			inWord = false
			before = before.add(c.gap, text[i:])
			continue
		}
		if !inWord || c.upper && small {
			toks = append(toks, token{}) // a full one would be copied there, a tenth of the whole scan
			t := &toks[len(toks)-1]
			t.lo, t.off, t.first, t.gap, t.upper, t.capitals = int32(len(stream)), rd.at(at), c.char, before, c.upper, true
			before = 0
		}
		inWord, small = true, c.lower
		if c.digit {
			v.addDigits(len(stream), len(c.fold))
		}
		stream = append(stream, c.fold...)
		t := &toks[len(toks)-1]
		t.letters++
		for i < len(text) && plain[text[i]] != 0 { // most of every word
			stream = append(stream, plain[text[i]])
			t.letters++
			small = true
			i++
		}
		t.end = rd.at(i)
		t.capitals = t.capitals && !small
	}
	v.stream, v.toks, v.tail = stream, toks, before|gapPara|gapStop
}

// clear makes room for a text of size bytes.
func (v *view) clear(size int) {
	if cap(v.stream) < size {
		v.stream = make([]byte, 0, size)
		v.toks = make([]token, 0, size/6)
		v.digits = make([]int32, 0, size/16)
	}
	*v = view{stream: v.stream[:0], digits: v.digits[:0], toks: v.toks[:0]}
}

// addDigits notes that n bytes at lo of the stream come from a digit.
func (v *view) addDigits(lo, n int) {
	for k := range n {
		v.digits = append(v.digits, int32(lo+k))
	}
}

// afterJoiners returns the index after a run of joiners and invisible
// characters that starts at i.
func afterJoiners(text string, i int) int {
	for j, r := range text[i:] {
		if !joiner(r) && !invisible(r) {
			return i + j
		}
	}
	return len(text)
}

func startsWord(text string) bool {
	r, n := utf8.DecodeRuneInString(text)
	return n > 0 && fold(r) != ""
}

// add returns the gap g with a character's gap in it; rest follows that.
func (g gap) add(c gap, rest string) gap {
	switch {
	case c == gapLine && g&gapLine != 0:
		g |= gapPara
	case c == gapDot:
		if r, n := utf8.DecodeRuneInString(rest); n == 0 || unicode.IsSpace(r) {
			g |= gapStop
		}
	}
	return g | c
}

// gapOf is the gap that a character makes wherever it stands.
func gapOf(r rune) gap {
	switch {
	case r == '\n' || r == 0x85 || r == 0x2028 || r == 0x2029:
		return gapLine
	case unicode.IsSpace(r) || r == 0x2800:
		return gapSpace
	case r == '.' || r == '!' || r == '?' || r == '…' || r == ';':
		return gapDot
	case r == '-' || r >= 0x2010 && r <= 0x2015 || r == 0x2212 || r == 0xFF0D || r == 0xFE63:
		return gapHyphen
	case r == ':' || r == 0xFF1A:
		return gapColon
	case r == ',' || r == 0xFF0C:
		return gapComma
	case r == '/' || r == 0x2044 || r == 0x2215 || r == 0xFF0F:
		return gapSlash
	case r == '@' || r == 0xFF20 || r == 0xFE6B:
		return gapAt
	case joiner(r) || r == '\\' || r == '_' || r == '\'' || r == '"' || r == '’' || r == '‘' || r == '”' || r == '“' || r == '´' || r == '#' || r == '>':
		return gapMark
	}
	return gapOther
}

// key is the fold of word i.
func (v *view) key(i int) []byte { return v.stream[v.toks[i].lo:v.hi(i)] }

// hi is where the fold of word i ends: where the next begins.
func (v *view) hi(i int) int {
	if i+1 < len(v.toks) {
		return int(v.toks[i+1].lo)
	}
	return len(v.stream)
}

// onlyDigits says whether bytes lo to hi of the stream come from digits.
func (v *view) onlyDigits(lo, hi int) bool {
	i, _ := slices.BinarySearch(v.digits, int32(lo))
	last := i + hi - lo - 1
	return last < len(v.digits) && (lo == hi || int(v.digits[last]) == hi-1)
}

// in says whether word i exists and is in a set of folds.
func (v *view) in(i int, set map[string]bool) bool {
	return i >= 0 && i < len(v.toks) && set[string(v.key(i))]
}

// after is the gap after word i.
func (v *view) after(i int) gap {
	if i+1 < len(v.toks) {
		return v.toks[i+1].gap
	}
	return v.tail
}

// wordAt returns the word that holds byte p of the stream, at or after word i.
func (v *view) wordAt(p, i int) int {
	if v.hi(i) > p {
		return i
	}
	return i + sort.Search(len(v.toks)-i, func(k int) bool { return v.hi(i+k) > p })
}

// setOther notes that somebody else has a last name.
func (v *view) setOther(key string) {
	if v.others == nil {
		v.others = map[string]bool{}
	}
	v.others[key] = true
}

// isProper says whether word i is written with a capital within a sentence
// somewhere in the text, and nowhere without: somebody's or something's name.
func (v *view) isProper(i int) bool {
	if v.proper == nil {
		v.proper = map[string]bool{}
		small := map[string]bool{}
		for k, t := range v.toks {
			switch {
			case !t.upper:
				small[string(v.key(k))] = true
			case v.midSentence(k) && !t.capitals:
				v.proper[string(v.key(k))] = true
			}
		}
		for k := range small {
			delete(v.proper, k)
		}
	}
	return v.in(i, v.proper)
}

// midSentence says whether word i follows a small word with only a space between.
func (v *view) midSentence(i int) bool {
	return i > 0 && v.toks[i].gap.is(gapSpace|gapLine) && v.toks[i].gap != 0 && !v.toks[i-1].upper
}
