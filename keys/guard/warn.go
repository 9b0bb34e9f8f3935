package guard

import (
	"cmp"
	"slices"
	"strings"
)

// WarningKind says which pattern a warning is about.
type WarningKind uint8

// The patterns that point at a person without a term to search for.
const (
	RoleLabel      WarningKind = iota + 1 // "Handläggare: …", "mvh …", a title and a name
	FullName                              // a first name and a last name
	EmailAddress                          // any
	PhoneNumber                           // any that begins with 0 or +
	Initials                              // in the place of a signature or reference
	PersonalNumber                        // a personnummer or samordningsnummer with its check digit right
)

// String returns the kind as lower-case words.
func (k WarningKind) String() string {
	words := [...]string{"unknown", "role label", "full name", "email address", "phone number", "initials", "personal number"}
	if int(k) >= len(words) {
		return words[0]
	}
	return words[k]
}

// Warning says that a text may point at somebody, and where: never at whom.
type Warning struct {
	Kind   WarningKind
	Field  string
	Line   int // as in Finding
	Column int
}

// Warn returns what in texts looks like a person, for those who write without
// terms to search for: returns, refusals, and authors before they send. It
// is a help to the writer and refuses nothing. Order, limit
// and cost are those of [Check].
func Warn(texts ...Text) []Warning {
	var out []Warning
	var v view
	for _, t := range texts {
		var found []warned
		v.read(t.Body, func() {
			for i := range v.toks {
				if k := v.warning(i); k != 0 {
					found = append(found, warned{k, int(v.toks[i].off)})
				}
			}
		})
		slices.SortFunc(found, func(a, b warned) int { return cmp.Or(a.off-b.off, int(a.kind)-int(b.kind)) })
		at := ruler{body: t.Body, line: 1, column: 1}
		for _, w := range slices.Compact(found) {
			if len(out) == MaxFindings {
				return out
			}
			at.moveTo(w.off)
			out = append(out, Warning{w.kind, t.Field, at.line, at.column})
		}
	}
	return out
}

type warned struct {
	kind WarningKind
	off  int
}

// warning returns the pattern that begins at word i, if any.
func (v *view) warning(i int) WarningKind {
	switch {
	case v.emailAt(i):
		return EmailAddress
	case v.allDigits(i):
		return v.numberAt(i)
	case v.initialsAt(i):
		return Initials
	case isTitle(v.key(i)) && v.labels(i):
		return RoleLabel
	case v.toks[i].upper && v.in(i, givenNames) && v.after(i).is(gapSpace|gapHyphen) && v.capital(i+1) && !v.toks[i+1].capitals:
		return FullName
	}
	return 0
}

func (v *view) capital(i int) bool { return i < len(v.toks) && v.toks[i].upper }

// labels says whether a title at i is followed by what it labels.
func (v *view) labels(i int) bool {
	g := v.after(i)
	if i+1 == len(v.toks) {
		return false
	}
	return g&gapColon != 0 || v.capital(i+1) && g&gapPara == 0 && g.is(gapSpace|gapLine|gapComma|gapDot|gapStop) &&
		(g&gapStop == 0 || v.in(i, shortTitles))
}

// inAddress are the gaps within an address.
const inAddress = gapDot | gapHyphen | gapMark | gapAt | gapOther

// emailAt says whether an e-mail address begins at word i.
func (v *view) emailAt(i int) bool {
	if i > 0 && v.toks[i].gap != 0 && v.toks[i].gap.is(inAddress) {
		return false // within one, or none
	}
	for k := i + 1; k < len(v.toks) && k-i < 8; k++ {
		g := v.toks[k].gap
		if g&gapAt != 0 {
			return g.is(gapAt | gapMark)
		}
		if !g.is(gapDot | gapHyphen | gapMark) {
			return false
		}
	}
	return false
}

// initialsAt says whether two or three capitals at i stand where a signature
// or reference does.
func (v *view) initialsAt(i int) bool {
	t := v.toks[i]
	if !t.capitals || !t.upper || t.letters < 2 || t.letters > 3 {
		return false
	}
	ends := v.after(i)&(gapLine|gapPara) != 0
	return ends && t.gap&gapSlash != 0 || ends && t.gap&gapLine != 0 && i+1 == len(v.toks) ||
		i > 0 && (v.in(i-1, shortTitles) || isTitle(v.key(i-1))) && t.gap&gapPara == 0
}

// inNumber are the gaps within a number.
const inNumber = gapSpace | gapHyphen | gapSlash | gapOther | gapMark

func (v *view) allDigits(i int) bool {
	return i >= 0 && i < len(v.toks) && v.onlyDigits(int(v.toks[i].lo), v.hi(i))
}

// numberAt returns the pattern of a number that begins at word i, if any.
func (v *view) numberAt(i int) WarningKind {
	before := v.toks[i].gap
	if v.allDigits(i-1) && before.is(inNumber) && before&gapSpace == 0 {
		return 0 // within a number
	}
	var digits []byte
	for k := i; v.allDigits(k) && len(digits) < 13; k++ {
		if k > i && !v.toks[k].gap.is(inNumber) {
			break
		}
		digits = append(digits, undoDigits.Replace(string(v.key(k)))...)
		if personalNumber(digits) {
			return PersonalNumber
		}
	}
	n := string(digits)
	abroad := before&gapOther != 0 && len(n) >= 10 && n[0] != '0' // after a plus sign
	if strings.HasPrefix(n, "0") && len(n) >= 8 || abroad {
		return PhoneNumber
	}
	return 0
}

// undoDigits is the inverse of fold for digits.
var undoDigits = strings.NewReplacer("o", "0", "l", "1", "e", "3", "a", "4", "s", "5", "t", "7")

// personalNumber says whether ten or twelve digits are a date, a number and the
// check digit of both (Skatteverket, SKV 704); coordination numbers add 60 to the day.
func personalNumber(d []byte) bool {
	if len(d) == 12 && (string(d[:2]) == "19" || string(d[:2]) == "20") {
		d = d[2:]
	}
	if len(d) != 10 {
		return false
	}
	month, day := 10*(d[2]-'0')+d[3]-'0', (10*(d[4]-'0')+d[5]-'0')%60
	if month < 1 || month > 12 || day < 1 || day > 31 {
		return false
	}
	sum := 0
	for i, c := range d {
		n := int(c-'0') * (2 - i%2)
		sum += n/10 + n%10
	}
	return sum%10 == 0
}
