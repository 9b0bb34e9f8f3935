package workflow

import (
	"context"
	"encoding/binary"
	"errors"
	"slices"
	"time"

	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/statement"
	"sigill/server/ledger"
)

// What signers are shown of a draft changes at the hours of the inbox alone. A
// director who watches would else see the minute at which an author revises,
// withdraws or dissents, and with a calendar who that was. So what is shown when
// an author acts is kept, to be shown until the next hour: under the matter's key,
// in a room of its own, filed by that hour, which is public configuration. What
// signers do takes effect at once; so does an urgent revision.

// A shownRow is what signers are shown of a matter.
type shownRow struct {
	Revision  int      `cbor:"1,keyasint"`
	Statement string   `cbor:"2,keyasint"`
	Content   []byte   `cbor:"3,keyasint"`
	Head      []byte   `cbor:"4,keyasint"`
	Dissents  []string `cbor:"5,keyasint"`
	Returns   []string `cbor:"6,keyasint"`
	Item      string   `cbor:"7,keyasint"` // of the delegation order, as the draft cites it
	Type      string   `cbor:"8,keyasint"` // the decision type that it states
}

// stillKey is where it is kept until an hour.
func stillKey(until int64, id ident.ID) []byte {
	return append(binary.BigEndian.AppendUint64(nil, uint64(until)), idKey(id)...)
}

// shownAt is what of a matter is shown at a moment, to whoever may sign it, or nil:
// what is kept, until its hour; then the pending draft, when its own hour has come.
// The pending draft is without content and head, which lie in a row of their own.
func (m *matter) shownAt(r ledger.Reader, at time.Time) (*shownRow, error) {
	var row inboxRow
	err := m.get(r, roomInbox, idKey(m.id), &row)
	if errors.Is(err, ledger.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if row.still(at) {
		v := &shownRow{}
		if err := m.get(r, roomStill, stillKey(row.Until, m.id), v); err != nil || v.Statement == "" {
			return nil, err
		}
		return v, nil
	}
	if m.State != Pending || at.Unix() < row.Visible {
		return nil, nil
	}
	return &shownRow{Revision: m.Revision, Statement: m.Statement, Dissents: m.Dissents, Returns: m.Returns, Item: row.Item, Type: row.Type}, nil
}

// knownAt is the last revision of a matter that anyone but its author may know of at a
// moment; false if there is none. Whoever drafts in the same case is told it, and would
// else, by asking all the time, learn the minute at which a colleague drafts, revises or
// withdraws.
func (m *matter) knownAt(r ledger.Reader, at time.Time) (d ident.Digest, known bool, err error) {
	var row inboxRow
	err = m.get(r, roomInbox, idKey(m.id), &row)
	if errors.Is(err, ledger.ErrNotFound) { // returned, or ended
		return m.last(), true, nil
	}
	if err != nil {
		return d, false, err
	}
	returns := m.Returns
	if row.still(at) {
		v := &shownRow{}
		if err := m.get(r, roomStill, stillKey(row.Until, m.id), v); err != nil {
			return d, false, err
		}
		if v.Statement != "" {
			return jws.Digest(v.Statement), true, nil
		}
		returns = v.Returns
	} else if at.Unix() >= row.Visible {
		return m.last(), true, nil
	}
	if len(returns) == 0 {
		return d, false, nil
	}
	var last statement.Return
	if err := jws.Peek(returns[len(returns)-1], &last); err != nil {
		return d, false, damaged("return", err)
	}
	return last.Draft, true, nil
}

// still reports whether signers are shown what is kept.
func (row *inboxRow) still(at time.Time) bool { return at.Unix() < row.Until }

// keep lets signers go on being shown what they are shown of a matter, before its
// author changes it, and returns until when; 0 if nobody is shown anything. The
// hours are those after the operation, since its call may have waited over one.
func (o *Office) keep(tx *ledger.Tx, m *matter) (until int64, err error) {
	var row inboxRow
	err = m.get(tx, roomInbox, idKey(m.id), &row)
	if errors.Is(err, ledger.ErrNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	until = o.visibleFrom(tx.Now, false).Unix()
	if row.still(tx.Now) { // what was shown before an earlier act
		return m.keepUntil(tx, &row, until)
	}
	if err := m.forget(tx, &row); err != nil {
		return 0, err
	}
	v, err := m.shownAt(tx, tx.Now)
	if err != nil || v == nil {
		return 0, err
	}
	if until <= tx.Now.Unix() {
		return 0, nil // drafts are shown at once
	}
	d, err := m.draft(tx)
	if err != nil {
		return 0, err
	}
	v.Content, v.Head = d.Content, d.Head
	return until, m.put(tx, roomStill, stillKey(until, m.id), v)
}

// keepUntil keeps what is kept over its hour, if an act comes in the last minute
// before that; it returns until when.
func (m *matter) keepUntil(tx *ledger.Tx, row *inboxRow, until int64) (int64, error) {
	if until <= row.Until {
		return row.Until, nil
	}
	v := &shownRow{}
	if err := m.get(tx, roomStill, stillKey(row.Until, m.id), v); err != nil {
		return 0, err
	}
	if err := m.forget(tx, row); err != nil {
		return 0, err
	}
	return until, m.put(tx, roomStill, stillKey(until, m.id), v)
}

// forget deletes what was kept. The caller writes or deletes the inbox row.
func (m *matter) forget(tx *ledger.Tx, row *inboxRow) error {
	if row.Until == 0 {
		return nil
	}
	return tx.Delete(roomStill, stillKey(row.Until, m.id))
}

// leaveInbox takes a matter from the inbox at once, with what was kept of it.
func (m *matter) leaveInbox(tx *ledger.Tx) error {
	var row inboxRow
	err := m.get(tx, roomInbox, idKey(m.id), &row)
	if errors.Is(err, ledger.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := m.forget(tx, &row); err != nil {
		return err
	}
	return tx.Delete(roomInbox, idKey(m.id))
}

// keptDissent keeps what is shown before a dissent is attached to a draft. One that
// nobody is shown yet waits as a revision would.
func (o *Office) keptDissent(tx *ledger.Tx, m *matter) error {
	if m.State != Pending {
		return nil
	}
	var row inboxRow
	if err := m.get(tx, roomInbox, idKey(m.id), &row); err != nil {
		return err
	}
	until, err := o.keep(tx, m)
	if err != nil {
		return err
	}
	was := row
	row.Until = until
	if tx.Now.Unix() < row.Visible {
		row.Visible = max(row.Visible, o.visibleFrom(tx.Now, false).Unix())
	}
	if row == was {
		return nil
	}
	return m.put(tx, roomInbox, idKey(m.id), row)
}

// keptWithdrawal takes a draft from the inbox, when its hour comes.
func (o *Office) keptWithdrawal(tx *ledger.Tx, m *matter) error {
	var row inboxRow
	if err := m.get(tx, roomInbox, idKey(m.id), &row); err != nil && !errors.Is(err, ledger.ErrNotFound) {
		return err
	}
	until, err := o.keep(tx, m)
	if err != nil {
		return err
	}
	if until == 0 && tx.Now.Unix() >= row.Visible {
		return m.leaveInbox(tx)
	}
	if until == 0 { // not shown yet: that it was drafted and withdrawn is known from then on
		until = row.Visible
		if err := m.put(tx, roomStill, stillKey(until, m.id), shownRow{Returns: m.Returns}); err != nil {
			return err
		}
	}
	return m.put(tx, roomInbox, idKey(m.id), inboxRow{Until: until})
}

// ForgetShown deletes what was kept to be shown until an hour that has come. The
// server calls it every minute; what is shown does not wait for it.
func (o *Office) ForgetShown(ctx context.Context, now time.Time) error {
	var due [][]byte
	err := o.ledger.Read(ctx, func(r ledger.Reader) error {
		for p, err := range r.Scan(roomStill, nil, binary.BigEndian.AppendUint64(nil, uint64(now.Unix()+1))) {
			if err != nil {
				return storeError(err)
			}
			due = append(due, slices.Clone(p.Key))
		}
		return nil
	})
	if err != nil || len(due) == 0 {
		return ledgerError(err)
	}
	_, err = o.ledger.Do(ctx, func(tx *ledger.Tx) error {
		for _, key := range due {
			if err := o.forgetShown(tx, key); err != nil {
				return err
			}
		}
		return nil
	})
	return ledgerError(err)
}

func (o *Office) forgetShown(tx *ledger.Tx, key []byte) error {
	if len(key) != 24 {
		return damaged("what is still shown", ledger.ErrCorrupt)
	}
	if err := tx.Delete(roomStill, key); err != nil {
		return err
	}
	m, err := o.matter(tx, ident.IDFromBytes([16]byte(key[8:])))
	if err != nil {
		return damaged("what is still shown", err)
	}
	var row inboxRow
	err = m.get(tx, roomInbox, idKey(m.id), &row)
	if errors.Is(err, ledger.ErrNotFound) || err == nil && uint64(row.Until) != binary.BigEndian.Uint64(key) {
		return nil // an act has been before the clock
	}
	if err != nil {
		return err
	}
	if m.State != Pending {
		return tx.Delete(roomInbox, idKey(m.id))
	}
	row.Until = 0
	return m.put(tx, roomInbox, idKey(m.id), row)
}
