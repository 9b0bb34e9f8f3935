package witness_test

import (
	"bufio"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"sigill/keys/proof"
	"sigill/server/witness"
)

// omniwitness runs scripts/omniwitness over a log, and gives the policy that needs it.
func omniwitness(t *testing.T, l *log) proof.Policy {
	t.Helper()
	const module = "../../scripts/omniwitness"
	for _, file := range []string{"go.mod", "go.sum", "main.go"} { // go test runs it again when they change
		_, err := os.ReadFile(filepath.Join(module, file))
		ok(t, err)
	}
	path := filepath.Join(t.TempDir(), "omniwitness")
	if out, err := exec.Command("go", "build", "-C", module, "-o", path, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	cmd := exec.Command(path, "omni.example", l.signer.String())
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	ok(t, err)
	stdout, err := cmd.StdoutPipe()
	ok(t, err)
	ok(t, cmd.Start())
	t.Cleanup(func() {
		ok(t, stdin.Close())
		ok(t, cmd.Wait())
	})
	said := bufio.NewReader(stdout)
	vkey, err := said.ReadString('\n')
	ok(t, err)
	url, err := said.ReadString('\n')
	ok(t, err)
	p, err := proof.ParsePolicy([]byte("log " + l.signer.String() + "\nwitness omni " + strings.TrimSpace(vkey) + " " + url + "quorum omni\n"))
	ok(t, err)
	return p
}

// TestOmniwitness: a witness that nobody here wrote cosigns each head, tells one who
// asks anew how much it has seen, and contradicts another history, of the same size or
// larger, and a log that was put back.
func TestOmniwitness(t *testing.T) {
	l := newLog(t)
	p := omniwitness(t, l)
	a := asker(t, p, l)
	for _, n := range []int{1, 1, 0, 300, 7} {
		l.grow(n)
		published, problems, err := l.ask(t.Context(), a, p)
		if err != nil || len(problems) != 0 || len(published) != 1 {
			t.Fatalf("%d entries more: %d published, %v, %v", n, len(published), problems, err)
		}
	}
	older := *l
	l.grow(5)
	a = asker(t, p, l)
	if published, problems, err := l.ask(t.Context(), a, p); err != nil || len(published) != 1 {
		t.Fatal("after a restart: ", len(published), problems, err)
	}
	for what, n := range map[string]int{"put back": 0, "another of the same size": 5, "another, grown": 9} {
		other := older
		other.hashes = append(other.hashes[:0:0], older.hashes...)
		other.grow(n)
		published, _, err := other.ask(t.Context(), asker(t, p, &other), p)
		if !errors.Is(err, witness.ErrContradicted) || len(published) != 0 {
			t.Errorf("%s: %d published, %v", what, len(published), err)
		}
	}
	l.grow(1)
	if published, problems, err := l.ask(t.Context(), a, p); err != nil || len(published) != 1 {
		t.Fatal("the true one goes on: ", len(published), problems, err)
	}
}
