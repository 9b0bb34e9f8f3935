package e2e

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"sigill/keys/bundle"
	"sigill/keys/ident"
	"sigill/keys/keyfile"
	"sigill/keys/proof"
	"sigill/scripts/authority"
)

// A watcher is a running `sigill witness serve`.
type watcher struct {
	cmd  *exec.Cmd
	url  string
	rest chan []byte // what it said after its first line
}

// watch starts a witness, and waits until it listens.
func (h *house) watch(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 || h.watcher != nil {
		ts.Fatalf("usage: watch DIR ARGUMENTS, one at a time")
	}
	cmd := exec.Command(filepath.Join(programs, "sigill"), append([]string{"witness", "serve", "--listen", "127.0.0.1:0"}, args...)...)
	cmd.Dir = ts.MkAbs(".")
	for _, name := range []string{"SIGILL_LANG", "SIGILL_PASSPHRASE_FILE"} {
		cmd.Env = append(cmd.Env, name+"="+ts.Getenv(name))
	}
	talk, err := cmd.StderrPipe()
	ts.Check(err)
	ts.Check(cmd.Start())
	w := &watcher{cmd: cmd, rest: make(chan []byte, 1)}
	h.watcher = w
	r := bufio.NewReader(talk)
	line, err := r.ReadString('\n')
	ts.Check(err)
	_, addr, ok := strings.Cut(line, "Lyssnar på ")
	if !ok {
		ts.Fatalf("the witness says %s", line)
	}
	w.url = "http://" + strings.SplitN(addr, ". ", 2)[0] + "/add-checkpoint"
	go func() {
		rest, _ := io.ReadAll(r)
		w.rest <- rest
	}()
}

// unwatch interrupts the witness, which must end well, and leaves what it said in
// the file told.
func (h *house) unwatch(ts *testscript.TestScript, neg bool, args []string) {
	plain(ts, neg, args, 0)
	w := h.watcher
	h.watcher = nil
	ts.Check(w.cmd.Process.Signal(os.Interrupt))
	ts.Check(os.WriteFile(ts.MkAbs("told"), <-w.rest, 0o600))
	ts.Check(w.cmd.Wait())
}

// offer shows the witness the checkpoint under a decision, and writes the decision with the
// witness's lines after it.
func (h *house) offer(ts *testscript.TestScript, neg bool, args []string) {
	plain(ts, neg, args, 2)
	b, err := bundle.Parse([]byte(ts.ReadFile(args[0])))
	ts.Check(err)
	p, err := proof.ParseProof([]byte(bundle.JoinLines(b.Proof)))
	ts.Check(err)
	status, lines := h.ask(ts, p.Checkpoint)
	if status != http.StatusOK {
		ts.Fatalf("the witness answers %d %s", status, lines)
	}
	b.Proof = append(b.Proof, bundle.SplitLines(lines)...)
	out, err := b.Marshal()
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), out, 0o600))
}

// forge shows the witness another checkpoint of the size under a decision, as the log
// would sign it if it had two histories. It must be refused with the status.
func (h *house) forge(ts *testscript.TestScript, neg bool, args []string) {
	plain(ts, neg, args, 2)
	b, err := bundle.Parse([]byte(ts.ReadFile(args[0])))
	ts.Check(err)
	p, err := proof.ParseProof([]byte(bundle.JoinLines(b.Proof)))
	ts.Check(err)
	cp, err := proof.OpenCheckpoint(p.Checkpoint, h.made.Trust.Policy)
	ts.Check(err)
	key, err := keyfile.Load(filepath.Join(h.made.Dir, "keys", "log.age"), authority.Passphrase)
	ts.Check(err)
	signer, err := key.Crypto()
	ts.Check(err)
	log, err := proof.NewLogSigner(authority.Number, signer)
	ts.Check(err)
	note, err := log.Checkpoint(cp.Size, ident.Sum("another history"))
	ts.Check(err)
	if status, body := h.ask(ts, note); fmt.Sprint(status) != args[1] || strings.Contains(body, "—") {
		ts.Fatalf("the witness answers %d %s", status, body)
	}
}

// ask tells the witness what it has said itself where it asks for a proof from there:
// stories show it one size alone.
func (h *house) ask(ts *testscript.TestScript, checkpoint []byte) (status int, body string) {
	old := uint64(0)
	for range 2 {
		resp, err := http.Post(h.watcher.url, "", bytes.NewReader(proof.Submission{Old: old, Checkpoint: checkpoint}.Marshal()))
		ts.Check(err)
		b, err := io.ReadAll(resp.Body)
		ts.Check(err)
		ts.Check(resp.Body.Close())
		if status, body = resp.StatusCode, string(b); status != http.StatusConflict {
			break
		}
		_, err = fmt.Sscan(body, &old)
		ts.Check(err)
	}
	return status, body
}
