package server

import (
	"context"
	"log/slog"
	"net"

	"sigill/server/gate"
	"sigill/server/store"
	"sigill/server/store/memory"
)

// NewDisk is a disk in memory with all rooms.
func NewDisk() *memory.Disk { return memory.NewDisk(layout()) }

// NewOver is New over a new store on a disk that misbehaves on demand.
func NewOver(ctx context.Context, c Config, log *slog.Logger, disk *memory.Disk) (*Server, error) {
	trust, err := readTrust(c.Trust)
	if err != nil {
		return nil, err
	}
	k, err := loadKeys(c, trust)
	if err != nil {
		return nil, err
	}
	if _, err := gate.Create(ctx, disk.Open(), k.gate); err != nil {
		return nil, err
	}
	return newServer(ctx, c, log, func(string) (store.Store, error) { return disk.Open(), nil })
}

// Job tells the server how one of its jobs went.
func (s *Server) Job(name string, err error) { s.job(name, err) }

// InternalAddr is where supervisor and operator are answered.
func (s *Server) InternalAddr() net.Addr { return s.internal.Addr() }

// Layout is what a store's file has.
func Layout() store.Layout { return layout() }
