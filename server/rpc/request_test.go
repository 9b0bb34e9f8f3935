package rpc_test

import (
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"sigill/keys/token"
	"sigill/scripts/authority"
	"sigill/server/access"
)

// verbatim is a codec that sends what it is given, and throws answers away.
type verbatim struct{}

func (verbatim) Name() string { return "proto" }

func (verbatim) Marshal(v any) (mem.BufferSlice, error) {
	return mem.BufferSlice{mem.SliceBuffer(v.([]byte))}, nil
}

func (verbatim) Unmarshal(mem.BufferSlice, any) error { return nil }

var _ encoding.CodecV2 = verbatim{}

// A target is a unary method and a token of someone who may call it.
type target struct {
	path   string
	input  protoreflect.MessageDescriptor
	values []string
}

func (w *world) targets() (list []target) {
	users := map[token.Role]string{token.Caseworker: "asa", token.Signer: "direktor", token.Registrar: "registrator", token.Requester: "domstol",
		token.Reviewer: "granskare-1-1", token.Administrator: "drift"}
	tokens := map[token.Role]string{}
	for role, user := range users {
		tokens[role], _ = w.login(user, false)
	}
	for _, f := range files {
		for i := range f.Services().Len() {
			s := f.Services().Get(i)
			for j := range s.Methods().Len() {
				m := s.Methods().Get(j)
				c := target{path: "/" + string(s.FullName()) + "/" + string(m.Name()), input: m.Input()}
				for role, tok := range tokens {
					if access.May(c.path, role) {
						c.values = []string{"authorization", "Bearer " + tok, "sigill-author-nonce-bin", strings.Repeat("n", 32)}
					}
				}
				if !m.IsStreamingServer() {
					list = append(list, c)
				}
			}
		}
	}
	return list
}

// filled gives every field a value of its kind; texts and bytes are long enough
// for an id.
func filled(m protoreflect.Message, depth int) {
	for i := range m.Descriptor().Fields().Len() {
		f := m.Descriptor().Fields().Get(i)
		value := func() protoreflect.Value {
			switch f.Kind() {
			case protoreflect.StringKind:
				return protoreflect.ValueOfString("mfrggzdfmztwq2lknnwg23tpoa")
			case protoreflect.BytesKind:
				return protoreflect.ValueOfBytes([]byte(needle + needle[:7]))
			case protoreflect.MessageKind:
				v := m.NewField(f)
				if f.IsList() {
					v = v.List().NewElement()
				}
				if depth > 0 {
					filled(v.Message(), depth-1)
				}
				return v
			case protoreflect.EnumKind:
				return protoreflect.ValueOfEnum(1)
			case protoreflect.BoolKind:
				return protoreflect.ValueOfBool(true)
			case protoreflect.Uint32Kind:
				return protoreflect.ValueOfUint32(1)
			case protoreflect.Uint64Kind:
				return protoreflect.ValueOfUint64(1)
			}
			return protoreflect.Value{}
		}()
		switch {
		case !value.IsValid():
		case f.IsList():
			m.Mutable(f).List().Append(value)
		case !f.IsMap():
			m.Set(f, value)
		}
	}
}

// texts are what a caller wrote that is long enough to be known again.
func texts(m protoreflect.Message) (list []string) {
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		add := func(v protoreflect.Value) {
			switch {
			case f.Kind() == protoreflect.MessageKind:
				list = append(list, texts(v.Message())...)
			case f.Kind() == protoreflect.StringKind && len(v.String()) > 12:
				list = append(list, v.String())
			case f.Kind() == protoreflect.BytesKind && len(v.Bytes()) > 12:
				list = append(list, string(v.Bytes()))
			}
		}
		switch {
		case f.IsMap():
		case f.IsList():
			for i := range v.List().Len() {
				add(v.List().Get(i))
			}
		default:
			add(v)
		}
		return true
	})
	return list
}

// sized is the message with the padding that its method asks for, if it does.
func (c target) sized(m proto.Message) proto.Message {
	padding, content := c.input.Fields().ByName("padding"), c.input.Fields().ByName("content")
	if padding == nil {
		return m
	}
	const step = 32 << 10
	free, out := step, proto.Clone(m)
	if content != nil {
		bare := proto.Clone(m)
		bare.ProtoReflect().Clear(content)
		free += (proto.Size(m) - proto.Size(bare) + step - 1) / step * step
	}
	for i := 1; i < len(c.values); i += 2 {
		free -= len(c.values[i])
	}
	for n := free; n > 0; n-- {
		out.ProtoReflect().Set(padding, protoreflect.ValueOfBytes(make([]byte, n)))
		if over := proto.Size(out) - free; over > 4 {
			n -= over - 4
		} else if over <= 0 {
			break
		}
	}
	return out
}

// FuzzRequest: any bytes as any method's request, by someone who may call it, get an
// answer that says what is wrong with them and repeats nothing.
func FuzzRequest(f *testing.F) {
	w := newWorld(f, authority.Options{})
	if err := w.Publish(f.Context()); err != nil {
		f.Fatal(err)
	}
	list := w.targets()
	for i, c := range list {
		m := dynamicpb.NewMessage(c.input)
		filled(m, 3)
		b, err := proto.Marshal(m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(uint8(i), b)
	}
	f.Fuzz(func(t *testing.T, which uint8, body []byte) {
		c := list[int(which)%len(list)]
		m := dynamicpb.NewMessage(c.input)
		malformed := proto.Unmarshal(body, m) != nil
		if !malformed {
			var err error
			if body, err = proto.Marshal(c.sized(m)); err != nil {
				t.Fatal(err)
			}
		}
		ctx := metadata.NewOutgoingContext(t.Context(), metadata.Pairs(c.values...))
		st := status.Convert(w.cc.Invoke(ctx, c.path, body, nil, grpc.ForceCodecV2(verbatim{})))
		switch st.Code() {
		case codes.Internal:
			if !malformed {
				t.Fatalf("%s: %v", c.path, st)
			}
		case codes.Unknown, codes.Unauthenticated, codes.Unavailable, codes.DataLoss:
			t.Fatalf("%s: %v", c.path, st)
		case codes.OK:
			if malformed {
				t.Fatalf("%s: read what is not a message", c.path)
			}
		}
		said := st.Proto().String()
		for _, text := range texts(m) {
			if strings.Contains(said, text) || strings.Contains(said, needle) {
				t.Fatalf("%s repeats what it was sent: %s", c.path, said)
			}
		}
	})
}
