package client

import (
	"crypto/hpke"
	"fmt"

	"sigill/keys/bundle"
	"sigill/keys/disclosure"
	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/opening"
	"sigill/keys/record"
	"sigill/keys/seal"
	"sigill/keys/statement"
	"sigill/keys/unseal"
)

// An OfflineReviewer judges requests where the authority has no server: by an
// extract of a copy of the store and the board's countersignature, which stands
// for the log. What it leaves must be logged when the log stands again.
type OfflineReviewer struct {
	Trust  *bundle.Trust
	Sign   *jws.Signer
	Open   hpke.PrivateKey
	Pinned map[ident.ID]ident.Digest
}

// An OfflineReview is a countersigned request with all that was checked.
type OfflineReview struct {
	*disclosure.Countersigned
	Group int
	Index int
	share *seal.Wrapping
}

// Read checks a countersigned request against an extract, as [Reviewer.Get] does
// against a server, with today's board in place of the log. It decrypts nothing.
func (v *OfflineReviewer) Read(signatures []string, x *opening.Extract, today ident.Date) (*OfflineReview, error) {
	if _, err := v.Trust.Board.Now().Read(signatures, &opening.Countersigned{}); err != nil { // a board of before may have lost its keys
		return nil, unverified(err)
	}
	c, err := disclosure.ReadCountersigned(signatures, x, v.Trust)
	if err != nil {
		return nil, err
	}
	key, err := c.Requester.Key.Public()
	if err != nil {
		return nil, unverified(err)
	}
	if pin, ok := v.Pinned[c.Requester.Requester]; !ok || pin != key.Thumbprint() {
		return nil, &PinError{c.Requester}
	}
	if c.Request.Expires.Before(today) {
		return nil, ErrExpired
	}
	group, m, _, err := c.Set.Find(v.Sign.Public().Thumbprint())
	if err != nil {
		return nil, ErrWrongGroup
	}
	w := &OfflineReview{Countersigned: c, Group: group, Index: m.Index}
	for _, b := range x.Wrappings {
		share, err := seal.ParseWrapping(b)
		if err != nil {
			return nil, unverified(err)
		}
		if share.Group == group && share.Index == m.Index {
			w.share = share
		}
	}
	if w.share == nil {
		return nil, ErrNotMine
	}
	return w, nil
}

// Vote casts the reviewer's vote: only here the own share is opened, and only the
// granted sections of it leave, sealed to the requester.
func (v *OfflineReviewer) Vote(w *OfflineReview, j Judgement) (*opening.OfflineVote, error) {
	cp := w.Verdict.Checkpoint
	vote := &opening.Vote{
		Authority: v.Trust.Authority, Checkpoint: statement.Checkpoint{Root: cp.Root, Size: int64(cp.Size)}, Decision: w.Request.Decision,
		Granted: j.Granted, Group: w.Group, Index: w.Index, NotBefore: j.NotBefore, Opening: w.Request.Opening, Refusal: j.Refusal,
		Request: w.Digest, Reservation: j.Reservation,
	}
	if vote.Granted == nil {
		vote.Granted = []record.Section{}
	}
	if err := vote.Fits(&w.Request, w.Digest, w.Dissent); err != nil {
		return nil, err
	}
	if err := sayable(*vote); err != nil {
		return nil, err
	}
	out := &opening.OfflineVote{Typ: opening.TypOfflineVote}
	if len(vote.Granted) > 0 {
		scope, err := record.ScopeOf(vote.Granted)
		if err != nil {
			return nil, err
		}
		release, err := unseal.ReSeal(w.Head, w.share, v.Open, unseal.Request{Digest: w.Digest, Recipient: w.Request.Recipient, Checkpoint: cp.Root}, scope)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrNotMine, err)
		}
		out.Vector = release.Marshal()
		vote.Vector = ident.Sum(out.Vector)
	}
	var err error
	if out.Vote, err = jws.Make(v.Sign, vote); err != nil {
		return nil, err
	}
	return out, nil
}
