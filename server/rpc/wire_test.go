package rpc_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
	"golang.org/x/sync/errgroup"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"

	sigillv1 "sigill/proto/sigill/v1"
	"sigill/scripts/authority"
)

func violations(st *status.Status) (fields []string) {
	for _, d := range st.Details() {
		if b, ok := d.(*errdetails.BadRequest); ok {
			for _, v := range b.GetFieldViolations() {
				fields = append(fields, v.GetField())
			}
		}
	}
	return fields
}

const getProof = "/sigill.v1.VerificationService/GetProof"

// frame is a message as gRPC frames it.
func frame(compressed byte, length int, body []byte) []byte {
	out := binary.BigEndian.AppendUint32([]byte{compressed}, uint32(length))
	return append(out, body...)
}

// plain is an HTTP/2 client without TLS and without gRPC's own checks.
func plain() *http.Client {
	var protocols http.Protocols
	protocols.SetUnencryptedHTTP2(true)
	return &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{Protocols: &protocols}}
}

type answer struct {
	http    int
	code    string
	message string
}

func post(t *testing.T, addr, path string, body []byte, headers ...string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+addr+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/grpc")
	req.Header.Set("TE", "trailers")
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	c := plain()
	defer c.CloseIdleConnections()
	res, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if _, err := io.ReadAll(res.Body); err != nil {
		t.Fatal(err)
	}
	a := answer{res.StatusCode, res.Trailer.Get("Grpc-Status"), res.Trailer.Get("Grpc-Message")}
	if a.code == "" {
		a.code, a.message = res.Header.Get("Grpc-Status"), res.Header.Get("Grpc-Message")
	}
	return a
}

// TestWire is rows G1 to G15 and G22, G23 of threats.md, by a client that plays
// by no rules.
func TestWire(t *testing.T) {
	w := newWorld(t, authority.Options{})
	digest := protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), make([]byte, 32))
	nested := bytes.Repeat(protowire.AppendTag(nil, 99, protowire.StartGroupType), 20000)
	badText := protowire.AppendString(protowire.AppendTag(nil, 2, protowire.BytesType), "\xff\xfe")
	long := strings.Repeat("x", 4000)
	for name, c := range map[string]struct {
		path    string
		body    []byte
		headers []string
		http    int
		code    string
	}{
		"well-formed":           {getProof, frame(0, len(digest), digest), nil, 200, "5"},
		"G1 too long":           {getProof, frame(0, 2<<20+64<<10+1, make([]byte, 2<<20+64<<10+1)), nil, 200, "8"},
		"G2 4 GiB declared":     {getProof, frame(0, 1<<32-1, []byte{0}), nil, 200, "8"},
		"G3 gzip":               {getProof, frame(1, len(digest), digest), []string{"grpc-encoding", "gzip"}, 200, "12"},
		"G4 zstd":               {getProof, frame(1, len(digest), digest), []string{"grpc-encoding", "zstd"}, 200, "12"},
		"G5 truncated":          {getProof, frame(0, 5, digest[:5]), nil, 200, "13"},
		"G6 not UTF-8":          {"/sigill.v1.VerificationService/GetBundle", frame(0, len(badText), badText), nil, 200, "13"},
		"G7 nested":             {getProof, frame(0, len(nested), nested), nil, 200, "13"},
		"G10 no time":           {getProof, frame(0, len(digest), digest), []string{"grpc-timeout", "0n"}, 200, "4"},
		"G10 negative time":     {getProof, frame(0, len(digest), digest), []string{"grpc-timeout", "-1S"}, 400, "13"},
		"G10 long time":         {getProof, frame(0, len(digest), digest), []string{"grpc-timeout", "99999999H"}, 200, "5"},
		"G13 near 16 KiB":       {getProof, frame(0, len(digest), digest), []string{"a", long, "b", long, "c", long}, 200, "5"},
		"G14 bad -bin":          {getProof, frame(0, len(digest), digest), []string{"x-bin", "!!"}, 400, "13"},
		"G15 unknown method":    {"/sigill.v1.VerificationService/Oberghult", frame(0, 0, nil), nil, 200, "12"},
		"G16 no message":        {getProof, nil, nil, 200, "13"},
		"G16 two messages":      {getProof, append(frame(0, len(digest), digest), frame(0, len(digest), digest)...), nil, 200, "13"},
		"G22 JSON":              {getProof, []byte(`{}`), []string{"Content-Type", "application/json"}, 415, "3"},
		"G23 reflection":        {"/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", frame(0, 0, nil), nil, 200, "12"},
		"G23 channelz":          {"/grpc.channelz.v1.Channelz/GetServers", frame(0, 0, nil), nil, 200, "12"},
		"G23 health is not out": {"/grpc.health.v1.Health/Check", frame(0, 0, nil), nil, 200, "12"},
	} {
		a := post(t, w.Addr, c.path, c.body, c.headers...)
		if a.http != c.http || a.code != c.code {
			t.Errorf("%s: HTTP %d, status %s %q; want %d, %s", name, a.http, a.code, a.message, c.http, c.code)
		}
	}
	if _, err := sigillv1.NewVerificationServiceClient(w.cc).GetCheckpoint(t.Context(), &sigillv1.GetCheckpointRequest{}); err != nil {
		t.Fatal("another caller afterwards: ", err)
	}
}

// TestHeaders is G13: metadata beyond 16 KiB is refused, also from a client that
// does not look at the limit.
func TestHeaders(t *testing.T) {
	w := newWorld(t, authority.Options{})
	conn, err := net.Dial("tcp", w.Addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	io.WriteString(conn, http2.ClientPreface)
	f := http2.NewFramer(conn, conn)
	f.WriteSettings()
	var block bytes.Buffer
	e := hpack.NewEncoder(&block)
	for _, h := range [][2]string{{":method", "POST"}, {":scheme", "http"}, {":path", getProof}, {":authority", "x"},
		{"content-type", "application/grpc"}, {"te", "trailers"}, {"a", strings.Repeat("x", 20<<10)}} {
		e.WriteField(hpack.HeaderField{Name: h[0], Value: h[1]})
	}
	f.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block.Bytes()[:16000]})
	f.WriteContinuation(1, true, block.Bytes()[16000:])
	for {
		fr, err := f.ReadFrame()
		if errors.Is(err, io.EOF) {
			return // closed: refused
		}
		if err != nil {
			t.Fatal("no refusal: ", err)
		}
		switch fr := fr.(type) {
		case *http2.RSTStreamFrame, *http2.GoAwayFrame:
			return
		case *http2.HeadersFrame:
			t.Fatal("answered", fr)
		}
	}
}

// TestSilent is G20: a connection that never begins is closed in five seconds.
func TestSilent(t *testing.T) {
	w := newWorld(t, authority.Options{TLS: true})
	began := time.Now()
	var all errgroup.Group
	for _, half := range [][]byte{nil, {22, 3, 1, 2, 0, 1, 0}} {
		all.Go(func() error {
			conn, err := net.Dial("tcp", w.Addr)
			if err != nil {
				return err
			}
			defer conn.Close()
			if _, err := conn.Write(half); err != nil {
				return err
			}
			conn.SetReadDeadline(began.Add(15 * time.Second))
			_, err = io.ReadAll(conn)
			return err
		})
	}
	if err := all.Wait(); err != nil || time.Since(began) > 8*time.Second {
		t.Errorf("held for %v: %v", time.Since(began), err)
	}
}

// TestTLS is G24: TLS 1.2 is refused, and no connection can be resumed.
func TestTLS(t *testing.T) {
	w := newWorld(t, authority.Options{TLS: true})
	dial := func(c *tls.Config) (*tls.Conn, error) {
		c.RootCAs, c.NextProtos = w.Roots, []string{"h2"}
		return tls.Dial("tcp", w.Addr, c)
	}
	if c, err := dial(&tls.Config{MaxVersion: tls.VersionTLS12}); err == nil {
		c.Close()
		t.Error("TLS 1.2 is accepted")
	}
	cache := tls.NewLRUClientSessionCache(4)
	for range 2 {
		c, err := dial(&tls.Config{ClientSessionCache: cache})
		if err != nil {
			t.Fatal(err)
		}
		c.SetReadDeadline(time.Now().Add(time.Second))
		io.ReadFull(c, make([]byte, 64)) // settings, and any ticket before them
		st := c.ConnectionState()
		if st.Version != tls.VersionTLS13 || st.DidResume || st.CurveID != tls.X25519MLKEM768 {
			t.Errorf("version %x, resumed %v, %v", st.Version, st.DidResume, st.CurveID)
		}
		c.Close()
	}
	s, err := w.Session("")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Checkpoint(t.Context(), nil); err != nil {
		t.Fatal("the client over TLS: ", err)
	}
}

// TestCancelled: a caller that gives up gets CANCELLED and nothing else.
func TestCancelled(t *testing.T) {
	w := newWorld(t, authority.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := sigillv1.NewVerificationServiceClient(w.cc).GetCheckpoint(ctx, &sigillv1.GetCheckpointRequest{})
	if status.Code(err) != codes.Canceled {
		t.Fatal(err)
	}
}
