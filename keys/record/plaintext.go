package record

import (
	"sigill/keys/ident"
	"sigill/keys/jws"
)

// Plaintexts are the seven sections as they are sealed.
type Plaintexts [Sections][]byte

// Commitments are the sections' commitments, in order.
type Commitments [Sections]ident.Digest

// Lay pads the six stated sections under the seed's blinds. The seventh,
// EVIDENCE, is left nil; [Plaintexts.SetEvidence] fills it in, since it signs
// the draft that carries the commitments of the others.
func Lay(seed Seed, stated [Stated][]byte) (p Plaintexts, err error) {
	blind := seed.blinds()
	for i, json := range stated {
		s := Section(i + 1)
		if p[i], err = Pad(s, blind(s), json); err != nil {
			return Plaintexts{}, jws.Field("record."+s.String(), err)
		}
	}
	return p, nil
}

// SetEvidence pads the evidence under the seed's blind.
func (p *Plaintexts) SetEvidence(seed Seed, json []byte) (err error) {
	p[SectionEvidence-1], err = Pad(SectionEvidence, seed.Blind(SectionEvidence), json)
	return err
}

// Stated are the commitments of the six sections that a draft carries.
func (p *Plaintexts) Stated() (c [Stated]ident.Digest) {
	for i := range c {
		c[i] = Commit(Section(i+1), p[i])
	}
	return c
}

// Commitments are those of all seven; EVIDENCE must have been set.
func (p *Plaintexts) Commitments() (c Commitments) {
	for i := range c {
		c[i] = Commit(Section(i+1), p[i])
	}
	return c
}

// Digest is the record commitment.
func (c Commitments) Digest() ident.Digest { return RecordCommitment(c) }

// Evidence is the section EVIDENCE: a typed list, so that stronger evidence can
// be added without a new section.
type Evidence struct {
	Items []EvidenceItem `json:"items"`
}

// EvidenceAccessToken is the one type of item there is: the login.
const EvidenceAccessToken = "access-token"

// Labels of how far the evidence reaches.
const (
	LabelDPoP   = "dpop"   // the day key signed the draft: this login drafted it
	LabelBearer = "bearer" // the person logged in; nothing binds the login to the draft
)

// An EvidenceItem holds what a court checks authorship by, with the provider
// long gone: the token, the one JWK that verified it and the log index of the
// entry for the provider's whole key set.
type EvidenceItem struct {
	ACR        string      `json:"acr,omitempty"`
	AuthTime   int64       `json:"auth_time,omitempty"` // seconds; as the token says
	Authorship string      `json:"authorship,omitempty"`
	DayKey     *jws.JWK    `json:"day_key,omitempty"`
	Key        string      `json:"key"`       // the provider's JWK, JSON
	KeysIndex  int64       `json:"key_index"` // of the provider_keys entry
	Label      string      `json:"label"`
	Nonce      ident.Bytes `json:"nonce"`    // of the author commitment
	Provider   string      `json:"provider"` // the provider's name in the configuration
	Received   ident.Date  `json:"received"` // the day on which the draft came
	Token      string      `json:"token"`
	Type       string      `json:"type"`
}

// Encode checks the shape of the items and gives the section's canonical JSON.
func (e *Evidence) Encode() ([]byte, error) {
	if err := e.check(); err != nil {
		return nil, jws.Field("record.EVIDENCE.items", err)
	}
	b, err := jws.Canonical(e)
	if err == nil && len(b) > SectionEvidence.Room() {
		err = ErrFit
	}
	if err != nil {
		return nil, jws.Field("record.EVIDENCE", err)
	}
	return b, nil
}

// ParseEvidence reads the section strictly and checks the shape of its items.
func ParseEvidence(json []byte) (*Evidence, error) {
	e := &Evidence{}
	if err := jws.Decode(json, e); err != nil {
		return nil, jws.Field("record.EVIDENCE", err)
	}
	if err := e.check(); err != nil {
		return nil, jws.Field("record.EVIDENCE.items", err)
	}
	return e, nil
}

// check: one login, whole, and bound to the draft exactly where the label says.
func (e *Evidence) check() error {
	if len(e.Items) != 1 {
		return jws.ErrCount
	}
	it := e.Items[0]
	bound := it.Label == LabelDPoP
	switch {
	case it.Token == "" || it.Key == "" || it.Provider == "" || it.Received == "":
		return jws.ErrMissing
	case it.Type != EvidenceAccessToken, len(it.Nonce) != len(Nonce{}), it.KeysIndex < 0,
		!bound && it.Label != LabelBearer, bound != (it.Authorship != ""), bound != (it.DayKey != nil):
		return jws.ErrValue
	}
	return nil
}
