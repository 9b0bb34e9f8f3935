package check

import (
	"slices"
	"time"
)

// A Moment is when a check was made, and how long the log was then.
type Moment struct {
	At      time.Time `json:"at"` // to the minute
	Entries uint64    `json:"entries"`
}

// A Since says when something came about: after a check that did not find it began, and
// before the first that did had ended.
type Since struct {
	Times int     `json:"times"`           // of the finding's
	After *Moment `json:"after,omitempty"` // nil: no check before can tell
	Found Moment  `json:"found"`
}

// A Memory is what the checks so far have found.
type Memory struct {
	Last  *Moment   `json:"last,omitempty"`  // when the last one began that looked everywhere and told all
	Found []Finding `json:"found,omitempty"` // that one, or one after it
}

// Date says of each finding since when it is there, and gives what is to be remembered.
// What a check found that could not look everywhere, or not tell all, is remembered
// beside what it may have missed. One that began before the last, and ended after it,
// changes nothing that is remembered. What is dated ahead counts for nothing.
func (m Memory) Date(f *Findings, began, ended Moment) Memory {
	if m.Last != nil && ended.At.Before(m.Last.At) {
		m = Memory{} // of a clock that was ahead
	}
	overtaken := m.Last != nil && began.At.Before(m.Last.At)
	last, missed := m.Last, slices.Clone(m.Found)
	if overtaken {
		last = nil
	}
	for i := range f.List {
		var was []Since
		if j := slices.IndexFunc(missed, f.List[i].same); j >= 0 {
			was = missed[j].Since
			missed = slices.Delete(missed, j, j+1)
		}
		f.List[i].Since = since(was, f.List[i].Times, last, ended)
	}
	switch {
	case overtaken:
		return m
	case f.More == 0 && !slices.ContainsFunc(f.List, func(one Finding) bool { return one.Hides }):
		return Memory{&began, f.List}
	case len(f.List)+len(missed) > MaxFindings: // what is forgotten now would be new later
		return Memory{Found: f.List}
	}
	return Memory{m.Last, slices.Concat(f.List, missed)}
}

// since adds to what was there what is new. Only what was there first has a time of its
// own: all that came later has one span, which grows.
func since(was []Since, times int, last *Moment, now Moment) []Since {
	var all []Since
	for _, s := range was {
		if s.Times = min(s.Times, times); s.Times > 0 {
			all = append(all, s)
			times -= s.Times
		}
	}
	switch {
	case times == 0:
	case len(all) < 2:
		all = append(all, Since{times, last, now})
	default:
		all[1].Times += times
		all[1].Found = now
	}
	return all
}
