package rpc

import (
	"context"
	"io"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	sigillv1 "sigill/proto/sigill/v1"
	"sigill/server/workflow"
)

type streamOf struct {
	grpc.ServerStream
	ctx context.Context
}

func (s streamOf) Context() context.Context { return s.ctx }

// TestHold: NOT_FOUND, and nothing else, is answered at whole steps of ten
// milliseconds after the call came, however long it took to find nothing; who has
// given up is not held.
func TestHold(t *testing.T) {
	absent := &workflow.Refusal{Kind: workflow.ErrNotFound, Reason: workflow.ReasonAbsent}
	busy := &workflow.Refusal{Kind: workflow.ErrBusy, Reason: workflow.ReasonTooMany}
	for _, c := range []struct {
		name         string
		took, waited time.Duration
		deadline     time.Duration
		err          error
		code         codes.Code
	}{
		{"at once", 0, 10 * time.Millisecond, time.Second, absent, codes.NotFound},
		{"a millisecond", time.Millisecond, 10 * time.Millisecond, time.Second, absent, codes.NotFound},
		{"nearly a step", 9999 * time.Microsecond, 10 * time.Millisecond, time.Second, absent, codes.NotFound},
		{"a step", 10 * time.Millisecond, 20 * time.Millisecond, time.Second, absent, codes.NotFound},
		{"longer", 31 * time.Millisecond, 40 * time.Millisecond, time.Second, absent, codes.NotFound},
		{"given up", time.Millisecond, 3 * time.Millisecond, 3 * time.Millisecond, absent, codes.DeadlineExceeded},
		{"another refusal", time.Millisecond, time.Millisecond, time.Second, busy, codes.ResourceExhausted},
		{"none", time.Millisecond, time.Millisecond, time.Second, nil, codes.OK},
	} {
		synctest.Test(t, func(t *testing.T) {
			var seen []Call
			s := &Server{log: slog.New(slog.NewTextHandler(io.Discard, nil)), seen: func(c Call) { seen = append(seen, c) }}
			ctx, cancel := context.WithTimeout(t.Context(), c.deadline)
			defer cancel()
			began := time.Now()
			_, err := s.logUnary(ctx, nil, &grpc.UnaryServerInfo{FullMethod: sigillv1.SigningService_ReturnDraft_FullMethodName},
				func(context.Context, any) (any, error) { time.Sleep(c.took); return nil, c.err })
			if waited := time.Since(began); waited != c.waited || status.Code(err) != c.code {
				t.Errorf("%s: %s after %s, not %s after %s", c.name, status.Code(err), waited, c.code, c.waited)
			}
			ctx, cancel = context.WithTimeout(t.Context(), c.deadline)
			defer cancel()
			began = time.Now()
			err = s.logStream(nil, streamOf{ctx: ctx}, &grpc.StreamServerInfo{FullMethod: sigillv1.SigningService_WatchInbox_FullMethodName},
				func(any, grpc.ServerStream) error { time.Sleep(c.took); return c.err })
			if waited := time.Since(began); waited != c.waited || status.Code(err) != c.code {
				t.Errorf("a stream, %s: %s after %s, not %s after %s", c.name, status.Code(err), waited, c.code, c.waited)
			}
			for _, line := range seen {
				if line.Took != c.waited || line.Code != c.code {
					t.Errorf("%s: the line says %v", c.name, line)
				}
			}
			if len(seen) != 2 {
				t.Errorf("%s: %d lines", c.name, len(seen))
			}
		})
	}
}
