package opening

import (
	"errors"
	"fmt"

	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/record"
)

// ErrExtract says that bytes are no extract.
var ErrExtract = errors.New("not an extract of a store")

// TypExtract is the typ member of an extract.
const TypExtract = "sigill-extract"

// An Extract is one signed decision with its whole seal, taken from a copy of a
// stopped store by whoever holds the gate key: what reviewers need to re-seal
// their shares when there is no server to ask. Nothing in it opens the seal, and
// nothing in it is to be believed before it has been verified against a trust
// file and the decision, as a package is.
type Extract struct {
	Bundle      ident.Bytes     `json:"bundle"`      // proved in the last checkpoint of the copy
	Ciphertexts []ident.Bytes   `json:"ciphertexts"` // all seven, in the order of the sections
	Dissents    []string        `json:"dissents"`    // compact JWS by the author key
	Head        ident.Bytes     `json:"head"`
	Providers   []ProviderEntry `json:"providers"` // provider_keys that the evidence may cite
	Sets        [][]string      `json:"sets"`      // reviewer sets as they were signed, from the first to the seal's
	Typ         string          `json:"typ"`
	Wrappings   []ident.Bytes   `json:"wrappings"` // one for each reviewer, by group and index
}

// Marshal is the extract's one form: RFC 8785 JSON.
func (e *Extract) Marshal() ([]byte, error) { return jws.Canonical(e) }

// ParseExtract reads an extract of at most [MaxPackage] bytes strictly and checks
// nothing else.
func ParseExtract(data []byte) (*Extract, error) {
	e := &Extract{}
	if len(data) > MaxPackage {
		return nil, ErrExtract
	}
	if err := jws.Decode(data, e); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrExtract, err)
	}
	if e.Typ != TypExtract || len(e.Ciphertexts) != record.Sections {
		return nil, ErrExtract
	}
	return e, nil
}
