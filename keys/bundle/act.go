package bundle

import (
	"bytes"
	"errors"
	"fmt"

	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/opening"
	"sigill/keys/proof"
	"sigill/keys/statement"
)

// TypAct is the typ member of an act's file.
const TypAct = "sigill-act"

// MaxAct is the longest file of an act that is read, in bytes.
const MaxAct = 512 << 10

// Errors of acts.
var (
	ErrAct      = errors.New("not a logged act")
	ErrActEntry = errors.New("the log entry is not this act's")
)

// An Act is what somebody signed under their own name beside the decision itself (a
// return, an abstention, a dispatch, a request to open a seal, a vote on one), with
// its place in the log: what who acted keeps, to show that the authority's log took it.
type Act struct {
	Preimage  ident.Bytes `json:"preimage"` // of the log entry's digest
	Proof     []string    `json:"proof"`    // C2SP tlog-proof, by line
	Statement string      `json:"statement"`
	Tag       ident.Bytes `json:"tag"` // of the entry
	Typ       string      `json:"typ"`
}

// Marshal is the file's one form: RFC 8785 JSON.
func (a *Act) Marshal() ([]byte, error) { return jws.Canonical(a) }

// ParseAct reads a file strictly and checks nothing else.
func ParseAct(data []byte) (*Act, error) {
	a := &Act{}
	if len(data) > MaxAct {
		return nil, ErrAct
	}
	if err := jws.Decode(data, a); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrAct, err)
	}
	if a.Typ != TypAct || len(a.Tag) != len(proof.Tag{}) {
		return nil, ErrAct
	}
	return a, nil
}

// IsAct reports whether data is meant as an act's file.
func IsAct(data []byte) bool { return bytes.Contains(data, []byte(`"typ":"`+TypAct+`"`)) }

// A LoggedAct is what an act's file shows: that exactly this statement stands in the
// log. Whose key signed it is for those to say who know the key: the log's entry
// names nobody, and to others that of an abstention or a vote is an event like any.
type LoggedAct struct {
	Typ        string // of the statement
	Decision   ident.ID
	Date       ident.Date // that it bears; a vote bears none
	Digest     ident.Digest
	Log        proof.Entry
	Index      uint64
	Checkpoint proof.Checkpoint
	Witnessed  bool // whether the policy that accepts it asks for witnesses, and has them
	Pending    bool // it asks, and has not: [Act.VerifySigned] alone
}

// Verify checks an act's file against a trust file. A checkpoint that too few
// witnesses have cosigned is proof.ErrUnwitnessed.
func (a *Act) Verify(t *Trust) (*LoggedAct, error) { return a.verify(t, t.Policy) }

// VerifySigned is [Act.Verify] for who has just acted, as [VerifySigned] is of a
// decision.
func (a *Act) VerifySigned(t *Trust) (*LoggedAct, error) {
	v, err := a.verify(t, t.Policy)
	if !errors.Is(err, proof.ErrUnwitnessed) {
		return v, err
	}
	if v, err = a.verify(t, t.Policy.OnItsWord()); err == nil {
		v.Pending = true
	}
	return v, err
}

func (a *Act) verify(t *Trust, policy proof.Policy) (*LoggedAct, error) {
	v := &LoggedAct{Digest: jws.Digest(a.Statement)}
	authority, kind, err := v.read(a.Statement)
	if err != nil {
		return nil, err
	}
	if authority != t.Authority {
		return nil, ErrAuthority
	}
	pre, err := proof.ParsePreimage(a.Preimage)
	if err != nil {
		return nil, err
	}
	tag := proof.Tag(a.Tag)
	if pre.Signed != v.Digest || pre.Kind != kind || (kind == proof.Returned || kind == proof.Dispatched) && tag != proof.SubjectTag(v.Decision) {
		return nil, ErrActEntry
	}
	if v.Log, err = pre.Entry(tag); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrActEntry, err)
	}
	v.Index, v.Checkpoint, v.Witnessed, err = proof.CheckWitnessed([]byte(JoinLines(a.Proof)), v.Log, policy)
	if err != nil {
		return nil, err
	}
	return v, nil
}

// read reads a statement of the five that have such a file.
func (v *LoggedAct) read(compact string) (authority ident.Authority, kind proof.Kind, err error) {
	var ret statement.Return
	var abstention statement.Abstention
	var dispatch statement.Dispatch
	var request opening.Request
	var vote opening.Vote
	var none ident.Date
	for _, s := range []struct {
		st        jws.Statement
		kind      proof.Kind
		authority *ident.Authority
		decision  *ident.ID
		date      *ident.Date
	}{
		{&ret, proof.Returned, &ret.Authority, &ret.Decision, &ret.Date},
		{&abstention, proof.Event, &abstention.Authority, &abstention.Decision, &abstention.Date},
		{&dispatch, proof.Dispatched, &dispatch.Authority, &dispatch.Decision, &dispatch.Date},
		{&request, proof.OpeningRequested, &request.Authority, &request.Decision, &request.Date},
		{&vote, proof.Event, &vote.Authority, &vote.Decision, &none},
	} {
		err = jws.Peek(compact, s.st)
		if errors.Is(err, jws.ErrType) {
			continue
		}
		if err == nil {
			err = s.st.Check()
		}
		if err != nil {
			return "", 0, fmt.Errorf("%w: %w", ErrAct, err)
		}
		v.Typ, v.Decision, v.Date = s.st.Typ(), *s.decision, *s.date
		return *s.authority, s.kind, nil
	}
	return "", 0, fmt.Errorf("%w: %w", ErrAct, err)
}
