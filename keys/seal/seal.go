package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hpke"
	"crypto/sha256"
	"fmt"
	"slices"

	"github.com/cloudflare/circl/group"
	"github.com/cloudflare/circl/math/polynomial"
	"golang.org/x/crypto/cryptobyte"

	"sigill/keys/ident"
	"sigill/keys/order"
	"sigill/keys/record"
)

// ScalarSize is the length of a share in bytes, little-endian.
const ScalarSize = 32

// A Vector is one reviewer's shares, one scalar for each section. In a release
// vector those that were not granted are zeros.
type Vector [record.Sections][ScalarSize]byte

// Sealed is a seal in the making: its head, its ciphertexts, and the shares,
// which leave it only through [Sealed.Wrap].
type Sealed struct {
	Head        Head
	Ciphertexts [record.Sections][]byte
	joined      []byte // the same bytes
	shares      [][]Vector
}

// New computes a seal over the seven plaintexts. It is deterministic: whoever
// has the seed and the plaintexts gets the same head. The sizes of the
// plaintexts are those of their sections.
func New(subject Subject, groups []Group, seed record.Seed, plain *record.Plaintexts) (*Sealed, error) {
	if err := subject.check(); err != nil {
		return nil, err
	}
	if err := checkGroups(groups); err != nil {
		return nil, err
	}
	for i, sec := range record.All() {
		if len(plain[i]) != sec.Size() {
			return nil, fmt.Errorf("sealing %s: %w", sec, record.ErrFit)
		}
	}
	s := &Sealed{joined: make([]byte, 0, ciphertextsSize), Head: Head{Subject: subject, Groups: slices.Clone(groups), Commitments: plain.Commitments()}}
	var secrets [record.Sections]group.Scalar
	for i := range secrets {
		secrets[i] = group.Ristretto255.NewScalar()
	}
	for _, g := range groups {
		vectors := make([]Vector, g.Members)
		for i, sec := range record.All() {
			p, secret := polynomialFor(seed, subject.Draft, g, sec)
			secrets[i].Add(secrets[i], secret)
			for m := range vectors {
				x := group.Ristretto255.NewScalar().SetUint64(uint64(m + 1))
				b, err := p.Evaluate(x).MarshalBinary()
				if err != nil || len(b) != ScalarSize {
					return nil, fmt.Errorf("sealing: a share has no binary form")
				}
				vectors[m][i] = [ScalarSize]byte(b)
			}
		}
		s.addGroup(g, vectors)
	}
	for i, sec := range record.All() {
		key, err := SectionKey(secrets[i], subject.Draft, sec)
		if err != nil {
			return nil, err
		}
		from := len(s.joined)
		s.joined = key.Seal(s.joined, make([]byte, 12), plain[i], subject.SectionInfo(sec))
		s.Ciphertexts[i] = s.joined[from:len(s.joined):len(s.joined)]
		s.Head.Ciphertexts[i] = ident.Sum(s.Ciphertexts[i])
	}
	return s, nil
}

func (s *Sealed) addGroup(g Group, vectors []Vector) {
	id := s.Head.Decision.Bytes()
	digests := make([][record.Sections]ident.Digest, len(vectors))
	for m := range vectors {
		for i, sec := range record.All() {
			digests[m][i] = s.Head.shareDigest(id, g.Group, m+1, sec, vectors[m][i][:])
		}
	}
	s.shares = append(s.shares, vectors)
	s.Head.Shares = append(s.Head.Shares, digests)
}

// polynomialFor derives a group's polynomial for a section and its secret, the
// value at 0: coefficient i is HashToScalar(seed ‖ draft digest ‖ group ‖ section
// ‖ i) with the tag "sigill share v1" (RFC 9496 and 9380, as circl has it).
func polynomialFor(seed record.Seed, draft ident.Digest, g Group, sec record.Section) (polynomial.Polynomial, group.Scalar) {
	msg := make([]byte, 0, 67)
	msg = append(append(msg, seed[:]...), draft[:]...)
	msg = append(msg, uint8(g.Group), byte(sec), 0)
	coeffs := make([]group.Scalar, g.Threshold)
	for i := range coeffs {
		msg[len(msg)-1] = uint8(i)
		coeffs[i] = group.Ristretto255.HashToScalar(msg, []byte("sigill share v1"))
	}
	return polynomial.New(coeffs), coeffs[0]
}

// SectionKey derives a section's cipher from the sum of the groups' secrets:
// AES-256-GCM under HKDF-SHA256(secret, salt draft digest, info "sigill section
// v1" ‖ section). The key is used once, so the nonce is zero.
func SectionKey(secret group.Scalar, draft ident.Digest, sec record.Section) (cipher.AEAD, error) {
	b, err := secret.MarshalBinary()
	if err != nil {
		return nil, fmt.Errorf("section key: %w", err)
	}
	key, err := hkdf.Key(sha256.New, b, draft[:], "sigill section v1"+string([]byte{byte(sec)}), 32)
	if err != nil {
		return nil, fmt.Errorf("section key: %w", err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("section key: %w", err)
	}
	return cipher.NewGCM(block)
}

// JoinCiphertexts is a core's ciphertexts as they are stored. It shares their bytes.
func (s *Sealed) JoinCiphertexts() []byte { return s.joined }

// A Wrapping is one reviewer's shares, sealed to them. Generation counts the
// hand-overs since the seal was made.
type Wrapping struct {
	Epoch      int
	Group      int
	Index      int
	Generation uint32
	Box        []byte // HPKE enc ‖ ciphertext, 1,360 bytes
}

// BoxSize is the length of an HPKE message over a share vector: the 1,120 byte
// encapsulation, seven scalars and the tag.
const BoxSize = 1120 + record.Sections*ScalarSize + tagSize

// KEM is MLKEM768-X25519, the only one that a seal's messages use.
const KEM = 0x647a

// Suite is the rest of the HPKE suite: HKDF-SHA256 (0x0001), AES-256-GCM (0x0002).
func Suite() (hpke.KDF, hpke.AEAD) { return hpke.HKDFSHA256(), hpke.AES256GCM() }

// Wrap seals the shares of a member (from 1) to their public key. It may be
// called from several goroutines at once.
func (s *Sealed) Wrap(g, index int, to hpke.PublicKey) (*Wrapping, error) {
	if g < 1 || g > len(s.shares) || index < 1 || index > len(s.shares[g-1]) {
		return nil, fmt.Errorf("wrapping: no such reviewer")
	}
	v := s.shares[g-1][index-1]
	box, err := SealVector(to, s.Head.WrapInfo(g, index, 0), &v)
	if err != nil {
		return nil, err
	}
	return &Wrapping{s.Head.Set.Epoch, g, index, 0, box}, nil
}

// SealVector is one HPKE message over a vector, bound to info. Keys of another
// KEM are refused: an X25519 key alone would seal for today only.
func SealVector(to hpke.PublicKey, info []byte, v *Vector) ([]byte, error) {
	if to.KEM().ID() != KEM {
		return nil, fmt.Errorf("sealing shares: %w", order.ErrHPKEKey)
	}
	plain := make([]byte, 0, record.Sections*ScalarSize)
	for _, sc := range v {
		plain = append(plain, sc[:]...)
	}
	kdf, aead := Suite()
	box, err := hpke.Seal(to, kdf, aead, info, plain)
	clear(plain)
	if err != nil {
		return nil, fmt.Errorf("sealing shares: %w", err)
	}
	return box, nil
}

// Marshal is the wrapping's binary form: version, epoch, group, index,
// generation, box.
func (w *Wrapping) Marshal() []byte {
	b := cryptobyte.NewBuilder(make([]byte, 0, 16+len(w.Box)))
	b.AddUint8(version)
	b.AddUint32(uint32(w.Epoch))
	b.AddUint8(uint8(w.Group))
	b.AddUint8(uint8(w.Index))
	b.AddUint32(w.Generation)
	b.AddBytes(w.Box)
	return b.BytesOrPanic()
}

// ParseWrapping reads exactly what [Wrapping.Marshal] writes.
func ParseWrapping(data []byte) (*Wrapping, error) {
	s := cryptobyte.String(data)
	w := &Wrapping{}
	var v, g, i uint8
	var epoch uint32
	if !s.ReadUint8(&v) || v != version || !s.ReadUint32(&epoch) || epoch < 1 || epoch > maxEpoch ||
		!s.ReadUint8(&g) || g < 1 || !s.ReadUint8(&i) || i < 1 || !s.ReadUint32(&w.Generation) || len(s) != BoxSize {
		return nil, ErrFormat
	}
	w.Epoch, w.Group, w.Index, w.Box = int(epoch), int(g), int(i), []byte(s)
	return w, nil
}

// A Release is one reviewer's granted shares, re-sealed to a requester's
// recipient key (made and opened by keys/unseal).
type Release struct {
	Epoch int
	Group int
	Index int
	Scope record.Scope
	Box   []byte
}

// Marshal is the release vector's binary form: version, epoch, group, index,
// bitmap of sections, box.
func (r *Release) Marshal() []byte {
	b := cryptobyte.NewBuilder(make([]byte, 0, 16+len(r.Box)))
	b.AddUint8(version)
	b.AddUint32(uint32(r.Epoch))
	b.AddUint8(uint8(r.Group))
	b.AddUint8(uint8(r.Index))
	b.AddUint8(uint8(r.Scope))
	b.AddBytes(r.Box)
	return b.BytesOrPanic()
}

// ParseRelease reads exactly what [Release.Marshal] writes; one that grants
// nothing is no release.
func ParseRelease(data []byte) (*Release, error) {
	s := cryptobyte.String(data)
	r := &Release{}
	var v, g, i, scope uint8
	var epoch uint32
	if !s.ReadUint8(&v) || v != version || !s.ReadUint32(&epoch) || epoch < 1 || epoch > maxEpoch ||
		!s.ReadUint8(&g) || g < 1 || !s.ReadUint8(&i) || i < 1 || !s.ReadUint8(&scope) || scope == 0 || scope > 127 || len(s) != BoxSize {
		return nil, ErrFormat
	}
	r.Epoch, r.Group, r.Index, r.Scope, r.Box = int(epoch), int(g), int(i), record.Scope(scope), []byte(s)
	return r, nil
}
