// Sigill is the client of a caseworker, a director, a court, a reviewer, a board
// and an administrator, on the command line, and the witness of a log: `sigill help`
// lists the commands, each with examples.
//
// Data goes to standard output (as a table, or with -o json as JSON), talk to
// standard error; "-" is standard input. Exit codes: 0 done, 1 something here is
// wrong, 2 the server said no, 3 verification failed, 4 it cannot be told whether
// the call took effect, 5 not for this key, 6 it is proven that the log did not do
// what it signed. Secrets come by prompt, file or environment, never as an argument. Where something is refused, nothing is
// printed on standard output and no file is left, and standard error ends with what
// to do next: with -o json as one line of JSON. What is said to people stands in
// swedish.go, english.go and terms.go, and nowhere else.
//
// Each command group is one file; what is not talk is in package client. The
// stories in scripts/e2e prove the commands.
package main

import (
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"sigill/client"
	"sigill/client/tiles"
	"sigill/keys/bundle"
	"sigill/keys/command"
	"sigill/keys/disclosure"
	"sigill/keys/proof"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// version is that of both programs; a story holds them together.
const version = "0.1.0"

// Exit codes.
const (
	exitOK = iota
	exitLocal
	exitRefused
	exitUnverified
	exitUnknown
	exitNotForKey
	exitBroken
)

// run is the whole program, with its exit code.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	a := &app{ctx: ctx, stdin: stdin, stdout: stdout, stderr: stderr}
	root := a.root()
	command.Strict(root)
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	cmd, err := root.ExecuteContextC(ctx)
	if err != nil {
		a.fail(cmd, err)
	}
	return exitCode(err)
}

func exitCode(err error) int {
	refused, unanswered := (*client.Error)(nil), (*client.UnansweredError)(nil)
	ills, loud := (*sick)(nil), (*alarm)(nil)
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &loud):
		return outcomes[loud.state].exit
	case errors.As(err, &ills):
		return ills.exit
	case errors.Is(err, disclosure.ErrNotForKey):
		return exitNotForKey
	case errors.Is(err, errBroken):
		return exitBroken
	case errors.Is(err, proof.ErrUnwitnessed), errors.Is(err, errUnproved):
		return exitUnknown
	case errors.Is(err, client.ErrVerification), errors.Is(err, disclosure.ErrVerification), errors.Is(err, errVerify), errors.Is(err, bundle.ErrSuccession), notTheLog(err):
		return exitUnverified
	case errors.Is(err, tiles.ErrAbsent):
		return exitRefused
	case errors.Is(err, tiles.ErrUnreachable):
		return exitUnknown
	case errors.As(err, &unanswered):
		return exitUnknown
	case errors.As(err, &refused) && refused.Tells():
		return exitRefused
	case refused != nil:
		return exitUnknown
	}
	return exitLocal
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use: "sigill", Short: "Decisions whose notice names no caseworker, and whose record is sealed",
		Long: `Sigill drafts, signs, verifies and opens decisions.

Every decision is a notice, which leaves the building, and a record under 31 §
förvaltningslagen, which names who decided and who took part and lies sealed.

Settings, each a flag or a variable: SIGILL_ADDR (host:port, or http://host:port
on loopback), SIGILL_ORIGIN (the server's public name, if it is another),
SIGILL_CACERT, SIGILL_TOKEN_FILE, SIGILL_TRUST, SIGILL_HOME, SIGILL_KEY,
SIGILL_PASSPHRASE_FILE, SIGILL_FORMAT, SIGILL_LANG. "sigill doctor" says what is
configured, reachable and about to expire.

Data is printed on standard output, talk and errors on standard error. With -o
json an error is one line of JSON there, which says what to do next as "advice".

Exit codes: 0 done, 1 something here is wrong, 2 the server said no, 3
verification failed, 4 cannot tell, 5 not for this key, 6 the log did not do what
it signed.`,
		Version: version,
		Example: `  sigill verify decision.sigill --trust trust.json
  sigill draft new mitt-beslut
  sigill inbox`,
		SilenceErrors: true, SilenceUsage: true, Args: cobra.NoArgs, RunE: help,
		PersistentPreRunE: func(*cobra.Command, []string) error { return a.settle() },
	}
	f := root.PersistentFlags()
	f.StringVarP(&a.format, "output", "o", "", "`form` of the data: table or json (SIGILL_FORMAT)")
	f.StringVar(&a.lang, "lang", "", "`language` of what is said: sv or en (SIGILL_LANG, else LC_ALL, LANG)")
	f.StringVar(&a.addr, "addr", "", "`host:port` of the server (SIGILL_ADDR)")
	f.StringVar(&a.origin, "origin", "", "the server's public `https://host`, if it is not the address (SIGILL_ORIGIN)")
	f.StringVar(&a.cacert, "cacert", "", "PEM `file` of who signs the server's TLS certificate (SIGILL_CACERT)")
	f.StringVar(&a.tokenFile, "token-file", "", "`file` with the access token (SIGILL_TOKEN_FILE)")
	f.StringVar(&a.trustFile, "trust", "", "the authority's trust `file` (SIGILL_TRUST, else trust.json in the home directory)")
	f.StringVar(&a.homeDir, "home", "", "`directory` of what the client remembers (SIGILL_HOME)")
	f.StringVar(&a.passFile, "passphrase-file", "", "`file` with the passphrase of keys and home (SIGILL_PASSPHRASE_FILE)")
	root.AddCommand(a.keys(), a.draft(), a.inbox(), a.show(), a.sign(), a.returns(), a.abstain(), a.dispatch(), a.fetch(),
		a.request(), a.collect(), a.open(), a.review(), a.verify(), a.adopt(), a.board(), a.admin(), a.log(), a.witness(), a.doctor(), man())
	a.complete(root)
	return root
}

func man() *cobra.Command {
	c := command.Man("1", version, `0
:   Done.

1
:   Something here is wrong: the command line, a setting, a file. Nothing was done.

2
:   The server said no.

3
:   Verification failed: nothing of what was read may be relied on.

4
:   It cannot be told whether the call took effect. The same command asks again, and
does it once at most.

5
:   What was to be opened is not for this key.

6
:   It is proven, or seen, that the log did not do what it signed.
`, func(path string, page []byte) error { return client.WriteFile(path, page, 0o644, true) })
	c.Example = "  sigill man /usr/local/share/man/man1"
	return c
}

// help is what a group of commands does when none is named.
func help(cmd *cobra.Command, _ []string) error { return cmd.Help() }

// group is a command that only holds others.
func group(use, short, example string, commands ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{Use: use, Short: short, Example: example, Args: cobra.NoArgs, RunE: help}
	c.AddCommand(commands...)
	return c
}
