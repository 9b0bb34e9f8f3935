package witness_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"sigill/client/witness"
)

// certificate is one of 127.0.0.1's own.
func certificate(t *testing.T) (*tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

// TestServe: over TLS or without, one connection is enough for many requests, and what has
// been cosigned is there after the end.
func TestServe(t *testing.T) {
	for _, secure := range []bool{false, true} {
		p, l := newPost(t), log(t, 9)
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		counted := &counting{Listener: listener}
		url, transport := "http://"+listener.Addr().String(), &http.Transport{}
		var own *tls.Certificate
		if secure {
			var pool *x509.CertPool
			own, pool = certificate(t)
			url, transport.TLSClientConfig = "https://"+listener.Addr().String(), &tls.Config{RootCAs: pool}
		}
		ctx, stop := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() { ended <- witness.Serve(ctx, counted, p.w, own) }()
		c := &http.Client{Transport: transport}
		for n := range 9 {
			ask := l.ask(t, n, n+1)
			resp, err := c.Post(url+"/add-checkpoint", "", bytes.NewReader(ask.Marshal()))
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			if err != nil || resp.StatusCode != 200 || secure && resp.TLS.Version != tls.VersionTLS13 {
				t.Fatalf("%d %s %v", resp.StatusCode, body, err)
			}
			p.accepted(ask, string(body))
		}
		if n := counted.n.Load(); n != 1 {
			t.Errorf("%d connections", n)
		}
		if secure {
			old := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12}}}
			if _, err := old.Post(url+"/add-checkpoint", "", bytes.NewReader(l.ask(t, 9, 9).Marshal())); err == nil {
				t.Error("TLS 1.2 is spoken")
			}
		}
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if _, err := c.Post(url+"/add-checkpoint", "", nil); err == nil {
			t.Error("it answers after its end")
		}
		p.is(l, 9)
	}
}

type counting struct {
	net.Listener
	n atomic.Int64
}

func (c *counting) Accept() (net.Conn, error) {
	conn, err := c.Listener.Accept()
	if err == nil {
		c.n.Add(1)
	}
	return conn, err
}

// BenchmarkCosign is a log that grows by one entry between requests, in one directory.
func BenchmarkCosign(b *testing.B) {
	p, l := newPost(b), log(b, 4096)
	asks := make([][]byte, 4096)
	for i := range asks {
		asks[i] = l.ask(b, i, i+1).Marshal()
	}
	size := 0
	for b.Loop() {
		if size == len(asks) {
			b.Fatal("the log is too short: -benchtime 4000x at most")
		}
		if rec := p.send(asks[size]); rec.Code != 200 {
			b.Fatal(rec.Code, rec.Body)
		}
		size++
	}
	b.ReportMetric(float64(size)/b.Elapsed().Seconds(), "cosigned/s")
}

// A pipes is a listener whose connections are the test's own.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
}

func (p pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p pipes) Close() error {
	close(p.done)
	return nil
}

func (p pipes) Addr() net.Addr { return &net.UnixAddr{} }

// TestSlow: who says nothing, or half of something, is cut off in time, and does not keep
// the witness from ending.
func TestSlow(t *testing.T) {
	p, l := newPost(t), log(t, 9)
	body := l.ask(t, 0, 9).Marshal()
	head := fmt.Sprintf("POST /add-checkpoint HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", len(body))
	synctest.Test(t, func(t *testing.T) {
		listener := pipes{make(chan net.Conn), make(chan struct{})}
		ctx, stop := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() { ended <- witness.Serve(ctx, listener, p.w, nil) }()
		for what, said := range map[string]string{"nothing": "", "half a head": head[:20], "half a body": head + string(body[:20]), "a head without an end": head[:len(head)-2] + "X: " + strings.Repeat("x", 20<<10)} {
			client, server := net.Pipe()
			listener.conns <- server
			begun := time.Now()
			go client.Write([]byte(said))
			answer, err := io.ReadAll(client)
			if took := time.Since(begun); err != nil || took > 20*time.Second || strings.HasPrefix(string(answer), "HTTP/1.1 200") {
				t.Errorf("%s: %v, after %v: %q", what, err, took, answer)
			}
			client.Close()
		}
		half, server := net.Pipe()
		listener.conns <- server
		if _, err := half.Write([]byte(head)); err != nil {
			t.Fatal(err)
		}
		synctest.Wait() // until the handler reads the body
		stop()
		begun := time.Now()
		if err := <-ended; err != nil || time.Since(begun) > 10*time.Second {
			t.Errorf("it ends with %v, after %v", err, time.Since(begun))
		}
		half.Close()
	})
	p.is(l, -1)
}
