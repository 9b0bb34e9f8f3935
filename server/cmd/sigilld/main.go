// Sigilld is the server of one authority.
//
//	sigilld config > sigilld.yaml         every key of the configuration, explained
//	sigilld config check --config FILE    what is missing, wrong or unreachable
//	sigilld init --config sigilld.yaml    makes the store
//	sigilld serve --config sigilld.yaml   serves until SIGTERM or SIGINT
//	sigilld backup --config FILE NEW      one state of the store, while it serves or not
//	sigilld restore --config FILE BACKUP  into an empty data directory; --rehearse tries it
//	sigilld recover --config FILE ...     takes the log up again where it was published
//	sigilld check --config FILE           every row of the store, and what rows and log say of each other
//	sigilld extract --store COPY ...      a decision with its seal, for review without a server
//	sigilld man DIR                       manual pages; sigilld completion SHELL completes
//
// It prints one line on standard output when it is ready and its log, lines of
// JSON, on standard error. Exit codes: 0 ended as asked, 3 a check
// has found something, 1 anything else.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"
	"google.golang.org/grpc/grpclog"

	"sigill/keys/command"
	"sigill/server"
	"sigill/server/rpc"
)

func main() {
	os.Exit(run(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	cmd := root()
	cmd.SetArgs(args)
	cmd.SetIn(stdin)
	cmd.SetOut(stdout)
	cmd.SetErr(stderr)
	if at, err := cmd.ExecuteContextC(ctx); err != nil {
		fmt.Fprintln(stderr, "sigilld:", err)
		if errors.As(err, new(*command.Usage)) {
			fmt.Fprintf(stderr, "How the command is used: %s --help\n", at.CommandPath())
		} else if errors.Is(err, server.ErrConfig) {
			fmt.Fprintln(stderr, "Every key, explained: sigilld config")
		} else if at.Name() == "serve" {
			fmt.Fprintln(stderr, "What a server needs, and lacks: sigilld config check --config FILE")
		}
		if errors.Is(err, errFound) {
			return 3
		}
		return 1
	}
	return 0
}

func root() *cobra.Command {
	cmd := &cobra.Command{
		Use: "sigilld", Short: "The Sigill server of one authority", SilenceErrors: true, SilenceUsage: true, Version: server.Version,
		Long: `The server of one authority: caseworkers draft, directors sign, courts ask and
reviewers judge, over gRPC. All that it needs stands in one configuration file, which
"sigilld config" prints with every key explained; "sigilld config check" says what is
missing, wrong or unreachable before a server is started.

One line on standard output says that it is ready; its log, lines of JSON, goes to
standard error. Exit codes: 0 ended as asked, 3 a check has found something, 1 anything else.`,
		Example: "  sigilld config > sigilld.yaml\n  sigilld config check --config sigilld.yaml\n  sigilld init --config sigilld.yaml\n  sigilld serve --config sigilld.yaml",
		Args:    cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(serve(), initStore(), backup(), restore(), recoverLog(), checkStore(), extract(), documents(), example(), man())
	command.Strict(cmd)
	command.Each(cmd, func(c *cobra.Command) {
		if c.ValidArgsFunction == nil {
			c.ValidArgsFunction = cobra.NoFileCompletions
		}
	})
	return cmd
}

func man() *cobra.Command {
	c := command.Man("8", server.Version, `0
:   The server ended as it was asked to, or the command is done.

3
:   sigilld check has found something, which is said on standard output.

1
:   Anything else, which is said on standard error.
`, func(path string, page []byte) error {
		err := os.WriteFile(path, page, 0o644)
		if p := (*fs.PathError)(nil); errors.As(err, &p) { // whoever gave the directory knows it
			return p.Err
		}
		return err
	})
	c.Example = "  sigilld man /usr/local/share/man/man8"
	return c
}

// configured adds the flag that names the configuration file.
func configured(cmd *cobra.Command, do func(cmd *cobra.Command, c server.Config) error) *cobra.Command {
	path := cmd.Flags().String("config", "", "configuration `file`")
	_ = cmd.MarkFlagRequired("config") // fails for a flag that does not exist
	_ = cmd.MarkFlagFilename("config", "yaml", "yml")
	cmd.Args = cobra.NoArgs
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		c, err := server.ReadConfig(*path)
		if err != nil {
			return err
		}
		return do(cmd, c)
	}
	return cmd
}

func serve() *cobra.Command {
	cmd := &cobra.Command{Use: "serve", Short: "Serve until SIGTERM or SIGINT",
		Long:    "Serve the configured authority. The line that says that it is ready names the address,\nand the one where anyone reads the log if log_listen is set; /livez, /readyz and /metrics answer on the internal port.",
		Example: "  sigilld serve --config /etc/sigill/sigilld.yaml"}
	return configured(cmd, func(cmd *cobra.Command, c server.Config) error {
		// A core dump would hold the callers of the moment.
		if err := syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{}); err != nil {
			return fmt.Errorf("turning core dumps off: %w", err)
		}
		// The limit does not bind a program that the system pipes core dumps to, nor
		// another process of the same user, which could read memory and environment.
		if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
			return fmt.Errorf("turning core dumps off: %w", err)
		}
		tune()
		rpc.UseBuffers()
		// What grpc-go would print repeats headers.
		grpclog.SetLoggerV2(grpclog.NewLoggerV2(io.Discard, io.Discard, io.Discard))
		s, err := server.New(cmd.Context(), c, server.NewLog(cmd.ErrOrStderr()))
		if err != nil {
			return err
		}
		s.Announce(func(line string) { fmt.Fprintln(cmd.OutOrStdout(), line) })
		return s.Run(cmd.Context())
	})
}

// tune sets what the runtime cannot know, where the environment does not say it.
// Little is alive at any time (some 10 MB), so that the default would collect
// thirty times a second under load: five times as much may lie about, until all is
// memoryLimit.
func tune() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(400)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryLimit)
	}
}

// memoryLimit is where the collector works harder, in bytes. It ends nothing.
const memoryLimit = 256 << 20

func initStore() *cobra.Command {
	cmd := &cobra.Command{Use: "init", Short: "Make a new, empty store; an existing one is refused",
		Example: "  sigilld init --config /etc/sigill/sigilld.yaml"}
	return configured(cmd, func(cmd *cobra.Command, c server.Config) error {
		err := server.Init(cmd.Context(), c)
		if errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("%w: the store stays as it is; for a new one let data name another directory", err)
		}
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(cmd.OutOrStdout(), "sigilld: store made")
		return err
	})
}

func example() *cobra.Command {
	cmd := &cobra.Command{Use: "config", Short: "Print a configuration file with every key explained", Args: cobra.NoArgs,
		Example: "  sigilld config > sigilld.yaml",
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprint(cmd.OutOrStdout(), server.Example)
			return err
		}}
	cmd.AddCommand(check())
	return cmd
}
