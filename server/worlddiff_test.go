package server_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/fxamacker/cbor/v2"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"sigill/keys/proof"
	"sigill/keys/seal"
)

// A recording is all that others see of a world, in order.
type recording []seen

type seen struct {
	place string // what it is; equal in all worlds
	key   string // of a row
	value []byte
	as    proto.Message // the message that the value is, if it is one
}

// compare names what differs between two recordings: places, down to the field. A
// difference of length is said as such. Rows are held against those of the same key,
// and what has no such row against the others of its room that have none.
func compare(a, b recording) map[string]bool {
	found := map[string]bool{}
	if len(a) != len(b) {
		found[fmt.Sprintf("%d things are seen, and %d", len(a), len(b))] = true
	}
	at := map[string]int{}
	for i, s := range b {
		if s.key != "" {
			at[s.place+s.key] = i
		}
	}
	var left, right recording
	taken := map[int]bool{}
	for _, s := range a {
		if i, ok := at[s.place+s.key]; s.key != "" && ok {
			diff(s.place, s.part(), b[i].part(), found)
			taken[i] = true
			continue
		}
		left = append(left, s)
	}
	for i, s := range b {
		if !taken[i] {
			right = append(right, s)
		}
	}
	for i := range min(len(left), len(right)) {
		x, y := left[i], right[i]
		if x.place != y.place || len(x.key) != len(y.key) {
			found[fmt.Sprintf("%q is seen, and %q", x.place, y.place)] = true
			continue
		}
		if x.key != "" && !strings.HasSuffix(x.place, ": size") {
			found[x.place+": key"] = true
		}
		diff(x.place, x.part(), y.part(), found)
	}
	return found
}

func (s seen) part() part {
	if s.as == nil {
		return part{bytes: s.value}
	}
	return part{s.value, s.as.ProtoReflect()}
}

// A part is bytes, and the message that they are if they are known to be one.
type part struct {
	bytes   []byte
	message protoreflect.Message
}

func diff(at string, a, b part, found map[string]bool) {
	if bytes.Equal(a.bytes, b.bytes) {
		return
	}
	if len(a.bytes) != len(b.bytes) {
		found[at+": length"] = true
		return
	}
	for _, open := range []func(part) map[string]part{ofMessage, ofJWS, ofJSON, ofCBOR, ofHead, ofWrapping, ofEntry, ofPreimage, ofLines, ofBase64} {
		x, y := open(a), open(b)
		if x == nil || y == nil {
			continue
		}
		if !slices.Equal(slices.Sorted(maps.Keys(x)), slices.Sorted(maps.Keys(y))) {
			found[at+": other fields"] = true
			return
		}
		for k := range x {
			dot := "."
			if strings.HasPrefix(k, "[") {
				dot = ""
			}
			diff(at+dot+k, x[k], y[k], found)
		}
		return
	}
	found[at] = true
}

// ofMessage takes a message apart.
func ofMessage(p part) map[string]part {
	if p.message == nil {
		return nil
	}
	out := map[string]part{}
	one := func(name string, f protoreflect.FieldDescriptor, v protoreflect.Value) {
		switch {
		case f.Message() != nil:
			b, err := proto.MarshalOptions{Deterministic: true}.Marshal(v.Message().Interface())
			if err != nil {
				panic(err)
			}
			out[name] = part{b, v.Message()}
		case f.Kind() == protoreflect.BytesKind:
			out[name] = part{bytes: v.Bytes()}
		default:
			out[name] = part{bytes: []byte(v.String())}
		}
	}
	p.message.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		name := string(f.Name())
		if !f.IsList() {
			one(name, f, v)
			return true
		}
		for i := range v.List().Len() {
			one(fmt.Sprintf("%s[%d]", name, i), f, v.List().Get(i))
		}
		return true
	})
	return out
}

// ofJWS takes a compact JWS apart.
func ofJWS(p part) map[string]part {
	parts := strings.Split(string(p.bytes), ".")
	if len(parts) != 3 {
		return nil
	}
	out := map[string]part{}
	for i, name := range []string{"header", "payload", "signature"} {
		b, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err != nil {
			return nil
		}
		out[name] = part{bytes: b}
	}
	return out
}

func ofJSON(p part) map[string]part {
	out := map[string]part{}
	var object map[string]json.RawMessage
	var list []json.RawMessage
	switch {
	case json.Unmarshal(p.bytes, &object) == nil:
	case json.Unmarshal(p.bytes, &list) == nil:
		object = map[string]json.RawMessage{}
		for i, v := range list {
			object[fmt.Sprintf("[%d]", i)] = v
		}
	}
	for k, v := range object {
		var text string
		if json.Unmarshal(v, &text) == nil {
			v = []byte(text)
		}
		out[k] = part{bytes: v}
	}
	return some(out)
}

// ofCBOR takes a row apart, whose fields have numbers.
func ofCBOR(p part) map[string]part {
	out := map[string]part{}
	var object map[int]cbor.RawMessage
	var list []cbor.RawMessage
	switch {
	case cbor.Unmarshal(p.bytes, &object) == nil:
	case cbor.Unmarshal(p.bytes, &list) == nil:
		object = map[int]cbor.RawMessage{}
	}
	add := func(name string, v cbor.RawMessage) {
		var text string
		var raw []byte
		switch {
		case cbor.Unmarshal(v, &text) == nil:
			v = []byte(text)
		case cbor.Unmarshal(v, &raw) == nil:
			v = raw
		}
		out[name] = part{bytes: v}
	}
	for k, v := range object {
		add(fmt.Sprint(k), v)
	}
	for i, v := range list {
		add(fmt.Sprintf("[%d]", i), v)
	}
	return some(out)
}

// ofHead takes the head of a seal apart.
func ofHead(p part) map[string]part {
	h, err := seal.ParseHead(p.bytes)
	if err != nil {
		return nil
	}
	b, err := json.Marshal(h)
	if err != nil {
		panic(err)
	}
	return ofJSON(part{bytes: b})
}

// ofWrapping takes what one reviewer can open apart: the box is an encapsulated key
// of 1,120 bytes and a ciphertext.
func ofWrapping(p part) map[string]part {
	w, err := seal.ParseWrapping(p.bytes)
	if err != nil {
		return nil
	}
	return map[string]part{"whose": {bytes: p.bytes[:len(p.bytes)-len(w.Box)]}, "enc": {bytes: w.Box[:1120]}, "ciphertext": {bytes: w.Box[1120:]}}
}

// ofEntry takes an entry of the log apart: version, kind, tag, digest.
func ofEntry(p part) map[string]part {
	if len(p.bytes) != 51 || p.bytes[0] != 1 {
		return nil
	}
	return map[string]part{"kind": {bytes: p.bytes[:3]}, "tag": {bytes: p.bytes[3:19]}, "digest": {bytes: p.bytes[19:]}}
}

// ofPreimage takes what an entry's digest is of apart.
func ofPreimage(p part) map[string]part {
	if len(p.bytes) != proof.PreimageSize || !bytes.Contains(p.bytes, []byte("sigill entry")) {
		return nil
	}
	at := proof.PreimageSize - 32
	return map[string]part{"salted": {bytes: p.bytes[:at]}, "signed": {bytes: p.bytes[at:]}}
}

// ofLines takes checkpoints and proofs apart.
func ofLines(p part) map[string]part {
	if !bytes.Contains(p.bytes, []byte("\n\n— ")) {
		return nil
	}
	out := map[string]part{}
	for i, line := range strings.Split(string(p.bytes), "\n") {
		name, value, spaced := strings.Cut(line, " ")
		if !spaced {
			name, value = "", line
		}
		out[fmt.Sprintf("line %d %s", i, name)] = part{bytes: []byte(value)}
	}
	return out
}

// ofBase64 is for texts that hold something of a form.
func ofBase64(p part) map[string]part {
	for _, enc := range []*base64.Encoding{base64.RawURLEncoding, base64.StdEncoding} {
		b, err := enc.DecodeString(string(p.bytes))
		if err != nil {
			continue
		}
		for _, open := range []func(part) map[string]part{ofJWS, ofJSON, ofHead, ofPreimage, ofLines} {
			if out := open(part{bytes: b}); out != nil {
				return out
			}
		}
	}
	return nil
}

func some(out map[string]part) map[string]part {
	if len(out) == 0 {
		return nil
	}
	return out
}
