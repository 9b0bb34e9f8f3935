package workflow

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"sigill/keys/bundle"
	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/order"
	"sigill/keys/proof"
	"sigill/server/ledger"
)

// ErrTrustFile says that the trust file is not the store's, and nothing that its board
// signed leads from the one to the other.
var ErrTrustFile = errors.New("the trust file is not the one that the store was kept under")

// TrustSlack is how many entries the log may still get, by the size that a new trust file
// gives the policy before it: what it gets while the board signs, and years more.
const TrustSlack = 100_000

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
	log, err := ledger.LogAt(r)
	if err != nil {
		return nil
	}
	if _, _, err := follows(r, trust, succession, log.Size); errors.Is(err, ErrTrustFile) {
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
	next, signed, err := before.Succeed(succession)
	if err != nil {
		return 0, false, fmt.Errorf("%w: %w", ErrTrustFile, err)
	}
	again, err := wasLogged(r, signed)
	if err != nil {
		return 0, false, err
	}
	if e := next.File.Earlier; len(e) > len(before.File.Earlier) && !again {
		last := fmt.Sprintf("earlier[%d]", len(e)-1)
		switch bound := e[len(e)-1].Size; {
		case bound < size: // what was published beyond it would verify for nobody
			return 0, false, fmt.Errorf("%w: the log has grown past %s.size: have the board sign a larger one", ErrTrustFile, last)
		case bound-size > TrustSlack: // keys that are replaced could sign so much more
			return 0, false, fmt.Errorf("%w: %s.size is more than %d past the log, which has %d entries: have the board sign a smaller one", ErrTrustFile, last, TrustSlack, size)
		}
		if err := keepsDocuments(r, next, last); err != nil {
			return 0, false, err
		}
	}
	return n, true, nil
}

// wasLogged reports whether the log has a succession already: it was in force here before
// the store was put back to a backup, and what was published by it since is bound by it.
func wasLogged(r ledger.Reader, s *order.Succession) (bool, error) {
	digest, err := order.Digest(s)
	if err != nil {
		return false, err
	}
	e, err := (&proof.Preimage{Kind: proof.KeyChange, Signed: digest}).Entry(proof.Tag{})
	if err != nil {
		return false, err
	}
	_, err = r.Get(roomIndex, e.Digest[:])
	if errors.Is(err, ledger.ErrNotFound) {
		return false, nil
	}
	return err == nil, storeError(err)
}

// keepsDocuments checks that a trust file believes all that boards have signed here: what
// rests on a document would verify for nobody without it.
func keepsDocuments(r ledger.Reader, next *bundle.Trust, last string) error {
	return boardDocuments(r, func(signatures []string, doc order.Document) error {
		if _, err := next.Board.Read(signatures, doc); err == nil {
			return nil
		}
		if err := jws.Peek(signatures[0], doc); err != nil {
			return damaged("document of the board", err)
		}
		digest, err := order.Digest(doc)
		if err != nil {
			return err
		}
		return fmt.Errorf("%w: %s.documents leaves out the %s with the digest %s: have the board sign one with all that sigilld documents gives",
			ErrTrustFile, last, strings.TrimSuffix(doc.Typ(), "+jws"), digest)
	})
}

// boardDocuments are the documents that boards have signed and the store holds, each once:
// orders, the first reviewer set, and requesters as they are registered and as they were
// when they asked.
func boardDocuments(r ledger.Reader, each func(signatures []string, doc order.Document) error) error {
	seen := map[ident.Digest]bool{}
	once := func(signatures []string, doc order.Document) error {
		if len(signatures) == 0 {
			return damaged("document of the board", ledger.ErrCorrupt)
		}
		as := ident.Sum(strings.Join(signatures, " "))
		if seen[as] {
			return nil
		}
		seen[as] = true
		return each(signatures, doc)
	}
	row := func(value []byte, doc order.Document) error {
		var row documentRow
		if err := decode(value, &row); err != nil {
			return err
		}
		return once(row.Signatures, doc)
	}
	for _, of := range []struct {
		room ledger.Room
		to   []byte
		read func(value []byte) error
	}{
		{roomOrder, nil, func(value []byte) error { return row(value, &order.Delegation{}) }},
		{roomSet, indexKey(2), func(value []byte) error { return row(value, &order.ReviewerSet{}) }}, // later ones are the reviewers'
		{roomRequester, nil, func(value []byte) error { return row(value, &order.Requester{}) }},
		{roomOpening, nil, func(value []byte) error {
			var row openingRow
			if err := decode(value, &row); err != nil {
				return err
			}
			return once(row.Requester, &order.Requester{})
		}},
	} {
		for p, err := range r.Scan(of.room, nil, of.to) {
			if err != nil {
				return storeError(err)
			}
			if err := of.read(p.Value); err != nil {
				return err
			}
		}
	}
	return nil
}

// Documents gives what boards have signed and a store holds, for the trust file that puts
// another board in their place: one signed document's file after the other.
func Documents(ctx context.Context, l *ledger.Ledger) (files []byte, err error) {
	err = l.Read(ctx, func(r ledger.Reader) error {
		var list [][]byte
		err := boardDocuments(r, func(signatures []string, _ order.Document) error {
			b, err := (&order.Signed{Signatures: signatures}).Marshal()
			list = append(list, b)
			return err
		})
		slices.SortFunc(list, bytes.Compare)
		files = bytes.Join(list, nil)
		return err
	})
	return files, ledgerError(err)
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
