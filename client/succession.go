package client

import (
	"context"
	"fmt"
	"slices"

	"sigill/keys/bundle"
	"sigill/keys/ident"
	"sigill/keys/order"
	"sigill/keys/proof"
	sigillv1 "sigill/proto/sigill/v1"
)

// A Successor is a trust file that takes another's place, by the word of the board
// that the other names.
type Successor struct {
	*order.Succession
	Signed *order.Signed
	Next   *bundle.Trust
}

// ReadSuccessor reads the file of a succession and checks that it follows a trust file.
func ReadSuccessor(data []byte, t *bundle.Trust) (*Successor, error) {
	signed, err := order.ParseSigned(data)
	if err != nil {
		return nil, err
	}
	next, s, err := t.Succeed(signed.Signatures)
	if err != nil {
		return nil, err
	}
	return &Successor{s, signed, next}, nil
}

// Successor fetches what follows the session's trust file, and checks it as
// [ReadSuccessor] does, and that the log has it in a checkpoint that the new file's
// policy accepts. It is nil if nothing does that the server knows of.
func (s *Session) Successor(ctx context.Context) (*Successor, error) {
	r, err := s.verification().GetTrust(ctx, &sigillv1.GetTrustRequest{Have: s.Trust.Digest[:]})
	if err != nil || r.GetNext() == nil {
		return nil, err
	}
	signed := &order.Signed{Signatures: r.GetNext().GetSignatures()}
	next, doc, err := s.Trust.Succeed(signed.Signatures)
	if err != nil {
		return nil, unverified(err)
	}
	digest, err := order.Digest(doc)
	if err != nil {
		return nil, err
	}
	entry, err := (&proof.Preimage{Kind: proof.KeyChange, Signed: digest}).Entry(proof.Tag{})
	if err != nil {
		return nil, unverified(fmt.Errorf("succession: %w", err))
	}
	if _, _, err := proof.CheckInclusion([]byte(r.GetLogged().GetProof()), entry, next.Policy); err != nil {
		return nil, unverified(fmt.Errorf("succession: %w", err))
	}
	return &Successor{doc, signed, next}, nil
}

// Successors follows successions, of files in any order, from a trust file as far as they
// lead. One that follows from none of them is an error.
func Successors(t *bundle.Trust, files [][]byte) ([]*Successor, error) {
	var chain []*Successor
	files = slices.DeleteFunc(slices.Clone(files), func(f []byte) bool { return leadsTo(f, t.Digest) })
	for len(files) > 0 {
		var next *Successor
		var err error
		left := files[:0:0]
		for _, f := range files {
			if next != nil {
				left = append(left, f)
				continue
			}
			one, why := ReadSuccessor(f, t)
			if why != nil {
				err, left = why, append(left, f)
				continue
			}
			next = one
		}
		if next == nil {
			return nil, err
		}
		chain, t, files = append(chain, next), next.Next, left
	}
	return chain, nil
}

// leadsTo reports whether a file is of a succession to a trust file: who has that has
// nothing to do.
func leadsTo(data []byte, trust ident.Digest) bool {
	signed, err := order.ParseSigned(data)
	if err != nil {
		return false
	}
	doc, err := Payload(signed)
	s, is := doc.(*order.Succession)
	return err == nil && is && ident.Sum(s.Trust) == trust
}
