package rpc_test

import (
	"encoding/xml"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"

	sigillv1 "sigill/proto/sigill/v1"
	"sigill/scripts/authority"
)

// A conformance is what h2spec says of a server: which cases fail, of how many, and
// for each what was seen instead.
type conformance struct {
	mu             sync.Mutex
	cases, skipped int
	failed         map[string]string
}

// parts of h2spec, which run beside each other: most of its time it waits for
// frames that do not come.
var parts = []string{"generic", "hpack", "http2/3", "http2/4", "http2/5.1", "http2/5.3", "http2/5.4", "http2/5.5",
	"http2/6.1", "http2/6.2", "http2/6.3", "http2/6.4", "http2/6.5", "http2/6.7", "http2/6.8", "http2/6.9", "http2/6.10", "http2/7", "http2/8"}

// run runs one part of h2spec, a program, on the server at an address.
func (c *conformance) run(program, dir, addr, part string) error {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return err
	}
	report := filepath.Join(dir, strings.ReplaceAll(part, "/", "-")+".xml")
	out, err := exec.Command(program, "-h", host, "-p", port, "--strict", "-j", report, part).CombinedOutput()
	if e := (*exec.ExitError)(nil); err != nil && !errors.As(err, &e) { // it ends with 1 where cases fail
		return err
	}
	b, err := os.ReadFile(report)
	if err != nil {
		return errors.Join(err, errors.New(string(out)))
	}
	var suites struct {
		Suites []struct {
			Cases []struct {
				Package string    `xml:"package,attr"`
				Name    string    `xml:"classname,attr"`
				Skipped *struct{} `xml:"skipped"`
				Failure *string   `xml:"failure"`
				Error   *string   `xml:"error"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	if err := xml.Unmarshal(b, &suites); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range suites.Suites {
		for _, one := range s.Cases {
			c.cases++
			switch {
			case one.Skipped != nil:
				c.skipped++
			case one.Failure != nil:
				c.failed[one.Package+" "+one.Name] = *one.Failure
			case one.Error != nil:
				c.failed[one.Package+" "+one.Name] = *one.Error
			}
		}
	}
	return nil
}

// chance tells whether a case failed by what came first alone: the answer to what was
// in order before the fault, or the end of the connection as a reset.
func chance(seen string) bool {
	actual := seen[strings.LastIndexByte(strings.TrimSpace(seen), '\n')+1:]
	return strings.HasPrefix(strings.TrimSpace(actual), "HEADERS Frame") || strings.Contains(actual, "connection reset by peer") ||
		strings.Contains(actual, "broken pipe")
}

// TestG21_h2spec: what of HTTP/2 goes wrong here goes wrong with a bare gRPC server
// of the same windows and number of streams.
func TestG21_h2spec(t *testing.T) {
	t.Parallel()
	program, err := exec.Command("go", "tool", "-modfile=../../scripts/tools.mod", "-n", "h2spec").Output()
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, authority.Options{})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	bare := grpc.NewServer(grpc.MaxConcurrentStreams(128), grpc.StaticStreamWindowSize(256<<10), grpc.StaticConnWindowSize(1<<20))
	sigillv1.RegisterVerificationServiceServer(bare, sigillv1.UnimplementedVerificationServiceServer{})
	go bare.Serve(l)
	defer bare.Stop()
	ours, theirs := &conformance{failed: map[string]string{}}, &conformance{failed: map[string]string{}}
	var all errgroup.Group
	for addr, c := range map[string]*conformance{w.Addr: ours, l.Addr().String(): theirs} {
		dir := t.TempDir()
		for _, part := range parts {
			all.Go(func() error { return c.run(strings.TrimSpace(string(program)), dir, addr, part) })
		}
	}
	if err := all.Wait(); err != nil {
		t.Fatal(err)
	}
	if ours.cases < 146 || ours.cases != theirs.cases || len(theirs.failed) == 0 {
		t.Errorf("%d cases, and %d with %d failing", ours.cases, theirs.cases, len(theirs.failed))
	}
	for name, seen := range ours.failed {
		if theirs.failed[name] == "" && !chance(seen) {
			t.Errorf("fails here alone: %s: %s", name, seen)
		}
	}
	t.Logf("%d cases, %d skipped; %d fail, and of a bare server %d", ours.cases, ours.skipped, len(ours.failed), len(theirs.failed))
	w.served()
}
