package guard

import "slices"

// hit is a pattern that stands at words i to j.
type hit struct {
	*pattern
	i, j    int
	seam    int  // the word that the second part begins, -1 where it begins within one
	breaks  gap  // what stands within the parts, where nothing is usual
	broken  bool // a part goes over several words otherwise than usual
	spaced  bool // every word of it is one letter
	digits  bool // digits follow, as in anna.lindberg2
	endings bool // -s or -ska follows
}

// search adds to out what is found in v.
func (m *matcher) search(v *view, out []span) []span {
	for i := range v.toks {
		lo := int(v.toks[i].lo)
		if lo+2 > len(v.stream) {
			break
		}
		rest := v.stream[lo:]
		for p := m.first(rest); p != nil; p = m.after(p) {
			if len(rest) < len(p.key) || string(rest[:len(p.key)]) != p.key {
				continue
			}
			h, ok := v.match(p, i)
			if ok && v.names(h) {
				out = append(out, span{p.kind, int(v.toks[i].off), int(v.toks[h.j].end)})
			}
		}
	}
	return out
}

// match says whether p, whose key stands at word i, ends where a word ends, but
// for a genitive or digits.
func (v *view) match(p *pattern, i int) (hit, bool) {
	lo := int(v.toks[i].lo)
	h := hit{pattern: p, i: i, seam: -1, spaced: true}
	end := lo + len(p.key)
	h.j = v.wordAt(end-1, i)
	for k := i; k <= h.j; k++ {
		at := int(v.toks[k].lo) - lo
		h.spaced = h.spaced && v.toks[k].letters == 1
		switch {
		case k == i:
		case at == p.cut:
			h.seam = k
		case slices.Contains(p.joints, at) && v.toks[k].gap&gapStop == 0:
		case v.toks[k].gap != 0:
			h.broken = true
			h.breaks |= v.toks[k].gap
		}
	}
	if h.broken && !h.spaced && p.shape <= given && v.allDigits(i) {
		return hit{}, false // the 4 before Åsa is no A
	}
	stop := v.hi(h.j)
	tail := v.stream[end:stop]
	switch {
	case len(tail) == 0:
	case string(tail) == "s" && p.shape <= given, string(tail) == "ska" && p.shape == surname: // Lindbergska
		h.endings = true
	case p.shape <= account && v.onlyDigits(end, stop):
		h.digits = true
	default:
		return hit{}, false
	}
	return h, true
}

// names says whether a hit names somebody.
func (v *view) names(h hit) bool {
	switch h.shape {
	case pair:
		return v.namesByPair(h)
	case surname:
		return v.namesBySurname(h)
	case given:
		return v.namesByGiven(h)
	case account:
		return h.i == h.j && (v.after(h.j)&gapAt != 0 || h.digits || h.firm)
	case mailbox:
		return v.after(h.j)&gapAt != 0 || h.firm && h.breaks&(gapSpace|gapLine) == 0
	case id:
		return h.breaks&(gapPara|gapStop|gapComma|gapAt) == 0
	}
	return true
}

// simple are the gaps within an account name, address or full name.
const simple = gapSpace | gapLine | gapDot | gapHyphen | gapMark

// namesByPair judges two parts of a name beside each other.
func (v *view) namesByPair(h hit) bool {
	letters := h.first.letters + h.second.letters
	if h.seam < 0 { // run together, or broken elsewhere
		if v.after(h.j)&gapAt != 0 || v.toks[h.i].gap&gapAt != 0 || h.spaced {
			return true
		}
		return letters >= 9 && h.first.letters >= 3 && h.second.letters >= 3
	}
	if h.broken && letters < 7 && !h.spaced {
		return false
	}
	g := v.toks[h.seam].gap
	if h.spaced || !h.first.weak && !h.second.weak {
		return true
	}
	if g&gapPara != 0 || g&gapStop != 0 && !(h.broken && letters >= 9) {
		return false
	}
	upper := v.toks[h.i].upper && v.toks[h.seam].upper
	if h.broken {
		return true
	}
	first, last := h.first, h.second
	if has(h.who.given, h.first.key) {
		if g&gapComma != 0 && g&gapSpace != 0 && !has(h.who.sur, h.first.key) {
			return false // Liv, Bergs dotter
		}
	} else { // last name first
		if last = h.first; last.weak && !v.toks[h.i].upper && v.toks[h.seam].upper {
			return false // din man Jan
		}
		first = h.second
		if last.weak && places[last.key] && v.in(h.i-1, placeWords) && v.toks[h.i].gap.is(gapSpace|gapLine) && g&gapComma != 0 {
			return false
		}
	}
	switch {
	case upper:
		return true
	case !last.weak:
		return true
	case functionWords[first.key]:
		return g&(gapDot|gapMark|gapHyphen|gapAt) != 0 && g&gapSpace == 0
	}
	return g.is(simple)
}

// whole says whether a part that stands alone is written as one: not broken
// but by a hyphen, markup or letter-spacing.
func (h hit) whole() bool {
	if !h.broken || h.spaced && h.first.letters > 3 {
		return true
	}
	if h.breaks&gapHyphen != 0 {
		return h.breaks.is(gapHyphen | gapSpace | gapLine | gapMark)
	}
	return h.breaks.is(gapMark)
}

// namesBySurname judges a last name that no first name of its own touches.
func (v *view) namesBySurname(h hit) bool {
	if !h.whole() {
		return false
	}
	t := v.toks[h.i]
	weak := h.first.weak
	if weak && (!t.upper || t.gap == 0 && h.i > 0 || v.after(h.j) == 0 || h.j > h.i && v.toks[h.j].gap == 0) {
		return false // SoL is no Sol
	}
	if v.givenBefore(h) || v.initialAfter(h.j, h.who.given, !weak) {
		return true
	}
	if v.isCompany(h.j) {
		return false
	}
	if weak && (v.isPlace(h) || givenNames[h.first.key] && v.lastNameAfter(h.j)) {
		return false
	}
	if v.titleBefore(h) || v.titleAfter(h.j) || v.signed(h) {
		return true
	}
	if v.somebodyElse(h) {
		v.setOther(h.first.key)
	}
	if v.others[h.first.key] {
		return false // a reader takes it for the one who is named
	}
	if !weak {
		return t.upper || h.first.letters >= 6 && !small[h.first.key]
	}
	if h.i > 0 && slices.Contains(h.who.particles, string(v.key(h.i-1))) && t.gap.is(gapSpace|gapLine) {
		return true
	}
	return v.personal(h)
}

// personal says whether the words beside a last name that is also a word go
// with a person only.
func (v *view) personal(h hit) bool {
	if towns[h.first.key] {
		return false // one that may answer, ring and decide
	}
	next := h.j+1 < len(v.toks) && v.after(h.j).is(gapSpace|gapLine)
	if h.endings {
		return next && v.in(h.j+1, personOwned)
	}
	if next && !v.toks[h.j+1].upper && v.acts(h.j+1) {
		return true
	}
	return v.toks[h.i].gap.is(gapSpace|gapLine) && v.in(h.i-1, personBefore) && !v.toks[h.j].capitals
}

// acts says whether what begins at word i is what only a person does.
func (v *view) acts(i int) bool {
	for n := 0; n < reach && v.in(i, auxiliaries) && v.after(i).is(gapSpace|gapLine); n++ {
		i++
	}
	return v.in(i, personAfter)
}

// isCompany says whether what follows makes a company of the name.
func (v *view) isCompany(j int) bool {
	for k := j + 1; k <= j+3 && k < len(v.toks) && v.toks[k].upper && v.toks[k].gap.is(gapSpace|gapMark); k++ {
		if v.toks[k].capitals && v.in(k, companies) {
			return true
		}
	}
	return false
}

// isPlace says whether a name stands as that of a place, a house or a family.
func (v *view) isPlace(h hit) bool {
	owner := h.endings && v.in(h.j+1, personOwned) // i Bergs beslut
	near := !owner && v.toks[h.i].gap.is(gapSpace|gapLine|gapMark|gapColon)
	return v.in(h.j+1, afterPlaces) && v.after(h.j).is(gapSpace|gapLine) ||
		near && (v.in(h.i-1, placeWords) || v.in(h.i-1, facilities))
}

// namesByGiven judges a first name: it needs context.
func (v *view) namesByGiven(h hit) bool {
	t := v.toks[h.i]
	if v.after(h.j+1)&gapAt != 0 && v.initialAfter(h.j, h.who.sur, false) { // anna.l@
		return true
	}
	if !t.upper || h.broken || t.gap == 0 && h.i > 0 || v.after(h.j) == 0 {
		return false
	}
	if !h.endings && v.initialAfter(h.j, h.who.sur, !functionWords[h.first.key]) {
		return true
	}
	if v.lastNameAfter(h.j) || t.gap == gapHyphen {
		return false // somebody else, or another double name
	}
	return v.titleBefore(h) || v.titleAfter(h.j) || v.signed(h)
}

// lastNameAfter says whether a word that may be a last name follows word j.
func (v *view) lastNameAfter(j int) bool {
	next := j + 1
	return next < len(v.toks) && v.toks[next].upper && v.after(j).is(gapSpace|gapHyphen) && !isTitle(v.key(next)) && !v.in(next, contact)
}

var contact = foldedSet(`telefon tel mobil e e-post epost mail mejl mvh`)
