// Package neighbour is a neighbouring municipality that witnesses a log: client/witness
// on loopback, in the demo, in the bench and in tests. It can be away, taken back to
// what it once remembered, and asked what it was sent.
package neighbour

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"net/http"
	"net/http/httputil"
	"os"
	"path/filepath"
	"sync"
	"time"

	"sigill/client/witness"
	"sigill/keys/keyfile"
	"sigill/scripts/authority"
)

// A Neighbour is a witness at one address. Its methods may be called at once.
type Neighbour struct {
	Dir    string           // the witness's
	Config witness.Config   // as it was made
	URL    string           // where it answers
	Hear   func(ask []byte) // is given every question as it was sent, if set before the first
	http   *http.Server

	mu   sync.Mutex
	key  string // of the log
	away bool
	open *witness.Witness
}

// New makes a witness in a directory that is not there, and listens. Until it watches a
// log it is away.
func New(dir, name string) (*Neighbour, error) {
	n := &Neighbour{Dir: dir}
	var err error
	if n.Config, err = witness.Create(dir, name, authority.Passphrase, keyfile.Options{WorkFactor: 1}); err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	n.URL = "http://" + l.Addr().String()
	n.http = &http.Server{Handler: n, ReadTimeout: 10 * time.Second}
	go n.http.Serve(l) // until Close
	return n, nil
}

// Policy is what the trust file says of witnesses: none but this one, by its Ed25519 key.
func (n *Neighbour) Policy() []string {
	return []string{n.Config.Lines(n.URL)[0], "quorum " + n.Config.Name}
}

// Watch has it watch a log, by its key.
func (n *Neighbour) Watch(key string) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.key = key
	return n.start()
}

func (n *Neighbour) start() (err error) {
	n.open, err = witness.Open(n.Dir, []string{n.key}, func() (string, error) { return authority.Passphrase, nil }, func(witness.Notice) {})
	return err
}

// Away has it answer nobody for a while.
func (n *Neighbour) Away(away bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.away = away
}

// Restore ends it and begins it anew, over a copy of what its directory once was.
func (n *Neighbour) Restore(from string) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	err := errors.Join(n.open.Close(), os.RemoveAll(n.Dir), os.CopyFS(n.Dir, os.DirFS(from)), private(n.Dir))
	return errors.Join(err, n.start())
}

// private takes a copied directory from everyone else.
func private(dir string) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		mode := os.FileMode(0o600)
		if err == nil && d.IsDir() {
			mode = 0o700
		}
		return errors.Join(err, os.Chmod(path, mode))
	})
}

// ServeHTTP answers as the witness does, or 503.
func (n *Neighbour) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.Hear != nil {
		asked, err := httputil.DumpRequest(r, true)
		if err != nil {
			return
		}
		n.Hear(asked)
	}
	if n.open == nil || n.away {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	n.open.ServeHTTP(w, r)
}

// Close ends it. What it remembers stays where it is.
func (n *Neighbour) Close() (err error) {
	err = n.http.Shutdown(context.Background())
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.open != nil {
		err = errors.Join(err, n.open.Close())
		n.open = nil
	}
	return err
}
