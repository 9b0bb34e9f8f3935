package client

import (
	"context"
	"crypto/hpke"
	"errors"
	"fmt"
	"time"

	"sigill/keys/bundle"
	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/opening"
	"sigill/keys/order"
	"sigill/keys/record"
	sigillv1 "sigill/proto/sigill/v1"
)

// A Requester asks for seals to be opened: a court, a supervisor, the
// authority's own lawyer. Key is the one that the board registered.
type Requester struct {
	*Session
	Key *jws.Signer
}

// Requester is the session's caller as a requester.
func (s *Session) Requester(key *jws.Signer) *Requester { return &Requester{s, key} }

// An Ask is what a requester asks for.
type Ask struct {
	Verdict   *bundle.Verdict // the decision, verified
	Ground    order.Ground
	Reference string // the requester's own, such as a court case number
	Sections  []record.Section
	Days      int // until the request expires, at most 30
}

// A Recipient is the key to which a request's answer is sealed. It is fresh for
// each request, and the only thing that opens the answer: keep it encrypted
// until then (keys/keyfile).
type Recipient struct {
	Opening ident.ID    `json:"opening"`
	Request string      `json:"request"`
	Seed    ident.Bytes `json:"seed"` // of the MLKEM768-X25519 key
	Typ     string      `json:"typ"`
}

// TypRecipient is the typ member of [Recipient].
const TypRecipient = "sigill-recipient"

// Private is the recipient's key.
func (r *Recipient) Private() (hpke.PrivateKey, error) {
	return hpke.MLKEM768X25519().NewPrivateKey(r.Seed)
}

// NewRequest makes a request and its recipient key. The caller keeps the
// recipient before the request is sent.
func (q *Requester) NewRequest(a Ask) (*Recipient, error) {
	key, err := hpke.MLKEM768X25519().GenerateKey()
	if err != nil {
		return nil, fmt.Errorf("recipient key: %w", err)
	}
	seed, err := key.Bytes()
	if err != nil {
		return nil, fmt.Errorf("recipient key: %w", err)
	}
	today := ident.DateOf(time.Now())
	req := &opening.Request{
		Authority: q.Trust.Authority, Date: today, Decision: a.Verdict.Decision.Decision, Expires: today.AddDays(a.Days),
		Ground: a.Ground, Opening: ident.NewID(), Recipient: key.PublicKey().Bytes(), Reference: a.Reference,
		Sections: a.Sections, Statement: a.Verdict.Digest,
	}
	compact, err := jws.Make(q.Key, req)
	if err != nil {
		return nil, err
	}
	return &Recipient{Typ: TypRecipient, Opening: req.Opening, Request: compact, Seed: seed}, nil
}

// Send sends a request, for the first time or again.
func (q *Requester) Send(ctx context.Context, r *Recipient) error {
	id := ident.Sum(r.Request) // the same request is the same call
	out, err := q.opening().RequestOpening(ctx, &sigillv1.RequestOpeningRequest{RequestId: id[:16], Request: r.Request})
	if err != nil {
		return err
	}
	return q.acted(r.Request, out.GetLogged())
}

// Get shows how a request stands.
func (q *Requester) Get(ctx context.Context, id ident.ID) (*sigillv1.Opening, error) {
	r, err := q.opening().GetOpening(ctx, &sigillv1.GetOpeningRequest{OpeningId: string(id)})
	return r.GetOpening(), err
}

// ErrOutcome says that an ended request does not show how it ended.
var ErrOutcome = errors.New("the release and the votes do not belong together")

// Outcome verifies how a request ended: the release by a log key of the trust
// file, over this request, and every vote that it names, with the provisions and
// reasons of what was refused. It is nil while the request runs, and for one that
// has expired, of which [Requester.Cast] has the votes.
func (q *Requester) Outcome(o *sigillv1.Opening) (*opening.Release, []opening.Vote, error) {
	if o.GetRelease() == "" {
		return nil, nil, nil
	}
	r := &opening.Release{}
	if _, _, err := jws.ReadBy(o.GetRelease(), q.Trust.LogKey, r); err != nil {
		return nil, nil, err
	}
	if r.Request != jws.Digest(o.GetRequest()) || len(r.Votes) != len(o.GetBallots()) {
		return nil, nil, ErrOutcome
	}
	votes := make([]opening.Vote, len(r.Votes))
	for i, b := range o.GetBallots() {
		if jws.Digest(b) != r.Votes[i].Vote {
			return nil, nil, ErrOutcome
		}
		if err := jws.Peek(b, &votes[i]); err != nil { // named by the verified release
			return nil, nil, err
		}
	}
	return r, votes, nil
}

// Cast verifies the votes of a request that has expired without a release: each on
// this request, by a reviewer of one set of the authority, at their seat. Which of
// its sets is the seal's, no release says; the newest that fits is taken.
func (q *Requester) Cast(ctx context.Context, o *sigillv1.Opening) ([]opening.Vote, error) {
	if o.GetState() != sigillv1.OpeningState_OPENING_STATE_EXPIRED || len(o.GetBallots()) == 0 {
		return nil, nil
	}
	req := &opening.Request{}
	if err := jws.Peek(o.GetRequest(), req); err != nil {
		return nil, unverified(err)
	}
	newest, _, err := q.ReviewerSet(ctx, 0)
	if err != nil {
		return nil, err
	}
	for epoch := newest.Epoch; epoch > 0; epoch-- {
		set, _, err := q.ReviewerSet(ctx, epoch)
		if err != nil {
			return nil, err
		}
		if votes, err := castBy(set, o, req); err == nil {
			return votes, nil
		}
	}
	return nil, unverified(ErrOutcome)
}

func castBy(set *order.ReviewerSet, o *sigillv1.Opening, req *opening.Request) ([]opening.Vote, error) {
	votes := make([]opening.Vote, len(o.GetBallots()))
	seen := map[[2]int]bool{}
	for i, b := range o.GetBallots() {
		v := &votes[i]
		at := [2]int{}
		_, _, err := jws.ReadBy(b, func(kid ident.Digest) (*jws.PublicKey, error) {
			group, m, key, err := set.Find(kid)
			at = [2]int{group, m.Index}
			return key, err
		}, v)
		if err != nil {
			return nil, err
		}
		if at != [2]int{v.Group, v.Index} || seen[at] {
			return nil, ErrOutcome
		}
		seen[at] = true
		if err := v.Fits(req, jws.Digest(o.GetRequest()), true); err != nil {
			return nil, err
		}
	}
	return votes, nil
}

// List lists the requester's own requests.
func (q *Requester) List(ctx context.Context) ([]*sigillv1.Opening, error) {
	var out []*sigillv1.Opening
	for page := ""; ; {
		r, err := q.opening().ListOpenings(ctx, &sigillv1.ListOpeningsRequest{PageToken: page})
		if err != nil {
			return nil, err
		}
		out = append(out, r.GetOpenings()...)
		if page = r.GetNextPageToken(); page == "" {
			return out, nil
		}
	}
}

// Wait asks every so often until a request is decided, and gives how it ended.
// Step is told how many of the reviewers have voted.
func (q *Requester) Wait(ctx context.Context, id ident.ID, every time.Duration, step func(votes, of int)) (sigillv1.OpeningState, error) {
	for {
		o, err := q.Get(ctx, id)
		if err != nil {
			return 0, err
		}
		if o.GetState() != sigillv1.OpeningState_OPENING_STATE_PENDING {
			return o.GetState(), nil
		}
		step(int(o.GetVotes()), int(o.GetReviewers()))
		select {
		case <-time.After(every):
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}

// Collect fetches the opening package, which keys/disclosure opens offline.
func (q *Requester) Collect(ctx context.Context, id ident.ID) ([]byte, error) {
	r, err := q.opening().CollectOpening(ctx, &sigillv1.CollectOpeningRequest{RequestId: newRequestID(), OpeningId: string(id)})
	return r.GetPackage(), err
}

// Withdraw takes an undecided request back.
func (q *Requester) Withdraw(ctx context.Context, id ident.ID) error {
	_, err := q.opening().WithdrawOpening(ctx, &sigillv1.WithdrawOpeningRequest{RequestId: newRequestID(), OpeningId: string(id)})
	return err
}
