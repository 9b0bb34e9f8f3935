package workflow

import (
	"context"
	"encoding/binary"
	"errors"
	"time"

	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/order"
	"sigill/keys/proof"
	"sigill/server/ledger"
)

// noticeKey orders delayed notices by the day on which they are due.
func noticeKey(due ident.Date, id ident.ID) []byte {
	return append(binary.BigEndian.AppendUint32(nil, due.Days()), idKey(id)...)
}

// notice logs the entry by which an author learns that the seal was opened: only
// who holds the watch secret knows it for theirs. From then on ListSealOpenings
// tells who asked and why. The caller saves the row.
func (o *Office) notice(tx *ledger.Tx, row *openingRow) error {
	m, err := o.matter(tx, row.decision())
	if err != nil {
		return err
	}
	if _, err := o.enterAs(tx, proof.OpeningNotice, jws.Digest(row.Release), proof.NoticeTag(m.Watch, m.Notices)); err != nil {
		return err
	}
	m.Notices++
	row.Noticed = true
	return m.save(tx)
}

// SendNotices logs the notices whose lawful delay has ended.
func (o *Office) SendNotices(ctx context.Context, now time.Time) error {
	_, to := within(binary.BigEndian.AppendUint32(nil, ident.DateOf(now).Days()), nil)
	var due [][]byte
	err := o.ledger.Read(ctx, func(r ledger.Reader) error {
		for p, err := range r.Scan(roomNotice, nil, to) {
			if err != nil {
				return storeError(err)
			}
			due = append(due, p.Key)
		}
		return nil
	})
	return errors.Join(ledgerError(err), eachOf(due, func(key []byte) error {
		_, err := o.ledger.Do(ctx, func(tx *ledger.Tx) error { return o.sendNotice(tx, key) })
		return err
	}))
}

func (o *Office) sendNotice(tx *ledger.Tx, key []byte) error {
	if len(key) != 20 {
		return damaged("notices", ledger.ErrCorrupt)
	}
	id := ident.IDFromBytes([16]byte(key[4:]))
	row, err := readOpening(tx, id)
	if err != nil {
		return damaged("notices", err)
	}
	if err := tx.Delete(roomNotice, key); err != nil || row.Noticed {
		return err
	}
	if err := o.notice(tx, row); err != nil {
		return err
	}
	return row.save(tx, id)
}

// A SealOpening is one opening as its subject sees it.
type SealOpening struct {
	Request   string
	Requester string // the organisation
	Release   string
	Logged    Logged // the entry of the release
}

// ListSealOpenings tells the author who opened the seal and why, as far as the
// notices have gone out.
func (o *Office) ListSealOpenings(ctx context.Context, c *Caller, id ident.ID) ([]SealOpening, error) {
	if _, err := o.authorReads(ctx, c, id); err != nil {
		return nil, err
	}
	var rows []*openingRow
	err := o.ledger.Read(ctx, func(r ledger.Reader) error {
		return listed(r, idKey(id), nil, func(_ ident.ID, row *openingRow) (bool, error) {
			if row.Noticed {
				rows = append(rows, row)
			}
			return true, nil
		})
	})
	if err != nil {
		return nil, ledgerError(err)
	}
	var out []SealOpening
	for _, row := range rows {
		var who order.Requester
		if err := jws.Peek(row.Requester[0], &who); err != nil {
			return nil, damaged("requester", err)
		}
		l, err := o.loggedFrom(ctx, row.Released, o.headOver(row.Released.Index+1))
		if err != nil {
			return nil, err
		}
		out = append(out, SealOpening{row.Request, who.Name, row.Release, *l})
	}
	return out, nil
}
