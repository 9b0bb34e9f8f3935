package e2e

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"sigill/keys/ident"
	"sigill/scripts/authority"
	"sigill/scripts/made"
)

// programs is where the built programs lie.
var programs string

func TestMain(m *testing.M) { os.Exit(build(m)) }

func build(m *testing.M) int {
	dir, err := os.MkdirTemp("", "sigill-e2e-")
	if err == nil {
		defer os.RemoveAll(dir)
		programs = dir
		cmd := exec.Command("go", "build", "-o", dir, "sigill/client/cmd/sigill", "sigill/server/cmd/sigilld")
		cmd.Stderr = os.Stderr
		err = cmd.Run()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "building the programs:", err)
		return 1
	}
	return m.Run()
}

func TestStories(t *testing.T) {
	made.From(t, "sigill/client/cmd/sigill", "sigill/server/cmd/sigilld")
	testscript.Run(t, testscript.Params{
		Dir: "stories", RequireUniqueNames: true, RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error { return setUp(env) },
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"as":      func(ts *testscript.TestScript, neg bool, args []string) { of(ts).as(ts, neg, args, true) },
			"bearer":  func(ts *testscript.TestScript, neg bool, args []string) { of(ts).as(ts, neg, args, false) },
			"grab":    grab,
			"refused": func(ts *testscript.TestScript, neg bool, args []string) { refused(ts, neg, args, false) },
			"finds":   func(ts *testscript.TestScript, neg bool, args []string) { refused(ts, neg, args, true) },
			"lose":    func(ts *testscript.TestScript, neg bool, args []string) { of(ts).lose(ts, neg, args) },
			"halt":    func(ts *testscript.TestScript, neg bool, args []string) { of(ts).halt(ts, neg, args) },
			"resume":  func(ts *testscript.TestScript, neg bool, args []string) { of(ts).resume(ts, neg, args) },
			"watch":   func(ts *testscript.TestScript, neg bool, args []string) { of(ts).watch(ts, neg, args) },
			"unwatch": func(ts *testscript.TestScript, neg bool, args []string) { of(ts).unwatch(ts, neg, args) },
			"offer":   func(ts *testscript.TestScript, neg bool, args []string) { of(ts).offer(ts, neg, args) },
			"forge":   func(ts *testscript.TestScript, neg bool, args []string) { of(ts).forge(ts, neg, args) },
		},
	})
}

// house is one story's authority and its people's homes.
type house struct {
	ctx     context.Context
	made    *authority.Authority
	running *authority.Running
	watcher *watcher
	work    string
}

type houseKey struct{}

func of(ts *testscript.TestScript) *house { return ts.Value(houseKey{}).(*house) }

// setUp makes the authority, starts its server and has the board's documents
// published. Stories that are offline leave it alone.
func setUp(env *testscript.Env) error {
	h := &house{ctx: context.Background(), work: env.WorkDir}
	env.Values[houseKey{}] = h
	env.Defer(func() {
		if h.watcher != nil {
			h.watcher.cmd.Process.Kill()
			h.watcher.cmd.Wait()
		}
		if h.running != nil {
			h.running.Stop()
		}
		if h.made != nil {
			h.made.Close()
		}
	})
	var err error
	if h.made, err = authority.Make(h.ctx, filepath.Join(h.work, "house"), authority.Options{PublishEvery: 100 * time.Millisecond}); err != nil {
		return err
	}
	if err := h.run(env.Setenv); err != nil {
		return err
	}
	if err := h.running.Publish(h.ctx); err != nil {
		return err
	}
	court, err := h.made.Requester.Key.Public()
	if err != nil {
		return err
	}
	for name, value := range map[string]string{
		"PATH": programs + string(os.PathListSeparator) + env.Getenv("PATH"), "HOME": "/no-home", "LANG": "C",
		"SIGILL_ORIGIN": authority.Origin, "SIGILL_WORK_FACTOR": "1", "SIGILL_LANG": "sv",
		"SIGILL_PASSPHRASE_FILE": filepath.Join(h.made.Dir, "keys", "passphrase"), "HOUSE": h.made.Dir, "PEOPLE": filepath.Join(h.made.Dir, "people"),
		"TRUST": filepath.Join(h.made.Dir, "trust.json"), "COURT": string(h.made.CourtID), "COURT_KEY": court.Thumbprint().String(),
		"TODAY": string(ident.DateOf(time.Now())), "AUTHORITY": string(authority.Number), "ISSUER": h.made.IDP.Issuer(),
	} {
		env.Setenv(name, value)
	}
	return nil
}

// run starts the server and says where it is.
func (h *house) run(setenv func(name, value string)) (err error) {
	if h.running, err = h.made.StartBinary(h.ctx, filepath.Join(programs, "sigilld")); err == nil {
		setenv("SIGILL_ADDR", "http://"+h.running.Addr)
		setenv("LOG", h.running.Log)
	}
	return err
}

func (h *house) halt(ts *testscript.TestScript, neg bool, args []string) {
	plain(ts, neg, args, 0)
	ts.Check(h.running.Stop())
	h.running = nil
}

func (h *house) resume(ts *testscript.TestScript, neg bool, args []string) {
	plain(ts, neg, args, 0)
	ts.Check(h.run(ts.Setenv))
}

func plain(ts *testscript.TestScript, neg bool, args []string, n int) {
	if neg || len(args) != n {
		ts.Fatalf("takes %d arguments and no negation", n)
	}
}

// as makes a home and a login for a user, once, and puts both into the
// environment.
func (h *house) as(ts *testscript.TestScript, neg bool, args []string, bound bool) {
	plain(ts, neg, args, 1)
	env, err := h.made.Home(args[0], bound)
	ts.Check(err)
	for name, value := range env {
		ts.Setenv(name, value)
	}
}

// grab puts a member of the JSON that was printed last into a variable: a path
// of names and indices with dots between them.
func grab(ts *testscript.TestScript, neg bool, args []string) {
	plain(ts, neg, args, 2)
	d := json.NewDecoder(strings.NewReader(ts.ReadFile("stdout")))
	d.UseNumber()
	var v any
	ts.Check(d.Decode(&v))
	for _, name := range strings.Split(args[1], ".") {
		switch at := v.(type) {
		case map[string]any:
			v = at[name]
		case []any:
			i, err := strconv.Atoi(name)
			if err != nil || i >= len(at) {
				ts.Fatalf("no entry %s in %s", name, args[1])
			}
			v = at[i]
		}
	}
	if v == nil {
		ts.Fatalf("no %s in what was printed", args[1])
	}
	ts.Setenv(args[0], fmt.Sprint(v))
}

// refused runs sigill and holds that the refusal had no effect at all, and printed
// nothing unless it is what was found.
func refused(ts *testscript.TestScript, neg bool, args []string, finds bool) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: refused CODE ARGUMENTS")
	}
	h := of(ts)
	files, matters := h.files(ts), h.matters(ts)
	err := ts.Exec(filepath.Join(programs, "sigill"), args[1:]...)
	code := 0
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		code = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("running sigill: %v", err)
	}
	if strconv.Itoa(code) != args[0] {
		ts.Fatalf("exit code %d, want %s", code, args[0])
	}
	if out := ts.ReadFile("stdout"); (out != "") != finds {
		ts.Fatalf("a refusal printed on standard output, or a finding did not")
	}
	if after := h.files(ts); after != files {
		ts.Fatalf("a refusal changed files:\n%s", difference(files, after))
	}
	if after := h.matters(ts); after != matters {
		ts.Fatalf("a refusal changed a matter: %s, was %s", after, matters)
	}
}

func difference(a, b string) string {
	var out bytes.Buffer
	for _, l := range strings.Split(b, "\n") {
		if !strings.Contains(a, l) {
			fmt.Fprintln(&out, "now", l)
		}
	}
	for _, l := range strings.Split(a, "\n") {
		if !strings.Contains(b, l) {
			fmt.Fprintln(&out, "was", l)
		}
	}
	return out.String()
}

// files are all of the story's files, but the server's, by name and digest. The
// last checkpoint seen moves on with every look at the log, whatever comes of it.
func (h *house) files(ts *testscript.TestScript) string {
	var out bytes.Buffer
	ts.Check(filepath.WalkDir(h.work, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if path == filepath.Join(h.made.Dir, "data") || path == filepath.Join(h.made.Dir, "log") {
			return fs.SkipDir
		}
		if d.IsDir() || d.Name() == "seen.json" || !d.Type().IsRegular() {
			return nil
		}
		b, err := os.ReadFile(path)
		fmt.Fprintf(&out, "%s %x\n", path, sha256.Sum256(b))
		return err
	}))
	return out.String()
}

// matters are the server's figures, if it runs.
func (h *house) matters(ts *testscript.TestScript) string {
	if h.running == nil {
		return ""
	}
	s, err := h.running.Session("drift")
	ts.Check(err)
	st, err := s.Board().Status(h.ctx)
	ts.Check(err)
	return fmt.Sprint(st.GetPendingDrafts(), st.GetPendingOpenings(), st.GetOwedEntries(), st.GetReviewerEpoch(), st.GetDelegationOrderVersion())
}
