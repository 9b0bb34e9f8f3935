package workflow

import (
	"context"
	"fmt"
	"time"

	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/proof"
	"sigill/keys/statement"
	"sigill/server/ledger"
)

// A Regained is what the published log has after the one of a store that was put back
// to a backup. That it continues that log is for who calls to have proved.
type Regained struct {
	Entries []proof.Entry
	Root    ident.Digest // of the log with them
	Note    []byte       // the published checkpoint over them; nil: there are none
	Days    []Closed
}

// A Closed is a day that is over, and the checkpoint with which it ended.
type Closed struct {
	Date ident.Date
	Note []byte
}

// A Recovery is how the log says that it was taken up again.
type Recovery struct {
	Statement string `json:"statement"` // compact JWS of [statement.Recovery]
	Preimage  []byte `json:"preimage"`
	Index     uint64 `json:"index"`
}

// Recover takes the log up again where it was published, in one commit: it appends the
// entries as they were, and one of kind recovery. What they stand for is lost here, but
// numbers go on after them, what the log no longer owes is not logged twice, and a
// draft of which they say that it was signed or withdrawn awaits no signature. The
// draft's rows stay, since they are all that is left of a decision's sealed record. A
// log that is empty still has nothing to say, and the answer is nil.
func (o *Office) Recover(ctx context.Context, g Regained, reason string) (*Recovery, error) {
	own, size := o.ledger.Head(), int64(o.ledger.Head().Size)
	said := &statement.Recovery{Authority: o.Trust.Authority, Date: ident.DateOf(time.Now()), Reason: reason,
		Restored: statement.Checkpoint{Root: own.Root, Size: size}, Regained: statement.Checkpoint{Root: g.Root, Size: size + int64(len(g.Entries))}}
	compact, err := jws.Make(o.Log, said)
	if err != nil {
		return nil, fmt.Errorf("recovery: %w", err)
	}
	var answer *Recovery
	_, err = o.ledger.Do(ctx, func(tx *ledger.Tx) error {
		if err := o.regain(tx, g); err != nil || said.Regained.Size == 0 {
			return err
		}
		row, err := o.enterAs(tx, proof.Recovery, jws.Digest(compact), proof.RecoveryTag(own.Size, uint64(said.Regained.Size)))
		if err != nil {
			return err
		}
		answer = &Recovery{compact, row.Preimage, row.Index}
		return put(tx, roomRecovery, indexKey(row.Index), documentRow{[]string{compact}, row.Preimage, row.Index})
	})
	return answer, ledgerError(err)
}

func (o *Office) regain(tx *ledger.Tx, g Regained) error {
	logged := map[ident.Digest]bool{}
	for _, e := range g.Entries {
		logged[e.Digest] = true
		if e.Kind == proof.Event {
			tx.Log(e)
			continue
		}
		if _, err := o.enter(tx, e); err != nil {
			return err
		}
		if n, ok := e.Number(); ok {
			if err := atLeast(tx, numberKey(int(n.Year)), n.Number); err != nil {
				return err
			}
		}
	}
	for _, d := range g.Days {
		if err := ledger.PutDay(tx, d.Date, d.Note); err != nil {
			return err
		}
	}
	if g.Note != nil {
		if err := o.ledger.PutPublished(tx, g.Note); err != nil {
			return err
		}
	}
	if err := o.owesNot(tx, logged); err != nil {
		return err
	}
	return o.endRegained(tx, g.Entries)
}

// atLeast raises a counter.
func atLeast(tx *ledger.Tx, key []byte, n uint64) error {
	now, err := number(tx, key)
	if err != nil || now >= n {
		return err
	}
	return putNumber(tx, key, n)
}

// owesNot drops what is logged already from what the log is owed.
func (o *Office) owesNot(tx *ledger.Tx, logged map[ident.Digest]bool) error {
	entries, keys, _, err := owedEntries(tx)
	if err != nil {
		return err
	}
	for i, e := range entries {
		if logged[e.Digest] {
			if err := tx.Delete(roomOwed, keys[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// endRegained takes what the entries say was signed or withdrawn from the signers.
func (o *Office) endRegained(tx *ledger.Tx, entries []proof.Entry) error {
	ended := map[[6]byte]bool{} // as much of a subject as a decision's tag has
	for _, e := range entries {
		switch e.Kind {
		case proof.Decision:
			ended[[6]byte(e.Tag[10:])] = true
		case proof.Withdrawn:
			ended[[6]byte(e.Tag[:])] = true
		}
	}
	if len(ended) == 0 {
		return nil
	}
	var over []*matter
	for p, err := range tx.Scan(roomMatter, nil, nil) {
		if err != nil {
			return storeError(err)
		}
		if len(p.Key) != 17 || part(p.Key[16]) != partKey {
			continue
		}
		id := ident.IDFromBytes([16]byte(p.Key))
		if tag := proof.SubjectTag(id); !ended[[6]byte(tag[:])] {
			continue
		}
		m, err := o.matter(tx, id)
		if err != nil {
			return err
		}
		if !m.ended() {
			over = append(over, m)
		}
	}
	for _, m := range over {
		if err := m.leaveInbox(tx); err != nil {
			return err
		}
		m.State = Withdrawn
		if err := m.save(tx); err != nil {
			return err
		}
	}
	return nil
}
