package rpc_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	sigillv1 "sigill/proto/sigill/v1"
	"sigill/scripts/authority"
)

// TestG10_timeout: no time, a time that is none, and one beyond every call. How long
// a call lasts at most is TestG10_cap.
func TestG10_timeout(t *testing.T) {
	w := newWorld(t, authority.Options{})
	look := w.watcher()
	for timeout, want := range map[string]struct {
		http int
		code codes.Code
	}{
		"0n":         {200, codes.DeadlineExceeded},
		"-1S":        {400, codes.Internal},
		"99999999H":  {200, codes.NotFound},
		"999999999H": {400, codes.Internal},
		"1":          {400, codes.Internal},
		needle + "S": {400, codes.Internal},
	} {
		a := post(t, w.Addr, getProof, framed(noProof()), "grpc-timeout", timeout)
		if !a.is(want.http, want.code) {
			t.Errorf("%s: HTTP %d, status %s %q; want %d, %d", timeout, a.http, a.code, a.message, want.http, want.code)
		}
		look.nothing(timeout)
	}
	w.served()
}

// unread has a caller that takes headers and no data, so that an answer stops on
// its way.
var unread = http2.Setting{ID: http2.SettingInitialWindowSize, Val: 0}

// rawValues are a request's metadata as HTTP/2 has them.
func (w *world) rawValues(q *request) []string {
	v := w.values(q)
	for i := 0; i < len(v); i += 2 {
		if strings.HasSuffix(v[i], "-bin") {
			v[i+1] = base64.RawStdEncoding.EncodeToString([]byte(v[i+1]))
		}
	}
	return v
}

// answering returns when the server has begun to answer a call: what it does is done.
func (r *raw) answering() {
	r.t.Helper()
	r.must(r.until(func(f http2.Frame) bool {
		h, ok := f.(*http2.MetaHeadersFrame)
		if ok && h.StreamEnded() {
			r.t.Fatal("refused: ", h.Fields)
		}
		return ok
	}))
}

// A line carries frames between gRPC and the server until it is held: then the next
// answer stops on its way, and all that follows it.
type line struct {
	held     atomic.Bool
	answered chan struct{} // closed when an answer has come as far as the line
}

func (l *line) dial(ctx context.Context, addr string) (net.Conn, error) {
	server, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	mine, theirs := net.Pipe()
	go func() {
		defer server.Close()
		io.Copy(server, mine)
	}()
	go func() {
		defer mine.Close()
		for head := make([]byte, 9); ; {
			if _, err := io.ReadFull(server, head); err != nil {
				return
			}
			if http2.FrameType(head[3]) == http2.FrameHeaders && l.held.Load() {
				close(l.answered)
				io.Copy(io.Discard, server)
				return
			}
			if _, err := mine.Write(head); err != nil {
				return
			}
			if _, err := io.CopyN(mine, server, int64(head[0])<<16|int64(head[1])<<8|int64(head[2])); err != nil {
				return
			}
		}
	}()
	return theirs, nil
}

// TestG11_lostReply: the deadline passes when the decision is signed and the answer
// is on its way. The same request again gets that answer, and the log no other entry.
func TestG11_lostReply(t *testing.T) {
	t.Parallel()
	var c catch
	w := newWorld(t, authority.Options{Dial: c.dial})
	m := w.matter()
	if err := m.submit(); err != nil {
		t.Fatal(err)
	}
	sign := c.from(t, "CosignDecision", m.sign)
	look := w.watcher()
	l := line{answered: make(chan struct{})}
	cc, err := grpc.NewClient("passthrough:///"+w.Addr, grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithContextDialer(l.dial))
	if err != nil {
		t.Fatal(err)
	}
	defer cc.Close()
	if _, err := sigillv1.NewVerificationServiceClient(cc).GetCheckpoint(t.Context(), &sigillv1.GetCheckpointRequest{}); err != nil {
		t.Fatal(err)
	}
	l.held.Store(true)
	ctx, cancel := context.WithTimeout(metadata.NewOutgoingContext(t.Context(), metadata.Pairs(w.values(sign)...)), 5*time.Second)
	defer cancel()
	err = cc.Invoke(ctx, sign.method, sign.message, &sigillv1.CosignDecisionResponse{})
	if status.Code(err) != codes.DeadlineExceeded {
		t.Fatal("at the deadline: ", err)
	}
	<-l.answered
	signed := look.sees()
	if signed.log != look.was.log+2 || signed.pending != 0 { // with the event of its signing
		t.Fatalf("%+v became %+v", look.was, signed)
	}
	var first, second sigillv1.CosignDecisionResponse
	for _, reply := range []*sigillv1.CosignDecisionResponse{&first, &second} {
		if err := w.ask(sign, reply); err != nil {
			t.Fatal("again: ", err)
		}
	}
	if len(first.GetBundle()) == 0 || !bytes.Equal(first.GetBundle(), second.GetBundle()) {
		t.Error("two answers")
	}
	if now := look.sees(); now != signed {
		t.Errorf("%+v became %+v", signed, now)
	}
}

// A step is how far a call comes before its caller gives it up, and whether it has
// then happened.
type step struct {
	name string
	done bool // for certain; where it is false and may be, either
	may  bool
	send func(r *raw, head []string, q *request, body []byte)
}

var steps = []step{
	{"headers", false, false, func(r *raw, head []string, q *request, body []byte) { r.open(1, q.method, head...) }},
	{"half a message", false, false, func(r *raw, head []string, q *request, body []byte) {
		r.open(1, q.method, head...)
		r.send(1, body[:len(body)/2], false)
	}},
	{"all but the end", false, false, func(r *raw, head []string, q *request, body []byte) {
		r.open(1, q.method, head...)
		r.send(1, body, false)
		r.settled()
	}},
	{"the last byte", false, true, func(r *raw, head []string, q *request, body []byte) {
		r.open(1, q.method, head...)
		r.send(1, body, true)
	}},
	{"while it runs", false, true, func(r *raw, head []string, q *request, body []byte) {
		r.open(1, q.method, head...)
		r.send(1, body, true)
		r.settled()
	}},
	{"the answer", true, true, func(r *raw, head []string, q *request, body []byte) {
		r.open(1, q.method, head...)
		r.send(1, body, true)
		r.answering()
	}},
}

// TestG12_cancelled: a caller gives up at each step of a draft and of a signature.
// It has then happened as a whole or not at all; asked again, it happens once.
func TestG12_cancelled(t *testing.T) {
	var c catch
	w := newWorld(t, authority.Options{Dial: c.dial})
	m := w.matter()
	for _, s := range steps {
		draft := c.from(t, "SubmitDraft", m.submit)
		w.givesUp(s, draft, state{pending: 1}, func() proto.Message { return &sigillv1.SubmitDraftResponse{} })
		// An entry for the decision, and the event of its signing.
		sign := c.from(t, "CosignDecision", m.sign)
		w.givesUp(s, sign, state{log: 2, pending: -1}, func() proto.Message { return &sigillv1.CosignDecisionResponse{} })
	}
}

func (w *world) givesUp(s step, q *request, makes state, reply func() proto.Message) {
	w.t.Helper()
	name := fmt.Sprintf("%s, %s", q.method, s.name)
	look := w.watcher()
	none := look.was
	all := state{none.log + makes.log, none.pending + makes.pending, none.owed + makes.owed}
	r := w.raw(unread)
	s.send(r, w.rawValues(q), q, framed(w.body(q)))
	r.must(r.WriteRSTStream(1, http2.ErrCodeCancel))
	r.settled()
	now := look.sees()
	if s.may && !s.done && now.log == none.log {
		now = none // a look reads the log's size first, and the rest of what may run meanwhile
	}
	if now != none && now != all || now == none && s.done || now == all && !s.may {
		w.t.Errorf("%s: %+v became %+v", name, none, now)
	}
	first, second := reply(), reply()
	for _, a := range []proto.Message{first, second} {
		if err := w.ask(q, a); err != nil {
			w.t.Fatalf("%s: again: %v", name, err)
		}
	}
	if !proto.Equal(first, second) {
		w.t.Errorf("%s: two answers", name)
	}
	if now := look.sees(); now != all {
		w.t.Errorf("%s: %+v became %+v, want %+v", name, none, now, all)
	}
}

// TestG12_byTheClient: a caller that gives up gets CANCELLED and nothing else.
func TestG12_byTheClient(t *testing.T) {
	w := newWorld(t, authority.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := sigillv1.NewVerificationServiceClient(w.cc).GetCheckpoint(ctx, &sigillv1.GetCheckpointRequest{})
	if status.Code(err) != codes.Canceled {
		t.Fatal(err)
	}
}

// many are so many pairs of metadata, each of 40 bytes as HTTP/2 counts them.
func many(n int) (out []string) {
	for i := range n {
		out = append(out, fmt.Sprintf("a%04d", i), "xyz")
	}
	return out
}

// TestG13_metadata: beyond 16 KiB a caller's own gRPC sends nothing, and one that
// does not look at the limit is refused; below it the call is served.
func TestG13_metadata(t *testing.T) {
	w := newWorld(t, authority.Options{})
	look := w.watcher()
	long := strings.Repeat("x", 4000)
	for name, pairs := range map[string][]string{"three long": {"a", long, "b", long, "c", long}, "300 keys": many(300)} {
		if a := post(t, w.Addr, getProof, framed(noProof()), pairs...); !a.is(200, codes.NotFound) {
			t.Errorf("%s: HTTP %d, status %s %q", name, a.http, a.code, a.message)
		}
	}
	for name, pairs := range map[string][]string{"20 KiB": {"a", strings.Repeat("x", 20<<10)}, "500 keys": many(500)} {
		w.served() // so that its gRPC knows the limit
		ctx := metadata.NewOutgoingContext(t.Context(), metadata.Pairs(pairs...))
		if _, err := sigillv1.NewVerificationServiceClient(w.cc).GetCheckpoint(ctx, &sigillv1.GetCheckpointRequest{}); status.Code(err) != codes.Internal {
			t.Errorf("%s, of gRPC: %v", name, err)
		}
		r := w.raw()
		block := r.fields(getProof, pairs...)
		for first := true; first || len(block) > 0; first = false {
			part := block[:min(len(block), 16000)]
			if block = block[len(part):]; first {
				r.must(r.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: part, EndHeaders: len(block) == 0}))
			} else {
				r.must(r.WriteContinuation(1, len(block) == 0, part))
			}
		}
		err := r.until(func(f http2.Frame) bool {
			if h, ok := f.(*http2.MetaHeadersFrame); ok {
				t.Errorf("%s, raw: answered %v", name, h.Fields)
			}
			_, reset := f.(*http2.RSTStreamFrame)
			_, away := f.(*http2.GoAwayFrame)
			return reset || away
		})
		if errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%s, raw: neither answered nor closed", name)
		}
		look.nothing(name)
	}
	w.served()
}

// TestG14_badBin: gRPC says a bad binary value again to who sent it, and nobody
// else sees it.
func TestG14_badBin(t *testing.T) {
	w := newWorld(t, authority.Options{})
	w.built()
	look := w.watcher()
	for _, header := range []string{"x-bin", "sigill-author-nonce-bin", "grpc-status-details-bin"} {
		for _, path := range []string{getProof, submitDraft} {
			a := post(t, w.Addr, path, framed(noProof()), header, needle+"!!")
			if !a.is(400, codes.Internal) || len(a.body) != 0 {
				t.Errorf("%s: HTTP %d, status %s %q", header, a.http, a.code, a.message)
			}
			look.nothing(header)
		}
	}
	w.served()
}

// TestG15_unknownMethod: its name is said again to who sent it, and nobody else
// sees it.
func TestG15_unknownMethod(t *testing.T) {
	w := newWorld(t, authority.Options{})
	w.built()
	look := w.watcher()
	tok, _ := w.login("asa", false)
	for _, path := range []string{"/sigill.v1.VerificationService/" + needle, "/sigill.v1." + needle + "/GetProof", "/" + needle, "/" + needle + "/"} {
		for _, headers := range [][]string{nil, {"authorization", "Bearer " + tok}} {
			a := post(t, w.Addr, path, framed(nil), headers...)
			if !a.is(200, codes.Unimplemented) || len(a.body) != 0 {
				t.Errorf("%s: HTTP %d, status %s %q", path, a.http, a.code, a.message)
			}
			look.nothing(path)
		}
	}
	w.served()
}

// TestG16_oneMessage: a call with one answer has one message.
func TestG16_oneMessage(t *testing.T) {
	one := framed(noProof())
	refused(t, map[string]message{
		"none": {getProof, nil, nil, codes.Internal},
		"two":  {getProof, append(bytes.Clone(one), one...), nil, codes.Internal},
	})
}
