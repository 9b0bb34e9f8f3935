package rpc

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"math"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
	"google.golang.org/grpc/tap"
	"google.golang.org/grpc/test/bufconn"

	sigillv1 "sigill/proto/sigill/v1"
	"sigill/server/workflow"
)

// inMemory serves a door without an office behind it, and says what it logs.
func inMemory(t *testing.T) (*bufconn.Listener, *bytes.Buffer) {
	t.Helper()
	var out bytes.Buffer
	s, err := New(Config{Office: &workflow.Office{}, Origin: "https://sigill.example", Log: slog.New(slog.NewTextHandler(&out, nil))})
	if err != nil {
		t.Fatal(err)
	}
	l := bufconn.Listen(64 << 10)
	served := make(chan error, 1)
	go func() { served <- s.grpc.Serve(l) }()
	t.Cleanup(func() {
		s.Stop(0)
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return l, &out
}

// TestG10_cap: whatever a caller asks for, a call has thirty seconds and a watch an
// hour; less is less.
func TestG10_cap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, c := range []struct {
			method      string
			asked, gets time.Duration
		}{
			{sigillv1.SigningService_CosignDecision_FullMethodName, math.MaxInt64, 30 * time.Second},
			{sigillv1.SigningService_CosignDecision_FullMethodName, time.Second, time.Second},
			{sigillv1.SigningService_CosignDecision_FullMethodName, 0, 30 * time.Second},
			{sigillv1.SigningService_WatchInbox_FullMethodName, math.MaxInt64, time.Hour},
			{"/sigill.v1.SigningService/Unknown", math.MaxInt64, 30 * time.Second},
		} {
			ctx, cancel := context.WithCancel(t.Context())
			if c.asked > 0 {
				cancel()
				ctx, cancel = context.WithTimeout(t.Context(), c.asked)
			}
			began := time.Now()
			capped, err := capDeadline(ctx, &tap.Info{FullMethodName: c.method})
			if err != nil {
				t.Fatal(err)
			}
			if <-capped.Done(); time.Since(began) != c.gets {
				t.Errorf("%s, asked for %v: got %v", c.method, c.asked, time.Since(began))
			}
			cancel()
		}
	})
}

// TestG20_halfMessage: a call of which the rest never comes ends at its deadline, and
// at the server's if it names none before.
func TestG20_halfMessage(t *testing.T) {
	for asked, gets := range map[string]time.Duration{"": 30 * time.Second, "99999999H": 30 * time.Second, "2S": 2 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			l, _ := inMemory(t)
			conn, err := l.DialContext(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if _, err := io.WriteString(conn, http2.ClientPreface); err != nil {
				t.Fatal(err)
			}
			f := http2.NewFramer(conn, conn)
			f.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
			var block bytes.Buffer
			e := hpack.NewEncoder(&block)
			head := []string{":method", "POST", ":scheme", "http", ":path", sigillv1.VerificationService_GetProof_FullMethodName,
				":authority", "x", "content-type", "application/grpc", "te", "trailers", "grpc-timeout", asked}
			if asked == "" {
				head = head[:len(head)-2]
			}
			for i := 0; i < len(head); i += 2 {
				e.WriteField(hpack.HeaderField{Name: head[i], Value: head[i+1]})
			}
			began := time.Now()
			f.WriteSettings()
			f.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block.Bytes(), EndHeaders: true})
			f.WriteData(1, false, []byte{0, 0, 0, 0, 34, 10, 32, 1, 2, 3})
			for { // until a status or, of the caller's own deadline, a reset
				frame, err := f.ReadFrame()
				if err != nil {
					t.Fatal(err)
				}
				code := ""
				switch frame := frame.(type) {
				case *http2.RSTStreamFrame:
					code = frame.ErrCode.String()
				case *http2.MetaHeadersFrame:
					code = fmt.Sprint(slices.DeleteFunc(frame.Fields, func(h hpack.HeaderField) bool { return h.Name != "grpc-status" }))
				default:
					continue
				}
				if took := time.Since(began); code != "CANCEL" && code != `[header field "grpc-status" = "4"]` || took != gets {
					t.Errorf("%q: %s after %v, want 4 after %v", asked, code, took, gets)
				}
				return
			}
		})
	}
}
