package rpc_test

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/reflect/protoreflect"

	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/token"
	sigillv1 "sigill/proto/sigill/v1"
	"sigill/scripts/authority"
	"sigill/server/access"
)

var files = []protoreflect.FileDescriptor{
	sigillv1.File_sigill_v1_drafting_proto, sigillv1.File_sigill_v1_signing_proto, sigillv1.File_sigill_v1_opening_proto,
	sigillv1.File_sigill_v1_review_proto, sigillv1.File_sigill_v1_verification_proto, sigillv1.File_sigill_v1_administration_proto,
}

// TestEveryMethod: the policy has a row for each method of the contract, and
// what authors call is what can be padded.
func TestEveryMethod(t *testing.T) {
	methods, public := 0, 0
	for _, f := range files {
		for i := range f.Services().Len() {
			s := f.Services().Get(i)
			for j := range s.Methods().Len() {
				m := s.Methods().Get(j)
				path := "/" + string(s.FullName()) + "/" + string(m.Name())
				if !access.Known(path) {
					t.Errorf("%s has no row", path)
				}
				methods++
				if access.Public(path) {
					public++
				}
				if pads := m.Input().Fields().ByName("padding") != nil; pads != access.May(path, token.Caseworker) {
					t.Errorf("%s: padded %v, but for caseworkers %v", path, pads, !pads)
				}
			}
		}
	}
	if methods != 35 || public != 5 {
		t.Errorf("%d methods, %d public: not the contract's", methods, public)
	}
	if access.Known("/sigill.v1.DraftingService/ListDrafts") || access.Known("/grpc.health.v1.Health/Check") {
		t.Error("a method that does not exist has a row")
	}
}

// a world is a running authority with a bare connection to it.
type world struct {
	*authority.Running
	t  testing.TB
	cc *grpc.ClientConn
}

func newWorld(t testing.TB, o authority.Options) *world {
	t.Helper()
	a, err := authority.Make(t.Context(), t.TempDir(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	r, err := a.Start(context.WithoutCancel(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Stop(); err != nil {
			t.Error(err)
		}
	})
	cc, err := grpc.NewClient("passthrough:///"+r.Addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cc.Close() })
	return &world{r, t, cc}
}

// login is a token for a user, bound to a day key or not.
func (w *world) login(user string, bound bool) (string, *jws.Signer) {
	w.t.Helper()
	day, _, err := jws.Generate(jws.ES256)
	if err != nil {
		w.t.Fatal(err)
	}
	var jkt *ident.Digest
	if bound {
		thumb := day.Public().Thumbprint()
		jkt = &thumb
	}
	tok, err := w.IDP.Issue(user, jkt, 0)
	if err != nil {
		w.t.Fatal(err)
	}
	return tok, day
}

const getStatus = "/sigill.v1.AdministrationService/GetStatus"

func (w *world) proof(day *jws.Signer, method, tok string, at time.Time, jti string) string {
	w.t.Helper()
	p, err := token.NewProof(day, "POST", authority.Origin+method, tok, at, jti)
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

func (w *world) status(values ...string) (*sigillv1.GetStatusResponse, error) {
	ctx := metadata.NewOutgoingContext(w.t.Context(), metadata.Pairs(values...))
	return sigillv1.NewAdministrationServiceClient(w.cc).GetStatus(ctx, &sigillv1.GetStatusRequest{})
}

// TestToken: whatever is wrong with who calls, the
// answer is one, and nothing happens.
func TestToken(t *testing.T) {
	w := newWorld(t, authority.Options{})
	bound, day := w.login("drift", true)
	bearer, _ := w.login("drift", false)
	_, other := w.login("drift", true)
	now := time.Now()
	proof := func(jti string) string { return w.proof(day, getStatus, bound, now, jti) }
	before, err := w.status("authorization", "DPoP "+bound, "dpop", proof("first"))
	if err != nil {
		t.Fatal(err)
	}
	var first string
	for name, values := range map[string][]string{
		"nothing":                  {},
		"an empty value":           {"authorization", ""},
		"another scheme":           {"authorization", "Basic " + bearer},
		"two authorizations":       {"authorization", "Bearer " + bearer, "authorization", "Bearer " + bearer},
		"a bound token as Bearer":  {"authorization", "Bearer " + bound},
		"an unbound token as DPoP": {"authorization", "DPoP " + bearer, "dpop", w.proof(day, getStatus, bearer, now, "a")},
		"no proof":                 {"authorization", "DPoP " + bound},
		"two proofs":               {"authorization", "DPoP " + bound, "dpop", proof("b"), "dpop", proof("c")},
		"a proof twice":            {"authorization", "DPoP " + bound, "dpop", proof("first")},
		"another method":           {"authorization", "DPoP " + bound, "dpop", w.proof(day, "/sigill.v1.AdministrationService/ListRequesters", bound, now, "d")},
		"an old proof":             {"authorization", "DPoP " + bound, "dpop", w.proof(day, getStatus, bound, now.Add(-10*time.Minute), "e")},
		"another key":              {"authorization", "DPoP " + bound, "dpop", w.proof(other, getStatus, bound, now, "f")},
		"another token's proof":    {"authorization", "DPoP " + bound, "dpop", w.proof(day, getStatus, bearer, now, "g")},
		"8 KiB and a byte":         {"authorization", "Bearer " + strings.Repeat("x", 8193)},
		"a changed signature":      {"authorization", "Bearer " + bearer[:len(bearer)-6] + "AAAAAA"},
		"alg none":                 {"authorization", "Bearer " + none(bearer)},
	} {
		_, err := w.status(values...)
		st := status.Convert(err)
		if st.Code() != codes.Unauthenticated || st.Message() != "not authenticated" {
			t.Errorf("%s: %v", name, err)
		}
		if text := st.Proto().String(); first == "" {
			first = text
		} else if text != first {
			t.Errorf("%s: another answer: %s", name, text)
		}
	}
	after, err := w.status("authorization", "bearer "+bearer)
	if err != nil {
		t.Fatal("an unbound token as bearer: ", err)
	}
	// One look, by the administrator, and nothing of the others.
	if after.GetLogSize() != before.GetLogSize()+1 {
		t.Errorf("%d entries more", after.GetLogSize()-before.GetLogSize())
	}
}

// none is a token with the algorithm none in its header.
func none(tok string) string {
	parts := strings.Split(tok, ".")
	return base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"at+jwt","kid":"k"}`)) + "." + parts[1] + "."
}

// TestRotatedProvider: tokens under new keys are accepted after the next fetch,
// and the key set is in the log before.
func TestRotatedProvider(t *testing.T) {
	w := newWorld(t, authority.Options{})
	tok, _ := w.login("drift", false)
	s, err := w.status("authorization", "Bearer "+tok)
	if err != nil || s.GetLogSize() < 1 {
		t.Fatal("provider keys are not in the log", err)
	}
}

// TestRoles: a caller without exactly the role is refused, and it is recorded.
func TestRoles(t *testing.T) {
	w := newWorld(t, authority.Options{})
	admin, _ := w.login("drift", false)
	before, err := w.status("authorization", "Bearer "+admin)
	if err != nil {
		t.Fatal(err)
	}
	tok, _ := w.login("domstol", false)
	if _, err := w.status("authorization", "Bearer "+tok); status.Code(err) != codes.PermissionDenied {
		t.Fatal(err)
	}
	after, err := w.status("authorization", "Bearer "+admin)
	if err != nil || after.GetLogSize() != before.GetLogSize()+2 {
		t.Fatalf("%d to %d entries: %v", before.GetLogSize(), after.GetLogSize(), err)
	}
}

// TestRules: what breaks the contract's rules is INVALID_ARGUMENT with its field,
// and without its value.
func TestRules(t *testing.T) {
	w := newWorld(t, authority.Options{})
	tok, _ := w.login("direktor", false)
	ctx := metadata.NewOutgoingContext(t.Context(), metadata.Pairs("authorization", "Bearer "+tok))
	_, err := sigillv1.NewSigningServiceClient(w.cc).CosignDecision(ctx, &sigillv1.CosignDecisionRequest{
		RequestId: []byte("Öberghult"), Approval: strings.Repeat("Öberghult", 10000)})
	st := status.Convert(err)
	text := st.Proto().String()
	if st.Code() != codes.InvalidArgument || strings.Contains(text, "berghult") {
		t.Fatal(text)
	}
	fields := map[string]bool{}
	for _, f := range violations(st) {
		fields[f] = true
	}
	if len(fields) != 2 || !fields["request_id"] || !fields["approval"] {
		t.Fatal("fields", fields)
	}
}

// TestUnpadded: an author's request of another size is refused before anything
// of it is looked at; so is one without the author's nonce.
func TestUnpadded(t *testing.T) {
	w := newWorld(t, authority.Options{})
	tok, _ := w.login("asa", false)
	nonce := make([]byte, 32)
	rand.Read(nonce)
	req := &sigillv1.GetDraftRequest{RequestId: make([]byte, 16), DecisionId: string(ident.NewID())}
	for field, values := range map[string][]string{
		"padding":                 {"authorization", "Bearer " + tok, "sigill-author-nonce-bin", string(nonce)},
		"sigill-author-nonce-bin": {"authorization", "Bearer " + tok},
		"sigill-author-proof":     {"authorization", "Bearer " + tok, "sigill-author-proof", "a", "sigill-author-proof", "b"},
	} {
		ctx := metadata.NewOutgoingContext(t.Context(), metadata.Pairs(values...))
		_, err := sigillv1.NewDraftingServiceClient(w.cc).GetDraft(ctx, req)
		st := status.Convert(err)
		if f := violations(st); st.Code() != codes.InvalidArgument || len(f) != 1 || f[0] != field {
			t.Errorf("%s: %v %v", field, err, f)
		}
	}
}

// TestWatch: a watch tells what is shown, there is one for each login, and a
// server that stops does not wait for it.
func TestWatch(t *testing.T) {
	w := newWorld(t, authority.Options{})
	tok, _ := w.login("direktor", false)
	ctx := metadata.NewOutgoingContext(t.Context(), metadata.Pairs("authorization", "Bearer "+tok))
	c := sigillv1.NewSigningServiceClient(w.cc)
	watch, err := c.WatchInbox(ctx, &sigillv1.WatchInboxRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if first, err := watch.Recv(); err != nil || len(first.GetDecisionIds()) != 0 {
		t.Fatal(first, err)
	}
	second, err := c.WatchInbox(ctx, &sigillv1.WatchInboxRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := second.Recv(); status.Code(err) != codes.ResourceExhausted {
		t.Fatal("a second watch: ", err)
	}
	began := time.Now()
	if err := w.Stop(); err != nil {
		t.Fatal(err)
	}
	if d := time.Since(began); d > 5*time.Second {
		t.Errorf("stopping took %v", d)
	}
	if _, err := watch.Recv(); err == nil {
		t.Error("the watch goes on")
	}
}
