// Package ledger is the one way in which state changes: operations queue up, one
// goroutine runs what is waiting, each in an overlay of its own, appends their
// log entries, signs the checkpoint, and makes one durable commit of it all; only
// then does anything leave.
//
// Use [Open], run [Ledger.Run] in a goroutine, and change state with [Ledger.Do].
// An operation that fails leaves nothing: its overlay and its entries are
// dropped. Its refusal is told when what it may have seen is durable, and is the
// commit's error if that is never. An operation runs at most once, is never run
// again by the ledger, and must not block; costly work belongs before the queue.
// Any error of a commit but [ErrFull] is final: the store may or may not have it, so
// the ledger stops, every caller gets [ErrStopped], and a restart finds out (callers
// try again by request id).
//
// The order of the log is the order of the commits. TestCrash and
// TestD02_misbehaving prove it over the store that misbehaves on purpose.
package ledger

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"sigill/keys/ident"
	"sigill/keys/proof"
	"sigill/server/store"
	"sigill/server/translog"
)

// Errors of the ledger itself. Those of operations pass through unchanged.
var (
	// ErrStopped: a commit failed or the ledger has ended; whether the operation
	// is durable is not known.
	ErrStopped = errors.New("ledger: stopped")
	// ErrBusy: the queue is full; nothing was done.
	ErrBusy = errors.New("ledger: queue full")
	// ErrPanic: the operation failed by a fault of the program; nothing was done.
	ErrPanic = errors.New("ledger: an operation failed")
	// ErrClock: the clock shows an earlier time than it has shown; nothing was done.
	ErrClock = errors.New("the clock has gone back")
	// ErrHead: the stored checkpoint does not fit the stored log.
	ErrHead = errors.New("ledger: the log and its last checkpoint do not fit")
)

// RoomHead holds the last signed checkpoint, of the commit that it lies in, and, if
// checkpoints are witnessed, the last one that was published, with its cosignatures.
const RoomHead store.Room = "head"

var headKey, publishedKey = []byte("checkpoint"), []byte("published")

// backward is how far the clock may go back: it is set right in small steps.
const backward = time.Minute

// Limits of a batch and of the queue.
const (
	maxBatch = 256
	maxQueue = 4096
)

// A Head is the log after a commit, with the checkpoint signed over it.
type Head struct {
	Size uint64
	Root ident.Digest
	Note []byte // C2SP checkpoint
}

// An Op changes state through its transaction. It runs in the ledger's goroutine.
type Op func(tx *Tx) error

// A Tx is what an operation sees: the state before it with its own changes over
// it, and one time for the whole batch.
type Tx struct {
	*store.Overlay
	Now     time.Time
	first   uint64
	entries []proof.Entry
	atHead  []func(Head, Writer) error
	apart   []*Tx
}

// Apart is a transaction of which nothing is kept: what it puts is dropped, and its
// entries are hashed and signed as if they were logged, and dropped too. It is for
// work that must take as long as other work.
func (t *Tx) Apart() *Tx {
	a := &Tx{Overlay: store.NewOverlay(t.Overlay), Now: t.Now, first: t.first}
	t.apart = append(t.apart, a)
	return a
}

// Log appends an entry to the log when the operation succeeds, and returns the
// index that it will have.
func (t *Tx) Log(e proof.Entry) uint64 {
	t.entries = append(t.entries, e)
	return t.first + uint64(len(t.entries)) - 1
}

// AtHead runs f when the batch's checkpoint is known, before the commit: what it
// puts is part of the commit. It must not fail for reasons of its own: an error
// stops the ledger.
func (t *Tx) AtHead(f func(Head, Writer) error) { t.atHead = append(t.atHead, f) }

// Ledger is the writer and the newest state.
type Ledger struct {
	store     store.Store
	signer    *proof.LogSigner
	before    []proof.LogKey
	queue     chan *call
	state     atomic.Pointer[state] // changed by the writer alone
	published atomic.Pointer[Head]
	witnessed bool
	latest    atomic.Int64 // the latest time that the clock is known to have shown, ns since 1970
	mu        sync.RWMutex // guards stopped against callers that are about to queue
	stopped   bool
	done      chan struct{}
}

// state is what a commit left: the log, and the checkpoint over it.
type state struct {
	Head
	tree translog.Tree
}

type call struct {
	ctx     context.Context
	op      Op
	taken   atomic.Bool // by the writer, or by a caller who gave up
	refusal error       // of the operation
	result  chan error
	head    Head
}

// Open reads the log's state. A store without a log begins an empty one. If
// checkpoints are witnessed, the published head is the one that [Ledger.Publish] stored
// last, or that of an empty log; else it is the newest. The last checkpoint may also be by
// a key that signed before the signer's: the log then goes on under the new one.
func Open(ctx context.Context, s store.Store, signer *proof.LogSigner, witnessed bool, before ...proof.LogKey) (*Ledger, error) {
	l := &Ledger{store: s, signer: signer, before: before, witnessed: witnessed, queue: make(chan *call, maxQueue), done: make(chan struct{})}
	snap, err := s.Snapshot(ctx)
	if err != nil {
		return nil, fmt.Errorf("opening the ledger: %w", err)
	}
	defer snap.Close()
	st, err := l.load(snap)
	if err != nil {
		return nil, fmt.Errorf("opening the ledger: %w", err)
	}
	l.state.Store(st)
	published := st.Head
	if witnessed {
		published, err = storedPublished(snap, st)
		if errors.Is(err, store.ErrNotFound) {
			published, err = l.sign(translog.Tree{})
		}
		if err != nil {
			return nil, fmt.Errorf("opening the ledger: %w", err)
		}
	}
	l.published.Store(&published)
	return l, nil
}

// load reads the log under its last checkpoint, which this log's key, or one before
// it, must have signed over exactly what is stored.
func (l *Ledger) load(r store.Reader) (*state, error) {
	note, err := r.Get(RoomHead, headKey)
	if errors.Is(err, store.ErrNotFound) {
		tree, err := translog.Load(r, 0, ident.Sum(""))
		if err != nil {
			return nil, err
		}
		head, err := l.sign(tree)
		return &state{head, tree}, err
	}
	if err != nil {
		return nil, err
	}
	cp, err := openBy(note, l.signer.LogKey)
	ours := err == nil
	for i := 0; i < len(l.before) && err != nil; i++ {
		cp, err = openBy(note, l.before[i])
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrHead, err)
	}
	tree, err := translog.Load(r, cp.Size, cp.Root)
	if err != nil || ours {
		return &state{Head{cp.Size, cp.Root, note}, tree}, err
	}
	head, err := l.sign(tree)
	return &state{head, tree}, err
}

func openBy(note []byte, key proof.LogKey) (proof.Checkpoint, error) {
	policy, err := proof.UnwitnessedPolicy(key)
	if err != nil {
		return proof.Checkpoint{}, err
	}
	return proof.OpenCheckpoint(note, policy)
}

func (l *Ledger) sign(t translog.Tree) (Head, error) {
	root := t.Root()
	note, err := l.signer.Checkpoint(t.Size(), root)
	if err != nil {
		return Head{}, fmt.Errorf("checkpoint: %w", err)
	}
	return Head{t.Size(), root, note}, nil
}

// Head is the newest committed state of the log.
func (l *Ledger) Head() Head { return l.state.Load().Head }

// NotBefore says that the clock has shown a time: an operation is then refused with
// [ErrClock] while it shows one that is more than a minute earlier. The ledger keeps
// the time of its own batches for as long as it runs.
func (l *Ledger) NotBefore(t time.Time) {
	for was := l.latest.Load(); t.UnixNano() > was && !l.latest.CompareAndSwap(was, t.UnixNano()); was = l.latest.Load() {
	}
}

// Clock is ErrClock, with both times, if the clock has gone back.
func (l *Ledger) Clock() error {
	now, last := time.Now(), time.Unix(0, l.latest.Load()) // which has no monotonic time
	if now.Before(last.Add(-backward)) {
		return fmt.Errorf("%w: it shows %s, and has shown %s", ErrClock, now.UTC().Format(time.DateTime), last.UTC().Format(time.DateTime))
	}
	l.NotBefore(now)
	return nil
}

// Read gives f the newest durable state.
func (l *Ledger) Read(ctx context.Context, f func(r store.Reader) error) error {
	snap, err := l.store.Snapshot(ctx)
	switch {
	case errors.Is(err, store.ErrStopped), errors.Is(err, store.ErrClosed):
		return fmt.Errorf("%w: reading: %w", ErrStopped, err)
	case err != nil:
		return fmt.Errorf("reading: %w", err)
	}
	defer snap.Close()
	return f(snap)
}

// Do queues an operation and waits until it is durable; it returns the log's
// head in that commit. The error of a ctx that ended means that the operation has
// not run and will not. One that has begun is waited for: until it is known
// whether it is durable nothing can be answered, and what it writes is its own.
func (l *Ledger) Do(ctx context.Context, op Op) (Head, error) {
	c := &call{ctx: ctx, op: op, result: make(chan error, 1)}
	if err := l.enqueue(c); err != nil {
		return Head{}, err
	}
	select {
	case err := <-c.result:
		return c.head, err
	case <-ctx.Done():
		if c.taken.CompareAndSwap(false, true) {
			return Head{}, ctx.Err()
		}
		err := <-c.result
		return c.head, err
	}
}

func (l *Ledger) enqueue(c *call) error {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if l.stopped {
		return ErrStopped
	}
	select {
	case l.queue <- c:
		return nil
	default:
		return ErrBusy
	}
}

// Run is the writer. It returns nil when ctx ends, after what was queued is
// done, and otherwise the error of the commit that stopped it. It is called
// once.
func (l *Ledger) Run(ctx context.Context) error {
	defer close(l.done)
	defer l.stop()
	for {
		select {
		case c := <-l.queue:
			runtime.Gosched() // whoever is about to queue goes with this commit
			if err := l.batch(l.collect(c)); err != nil {
				return err
			}
		case <-ctx.Done():
			return l.drain()
		}
	}
}

// drain refuses new calls and finishes those that are queued.
func (l *Ledger) drain() error {
	l.mu.Lock()
	l.stopped = true
	l.mu.Unlock()
	for {
		select {
		case c := <-l.queue:
			if err := l.batch(l.collect(c)); err != nil {
				return err
			}
		default:
			return nil
		}
	}
}

// stop answers all that is still queued.
func (l *Ledger) stop() {
	l.mu.Lock()
	l.stopped = true
	l.mu.Unlock()
	for {
		select {
		case c := <-l.queue:
			c.result <- ErrStopped
		default:
			return
		}
	}
}

// Done is closed when [Ledger.Run] has ended.
func (l *Ledger) Done() <-chan struct{} { return l.done }

func (l *Ledger) collect(first *call) []*call {
	batch := []*call{first}
	for len(batch) < maxBatch {
		select {
		case c := <-l.queue:
			batch = append(batch, c)
		default:
			return batch
		}
	}
	return batch
}

// What rooms above the ledger need to name of the store below it.
type (
	// A Room is a named part of the store.
	Room = store.Room
	// A Reader reads one state of the store.
	Reader = store.Reader
	// A Writer takes rows of a commit.
	Writer = translog.Writer
)

// Errors of the store, by the names that rooms above use.
var (
	ErrNotFound = store.ErrNotFound
	ErrCorrupt  = store.ErrCorrupt
	ErrFull     = store.ErrFull
)
