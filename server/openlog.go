package server

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"

	"golang.org/x/sync/errgroup"

	"sigill/server/web"
)

// listenLog listens for readers of the log, under the server's own TLS if it has it.
func (c Config) listenLog() (net.Listener, error) {
	l, err := net.Listen("tcp", c.LogListen)
	if err != nil {
		return nil, fmt.Errorf("listening for readers of the log: %w", err)
	}
	l = web.Limit(l)
	if c.TLS.Certificate == "" {
		return l, nil
	}
	t, err := c.TLS.config()
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return tls.NewListener(l, t), nil
}

// serveLog gives the log out to anyone, and returns what ends that; without a listener
// it does nothing.
func (s *Server) serveLog(jobs *errgroup.Group) (stop func()) {
	if s.open == nil {
		return func() {}
	}
	h := web.Server(s.office)
	jobs.Go(func() error {
		if err := h.Serve(s.open); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serving the log: %w", err)
		}
		return nil
	})
	return func() { _ = h.Close() } // nobody is owed an answer
}
