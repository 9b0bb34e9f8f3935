package guard

import "slices"

// reach is how many words are looked through beside a name.
const reach = 4

// givenBefore says whether a first name or initial of the same person stands
// before the last name, other names and particles between.
func (v *view) givenBefore(h hit) bool {
	for k, n := h.i-1, 0; k >= 0 && n < reach; k, n = k-1, n+1 {
		t, g := v.toks[k], v.toks[k+1].gap
		single := t.letters == 1 && t.upper && t.gap != 0
		if g&(gapPara|gapComma|gapColon|gapAt|gapSlash) != 0 || g&gapStop != 0 && !single {
			return false
		}
		key := string(v.key(k))
		switch {
		case single && initialOf(h.who.given, key):
			if t.first != 'I' || g&gapDot != 0 {
				return true
			}
		case t.capitals && t.letters <= 3 && t.upper && len(key) > 1 && initialOf(h.who.given, firstLetters(key, 1)) && n == 0 && initialOf(h.who.given, lastLetter(key)):
			return true
		case t.upper && n > 0 && has(h.who.given, key):
			return true
		case has(h.who.sur, key):
			return false // that first name has its last name already
		}
		if !single && !v.in(k, particles) && (!t.upper || isTitle(v.key(k))) {
			return false
		}
	}
	return false
}

// lastLetter is the fold of the last letter of a fold.
func lastLetter(key string) string {
	rest := key
	for {
		first := firstLetters(rest, 1)
		if first == rest || first == "" {
			return rest
		}
		rest = rest[len(first):]
	}
}

// has says whether a fold is one of parts.
func has(parts []part, key string) bool {
	return slices.ContainsFunc(parts, func(p part) bool { return p.key == key })
}

// initialOf says whether a fold is the first letter of one of parts.
func initialOf(parts []part, key string) bool {
	return slices.ContainsFunc(parts, func(p part) bool { return firstLetters(p.key, 1) == key })
}

// initialAfter says whether the initial of one of parts follows word j:
// Lindberg, A. or Anna L. Where bare is false only with its full stop.
func (v *view) initialAfter(j int, parts []part, bare bool) bool {
	if j+1 >= len(v.toks) {
		return false
	}
	t, after := v.toks[j+1], v.after(j+1)
	if t.letters != 1 || !initialOf(parts, string(v.key(j+1))) || t.gap == 0 || t.gap&gapStop != 0 {
		return false
	}
	if t.gap.is(gapDot|gapMark|gapHyphen) && after&gapAt != 0 { // anna.l@
		return true
	}
	if !t.upper || !t.gap.is(gapSpace|gapComma|gapLine) || t.gap&gapPara != 0 {
		return false
	}
	if after.is(gapHyphen) && after != 0 && j+2 < len(v.toks) && v.toks[j+2].letters == 1 && initialOf(parts, string(v.key(j+2))) {
		return true // Lind, G-B
	}
	return after&gapDot != 0 || bare && t.first != 'I' // I is also a word
}

// titleBefore says whether a title, label or closing phrase stands before a
// name, with nothing but fillers between. Over an empty line only a label with
// its colon does, or what has the name alone on a line below it.
func (v *view) titleBefore(h hit) bool {
	if v.in(h.i-1, ofWhom) {
		return false // kontaktperson för Anna
	}
	for k, n := h.i-1, 0; k >= 0 && n <= reach; k, n = k-1, n+1 {
		g := v.toks[k+1].gap
		title := isTitle(v.key(k))
		if g&gapComma != 0 && !title || g&gapAt != 0 || g == 0 {
			return false
		}
		if g&gapStop != 0 && !(title && v.in(k, shortTitles)) {
			return false
		}
		if title && (n > 0 && v.in(k-1, accordingTo) || v.in(k, services) && v.goesOn(h.j)) {
			return false // enligt handläggaren är Lind; kontaktperson: Anna får
		}
		if title {
			return g&gapPara == 0 || n == 0 && (g&gapColon != 0 || v.after(h.j)&(gapLine|gapPara) != 0)
		}
		if !v.in(k, fillers) {
			return false
		}
	}
	return false
}

// titleAfter says whether a title stands after word j: Anna, socialsekreterare;
// Anna (handläggare); Anna är din handläggare.
func (v *view) titleAfter(j int) bool {
	linked := false
	for k, n := j+1, 0; k < len(v.toks) && n <= reach; k, n = k+1, n+1 {
		g := v.toks[k].gap
		if g&(gapStop|gapPara|gapAt) != 0 || g == 0 {
			return false
		}
		if isTitle(v.key(k)) && !v.in(k, shortTitles) && !closing[string(v.key(k))] {
			apart := g&(gapComma|gapOther|gapLine|gapSlash|gapHyphen) != 0
			other := k+1 < len(v.toks) && v.toks[k+1].upper && v.after(k).is(gapSpace)
			return (n == 0 && apart || linked) && !other
		}
		if !v.in(k, linking) {
			return false
		}
		linked = true
	}
	return false
}

var accordingTo = foldedSet(`enligt`)

// services are titles that are also granted to people, who are then spoken of.
var services = inflected(`kontaktperson`)

// goesOn says whether a small word follows word j.
func (v *view) goesOn(j int) bool {
	return j+1 < len(v.toks) && !v.toks[j+1].upper && v.after(j).is(gapSpace)
}

// linking words stand between a name and the title that it has.
var linking = foldedSet(`är som din er min vår ansvarig blir var i ärendet ditt`)

// closing are those titles that begin a signature and follow no name.
var closing = inflected(`herr fru fröken hälsning hälsningar vänligen högaktningsfullt tjänsten referens upprättad beslutad handläggning`)

// signed says whether the name ends a line and a slash begins it, as in /Anna,
// or is alone on the last line, below a sentence, a comma or an empty line.
func (v *view) signed(h hit) bool {
	g := v.toks[h.i].gap
	if h.j == len(v.toks)-1 && g&gapLine != 0 && g&(gapPara|gapStop|gapComma) != 0 {
		return true
	}
	return g&gapSlash != 0 && g&(gapSpace|gapLine|gapPara) != 0 && v.after(h.j)&(gapLine|gapPara) != 0
}

// somebodyElse says whether the word before a last name makes it another
// person's: a first name, an initial, a family, a name used elsewhere.
func (v *view) somebodyElse(h hit) bool {
	i, k := h.i, h.i-1
	if k < 0 || has(h.who.given, string(v.key(k))) {
		return false
	}
	t, g := v.toks[k], v.toks[i].gap
	if v.in(k, facilities) && g.is(gapSpace|gapLine) {
		return true
	}
	if t.letters == 1 && t.upper && g&gapDot != 0 && g.is(gapDot|gapStop|gapSpace) {
		return true
	}
	if !t.upper || !g.is(gapSpace|gapLine|gapHyphen) || g&gapPara != 0 {
		return false
	}
	if v.in(k, givenNames) {
		return true
	}
	if t.capitals || t.letters < 3 || ordinary[string(v.key(k))] || organisation(string(v.key(k))) {
		return false
	}
	return v.isProper(k)
}

func organisation(key string) bool {
	for _, o := range organisations {
		if len(key) >= len(o) && key[len(key)-len(o):] == o {
			return true
		}
	}
	return false
}
