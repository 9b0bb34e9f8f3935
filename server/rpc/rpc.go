// Package rpc is the door: protobuf to domain and back. It finds out who calls
// (caller.go, keysets.go), holds every message to its rules before any of it is
// looked at, hands domain values to package workflow, and turns its refusals
// into statuses by one table (errors.go). There is one file for each service.
//
// Use [New] and register nothing else on the server that [Server.GRPC] gives:
// its limits, interceptors and services belong together (limits.go). What a
// caller is told is one text for each class; no answer, log line or metric
// repeats a value, and calls of authors leave no line at all.
//
// proto/SPEC.md, "Errors" and "Tokens", has what clients see. TestEveryMethod
// holds server/access against the service descriptors, TestEveryReason the table
// of errors; door_test.go and the tests that begin with TestG try rows J and G of
// scripts/rows over real sockets.
package rpc

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"time"

	"buf.build/go/protovalidate"
	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/recovery"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"

	"sigill/keys/token"
	sigillv1 "sigill/proto/sigill/v1"
	"sigill/server/workflow"
)

// ErrConfig says what a door cannot be made from.
var ErrConfig = errors.New("rpc configuration")

// A Provider is an identity provider: how its tokens are read, and where its
// keys are published.
type Provider struct {
	Token   *token.Provider
	JWKSURI string // https, or http on loopback
}

// Config is what a door is made from.
type Config struct {
	Office    *workflow.Office
	Origin    string // public, https://host[:port] or http on loopback: what DPoP proofs name
	Providers []Provider
	TLS       credentials.TransportCredentials // nil: no TLS
	Log       *slog.Logger                     // gets calls that no author makes, by method, code and duration
	Seen      func(Call)                       // is told of the same calls; nil: nobody is
}

// A Call is what is known of a call afterwards.
type Call struct {
	Method string // full path, of the contract
	Code   codes.Code
	Took   time.Duration
	Stream bool
}

// Server is the door of one authority.
type Server struct {
	grpc     *grpc.Server
	office   *workflow.Office
	door     *door
	validate protovalidate.Validator
	log      *slog.Logger
	seen     func(Call)
	stopping context.Context
	stop     context.CancelFunc
}

// New makes the server with all its services. It serves nothing yet.
func New(c Config) (*Server, error) {
	u, err := url.Parse(c.Origin)
	if err != nil || u.Host == "" || u.Scheme != "https" && !(u.Scheme == "http" && loopback(u.Hostname())) ||
		u.Scheme+"://"+u.Host != c.Origin {
		return nil, fmt.Errorf("%w: the public origin is https://host or https://host:port", ErrConfig)
	}
	d, err := newDoor(c)
	if err != nil {
		return nil, err
	}
	v, err := protovalidate.New(protovalidate.WithAllowUnknownFields())
	if err != nil {
		return nil, fmt.Errorf("validation rules: %w", err)
	}
	s := &Server{office: c.Office, door: d, validate: v, log: c.Log, seen: c.Seen}
	s.stopping, s.stop = context.WithCancel(context.Background())
	options := append(limits(),
		grpc.ChainUnaryInterceptor(s.logUnary, recovering(), s.unary),
		grpc.ChainStreamInterceptor(s.logStream, recovery.StreamServerInterceptor(onPanic()), s.stream))
	if c.TLS != nil {
		options = append(options, grpc.Creds(c.TLS))
	}
	s.grpc = grpc.NewServer(options...)
	s.register()
	return s, nil
}

// register adds every service of the contract that stands. They are compiled
// against the whole interface, so that a method cannot be forgotten.
func (s *Server) register() {
	sigillv1.RegisterDraftingServiceServer(s.grpc, drafting{office: s.office})
	sigillv1.RegisterSigningServiceServer(s.grpc, signing{office: s.office})
	sigillv1.RegisterOpeningServiceServer(s.grpc, opening{office: s.office})
	sigillv1.RegisterReviewServiceServer(s.grpc, review{office: s.office})
	sigillv1.RegisterVerificationServiceServer(s.grpc, verification{office: s.office})
	sigillv1.RegisterAdministrationServiceServer(s.grpc, administration{office: s.office})
}

// GRPC is the server to serve with.
func (s *Server) GRPC() *grpc.Server { return s.grpc }

// Stop ends watches at once and lets other calls finish, for at most grace; then
// it cuts them off. It returns when none runs any more.
func (s *Server) Stop(grace time.Duration) {
	s.stop()
	cut := time.AfterFunc(grace, s.grpc.Stop)
	defer cut.Stop()
	s.grpc.GracefulStop()
}

// errPanic is what a fault of the program becomes; its text is that of every
// unknown error.
var errPanic = errors.New("a handler failed")

func onPanic() recovery.Option {
	return recovery.WithRecoveryHandler(func(any) error { return errPanic })
}

func recovering() grpc.UnaryServerInterceptor { return recovery.UnaryServerInterceptor(onPanic()) }

// callerKey finds the caller in a call's context.
type callerKey struct{}

func callerOf(ctx context.Context) *workflow.Caller {
	c, _ := ctx.Value(callerKey{}).(*workflow.Caller)
	return c
}
