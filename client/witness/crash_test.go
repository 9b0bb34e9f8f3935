package witness_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"sigill/client/witness"
)

// In a process with this variable the tests are a witness in that directory, which is
// killed where its answer would leave.
const doomed = "SIGILL_TEST_DOOMED_WITNESS"

func TestMain(m *testing.M) {
	if dir := os.Getenv(doomed); dir != "" {
		fmt.Fprintln(os.Stderr, beDoomed(dir))
		os.Exit(1)
	}
	if dir := os.Getenv(struck); dir != "" {
		if err := beStruck(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func beDoomed(dir string) error {
	w, err := witness.Open(dir, []string{os.Getenv(doomed + "_LOG")}, func() (string, error) { return pass, nil }, func(witness.Notice) {})
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(l.Addr())
	return http.Serve(l, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { w.ServeHTTP(killer{rw}, r) }))
}

type killer struct{ http.ResponseWriter }

func (k killer) WriteHeader(int) {
	syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {}
}

// TestL02_killed: a witness that is killed between remembering and answering has
// remembered. Asked again it says so or cosigns the same, and never another history.
func TestL02_killed(t *testing.T) {
	p, l, f := newPost(t), log(t, 9), forked(t, 9)
	p.cosigns(l.ask(t, 0, 5))
	p.close()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), doomed+"="+p.dir, doomed+"_LOG="+l.signer.String())
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	addr, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.Post("http://"+strings.TrimSpace(addr)+"/add-checkpoint", "", bytes.NewReader(l.ask(t, 5, 9).Marshal()))
	if err == nil {
		t.Fatalf("it answered %d", resp.StatusCode)
	}
	exit := (*exec.ExitError)(nil)
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Fatal(err)
	}
	p.is(l, 9)
	p.open()
	p.refuses("the same request", l.ask(t, 5, 9).Marshal(), 409, size, "9\n")
	if rec := p.send(f.ask(t, 5, 9).Marshal()); rec.Code != 409 || rec.Body.String() != "9\n" {
		t.Errorf("the other history, as before: %d %s", rec.Code, rec.Body)
	}
	if rec := p.send(f.ask(t, 9, 9).Marshal()); rec.Code != 422 {
		t.Errorf("the other history: %d %s", rec.Code, rec.Body)
	}
	p.cosigns(l.ask(t, 9, 9))
	p.is(l, 9)
}

// TestWriteFails: what cannot be remembered is not cosigned, changes nothing in memory, and
// works again once it can be written.
func TestWriteFails(t *testing.T) {
	p, l, again := newPost(t), log(t, 9), newHistory(t, authority, 1, 9, 5, "again")
	p.cosigns(l.ask(t, 0, 5))
	state := filepath.Join(p.dir, "state.json")
	kept, err := os.ReadFile(state)
	if err != nil {
		t.Fatal(err)
	}
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	for what, stop := range map[string]struct{ do, undo func() }{
		"no draft": {func() { check(os.Mkdir(state+".new", 0o700)) }, func() { check(os.Remove(state + ".new")) }},
		"no rename": {func() { check(errors.Join(os.Remove(state), os.MkdirAll(state+"/in", 0o700))) },
			func() { check(errors.Join(os.RemoveAll(state), os.WriteFile(state, kept, 0o600))) }},
	} {
		stop.do()
		rec := p.send(l.ask(t, 5, 9).Marshal())
		if rec.Code != 500 || rec.Body.String() != broken {
			t.Errorf("%s: %d %s", what, rec.Code, rec.Body)
		}
		if told := p.told(); !strings.HasPrefix(told, witness.ErrWrite.Error()) || strings.Contains(told, p.dir) {
			t.Errorf("%s: told %q", what, told)
		}
		if list, err := os.ReadDir(p.dir); err != nil || what == "no rename" && len(list) != 5 {
			t.Errorf("%s: %v, %v", what, list, err)
		}
		stop.undo()
		p.is(l, 5)
		p.refuses(what+": it is where it was", l.ask(t, 9, 9).Marshal(), 409, size, "5\n")
	}
	p.cosigns(again.ask(t, 5, 9)) // nobody has been told of the other one
	p.is(again, 9)
	// The same for what is found: it is told, and kept once it can be.
	found := filepath.Join(p.dir, "found.json")
	check(os.Mkdir(found+".new", 0o700))
	if rec := p.send(l.ask(t, 9, 9).Marshal()); rec.Code != 422 || p.told() == "" || len(p.found()) > 0 {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
	check(os.Remove(found + ".new"))
	if rec := p.send(l.ask(t, 9, 9).Marshal()); rec.Code != 422 || p.told() != "found 229999-0008 9 true" || len(p.found()) != 1 {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
}

// TestL06_clock: a cosignature's time is now, and where the clock has gone back before
// the last one, of whichever log, nothing is cosigned.
func TestL06_clock(t *testing.T) {
	p, l, o := newPost(t), log(t, 9), newHistory(t, other, 2, 9, 9, "")
	p.close()
	bubble := func(wait time.Duration, do func(now int64)) {
		synctest.Test(t, func(t *testing.T) { // begins at the same moment each time
			time.Sleep(wait)
			inside := *p
			inside.TB = t
			w, err := inside.try()
			if err != nil {
				t.Fatal(err)
			}
			p.w, inside.w = w, w
			do(time.Now().Unix())
			inside.close()
			p.notices = append(p.notices, inside.notices...)
		})
	}
	bubble(time.Hour, func(now int64) {
		p.cosigns(l.ask(t, 0, 5))
		p.at(now)
		time.Sleep(time.Minute)
		p.cosigns(l.ask(t, 5, 5)) // the same again has the time of now
		p.at(now + 60)
	})
	bubble(time.Hour+59*time.Second, func(int64) {
		before := p.files()
		for _, ask := range [][]byte{l.ask(t, 5, 9).Marshal(), l.ask(t, 5, 5).Marshal(), o.ask(t, 0, 5).Marshal()} {
			if rec := p.send(ask); rec.Code != 500 || rec.Body.String() != broken {
				t.Errorf("%d %s", rec.Code, rec.Body)
			}
		}
		if p.files() != before {
			t.Error("something changed")
		}
		p.refuses("not mine", l.ask(t, 3, 9).Marshal(), 409, size, "5\n")
		time.Sleep(time.Second) // the same second will do
		p.cosigns(l.ask(t, 5, 9))
	})
	if told := p.told(); told != strings.TrimSuffix(strings.Repeat(witness.ErrClock.Error()+"\n", 3), "\n") {
		t.Errorf("told %q", told)
	}
	p.is(l, 9)
}
