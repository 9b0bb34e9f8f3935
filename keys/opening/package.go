package opening

import (
	"errors"
	"fmt"

	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/record"
)

// MaxPackage is the longest opening package or extract that is read, in bytes. Both
// hold every key set that was logged before the decision, or reviewer set before it,
// and neither may grow out of reach because a provider changes its keys often.
const MaxPackage = 64 << 20

// ErrPackage says that bytes are no opening package.
var ErrPackage = errors.New("not an opening package")

// A Package is what a requester collects: all that is needed to open what was
// granted and to check it against the decision that was signed, offline.
// Ciphertexts are those of the granted sections alone.
type Package struct {
	Bundle      ident.Bytes     `json:"bundle"`
	Ciphertexts []Ciphertext    `json:"ciphertexts"`
	Dissents    []string        `json:"dissents"` // compact JWS by the author key
	Head        ident.Bytes     `json:"head"`
	Providers   []ProviderEntry `json:"providers"` // provider_keys that the evidence may cite; only with EVIDENCE
	Release     string          `json:"release"`
	Released    Entry           `json:"released"`
	Request     string          `json:"request"`
	Requested   Entry           `json:"requested"`
	Requester   []string        `json:"requester"` // the board's registration
	Set         ident.Bytes     `json:"set"`       // payload of the reviewer set that the draft cites by digest
	Typ         string          `json:"typ"`
	Votes       []CastVote      `json:"votes"`
}

// TypPackage is the typ member of a package.
const TypPackage = "sigill-opening-package"

// A Ciphertext is a granted section as it was sealed.
type Ciphertext struct {
	Bytes   ident.Bytes    `json:"bytes"`
	Section record.Section `json:"section"`
}

// An Entry proves that something stands in the log: the preimage of its digest,
// its tag, and a C2SP tlog-proof by line.
type Entry struct {
	Preimage ident.Bytes `json:"preimage"`
	Proof    []string    `json:"proof"`
	Tag      ident.Bytes `json:"tag"`
}

// A ProviderEntry is a provider_keys document with its log entry.
type ProviderEntry struct {
	Keys   string `json:"keys"` // compact JWS by the log key
	Logged Entry  `json:"logged"`
}

// A CastVote is a vote with the release vector that came with it.
type CastVote struct {
	Vector ident.Bytes `json:"vector,omitempty"`
	Vote   string      `json:"vote"`
}

// Marshal is the package's one form: RFC 8785 JSON.
func (p *Package) Marshal() ([]byte, error) { return jws.Canonical(p) }

// ParsePackage reads a package strictly and checks nothing else.
func ParsePackage(data []byte) (*Package, error) {
	p := &Package{}
	if len(data) > MaxPackage {
		return nil, ErrPackage
	}
	if err := jws.Decode(data, p); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrPackage, err)
	}
	if p.Typ != TypPackage {
		return nil, ErrPackage
	}
	return p, nil
}
