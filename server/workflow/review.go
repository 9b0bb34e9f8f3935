package workflow

import (
	"context"
	"errors"

	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/opening"
	"sigill/keys/order"
	"sigill/keys/proof"
	"sigill/keys/seal"
	"sigill/keys/token"
	"sigill/server/ledger"
)

// Who a reviewer is: a signing key in the set of the seal's own epoch, which the
// set in force does not list as revoked. A login is bound to its key in a set by
// its first vote, or by the key proof with which it fetches its first share: an
// author proof (keys/token) in form, by the reviewer's signing key, with the
// opening's id in the decision's place. A login without a key yet sees what some
// reviewer may see, as a new signer does; it gets no share.

// readSet reads the reviewer set of an epoch. It was verified when it was
// published; a seal's set is held to the digest in its head as well.
func readSet(r ledger.Reader, epoch int) (*order.ReviewerSet, error) {
	var row documentRow
	if err := get(r, roomSet, indexKey(uint64(epoch)), &row); err != nil {
		return nil, damaged("reviewer set", err)
	}
	set := &order.ReviewerSet{}
	if len(row.Signatures) == 0 {
		return nil, damaged("reviewer set", ledger.ErrCorrupt)
	}
	if err := jws.Peek(row.Signatures[0], set); err != nil {
		return nil, damaged("reviewer set", err)
	}
	return set, nil
}

// setOf is the set of a seal.
func (s *sealRow) set(r ledger.Reader) (*order.ReviewerSet, error) {
	if s.of != nil {
		return s.of, nil
	}
	set, err := readSet(r, s.head.Set.Epoch)
	if err != nil {
		return nil, err
	}
	if d, err := order.Digest(set); err != nil || d != s.head.Set.Digest {
		return nil, damaged("reviewer set", errors.Join(err, ledger.ErrCorrupt))
	}
	s.of = set
	return set, nil
}

// A ReviewItem is an undecided request.
type ReviewItem struct {
	ID      ident.ID
	Request string
	Voted   bool
}

// ListReviews lists the undecided requests on which the caller has a vote, by
// random id.
func (o *Office) ListReviews(ctx context.Context, c *Caller, size int, token string) (items []ReviewItem, next string, err error) {
	page, err := pageFrom(token)
	if err != nil {
		return nil, "", err
	}
	if size == 0 {
		size = pageDefault
	}
	err = o.look(ctx, c, nil, func(r ledger.Reader, a *actor) error {
		f, err := o.inForceAt(r)
		if err != nil {
			return err
		}
		return listed(r, undecided, page, func(id ident.ID, row *openingRow) (bool, error) {
			set, kid, ok, err := o.sees(r, f, a, row)
			if err != nil || !ok {
				return true, err
			}
			if len(items) == size {
				next = string(items[size-1].ID)
				return false, nil
			}
			voted := false
			if group, m, _, err := set.Find(kid); err == nil {
				voted, err = row.voted(group, m.Index)
				if err != nil {
					return false, err
				}
			}
			items = append(items, ReviewItem{id, row.Request, voted})
			return true, nil
		})
	})
	return items, next, err
}

// voted reports whether a reviewer has cast a vote.
func (row *openingRow) voted(group, index int) (bool, error) {
	for _, b := range row.Ballots {
		var v opening.Vote
		if err := jws.Peek(b.Vote, &v); err != nil {
			return false, damaged("vote", err)
		}
		if v.Group == group && v.Index == index {
			return true, nil
		}
	}
	return false, nil
}

// A Review is all that a reviewer's client checks before it decrypts anything.
type Review struct {
	Request     string
	Requester   []string // as registered now
	Logged      Logged
	Consistency []ident.Digest
	Bundle      []byte
	Head        []byte
	Dissents    []string
	Earlier     map[int]int // requests on the same decision that were logged before, by state
}

// GetReview shows an undecided request to a reviewer. Its proofs lead to one
// checkpoint, which is shown to contain the one of oldSize entries.
func (o *Office) GetReview(ctx context.Context, c *Caller, id ident.ID, oldSize uint64) (*Review, error) {
	var row *openingRow
	var s *sealRow
	var who *requester
	var before map[int]int
	err := o.look(ctx, c, o.aboutOpening(ctx, id), func(r ledger.Reader, a *actor) (err error) {
		if row, err = readOpening(r, id); err != nil {
			return err
		}
		f, err := o.inForceAt(r)
		if err != nil {
			return err
		}
		_, _, ok, err := o.sees(r, f, a, row)
		if err == nil && (!ok || row.State != openingPending) {
			err = absent()
		}
		if err != nil {
			return err
		}
		if s, err = o.sealOf(r, row.decision()); err != nil {
			return err
		}
		was, err := o.readRequester(row.Requester)
		if err != nil {
			return err
		}
		if who, err = o.requesterNow(r, was.Requester.Requester); err != nil {
			return err
		}
		before, err = row.earlier(r)
		return err
	})
	if err != nil {
		return nil, err
	}
	if oldSize > o.ledger.Head().Size {
		return nil, invalid("old_size", ReasonField, jws.ErrValue)
	}
	v := &Review{Request: row.Request, Requester: who.docs, Head: s.decision.Head, Dissents: s.m.Dissents, Earlier: before}
	head := o.headOver(max(oldSize, row.Requested.Index+1))
	return v, o.fillReview(ctx, v, row, s, oldSize, head)
}

// fillReview adds the proofs.
func (o *Office) fillReview(ctx context.Context, v *Review, row *openingRow, s *sealRow, oldSize uint64, head ledger.Head) error {
	l, err := o.loggedFrom(ctx, row.Requested, head)
	if err != nil {
		return err
	}
	v.Logged = *l
	if oldSize > 0 {
		if v.Consistency, err = o.ledger.Consistency(ctx, oldSize, head.Size); err != nil {
			return ledgerError(err)
		}
	}
	_, d, err := o.decisionOf(ctx, s.m)
	if err == nil {
		v.Bundle, err = o.bundleAt(ctx, s.m, s.decision, d, head)
	}
	return err
}

// fetched is the answer of a hand-out.
type fetched struct {
	Wrapping []byte    `cbor:"1,keyasint"`
	Logged   loggedRow `cbor:"2,keyasint"`
}

// FetchShare hands a reviewer their own wrapped shares of an undecided request.
// That it did is in the log before they leave.
func (o *Office) FetchShare(ctx context.Context, c *Caller, id ident.ID) ([]byte, *Logged, error) {
	about := o.aboutOpening(ctx, id)
	s, set, err := o.fetchable(ctx, id)
	if err != nil {
		return nil, nil, o.refused(ctx, c, about, err)
	}
	shown, err := o.keyProof(c, id, set)
	if err != nil {
		return nil, nil, o.refused(ctx, c, about, err)
	}
	answer, head, err := o.named(ctx, c, about, o.print(c, c.Method, string(id)), func(tx *ledger.Tx, a *actor) ([]byte, error) {
		f, err := o.inForceAt(tx)
		if err != nil {
			return nil, err
		}
		if !shown.IsZero() {
			if err := o.bindKey(tx, f, a, shown, f.seats(set)); err != nil {
				return nil, err
			}
		}
		group, m, _, err := f.member(set, a.acting(f.seats(set)))
		if err != nil {
			return nil, err
		}
		return o.handOut(tx, id, s, group, m.Index)
	})
	if err != nil {
		return nil, nil, err
	}
	var f fetched
	if err := decode(answer, &f); err != nil {
		return nil, nil, err
	}
	l, err := o.loggedFrom(ctx, f.Logged, head)
	if err != nil {
		return nil, nil, err
	}
	return f.Wrapping, l, nil
}

// fetchable reads the seal of a request and its reviewers.
func (o *Office) fetchable(ctx context.Context, id ident.ID) (s *sealRow, set *order.ReviewerSet, err error) {
	err = o.ledger.Read(ctx, func(r ledger.Reader) error {
		row, err := readOpening(r, id)
		if err != nil {
			return err
		}
		if s, err = o.sealOf(r, row.decision()); err == nil {
			set, err = s.set(r)
		}
		return err
	})
	return s, set, ledgerError(err)
}

// keyProof is the key that the caller proves to hold, or zero if they show no
// proof.
func (o *Office) keyProof(c *Caller, id ident.ID, set *order.ReviewerSet) (kid ident.Digest, err error) {
	if c.Proof == "" {
		return kid, nil
	}
	for _, g := range set.Groups {
		for _, m := range g.Members {
			key, err := m.Key.Public()
			if err != nil {
				return kid, damaged("reviewer set", err)
			}
			want := token.AuthorRead{Authority: o.Trust.Authority, Decision: id, Method: c.Method, Request: c.RequestID}
			if token.CheckAuthorProof(c.Proof, key, want, c.Received) == nil {
				return key.Thumbprint(), nil
			}
		}
	}
	return kid, refuse(ErrPermission, ReasonKey)
}

// handOut is the operation.
func (o *Office) handOut(tx *ledger.Tx, id ident.ID, s *sealRow, group, index int) ([]byte, error) {
	row, err := readOpening(tx, id)
	if err != nil {
		return nil, err
	}
	if err := row.open(ident.DateOf(tx.Now)); err != nil {
		return nil, err
	}
	w, err := s.wrapping(group, index)
	if err != nil {
		return nil, err
	}
	l, err := o.enterAs(tx, proof.ShareHandedOut, ident.Sum(w), proof.RandomTag())
	if err != nil {
		return nil, err
	}
	return encode(fetched{w, l})
}

// wrapping finds a reviewer's wrapping among those of a seal, which lie in the
// order of groups and members.
func (s *sealRow) wrapping(group, index int) ([]byte, error) {
	slot := index - 1
	for _, g := range s.head.Groups[:group-1] {
		slot += g.Members
	}
	if slot >= len(s.boxes.Wrappings) {
		return nil, damaged("wrappings", ledger.ErrCorrupt)
	}
	b := s.boxes.Wrappings[slot]
	w, err := seal.ParseWrapping(b)
	if err != nil || w.Group != group || w.Index != index {
		return nil, damaged("wrappings", errors.Join(err, ledger.ErrCorrupt))
	}
	return b, nil
}
