// Package server wires one authority: configuration, keys, store, ledger,
// office, door, clock.
//
// Read a [Config] with [ReadConfig], make the store once with [Init], then [New]
// and [Server.Run]. Whatever is missing, damaged, unsafe or does not belong
// together stops New; once it runs, the first commit that fails stops the
// server. [Example] is the manual of the configuration; server_test.go plays the
// way of a decision over real sockets.
package server

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"sigill/keys/bundle"
	"sigill/server/control"
	"sigill/server/gate"
	"sigill/server/ledger"
	"sigill/server/rpc"
	"sigill/server/store"
	"sigill/server/workflow"
)

// Version is what the server calls itself.
const Version = "0.1.0"

// ReadyPrefix begins the one line that sigilld prints when it is ready; the
// address follows and then, if the log is given out, ReadyLog and its address.
const (
	ReadyPrefix = "sigilld: ready on "
	ReadyLog    = ", log on "
)

// stopWithin is how long calls may go on after the server was told to stop.
const stopWithin = 10 * time.Second

// Server is one authority, ready to run.
type Server struct {
	config   Config
	log      *slog.Logger
	store    *gate.Store
	ledger   *ledger.Ledger
	office   *workflow.Office
	rpc      *rpc.Server
	listener net.Listener
	open     net.Listener      // of the log; nil: none
	internal net.Listener      // nil: none
	control  *control.Listener // nil: none
	announce func(line string) // nil: nobody waits for it
	watch    *watch
	trust    *bundle.Trust
	publisher
	leaf     *x509.Certificate // of the institution
	stopping atomic.Bool
	checks   sync.Mutex // held to write how a check went
	missed   bool       // an owed hour passed while the server was down
	last     []byte     // what was published before this run, if the ledger does not know it
}

// New opens the store, checks that keys, certificates, trust file, log and last
// checkpoint belong together, and listens. It serves nothing before [Server.Run],
// which must be called once and lets go of everything.
func New(ctx context.Context, c Config, log *slog.Logger) (*Server, error) {
	return newServer(ctx, c, log, openEngine)
}

func newServer(ctx context.Context, c Config, log *slog.Logger, open func(dir string) (store.Store, error)) (_ *Server, err error) {
	if err := CheckEnvironment(os.Environ()); err != nil {
		return nil, err
	}
	s := &Server{config: c, log: log}
	s.watch = s.newWatch()
	trust, k, err := c.load()
	if err != nil {
		return nil, err
	}
	if err := certified(trust, k.institution.Chain[0], time.Now()); err != nil {
		return nil, err
	}
	if err := trusted(c.Providers, trust.File.Providers); err != nil {
		return nil, err
	}
	if _, err := witnesses(trust, nil); err != nil {
		return nil, err
	}
	s.trust, s.leaf = trust, k.institution.Chain[0]
	engine, err := open(c.Data)
	if err != nil {
		return nil, err
	}
	if s.store, err = gate.Open(ctx, engine, k.gate); err != nil {
		return nil, errors.Join(err, engine.Close())
	}
	defer func() {
		if err != nil {
			s.release()
		}
	}()
	if err = whole(ctx, s.store); err != nil {
		return nil, err
	}
	if s.ledger, err = ledger.Open(ctx, s.store, k.log, trust.Policy.Witnessed(), k.before...); err != nil {
		if errors.Is(err, ledger.ErrHead) {
			err = fmt.Errorf("%w: keys.log and trust may be those of before the log's key was replaced", err)
		}
		return nil, err
	}
	if err = s.checkLast(ctx, trust); err != nil {
		return nil, err
	}
	if s.asker, err = witnesses(trust, s.ledger); err != nil {
		return nil, err
	}
	if s.office, err = workflow.New(ctx, c.office(trust, k), s.ledger, cipher{s.store}); err != nil {
		return nil, err
	}
	if s.rpc, err = c.door(s.office, log, s.watch.called); err != nil {
		return nil, err
	}
	return s, s.listen()
}

func (c Config) office(trust *bundle.Trust, k *keys) workflow.Config {
	o := workflow.Config{Trust: trust, Succession: k.succession, Institution: k.institution, Log: k.statements, OwedHour: time.Duration(c.OwedHour),
		SmallestSet: c.SmallestSet, Drafters: c.Drafters, MaxOpenings: c.MaxOpenings, Version: Version}
	for _, h := range c.InboxHours {
		o.InboxHours = append(o.InboxHours, time.Duration(h))
	}
	return o
}

func (c Config) door(o *workflow.Office, log *slog.Logger, seen func(rpc.Call)) (*rpc.Server, error) {
	d := rpc.Config{Office: o, Origin: c.PublicOrigin, Log: log, Seen: seen}
	for _, p := range c.Providers {
		t, err := p.token()
		if err != nil {
			return nil, err
		}
		d.Providers = append(d.Providers, rpc.Provider{Token: t, JWKSURI: p.JWKSURI})
	}
	if c.TLS.Certificate != "" {
		t, err := c.TLS.config()
		if err != nil {
			return nil, err
		}
		d.TLS = credentials.NewTLS(t)
	}
	return rpc.New(d)
}

// config is TLS 1.3 without tickets: a ticket would link a caller's connections.
func (t TLS) config() (*tls.Config, error) {
	if err := private(t.Key); err != nil {
		return nil, fmt.Errorf("tls key: %w", err)
	}
	pair, err := tls.LoadX509KeyPair(t.Certificate, t.Key)
	if err != nil {
		return nil, fmt.Errorf("%w: tls: %w", ErrConfig, err)
	}
	return &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS13, SessionTicketsDisabled: true}, nil
}

func (s *Server) listen() (err error) {
	if s.listener, err = net.Listen("tcp", s.config.Listen); err != nil {
		return fmt.Errorf("listening: %w", err)
	}
	if s.config.LogListen != "" {
		if s.open, err = s.config.listenLog(); err != nil {
			return err
		}
	}
	if s.config.Internal != "" {
		if s.internal, err = net.Listen("tcp", s.config.Internal); err != nil {
			return fmt.Errorf("listening for health and metrics: %w", err)
		}
	}
	s.control, err = control.Listen(s.config.Data, s.commands())
	return err
}

// Ready is the line that says where the server listens; after port 0, with the port
// that it got.
func (s *Server) Ready() string {
	line := ReadyPrefix + s.Addr().String()
	if s.open != nil {
		line += ReadyLog + s.open.Addr().String()
	}
	return line
}

// Announce has the line of [Server.Ready] told once the server serves, which it may
// refuse to begin. It is called before [Server.Run].
func (s *Server) Announce(tell func(line string)) { s.announce = tell }

// Addr is where the server listens; after port 0, the port that it got.
func (s *Server) Addr() net.Addr { return s.listener.Addr() }

// Run serves until ctx ends, then lets calls finish, publishes the last
// checkpoint and returns nil. Any error of a commit ends it at once with that
// error: what is durable is then for the next start to find out.
func (s *Server) Run(ctx context.Context) error {
	defer s.release()
	writing, stopWriting := context.WithCancel(context.WithoutCancel(ctx))
	defer stopWriting()
	run, stop := context.WithCancel(ctx)
	defer stop()

	var ledgerJob, jobs errgroup.Group
	ledgerJob.Go(func() error {
		defer stop()
		return s.ledger.Run(writing)
	})
	if err := s.first(run); err != nil {
		stopWriting()
		return errors.Join(err, ledgerJob.Wait())
	}
	jobs.Go(func() error {
		defer stop()
		return s.publishing(run)
	})
	jobs.Go(func() error {
		defer stop()
		// Stopped before it began is stopped.
		if err := s.rpc.GRPC().Serve(s.listener); err != nil && !errors.Is(err, grpc.ErrServerStopped) {
			return fmt.Errorf("serving: %w", err)
		}
		return nil
	})
	jobs.Go(func() error { s.clock(run); return nil })
	jobs.Go(func() error { s.rpc.KeepKeys(run); return nil })
	jobs.Go(func() error { s.checkDaily(run); return nil })
	jobs.Go(func() error {
		s.daily(run, "owed", s.missed, func(ctx context.Context, now time.Time) error {
			return errors.Join(s.office.PublishOwed(ctx, now), s.office.Reshelve(ctx))
		})
		return nil
	})
	jobs.Go(func() error { s.daily(run, "expiry", s.missed, s.office.ExpireOpenings); return nil })
	internal := s.serveInternal(&jobs)
	stopLog := s.serveLog(&jobs)
	stopControl := s.serveControl(&jobs)
	s.log.Info("ready", "address", s.Addr().String(), "version", Version)
	if s.announce != nil {
		s.announce(s.Ready())
	}

	<-run.Done()
	s.stopping.Store(true)
	grace := stopWithin
	if ledgerDone(s.ledger) {
		grace = 0
	}
	s.rpc.Stop(grace)
	internal.stop()
	stopLog()
	stopControl()
	err := jobs.Wait()
	closed := s.closeDays(writing) // while there is a writer
	s.job("publish", closed)
	stopWriting()
	err = errors.Join(err, ledgerJob.Wait())
	if err == nil && closed == nil {
		err = s.keep()
	}
	s.log.Info("stopped", "size", s.ledger.Head().Size)
	return err
}

func ledgerDone(l *ledger.Ledger) bool {
	select {
	case <-l.Done():
		return true
	default:
		return false
	}
}

// release lets go of what New took.
func (s *Server) release() {
	for _, l := range []net.Listener{s.listener, s.open, s.internal} {
		if l != nil {
			_ = l.Close() // gRPC has closed it before, unless it never served
		}
	}
	if s.control != nil {
		s.control.Stop()
	}
	if err := s.store.Close(); err != nil {
		s.log.Error("closing the store", "error", err)
	}
}
