package workflow

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/order"
	"sigill/keys/proof"
	"sigill/server/ledger"
)

// PublishReviewerSet takes the next epoch: the first signed by the board, later
// ones by a quorum of every group of the set before.
func (o *Office) PublishReviewerSet(ctx context.Context, c *Caller, signatures []string) (*Logged, error) {
	var set order.ReviewerSet
	if err := peek(signatures, &set); err != nil {
		return nil, o.refused(ctx, c, nil, err)
	}
	d := document{
		signatures: signatures, kind: proof.ReviewerSet, room: roomSet, key: indexKey(uint64(set.Epoch)),
		next: func(r ledger.Reader) (ident.Digest, error) { return o.nextSet(r, signatures, &set) },
		file: func(tx *ledger.Tx) error { return putNumber(tx, metaSet, uint64(set.Epoch)) },
	}
	return o.publish(ctx, c, d)
}

func (o *Office) nextSet(r ledger.Reader, signatures []string, set *order.ReviewerSet) (ident.Digest, error) {
	epoch, err := number(r, metaSet)
	if err != nil {
		return ident.Digest{}, err
	}
	if uint64(set.Epoch) != epoch+1 || set.Authority != o.Trust.Authority {
		return ident.Digest{}, refuse(ErrStale, ReasonSuperseded)
	}
	if epoch == 0 {
		digest, err := o.Trust.Board.Now().Read(signatures, set)
		return digest, malformed("set", err)
	}
	var f inForce
	if err := o.loadSet(r, epoch, &f); err != nil {
		return ident.Digest{}, err
	}
	digest, err := f.set.ReadNext(signatures, set)
	if errors.Is(err, order.ErrEpoch) {
		return digest, &Refusal{Kind: ErrStale, Reason: ReasonSuperseded, err: err}
	}
	return digest, malformed("set", err)
}

// PublishDelegationOrder takes the next version, signed by the board.
func (o *Office) PublishDelegationOrder(ctx context.Context, c *Caller, signatures []string) (*Logged, error) {
	var del order.Delegation
	if err := peek(signatures, &del); err != nil {
		return nil, o.refused(ctx, c, nil, err)
	}
	d := document{
		signatures: signatures, kind: proof.DelegationOrder, room: roomOrder, key: indexKey(uint64(del.Version)),
		next: func(r ledger.Reader) (ident.Digest, error) { return o.nextOrder(r, signatures, &del) },
		file: func(tx *ledger.Tx) error { return putNumber(tx, metaOrder, uint64(del.Version)) },
	}
	return o.publish(ctx, c, d)
}

func (o *Office) nextOrder(r ledger.Reader, signatures []string, del *order.Delegation) (ident.Digest, error) {
	version, err := number(r, metaOrder)
	if err != nil {
		return ident.Digest{}, err
	}
	digest, err := o.Trust.Board.Now().Read(signatures, del)
	if err != nil {
		return digest, malformed("order", err)
	}
	if uint64(del.Version) != version+1 || del.Authority != o.Trust.Authority {
		return digest, refuse(ErrStale, ReasonSuperseded)
	}
	if version > 0 {
		var before order.Delegation
		docs, err := o.orderDocs(r, int(version))
		if err != nil {
			return digest, err
		}
		last, err := o.Trust.Board.Read(docs, &before)
		if err != nil {
			return digest, damaged("delegation order", err)
		}
		if del.Previous != last {
			return digest, refuse(ErrStale, ReasonSuperseded)
		}
	}
	return digest, nil
}

// RegisterRequester registers who may ask for openings, signed by the board, once
// for each id.
func (o *Office) RegisterRequester(ctx context.Context, c *Caller, signatures []string) (*Logged, error) {
	return o.publishRequester(ctx, c, signatures, false)
}

// RevokeRequester takes the board's revocation of a registered requester.
func (o *Office) RevokeRequester(ctx context.Context, c *Caller, signatures []string) (*Logged, error) {
	return o.publishRequester(ctx, c, signatures, true)
}

func (o *Office) publishRequester(ctx context.Context, c *Caller, signatures []string, revoke bool) (*Logged, error) {
	var q order.Requester
	if err := peek(signatures, &q); err != nil {
		return nil, o.refused(ctx, c, nil, err)
	}
	d := document{
		signatures: signatures, kind: proof.Requester, room: roomRequester, key: idKey(q.Requester),
		next: func(r ledger.Reader) (ident.Digest, error) {
			digest, err := o.Trust.Board.Now().Read(signatures, &q)
			if err != nil {
				return digest, malformed("requester", err)
			}
			if q.Authority != o.Trust.Authority || (q.Revoked != "") != revoke {
				return digest, invalid("requester.revoked", ReasonField, jws.ErrValue)
			}
			return digest, o.mayReplace(r, &q, revoke)
		},
		file: func(*ledger.Tx) error { return nil },
	}
	return o.publish(ctx, c, d)
}

// mayReplace: an id is registered once, so that an earlier registration cannot be
// played again after it was narrowed; a revocation ends a living one under the
// same key.
func (o *Office) mayReplace(r ledger.Reader, q *order.Requester, revoke bool) error {
	before, err := o.requester(r, q.Requester)
	switch {
	case errors.Is(err, ledger.ErrNotFound) && revoke:
		return absent()
	case errors.Is(err, ledger.ErrNotFound):
		return nil
	case err != nil:
		return err
	case !revoke || before.Revoked != "":
		return refuse(ErrState, ReasonAlreadyPublished)
	case before.Key != q.Key:
		return invalid("requester.key", ReasonContradiction, nil)
	}
	return nil
}

// requester reads a registration as the board last signed it.
func (o *Office) requester(r ledger.Reader, id ident.ID) (*order.Requester, error) {
	var row documentRow
	if err := get(r, roomRequester, idKey(id), &row); err != nil {
		return nil, err
	}
	q := &order.Requester{}
	if _, err := o.Trust.Board.Read(row.Signatures, q); err != nil {
		return nil, damaged("requester", err)
	}
	return q, nil
}

// ListRequesters lists the last document of each requester, by random id.
func (o *Office) ListRequesters(ctx context.Context, c *Caller, size int, after string) (docs [][]string, next string, err error) {
	from, err := pageFrom(after)
	if err != nil {
		return nil, "", err
	}
	if size == 0 {
		size = pageDefault
	}
	err = o.look(ctx, c, nil, func(r ledger.Reader, _ *actor) error {
		docs, next = nil, ""
		var last []byte
		for p, err := range r.Scan(roomRequester, from, nil) {
			if err != nil {
				return storeError(err)
			}
			if len(docs) == size {
				next = string(ident.IDFromBytes([16]byte(last)))
				return nil
			}
			var row documentRow
			if err := decode(p.Value, &row); err != nil {
				return err
			}
			docs, last = append(docs, row.Signatures), p.Key
		}
		return nil
	})
	return docs, next, err
}

// A document is one of authority on its way into the log.
type document struct {
	signatures []string
	kind       proof.Kind
	room       ledger.Room
	key        []byte
	next       func(r ledger.Reader) (ident.Digest, error) // checks it against the state; its digest
	file       func(tx *ledger.Tx) error
}

// publish verifies, files and logs a document in one commit, and then puts it
// into force.
func (o *Office) publish(ctx context.Context, c *Caller, d document) (*Logged, error) {
	ctx = context.WithoutCancel(ctx) // what is committed comes into force, whoever still waits
	answer, head, err := o.named(ctx, c, nil, o.print(c, c.Method, strings.Join(d.signatures, " ")), func(tx *ledger.Tx, _ *actor) ([]byte, error) {
		digest, err := d.next(tx)
		if err != nil {
			return nil, err
		}
		pre := proof.NewPreimage(d.kind, digest)
		entry, err := pre.Entry(proof.Tag{})
		if err != nil {
			return nil, fmt.Errorf("entry: %w", err)
		}
		i, err := o.enter(tx, entry)
		if err != nil {
			return nil, err
		}
		if err := put(tx, d.room, d.key, documentRow{d.signatures, pre.Marshal(), i}); err != nil {
			return nil, err
		}
		if err := d.file(tx); err != nil {
			return nil, err
		}
		return encode(loggedRow{pre.Marshal(), proof.Tag{}, i})
	})
	if err != nil {
		return nil, err
	}
	if err := o.ledger.Read(ctx, o.loadInForce); err != nil {
		return nil, ledgerError(err)
	}
	return o.loggedAgain(ctx, answer, head)
}

// peek reads the payload of a document to find out what it is about.
func peek(signatures []string, doc order.Document) error {
	if len(signatures) < 1 || len(signatures) > order.MaxSignatures {
		return invalid("signatures", ReasonField, jws.ErrCount)
	}
	return malformed("signatures", jws.Peek(signatures[0], doc))
}
