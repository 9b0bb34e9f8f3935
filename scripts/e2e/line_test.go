package e2e

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"
)

// A line is a network between a story's people and the server that loses answers:
// the call arrives, and the caller gets a status code instead.
type line struct {
	mu     sync.Mutex
	method string
	codes  []string
	next   http.Handler
}

func (l *line) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	code := ""
	l.mu.Lock()
	if strings.HasSuffix(r.URL.Path, "/"+l.method) && len(l.codes) > 0 {
		code, l.codes = l.codes[0], l.codes[1:]
	}
	l.mu.Unlock()
	if code == "" {
		l.next.ServeHTTP(w, r)
		return
	}
	l.next.ServeHTTP(httptest.NewRecorder(), r)
	w.Header().Set("Content-Type", "application/grpc")
	w.Header().Set("Grpc-Status", code)
}

// lose METHOD CODE... puts a line before the server that answers the next calls of
// a method with the status codes, by number, instead of what the server says.
func (h *house) lose(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: lose METHOD CODE...")
	}
	to, err := url.Parse("http://" + h.running.Addr)
	ts.Check(err)
	p := new(http.Protocols)
	p.SetUnencryptedHTTP2(true)
	proxy := httputil.NewSingleHostReverseProxy(to)
	proxy.Transport, proxy.FlushInterval = &http.Transport{Protocols: p}, -1
	s := httptest.NewUnstartedServer(&line{method: args[0], codes: args[1:], next: proxy})
	s.Config.Protocols = p
	s.Start()
	ts.Defer(s.Close)
	ts.Setenv("SIGILL_ADDR", s.URL)
}
