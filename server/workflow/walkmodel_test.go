package workflow_test

import (
	"crypto/hpke"
	"errors"
	"fmt"
	"slices"
	"time"

	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/opening"
	"sigill/keys/order"
	"sigill/keys/proof"
	"sigill/keys/record"
	"sigill/keys/statement"
	"sigill/server/workflow"
)

// The states of decisions, as the API numbers them; those of openings are in
// opening_test.go.
const (
	isPending = iota + 1
	isReturned
	isSigned
	isDispatched
	isWithdrawn
)

// A rule is one event of the specification's tables of states: where it leads from
// each state that allows it, and why it is refused in the others, if not because the
// matter has ended.
type rule struct {
	next map[int]int
	why  map[int]string
}

var decisionRules = map[string]rule{
	"revise":                 {next: map[int]int{isPending: isPending, isReturned: isPending}},
	"dissent":                {next: map[int]int{isPending: isPending, isReturned: isReturned, isSigned: isSigned}, why: map[int]string{isDispatched: workflow.ReasonDispatched}},
	"return":                 {next: map[int]int{isPending: isReturned}},
	"abstain":                {next: map[int]int{isPending: isPending}},
	"cosign":                 {next: map[int]int{isPending: isSigned}},
	"cosign, the same bytes": {next: map[int]int{isSigned: isSigned, isDispatched: isDispatched}},
	"dispatch": {next: map[int]int{isSigned: isDispatched}, why: map[int]string{isPending: workflow.ReasonNotSigned,
		isReturned: workflow.ReasonAbsent, isWithdrawn: workflow.ReasonAbsent, isDispatched: workflow.ReasonDispatched}},
	"withdraw": {next: map[int]int{isPending: isWithdrawn, isReturned: isWithdrawn}},
}

var openingRules = map[string]rule{
	"fetch":     {next: map[int]int{pending: pending}},
	"vote":      {next: map[int]int{pending: pending}}, // or where the count leads
	"take back": {next: map[int]int{pending: withdrawn}},
	"collect": {next: map[int]int{released: collected, collected: collected},
		why: map[int]string{pending: workflow.ReasonNotReleased, wasRefused: workflow.ReasonNotReleased}},
}

// A verdict is what a call is answered: taken, or a kind of refusal and its reason.
type verdict struct {
	kind   error
	reason string
}

var taken = verdict{}

func refusal(kind error, reason string) verdict { return verdict{kind, reason} }

var absent = refusal(workflow.ErrNotFound, workflow.ReasonAbsent)

func (v verdict) String() string {
	if v == taken {
		return "taken"
	}
	return fmt.Sprint(v.kind, ": ", v.reason)
}

// verdictOf is what an error says. One that is no refusal is its own kind.
func verdictOf(err error) verdict {
	r := (*workflow.Refusal)(nil)
	switch {
	case err == nil:
		return taken
	case errors.As(err, &r):
		return refusal(r.Kind, r.Reason)
	}
	return refusal(err, "")
}

// in says what an event comes to in a state.
func (r rule) in(state int) verdict {
	if _, ok := r.next[state]; ok {
		return taken
	}
	switch why := r.why[state]; why {
	case "":
	case workflow.ReasonAbsent:
		return absent
	default:
		return refusal(workflow.ErrState, why)
	}
	return refusal(workflow.ErrState, workflow.ReasonEnded)
}

// A story is what the model knows of one matter, with what its author keeps.
type story struct {
	*author
	state     int
	under     inForce // what the last revision cites
	reference string  // of the case
	board     bool    // decided by the board: the deputy does not sign that
	urgent    bool
	corrects  *statement.Cite
	dissents  []string
	returns   []string
	abstained []string // titles
	shown     *showing // what signers are shown
	changes   time.Time
	known     ident.Digest // the last revision that others may know of; zero if there is none
	signedBy  string       // the approval
	bundle    []byte       // as its signer got it
	number    string
	decision  ident.Digest
	acts      int // so that no two say the same
}

// inForce are the documents of the board that a draft cites.
type inForce struct {
	order order.Version
	set   order.Epoch
}

// A showing is what signers are shown of a matter.
type showing struct {
	revision int
	under    inForce
	dissents []string
	returns  []string
}

// An approved is an approval that a signer has made and may send, or not.
type approved struct {
	of       *story
	title    string
	compact  string
	under    inForce
	revision int
	day      ident.Date
}

// revision is which of the matter's a statement is, from 1; 0 if it is none.
func (s *story) revision(statement string) int {
	return slices.Index(s.last, jws.Digest(statement)) + 1
}

func (s *story) signed() bool { return s.state == isSigned || s.state == isDispatched }

// refresh: an hour of the inbox has come, or there are none.
func (s *story) refresh() {
	s.hide()
	if s.state == isPending {
		s.shown = &showing{len(s.last), s.under, slices.Clone(s.dissents), slices.Clone(s.returns)}
	}
}

// hide takes a matter from the inbox at once: a signer has acted.
func (s *story) hide() {
	s.changes, s.shown, s.known = time.Time{}, nil, s.last[len(s.last)-1]
}

// A petition is what the model knows of one request to open a seal.
type petition struct {
	*story
	court     *court
	recipient hpke.PrivateKey
	id        ident.ID
	state     int
	sections  []record.Section
	doubtful  bool // reviewers are inclined to refuse it
	expires   ident.Date
	votes     map[[2]int][]record.Section // what was granted, by group and index
	delays    map[[2]int]ident.Date       // until when those who voted would have the author wait
	due       ident.Date                  // when the author is told, once it is released
	noticed   bool
	ballots   []*ballot // made, cast or not
	pkg       []byte    // as collected
}

// groups are the reviewers of newHouse: how many must agree of how many.
var groups = []struct{ need, of int }{{2, 4}, {1, 3}}

// granted: so many in every group grant it. denied: in some group too few are left
// who could.
func (p *petition) granted(sec record.Section) bool {
	for g, shape := range groups {
		if yes, _ := p.count(g+1, sec); yes < shape.need {
			return false
		}
	}
	return true
}

func (p *petition) denied(sec record.Section) bool {
	for g, shape := range groups {
		if _, no := p.count(g+1, sec); no > shape.of-shape.need {
			return true
		}
	}
	return false
}

func (p *petition) count(group int, sec record.Section) (yes, no int) {
	for at, granted := range p.votes {
		switch {
		case at[0] != group:
		case slices.Contains(granted, sec):
			yes++
		default:
			no++
		}
	}
	return yes, no
}

func (p *petition) someGranted() bool { return slices.ContainsFunc(p.sections, p.granted) }

// counted is where a request stands after a vote: it ends when every section is
// decided.
func (p *petition) counted() int {
	for _, sec := range p.sections {
		if !p.granted(sec) && !p.denied(sec) {
			return pending
		}
	}
	if p.someGranted() {
		return released
	}
	return wasRefused
}

// releasedOn is what a release leaves in the log on a day: the author is told at once,
// or at the earliest of the dates that so many in every group have set.
func (p *petition) releasedOn(on ident.Date) []proof.Kind {
	p.due = on
	var dates []ident.Date
	for g, shape := range groups {
		n := 0
		for at, d := range p.delays {
			if at[0] == g+1 {
				n, dates = n+1, append(dates, d)
			}
		}
		if n < shape.need {
			dates = nil
			break
		}
	}
	if len(dates) > 0 {
		p.due = max(on, slices.Min(dates))
	}
	if p.noticed = p.due == on; p.noticed {
		return []proof.Kind{proof.OpeningReleased, proof.OpeningNotice}
	}
	return []proof.Kind{proof.OpeningReleased}
}

// runOut is where the clock leaves a request on a day.
func (p *petition) runOut(on ident.Date) int {
	switch {
	case p.state != pending || !p.expires.Before(on):
		return p.state
	case p.someGranted() && on.Days() <= p.expires.Days()+opening.MaxLate:
		return released
	}
	return expired
}

// may says what an event comes to: on the day after the last it has ended, whether or
// not the clock has come round to it.
func (p *petition) may(event string) verdict {
	if event != "collect" && p.state == pending && p.expires.Before(today()) {
		return refusal(workflow.ErrState, workflow.ReasonEnded)
	}
	return openingRules[event].in(p.state)
}
