// Serve makes a development authority in a directory and keeps it running, for
// who wants to try sigill as each of its people: what scripts/sandbox runs.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
	"unicode"

	"sigill/scripts/authority"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// Who reads only the first lines must not end us before the server is stopped.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

const usage = `scripts/sandbox DIR

Makes a development authority in DIR, a new or empty directory, and keeps it
running on loopback until ctrl-C. Each line that it prints makes a shell act as one
of its invented people.

  scripts/sandbox /tmp/house
`

// run takes the server's program, and then what scripts/sandbox was given.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	if slices.ContainsFunc(args, func(a string) bool { return a == "-h" || a == "-help" || a == "--help" }) {
		fmt.Fprint(stdout, usage)
		return 0
	}
	if len(args) != 2 || strings.HasPrefix(args[1], "-") {
		fmt.Fprintln(stderr, "sandbox: usage: scripts/sandbox DIR")
		return 1
	}
	if err := serve(ctx, args[0], args[1], stdout); err != nil {
		fmt.Fprintln(stderr, "sandbox:", err)
		return 1
	}
	return 0
}

// serve keeps what the authority wrote once it has run; what a failed start made
// is removed.
func serve(ctx context.Context, sigilld, dir string, stdout io.Writer) (err error) {
	a, err := authority.Make(ctx, dir, authority.Options{PublishEvery: 200 * time.Millisecond})
	if err != nil {
		return err
	}
	r, err := open(ctx, a, sigilld, stdout)
	if err != nil {
		return errors.Join(err, a.Remove())
	}
	<-ctx.Done()
	return errors.Join(r.Stop(), a.Close())
}

// open starts the server and says who is who.
func open(ctx context.Context, a *authority.Authority, sigilld string, stdout io.Writer) (_ *authority.Running, err error) {
	r, err := a.StartBinary(context.WithoutCancel(ctx), sigilld)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, r.Stop())
		}
	}()
	if err := r.Publish(ctx); err != nil {
		return nil, err
	}
	for _, u := range authority.People() {
		env, err := r.Home(u.ID, true)
		if err != nil {
			return nil, err
		}
		text := ""
		for _, k := range slices.Sorted(maps.Keys(env)) {
			text += fmt.Sprintf("export %s=%s\n", k, quoted(env[k]))
		}
		file := filepath.Join(a.Dir, "as-"+u.ID)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			return nil, err
		}
		if file != strings.Map(plain, file) {
			file = quoted(file)
		}
		fmt.Fprintf(stdout, ". %-40s # %s\n", file, u.Roles[0])
	}
	_, err = fmt.Fprintf(stdout, "The court is requester %s, key %s.\nThe log is given out at %s.\nEnd with ctrl-C.\n",
		a.CourtID, a.Court.Public().Thumbprint(), r.Log)
	return r, err
}

// quoted is a text as one word of a shell.
func quoted(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// plain drops what a shell would read as more than a letter.
func plain(r rune) rune {
	if unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("/._-", r) {
		return r
	}
	return -1
}
