package guard

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"go.mau.fi/util/confusable"
	"golang.org/x/text/unicode/norm"
)

// A class is what scan needs to know of a character.
type class struct {
	char                      rune
	fold                      string
	gap                       gap
	upper, lower, digit, none bool // none: it is invisible
	joiner                    bool
	size                      uint8 // bytes of UTF-8
}

// Those of the characters that nearly all text is made of: Latin letters, marks
// that are added to them, and dashes and quotes.
var (
	latin       = func() (t [0x370]class) { fill(t[:], 0); return }()
	punctuation = func() (t [0x70]class) { fill(t[:], 0x2000); return }()
)

func fill(t []class, from rune) {
	for i := range t {
		t[i] = computeClass(from + rune(i))
	}
}

// plain are the folds of those small ASCII letters whose folds are one byte.
var plain = func() (t [256]byte) {
	for r := 'a'; r <= 'z'; r++ {
		if f := computeFold(r); len(f) == 1 {
			t[r] = f[0]
		}
	}
	return t
}()

// classAt is the class of the character at byte i of valid UTF-8.
func classAt(text string, i int) *class {
	if c := text[i]; c < utf8.RuneSelf {
		return &latin[c]
	}
	return classBeyond(text, i)
}

func classBeyond(text string, i int) *class {
	r, _ := utf8.DecodeRuneInString(text[i:])
	if c := known(r); c != nil {
		return c
	}
	c := computeClass(r)
	return &c
}

// known is the class of a character from the tables, or nil.
func known(r rune) *class {
	switch {
	case r >= 0 && int(r) < len(latin):
		return &latin[r]
	case r >= 0x2000 && int(r-0x2000) < len(punctuation):
		return &punctuation[r-0x2000]
	}
	return nil
}

func computeClass(r rune) class {
	return class{
		char: r, size: uint8(utf8.RuneLen(r)), fold: computeFold(r), gap: gapOf(r),
		upper: unicode.IsUpper(r) || unicode.IsTitle(r), lower: unicode.IsLower(r), digit: unicode.IsDigit(r),
		none: invisible(r), joiner: joiner(r),
	}
}

// fold returns what a character is compared as: lower-case letters without
// marks, look-alikes made one (UTS #39, and i, l, 1 as one, digits that stand
// for letters), nothing for what is neither letter nor digit. It is made for
// comparing terms with text, both folded, never for showing.
func fold(r rune) string {
	if c := known(r); c != nil {
		return c.fold
	}
	return computeFold(r)
}

func computeFold(r rune) string {
	if invisible(r) || !(unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.In(r, unicode.No, unicode.So)) {
		return ""
	}
	var b strings.Builder
	for _, q := range norm.NFKD.String(string(lookalike(r))) {
		q = asciiDigit(q)
		repl := confusable.GetReplacement(q)
		if repl == "" {
			repl = string(q)
		}
		for _, c := range repl {
			b.WriteString(likeness(unicode.ToLower(c)))
		}
	}
	return b.String()
}

// asciiDigit maps the decimal digits of other scripts, whose blocks begin at
// a code point that ends in 0 or 6.
func asciiDigit(r rune) rune {
	if r < 0x80 || !unicode.IsDigit(r) {
		return r
	}
	n := r & 0xF
	if !unicode.IsDigit(r &^ 0xF) {
		n -= 6
	}
	if n < 0 || n > 9 {
		return r
	}
	return '0' + n
}

// likeness makes one of what UTS #39 leaves apart once case is gone.
func likeness(r rune) string {
	switch r {
	case 'i', '1':
		return "l"
	case '0':
		return "o"
	case '3':
		return "e"
	case '4':
		return "a"
	case '5':
		return "s"
	case '7':
		return "t"
	case 'ß':
		return "ss"
	case 'm': // UTS #39 takes m for rn
		return "rn"
	}
	if unicode.IsLetter(r) || unicode.IsDigit(r) {
		return string(r)
	}
	return ""
}

// lookalike maps letters that look like Latin ones and that UTS #39 leaves
// alone or sends elsewhere: Cyrillic and Greek small letters, small capitals,
// flags and boxed letters.
func lookalike(r rune) rune {
	const from = "вкмнтβƅðÐᴀʙᴄᴅᴇғɢʜɪᴊᴋʟᴍɴᴏᴘʀꜱᴛᴜᴠᴡʏᴢ"
	const to = "bkmhtbbdDabcdefghijklmnoprstuvwyz"
	switch {
	case r < 0x80:
		return r
	case r >= 0x1F1E6 && r <= 0x1F1FF:
		return 'a' + r - 0x1F1E6
	case r >= 0x1F150 && r <= 0x1F169:
		return 'a' + r - 0x1F150
	case r >= 0x1F170 && r <= 0x1F189:
		return 'a' + r - 0x1F170
	}
	i := 0
	for _, q := range from {
		if q == r {
			return rune(to[i])
		}
		i++
	}
	return r
}

// invisible says whether a character shows nothing and takes no room, so that
// it could split a name unseen.
func invisible(r rune) bool {
	switch {
	case r < 0x20:
		return r != '\n' && r != '\t' && r != '\r' && r != '\v' && r != '\f'
	case r < 0x7F:
		return false
	case r == 0x7F, r == 0x115F, r == 0x1160, r == 0x3164, r == 0xFFA0, r == 0xFFFC:
		return true
	case r >= 0x80 && r < 0xA0:
		return r != 0x85
	case r < 0x300:
		return r == 0xAD
	}
	return unicode.In(r, unicode.Cf, unicode.Mn, unicode.Me) || r >= 0xE0000 && r <= 0xE0FFF
}

// foldString folds a whole string to one word.
func foldString(s string) string {
	var f folder
	return f.fold(s)
}

// A folder makes folds that lie in one array, which costs less than one each.
type folder struct{ strings.Builder }

// fold folds a whole string to one word.
func (f *folder) fold(s string) string {
	from := f.Len()
	for _, r := range s {
		f.WriteString(fold(r))
	}
	return f.String()[from:]
}

// join runs folds together.
func (f *folder) join(folds ...string) string {
	from := f.Len()
	for _, s := range folds {
		f.WriteString(s)
	}
	return f.String()[from:]
}
