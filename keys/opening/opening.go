// Package opening holds the statements by which a seal is opened: the
// requester's [Request], each reviewer's [Vote], and the [Release] by which the
// log key says how it ended. [Tally] counts votes as the law of the house has
// it; server, reviewer and court use the same count.
//
// Make and read them with jws.Make and jws.Read. Members are in proto/SPEC.md,
// "Opening".
package opening

import (
	"errors"
	"slices"

	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/order"
	"sigill/keys/record"
	"sigill/keys/statement"
)

// The typs of opening.
const (
	TypRequest = "sigill-opening-request+jws"
	TypVote    = "sigill-opening-vote+jws"
	TypRelease = "sigill-opening-release+jws"
)

// MaxDays is how long a request can run.
const MaxDays = 30

// MaxDelay is how many days after a request's last one the author's notice can be
// held back at most: a delay without an end in sight would be silence.
const MaxDelay = 366

// MaxReasons is how many bytes the paragraphs of a refusal have together, and MaxVote
// how many a vote has at most as it is sent, where each of its characters may take
// two: what a vote can say the API takes.
const (
	MaxReasons = 12_000
	MaxVote    = 36 << 10
)

// MaxLate is how many days after a request's last one its release can be dated at
// most. The clock ends a request on the day after, or on the first day on which the
// server runs again; a date far ahead would put off the author's notice for as long.
const MaxLate = 90

// Errors of opening statements.
var (
	ErrNotice      = errors.New("only a suspicion against an official or an internal investigation can delay the notice")
	ErrDelay       = errors.New("a notice is delayed by at most 366 days after the request's last")
	ErrReservation = errors.New("what is given under a duty cannot be given with a reservation")
	ErrRefusal     = errors.New("a section that is not granted needs a refusal, and under a duty to give it can only question authenticity or scope")
)

// A Request asks for sections of a sealed record on a ground that the law knows.
// Its recipient key is fresh; its reference is the requester's own, such as a
// court case number.
type Request struct {
	Authority ident.Authority  `json:"authority"`
	Date      ident.Date       `json:"date"`
	Decision  ident.ID         `json:"decision"`
	Expires   ident.Date       `json:"expires"`
	Ground    order.Ground     `json:"ground"`
	Opening   ident.ID         `json:"opening"`
	Recipient ident.Bytes      `json:"recipient"`
	Reference string           `json:"reference"`
	Sections  []record.Section `json:"sections"`
	Statement ident.Digest     `json:"statement"` // of the decision
}

// Typ implements [jws.Statement].
func (*Request) Typ() string { return TypRequest }

// Check implements [jws.Statement].
func (r *Request) Check() error {
	switch {
	case r.Authority == "":
		return jws.Field("authority", jws.ErrMissing)
	case r.Decision == "":
		return jws.Field("decision", jws.ErrMissing)
	case r.Statement.IsZero():
		return jws.Field("statement", jws.ErrMissing)
	case r.Opening == "":
		return jws.Field("opening", jws.ErrMissing)
	case r.Date == "":
		return jws.Field("date", jws.ErrMissing)
	case !r.Ground.Valid():
		return jws.Field("ground", jws.ErrValue)
	case r.Expires.Before(r.Date) || r.Date.AddDays(MaxDays).Before(r.Expires):
		return jws.Field("expires", jws.ErrValue)
	}
	if err := jws.Text("reference", r.Reference, 1, 100); err != nil {
		return err
	}
	if _, err := order.ParseHPKEKey(r.Recipient); err != nil {
		return jws.Field("recipient", err)
	}
	if sc, err := record.ScopeOf(r.Sections); err != nil || sc == 0 {
		return jws.Field("sections", jws.ErrValue)
	}
	return nil
}

// Scope is the sections asked for.
func (r *Request) Scope() record.Scope { return scope(r.Sections) }

func scope(list []record.Section) record.Scope {
	sc, _ := record.ScopeOf(list)
	return sc
}

// A Basis is why something is refused.
type Basis string

// The bases. Under a duty to give only the first two can be used.
const (
	BasisAuthenticity Basis = "AUTHENTICITY"
	BasisScope        Basis = "SCOPE"
	BasisSecrecy      Basis = "SECRECY"
	BasisNotHeld      Basis = "NOT_HELD"
	BasisForwarded    Basis = "FORWARDED"
)

// Bases are all of them, in order.
func Bases() []Basis {
	return []Basis{BasisAuthenticity, BasisScope, BasisSecrecy, BasisNotHeld, BasisForwarded}
}

// A Refusal gives a provision and a reason, as a formal refusal must (OSL 6:3,
// FL 32 §).
type Refusal struct {
	Basis      Basis    `json:"basis"`
	Paragraphs []string `json:"paragraphs"`
	Provision  string   `json:"provision"`
}

// A Delay holds back the author's notice of the opening, to a date.
type Delay struct {
	Date      ident.Date `json:"date"`
	Provision string     `json:"provision"`
}

// A Vote is a reviewer's one and final word on a request: the sections that it
// grants, with the digest of the release vector that carries their shares, and
// a refusal for what it does not grant.
type Vote struct {
	Authority   ident.Authority      `json:"authority"`
	Checkpoint  statement.Checkpoint `json:"checkpoint"`
	Decision    ident.ID             `json:"decision"`
	Granted     []record.Section     `json:"granted"`
	Group       int                  `json:"group"`
	Index       int                  `json:"index"`
	NotBefore   *Delay               `json:"notice_not_before,omitempty"`
	Opening     ident.ID             `json:"opening"`
	Refusal     *Refusal             `json:"refusal,omitempty"`
	Request     ident.Digest         `json:"request"`
	Reservation string               `json:"reservation,omitempty"`
	Vector      ident.Digest         `json:"vector,omitzero"`
}

// Typ implements [jws.Statement].
func (*Vote) Typ() string { return TypVote }

// Check implements [jws.Statement]. [Vote.Fits] checks it against its request.
func (v *Vote) Check() error {
	switch {
	case v.Authority == "":
		return jws.Field("authority", jws.ErrMissing)
	case v.Decision == "":
		return jws.Field("decision", jws.ErrMissing)
	case v.Opening == "":
		return jws.Field("opening", jws.ErrMissing)
	case v.Request.IsZero():
		return jws.Field("request", jws.ErrMissing)
	case v.Group < 1 || v.Group > order.MaxGroups:
		return jws.Field("group", jws.ErrValue)
	case v.Index < 1 || v.Index > order.MaxMembers:
		return jws.Field("index", jws.ErrValue)
	case v.Checkpoint.Size < 1 || v.Checkpoint.Root.IsZero():
		return jws.Field("checkpoint", jws.ErrValue)
	}
	sc, err := record.ScopeOf(v.Granted)
	if err != nil {
		return jws.Field("granted", jws.ErrValue)
	}
	if (sc == 0) != v.Vector.IsZero() {
		return jws.Field("vector", jws.ErrValue)
	}
	if sc == 0 && v.Refusal == nil {
		return jws.Field("refusal", jws.ErrMissing)
	}
	if sc == 0 && v.Reservation != "" {
		return jws.Field("reservation", jws.ErrValue)
	}
	if err := jws.Text("reservation", v.Reservation, 0, 500); err != nil {
		return err
	}
	if d := v.NotBefore; d != nil {
		if d.Date == "" {
			return jws.Field("notice_not_before.date", jws.ErrMissing)
		}
		if err := jws.Text("notice_not_before.provision", d.Provision, 1, 100); err != nil {
			return err
		}
	}
	return jws.Field("refusal", v.Refusal.check())
}

func (r *Refusal) check() error {
	if r == nil {
		return nil
	}
	if !slices.Contains(Bases(), r.Basis) {
		return jws.Field("basis", jws.ErrValue)
	}
	if err := jws.Text("provision", r.Provision, 1, 100); err != nil {
		return err
	}
	if len(r.Paragraphs) < 1 || len(r.Paragraphs) > 20 {
		return jws.Field("paragraphs", jws.ErrCount)
	}
	all := 0
	for _, p := range r.Paragraphs {
		if err := jws.Text("paragraphs", p, 1, 2000); err != nil {
			return err
		}
		all += len(p)
	}
	if all > MaxReasons {
		return jws.Field("paragraphs", jws.ErrLength)
	}
	return nil
}

// Fits checks a vote against the request that it speaks of: it grants nothing
// that was not asked for, refuses what it does not grant, under a duty to give
// questions only authenticity or scope and makes no reservation (10:14 OSL is for
// private persons), and delays a notice only where the law lets it, by [MaxDelay]
// days at most: a vote has no date of its own, so they count from the request's
// last. DISSENT_AUTHOR can be granted only where a dissent is logged.
func (v *Vote) Fits(req *Request, request ident.Digest, dissent bool) error {
	if v.Authority != req.Authority || v.Decision != req.Decision || v.Opening != req.Opening || v.Request != request {
		return jws.Field("request", jws.ErrValue)
	}
	granted, asked := scope(v.Granted), req.Scope()
	if granted&^asked != 0 || granted.Has(record.SectionDissentAuthor) && !dissent {
		return jws.Field("granted", jws.ErrValue)
	}
	if (granted != asked) != (v.Refusal != nil) {
		return jws.Field("refusal", ErrRefusal)
	}
	if v.Refusal != nil && req.Ground.Force() == order.Duty && v.Refusal.Basis != BasisAuthenticity && v.Refusal.Basis != BasisScope {
		return jws.Field("refusal.basis", ErrRefusal)
	}
	if v.Reservation != "" && req.Ground.Force() == order.Duty {
		return jws.Field("reservation", ErrReservation)
	}
	if v.NotBefore != nil && (!req.Ground.MayDelay() || v.NotBefore.Date.Before(req.Date)) {
		return jws.Field("notice_not_before", ErrNotice)
	}
	if v.NotBefore != nil && v.NotBefore.Date.Days() > req.Expires.Days()+MaxDelay {
		return jws.Field("notice_not_before.date", ErrDelay)
	}
	return nil
}
