package witness_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"sigill/client/witness"
	"sigill/keys/proof"
)

// witnessed builds scripts/tessera/witnessed, which is of another module.
func witnessed(t *testing.T) string {
	t.Helper()
	const module = "../../scripts/tessera"
	for _, file := range []string{"go.mod", "go.sum", "witnessed/main.go"} {
		if _, err := os.ReadFile(filepath.Join(module, file)); err != nil { // go test runs it again when they change
			t.Fatal(err)
		}
	}
	path := filepath.Join(t.TempDir(), "witnessed")
	if out, err := exec.Command("go", "build", "-C", module, "-o", path, "./witnessed").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return path
}

// A stranger is a log that scripts/tessera/witnessed keeps, over HTTP from the witness.
type stranger struct {
	*post
	program, dir string
	addrs        [2]string // by which it reaches the one key's witness and the other's
	statuses     chan int  // of what the witness answers, as far as there is room
	server       *httptest.Server
}

var quorums = map[string]string{"none": "quorum none\n", "ed25519": "quorum " + name + "\n", "ml-dsa": "quorum " + name + "/ml-dsa\n",
	"both": "group g all " + name + " " + name + "/ml-dsa\nquorum g\n"}

func newStranger(t *testing.T) *stranger {
	s := &stranger{post: newPost(t), program: witnessed(t), dir: t.TempDir(), statuses: make(chan int, 1000)}
	s.serve("127.0.0.1:0")
	_, port, err := net.SplitHostPort(s.server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	s.addrs = [2]string{"127.0.0.1:" + port, "localhost:" + port} // Tessera keeps one key for each URL
	vkey := log(t, 0).signer.String()
	seed := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1}, ed25519.SeedSize)).Seed()
	s.write("skey", "PRIVATE+KEY+"+vkey[:strings.LastIndex(vkey, "+")]+"+"+base64.StdEncoding.EncodeToString(append([]byte{1}, seed...)))
	for file := range quorums {
		s.write(file, s.policy(file))
	}
	return s
}

func (s *stranger) write(name, text string) {
	s.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o600); err != nil {
		s.Fatal(err)
	}
}

func (s *stranger) policy(quorum string) string {
	return "log " + log(s, 0).signer.String() + "\n" + s.config.Lines("http://" + s.addrs[0] + "/")[0] + "\n" +
		s.config.Lines("http://" + s.addrs[1] + "/")[1] + "\n" + quorums[quorum]
}

// serve puts the witness on the address, noting what it answers.
func (s *stranger) serve(addr string) {
	s.Helper()
	l, err := net.Listen("tcp", addr)
	if err != nil {
		s.Fatal(err)
	}
	s.server = httptest.NewUnstartedServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		s.w.ServeHTTP(noting{rw, s.statuses}, r)
	}))
	s.server.Listener.Close()
	s.server.Listener = l
	s.server.Start()
}

type noting struct {
	http.ResponseWriter
	statuses chan<- int
}

func (n noting) WriteHeader(status int) {
	select {
	case n.statuses <- status:
	default:
	}
	n.ResponseWriter.WriteHeader(status)
}

func (s *stranger) command(log, quorum string, sizes ...string) *exec.Cmd {
	at := func(name string) string { return filepath.Join(s.dir, name) }
	return exec.Command(s.program, append([]string{at(log), at("skey"), at(quorum)}, sizes...)...)
}

// grows holds that the log gets to each size, and publishes what the policy accepts.
func (s *stranger) grows(quorum string, sizes ...string) {
	s.Helper()
	cmd := s.command("log", quorum, sizes...)
	var talk bytes.Buffer
	cmd.Stderr = &talk
	out, err := cmd.Output()
	if err != nil {
		s.Fatalf("%v: %s", err, talk.String())
	}
	policy, err := proof.ParsePolicy([]byte(s.policy(quorum)))
	if err != nil {
		s.Fatal(err)
	}
	list := strings.SplitAfter(string(out), "\nend\n")
	for i, size := range sizes {
		cp, accepted, err := policy.Accept([]byte(strings.TrimSuffix(list[i], "end\n")))
		if err != nil || accepted != (quorum != "none") || fmt.Sprint(cp.Size) != size {
			s.Fatalf("%s, to %s: %v %v %v in\n%s", quorum, size, cp, accepted, err, list[i])
		}
	}
}

// cosigned is how far the witness is.
func (s *stranger) cosigned() witness.Watched {
	s.Helper()
	st, err := witness.Read(s.post.dir)
	if err != nil || len(st.Logs) != 1 {
		s.Fatal(st, err)
	}
	return st.Logs[0]
}

// TestTessera: a stranger's log (Trillian Tessera on files) publishes what its own witness
// client has had cosigned here, by either key and both: from a size that it has wrong, on
// through full tiles, over restarts of both; and nothing of another history.
func TestTessera(t *testing.T) {
	s := newStranger(t)
	s.grows("none", "3") // before it had a witness
	s.grows("ed25519", "4", "255", "256")
	s.grows("ml-dsa", "257")
	s.grows("both", "258", "600")
	s.server.Close()
	s.close()
	s.open()
	s.serve(s.addrs[0])
	s.grows("both", "601", "602")
	before := s.cosigned()
	if before.Size != 602 {
		t.Errorf("%v", before)
	}
	if out, err := s.command("other", "none", "3").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	cmd := s.command("other", "ed25519", "700")
	var talk bytes.Buffer
	cmd.Stderr = &talk
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for refused := 0; refused < 2; { // each is a publication that was tried
		select {
		case status := <-s.statuses:
			if status == 422 {
				refused++
			}
		case err := <-ended:
			t.Fatalf("%v: %s", err, talk.String())
		}
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-ended
	s.server.Close()
	if b, err := os.ReadFile(filepath.Join(s.dir, "other", "checkpoint")); err != nil || !bytes.Contains(b, []byte("\n3\n")) {
		t.Errorf("another history was published:\n%s", b)
	}
	if s.cosigned() != before {
		t.Error("another history was cosigned")
	}
	for line := range strings.Lines(s.told() + "\n") { // of 700 and of what sizes there were on the way
		if !strings.HasPrefix(line, "found 229999-0008 ") || !strings.HasSuffix(line, " false\n") {
			t.Errorf("told %q", line)
		}
	}
}
