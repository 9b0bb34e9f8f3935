package rpc

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	sigillv1 "sigill/proto/sigill/v1"
	"sigill/server/workflow"
)

// TestPanic is G25: a handler that fails with a name in its hands tells nobody.
// Of an author's call not even the failure is logged.
func TestPanic(t *testing.T) {
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
