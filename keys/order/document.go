// Package order holds the documents of authority: who may decide and sign
// (delegation order), who may open (reviewer set), who may ask (requester), and
// whose logins count (provider keys).
//
// A document is one payload under one or more compact JWS, one for each signing
// key: [Sign] makes one signature, [Read] wants enough of them. Its digest is the
// SHA-256 of the payload, since signatures may come later. The board's keys are
// named in the trust file with how many must sign; a later reviewer set is signed
// by a quorum of every group of the set before ([ReviewerSet.ReadNext]). Members
// and limits are in proto/SPEC.md, "Documents of authority".
package order

import (
	"errors"
	"fmt"
	"reflect"
	"slices"

	"sigill/keys/ident"
	"sigill/keys/jws"
)

// Errors of documents.
var (
	ErrSignatures = errors.New("not enough of the keys that must sign have signed")
	ErrPayloads   = errors.New("the signatures are over different payloads")
	ErrTwice      = errors.New("a key has signed twice")
)

// MaxSignatures is how many signatures a document may carry.
const MaxSignatures = 16

// A Document is what the board signs.
type Document interface{ jws.Statement }

// A Board is the keys that sign documents, and how many of them must.
type Board struct {
	Keys    []*jws.PublicKey
	Need    int
	Earlier []Former
}

// A Former board is believed of these documents alone: its keys may have come into
// other hands since, and could sign more.
type Former struct {
	Board
	Documents []ident.Digest
}

// Now is the board without those before it: for what is new.
func (b Board) Now() Board {
	b.Earlier = nil
	return b
}

// Sign adds one key's signature.
func Sign(s *jws.Signer, doc Document) (string, error) { return jws.Make(s, doc) }

// Digest is the SHA-256 of a document's canonical payload.
func Digest(doc Document) (ident.Digest, error) {
	b, err := jws.Canonical(doc)
	return ident.Sum(b), err
}

// Read checks that board.Need different keys of the board, or of one before it that
// signed this, have signed one payload, and reads it into doc. Every signature must be
// right: one that is not refuses all, and doc stays as it was. Of reviewer sets the board
// signs the first alone: a later one of its making would take the seals from those who
// keep them.
func (b Board) Read(signatures []string, doc Document) (ident.Digest, error) {
	digest, err := b.read(signatures, doc, func(ident.Digest) bool { return true })
	for _, e := range slices.Backward(b.Earlier) {
		if err == nil {
			break
		}
		listed := func(d ident.Digest) bool { return slices.Contains(e.Documents, d) }
		if d, why := e.read(signatures, doc, listed); why == nil {
			digest, err = d, nil
		}
	}
	return digest, err
}

func (b Board) read(signatures []string, doc Document, may func(ident.Digest) bool) (ident.Digest, error) {
	return read(signatures, jws.Among(b.Keys...), doc, func(got Document, digest ident.Digest, keys map[ident.Digest]bool) error {
		if b.Need < 1 || len(keys) < b.Need || !may(digest) {
			return ErrSignatures
		}
		if set, ok := got.(*ReviewerSet); ok && set.Epoch != 1 {
			return ErrEpoch
		}
		return nil
	})
}

// read verifies all signatures over one payload and has enough judge it by its digest and
// the thumbprints of their keys. Only then is doc set.
func read(signatures []string, lookup func(ident.Digest) (*jws.PublicKey, error), doc Document, enough func(Document, ident.Digest, map[ident.Digest]bool) error) (digest ident.Digest, err error) {
	if len(signatures) < 1 || len(signatures) > MaxSignatures {
		return digest, fmt.Errorf("%s: %w", doc.Typ(), ErrSignatures)
	}
	target := reflect.ValueOf(doc).Elem()
	fresh := reflect.New(target.Type())
	got := fresh.Interface().(Document)
	keys := map[ident.Digest]bool{}
	for i, s := range signatures {
		key, _, err := jws.ReadBy(s, lookup, got)
		if err != nil {
			return ident.Digest{}, err
		}
		d, err := Digest(got)
		if err != nil {
			return ident.Digest{}, err
		}
		if i > 0 && d != digest {
			return ident.Digest{}, fmt.Errorf("%s: %w", doc.Typ(), ErrPayloads)
		}
		if keys[key.Thumbprint()] {
			return ident.Digest{}, fmt.Errorf("%s: %w", doc.Typ(), ErrTwice)
		}
		keys[key.Thumbprint()], digest = true, d
	}
	if err := enough(got, digest, keys); err != nil {
		return ident.Digest{}, fmt.Errorf("%s: %w", doc.Typ(), err)
	}
	target.Set(fresh.Elem())
	return digest, nil
}

// A Version names one version of the delegation order.
type Version struct {
	Digest  ident.Digest `json:"digest"`
	Version int          `json:"version"`
}

// An Epoch names one reviewer set.
type Epoch struct {
	Digest ident.Digest `json:"digest"`
	Epoch  int          `json:"epoch"`
}

func period(from, until ident.Date) error {
	if err := missing("from", from == ""); err != nil {
		return err
	}
	if until != "" && until.Before(from) {
		return jws.Field("until", jws.ErrValue)
	}
	return nil
}

// missing names a member that must be there.
func missing(field string, is bool) error {
	if is {
		return jws.Field(field, jws.ErrMissing)
	}
	return nil
}

func index(name string, i int) string { return fmt.Sprintf("%s[%d]", name, i) }
