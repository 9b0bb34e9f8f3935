package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"sigill/server"
)

// errFound ends a check that has found something, with an exit code of its own.
var errFound = errors.New("the store is not as it was written: leave its file as it is, and keep a copy; README says what to do")

func checkStore() *cobra.Command {
	cmd := &cobra.Command{Use: "check", Short: "Check the whole store: every row, and what rows and log say of each other",
		Long: "Finds what was edited, deleted, added, put back or dated back anywhere in the store, and says since when: after the last check\n" +
			"that did not find it, and before the first that did. The store is only read; a running server checks its own, and goes on; it\n" +
			"does so every day by itself. A check of a stopped server's that is interrupted goes on where it was.\n" +
			"Exit codes: 0 green, 3 something was found, 1 it could not be done.",
		Example: "  sigilld check --config /etc/sigill/sigilld.yaml\n  sigilld check --config sigilld.yaml -o json"}
	return about(cmd, cobra.NoArgs, func(cmd *cobra.Command, c server.Config, _ []string) (any, string, error) {
		told, done := progress(cmd.ErrOrStderr())
		found, err := server.CheckStore(cmd.Context(), c, told)
		done()
		if err != nil {
			return nil, "", err
		}
		if found.State != "green" {
			err = errFound
		}
		return found, checkText(found), err
	})
}

// checkText is a check for who reads it.
func checkText(c *server.Checked) string {
	var b strings.Builder
	if c.Again != "" {
		fmt.Fprintf(&b, "the check %s\n", c.Again)
	}
	for _, f := range c.List {
		fmt.Fprintln(&b, server.Text(f))
	}
	if c.More > 0 {
		fmt.Fprintf(&b, "and %d more\n", c.More)
	}
	fmt.Fprintf(&b, "%s: %d rows, %d entries of the log, %d decisions, in %.1f s\n", c.State, c.Rows, c.Entries, c.Decisions, c.Seconds)
	if c.LastGreen != nil && c.State != "green" {
		fmt.Fprintf(&b, "last green: %s, at %d entries\n", c.LastGreen.At.Format("2006-01-02 15:04 UTC"), c.LastGreen.Entries)
	}
	return b.String()
}

// quiet is how long a check says nothing where nobody watches.
const quiet = 10 * time.Second

// progress shows how far a check has come: a bar that is drawn over on a terminal, else a
// line now and then.
func progress(out io.Writer) (told func(step string, percent uint64), done func()) {
	f, is := out.(*os.File)
	if !is || !term.IsTerminal(int(f.Fd())) {
		last := time.Now()
		return func(step string, percent uint64) {
			if time.Since(last) > quiet {
				last = time.Now()
				fmt.Fprintf(out, "%d %%, %s\n", percent, step)
			}
		}, func() {}
	}
	return func(step string, percent uint64) {
		bar := strings.Repeat("#", int(percent/4))
		fmt.Fprintf(out, "\r[%-25s] %3d %% %-30.30s", bar, percent, step)
	}, func() { fmt.Fprintf(out, "\r%*s\r", 64, "") }
}
