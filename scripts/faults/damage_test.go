package faults_test

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"sigill/client"
)

// damage is what may be answered: DATA_LOSS; UNAVAILABLE, where a commit found the
// damage and stopped the server; NOT_FOUND, where it took a row's key: a MAC for each
// row says nothing of a row that is not there.
var damage = []codes.Code{codes.DataLoss, codes.Unavailable, codes.NotFound}

// TestD06_flippedBytes damages bytes of the pages at random under a store with a
// whole story in it. The start is refused, or whoever asks for what is damaged is
// told so and everyone else is answered as before; nothing false is told,
// and the process neither dies nor hangs.
func TestD06_flippedBytes(t *testing.T) {
	h := newHouse(t, filepath.Join(t.TempDir(), "authority"))
	r := h.start(sigilld)
	s := &tale{}
	ok(t, s.play(t.Context(), r))
	ok(t, r.Stop())
	h.keep()
	seed := rand.Uint64()
	rnd := rand.New(rand.NewPCG(seed, 1))
	trials := 20
	if *everything {
		trials = 500
	}
	told := map[string]int{}
	for range trials {
		damaged := bytes.Clone(h.base)
		for range 1 + rnd.IntN(20) {
			at := 2*4096 + rnd.IntN(len(damaged)-2*4096) // the meta pages have rows of their own
			damaged[at] ^= byte(1 + rnd.IntN(255))
		}
		ok(t, os.WriteFile(h.data("checkpoint"), h.last, 0o600))
		ok(t, os.WriteFile(h.data("store.db"), damaged, 0o600))
		r, err := h.StartBinary(context.Background(), sigilld)
		if err != nil {
			told["refused to start"]++
			if status := ended(err); !stopped(status) {
				t.Errorf("seed %d: the start ended with %#x: %v", seed, int(status), err)
			}
			continue
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		for i := range steps {
			err := s.kept(ctx, r, i)
			e := (*client.Error)(nil)
			switch {
			case err == nil:
				told["as before"]++
			case errors.As(err, &e) && slices.Contains(damage, e.Code):
				told[e.Code.String()]++
			default:
				t.Errorf("seed %d: %s: %v", seed, steps[i].name, err)
			}
		}
		cancel()
		if status := ended(r.Stop()); status != 0 && !stopped(status) {
			t.Errorf("seed %d: ended with %#x", seed, int(status))
		}
	}
	h.quiet()
	t.Logf("%d trials, seed %d: %v", trials, seed, told)
	if told["as before"] == 0 || told["refused to start"]+told["DataLoss"] == 0 {
		t.Error("the damage does nothing, or everything")
	}
}
