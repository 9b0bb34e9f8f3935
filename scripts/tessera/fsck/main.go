// Fsck reads a log as somebody else's software does: Trillian Tessera's fsck and
// its client library. It is of a module of its own, so that what it needs is linked by
// nothing else; scripts/openlog builds it and holds our logs against it.
//
//	fsck URL-OR-DIRECTORY VKEY
//
// It prints the size, the root, and a SHA-256 over all entries, and exits with 0 if
// fsck finds nothing and every proof holds that it makes from the tiles.
package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net/url"
	"os"
	"strings"

	"github.com/transparency-dev/formats/log"
	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/tessera/api"
	"github.com/transparency-dev/tessera/client"
	"github.com/transparency-dev/tessera/fsck"
	"golang.org/x/mod/sumdb/note"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: fsck URL-OR-DIRECTORY VKEY")
		os.Exit(2)
	}
	if err := run(context.Background(), os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "tessera:", err)
		os.Exit(1)
	}
}

// fetcher is what both fsck and the client read a log by.
type fetcher = fsck.Fetcher

func open(source string) (fetcher, error) {
	if !strings.Contains(source, "://") {
		return client.FileFetcher{Root: source}, nil
	}
	u, err := url.Parse(source)
	if err != nil {
		return nil, err
	}
	return client.NewHTTPFetcher(u, nil)
}

func run(ctx context.Context, source, vkey string) error {
	v, err := note.NewVerifier(vkey)
	if err != nil {
		return err
	}
	f, err := open(source)
	if err != nil {
		return err
	}
	if err := check(ctx, f, v); err != nil {
		return fmt.Errorf("fsck: %w", err)
	}
	cp, _, _, err := client.FetchCheckpoint(ctx, f.ReadCheckpoint, v, v.Name())
	if err != nil {
		return err
	}
	all, err := entries(ctx, f, cp.Size)
	if err != nil {
		return fmt.Errorf("entries: %w", err)
	}
	if err := proofs(ctx, f, cp, all); err != nil {
		return fmt.Errorf("proofs: %w", err)
	}
	h := sha256.New()
	for _, e := range all {
		h.Write(e)
	}
	fmt.Printf("size %d\nroot %x\nentries %x\n", cp.Size, cp.Hash, h.Sum(nil))
	return nil
}

// check is fsck. A bundle that is shorter than it must be makes it fall.
func check(ctx context.Context, f fetcher, v note.Verifier) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("fell: %v", r)
		}
	}()
	return fsck.New(v.Name(), v, f, leaves, fsck.Opts{N: 4}).Check(ctx)
}

func unbundle(b []byte) ([][]byte, error) {
	var bundle api.EntryBundle
	err := bundle.UnmarshalText(b)
	return bundle.Entries, err
}

func leaves(b []byte) (hashes [][]byte, err error) {
	list, err := unbundle(b)
	for _, e := range list {
		hashes = append(hashes, rfc6962.DefaultHasher.HashLeaf(e))
	}
	return hashes, err
}

func entries(ctx context.Context, f fetcher, size uint64) (all [][]byte, err error) {
	bundles := client.EntryBundles(ctx, 4, func(context.Context) (uint64, error) { return size, nil }, f.ReadEntryBundle, 0, size)
	for e, err := range client.Entries(bundles, unbundle) {
		if err != nil {
			return nil, err
		}
		all = append(all, e.Entry)
	}
	if uint64(len(all)) != size {
		return nil, fmt.Errorf("%d of %d", len(all), size)
	}
	return all, nil
}

// proofs makes proofs from the tiles, and checks them against the checkpoint.
func proofs(ctx context.Context, f fetcher, cp *log.Checkpoint, all [][]byte) error {
	b, err := client.NewProofBuilder(ctx, cp.Size, f.ReadTile)
	if err != nil {
		return err
	}
	older := (&compact.RangeFactory{Hash: rfc6962.DefaultHasher.HashChildren}).NewEmptyRange(0)
	for i, e := range all {
		i, leaf := uint64(i), rfc6962.DefaultHasher.HashLeaf(e)
		if err := older.Append(leaf, nil); err != nil {
			return err
		}
		if i%(1+cp.Size/97) != 0 {
			continue
		}
		path, err := b.InclusionProof(ctx, i)
		if err != nil {
			return err
		}
		if err := proof.VerifyInclusion(rfc6962.DefaultHasher, i, cp.Size, leaf, path, cp.Hash); err != nil {
			return err
		}
		root, err := older.GetRootHash(nil)
		if err != nil {
			return err
		}
		if path, err = b.ConsistencyProof(ctx, i+1, cp.Size); err != nil {
			return err
		}
		if err := proof.VerifyConsistency(rfc6962.DefaultHasher, i+1, cp.Size, path, root, cp.Hash); err != nil {
			return err
		}
	}
	return nil
}
