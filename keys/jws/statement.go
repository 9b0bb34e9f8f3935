package jws

import (
	"errors"
	"fmt"

	"sigill/keys/ident"
)

// A Statement is a payload that knows its type and its own rules. Its pointer
// implements the interface.
type Statement interface {
	// Typ is the exact typ of its header.
	Typ() string
	// Check tells whether the values can stand together; a wrong one is named
	// by a [FieldError].
	Check() error
}

// A FieldError names the member of a statement that is wrong. It never holds
// the member's value.
type FieldError struct {
	Field string // as in JSON, with dots between levels
	Err   error
}

func (e *FieldError) Error() string { return e.Field + ": " + e.Err.Error() }

// Unwrap returns what is wrong.
func (e *FieldError) Unwrap() error { return e.Err }

// Field is a [FieldError], or nil when err is.
func Field(name string, err error) error {
	if err == nil {
		return nil
	}
	if f := (*FieldError)(nil); errors.As(err, &f) {
		return &FieldError{name + "." + f.Field, f.Err}
	}
	return &FieldError{name, err}
}

// Errors of members.
var (
	ErrMissing = errors.New("is missing")
	ErrLength  = errors.New("is too long")
	ErrValue   = errors.New("is not a permitted value")
	ErrCount   = errors.New("has too few or too many entries")
)

// Text checks the length of a text member in bytes; min 0 allows it to be empty.
func Text(name, s string, min, max int) error {
	switch {
	case len(s) < min:
		return Field(name, ErrMissing)
	case len(s) > max:
		return Field(name, ErrLength)
	}
	return Field(name, CheckText(s))
}

// Digests checks that a list member has at most max digests in the order of their bytes,
// each once.
func Digests(name string, list []ident.Digest, max int) error {
	if len(list) > max {
		return Field(name, ErrCount)
	}
	for i, d := range list {
		if d.IsZero() || i > 0 && list[i-1].Compare(d) >= 0 {
			return Field(name, ErrValue)
		}
	}
	return nil
}

// Make checks st and signs it.
func Make(s *Signer, st Statement, opts ...Option) (string, error) {
	if err := st.Check(); err != nil {
		return "", fmt.Errorf("%s: %w", st.Typ(), err)
	}
	return Sign(s, st.Typ(), st, opts...)
}

// Read is [Verify] for a statement, with its own check after the signature. Its
// header says alg, kid and typ alone: time and certificate are for what the
// institution signs (a typ that ends in +jwt). A signer's certificate may hold a
// personal number, and the hour of an author's act points at the author.
func Read(compact string, key *PublicKey, st Statement) (Header, error) {
	_, h, err := ReadBy(compact, Among(key), st)
	return h, err
}

// ReadBy is [VerifyBy] for a statement.
func ReadBy(compact string, lookup func(kid ident.Digest) (*PublicKey, error), st Statement) (*PublicKey, Header, error) {
	k, h, err := VerifyBy(compact, st.Typ(), lookup, st)
	if err = after(st, err); err != nil {
		return nil, Header{}, err
	}
	return k, h, nil
}

// ReadEmbedded is [VerifyEmbedded] for a statement.
func ReadEmbedded(compact string, st Statement) (*PublicKey, error) {
	k, err := VerifyEmbedded(compact, st.Typ(), st)
	if err = after(st, err); err != nil {
		return nil, err
	}
	return k, nil
}

func after(st Statement, err error) error {
	if err == nil {
		err = st.Check()
	}
	if err != nil {
		return fmt.Errorf("%s: %w", st.Typ(), err)
	}
	return nil
}

// Among returns the lookup that knows the given keys alone.
func Among(keys ...*PublicKey) func(ident.Digest) (*PublicKey, error) {
	return func(kid ident.Digest) (*PublicKey, error) {
		for _, k := range keys {
			if k.Thumbprint() == kid {
				return k, nil
			}
		}
		return nil, ErrUnknownKey
	}
}
