package translog

import (
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"sigill/keys/ident"
	"sigill/server/store"
)

// RootAt is the root that the log had at an earlier size, at most the tree's.
// Errors as for [Tree.Entry].
func (t Tree) RootAt(r store.Reader, size uint64) (ident.Digest, error) {
	if size > t.size {
		return ident.Digest{}, ErrRange
	}
	h, err := tlog.TreeHash(int64(size), t.hashes(r))
	if err != nil {
		return ident.Digest{}, fmt.Errorf("the log's root at an earlier size: %w", err)
	}
	if size == 0 {
		return ident.Sum(""), nil
	}
	return ident.Digest(h), nil
}
