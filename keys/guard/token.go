package guard

import (
	"sort"
	"unicode"
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
	lo, hi   int32 // its fold in view.stream
	off, end int32 // its bytes in the text as given
	gap      gap   // before it
	first    rune  // its first character
	upper    bool  // starts with a capital
	capitals bool  // has no small letter
	letters  int32 // characters, not folds
}

// view is one reading of a text: the folds of all words run together, so that
// what is put between letters hides nothing, and where words begin.
type view struct {
	stream []byte
	digit  []bool // which bytes of stream come from digits
	toks   []token
	tail   gap             // after the last word
	proper map[string]bool // see isProper
	others map[string]bool // last names that somebody else was seen to have
}

// joiners stand within a word without ending it, as emphasis does.
func joiner(r rune) bool { return r == '*' || r == '~' || r == '`' }

// scan reads units of a text of size bytes into words.
func scan(us []unit, size int) *view {
	v := &view{
		stream: make([]byte, 0, len(us)+len(us)/8),
		digit:  make([]bool, 0, len(us)+len(us)/8),
		toks:   make([]token, 0, len(us)/5),
		others: map[string]bool{},
	}
	between := gapPara | gapStop
	inWord, small := false, false
	for i := 0; i < len(us); i++ {
		r := us[i].r
		c := classOf(r)
		if c.none {
			continue
		}
		if c.fold == "" {
			if inWord {
				if j := afterJoiners(us, i); j < len(us) && fold(us[j].r) != "" {
					i = j - 1
					continue
				}
				between = 0
			}
			inWord = false
			between = between.add(us, i)
			continue
		}
		if !inWord || c.upper && small {
			if inWord {
				between = 0
			}
			v.toks = append(v.toks, token{lo: int32(len(v.stream)), off: us[i].off, gap: between, first: r, upper: c.upper, capitals: true})
		}
		inWord, small = true, c.lower
		v.stream = append(v.stream, c.fold...)
		for range len(c.fold) {
			v.digit = append(v.digit, c.digit)
		}
		t := &v.toks[len(v.toks)-1]
		t.hi = int32(len(v.stream))
		t.letters++
		t.capitals = t.capitals && !small
		t.end = int32(size)
		if i+1 < len(us) {
			t.end = us[i+1].off
		}
	}
	if inWord {
		between = 0
	}
	v.tail = between | gapPara | gapStop
	return v
}

// afterJoiners returns the index after a run of joiners and invisible
// characters that starts at i.
func afterJoiners(us []unit, i int) int {
	for i < len(us) && (joiner(us[i].r) || invisible(us[i].r)) {
		i++
	}
	return i
}

// add returns the gap with the character at i in it.
func (g gap) add(us []unit, i int) gap {
	switch r := us[i].r; {
	case r == '\n' || r == 0x85 || r == 0x2028 || r == 0x2029:
		if g&gapLine != 0 {
			g |= gapPara
		}
		return g | gapLine
	case unicode.IsSpace(r) || r == 0x2800:
		return g | gapSpace
	case r == '.' || r == '!' || r == '?' || r == '…' || r == ';':
		if i+1 == len(us) || unicode.IsSpace(us[i+1].r) {
			g |= gapStop
		}
		return g | gapDot
	case r == '-' || r >= 0x2010 && r <= 0x2015 || r == 0x2212 || r == 0xFF0D || r == 0xFE63:
		return g | gapHyphen
	case r == ':' || r == 0xFF1A:
		return g | gapColon
	case r == ',' || r == 0xFF0C:
		return g | gapComma
	case r == '/' || r == 0x2044 || r == 0x2215 || r == 0xFF0F:
		return g | gapSlash
	case r == '@' || r == 0xFF20 || r == 0xFE6B:
		return g | gapAt
	case joiner(r) || r == '\\' || r == '_' || r == '\'' || r == '"' || r == '’' || r == '‘' || r == '”' || r == '“' || r == '´' || r == '#' || r == '>':
		return g | gapMark
	}
	return g | gapOther
}

// key is the fold of word i.
func (v *view) key(i int) []byte { return v.stream[v.toks[i].lo:v.toks[i].hi] }

// onlyDigits says whether bytes lo to hi of the stream come from digits.
func (v *view) onlyDigits(lo, hi int) bool {
	for _, d := range v.digit[lo:hi] {
		if !d {
			return false
		}
	}
	return true
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
	if int(v.toks[i].hi) > p {
		return i
	}
	return i + sort.Search(len(v.toks)-i, func(k int) bool { return int(v.toks[i+k].hi) > p })
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
