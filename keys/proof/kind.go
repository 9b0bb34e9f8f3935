package proof

import "fmt"

// A Kind says what an entry of the log stands for. The list is closed: an
// unknown kind is refused, and the numbers never change.
type Kind uint16

// The kinds, as contract and SPEC number them.
const (
	Decision Kind = 1 + iota
	Returned
	Withdrawn
	Dispatched
	NumberVoid
	OpeningRequested
	OpeningRefused
	OpeningReleased
	OpeningNotice
	OpeningClosed
	ShareHandedOut
	ReviewerSet
	DelegationOrder
	Requester
	ProviderKeys
	KeyChange
	SampleNonce
	SampleDrawn
	Erasure
	AuthorAct
	Event
	Recovery
)

var kindNames = [...]string{
	Decision:         "decision",
	Returned:         "returned",
	Withdrawn:        "withdrawn",
	Dispatched:       "dispatched",
	NumberVoid:       "number_void",
	OpeningRequested: "opening_requested",
	OpeningRefused:   "opening_refused",
	OpeningReleased:  "opening_released",
	OpeningNotice:    "opening_notice",
	OpeningClosed:    "opening_closed",
	ShareHandedOut:   "share_handed_out",
	ReviewerSet:      "reviewer_set",
	DelegationOrder:  "delegation_order",
	Requester:        "requester",
	ProviderKeys:     "provider_keys",
	KeyChange:        "key_change",
	SampleNonce:      "sample_nonce",
	SampleDrawn:      "sample_drawn",
	Erasure:          "erasure",
	AuthorAct:        "author_act",
	Event:            "event",
	Recovery:         "recovery",
}

// String is the kind's name, or its number if it has none.
func (k Kind) String() string {
	if !k.known() {
		return fmt.Sprintf("kind %d", uint16(k))
	}
	return kindNames[k]
}

func (k Kind) known() bool { return k >= Decision && k <= Recovery }

// Public reports whether anyone can count what the kind stands for. An
// author_act and an event say only that something happened.
func (k Kind) Public() bool { return k.known() && k != AuthorAct && k != Event }

// OfAuthority reports whether the kind stands for a document of authority,
// which is published whole: its tag and salt are zero, so that whoever has the
// document can recompute the entry's digest and find it.
func (k Kind) OfAuthority() bool { return k >= ReviewerSet && k <= KeyChange }
