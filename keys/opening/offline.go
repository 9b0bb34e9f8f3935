package opening

import (
	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/order"
)

// TypCountersigned is the typ of a countersigned request.
const TypCountersigned = "sigill-countersigned-request+jws"

// Countersigned is a request that reaches the reviewers without a server: the
// board signs it, as it signs documents of authority, in place of the log that
// cannot take it. Registration is the requester's, as the board signed it.
type Countersigned struct {
	Authority    ident.Authority `json:"authority"`
	Date         ident.Date      `json:"date"`
	Registration []string        `json:"registration"`
	Request      string          `json:"request"`
}

// Typ implements [jws.Statement].
func (*Countersigned) Typ() string { return TypCountersigned }

// Check implements [jws.Statement]. The signatures inside are for their readers.
func (c *Countersigned) Check() error {
	switch {
	case c.Authority == "":
		return jws.Field("authority", jws.ErrMissing)
	case c.Date == "":
		return jws.Field("date", jws.ErrMissing)
	case len(c.Registration) < 1 || len(c.Registration) > order.MaxSignatures:
		return jws.Field("registration", jws.ErrCount)
	}
	var r Request
	if err := jws.Peek(c.Request, &r); err != nil {
		return jws.Field("request", err)
	}
	if r.Authority != c.Authority || c.Date.Before(r.Date) || r.Expires.Before(c.Date) {
		return jws.Field("request", jws.ErrValue)
	}
	return nil
}

// TypOfflineVote is the typ member of [OfflineVote].
const TypOfflineVote = "sigill-offline-vote"

// MaxOfflineVote is the longest offline vote that is read, in bytes: the longest
// statement and a release vector in base64url fit, with their names.
const MaxOfflineVote = jws.MaxSize + 4<<10

// An OfflineVote is a vote that was cast without a server, with its vector. It
// must be logged when the log stands again.
type OfflineVote struct {
	Typ    string      `json:"typ"`
	Vector ident.Bytes `json:"vector,omitempty"`
	Vote   string      `json:"vote"`
}

// Marshal is the file's one form: RFC 8785 JSON.
func (v *OfflineVote) Marshal() ([]byte, error) { return jws.Canonical(v) }

// ParseOfflineVote reads an offline vote of at most [MaxOfflineVote] bytes strictly
// and checks nothing else.
func ParseOfflineVote(data []byte) (*OfflineVote, error) {
	v := &OfflineVote{}
	if len(data) > MaxOfflineVote {
		return nil, ErrPackage
	}
	if err := jws.Decode(data, v); err != nil || v.Typ != TypOfflineVote {
		return nil, ErrPackage
	}
	return v, nil
}
