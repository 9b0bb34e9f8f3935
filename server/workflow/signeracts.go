package workflow

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/proof"
	"sigill/keys/statement"
	"sigill/keys/token"
	"sigill/server/ledger"
)

// ReturnDraft sends a draft back with a reason, under the signer's name, in the
// log.
func (o *Office) ReturnDraft(ctx context.Context, c *Caller, compact string) (*Logged, error) {
	if again, err := o.actedBefore(ctx, c, compact); again != nil || err != nil {
		return again, err
	}
	var r statement.Return
	s, err := o.signerAct(c, compact, &r, func() ident.Date { return r.Date })
	if err != nil {
		return nil, o.refused(ctx, c, nil, err)
	}
	return o.logAct(ctx, c, r.Decision, compact, proof.Returned, func(tx *ledger.Tx, a *actor) error {
		m, err := o.actOnPending(tx, c, a, s, r.Decision, r.Draft)
		if err != nil {
			return err
		}
		m.State, m.Returns = Returned, append(m.Returns, compact)
		if err := errors.Join(m.leaveInbox(tx), m.reshelve(tx)); err != nil {
			return err
		}
		return m.save(tx)
	})
}

// AbstainFromDecision takes the signer out of the matter, for bias (16 § FL).
func (o *Office) AbstainFromDecision(ctx context.Context, c *Caller, compact string) (*Logged, error) {
	if again, err := o.actedBefore(ctx, c, compact); again != nil || err != nil {
		return again, err
	}
	var ab statement.Abstention
	s, err := o.signerAct(c, compact, &ab, func() ident.Date { return ab.Date })
	if err != nil {
		return nil, o.refused(ctx, c, nil, err)
	}
	return o.logAct(ctx, c, ab.Decision, compact, proof.Event, func(tx *ledger.Tx, a *actor) error {
		m, err := o.actOnPending(tx, c, a, s, ab.Decision, ab.Draft)
		if err != nil {
			return err
		}
		m.Abstained = append(m.Abstained, a.id)
		return m.save(tx)
	})
}

// DispatchDecision records that the notice went out. It must cite every dissent:
// none can be dropped.
func (o *Office) DispatchDecision(ctx context.Context, c *Caller, compact string) (*Logged, error) {
	if again, err := o.actedBefore(ctx, c, compact); again != nil || err != nil {
		return again, err
	}
	var d statement.Dispatch
	s, err := o.signerAct(c, compact, &d, func() ident.Date { return d.Date })
	if err != nil {
		return nil, o.refused(ctx, c, nil, err)
	}
	if err := o.seen(ctx, "statement.checkpoint", d.Checkpoint); err != nil {
		return nil, o.refused(ctx, c, idKey(d.Decision), err)
	}
	return o.logAct(ctx, c, d.Decision, compact, proof.Dispatched, func(tx *ledger.Tx, a *actor) error {
		if err := o.bindOfficer(tx, a, s); err != nil {
			return err
		}
		m, err := o.nearest(tx, d.Decision)
		if errors.Is(err, ledger.ErrNotFound) || err == nil && m.instead {
			return absent()
		}
		if err != nil {
			return err
		}
		if err := o.dispatchable(tx, c, m, &d); err != nil {
			return err
		}
		m.State, m.Dispatch = Dispatched, compact
		return m.save(tx)
	})
}

func (o *Office) dispatchable(r ledger.Reader, c *Caller, m *matter, d *statement.Dispatch) error {
	switch m.State {
	case Dispatched:
		return refuse(ErrState, ReasonDispatched)
	case Signed:
	default: // also of one that was returned, whatever its author has done to it since
		v, err := m.shownAt(r, c.Received)
		if err == nil && v == nil {
			err = absent() // of which nobody but its author knows
		}
		return cmp.Or(err, refuse(ErrState, ReasonNotSigned))
	}
	row, err := m.decision(r)
	if err != nil {
		return err
	}
	if jws.Digest(row.Decision) != d.Statement {
		return invalid("statement.statement", ReasonContradiction, nil)
	}
	var due []ident.Digest
	for _, s := range m.Dissents {
		due = append(due, jws.Digest(s))
	}
	statement.SortEarlier(due)
	// Who cites what is none does not mean to dispatch, and would be told of the next
	// dissent in the minute in which it came.
	if slices.ContainsFunc(d.Dissents, func(cited ident.Digest) bool { return !slices.Contains(due, cited) }) {
		return invalid("statement.dissents", ReasonContradiction, nil)
	}
	if !slices.Equal(due, d.Dissents) {
		return &Refusal{Kind: ErrState, Reason: ReasonDissents, Digests: due}
	}
	return nil
}

// signerAct reads a signer's or registrar's statement.
func (o *Office) signerAct(c *Caller, compact string, st jws.Statement, on func() ident.Date) (*signer, error) {
	s, err := o.readSigned(o.current(), c, func(signers statement.Keys) (*jws.PublicKey, string, ident.Date, error) {
		key, _, err := jws.ReadBy(compact, signers, st)
		return key, "", on(), err
	})
	if err != nil {
		return nil, err
	}
	if a := authorityOf(st); a != o.Trust.Authority {
		return nil, invalid("statement.authority", ReasonField, jws.ErrValue)
	}
	return s, nil
}

// bindOfficer lets an account act as a signer or registrar, by the order as the
// operation finds it.
func (o *Office) bindOfficer(tx *ledger.Tx, a *actor, s *signer) error {
	f, err := o.inForceAt(tx)
	if err != nil {
		return err
	}
	return o.bindKey(tx, f, a, s.kid, f.officers(ident.DateOf(tx.Now)))
}

func authorityOf(st jws.Statement) ident.Authority {
	switch s := st.(type) {
	case *statement.Return:
		return s.Authority
	case *statement.Abstention:
		return s.Authority
	case *statement.Dispatch:
		return s.Authority
	}
	return ""
}

// actOnPending finds the draft that a signer acts on, by the revision that they cite.
func (o *Office) actOnPending(tx *ledger.Tx, c *Caller, a *actor, s *signer, id ident.ID, draft ident.Digest) (*matter, error) {
	if err := o.bindOfficer(tx, a, s); err != nil {
		return nil, err
	}
	m, v, err := o.shownDraft(tx, c, a, id)
	if isKind(err, ErrNotFound) {
		err = o.whyNot(tx, a, id, draft, "")
	}
	if err == nil {
		err = m.shows(v, draft)
	}
	if err == nil {
		err = m.stands(v)
	}
	return m, err
}

// shows refuses a revision that is not the one shown: an earlier one was, any other is
// absent, whether or not it is one that is not shown yet.
func (m *matter) shows(v *shownRow, draft ident.Digest) error {
	switch {
	case draft == m.Digests[v.Revision-1]:
		return nil
	case slices.Contains(m.Digests[:v.Revision-1], draft):
		return refuse(ErrStale, ReasonRevision)
	}
	return absent()
}

// stands refuses to act on what is still shown and is no more.
func (m *matter) stands(v *shownRow) error {
	switch {
	case m.State != Pending:
		return refuse(ErrState, ReasonEnded)
	case v.Revision != m.Revision:
		return refuse(ErrStale, ReasonRevision)
	}
	return nil
}

// whyNot says why nothing can be done to a draft that a signer is not shown, if they
// cite a revision of it that they may have been shown: it has ended, or was returned.
// One that was returned stays so until its next revision is shown: asking again and
// again must not tell when its author revised it. To all others it is absent.
func (o *Office) whyNot(r ledger.Reader, a *actor, id ident.ID, draft ident.Digest, approval string) error {
	m, err := o.nearest(r, id)
	if errors.Is(err, ledger.ErrNotFound) || err == nil && m.instead {
		return absent()
	}
	if err != nil {
		return err
	}
	abstained := slices.Contains(m.Abstained, a.id)
	switch {
	case approval != "" && m.Approval == jws.Digest(approval):
		return errSignedAlike
	case approval != "" && abstained:
		return refuse(ErrState, ReasonAbstained)
	case !slices.Contains(m.Digests, draft):
		return absent()
	case m.State != Pending, abstained, len(m.Returns) > 0 && draft != m.last():
		return refuse(ErrState, ReasonEnded)
	}
	return absent()
}

// A loggedRow is what a logged act's answer is remade from.
type loggedRow struct {
	Preimage []byte   `cbor:"1,keyasint"`
	Tag      [16]byte `cbor:"2,keyasint"`
	Index    uint64   `cbor:"3,keyasint"`
}

// logAct runs a named act that leaves an entry of its own, and proves the entry.
func (o *Office) logAct(ctx context.Context, c *Caller, id ident.ID, compact string, kind proof.Kind, change func(tx *ledger.Tx, a *actor) error) (*Logged, error) {
	tag := proof.RandomTag()
	if kind != proof.Event {
		tag = proof.SubjectTag(id)
	}
	return o.logNamed(ctx, c, idKey(id), compact, proof.NewPreimage(kind, jws.Digest(compact)), tag, change)
}

// logNamed is logAct with the entry given.
func (o *Office) logNamed(ctx context.Context, c *Caller, about []byte, compact string, pre proof.Preimage, tag proof.Tag, change func(tx *ledger.Tx, a *actor) error) (*Logged, error) {
	entry, err := pre.Entry(tag)
	if err != nil {
		return nil, fmt.Errorf("entry: %w", err)
	}
	answer, head, err := o.named(ctx, c, about, o.print(c, c.Method, compact), func(tx *ledger.Tx, a *actor) ([]byte, error) {
		if err := change(tx, a); err != nil {
			return nil, err
		}
		i, err := o.enter(tx, entry)
		if err != nil {
			return nil, err
		}
		return encode(loggedRow{pre.Marshal(), tag, i})
	})
	if err != nil {
		return nil, err
	}
	return o.loggedAgain(ctx, answer, head)
}

// actedBefore is the answer that this very act got under this request id, for its
// caller; nil if it got none. The day may have turned since.
func (o *Office) actedBefore(ctx context.Context, c *Caller, compact string) (*Logged, error) {
	var who *actor
	err := o.ledger.Read(ctx, func(r ledger.Reader) (err error) {
		who, err = o.knownActor(r, c)
		return err
	})
	if errors.Is(err, ledger.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, ledgerError(err)
	}
	answer, err := o.answered(ctx, c, who.id[:], o.print(c, c.Method, compact))
	if answer == nil || err != nil {
		return nil, err
	}
	return o.loggedAgain(ctx, answer, o.ledger.Head())
}

// loggedAgain proves an entry from the row that stands for the answer.
func (o *Office) loggedAgain(ctx context.Context, answer []byte, head ledger.Head) (*Logged, error) {
	var row loggedRow
	if err := decode(answer, &row); err != nil {
		return nil, err
	}
	pre, err := proof.ParsePreimage(row.Preimage)
	if err != nil {
		return nil, damaged("answer", err)
	}
	return o.logged(ctx, pre, row.Tag, row.Index, head)
}

// GetBundle gives a signed decision to its author, a signer or a registrar.
func (o *Office) GetBundle(ctx context.Context, c *Caller, id ident.ID) ([]byte, error) {
	if c.Role == token.Caseworker {
		m, err := o.authorReads(ctx, c, id)
		if err != nil {
			return nil, err
		}
		if m.State != Signed && m.State != Dispatched {
			return nil, refuse(ErrState, ReasonNotSigned)
		}
		return o.publishedBundle(ctx, m)
	}
	var found *matter
	err := o.look(ctx, c, idKey(id), func(r ledger.Reader, a *actor) error {
		m, err := o.nearest(r, id)
		if errors.Is(err, ledger.ErrNotFound) || err == nil && (m.instead || m.State != Signed && m.State != Dispatched) {
			return absent()
		}
		found = m
		return err
	})
	if err != nil {
		return nil, err
	}
	return o.publishedBundle(ctx, found)
}
