package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"sigill/keys/keyfile"
)

// talk writes a line for the person.
func (a *app) talk(format string, args ...any) { fmt.Fprintf(a.stderr, format+"\n", args...) }

func isTerminal(v any) (*os.File, bool) {
	f, ok := v.(*os.File)
	return f, ok && term.IsTerminal(int(f.Fd()))
}

// confirm asks, unless yes was given. Without a terminal there is nobody to ask.
func (a *app) confirm(yes bool, question string) error {
	if yes {
		return nil
	}
	if _, ok := isTerminal(a.stdin); !ok {
		return errConfirm
	}
	fmt.Fprintf(a.stderr, "%s [%s] ", question, a.words.yesNo)
	answer, err := a.answer(func() (string, error) { return bufio.NewReader(a.stdin).ReadString('\n') })
	if err != nil {
		return errConfirm
	}
	if answer = strings.ToLower(strings.TrimSpace(answer)); answer != a.words.yes && answer != a.words.yes[:1] {
		return errConfirm
	}
	return nil
}

// waiting shows on a terminal how long something takes. The returned function
// ends it.
func (a *app) waiting(what string) func() {
	if _, ok := isTerminal(a.stderr); !ok {
		return func() {}
	}
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for n := 0; ; n++ {
			fmt.Fprintf(a.stderr, "\r%s … %d s", what, n)
			select {
			case <-time.After(time.Second):
			case <-done:
				fmt.Fprint(a.stderr, "\r\033[K")
				return
			}
		}
	}()
	return func() { close(done); <-ended }
}

// passphrase is that of keys and home: from the file, or by prompt.
func (a *app) passphrase() (string, error) { return a.ask(false) }

// newPassphrase is the same for what is made now: a prompt asks twice.
func (a *app) newPassphrase() (string, error) { return a.ask(true) }

func (a *app) ask(twice bool) (string, error) {
	if a.pass != "" {
		return a.pass, nil
	}
	if a.passFile != "" {
		b, err := readSecret(a.passFile)
		if err != nil {
			return "", ofFile("passphrase file", err)
		}
		if a.pass = strings.TrimRight(string(b), "\r\n"); a.pass == "" {
			return "", ofFile("passphrase file", keyfile.ErrPassphrase)
		}
		return a.pass, nil
	}
	f, ok := isTerminal(a.stdin)
	if !ok {
		return "", errNoTerminal
	}
	first, err := a.prompt(f, a.words.passphrase)
	if err != nil || !twice {
		a.pass = first
		return first, err
	}
	second, err := a.prompt(f, a.words.again)
	if err == nil && first != second {
		err = errDiffer
	}
	if err != nil {
		return "", err
	}
	a.pass = first
	return first, nil
}

func (a *app) prompt(f *os.File, text string) (string, error) {
	before, err := term.GetState(int(f.Fd()))
	if err != nil {
		return "", fmt.Errorf("reading the passphrase: %w", err)
	}
	line, err := hide(f)
	if err != nil {
		return "", fmt.Errorf("reading the passphrase: %w", err)
	}
	fmt.Fprintf(a.stderr, "%s: ", text)
	s, err := a.answer(line)
	fmt.Fprintln(a.stderr)
	if err = errors.Join(err, term.Restore(int(f.Fd()), before)); err != nil {
		return "", fmt.Errorf("reading the passphrase: %w", err)
	}
	return s, nil
}

// answer waits for what is typed, or for an interrupt.
func (a *app) answer(read func() (string, error)) (string, error) {
	type typed struct {
		text string
		err  error
	}
	got := make(chan typed, 1)
	go func() {
		s, err := read()
		got <- typed{s, err}
	}()
	select {
	case t := <-got:
		return t.text, t.err
	case <-a.ctx.Done():
		return "", a.ctx.Err()
	}
}
