package rpc

import (
	"context"

	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// paddedSize is what all of an author's request but its content comes to, in
// bytes: the values of four metadata keys and the message with its padding. A
// length tells nothing then, of who writes or of what the record says.
const paddedSize = 32 << 10

// Metadata of a caller.
const (
	mdAuthorization = "authorization"
	mdProof         = "dpop"
	mdAuthorNonce   = "sigill-author-nonce-bin"
	mdAuthorProof   = "sigill-author-proof"
)

// padded holds an author's request to its size. One byte may be missing where
// the padding's own length would take a byte more.
func padded(ctx context.Context, m proto.Message) error {
	fields := m.ProtoReflect().Descriptor().Fields()
	padding := fields.ByName("padding")
	if padding == nil {
		return nil
	}
	size := proto.Size(m)
	if f := fields.ByName("content"); f != nil {
		size -= sizeOf(f, len(m.ProtoReflect().Get(f).Bytes()))
	}
	for _, key := range []string{mdAuthorization, mdProof, mdAuthorNonce, mdAuthorProof} {
		for _, v := range metadata.ValueFromIncomingContext(ctx, key) {
			size += len(v)
		}
	}
	n := len(m.ProtoReflect().Get(padding).Bytes())
	short := size == paddedSize-1 && sizeOf(padding, n+1)-sizeOf(padding, n) == 2
	if size != paddedSize && !short {
		return &malformed{fields: []string{"padding"}}
	}
	return nil
}

// sizeOf is the size of a field of n bytes; an empty one is not sent.
func sizeOf(f protoreflect.FieldDescriptor, n int) int {
	if n == 0 {
		return 0
	}
	return protowire.SizeTag(f.Number()) + protowire.SizeBytes(n)
}
