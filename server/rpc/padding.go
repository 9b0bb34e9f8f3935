package rpc

import (
	"context"

	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// paddedStep is what an author's request comes to whole steps of, in bytes: one for
// the values of four metadata keys and the message with its padding, and as many more
// as the content takes. A length tells nothing then of who writes or of what the record
// says; and of the content only how many steps it has, since a decision that is public
// would lead from its own length to the call that sent it.
const paddedStep = 32 << 10

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
	size, want := proto.Size(m), paddedStep
	if f := fields.ByName("content"); f != nil {
		want += steps(sizeOf(f, len(m.ProtoReflect().Get(f).Bytes())))
	}
	md, _ := metadata.FromIncomingContext(ctx)
	for _, key := range []string{mdAuthorization, mdProof, mdAuthorNonce, mdAuthorProof} {
		for _, v := range md.Get(key) {
			size += len(v)
		}
	}
	n := len(m.ProtoReflect().Get(padding).Bytes())
	short := size == want-1 && sizeOf(padding, n+1)-sizeOf(padding, n) == 2
	if size != want && !short {
		return &malformed{fields: []string{"padding"}}
	}
	return nil
}

// filled is an answer of which an author may be the reader, brought to whole steps by
// its padding: how long a text is or how many have opened a seal would say whose it is.
// One byte may be missing, as in a request.
func filled[M proto.Message](m M) M {
	padding := m.ProtoReflect().Descriptor().Fields().ByName("padding")
	free := -proto.Size(m)
	free += steps(3 - free) // tag, length and a byte at least
	n := free - 2
	for sizeOf(padding, n) > free {
		n--
	}
	m.ProtoReflect().Set(padding, protoreflect.ValueOfBytes(make([]byte, n)))
	return m
}

// steps are the whole steps that n bytes take.
func steps(n int) int { return (n + paddedStep - 1) / paddedStep * paddedStep }

// sizeOf is the size of a field of n bytes; an empty one is not sent.
func sizeOf(f protoreflect.FieldDescriptor, n int) int {
	if n == 0 {
		return 0
	}
	return protowire.SizeTag(f.Number()) + protowire.SizeBytes(n)
}
