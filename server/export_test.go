package server

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"net"
	"slices"
	"time"

	"sigill/server/gate"
	"sigill/server/store"
	"sigill/server/store/memory"
)

// NewDisk is a disk in memory with all rooms.
func NewDisk() *memory.Disk { return memory.NewDisk(layout()) }

// NewOver is New over a new store on a disk that misbehaves on demand.
func NewOver(ctx context.Context, c Config, log *slog.Logger, disk *memory.Disk) (*Server, error) {
	_, k, err := c.load()
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

// ClockWas says what the server's clock has shown.
func (s *Server) ClockWas(t time.Time) { s.ledger.NotBefore(t) }

// CheckSlowly is the check that the server makes in the background.
func (s *Server) CheckSlowly(ctx context.Context) { s.checkSlowly(ctx) }

// InternalAddr is where supervisor and operator are answered.
func (s *Server) InternalAddr() net.Addr { return s.internal.Addr() }

// Unready is why the server should not be called.
func (s *Server) Unready() []string { return s.unready(time.Now()) }

// Layout is what a store's file has.
func Layout() store.Layout { return layout() }

// On has the server answer on a test's own listeners instead of its ports and its
// socket.
func (s *Server) On(public, open, internal net.Listener) error {
	err := errors.Join(s.listener.Close(), s.open.Close())
	s.control.Stop()
	s.listener, s.open, s.internal, s.control = public, open, internal, nil
	return err
}

// A Row is a row of a stopped store as whoever has disk and gate key reads it.
type Row struct {
	Room       string
	Key, Value []byte
	Size       int // in the engine
}

// Rows are all rows, in order of the file, opened with the gate key and with the keys
// of the matters that lie behind it.
func Rows(ctx context.Context, c Config) (rows []Row, err error) {
	_, k, err := c.load()
	if err != nil {
		return nil, err
	}
	engine, err := openEngine(c.Data)
	if err != nil {
		return nil, err
	}
	s, err := gate.Open(ctx, engine, k.gate)
	if err != nil {
		return nil, errors.Join(err, engine.Close())
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	snap, err := s.Snapshot(ctx)
	if err != nil {
		return nil, err
	}
	defer snap.Close()
	matters := map[string]gate.MatterKey{}
	for _, room := range slices.Sorted(maps.Keys(layout())) {
		if room == gate.Room {
			continue
		}
		for p, err := range snap.Scan(room, nil, nil) {
			if err != nil {
				return nil, err
			}
			rows = append(rows, Row{string(room), slices.Clone(p.Key), slices.Clone(p.Value), len(p.Value) + gate.Overhead})
			if len(p.Key) == 17 && p.Key[16] == 'k' && len(p.Value) == 32 {
				matters[string(p.Key[:16])] = gate.MatterKey(p.Value)
			}
		}
	}
	for i, r := range rows {
		for id, key := range matters {
			for _, place := range []string{r.Room + "/" + string(r.Key), "seal/" + id} {
				if plain, err := key.Open(place, r.Value); err == nil {
					rows[i].Value = plain
				}
			}
		}
	}
	return rows, nil
}
