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
	Keys []*jws.PublicKey
	Need int
}

// Sign adds one key's signature.
func Sign(s *jws.Signer, doc Document) (string, error) { return jws.Make(s, doc) }

// Digest is the SHA-256 of a document's canonical payload.
func Digest(doc Document) (ident.Digest, error) {
	b, err := jws.Canonical(doc)
	return ident.Sum(b), err
}

// Read checks that board.Need different board keys have signed one payload, and
// reads it into doc. Every signature must be right: one that is not refuses all.
func (b Board) Read(signatures []string, doc Document) (ident.Digest, error) {
	keys, d, err := read(signatures, jws.Among(b.Keys...), doc)
	if err != nil {
		return ident.Digest{}, err
	}
	if b.Need < 1 || len(keys) < b.Need {
		return ident.Digest{}, fmt.Errorf("%s: %w", doc.Typ(), ErrSignatures)
	}
	return d, nil
}

// read verifies all signatures and returns the thumbprints of the keys.
func read(signatures []string, lookup func(ident.Digest) (*jws.PublicKey, error), doc Document) (map[ident.Digest]bool, ident.Digest, error) {
	var digest ident.Digest
	if len(signatures) < 1 || len(signatures) > MaxSignatures {
		return nil, digest, fmt.Errorf("%s: %w", doc.Typ(), ErrSignatures)
	}
	keys := map[ident.Digest]bool{}
	for i, s := range signatures {
		key, _, err := jws.ReadBy(s, lookup, doc)
		if err != nil {
			return nil, digest, err
		}
		d, err := Digest(doc)
		if err != nil {
			return nil, digest, err
		}
		if i > 0 && d != digest {
			return nil, ident.Digest{}, fmt.Errorf("%s: %w", doc.Typ(), ErrPayloads)
		}
		if keys[key.Thumbprint()] {
			return nil, ident.Digest{}, fmt.Errorf("%s: %w", doc.Typ(), ErrTwice)
		}
		keys[key.Thumbprint()], digest = true, d
	}
	return keys, digest, nil
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
	if from == "" {
		return jws.Field("from", jws.ErrMissing)
	}
	if until != "" && until.Before(from) {
		return jws.Field("until", jws.ErrValue)
	}
	return nil
}

func index(name string, i int) string { return fmt.Sprintf("%s[%d]", name, i) }
