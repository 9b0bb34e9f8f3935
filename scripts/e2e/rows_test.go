package e2e

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"sigill/client"
	"sigill/keys/disclosure/story"
	"sigill/keys/keyfile"
	"sigill/keys/order"
	"sigill/keys/record"
)

// The tests are named by the rows C of scripts/rows/rows.txt.
// Each has a person's folder and the built program, and no server.

const passphrase = "rätt häst batteri häftklammer"

// A desk is where a person works: a folder of their own, and an environment.
type desk struct {
	*testing.T
	dir   string
	env   []string
	stdin *os.File // nil: nothing
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	d := &desk{T: t, dir: filepath.Join(t.TempDir(), "desk")}
	d.ok(os.Mkdir(d.dir, 0o700))
	d.write("passphrase", []byte(passphrase+"\n"), 0o600)
	d.write("order.yaml", []byte(orderYAML), 0o600)
	d.env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + d.dir, "LANG=C", "SIGILL_LANG=en", "SIGILL_WORK_FACTOR=1", "SIGILL_PASSPHRASE_FILE=" + d.path("passphrase")}
	d.done("keys", "new", "board", "b1.age", "--authority", "212000-0449")
	d.done("keys", "new", "director", "director.age", "--authority", "212000-0449")
	return d
}

const orderYAML = `document: delegation-order
authority: 212000-0449
board: Socialnämnden
date: 2026-11-01
version: 1
items:
  - {item: "2.4", text: Ekonomiskt bistånd, types: [ekonomiskt-bistand], modes: [DELEGATE_DECIDES], from: 2026-11-01}
signers:
  - {title: förvaltningsdirektör, items: ["2.4"], key: director.age, from: 2026-11-01}
registrars: []
`

func (d *desk) ok(err error) {
	d.Helper()
	if err != nil {
		d.Fatal(err)
	}
}

func (d *desk) path(name string) string { return filepath.Join(d.dir, name) }

func (d *desk) write(name string, data []byte, mode fs.FileMode) {
	d.Helper()
	d.ok(os.WriteFile(d.path(name), data, mode))
	d.ok(os.Chmod(d.path(name), mode))
}

func (d *desk) read(name string) []byte {
	d.Helper()
	b, err := os.ReadFile(d.path(name))
	d.ok(err)
	return b
}

// command is sigill in the folder, without a terminal, for a minute at most.
func (d *desk) command(before []string, args ...string) *exec.Cmd {
	d.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	d.Cleanup(cancel)
	all := slices.Concat(before, []string{filepath.Join(programs, "sigill")}, args)
	c := exec.CommandContext(ctx, all[0], all[1:]...)
	c.Dir, c.Env = d.dir, d.env
	if d.stdin != nil {
		c.Stdin = d.stdin
	}
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	return c
}

// run is a command to its end: its exit code and what it said.
func (d *desk) run(before []string, args ...string) (code int, stdout, stderr string) {
	d.Helper()
	c := d.command(before, args...)
	var out, talk bytes.Buffer
	c.Stdout, c.Stderr = &out, &talk
	err := c.Run()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		err = nil
	}
	d.ok(err)
	return c.ProcessState.ExitCode(), out.String(), talk.String()
}

// done wants a command to succeed.
func (d *desk) done(args ...string) (stdout string) {
	d.Helper()
	code, out, talk := d.run(nil, args...)
	if code != 0 {
		d.Fatalf("%v: exit %d: %s", args, code, talk)
	}
	return out
}

// refused wants a command refused with a code, nothing printed and no file changed.
func (d *desk) refused(code int, args ...string) (stderr string) {
	d.Helper()
	before := d.files()
	got, out, talk := d.run(nil, args...)
	switch {
	case got != code:
		d.Fatalf("%v: exit %d, want %d: %s", args, got, code, talk)
	case out != "" || talk == "":
		d.Fatalf("%v: refused, and printed %q; said %q", args, out, talk)
	case d.files() != before:
		d.Fatalf("%v: refused, and changed a file", args)
	case strings.Contains(talk, passphrase) || strings.Contains(talk, d.dir):
		d.Fatalf("%v: says %q", args, talk)
	}
	return talk
}

// files are all files of the folder, with modes and contents.
func (d *desk) files() string {
	d.Helper()
	var out strings.Builder
	d.ok(filepath.WalkDir(d.dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		b, err := os.ReadFile(path)
		fmt.Fprintf(&out, "%s %v %x\n", path, info.Mode(), sha256.Sum256(b))
		return err
	}))
	return out.String()
}

func TestC01_keyPlaces(t *testing.T) {
	d := newDesk(t)
	sign := func(key string) string {
		t.Helper()
		return d.refused(1, "board", "sign", "order.yaml", "--key", key, "--out", "x")
	}
	unsafe := func(what, talk string) {
		t.Helper()
		if !strings.Contains(talk, "not safe") {
			t.Errorf("%s: %s", what, talk)
		}
	}
	d.ok(os.Chmod(d.path("b1.age"), 0o644))
	unsafe("0644", sign("b1.age"))
	d.ok(os.Chmod(d.path("b1.age"), 0o600))
	d.ok(os.Symlink("b1.age", d.path("link.age")))
	unsafe("a symbolic link", sign("link.age"))
	d.ok(os.Mkdir(d.path("open"), 0o700))
	d.write("open/b1.age", d.read("b1.age"), 0o600)
	for _, mode := range []fs.FileMode{0o777, 0o777 | fs.ModeSticky, 0o770} {
		d.ok(os.Chmod(d.path("open"), mode))
		unsafe(fmt.Sprint("directory ", mode), sign("open/b1.age"))
		unsafe(fmt.Sprint("a new key in directory ", mode), d.refused(1, "keys", "new", "board", "open/b2.age"))
	}
	d.ok(os.Chmod(d.path("passphrase"), 0o644))
	if talk := sign("b1.age"); !strings.Contains(talk, "mode 0600") {
		t.Errorf("a passphrase that others can read: %s", talk)
	}
	d.ok(os.Chmod(d.path("passphrase"), 0o600))
	d.done("board", "sign", "order.yaml", "--key", "b1.age", "--out", "x")
}

// Neither passphrase nor terminal: the program says so and ends, whether standard
// input is at its end or is a pipe on which nothing ever comes.
func TestC02_noTerminal(t *testing.T) {
	d := newDesk(t)
	silent, hold, err := os.Pipe()
	d.ok(err)
	defer silent.Close()
	defer hold.Close()
	d.env = slices.DeleteFunc(d.env, func(v string) bool { return strings.HasPrefix(v, "SIGILL_PASSPHRASE_FILE") })
	for _, d.stdin = range []*os.File{nil, silent} {
		for _, args := range [][]string{{"keys", "new", "board", "b3.age"}, {"board", "sign", "order.yaml", "--key", "b1.age", "--out", "x"}} {
			if talk := d.refused(1, args...); !strings.Contains(talk, "no passphrase") {
				t.Errorf("%v: %s", args, talk)
			}
		}
	}
	d.stdin = nil
	d.write("empty", nil, 0o600)
	d.env = append(d.env, "SIGILL_PASSPHRASE_FILE="+d.path("empty"))
	d.refused(1, "keys", "new", "board", "b3.age")
}

func TestC03_wrongPassphrase(t *testing.T) {
	d := newDesk(t)
	d.write("wrong", []byte("fel häst\n"), 0o600)
	whole := d.read("b1.age")
	d.write("cut.age", whole[:len(whole)/2], 0o600)
	changed := bytes.Clone(whole)
	changed[len(changed)-1] ^= 1
	d.write("changed.age", changed, 0o600)
	d.write("none.age", []byte("x"), 0o600)
	sign := func(key string, more ...string) string {
		t.Helper()
		return d.refused(1, append([]string{"board", "sign", "order.yaml", "--key", key, "--out", "x"}, more...)...)
	}
	want := sign("b1.age", "--passphrase-file", "wrong")
	for _, key := range []string{"cut.age", "changed.age", "none.age"} {
		if talk := sign(key); talk != want {
			t.Errorf("%s: %q, a wrong passphrase %q", key, talk, want)
		}
	}
}

// faulty runs a command again and again, with each of the calls that a fault names
// failing or interrupted once, and has check look at what is there after each. It
// returns at how many calls each fault struck.
func (d *desk) faulty(faults []string, check func(fault string, code int, talk string), args ...string) map[string]int {
	d.Helper()
	struck := map[string]int{}
	for _, fault := range faults {
		struck[fault] = 0
		call, what, _ := strings.Cut(fault, ":")
		for n := 1; ; n++ {
			log := filepath.Join(d.TempDir(), "strace")
			code, _, talk := d.run([]string{"strace", "-f", "-qq", "-o", log, "-e", "trace=" + call, "-e", fmt.Sprintf("inject=%s:%s:when=%d", call, what, n)}, args...)
			check(fmt.Sprintf("%s at call %d", fault, n), code, talk)
			b, err := os.ReadFile(log)
			d.ok(err)
			if !bytes.Contains(b, []byte("INJECTED")) && !bytes.Contains(b, []byte("--- SIGINT")) {
				break
			}
			struck[fault]++
		}
	}
	return struck
}

var faults = []string{"fsync:error=ENOSPC", "fsync:error=EIO", "linkat:error=ENOSPC", "fchmod:error=EIO",
	"fsync:signal=SIGINT", "linkat:signal=SIGINT", "unlinkat:signal=SIGINT"}

// Whatever fails or interrupts the writing of two files that belong together, both are
// there and whole, or neither, and nothing else.
func TestC04_diskFullOrInterrupted(t *testing.T) {
	d := newDesk(t)
	d.packet()
	d.env = append(d.env, "GOMAXPROCS=1") // calls are counted by thread, and one thread makes most of them then
	for _, c := range []struct {
		args  []string
		files []string
		use   []string
	}{
		{[]string{"keys", "new", "board", "b2.age"}, []string{"b2.age", "b2.age.pub.json"}, []string{"board", "sign", "order.yaml", "--key", "b2.age", "--out", "-"}},
		{[]string{"open", "opening.package", "--trust", "trust.json", "--recipient", "recipient.age", "--out", "p"}, []string{"p.json", "p.txt"}, []string{"keys", "show", "b1.age"}},
	} {
		before := d.files()
		check := func(fault string, code int, talk string) {
			t.Helper()
			if d.files() == before {
				if code == 0 {
					t.Fatalf("%s: no file, and exit 0", fault)
				}
				return
			}
			d.done(c.use...)
			for _, name := range c.files {
				if len(d.read(name)) == 0 {
					t.Fatalf("%s: %s is empty", fault, name)
				}
				d.ok(os.Remove(d.path(name)))
			}
			if d.files() != before {
				t.Fatalf("%s: something is left: %s", fault, talk)
			}
		}
		code, out, talk := d.run([]string{"sh", "-c", `ulimit -f 0; exec "$@"`, "sh"}, c.args...) // no byte can be written
		if code != 1 || out != "" || d.files() != before {
			t.Fatalf("no space: exit %d, %s%s", code, out, talk)
		}
		for fault, n := range d.faulty(faults, check, c.args...) {
			if n == 0 {
				t.Errorf("%v: %s never struck", c.args, fault)
			}
		}
	}
}

func TestC05_outputExists(t *testing.T) {
	d := newDesk(t)
	d.done("board", "sign", "order.yaml", "--key", "b1.age", "--out", "order.1")
	for _, args := range [][]string{
		{"keys", "new", "board", "b1.age"},
		{"keys", "new", "director", "director.age"},
		{"board", "sign", "order.yaml", "--key", "b1.age", "--out", "order.1"},
		{"board", "sign", "order.yaml", "--key", "b1.age", "--out", "passphrase"},
	} {
		if talk := d.refused(1, args...); !strings.Contains(talk, "exists") {
			t.Errorf("%v: %s", args, talk)
		}
	}
	before := d.files()
	d.done("keys", "new", "board", "b1.age", "--force")
	if d.files() == before {
		t.Error("forced, and nothing was replaced")
	}
}

// A secret is never an argument: not taken as one, and not in any process's command
// line while a key is sealed under it.
func TestC06_secretAsArgument(t *testing.T) {
	d := newDesk(t)
	for _, args := range [][]string{{"keys", "new", "board", "b4.age", "--passphrase", "hemligt"}, {"inbox", "--token", "hemligt"},
		{"keys", "new", "board", "b4.age", "hemligt"}, {"board", "sign", "order.yaml", "--key", "b1.age", "--pin", "hemligt", "--out", "x"}} {
		if talk := d.refused(1, args...); strings.Contains(talk, "hemligt") {
			t.Errorf("%v: the refusal repeats it: %s", args, talk)
		}
	}
	d.env = slices.DeleteFunc(d.env, func(v string) bool { return strings.HasPrefix(v, "SIGILL_WORK_FACTOR") }) // it takes a while then
	c := d.command(nil, "keys", "new", "board", "b4.age")
	d.ok(c.Start())
	ended := make(chan error, 1)
	go func() { ended <- c.Wait() }()
	own := 0
	for {
		lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
		d.ok(err)
		for _, path := range lines {
			b, _ := os.ReadFile(path) // may have ended
			if bytes.Contains(b, []byte(passphrase)) {
				t.Fatal("the passphrase stands in a command line")
			}
			if bytes.Contains(b, []byte("b4.age")) {
				own++
			}
		}
		select {
		case err := <-ended:
			if err != nil || own == 0 {
				t.Errorf("%v; its own command line was seen %d times", err, own)
			}
			return
		default:
		}
	}
}

// packet writes what a court gets: a package, the trust file, and the key for it, or
// another.
func (d *desk) packet() *story.Story {
	d.Helper()
	s := story.New(d.T)
	o := s.Decide(s.Plan()).Request(order.CourtOrder, nil, record.SectionDecider, record.SectionEvidence).All()
	trust, err := s.TrustFile.Marshal()
	d.ok(err)
	d.write("trust.json", trust, 0o600)
	d.write("opening.package", o.Bytes(o.Package(nil)), 0o600)
	other := story.Box(d.T, "another court")
	for name, key := range map[string]interface{ Bytes() ([]byte, error) }{"recipient.age": s.Recipient, "other.age": other} {
		seed, err := key.Bytes()
		d.ok(err)
		d.ok(keyfile.SaveSealed(d.path(name), passphrase, client.TypRecipient, client.Recipient{Opening: o.Request.Opening, Request: "r",
			Seed: seed, Typ: client.TypRecipient}, keyfile.Options{WorkFactor: 1}))
	}
	return s
}

// Where standard output is no terminal, who is named stands in the files alone, unless
// it is asked for; terminal.txtar has the terminal.
func TestC07_noIdentityInAPipe(t *testing.T) {
	d := newDesk(t)
	d.packet()
	open := []string{"open", "opening.package", "--trust", "trust.json", "--recipient", "recipient.age"}
	for i, args := range [][]string{nil, {"-o", "json"}, {"--lang", "en"}} {
		code, out, talk := d.run(nil, slices.Concat(open, args, []string{"--out", fmt.Sprint("p", i)})...)
		if code != 0 || out == "" {
			t.Fatalf("exit %d: %s", code, talk)
		}
		for _, who := range []string{story.Name, "Öberg", story.Subject, story.UserID} {
			if strings.Contains(out+talk, who) {
				t.Errorf("%v: names %s:\n%s%s", args, who, out, talk)
			}
		}
		if !strings.Contains(string(d.read(fmt.Sprintf("p%d.txt", i))), story.Name) || !strings.Contains(string(d.read(fmt.Sprintf("p%d.json", i))), story.Name) {
			t.Error("the protocol does not name who decided")
		}
	}
	if out := d.done(append(open, "--out", "shown", "--show")...); !strings.Contains(out, story.Name) {
		t.Errorf("asked for, and not shown: %s", out)
	}
}

func TestC08_anotherKey(t *testing.T) {
	d := newDesk(t)
	d.packet()
	for _, lang := range []string{"sv", "en"} {
		talk := d.refused(5, "open", "opening.package", "--trust", "trust.json", "--recipient", "other.age", "--lang", lang)
		if !strings.Contains(talk, "not for this key") {
			t.Errorf("%s: %s", lang, talk)
		}
	}
	d.done("open", "opening.package", "--trust", "trust.json", "--recipient", "recipient.age")
}

// What is signed depends on no setting of the machine.
func TestC11_sameBytesAnywhere(t *testing.T) {
	d := newDesk(t)
	d.done("board", "sign", "order.yaml", "--key", "b1.age", "--out", "order.0")
	base := slices.DeleteFunc(slices.Clone(d.env), func(v string) bool { return strings.HasPrefix(v, "HOME=") || strings.HasPrefix(v, "LANG=") })
	for i, setting := range [][]string{
		{"LANG=C", "TZ=Pacific/Kiritimati"}, {"LANG=tr_TR.UTF-8", "LC_ALL=tr_TR.UTF-8", "TZ=Etc/GMT+12"}, {"LANG=en_US.UTF-8", "TZ=No/Such/Zone"},
		{"TZ=", "ZONEINFO=/no/such/file"}, {"LC_ALL=sv_SE.ISO-8859-1", "TZ=:/etc/passwd"}, {"TZ=" + strings.Repeat("x", 4096)},
	} {
		d.env = slices.Concat(base, setting) // HOME is not set
		name := fmt.Sprint("order.", i+1)
		d.done("board", "sign", "order.yaml", "--key", "b1.age", "--out", name)
		if !bytes.Equal(d.read(name), d.read("order.0")) {
			t.Errorf("%v: other bytes", setting)
		}
	}
}
