// Bench measures what Sigill does in a second, and what the same machine allows,
// in turn in one run.
//
//	go run ./scripts/bench [-limit CMD] [-conc 1,16,64] [-each 5s] [-rounds 3] [-stores 1000] [-logs 1000,100000,1000000] [-json FILE]
//
// A decision is three calls over TLS to a sigilld process of its own: submit a
// draft of 4 KiB, fetch it, countersign it; each is durable before it is
// answered. Keys are of the limit's kinds: Ed25519 for author and director, P-256
// for tokens and the institution.
//
// Each round ends with one caller of a server that has one processor and so seals to
// its reviewers one after the other, and with calls that come evenly, at half the
// rate of the most callers.
// Beside the rounds: what one verifier checks and one court opens in a second, the
// program's size, and for each number in -stores how long a server takes from its
// start until it is ready, how much longer the file is than what lies in it, and what
// sigilld check gets through in a second, held against the bare work of it
// (-stores 1000,100000 takes ten minutes more, and 6 GB).
//
// And for each number in -logs, on the same store, encryption and ledger as a server's,
// without anything else of it: entries appended in a second, one after the other and by
// 64 at once, proofs made, tiles given out over HTTP, and entries that a monitor reads
// from the first on, held against the bare hashing of them.
//
// CMD is a program that measures the bare cost of the same work; it is run once for
// each case with the flags -rounds 1 -each D -conc N -json FILE added, must append
// JSON rows {"Group","Case","Metric","Value"} to FILE, and its row @N/per_s is what
// ours is divided by. Numbers of different runs say little: compare the ratios.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"sigill/scripts/authority"
	"sigill/server/rpc"
)

type options struct {
	limit  string
	conc   []int
	each   time.Duration
	rounds int
	json   string
	stores []int
	logs   []int
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	debug.SetGCPercent(400) // the driver's own heap is nearly empty
	rpc.UseBuffers()        // it sends what an author's client sends
	o, err := parse(args, stderr)
	if err != nil {
		return 1
	}
	if err := bench(ctx, o, stdout, stderr); err != nil {
		fmt.Fprintln(stderr, "bench:", err)
		return 1
	}
	return 0
}

func parse(args []string, stderr io.Writer) (o options, err error) {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	conc := flags.String("conc", "1,16,64", "callers at once")
	flags.StringVar(&o.limit, "limit", "", "a command that measures the bare cost of the same work")
	flags.DurationVar(&o.each, "each", 5*time.Second, "time for one case in one round")
	flags.IntVar(&o.rounds, "rounds", 3, "rounds; every case runs once in each, in turn")
	flags.StringVar(&o.json, "json", "", "write the rows of every round here, as JSON lines")
	stores := flags.String("stores", "1000", "sizes of stores to start on, in decisions; empty: none")
	logs := flags.String("logs", "1000,100000,1000000", "sizes of logs to append to, prove and follow, in entries; empty: none")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if o.conc = numbers(*conc); len(o.conc) == 0 {
		fmt.Fprintln(stderr, "bench: -conc takes numbers of callers, such as 1,16,64")
		return o, flag.ErrHelp
	}
	if o.stores = numbers(*stores); len(o.stores) == 0 && *stores != "" {
		fmt.Fprintln(stderr, "bench: -stores takes numbers of decisions, such as 1000,100000")
		return o, flag.ErrHelp
	}
	if o.logs = numbers(*logs); len(o.logs) == 0 && *logs != "" {
		fmt.Fprintln(stderr, "bench: -logs takes numbers of entries, such as 1000,100000,1000000")
		return o, flag.ErrHelp
	}
	return o, nil
}

// numbers reads a list of numbers above zero; nil if it is none.
func numbers(list string) (out []int) {
	for f := range strings.SplitSeq(list, ",") {
		n, err := strconv.Atoi(f)
		if err != nil || n < 1 {
			return nil
		}
		out = append(out, n)
	}
	return out
}

// A shape is whom records are sealed to.
type shape struct {
	name      string
	groups    []authority.Shape
	every     time.Duration // of publication; 0: each second
	witnessed bool          // by a witness of ours
}

var shapes = []shape{
	{name: "1 of 3", groups: []authority.Shape{{Threshold: 1, Members: 3}}},
	{name: "2 of 4 + 1 of 3", groups: []authority.Shape{{Threshold: 2, Members: 4}, {Threshold: 1, Members: 3}}},
}

// published are the most callers of a server that publishes otherwise than each second
// without a witness.
var published = []shape{
	{name: "never published", groups: shapes[0].groups, every: time.Hour},
	{name: "witnessed each second", groups: shapes[0].groups, witnessed: true},
}

// alone is the shape for a server on one processor.
func (s shape) alone() shape { return shape{name: s.name + ", alone", groups: s.groups} }

func bench(ctx context.Context, o options, stdout, stderr io.Writer) error {
	tmp, err := os.MkdirTemp("/var/tmp", "sigill-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	server := filepath.Join(tmp, "sigilld")
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", server, "./server/cmd/sigilld")
	build.Stderr = stderr
	if err := build.Run(); err != nil {
		return fmt.Errorf("building sigilld: %w", err)
	}
	alone := filepath.Join(tmp, "alone")
	if err := os.WriteFile(alone, fmt.Appendf(nil, "#!/bin/sh\nGOMAXPROCS=1 exec %s \"$@\"\n", server), 0o700); err != nil {
		return err
	}
	var t table
	if err := t.rounds(ctx, o, tmp, server, alone, stderr); err != nil {
		return err
	}
	rows, err := offline(ctx, filepath.Join(tmp, "offline"), server)
	if err != nil {
		return err
	}
	t.add(rows...)
	long, err := size(server)
	if err != nil {
		return err
	}
	t.add(row{"program", "sigilld", "mib", long})
	say := func(s string) { fmt.Fprintln(stderr, s) }
	if rows, err = stores(ctx, filepath.Join(tmp, "stores"), server, o.stores, say); err != nil {
		return err
	}
	t.add(rows...)
	if rows, err = logs(ctx, filepath.Join(tmp, "logs"), o.logs, o.each, say); err != nil {
		return err
	}
	t.add(rows...)
	if o.json != "" {
		if err := t.write(o.json); err != nil {
			return err
		}
	}
	t.print(stdout, o)
	return nil
}

// rounds runs every case once in each round, in turn; alone is the server on one
// processor.
func (t *table) rounds(ctx context.Context, o options, tmp, server, alone string, stderr io.Writer) error {
	for round := range o.rounds {
		peak := 0.0
		for _, n := range o.conc {
			for i, s := range shapes {
				fmt.Fprintf(stderr, "round %d of %d: %d callers, sealed to %s\n", round+1, o.rounds, n, s.name)
				dir := filepath.Join(tmp, fmt.Sprintf("%d-%d-%d", round, n, i))
				rows, err := measure(ctx, dir, server, s, n, o.each)
				if err != nil {
					return err
				}
				t.add(rows...)
				if i == 0 {
					peak = rows[0].Value
				}
				if err := os.RemoveAll(dir); err != nil {
					return err
				}
			}
			if o.limit != "" {
				fmt.Fprintf(stderr, "round %d of %d: %d callers, the limit\n", round+1, o.rounds, n)
				rows, err := limit(ctx, o, n, filepath.Join(tmp, "limit.json"), stderr)
				if err != nil {
					return err
				}
				t.add(rows...)
			}
		}
		for i, s := range published {
			n := o.conc[len(o.conc)-1]
			fmt.Fprintf(stderr, "round %d of %d: %d callers, %s\n", round+1, o.rounds, n, s.name)
			dir := filepath.Join(tmp, fmt.Sprintf("%d-published-%d", round, i))
			rows, err := measure(ctx, dir, server, s, n, o.each)
			if err != nil {
				return err
			}
			t.add(rows...)
			if err := os.RemoveAll(dir); err != nil {
				return err
			}
		}
		for i, s := range shapes {
			fmt.Fprintf(stderr, "round %d of %d: 1 caller, sealed to %s one after the other\n", round+1, o.rounds, s.name)
			dir := filepath.Join(tmp, fmt.Sprintf("%d-alone-%d", round, i))
			rows, err := measure(ctx, dir, alone, s.alone(), 1, o.each)
			if err != nil {
				return err
			}
			t.add(rows...)
			if err := os.RemoveAll(dir); err != nil {
				return err
			}
		}
		fmt.Fprintf(stderr, "round %d of %d: evenly, %.0f a second\n", round+1, o.rounds, peak/2)
		dir := filepath.Join(tmp, fmt.Sprintf("%d-half", round))
		rows, err := half(ctx, dir, server, shapes[0], peak, o.each)
		if err != nil {
			return err
		}
		t.add(rows...)
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
	}
	return nil
}

// limit runs the other side once, and reads its rows.
func limit(ctx context.Context, o options, n int, file string, stderr io.Writer) ([]row, error) {
	defer os.Remove(file)
	line := fmt.Sprintf("%s -rounds 1 -each %s -conc %d -json %s", o.limit, o.each, n, file)
	cmd := exec.CommandContext(ctx, "sh", "-c", line)
	cmd.Stderr = stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("the limit: %w", err)
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("the limit: %w", err)
	}
	defer f.Close()
	var rows []row
	for d := json.NewDecoder(f); ; {
		var r row
		if err := d.Decode(&r); err == io.EOF {
			return rows, nil
		} else if err != nil {
			return nil, fmt.Errorf("the limit's rows: %w", err)
		}
		r.Group = limitGroup
		rows = append(rows, r)
	}
}
