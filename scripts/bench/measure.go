package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"go.etcd.io/bbolt"

	"sigill/keys/bundle"
	"sigill/keys/disclosure"
	"sigill/scripts/authority"
	"sigill/scripts/neighbour"
	"sigill/scripts/story"
)

// measure runs one case: a fresh authority, a closed loop of callers.
func measure(ctx context.Context, dir, binary string, s shape, callersN int, each time.Duration) (rows []row, err error) {
	c, stop, err := begin(ctx, dir, binary, s)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, stop()) }()
	run := c.run
	cpu := cpuTime(run.PID())
	own := watchOwn(run.PID())
	began := time.Now()
	times, err := loop(ctx, callersN, each, func(w int) error { return c.decision(ctx, w) })
	took, most := time.Since(began), own()
	if err != nil {
		return nil, err
	}
	cpu, rss := cpuTime(run.PID())-cpu, memory(run.PID(), "VmHWM:")
	if err := stop(); err != nil {
		return nil, err
	}
	used, err := usedBytes(filepath.Join(dir, "data", "store.db"))
	if err != nil {
		return nil, err
	}
	n := float64(len(times))
	name := callers(callersN)
	slices.Sort(times)
	for _, m := range []struct {
		metric string
		value  float64
	}{
		{"per_s", n / took.Seconds()}, {"p50_ms", ms(times[len(times)/2])}, {"p99_ms", ms(times[min(len(times)-1, len(times)*99/100)])},
		{"server_us", float64(cpu.Microseconds()) / n},
		// The empty store and the board's documents are in it: some KB in all.
		{"bytes", float64(used) / (n + float64(len(c.conns)))}, {"rss_mib", rss}, {"own_mib", most},
	} {
		rows = append(rows, row{s.name, name, m.metric, m.value})
	}
	return rows, nil
}

// begin starts an authority with callers that are connected and have the provider's
// keys fetched. What it returns may be stopped twice.
func begin(ctx context.Context, dir, binary string, s shape) (*caller, func() error, error) {
	run, stop, err := start(ctx, dir, binary, s)
	if err != nil {
		return nil, nil, err
	}
	c, err := newCaller(run)
	if err != nil {
		return nil, nil, errors.Join(err, stop())
	}
	end := func() error {
		c.close()
		return stop()
	}
	for w := range len(c.conns) {
		if err := c.decision(ctx, w); err != nil {
			return nil, nil, errors.Join(err, end())
		}
	}
	return c, end, nil
}

func start(ctx context.Context, dir, binary string, s shape) (*authority.Running, func() error, error) {
	o := authority.Options{Groups: s.groups, TLS: true, Ed25519Directors: true, PublishEvery: s.every}
	unwatch := func() error { return nil }
	var w *neighbour.Neighbour
	if s.witnessed {
		var err error
		if w, err = neighbour.New(dir+"-witness", "witness.example"); err != nil {
			return nil, nil, err
		}
		o.Witnesses, unwatch = w.Policy(), sync.OnceValue(w.Close)
	}
	a, err := authority.Make(ctx, dir, o)
	if err == nil && w != nil {
		err = w.Watch(a.Trust.Policy.LogKeys()[0].String())
	}
	if err != nil {
		return nil, nil, errors.Join(err, unwatch())
	}
	run, err := a.StartBinary(ctx, binary)
	if err != nil {
		a.Close()
		return nil, nil, errors.Join(err, unwatch())
	}
	stop := func() error {
		defer a.Close()
		return errors.Join(run.Stop(), unwatch())
	}
	if err := run.Publish(ctx); err != nil {
		return nil, nil, errors.Join(err, stop())
	}
	return run, stop, nil
}

// loop calls f from n goroutines, back to back, and returns every call's time.
// Calls under way when the time is up are finished and counted.
func loop(ctx context.Context, n int, each time.Duration, f func(worker int) error) ([]time.Duration, error) {
	mine := make([][]time.Duration, n)
	errs := make([]error, n)
	end := time.Now().Add(each)
	var wg sync.WaitGroup
	for w := range n {
		wg.Go(func() {
			for {
				began := time.Now()
				if began.After(end) || ctx.Err() != nil {
					return
				}
				if errs[w] = f(w); errs[w] != nil {
					return
				}
				mine[w] = append(mine[w], time.Since(began))
			}
		})
	}
	wg.Wait()
	times := slices.Concat(mine...)
	if err := errors.Join(errs...); err != nil || len(times) == 0 {
		return nil, fmt.Errorf("a call failed: %w", errors.Join(err, ctx.Err()))
	}
	return times, nil
}

// offline is how many bundles one verifier checks in a second, and how many packages
// a court's program opens and checks.
func offline(ctx context.Context, dir, binary string) ([]row, error) {
	run, stop, err := start(ctx, dir, binary, shape{})
	if err != nil {
		return nil, err
	}
	r, err := story.Play(ctx, story.Cast{Run: run, Author: authority.People()[0], Content: story.Decision})
	if err = errors.Join(err, stop()); err != nil {
		return nil, err
	}
	key, err := r.Request.Private()
	if err != nil {
		return nil, err
	}
	var rows []row
	for group, f := range map[string]func(int) error{
		"verify": func(int) error { _, err := bundle.Verify(r.Bundle, run.Trust); return err },
		"open":   func(int) error { _, err := disclosure.Open(r.Package, run.Trust, key); return err },
	} {
		const each = 2 * time.Second
		times, err := loop(ctx, 1, each, f)
		if err != nil {
			return nil, err
		}
		rows = append(rows, row{group, "@1", "per_s", float64(len(times)) / each.Seconds()})
	}
	return rows, nil
}

func ms(d time.Duration) float64 { return float64(d) / 1e6 }

// cpuTime is the user and system time of a process, in ticks of 10 ms.
func cpuTime(pid int) time.Duration {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	f := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+2:]))
	user, _ := strconv.ParseInt(f[11], 10, 64)
	system, _ := strconv.ParseInt(f[12], 10, 64)
	return time.Duration(user+system) * 10 * time.Millisecond
}

// watchOwn looks at a process's own memory ten times a second, and tells the most that
// it saw when it is asked, once.
func watchOwn(pid int) func() float64 {
	stop, most := make(chan struct{}), make(chan float64)
	go func() {
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		seen := 0.0
		for {
			seen = max(seen, memory(pid, "RssAnon:"))
			select {
			case <-tick.C:
			case <-stop:
				most <- seen
				return
			}
		}
	}()
	return func() float64 {
		close(stop)
		return <-most
	}
}

// memory is a line of what Linux says of a process's memory, in MiB: VmHWM the most
// that it has had, RssAnon what it has now but pages of files, which the kernel may
// take back: the program and what was read of the store.
func memory(pid int, line string) float64 {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	for l := range strings.Lines(string(b)) {
		if f := strings.Fields(l); len(f) > 1 && f[0] == line {
			kb, _ := strconv.ParseFloat(f[1], 64)
			return kb / 1024
		}
	}
	return 0
}

// usedBytes is what a closed store uses of its file, which grows in steps of many
// decisions: every page up to the last that was ever written, but the free ones.
func usedBytes(file string) (used int64, err error) {
	db, err := bbolt.Open(file, 0o600, &bbolt.Options{ReadOnly: true, PreLoadFreelist: true, Timeout: time.Second})
	if err != nil {
		return 0, fmt.Errorf("the store's use: %w", err)
	}
	err = db.View(func(tx *bbolt.Tx) error {
		used = tx.Size() - int64(db.Stats().FreePageN)*int64(db.Info().PageSize)
		return nil
	})
	return used, errors.Join(err, db.Close())
}
