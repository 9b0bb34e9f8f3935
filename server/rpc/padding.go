package rpc

import (
	"context"
	"encoding/base64"

	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"sigill/keys/token"
)

// Metadata of a caller.
const (
	mdAuthorization = "authorization"
	mdProof         = "dpop"
	mdAuthorNonce   = "sigill-author-nonce-bin"
	mdAuthorProof   = "sigill-author-proof"
)

// padded holds an author's request to its size: its padding is the longest with which
// it is no larger.
func padded(ctx context.Context, m proto.Message) error {
	fields := m.ProtoReflect().Descriptor().Fields()
	padding := fields.ByName("padding")
	if padding == nil {
		return nil
	}
	want := token.PaddedStep
	if f := fields.ByName("content"); f != nil {
		want += token.Steps(sizeOf(f, len(m.ProtoReflect().Get(f).Bytes())))
	}
	var values []string
	for _, key := range []string{mdAuthorization, mdProof, mdAuthorProof} {
		values = append(values, metadata.ValueFromIncomingContext(ctx, key)...)
	}
	for _, v := range metadata.ValueFromIncomingContext(ctx, mdAuthorNonce) {
		values = append(values, base64.RawStdEncoding.EncodeToString([]byte(v)))
	}
	size, n := proto.Size(m), len(m.ProtoReflect().Get(padding).Bytes())
	more := size - sizeOf(padding, n) + sizeOf(padding, n+1)
	if token.RequestSize(values, size) > want || token.RequestSize(values, more) <= want {
		return &malformed{fields: []string{"padding"}}
	}
	return nil
}

// filled is an answer of which an author may be the reader, brought to whole steps by
// its padding: how long a text is or how many have opened a seal would say whose it is.
// One byte may be missing where its own length takes one more.
func filled[M proto.Message](m M) M {
	padding := m.ProtoReflect().Descriptor().Fields().ByName("padding")
	free := -proto.Size(m)
	free += token.Steps(3 - free) // tag, length and a byte at least
	n := free - 2
	for sizeOf(padding, n) > free {
		n--
	}
	m.ProtoReflect().Set(padding, protoreflect.ValueOfBytes(make([]byte, n)))
	return m
}

// sizeOf is the size of a field of n bytes; an empty one is not sent.
func sizeOf(f protoreflect.FieldDescriptor, n int) int {
	if n == 0 {
		return 0
	}
	return protowire.SizeTag(f.Number()) + protowire.SizeBytes(n)
}
