package jws

import (
	"encoding"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"unicode/utf8"
)

// Errors of canonical JSON. None repeats a value.
var (
	ErrNotCanonical = errors.New("not canonical JSON (RFC 8785) of the expected form")
	ErrCharacter    = errors.New("a text holds a control, bidirectional or line-separator character, or is no UTF-8")
	ErrNumber       = errors.New("a number is no integer within ±(2^53−1)")
	ErrNull         = errors.New("null where a value is due")
)

// Canonical is the RFC 8785 form of v, a struct whose members stand in the
// order of their names. Only objects, arrays, texts, booleans and integers
// within ±(2^53−1) can be said; an absent member is absent, never null.
//
// Of such values the form is simple enough to be written and read in one pass
// each, without a general encoder between: TestCanonicalAgainstLibrary holds it
// against another implementation. A type that has no such form (members out of
// order, maps, floats) is a fault of the program and panics.
func Canonical(v any) ([]byte, error) { return AppendCanonical(make([]byte, 0, 512), v) }

// AppendCanonical is [Canonical] behind b, for who knows how long it will be.
func AppendCanonical(b []byte, v any) ([]byte, error) {
	value := reflect.ValueOf(v)
	if !value.IsValid() {
		return nil, ErrNull
	}
	b, err := formOf(value.Type()).append(b, value)
	if err != nil {
		return nil, err
	}
	return b, nil
}

// Decode reads data, which must be exactly the canonical form of the value that
// it sets v to: unknown, duplicate or mis-spelt members, white space, other
// escapes and other orders are all refused, since each byte is what the form
// has there. What v points to is replaced as a whole, and left as it was when
// data is refused.
func Decode(data []byte, v any) error {
	target := reflect.ValueOf(v).Elem()
	fresh := reflect.New(target.Type()).Elem()
	r := reader{data}
	if err := formOf(target.Type()).read(&r, fresh); err != nil {
		return err
	}
	if len(r.rest) > 0 {
		return ErrNotCanonical
	}
	target.Set(fresh)
	return nil
}

// CheckText refuses what must not stand in a signed text: invalid UTF-8,
// control characters (also line feeds: longer texts are lists of paragraphs),
// bidirectional controls, and the line separators U+2028 and U+2029. What is
// displayed is then what was signed.
func CheckText(s string) error {
	s = s[plainLength(s):] // nearly all of nearly all texts
	if !utf8.ValidString(s) {
		return ErrCharacter
	}
	for _, r := range s {
		switch {
		case r < 0x20, r >= 0x7f && r < 0xa0, r == 0x2028, r == 0x2029,
			r == 0x061c, r == 0x200e, r == 0x200f, r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069:
			return ErrCharacter
		}
	}
	return nil
}

// plain are the bytes that every text may hold and that stand for themselves.
var plain = func() (t [256]bool) {
	for c := byte(0x20); c < 0x7f; c++ {
		t[c] = c != '"' && c != '\\'
	}
	return t
}()

// plainLength is how many bytes at the beginning of a text are plain.
func plainLength[T string | []byte](s T) int {
	for i := range len(s) {
		if !plain[s[i]] {
			return i
		}
	}
	return len(s)
}

const maxInt = 1<<53 - 1

// append writes a value in its form.
func (f *form) append(b []byte, v reflect.Value) ([]byte, error) {
	if f.writes {
		text, err := v.Interface().(encoding.TextMarshaler).MarshalText()
		if err != nil {
			return nil, fmt.Errorf("encoding: %w", ErrNotCanonical)
		}
		return appendText(b, text)
	}
	switch f.kind {
	case pointer:
		if v.IsNil() {
			return nil, ErrNull
		}
		return f.elem.append(b, v.Elem())
	case text:
		return appendText(b, v.String())
	case boolean:
		return strconv.AppendBool(b, v.Bool()), nil
	case integer:
		if n := v.Int(); n >= -maxInt && n <= maxInt {
			return strconv.AppendInt(b, n, 10), nil
		}
		return nil, ErrNumber
	case natural:
		if n := v.Uint(); n <= maxInt {
			return strconv.AppendUint(b, n, 10), nil
		}
		return nil, ErrNumber
	case list:
		return f.appendList(b, v)
	}
	return f.appendObject(b, v)
}

// appendText writes a text. Of what RFC 8785 escapes, only quotation marks and
// backslashes get past CheckText.
func appendText[T string | []byte](b []byte, s T) ([]byte, error) {
	b = append(slices.Grow(b, len(s)+2), '"')
	n := plainLength(s)
	b, s = append(b, s[:n]...), s[n:]
	if len(s) == 0 {
		return append(b, '"'), nil
	}
	if err := CheckText(string(s)); err != nil {
		return nil, err
	}
	for i := range len(s) {
		if s[i] == '"' || s[i] == '\\' {
			b = append(b, '\\')
		}
		b = append(b, s[i])
	}
	return append(b, '"'), nil
}

func (f *form) appendList(b []byte, v reflect.Value) (_ []byte, err error) {
	if v.IsNil() {
		return nil, ErrNull
	}
	b = append(b, '[')
	for i := range v.Len() {
		if i > 0 {
			b = append(b, ',')
		}
		if b, err = f.elem.append(b, v.Index(i)); err != nil {
			return nil, err
		}
	}
	return append(b, ']'), nil
}

func (f *form) appendObject(b []byte, v reflect.Value) (_ []byte, err error) {
	b = append(b, '{')
	first := true
	for i := range f.members {
		m := &f.members[i]
		field := v.Field(m.index)
		if m.absent(field) {
			continue
		}
		name := m.name
		if !first {
			name = m.after
		}
		first = false
		b = append(b, name...)
		if b, err = m.form.append(b, field); err != nil {
			return nil, err
		}
	}
	return append(b, '}'), nil
}
