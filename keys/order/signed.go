package order

import (
	"bytes"
	"encoding/base64"
	"errors"
	"slices"
	"strings"

	"sigill/keys/ident"
	"sigill/keys/jws"
)

// ErrDocument says that a text or a file is no document of authority.
var ErrDocument = errors.New("not a document of authority")

// A Signed is a document of authority as it lies in a file: one payload under one
// or more signatures (proto/SPEC.md, "Files between people").
type Signed struct {
	Signatures []string `json:"signatures"`
	Typ        string   `json:"typ"`
}

// TypSigned is the typ member of [Signed].
const TypSigned = "sigill-signed-document"

// MaxSigned is the longest signed document's file that is read, in bytes: as many of
// the longest statements as may stand in one fit.
const MaxSigned = 5 << 20

// ParseSigned reads a signed document's file of at most [MaxSigned] bytes. No
// signature in it has been verified.
func ParseSigned(data []byte) (*Signed, error) {
	s := &Signed{}
	text, ended := bytes.CutSuffix(data, []byte("\n"))
	if len(data) > MaxSigned || !ended || jws.Decode(text, s) != nil || s.Typ != TypSigned || len(s.Signatures) < 1 || len(s.Signatures) > MaxSignatures {
		return nil, ErrDocument
	}
	return s, nil
}

// Add adds signatures over the same payload by keys that have not signed yet.
func (s *Signed) Add(signatures ...string) error {
	for _, c := range signatures {
		if len(s.Signatures) > 0 {
			if payload(c) != payload(s.Signatures[0]) {
				return ErrPayloads
			}
			if slices.ContainsFunc(s.Signatures, func(o string) bool { return header(o) == header(c) }) {
				return ErrTwice
			}
		}
		s.Signatures = append(s.Signatures, c)
	}
	return nil
}

// A canonical payload, and a header of typ, alg and kid, have one encoding each.
func payload(compact string) string { return strings.SplitN(compact+"..", ".", 3)[1] }
func header(compact string) string  { return strings.SplitN(compact, ".", 2)[0] }

// Keys are the thumbprints that the signatures' headers name, unverified.
func (s *Signed) Keys() ([]ident.Digest, error) {
	out := []ident.Digest{}
	for _, c := range s.Signatures {
		b, err := base64.RawURLEncoding.DecodeString(header(c))
		var h jws.Header
		if err != nil || jws.Decode(b, &h) != nil || h.Kid == nil {
			return nil, ErrDocument
		}
		out = append(out, *h.Kid)
	}
	return out, nil
}

// Marshal is the file's one form.
func (s *Signed) Marshal() ([]byte, error) {
	s.Typ = TypSigned
	b, err := jws.Canonical(s)
	return append(b, '\n'), err
}
