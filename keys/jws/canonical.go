package jws

import (
	"bytes"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
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
// The bytes come from encoding/json: for such structs its output without HTML
// escapes is RFC 8785, which TestCanonicalAgainstLibrary holds against another
// implementation. A struct whose members are out of order is a fault of the
// program and panics.
func Canonical(v any) ([]byte, error) {
	if err := check(reflect.ValueOf(v)); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, fmt.Errorf("encoding: %w", ErrNotCanonical)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// Decode reads data, which must be exactly the canonical form of the value that
// it sets v to: unknown, duplicate or mis-spelt members, white space, other
// escapes and other orders are all refused by this one rule. What v points to
// is replaced as a whole, and left as it was when data is refused.
func Decode(data []byte, v any) error {
	target := reflect.ValueOf(v).Elem()
	fresh := reflect.New(target.Type())
	if err := json.Unmarshal(data, fresh.Interface()); err != nil {
		return ErrNotCanonical
	}
	again, err := Canonical(fresh.Interface())
	if err != nil {
		return err
	}
	if !bytes.Equal(again, data) {
		return ErrNotCanonical
	}
	target.Set(fresh.Elem())
	return nil
}

// CheckText refuses what must not stand in a signed text: invalid UTF-8,
// control characters (also line feeds: longer texts are lists of paragraphs),
// bidirectional controls, and the line separators U+2028 and U+2029. What is
// displayed is then what was signed.
func CheckText(s string) error {
	for len(s) > 0 && s[0] >= 0x20 && s[0] < 0x7f { // nearly all of nearly all texts
		s = s[1:]
	}
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

const maxInt = 1<<53 - 1

func check(v reflect.Value) error {
	if !v.IsValid() {
		return ErrNull
	}
	if v.Kind() != reflect.Pointer && v.Kind() != reflect.String && isText(v.Type()) {
		return nil
	}
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return ErrNull
		}
		return check(v.Elem())
	case reflect.String:
		return CheckText(v.String())
	case reflect.Bool:
		return nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		if n := v.Int(); n < -maxInt || n > maxInt {
			return ErrNumber
		}
		return nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		if v.Uint() > maxInt {
			return ErrNumber
		}
		return nil
	case reflect.Slice:
		if v.IsNil() {
			return ErrNull
		}
		for i := range v.Len() {
			if err := check(v.Index(i)); err != nil {
				return err
			}
		}
		return nil
	case reflect.Struct:
		return checkStruct(v)
	}
	panic("jws: " + v.Type().String() + " has no canonical form")
}

var (
	jsonMarshaler = reflect.TypeFor[json.Marshaler]()
	textMarshaler = reflect.TypeFor[encoding.TextMarshaler]()
	textCache     sync.Map // reflect.Type: bool
)

// isText reports whether values of a type write themselves as a text. A type that
// writes its own JSON would put its bytes past all checks and panics.
func isText(t reflect.Type) bool {
	if is, ok := textCache.Load(t); ok {
		return is.(bool)
	}
	if t.Implements(jsonMarshaler) {
		panic("jws: " + t.String() + " has no canonical form")
	}
	is := t.Implements(textMarshaler)
	textCache.Store(t, is)
	return is
}

func checkStruct(v reflect.Value) error {
	for _, m := range members(v.Type()) {
		f := v.Field(m.index)
		if m.optional && f.IsZero() || m.optional && f.Kind() == reflect.Slice && f.Len() == 0 {
			continue
		}
		if err := check(f); err != nil {
			return err
		}
	}
	return nil
}

type member struct {
	index    int
	optional bool
}

var memberCache sync.Map // reflect.Type: []member

// members lists a struct's members once, and panics if their names are not in
// order (RFC 8785 sorts by UTF-16 units; ours are ASCII) or an optional value
// would be written as empty.
func members(t reflect.Type) []member {
	if m, ok := memberCache.Load(t); ok {
		return m.([]member)
	}
	var list []member
	last := ""
	for i := range t.NumField() {
		f := t.Field(i)
		name, opts, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "-" {
			continue
		}
		if !f.IsExported() || name == "" || name <= last {
			panic("jws: members of " + t.String() + " are not exported, named and in order")
		}
		last = name
		optional := opts == "omitempty" || opts == "omitzero"
		fixed := f.Type.Kind() == reflect.Struct || f.Type.Kind() == reflect.Array
		if opts != "" && !optional || opts == "omitempty" && fixed {
			panic("jws: " + t.String() + " has a member with options that would not leave it out")
		}
		list = append(list, member{i, optional})
	}
	memberCache.Store(t, list)
	return list
}
