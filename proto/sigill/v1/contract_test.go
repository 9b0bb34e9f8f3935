package sigillv1_test

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"buf.build/go/protovalidate"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"

	sigillv1 "sigill/proto/sigill/v1"
)

// TestContract holds the interface to what is promised of every request.
// Comments on everything that has a name are buf's to hold (buf.yaml).
func TestContract(t *testing.T) {
	for _, f := range findings(t, contract()) {
		t.Error(f)
	}
}

// TestContractCanFail breaks one thing at a time in a copy of the real
// interface and expects that finding alone.
func TestContractCanFail(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(spoiled)
		want  string
	}{
		{"a change without a request id", func(s spoiled) { s.field("RequestOpeningRequest", "request_id").Name = proto.String("request_key") },
			"RequestOpening: changes something and has no request_id"},
		{"a request id of any length", func(s spoiled) {
			s.field("CosignDecisionRequest", "request_id").Options = bound(&validate.BytesRules{MaxLen: proto.Uint64(16)})
		},
			"CosignDecisionRequest.request_id: is not exactly 16 bytes"},
		{"a read's request id that is text", func(s spoiled) {
			f := s.field("GetDraftRequest", "request_id")
			f.Type = descriptorpb.FieldDescriptorProto_TYPE_STRING.Enum()
			f.Options = text(&validate.StringRules{Len: proto.Uint64(16)})
		}, "GetDraftRequest.request_id: is not exactly 16 bytes"},
		{"a request id that may be absent", func(s spoiled) {
			rules(s.field("ReturnDraftRequest", "request_id").Options).Ignore = validate.Ignore_IGNORE_IF_ZERO_VALUE.Enum()
		}, "ReturnDraftRequest.request_id: is not exactly 16 bytes"},
		{"one name in two services", func(s spoiled) { s.method("GetOpening").Name = proto.String("GetReview") },
			"GetReview: stands in two services"},
		{"an author's request without padding", func(s spoiled) { s.field("WithdrawDraftRequest", "padding").Name = proto.String("pad") },
			"WithdrawDraft: an author calls it and it has no padding"},
		{"an author's bundle without padding", func(s spoiled) { s.field("GetBundleRequest", "padding").Name = proto.String("pad") },
			"GetBundle: an author calls it and it has no padding"},
		{"bytes without a bound", func(s spoiled) {
			s.field("SubmitDraftRequest", "content").Options = bound(&validate.BytesRules{MinLen: proto.Uint64(1)})
		},
			"SubmitDraftRequest.content: has no upper bound"},
		{"text without a bound", func(s spoiled) { s.field("RefuseOpeningRequest", "vote").Options = nil },
			"RefuseOpeningRequest.vote: has no upper bound"},
		{"bytes without a bound inside a message", func(s spoiled) { s.field("RecordInput", "presenter").Options = nil },
			"RecordInput.presenter: has no upper bound"},
		{"a list without a bound", func(s spoiled) {
			r := rules(s.field("BoardDocument", "signatures").Options).GetRepeated()
			r.MaxItems = nil
		}, "BoardDocument.signatures: has no upper bound"},
		{"a list of unbounded text", func(s spoiled) {
			r := rules(s.field("BoardDocument", "signatures").Options).GetRepeated()
			r.Items.GetString().MaxLen = nil
		}, "BoardDocument.signatures: has no upper bound"},
		{"a rule that is switched off", func(s spoiled) {
			rules(s.field("ApproveOpeningRequest", "vector").Options).Ignore = validate.Ignore_IGNORE_ALWAYS.Enum()
		}, "ApproveOpeningRequest.vector: has no upper bound"},
	} {
		t.Run(c.name, func(t *testing.T) {
			files := contract()
			c.spoil(spoiled{t, files})
			if got := findings(t, files); len(got) != 1 || got[0] != c.want {
				t.Errorf("found %q, want only %q", got, c.want)
			}
		})
	}
}

// TestRulesBite puts real messages before the rules: what the descriptors say is
// what the library that the server uses refuses.
func TestRulesBite(t *testing.T) {
	id := make([]byte, 16)
	for _, c := range []struct {
		size, pad int
		id        []byte
		field     string // what is refused, or nothing
	}{
		{26, 32768, id, ""}, {26, 0, nil, "request_id"}, {26, 0, id[1:], "request_id"}, {26, 0, append(id, 0), "request_id"},
		{25, 0, id, "decision_id"}, {27, 0, id, "decision_id"}, {26, 32769, id, "padding"},
	} {
		err := protovalidate.Validate(&sigillv1.GetDraftRequest{
			RequestId: c.id, DecisionId: strings.Repeat("a", c.size), Padding: make([]byte, c.pad),
		})
		var refused string
		if violations := (*protovalidate.ValidationError)(nil); errors.As(err, &violations) {
			refused = protovalidate.FieldPathString(violations.Violations[0].Proto.GetField())
		} else if err != nil {
			t.Fatal(err)
		}
		if refused != c.field {
			t.Errorf("%d-byte request id, %d-byte decision id, %d zeros: refused %q, want %q", len(c.id), c.size, c.pad, refused, c.field)
		}
	}
}

// contract is a copy of the interface and of all that it imports.
func contract() *descriptorpb.FileDescriptorSet {
	set := &descriptorpb.FileDescriptorSet{}
	seen := map[string]bool{}
	var add func(protoreflect.FileDescriptor)
	add = func(f protoreflect.FileDescriptor) {
		if seen[f.Path()] {
			return
		}
		seen[f.Path()] = true
		for i := range f.Imports().Len() {
			add(f.Imports().Get(i))
		}
		set.File = append(set.File, proto.CloneOf(protodesc.ToFileDescriptorProto(f)))
	}
	own := sigillv1.File_sigill_v1_types_proto.Package()
	protoregistry.GlobalFiles.RangeFilesByPackage(own, func(f protoreflect.FileDescriptor) bool {
		add(f)
		return true
	})
	return set
}

var reads = regexp.MustCompile(`^(Get|List|Watch)[A-Z]`)

func findings(t *testing.T, set *descriptorpb.FileDescriptorSet) []string {
	t.Helper()
	files, err := protodesc.NewFiles(set)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	var services int
	named, seen := map[protoreflect.Name]bool{}, map[protoreflect.FullName]bool{}
	files.RangeFilesByPackage("sigill.v1", func(f protoreflect.FileDescriptor) bool {
		for i := range f.Services().Len() {
			services++
			methods := f.Services().Get(i).Methods()
			for j := range methods.Len() {
				m := methods.Get(j)
				if named[m.Name()] {
					found = append(found, fmt.Sprintf("%s: stands in two services", m.Name()))
				}
				named[m.Name()] = true
				found = append(found, missing(m)...)
				found = append(found, unbounded(m.Input(), seen)...)
			}
		}
		return true
	})
	if services == 0 {
		t.Fatal("no service was read")
	}
	return found
}

// missing lists fields that a method's request must have. The author's requests
// all have one size, so that a length on the wire tells nothing.
func missing(m protoreflect.MethodDescriptor) []string {
	var found []string
	fields := m.Input().Fields()
	if fields.ByName("request_id") == nil && !reads.MatchString(string(m.Name())) {
		found = append(found, fmt.Sprintf("%s: changes something and has no request_id", m.Name()))
	}
	authors := m.Parent().Name() == "DraftingService" || m.Name() == "GetBundle"
	if fields.ByName("padding") == nil && authors {
		found = append(found, fmt.Sprintf("%s: an author calls it and it has no padding", m.Name()))
	}
	return found
}

// unbounded lists the fields of a request, at any depth, that a caller could
// make as long as a message may be, and request ids that are not 16 bytes.
func unbounded(m protoreflect.MessageDescriptor, seen map[protoreflect.FullName]bool) []string {
	if seen[m.FullName()] {
		return nil
	}
	seen[m.FullName()] = true
	var found []string
	for i := range m.Fields().Len() {
		f := m.Fields().Get(i)
		r := rules(f.Options())
		place := fmt.Sprintf("%s.%s", m.Name(), f.Name())
		switch {
		case r.GetIgnore() == validate.Ignore_IGNORE_ALWAYS || !bounded(f, r):
			found = append(found, place+": has no upper bound")
		case f.Name() == "request_id" && !isRequestID(f, r):
			found = append(found, place+": is not exactly 16 bytes")
		}
		if f.Message() != nil {
			found = append(found, unbounded(f.Message(), seen)...)
		}
	}
	return found
}

// isRequestID asks for a rule that an absent id fails too: protovalidate passes
// over an unset field that tracks its presence.
func isRequestID(f protoreflect.FieldDescriptor, r *validate.FieldRules) bool {
	always := !f.HasPresence() && r.GetIgnore() == validate.Ignore_IGNORE_UNSPECIFIED
	return always && f.Kind() == protoreflect.BytesKind && !f.IsList() && r.GetBytes().GetLen() == 16
}

func bounded(f protoreflect.FieldDescriptor, r *validate.FieldRules) bool {
	if f.IsMap() {
		return false // none is needed yet
	}
	if f.IsList() {
		if r.GetRepeated().MaxItems == nil {
			return false
		}
		r = r.GetRepeated().GetItems()
	}
	switch f.Kind() {
	case protoreflect.StringKind:
		s := r.GetString()
		return s != nil && (s.Len != nil || s.MaxLen != nil || s.LenBytes != nil || s.MaxBytes != nil)
	case protoreflect.BytesKind:
		b := r.GetBytes()
		return b != nil && (b.Len != nil || b.MaxLen != nil)
	default:
		return true
	}
}

func rules(o proto.Message) *validate.FieldRules {
	return proto.GetExtension(o, validate.E_Field).(*validate.FieldRules)
}

func bound(r *validate.BytesRules) *descriptorpb.FieldOptions {
	o := &descriptorpb.FieldOptions{}
	proto.SetExtension(o, validate.E_Field, &validate.FieldRules{Type: &validate.FieldRules_Bytes{Bytes: r}})
	return o
}

func text(r *validate.StringRules) *descriptorpb.FieldOptions {
	o := &descriptorpb.FieldOptions{}
	proto.SetExtension(o, validate.E_Field, &validate.FieldRules{Type: &validate.FieldRules_String_{String_: r}})
	return o
}

// spoiled finds the places of a copied interface that a case changes.
type spoiled struct {
	t     *testing.T
	files *descriptorpb.FileDescriptorSet
}

func (s spoiled) field(message, name string) *descriptorpb.FieldDescriptorProto {
	for _, f := range s.files.File {
		for _, m := range f.MessageType {
			i := slices.IndexFunc(m.Field, func(d *descriptorpb.FieldDescriptorProto) bool { return d.GetName() == name })
			if m.GetName() == message && strings.HasPrefix(f.GetPackage(), "sigill.") && i >= 0 {
				return m.Field[i]
			}
		}
	}
	s.t.Fatalf("the interface has no %s.%s", message, name)
	return nil
}

func (s spoiled) method(name string) *descriptorpb.MethodDescriptorProto {
	for _, f := range s.files.File {
		for _, v := range f.Service {
			i := slices.IndexFunc(v.Method, func(d *descriptorpb.MethodDescriptorProto) bool { return d.GetName() == name })
			if i >= 0 {
				return v.Method[i]
			}
		}
	}
	s.t.Fatalf("the interface has no RPC %s", name)
	return nil
}
