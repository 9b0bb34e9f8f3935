// Package client is how programs use Sigill: one file for each role, on top of a
// [Session]. Every role's client checks what it gets before it acts on it, and
// trusts the trust file alone, never the server.
//
// Start with [Dial]. Then [Session.Caseworker] drafts, revises and dissents;
// [Session.Signer] reads and signs; [Session.Requester] asks for a seal to be
// opened and opens what was granted; [Session.Reviewer] judges such requests;
// [Session.Board] publishes documents of authority. Each has a runnable example.
// What needs no server (verifying a decision, opening a package) is in
// keys/bundle and keys/disclosure.
package client

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/url"
	"path"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"sigill/keys/bundle"
	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/opening"
	"sigill/keys/record"
	"sigill/keys/token"
	sigillv1 "sigill/proto/sigill/v1"
)

// Config says where the server is and who calls.
type Config struct {
	Addr    string         // host:port
	Origin  string         // the server's public origin, https://host[:port], as DPoP proofs name it
	Roots   *x509.CertPool // who signs the server's TLS certificate; nil: the system's, or no TLS on loopback with Plain
	Plain   bool           // no TLS; loopback only
	Trust   *bundle.Trust
	Token   func(context.Context) (string, error) // an access token; nil for public calls alone
	Day     *jws.Signer                           // the day key that the token is bound to; nil for an unbound token
	Acted   func(*bundle.Act) error               // what proves an act of a signer, requester or reviewer, once the server took it; may be nil
	Options []grpc.DialOption                     // more, such as interceptors
}

// ErrConfig says what a session cannot be made from.
var ErrConfig = errors.New("client configuration")

// A Session is one caller's connection. It may be used concurrently.
type Session struct {
	Config
	cc       *grpc.ClientConn
	unshaken atomic.Bool // the last handshake failed: nothing that is answered came from the server
}

// handshakes tells whether the last one failed.
type handshakes struct {
	credentials.TransportCredentials
	failed *atomic.Bool
}

func (h handshakes) ClientHandshake(ctx context.Context, authority string, conn net.Conn) (net.Conn, credentials.AuthInfo, error) {
	c, info, err := h.TransportCredentials.ClientHandshake(ctx, authority, conn)
	h.failed.Store(err != nil)
	return c, info, err
}

func (h handshakes) Clone() credentials.TransportCredentials {
	return handshakes{h.TransportCredentials.Clone(), h.failed}
}

// Dial makes a session. It connects at the first call.
func Dial(c Config) (*Session, error) {
	if c.Trust == nil {
		return nil, fmt.Errorf("%w: no trust file", ErrConfig)
	}
	if u, err := url.Parse(c.Origin); err != nil || u.Host == "" || u.Path != "" {
		return nil, fmt.Errorf("%w: the origin is no https://host", ErrConfig)
	}
	transport := credentials.NewTLS(&tls.Config{RootCAs: c.Roots, MinVersion: tls.VersionTLS13})
	if c.Plain {
		host, _, err := net.SplitHostPort(c.Addr)
		if ip := net.ParseIP(host); err != nil || host != "localhost" && (ip == nil || !ip.IsLoopback()) {
			return nil, fmt.Errorf("%w: no TLS is for loopback alone", ErrConfig)
		}
		transport = insecure.NewCredentials()
	}
	s := &Session{Config: c}
	transport = handshakes{transport, &s.unshaken}
	var err error
	s.cc, err = grpc.NewClient("passthrough:///"+c.Addr, append([]grpc.DialOption{grpc.WithTransportCredentials(transport),
		grpc.WithUnaryInterceptor(s.unary), grpc.WithStreamInterceptor(s.stream), grpc.WithUserAgent(""),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(opening.MaxPackage + 1<<20))}, c.Options...)...)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	return s, nil
}

// Close ends the connection.
func (s *Session) Close() error { return s.cc.Close() }

// authorCall marks a call as the author's.
type authorCall struct {
	nonce    record.Nonce
	key      *jws.Signer
	decision ident.ID
	read     bool
}

type authorKey struct{}

// keyProof makes a reviewer show that they hold their signing key: an author
// proof in form, with the opening's id in the decision's place.
type keyProof struct {
	key     *jws.Signer
	opening ident.ID
}

type keyProofKey struct{}

func withKey(ctx context.Context, p keyProof) context.Context {
	return context.WithValue(ctx, keyProofKey{}, p)
}

func asAuthor(ctx context.Context, a authorCall) context.Context {
	return context.WithValue(ctx, authorKey{}, a)
}

// attempts is how often a change is tried while the server is unavailable.
const attempts = 4

// unary adds who calls, pads an author's request, and tries again what can be
// tried again: UNAVAILABLE, and only with a request id. A no to a later try may be
// about that try alone, as of a login that has run out meanwhile: it never tells
// that a change was not made by a try before it.
func (s *Session) unary(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
	var lost *Error // the try before, which may have reached the server
	for n := 1; ; n++ {
		out, err := s.identify(ctx, method, req)
		if err == nil {
			err = asError(invoke(out, method, req, reply, cc, opts...))
		}
		if e := (*Error)(nil); errors.As(err, &e) {
			e.Handshake = e.Code == codes.Unavailable && s.unshaken.Load() && (lost == nil || lost.Handshake)
		}
		if err != nil && lost != nil && changes(method) {
			err = after(lost, err)
		}
		e := (*Error)(nil)
		if !errors.As(err, &e) || e.Code != codes.Unavailable || e.Unsure || len(requestID(req)) == 0 || n == attempts {
			return err
		}
		lost = e
		select {
		case <-time.After(time.Duration(n*n) * 100 * time.Millisecond):
		case <-ctx.Done():
			return err
		}
	}
}

// after is what a try's error says once the answer to one before it was lost.
func after(lost *Error, err error) error {
	e, ok := err.(*Error)
	switch {
	case !ok: // nothing was sent this time
		return fmt.Errorf("%w; %w", &Error{Code: lost.Code, Unsure: true}, err)
	case e.Tells():
		e.Unsure = true
	}
	return e
}

// changes reports whether a method changes anything at the server.
func changes(method string) bool {
	name := path.Base(method)
	return !strings.HasPrefix(name, "Get") && !strings.HasPrefix(name, "List")
}

func (s *Session) stream(ctx context.Context, desc *grpc.StreamDesc, cc *grpc.ClientConn, method string, open grpc.Streamer, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	out, err := s.identify(ctx, method, nil)
	if err != nil {
		return nil, err
	}
	return open(out, desc, cc, method, opts...)
}

// public are the calls that take no token. They are not padded: a token that came
// along would tell the network by its length whose login it is.
var public = []string{
	sigillv1.VerificationService_GetCheckpoint_FullMethodName, sigillv1.VerificationService_GetTrust_FullMethodName,
	sigillv1.VerificationService_GetDelegationOrder_FullMethodName, sigillv1.VerificationService_GetReviewerSet_FullMethodName,
	sigillv1.VerificationService_GetProof_FullMethodName,
}

// identify puts token, DPoP proof and author metadata into a call's context.
func (s *Session) identify(ctx context.Context, method string, req any) (context.Context, error) {
	if s.Token == nil || slices.Contains(public, method) {
		return ctx, nil
	}
	access, err := s.Token(ctx)
	if err != nil {
		return nil, fmt.Errorf("access token: %w", err)
	}
	values := []string{"authorization", "Bearer " + access}
	if s.Day != nil {
		proof, err := token.NewProof(s.Day, "POST", s.Origin+method, access, time.Now(), rand.Text())
		if err != nil {
			return nil, fmt.Errorf("DPoP proof: %w", err)
		}
		values = []string{"authorization", "DPoP " + access, "dpop", proof}
	}
	if p, ok := ctx.Value(keyProofKey{}).(keyProof); ok {
		proof, err := token.NewAuthorProof(p.key, token.AuthorRead{Authority: s.Trust.Authority, Decision: p.opening,
			Method: method, Request: [16]byte(requestID(req))}, time.Now())
		if err != nil {
			return nil, fmt.Errorf("key proof: %w", err)
		}
		values = append(values, "sigill-author-proof", proof)
	}
	if a, ok := ctx.Value(authorKey{}).(authorCall); ok {
		values = append(values, "sigill-author-nonce-bin", string(a.nonce[:]))
		if a.read {
			proof, err := token.NewAuthorProof(a.key, token.AuthorRead{Authority: s.Trust.Authority, Decision: a.decision,
				Method: method, Request: [16]byte(requestID(req))}, time.Now())
			if err != nil {
				return nil, fmt.Errorf("author proof: %w", err)
			}
			values = append(values, "sigill-author-proof", proof)
		}
		if err := Pad(req, values); err != nil {
			return nil, err
		}
	}
	return metadata.AppendToOutgoingContext(ctx, values...), nil
}

func requestID(req any) []byte {
	if r, ok := req.(interface{ GetRequestId() []byte }); ok {
		return r.GetRequestId()
	}
	return nil
}

func newRequestID() []byte {
	b := make([]byte, 16)
	rand.Read(b)
	return b
}

// ErrTooLarge says that an author's request does not fit under its padding.
var ErrTooLarge = errors.New("the record and its statements are too large")

// Pad brings an author's request, with the names and values of its metadata in turn, to a
// size on the wire that only the steps of its content tell, or a byte below it where the
// padding's own length would take one more ([token.RequestSize]). A message without
// padding it leaves alone; one for which there is no room is [ErrTooLarge]. A [Session]
// does so by itself.
func Pad(req any, values []string) error {
	m, ok := req.(proto.Message)
	if !ok {
		return nil
	}
	fields := m.ProtoReflect().Descriptor().Fields()
	padding := fields.ByName("padding")
	if padding == nil {
		return nil
	}
	var sent []string
	for i := 1; i < len(values); i += 2 {
		v := values[i]
		if strings.HasSuffix(values[i-1], "-bin") {
			v = base64.RawStdEncoding.EncodeToString([]byte(v))
		}
		sent = append(sent, v)
	}
	size := token.PaddedStep
	if content := fields.ByName("content"); content != nil {
		if n := len(m.ProtoReflect().Get(content).Bytes()); n > 0 {
			size += token.Steps(protowire.SizeTag(content.Number()) + protowire.SizeBytes(n))
		}
	}
	m.ProtoReflect().Clear(padding)
	for n := size - token.RequestSize(sent, proto.Size(m)); n > 0; n-- {
		m.ProtoReflect().Set(padding, protoreflect.ValueOfBytes(make([]byte, n)))
		if token.RequestSize(sent, proto.Size(m)) <= size {
			return nil
		}
	}
	m.ProtoReflect().Clear(padding)
	return ErrTooLarge
}

func (s *Session) drafting() sigillv1.DraftingServiceClient {
	return sigillv1.NewDraftingServiceClient(s.cc)
}

func (s *Session) signing() sigillv1.SigningServiceClient {
	return sigillv1.NewSigningServiceClient(s.cc)
}

func (s *Session) opening() sigillv1.OpeningServiceClient {
	return sigillv1.NewOpeningServiceClient(s.cc)
}

func (s *Session) review() sigillv1.ReviewServiceClient {
	return sigillv1.NewReviewServiceClient(s.cc)
}

func (s *Session) verification() sigillv1.VerificationServiceClient {
	return sigillv1.NewVerificationServiceClient(s.cc)
}

func (s *Session) administration() sigillv1.AdministrationServiceClient {
	return sigillv1.NewAdministrationServiceClient(s.cc)
}
