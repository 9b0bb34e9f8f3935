package story

import (
	"crypto/ed25519"
	"slices"

	"sigill/keys/bundle"
	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/order"
	"sigill/keys/vectors"
)

// Succession is that of a trust file which says otherwise than the story's, whether or
// not it may follow.
func (s *Story) Succession(change func(f *bundle.TrustFile)) *order.Succession {
	s.Helper()
	f := s.TrustFile
	f.Successions++
	f.Board.Keys, f.Policy = slices.Clone(f.Board.Keys), slices.Clone(f.Policy)
	f.Certificates, f.Providers = slices.Clone(f.Certificates), slices.Clone(f.Providers)
	change(&f)
	b, err := jws.Canonical(&f)
	check(s, err)
	return &order.Succession{Authority: Authority, Date: "2026-11-21", From: s.Trust.Digest, Trust: b}
}

// Before has a file remember whom the story's believes of a log of some size.
func (s *Story) Before(f *bundle.TrustFile, size uint64) {
	f.Earlier = append(slices.Clone(s.TrustFile.Earlier), bundle.Before{Board: s.TrustFile.Board, Policy: s.TrustFile.Policy, Size: size})
}

// NextBoard puts another board, of one key, in the place of the story's, which is believed
// of these documents alone and of a log of some size.
func (s *Story) NextBoard(f *bundle.TrustFile, size uint64, documents ...order.Document) *jws.Signer {
	s.Helper()
	key := vectors.Ed25519(s, "board 3")
	f.Board = bundle.BoardKeys{Keys: []jws.JWK{key.Public().JWK()}, Need: 1}
	s.Before(f, size)
	for _, d := range documents {
		digest, err := order.Digest(d)
		check(s, err)
		last := &f.Earlier[len(f.Earlier)-1]
		last.Documents = append(last.Documents, digest)
		slices.SortFunc(last.Documents, ident.Digest.Compare)
	}
	return key
}

// NextLog is the policy's line of a log key that has signed nothing yet.
func (s *Story) NextLog() string {
	k := vectors.Seed("the next log")
	return "log " + NewLog(s, ed25519.NewKeyFromSeed(k[:])).Key.String()
}
