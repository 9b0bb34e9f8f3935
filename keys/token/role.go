package token

import "fmt"

// A Role is what a caller may act as. A caller has exactly one.
type Role string

// The roles.
const (
	Caseworker    Role = "caseworker"
	Signer        Role = "signer"
	Registrar     Role = "registrar"
	Requester     Role = "requester"
	Reviewer      Role = "reviewer"
	Administrator Role = "administrator"
	Auditor       Role = "auditor"
)

// ParseRole reads a role as configuration writes it.
func ParseRole(s string) (Role, error) {
	switch r := Role(s); r {
	case Caseworker, Signer, Registrar, Requester, Reviewer, Administrator, Auditor:
		return r, nil
	}
	return "", fmt.Errorf("%w: an unknown role", ErrConfig)
}

// UnmarshalText implements [encoding.TextUnmarshaler].
func (r *Role) UnmarshalText(text []byte) (err error) {
	*r, err = ParseRole(string(text))
	return err
}
