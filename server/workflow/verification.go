package workflow

import (
	"context"
	"encoding/binary"
	"errors"

	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/proof"
	"sigill/server/ledger"
)

// Publish makes a head of the log the one that everyone may see: with a checkpoint
// that the trust file's policy accepts. Until a head that holds it is published, what has
// happened is signed and not yet witnessed.
func (o *Office) Publish(ctx context.Context, h ledger.Head) error {
	return ledgerError(o.ledger.Publish(ctx, h))
}

// GetCheckpoint is the published head, with the proof that it extends a size that
// the caller has seen.
func (o *Office) GetCheckpoint(ctx context.Context, oldSize uint64) (note string, consistency []ident.Digest, err error) {
	head := o.ledger.Published()
	if oldSize > head.Size {
		return "", nil, invalid("old_size", ReasonField, jws.ErrValue)
	}
	if oldSize > 0 {
		if consistency, err = o.ledger.Consistency(ctx, oldSize, head.Size); err != nil {
			return "", nil, ledgerError(err)
		}
	}
	return string(head.Note), consistency, nil
}

// GetDelegationOrder is a version of the delegation order, or with 0 the one in
// force.
func (o *Office) GetDelegationOrder(ctx context.Context, version uint32) ([]string, *Logged, error) {
	return o.published(ctx, roomOrder, metaOrder, uint64(version))
}

// GetReviewerSet is the reviewer set of an epoch, or with 0 the one in force.
func (o *Office) GetReviewerSet(ctx context.Context, epoch uint32) ([]string, *Logged, error) {
	return o.published(ctx, roomSet, metaSet, uint64(epoch))
}

func (o *Office) published(ctx context.Context, room ledger.Room, counter []byte, n uint64) ([]string, *Logged, error) {
	var row documentRow
	err := o.ledger.Read(ctx, func(r ledger.Reader) (err error) {
		if n == 0 {
			if n, err = number(r, counter); err != nil {
				return err
			}
		}
		return get(r, room, indexKey(n), &row)
	})
	if errors.Is(err, ledger.ErrNotFound) {
		return nil, nil, absent()
	}
	if err != nil {
		return nil, nil, ledgerError(err)
	}
	logged, err := o.publishedAt(ctx, row)
	return row.Signatures, logged, err
}

// publishedAt proves a document's place at the published head, or at the newest if it
// is not published yet.
func (o *Office) publishedAt(ctx context.Context, row documentRow) (*Logged, error) {
	pre, err := proof.ParsePreimage(row.Preimage)
	if err != nil {
		return nil, damaged("document", err)
	}
	head := o.ledger.Published()
	if head.Size <= row.Index {
		head = o.ledger.Head()
	}
	return o.logged(ctx, pre, proof.Tag{}, row.Index, head)
}

// GetProof proves that an entry stands in the published log. Entries that are
// owed, unpublished or unknown are one answer.
func (o *Office) GetProof(ctx context.Context, entry ident.Digest) (text string, err error) {
	head := o.ledger.Published()
	var index uint64
	err = o.ledger.Read(ctx, func(r ledger.Reader) error {
		b, err := r.Get(roomIndex, entry[:])
		if errors.Is(err, ledger.ErrNotFound) || err == nil && len(b) == 8 && binary.BigEndian.Uint64(b) >= head.Size {
			return absent()
		}
		if err != nil {
			return storeError(err)
		}
		if len(b) != 8 {
			return damaged("entry", ledger.ErrCorrupt)
		}
		index = binary.BigEndian.Uint64(b)
		return nil
	})
	if err != nil {
		return "", ledgerError(err)
	}
	text, err = o.ledger.Proof(ctx, index, head)
	return text, ledgerError(err)
}
