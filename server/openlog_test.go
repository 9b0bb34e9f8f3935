package server_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sigill/scripts/authority"
	"sigill/server"
)

// TestOpenLog: anyone reads the published log over HTTP/1.1, under TLS where the
// server has it, until the server stops; no line is logged of it and nothing counted.
func TestOpenLog(t *testing.T) {
	for name, withTLS := range map[string]bool{"plain": false, "TLS": true} {
		t.Run(name, func(t *testing.T) {
			a, err := authority.Make(t.Context(), t.TempDir(), authority.Options{TLS: withTLS, Internal: "127.0.0.1:0"})
			if err != nil {
				t.Fatal(err)
			}
			defer a.Close()
			r, err := a.Start(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if strings.HasPrefix(r.Log, "https://") != withTLS {
				t.Error(r.Log)
			}
			get := func(roots *x509.CertPool, path string) (*http.Response, string, error) {
				c := http.Client{Transport: &http.Transport{ForceAttemptHTTP2: true, DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: roots}}}
				res, err := c.Get(r.Log + path)
				if err != nil {
					return nil, "", err
				}
				defer res.Body.Close()
				b, err := io.ReadAll(res.Body)
				return res, string(b), err
			}
			res, body, err := get(a.Roots, "/checkpoint")
			if err != nil || res.ProtoMajor != 1 || withTLS && res.TLS.Version != tls.VersionTLS13 {
				t.Fatal(res, err)
			}
			if _, _, err := a.Trust.Policy.Accept([]byte(body)); err != nil {
				t.Errorf("%q: %v", body, err)
			}
			if res, _, err := get(a.Roots, "/no/such/thing"); err != nil || res.StatusCode != 404 {
				t.Error(res, err)
			}
			if _, _, err := get(nil, "/checkpoint"); (err != nil) != withTLS {
				t.Error("a reader who does not know the issuer:", err)
			}
			if err := r.Stop(); err != nil {
				t.Fatal(err)
			}
			if _, _, err := get(a.Roots, "/checkpoint"); err == nil {
				t.Error("answered after the end")
			}
			log, err := os.ReadFile(filepath.Join(a.Dir, authority.LogFile))
			if err != nil {
				t.Fatal(err)
			}
			n := strings.Count(string(log), "\n") - strings.Count(string(log), `"msg":"check green"`) // it may have come so far
			if n != 2 || strings.Contains(string(log), "such") {
				t.Errorf("the log has %d lines, not ready and stopped alone:\n%s", n, log)
			}
		})
	}
}

// TestNoLog: without log_listen nothing listens, and the ready line has one address.
func TestNoLog(t *testing.T) {
	_, c := made(t, authority.Options{})
	c.LogListen = ""
	s, err := server.New(t.Context(), c, quiet())
	if err != nil {
		t.Fatal(err)
	}
	if want := server.ReadyPrefix + s.Addr().String(); s.Ready() != want {
		t.Errorf("%q, want %q", s.Ready(), want)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Run(ctx); err != nil {
		t.Fatal(err)
	}
	c.LogListen = "127.0.0.1:65536"
	if err := starts(t, c); !errors.As(err, new(*net.OpError)) {
		t.Error("a port that is none:", err)
	}
}
