package workflow

import (
	"context"
	"errors"
	"fmt"
	"time"

	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/order"
	"sigill/keys/proof"
	"sigill/keys/token"
	"sigill/server/ledger"
)

// MaxKeySets is how many new key sets of an issuer are logged in a day. Every
// package and extract holds all that its evidence may cite: a provider that served
// other keys each time would make them too long to be opened.
const MaxKeySets = 8

// RecordProviderKeys logs an identity provider's key set before a token under it
// is accepted, and returns the entry's index. Sets are told apart by the keys that
// may verify: the same ones in other bytes are the set that was logged, and any
// evidence may cite that. One set too many in a day is [ErrBusy], TOO_MANY; those
// that are logged are still found.
func (o *Office) RecordProviderKeys(ctx context.Context, issuer string, jwks []byte) (index uint64, err error) {
	set, _, err := token.ParseKeySet(issuer, jwks)
	if err != nil {
		return 0, fmt.Errorf("provider keys: %w", err)
	}
	key := fingerprint("provider", issuer, string(set.Bytes()))
	var row documentRow
	err = o.ledger.Read(ctx, func(r ledger.Reader) error { return get(r, roomProvider, key[:], &row) })
	if err == nil {
		return row.Index, nil
	}
	if !errors.Is(err, ledger.ErrNotFound) {
		return 0, ledgerError(err)
	}
	doc := &order.ProviderKeys{Authority: o.Trust.Authority, Date: ident.DateOf(time.Now()), Issuer: issuer, JWKS: jwks}
	compact, err := jws.Make(o.Log, doc)
	if err != nil {
		return 0, fmt.Errorf("provider keys: %w", err)
	}
	digest, err := order.Digest(doc)
	if err != nil {
		return 0, fmt.Errorf("provider keys: %w", err)
	}
	pre := proof.NewPreimage(proof.ProviderKeys, digest)
	entry, err := pre.Entry(proof.Tag{})
	if err != nil {
		return 0, fmt.Errorf("provider keys: %w", err)
	}
	_, err = o.ledger.Do(ctx, func(tx *ledger.Tx) error {
		switch err := get(tx, roomProvider, key[:], &row); {
		case err == nil:
			return nil // another call was first
		case !errors.Is(err, ledger.ErrNotFound):
			return err
		}
		if err := countKeySet(tx, issuer, doc.Date); err != nil {
			return err
		}
		i, err := o.enter(tx, entry)
		if err != nil {
			return err
		}
		row = documentRow{[]string{compact}, pre.Marshal(), i}
		return put(tx, roomProvider, key[:], row)
	})
	return row.Index, ledgerError(err)
}

// keySets begins the keys of these counters.
var keySets = []byte("key-sets/")

// countKeySet counts an issuer's new sets of the day: one number, the day in its
// upper half.
func countKeySet(tx *ledger.Tx, issuer string, on ident.Date) error {
	of := ident.Sum(issuer)
	counter := append(keySets[:len(keySets):len(keySets)], of[:]...)
	n, err := number(tx, counter)
	if err != nil {
		return err
	}
	if day := uint64(on.Days()) << 32; n < day {
		n = day // a new day; a clock that was put back does not make one
	}
	if n&0xffffffff >= MaxKeySets {
		return refuse(ErrBusy, ReasonTooMany)
	}
	return putNumber(tx, counter, n+1)
}
