package workflow

import (
	"context"
	"errors"
	"fmt"

	"sigill/keys/bundle"
	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/order"
	"sigill/keys/proof"
	"sigill/keys/seal"
	"sigill/keys/statement"
	"sigill/server/ledger"
)

// CosignDecision signs: under a fresh number, by the institutional key, into the
// log, in one durable commit. The same approval again gets the same bundle.
func (o *Office) CosignDecision(ctx context.Context, c *Caller, approval string) ([]byte, error) {
	var a *statement.Approval
	var draft *statement.Draft
	f := o.current()
	officer, err := o.readSigned(f, c, func(signers statement.Keys) (key *jws.PublicKey, item string, on ident.Date, err error) {
		// The draft was verified when it came; the operation looks for its digest.
		if a, draft, key, err = statement.ReadApprovalAlone(approval, signers); err != nil {
			return nil, "", "", err
		}
		return key, a.Item, a.Date, nil
	})
	if err == nil {
		err = o.approvable(ctx, f, c, a, draft, officer)
	}
	if err != nil {
		return o.signedOrRefused(ctx, c, approval, err)
	}
	about := idKey(a.Decision)
	var signed *signedMatter // set by the operation that signs, and by no other
	_, head, err := o.named(ctx, c, about, o.print(c, "cosign", approval), func(tx *ledger.Tx, who *actor) ([]byte, error) {
		if err := o.bindOfficer(tx, who, officer); err != nil {
			return nil, err
		}
		m, v, err := o.shownDraft(tx, c, who, a.Decision)
		if isKind(err, ErrNotFound) {
			err = o.whyNot(tx, who, a.Decision, jws.Digest(a.Draft), approval)
		}
		if err != nil {
			return nil, err
		}
		if officer.kid == m.AuthorKey { // a registered key says whose it is
			return nil, invalid("approval.draft", ReasonContradiction, nil)
		}
		signed, err = o.cosign(tx, m, v, a, approval, draft, f)
		return nil, err
	})
	if errors.Is(err, errSignedAlike) {
		// By a call of the same batch: nothing leaves before that is durable.
		_, err = o.ledger.Do(ctx, func(*ledger.Tx) error { return nil })
		err = ledgerError(err)
	}
	if err != nil {
		return nil, err
	}
	if signed == nil { // by another call
		return o.signedBefore(ctx, a.Decision, approval)
	}
	return o.bundle(ctx, f.orderDocs, signed.m, signed.row, head)
}

// signedOrRefused answers an approval that cannot sign now: what it refuses may have
// changed with the day and the order since it signed.
func (o *Office) signedOrRefused(ctx context.Context, c *Caller, approval string, refusal error) ([]byte, error) {
	var a statement.Approval
	if jws.Peek(approval, &a) != nil {
		return nil, o.refused(ctx, c, nil, refusal)
	}
	if again, err := o.signedBefore(ctx, a.Decision, approval); again != nil || err != nil {
		return again, err
	}
	return nil, o.refused(ctx, c, idKey(a.Decision), refusal)
}

// A signedMatter is what an operation has just signed.
type signedMatter struct {
	m   *matter
	row *decisionRow
}

// errSignedAlike ends an operation without a trace: the same approval has signed.
var errSignedAlike = errors.New("signed by the same approval")

// signer is who made a statement, by the delegation order.
type signer struct {
	order.Officer
	kid ident.Digest
}

// readSigned reads a signer's statement: signed by a key that the order in force
// names for the item on the statement's date, which must be today.
func (o *Office) readSigned(f *inForce, c *Caller, read func(signers statement.Keys) (key *jws.PublicKey, item string, on ident.Date, err error)) (*signer, error) {
	if f.order == nil {
		return nil, refuse(ErrState, ReasonOrder)
	}
	key, item, on, err := read(func(kid ident.Digest) (*jws.PublicKey, error) {
		officer, err := f.order.Dispatcher(kid, c.today())
		if err != nil {
			return nil, err
		}
		return officer.Key.Public()
	})
	if errors.Is(err, order.ErrNoSigner) {
		return nil, &Refusal{Kind: ErrPermission, Reason: ReasonKey, err: err}
	}
	if err != nil {
		return nil, malformed("statement", err)
	}
	if on != c.today() {
		return nil, refuse(ErrState, ReasonDay)
	}
	s := &signer{kid: key.Thumbprint()}
	if item == "" {
		s.Officer, err = f.order.Dispatcher(s.kid, on)
	} else {
		s.Officer, err = f.order.Signer(s.kid, item, on)
	}
	if err != nil {
		return nil, &Refusal{Kind: ErrPermission, Reason: ReasonOrder, err: err}
	}
	return s, nil
}

// approvable checks all of an approval that needs no queue.
func (o *Office) approvable(ctx context.Context, f *inForce, c *Caller, a *statement.Approval, d *statement.Draft, s *signer) error {
	if a.Authority != o.Trust.Authority || a.Signer.Title != s.Title {
		return invalid("approval.signer.title", ReasonField, jws.ErrValue)
	}
	if a.Signer.Name != "" && a.Signer.Name != c.Identity.Name {
		return invalid("approval.signer.name", ReasonContradiction, nil)
	}
	if err := o.seen(ctx, "approval.checkpoint", a.Checkpoint); err != nil {
		return err
	}
	law, err := o.linked(ctx, d, c.today())
	if err != nil {
		return err
	}
	return f.permits(d, c.today(), law)
}

// seen checks that a checkpoint that somebody signed is one of this log: who was
// shown another has been shown a fork.
func (o *Office) seen(ctx context.Context, field string, c statement.Checkpoint) error {
	if uint64(c.Size) > o.ledger.Head().Size {
		return invalid(field, ReasonField, jws.ErrValue)
	}
	root, err := o.ledger.RootAt(ctx, uint64(c.Size))
	if err != nil {
		return ledgerError(err)
	}
	if c.Root != root {
		return invalid(field, ReasonContradiction, nil)
	}
	return nil
}

// cosign is the operation: the approval is over the last revision and its seal;
// then number, signature, entry, rows. That the last revision is another than what is
// shown comes after all else that can be wrong: whoever wants to know must be about to
// sign.
func (o *Office) cosign(tx *ledger.Tx, m *matter, v *shownRow, a *statement.Approval, approval string, d *statement.Draft, f *inForce) (*signedMatter, error) {
	if err := m.shows(v, jws.Digest(a.Draft)); err != nil {
		return nil, err
	}
	row := &draftRow{v.Content, v.Head}
	if row.Head == nil { // the pending draft
		var err error
		if row, err = m.draft(tx); err != nil {
			return nil, err
		}
	}
	if err := sealed(a, d, m, row.Head); err != nil {
		return nil, err
	}
	if err := stillInForce(tx, f); err != nil {
		return nil, err
	}
	if ident.DateOf(tx.Now) != a.Date {
		return nil, refuse(ErrState, ReasonDay)
	}
	// Before the number: what verifies nowhere must not be a decision.
	if err := o.Trust.Certifies(o.Institution.Chain[0], tx.Now); err != nil {
		return nil, &Refusal{Kind: ErrUnavailable, Reason: ReasonCertificate, err: err}
	}
	if err := m.stands(v); err != nil {
		return nil, err
	}
	decision, compact, err := o.decide(tx, a, d, approval)
	if err != nil {
		return nil, err
	}
	return o.file(tx, m, decision, compact, row)
}

// sealed checks that an approval names the seal that the server holds.
func sealed(a *statement.Approval, d *statement.Draft, m *matter, head []byte) error {
	h, err := seal.ParseHead(head)
	if err != nil {
		return damaged("seal", err)
	}
	if a.Core != ident.Sum(head) || bundle.CheckHead(h, d, jws.Digest(a.Draft), m.AuthorKey, a.Record) != nil {
		return invalid("approval.core", ReasonContradiction, nil)
	}
	return nil
}

// numberKey is where the last number of a year stands.
func numberKey(year int) []byte { return fmt.Appendf(nil, "number/%04d", year) }

// decide draws the number and signs the decision.
func (o *Office) decide(tx *ledger.Tx, a *statement.Approval, d *statement.Draft, approval string) (*statement.Decision, string, error) {
	counter := numberKey(a.Date.Year())
	n, err := number(tx, counter)
	if err != nil {
		return nil, "", err
	}
	if err := putNumber(tx, counter, n+1); err != nil {
		return nil, "", err
	}
	decision := &statement.Decision{
		Amends: d.Amends, Approval: approval, Author: d.Author, Authority: d.Authority, Core: a.Core, Corrects: d.Corrects,
		Date: a.Date, Decision: d.Decision, Item: d.Item, Mode: d.Mode, Number: int64(n + 1), Order: d.Order,
		Record: a.Record, Year: a.Date.Year(),
	}
	compact, err := jws.Make(o.Institution.Signer, decision, jws.Certified(tx.Now, o.Institution.Chain...))
	if err != nil {
		return nil, "", &Refusal{Kind: ErrUnavailable, Reason: ReasonStopped, err: err}
	}
	return decision, compact, nil
}

// file moves what is signed from its matter's rows under its log index. Earlier
// drafts and returns go, their digests stay.
func (o *Office) file(tx *ledger.Tx, m *matter, d *statement.Decision, compact string, row *draftRow) (*signedMatter, error) {
	pre := proof.NewPreimage(proof.Decision, jws.Digest(compact))
	entry, err := pre.Entry(proof.DecisionTag(uint16(d.Year), uint64(d.Number), m.id))
	if err != nil {
		return nil, fmt.Errorf("decision's entry: %w", err)
	}
	if m.Index, err = o.enter(tx, entry); err != nil {
		return nil, err
	}
	m.State, m.Statement, m.Returns, m.Approval = Signed, "", nil, jws.Digest(d.Approval)
	if err := m.save(tx); err != nil {
		return nil, err
	}
	if err := m.fileBoxes(tx); err != nil {
		return nil, err
	}
	if err := tx.Delete(roomMatter, m.key(partDraft)); err != nil {
		return nil, err
	}
	if err := m.leaveInbox(tx); err != nil {
		return nil, err
	}
	// The decision's row is written once, when the size of its checkpoint is
	// known; nobody can ask for it before the commit.
	signed := &decisionRow{Decision: compact, Content: row.Content, Head: row.Head, Preimage: pre.Marshal(), ID: idKey(m.id)}
	tx.AtHead(func(h ledger.Head, w ledger.Writer) error {
		signed.HeadSize = h.Size
		return m.put(w, roomDecision, m.signedKey(partDecision), signed)
	})
	return &signedMatter{m, signed}, nil
}

// signedBefore is the bundle of a decision that was signed by exactly this
// approval, with the proof of the commit that signed it; nil if there is none.
func (o *Office) signedBefore(ctx context.Context, id ident.ID, approval string) ([]byte, error) {
	m, err := o.find(ctx, id)
	if isKind(err, ErrNotFound) || err == nil && m.Approval != jws.Digest(approval) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	row, d, err := o.decisionOf(ctx, m)
	if err != nil {
		return nil, err
	}
	head, err := o.ledger.HeadAt(ctx, row.HeadSize)
	if err != nil {
		return nil, ledgerError(err)
	}
	return o.bundleAt(ctx, m, row, d, head)
}

func (o *Office) decisionOf(ctx context.Context, m *matter) (row *decisionRow, d *statement.Decision, err error) {
	err = o.ledger.Read(ctx, func(r ledger.Reader) error {
		row, err = m.decision(r)
		return err
	})
	if err != nil {
		return nil, nil, ledgerError(err)
	}
	d = &statement.Decision{}
	if err := jws.Peek(row.Decision, d); err != nil {
		return nil, nil, damaged("decision", err)
	}
	return row, d, nil
}

func (o *Office) bundleAt(ctx context.Context, m *matter, row *decisionRow, d *statement.Decision, head ledger.Head) ([]byte, error) {
	var docs []string
	err := o.ledger.Read(ctx, func(r ledger.Reader) (err error) {
		docs, err = o.orderDocs(r, d.Order.Version)
		return err
	})
	if err != nil {
		return nil, ledgerError(err)
	}
	return o.bundle(ctx, docs, m, row, head)
}

// publishedBundle is the bundle at the published head, or at the head of the
// commit that signed it while that is not published yet.
func (o *Office) publishedBundle(ctx context.Context, m *matter) ([]byte, error) {
	row, d, err := o.decisionOf(ctx, m)
	if err != nil {
		return nil, err
	}
	head := o.ledger.Published()
	if head.Size < row.HeadSize {
		if head, err = o.ledger.HeadAt(ctx, row.HeadSize); err != nil {
			return nil, ledgerError(err)
		}
	}
	return o.bundleAt(ctx, m, row, d, head)
}
