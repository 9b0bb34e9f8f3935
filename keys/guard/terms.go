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
	first  *part // for a pair, as for surname and given
	second *part
	who    *person
	firm   bool  // found without context (a mailbox, an account)
	next   int32 // in its chain, see matcher
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
	particles  []string
}

// matcher has all patterns in chains by their first two bytes, in the order in
// which they were added. The numbers are indices of patterns, whose first is none.
type matcher struct {
	heads    [1 << 10]int32
	patterns []pattern
	keys     folder
}

func (m *matcher) empty() bool { return len(m.patterns) <= 1 }

// head is the chain of what begins as key does: five bits of each byte tell
// letters apart.
func head[T string | []byte](key T) int { return int(key[0]&31)<<5 | int(key[1]&31) }

// first returns the first pattern that may begin a fold of two bytes or more.
func (m *matcher) first(fold []byte) *pattern { return m.at(m.heads[head(fold)]) }

// after returns the next pattern that may begin what p may.
func (m *matcher) after(p *pattern) *pattern { return m.at(p.next) }

func (m *matcher) at(i int32) *pattern {
	if i == 0 {
		return nil
	}
	return &m.patterns[i]
}

func (m *matcher) add(p pattern) {
	if len(p.key) < 2 {
		return
	}
	last := &m.heads[head(p.key)]
	for *last != 0 {
		q := &m.patterns[*last]
		if q.shape == p.shape && q.kind == p.kind && q.cut == p.cut && q.who == p.who && q.key == p.key {
			return
		}
		last = &q.next
	}
	*last = int32(len(m.patterns))
	m.patterns = append(m.patterns, p)
}

// compile makes patterns of terms.
func compile(t Terms) *matcher {
	// Room for one person with all that a token says.
	m := &matcher{patterns: make([]pattern, 1, 96)}
	m.keys.Grow(512)
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
	p := parseName(name, &m.keys)
	if p == nil {
		return
	}
	for i := range p.given {
		g := &p.given[i]
		m.add(pattern{key: g.key, shape: given, kind: Name, joints: g.joints, first: g, who: p})
		for k := range p.sur {
			s := &p.sur[k]
			if g.from == s.from {
				continue
			}
			m.addPair(p, g, s)
			m.addPair(p, s, g)
			m.addAccounts(p, g, s)
		}
	}
	for i := range p.sur {
		s := &p.sur[i]
		m.add(pattern{key: s.key, shape: surname, kind: Name, joints: s.joints, first: s, who: p})
		for k := range p.sur[i+1:] {
			if t := &p.sur[i+1+k]; s.from != t.from {
				m.addPair(p, s, t)
				m.addPair(p, t, s)
			}
		}
	}
}

func (m *matcher) addPair(who *person, a, b *part) {
	joints := a.joints
	if len(b.joints) > 0 {
		joints = slices.Clone(joints)
	}
	for _, j := range b.joints {
		joints = append(joints, len(a.key)+j)
	}
	m.add(pattern{key: m.keys.join(a.key, b.key), shape: pair, kind: Name, cut: len(a.key), joints: joints, first: a, second: b, who: who})
}

// addAccounts adds alindberg, lindberga and annlin, which count as account
// names only where something says that they are.
func (m *matcher) addAccounts(who *person, g, s *part) {
	if s.letters >= 4 {
		initial := firstLetters(g.key, 1)
		m.add(pattern{key: m.keys.join(initial, s.key), shape: account, kind: Name, who: who, firm: s.letters >= 6})
		m.add(pattern{key: m.keys.join(s.key, initial), shape: account, kind: Name, who: who})
	}
	if g.letters >= 3 && s.letters >= 3 && g.letters+s.letters > 6 {
		m.add(pattern{key: m.keys.join(firstLetters(g.key, 3), firstLetters(s.key, 3)), shape: account, kind: Name, who: who})
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
	key := m.keys.fold(local)
	if key == "" {
		return
	}
	if d := m.keys.fold(domain); ok && d != "" {
		for _, at := range ats {
			m.add(pattern{key: m.keys.join(key, at, d), shape: address, kind: Email})
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
	first, last := words[0], words[len(words)-1]
	parts := []part{makePart(first, m.keys.fold(first), 0), makePart(last, m.keys.fold(last), 1)}
	if g, s := &parts[0], &parts[1]; g.letters >= 2 && s.letters >= 2 && !digits {
		p := &person{given: parts[:1], sur: parts[1:]}
		m.addPair(p, g, s)
		m.addPair(p, s, g)
	}
}

// ats are how the sign is written, and how it is left out.
var ats = folds("", "at", "a", "snabela")

func folds(words ...string) []string {
	for i, w := range words {
		words[i] = foldString(w)
	}
	return words
}

// addPhone adds a number under each way of beginning it.
func (m *matcher) addPhone(s string) {
	plus := strings.HasPrefix(strings.TrimSpace(s), "+")
	s = strings.Replace(s, "(0)", "", 1)
	var room [32]byte
	only := room[:0]
	for _, r := range norm.NFKC.String(s) {
		if r >= '0' && r <= '9' {
			only = append(only, byte(r))
		}
	}
	digits := string(only)
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
	begins := home
	if plus {
		begins = abroad
	}
	key := m.keys.fold(nation)
	for _, begin := range begins {
		m.add(pattern{key: m.keys.join(begin, key), shape: number, kind: Phone})
	}
}

// How numbers begin, Swedish ones and others.
var (
	home   = folds("", "0", "46", "0046", "460", "00460")
	abroad = folds("", "00")
)

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
	key := m.keys.fold(s)
	if digits == 0 && (letters < 5 || ordinary[key] || titles[key]) || letters == 0 && digits < 6 || letters+digits < 4 {
		return
	}
	m.add(pattern{key: key, shape: id, kind: kind})
}

// parseName takes a display name apart, or returns nil where nothing of it
// could be looked for. Where the last word is a known first name and the first
// is not (Lindberg Anna, Xaawo Ali), each counts as both.
func parseName(name string, keys *folder) *person {
	words := nameWords(name, keys)
	p := &person{}
	kept := words[:0]
	for i, w := range words {
		if i < len(words)-1 && particles[w.key] && len(words) > 2 {
			p.particles = append(p.particles, w.key)
			continue
		}
		kept = append(kept, w)
	}
	either := len(kept) > 1 && givenNames[kept[len(kept)-1].key] && !givenNames[kept[0].key]
	for i, w := range kept {
		isGiven := i == 0 && (len(kept) > 1 || givenNames[w.key]) ||
			i < len(kept)-1 && (givenNames[w.key] || utf8.RuneCountInString(w.text) == 1)
		both := either && (i == 0 || i == len(kept)-1)
		if isGiven || both {
			p.given = appendParts(p.given, w, i, keys)
		}
		if !isGiven || both {
			p.sur = appendParts(p.sur, w, i, keys)
		}
	}
	if len(p.given)+len(p.sur) == 0 {
		return nil
	}
	if len(p.particles) > 0 {
		p.sur = withParticles(p.sur, p.particles, keys)
	}
	return p
}

// withParticles adds each last name with what stands before it, so that one
// that is broken or in small letters is found whole.
func withParticles(sur []part, particles []string, keys *folder) []part {
	before := strings.Join(particles, "")
	for _, s := range slices.Clone(sur) {
		p := s
		p.key, p.letters = keys.join(before, s.key), s.letters+utf8.RuneCountInString(before)
		p.joints = nil
		n := 0
		for _, w := range particles {
			n += len(w)
			p.joints = append(p.joints, n)
		}
		for _, j := range s.joints {
			p.joints = append(p.joints, n+j)
		}
		sur = append(sur, p)
	}
	return sur
}

// nameWord is a word of a name and its fold.
type nameWord struct {
	text, key string
	title     bool
}

// nameWords returns the words of a display name, first name first, without
// what stands in brackets, what has no letters, and titles if a first and a last
// name remain without them.
func nameWords(name string, keys *folder) []nameWord {
	if i := strings.IndexAny(name, "(["); i > 0 {
		name = name[:i]
	}
	last, first, _ := strings.Cut(norm.NFKC.String(name), ",")
	words := make([]nameWord, 0, 4)
	untitled := 0
	for _, half := range []string{first, last} {
		for w := range strings.FieldsSeq(half) {
			k := keys.fold(w)
			if k == "" || strings.IndexFunc(w, unicode.IsLetter) < 0 {
				continue
			}
			title := !shortTitles[k] && isTitle([]byte(k))
			words = append(words, nameWord{w, k, title})
			if !title {
				untitled++
			}
		}
	}
	if untitled > 1 {
		words = slices.DeleteFunc(words, func(w nameWord) bool { return w.title })
	}
	return words
}

// appendParts adds a word of a name and, where it is double, its halves.
func appendParts(to []part, word nameWord, from int, keys *folder) []part {
	whole := makePart(word.text, word.key, from)
	halves := strings.FieldsFunc(word.text, func(r rune) bool { return gapOf(r) == gapHyphen })
	if len(halves) < 2 {
		return appendForms(to, word.text, whole, keys)
	}
	at := 0
	for _, h := range halves[:len(halves)-1] {
		at += len(foldString(h))
		whole.joints = append(whole.joints, at)
	}
	to = appendForms(to, word.text, whole, keys)
	for _, h := range halves {
		to = appendForms(to, h, makePart(h, keys.fold(h), from), keys)
	}
	return to
}

// appendForms adds a part as written and in the spelling with aa, ae and oe.
func appendForms(to []part, text string, p part, keys *folder) []part {
	if p.letters < 2 {
		return to
	}
	to = append(to, p)
	if isASCII(text) {
		return to // there is no other
	}
	spelled := spellOut.Replace(norm.NFC.String(strings.ToLower(text)))
	if q := makePart(spelled, keys.fold(spelled), p.from); q.key != p.key {
		q.weak = p.weak
		to = append(to, q)
	}
	return to
}

func isASCII(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r >= utf8.RuneSelf }) < 0
}

var spellOut = strings.NewReplacer("å", "aa", "ä", "ae", "ö", "oe", "ü", "ue", "ø", "oe")

// makePart makes a part of a text whose fold is key.
func makePart(text, key string, from int) part {
	p := part{key: key, from: from}
	for _, r := range text {
		if fold(r) != "" {
			p.letters++
		}
	}
	p.weak = p.letters < 5 || ordinary[p.key]
	return p
}
