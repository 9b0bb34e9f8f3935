package main

import (
	"bytes"
	"context"
	"net"
	"strings"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	sigillv1 "sigill/proto/sigill/v1"
)

// A hostile server says what it likes, where no signature covers it.
type hostile struct {
	sigillv1.UnimplementedAdministrationServiceServer
}

const escape = "\x1b]0;taken\x07\x1b[2J\x1b[Hsigill: \u202edengis"

func (hostile) GetStatus(context.Context, *sigillv1.GetStatusRequest) (*sigillv1.GetStatusResponse, error) {
	return &sigillv1.GetStatusResponse{Version: escape, CertificateUntil: escape}, nil
}

func (hostile) ListRequesters(context.Context, *sigillv1.ListRequestersRequest) (*sigillv1.ListRequestersResponse, error) {
	st, err := status.New(codes.InvalidArgument, escape).WithDetails(&errdetails.ErrorInfo{Reason: escape, Domain: escape},
		&errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{{Field: escape}}})
	if err != nil {
		return nil, err
	}
	return nil, st.Err()
}

// TestHostileServer: what a server says outside of any signature shows as nothing but
// plain words: it neither moves the cursor nor turns a line about.
func TestHostileServer(t *testing.T) {
	r := ward(t, false)
	as(t, r, "drift")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := grpc.NewServer()
	sigillv1.RegisterAdministrationServiceServer(g, hostile{})
	go g.Serve(l)
	t.Cleanup(g.Stop)
	t.Setenv("SIGILL_ADDR", "http://"+l.Addr().String())
	for _, c := range []struct {
		args string
		exit int
	}{{"admin status", exitUnverified}, {"admin requesters", exitRefused}} {
		for _, format := range []string{"table", "json"} {
			var out, talk bytes.Buffer
			code := run(context.Background(), append(strings.Fields(c.args), "-o", format), strings.NewReader(""), &out, &talk)
			if code != c.exit || out.Len() > 0 || strings.ContainsAny(talk.String(), "\x1b\x07\u202e") || strings.Contains(talk.String(), "taken") {
				t.Errorf("%s, %s: exit %d, %q %q", c.args, format, code, out.String(), talk.String())
			}
		}
	}
}
