package main

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"sigill/client/witness"
	"sigill/keys/keyfile"
	"sigill/scripts/authority"
)

// neighbour is who watches the log.
const neighbour = "vittne.grannstad.example"

// A bystander is a neighbour's witness, which can be away for a while.
type bystander struct {
	dir    string
	policy []string // lines for the trust file
	http   *http.Server
	away   atomic.Bool
	now    atomic.Pointer[witness.Witness]
}

// newBystander makes one that listens, and watches nothing yet.
func newBystander() (*bystander, error) {
	dir, err := os.MkdirTemp("", "sigill-vittne-")
	if err != nil {
		return nil, err
	}
	b := &bystander{dir: dir}
	b.http = &http.Server{Handler: b, ReadTimeout: 10 * time.Second}
	c, err := witness.Create(filepath.Join(dir, "vittne"), neighbour, authority.Passphrase, keyfile.Options{WorkFactor: 1})
	if err != nil {
		return nil, errors.Join(err, b.close())
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, errors.Join(err, b.close())
	}
	go b.http.Serve(l)
	line := c.Lines("http://" + l.Addr().String())[0]
	b.policy = []string{line, "quorum " + strings.Fields(line)[1]}
	return b, nil
}

// watch has it watch a log.
func (b *bystander) watch(vkey string) error {
	w, err := witness.Open(filepath.Join(b.dir, "vittne"), []string{vkey}, func() (string, error) { return authority.Passphrase, nil }, func(witness.Notice) {})
	if err == nil {
		b.now.Store(w)
	}
	return err
}

func (b *bystander) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	w := b.now.Load()
	if w == nil || b.away.Load() {
		rw.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	w.ServeHTTP(rw, r)
}

func (b *bystander) close() (err error) {
	if b.http != nil {
		err = b.http.Shutdown(context.Background())
	}
	if w := b.now.Load(); w != nil {
		err = errors.Join(err, w.Close())
	}
	return errors.Join(err, os.RemoveAll(b.dir))
}
