package workflow

import (
	"context"
	"errors"
	"fmt"

	"sigill/keys/bundle"
	"sigill/keys/ident"
	"sigill/keys/order"
	"sigill/keys/proof"
	"sigill/server/ledger"
)

// ErrTrustFile says that the trust file is not the store's, and nothing that its board
// signed leads from the one to the other.
var ErrTrustFile = errors.New("the trust file is not the one that the store was kept under")

// metaTrust counts the trust files that have been in force here.
var metaTrust = []byte("trust")

// trustRow is a trust file that has been in force here. The first, which nobody
// signed, has no place in the log.
type trustRow struct {
	Trust []byte      `cbor:"1,keyasint"`
	Signs documentRow `cbor:"2,keyasint"`
}

// newest is the trust file that is in force by the store, and how many there were.
func newestTrust(r ledger.Reader) (n uint64, t *bundle.Trust, err error) {
	if n, err = number(r, metaTrust); err != nil || n == 0 {
		return 0, nil, err
	}
	var row trustRow
	if err := get(r, roomTrust, indexKey(n), &row); err != nil {
		return 0, nil, err
	}
	if t, err = bundle.ParseTrust(row.Trust); err != nil {
		return 0, nil, damaged("trust file", err)
	}
	return n, t, nil
}

// succeeds checks that the office's trust file is the store's, or that the board of
// the store's signed it as its successor; fresh says that it is not in the store yet.
func (o *Office) succeeds(r ledger.Reader) (n uint64, fresh bool, err error) {
	return follows(r, o.Trust, o.Succession, o.ledger.Head().Size)
}

// KeptUnder checks that a store was kept under a trust file, or under one that the board
// let it follow. It says nothing of a store that cannot be read.
func KeptUnder(r ledger.Reader, trust *bundle.Trust, succession []string) error {
	if _, _, err := follows(r, trust, succession, 0); errors.Is(err, ErrTrustFile) {
		return err
	}
	return nil
}

func follows(r ledger.Reader, trust *bundle.Trust, succession []string, size uint64) (n uint64, fresh bool, err error) {
	n, before, err := newestTrust(r)
	switch {
	case err != nil:
		return 0, false, err
	case n == 0:
		return 0, true, nil
	case before.Digest == trust.Digest:
		return n, false, nil
	}
	if len(succession) == 0 {
		return 0, false, fmt.Errorf("%w: name that one under trust, or the succession that the board signed", ErrTrustFile)
	}
	next, _, err := before.Succeed(succession)
	if err != nil {
		return 0, false, fmt.Errorf("%w: %w", ErrTrustFile, err)
	}
	// What was published beyond the bound would verify for nobody.
	if e := next.File.Earlier; len(e) > len(before.File.Earlier) && e[len(e)-1].Size < size {
		return 0, false, fmt.Errorf("%w: the log has grown past earlier[%d].size: have the board sign a larger one", ErrTrustFile, len(e)-1)
	}
	return n, true, nil
}

// RecordTrust files the office's trust file and, if it took the place of another, logs
// it as key_change, before anything else is done under it. It does nothing if that is
// done, and must be called while the ledger runs.
func (o *Office) RecordTrust(ctx context.Context) error {
	text, err := o.Trust.File.Marshal()
	if err != nil {
		return err
	}
	_, err = o.ledger.Do(ctx, func(tx *ledger.Tx) error {
		n, fresh, err := o.succeeds(tx)
		if err != nil || !fresh {
			return err
		}
		row := trustRow{Trust: text}
		if n > 0 {
			if row.Signs, err = o.logSuccession(tx); err != nil {
				return err
			}
		}
		if err := put(tx, roomTrust, indexKey(n+1), row); err != nil {
			return err
		}
		return putNumber(tx, metaTrust, n+1)
	})
	return ledgerError(err)
}

func (o *Office) logSuccession(tx *ledger.Tx) (documentRow, error) {
	s := &order.Succession{}
	if err := peek(o.Succession, s); err != nil {
		return documentRow{}, err
	}
	digest, err := order.Digest(s)
	if err != nil {
		return documentRow{}, err
	}
	logged, err := o.enterAs(tx, proof.KeyChange, digest, proof.Tag{})
	return documentRow{o.Succession, logged.Preimage, logged.Index}, err
}

// GetTrust is the trust file as the server has it and, for who has an earlier one, the
// succession that follows it, with its place in the log. An unknown or the newest one
// has none.
func (o *Office) GetTrust(ctx context.Context, have ident.Digest) (trust []byte, next []string, _ *Logged, err error) {
	if trust, err = o.Trust.File.Marshal(); err != nil || have == (ident.Digest{}) {
		return trust, nil, nil, err
	}
	var found trustRow
	err = o.ledger.Read(ctx, func(r ledger.Reader) error {
		follows := false
		for p, err := range r.Scan(roomTrust, nil, nil) {
			if err != nil {
				return storeError(err)
			}
			var row trustRow
			if err := decode(p.Value, &row); err != nil {
				return damaged("trust file", err)
			}
			if follows {
				found = row
			}
			if follows = ident.Sum(row.Trust) == have; len(found.Trust) > 0 {
				break
			}
		}
		return nil
	})
	if err != nil || len(found.Trust) == 0 {
		return trust, nil, nil, ledgerError(err)
	}
	logged, err := o.publishedAt(ctx, found.Signs)
	return trust, found.Signs.Signatures, logged, err
}
