package server_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"sigill/client"
	"sigill/scripts/authority"
	"sigill/server"
	"sigill/server/ledger"
)

// printed is a log that a test reads while it is written.
type printed struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (p *printed) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.Write(b)
}

func (p *printed) has(what string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Contains(p.text.String(), what)
}

// TestL07_clockBack: a clock that shows an hour less than before keeps the server from
// starting, and a running one from doing or publishing anything; it says so, with both
// times, until the clock is right.
func TestL07_clockBack(t *testing.T) {
	a, c := made(t, authority.Options{Internal: "127.0.0.1:0", PublishEvery: 100 * time.Millisecond})
	runOnce(t, a)
	path := filepath.Join(c.Data, "checkpoint")
	ran := time.Now().Add(time.Hour)
	fine(t, os.Chtimes(path, ran, ran))
	before := tree(t, c.Data)
	err := starts(t, c)
	if !errors.Is(err, ledger.ErrClock) || !strings.Contains(err.Error(), ran.UTC().Format(time.DateTime)) || !strings.Contains(err.Error(), "touch "+path) {
		t.Error("a start an hour before: ", err)
	}
	if !slices.ContainsFunc(server.Check(t.Context(), c), func(f server.Finding) bool { return errors.Is(f.Err, ledger.ErrClock) && f.Err.Error() == err.Error() }) {
		t.Error("the configuration is said to be right")
	}
	if !maps.Equal(before, tree(t, c.Data)) {
		t.Error("the refusal changed something")
	}
	now := time.Now()
	fine(t, os.Chtimes(path, now, now))

	var log printed
	s, err := server.New(t.Context(), c, slog.New(slog.NewTextHandler(&log, nil)))
	fine(t, err)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	r := &authority.Running{Authority: a, Addr: s.Addr().String()}
	looks(t, r)
	s.ClockWas(ran)
	until(t, func() bool { return log.has("the clock has gone back") })
	note, err := os.ReadFile(path)
	fine(t, err)
	info, err := os.Stat(path)
	fine(t, err)
	session, err := r.Session("drift")
	fine(t, err)
	_, err = session.Board().Status(t.Context())
	if e := (*client.Error)(nil); !errors.As(err, &e) || e.Code != codes.Unavailable || e.Reason != "CLOCK" {
		t.Error("a call: ", err)
	}
	if code, why := get(t, "http://"+s.InternalAddr().String()+"/readyz"); code != 503 || !strings.Contains(why, "publish") {
		t.Error(code, why)
	}
	stop()
	fine(t, <-ended)
	after, err := os.ReadFile(path)
	fine(t, err)
	if again, err := os.Stat(path); err != nil || !bytes.Equal(after, note) || !again.ModTime().Equal(info.ModTime()) {
		t.Error("a checkpoint was kept or touched: ", err)
	}
	fine(t, starts(t, c))
}
