package rpc

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"sigill/keys/ident"
	"sigill/server/workflow"
)

// declared reads the names of kinds and the texts of reasons from the source of
// package workflow, so that a new one is walked without being listed here.
func declared(t *testing.T) (kinds int, reasons []string) {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), "../workflow/errors.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(f, func(n ast.Node) bool {
		v, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if name := v.Names[0].Name; strings.HasPrefix(name, "Err") {
			kinds++
		} else if strings.HasPrefix(name, "Reason") {
			text, err := strconv.Unquote(v.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			reasons = append(reasons, text)
		}
		return true
	})
	return kinds, reasons
}

const secret = "Åsa-Märta Öberghult"

// TestEveryReason: every kind has a class of its own, every reason reaches the
// client beside it, and nothing that an error holds inside does.
func TestEveryReason(t *testing.T) {
	kinds, reasons := declared(t)
	if n := len(classes) - 2; kinds != n || kinds < 9 || len(reasons) < 30 {
		t.Fatalf("%d kinds, %d classes, %d reasons", kinds, n, len(reasons))
	}
	seen := map[codes.Code]bool{}
	for _, c := range classes {
		if seen[c.code] || c.text == "" || c.swedish == "" {
			t.Errorf("%v: a code for two classes, or no text", c.code)
		}
		seen[c.code] = true
		for _, reason := range reasons {
			inner := fmt.Errorf("%s: %w", secret, c.kind)
			err := toStatus(errors.Join(&workflow.Refusal{Kind: c.kind, Reason: reason, Field: "record.user_id", Line: 7}, inner))
			check(t, err, c, reason)
		}
	}
}

// TestSpecReasons: proto/SPEC.md has every reason, with the codes that it comes
// with and with what it means.
func TestSpecReasons(t *testing.T) {
	spec, err := os.ReadFile("../../proto/SPEC.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(spec), "\n## Errors\n")
	section, _, _ = strings.Cut(section, "\n## ")
	_, codes, _ := strings.Cut(section, "| code | meaning | reasons |")
	codes, meanings, found := strings.Cut(codes, "| reason | meaning |")
	if !found {
		t.Fatal("no tables")
	}
	_, reasons := declared(t)
	for _, r := range append(reasons, ReasonToken, ReasonProvider, ReasonInternal) {
		word := regexp.MustCompile(`\b` + r + `\b`)
		for name, table := range map[string]string{"codes": codes, "meanings": meanings} {
			if !word.MatchString(table) {
				t.Errorf("%s is not in the table of %s", r, name)
			}
		}
	}
}

func check(t *testing.T, err error, c class, reason string) {
	t.Helper()
	st, ok := status.FromError(err)
	if !ok || st.Code() != c.code || st.Message() != c.text {
		t.Fatalf("%v %q, want %v %q", st.Code(), st.Message(), c.code, c.text)
	}
	if strings.Contains(st.Proto().String(), "Öberghult") || strings.Contains(st.Proto().String(), "\\303\\226berghult") {
		t.Fatal("what the error held reaches the caller")
	}
	var info *errdetails.ErrorInfo
	var bad *errdetails.BadRequest
	retry, swedish := false, false
	for _, d := range st.Details() {
		switch d := d.(type) {
		case *errdetails.ErrorInfo:
			info = d
		case *errdetails.BadRequest:
			bad = d
		case *errdetails.RetryInfo:
			retry = true
		case *errdetails.LocalizedMessage:
			swedish = d.GetLocale() == "sv" && d.GetMessage() == c.swedish
		}
	}
	if info.GetDomain() != "sigill" || info.GetReason() != reason || info.GetMetadata()["line"] != "7" || !swedish {
		t.Fatalf("details %v", st.Details())
	}
	if len(bad.GetFieldViolations()) != 1 || bad.GetFieldViolations()[0].GetField() != "seal.record.user_id" {
		t.Fatalf("fields %v", bad)
	}
	if retry != (c.code == codes.Unavailable) {
		t.Fatalf("%v: retry %v", c.code, retry)
	}
}

// TestOtherErrors: what the table does not know is INTERNAL with one text, and a
// context that ended is what it is.
func TestOtherErrors(t *testing.T) {
	for _, c := range []struct {
		err          error
		code         codes.Code
		text, reason string
	}{
		{errors.New("reading " + secret), codes.Internal, "internal", "INTERNAL"},
		{errPanic, codes.Internal, "internal", "INTERNAL"},
		{status.Error(codes.NotFound, secret), codes.Internal, "internal", "INTERNAL"},
		{fmt.Errorf("%s: %w", secret, context.DeadlineExceeded), codes.DeadlineExceeded, "took too long", "DEADLINE_EXCEEDED"},
		{fmt.Errorf("%s: %w", secret, context.Canceled), codes.Canceled, "cancelled by the caller", "CANCELLED"},
	} {
		st := status.Convert(toStatus(c.err))
		if st.Code() != c.code || st.Message() != c.text {
			t.Errorf("%v %q, want %v %q", st.Code(), st.Message(), c.code, c.text)
		}
		if info, ok := st.Details()[0].(*errdetails.ErrorInfo); !ok || info.GetReason() != c.reason {
			t.Errorf("%v: %v", c.code, st.Details())
		}
	}
	if toStatus(nil) != nil {
		t.Error("an error out of none")
	}
}

// TestToCite: what must be cited is listed by digest.
func TestToCite(t *testing.T) {
	d := ident.Sum("a draft")
	st := status.Convert(toStatus(&workflow.Refusal{Kind: workflow.ErrState, Reason: workflow.ReasonEarlier, Digests: []ident.Digest{d}}))
	for _, detail := range st.Details() {
		if p, ok := detail.(*errdetails.PreconditionFailure); ok {
			if v := p.GetViolations(); len(v) != 1 || v[0].GetSubject() != d.String() || v[0].GetType() != "EARLIER_DRAFTS" {
				t.Fatalf("violations %v", v)
			}
			return
		}
	}
	t.Fatal("no list of what to cite")
}
