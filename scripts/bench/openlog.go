package main

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"sigill/client/monitor"
	"sigill/keys/bundle"
	"sigill/keys/ident"
	"sigill/keys/proof"
	"sigill/scripts/authority"
	"sigill/server/gate"
	"sigill/server/ledger"
	"sigill/server/store"
	"sigill/server/store/bolt"
	"sigill/server/translog"
	"sigill/server/web"
	"sigill/server/workflow"
)

const tileWidth = 1 << proof.TileHeight

// A bareLog is a log as a server keeps it and gives it out, and nothing else of one.
type bareLog struct {
	ledger *ledger.Ledger
	office *workflow.Office
	trust  *bundle.Trust
	url    string
	size   int
	number uint64 // of decisions
	stop   func() error
}

// logs makes one log grow to each number of entries in turn, and measures it there.
func logs(ctx context.Context, dir string, counts []int, each time.Duration, say func(string)) (rows []row, err error) {
	if len(counts) == 0 {
		return nil, nil
	}
	l, err := newBareLog(ctx, dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, l.stop()) }()
	for _, n := range slices.Sorted(slices.Values(counts)) {
		say(fmt.Sprintf("a log of %d entries", n))
		if err := l.grow(ctx, n); err != nil {
			return nil, err
		}
		more, err := l.measure(ctx, filepath.Join(dir, fmt.Sprint(n, ".json")), each)
		if err != nil {
			return nil, err
		}
		for _, r := range more {
			rows = append(rows, row{"log", fmt.Sprint(n), r.Metric, r.Value})
		}
	}
	return rows, nil
}

func newBareLog(ctx context.Context, dir string) (_ *bareLog, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		return nil, err
	}
	signer, err := proof.NewLogSigner(authority.Number, key)
	if err != nil {
		return nil, err
	}
	l := &bareLog{trust: &bundle.Trust{Authority: authority.Number}}
	if l.trust.Policy, err = proof.UnwitnessedPolicy(signer.LogKey); err != nil {
		return nil, err
	}
	layout := store.Layout{gate.Room: store.Random, ledger.RoomHead: store.Random,
		translog.Entries: store.Ordered, translog.Tiles: store.Random, translog.Days: store.Ordered}
	for room := range workflow.Rooms() {
		layout[room] = store.Random
	}
	engine, err := bolt.Create(bolt.Config{Path: filepath.Join(dir, "store.db"), Layout: layout})
	if err != nil {
		return nil, err
	}
	g, err := gate.Create(ctx, engine, gate.Key{})
	if err != nil {
		return nil, err
	}
	if l.ledger, err = ledger.Open(ctx, g, signer, false); err != nil {
		return nil, err
	}
	run, cancel := context.WithCancel(ctx)
	ended := make(chan error, 2)
	go func() { ended <- l.ledger.Run(run) }()
	if l.office, err = workflow.New(ctx, workflow.Config{Trust: l.trust}, l.ledger, nil); err != nil {
		cancel()
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		cancel()
		return nil, err
	}
	l.url = "http://" + listener.Addr().String()
	s := &http.Server{Handler: web.Handler(l.office)}
	go func() { ended <- s.Serve(listener) }()
	l.stop = func() error {
		closed := s.Close()
		cancel()
		for range 2 {
			if err := <-ended; err != nil && !errors.Is(err, http.ErrServerClosed) {
				closed = errors.Join(closed, err)
			}
		}
		return errors.Join(closed, g.Close())
	}
	return l, nil
}

// decision is an entry with the next number, event one without.
func (l *bareLog) decision() proof.Entry {
	e := event()
	l.number++
	e.Kind, e.Tag = proof.Decision, proof.DecisionTag(2026, l.number, ident.NewID())
	return e
}

func event() proof.Entry {
	e := proof.Entry{Kind: proof.Event, Tag: proof.RandomTag()}
	rand.Read(e.Digest[:])
	return e
}

// grow logs up to a number of entries, many in each commit, and publishes them.
func (l *bareLog) grow(ctx context.Context, to int) error {
	for l.size < to {
		_, err := l.ledger.Do(ctx, func(tx *ledger.Tx) error {
			for i := range min(4096, to-l.size) {
				if i%4 == 0 {
					tx.Log(l.decision())
				} else {
					tx.Log(event())
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		l.size = int(l.ledger.Head().Size)
	}
	return l.office.Publish(ctx, l.ledger.Head())
}

// measure measures a log; what it appends comes after what it proves, serves and follows.
func (l *bareLog) measure(ctx context.Context, state string, each time.Duration) (rows []row, err error) {
	size := uint64(l.size)
	add := func(metric string, value float64) { rows = append(rows, row{"", "", metric, value}) }
	head := l.ledger.Head()
	proofs, err := loop(ctx, 1, each, func(int) error {
		_, err := l.ledger.Proof(ctx, mathrand.Uint64N(size), head)
		return err
	})
	if err != nil {
		return nil, err
	}
	add("proof_per_s", float64(len(proofs))/each.Seconds())
	tiles, err := loop(ctx, 16, each, func(int) error { return l.tile(mathrand.Uint64N(max(1, size/tileWidth))) })
	if err != nil {
		return nil, err
	}
	add("tile_per_s", float64(len(tiles))/each.Seconds())
	took, err := l.follow(ctx, state)
	if err != nil {
		return nil, err
	}
	bare := hashing(l.size)
	add("monitor_s", took.Seconds())
	add("monitor_per_s", float64(size)/took.Seconds())
	add("of_hashing", bare.Seconds()/took.Seconds())
	for metric, callers := range map[string]int{"append_per_s": 1, "append64_per_s": 64} {
		appended, err := loop(ctx, callers, each, func(int) error {
			_, err := l.ledger.Do(ctx, func(tx *ledger.Tx) error { tx.Log(event()); return nil })
			return err
		})
		if err != nil {
			return nil, err
		}
		add(metric, float64(len(appended))/each.Seconds())
	}
	l.size = int(l.ledger.Head().Size)
	return rows, nil
}

// tile reads a full tile, or what there is of the first.
func (l *bareLog) tile(index uint64) error {
	path := fmt.Sprintf("%s/%s", l.url, proof.TilePath(0, index, min(tileWidth, l.size)))
	r, err := http.Get(path)
	if err != nil {
		return err
	}
	defer r.Body.Close()
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		return err
	}
	if r.StatusCode != http.StatusOK {
		return fmt.Errorf("a tile: %s", r.Status)
	}
	return nil
}

// follow is a monitor's first look: from the first entry on.
func (l *bareLog) follow(ctx context.Context, state string) (time.Duration, error) {
	m, err := monitor.Open(monitor.Config{Source: l.url, Trust: l.trust, State: state})
	if err != nil {
		return 0, err
	}
	began := time.Now()
	look, err := m.Look(ctx, began)
	took := time.Since(began)
	if err == nil && len(look.Findings) > 0 {
		err = fmt.Errorf("the monitor found %v", look.Findings)
	}
	return took, errors.Join(err, m.Close())
}

// hashing is what the tree of so many entries takes to hash, one after the other.
func hashing(n int) time.Duration {
	began := time.Now()
	var peaks []tlog.Hash
	entry := make([]byte, proof.EntrySize)
	for i := range uint64(n) {
		h := tlog.RecordHash(entry)
		for j := i; j&1 == 1; j >>= 1 {
			last := len(peaks) - 1
			h, peaks = tlog.NodeHash(peaks[last], h), peaks[:last]
		}
		peaks = append(peaks, h)
	}
	return time.Since(began)
}
