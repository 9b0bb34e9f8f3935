package server

import (
	"golang.org/x/sync/errgroup"

	"sigill/server/control"
)

// commands are what an operator may have the running server do, by route.
func (s *Server) commands() map[string]control.Command {
	return map[string]control.Command{"backup": s.sendBackup, "check": s.sendCheck, "documents": s.sendDocuments}
}

// serveControl answers the operator's commands, and returns what ends that; without a
// socket it does nothing.
func (s *Server) serveControl(jobs *errgroup.Group) (stop func()) {
	if s.control == nil {
		return func() {}
	}
	jobs.Go(s.control.Serve)
	return s.control.Stop
}
