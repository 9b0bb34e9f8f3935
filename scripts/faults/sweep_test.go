package faults_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
	"unsafe"
)

// counted is sigilld with one line more: the goroutine that commits stays on one
// thread. strace counts calls for each thread by itself, so that only then the
// Nth call is the same in every run. (In the product that line would cost a tenth
// of the processor time of a decision.)
var counted = sync.OnceValues(func() (string, error) {
	const run = "func (l *Ledger) Run(ctx context.Context) error {\n"
	source, err := filepath.Abs("../../server/ledger/ledger.go")
	if err != nil {
		return "", err
	}
	b, err := os.ReadFile(source)
	if err != nil {
		return "", err
	}
	if strings.Count(string(b), run) != 1 {
		return "", fmt.Errorf("the ledger's Run is not where it was")
	}
	dir := filepath.Dir(sigilld)
	changed, overlay, program := filepath.Join(dir, "ledger.go"), filepath.Join(dir, "overlay.json"), filepath.Join(dir, "counted")
	if err := os.WriteFile(changed, []byte(strings.Replace(string(b), run, run+"\truntime.LockOSThread()\n", 1)), 0o600); err != nil {
		return "", err
	}
	list, err := json.Marshal(map[string]any{"Replace": map[string]string{source: changed}})
	if err != nil {
		return "", err
	}
	if err := os.WriteFile(overlay, list, 0o600); err != nil {
		return "", err
	}
	if out, err := exec.Command("go", "build", "-overlay", overlay, "-o", program, "sigill/server/cmd/sigilld").CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	return program, nil
})

// under writes a program that runs another under strace, which traces some calls
// into trace. With -D the server is our child and strace is not. (With --seccomp-bpf
// strace 6.1 injects no signal.)
func under(t *testing.T, program, trace, calls string, inject ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "program")
	script := fmt.Sprintf("#!/bin/sh\nexec strace -D -f -o '%s' -e trace=%s", trace, calls)
	for _, i := range inject {
		script += " -e inject=" + i
	}
	ok(t, os.WriteFile(path, []byte(script+" '"+program+"' \"$@\"\n"), 0o700))
	return path
}

// A point is the nth call of a name, and what happens at it.
type point struct {
	call, fault string
	n           int
}

const (
	kill = "signal=KILL"
	eio  = "error=EIO"
)

// watch cancels what goes on when the process ends, and leaves it to be waited for.
func watch(pid int, cancel context.CancelFunc) {
	const byID, exited, noWait = 1, 4, 0x1000000
	var info [128]byte
	for {
		_, _, err := syscall.Syscall6(syscall.SYS_WAITID, byID, uintptr(pid), uintptr(unsafe.Pointer(&info)), exited|noWait, 0, 0)
		if err != syscall.EINTR {
			cancel()
			return
		}
	}
}

// struck plays the story until the fault strikes, and returns how far it came and
// what became of the server: nothing, where the story has fewer calls this time.
func (h *house) struck(t *testing.T, program string, p point) (*tale, syscall.WaitStatus) {
	t.Helper()
	return h.strikes(t, program, p, &tale{})
}

func (h *house) strikes(t *testing.T, program string, p point, s *tale) (*tale, syscall.WaitStatus) {
	t.Helper()
	h.reset()
	r, err := h.StartBinary(context.Background(), under(t, program, "/dev/null", p.call, fmt.Sprintf("%s:%s:when=%d", p.call, p.fault, p.n)))
	if err == nil {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		go watch(r.PID(), cancel)
		_ = s.play(ctx, r) // ends in an error, where the fault strikes
		cancel()
		err = r.Stop()
	}
	return s, ended(err)
}

// after checks the store, starts the server as it is and looks: whatever was answered is there, what
// was not is there whole or not at all, and the story goes on to its end.
func (h *house) after(t *testing.T, s *tale) error {
	t.Helper()
	if c := sh(t, sigilld, "check", "--config", h.config()); c.status != 0 {
		return fmt.Errorf("check: %s%s", c.stdout, c.stderr)
	}
	r, err := h.StartBinary(context.Background(), sigilld)
	if err != nil {
		return err
	}
	defer r.Stop()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for _, look := range []func() error{
		func() error { return s.grown(ctx, r) },
		func() error { return s.stands(ctx, r) },
		func() error { return s.play(ctx, r) },
		func() error { return s.stands(ctx, r) },
		func() error { return next(ctx, r, s.verdict) },
	} {
		if err := look(); err != nil {
			return err
		}
	}
	return r.Stop()
}

var (
	callLine = regexp.MustCompile(`(?m)^(\d+) +(\w+)\(`)
	swept    = "pwrite64,fdatasync,fsync,fallocate,renameat"
)

// calls counts, in a run without faults, how often a thread makes each call at most.
// All writes and flushes of commits must come from one.
func (h *house) calls(t *testing.T, program string) map[string]int {
	t.Helper()
	h.reset()
	trace := filepath.Join(t.TempDir(), "trace")
	r := h.start(under(t, program, trace, swept))
	s := &tale{}
	ok(t, s.play(t.Context(), r))
	ok(t, r.Stop())
	b, err := os.ReadFile(trace)
	ok(t, err)
	n, by, thread := map[string]int{}, map[[2]string]int{}, ""
	for _, m := range callLine.FindAllStringSubmatch(string(b), -1) {
		by[[2]string{m[1], m[2]}]++
		n[m[2]] = max(n[m[2]], by[[2]string{m[1], m[2]}])
		if m[2] != "pwrite64" && m[2] != "fdatasync" {
			continue
		}
		if thread == "" {
			thread = m[1]
		}
		if thread != m[1] {
			t.Fatal("commits come from several threads: the Nth call is not exact")
		}
	}
	if n["pwrite64"] < 20 || n["fdatasync"] < 20 {
		t.Fatalf("too few calls: %v", n)
	}
	return n
}

// sweep strikes at calls of a name: all of them, or some spread over the story.
func sweep(t *testing.T, h *house, program string, total, some int, p point, want func(syscall.WaitStatus) bool) {
	t.Helper()
	step := 1
	if !*everything {
		step = max(1, total/some)
	}
	tried, missed, lost := 0, 0, 0
	for p.n = 1; p.n <= total; p.n += step {
		s, status := h.struck(t, program, p)
		tried++
		if status == 0 {
			missed++ // how many pages change hangs on random ids, and who keeps the checkpoint on chance
		} else if !want(status) {
			t.Errorf("%s %d, %s: the server ended with %#x", p.call, p.n, p.fault, int(status))
		}
		acked := s.acked
		if err := h.after(t, s); err != nil {
			lost++
			t.Errorf("%s %d, %s, after %d answers: %v", p.call, p.n, p.fault, acked, err)
		}
	}
	t.Logf("%s, %s: %d points of %d tried, %d not reached, %d lost something", p.call, p.fault, tried, total, missed, lost)
	if tried == missed {
		t.Error("the fault did not strike")
	}
	h.quiet()
}

func killed(s syscall.WaitStatus) bool { return s.Signaled() && s.Signal() == syscall.SIGKILL }

// stopped: it ended by itself, and said so.
func stopped(s syscall.WaitStatus) bool { return s.Exited() && s.ExitStatus() == 1 }

// sweptHouse is a house to sweep, the program to do it with, and how many calls there are.
func sweptHouse(t *testing.T) (*house, string, map[string]int) {
	t.Helper()
	program, err := counted()
	ok(t, err)
	h := newHouse(t, filepath.Join(t.TempDir(), "authority"))
	return h, program, h.calls(t, program)
}

// TestD01_killAtEachWrite kills the server before the Nth call that changes a file.
func TestD01_killAtEachWrite(t *testing.T) {
	h, program, n := sweptHouse(t)
	for _, call := range strings.Split(swept, ",") {
		some := 2
		if call != "pwrite64" && call != "fdatasync" {
			some = 1
		}
		sweep(t, h, program, n[call], some, point{call: call, fault: kill}, killed)
	}
}

// TestD02_eioAtFlush: a flush that fails ends the server at once, by itself.
func TestD02_eioAtFlush(t *testing.T) {
	h, program, n := sweptHouse(t)
	sweep(t, h, program, n["fdatasync"], 2, point{call: "fdatasync", fault: eio}, stopped)
}

// TestD04_eioAtWrite: a write that fails ends it as a flush does.
func TestD04_eioAtWrite(t *testing.T) {
	h, program, n := sweptHouse(t)
	sweep(t, h, program, n["pwrite64"], 2, point{call: "pwrite64", fault: eio}, stopped)
}
