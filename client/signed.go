package client

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"

	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/opening"
	"sigill/keys/order"
)

// Unsigned is a request that awaits the board's countersignature, as it lies in a
// file (proto/SPEC.md, "Files between people").
type Unsigned struct {
	Request *opening.Countersigned `json:"request"`
	Typ     string                 `json:"typ"`
}

// TypUnsigned is the typ member of [Unsigned].
const TypUnsigned = "sigill-unsigned-request"

// MaxUnsigned is the longest file of a request that is read, in bytes: what is
// longer could not be signed, since a signed one would be longer than [jws.MaxSize].
const MaxUnsigned = jws.MaxSize

// Marshal is the file's one form.
func (u *Unsigned) Marshal() ([]byte, error) {
	u.Typ = TypUnsigned
	b, err := jws.Canonical(u)
	return append(b, '\n'), err
}

// ParseUnsigned reads the file of a request that awaits the board, of at most
// [MaxUnsigned] bytes. Nothing in it has been verified.
func ParseUnsigned(data []byte) (*opening.Countersigned, error) {
	var u Unsigned
	if err := decodeFile(data, MaxUnsigned, &u); err != nil || u.Typ != TypUnsigned || u.Request == nil {
		return nil, ErrDocument
	}
	if err := u.Request.Check(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDocument, err)
	}
	return u.Request, nil
}

// decodeFile reads a file of canonical JSON and a line feed.
func decodeFile(data []byte, most int, v any) error {
	text, ended := bytes.CutSuffix(data, []byte("\n"))
	if len(data) > most || !ended {
		return ErrDocument
	}
	return jws.Decode(text, v)
}

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
	if err := decodeFile(data, MaxSigned, s); err != nil || s.Typ != TypSigned || len(s.Signatures) < 1 || len(s.Signatures) > order.MaxSignatures {
		return nil, ErrDocument
	}
	return s, nil
}

// Add adds signatures over the same payload by keys that have not signed yet.
func (s *Signed) Add(signatures ...string) error {
	for _, c := range signatures {
		if len(s.Signatures) > 0 {
			if payload(c) != payload(s.Signatures[0]) {
				return order.ErrPayloads
			}
			if slices.ContainsFunc(s.Signatures, func(o string) bool { return header(o) == header(c) }) {
				return order.ErrTwice
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

// Document reads the payload, which keeps the rules of its type, without checking
// a signature: what to show before signing or carrying it.
func (s *Signed) Document() (order.Document, error) {
	for _, doc := range []order.Document{&order.Delegation{}, &order.ReviewerSet{}, &order.Requester{}, &opening.Countersigned{}} {
		if jws.Peek(s.Signatures[0], doc) == nil && doc.Check() == nil {
			return doc, nil
		}
	}
	return nil, ErrDocument
}
