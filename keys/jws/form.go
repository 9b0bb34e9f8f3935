package jws

import (
	"encoding"
	"encoding/json"
	"reflect"
	"strings"
	"sync"
)

// A form is how values of a type are written and read. It is found once for
// each type.
type form struct {
	kind    kind
	writes  bool // values write themselves as a text
	reads   bool // and read themselves from one
	elem    *form
	members []member
}

type kind uint8

const (
	pointer kind = iota + 1
	text
	boolean
	integer // signed
	natural // unsigned
	list
	object
)

// A member is a field of a struct.
type member struct {
	name     string // with its quotation marks and colon
	after    string // the same behind another member
	index    int
	form     *form
	optional bool
	emptied  bool // a list without entries is absent too
}

// absent reports whether the canonical form leaves the member out.
func (m *member) absent(v reflect.Value) bool {
	return m.optional && (v.IsZero() || m.emptied && v.Kind() == reflect.Slice && v.Len() == 0)
}

var (
	jsonMarshaler   = reflect.TypeFor[json.Marshaler]()
	textMarshaler   = reflect.TypeFor[encoding.TextMarshaler]()
	textUnmarshaler = reflect.TypeFor[encoding.TextUnmarshaler]()
	forms           sync.Map // reflect.Type: *form
)

func formOf(t reflect.Type) *form {
	if f, ok := forms.Load(t); ok {
		return f.(*form)
	}
	f := newForm(t)
	forms.Store(t, f)
	return f
}

var kinds = map[reflect.Kind]kind{
	reflect.Pointer: pointer, reflect.String: text, reflect.Bool: boolean, reflect.Slice: list, reflect.Struct: object,
	reflect.Int: integer, reflect.Int8: integer, reflect.Int16: integer, reflect.Int32: integer, reflect.Int64: integer,
	reflect.Uint: natural, reflect.Uint8: natural, reflect.Uint16: natural, reflect.Uint32: natural, reflect.Uint64: natural,
}

// newForm panics for a type that has no form: one of another kind, and one that
// writes its own JSON, whose bytes would get past all checks.
func newForm(t reflect.Type) *form {
	f := &form{kind: kinds[t.Kind()]}
	if f.kind != pointer {
		f.writes, f.reads = t.Implements(textMarshaler), reflect.PointerTo(t).Implements(textUnmarshaler)
	}
	switch {
	case t.Implements(jsonMarshaler), f.kind == 0 && !f.writes, f.kind == list && !f.writes && bytesOf(t.Elem()):
		panic("jws: " + t.String() + " has no canonical form")
	case f.writes:
	case f.kind == pointer, f.kind == list:
		f.elem = formOf(t.Elem())
	case f.kind == object:
		f.members = membersOf(t)
	}
	return f
}

// bytesOf: a list of bytes would be a list of numbers here, and one text elsewhere.
func bytesOf(t reflect.Type) bool { return t.Kind() == reflect.Uint8 && !t.Implements(textMarshaler) }

// membersOf panics if the members' names are not in order (RFC 8785 sorts by
// UTF-16 units; ours are ASCII) or an optional value would be written as empty.
func membersOf(t reflect.Type) []member {
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
		list = append(list, member{`"` + name + `":`, `,"` + name + `":`, i, formOf(f.Type), optional, opts == "omitempty"})
	}
	return list
}
