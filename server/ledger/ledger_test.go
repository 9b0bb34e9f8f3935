package ledger_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"sigill/keys/proof"
	"sigill/server/ledger"
	"sigill/server/store"
	"sigill/server/store/memory"
)

// TestOperations: what fails, panics or is cancelled leaves neither row nor entry
// and no hole in the order of those beside it.
func TestOperations(t *testing.T) { synctest.Test(t, testOperations) }

func testOperations(t *testing.T) {
	r := newRig(t)
	errNo := errors.New("no")
	var all sync.WaitGroup
	release, started := make(chan bool), make(chan bool)
	r.disk.Fault(1, memory.Fault{During: func() { close(started); <-release }})
	all.Go(func() { _, err := r.do("first"); ok(t, err) })
	<-started
	for i := range 64 {
		all.Go(func() {
			name := fmt.Sprint(i)
			switch i % 3 {
			case 0:
				if _, err := r.do(name); err != nil {
					t.Error(err)
				}
			case 1:
				_, err := r.Do(context.Background(), func(tx *ledger.Tx) error {
					tx.AtHead(func(ledger.Head, ledger.Writer) error { return errors.New("of an operation that failed") })
					return errors.Join(file(name, entry())(tx), errNo)
				})
				if !errors.Is(err, errNo) {
					t.Error(err)
				}
			case 2:
				_, err := r.Do(context.Background(), func(tx *ledger.Tx) error {
					if err := file(name, entry())(tx); err != nil {
						return err
					}
					panic("a name that nobody may see")
				})
				if !errors.Is(err, ledger.ErrPanic) || strings.Contains(err.Error(), "name that") {
					t.Error(err)
				}
			}
		})
	}
	synctest.Wait() // they are one batch
	close(release)
	all.Wait()
	for i := range 64 {
		if r.has(fmt.Sprint(i)) != (i%3 == 0) {
			t.Fatal("operation", i)
		}
	}
	r.check()
}

// TestOrder: an operation sees those before it in its batch, and the indices that
// Log returns are those at which the entries stand.
func TestOrder(t *testing.T) { synctest.Test(t, testOrder) }

func testOrder(t *testing.T) {
	r := newRig(t)
	release, started := make(chan bool), make(chan bool)
	r.disk.Fault(1, memory.Fault{During: func() { close(started); <-release }})
	var all sync.WaitGroup
	all.Go(func() { _, err := r.do("first"); ok(t, err) })
	<-started // the rest waits for this commit, and is one batch
	var heads [10]ledger.Head
	for i := range 10 {
		all.Go(func() {
			head, err := r.Do(context.Background(), func(tx *ledger.Tx) error {
				n := 0
				for _, err := range tx.Scan(things, []byte("n"), []byte("o")) {
					if err != nil {
						return err
					}
					n++
				}
				return file(fmt.Sprintf("n%02d", n), entry())(tx)
			})
			heads[i] = head
			if err != nil {
				t.Error(err)
			}
		})
	}
	synctest.Wait()
	close(release)
	all.Wait()
	for i := range 10 {
		if !r.has(fmt.Sprintf("n%02d", i)) {
			t.Fatal("an operation did not see the one before it:", i)
		}
	}
	last := r.Head()
	if last.Size != 11 {
		t.Fatal(last.Size, "entries")
	}
	for _, h := range heads {
		again, err := r.HeadAt(context.Background(), h.Size)
		ok(t, err)
		if again.Root != h.Root || !bytes.Equal(again.Note, h.Note) {
			t.Fatal("a head is not remade in the same bytes")
		}
		if h.Size == last.Size || h.Size == 0 {
			continue
		}
		hashes, err := r.Consistency(context.Background(), h.Size, last.Size)
		ok(t, err)
		ok(t, proof.CheckConsistency(checkpoint(h), checkpoint(last), hashes))
	}
	r.check()
}

func checkpoint(h ledger.Head) proof.Checkpoint {
	return proof.Checkpoint{Origin: "212000-0449", Size: h.Size, Root: h.Root}
}

// TestNothingLeavesBefore: neither answer, head, reader nor published head shows
// what is not durable.
func TestNothingLeavesBefore(t *testing.T) {
	r := newRig(t)
	told := make(chan error, 1)
	r.disk.Fault(1, memory.Fault{During: func() {
		select {
		case <-told:
			t.Error("answered before the commit")
		default:
		}
		if r.Head().Size != 0 || r.publish().Size != 0 || r.has("x") {
			t.Error("seen before the commit")
		}
	}})
	go func() { _, err := r.do("x"); told <- err }()
	ok(t, <-told)
	if r.Head().Size != 1 || !r.has("x") {
		t.Fatal("not there after the commit")
	}
	if r.Published().Size != 0 {
		t.Fatal("published without being told to")
	}
	if r.publish().Size != 1 || r.Published().Size != 1 {
		t.Fatal("not published")
	}
}

// TestRefusalWaits: a refusal that rests on an operation before it in the batch is
// told after the commit, and with its fate.
func TestRefusalWaits(t *testing.T) {
	for name, fault := range map[string]error{"durable": nil, "full": store.ErrFull, "failed": errDisk} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { testRefusalWaits(t, fault) })
		})
	}
}

func testRefusalWaits(t *testing.T, fault error) {
	r := newRig(t)
	errTwice := errors.New("there already")
	once := func(tx *ledger.Tx) error {
		if _, err := tx.Get(things, []byte("x")); err == nil {
			return errTwice
		}
		return file("x", entry())(tx)
	}
	release, started := make(chan bool), make(chan bool)
	r.disk.Fault(1, memory.Fault{During: func() { close(started); <-release }})
	told := make(chan error)
	var answered atomic.Int32
	go func() { _, err := r.do("first"); ok(t, err) }()
	<-started
	r.disk.Fault(1, memory.Fault{Err: fault, During: func() {
		synctest.Wait()
		if answered.Load() > 0 {
			t.Error("answered before the commit")
		}
	}})
	for range 3 {
		go func() { _, err := r.Do(context.Background(), once); answered.Add(1); told <- err }()
	}
	synctest.Wait() // they are one batch
	close(release)
	durable, refused, failed := 0, 0, 0
	for range 3 {
		switch err := <-told; {
		case err == nil:
			durable++
		case errors.Is(err, errTwice):
			refused++
		case errors.Is(err, fault):
			failed++
		default:
			t.Error(err)
		}
	}
	if fault == nil && (durable != 1 || refused != 2) || fault != nil && failed != 3 {
		t.Error(durable, "durable,", refused, "refused,", failed, "failed")
	}
	if !errors.Is(fault, errDisk) && r.has("x") != (fault == nil) {
		t.Error("not as it was told")
	}
}

// TestG12_givingUp: the error of a context means that nothing happened. A caller whose
// operation has begun waits for its end.
func TestG12_givingUp(t *testing.T) {
	r := newRig(t)
	release, started := make(chan bool), make(chan bool)
	r.disk.Fault(1, memory.Fault{During: func() { close(started); <-release }})
	begun, cancelBegun := context.WithCancel(context.Background())
	first, second := make(chan error, 1), make(chan error, 1)
	go func() {
		head, err := r.Do(begun, file("begun", entry()))
		if err == nil && head.Size != 1 {
			err = errors.New("no head")
		}
		first <- err
	}()
	<-started
	waiting, cancelWaiting := context.WithCancel(context.Background())
	ran := false
	go func() {
		_, err := r.Do(waiting, func(tx *ledger.Tx) error { ran = true; return file("waiting", entry())(tx) })
		second <- err
	}()
	cancelWaiting()
	wantErr(t, <-second, context.Canceled)
	cancelBegun()
	select {
	case err := <-first:
		t.Fatal("answered while it is not known whether it is durable:", err)
	default:
	}
	close(release)
	ok(t, <-first)
	_, err := r.do("after")
	ok(t, err)
	if ran || r.has("waiting") || !r.has("begun") {
		t.Fatal("given up and done, or begun and lost")
	}
	done, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = r.Do(done, file("too late", entry()))
	wantErr(t, err, context.Canceled)
	if r.has("too late") {
		t.Fatal("done after its end")
	}
	r.check()
}

// TestStop: what was queued before the end is finished, what comes after is
// refused.
func TestStop(t *testing.T) {
	r := newRig(t)
	release, started := make(chan bool), make(chan bool)
	r.disk.Fault(1, memory.Fault{During: func() { close(started); <-release }})
	told := make(chan map[string]error, 1)
	go func() { _, err := r.do("first"); told <- map[string]error{"first": err} }()
	<-started
	r.cancel()
	close(release)
	if err := <-r.ended; err != nil {
		t.Fatal(err)
	}
	r.ended <- nil
	ok(t, (<-told)["first"])
	_, err := r.do("after")
	wantErr(t, err, ledger.ErrStopped)
	r.start()
	r.check()
	if !r.has("first") || r.has("after") {
		t.Fatal("not what was acknowledged")
	}
}

// TestAtHead: what is written at the head is in the same commit and knows its
// size; its failure stops the ledger and leaves nothing.
func TestAtHead(t *testing.T) {
	r := newRig(t)
	op := func(fail error) ledger.Op {
		return func(tx *ledger.Tx) error {
			tx.AtHead(func(h ledger.Head, w ledger.Writer) error {
				return errors.Join(w.Put(ledger.RoomHead, []byte("mine"), h.Note), fail)
			})
			return file("row", entry())(tx)
		}
	}
	head, err := r.Do(context.Background(), op(nil))
	ok(t, err)
	ok(t, r.Read(context.Background(), func(s store.Reader) error {
		b, err := s.Get(ledger.RoomHead, []byte("mine"))
		if !bytes.Equal(b, head.Note) {
			t.Error("another head")
		}
		return err
	}))
	_, err = r.Do(context.Background(), op(errDisk))
	wantErr(t, err, ledger.ErrStopped)
	wantErr(t, <-r.ended, errDisk)
	r.ended <- nil
	r.start()
	r.check()
	if r.Head().Size != 1 {
		t.Fatal("half a commit")
	}
}

// TestQueueFull: what does not fit into the queue is refused at once.
func TestQueueFull(t *testing.T) {
	r := newRig(t)
	release, started := make(chan bool), make(chan bool)
	r.disk.Fault(1, memory.Fault{During: func() { close(started); <-release }})
	var all sync.WaitGroup
	all.Go(func() { _, err := r.do("first"); ok(t, err) })
	<-started
	busy := make(chan error, 5000)
	nothing := func(*ledger.Tx) error { return nil }
	for range 5000 {
		all.Go(func() {
			if _, err := r.Do(context.Background(), nothing); err != nil {
				busy <- err
			}
		})
	}
	wantErr(t, <-busy, ledger.ErrBusy)
	close(release)
	all.Wait()
	_, err := r.do("after")
	ok(t, err)
	r.check()
}

// TestPublishedWitnessed: where checkpoints are witnessed nothing is published until it
// is, and what was stays published over a restart, cosignatures and all.
func TestPublishedWitnessed(t *testing.T) {
	r := newRig(t)
	_, err := r.do("before there were witnesses")
	ok(t, err)
	r.publish()
	ok(t, r.stop())
	r.witnessed = true
	r.start()
	if h := r.Published(); h.Size != 0 || r.Head().Size != 1 {
		t.Fatal("published without witnesses: ", h.Size)
	}
	h := r.Head()
	h.Note = append(bytes.Clone(h.Note), "— ivo.example AAAAAAAA\n"...)
	ok(t, r.Publish(t.Context(), h))
	_, err = r.do("later")
	ok(t, err)
	ok(t, r.stop())
	r.start()
	if got := r.Published(); got.Size != h.Size || got.Root != h.Root || !bytes.Equal(got.Note, h.Note) || r.Head().Size != 2 {
		t.Fatal("after a restart: ", got.Size)
	}
}

// TestL07_clock: while the clock shows an earlier time than it has shown, nothing is
// done; a minute is nothing.
func TestL07_clock(t *testing.T) {
	r := newRig(t)
	before, err := r.do("before")
	ok(t, err)
	r.NotBefore(time.Now().Add(50 * time.Second))
	if before, err = r.do("set right by less than a minute"); err != nil {
		t.Fatal(err)
	}
	r.NotBefore(time.Now().Add(time.Hour))
	r.NotBefore(time.Now()) // takes nothing back
	ran := false
	_, err = r.Do(context.Background(), func(*ledger.Tx) error { ran = true; return nil })
	wantErr(t, err, ledger.ErrClock)
	wantErr(t, r.Clock(), ledger.ErrClock)
	if ran || r.Head().Size != before.Size {
		t.Error("something was done")
	}
}
