package client

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"sigill/keys/ident"
)

// An Error is the server's no, with the stable reason and the member that it is
// about. See proto/SPEC.md, "Errors".
type Error struct {
	Code    codes.Code
	Reason  string
	Field   string
	Line    int            // in the content, from 1; 0 if it is not about a line
	Digests []ident.Digest // what must be cited
	Message string         // as the server sent it: not for a terminal
	// Handshake: no connection was made, since the two sides agreed on no TLS or the
	// server's certificate is not one that was asked for. Nothing was sent.
	Handshake bool
	Unsure    bool // an earlier try of the same call may have taken effect, whatever this one was told
}

func (e *Error) Error() string {
	if e.Unsure {
		return fmt.Sprintf("an earlier try was not answered and may have taken effect (then %s)", e.Code)
	}
	s := fmt.Sprintf("the server refused (%s", e.Code)
	if e.Reason != "" {
		s += ", " + e.Reason
	}
	s += ")"
	if e.Field != "" {
		s += ": " + e.Field
	}
	if e.Line > 0 {
		s += fmt.Sprintf(", line %d", e.Line)
	}
	return s
}

// Tells reports whether the server said no, or whether it is unknown if the call
// took effect: then the same call again may succeed, or tell that it had.
func (e *Error) Tells() bool {
	if e.Unsure {
		return false
	}
	switch e.Code {
	case codes.Unavailable, codes.DeadlineExceeded, codes.Canceled, codes.Unknown, codes.Internal, codes.DataLoss:
		return false
	}
	return true
}

// Reason is the stable reason of a refusal, or "".
func Reason(err error) string {
	if e := (*Error)(nil); errors.As(err, &e) {
		return e.Reason
	}
	return ""
}

// ErrVerification is everything that came from the server and is not what it
// must be by the trust file: nothing of it may be relied on.
var ErrVerification = errors.New("what the server sent does not verify")

// unverified marks the error of a check of what the server sent.
func unverified(err error) error {
	if err == nil || errors.Is(err, ErrVerification) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrVerification, err)
}

// plain is what reasons and paths of fields are written in.
var plain = regexp.MustCompile(`^[A-Za-z0-9_.\[\]-]{1,120}$`)

// word is a reason or a field, or "" if it is none: no signature covers what is said
// of an error, and it is shown on a terminal.
func word(s string) string {
	if !plain.MatchString(s) {
		return ""
	}
	return s
}

// asError reads a gRPC status with its details; nil stays nil.
func asError(err error) error {
	if err == nil {
		return nil
	}
	st, ok := status.FromError(err)
	if !ok {
		return err
	}
	e := &Error{Code: st.Code(), Message: st.Message()}
	for _, d := range st.Details() {
		switch d := d.(type) {
		case *errdetails.ErrorInfo:
			e.Reason = word(d.GetReason())
			e.Line, _ = strconv.Atoi(d.GetMetadata()["line"])
		case *errdetails.BadRequest:
			for _, v := range d.GetFieldViolations() {
				if e.Field == "" {
					e.Field = word(v.GetField())
				}
			}
		case *errdetails.PreconditionFailure:
			for _, v := range d.GetViolations() {
				if digest, err := ident.ParseDigest(v.GetSubject()); err == nil {
					e.Digests = append(e.Digests, digest)
				}
			}
		}
	}
	return e
}
