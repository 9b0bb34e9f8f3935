// Witnessed keeps a log with Trillian Tessera, whose checkpoints leave only when its
// own witness client has got what the policy asks for. It is a module of its own,
// so that what it needs is linked by nothing else; client/witness builds it and is
// its witness.
//
//	witnessed DIR SKEY-FILE POLICY-FILE SIZE...
//
// The log in DIR grows to each size in turn, by entries that bear DIR's name. Each
// published checkpoint is printed, with a line "end" after it.
package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/transparency-dev/tessera"
	"github.com/transparency-dev/tessera/storage/posix"
	"golang.org/x/mod/sumdb/note"
)

const (
	cadence = 100 * time.Millisecond // tessera publishes no more often
	limit   = time.Minute
)

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	if len(os.Args) < 5 {
		fmt.Fprintln(os.Stderr, "usage: witnessed DIR SKEY-FILE POLICY-FILE SIZE...")
		os.Exit(2)
	}
	if err := run(ctx, os.Args[1], os.Args[2], os.Args[3], os.Args[4:]); err != nil {
		fmt.Fprintln(os.Stderr, "witnessed:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, dir, skeyFile, policyFile string, sizes []string) error {
	skey, err := os.ReadFile(skeyFile)
	if err != nil {
		return err
	}
	signer, err := note.NewSigner(strings.TrimSpace(string(skey)))
	if err != nil {
		return err
	}
	policy, err := os.ReadFile(policyFile)
	if err != nil {
		return err
	}
	witnesses, err := tessera.NewWitnessGroupFromPolicy(policy)
	if err != nil {
		return err
	}
	driver, err := posix.New(ctx, posix.Config{Path: dir})
	if err != nil {
		return err
	}
	appender, shutdown, reader, err := tessera.NewAppender(ctx, driver, tessera.NewAppendOptions().
		WithCheckpointSigner(signer).WithBatching(256, cadence/4).WithCheckpointInterval(cadence).WithWitnesses(witnesses, nil))
	if err != nil {
		return err
	}
	awaiter := tessera.NewPublicationAwaiter(ctx, reader.ReadCheckpoint, cadence/4)
	size, err := reader.IntegratedSize(ctx)
	if err != nil {
		return err
	}
	for _, s := range sizes {
		to, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			return err
		}
		var last []tessera.IndexFuture
		for ; size < to; size++ {
			last = append(last, appender.Add(ctx, tessera.NewEntry(fmt.Appendf(nil, "%s %d", filepath.Base(dir), size))))
		}
		for _, added := range last {
			if _, _, err := awaiter.Await(ctx, added); err != nil {
				return err
			}
		}
		checkpoint, err := reader.ReadCheckpoint(ctx)
		if err != nil {
			return err
		}
		fmt.Printf("%send\n", checkpoint)
	}
	return shutdown(ctx)
}
