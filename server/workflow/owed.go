package workflow

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"math/big"
	"time"

	"sigill/keys/ident"
	"sigill/keys/proof"
	"sigill/server/access"
	"sigill/server/audit"
	"sigill/server/ledger"
)

// PublishOwed puts what the log is owed for author's acts into it, in one batch
// and in random order, once there are at least k entries, or on the day before the
// one by which the oldest is promised. The server calls it at a fixed hour, so that neither
// place nor time says which act came when.
func (o *Office) PublishOwed(ctx context.Context, now time.Time) error {
	today := ident.DateOf(now)
	_, err := o.ledger.Do(ctx, func(tx *ledger.Tx) error {
		entries, keys, oldest, err := owedEntries(tx)
		if err != nil || len(entries) == 0 {
			return err
		}
		if len(entries) < o.SmallestSet && today.Days() < oldest+owedWait {
			return nil
		}
		if err := shuffle(entries); err != nil {
			return err
		}
		for _, e := range entries {
			if _, err := o.enter(tx, e); err != nil {
				return err
			}
		}
		for _, k := range keys {
			if err := tx.Delete(roomOwed, k); err != nil {
				return err
			}
		}
		return nil
	})
	return ledgerError(err)
}

func owedEntries(r ledger.Reader) (entries []proof.Entry, keys [][]byte, oldest uint32, err error) {
	oldest = ^uint32(0)
	for p, err := range r.Scan(roomOwed, nil, nil) {
		if err != nil {
			return nil, nil, 0, storeError(err)
		}
		var row owedRow
		if err := decode(p.Value, &row); err != nil {
			return nil, nil, 0, err
		}
		e, err := proof.ParseEntry(row.Entry)
		if err != nil {
			return nil, nil, 0, damaged("owed entry", err)
		}
		entries, keys, oldest = append(entries, e), append(keys, p.Key), min(oldest, row.Received)
	}
	return entries, keys, oldest, nil
}

// shuffle is Fisher-Yates with the system's randomness.
func shuffle(entries []proof.Entry) error {
	for i := len(entries) - 1; i > 0; i-- {
		n, err := rand.Int(rand.Reader, big.NewInt(int64(i+1)))
		if err != nil {
			return fmt.Errorf("shuffling: %w", err)
		}
		j := int(n.Int64())
		entries[i], entries[j] = entries[j], entries[i]
	}
	return nil
}

// Status is figures that point at nobody.
type Status struct {
	Version          string
	LogSize          uint64
	Epoch            int
	Order            int
	CertificateUntil ident.Date
	Drafts           uint64
	Openings         uint64
	Owed             uint64
}

// GetStatus tells how the authority stands. Whoever asks often must not learn when
// somebody drafted: drafts count once signers are shown them, owed entries from the
// day after.
func (o *Office) GetStatus(ctx context.Context, c *Caller) (*Status, error) {
	s := &Status{Version: o.Version, LogSize: o.ledger.Head().Size,
		CertificateUntil: o.Trust.CertifiedUntil(o.Institution.Chain[0])}
	f := o.current()
	if f.order != nil {
		s.Order = f.order.Version
	}
	if f.set != nil {
		s.Epoch = f.set.Epoch
	}
	err := o.look(ctx, c, nil, func(r ledger.Reader, _ *actor) error {
		from, to := within(undecided, nil)
		return errors.Join(
			count(r, roomInbox, nil, nil, &s.Drafts, func(id, _ []byte) (bool, error) { return o.visible(r, id, c.Received) }),
			count(r, roomOpeningsOf, from, to, &s.Openings, func(_, _ []byte) (bool, error) { return true, nil }),
			count(r, roomOwed, nil, nil, &s.Owed, func(_, value []byte) (bool, error) {
				var row owedRow
				err := decode(value, &row)
				return row.Received < c.today().Days(), err
			}))
	})
	if err != nil {
		return nil, err
	}
	return s, nil
}

// AuthorCalls is how often authors called each of their methods on a day. It names
// nobody, and is not for a day that has not ended: whoever asks often would learn
// when somebody drafted.
func (o *Office) AuthorCalls(ctx context.Context, day ident.Date) (map[string]uint64, error) {
	calls := map[string]uint64{}
	err := o.ledger.Read(ctx, func(r ledger.Reader) (err error) {
		for _, method := range access.AuthorMethods() {
			if calls[method], err = audit.AuthorCalls(r, o.cipher.MAC, day, method); err != nil {
				return err
			}
		}
		return nil
	})
	return calls, ledgerError(err)
}

// count counts the rows of a room that are to be counted.
func count(r ledger.Reader, room ledger.Room, from, to []byte, n *uint64, counts func(key, value []byte) (bool, error)) error {
	for p, err := range r.Scan(room, from, to) {
		if err != nil {
			return storeError(err)
		}
		ok, err := counts(p.Key, p.Value)
		if err != nil {
			return err
		}
		if ok {
			*n++
		}
	}
	return nil
}

// visible reports whether signers are shown a draft.
func (o *Office) visible(r ledger.Reader, id []byte, now time.Time) (bool, error) {
	m, err := o.matter(r, ident.IDFromBytes([16]byte(id)))
	if err != nil {
		return false, err
	}
	v, err := m.shownAt(r, now)
	return v != nil, err
}
