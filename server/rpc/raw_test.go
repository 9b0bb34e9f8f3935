package rpc_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"strconv"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"
)

const (
	getProof = "/sigill.v1.VerificationService/GetProof"
	needle   = "Oberghult" // what a caller writes where it does not belong
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

// frame is a message as gRPC frames it.
func frame(compressed byte, length int, body []byte) []byte {
	out := binary.BigEndian.AppendUint32([]byte{compressed}, uint32(length))
	return append(out, body...)
}

func framed(body []byte) []byte { return frame(0, len(body), body) }

// field is one of bytes on the wire.
func field(n protowire.Number, v []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(nil, n, protowire.BytesType), v)
}

// noProof asks, in form, for the proof of a digest that is not in the log: NOT_FOUND.
func noProof() []byte { return field(1, make([]byte, 32)) }

// plain is an HTTP/2 client without TLS and without gRPC's own checks, whose
// connection ends with the context.
func plain(ctx context.Context) *http.Client {
	var protocols http.Protocols
	protocols.SetUnencryptedHTTP2(true)
	return &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{Protocols: &protocols,
		DialContext: func(_ context.Context, network, addr string) (net.Conn, error) {
			conn, err := net.Dial(network, addr)
			if err == nil {
				context.AfterFunc(ctx, func() { conn.Close() })
			}
			return conn, err
		}}}
}

type answer struct {
	http    int
	code    string
	message string
	body    []byte
}

// is compares the two codes of an answer.
func (a answer) is(http int, code codes.Code) bool {
	return a.http == http && a.code == strconv.Itoa(int(code))
}

func post(t *testing.T, addr, path string, body []byte, headers ...string) answer {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+addr+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/grpc")
	req.Header.Set("TE", "trailers")
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := plain(ctx).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	got, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	a := answer{res.StatusCode, res.Trailer.Get("Grpc-Status"), res.Trailer.Get("Grpc-Message"), got}
	if a.code == "" {
		a.code, a.message = res.Header.Get("Grpc-Status"), res.Header.Get("Grpc-Message")
	}
	return a
}

// A raw is a connection that plays by no rules but those of frames.
type raw struct {
	*http2.Framer
	t     testing.TB
	conn  net.Conn
	block bytes.Buffer
	enc   *hpack.Encoder
}

func newRaw(t testing.TB, conn net.Conn, settings ...http2.Setting) *raw {
	t.Helper()
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(time.Minute))
	if _, err := io.WriteString(conn, http2.ClientPreface); err != nil {
		t.Fatal(err)
	}
	r := &raw{Framer: http2.NewFramer(conn, conn), t: t, conn: conn}
	r.enc = hpack.NewEncoder(&r.block)
	r.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	r.must(r.WriteSettings(settings...))
	return r
}

func (w *world) raw(settings ...http2.Setting) *raw {
	w.t.Helper()
	conn, err := net.Dial("tcp", w.Addr)
	if err != nil {
		w.t.Fatal(err)
	}
	return newRaw(w.t, conn, settings...)
}

func (r *raw) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

// fields is a header block of a gRPC call with more pairs.
func (r *raw) fields(path string, more ...string) []byte {
	r.block.Reset()
	all := append([]string{":method", "POST", ":scheme", "http", ":path", path, ":authority", "x",
		"content-type", "application/grpc", "te", "trailers"}, more...)
	for i := 0; i < len(all); i += 2 {
		r.enc.WriteField(hpack.HeaderField{Name: all[i], Value: all[i+1]})
	}
	return r.block.Bytes()
}

func (r *raw) open(id uint32, path string, more ...string) {
	r.t.Helper()
	r.must(r.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: r.fields(path, more...), EndHeaders: true}))
}

// send writes data of a call in frames of the size that every peer takes.
func (r *raw) send(id uint32, data []byte, end bool) {
	r.t.Helper()
	for len(data) > 16384 {
		r.must(r.WriteData(id, false, data[:16384]))
		data = data[16384:]
	}
	r.must(r.WriteData(id, end, data))
}

// until reads frames until one that is looked for. It writes none, so that another
// goroutine may; no server waits for its settings to be acknowledged.
func (r *raw) until(found func(http2.Frame) bool) error {
	for {
		f, err := r.ReadFrame()
		if err != nil {
			return err
		}
		if found(f) {
			return nil
		}
	}
}

// settled returns when the server has read all that was sent.
func (r *raw) settled() {
	r.t.Helper()
	r.must(r.WritePing(false, [8]byte{1}))
	r.must(r.until(func(f http2.Frame) bool { p, ok := f.(*http2.PingFrame); return ok && p.IsAck() }))
}
