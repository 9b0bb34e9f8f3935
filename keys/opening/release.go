package opening

import (
	"slices"

	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/order"
	"sigill/keys/record"
	"sigill/keys/seal"
)

// A Decided says how each section of a request stands.
type Decided struct {
	Granted record.Scope
	Refused record.Scope
	Open    record.Scope // neither yet
}

// Settled reports whether nothing is left to decide.
func (d Decided) Settled() bool { return d.Open == 0 }

// Tally counts votes over a request's sections: granted when every group has its
// threshold of votes that grant it, refused when in one group so many lack it
// that the threshold cannot be reached. A reviewer counts once, by the first
// vote. Nobody's votes grant nothing, whatever the groups claim to need.
func Tally(groups []seal.Group, asked record.Scope, votes []*Vote) Decided {
	var out Decided
	for _, sec := range asked.List() {
		granted, refused := len(groups) > 0, false
		for _, g := range groups {
			yes, no := count(g, sec, votes)
			granted = granted && yes >= max(g.Threshold, 1)
			refused = refused || no > g.Members-g.Threshold
		}
		bit := record.Scope(1 << (sec - 1))
		switch {
		case granted:
			out.Granted |= bit
		case refused:
			out.Refused |= bit
		default:
			out.Open |= bit
		}
	}
	return out
}

func count(g seal.Group, sec record.Section, votes []*Vote) (yes, no int) {
	seen := map[int]bool{}
	for _, v := range votes {
		if !counts(g, v, seen) {
			continue
		}
		if scope(v.Granted).Has(sec) {
			yes++
		} else {
			no++
		}
	}
	return yes, no
}

// counts reports whether a vote is a member's first, and remembers it.
func counts(g seal.Group, v *Vote, seen map[int]bool) bool {
	if v.Group != g.Group || v.Index < 1 || v.Index > g.Members || seen[v.Index] {
		return false
	}
	seen[v.Index] = true
	return true
}

// NoticeNotBefore is the day until which the author's notice is delayed: the
// earliest date that a threshold of every group has set, or "" for at once.
func NoticeNotBefore(groups []seal.Group, votes []*Vote) ident.Date {
	var first ident.Date
	for _, g := range groups {
		var dates []ident.Date
		seen := map[int]bool{}
		for _, v := range votes {
			if !counts(g, v, seen) {
				continue
			}
			if v.NotBefore != nil {
				dates = append(dates, v.NotBefore.Date)
			}
		}
		if len(dates) < max(g.Threshold, 1) {
			return ""
		}
		if d := slices.Min(dates); first == "" || d < first {
			first = d
		}
	}
	return first
}

// An Outcome is how a request ended.
type Outcome string

// The outcomes.
const (
	GrantedFull            Outcome = "GRANTED_FULL"
	GrantedPartial         Outcome = "GRANTED_PARTIAL"
	GrantedWithReservation Outcome = "GRANTED_WITH_RESERVATION"
	RefusedAppealable      Outcome = "REFUSED_APPEALABLE"
	NotHeld                Outcome = "NOT_HELD"
	Forwarded              Outcome = "FORWARDED"
)

// A Denied is a section that was not granted, under the provision of the first
// vote that refused it.
type Denied struct {
	Provision string         `json:"provision"`
	Section   record.Section `json:"section"`
}

// A Cast names a vote that was counted and the vector that came with it.
type Cast struct {
	Vector ident.Digest `json:"vector,omitzero"`
	Vote   ident.Digest `json:"vote"`
}

// Release is the log key's word on how a request ended: released or refused.
type Release struct {
	Authority ident.Authority  `json:"authority"`
	Core      ident.Digest     `json:"core"`
	Date      ident.Date       `json:"date"`
	Decision  ident.ID         `json:"decision"`
	Granted   []record.Section `json:"granted"`
	Opening   ident.ID         `json:"opening"`
	Outcome   Outcome          `json:"outcome"`
	Refused   []Denied         `json:"refused"`
	Request   ident.Digest     `json:"request"`
	Votes     []Cast           `json:"votes"`
}

// Typ implements [jws.Statement].
func (*Release) Typ() string { return TypRelease }

// Check implements [jws.Statement].
func (r *Release) Check() error {
	for _, m := range []struct {
		field   string
		missing bool
	}{{"authority", r.Authority == ""}, {"core", r.Core.IsZero()}, {"date", r.Date == ""}, {"decision", r.Decision == ""},
		{"opening", r.Opening == ""}, {"request", r.Request.IsZero()}} {
		if m.missing {
			return jws.Field(m.field, jws.ErrMissing)
		}
	}
	if err := r.checkVotes(); err != nil {
		return err
	}
	granted, err := record.ScopeOf(r.Granted)
	if err != nil {
		return jws.Field("granted", jws.ErrValue)
	}
	refused := []record.Section{}
	for _, d := range r.Refused {
		refused = append(refused, d.Section)
		if err := jws.Text("refused.provision", d.Provision, 0, 100); err != nil {
			return err
		}
	}
	denied, err := record.ScopeOf(refused)
	if err != nil || denied&granted != 0 || denied|granted == 0 {
		return jws.Field("refused", jws.ErrValue)
	}
	ok := false
	switch r.Outcome {
	case GrantedFull:
		ok = denied == 0
	case GrantedPartial:
		ok = granted != 0 && denied != 0
	case GrantedWithReservation:
		ok = granted != 0
	case RefusedAppealable, NotHeld, Forwarded:
		ok = granted == 0
	}
	if !ok {
		return jws.Field("outcome", jws.ErrValue)
	}
	return nil
}

// checkVotes: nothing is decided without a vote, and none is named twice.
func (r *Release) checkVotes() error {
	if len(r.Votes) < 1 || len(r.Votes) > order.MaxGroups*order.MaxMembers {
		return jws.Field("votes", jws.ErrCount)
	}
	for i, c := range r.Votes {
		if c.Vote.IsZero() || slices.ContainsFunc(r.Votes[:i], func(o Cast) bool { return o.Vote == c.Vote }) {
			return jws.Field("votes", jws.ErrValue)
		}
	}
	return nil
}
