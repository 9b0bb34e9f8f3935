package faults_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"sigill/scripts/authority"
	"sigill/scripts/made"
)

var everything = flag.Bool("faults.all", false, "sweep every call, not a few")

// sigilld is the program, built once.
var sigilld string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "faults-")
	if err != nil {
		panic(err)
	}
	sigilld = filepath.Join(dir, "sigilld")
	out, err := exec.Command("go", "build", "-o", sigilld, "sigill/server/cmd/sigilld").CombinedOutput()
	if err != nil {
		panic(fmt.Sprintf("%v\n%s", err, out))
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// A house is an authority whose store can be put back to how it began.
type house struct {
	*authority.Authority
	t    *testing.T
	base []byte // the store after the first documents, without the reserve
	last []byte // the checkpoint beside it
}

func (h *house) data(name string) string { return filepath.Join(h.Dir, "data", name) }

func (h *house) config() string { return filepath.Join(h.Dir, authority.ConfigFile) }

// newHouse makes an authority in a new directory or in dir, publishes what its
// board has signed, and stops it.
func newHouse(t *testing.T, dir string) *house {
	t.Helper()
	made.From(t, "sigill/server/cmd/sigilld")
	a, err := authority.Make(t.Context(), dir, authority.Options{PublishEvery: 100 * time.Millisecond})
	ok(t, err)
	t.Cleanup(func() { a.Close() })
	h := &house{Authority: a, t: t}
	r := h.start(sigilld)
	ok(t, r.Publish(t.Context()))
	ok(t, r.Stop())
	h.keep()
	return h
}

// keep remembers the store as it is.
func (h *house) keep() {
	h.t.Helper()
	h.base, h.last = bytes.TrimRight(h.read("store.db"), "\x00"), h.read("checkpoint")
	h.base = append(h.base, make([]byte, -len(h.base)&4095)...)
}

func (h *house) read(name string) []byte {
	h.t.Helper()
	b, err := os.ReadFile(h.data(name))
	ok(h.t, err)
	return b
}

// reset puts back what was kept. The store lacks its reserve, as a copy may.
func (h *house) reset() {
	h.t.Helper()
	ok(h.t, os.RemoveAll(h.data("checkpoint.new")))
	ok(h.t, os.WriteFile(h.data("checkpoint"), h.last, 0o600))
	ok(h.t, os.WriteFile(h.data("store.db"), h.base, 0o600))
}

// start runs a server that must start, and ends it with the test.
func (h *house) start(program string) *authority.Running {
	h.t.Helper()
	r, err := h.StartBinary(context.Background(), program)
	ok(h.t, err)
	h.t.Cleanup(func() { r.Stop() })
	return r
}

// ended is what became of a server that ended, whether asked to or not.
func ended(err error) syscall.WaitStatus {
	if e := (*exec.ExitError)(nil); errors.As(err, &e) {
		return e.Sys().(syscall.WaitStatus)
	}
	return 0
}

// A run is a program that has ended.
type run struct {
	status         syscall.WaitStatus
	stdout, stderr string
}

// sh runs a program that must end by itself within a minute.
func sh(t *testing.T, program string, args ...string) run {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	var out, talk bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &talk
	err := cmd.Run()
	if ctx.Err() != nil {
		t.Fatalf("%s %v does not end", filepath.Base(program), args)
	}
	if e := (*exec.ExitError)(nil); err != nil && !errors.As(err, &e) {
		t.Fatal(err)
	}
	return run{ended(err), out.String(), talk.String()}
}

// advice is the line in which a server that does not start says what to do.
const advice = "What a server needs, and lacks: sigilld config check --config FILE\n"

// refused: the program has said in one line why, perhaps in another what to do, and
// ended with 1.
func (r run) refused(t *testing.T, why string) {
	t.Helper()
	if !r.status.Exited() || r.status.ExitStatus() != 1 || r.stdout != "" {
		t.Errorf("ended with %#x, printed %q", int(r.status), r.stdout)
	}
	if !strings.HasPrefix(r.stderr, "sigilld: ") || strings.Count(strings.TrimSuffix(r.stderr, advice), "\n") != 1 || !strings.Contains(r.stderr, why) {
		t.Errorf("said %q, not why: %q", r.stderr, why)
	}
}

// quiet: nothing that a crash prints stands in the server's log.
func (h *house) quiet() {
	h.t.Helper()
	b, err := os.ReadFile(filepath.Join(h.Dir, authority.LogFile))
	ok(h.t, err)
	for _, s := range []string{"panic", "fatal error", "goroutine ", "SIGBUS", "SIGSEGV"} {
		if bytes.Contains(b, []byte(s)) {
			h.t.Fatalf("the log has %q:\n%s", s, b[max(0, len(b)-4000):])
		}
	}
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// mount mounts a small disk at a new directory, or says that it cannot.
func mount(t *testing.T, size string) (dir string, mounted bool) {
	t.Helper()
	dir = t.TempDir()
	err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size+",mode=0700")
	if errors.Is(err, syscall.EPERM) {
		t.Log("not tried: mounting needs root")
		return "", false
	}
	ok(t, err)
	t.Cleanup(func() { ok(t, syscall.Unmount(dir, syscall.MNT_DETACH)) })
	return dir, true
}
