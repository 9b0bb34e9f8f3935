package canary_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"sigill/client"
	"sigill/client/tiles"
	"sigill/keys/disclosure/story"
	"sigill/keys/evidence"
	"sigill/keys/ident"
	"sigill/keys/proof"
	"sigill/keys/statement"
	"sigill/scripts/authority"
)

// owns are what authors keep, from several goroutines.
type owns struct {
	mu   sync.Mutex
	list []*client.Own
}

func (o *owns) add(own *client.Own) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.list = append(o.list, own)
}

// leaves are the hashes of a log's first entries, for the frontier.
type leaves []tlog.Hash

func (l leaves) ReadHashes(at []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(at))
	for i, x := range at {
		out[i] = l[x]
	}
	return out, nil
}

// shown is what authors would show to strangers if the log had stood still since it is
// as it is: an evidence file over each receipt, with all that the log has. Such a file
// names a decision; nothing in it says who holds it.
func shown(t *testing.T, run *authority.Running, own []*client.Own) map[string][]byte {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	l, err := tiles.Open(run.Log, run.Trust.Policy, run.Roots)
	must(err)
	head, err := l.Checkpoint(t.Context())
	must(err)
	entries, err := l.At(t.Context(), head).Entries(0, head.Size)
	must(err)
	var hashes leaves
	for i, e := range entries {
		h, err := tlog.StoredHashes(int64(i), e.Marshal(), hashes)
		must(err)
		hashes = append(hashes, h...)
	}
	day := ident.DateOf(time.Now()).AddDays(-1) // also if the date turns
	days := [][]byte{proof.Day{Date: day, Entries: entries, Checkpoint: head.Note}.Marshal()}
	still := proof.Day{First: head.Size, Frontier: story.Frontier(t, hashes, int(head.Size)), Checkpoint: head.Note}
	for range statement.MaxOwed + 3 {
		day = day.AddDays(1)
		still.Date = day
		days = append(days, still.Marshal())
	}
	var all []byte
	for _, o := range own {
		for _, receipt := range o.Receipts {
			data, err := evidence.NewPromise(receipt, days...).Marshal()
			must(err)
			if _, err := evidence.Verify(data, run.Trust); err != nil && !errors.Is(err, evidence.ErrNothing) { // the batch went out meanwhile
				t.Error(err)
			}
			all = append(all, data...)
		}
	}
	return map[string][]byte{"evidence": all}
}
