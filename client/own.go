package client

import (
	"context"
	"crypto/ed25519"
	"fmt"

	"sigill/keys/bundle"
	"sigill/keys/guard"
	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/opening"
	"sigill/keys/record"
	"sigill/keys/statement"
	sigillv1 "sigill/proto/sigill/v1"
)

func (o *Own) signer() (*jws.Signer, error) {
	if len(o.AuthorKey) != ed25519.SeedSize || len(o.Nonce) != len(record.Nonce{}) {
		return nil, fmt.Errorf("%w: not an author's own file", ErrConfig)
	}
	return jws.NewSigner(ed25519.NewKeyFromSeed(o.AuthorKey))
}

// Dissent records the author's dissent in paragraphs. It is refused here if it
// names its author.
func (w *Caseworker) Dissent(ctx context.Context, own *Own, paragraphs []string) error {
	var texts []guard.Text
	for _, p := range paragraphs {
		texts = append(texts, guard.Text{Field: "paragraphs", Body: p})
	}
	t := guard.Terms{}
	for _, f := range []struct {
		to *[]string
		v  string
	}{{&t.Names, w.Me.Name}, {&t.Emails, w.Me.Email}, {&t.Phones, w.Me.Phone}, {&t.UserIDs, w.Me.UserID}, {&t.HSAIDs, w.Me.HSAID}} {
		if f.v != "" {
			*f.to = append(*f.to, f.v)
		}
	}
	if found := guard.Check(t, texts...); len(found) > 0 {
		return &NamedError{found}
	}
	if err := w.settle(ctx, own); err != nil {
		return err
	}
	st := &statement.Dissent{Authority: w.Trust.Authority, Decision: own.Decision, Draft: own.last(), Paragraphs: paragraphs}
	return w.act(ctx, own, st, func(ctx context.Context, compact string) (string, error) {
		out, err := w.drafting().AttachDissent(ctx, &sigillv1.AttachDissentRequest{RequestId: newRequestID(), Statement: compact})
		return out.GetReceipt(), err
	})
}

// Withdraw ends the author's own draft.
func (w *Caseworker) Withdraw(ctx context.Context, own *Own) error {
	if err := w.settle(ctx, own); err != nil {
		return err
	}
	st := &statement.Withdrawal{Authority: w.Trust.Authority, Decision: own.Decision, Draft: own.last()}
	return w.act(ctx, own, st, func(ctx context.Context, compact string) (string, error) {
		out, err := w.drafting().WithdrawDraft(ctx, &sigillv1.WithdrawDraftRequest{RequestId: newRequestID(), Statement: compact})
		return out.GetReceipt(), err
	})
}

// act signs, sends and keeps the receipt.
func (w *Caseworker) act(ctx context.Context, own *Own, st jws.Statement, send func(context.Context, string) (string, error)) error {
	key, err := own.signer()
	if err != nil {
		return err
	}
	compact, err := jws.Make(key, st)
	if err != nil {
		return err
	}
	authored, err := w.author(ctx, own, false)
	if err != nil {
		return err
	}
	receipt, err := send(authored, compact)
	if err != nil {
		return err
	}
	own.Receipts = append(own.Receipts, receipt)
	if err := w.keep(own); err != nil {
		return err
	}
	_, err = w.checkReceipt(own, receipt, jws.Digest(compact))
	return err
}

// A Matter is the author's own matter as the server has it, verified.
type Matter struct {
	State    sigillv1.DecisionState
	Draft    *statement.Draft // nil once signed or withdrawn
	Content  []byte
	Returns  []statement.Return // by whom is the delegation order's to say
	Dissents int
	Verdict  *bundle.Verdict // once signed
	Bundle   []byte
}

// Get shows the author their own matter. What comes back must be what the author
// signed, or ErrSeal.
func (w *Caseworker) Get(ctx context.Context, own *Own) (*Matter, error) {
	authored, err := w.author(ctx, own, true)
	if err != nil {
		return nil, err
	}
	r, err := w.drafting().GetDraft(authored, &sigillv1.GetDraftRequest{RequestId: newRequestID(), DecisionId: string(own.Decision)})
	if err != nil {
		return nil, err
	}
	m := &Matter{State: r.GetState(), Content: r.GetContent(), Dissents: len(r.GetDissents()), Bundle: r.GetBundle()}
	if s := r.GetStatement(); s != "" {
		m.Draft = &statement.Draft{}
		if err := w.arrived(own, jws.Digest(s)); err != nil {
			return nil, err
		}
		if _, err := jws.ReadEmbedded(s, m.Draft); err != nil {
			return nil, unverified(err)
		}
		if err := m.Draft.Content.Fits(m.Content); err != nil {
			return nil, unverified(err)
		}
	}
	if len(m.Bundle) > 0 {
		if m.Verdict, err = bundle.VerifySigned(m.Bundle, w.Trust); err != nil {
			return nil, unverified(err)
		}
		if err := w.arrived(own, m.Verdict.DraftDigest()); err != nil {
			return nil, err
		}
	}
	d, _, err := w.Delegation(ctx)
	if err != nil {
		return nil, err
	}
	for _, s := range r.GetReturns() {
		var ret statement.Return
		if _, _, err := jws.ReadBy(s, w.officers(ctx, d), &ret); err != nil {
			return nil, unverified(err)
		}
		m.Returns = append(m.Returns, ret)
	}
	return m, nil
}

// arrived holds what the server has against the last revision; one that was sent
// and never answered turns out to have been taken.
func (w *Caseworker) arrived(own *Own, draft ident.Digest) error {
	if !own.Sent.IsZero() && draft == own.Sent {
		own.took(draft)
		return w.keep(own)
	}
	if draft != own.last() {
		return fmt.Errorf("%w: not the last revision", ErrSeal)
	}
	return nil
}

// An OpeningNotice is what an author learns of an opening of their seal.
type OpeningNotice struct {
	Request   opening.Request
	Requester string
	Release   opening.Release
}

// Openings lists the openings that the author may know of.
func (w *Caseworker) Openings(ctx context.Context, own *Own) ([]OpeningNotice, error) {
	authored, err := w.author(ctx, own, true)
	if err != nil {
		return nil, err
	}
	r, err := w.drafting().ListSealOpenings(authored, &sigillv1.ListSealOpeningsRequest{RequestId: newRequestID(), DecisionId: string(own.Decision)})
	if err != nil {
		return nil, err
	}
	var out []OpeningNotice
	for _, o := range r.GetOpenings() {
		n := OpeningNotice{Requester: o.GetRequester()}
		if err := jws.CheckText(n.Requester); err != nil {
			return nil, unverified(err)
		}
		if _, _, err := jws.ReadBy(o.GetRelease(), w.Trust.LogKey, &n.Release); err != nil {
			return nil, unverified(err)
		}
		if err := jws.Peek(o.GetRequest(), &n.Request); err != nil {
			return nil, unverified(err)
		}
		if n.Release.Decision != own.Decision || n.Release.Request != jws.Digest(o.GetRequest()) {
			return nil, fmt.Errorf("%w: an opening of another seal", ErrSeal)
		}
		out = append(out, n)
	}
	return out, nil
}

func (o *Own) last() (d ident.Digest) {
	if n := len(o.Revisions); n > 0 {
		return o.Revisions[n-1]
	}
	return d
}
