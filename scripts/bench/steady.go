package main

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// steady is what a call takes when they come evenly, per_s of them each second,
// however many are under way: each is timed from when it was due, so that none that
// had to wait for others looks fast.
func steady(ctx context.Context, perS float64, each time.Duration, f func(worker int) error) ([]time.Duration, error) {
	n := max(1, int(perS*each.Seconds()))
	times, errs := make([]time.Duration, n), make([]error, n)
	began := time.Now()
	var wg sync.WaitGroup
	for i := range n {
		due := began.Add(time.Duration(float64(i) / perS * float64(time.Second)))
		timer := time.NewTimer(time.Until(due))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return nil, ctx.Err()
		}
		wg.Go(func() {
			errs[i] = f(i)
			times[i] = time.Since(due)
		})
	}
	wg.Wait()
	return times, errors.Join(errs...)
}

// half measures decisions at half of what 64 callers got.
func half(ctx context.Context, dir, binary string, s shape, peak float64, each time.Duration) (rows []row, err error) {
	c, stop, err := begin(ctx, dir, binary, s)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, stop()) }()
	times, err := steady(ctx, peak/2, each, func(w int) error { return c.decision(ctx, w) })
	if err != nil {
		return nil, err
	}
	slices.Sort(times)
	return []row{{s.name, "half", "per_s", peak / 2}, {s.name, "half", "p50_ms", ms(times[len(times)/2])},
		{s.name, "half", "p99_ms", ms(times[min(len(times)-1, len(times)*99/100)])}}, nil
}
