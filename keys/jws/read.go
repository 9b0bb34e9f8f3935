package jws

import (
	"bytes"
	"encoding"
	"reflect"
	"slices"
	"strconv"
	"unicode/utf8"
)

// A reader goes once through a text that must be a canonical form. Whatever is
// not what the form has next is refused, so that nothing has to be compared
// afterwards.
type reader struct{ rest []byte }

// skip goes past word and reports whether it stands next.
func (r *reader) skip(word string) bool {
	if len(r.rest) < len(word) || string(r.rest[:len(word)]) != word {
		return false
	}
	r.rest = r.rest[len(word):]
	return true
}

// read sets v, which is zero, to what stands next.
func (f *form) read(r *reader, v reflect.Value) error {
	switch {
	case f.writes, f.reads:
		return f.readsItself(r, v)
	case f.kind == text:
		s, err := r.text()
		if err != nil {
			return err
		}
		v.SetString(string(s))
		return nil
	case f.kind == boolean:
		is := r.skip("true")
		if !is && !r.skip("false") {
			return ErrNotCanonical
		}
		v.SetBool(is)
		return nil
	case f.kind == integer, f.kind == natural:
		return r.integer(v)
	case r.skip("null"):
		return ErrNull
	case f.kind == pointer:
		v.Set(reflect.New(v.Type().Elem()))
		return f.elem.read(r, v.Elem())
	case f.kind == list:
		return f.readList(r, v)
	}
	return f.readObject(r, v)
}

// readsItself reads a value from its text, which must be the one that it writes.
func (f *form) readsItself(r *reader, v reflect.Value) error {
	s, err := r.text()
	if err != nil {
		return err
	}
	to, ok := v.Addr().Interface().(encoding.TextUnmarshaler)
	if !ok || to.UnmarshalText(s) != nil {
		return ErrNotCanonical
	}
	if !f.writes {
		if v.String() != string(s) {
			return ErrNotCanonical
		}
		return nil
	}
	again, err := v.Interface().(encoding.TextMarshaler).MarshalText()
	if err != nil || !bytes.Equal(again, s) {
		return ErrNotCanonical
	}
	return nil
}

func (f *form) readList(r *reader, v reflect.Value) error {
	if !r.skip("[") {
		return ErrNotCanonical
	}
	v.Set(reflect.MakeSlice(v.Type(), 0, 0))
	for n := 0; !r.skip("]"); n++ {
		if n > 0 && !r.skip(",") {
			return ErrNotCanonical
		}
		v.Grow(1)
		v.SetLen(n + 1)
		if err := f.elem.read(r, v.Index(n)); err != nil {
			return err
		}
	}
	return nil
}

func (f *form) readObject(r *reader, v reflect.Value) error {
	if !r.skip("{") {
		return ErrNotCanonical
	}
	first := true
	for i := range f.members {
		m := &f.members[i]
		name := m.name
		if !first {
			name = m.after
		}
		if !r.skip(name) {
			if m.optional {
				continue
			}
			return ErrNotCanonical
		}
		first = false
		field := v.Field(m.index)
		if m.optional && bytes.HasPrefix(r.rest, []byte("null")) {
			return ErrNotCanonical // absent is absent
		}
		if err := m.form.read(r, field); err != nil {
			return err
		}
		if m.absent(field) {
			return ErrNotCanonical
		}
	}
	if !r.skip("}") {
		return ErrNotCanonical
	}
	return nil
}

// text reads a text, which shares the reader's bytes unless something in it is
// escaped.
func (r *reader) text() ([]byte, error) {
	if !r.skip(`"`) {
		return nil, ErrNotCanonical
	}
	n := plainLength(r.rest)
	s := r.rest[:n]
	r.rest = r.rest[n:]
	if r.skip(`"`) { // nearly all texts
		return s, nil
	}
	more, err := r.unquote()
	if err != nil {
		return nil, err
	}
	return append(s[:n:n], more...), nil
}

// unquote reads what is left of a text, from its first character that is not
// plain.
func (r *reader) unquote() ([]byte, error) {
	var s []byte
	for !r.skip(`"`) {
		n := bytes.IndexAny(r.rest, `"\`)
		if n < 0 {
			return nil, ErrNotCanonical
		}
		s = append(s, r.rest[:n]...)
		if r.rest = r.rest[n:]; r.rest[0] == '"' {
			continue
		}
		c, err := r.escaped()
		if err != nil {
			return nil, err
		}
		s = append(s, c)
	}
	return s, checkRead(s)
}

// escaped reads one of the two characters that are escaped in a canonical text.
// Of the others, those that no text may hold are told from those that are written
// as they are.
func (r *reader) escaped() (byte, error) {
	if len(r.rest) < 2 {
		return 0, ErrNotCanonical
	}
	c := r.rest[1]
	switch c {
	case '"', '\\':
		r.rest = r.rest[2:]
		return c, nil
	case 'b', 'f', 'n', 'r', 't':
		return 0, ErrCharacter
	case 'u':
		if len(r.rest) >= 6 {
			if n, err := strconv.ParseUint(string(r.rest[2:6]), 16, 16); err == nil && utf8.ValidRune(rune(n)) && CheckText(string(rune(n))) != nil {
				return 0, ErrCharacter
			}
		}
	}
	return 0, ErrNotCanonical
}

// checkRead tells what is no JSON text at all from what no text may hold.
func checkRead(s []byte) error {
	if !utf8.Valid(s) || slices.ContainsFunc(s, func(c byte) bool { return c < 0x20 }) {
		return ErrNotCanonical
	}
	return CheckText(string(s))
}

// maxDigits is how many digits are looked at: 64 bits have at most 20.
const maxDigits = 20

// integer reads a number into a field that can hold it.
func (r *reader) integer(v reflect.Value) error {
	n := 0
	for n < len(r.rest) && (r.rest[n] >= '0' && r.rest[n] <= '9' || n == 0 && r.rest[0] == '-') {
		if n++; n > maxDigits {
			return ErrNotCanonical
		}
	}
	digits := string(r.rest[:n])
	r.rest = r.rest[n:]
	var written string
	tooLarge := false
	if v.CanInt() {
		i, err := strconv.ParseInt(digits, 10, v.Type().Bits())
		if err != nil {
			return ErrNotCanonical
		}
		v.SetInt(i)
		written, tooLarge = strconv.FormatInt(i, 10), i < -maxInt || i > maxInt
	} else {
		i, err := strconv.ParseUint(digits, 10, v.Type().Bits())
		if err != nil {
			return ErrNotCanonical
		}
		v.SetUint(i)
		written, tooLarge = strconv.FormatUint(i, 10), i > maxInt
	}
	switch {
	case written != digits:
		return ErrNotCanonical
	case tooLarge:
		return ErrNumber
	}
	return nil
}
