// Package unseal is what reviewers and requesters do with a seal, and the server
// never can: [OpenWrapping] opens a reviewer's own shares, [ReSeal] seals the
// granted ones to a request's recipient key, [OpenRelease] opens them there, and
// [Combine] puts a quorum's shares together.
//
// Everything is checked before anything is returned: each share against its
// digest in the head, each ciphertext against its digest, each plaintext against
// its commitment. A bad share is an error that names the reviewer
// ([BadShareError]); too few are [ErrNotEnough]; nothing partial comes out. The
// head must have been checked against the decision's core digest by the caller
// (keys/bundle does). Format: proto/SPEC.md, "Opening"; TestOpening tries every
// quorum, TestE01_everyByteFlipped every changed byte, TestVectors what another
// implementation sealed. The server's build is held free of this package by the
// arrows test.
package unseal

import (
	"crypto/hpke"
	"errors"
	"fmt"

	"github.com/cloudflare/circl/group"
	"github.com/cloudflare/circl/secretsharing"
	"golang.org/x/crypto/cryptobyte"

	"sigill/keys/ident"
	"sigill/keys/order"
	"sigill/keys/record"
	"sigill/keys/seal"
)

// Errors of opening.
var (
	ErrNotForKey  = errors.New("not for this key, or damaged")
	ErrNotEnough  = errors.New("not enough shares of every group")
	ErrCiphertext = errors.New("a section's ciphertext is not the one in the seal's head")
	ErrCommitment = errors.New("a section does not open to what was committed to")
	ErrMember     = errors.New("no such reviewer in this seal")
)

// A BadShareError names the reviewer whose share is not the one in the head.
type BadShareError struct {
	Group   int
	Index   int
	Section record.Section
}

func (e *BadShareError) Error() string {
	return fmt.Sprintf("the share of group %d, reviewer %d for %s is not the one in the seal", e.Group, e.Index, e.Section)
}

// OpenWrapping opens a reviewer's wrapping and checks every share in it against
// the head.
func OpenWrapping(h *seal.Head, w *seal.Wrapping, key hpke.PrivateKey) (*seal.Vector, error) {
	if w.Epoch != h.Set.Epoch || !member(h, w.Group, w.Index) {
		return nil, ErrMember
	}
	v, err := openVector(key, h.WrapInfo(w.Group, w.Index, w.Generation), w.Box)
	if err != nil {
		return nil, err
	}
	if err := checkVector(h, w.Group, w.Index, v, allSections); err != nil {
		return nil, err
	}
	return v, nil
}

const allSections = record.Scope(1<<record.Sections - 1)

func member(h *seal.Head, g, index int) bool {
	return g >= 1 && g <= len(h.Groups) && index >= 1 && index <= h.Groups[g-1].Members
}

func openVector(key hpke.PrivateKey, info, box []byte) (*seal.Vector, error) {
	if key.KEM().ID() != seal.KEM {
		return nil, ErrNotForKey
	}
	kdf, aead := seal.Suite()
	plain, err := hpke.Open(key, kdf, aead, info, box)
	if err != nil || len(plain) != record.Sections*seal.ScalarSize {
		return nil, ErrNotForKey
	}
	v := &seal.Vector{}
	for i := range v {
		copy(v[i][:], plain[i*seal.ScalarSize:])
	}
	clear(plain)
	return v, nil
}

// checkVector holds granted shares to their digests and the others to zero.
func checkVector(h *seal.Head, g, index int, v *seal.Vector, scope record.Scope) error {
	for i, sec := range record.All() {
		if !scope.Has(sec) {
			if v[i] != [seal.ScalarSize]byte{} {
				return &BadShareError{g, index, sec}
			}
			continue
		}
		if h.ShareDigest(g, index, sec, v[i][:]) != h.Shares[g-1][index-1][i] {
			return &BadShareError{g, index, sec}
		}
	}
	return nil
}

// A Request is what a release is bound to, so that an approval cannot be used
// for another request, requester or key.
type Request struct {
	Digest     ident.Digest // of the request statement
	Recipient  ident.Bytes  // the recipient's public HPKE key
	Checkpoint ident.Digest // root of the checkpoint in which the reviewer saw the request
}

// releaseInfo is "sigill release v1" ‖ request digest ‖ decision id ‖ epoch ‖
// group ‖ index ‖ bitmap ‖ recipient key digest ‖ checkpoint root.
func releaseInfo(h *seal.Head, req Request, g, index int, scope record.Scope) []byte {
	b := cryptobyte.NewBuilder([]byte("sigill release v1"))
	b.AddBytes(req.Digest[:])
	id := h.Decision.Bytes()
	b.AddBytes(id[:])
	b.AddUint32(uint32(h.Set.Epoch))
	b.AddUint8(uint8(g))
	b.AddUint8(uint8(index))
	b.AddUint8(uint8(scope))
	d := ident.Sum(req.Recipient)
	b.AddBytes(d[:])
	b.AddBytes(req.Checkpoint[:])
	return b.BytesOrPanic()
}

// ReSeal opens the reviewer's own wrapping and seals the shares of the granted
// sections, and zeros for the others, to the request's recipient key.
func ReSeal(h *seal.Head, w *seal.Wrapping, key hpke.PrivateKey, req Request, scope record.Scope) (*seal.Release, error) {
	if scope == 0 || scope&^allSections != 0 {
		return nil, record.ErrSection
	}
	to, err := order.ParseHPKEKey(req.Recipient)
	if err != nil {
		return nil, fmt.Errorf("recipient key: %w", err)
	}
	v, err := OpenWrapping(h, w, key)
	if err != nil {
		return nil, err
	}
	granted := *v
	for i, sec := range record.All() {
		if !scope.Has(sec) {
			granted[i] = [seal.ScalarSize]byte{}
		}
	}
	clear(v[:])
	box, err := seal.SealVector(to, releaseInfo(h, req, w.Group, w.Index, scope), &granted)
	clear(granted[:])
	if err != nil {
		return nil, err
	}
	return &seal.Release{Epoch: w.Epoch, Group: w.Group, Index: w.Index, Scope: scope, Box: box}, nil
}

// A Share is one reviewer's opened and checked release.
type Share struct {
	Group  int
	Index  int
	Scope  record.Scope
	Vector *seal.Vector
}

// OpenRelease opens a release vector with the recipient key and checks every
// share in it against the head.
func OpenRelease(h *seal.Head, r *seal.Release, key hpke.PrivateKey, req Request) (*Share, error) {
	if r.Epoch != h.Set.Epoch || !member(h, r.Group, r.Index) {
		return nil, ErrMember
	}
	v, err := openVector(key, releaseInfo(h, req, r.Group, r.Index, r.Scope), r.Box)
	if err != nil {
		return nil, err
	}
	if err := checkVector(h, r.Group, r.Index, v, r.Scope); err != nil {
		return nil, err
	}
	return &Share{r.Group, r.Index, r.Scope, v}, nil
}

// Combine opens the sections of the scope from the shares of a quorum of every
// group. The shares must come from [OpenRelease] or [OpenWrapping]; they are
// checked again. Ciphertexts are by section, those outside the scope ignored.
func Combine(h *seal.Head, ciphertexts map[record.Section][]byte, shares []*Share, scope record.Scope) (map[record.Section][]byte, error) {
	if scope == 0 || scope&^allSections != 0 {
		return nil, record.ErrSection
	}
	for _, s := range shares {
		if !member(h, s.Group, s.Index) {
			return nil, ErrMember
		}
		if err := checkVector(h, s.Group, s.Index, s.Vector, s.Scope); err != nil {
			return nil, err
		}
	}
	out := map[record.Section][]byte{}
	for _, sec := range scope.List() {
		plain, err := openSection(h, sec, ciphertexts[sec], shares)
		if err != nil {
			return nil, err
		}
		out[sec] = plain
	}
	return out, nil
}

func openSection(h *seal.Head, sec record.Section, ciphertext []byte, shares []*Share) ([]byte, error) {
	if ident.Sum(ciphertext) != h.Ciphertexts[sec-1] {
		return nil, fmt.Errorf("%s: %w", sec, ErrCiphertext)
	}
	sum := group.Ristretto255.NewScalar()
	for _, g := range h.Groups {
		secret, err := groupSecret(g, sec, shares)
		if err != nil {
			return nil, err
		}
		sum.Add(sum, secret)
	}
	aead, err := seal.SectionKey(sum, h.Draft, sec)
	if err != nil {
		return nil, err
	}
	plain, err := aead.Open(nil, make([]byte, 12), ciphertext, h.SectionInfo(sec))
	if err != nil || record.Commit(sec, plain) != h.Commitments[sec-1] {
		return nil, fmt.Errorf("%s: %w", sec, ErrCommitment)
	}
	return plain, nil
}

// groupSecret recovers a group's secret. Duplicates are dropped first, since the
// library panics on them and silently uses only the first t shares.
func groupSecret(g seal.Group, sec record.Section, shares []*Share) (group.Scalar, error) {
	seen := map[int]bool{}
	var points []secretsharing.Share
	for _, s := range shares {
		if s.Group != g.Group || !s.Scope.Has(sec) || seen[s.Index] {
			continue
		}
		seen[s.Index] = true
		y := group.Ristretto255.NewScalar()
		if err := y.UnmarshalBinary(s.Vector[sec-1][:]); err != nil {
			return nil, &BadShareError{s.Group, s.Index, sec}
		}
		points = append(points, secretsharing.Share{ID: group.Ristretto255.NewScalar().SetUint64(uint64(s.Index)), Value: y})
	}
	if len(points) < g.Threshold {
		return nil, fmt.Errorf("%s, group %d: %w", sec, g.Group, ErrNotEnough)
	}
	secret, err := secretsharing.Recover(uint(g.Threshold-1), points[:g.Threshold])
	if err != nil {
		return nil, fmt.Errorf("%s, group %d: %w", sec, g.Group, ErrNotEnough)
	}
	return secret, nil
}
