// Package record holds the decision record (handling enligt 31 § FL) that a seal
// closes over: seven sections, each with one size whatever it says, each with a
// blinded commitment, so that one can be opened without the others and what is
// opened can be checked against the decision that was signed.
//
// [Record] is what the author's client fills in; [Record.Check] is the law of
// who stands where under which [Mode]. [Plaintexts] and [Commitments] turn it
// into what is sealed and what is signed; [AuthorCommitment] binds the person.
// Sizes, labels and members are in proto/SPEC.md, "Record"; the golden vectors
// in testdata and FuzzSections hold them.
package record

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"sigill/keys/ident"
)

// A Section is a part of the record, numbered as commitments and keys bind it.
type Section uint8

// The sections, always all present.
const (
	SectionDecider Section = iota + 1
	SectionPresenter
	SectionParticipants
	SectionDissentAuthor
	SectionBiasDeclaration
	SectionAssessment
	SectionEvidence

	Sections = 7 // how many there are
	Stated   = 6 // how many the author states: all but EVIDENCE
)

var sectionNames = [Sections]string{"DECIDER", "PRESENTER", "PARTICIPANTS", "DISSENT_AUTHOR", "BIAS_DECLARATION", "ASSESSMENT", "EVIDENCE"}

var sectionSizes = [Sections]int{1 << 10, 1 << 10, 2 << 10, 1 << 10, 2 << 10, 1 << 10, 12 << 10}

// Errors of sections.
var (
	ErrSection = errors.New("not a section of the record")
	ErrFit     = errors.New("does not fit into its section")
	ErrPadding = errors.New("a section's padding is damaged")
)

// All lists the sections in order.
func All() []Section {
	out := make([]Section, Sections)
	for i := range out {
		out[i] = Section(i + 1)
	}
	return out
}

// Valid reports whether s is one of the seven.
func (s Section) Valid() bool { return s >= SectionDecider && s <= SectionEvidence }

// Size is the section's plaintext in bytes: blind, length, JSON and zeros.
func (s Section) Size() int { return sectionSizes[s-1] }

// Room is how many bytes of JSON fit into the section.
func (s Section) Room() int { return s.Size() - blindSize - 2 }

func (s Section) String() string {
	if !s.Valid() {
		return "UNKNOWN"
	}
	return sectionNames[s-1]
}

// MarshalText implements [encoding.TextMarshaler].
func (s Section) MarshalText() ([]byte, error) {
	if !s.Valid() {
		return nil, ErrSection
	}
	return []byte(s.String()), nil
}

// UnmarshalText implements [encoding.TextUnmarshaler].
func (s *Section) UnmarshalText(text []byte) error {
	for i, n := range sectionNames {
		if n == string(text) {
			*s = Section(i + 1)
			return nil
		}
	}
	return ErrSection
}

// A Scope is a set of sections, as a bitmap: bit s−1 stands for section s.
type Scope uint8

// ScopeOf collects sections; it refuses unknown and repeated ones, and any order
// but the sections' own, so that a scope has one form. No sections are scope 0.
func ScopeOf(list []Section) (Scope, error) {
	var sc Scope
	last := Section(0)
	for _, s := range list {
		if !s.Valid() || s <= last {
			return 0, ErrSection
		}
		last = s
		sc |= 1 << (s - 1)
	}
	return sc, nil
}

// Has reports whether s is in the scope.
func (sc Scope) Has(s Section) bool { return sc&(1<<(s-1)) != 0 }

// List is the scope's sections in order; never nil.
func (sc Scope) List() []Section {
	out := []Section{}
	for _, s := range All() {
		if sc.Has(s) {
			out = append(out, s)
		}
	}
	return out
}

func (sc Scope) String() string {
	names := []string{}
	for _, s := range sc.List() {
		names = append(names, s.String())
	}
	return strings.Join(names, ", ")
}

const (
	blindSize = 32
	// SeedSize is the length of a seal seed in bytes.
	SeedSize = 32
)

// A Seed is 32 random bytes that the author's client draws for one revision, and
// from which both sides derive blinds and polynomials.
type Seed [SeedSize]byte

// Blind is the section's blind: HKDF-SHA256 of the seed without salt, info
// "sigill blind v1" ‖ section.
func (s Seed) Blind(sec Section) [blindSize]byte { return s.blinds()(sec) }

// blinds gives a seed's blinds one after the other. What HKDF extracts is the same
// for all, and each is one block of Expand (RFC 5869, section 2.3): HMAC(PRK, info ‖
// 1). It is not safe for concurrent use.
func (s Seed) blinds() func(sec Section) [blindSize]byte {
	prk, err := hkdf.Extract(sha256.New, s[:], nil)
	if err != nil {
		panic("record: " + err.Error()) // a seed has 32 bytes
	}
	mac := hmac.New(sha256.New, prk)
	return func(sec Section) (b [blindSize]byte) {
		mac.Reset()
		mac.Write(append([]byte("sigill blind v1"), byte(sec), 1))
		mac.Sum(b[:0])
		return b
	}
}

// Pad lays out a section: blind ‖ u16 length ‖ JSON ‖ zeros to its size.
func Pad(s Section, blind [blindSize]byte, json []byte) ([]byte, error) {
	if !s.Valid() {
		return nil, ErrSection
	}
	if len(json) > s.Room() {
		return nil, fmt.Errorf("%s: %w", s, ErrFit)
	}
	out := make([]byte, 0, s.Size())
	out = append(out, blind[:]...)
	out = binary.BigEndian.AppendUint16(out, uint16(len(json)))
	out = append(out, json...)
	return out[:s.Size()], nil
}

// Unpad is the inverse of [Pad]; the zeros are checked.
func Unpad(s Section, plaintext []byte) (json []byte, err error) {
	if !s.Valid() {
		return nil, ErrSection
	}
	if len(plaintext) != s.Size() {
		return nil, ErrPadding
	}
	n := int(binary.BigEndian.Uint16(plaintext[blindSize:]))
	rest := plaintext[blindSize+2:]
	if n > len(rest) {
		return nil, ErrPadding
	}
	for _, b := range rest[n:] {
		if b != 0 {
			return nil, ErrPadding
		}
	}
	return rest[:n], nil
}

// Commit is the section's commitment:
// SHA-256("sigill commit v1" ‖ section ‖ plaintext).
func Commit(s Section, plaintext []byte) ident.Digest {
	return ident.Sum([]byte("sigill commit v1"), []byte{byte(s)}, plaintext)
}

// RecordCommitment is SHA-256("sigill record v1" ‖ C1 … C7).
func RecordCommitment(c [Sections]ident.Digest) ident.Digest {
	in := []byte("sigill record v1")
	for _, d := range c {
		in = append(in, d[:]...)
	}
	return ident.Sum(in)
}

// A Nonce is 256 random bits that blind the author commitment. It lies in the
// seal and, until deleted, with the author.
type Nonce [32]byte

// AuthorCommitment binds a person without saying who:
// SHA-256("sigill author v1" ‖ nonce ‖ issuer ‖ subject), where each of the three
// has its u16 length in front. Issuer and subject are at most 65,535 bytes.
func AuthorCommitment(n Nonce, issuer, subject string) ident.Digest {
	in := []byte("sigill author v1")
	for _, part := range []string{string(n[:]), issuer, subject} {
		in = binary.BigEndian.AppendUint16(in, uint16(len(part)))
		in = append(in, part...)
	}
	return ident.Sum(in)
}
