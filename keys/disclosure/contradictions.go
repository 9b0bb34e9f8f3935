package disclosure

import (
	"sigill/keys/record"
)

// A Code names a kind of contradiction.
type Code string

// The codes.
const (
	ClaimDiffers Code = "CLAIM_DIFFERS"  // what the record says of the author is not what the login says
	ClaimUnsaid  Code = "CLAIM_UNSAID"   // the login does not say what the record says of the author
	AuthorsMany  Code = "AUTHORS_DIFFER" // two sections name different authors
	AuthorPlace  Code = "AUTHOR_PLACE"   // the author does not stand where the mode has them
	DeciderMode  Code = "DECIDER_MODE"   // the decider does not fit the decision
	BiasMissing  Code = "BIAS"           // a bias declaration lacks, or speaks of nobody
	Unassessed   Code = "ASSESSMENT"     // an omitted name has no assessment, or a shown one has
)

// A Contradiction is what the opened record says against itself, the decision or
// the login. The server refuses such a draft; that it stands there says that
// something was wrong when it was made.
type Contradiction struct {
	Code    Code           `json:"code"`
	Member  string         `json:"member,omitempty"` // of a person, for claims
	Section record.Section `json:"section"`
}

// placed is a person of 31 § in a granted section.
type placed struct {
	section record.Section
	role    record.Role
	ordinal int
	person  record.Person
}

func (s *Sections) persons() (out []placed) {
	if d := s.Decider; d != nil && d.Person != nil {
		out = append(out, placed{record.SectionDecider, record.RoleDecider, 1, *d.Person})
	}
	if p := s.Presenter; p != nil && p.Person != nil {
		out = append(out, placed{record.SectionPresenter, record.RolePresenter, 1, *p.Person})
	}
	if p := s.Participants; p != nil {
		for i, person := range p.Persons {
			out = append(out, placed{record.SectionParticipants, record.RoleParticipant, i + 1, person})
		}
	}
	return out
}

// contradictions looks at what was granted as record.Check looks at the whole,
// and at the author's claims as the server held them against the token.
func (o *opener) contradictions() []Contradiction {
	out := []Contradiction{}
	add := func(code Code, sec record.Section, member string) {
		out = append(out, Contradiction{code, member, sec})
	}
	persons := o.sections.persons()
	o.checkDecider(add)
	o.checkAuthors(persons, add)
	o.checkBias(persons, add)
	o.checkAssessment(persons, add)
	return out
}

type adder func(code Code, sec record.Section, member string)

func (o *opener) checkDecider(add adder) {
	d, draft := o.sections.Decider, &o.verdict.Draft
	if d == nil {
		return
	}
	kind := map[record.Mode]record.DeciderKind{record.ExecutiveDecides: record.DeciderSigner,
		record.DelegateDecides: record.DeciderPerson, record.BoardDecides: record.DeciderBoard}[draft.Mode]
	if d.Kind != kind || d.Item != draft.Item || d.Protocol != draft.Protocol || (d.Person != nil) != (kind == record.DeciderPerson) {
		add(DeciderMode, record.SectionDecider, "")
	}
}

// checkAuthors: one author, in the one place that the mode gives, who is who
// logged in.
func (o *opener) checkAuthors(persons []placed, add adder) {
	var first *record.Person
	authors := 0
	for _, at := range persons {
		due := map[record.Mode]record.Section{record.ExecutiveDecides: record.SectionPresenter,
			record.DelegateDecides: record.SectionDecider}[o.verdict.Draft.Mode]
		if at.person.Author == at.person.Stated || at.person.Author && due != 0 && at.section != due ||
			!at.person.Author && at.section == due || at.person.Author && at.section == record.SectionDecider && due == 0 {
			add(AuthorPlace, at.section, "")
		}
		if !at.person.Author {
			continue
		}
		authors++
		first = o.sameAuthor(first, at.section, at.person, add)
	}
	switch mode := o.verdict.Draft.Mode; {
	case mode == record.ExecutiveDecides && o.sections.Presenter != nil && o.sections.Presenter.Person == nil:
		add(AuthorPlace, record.SectionPresenter, "")
	case mode == record.BoardDecides && o.sections.Presenter != nil && o.sections.Participants != nil && authors != 1:
		add(AuthorPlace, record.SectionParticipants, "")
	}
	if d := o.sections.DissentAuthor; d != nil {
		if !d.Person.Author {
			add(AuthorPlace, record.SectionDissentAuthor, "")
		}
		o.sameAuthor(first, record.SectionDissentAuthor, d.Person, add)
	}
}

func (o *opener) sameAuthor(first *record.Person, sec record.Section, p record.Person, add adder) *record.Person {
	if first != nil && *first != p {
		add(AuthorsMany, sec, "")
	}
	if first == nil {
		first = &p
	}
	e := &o.evidence
	if !e.Disclosed {
		return first
	}
	for _, claim := range []struct{ member, sealed, login string }{{"issuer", p.Issuer, e.Issuer}, {"subject", p.Subject, e.Subject},
		{"name", p.Name, e.Name}, {"user_id", p.UserID, e.UserID}, {"hsa_id", p.HSAID, e.HSAID}} {
		switch {
		case claim.sealed == claim.login, claim.sealed == "" && (claim.member == "user_id" || claim.member == "hsa_id"):
		case claim.login == "":
			add(ClaimUnsaid, sec, claim.member)
		default:
			add(ClaimDiffers, sec, claim.member)
		}
	}
	return first
}

type seat struct {
	role    record.Role
	ordinal int
}

// shown reports whether the section in which a role's persons stand was granted.
func (s *Sections) shown(r record.Role) bool {
	switch r {
	case record.RoleDecider:
		return s.Decider != nil
	case record.RolePresenter:
		return s.Presenter != nil
	case record.RoleParticipant:
		return s.Participants != nil
	}
	return true // no role at all: nobody stands there
}

func (o *opener) checkBias(persons []placed, add adder) {
	b := o.sections.BiasDeclaration
	if b == nil {
		return
	}
	due := map[seat]bool{}
	for _, at := range persons {
		due[seat{at.role, at.ordinal}] = at.person.Stated
	}
	wrong := false
	for _, line := range b.Declarations {
		if !o.sections.shown(line.Role) {
			continue
		}
		stated, ok := due[seat{line.Role, line.Ordinal}]
		wrong = wrong || !ok || stated != line.Stated
		delete(due, seat{line.Role, line.Ordinal})
	}
	if wrong || len(due) > 0 {
		add(BiasMissing, record.SectionBiasDeclaration, "")
	}
}

func (o *opener) checkAssessment(persons []placed, add adder) {
	a := o.sections.Assessment
	if a == nil {
		return
	}
	names := o.verdict.Draft.Names
	due := map[seat]bool{}
	for _, at := range persons {
		if names.Of(at.role) == record.Omitted {
			due[seat{at.role, at.ordinal}] = true
		}
	}
	wrong := false
	for _, line := range a.Omitted {
		at := seat{line.Role, line.Ordinal}
		wrong = wrong || names.Of(line.Role) != record.Omitted || o.sections.shown(line.Role) && !due[at]
		delete(due, at)
	}
	if wrong || len(due) > 0 {
		add(Unassessed, record.SectionAssessment, "")
	}
}
