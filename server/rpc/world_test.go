package rpc_test

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"sigill/keys/ident"
	"sigill/keys/token"
	sigillv1 "sigill/proto/sigill/v1"
	"sigill/scripts/authority"
	"sigill/scripts/made"
	"sigill/scripts/story"
)

// served checks that others are.
func (w *world) served() {
	w.t.Helper()
	if _, err := sigillv1.NewVerificationServiceClient(w.cc).GetCheckpoint(w.t.Context(), &sigillv1.GetCheckpointRequest{}); err != nil {
		w.t.Error("another caller: ", err)
	}
}

// sigilld is the directory of the server as it is built, once for all tests.
var sigilld = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "sigilld")
	if err != nil {
		return "", err
	}
	if out, err := exec.Command("go", "build", "-o", dir, "sigill/server/cmd/sigilld").CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s", errors.Join(err, os.RemoveAll(dir)), out)
	}
	built = dir
	return dir, nil
})

var built string // where sigilld is, if it was asked for

func TestMain(m *testing.M) {
	m.Run()
	if built != "" {
		os.RemoveAll(built)
	}
}

// built has the same authority served by sigilld itself, whose log has all that
// any library prints.
func (w *world) built() {
	w.t.Helper()
	if err := w.Stop(); err != nil {
		w.t.Fatal(err)
	}
	made.From(w.t, "sigill/server/cmd/sigilld")
	dir, err := sigilld()
	if err != nil {
		w.t.Fatal(err)
	}
	run, err := w.StartBinary(context.WithoutCancel(w.t.Context()), filepath.Join(dir, "sigilld"))
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { run.Stop() })
	cc, err := grpc.NewClient("passthrough:///"+run.Addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { cc.Close() })
	w.Running, w.cc = run, cc
}

// printed is what the server has printed.
func (w *world) printed() string {
	w.t.Helper()
	b, err := os.ReadFile(filepath.Join(w.Dir, authority.LogFile))
	if err != nil {
		w.t.Fatal(err)
	}
	return string(b)
}

// A state is what an administrator sees of what there is.
type state struct{ log, pending, owed int }

// A watcher is an administrator whose own looks do not count.
type watcher struct {
	w       *world
	tok     string
	looks   int
	was     state
	printed string
}

func (w *world) watcher() *watcher {
	w.t.Helper()
	tok, _ := w.login("drift", false)
	a := &watcher{w: w, tok: tok}
	a.sees()
	a.was, a.printed = a.sees(), w.printed()
	return a
}

func (a *watcher) sees() state {
	a.w.t.Helper()
	r, err := a.w.status("authorization", "Bearer "+a.tok)
	if err != nil {
		a.w.t.Fatal(err)
	}
	a.looks++
	return state{int(r.GetLogSize()) - a.looks, int(r.GetPendingDrafts()), int(r.GetOwedEntries())}
}

// nothing checks that since the watcher came nothing has changed and nothing was
// printed but the watcher's own looks.
func (a *watcher) nothing(name string) {
	a.w.t.Helper()
	if now := a.sees(); now != a.was {
		a.w.t.Errorf("%s: %+v became %+v", name, a.was, now)
	}
	more := strings.TrimPrefix(a.w.printed(), a.printed)
	for line := range strings.Lines(more) {
		checked := strings.Contains(line, `"msg":"check green"`) // of the store, after the start
		if !checked && !strings.Contains(line, getStatus) || strings.Contains(line, needle) {
			a.w.t.Errorf("%s: printed %q", name, line)
		}
	}
}

// A catch keeps the next request of a method back from the server.
type catch struct {
	mu     sync.Mutex
	method string
	kept   *request
}

// A request is what a caller would have sent.
type request struct {
	user, method string
	message      proto.Message
	nonce        string
}

func (c *catch) dial(user string) []grpc.DialOption {
	return []grpc.DialOption{grpc.WithChainUnaryInterceptor(func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn,
		invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.method == "" || path.Base(method) != c.method {
			return invoke(ctx, method, req, reply, cc, opts...)
		}
		md, _ := metadata.FromOutgoingContext(ctx)
		c.method, c.kept = "", &request{user, method, proto.Clone(req.(proto.Message)), strings.Join(md.Get("sigill-author-nonce-bin"), "")}
		return status.Error(codes.Canceled, "kept back")
	})}
}

// from is the request that a call would have sent.
func (c *catch) from(t *testing.T, method string, call func() error) *request {
	t.Helper()
	c.mu.Lock()
	c.method, c.kept = method, nil
	c.mu.Unlock()
	err := call()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.kept == nil {
		t.Fatal(method, " was not called: ", err)
	}
	return c.kept
}

// values are the request's metadata with a proof of its own for each time that it
// is sent, to which its padding is fitted.
func (w *world) values(q *request) []string {
	w.t.Helper()
	day, tok, err := w.Login(q.user)
	if err != nil {
		w.t.Fatal(err)
	}
	out := []string{"authorization", "DPoP " + tok, "dpop", w.proof(day, q.method, tok, time.Now(), rand.Text())}
	if q.nonce != "" {
		out = append(out, "sigill-author-nonce-bin", q.nonce)
		q.fit(out[1], out[3], base64.RawStdEncoding.EncodeToString([]byte(q.nonce)))
	}
	return out
}

// fit makes the padding longer or shorter by what the values are shorter or longer than
// those that the request was made with.
func (q *request) fit(values ...string) {
	m := q.message.ProtoReflect()
	padding := m.Descriptor().Fields().ByName("padding")
	size := func() int { return token.RequestSize(values, proto.Size(q.message)) }
	set := func(n int) { m.Set(padding, protoreflect.ValueOfBytes(make([]byte, n))) }
	want := token.Steps(size() - 1000) // a step is never that far away
	set(len(m.Get(padding).Bytes()) + want - size() + 8)
	for size() > want {
		set(len(m.Get(padding).Bytes()) - 1)
	}
}

// ask sends a request as gRPC does.
func (w *world) ask(q *request, reply proto.Message) error {
	w.t.Helper()
	return w.cc.Invoke(metadata.NewOutgoingContext(w.t.Context(), metadata.Pairs(w.values(q)...)), q.method, q.message, reply)
}

func (w *world) body(q *request) []byte {
	w.t.Helper()
	b, err := proto.Marshal(q.message)
	if err != nil {
		w.t.Fatal(err)
	}
	return b
}

// A matter is a draft and the director who may sign it.
type matter struct {
	w        *world
	decision ident.ID
	text     int
}

// matter publishes what the authority needs, once.
func (w *world) matter() *matter {
	w.t.Helper()
	if err := w.Publish(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	return &matter{w: w}
}

// submit is a new draft by a caseworker.
func (m *matter) submit() error {
	m.text++
	asa, err := m.w.Caseworker("asa")
	if err != nil {
		return err
	}
	own, err := asa.Submit(m.w.t.Context(), story.Text(story.Decision, fmt.Sprintf("SN 2026-%05d", m.text)))
	if err == nil {
		m.decision = own.Decision
	}
	return err
}

// sign has the director sign what waits, of which there is one.
func (m *matter) sign() error {
	d, err := m.w.Signer("direktor", m.w.Director)
	if err != nil {
		return err
	}
	inbox, err := d.Inbox(m.w.t.Context())
	if err != nil || len(inbox) != 1 {
		return err
	}
	c, err := d.Read(m.w.t.Context(), inbox[0].Decision)
	if err != nil {
		return err
	}
	_, _, err = d.Sign(m.w.t.Context(), c)
	return err
}

func (w *world) file(name string) []byte {
	w.t.Helper()
	b, err := os.ReadFile(filepath.Join(w.Dir, name))
	if err != nil {
		w.t.Fatal(err)
	}
	return b
}

func (w *world) stored() int { return len(w.file("data/store.db")) }
