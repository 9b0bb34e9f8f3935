package rpc_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"path"
	"slices"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"

	"sigill/keys/token"
	"sigill/scripts/authority"
	"sigill/scripts/story"
)

// lengths are how long the calls of authors are and how long their answers, as
// whoever listens to the network sees them.
type lengths []string

func (l *lengths) dial(string) []grpc.DialOption {
	return []grpc.DialOption{grpc.WithChainUnaryInterceptor(func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn,
		invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
		err := invoke(ctx, method, req, reply, cc, opts...)
		md, _ := metadata.FromOutgoingContext(ctx)
		if md.Get("sigill-author-nonce-bin") == nil {
			return err
		}
		values := slices.Concat(md.Get("authorization"), md.Get("dpop"), md.Get("sigill-author-proof"),
			[]string{base64.RawStdEncoding.EncodeToString([]byte(md.Get("sigill-author-nonce-bin")[0]))})
		sent := token.RequestSize(values, proto.Size(req.(proto.Message)))
		*l = append(*l, fmt.Sprintf("%s: %d sent, %d answered", path.Base(method), sent, proto.Size(reply.(proto.Message))))
		return err
	})}
}

// TestLengths: a decision is public once it is dispatched, and so is how long it is.
// All that its author sends and is answered is as long as of other decisions: else
// the length of one call would lead from the decision to a desk.
func TestLengths(t *testing.T) {
	var l lengths
	w := newWorld(t, authority.Options{Dial: l.dial})
	if err := w.Publish(t.Context()); err != nil {
		t.Fatal(err)
	}
	asa, err := w.Caseworker("asa")
	if err != nil {
		t.Fatal(err)
	}
	var first lengths
	for i, more := range []int{0, 1, 1000, 20_000} {
		l = nil
		text := story.Text(story.Decision, fmt.Sprintf("SN 2026-0%04d", i))
		text.Content = append(bytes.Clone(text.Content), bytes.Repeat([]byte("Mer. "), more/5)...)
		text.Content = append(text.Content, bytes.Repeat([]byte("."), more%5)...)
		own, err := asa.Submit(t.Context(), text)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := asa.Get(t.Context(), own); err != nil {
			t.Fatal(err)
		}
		if err := asa.Revise(t.Context(), own, text); err != nil {
			t.Fatal(err)
		}
		if err := asa.Withdraw(t.Context(), own); err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			first = l
		}
		if len(l) != 4 || !slices.Equal(l, first) {
			t.Errorf("with %d bytes more:\n%q\n%q", more, first, l)
		}
	}
}
