package workflow_test

import (
	"path/filepath"
	"reflect"
	"slices"
	"time"

	"pgregory.net/rapid"

	"sigill/keys/ident"
	"sigill/keys/order"
	"sigill/keys/proof"
	"sigill/keys/statement"
	"sigill/server/store"
	"sigill/server/store/bolt"
	"sigill/server/workflow"
)

// A walk is a house over a store in a file, and the model of what is in it.
type walk struct {
	*house
	did       tally
	hours     []time.Duration // of the inbox
	stories   []*story
	approvals []*approved
	petitions []*petition
	courts    []*court
	bound     map[string]bool // titles under whose keys somebody has acted
	numbers   map[int]int64   // the last, by year
	promises  []*promise
	answers   []answer
	touched   *story           // by the last step
	asked     *petition        // likewise
	size      uint64           // of the log
	last      proof.Checkpoint // the last one that was published
}

// inboxHours are the hours of the inbox, in a walk that has any.
var inboxHours = []time.Duration{8 * time.Hour, 13 * time.Hour}

// A promise is what a receipt says will stand in the log.
type promise struct {
	entry ident.Digest
	kind  proof.Kind
	day   ident.Date
	kept  bool
}

// An answer is a change that was answered, to be asked for again.
type answer struct {
	story  *story // of an author's act
	caller *workflow.Caller
	is     any
	call   func(c *workflow.Caller) (any, error)
}

func newWalk(rt *rapid.T, dir string, did tally) *walk {
	w := &walk{did: did, bound: map[string]bool{}, numbers: map[int]int64{}}
	c := bolt.Config{Path: filepath.Join(dir, "store.db"), Layout: layout()}
	file := must(bolt.Create(c))
	rt.Cleanup(func() { must(0, file.Close()) })
	first := true
	w.house = newHouseOver(rt, func() store.Store {
		if !first {
			must(0, file.Close())
			file = must(bolt.Open(c))
		}
		first = false
		return file
	})
	if seldom(rt, "hours", 2) {
		w.hours = inboxHours
	}
	w.config.InboxHours, w.config.MaxOpenings = w.hours, atMost
	w.reopen()
	w.courts = []*court{w.court("Förvaltningsrätten", order.CourtOrder), w.court("Polisen", order.PoliceSuspectOfficial)}
	w.size = w.ledger.Head().Size
	w.looks(w.inboxOf(director), w.inboxOf(deputy)) // who has signed in as a signer cannot draft
	w.announce()
	w.published()
	return w
}

// some is a matter that the step is about: mostly one of which something is so.
func (w *walk) some(rt *rapid.T, so func(*story) bool) *story {
	w.touched = draw(rt, "matter", mostly(rt, w.stories, so))
	return w.touched
}

// mostly is a list without those of which something is not so, but for one time in
// four, and unless nothing would be left.
func mostly[E any](rt *rapid.T, list []E, so func(E) bool) []E {
	fit := slices.DeleteFunc(slices.Clone(list), func(e E) bool { return !so(e) })
	if len(fit) == 0 || seldom(rt, "any", 4) {
		return list
	}
	return fit
}

// allowing are the matters whose state allows an event.
func allowing(event string) func(*story) bool {
	return func(s *story) bool { return decisionRules[event].in(s.state) == taken }
}

// answered keeps an answer that must be given again.
func (w *walk) answered(s *story, c *workflow.Caller, is any, call func(c *workflow.Caller) (any, error)) {
	w.answers = append(w.answers, answer{s, c, is, call})
}

// again sends a request once more, with a fresh token: the answer is the same, nothing
// happens, whatever has happened since.
func (w *walk) again(rt *rapid.T) {
	a := draw(rt, "answer", w.answers)
	c := *a.caller
	c.Token = "another token"
	if c.Proof == "" { // a proof is of its time
		c.Received = time.Now()
	}
	w.does("the same again", byName, taken, nil, func() error {
		is, err := a.call(&c)
		if err == nil && !reflect.DeepEqual(is, a.is) {
			w.t.Fatal(c.Method, "has another answer than before")
		}
		return err
	})
}

// misuses sends something else under the id of a request that was answered.
func (w *walk) misuses(rt *rapid.T) {
	a := draw(rt, "answer", w.answers)
	c, files := *a.caller, byName
	c.Received, c.Proof = time.Now(), ""
	call := func() error { _, err := w.WithdrawOpening(ctx, &c, ident.NewID()); return err }
	if s := a.story; s != nil {
		c.Method, files = "/sigill.v1.DraftingService/AttachDissent", byDay
		call = func() error { _, err := w.AttachDissent(ctx, &c, s.dissentBy(s.key, "Något annat.")); return err }
	}
	w.does("its id for something else", files, refusal(workflow.ErrState, workflow.ReasonRequestID), nil, call)
}

// promised keeps what a receipt promises.
func (w *walk) promised(receipt string, kind proof.Kind) {
	w.t.Helper()
	rc := w.receipt(receipt)
	w.same("received", rc.Received, today())
	w.same("due", rc.Due, today().AddDays(workflow.OwedDays))
	w.promises = append(w.promises, &promise{entry: rc.Entry, kind: kind, day: today()})
}

func (w *walk) inForce() inForce { return inForce{w.version, w.setEpoch} }

// publishes: the board puts its next order, or the reviewers their next set, into
// force. Drafts that cite those before must be revised; seals keep their reviewers.
func (w *walk) publishes(rt *rapid.T) {
	if draw(rt, "what", []bool{true, false}) {
		w.nextOrder(w.order.Signers...)
		w.grew("an order", named(proof.DelegationOrder))
		return
	}
	w.nextSet()
	w.grew("a reviewer set", named(proof.ReviewerSet))
}

// passes lets time pass: also to the last minute before an hour of the inbox.
func (w *walk) passes(rt *rapid.T) {
	next := time.Until(w.nextHour(time.Now()))
	d := draw(rt, "for", []time.Duration{20 * time.Second, next - 30*time.Second, next, next, next, 24 * time.Hour, 7 * 24 * time.Hour})
	w.forward(d)
}

func (w *walk) forward(d time.Duration) {
	pass(d)
	for _, s := range w.stories {
		if !s.changes.IsZero() && !time.Now().Before(s.changes) {
			s.refresh()
		}
	}
}

// nextHour is the next hour of the inbox in Sweden that is not less than a minute away.
func (w *walk) nextHour(from time.Time) time.Time {
	for day := ident.DateOf(from); ; day = day.AddDays(1) {
		for _, h := range inboxHours {
			in := day.Start().In(ident.Stockholm())
			at := time.Date(in.Year(), in.Month(), in.Day(), int(h.Hours()), 0, 0, 0, ident.Stockholm())
			if !at.Before(from.Add(time.Minute)) {
				return at
			}
		}
	}
}

// changes: an author has acted. What signers are shown changes with the next hour, or
// at once if there are none or it is urgent.
func (w *walk) changes(s *story, urgent bool) {
	if urgent || w.hours == nil {
		s.refresh()
		return
	}
	s.changes = w.nextHour(time.Now())
}

// clock is what the server does when its hours come.
func (w *walk) clock(*rapid.T) {
	var due []proof.Kind
	var owed []*promise
	for _, p := range w.promises {
		if !p.kept {
			owed = append(owed, p)
		}
	}
	if len(owed) >= w.SmallestSet || len(owed) > 0 && !today().Before(owed[0].day.AddDays(workflow.OwedDays-1)) {
		for _, p := range owed {
			p.kept = true
			due = append(due, p.kind)
		}
	}
	for _, p := range w.petitions {
		if next := p.runOut(today()); next != p.state {
			p.state = next
			due = append(due, named(p.ends(next)...)...)
			w.did.add("ended by the clock: "+endings[next], taken)
		}
		if p.due != "" && !p.noticed && !today().Before(p.due) {
			p.noticed = true
			due = append(due, proof.OpeningNotice)
			w.did.add("a late notice", taken)
		}
	}
	now := time.Now()
	must(0, w.PublishOwed(ctx, now))
	must(0, w.ExpireOpenings(ctx, now))
	must(0, w.SendNotices(ctx, now))
	must(0, w.ForgetShown(ctx, now))
	w.grew("the clock", due)
	w.announce()
	w.published()
}

// restarts closes everything and opens the same file again: nothing is lost.
func (w *walk) restarts(*rapid.T) {
	w.reopen()
	w.grew("a restart", nil)
	w.published()
	w.all()
	w.clock(nil) // what the time that has passed asks for
	w.sound()
}

// published checks what everyone may see: the log extends the one that was seen before,
// and of what was promised it holds all that has gone out, and nothing else.
func (w *walk) published() {
	w.t.Helper()
	note, hashes, err := w.GetCheckpoint(ctx, w.last.Size)
	must(0, err)
	now := must(proof.OpenCheckpoint([]byte(note), w.trust.Policy))
	if w.last.Size > 0 {
		must(0, proof.CheckConsistency(w.last, now, hashes))
	}
	w.last = now
	w.same("published", now.Size, w.size)
	for _, p := range w.promises {
		if p.kept {
			w.inLog([]statement.Receipt{{Entry: p.entry}}, p.kind)
		} else if _, err := w.GetProof(ctx, p.entry); verdictOf(err) != absent {
			w.t.Fatal("what is owed is found", err)
		}
	}
}

// end lets a week pass: all that was promised stands in the log.
func (w *walk) end() {
	w.forward(workflow.OwedDays * 24 * time.Hour)
	w.clock(nil)
	for _, p := range w.promises {
		w.same("kept", p.kept, true)
	}
	w.restarts(nil)
}
