// Package ident holds the small values that every signed byte of Sigill is
// made of: random identifiers, the authority's number, dates and digests.
//
// Start with [NewID], [ParseAuthority], [DateOf] and [Sum]. Each type has one
// text form only and refuses every other, so that equal values are equal bytes
// (proto/SPEC.md, "Values"). TestOneForm and the fuzz targets hold that.
package ident

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"errors"
)

// Errors of the text forms. They name the kind of value, never the value.
var (
	ErrID        = errors.New("not an identifier: 26 characters of lower-case base32, spare bits zero")
	ErrAuthority = errors.New("not an organisation number: NNNNNN-NNNN with a right check digit")
	ErrDate      = errors.New("not a date: YYYY-MM-DD, 1970 to 9999")
	ErrDigest    = errors.New("not a digest: 43 characters of base64url, spare bits zero")
)

// An ID is 128 random bits, written as 26 characters of lower-case base32
// (RFC 4648, no padding, the two spare bits zero). Identifiers are drawn by the
// client that needs them and say nothing about when or by whom.
type ID string

var base32ID = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// NewID draws an identifier from the system's randomness.
func NewID() ID {
	var b [16]byte
	rand.Read(b[:])
	return IDFromBytes(b)
}

// IDFromBytes writes 16 bytes as an identifier.
func IDFromBytes(b [16]byte) ID { return ID(base32ID.EncodeToString(b[:])) }

// ParseID accepts the one text form of an identifier.
func ParseID(s string) (ID, error) {
	if _, ok := idBytes(s); !ok {
		return "", ErrID
	}
	return ID(s), nil
}

// Bytes returns the 16 bytes of a valid identifier, and zeros of any other.
func (id ID) Bytes() [16]byte {
	b, _ := idBytes(string(id))
	return b
}

// idBytes decodes on the stack: an identifier is the key of nearly every row.
func idBytes(s string) (b [16]byte, ok bool) {
	if len(s) != 26 {
		return b, false
	}
	var text, again [26]byte
	copy(text[:], s)
	if n, err := base32ID.Decode(b[:], text[:]); err != nil || n != len(b) {
		return [16]byte{}, false
	}
	if base32ID.Encode(again[:], b[:]); again != text {
		return [16]byte{}, false
	}
	return b, true
}

// UnmarshalText implements [encoding.TextUnmarshaler].
func (id *ID) UnmarshalText(text []byte) (err error) {
	*id, err = ParseID(string(text))
	return err
}

// An Authority is the organisation number of a public authority, written
// NNNNNN-NNNN. It names the issuer in every signed statement and is the origin
// line of the authority's log.
type Authority string

// ParseAuthority accepts an organisation number. Its third digit is at least
// 2, which no personal number's is, and its last is the Luhn check digit: a
// person cannot be registered as an authority by mistake.
func ParseAuthority(s string) (Authority, error) {
	if len(s) != 11 || s[6] != '-' {
		return "", ErrAuthority
	}
	sum := 0
	for i, c := range []byte(s[:6] + s[7:]) {
		if c < '0' || c > '9' {
			return "", ErrAuthority
		}
		d := int(c - '0')
		if i%2 == 0 {
			d *= 2
		}
		sum += d/10 + d%10
	}
	if s[2] < '2' || sum%10 != 0 {
		return "", ErrAuthority
	}
	return Authority(s), nil
}

// UnmarshalText implements [encoding.TextUnmarshaler].
func (a *Authority) UnmarshalText(text []byte) (err error) {
	*a, err = ParseAuthority(string(text))
	return err
}

// A Digest is a SHA-256 value. In text it is base64url without padding.
type Digest [sha256.Size]byte

// Sum is the SHA-256 of the parts, one after the other, with nothing between
// them: callers frame what could run together.
func Sum[T ~string | ~[]byte](parts ...T) (d Digest) {
	if len(parts) == 1 {
		return sha256.Sum256([]byte(parts[0]))
	}
	h := sha256.New()
	for _, p := range parts {
		h.Write([]byte(p))
	}
	h.Sum(d[:0])
	return d
}

// ParseDigest accepts the one text form of a digest.
func ParseDigest(s string) (d Digest, err error) {
	if len(s) != 43 {
		return d, ErrDigest
	}
	var text [43]byte
	copy(text[:], s)
	if n, err := strict64.Decode(d[:], text[:]); err != nil || n != len(d) {
		return Digest{}, ErrDigest
	}
	return d, nil
}

var strict64 = base64.RawURLEncoding.Strict()

// DigestFromBytes takes exactly 32 bytes.
func DigestFromBytes(b []byte) (d Digest, err error) {
	if len(b) != len(d) {
		return d, ErrDigest
	}
	return Digest(b), nil
}

// String is the text form.
func (d Digest) String() string { return base64.RawURLEncoding.EncodeToString(d[:]) }

// IsZero reports whether d is all zeros, which no statement's digest is.
func (d Digest) IsZero() bool { return d == Digest{} }

// Compare orders digests by their bytes.
func (d Digest) Compare(o Digest) int { return bytes.Compare(d[:], o[:]) }

// MarshalText implements [encoding.TextMarshaler].
func (d Digest) MarshalText() ([]byte, error) {
	return base64.RawURLEncoding.AppendEncode(make([]byte, 0, 43), d[:]), nil
}

// UnmarshalText implements [encoding.TextUnmarshaler].
func (d *Digest) UnmarshalText(text []byte) (err error) {
	*d, err = ParseDigest(string(text))
	return err
}

// Bytes is a byte string that is written as base64url without padding.
type Bytes []byte

// ErrBytes is the error of [Bytes]' text form.
var ErrBytes = errors.New("not canonical base64url without padding")

// MarshalText implements [encoding.TextMarshaler].
func (b Bytes) MarshalText() ([]byte, error) {
	return base64.RawURLEncoding.AppendEncode(nil, b), nil
}

// UnmarshalText implements [encoding.TextUnmarshaler].
func (b *Bytes) UnmarshalText(text []byte) error {
	d, err := base64.RawURLEncoding.Strict().DecodeString(string(text))
	if err != nil || base64.RawURLEncoding.EncodedLen(len(d)) != len(text) {
		return ErrBytes
	}
	*b = d
	return nil
}
