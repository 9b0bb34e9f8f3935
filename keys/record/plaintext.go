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
	for i, json := range stated {
		s := Section(i + 1)
		if p[i], err = Pad(s, seed.Blind(s), json); err != nil {
			return p, jws.Field("record."+s.String(), err)
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

// Encode gives the section's canonical JSON.
func (e *Evidence) Encode() ([]byte, error) {
	b, err := jws.Canonical(e)
	if err == nil && len(b) > SectionEvidence.Room() {
		err = ErrFit
	}
	return b, jws.Field("record.EVIDENCE", err)
}

// ParseEvidence reads the section strictly and checks the shape of its items.
func ParseEvidence(json []byte) (*Evidence, error) {
	e := &Evidence{}
	if err := jws.Decode(json, e); err != nil {
		return nil, jws.Field("record.EVIDENCE", err)
	}
	if len(e.Items) != 1 {
		return nil, jws.Field("record.EVIDENCE.items", jws.ErrCount)
	}
	it := e.Items[0]
	bound := it.Authorship != "" && it.DayKey != nil
	switch {
	case it.Type != EvidenceAccessToken, len(it.Nonce) != len(Nonce{}), it.KeysIndex < 0,
		it.Label != LabelDPoP && it.Label != LabelBearer, bound != (it.Label == LabelDPoP),
		!bound && (it.Authorship != "" || it.DayKey != nil):
		return nil, jws.Field("record.EVIDENCE.items", jws.ErrValue)
	}
	return e, nil
}
