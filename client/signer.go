package client

import (
	"context"
	"errors"
	"fmt"
	"time"

	"sigill/keys/bundle"
	"sigill/keys/guard"
	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/order"
	"sigill/keys/record"
	"sigill/keys/seal"
	"sigill/keys/statement"
	sigillv1 "sigill/proto/sigill/v1"
)

// ErrApproval says that a draft cannot be signed as it stands.
var ErrApproval = fmt.Errorf("%w: the draft and its seal do not belong together", ErrVerification)

// A Signer is a director or a deputy, by a key that the delegation order names.
// Store, if it is set, keeps an approval before it is sent: ECDSA never gives the
// same bytes twice, and after a lost answer [Signer.Send] asks with the kept ones.
type Signer struct {
	*Session
	Key   *jws.Signer
	Name  string // as the token says; used where the notice shows the decider
	Store func(decision ident.ID, approval string) error
	Seen  *statement.Checkpoint // the last checkpoint that this client saw; updated by each call
}

// Signer is the session's caller as a signer.
func (s *Session) Signer(key *jws.Signer, name string) *Signer {
	return &Signer{Session: s, Key: key, Name: name}
}

// A Waiting is a draft in the inbox.
type Waiting struct {
	Decision ident.ID
	Draft    statement.Draft
}

// Inbox lists what awaits the signer, by random id.
func (g *Signer) Inbox(ctx context.Context) ([]Waiting, error) {
	var out []Waiting
	for page := ""; ; {
		r, err := g.signing().ListInbox(ctx, &sigillv1.ListInboxRequest{PageToken: page})
		if err != nil {
			return nil, err
		}
		for _, it := range r.GetItems() {
			w := Waiting{}
			if _, err := jws.ReadEmbedded(it.GetStatement(), &w.Draft); err != nil {
				return nil, unverified(fmt.Errorf("inbox: %w", err))
			}
			if w.Decision = w.Draft.Decision; string(w.Decision) != it.GetDecisionId() {
				return nil, fmt.Errorf("inbox: %w", ErrApproval)
			}
			out = append(out, w)
		}
		if page = r.GetNextPageToken(); page == "" {
			return out, nil
		}
	}
}

// Watch calls step with the ids of what awaits the signer, at once and whenever it
// changes, until the context ends.
func (g *Signer) Watch(ctx context.Context, step func([]ident.ID) error) error {
	stream, err := g.signing().WatchInbox(ctx, &sigillv1.WatchInboxRequest{})
	for err == nil {
		var r *sigillv1.WatchInboxResponse
		if r, err = stream.Recv(); err != nil {
			break
		}
		var ids []ident.ID
		for _, s := range r.GetDecisionIds() {
			id, err := ident.ParseID(s)
			if err != nil {
				return unverified(err)
			}
			ids = append(ids, id)
		}
		if err := step(ids); err != nil {
			return err
		}
	}
	if ctx.Err() != nil {
		return nil
	}
	return asError(err)
}

// A Case is a draft that has been fetched and checked: the author signed exactly
// this content, and the seal is over the record that the draft commits to.
type Case struct {
	Draft     statement.Draft
	Compact   string // the draft statement
	Content   []byte
	Head      *seal.Head
	HeadBytes []byte
	Dissents  []statement.Dissent
	Returns   []statement.Return
	SmallSet  bool // few could have written it: the notice may tell by itself
	Order     *order.Delegation
	Officer   order.Officer // as whom the signer would sign
	Unfit     error         // why the signer cannot sign it, who may still send it back; nil if they can
}

// ErrSuperseded: what awaits a signature was drafted under an order before.
var ErrSuperseded = errors.New("the draft cites a delegation order that is no longer in force: send it back to be revised")

// Read fetches a draft and checks all that an approval will vouch for.
func (g *Signer) Read(ctx context.Context, id ident.ID) (*Case, error) {
	r, err := g.signing().GetInboxDraft(ctx, &sigillv1.GetInboxDraftRequest{DecisionId: string(id)})
	if err != nil {
		return nil, err
	}
	c := &Case{Compact: r.GetStatement(), Content: r.GetContent(), HeadBytes: r.GetSealHead(), SmallSet: r.GetSmallSet()}
	author, err := jws.ReadEmbedded(c.Compact, &c.Draft)
	if err != nil {
		return nil, unverified(err)
	}
	if c.Draft.Decision != id || c.Draft.Authority != g.Trust.Authority {
		return nil, ErrApproval
	}
	if err := c.Draft.Content.Fits(c.Content); err != nil {
		return nil, unverified(err)
	}
	if err := guard.CheckMedia(c.Draft.Content.Media, c.Content); err != nil { // what is shown is what is signed
		return nil, unverified(err)
	}
	if c.Head, err = seal.ParseHead(c.HeadBytes); err != nil {
		return nil, unverified(err)
	}
	if err := bundle.CheckHead(c.Head, &c.Draft, jws.Digest(c.Compact), author.Thumbprint(), c.Head.Commitments.Digest()); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrApproval, err)
	}
	set, epoch, err := g.ReviewerSet(ctx, c.Draft.Set.Epoch)
	if err != nil {
		return nil, err
	}
	if epoch != c.Draft.Set || fmt.Sprint(seal.Shapes(set)) != fmt.Sprint(c.Head.Groups) {
		return nil, fmt.Errorf("%w: sealed to other reviewers", ErrApproval)
	}
	return c, g.readRest(ctx, c, r, author)
}

func (g *Signer) readRest(ctx context.Context, c *Case, r *sigillv1.GetInboxDraftResponse, author *jws.PublicKey) error {
	var version order.Version
	var err error
	if c.Order, version, err = g.Delegation(ctx); err != nil {
		return err
	}
	for _, s := range r.GetDissents() {
		var d statement.Dissent
		if _, err := jws.Read(s, author, &d); err != nil {
			return unverified(err)
		}
		c.Dissents = append(c.Dissents, d)
	}
	for _, s := range r.GetReturns() {
		var ret statement.Return
		if _, _, err := jws.ReadBy(s, g.officers(ctx, c.Order), &ret); err != nil {
			return unverified(err)
		}
		c.Returns = append(c.Returns, ret)
	}
	c.Unfit = g.fit(c, version)
	return nil
}

// fit finds as whom the signer may sign a case today.
func (g *Signer) fit(c *Case, inForce order.Version) (err error) {
	if inForce != c.Draft.Order {
		return ErrSuperseded
	}
	today := ident.DateOf(time.Now())
	if err := c.Order.Permits(c.Draft.Item, c.Draft.Type, c.Draft.Mode, today); err != nil {
		return err
	}
	c.Officer, err = c.Order.Signer(g.Key.Public().Thumbprint(), c.Draft.Item, today)
	return err
}

// Sign approves a case that has been read, and returns the verified decision
// with its bundle.
func (g *Signer) Sign(ctx context.Context, c *Case) (*bundle.Verdict, []byte, error) {
	if c.Unfit != nil {
		return nil, nil, c.Unfit
	}
	seen, err := g.checkpoint(ctx)
	if err != nil {
		return nil, nil, err
	}
	a := &statement.Approval{
		Authority: g.Trust.Authority, Checkpoint: seen, Core: ident.Sum(c.HeadBytes), Date: ident.DateOf(time.Now()),
		Decision: c.Draft.Decision, Draft: c.Compact, Item: c.Draft.Item, Mode: c.Draft.Mode, Order: c.Draft.Order,
		Record: c.Head.Commitments.Digest(),
		Signer: statement.SignerPart{Declared: statement.DeclaredUnbiased, Title: c.Officer.Title},
	}
	if c.Draft.Mode == record.ExecutiveDecides && c.Draft.Names.Decider == record.Shown {
		a.Signer.Name = g.Name
	}
	approval, err := jws.Make(g.Key, a)
	if err != nil {
		return nil, nil, err
	}
	if g.Store != nil {
		if err := g.Store(c.Draft.Decision, approval); err != nil {
			return nil, nil, fmt.Errorf("keeping the approval: %w", err)
		}
	}
	return g.Send(ctx, approval)
}

// Send sends an approval, for the first time or again, and verifies the answer:
// the decision must hold exactly this approval.
func (g *Signer) Send(ctx context.Context, approval string) (*bundle.Verdict, []byte, error) {
	r, err := g.signing().CosignDecision(ctx, &sigillv1.CosignDecisionRequest{RequestId: newRequestID(), Approval: approval})
	if err != nil {
		return nil, nil, err
	}
	v, err := bundle.VerifySigned(r.GetBundle(), g.Trust)
	if err != nil {
		return nil, nil, unverified(err)
	}
	if v.Decision.Approval != approval {
		return nil, nil, fmt.Errorf("%w: the decision is under another approval", ErrApproval)
	}
	return v, r.GetBundle(), nil
}

// checkpoint fetches the log's head, and refuses one that does not extend what
// this client saw before.
func (g *Signer) checkpoint(ctx context.Context) (statement.Checkpoint, error) {
	cp, err := g.Checkpoint(ctx, g.Seen)
	if err != nil {
		return cp, err
	}
	g.Seen = &cp
	return cp, nil
}

// Return sends a draft back with a reason in paragraphs.
func (g *Signer) Return(ctx context.Context, c *Case, paragraphs []string) error {
	compact, err := jws.Make(g.Key, &statement.Return{Authority: g.Trust.Authority, Date: ident.DateOf(time.Now()),
		Decision: c.Draft.Decision, Draft: jws.Digest(c.Compact), Paragraphs: paragraphs})
	if err != nil {
		return err
	}
	r, err := g.signing().ReturnDraft(ctx, &sigillv1.ReturnDraftRequest{RequestId: newRequestID(), Statement: compact})
	if err != nil {
		return err
	}
	return g.acted(compact, r.GetLogged())
}

// Abstain takes the signer out of a matter for bias.
func (g *Signer) Abstain(ctx context.Context, c *Case) error {
	compact, err := jws.Make(g.Key, &statement.Abstention{Authority: g.Trust.Authority, Date: ident.DateOf(time.Now()),
		Decision: c.Draft.Decision, Draft: jws.Digest(c.Compact)})
	if err != nil {
		return err
	}
	r, err := g.signing().AbstainFromDecision(ctx, &sigillv1.AbstainFromDecisionRequest{RequestId: newRequestID(), Statement: compact})
	if err != nil {
		return err
	}
	return g.acted(compact, r.GetLogged())
}

// Dispatch records that the notice of a decision went out. The server lists the
// dissents that must be cited if any is missing, and it is signed again.
func (g *Signer) Dispatch(ctx context.Context, v *bundle.Verdict) error {
	seen, err := g.checkpoint(ctx)
	if err != nil {
		return err
	}
	dissents := []ident.Digest{}
	for range 3 {
		compact, err := jws.Make(g.Key, &statement.Dispatch{Authority: g.Trust.Authority, Checkpoint: seen, Date: ident.DateOf(time.Now()),
			Decision: v.Decision.Decision, Dissents: dissents, Statement: v.Digest})
		if err != nil {
			return err
		}
		r, err := g.signing().DispatchDecision(ctx, &sigillv1.DispatchDecisionRequest{RequestId: newRequestID(), Statement: compact})
		e := (*Error)(nil)
		if errors.As(err, &e) && e.Reason == "DISSENTS" {
			dissents = e.Digests
			continue
		}
		if err != nil {
			return err
		}
		return g.acted(compact, r.GetLogged())
	}
	return fmt.Errorf("dissents keep coming")
}

// Bundle fetches a signed decision and verifies it.
func (g *Signer) Bundle(ctx context.Context, id ident.ID) (*bundle.Verdict, []byte, error) {
	r, err := g.verification().GetBundle(ctx, &sigillv1.GetBundleRequest{RequestId: newRequestID(), DecisionId: string(id)})
	if err != nil {
		return nil, nil, err
	}
	v, err := bundle.VerifySigned(r.GetBundle(), g.Trust)
	return v, r.GetBundle(), unverified(err)
}
