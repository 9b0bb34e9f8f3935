package client

import (
	"context"
	"crypto/hpke"
	"fmt"
	"time"

	"sigill/keys/bundle"
	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/opening"
	"sigill/keys/order"
	"sigill/keys/proof"
	"sigill/keys/record"
	"sigill/keys/seal"
	"sigill/keys/statement"
	"sigill/keys/unseal"
	sigillv1 "sigill/proto/sigill/v1"
)

// Errors of review: each stops a reviewer's client before it decrypts anything.
var (
	ErrNotPinned  = fmt.Errorf("%w: the requester's key is not the one that this reviewer has pinned", ErrVerification)
	ErrNotLogged  = fmt.Errorf("%w: the request does not stand in the log", ErrVerification)
	ErrNotMine    = fmt.Errorf("%w: the shares are not this reviewer's, or not those in the seal", ErrVerification)
	ErrExpired    = fmt.Errorf("%w: the request has expired", ErrVerification)
	ErrWrongGroup = fmt.Errorf("%w: the signing key is not a reviewer's of this seal", ErrVerification)
)

// A Reviewer judges requests to open seals. Pinned are the requesters whose keys
// this reviewer has checked by a way of their own: requester id to thumbprint.
// Seen is the last checkpoint that this client saw; each call moves it on.
type Reviewer struct {
	*Session
	Sign   *jws.Signer
	Open   hpke.PrivateKey
	Pinned map[ident.ID]ident.Digest
	Seen   *statement.Checkpoint
}

// Reviewer is the session's caller as a reviewer.
func (s *Session) Reviewer(sign *jws.Signer, open hpke.PrivateKey, pinned map[ident.ID]ident.Digest) *Reviewer {
	return &Reviewer{Session: s, Sign: sign, Open: open, Pinned: pinned}
}

// Pending lists the openings on which this reviewer has not voted.
func (v *Reviewer) Pending(ctx context.Context) ([]opening.Request, error) {
	var out []opening.Request
	for page := ""; ; {
		r, err := v.review().ListReviews(ctx, &sigillv1.ListReviewsRequest{PageToken: page})
		if err != nil {
			return nil, err
		}
		for _, it := range r.GetReviews() {
			var req opening.Request
			if err := jws.Peek(it.GetRequest(), &req); err != nil {
				return nil, unverified(err)
			}
			if !it.GetVoted() {
				out = append(out, req)
			}
		}
		if page = r.GetNextPageToken(); page == "" {
			return out, nil
		}
	}
}

// A Review is a request with everything that the reviewer's client has checked:
// a registered and pinned requester, a decision that verifies, the seal's head,
// and the request in the log.
type Review struct {
	Request    opening.Request
	Digest     ident.Digest
	Requester  order.Requester
	Verdict    *bundle.Verdict
	Head       *seal.Head
	Checkpoint proof.Checkpoint // in which the request stands
	Witnessed  bool             // false: obevittnad
	Dissent    bool             // a dissent is logged: there is one that verifies
	Dissents   []statement.Dissent
	Group      int
	Index      int

	// Requests on the same decision before this one, by state: the server's word.
	Earlier map[sigillv1.OpeningState]int
}

// Get fetches a request and checks it. It decrypts nothing.
func (v *Reviewer) Get(ctx context.Context, id ident.ID) (*Review, error) {
	in := &sigillv1.GetReviewRequest{OpeningId: string(id)}
	if v.Seen != nil {
		in.OldSize = uint64(v.Seen.Size)
	}
	r, err := v.review().GetReview(ctx, in)
	if err != nil {
		return nil, err
	}
	w := &Review{Digest: jws.Digest(r.GetRequest()), Earlier: map[sigillv1.OpeningState]int{}}
	for _, e := range r.GetEarlier() {
		w.Earlier[e.GetState()] += int(e.GetCount())
	}
	if err := v.checkRequest(w, r, id); err != nil {
		return nil, err
	}
	if err := v.checkLogged(w, r); err != nil {
		return nil, err
	}
	if w.Verdict, err = bundle.Verify(r.GetBundle(), v.Trust); err != nil {
		return nil, unverified(err)
	}
	if w.Verdict.Digest != w.Request.Statement || w.Verdict.Decision.Decision != w.Request.Decision {
		return nil, fmt.Errorf("%w: another decision than the one asked about", ErrNotLogged)
	}
	if w.Head, err = w.Verdict.CheckHead(r.GetSealHead()); err != nil {
		return nil, unverified(err)
	}
	v.readDissents(w, r.GetDissents())
	set, epoch, err := v.ReviewerSet(ctx, w.Head.Set.Epoch)
	if err != nil {
		return nil, err
	}
	group, m, _, err := set.Find(v.Sign.Public().Thumbprint())
	if err != nil || epoch != w.Head.Set {
		return nil, ErrWrongGroup
	}
	w.Group, w.Index = group, m.Index
	return w, nil
}

// readDissents counts the dissents of the decision under its author key, each once.
// The server's word that there is one would let it have DISSENT_AUTHOR granted,
// which names the author, of a decision from which nobody dissented.
func (v *Reviewer) readDissents(w *Review, dissents []string) {
	seen := map[ident.Digest]bool{}
	for _, compact := range dissents {
		var d statement.Dissent
		_, err := jws.Read(compact, w.Verdict.AuthorKey, &d)
		if err != nil || d.Authority != v.Trust.Authority || d.Decision != w.Verdict.Decision.Decision || seen[jws.Digest(compact)] {
			continue
		}
		seen[jws.Digest(compact)] = true
		w.Dissents = append(w.Dissents, d)
	}
	w.Dissent = len(w.Dissents) > 0
}

// PinError is [ErrNotPinned] with who asks, as the board has registered them.
type PinError struct{ Requester order.Requester }

func (e *PinError) Error() string { return ErrNotPinned.Error() }
func (e *PinError) Unwrap() error { return ErrNotPinned }

// checkRequest: the requester is signed by the board, not revoked, pinned here,
// may ask on this ground, and signed this request, which has not expired.
func (v *Reviewer) checkRequest(w *Review, r *sigillv1.GetReviewResponse, id ident.ID) error {
	if _, err := v.Trust.Board.Read(r.GetRequester().GetSignatures(), &w.Requester); err != nil {
		return unverified(fmt.Errorf("requester: %w", err))
	}
	key, err := w.Requester.Key.Public()
	if err != nil {
		return unverified(err)
	}
	if pin, ok := v.Pinned[w.Requester.Requester]; !ok || pin != key.Thumbprint() {
		return &PinError{w.Requester}
	}
	if _, err := jws.Read(r.GetRequest(), key, &w.Request); err != nil {
		return unverified(err)
	}
	today := ident.DateOf(time.Now())
	if err := w.Requester.May(w.Request.Ground, w.Request.Date); err != nil {
		return unverified(err)
	}
	if w.Request.Expires.Before(today) {
		return ErrExpired
	}
	if w.Request.Opening != id || w.Request.Authority != v.Trust.Authority {
		return fmt.Errorf("%w: another request", ErrNotLogged)
	}
	return nil
}

// checkLogged: the request stands in a checkpoint that the trust file's policy
// accepts and that extends the last one seen here. What an earlier policy accepts
// does not do: the log's key, without the witnesses of today, could show a request in
// a log of its own making that is short enough.
func (v *Reviewer) checkLogged(w *Review, r *sigillv1.GetReviewResponse) error {
	pre, err := proof.ParsePreimage(r.GetLogged().GetPreimage())
	if err != nil {
		return unverified(err)
	}
	tag := r.GetLogged().GetTag()
	if pre.Kind != proof.OpeningRequested || pre.Signed != w.Digest || len(tag) != 16 {
		return ErrNotLogged
	}
	entry, err := pre.Entry(proof.Tag(tag))
	if err != nil {
		return unverified(err)
	}
	if _, w.Checkpoint, err = proof.CheckInclusion([]byte(r.GetLogged().GetProof()), entry, v.Trust.Policy.Now()); err != nil {
		return fmt.Errorf("%w: %w", ErrNotLogged, err)
	}
	w.Witnessed = v.Trust.Policy.Witnessed()
	if v.Seen != nil {
		hashes, err := digests(r.GetConsistency())
		if err != nil {
			return unverified(err)
		}
		older := proof.Checkpoint{Origin: v.Trust.Authority, Size: uint64(v.Seen.Size), Root: v.Seen.Root}
		if err := proof.CheckConsistency(older, w.Checkpoint, hashes); err != nil {
			return unverified(err)
		}
	}
	v.Seen = &statement.Checkpoint{Root: w.Checkpoint.Root, Size: int64(w.Checkpoint.Size)}
	return nil
}

// A Judgement is how the reviewer votes: what to grant, and for what is not
// granted, why.
type Judgement struct {
	Granted     []record.Section
	Refusal     *opening.Refusal
	Reservation string
	NotBefore   *opening.Delay
}

// Vote casts the reviewer's one vote on a request that has been checked. Only
// here are shares fetched and opened, and only those of granted sections leave,
// sealed to the requester.
func (v *Reviewer) Vote(ctx context.Context, w *Review, j Judgement) (sigillv1.OpeningState, error) {
	vote := &opening.Vote{
		Authority: v.Trust.Authority, Checkpoint: *v.Seen, Decision: w.Request.Decision, Granted: j.Granted, Group: w.Group,
		Index: w.Index, NotBefore: j.NotBefore, Opening: w.Request.Opening, Refusal: j.Refusal, Request: w.Digest, Reservation: j.Reservation,
	}
	if vote.Granted == nil {
		vote.Granted = []record.Section{}
	}
	if err := vote.Fits(&w.Request, w.Digest, w.Dissent); err != nil {
		return 0, err
	}
	if err := sayable(*vote); err != nil { // before a hand-out is logged for nothing
		return 0, err
	}
	var vector []byte
	if len(vote.Granted) > 0 {
		release, err := v.reseal(ctx, w, vote)
		if err != nil {
			return 0, err
		}
		vector = release.Marshal()
		vote.Vector = ident.Sum(vector)
	}
	compact, err := jws.Make(v.Sign, vote)
	if err != nil {
		return 0, err
	}
	if len(vector) == 0 {
		r, err := v.review().RefuseOpening(ctx, &sigillv1.RefuseOpeningRequest{RequestId: newRequestID(), Vote: compact})
		if err != nil {
			return 0, err
		}
		return r.GetState(), v.acted(compact, r.GetLogged())
	}
	r, err := v.review().ApproveOpening(ctx, &sigillv1.ApproveOpeningRequest{RequestId: newRequestID(), Vote: compact, Vector: vector})
	if err != nil {
		return 0, err
	}
	return r.GetState(), v.acted(compact, r.GetLogged())
}

// sayable checks a vote as it will be signed, but for its vector, which is not made
// yet.
func sayable(vote opening.Vote) error {
	if len(vote.Granted) > 0 {
		vote.Vector = vote.Request // any digest
	}
	return vote.Check()
}

func (v *Reviewer) reseal(ctx context.Context, w *Review, vote *opening.Vote) (*seal.Release, error) {
	scope, err := record.ScopeOf(vote.Granted)
	if err != nil {
		return nil, err
	}
	r, err := v.review().FetchShare(withKey(ctx, keyProof{v.Sign, w.Request.Opening}), &sigillv1.FetchShareRequest{RequestId: newRequestID(), OpeningId: string(w.Request.Opening)})
	if err != nil {
		return nil, err
	}
	wrapping, err := seal.ParseWrapping(r.GetWrapping())
	if err != nil {
		return nil, unverified(err)
	}
	if wrapping.Group != w.Group || wrapping.Index != w.Index {
		return nil, ErrNotMine
	}
	release, err := unseal.ReSeal(w.Head, wrapping, v.Open, unseal.Request{Digest: w.Digest, Recipient: w.Request.Recipient, Checkpoint: vote.Checkpoint.Root}, scope)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotMine, err)
	}
	return release, nil
}
