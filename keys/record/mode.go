package record

import (
	"errors"

	"sigill/keys/jws"
)

// A Mode says what the director's signature means. There are three, since the
// law knows three; a director shown as the decider of what someone else decided
// (unlawful: JO 8000-2016) has no name here.
type Mode string

// The modes.
const (
	// ExecutiveDecides: the signer decides on delegation (KL 7:5); the approval
	// is the decision and the author presented the matter.
	ExecutiveDecides Mode = "EXECUTIVE_DECIDES"
	// DelegateDecides: the author decides on delegation; the signer countersigns
	// (kontrasignering), which decides nothing.
	DelegateDecides Mode = "DELEGATE_DECIDES"
	// BoardDecides: the board or a committee decided; the signature seals the
	// dispatch of an extract of its protocol.
	BoardDecides Mode = "BOARD_DECIDES"
)

// Valid reports whether m is one of the three.
func (m Mode) Valid() bool {
	return m == ExecutiveDecides || m == DelegateDecides || m == BoardDecides
}

// A Treatment says whether the notice names those in a role. Shown is the law's
// default; omitted (33 § fourth paragraph FL) needs an assessment.
type Treatment string

// The treatments.
const (
	Shown   Treatment = "shown"
	Omitted Treatment = "omitted"
)

// Names is the treatment of each role in the notice.
type Names struct {
	Decider      Treatment `json:"decider"`
	Participants Treatment `json:"participants"`
	Presenter    Treatment `json:"presenter"`
}

// Check refuses any other word.
func (n Names) Check() error {
	for _, f := range []struct {
		name string
		t    Treatment
	}{{"decider", n.Decider}, {"participants", n.Participants}, {"presenter", n.Presenter}} {
		if f.t != Shown && f.t != Omitted {
			return jws.Field(f.name, jws.ErrValue)
		}
	}
	return nil
}

// Of is the treatment of a role.
func (n Names) Of(r Role) Treatment {
	switch r {
	case RoleDecider:
		return n.Decider
	case RolePresenter:
		return n.Presenter
	}
	return n.Participants
}

// A Role is what a person of 31 § FL did in the matter.
type Role string

// The roles.
const (
	RoleDecider     Role = "DECIDER"     // beslutsfattare
	RolePresenter   Role = "PRESENTER"   // föredragande
	RoleParticipant Role = "PARTICIPANT" // medverkande
)

// Errors of a record that the law or the mode forbids.
var (
	ErrMode       = errors.New("not one of the three lawful decision modes")
	ErrDecider    = errors.New("the decider does not fit the decision mode")
	ErrAuthor     = errors.New("the author does not stand in the one place that the decision mode gives")
	ErrBias       = errors.New("a person of 31 § FL lacks a bias declaration, or one speaks of nobody")
	ErrAssessment = errors.New("a name is omitted without an assessment, or an assessment speaks of a name that is shown")
)
