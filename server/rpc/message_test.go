package rpc_test

import (
	"bytes"
	"compress/gzip"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"sigill/keys/bundle"
	"sigill/keys/jws"
	"sigill/keys/statement"
	sigillv1 "sigill/proto/sigill/v1"
	"sigill/scripts/authority"
	"sigill/scripts/canary"
)

const (
	getBundle   = "/sigill.v1.VerificationService/GetBundle"
	submitDraft = "/sigill.v1.DraftingService/SubmitDraft"
	longest     = 2<<20 + 64<<10
)

// A message is a body that comes in, and what is answered.
type message struct {
	path    string
	body    []byte
	headers []string
	code    codes.Code
}

// refused sends messages, and checks that nothing of them is left or said again.
func refused(t *testing.T, cases map[string]message) {
	t.Helper()
	w := newWorld(t, authority.Options{})
	look := w.watcher()
	for name, c := range cases {
		a := post(t, w.Addr, c.path, c.body, c.headers...)
		if !a.is(200, c.code) {
			t.Errorf("%s: HTTP %d, status %s %q; want 200, %d", name, a.http, a.code, a.message, c.code)
		}
		if strings.Contains(a.message, needle) || len(a.body) != 0 {
			t.Errorf("%s: says %q and %q", name, a.message, a.body)
		}
		look.nothing(name)
	}
	w.served()
}

// allocated is what all of this process took while something ran, in bytes.
func allocated(do func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	do()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// TestG01_tooLong: one byte over the limit; at the limit it is read, and is no message.
func TestG01_tooLong(t *testing.T) {
	refused(t, map[string]message{
		"a byte over":  {getProof, framed(make([]byte, longest+1)), nil, codes.ResourceExhausted},
		"at the limit": {getProof, framed(make([]byte, longest)), nil, codes.Internal},
	})
}

// TestG02_declaredLength: 4 GiB are declared and a byte is sent. Nothing is made
// ready for the rest.
func TestG02_declaredLength(t *testing.T) {
	took := allocated(func() {
		refused(t, map[string]message{"4 GiB": {getProof, frame(0, 1<<32-1, []byte{0}), nil, codes.ResourceExhausted}})
	})
	if took > 256<<20 {
		t.Errorf("%d MiB were allocated", took>>20)
	}
}

// TestG03_gzip: no compression is registered, so that 1 GiB of zeros under gzip is
// refused before anything is unpacked.
func TestG03_gzip(t *testing.T) {
	var member bytes.Buffer
	z := gzip.NewWriter(&member)
	if _, err := z.Write(make([]byte, 1<<20)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	bomb := bytes.Repeat(member.Bytes(), 1<<10)
	gzipped := []string{"grpc-encoding", "gzip"}
	took := allocated(func() {
		refused(t, map[string]message{
			"a bomb":          {getProof, frame(1, len(bomb), bomb), gzipped, codes.Unimplemented},
			"no encoding":     {getProof, frame(1, len(bomb), bomb), nil, codes.Internal},
			"said, but plain": {getProof, framed(noProof()), gzipped, codes.Unimplemented},
		})
	})
	if took > 256<<20 {
		t.Errorf("%d MiB were allocated", took>>20)
	}
}

// TestG04_zstd: an encoding that nobody has registered.
func TestG04_zstd(t *testing.T) {
	refused(t, map[string]message{
		"zstd": {getProof, frame(1, len(noProof()), noProof()), []string{"grpc-encoding", "zstd"}, codes.Unimplemented},
	})
}

// TestG05_truncated: what is cut short, or has a wire type that there is not. A
// known field of another type is an unknown one, and the message lacks it.
func TestG05_truncated(t *testing.T) {
	text := field(1, []byte(needle))
	refused(t, map[string]message{
		"well-formed":         {getProof, framed(noProof()), nil, codes.NotFound},
		"cut short":           {getProof, framed(text[:5]), nil, codes.Internal},
		"cut short, no token": {submitDraft, framed(field(2, []byte(needle))[:8]), nil, codes.Internal},
		"no such wire type":   {getProof, framed(append(text, 0x0f)), nil, codes.Internal},
		"field 0":             {getProof, framed(append([]byte{0x02, byte(len(needle))}, needle...)), nil, codes.Internal},
		"a varint for bytes":  {getProof, framed(protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), 7)), nil, codes.InvalidArgument},
	})
}

// TestG06_badUTF8: text that is none.
func TestG06_badUTF8(t *testing.T) {
	refused(t, map[string]message{
		"a lone byte":    {getBundle, framed(field(2, []byte(needle+"\xff"))), nil, codes.Internal},
		"overlong":       {getBundle, framed(field(2, []byte(needle+"\xc0\xaf"))), nil, codes.Internal},
		"half a pair":    {getBundle, framed(field(2, []byte(needle+"\xed\xa0\x80"))), nil, codes.Internal},
		"of a statement": {submitDraft, framed(field(2, []byte(needle+"\xff"))), nil, codes.Internal},
	})
}

// TestG07_nestedGroups: 20,000 groups in each other, ended and not.
func TestG07_nestedGroups(t *testing.T) {
	const depth = 20_000
	open := bytes.Repeat(protowire.AppendTag(nil, 99, protowire.StartGroupType), depth)
	ended := append(bytes.Clone(open), bytes.Repeat(protowire.AppendTag(nil, 99, protowire.EndGroupType), depth)...)
	refused(t, map[string]message{
		"not ended": {getProof, framed(open), nil, codes.Internal},
		"ended":     {getProof, framed(ended), nil, codes.Internal},
	})
}

// addUnknown gives a message and all that it holds a field that the contract does
// not have.
func addUnknown(m protoreflect.Message, b []byte) {
	m.SetUnknown(protowire.AppendBytes(protowire.AppendTag(nil, 999, protowire.BytesType), b))
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		if f.Message() != nil && !f.IsList() && !f.IsMap() {
			addUnknown(v.Message(), b)
		}
		return true
	})
}

// TestG08_unknownFields: a draft and a signature with fields that nobody knows, at
// every depth, are taken; the fields are not stored, signed, shown or logged. Of
// those without padding a megabyte is sent, which no store could take unseen.
func TestG08_unknownFields(t *testing.T) {
	var c catch
	w := newWorld(t, authority.Options{Dial: c.dial})
	m := w.matter()
	var told []byte
	draft := c.from(t, "SubmitDraft", func() error { return m.submit() })
	padding := draft.message.(*sigillv1.SubmitDraftRequest)
	size := proto.Size(padding)
	addUnknown(padding.ProtoReflect(), []byte(needle))
	padding.Padding = padding.Padding[:len(padding.Padding)-(proto.Size(padding)-size)]
	var submitted sigillv1.SubmitDraftResponse
	if err := w.ask(draft, &submitted); err != nil {
		t.Fatal("a draft: ", err)
	}
	told = append(told, submitted.GetReceipt()...)
	before := w.stored()
	sign := c.from(t, "CosignDecision", m.sign)
	addUnknown(sign.message.ProtoReflect(), bytes.Repeat([]byte(needle), 1<<20/len(needle)))
	var signed sigillv1.CosignDecisionResponse
	if err := w.ask(sign, &signed); err != nil {
		t.Fatal("a signature: ", err)
	}
	told = append(told, signed.GetBundle()...)
	v, err := bundle.Verify(signed.GetBundle(), w.Trust)
	if err != nil {
		t.Fatal(err)
	}
	if more := w.stored() - before; more > 512<<10 {
		t.Errorf("the store is %d KiB larger", more>>10)
	}
	for name, b := range map[string][]byte{"answers": told, "decision": v.Content, "store": w.file("data/store.db"), "log": w.file(authority.LogFile)} {
		n := canary.NewNeedles()
		n.Add("unknown", needle)
		if found := n.Find(b); len(b) == 0 || len(found) != 0 {
			t.Errorf("%s: %d bytes, found %v", name, len(b), found)
		}
	}
}

// TestG09_fieldTwice: of a field that comes twice the last counts. What is signed,
// and what makes the request the same one, is what was read and not its bytes.
func TestG09_fieldTwice(t *testing.T) {
	var c catch
	w := newWorld(t, authority.Options{Dial: c.dial})
	m := w.matter()
	if err := m.submit(); err != nil {
		t.Fatal(err)
	}
	sign := c.from(t, "CosignDecision", m.sign)
	other := field(2, []byte("e30."+needle+".e30"))
	otherID := field(1, make([]byte, 16))
	look := w.watcher()
	last := post(t, w.Addr, sign.method, framed(append(w.body(sign), other...)), w.values(sign)...)
	if !last.is(200, codes.InvalidArgument) || strings.Contains(last.message, needle) || len(last.body) != 0 {
		t.Errorf("another approval last: %s %q", last.code, last.message)
	}
	if now := look.sees(); now.pending != 1 || now.log > look.was.log+1 { // an event at most
		t.Errorf("%+v became %+v", look.was, now)
	}
	first := post(t, w.Addr, sign.method, framed(append(append(otherID, other...), w.body(sign)...)), w.values(sign)...)
	if !first.is(200, codes.OK) {
		t.Fatalf("another approval first: %s %q", first.code, first.message)
	}
	var signed sigillv1.CosignDecisionResponse
	if err := proto.Unmarshal(first.body[5:], &signed); err != nil {
		t.Fatal(err)
	}
	v, err := bundle.Verify(signed.GetBundle(), w.Trust)
	if err != nil || v.Approval.Decision != m.decision {
		t.Fatal(err)
	}
	var approval statement.Approval
	if err := jws.Peek(sign.message.(*sigillv1.CosignDecisionRequest).GetApproval(), &approval); err != nil || !reflect.DeepEqual(v.Approval, approval) {
		t.Error("the bundle has another approval", err)
	}
	once := look.sees()
	var again sigillv1.CosignDecisionResponse
	if err := w.ask(sign, &again); err != nil || !bytes.Equal(again.GetBundle(), signed.GetBundle()) {
		t.Error("the same request, each field once: ", status.Convert(err))
	}
	if now := look.sees(); now != once {
		t.Errorf("%+v became %+v", once, now)
	}
}
