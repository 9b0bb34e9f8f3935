package seal

import (
	"errors"

	"golang.org/x/crypto/cryptobyte"

	"sigill/keys/ident"
	"sigill/keys/order"
	"sigill/keys/record"
)

// ErrFormat says that bytes are no head, core, wrapping or release vector.
var ErrFormat = errors.New("not a well-formed part of a seal")

const version = 1

// tagSize is what AES-GCM adds to a section.
const tagSize = 16

// A Group is the shape of a group of reviewers: who they are stands in the set.
type Group struct {
	Group     int // from 1
	Threshold int
	Members   int
}

// Subject says what a seal belongs to.
type Subject struct {
	Authority ident.Authority
	Decision  ident.ID
	Revision  int
	Draft     ident.Digest // of the draft statement
	AuthorKey ident.Digest // thumbprint of the author key
	Set       order.Epoch  // whom it is sealed to
}

// Limits of a subject.
const (
	maxRevision = 1000
	maxEpoch    = 1<<31 - 1
)

func (s *Subject) check() error {
	_, err := ident.ParseAuthority(string(s.Authority))
	_, err2 := ident.ParseID(string(s.Decision))
	if err != nil || err2 != nil || s.Revision < 1 || s.Revision > maxRevision || s.Set.Epoch < 1 || s.Set.Epoch > maxEpoch {
		return ErrFormat
	}
	return nil
}

// Shares are digests of every share: [group][member][section], from 0.
type Shares [][][record.Sections]ident.Digest

// A Head describes a seal completely without a secret: signers and reviewers get
// it, and its digest stands in approval and decision.
type Head struct {
	Subject
	Groups      []Group
	Shares      Shares
	Commitments record.Commitments
	Ciphertexts [record.Sections]ident.Digest
}

// Shapes are the groups of a reviewer set.
func Shapes(set *order.ReviewerSet) []Group {
	out := make([]Group, len(set.Groups))
	for i, g := range set.Groups {
		out[i] = Group{g.Group, g.Threshold, len(g.Members)}
	}
	return out
}

// Marshal is the head's one binary form, in TLS presentation language.
func (h *Head) Marshal() ([]byte, error) {
	b := cryptobyte.NewBuilder(make([]byte, 0, 4096))
	b.AddUint8(version)
	addAuthority(b, h.Authority)
	id := h.Decision.Bytes()
	b.AddBytes(id[:])
	b.AddUint32(uint32(h.Revision))
	b.AddBytes(h.Draft[:])
	b.AddBytes(h.AuthorKey[:])
	b.AddUint32(uint32(h.Set.Epoch))
	b.AddBytes(h.Set.Digest[:])
	b.AddUint8LengthPrefixed(func(b *cryptobyte.Builder) {
		for _, g := range h.Groups {
			b.AddUint8(uint8(g.Group))
			b.AddUint8(uint8(g.Threshold))
			b.AddUint8(uint8(g.Members))
		}
	})
	for _, g := range h.Shares {
		for _, m := range g {
			for _, d := range m {
				b.AddBytes(d[:])
			}
		}
	}
	for _, d := range h.Commitments {
		b.AddBytes(d[:])
	}
	for _, d := range h.Ciphertexts {
		b.AddBytes(d[:])
	}
	return b.Bytes()
}

func addAuthority(b *cryptobyte.Builder, a ident.Authority) {
	b.AddUint8LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes([]byte(a)) })
}

// ParseHead reads exactly what [Head.Marshal] writes.
func ParseHead(data []byte) (*Head, error) {
	s := cryptobyte.String(data)
	h := &Head{}
	var v uint8
	var authority, groups cryptobyte.String
	var id []byte
	var rev, epoch uint32
	if !s.ReadUint8(&v) || v != version || !s.ReadUint8LengthPrefixed(&authority) || !s.ReadBytes(&id, 16) ||
		!s.ReadUint32(&rev) || !s.CopyBytes(h.Draft[:]) || !s.CopyBytes(h.AuthorKey[:]) ||
		!s.ReadUint32(&epoch) || !s.CopyBytes(h.Set.Digest[:]) || !s.ReadUint8LengthPrefixed(&groups) {
		return nil, ErrFormat
	}
	h.Authority, h.Decision = ident.Authority(authority), ident.IDFromBytes([16]byte(id))
	h.Revision, h.Set.Epoch = int(rev), int(epoch)
	if err := h.Subject.check(); err != nil {
		return nil, err
	}
	if err := h.readGroups(&groups); err != nil {
		return nil, err
	}
	if !h.readDigests(&s) {
		return nil, ErrFormat
	}
	return h, nil
}

func (h *Head) readGroups(s *cryptobyte.String) error {
	for !s.Empty() {
		var id, t, n uint8
		if !s.ReadUint8(&id) || !s.ReadUint8(&t) || !s.ReadUint8(&n) {
			return ErrFormat
		}
		h.Groups = append(h.Groups, Group{int(id), int(t), int(n)})
	}
	return checkGroups(h.Groups)
}

// checkGroups holds the rule of reviewer sets: n ≥ t + 2 in every group.
func checkGroups(groups []Group) error {
	if len(groups) < 1 || len(groups) > order.MaxGroups {
		return order.ErrGroup
	}
	for i, g := range groups {
		if g.Group != i+1 || g.Threshold < 1 || g.Members < g.Threshold+2 || g.Members > order.MaxMembers {
			return order.ErrGroup
		}
	}
	return nil
}

func (h *Head) readDigests(s *cryptobyte.String) bool {
	for _, g := range h.Groups {
		members := make([][record.Sections]ident.Digest, g.Members)
		for m := range members {
			for i := range members[m] {
				if !s.CopyBytes(members[m][i][:]) {
					return false
				}
			}
		}
		h.Shares = append(h.Shares, members)
	}
	for i := range h.Commitments {
		if !s.CopyBytes(h.Commitments[i][:]) {
			return false
		}
	}
	for i := range h.Ciphertexts {
		if !s.CopyBytes(h.Ciphertexts[i][:]) {
			return false
		}
	}
	return s.Empty()
}

// Digest is the core digest: SHA-256 of the head, which names the digest of
// every ciphertext.
func (h *Head) Digest() (ident.Digest, error) {
	b, err := h.Marshal()
	return ident.Sum(b), err
}

// ShareDigest names one share: SHA-256("sigill share v1" ‖ decision id ‖ draft
// digest ‖ group ‖ index ‖ section ‖ scalar).
func (s *Subject) ShareDigest(group, index int, sec record.Section, scalar []byte) ident.Digest {
	return s.shareDigest(s.Decision.Bytes(), group, index, sec, scalar)
}

// shareDigest is given the id's bytes, since decoding them for each of a seal's
// shares costs as much as hashing.
func (s *Subject) shareDigest(id [16]byte, group, index int, sec record.Section, scalar []byte) ident.Digest {
	return ident.Sum([]byte("sigill share v1"), id[:], s.Draft[:], []byte{uint8(group), uint8(index), byte(sec)}, scalar)
}

// SectionInfo is what a section's ciphertext is bound to as associated data:
// authority ‖ decision id ‖ draft digest ‖ section.
func (s *Subject) SectionInfo(sec record.Section) []byte {
	b := cryptobyte.NewBuilder(nil)
	addAuthority(b, s.Authority)
	id := s.Decision.Bytes()
	b.AddBytes(id[:])
	b.AddBytes(s.Draft[:])
	b.AddUint8(uint8(sec))
	return b.BytesOrPanic()
}

// WrapInfo is the HPKE info of a reviewer's wrapping: "sigill wrap v1" ‖
// authority ‖ decision id ‖ draft digest ‖ epoch ‖ group ‖ index ‖ generation.
// HPKE in Go takes no associated data, so all binding is here.
func (s *Subject) WrapInfo(group, index int, generation uint32) []byte {
	b := cryptobyte.NewBuilder([]byte("sigill wrap v1"))
	addAuthority(b, s.Authority)
	id := s.Decision.Bytes()
	b.AddBytes(id[:])
	b.AddBytes(s.Draft[:])
	b.AddUint32(uint32(s.Set.Epoch))
	b.AddUint8(uint8(group))
	b.AddUint8(uint8(index))
	b.AddUint32(generation)
	return b.BytesOrPanic()
}

// Sizes of a core's ciphertexts, in order, and of all together.
func ciphertextSize(sec record.Section) int { return sec.Size() + tagSize }

const ciphertextsSize = 20592

// SplitCiphertexts cuts the concatenated ciphertexts of a core into sections.
func SplitCiphertexts(data []byte) (out [record.Sections][]byte, err error) {
	for i, sec := range record.All() {
		n := ciphertextSize(sec)
		if len(data) < n {
			return out, ErrFormat
		}
		out[i], data = data[:n:n], data[n:]
	}
	if len(data) != 0 {
		return out, ErrFormat
	}
	return out, nil
}
