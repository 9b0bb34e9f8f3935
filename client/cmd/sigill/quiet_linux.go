package main

import (
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// hide turns the echo of a terminal off, and returns what then reads a line. It has to
// be off when the question is seen, or what is typed or pasted at once is shown; and
// the reading itself sets nothing, or an interrupt could leave the terminal mute.
func hide(f *os.File) (line func() (string, error), err error) {
	t, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	if err != nil {
		return nil, err
	}
	t.Lflag &^= unix.ECHO
	if err := unix.IoctlSetTermios(int(f.Fd()), unix.TCSETS, t); err != nil {
		return nil, err
	}
	return func() (string, error) {
		var s strings.Builder
		for b := make([]byte, 1); b[0] != '\n'; { // what lies behind the line is the next question's
			if _, err := f.Read(b); err != nil {
				return "", err
			}
			s.Write(b)
		}
		return strings.TrimRight(s.String(), "\r\n"), nil
	}, nil
}
