package canary_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/stats"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	sigillv1 "sigill/proto/sigill/v1"
	"sigill/scripts/canary"
)

// What the server sends, each searched by itself.
const (
	answers  = "answers"
	streamed = "streamed messages"
	headers  = "headers"
	trailers = "trailers"
	refusals = "refusals"
)

// wire keeps all that the server sends to anyone who is no author.
type wire struct {
	mu   sync.Mutex
	kept map[string][]byte
}

func (w *wire) keep(kind string, b ...[]byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.kept == nil {
		w.kept = map[string][]byte{}
	}
	for _, p := range b {
		w.kept[kind] = append(append(w.kept[kind], p...), '\n')
	}
}

// haystacks are what was kept, once every call has ended.
func (w *wire) haystacks() map[string][]byte {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := map[string][]byte{}
	for _, kind := range []string{answers, streamed, headers, trailers, refusals} {
		out[kind] = w.kept[kind]
	}
	return out
}

func (w *wire) dial(user string) []grpc.DialOption {
	if strings.HasPrefix(user, "forfattare") {
		return nil
	}
	return []grpc.DialOption{grpc.WithStatsHandler(w)}
}

// methodKey is where a call's method lies in its context.
type methodKey struct{}

func (w *wire) TagRPC(ctx context.Context, in *stats.RPCTagInfo) context.Context {
	return context.WithValue(ctx, methodKey{}, in.FullMethodName)
}

func (w *wire) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }
func (w *wire) HandleConn(context.Context, stats.ConnStats)                       {}

// HandleRPC is called by gRPC for each thing that arrives, of unary calls and of
// streams alike.
func (w *wire) HandleRPC(ctx context.Context, s stats.RPCStats) {
	switch s := s.(type) {
	case *stats.InHeader:
		w.keep(headers, pairs(s.Header)...)
	case *stats.InTrailer:
		w.keep(trailers, pairs(s.Trailer)...)
	case *stats.InPayload:
		b, err := proto.Marshal(s.Payload.(proto.Message))
		if err != nil {
			panic(err) // what cannot be kept is not searched
		}
		kind := answers
		if method, _ := ctx.Value(methodKey{}).(string); strings.HasPrefix(method[strings.LastIndexByte(method, '/')+1:], "Watch") {
			kind = streamed
		}
		w.keep(kind, b)
	case *stats.End:
		if s.Error == nil {
			return
		}
		b, err := proto.Marshal(status.Convert(s.Error).Proto())
		if err != nil {
			panic(err)
		}
		w.keep(refusals, b)
	}
}

// pairs begin with a line of their own, so that none at all is something to search.
func pairs(md metadata.MD) [][]byte {
	out := [][]byte{[]byte(fmt.Sprintf("%d names", len(md)))}
	for name, values := range md {
		for _, v := range values {
			out = append(out, []byte(name+": "+v))
		}
	}
	return out
}

// tattler is a server that names an author wherever it can.
type tattler struct {
	sigillv1.UnimplementedSigningServiceServer
}

func (tattler) ListInbox(ctx context.Context, in *sigillv1.ListInboxRequest) (*sigillv1.ListInboxResponse, error) {
	if in.GetPageToken() != "" {
		return nil, status.Error(codes.NotFound, plant)
	}
	if err := grpc.SetHeader(ctx, metadata.Pairs("x-drafter-bin", plant)); err != nil {
		return nil, err
	}
	return &sigillv1.ListInboxResponse{NextPageToken: plant}, nil
}

func (tattler) WatchInbox(_ *sigillv1.WatchInboxRequest, s grpc.ServerStreamingServer[sigillv1.WatchInboxResponse]) error {
	s.SetTrailer(metadata.Pairs("x-drafter-bin", plant))
	return s.Send(&sigillv1.WatchInboxResponse{DecisionIds: []string{plant}})
}

// TestWire: a name in an answer, a streamed message, a header, a trailer or a
// refusal is seen, each where it stands.
func TestWire(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := grpc.NewServer()
	sigillv1.RegisterSigningServiceServer(srv, tattler{})
	go srv.Serve(l)
	defer srv.Stop()
	var seen wire
	conn, err := grpc.NewClient(l.Addr().String(), append(seen.dial("direktor"), grpc.WithTransportCredentials(insecure.NewCredentials()))...)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	c := sigillv1.NewSigningServiceClient(conn)
	if _, err := c.ListInbox(t.Context(), &sigillv1.ListInboxRequest{}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.ListInbox(t.Context(), &sigillv1.ListInboxRequest{PageToken: "x"}); err == nil {
		t.Fatal("not refused")
	}
	stream, err := c.WatchInbox(t.Context(), &sigillv1.WatchInboxRequest{})
	for err == nil {
		_, err = stream.Recv()
	}
	planted := canary.NewNeedles()
	planted.Add("planted", plant)
	for kind, b := range seen.haystacks() {
		if found := planted.Find(b); len(found) != 1 || bytes.Count(b, []byte(plant)) < 1 {
			t.Errorf("%s: what was planted was not found", kind)
		}
	}
	if seen.dial("forfattare-001") != nil {
		t.Error("an author's own answers are kept")
	}
}
