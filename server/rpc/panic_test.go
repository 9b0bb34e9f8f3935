package rpc

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	sigillv1 "sigill/proto/sigill/v1"
	"sigill/server/workflow"
)

// TestG25_panic: a handler that fails with a name in its hands tells nobody.
// Of an author's call not even the failure is logged.
func TestG25_panic(t *testing.T) {
	var out bytes.Buffer
	s, err := New(Config{Office: &workflow.Office{}, Origin: "https://sigill.example", Log: slog.New(slog.NewTextHandler(&out, nil))})
	if err != nil {
		t.Fatal(err)
	}
	for method, logged := range map[string]bool{
		sigillv1.SigningService_CosignDecision_FullMethodName:      true,
		sigillv1.DraftingService_SubmitDraft_FullMethodName:        false,
		sigillv1.VerificationService_GetBundle_FullMethodName:      false,
		sigillv1.VerificationService_GetReviewerSet_FullMethodName: false,
	} {
		out.Reset()
		info := &grpc.UnaryServerInfo{FullMethod: method}
		_, err := s.logUnary(context.Background(), nil, info, func(ctx context.Context, req any) (any, error) {
			return recovering()(ctx, req, info, func(context.Context, any) (any, error) { panic(secret) })
		})
		if st := status.Convert(err); st.Code() != codes.Internal || st.Message() != "internal" || strings.Contains(st.Proto().String(), "berghult") {
			t.Fatal(st.Proto())
		}
		line := out.String()
		if strings.Contains(line, "berghult") || strings.Contains(line, "goroutine") || (line != "") != logged {
			t.Errorf("%s: logged %q", method, line)
		}
		if logged && (!strings.Contains(line, method) || !strings.Contains(line, "code=Internal")) {
			t.Errorf("logged %q", line)
		}
	}
}

// TestG25_panicServed: over a connection a handler that fails is INTERNAL, with a text
// that is always the same, and the next call is served. The office behind this door
// is none, so that its first use fails.
func TestG25_panicServed(t *testing.T) {
	l, out := inMemory(t)
	cc, err := grpc.NewClient("passthrough:///x", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return l.DialContext(ctx) }))
	if err != nil {
		t.Fatal(err)
	}
	defer cc.Close()
	c := sigillv1.NewVerificationServiceClient(cc)
	for range 3 {
		_, err := c.GetBundle(t.Context(), &sigillv1.GetBundleRequest{DecisionId: secret})
		if status.Code(err) != codes.Unauthenticated { // before any office
			t.Error(err)
		}
		_, err = c.GetCheckpoint(t.Context(), &sigillv1.GetCheckpointRequest{})
		st := status.Convert(err)
		if st.Code() != codes.Internal || st.Message() != "internal" || strings.Contains(st.Proto().String(), "nil pointer") {
			t.Error(st.Proto())
		}
	}
	if out.Len() != 0 {
		t.Errorf("logged %q", out)
	}
}

// TestOrigin: what proofs are made for is a scheme and a host and nothing else.
func TestOrigin(t *testing.T) {
	for origin, ok := range map[string]bool{
		"https://sigill.example": true, "https://sigill.example:8443": true, "http://127.0.0.1:8443": true,
		"https://sigill.example/": false, "http://sigill.example": false, "sigill.example": false, "": false,
	} {
		_, err := New(Config{Office: &workflow.Office{}, Origin: origin, Log: slog.New(slog.DiscardHandler)})
		if (err == nil) != ok {
			t.Errorf("%q: %v", origin, err)
		}
	}
}
