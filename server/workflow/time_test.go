package workflow_test

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sigill/server/store/memory"
)

// bubble runs a test at a time of its own, which passes only by sleeping.
func bubble(t *testing.T, at string, run func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		sleepUntil(at)
		run(t)
	})
}

func sleepUntil(at string) { time.Sleep(time.Until(must(time.Parse(time.RFC3339, at)))) }

// pass lets time pass in a bubble.
func pass(d time.Duration) { time.Sleep(d) }

// hold stops the ledger at its next commit, that of first, lets the others queue up
// behind it until half a minute has passed, and lets go. It is for a bubble.
func (h *house) hold(first func(), others ...func()) {
	h.t.Helper()
	started, release := make(chan bool), make(chan bool)
	h.disk.Fault(1, memory.Fault{During: func() { close(started); <-release }})
	var all sync.WaitGroup
	all.Go(first)
	<-started
	for _, f := range others {
		all.Go(f)
	}
	time.Sleep(30 * time.Second)
	synctest.Wait() // all are in the queue
	close(release)
	all.Wait()
}
