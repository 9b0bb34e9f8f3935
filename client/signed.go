package client

import (
	"bytes"
	"fmt"

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
		return nil, order.ErrDocument
	}
	if err := u.Request.Check(); err != nil {
		return nil, fmt.Errorf("%w: %w", order.ErrDocument, err)
	}
	return u.Request, nil
}

// decodeFile reads a file of canonical JSON and a line feed.
func decodeFile(data []byte, most int, v any) error {
	text, ended := bytes.CutSuffix(data, []byte("\n"))
	if len(data) > most || !ended {
		return order.ErrDocument
	}
	return jws.Decode(text, v)
}

// Payload reads what a signed document says, which keeps the rules of its type,
// without checking a signature: what to show before signing or carrying it.
func Payload(s *order.Signed) (order.Document, error) {
	for _, doc := range []order.Document{&order.Delegation{}, &order.ReviewerSet{}, &order.Requester{}, &order.Succession{}, &opening.Countersigned{}} {
		if jws.Peek(s.Signatures[0], doc) == nil && doc.Check() == nil {
			return doc, nil
		}
	}
	return nil, order.ErrDocument
}
