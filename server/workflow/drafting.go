package workflow

import (
	"context"
	"errors"
	"slices"

	"sigill/keys/guard"
	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/proof"
	"sigill/keys/statement"
	"sigill/keys/token"
	"sigill/server/audit"
	"sigill/server/ledger"
)

// ReviseDraft replaces a pending or returned draft by a new revision, with a seal
// of its own. What signers are shown changes at the next hour of the inbox, unless
// the revision is urgent.
func (o *Office) ReviseDraft(ctx context.Context, c *Caller, in Submission) (*DraftAnswer, error) {
	p, err := read(in)
	if err != nil {
		return nil, err
	}
	m, err := o.sought(ctx, p.draft.Decision)
	if err == nil && p.key.Thumbprint() != m.AuthorKey {
		err = absent()
	}
	if m, err = o.known(ctx, c, p.draft.Decision, m, err); err != nil {
		return nil, err
	}
	print := o.print(c, "revise", in.Statement)
	if again, err := o.draftedBefore(ctx, c, p, print); again != nil || err != nil {
		return again, err
	}
	if err := o.prepare(ctx, c, m, p); err != nil {
		return nil, o.authorRefused(ctx, c, idKey(m.id), err)
	}
	answer, err := o.authored(ctx, c, m, print, func(tx *ledger.Tx, m *matter) ([]byte, error) {
		return o.revise(tx, c, m, p)
	})
	if err != nil {
		return nil, err
	}
	return o.given(c, p, answer)
}

func (o *Office) revise(tx *ledger.Tx, c *Caller, m *matter, p *prepared) ([]byte, error) {
	if m.ended() {
		return nil, refuse(ErrState, ReasonEnded)
	}
	d := &p.draft
	if d.Revision != m.Revision+1 || d.Previous != m.last() {
		return nil, refuse(ErrStale, ReasonRevision)
	}
	if d.Author != m.Author || o.cipher.MAC("case", []byte(d.Case)) != m.Case {
		return nil, invalid("statement.case", ReasonContradiction, nil)
	}
	if err := o.mayDraft(tx, c, p); err != nil {
		return nil, err
	}
	if err := stillInForce(tx, p.f); err != nil {
		return nil, err
	}
	if d.Urgent { // shown at once
		if err := m.leaveInbox(tx); err != nil {
			return nil, err
		}
		return o.accept(tx, c, m, p, 0)
	}
	until, err := o.keep(tx, m)
	if err != nil {
		return nil, err
	}
	return o.accept(tx, c, m, p, until)
}

// AttachDissent records the author's dissent, until the decision is dispatched
// (30 § FL). Signers of a draft are shown it from the next hour of the inbox.
func (o *Office) AttachDissent(ctx context.Context, c *Caller, compact string) (string, error) {
	var d statement.Dissent
	m, err := o.authorAct(ctx, c, compact, &d, func() (ident.ID, ident.Authority) { return d.Decision, d.Authority })
	if err != nil {
		return "", err
	}
	texts := []guard.Text{}
	for _, p := range d.Paragraphs {
		texts = append(texts, guard.Text{Field: "statement.paragraphs", Body: p})
	}
	if err := named(guard.Check(withToken(guard.Terms{}, c), texts...)); err != nil {
		return "", o.authorRefused(ctx, c, idKey(m.id), err)
	}
	return o.act(ctx, c, m, compact, proof.AuthorAct, func(tx *ledger.Tx, m *matter) error {
		switch {
		case m.State == Dispatched:
			return refuse(ErrState, ReasonDispatched)
		case m.State == Withdrawn:
			return refuse(ErrState, ReasonEnded)
		case d.Draft != m.last():
			return refuse(ErrStale, ReasonRevision)
		case slices.Contains(m.Dissents, compact): // twice, no dispatch could cite it and no court would take it
			return refuse(ErrState, ReasonTaken)
		case len(m.Dissents) >= statement.MaxDissents:
			return refuse(ErrState, ReasonTooMany)
		}
		if err := o.keptDissent(tx, m); err != nil {
			return err
		}
		m.Dissents = append(m.Dissents, compact)
		return m.save(tx)
	})
}

// WithdrawDraft ends a pending or returned draft. Its text and seal go; that it
// was, stays. Signers who are shown it are so until the next hour of the inbox.
func (o *Office) WithdrawDraft(ctx context.Context, c *Caller, compact string) (string, error) {
	var w statement.Withdrawal
	m, err := o.authorAct(ctx, c, compact, &w, func() (ident.ID, ident.Authority) { return w.Decision, w.Authority })
	if err != nil {
		return "", err
	}
	return o.act(ctx, c, m, compact, proof.Withdrawn, func(tx *ledger.Tx, m *matter) error {
		if m.ended() {
			return refuse(ErrState, ReasonEnded)
		}
		if w.Draft != m.last() {
			return refuse(ErrStale, ReasonRevision)
		}
		if err := o.keptWithdrawal(tx, m); err != nil {
			return err
		}
		m.State, m.Statement, m.Returns = Withdrawn, "", nil
		for _, p := range []part{partDraft, partBoxes} {
			if err := tx.Delete(roomMatter, m.key(p)); err != nil {
				return err
			}
		}
		return m.save(tx)
	})
}

// authorAct reads an act by the author key. The decision that it speaks of is
// read without trust first, to find the key.
func (o *Office) authorAct(ctx context.Context, c *Caller, compact string, st jws.Statement, about func() (ident.ID, ident.Authority)) (*matter, error) {
	if err := jws.Peek(compact, st); err != nil {
		return nil, malformed("statement", err)
	}
	id, authority := about()
	m, err := o.byAuthor(ctx, c, id, compact, st)
	if err == nil && authority != o.Trust.Authority {
		return nil, invalid("statement.authority", ReasonField, jws.ErrValue)
	}
	return m, err
}

// act runs an author's act: the change, the owed entry, the receipt.
func (o *Office) act(ctx context.Context, c *Caller, m *matter, compact string, kind proof.Kind, change func(tx *ledger.Tx, m *matter) error) (string, error) {
	tag := proof.RandomTag()
	if kind == proof.Withdrawn {
		tag = proof.SubjectTag(m.id)
	}
	w, err := o.promiseAs(c, m.id, jws.Digest(compact), kind, tag)
	if err != nil {
		return "", err
	}
	answer, err := o.authored(ctx, c, m, o.print(c, "act", compact), func(tx *ledger.Tx, m *matter) ([]byte, error) {
		if err := change(tx, m); err != nil {
			return nil, err
		}
		return []byte(w.receipt), o.owe(tx, c, w)
	})
	return string(answer), err
}

// A DraftView is a matter as its author sees it.
type DraftView struct {
	State     int
	Statement string
	Content   []byte
	Returns   []string
	Dissents  []string
	Bundle    []byte
}

// GetDraft shows the author their own matter.
func (o *Office) GetDraft(ctx context.Context, c *Caller, id ident.ID) (*DraftView, error) {
	if _, err := o.authorReads(ctx, c, id); err != nil {
		return nil, err
	}
	var m *matter
	v := &DraftView{}
	err := o.ledger.Read(ctx, func(r ledger.Reader) (err error) { // all of one moment: the text of the statement beside it
		if m, err = o.matter(r, id); err != nil {
			return err
		}
		*v = DraftView{State: int(m.State), Statement: m.Statement, Returns: m.Returns, Dissents: m.Dissents}
		if m.State != Pending && m.State != Returned {
			return nil
		}
		d, err := m.draft(r)
		if errors.Is(err, ledger.ErrNotFound) {
			return damaged("draft", err)
		}
		v.Content = d.Content
		return err
	})
	if err == nil && (m.State == Signed || m.State == Dispatched) {
		v.Bundle, err = o.publishedBundle(ctx, m)
	}
	if err != nil {
		return nil, ledgerError(err)
	}
	return v, nil
}

// authorReads checks the author proof of a read, and files the read by its day.
func (o *Office) authorReads(ctx context.Context, c *Caller, id ident.ID) (*matter, error) {
	m, err := o.sought(ctx, id)
	if err == nil {
		err = o.provesAuthor(c, id, m)
	}
	if m, err = o.known(ctx, c, id, m, err); err != nil {
		return nil, err
	}
	_, err = o.ledger.Do(ctx, func(tx *ledger.Tx) error {
		return audit.PutAuthor(tx.Overlay, o.cipher.MAC, ident.DateOf(tx.Now), c.Method, idKey(id), audit.OK)
	})
	return m, ledgerError(err)
}

// provesAuthor: both the author key and a token that opens the commitment.
func (o *Office) provesAuthor(c *Caller, id ident.ID, m *matter) error {
	key, err := m.authorKey()
	if err != nil {
		return err
	}
	return token.CheckAuthorProof(c.Proof, key, token.AuthorRead{
		Authority: o.Trust.Authority, Decision: id, Method: c.Method, Request: c.RequestID,
	}, c.Received)
}
