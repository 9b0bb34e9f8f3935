package main

import (
	"bytes"
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"sigill/client"
	"sigill/keys/command"
	"sigill/keys/disclosure/story"
	"sigill/keys/keyfile"
	"sigill/keys/order"
	"sigill/keys/record"
)

// The other rows on the command line are tried on the built program, in scripts/e2e.

func TestC06_noSecretFlags(t *testing.T) {
	command.Each((&app{}).root(), func(c *cobra.Command) {
		c.Flags().VisitAll(func(f *pflag.Flag) {
			if slices.Contains([]string{"passphrase", "password", "token", "pin", "secret", "seed", "nonce"}, f.Name) {
				t.Errorf("%s --%s takes a secret", c.CommandPath(), f.Name)
			}
		})
	})
}

// fuzzed are changed forms of a packet: bytes of any value, cuts, doublings, and the
// JSON in it taken apart.
func fuzzed(r *rand.Rand, packet []byte, n int) (list [][]byte) {
	list = append(list, nil, []byte("{}"), []byte("null"), []byte("[]"), []byte("\x00"), bytes.Repeat([]byte("["), 100_000), bytes.Repeat([]byte(`{"a":`), 100_000))
	for len(list) < n {
		b := bytes.Clone(packet)
		at := r.IntN(len(b))
		switch r.IntN(6) {
		case 0:
			b[at] ^= byte(1 + r.IntN(255))
		case 1:
			b = b[:at]
		case 2:
			b = append(b[:at], b[min(len(b), at+1+r.IntN(200)):]...)
		case 3:
			b = slices.Insert(b, at, b[at:min(len(b), at+r.IntN(500))]...)
		case 4: // a value of another kind
			if q := bytes.IndexByte(b[at:], ':'); q >= 0 {
				b = slices.Concat(b[:at+q+1], []byte([]string{"null", "-1", "1e999", "[[]]", `"\ud800"`}[r.IntN(5)]), b[at+q+1:])
			}
		case 5:
			for range 1 + r.IntN(20) {
				b[r.IntN(len(b))] = byte(r.IntN(256))
			}
		}
		if !bytes.Equal(b, packet) {
			list = append(list, b)
		}
	}
	return list
}

// TestEndless: a file without an end is refused for what it is, not read until the
// machine has no memory left; so is one on standard input.
func TestEndless(t *testing.T) {
	t.Setenv("SIGILL_LANG", "en")
	trustJSON, err := story.New(t).TrustFile.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	trust := filepath.Join(dir, "trust.json")
	if err := os.WriteFile(trust, trustJSON, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/dev/zero", filepath.Join(dir, client.FolderFile)); err != nil {
		t.Fatal(err)
	}
	zero, err := os.Open("/dev/zero")
	if err != nil {
		t.Fatal(err)
	}
	defer zero.Close()
	for _, args := range [][]string{{"verify", "/dev/zero", "--trust", trust}, {"verify", "-", "--trust", trust}, {"verify", trust, "--trust", "/dev/zero"},
		{"board", "show", "/dev/zero"}, {"board", "trust", "make", "/dev/zero", "--out", "-"}, {"draft", "submit", dir},
		{"request", "list", "--trust", trust, "--addr", "localhost:1", "--cacert", "/dev/zero"}, {"doctor", "--trust", "/dev/zero"}} {
		var stdout, stderr bytes.Buffer
		code := run(context.Background(), args, zero, &stdout, &stderr)
		said := stderr.String() + stdout.String()
		if code != exitLocal || args[0] != "doctor" && stdout.Len() > 0 || !strings.Contains(said, "larger than anything") {
			t.Errorf("%v: exit %d, %s", args, code, said)
		}
	}
}

// What a stranger sends ends in an exit code, whatever it is: nothing is printed on
// standard output, no file is written, and a panic would end the test.
func TestC09_fuzzedPacket(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	ok := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	ok(os.Chmod(dir, 0o700))
	s := story.New(t)
	o := s.Decide(s.Plan()).Request(order.CourtOrder, nil, record.SectionDecider, record.SectionEvidence).All()
	trustJSON, err := s.TrustFile.Marshal()
	ok(err)
	packet := o.Bytes(o.Package(nil))
	seed, err := s.Recipient.Bytes()
	ok(err)
	t.Setenv("SIGILL_PASSPHRASE_FILE", write("passphrase", []byte("x\n")))
	recipient := filepath.Join(dir, "recipient")
	ok(keyfile.SaveSealed(recipient, "x", client.TypRecipient, client.Recipient{Opening: o.Request.Opening, Request: "r", Seed: seed, Typ: client.TypRecipient},
		keyfile.Options{WorkFactor: 1}))
	trust := write("trust.json", trustJSON)
	out := filepath.Join(dir, "out")
	sigill := func(args ...string) (int, string, string) {
		var stdout, stderr bytes.Buffer
		code := run(context.Background(), args, strings.NewReader(""), &stdout, &stderr)
		return code, stdout.String(), stderr.String()
	}
	path := write("packet", packet)
	for name, args := range map[string][]string{
		"open":   {"open", path, "--trust", trust, "--recipient", recipient, "--out", out},
		"verify": {"verify", path, "--trust", trust},
		"reseal": {"review", "reseal", "--offline", "--extract", path, "--request", path, "--trust", trust, "--out", out},
		"sign":   {"board", "sign", path, "--out", out},
		"show":   {"board", "show", path},
		"trust":  {"board", "trust", "show", path},
	} {
		n := 40
		if name == "open" {
			n = 400
		}
		for i, b := range fuzzed(rand.New(rand.NewPCG(9, uint64(len(name)))), packet, n) {
			write("packet", b)
			code, stdout, stderr := sigill(args...)
			left, err := filepath.Glob(out + "*")
			if code == exitOK || code == exitUnknown || stdout != "" || stderr == "" || strings.Contains(stderr, story.Name) || len(left) != 0 || err != nil {
				t.Fatalf("%s, packet %d: exit %d, %q, %q, %v", name, i, code, stdout, stderr, left)
			}
		}
	}
	write("packet", packet)
	if code, stdout, stderr := sigill("open", path, "--trust", trust, "--recipient", recipient, "--out", out); code != exitOK || stdout == "" {
		t.Fatalf("the packet itself: exit %d, %s", code, stderr)
	}
}
