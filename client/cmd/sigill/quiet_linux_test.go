package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// terminal is a new one: the program's end, and that of who sits before it.
func terminal(t *testing.T) (program, person *os.File) {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { person.Close() })
	n, err := unix.IoctlGetInt(int(person.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(person.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		program, err = os.OpenFile(fmt.Sprint("/dev/pts/", n), os.O_RDWR|unix.O_NOCTTY, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { program.Close() })
	return program, person
}

// asked notes whether the terminal would show what is typed when a question is put.
type asked struct {
	fd    int
	shown []bool
	said  bytes.Buffer
}

func (a *asked) Write(b []byte) (int, error) {
	if strings.HasSuffix(string(b), ": ") {
		t, err := unix.IoctlGetTermios(a.fd, unix.TCGETS)
		if err != nil {
			return 0, err
		}
		a.shown = append(a.shown, t.Lflag&unix.ECHO != 0)
	}
	return a.said.Write(b)
}

// TestPromptIsQuiet: a passphrase is not shown, however soon it is typed, and the
// terminal is afterwards as it was, also after an interrupt.
func TestPromptIsQuiet(t *testing.T) {
	t.Setenv("SIGILL_PASSPHRASE_FILE", "")
	t.Setenv("SIGILL_WORK_FACTOR", "1")
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		typed  string
		exit   int
		prompt int
	}{"typed": {"ett\nett\n", exitOK, 2}, "interrupted": {"", exitLocal, 1}} {
		program, person := terminal(t)
		if _, err := person.WriteString(c.typed); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		if c.typed == "" {
			cancel()
		}
		talk := &asked{fd: int(program.Fd())}
		var out bytes.Buffer
		code := run(ctx, []string{"keys", "new", "director", filepath.Join(dir, name)}, program, &out, talk)
		cancel()
		after, err := unix.IoctlGetTermios(int(program.Fd()), unix.TCGETS)
		if err != nil {
			t.Fatal(err)
		}
		if code != c.exit || len(talk.shown) != c.prompt || after.Lflag&unix.ECHO == 0 {
			t.Errorf("%s: exit %d, asked %d times, echo %v: %s", name, code, len(talk.shown), after.Lflag&unix.ECHO != 0, talk.said.String())
		}
		for _, shown := range talk.shown {
			if shown {
				t.Errorf("%s: what is typed at once is shown", name)
			}
		}
	}
}
