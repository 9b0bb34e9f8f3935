package workflow

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"crypto/hpke"
	"sigill/keys/bundle"
	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/order"
	"sigill/keys/proof"
	"sigill/keys/statement"
	"sigill/server/ledger"
)

// Rows of the room meta.
var (
	metaOrder = []byte("order") // version in force, u64
	metaSet   = []byte("set")   // epoch in force, u64
)

// current is what is in force now; it is not changed afterwards.
func (o *Office) current() *inForce {
	o.mu.RLock()
	defer o.mu.RUnlock()
	f := o.inForce
	return &f
}

// inForceAt is what is in force in a state: inside an operation also what one
// before it in the same batch has just published.
func (o *Office) inForceAt(r ledger.Reader) (*inForce, error) {
	f := o.current()
	version, err := number(r, metaOrder)
	if err != nil {
		return nil, err
	}
	epoch, err := number(r, metaSet)
	if err != nil {
		return nil, err
	}
	if (f.order == nil) == (version == 0) && (f.order == nil || uint64(f.order.Version) == version) &&
		(f.set == nil) == (epoch == 0) && (f.set == nil || uint64(f.set.Epoch) == epoch) {
		return f, nil
	}
	return o.readInForce(r)
}

// loadInForce keeps what is in force for those who ask next.
func (o *Office) loadInForce(r ledger.Reader) error {
	f, err := o.readInForce(r)
	if err != nil {
		return err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if !f.olderThan(&o.inForce) { // of two that read at once the one with the newer state stays
		o.inForce = *f
	}
	return nil
}

// readInForce reads the order and the set in force and parses them.
func (o *Office) readInForce(r ledger.Reader) (*inForce, error) {
	f := &inForce{}
	version, err := number(r, metaOrder)
	if err != nil {
		return nil, err
	}
	if version > 0 {
		var row documentRow
		if err := get(r, roomOrder, indexKey(version), &row); err != nil {
			return nil, fmt.Errorf("delegation order: %w", err)
		}
		f.order, f.orderDocs = &order.Delegation{}, row.Signatures
		if f.orderDigest, err = o.Trust.Board.Read(row.Signatures, f.order); err != nil {
			return nil, damaged("delegation order", err)
		}
	}
	epoch, err := number(r, metaSet)
	if err != nil {
		return nil, err
	}
	if epoch > 0 {
		if err := o.loadSet(r, epoch, f); err != nil {
			return nil, err
		}
	}
	return f, nil
}

func (f *inForce) olderThan(g *inForce) bool {
	return g.order != nil && (f.order == nil || f.order.Version < g.order.Version) ||
		g.set != nil && (f.set == nil || f.set.Epoch < g.set.Epoch)
}

// loadSet reads the sets up to an epoch, each verified by the one before.
func (o *Office) loadSet(r ledger.Reader, epoch uint64, f *inForce) error {
	var before *order.ReviewerSet
	for e := uint64(1); e <= epoch; e++ {
		var row documentRow
		if err := get(r, roomSet, indexKey(e), &row); err != nil {
			return fmt.Errorf("reviewer set: %w", err)
		}
		set := &order.ReviewerSet{}
		var err error
		if before == nil {
			f.setDigest, err = o.Trust.Board.Read(row.Signatures, set)
		} else {
			f.setDigest, err = before.ReadNext(row.Signatures, set)
		}
		if err != nil {
			return damaged("reviewer set", err)
		}
		before = set
	}
	f.set = before
	for _, g := range f.set.Groups {
		var keys []hpke.PublicKey
		for _, m := range g.Members {
			k, err := m.HPKEKey()
			if err != nil {
				return damaged("reviewer set", err)
			}
			keys = append(keys, k)
		}
		f.setKeys = append(f.setKeys, keys)
	}
	return nil
}

// number reads a counter of the room meta; what is not there is 0.
func number(r ledger.Reader, key []byte) (uint64, error) {
	b, err := r.Get(roomMeta, key)
	if errors.Is(err, ledger.ErrNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, storeError(err)
	}
	if len(b) != 8 {
		return 0, damaged("counter", ledger.ErrCorrupt)
	}
	return binary.BigEndian.Uint64(b), nil
}

func putNumber(tx *ledger.Tx, key []byte, n uint64) error {
	return tx.Put(roomMeta, key, binary.BigEndian.AppendUint64(nil, n))
}

// permits holds a draft to what is in force on a day: the order and the set that
// it cites, an item that lets this type be decided in this mode, and provisions
// of the day of law: the same, or that of what is corrected.
func (f *inForce) permits(d *statement.Draft, on, law ident.Date) error {
	if f.order == nil || f.set == nil {
		return refuse(ErrState, ReasonSuperseded)
	}
	if d.Order.Version != f.order.Version || d.Order.Digest != f.orderDigest ||
		d.Set.Epoch != f.set.Epoch || d.Set.Digest != f.setDigest {
		return refuse(ErrState, ReasonSuperseded)
	}
	if err := f.order.Permits(d.Item, d.Type, d.Mode, on); err != nil {
		return &Refusal{Kind: ErrState, Reason: ReasonOrder, err: err}
	}
	if err := d.Lawful(law); err != nil {
		return invalid("statement.provisions.sfs", ReasonLaw, err)
	}
	return nil
}

// stillInForce checks inside the queue that what an act was checked under has not
// been replaced meanwhile, also not by an operation of the same batch.
func stillInForce(r ledger.Reader, f *inForce) error {
	version, err := number(r, metaOrder)
	if err != nil {
		return err
	}
	epoch, err := number(r, metaSet)
	if err != nil {
		return err
	}
	if uint64(f.order.Version) != version || uint64(f.set.Epoch) != epoch {
		return refuse(ErrState, ReasonSuperseded)
	}
	return nil
}

// visibleFrom is when signers are shown a draft: if it is urgent or no hours are
// set from the beginning of its day, so that no row keeps the minute in which it
// came; else at the next of the hours that is not less than a minute away. Who looks
// when an hour comes would see at once what was sent just before it, or was still
// being sealed.
func (o *Office) visibleFrom(received time.Time, urgent bool) time.Time {
	day := ident.DateOf(received)
	if urgent || len(o.InboxHours) == 0 {
		return day.Start()
	}
	from := received.Add(time.Minute)
	var next time.Time
	for ; next.IsZero(); day = day.AddDays(1) {
		for _, h := range o.InboxHours {
			if at := clock(day, h); !at.Before(from) && (next.IsZero() || at.Before(next)) {
				next = at
			}
		}
	}
	return next
}

// clock is the moment of an hour on a day in Sweden, also on the days on which
// the clock is changed.
func clock(day ident.Date, h time.Duration) time.Time {
	s := day.Start()
	return time.Date(s.Year(), s.Month(), s.Day(), int(h.Hours()), int(h.Minutes())%60, 0, 0, ident.Stockholm())
}

// OwedDays is how many days after its act an owed entry stands in the log at the
// latest, as the receipt promises; owedWait is how many it waits for company. The
// day between is for what goes wrong: no promise is broken by one bad night.
const (
	OwedDays = 7
	owedWait = OwedDays - 1
)

// promise makes the entry that the log will be owed for an act, and the receipt
// for it.
func (o *Office) promise(c *Caller, id ident.ID, act ident.Digest) (owed, error) {
	return o.promiseAs(c, id, act, proof.AuthorAct, proof.RandomTag())
}

func (o *Office) promiseAs(c *Caller, id ident.ID, act ident.Digest, kind proof.Kind, tag proof.Tag) (owed, error) {
	entry, err := proof.NewPreimage(kind, act).Entry(tag)
	if err != nil {
		return owed{}, fmt.Errorf("receipt: %w", err)
	}
	day := c.today()
	receipt, err := jws.Make(o.Log, &statement.Receipt{
		Authority: o.Trust.Authority, Decision: id, Due: day.AddDays(OwedDays), Entry: entry.Digest,
		Received: day, Statement: act,
	})
	if err != nil {
		return owed{}, fmt.Errorf("receipt: %w", err)
	}
	return owed{entry, receipt}, nil
}

// owe files an entry that goes out with the daily batch, under a random key.
func (o *Office) owe(tx *ledger.Tx, c *Caller, w owed) error {
	tag := proof.RandomTag()
	return put(tx, roomOwed, tag[:], owedRow{w.entry.Marshal(), c.today().Days()})
}

// enter logs an entry at once and makes it findable by its digest.
func (o *Office) enter(tx *ledger.Tx, e proof.Entry) (uint64, error) {
	i := tx.Log(e)
	return i, tx.Put(roomIndex, e.Digest[:], indexKey(i))
}

// Logged proves that something stands in the log.
type Logged struct {
	Preimage []byte
	Tag      [16]byte
	Proof    string // C2SP tlog-proof
}

// logged proves an entry at a head.
func (o *Office) logged(ctx context.Context, pre proof.Preimage, tag proof.Tag, index uint64, head ledger.Head) (*Logged, error) {
	text, err := o.ledger.Proof(ctx, index, head)
	if err != nil {
		return nil, ledgerError(err)
	}
	return &Logged{pre.Marshal(), tag, text}, nil
}

// bundle is a signed decision at a head of the log.
func (o *Office) bundle(ctx context.Context, docs []string, m *matter, row *decisionRow, head ledger.Head) ([]byte, error) {
	text, err := o.ledger.Proof(ctx, m.Index, head)
	if err != nil {
		return nil, ledgerError(err)
	}
	b := bundle.Bundle{Content: row.Content, Decision: row.Decision, Order: docs, Preimage: row.Preimage, Proof: bundle.SplitLines(text)}
	return b.Marshal()
}

// orderDocs are the signatures of a version of the delegation order.
func (o *Office) orderDocs(r ledger.Reader, version int) ([]string, error) {
	var row documentRow
	if err := get(r, roomOrder, indexKey(uint64(version)), &row); err != nil {
		return nil, err
	}
	return row.Signatures, nil
}
