package rpc

import (
	"context"
	"log/slog"
	"net"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/experimental"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/tap"

	sigillv1 "sigill/proto/sigill/v1"
	"sigill/server/access"
)

// Limits of the public port. No compression is registered: a compressed message
// is UNIMPLEMENTED, and none can grow while it is unpacked.
const (
	maxMessage    = 2<<20 + 64<<10   // a board document of eight signatures of the longest; a draft has half
	maxHeaders    = 16 << 10         // metadata of a call, as HTTP/2 counts it
	maxStreams    = 128              // calls at once on a connection
	streamWindow  = 256 << 10        // unread bytes of a call; fixed, so that no pings measure the way
	connWindow    = 1 << 20          // and of a connection
	connectWithin = 5 * time.Second  // from the first byte to the end of the handshake
	workers       = 64               // goroutines kept for calls, with the stacks that calls need
	callWithin    = 30 * time.Second // the longest call with one answer, whatever the caller's deadline
	watchWithin   = time.Hour        // the longest watch
)

// UseBuffers gives the program's gRPC, servers and clients alike, buffers in steps
// of the sizes that messages here have. gRPC's own go from 32 KiB to 1 MiB, so that
// each author's request with a text, padded to 64 KiB, would take and clear 1 MiB.
//
// It is for main, once and before any server or client is made: messages are encoded
// into the process's buffers, whatever a server is given, and gRPC reads which they
// are without a lock. Calls after the first do nothing.
func UseBuffers() { useBuffers() }

var useBuffers = sync.OnceFunc(func() {
	experimental.SetDefaultBufferPool(mem.NewTieredBufferPool(
		256, 1<<10, 4<<10, 8<<10, 16<<10, 24<<10, 40<<10, 64<<10, 128<<10, 256<<10, 1<<20, maxMessage))
})

func limits() []grpc.ServerOption {
	return []grpc.ServerOption{
		experimental.BufferPool(mem.DefaultBufferPool()), // a server's own default is that of the program's start
		grpc.StaticStreamWindowSize(streamWindow), grpc.StaticConnWindowSize(connWindow),
		grpc.MaxRecvMsgSize(maxMessage),
		grpc.MaxHeaderListSize(maxHeaders),
		grpc.HeaderTableSize(0), // a token that is only referred to would be as much shorter as it is long
		grpc.MaxConcurrentStreams(maxStreams),
		grpc.NumStreamWorkers(workers), // calls beyond them, as beside watches, get goroutines of their own
		grpc.ConnectionTimeout(connectWithin),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 30 * time.Second}),
		grpc.KeepaliveParams(keepalive.ServerParameters{
			MaxConnectionIdle: 5 * time.Minute, MaxConnectionAge: 2 * time.Hour, MaxConnectionAgeGrace: time.Minute,
			Time: time.Minute, Timeout: 20 * time.Second,
		}),
		grpc.InTapHandle(capDeadline),
	}
}

// capDeadline gives every call an end before its message is read, so that half a
// message holds nothing for long.
func capDeadline(ctx context.Context, info *tap.Info) (context.Context, error) {
	within := callWithin
	if info.FullMethodName == sigillv1.SigningService_WatchInbox_FullMethodName {
		within = watchWithin
	}
	capped, cancel := context.WithTimeout(ctx, within)
	context.AfterFunc(ctx, cancel) // ctx ends with the call
	return capped, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// A method that access does not know is not named in a log: it is the caller's
// own text.
func methodAttr(method string) slog.Attr {
	if !access.Known(method) {
		method = "unknown"
	}
	return slog.String("method", method)
}

func codeAttr(c codes.Code) slog.Attr { return slog.String("code", c.String()) }

func tookAttr(d time.Duration) slog.Attr { return slog.Duration("took", d) }

func levelOf(c codes.Code) slog.Level {
	switch c {
	case codes.Internal, codes.DataLoss:
		return slog.LevelError
	case codes.Unavailable, codes.ResourceExhausted:
		return slog.LevelWarn
	}
	return slog.LevelInfo
}
