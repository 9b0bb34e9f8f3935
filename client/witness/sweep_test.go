package witness_test

import (
	"bytes"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"

	"sigill/client/witness"
)

// In a process with this variable the tests are a witness in that directory, which is
// asked what lies in the files of asked, in turn, and prints each answer's status. It
// stays on one thread: strace counts calls for each thread by itself.
const struck = "SIGILL_TEST_STRUCK_WITNESS"

func beStruck(dir string) error {
	runtime.LockOSThread()
	w, err := witness.Open(dir, []string{os.Getenv(struck + "_LOG")}, func() (string, error) { return pass, nil }, func(witness.Notice) {})
	if err != nil {
		return err
	}
	for i := range asked {
		body, err := os.ReadFile(filepath.Join(os.Getenv(struck+"_ASKS"), asked[i]))
		if err != nil {
			return err
		}
		rec := httptest.NewRecorder()
		w.ServeHTTP(rec, httptest.NewRequest("POST", "/add-checkpoint", bytes.NewReader(body)))
		fmt.Println(asked[i], rec.Code)
	}
	return w.Close()
}

// asked are what the struck witness is asked: to begin, to go on, to go on again from either size, and
// the same of another history.
var asked = []string{"begin", "on", "on-again", "other", "other-again"}

// TestL01_eachCall: killed at, or failed by, each call by which it remembers, a
// witness starts again, remembers all that it has answered, and has answered for one history.
func TestL01_eachCall(t *testing.T) {
	l, f := log(t, 9), forked(t, 9)
	asks := t.TempDir()
	for i, ask := range [][]byte{l.ask(t, 0, 5).Marshal(), l.ask(t, 5, 9).Marshal(), l.ask(t, 9, 9).Marshal(), f.ask(t, 5, 9).Marshal(), f.ask(t, 9, 9).Marshal()} {
		if err := os.WriteFile(filepath.Join(asks, asked[i]), ask, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	// Under strace the race detector takes ten times as long.
	program := filepath.Join(t.TempDir(), "struck")
	if out, err := exec.Command("go", "test", "-c", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	made := newPost(t)
	made.close()
	strike := func(inject string) (p *post, answers string, killed bool) {
		t.Helper()
		p = &post{TB: t, dir: filepath.Join(t.TempDir(), "vittne"), config: made.config}
		if err := errors.Join(os.CopyFS(p.dir, os.DirFS(made.dir)), os.Chmod(p.dir, 0o700)); err != nil {
			t.Fatal(err)
		}
		for _, file := range []string{"state.json", "count", "witness.yaml", "witness.age", "witness-mldsa.age"} {
			if err := os.Chmod(filepath.Join(p.dir, file), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		args := []string{"-D", "-f", "-o", "/dev/null", "-e", "trace=openat,write,fsync,close,renameat,pwrite64"}
		for _, path := range []string{p.dir, p.dir + "/state.json", p.dir + "/state.json.new", p.dir + "/count"} {
			args = append(args, "-P", path)
		}
		if inject != "" {
			args = append(args, "-e", "inject="+inject)
		}
		cmd := exec.Command("strace", append(args, program)...)
		cmd.Env = append(os.Environ(), struck+"="+p.dir, struck+"_ASKS="+asks, struck+"_LOG="+l.signer.String())
		var talk bytes.Buffer
		cmd.Stderr = &talk
		out, err := cmd.Output()
		exit := (*exec.ExitError)(nil)
		if errors.As(err, &exit) {
			killed = exit.Sys().(syscall.WaitStatus).Signal() == syscall.SIGKILL
		} else if err != nil {
			t.Fatal(err)
		}
		if err != nil && !killed && strings.Contains(talk.String(), "strace:") {
			t.Fatalf("%s: %s", inject, talk.String())
		}
		return p, string(out), killed
	}
	_, calm, _ := strike("")
	if calm != "begin 200\non 200\non-again 200\nother 409\nother-again 422\n" {
		t.Fatalf("unharmed it answers\n%s", calm)
	}
	points := map[string]int{}
	for _, call := range []string{"openat", "write", "fsync", "close", "renameat", "pwrite64"} {
		for _, fault := range []string{"signal=KILL", "error=EIO"} {
			for n := 1; ; n++ {
				p, answers, killed := strike(fmt.Sprintf("%s:%s:when=%d", call, fault, n))
				if !killed && answers == calm {
					break
				}
				points[call]++
				p.survives(t, fmt.Sprintf("%s at call %d of %s", fault, n, call), answers, l, f)
			}
		}
	}
	for _, call := range []string{"write", "fsync", "renameat", "pwrite64"} {
		if points[call] < 4 {
			t.Errorf("%s was struck %d times", call, points[call])
		}
	}
}

// survives holds that a witness that was struck starts again, where it had answered or further.
func (p *post) survives(t *testing.T, what, answers string, l, f *history) {
	t.Helper()
	said := strings.Split(answers, "\n")
	has := func(line string) bool { return slices.Contains(said, line) }
	own, other := has("on 200") || has("on-again 200"), has("other 200") || has("other-again 200")
	if own && other {
		t.Errorf("%s: two histories are cosigned:\n%s", what, answers)
	}
	p.open()
	defer p.close()
	s, err := witness.Read(p.dir)
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	size, root := uint64(0), ""
	if len(s.Logs) > 0 {
		size, root = s.Logs[0].Size, s.Logs[0].Root.String()
	}
	if has("begin 200") && size < 5 || own && root != l.root(t, 9).String() || other && root != f.root(t, 9).String() {
		t.Errorf("%s: it has answered\n%sand remembers %d %s", what, answers, size, root)
	}
	// Of the two histories, one goes on.
	both := 0
	for _, h := range []*history{l, f} {
		for _, old := range []int{int(size), 9} {
			if p.send(h.ask(t, old, 9).Marshal()).Code == 200 {
				both++
				break
			}
		}
	}
	if both != 1 {
		t.Errorf("%s: then %d histories are cosigned", what, both)
	}
}
