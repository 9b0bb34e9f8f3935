package client

import (
	"context"
	"errors"
	"slices"

	"sigill/client/tiles"
	"sigill/keys/bundle"
	"sigill/keys/evidence"
	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/proof"
	"sigill/keys/statement"
)

// A PromiseState says how a receipt's promise stands.
type PromiseState string

// The states.
const (
	PromiseKept     PromiseState = "kept"     // the entry stands in the log by its day
	PromiseLate     PromiseState = "late"     // it came after its day
	PromiseOpen     PromiseState = "open"     // its day is not over, and it is not there yet
	PromiseUnproved PromiseState = "unproved" // its day is over and it is not there, but not so that others can see it yet
	PromiseBroken   PromiseState = "broken"   // the evidence shows anyone that it did not come by its day
	PromiseInvalid  PromiseState = "invalid"  // no receipt by this log for this matter
)

// A Promise is a receipt and what became of it.
type Promise struct {
	statement.Receipt
	Revision int // that it is for, from 1; 0 for another act
	State    PromiseState
	Entry    *Logged // nil if it is not there
	Evidence []byte  // of a broken one
	compact  string
}

// A Logged is an entry as whole days show it.
type Logged struct {
	Day    ident.Date
	Index  uint64
	Kind   proof.Kind
	Number string // of a decision
}

// A MatterCheck is what a log says of an own matter.
type MatterCheck struct {
	Kept
	Promises []Promise
	Events   []Logged // that bear the decision's tag, in their order: signed, returned …
	Notices  []Logged // that its seal was opened
}

// A LogCheck is what the whole days of a log say of one's own matters.
type LogCheck struct {
	From, Until ident.Date // the days that were read; none if there was nothing to look for
	Checkpoint  proof.Checkpoint
	Witnessed   bool
	Matters     []MatterCheck
}

// CheckLog holds own matters against a log. It reads days from the first of the
// month in which the oldest of them was received, or ended the day before, to the
// last that is over on a date, all of them and nothing else: that month is what
// whoever gives the log out learns, and of a mirror nobody learns anything. Where
// the trust file's policy asks for witnesses, days that none of them has vouched for
// yet count for nothing. Errors are those of [tiles.Log.Days].
func CheckLog(ctx context.Context, l *tiles.Log, trust *bundle.Trust, today ident.Date, own []Kept) (*LogCheck, error) {
	w := newWatch(trust, own)
	if first := w.first(); first != "" {
		from := ident.Date(first[:len("2006-01-")] + "01")
		if err := l.Days(ctx, from, today.AddDays(-1), w.day); err != nil {
			return nil, err
		}
		if w.out.From == "" { // a log that is young, or a place where there is none
			if _, err := l.Checkpoint(ctx); err != nil {
				return nil, err
			}
		}
	}
	w.settle(today)
	return w.out, nil
}

// notices is how many of a matter's next opening notices are looked out for at once:
// one that was delayed may come after later ones.
const notices = 16

type notice struct {
	matter *MatterCheck
	n      uint32
}

// A watch reads days as they come.
type watch struct {
	trust    *bundle.Trust
	out      *LogCheck
	promises map[ident.Digest]*Promise
	tags     map[proof.Tag]*MatterCheck
	notices  map[proof.Tag]notice
	window   []proof.Day // that evidence may still need
}

func newWatch(trust *bundle.Trust, own []Kept) *watch {
	w := &watch{trust: trust, out: &LogCheck{Matters: make([]MatterCheck, len(own))}, promises: map[ident.Digest]*Promise{},
		tags: map[proof.Tag]*MatterCheck{}, notices: map[proof.Tag]notice{}}
	for i, k := range own {
		m := &w.out.Matters[i]
		m.Kept, m.Promises = k, make([]Promise, len(k.Receipts))
		for j, compact := range k.Receipts {
			m.Promises[j] = w.promise(compact, k.Own)
			if p := &m.Promises[j]; p.State != PromiseInvalid {
				w.promises[p.Receipt.Entry] = p
			}
		}
		w.tags[proof.SubjectTag(k.Decision)] = m
		w.lookOut(m, 0)
	}
	return w
}

// lookOut adds the next notices from one on.
func (w *watch) lookOut(m *MatterCheck, n uint32) {
	if len(m.Watch) != 32 {
		return
	}
	for i := range uint32(notices) {
		w.notices[proof.NoticeTag([32]byte(m.Watch), n+i)] = notice{m, n + i}
	}
}

// promise reads a receipt. It was kept before it was checked, as whatever may prove
// something. One entry cannot stand for two acts.
func (w *watch) promise(compact string, own *Own) Promise {
	p := Promise{compact: compact}
	_, _, err := jws.ReadBy(compact, w.trust.LogKey, &p.Receipt)
	if err != nil || p.Authority != w.trust.Authority || p.Decision != own.Decision || w.promises[p.Receipt.Entry] != nil {
		p.State = PromiseInvalid
	}
	p.Revision = slices.Index(own.Revisions, p.Statement) + 1
	return p
}

// first is the day before the oldest receipt.
func (w *watch) first() (first ident.Date) {
	for _, p := range w.promises {
		if d := p.Received.AddDays(-1); first == "" || d.Before(first) {
			first = d
		}
	}
	return first
}

func (w *watch) day(d proof.Day, after tiles.Head) error {
	for i, e := range d.Entries {
		w.entry(e, Logged{Day: d.Date, Index: d.First + uint64(i), Kind: e.Kind})
	}
	if w.out.From == "" {
		w.out.From = d.Date
	}
	if asked := w.trust.Policy.Witnessed(); after.Witnessed || !asked {
		w.out.Until, w.out.Checkpoint, w.out.Witnessed = d.Date, after.Checkpoint, asked
	}
	w.window = append(w.window, d)
	return w.prove(d.Date)
}

func (w *watch) entry(e proof.Entry, l Logged) {
	if p := w.promises[e.Digest]; p != nil && p.Entry == nil {
		p.Entry = &l
	}
	m := w.tags[e.Tag]
	if n, ok := e.Number(); ok {
		l.Number = statement.FormatNumber(int(n.Year), int64(n.Number))
		for i := range w.out.Matters {
			if o := &w.out.Matters[i]; proof.DecisionTag(n.Year, n.Number, o.Decision) == e.Tag {
				m = o
			}
		}
	}
	if m != nil && e.Kind.Public() {
		m.Events = append(m.Events, l)
	}
	if n, ok := w.notices[e.Tag]; ok && e.Kind == proof.OpeningNotice {
		n.matter.Notices = append(n.matter.Notices, l)
		w.lookOut(n.matter, n.n+1)
	}
}

// prove makes evidence of what did not come by its day as soon as the days that
// were read show it, and lets go of those that no promise needs.
func (w *watch) prove(date ident.Date) error {
	keep := date.AddDays(1)
	for _, p := range w.promises {
		if p.Entry != nil || p.State != "" {
			continue
		}
		begin := p.Received.AddDays(-1)
		days := slices.DeleteFunc(slices.Clone(w.window), func(d proof.Day) bool { return d.Date.Before(begin) })
		if p.Due.Before(date) {
			if err := w.evidence(p, days); err != nil {
				return err
			}
		}
		if len(days) >= evidence.MaxDays {
			p.State = PromiseUnproved
		}
		if p.State == "" && begin.Before(keep) {
			keep = begin
		}
	}
	w.window = slices.DeleteFunc(w.window, func(d proof.Day) bool { return d.Date.Before(keep) })
	return nil
}

func (w *watch) evidence(p *Promise, days []proof.Day) error {
	var texts [][]byte
	for _, d := range days {
		texts = append(texts, d.Marshal())
	}
	data, err := evidence.NewPromise(p.compact, texts...).Marshal()
	var found *evidence.Finding
	if err == nil {
		found, err = evidence.Verify(data, w.trust)
	}
	switch {
	case err == nil && w.trust.Policy.Witnessed() && !found.Witnessed: // of days without a clock: no stranger takes it
	case err == nil:
		p.State, p.Evidence = PromiseBroken, data
	case errors.Is(err, jws.ErrUnknownKey): // its key had been replaced when it was given
		p.State = PromiseInvalid
	case errors.Is(err, evidence.ErrEvidence): // too much for a file
		p.State = PromiseUnproved
	case !errors.Is(err, proof.ErrUnwitnessed):
		return err
	}
	return nil
}

// settle says how each promise stands on a date. What no witness has vouched for yet
// has not been seen.
func (w *watch) settle(today ident.Date) {
	until := w.out.Until
	unseen := func(l Logged) bool { return until.Before(l.Day) }
	for i := range w.out.Matters {
		m := &w.out.Matters[i]
		m.Events, m.Notices = slices.DeleteFunc(m.Events, unseen), slices.DeleteFunc(m.Notices, unseen)
		for j := range m.Promises {
			p := &m.Promises[j]
			if p.Entry != nil && unseen(*p.Entry) {
				p.Entry = nil
			}
			switch {
			case p.State == PromiseBroken, p.State == PromiseInvalid:
			case p.Entry != nil && p.Due.Before(p.Entry.Day):
				p.State = PromiseLate
			case p.Entry != nil:
				p.State = PromiseKept
			case p.Due.Before(today):
				p.State = PromiseUnproved
			default:
				p.State = PromiseOpen
			}
		}
	}
}

// A DecisionCheck is what a signed decision says of own drafts. A fresh draft of a
// case cannot bury an earlier one: it cites it, or is refused.
type DecisionCheck struct {
	Matter   string // whose decision it is; "" if it is of no own matter
	Revision int    // of the matter that was signed, to the byte; 0: it is none of one's own
	Cited    []CitedDraft
	Uncited  []string // own matters of the case that it does not cite: they came after it, or at the same time
}

// A CitedDraft is an own draft among the earlier ones that a decision cites.
type CitedDraft struct {
	Matter   string
	Revision int
}

// CheckDecision holds a verified decision against own matters.
func CheckDecision(v *bundle.Verdict, own []Kept) (c DecisionCheck) {
	for _, k := range own {
		if k.Decision == v.Decision.Decision {
			c.Matter, c.Revision = k.Matter, slices.Index(k.Revisions, v.DraftDigest())+1
			continue
		}
		cited := false
		for i, r := range k.Revisions {
			if slices.Contains(v.Draft.Earlier, r) {
				cited = true
				c.Cited = append(c.Cited, CitedDraft{k.Matter, i + 1})
			}
		}
		if !cited && k.Case == v.Draft.Case {
			c.Uncited = append(c.Uncited, k.Matter)
		}
	}
	return c
}
