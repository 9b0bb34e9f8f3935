package rpc

import (
	"context"
	"errors"
	"time"

	"buf.build/go/protovalidate"
	"google.golang.org/grpc"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"sigill/keys/token"
	"sigill/server/access"
	"sigill/server/workflow"
)

// unary is the way in of every call with one answer: who calls, may they, is the
// message well-formed. Only then does a handler see it.
func (s *Server) unary(ctx context.Context, req any, info *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
	c, err := s.door.caller(ctx, info.FullMethod)
	if err != nil {
		return nil, err
	}
	if err := s.office.Admit(ctx, c); err != nil {
		return nil, err
	}
	if err := s.check(ctx, c, req); err != nil {
		return nil, err
	}
	return handle(context.WithValue(ctx, callerKey{}, c), req)
}

// stream is the same for calls with many answers. They end when the server
// stops and when the caller's token does.
func (s *Server) stream(srv any, ss grpc.ServerStream, info *grpc.StreamServerInfo, handle grpc.StreamHandler) error {
	ctx := ss.Context()
	c, err := s.door.caller(ctx, info.FullMethod)
	if err != nil {
		return err
	}
	if err := s.office.Admit(ctx, c); err != nil {
		return err
	}
	ctx, cancel := context.WithDeadline(ctx, c.Identity.Expires)
	defer cancel()
	defer context.AfterFunc(s.stopping, cancel)()
	return handle(srv, &checked{ServerStream: ss, ctx: context.WithValue(ctx, callerKey{}, c), server: s, caller: c})
}

// checked is a stream whose incoming messages are held to their rules.
type checked struct {
	grpc.ServerStream
	ctx    context.Context
	server *Server
	caller *workflow.Caller
}

func (c *checked) Context() context.Context { return c.ctx }

func (c *checked) RecvMsg(m any) error {
	if err := c.ServerStream.RecvMsg(m); err != nil {
		return err
	}
	return c.server.check(c.ctx, c.caller, m)
}

// check holds a message to the rules of the contract: of an author, first its
// size; then every field. What the contract does not know is dropped, so that it
// is neither stored nor signed.
func (s *Server) check(ctx context.Context, c *workflow.Caller, req any) error {
	m, ok := req.(proto.Message)
	if !ok {
		return errPanic
	}
	if err := keyProof(ctx, c); err != nil {
		return err
	}
	if c.Role == token.Caseworker {
		if err := authorNonce(ctx, c); err != nil {
			return err
		}
		if err := padded(ctx, m); err != nil {
			return err
		}
	}
	if err := s.validate.Validate(m); err != nil {
		v := (*protovalidate.ValidationError)(nil)
		if !errors.As(err, &v) {
			return err
		}
		bad := &malformed{}
		for _, one := range v.Violations {
			bad.fields = append(bad.fields, protovalidate.FieldPathString(one.Proto.GetField()))
		}
		return bad
	}
	dropUnknown(m.ProtoReflect())
	if r, ok := req.(interface{ GetRequestId() []byte }); ok {
		c.RequestID = [16]byte(r.GetRequestId()) // 16 bytes by its rule
	}
	return nil
}

func dropUnknown(m protoreflect.Message) {
	m.SetUnknown(nil)
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case f.Message() == nil || f.IsMap():
		case f.IsList():
			for i := range v.List().Len() {
				dropUnknown(v.List().Get(i).Message())
			}
		default:
			dropUnknown(v.Message())
		}
		return true
	})
}

// logUnary turns errors into statuses, when they may leave, and writes the one line
// that a call may leave.
func (s *Server) logUnary(ctx context.Context, req any, info *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
	began := time.Now()
	out, err := handle(ctx, req)
	err = toStatus(workflow.Hold(ctx, began, err))
	s.line(ctx, Call{info.FullMethod, status.Code(err), time.Since(began), false})
	return out, err
}

func (s *Server) logStream(srv any, ss grpc.ServerStream, info *grpc.StreamServerInfo, handle grpc.StreamHandler) error {
	began := time.Now()
	err := toStatus(workflow.Hold(ss.Context(), began, handle(srv, ss)))
	s.line(ss.Context(), Call{info.FullMethod, status.Code(err), time.Since(began), true})
	return err
}

// line logs and counts a call by method, code and duration. A call that an author may have
// made leaves nothing, since its time would date a draft: none of the author's own,
// and no public one, which an author's client makes just before it submits.
func (s *Server) line(ctx context.Context, c Call) {
	if access.Authors(c.Method) || access.Public(c.Method) {
		return
	}
	s.log.LogAttrs(context.WithoutCancel(ctx), levelOf(c.Code), "call", methodAttr(c.Method), codeAttr(c.Code), tookAttr(c.Took))
	if s.seen != nil {
		s.seen(c)
	}
}
