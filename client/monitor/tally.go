package monitor

import (
	"slices"
	"strings"

	"sigill/keys/ident"
	"sigill/keys/proof"
)

// farthest is how many days ahead a notice can be due: a request lives 30 days, and
// its votes delay the notice 366 days beyond.
const farthest = 400

// maxChanges is how many key_change entries are told apart: more than any authority signs.
const maxChanges = 1000

// A tally is what has been counted of the entries. It is a value; adding makes another.
type tally struct {
	counts    [proof.Kinds]uint64 // by kind
	unknown   uint64              // what is no entry
	due       []due               // of releases, by day
	last      proof.Number        // given last
	lastIndex uint64              // of its entry
	changes   []ident.Digest      // of key_change entries, each once, at most maxChanges
}

// due is how many releases owe a notice by a day.
type due struct {
	Count uint64     `json:"count"`
	Day   ident.Date `json:"day"`
}

// add counts the entry with an index. It gives the name of what is wrong with it, if
// anything is.
func (t tally) add(index uint64, raw []byte, today ident.Date) (next tally, wrong string) {
	e, err := proof.ParseEntry(raw)
	if err != nil {
		t.unknown++
		return t, Entry
	}
	t.counts[e.Kind]++
	// One that was logged before a restore and is logged again is the same.
	if e.Kind == proof.KeyChange && len(t.changes) < maxChanges && !slices.Contains(t.changes, e.Digest) {
		t.changes = append(slices.Clip(t.changes), e.Digest)
	}
	if n, ok := e.Number(); ok {
		return t.number(index, n)
	}
	if e.Kind == proof.OpeningReleased {
		day, ok := e.Due()
		if !ok || today.AddDays(farthest).Before(day) {
			return t, Openings
		}
		t.owe(day)
	}
	c := &t.counts
	if c[proof.OpeningRefused]+c[proof.OpeningReleased]+c[proof.OpeningClosed] > c[proof.OpeningRequested] ||
		c[proof.OpeningNotice] > c[proof.OpeningReleased] {
		return t, Openings
	}
	return t, ""
}

func (t tally) number(index uint64, n proof.Number) (tally, string) {
	last := t.last
	n.Number = min(n.Number, proof.MaxSize) // what JSON holds, and no authority reaches
	t.last, t.lastIndex = n, index
	switch {
	case n.Follows(last):
		return t, ""
	case n.Year == last.Year && n.Number > last.Number, n.Year > last.Year && n.Number > 0:
		return t, Gap
	}
	return t, Duplicate
}

func (t *tally) owe(day ident.Date) {
	i, found := slices.BinarySearchFunc(t.due, day, func(d due, day ident.Date) int { return strings.Compare(string(d.Day), string(day)) })
	t.due = slices.Clone(t.due)
	if found {
		t.due[i].Count++
	} else {
		t.due = slices.Insert(t.due, i, due{1, day})
	}
}

// short is the first day before today by which more notices were due than have come; ""
// if there is none.
func (t *tally) short(today ident.Date) ident.Date {
	owed := uint64(0)
	for _, d := range t.due {
		if owed += d.Count; d.Day.Before(today) && owed > t.counts[proof.OpeningNotice] {
			return d.Day
		}
	}
	return ""
}

// settle puts the days before today, by which enough notices came, together.
func (t *tally) settle(today ident.Date) {
	past := 0
	for past < len(t.due) && t.due[past].Day.Before(today) {
		past++
	}
	if past < 2 || t.short(today) != "" {
		return
	}
	rest := slices.Clone(t.due[past-1:])
	for _, d := range t.due[:past-1] {
		rest[0].Count += d.Count
	}
	t.due = rest
}
