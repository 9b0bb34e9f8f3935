package client

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"sigill/keys/ident"
	"sigill/keys/keyfile"
	sigillv1 "sigill/proto/sigill/v1"
)

// An Inspection is what can be told of a home without a passphrase.
type Inspection struct {
	Days   []ident.Date // days whose keys lie there
	Pinned int          // requesters
	Loose  bool         // something in it can be read by others, or is a link
}

// Inspect looks at a home and leaves no mark, not even of the look: fs.ErrNotExist
// where there is none, [ErrHome] for one that [OpenHome] would refuse.
func Inspect(dir string) (Inspection, error) {
	info, err := os.Lstat(dir)
	if err != nil {
		return Inspection{}, fmt.Errorf("home directory: %w", keyfile.Pathless(err))
	}
	if !info.IsDir() || info.Mode().Perm()&0o077 != 0 {
		return Inspection{}, ErrHome
	}
	h := &Home{dir: dir}
	pinned, err := h.Pinned()
	if err != nil {
		return Inspection{}, err
	}
	loose, err := loose(dir)
	return Inspection{Days: h.days(), Pinned: len(pinned), Loose: loose}, err
}

// loose reports whether what is sealed in a directory lies open to others. Public
// halves and what is in clear may be read.
func loose(dir string) (bool, error) {
	list, err := entries(dir)
	if err != nil {
		return false, keyfile.Pathless(err)
	}
	for _, e := range list {
		info, err := e.Info()
		if err != nil {
			return false, keyfile.Pathless(err)
		}
		switch {
		case info.IsDir():
			if found, err := loose(filepath.Join(dir, e.Name())); found || err != nil {
				return found, err
			}
		case filepath.Ext(e.Name()) == ".json":
		case !info.Mode().IsRegular() || info.Mode().Perm()&0o077 != 0:
			return true, nil
		}
	}
	return false, nil
}

// MatterNames lists the matters of a home for a prompt: none where there is no home.
func MatterNames(dir string) []string {
	names, err := (&Home{dir: dir}).Matters()
	if err != nil {
		return nil
	}
	return names
}

// ServerTrust fetches the trust file that the server has: to be compared, never to be
// used.
func (s *Session) ServerTrust(ctx context.Context) ([]byte, error) {
	r, err := s.verification().GetTrust(ctx, &sigillv1.GetTrustRequest{})
	return r.GetTrust(), err
}
