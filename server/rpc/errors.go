package rpc

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/durationpb"

	"sigill/server/workflow"
)

// Domain is the domain of every google.rpc.ErrorInfo.
const Domain = "sigill"

// Reasons of the door itself, beside those of package workflow.
const (
	ReasonToken     = "TOKEN"             // no valid proof of who calls; says no more
	ReasonProvider  = "PROVIDER"          // the identity provider's keys cannot be had
	ReasonDeadline  = "DEADLINE_EXCEEDED" // it may have happened: ask again under the same request id
	ReasonCancelled = "CANCELLED"         // the same
	ReasonInternal  = "INTERNAL"          // a fault of the server
)

// A class is what callers tell apart: one code with one text in two languages.
// Nothing that anyone wrote is ever part of it.
type class struct {
	kind    error
	code    codes.Code
	text    string
	swedish string
}

// classes is the one table from refusals to codes.
var classes = []class{
	{workflow.ErrInvalid, codes.InvalidArgument, "the request is not valid", "Begäran är felaktig."},
	{workflow.ErrUnauthenticated, codes.Unauthenticated, "not authenticated", "Inloggningen godtas inte."},
	{workflow.ErrPermission, codes.PermissionDenied, "not permitted", "Behörighet saknas."},
	{workflow.ErrNotFound, codes.NotFound, "not found", "Finns inte."},
	{workflow.ErrState, codes.FailedPrecondition, "not possible as the matter stands", "Ärendets läge tillåter det inte."},
	{workflow.ErrStale, codes.Aborted, "cites what is no longer the last", "Något nyare har kommit i stället."},
	{workflow.ErrBusy, codes.ResourceExhausted, "too much under way", "För mycket pågår."},
	{workflow.ErrUnavailable, codes.Unavailable, "not available now", "Tjänsten kan inte nås just nu."},
	{workflow.ErrData, codes.DataLoss, "the store is damaged", "Lagret är skadat."},
	{context.DeadlineExceeded, codes.DeadlineExceeded, "took too long", "Det tog för lång tid."},
	{context.Canceled, codes.Canceled, "cancelled by the caller", "Avbrutet av anroparen."},
}

// fault is the class of everything else.
var fault = class{nil, codes.Internal, "internal", "Internt fel."}

// retryAfter is when an unavailable call may be tried again.
const retryAfter = time.Second

var (
	errToken    = &workflow.Refusal{Kind: workflow.ErrUnauthenticated, Reason: ReasonToken}
	errProvider = &workflow.Refusal{Kind: workflow.ErrUnavailable, Reason: ReasonProvider}
)

// malformed is a message that breaks the rules of the contract, by field.
type malformed struct{ fields []string }

func (*malformed) Error() string { return "a field breaks the rules of the contract" }

// Unwrap makes it [workflow.ErrInvalid].
func (*malformed) Unwrap() error { return workflow.ErrInvalid }

// toStatus turns an error into what the caller is told; nil stays nil.
func toStatus(err error) error {
	if err == nil {
		return nil
	}
	c := fault
	for _, one := range classes {
		if errors.Is(err, one.kind) {
			c = one
			break
		}
	}
	st := status.New(c.code, c.text)
	if with, err := st.WithDetails(details(c, err)...); err == nil {
		st = with
	}
	return st.Err()
}

func details(c class, err error) []protoadapt.MessageV1 {
	info := &errdetails.ErrorInfo{Domain: Domain, Reason: ReasonInternal, Metadata: map[string]string{}}
	out := []protoadapt.MessageV1{info, &errdetails.LocalizedMessage{Locale: "sv", Message: c.swedish}}
	var fields []string
	switch r, m := (*workflow.Refusal)(nil), (*malformed)(nil); {
	case errors.As(err, &m):
		info.Reason, fields = workflow.ReasonField, m.fields
	case errors.As(err, &r):
		info.Reason = r.Reason
		if r.Line > 0 {
			info.Metadata["line"] = strconv.Itoa(r.Line)
		}
		if r.Field != "" {
			fields = []string{r.Field}
		}
		if len(r.Digests) > 0 {
			out = append(out, toCite(r))
		}
	case c.kind == nil:
	case c.code == codes.Canceled:
		info.Reason = ReasonCancelled
	default:
		info.Reason = ReasonDeadline
	}
	if len(fields) > 0 {
		bad := &errdetails.BadRequest{}
		for _, f := range fields {
			bad.FieldViolations = append(bad.FieldViolations, &errdetails.BadRequest_FieldViolation{
				Field: protoField(f), Reason: info.Reason, Description: c.text})
		}
		out = append(out, bad)
	}
	if c.code == codes.Unavailable {
		out = append(out, &errdetails.RetryInfo{RetryDelay: durationpb.New(retryAfter)})
	}
	return out
}

// toCite lists by digest what the next try must cite.
func toCite(r *workflow.Refusal) *errdetails.PreconditionFailure {
	p := &errdetails.PreconditionFailure{}
	for _, d := range r.Digests {
		p.Violations = append(p.Violations, &errdetails.PreconditionFailure_Violation{Type: r.Reason, Subject: d.String()})
	}
	return p
}

// protoField gives a field the path that it has in the request.
func protoField(f string) string {
	if rest, ok := strings.CutPrefix(f, "record."); ok {
		return "seal.record." + rest
	}
	return f
}
