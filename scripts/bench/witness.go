package main

import (
	"context"
	"errors"
	"net"

	"sigill/client/witness"
	"sigill/keys/keyfile"
	"sigill/keys/proof"
	"sigill/scripts/authority"
)

// A watcher is a witness that the server asks over loopback.
type watcher struct {
	dir      string
	listener net.Listener
	open     *witness.Witness
	cancel   context.CancelFunc
	done     chan error
}

// newWatcher makes a witness and puts it into the policy of an authority that is to be.
func newWatcher(dir string, o *authority.Options) (*watcher, error) {
	c, err := witness.Create(dir, "witness.example", authority.Passphrase, keyfile.Options{WorkFactor: 1})
	if err != nil {
		return nil, err
	}
	w := &watcher{dir: dir}
	if w.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return nil, err
	}
	o.Witnesses = append(c.Lines("http://"+w.listener.Addr().String()), "quorum "+c.Name)
	return w, nil
}

// watch has it cosign the checkpoints of a log.
func (w *watcher) watch(ctx context.Context, key proof.LogKey) (err error) {
	if w.open, err = witness.Open(w.dir, []string{key.String()}, func() (string, error) { return authority.Passphrase, nil }, nil); err != nil {
		return err
	}
	ctx, w.cancel = context.WithCancel(ctx)
	w.done = make(chan error, 1)
	go func() { w.done <- witness.Serve(ctx, w.listener, w.open, nil) }()
	return nil
}

// stop ends it, once.
func (w *watcher) stop() (err error) {
	if w.cancel == nil {
		return nil
	}
	w.cancel()
	err = errors.Join(<-w.done, w.open.Close())
	w.cancel = nil
	return err
}
