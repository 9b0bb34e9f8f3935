package guard

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// shape says what a pattern is made of, and so what a place needs to count.
type shape uint8

const (
	pair    shape = iota + 1 // two parts of a name
	surname                  // a last name alone
	given                    // a first name alone
	account                  // an account name made from a name
	address                  // a whole e-mail address
	mailbox                  // the local part of one
	number                   // a phone number
	id                       // a user id or HSA id
)

// pattern is a fold that is looked for where words begin.
type pattern struct {
	key    string
	shape  shape
	kind   Kind
	cut    int   // where the second part begins, for a pair
	joints []int // where a hyphen or space is usual
	first  part  // for a pair, as for surname and given
	second part
	who    *person
	firm   bool // found without context (a mailbox, an account)
}

// part is one word of a name, or half of a double one.
type part struct {
	key     string
	letters int
	weak    bool // an ordinary word or place, or short: needs context
	joints  []int
	from    int // which word of the name
}

// person is a name taken apart.
type person struct {
	given, sur []part
	particles  map[string]bool
	initials   map[string]bool // of first and middle names
	surInitial map[string]bool
}

// matcher has all patterns by their first two bytes.
type matcher struct{ by map[[2]byte][]*pattern }

func (m *matcher) empty() bool { return len(m.by) == 0 }

func (m *matcher) add(p pattern) {
	if len(p.key) < 2 {
		return
	}
	head := [2]byte{p.key[0], p.key[1]}
	for _, q := range m.by[head] {
		if q.key == p.key && q.shape == p.shape && q.kind == p.kind && q.cut == p.cut && q.who == p.who {
			return
		}
	}
	m.by[head] = append(m.by[head], &p)
}

// compile makes patterns of terms.
func compile(t Terms) *matcher {
	m := &matcher{by: map[[2]byte][]*pattern{}}
	for i, n := range t.Names {
		if !slices.Contains(t.Names[:i], n) {
			m.addName(n)
		}
	}
	for _, e := range t.Emails {
		m.addEmail(e)
	}
	for _, p := range t.Phones {
		m.addPhone(p)
	}
	for _, u := range t.UserIDs {
		m.addID(u, UserID)
	}
	for _, h := range t.HSAIDs {
		m.addID(h, HSAID)
	}
	return m
}

func (m *matcher) addName(name string) {
	p := parseName(name)
	if p == nil {
		return
	}
	for _, g := range p.given {
		m.add(pattern{key: g.key, shape: given, kind: Name, joints: g.joints, first: g, who: p})
		for _, s := range p.sur {
			if g.from == s.from {
				continue
			}
			m.addPair(p, g, s)
			m.addPair(p, s, g)
			m.addAccounts(p, g, s)
		}
	}
	for i, s := range p.sur {
		m.add(pattern{key: s.key, shape: surname, kind: Name, joints: s.joints, first: s, who: p})
		for _, t := range p.sur[i+1:] {
			if s.from != t.from {
				m.addPair(p, s, t)
				m.addPair(p, t, s)
			}
		}
	}
}

func (m *matcher) addPair(who *person, a, b part) {
	joints := append([]int(nil), a.joints...)
	for _, j := range b.joints {
		joints = append(joints, len(a.key)+j)
	}
	m.add(pattern{key: a.key + b.key, shape: pair, kind: Name, cut: len(a.key), joints: joints, first: a, second: b, who: who})
}

// addAccounts adds alindberg, lindberga and annlin, which count as account
// names only where something says that they are.
func (m *matcher) addAccounts(who *person, g, s part) {
	_, n := utf8.DecodeRuneInString(g.key)
	if strings.HasPrefix(g.key, "rn") { // the fold of m
		n = 2
	}
	if s.letters >= 4 {
		m.add(pattern{key: g.key[:n] + s.key, shape: account, kind: Name, who: who, firm: s.letters >= 6})
		m.add(pattern{key: s.key + g.key[:n], shape: account, kind: Name, who: who})
	}
	if g.letters >= 3 && s.letters >= 3 && g.letters+s.letters > 6 {
		m.add(pattern{key: firstLetters(g.key, 3) + firstLetters(s.key, 3), shape: account, kind: Name, who: who})
	}
}

// firstLetters returns the fold of the first n letters of a fold.
func firstLetters(key string, n int) string {
	i := 0
	for ; n > 0 && i < len(key); n-- {
		if strings.HasPrefix(key[i:], "rn") {
			i += 2
			continue
		}
		_, w := utf8.DecodeRuneInString(key[i:])
		i += w
	}
	return key[:i]
}

func (m *matcher) addEmail(addr string) {
	local, domain, ok := strings.Cut(strings.TrimPrefix(strings.TrimSpace(addr), "mailto:"), "@")
	key := foldString(local)
	if key == "" {
		return
	}
	if d := foldString(domain); ok && d != "" {
		for _, at := range []string{"", "at", "a", "snabela"} {
			m.add(pattern{key: key + foldString(at) + d, shape: address, kind: Email})
		}
	}
	words := strings.FieldsFunc(local, func(r rune) bool { return fold(r) == "" })
	digits := strings.IndexFunc(local, unicode.IsDigit) >= 0
	if n := utf8.RuneCountInString(local); n >= 4 {
		initial := len(words) > 1 && utf8.RuneCountInString(words[0]) == 1
		m.add(pattern{key: key, shape: mailbox, kind: Email, firm: n >= 6 && digits || n >= 8 && initial})
	}
	if len(words) < 2 {
		return
	}
	first, last := makePart(words[0], 0), makePart(words[len(words)-1], 1)
	if first.letters >= 2 && last.letters >= 2 && !digits {
		p := &person{given: []part{first}, sur: []part{last}}
		m.addPair(p, first, last)
		m.addPair(p, last, first)
	}
}

// addPhone adds a number under each way of beginning it.
func (m *matcher) addPhone(s string) {
	plus := strings.HasPrefix(strings.TrimSpace(s), "+")
	s = strings.Replace(s, "(0)", "", 1)
	var b strings.Builder
	for _, r := range norm.NFKC.String(s) {
		if r >= '0' && r <= '9' {
			b.WriteRune(r)
		}
	}
	digits := b.String()
	if d, ok := strings.CutPrefix(digits, "00"); ok {
		digits, plus = d, true
	}
	nation := strings.TrimPrefix(digits, "0")
	if d, ok := strings.CutPrefix(digits, "46"); ok && (plus || len(digits) >= 10) {
		nation, plus = strings.TrimPrefix(d, "0"), false
	}
	if len(nation) < 6 {
		return
	}
	begins := []string{"", "0", "46", "0046", "460", "00460"}
	if plus {
		begins = []string{"", "00"}
	}
	for _, begin := range begins {
		m.add(pattern{key: foldString(begin + nation), shape: number, kind: Phone})
	}
}

// addID adds a user id or HSA id, without what it has before a backslash. One
// of letters only must be longer than words usually are, one of digits only
// longer than amounts.
func (m *matcher) addID(s string, kind Kind) {
	if strings.Contains(s, "@") {
		m.addEmail(s)
		return
	}
	s = s[strings.LastIndexByte(s, '\\')+1:]
	letters, digits := 0, 0
	for _, r := range s {
		switch {
		case unicode.IsDigit(r):
			digits++
		case fold(r) != "":
			letters++
		}
	}
	key := foldString(s)
	if digits == 0 && (letters < 5 || ordinary[key] || titles[key]) || letters == 0 && digits < 6 || letters+digits < 4 {
		return
	}
	m.add(pattern{key: key, shape: id, kind: kind})
}

// parseName takes a display name apart, or returns nil where nothing of it
// could be looked for. Where the last word is a known first name and the first
// is not (Lindberg Anna, Xaawo Ali), each counts as both.
func parseName(name string) *person {
	words := nameWords(name)
	p := &person{particles: map[string]bool{}, initials: map[string]bool{}, surInitial: map[string]bool{}}
	var kept []string
	for i, w := range words {
		if i < len(words)-1 && particles[foldString(w)] && len(words) > 2 {
			p.particles[foldString(w)] = true
			continue
		}
		kept = append(kept, w)
	}
	either := len(kept) > 1 && givenNames[foldString(kept[len(kept)-1])] && !givenNames[foldString(kept[0])]
	for i, w := range kept {
		isGiven := i == 0 && (len(kept) > 1 || givenNames[foldString(w)]) ||
			i < len(kept)-1 && (givenNames[foldString(w)] || utf8.RuneCountInString(w) == 1)
		for _, q := range partsOf(w, i) {
			initial := firstLetters(q.key, 1)
			both := either && (i == 0 || i == len(kept)-1)
			if isGiven || both {
				p.given = append(p.given, q)
				p.initials[initial] = true
			}
			if !isGiven || both {
				p.sur = append(p.sur, q)
				p.surInitial[initial] = true
			}
		}
	}
	if len(p.given)+len(p.sur) == 0 {
		return nil
	}
	return p
}

// nameWords returns the words of a display name, first name first, without
// what stands in brackets, what has no letters, and titles if a first and a last
// name remain without them.
func nameWords(name string) []string {
	if i := strings.IndexAny(name, "(["); i > 0 {
		name = name[:i]
	}
	last, first, _ := strings.Cut(norm.NFKC.String(name), ",")
	var all, untitled []string
	for _, w := range append(strings.Fields(first), strings.Fields(last)...) {
		k := foldString(w)
		if k == "" || strings.IndexFunc(w, unicode.IsLetter) < 0 {
			continue
		}
		all = append(all, w)
		if shortTitles[k] || !isTitle([]byte(k)) {
			untitled = append(untitled, w)
		}
	}
	if len(untitled) > 1 {
		return untitled
	}
	return all
}

// partsOf returns a word of a name, its halves where it is double, and each in
// the spelling with aa, ae and oe.
func partsOf(word string, from int) []part {
	halves := strings.FieldsFunc(word, func(r rune) bool { return gapOf(r) == gapHyphen })
	forms := []string{word}
	if len(halves) > 1 {
		forms = append(forms, halves...)
	}
	var out []part
	for i, f := range forms {
		p := makePart(f, from)
		if i == 0 && len(halves) > 1 {
			at := 0
			for _, h := range halves[:len(halves)-1] {
				at += len(foldString(h))
				p.joints = append(p.joints, at)
			}
		}
		if p.letters < 2 {
			continue
		}
		out = append(out, p)
		spelled := spellOut.Replace(norm.NFC.String(strings.ToLower(f)))
		if q := makePart(spelled, from); q.key != p.key {
			q.weak = p.weak
			out = append(out, q)
		}
	}
	return out
}

var spellOut = strings.NewReplacer("å", "aa", "ä", "ae", "ö", "oe", "ü", "ue", "ø", "oe")

func makePart(s string, from int) part {
	p := part{key: foldString(s), from: from}
	for _, r := range s {
		if fold(r) != "" {
			p.letters++
		}
	}
	p.weak = p.letters < 5 || ordinary[p.key]
	return p
}
