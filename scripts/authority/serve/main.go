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
	"syscall"
	"time"

	"sigill/scripts/authority"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	if len(args) != 2 {
		fmt.Fprintln(stderr, "usage: scripts/sandbox DIR")
		return 1
	}
	if err := serve(ctx, args[0], args[1], stdout); err != nil {
		fmt.Fprintln(stderr, "sandbox:", err)
		return 1
	}
	return 0
}

func serve(ctx context.Context, sigilld, dir string, stdout io.Writer) (err error) {
	a, err := authority.Make(ctx, dir, authority.Options{PublishEvery: 200 * time.Millisecond})
	if err != nil {
		return err
	}
	defer a.Close()
	r, err := a.StartBinary(context.WithoutCancel(ctx), sigilld)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Stop()) }()
	if err := r.Publish(ctx); err != nil {
		return err
	}
	for _, u := range authority.People() {
		env, err := r.Home(u.ID, true)
		if err != nil {
			return err
		}
		text := ""
		for _, k := range slices.Sorted(maps.Keys(env)) {
			text += fmt.Sprintf("export %s='%s'\n", k, env[k])
		}
		if err := os.WriteFile(filepath.Join(a.Dir, "as-"+u.ID), []byte(text), 0o600); err != nil {
			return err
		}
		fmt.Fprintf(stdout, ". %-40s # %s\n", filepath.Join(a.Dir, "as-"+u.ID), u.Roles[0])
	}
	fmt.Fprintf(stdout, "The court is requester %s, key %s.\nEnd with ctrl-C.\n", a.CourtID, a.Court.Public().Thumbprint())
	<-ctx.Done()
	return nil
}
