package workflow

import (
	"context"
	"errors"

	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/opening"
	"sigill/keys/proof"
	"sigill/keys/record"
	"sigill/keys/seal"
	"sigill/server/ledger"
)

// Voted is how a request stands after a vote, and what proves that the vote is logged.
type Voted struct {
	State  int
	Logged *Logged
}

// votedRow is what the answer to a vote is made from.
type votedRow struct {
	State  int       `cbor:"1,keyasint"`
	Logged loggedRow `cbor:"2,keyasint"`
}

// ApproveOpening casts a vote that grants sections, with their shares re-sealed
// to the requester.
func (o *Office) ApproveOpening(ctx context.Context, c *Caller, vote string, vector []byte) (*Voted, error) {
	return o.vote(ctx, c, vote, vector, func(v *opening.Vote, s *sealRow) error {
		granted, err := record.ScopeOf(v.Granted)
		if err != nil || granted == 0 {
			return invalid("vote.granted", ReasonField, jws.ErrMissing)
		}
		r, err := seal.ParseRelease(vector)
		if err != nil {
			return invalid("vector", ReasonField, err)
		}
		if ident.Sum(vector) != v.Vector || r.Epoch != s.head.Set.Epoch || r.Group != v.Group || r.Index != v.Index || r.Scope != granted {
			return invalid("vector", ReasonContradiction, nil)
		}
		return nil
	})
}

// RefuseOpening casts a vote that grants nothing.
func (o *Office) RefuseOpening(ctx context.Context, c *Caller, vote string) (*Voted, error) {
	return o.vote(ctx, c, vote, nil, func(v *opening.Vote, _ *sealRow) error {
		if len(v.Granted) > 0 {
			return invalid("vote.granted", ReasonField, jws.ErrValue)
		}
		return nil
	})
}

// vote casts a vote: by a reviewer of the seal, on exactly this request, seen in a
// checkpoint of this log; one from each.
func (o *Office) vote(ctx context.Context, c *Caller, compact string, vector []byte, fits func(*opening.Vote, *sealRow) error) (*Voted, error) {
	var v opening.Vote
	if err := jws.Peek(compact, &v); err != nil {
		return nil, o.refused(ctx, c, nil, malformed("vote", err))
	}
	var s *sealRow
	var kid ident.Digest
	err := o.ledger.Read(ctx, func(r ledger.Reader) (err error) {
		s, kid, err = o.readVote(r, compact, &v)
		return err
	})
	if err == nil {
		err = fits(&v, s)
	}
	if err == nil {
		err = o.seenIn(ctx, &v)
	}
	about := o.aboutOpening(ctx, v.Opening)
	if err != nil {
		return nil, o.refused(ctx, c, about, ledgerError(err))
	}
	answer, head, err := o.named(ctx, c, about, o.print(c, c.Method, compact, string(vector)), func(tx *ledger.Tx, a *actor) ([]byte, error) {
		f, err := o.inForceAt(tx)
		if err != nil {
			return nil, err
		}
		set, err := s.set(tx)
		if err != nil {
			return nil, err
		}
		if err := o.bindKey(tx, f, a, kid, f.seats(set)); err != nil {
			return nil, err
		}
		return o.cast(tx, &v, s, ballotRow{compact, vector})
	})
	if err != nil {
		return nil, err
	}
	var row votedRow
	if err := decode(answer, &row); err != nil {
		return nil, err
	}
	logged, err := o.loggedFrom(ctx, row.Logged, head)
	return &Voted{row.State, logged}, err
}

// readVote verifies a vote against the seal's own reviewers and its request.
func (o *Office) readVote(r ledger.Reader, compact string, v *opening.Vote) (*sealRow, ident.Digest, error) {
	row, err := readOpening(r, v.Opening)
	if err != nil {
		return nil, ident.Digest{}, err
	}
	s, err := o.sealOf(r, row.decision())
	if err != nil {
		return nil, ident.Digest{}, err
	}
	set, err := s.set(r)
	if err != nil {
		return nil, ident.Digest{}, err
	}
	f, err := o.inForceAt(r)
	if err != nil {
		return nil, ident.Digest{}, err
	}
	group, index := 0, 0
	key, _, err := jws.ReadBy(compact, func(kid ident.Digest) (*jws.PublicKey, error) {
		g, m, key, err := f.member(set, kid)
		group, index = g, m.Index
		return key, err
	}, v)
	if no := (*Refusal)(nil); errors.As(err, &no) {
		return nil, ident.Digest{}, err
	}
	if err != nil {
		return nil, ident.Digest{}, malformed("vote", err)
	}
	if v.Group != group || v.Index != index {
		return nil, ident.Digest{}, invalid("vote.index", ReasonContradiction, nil)
	}
	req, err := row.request()
	if err != nil {
		return nil, ident.Digest{}, err
	}
	if v.Checkpoint.Size <= int64(row.Requested.Index) {
		return nil, ident.Digest{}, invalid("vote.checkpoint", ReasonField, jws.ErrValue)
	}
	return s, key.Thumbprint(), malformed("vote", v.Fits(req, jws.Digest(row.Request), len(s.m.Dissents) > 0))
}

// seenIn checks that the checkpoint that a vote cites is one of this log.
func (o *Office) seenIn(ctx context.Context, v *opening.Vote) error {
	size := uint64(v.Checkpoint.Size)
	if size > o.ledger.Head().Size {
		return invalid("vote.checkpoint", ReasonField, jws.ErrValue)
	}
	h, err := o.ledger.HeadAt(ctx, size)
	if err != nil {
		return err
	}
	if h.Root != v.Checkpoint.Root {
		return invalid("vote.checkpoint", ReasonContradiction, nil)
	}
	return nil
}

// cast is the operation.
func (o *Office) cast(tx *ledger.Tx, v *opening.Vote, s *sealRow, b ballotRow) ([]byte, error) {
	row, err := readOpening(tx, v.Opening)
	if err != nil {
		return nil, err
	}
	on := ident.DateOf(tx.Now)
	if err := row.open(on); err != nil {
		return nil, err
	}
	was, err := row.voted(v.Group, v.Index)
	if err != nil {
		return nil, err
	}
	if was {
		return nil, refuse(ErrState, ReasonVoted)
	}
	if err := o.stillMay(tx, row); err != nil && len(v.Granted) > 0 {
		return nil, err
	}
	logged, err := o.enterAs(tx, proof.Event, jws.Digest(b.Vote), proof.RandomTag())
	if err != nil {
		return nil, err
	}
	row.Ballots = append(row.Ballots, b)
	if err := o.conclude(tx, v.Opening, row, s, on); err != nil {
		return nil, err
	}
	if err := row.save(tx, v.Opening); err != nil {
		return nil, err
	}
	return encode(votedRow{int(row.State), logged})
}

// stillMay refuses when the board has revoked the requester since it asked:
// whoever holds its key now gets nothing.
func (o *Office) stillMay(r ledger.Reader, row *openingRow) error {
	was, err := o.readRequester(row.Requester)
	if err != nil {
		return err
	}
	now, err := o.requesterNow(r, was.Requester.Requester)
	if err != nil {
		return err
	}
	if now.Revoked != "" {
		return refuse(ErrState, ReasonRequesterRevoked)
	}
	return nil
}
