package record

import (
	"fmt"

	"sigill/keys/ident"
	"sigill/keys/jws"
)

// A Person is someone of 31 § FL. The author's name, issuer and subject come
// from the token; what the author says of others is marked Stated.
type Person struct {
	Author  bool   `json:"author,omitempty"`
	HSAID   string `json:"hsa_id,omitempty"`
	Issuer  string `json:"issuer,omitempty"`
	Name    string `json:"name"`
	Stated  bool   `json:"stated,omitempty"`
	Subject string `json:"subject,omitempty"`
	Title   string `json:"title"`
	Unit    string `json:"unit,omitempty"`
	UserID  string `json:"user_id,omitempty"`
}

// maxName is room for 120 characters of any script.
const maxName = 480

func (p Person) check() error {
	if p.Author == p.Stated {
		return jws.Field("stated", jws.ErrValue)
	}
	if p.Author != (p.Issuer != "") || p.Author != (p.Subject != "") {
		return jws.Field("subject", jws.ErrValue)
	}
	for _, f := range []struct {
		name, s  string
		min, max int
	}{{"name", p.Name, 1, maxName}, {"title", p.Title, 1, 100}, {"unit", p.Unit, 0, 100}, {"hsa_id", p.HSAID, 0, 64},
		{"user_id", p.UserID, 0, 128}, {"issuer", p.Issuer, 0, 255}, {"subject", p.Subject, 0, 255}} {
		if err := jws.Text(f.name, f.s, f.min, f.max); err != nil {
			return err
		}
	}
	return nil
}

// A DeciderKind says where the decider is found.
type DeciderKind string

// The kinds, one for each mode.
const (
	DeciderSigner DeciderKind = "APPROVAL_SIGNER" // EXECUTIVE_DECIDES: whoever signed the approval
	DeciderPerson DeciderKind = "PERSON"          // DELEGATE_DECIDES: the author
	DeciderBoard  DeciderKind = "BOARD"           // BOARD_DECIDES: the board, in a protocol
)

// Decider is the section DECIDER (beslutsfattare).
type Decider struct {
	Board    string      `json:"board,omitempty"`
	Item     string      `json:"item"` // of the delegation order
	Kind     DeciderKind `json:"kind"`
	Person   *Person     `json:"person,omitempty"`
	Protocol string      `json:"protocol,omitempty"`
}

// Presenter is the section PRESENTER (föredragande); nobody may have presented.
type Presenter struct {
	Person *Person `json:"person,omitempty"`
}

// Participants is the section PARTICIPANTS (medverkande), at most 12.
type Participants struct {
	Persons []Person `json:"persons"`
}

// DissentAuthor is the section DISSENT_AUTHOR: always the author, whose key
// signs every dissent.
type DissentAuthor struct {
	Person Person `json:"person"`
}

// A Bias declares for one person that nothing in 16 § FL stands against them. It
// names a role and an ordinal (from 1), so that it can be shown alone. A person
// who cannot declare it does not take part, and has no line.
type Bias struct {
	Ordinal int  `json:"ordinal"`
	Role    Role `json:"role"`
	Stated  bool `json:"stated,omitempty"` // the author says it for another
}

// BiasDeclaration is the section BIAS_DECLARATION (jävsförsäkran).
type BiasDeclaration struct {
	Declarations []Bias `json:"declarations"`
}

// An AssessmentGround is what can be feared (33 § fourth paragraph FL).
type AssessmentGround string

// The grounds.
const (
	GroundThreat     AssessmentGround = "THREAT"
	GroundHarassment AssessmentGround = "HARASSMENT"
	GroundNuisance   AssessmentGround = "SERIOUS_NUISANCE"
)

// An OmittedName is the assessment for one person whose name is omitted. The
// reference leads to the personnel file and is never published: one assessment
// covers one employee and would link her decisions.
type OmittedName struct {
	Assessor  string           `json:"assessor"` // a function, not a name
	Date      ident.Date       `json:"date"`
	Ground    AssessmentGround `json:"ground"`
	Ordinal   int              `json:"ordinal"`
	Reference string           `json:"reference"`
	Review    ident.Date       `json:"review"`
	Role      Role             `json:"role"`
}

// Assessment is the section ASSESSMENT.
type Assessment struct {
	Omitted []OmittedName `json:"omitted"`
}

// A Record is what the author states: six sections.
type Record struct {
	Decider         Decider
	Presenter       Presenter
	Participants    Participants
	DissentAuthor   DissentAuthor
	BiasDeclaration BiasDeclaration
	Assessment      Assessment
}

// MaxParticipants is how many may have taken part.
const MaxParticipants = 12

func (r *Record) parts() [Stated]any {
	return [Stated]any{&r.Decider, &r.Presenter, &r.Participants, &r.DissentAuthor, &r.BiasDeclaration, &r.Assessment}
}

// Encode gives the canonical JSON of the six sections, in order.
func (r *Record) Encode() (out [Stated][]byte, err error) {
	for i, p := range r.parts() {
		json, err := jws.Canonical(p)
		if err == nil && len(json) > Section(i+1).Room() {
			err = ErrFit
		}
		if err != nil {
			return [Stated][]byte{}, jws.Field("record."+sectionNames[i], err)
		}
		out[i] = json
	}
	return out, nil
}

// Parse reads six sections strictly; [Record.Check] judges them.
func Parse(sections [Stated][]byte) (*Record, error) {
	r := &Record{}
	for i, p := range r.parts() {
		if len(sections[i]) > Section(i+1).Room() {
			return nil, jws.Field("record."+sectionNames[i], ErrFit)
		}
		if err := jws.Decode(sections[i], p); err != nil {
			return nil, jws.Field("record."+sectionNames[i], err)
		}
	}
	return r, nil
}

// Decode reads one stated section into the struct of its kind, for a court that
// was granted this section and not others.
func Decode(s Section, json []byte) (any, error) {
	if !s.Valid() || s == SectionEvidence {
		return nil, ErrSection
	}
	p := new(Record).parts()[s-1]
	if err := jws.Decode(json, p); err != nil {
		return nil, fmt.Errorf("%s: %w", s, err)
	}
	return p, nil
}

// Author is the author as the record names them: DISSENT_AUTHOR always does.
func (r *Record) Author() Person { return r.DissentAuthor.Person }

// Check applies the law to the whole record: the decider fits the mode, the
// author stands in exactly the place that the mode gives, everyone who takes
// part declares to be unbiased, and names are omitted only under an assessment.
func (r *Record) Check(mode Mode, names Names) error {
	if !mode.Valid() {
		return jws.Field("mode", ErrMode)
	}
	if err := r.checkPersons(); err != nil {
		return err
	}
	if err := r.checkDecider(mode); err != nil {
		return jws.Field("record.DECIDER", err)
	}
	if err := r.checkAuthor(mode); err != nil {
		return err
	}
	if err := r.checkBias(); err != nil {
		return jws.Field("record.BIAS_DECLARATION", err)
	}
	return jws.Field("record.ASSESSMENT", r.checkAssessment(names))
}

func (r *Record) checkPersons() error {
	if n := len(r.Participants.Persons); n > MaxParticipants {
		return jws.Field("record.PARTICIPANTS", jws.ErrCount)
	}
	for _, at := range r.persons() {
		if err := at.Person.check(); err != nil {
			return jws.Field("record."+at.Section.String(), err)
		}
	}
	if !r.Author().Author {
		return jws.Field("record.DISSENT_AUTHOR", ErrAuthor)
	}
	return jws.Field("record.DISSENT_AUTHOR", r.Author().check())
}

// placed is a person with the place where they stand.
type placed struct {
	Section Section
	Role    Role
	Ordinal int
	Person  Person
}

// persons lists those of 31 § FL, without DISSENT_AUTHOR, which repeats one.
func (r *Record) persons() []placed {
	var out []placed
	if p := r.Decider.Person; p != nil {
		out = append(out, placed{SectionDecider, RoleDecider, 1, *p})
	}
	if p := r.Presenter.Person; p != nil {
		out = append(out, placed{SectionPresenter, RolePresenter, 1, *p})
	}
	for i, p := range r.Participants.Persons {
		out = append(out, placed{SectionParticipants, RoleParticipant, i + 1, p})
	}
	return out
}

func (r *Record) checkDecider(mode Mode) error {
	d := r.Decider
	if err := jws.Text("item", d.Item, 1, 32); err != nil {
		return err
	}
	if err := jws.Text("board", d.Board, 0, 200); err != nil {
		return err
	}
	if err := jws.Text("protocol", d.Protocol, 0, 100); err != nil {
		return err
	}
	kind := map[Mode]DeciderKind{ExecutiveDecides: DeciderSigner, DelegateDecides: DeciderPerson, BoardDecides: DeciderBoard}[mode]
	board := kind == DeciderBoard
	if d.Kind != kind || (d.Person != nil) != (kind == DeciderPerson) || (d.Board != "") != board || (d.Protocol != "") != board {
		return ErrDecider
	}
	return nil
}

// checkAuthor: the author is decider, presenter or (before a board) a
// participant, once, and the same person as in DISSENT_AUTHOR.
func (r *Record) checkAuthor(mode Mode) error {
	var where []placed
	for _, at := range r.persons() {
		if at.Person.Author {
			where = append(where, at)
		}
	}
	if len(where) != 1 || where[0].Person != r.Author() {
		return jws.Field("record", ErrAuthor)
	}
	role := where[0].Role
	ok := map[Mode]bool{
		ExecutiveDecides: role == RolePresenter,
		DelegateDecides:  role == RoleDecider,
		BoardDecides:     role == RolePresenter || role == RoleParticipant,
	}[mode]
	if !ok {
		return jws.Field("record."+where[0].Section.String(), ErrAuthor)
	}
	return nil
}

type seat struct {
	role    Role
	ordinal int
}

func (r *Record) checkBias() error {
	due := map[seat]bool{} // value: stated by the author for another
	for _, at := range r.persons() {
		due[seat{at.Role, at.Ordinal}] = at.Person.Stated
	}
	for _, b := range r.BiasDeclaration.Declarations {
		s := seat{b.Role, b.Ordinal}
		if stated, ok := due[s]; !ok || stated != b.Stated {
			return ErrBias
		}
		delete(due, s)
	}
	if len(due) > 0 {
		return ErrBias
	}
	return nil
}

func (r *Record) checkAssessment(names Names) error {
	due := map[seat]bool{}
	for _, at := range r.persons() {
		if names.Of(at.Role) == Omitted {
			due[seat{at.Role, at.Ordinal}] = true
		}
	}
	for _, o := range r.Assessment.Omitted {
		s := seat{o.Role, o.Ordinal}
		if !due[s] {
			return ErrAssessment
		}
		delete(due, s)
		if o.Ground != GroundThreat && o.Ground != GroundHarassment && o.Ground != GroundNuisance {
			return jws.Field("ground", jws.ErrValue)
		}
		if o.Date == "" || o.Review.Before(o.Date) {
			return jws.Field("review", jws.ErrValue)
		}
		if err := jws.Text("assessor", o.Assessor, 1, 100); err != nil {
			return err
		}
		if err := jws.Text("reference", o.Reference, 1, 64); err != nil {
			return err
		}
	}
	if len(due) > 0 {
		return ErrAssessment
	}
	return nil
}

// OmittedPersons lists those whose names the notice leaves out: what the guard
// searches the content for.
func (r *Record) OmittedPersons(names Names) []Person {
	var out []Person
	for _, at := range r.persons() {
		if names.Of(at.Role) == Omitted {
			out = append(out, at.Person)
		}
	}
	return out
}

// Persons lists everyone of 31 § FL in the record.
func (r *Record) Persons() []Person {
	var out []Person
	for _, at := range r.persons() {
		out = append(out, at.Person)
	}
	return out
}
