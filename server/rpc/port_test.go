package rpc_test

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc/codes"

	"sigill/scripts/authority"
)

// TestG20_silent: a connection that never begins is closed in five seconds. Half a
// message is TestG20_halfMessage.
func TestG20_silent(t *testing.T) {
	t.Parallel()
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
	if err := all.Wait(); err != nil {
		t.Errorf("held for %v: %v", time.Since(began), err)
	}
}

// TestG22_otherProtocols: what is no gRPC over HTTP/2 gets no answer of a service.
func TestG22_otherProtocols(t *testing.T) {
	w := newWorld(t, authority.Options{})
	look := w.watcher()
	for _, media := range []string{"application/json", "application/grpc-web", "application/grpc-web+proto", "application/grpc-web-text",
		"application/grpcweb", "text/html", ""} {
		for _, body := range []string{`{"digest":"` + needle + `"}`, string(framed(noProof()))} {
			a := post(t, w.Addr, getProof, []byte(body), "Content-Type", media)
			if a.http != http.StatusUnsupportedMediaType || len(a.body) != 0 {
				t.Errorf("%q: HTTP %d, status %s %q, %d bytes", media, a.http, a.code, a.message, len(a.body))
			}
		}
		look.nothing(media)
	}
	for _, first := range []string{"POST " + getProof + " HTTP/1.1\r\nHost: x\r\nContent-Type: application/grpc\r\nContent-Length: 0\r\n\r\n",
		"GET / HTTP/1.0\r\nHost: example\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n", "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABk\r\n\r\n"} {
		said, err := w.says(first)
		if err != nil {
			t.Errorf("%.20q: %v", first, err)
		}
		if strings.HasPrefix(said, "HTTP/") || strings.Contains(said, "grpc-status") {
			t.Errorf("%.20q: answered %q", first, said)
		}
		look.nothing(first)
	}
	w.served()
}

// says is all that the server sends to who begins with a text, until it closes.
func (w *world) says(first string) (string, error) {
	conn, err := net.Dial("tcp", w.Addr)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := io.WriteString(conn, first); err != nil {
		return "", err
	}
	said, err := io.ReadAll(bufio.NewReader(conn))
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		err = nil // reset for what it had not read, which is closed
	}
	return string(said), err
}

// TestG22_tls: a client that offers HTTP/1.1 alone, or no protocol, is not served.
func TestG22_tls(t *testing.T) {
	w := newWorld(t, authority.Options{TLS: true})
	for _, offers := range [][]string{{"http/1.1"}, nil} {
		c, err := tls.Dial("tcp", w.Addr, &tls.Config{RootCAs: w.Roots, NextProtos: offers})
		if err != nil {
			continue
		}
		c.SetDeadline(time.Now().Add(20 * time.Second))
		io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		if said, err := io.ReadAll(c); len(said) != 0 || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%v: said %q, %v", offers, said, err)
		}
		c.Close()
	}
}

// TestG23_debugging: what shows a server's inside is not on its port.
func TestG23_debugging(t *testing.T) {
	w := newWorld(t, authority.Options{})
	look := w.watcher()
	for _, path := range []string{
		"/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
		"/grpc.channelz.v1.Channelz/GetServers", "/grpc.channelz.v1.Channelz/GetTopChannels", "/grpc.admin.v1.Admin/Get",
		"/envoy.service.status.v3.ClientStatusDiscoveryService/FetchClientStatus",
		"/grpc.health.v1.Health/Check", "/debug/pprof/profile", "/debug/vars",
	} {
		if a := post(t, w.Addr, path, framed(nil)); !a.is(200, codes.Unimplemented) || len(a.body) != 0 {
			t.Errorf("%s: HTTP %d, status %s %q", path, a.http, a.code, a.message)
		}
		look.nothing(path)
	}
	for _, path := range []string{"/debug/pprof/", "/debug/pprof/cmdline", "/debug/vars", "/debug/requests", "/metrics"} {
		res, err := plain(t.Context()).Get("http://" + w.Addr + path)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		if res.Body.Close(); err != nil || res.StatusCode != http.StatusUnsupportedMediaType || len(body) != 0 {
			t.Errorf("GET %s: HTTP %d, %q, %v", path, res.StatusCode, body, err)
		}
		said, err := w.says(fmt.Sprintf("GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path))
		if err != nil || strings.HasPrefix(said, "HTTP/") {
			t.Errorf("GET %s over HTTP/1.1: %q, %v", path, said, err)
		}
		look.nothing(path)
	}
}

// TestG24_tls: TLS 1.2 is refused, no connection can be resumed, and keys are agreed
// on against quantum computers too.
func TestG24_tls(t *testing.T) {
	w := newWorld(t, authority.Options{TLS: true})
	dial := func(c *tls.Config) (*tls.Conn, error) {
		c.RootCAs, c.NextProtos = w.Roots, []string{"h2"}
		return tls.Dial("tcp", w.Addr, c)
	}
	if c, err := dial(&tls.Config{MaxVersion: tls.VersionTLS12}); err == nil {
		c.Close()
		t.Error("TLS 1.2 is accepted")
	}
	cache := &tickets{ClientSessionCache: tls.NewLRUClientSessionCache(4)}
	for range 2 {
		c, err := dial(&tls.Config{ClientSessionCache: cache})
		if err != nil {
			t.Fatal(err)
		}
		newRaw(t, c).settled() // any ticket comes before
		st := c.ConnectionState()
		if st.Version != tls.VersionTLS13 || st.DidResume || st.CurveID != tls.X25519MLKEM768 {
			t.Errorf("version %x, resumed %v, %v", st.Version, st.DidResume, st.CurveID)
		}
		c.Close()
	}
	if cache.got != 0 {
		t.Errorf("%d tickets", cache.got)
	}
	s, err := w.Session("")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Checkpoint(t.Context(), nil); err != nil {
		t.Fatal("the client over TLS: ", err)
	}
}

// tickets counts what would resume a connection.
type tickets struct {
	tls.ClientSessionCache
	got int
}

func (c *tickets) Put(key string, s *tls.ClientSessionState) {
	if s != nil {
		c.got++
	}
	c.ClientSessionCache.Put(key, s)
}

// TestG19_pingFlood: who pings without need is told so and cut off.
func TestG19_pingFlood(t *testing.T) {
	w := newWorld(t, authority.Options{})
	look := w.watcher()
	for name, calls := range map[string]bool{"idle": false, "in a call": true} {
		r := w.raw()
		if calls {
			r.open(1, getProof)
		}
		go func() {
			for range 10_000 { // until the server closes
				if r.WritePing(false, [8]byte{2}) != nil {
					return
				}
			}
		}()
		told := ""
		err := r.until(func(f http2.Frame) bool {
			if g, ok := f.(*http2.GoAwayFrame); ok {
				told = fmt.Sprint(g.ErrCode, " ", string(g.DebugData()))
			}
			return false // until it is closed
		})
		if told != "ENHANCE_YOUR_CALM too_many_pings" || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%s: %q, %v", name, told, err)
		}
		look.nothing(name)
	}
	w.served()
}
