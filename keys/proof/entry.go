package proof

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"sigill/keys/ident"
)

const (
	entryVersion = 1

	// EntrySize is the length of every log entry in bytes.
	EntrySize = 1 + 2 + len(Tag{}) + len(ident.Digest{})

	entryLabel = "sigill entry v1"

	// PreimageSize is the length of every preimage in bytes.
	PreimageSize = 1 + len(entryLabel) + 2 + 32 + len(ident.Digest{})
)

// An Entry is one leaf of the log. All are of one size, and nothing in them
// says who acted: a kind, a tag by which those entitled find it, and the digest
// of a [Preimage] that is handed to those who may know what was signed.
type Entry struct {
	Kind   Kind
	Tag    Tag
	Digest ident.Digest
}

// Valid refuses an unknown kind, and a tag that is zero where the kind has one
// or not zero where it has none: there is no room to hide a mark in.
func (e Entry) Valid() error {
	if !e.Kind.known() {
		return fmt.Errorf("%w: %w", ErrEntry, ErrKind)
	}
	if (e.Tag == Tag{}) != e.Kind.OfAuthority() {
		return fmt.Errorf("%w: the tag does not fit the kind", ErrEntry)
	}
	return nil
}

// Marshal is version (u8), kind (u16), tag (16), digest (32): 51 bytes,
// big-endian. [ParseEntry] accepts it if the entry is [Entry.Valid].
func (e Entry) Marshal() []byte {
	b := make([]byte, 0, EntrySize)
	b = append(b, entryVersion)
	b = binary.BigEndian.AppendUint16(b, uint16(e.Kind))
	b = append(b, e.Tag[:]...)
	return append(b, e.Digest[:]...)
}

// ParseEntry reads exactly [EntrySize] bytes of a known version and kind.
func ParseEntry(b []byte) (Entry, error) {
	if len(b) != EntrySize {
		return Entry{}, fmt.Errorf("%w: %d bytes instead of %d", ErrEntry, len(b), EntrySize)
	}
	if b[0] != entryVersion {
		return Entry{}, fmt.Errorf("%w: unknown version", ErrEntry)
	}
	e := Entry{
		Kind:   Kind(binary.BigEndian.Uint16(b[1:])),
		Tag:    Tag(b[3:]),
		Digest: ident.Digest(b[3+len(Tag{}):]),
	}
	if err := e.Valid(); err != nil {
		return Entry{}, err
	}
	return e, nil
}

// LeafHash is the entry's RFC 6962 leaf hash, SHA-256(0x00 ‖ 51 bytes).
func (e Entry) LeafHash() ident.Digest { return ident.Digest(tlog.RecordHash(e.Marshal())) }

// A Preimage is what an entry's digest is the digest of. The random salt keeps
// anyone from guessing which signed bytes an entry stands for.
type Preimage struct {
	Kind   Kind
	Salt   [32]byte
	Signed ident.Digest // SHA-256 of the signed bytes
}

// NewPreimage draws the salt that the kind asks for: none for a document of
// authority, 32 random bytes for everything else.
func NewPreimage(kind Kind, signed ident.Digest) Preimage {
	p := Preimage{Kind: kind, Signed: signed}
	if !kind.OfAuthority() {
		rand.Read(p.Salt[:])
	}
	return p
}

func (p Preimage) valid() error {
	if !p.Kind.known() {
		return fmt.Errorf("%w: %w", ErrPreimage, ErrKind)
	}
	if (p.Salt == [32]byte{}) != p.Kind.OfAuthority() {
		return fmt.Errorf("%w: the salt does not fit the kind", ErrPreimage)
	}
	return nil
}

// Marshal is the label "sigill entry v1" with its length (u8), the kind (u16,
// big-endian), the salt (32) and the digest of the signed bytes (32): 82 bytes.
func (p Preimage) Marshal() []byte {
	b := make([]byte, 0, PreimageSize)
	b = append(b, byte(len(entryLabel)))
	b = append(b, entryLabel...)
	b = binary.BigEndian.AppendUint16(b, uint16(p.Kind))
	b = append(b, p.Salt[:]...)
	return append(b, p.Signed[:]...)
}

// ParsePreimage reads exactly [PreimageSize] bytes of a known kind, with a salt
// that fits it.
func ParsePreimage(b []byte) (Preimage, error) {
	const head = 1 + len(entryLabel)
	if len(b) != PreimageSize || int(b[0]) != len(entryLabel) || string(b[1:head]) != entryLabel {
		return Preimage{}, ErrPreimage
	}
	p := Preimage{
		Kind:   Kind(binary.BigEndian.Uint16(b[head:])),
		Salt:   [32]byte(b[head+2:]),
		Signed: ident.Digest(b[head+2+32:]),
	}
	if err := p.valid(); err != nil {
		return Preimage{}, err
	}
	return p, nil
}

// Digest is SHA-256 of [Preimage.Marshal], as the entry holds it.
func (p Preimage) Digest() ident.Digest { return ident.Sum(p.Marshal()) }

// Entry is the entry for the preimage under a tag (see [Tag]). It fails if salt
// or tag do not fit the kind.
func (p Preimage) Entry(tag Tag) (Entry, error) {
	if err := p.valid(); err != nil {
		return Entry{}, err
	}
	e := Entry{Kind: p.Kind, Tag: tag, Digest: p.Digest()}
	if err := e.Valid(); err != nil {
		return Entry{}, err
	}
	return e, nil
}
