package client_test

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"sigill/client"
	"sigill/keys/order"
	"sigill/keys/record"
	"sigill/scripts/authority"
)

// A line is a network that loses the server's answers to one method: the call
// arrives, and the caller gets one of the codes instead, until there are no more.
type line struct {
	mu     sync.Mutex
	method string
	codes  []codes.Code
	cut    bool
}

// lose takes the answers to the next calls of a method.
func (l *line) lose(method string, list ...codes.Code) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.method, l.codes, l.cut = method, list, false
}

// drop loses the next calls of a method themselves: they never arrive.
func (l *line) drop(method string, list ...codes.Code) {
	l.lose(method, list...)
	l.cut = true
}

func (l *line) next(method string) (c codes.Code, arrives bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !strings.HasSuffix(method, "/"+l.method) || len(l.codes) == 0 {
		return codes.OK, true
	}
	c, l.codes = l.codes[0], l.codes[1:]
	return c, !l.cut
}

func (l *line) dial(string) []grpc.DialOption {
	return []grpc.DialOption{grpc.WithChainUnaryInterceptor(func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn,
		invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
		c, arrives := l.next(method)
		if !arrives {
			return status.Error(c, "lost")
		}
		err := invoke(ctx, method, req, reply, cc, opts...)
		if c != codes.OK {
			return status.Error(c, "lost")
		}
		return err
	})}
}

// beginLossy starts a development authority behind a line.
func beginLossy(t *testing.T) (*authority.Running, *line) {
	t.Helper()
	l := &line{}
	a, err := authority.Make(t.Context(), filepath.Join(t.TempDir(), "house"), authority.Options{
		Groups: []authority.Shape{{Threshold: 1, Members: 3}}, Dial: l.dial})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	r, err := a.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Stop() })
	if err := r.Publish(t.Context()); err != nil {
		t.Fatal(err)
	}
	return r, l
}

// unsure holds that an error says that it cannot be told what happened.
func unsure(t *testing.T, err error) {
	t.Helper()
	if e := (*client.Error)(nil); !errors.As(err, &e) || e.Tells() {
		t.Errorf("believed to tell: %v", err)
	}
}

// TestLaterNo: a no after a try that may have reached the server tells nothing,
// whether it is of the server or of the login; what was kept stays.
func TestLaterNo(t *testing.T) {
	r, l := beginLossy(t)
	asa, err := r.Caseworker("asa")
	if err != nil {
		t.Fatal(err)
	}
	l.lose("SubmitDraft", codes.Unavailable, codes.Unauthenticated)
	own, err := asa.Submit(t.Context(), decisionText())
	unsure(t, err)
	if own == nil || own.Sent.IsZero() {
		t.Fatalf("the key of a draft that was taken is given up: %+v", own)
	}
	if _, err := asa.Get(t.Context(), own); err != nil || len(own.Revisions) != 1 {
		t.Errorf("%v, %+v", err, own)
	}
	// An answer after a loss is believed.
	l.lose("ReviseDraft", codes.Unavailable)
	if err := asa.Revise(t.Context(), own, decisionText()); err != nil || len(own.Revisions) != 2 {
		t.Errorf("an answer after a loss: %v", err)
	}
	// A question has no effect that could be unknown.
	l.lose("GetDraft", codes.Unavailable, codes.NotFound)
	if _, err := asa.Get(t.Context(), own); !tells(err) {
		t.Errorf("a question: %v", err)
	}
	// The login is gone before the call is tried again.
	token, tries := asa.Token, 0
	asa.Token = func(ctx context.Context) (string, error) {
		if tries++; tries > 1 {
			return "", errors.New("logged out")
		}
		return token(ctx)
	}
	l.lose("WithdrawDraft", codes.Unavailable)
	unsure(t, asa.Withdraw(t.Context(), own))
	asa.Token = token
	// A no to the only try is one.
	if err := asa.Withdraw(t.Context(), own); !tells(err) || client.Reason(err) != "ENDED" {
		t.Errorf("withdrawn twice: %v", err)
	}
}

func tells(err error) bool {
	e := (*client.Error)(nil)
	return errors.As(err, &e) && e.Tells()
}

// TestLaterNoToRequest: the recipient key of a request that may have been taken is
// not one to delete.
func TestLaterNoToRequest(t *testing.T) {
	r, l := beginLossy(t)
	_, own := drafted(t.Context(), r)
	v := signed(t.Context(), r, own.Decision)
	court, err := r.AsCourt()
	if err != nil {
		t.Fatal(err)
	}
	ask, err := court.NewRequest(client.Ask{Verdict: v, Ground: order.CourtOrder, Reference: "T 1",
		Sections: []record.Section{record.SectionDecider}, Days: 3})
	if err != nil {
		t.Fatal(err)
	}
	l.lose("RequestOpening", codes.Unavailable, codes.Unauthenticated)
	unsure(t, court.Send(t.Context(), ask))
	if o, err := court.Get(t.Context(), ask.Opening); err != nil || o.GetRequest() != ask.Request {
		t.Errorf("it had been taken: %v", err)
	}
	if err := court.Send(t.Context(), ask); err != nil {
		t.Errorf("sent again: %v", err)
	}
}
