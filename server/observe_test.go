package server_test

import (
	"errors"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"

	"sigill/scripts/authority"
	"sigill/server"
	"sigill/server/access"
)

// watched is a running server with its internal address.
func watched(t *testing.T) (*authority.Running, *server.Server, string) {
	t.Helper()
	a, c := made(t, authority.Options{Internal: "127.0.0.1:0", PublishEvery: time.Hour}) // so that nothing but calls changes the metrics
	s, err := server.New(t.Context(), c, quiet())
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- s.Run(t.Context()) }()
	t.Cleanup(func() {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	r := &authority.Running{Authority: a, Addr: s.Addr().String()}
	if err := r.Publish(t.Context()); err != nil {
		t.Fatal(err)
	}
	return r, s, s.InternalAddr().String()
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	res, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(b)
}

func health(t *testing.T, addr string) grpc_health_v1.HealthCheckResponse_ServingStatus {
	t.Helper()
	cc, err := grpc.NewClient("passthrough:///"+addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer cc.Close()
	h, err := grpc_health_v1.NewHealthClient(cc).Check(t.Context(), &grpc_health_v1.HealthCheckRequest{})
	if err != nil {
		t.Fatal(err)
	}
	return h.GetStatus()
}

// TestInternal: the internal port says whether the server lives and is ready, and
// why not, by HTTP and by gRPC; it has nothing else.
func TestInternal(t *testing.T) {
	_, s, addr := watched(t)
	at := "http://" + addr
	for path, want := range map[string]string{"/livez": "alive\n", "/readyz": "ready\n"} {
		if code, body := get(t, at+path); code != 200 || body != want {
			t.Errorf("%s: %d %q", path, code, body)
		}
	}
	for _, path := range []string{"/", "/debug/pprof/", "/debug/vars", "/metrics/"} {
		if code, _ := get(t, at+path); code != 404 {
			t.Errorf("%s: %d", path, code)
		}
	}
	if st := health(t, addr); st != grpc_health_v1.HealthCheckResponse_SERVING {
		t.Error(st)
	}
	s.Job("owed", errors.New("Öberghult"))
	if code, body := get(t, at+"/readyz"); code != 503 || body != "owed: the last run failed\n" {
		t.Errorf("a job failed: %d %q", code, body)
	}
	if st := health(t, addr); st != grpc_health_v1.HealthCheckResponse_NOT_SERVING {
		t.Error(st)
	}
	if _, body := get(t, at+"/metrics"); !strings.Contains(body, "\nsigilld_ready 0\n") || !strings.Contains(body, "\nsigilld_job_failures_total{job=\"owed\"} 1\n") ||
		strings.Contains(body, "berghult") {
		t.Error(body)
	}
	s.Job("owed", nil)
	if code, body := get(t, at+"/readyz"); code != 200 {
		t.Errorf("mended: %d %q", code, body)
	}
}

// TestMetricsOfAuthors: whatever authors do changes no byte of the metrics, and an
// officer's call does.
func TestMetricsOfAuthors(t *testing.T) {
	r, _, addr := watched(t)
	asa, err := r.Caseworker("asa")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := asa.Checkpoint(t.Context(), nil); err != nil { // its login's keys are logged
		t.Fatal(err)
	}
	scrape := func() string {
		code, body := get(t, "http://"+addr+"/metrics")
		if code != 200 {
			t.Fatal(code, body)
		}
		return body
	}
	before := scrape()
	own, err := asa.Submit(t.Context(), text("SN 2026-0419"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := asa.Get(t.Context(), own); err != nil {
		t.Fatal(err)
	}
	wrong := text("SN 2026-0420")
	wrong.Type = "no such type"
	if _, err := asa.Submit(t.Context(), wrong); err == nil {
		t.Fatal("a wrong draft is taken")
	}
	if err := asa.Withdraw(t.Context(), own); err != nil {
		t.Fatal(err)
	}
	if after := scrape(); after != before {
		t.Fatalf("before:\n%s\nafter:\n%s", before, after)
	}
	director, err := r.Signer("direktor", r.Director)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := director.Inbox(t.Context()); err != nil {
		t.Fatal(err)
	}
	after := scrape()
	if !strings.Contains(after, `sigilld_calls_total{code="OK",method="/sigill.v1.SigningService/ListInbox"} 1`) {
		t.Error(after)
	}
	for _, m := range regexp.MustCompile(`(?m)^(\w+)`).FindAllString(after, -1) {
		if !strings.HasPrefix(m, "sigilld_") {
			t.Errorf("a series of the process: %s", m)
		}
	}
	for _, m := range access.AuthorMethods() {
		if !strings.Contains(after, `sigilld_author_calls{method="`+m+`"} 0`) || regexp.MustCompile(`sigilld_call.*method="`+m).MatchString(after) {
			t.Errorf("%s is not counted by whole days alone", m)
		}
	}
}
