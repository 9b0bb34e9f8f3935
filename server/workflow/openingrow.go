package workflow

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/opening"
	"sigill/keys/proof"
	"sigill/server/audit"
	"sigill/server/ledger"
)

// An openingState is where a request to open a seal stands, as
// proto/sigill/v1.OpeningState has it.
type openingState int

// The states.
const (
	openingPending openingState = iota + 1
	openingReleased
	openingRefused
	openingWithdrawn
	openingExpired
	openingCollected
)

// An openingRow is a request with all that has come of it.
type openingRow struct {
	State     openingState    `cbor:"1,keyasint"`
	Decision  []byte          `cbor:"2,keyasint"`
	Account   audit.AccountID `cbor:"3,keyasint"` // who asked
	Request   string          `cbor:"4,keyasint"`
	Requester []string        `cbor:"5,keyasint"` // the board's registration when it was asked
	Epoch     int             `cbor:"6,keyasint"` // of the seal
	Reviewers int             `cbor:"7,keyasint"`
	Requested loggedRow       `cbor:"8,keyasint"`
	Ballots   []ballotRow     `cbor:"9,keyasint"` // in the order in which they were cast
	Release   string          `cbor:"10,keyasint"`
	Released  loggedRow       `cbor:"11,keyasint"`
	Noticed   bool            `cbor:"12,keyasint"` // the author may know
	Note      []byte          `cbor:"13,keyasint"` // the checkpoint that the package proves by
	Dissents  int             `cbor:"14,keyasint"` // how many the package holds
	Closed    loggedRow       `cbor:"15,keyasint"` // that it was withdrawn or ran out
}

// A ballotRow is a vote with the vector that came with it, until the request has
// ended without counting it.
type ballotRow struct {
	Vote   string `cbor:"1,keyasint"`
	Vector []byte `cbor:"2,keyasint"`
}

// Openings are listed under 16 bytes that say for whom: the decision, the
// requester's account, or undecided for reviewers, where the value is the account.
var undecided = make([]byte, 16)

func openingKey(list []byte, id ident.ID) []byte {
	return append(append([]byte{}, list...), idKey(id)...)
}

// within are the bounds of a scan of what begins with a prefix, from a page on.
func within(prefix, page []byte) (from, to []byte) {
	to = append([]byte{}, prefix...)
	for i := len(to) - 1; i >= 0; i-- {
		if to[i]++; to[i] != 0 {
			return append(append([]byte{}, prefix...), page...), to
		}
	}
	return append(append([]byte{}, prefix...), page...), nil
}

// listed yields the openings under a list in order of id, until take says no.
func listed(r ledger.Reader, list, page []byte, take func(id ident.ID, row *openingRow) (more bool, err error)) error {
	from, to := within(list, page)
	for p, err := range r.Scan(roomOpeningsOf, from, to) {
		if err != nil {
			return storeError(err)
		}
		if len(p.Key) != 32 {
			return damaged("list of openings", ledger.ErrCorrupt)
		}
		id := ident.IDFromBytes([16]byte(p.Key[16:]))
		row, err := readOpening(r, id)
		if err != nil {
			return damaged("list of openings", err)
		}
		if more, err := take(id, row); err != nil || !more {
			return err
		}
	}
	return nil
}

// readOpening reads a request; what is not there is absent.
func readOpening(r ledger.Reader, id ident.ID) (*openingRow, error) {
	if _, err := ident.ParseID(string(id)); err != nil {
		return nil, absent()
	}
	row := &openingRow{}
	err := get(r, roomOpening, idKey(id), row)
	if errors.Is(err, ledger.ErrNotFound) {
		return nil, absent()
	}
	return row, err
}

// nearestOpening reads a request, or instead of one that is not there another, as
// [Office.nearest] does for matters.
func nearestOpening(r ledger.Reader, id ident.ID) (row *openingRow, instead bool, err error) {
	other := id
	for _, from := range [][]byte{nil, append(idKey(id), 0)} {
		for p, err := range r.Scan(roomOpening, from, nil) {
			if err != nil {
				return nil, false, storeError(err)
			}
			other = ident.IDFromBytes([16]byte(p.Key))
			break
		}
	}
	if row, err = readOpening(r, id); !isKind(err, ErrNotFound) || other == id {
		return row, false, err
	}
	row, err = readOpening(r, other)
	return row, true, err
}

func (row *openingRow) save(tx *ledger.Tx, id ident.ID) error {
	return put(tx, roomOpening, idKey(id), row)
}

func (row *openingRow) decision() ident.ID { return ident.IDFromBytes([16]byte(row.Decision)) }

func (row *openingRow) request() (*opening.Request, error) {
	req := &opening.Request{}
	if err := jws.Peek(row.Request, req); err != nil {
		return nil, damaged("request", err)
	}
	return req, nil
}

// open refuses what has ended, also when its last day has passed and the clock
// has not come round to it.
func (row *openingRow) open(on ident.Date) error {
	req, err := row.request()
	if err != nil {
		return err
	}
	if row.State != openingPending || req.Expires.Before(on) {
		return refuse(ErrState, ReasonEnded)
	}
	return nil
}

// close takes a request that has ended from the reviewers' list. Of the release
// vectors only those stay that its release counts: each holds a reviewer's shares
// for the requester, and of requests that all ended without a quorum a requester
// who reads the store would add them up to one. A vote has its vector's digest, so
// that it can be verified without it.
func (row *openingRow) close(tx *ledger.Tx, id ident.ID, s openingState) error {
	row.State = s
	var kept []ballotRow
	if s == openingReleased {
		var err error
		if kept, err = row.counted(); err != nil {
			return err
		}
	}
	for i, b := range row.Ballots {
		if !slices.ContainsFunc(kept, func(k ballotRow) bool { return k.Vote == b.Vote }) {
			row.Ballots[i].Vector = nil
		}
	}
	if err := tx.Delete(roomOpeningsOf, openingKey(undecided, id)); err != nil {
		return err
	}
	return row.save(tx, id)
}

// earlier counts the requests on the same decision that were logged before this
// one, by how they stand and not by whose they are: a requester who asks again and
// again for a little is seen by those who vote on the next.
func (row *openingRow) earlier(r ledger.Reader) (map[int]int, error) {
	out := map[int]int{}
	return out, listed(r, row.Decision, nil, func(_ ident.ID, other *openingRow) (bool, error) {
		if other.Requested.Index < row.Requested.Index {
			out[int(other.State)]++
		}
		return true, nil
	})
}

// aboutOpening is the matter that a call on a request touches, for the trail.
func (o *Office) aboutOpening(ctx context.Context, id ident.ID) []byte {
	about := idKey(id)
	_ = o.ledger.Read(ctx, func(r ledger.Reader) error { // the call itself meets the error again
		row, instead, err := nearestOpening(r, id)
		if err == nil && !instead {
			about = row.Decision
		}
		return nil
	})
	return about
}

// enterAs logs an entry of a kind and gives what proves it later.
func (o *Office) enterAs(tx *ledger.Tx, kind proof.Kind, signed ident.Digest, tag proof.Tag) (loggedRow, error) {
	pre := proof.NewPreimage(kind, signed)
	entry, err := pre.Entry(tag)
	if err != nil {
		return loggedRow{}, fmt.Errorf("entry: %w", err)
	}
	i, err := o.enter(tx, entry)
	return loggedRow{pre.Marshal(), tag, i}, err
}

// loggedFrom proves an entry at a head.
func (o *Office) loggedFrom(ctx context.Context, row loggedRow, head ledger.Head) (*Logged, error) {
	text, err := o.ledger.Proof(ctx, row.Index, head)
	if err != nil {
		return nil, ledgerError(err)
	}
	return &Logged{row.Preimage, row.Tag, text}, nil
}

// headOver is the published head, or the newest while that one is not published
// which holds size entries.
func (o *Office) headOver(size uint64) ledger.Head {
	if h := o.ledger.Published(); h.Size >= size {
		return h
	}
	return o.ledger.Head()
}
