package workflow

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"runtime"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/proof"
	"sigill/keys/record"
	"sigill/keys/seal"
	"sigill/keys/statement"
	"sigill/server/audit"
	"sigill/server/ledger"
)

// A Submission is a draft as its author's client sends it.
type Submission struct {
	Statement   string
	Content     []byte
	Record      [record.Stated][]byte
	Seed        record.Seed
	Authorship  string   // "" for an unbound token
	WatchSecret [32]byte // of a first revision
}

// A DraftAnswer is the promise to log and what the client recomputes the seal
// from. No part is secret.
type DraftAnswer struct {
	Receipt   string `cbor:"1,keyasint"`
	Head      []byte `cbor:"2,keyasint"`
	Key       []byte `cbor:"3,keyasint"`
	KeysIndex uint64 `cbor:"4,keyasint"`
}

// prepared is a submission after all that needs no queue: checked and sealed.
type prepared struct {
	Submission
	draft  statement.Draft
	rec    *record.Record
	key    *jws.PublicKey
	digest ident.Digest
	f      *inForce // that it was checked and sealed under
	head   []byte
	rows   [2][]byte // the parts draft and boxes
	owed   owed
	answer DraftAnswer
	sealed []byte // the answer, as it is kept for a retry
}

// An owed entry is promised by a receipt.
type owed struct {
	entry   proof.Entry
	receipt string
}

// SubmitDraft takes a first revision: seals its record, stores it and promises
// its log entry. A refusal names nobody.
func (o *Office) SubmitDraft(ctx context.Context, c *Caller, in Submission) (*DraftAnswer, error) {
	p, err := read(in)
	if err != nil {
		return nil, o.refused(ctx, c, nil, err)
	}
	print := o.print(c, "submit", in.Statement)
	if again, err := o.draftedBefore(ctx, c, p, print); again != nil || err != nil {
		return again, err
	}
	if p.draft.Revision != 1 {
		return nil, o.refused(ctx, c, nil, invalid("statement.revision", ReasonRevision, nil))
	}
	m := &matter{o: o, id: p.draft.Decision}
	rand.Read(m.secret[:])
	if err := o.prepare(ctx, c, m, p); err != nil {
		return nil, o.refused(ctx, c, nil, err)
	}
	thumb := p.key.Thumbprint()
	var answer []byte
	_, err = o.ledger.Do(ctx, func(tx *ledger.Tx) (err error) {
		answer, err = o.once(tx, c, thumb[:], print, func() ([]byte, error) {
			return o.submit(tx, c, m, p)
		})
		return err
	})
	if err != nil {
		return nil, o.refused(ctx, c, nil, ledgerError(err))
	}
	return o.given(c, p, answer)
}

// given is the answer to a revision, which the queue gave: mostly p's own, or that
// of the same request if it was faster.
func (o *Office) given(c *Caller, p *prepared, answer []byte) (*DraftAnswer, error) {
	if bytes.Equal(answer, p.sealed) {
		return &p.answer, nil
	}
	return o.draftAnswer(c, answer)
}

// answerPlace binds the answer to a revision that is kept for a retry. It lies
// under the author's nonce, which no store has: the provider's key in it says where
// and when the author logged in. So would its length: it is padded to that of the
// head, which the reviewer set gives, and answerRest, which holds the rest with the
// longest key that a token is taken under (2,048 bytes).
const (
	answerPlace = "draft answer"
	answerRest  = 3 << 10
)

func (o *Office) sealAnswer(c *Caller, a DraftAnswer) ([]byte, error) {
	b, err := encode(a)
	if err != nil {
		return nil, err
	}
	size := len(a.Head) + answerRest
	if 4+len(b) > size {
		return nil, &Refusal{Kind: ErrUnavailable, Reason: ReasonStopped, err: errAnswer}
	}
	padded := binary.BigEndian.AppendUint32(make([]byte, 0, size), uint32(len(b)))
	padded = append(padded, b...)
	return o.cipher.SealMatter(*c.Nonce, answerPlace, padded[:size]), nil
}

var errAnswer = errors.New("an answer is longer than what hides its length")

// draftAnswer opens an answer for the author; that the caller's nonce is the
// author's has been established.
func (o *Office) draftAnswer(c *Caller, answer []byte) (*DraftAnswer, error) {
	b, err := o.cipher.OpenMatter(*c.Nonce, answerPlace, answer)
	if err != nil {
		return nil, damaged("answer", err)
	}
	if len(b) < 4 || uint64(binary.BigEndian.Uint32(b)) > uint64(len(b)-4) {
		return nil, damaged("answer", ledger.ErrCorrupt)
	}
	out := &DraftAnswer{}
	if err := decode(b[4:][:binary.BigEndian.Uint32(b)], out); err != nil {
		return nil, err
	}
	return out, nil
}

// draftedBefore is the answer that this very revision got under this request id,
// for the author; nil if it got none. It comes before all other checks: a retry is
// answered alike when the day or the order has changed since.
func (o *Office) draftedBefore(ctx context.Context, c *Caller, p *prepared, print ident.Digest) (*DraftAnswer, error) {
	if !c.isAuthor(p.draft.Author) {
		return nil, nil
	}
	thumb := p.key.Thumbprint()
	answer, err := o.answered(ctx, c, thumb[:], print)
	if answer == nil || err != nil {
		return nil, err
	}
	return o.draftAnswer(c, answer)
}

// submit is the operation of a first revision.
func (o *Office) submit(tx *ledger.Tx, c *Caller, m *matter, p *prepared) ([]byte, error) {
	if err := o.mayDraft(tx, c, p); err != nil {
		return nil, err
	}
	if err := stillInForce(tx, p.f); err != nil {
		return nil, err
	}
	thumb := p.key.Thumbprint()
	if err := o.useOnce(tx, "author key", "statement.jwk", thumb[:]); err != nil {
		return nil, err
	}
	switch _, err := tx.Get(roomMatter, m.key(partKey)); {
	case err == nil:
		return nil, invalid("statement.decision", ReasonTaken, nil)
	case !errors.Is(err, ledger.ErrNotFound):
		return nil, storeError(err)
	}
	caseKey := o.cipher.MAC("case", []byte(p.draft.Case))
	m.matterRow = matterRow{State: Pending, AuthorKey: thumb, Author: p.draft.Author, Watch: p.WatchSecret, Case: caseKey}
	jwk, err := jws.Canonical(p.key.JWK())
	if err != nil {
		return nil, err
	}
	m.Jwk = jwk
	if err := tx.Put(roomMatter, m.key(partKey), m.secret[:]); err != nil {
		return nil, err
	}
	if err := audit.PutAuthor(tx.Overlay, o.cipher.MAC, ident.DateOf(tx.Now), c.Method, idKey(m.id), audit.OK); err != nil {
		return nil, err
	}
	return o.accept(tx, c, m, p, 0)
}

// accept stores a revision that has passed every check, and what it owes. Until
// then signers are shown what was kept of the one before.
func (o *Office) accept(tx *ledger.Tx, c *Caller, m *matter, p *prepared, until int64) ([]byte, error) {
	if err := o.citeEarlier(tx, m, p); err != nil {
		return nil, err
	}
	m.State, m.Revision, m.Statement = Pending, p.draft.Revision, p.Statement
	m.Digests = append(m.Digests, p.digest)
	for i, at := range []part{partDraft, partBoxes} {
		if err := tx.Put(roomMatter, m.key(at), p.rows[i]); err != nil {
			return nil, err
		}
	}
	if err := m.save(tx); err != nil {
		return nil, err
	}
	visible := o.visibleFrom(tx.Now, p.draft.Urgent)
	if err := m.put(tx, roomInbox, idKey(m.id), inboxRow{visible.Unix(), p.draft.Item, p.draft.Type, until}); err != nil {
		return nil, err
	}
	if err := o.owe(tx, c, p.owed); err != nil {
		return nil, err
	}
	return p.sealed, nil
}

// mayDraft refuses those who sign or review: one who drafts what they sign would
// be the only name that anyone needs to guess.
func (o *Office) mayDraft(r ledger.Reader, c *Caller, p *prepared) error {
	_, row, err := audit.Find(r, o.login(c))
	if err != nil && !errors.Is(err, ledger.ErrNotFound) {
		return storeError(err)
	}
	for _, role := range row.Roles {
		if officer(role) {
			return refuse(ErrPermission, ReasonOfficer)
		}
	}
	switch is, err := o.isOfficer(r, c.Identity.UserID); {
	case err != nil:
		return err
	case is: // a second login of the same person's
		return refuse(ErrPermission, ReasonOfficer)
	}
	for _, person := range p.rec.Persons() {
		switch is, err := o.isOfficer(r, person.UserID); {
		case err != nil:
			return err
		case is:
			return invalid("record.user_id", ReasonOfficer, nil)
		}
	}
	return nil
}

// isOfficer reports whether a user id is known as a signer's or reviewer's; the
// empty one is nobody's.
func (o *Office) isOfficer(r ledger.Reader, userID string) (bool, error) {
	if userID == "" {
		return false, nil
	}
	k := o.officerKey(userID)
	_, err := r.Get(roomUsed, k[:])
	if errors.Is(err, ledger.ErrNotFound) {
		return false, nil
	}
	return err == nil, storeError(err)
}

func officer(role string) bool { return role == "signer" || role == "reviewer" }

func (o *Office) officerKey(userID string) [32]byte {
	return o.cipher.MAC("officer", []byte(userID))
}

// noteOfficer remembers the user id of an account that signs or reviews, so that
// it cannot stand in a record.
func (o *Office) noteOfficer(tx *ledger.Tx, c *Caller) error {
	if !officer(string(c.Role)) || c.Identity.UserID == "" {
		return nil
	}
	k := o.officerKey(c.Identity.UserID)
	if _, err := tx.Get(roomUsed, k[:]); !errors.Is(err, ledger.ErrNotFound) {
		return storeError(err)
	}
	return tx.Put(roomUsed, k[:], []byte{})
}

// useOnce marks a value as used, or refuses it without saying where it was.
func (o *Office) useOnce(tx *ledger.Tx, label, field string, value []byte) error {
	k := o.cipher.MAC(label, value)
	switch _, err := tx.Get(roomUsed, k[:]); {
	case err == nil:
		return invalid(field, ReasonTaken, nil)
	case !errors.Is(err, ledger.ErrNotFound):
		return storeError(err)
	}
	return tx.Put(roomUsed, k[:], []byte{})
}

// citeEarlier holds a draft to the earlier drafts of its case reference, those
// accepted before this decision's first revision, each by its last that signers know
// of; then it files the decision, if it is new. A fresh draft cannot bury a refused one.
func (o *Office) citeEarlier(tx *ledger.Tx, m *matter, p *prepared) error {
	var row caseRow
	if err := get(tx, roomCase, m.Case[:], &row); err != nil && !errors.Is(err, ledger.ErrNotFound) {
		return err
	}
	at := len(row.Decisions)
	due := []ident.Digest{}
	for i, b := range row.Decisions {
		if string(b) == string(idKey(m.id)) {
			at = i
			break
		}
		other, err := o.matter(tx, ident.IDFromBytes([16]byte(b)))
		if err != nil {
			return damaged("case", err)
		}
		d, known, err := other.knownAt(tx, tx.Now)
		if err != nil {
			return err
		}
		if known {
			due = append(due, d)
		}
	}
	statement.SortEarlier(due)
	if len(due) > statement.MaxEarlier {
		return refuse(ErrState, ReasonTooMany)
	}
	if !equal(due, p.draft.Earlier) {
		return &Refusal{Kind: ErrState, Reason: ReasonEarlier, Digests: due}
	}
	if at < len(row.Decisions) {
		return nil
	}
	row.Decisions = append(row.Decisions, idKey(m.id))
	return put(tx, roomCase, m.Case[:], row)
}

func equal(a, b []ident.Digest) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// wrap seals every reviewer's shares, as many at a time as there are cores.
func (o *Office) wrap(s *seal.Sealed, f *inForce) ([][]byte, error) {
	type place struct{ group, index int }
	var places []place
	for g, keys := range f.setKeys {
		for i := range keys {
			places = append(places, place{g, i})
		}
	}
	out := make([][]byte, len(places)) // of its full length at once: the jobs write into it
	var taken atomic.Int64
	work := func() error {
		for {
			n := int(taken.Add(1)) - 1
			if n >= len(places) {
				return nil
			}
			p := places[n]
			w, err := s.Wrap(p.group+1, p.index+1, f.setKeys[p.group][p.index])
			if err != nil {
				return err
			}
			out[n] = w.Marshal()
		}
	}
	// The caller's own goroutine, which has the stack for it, works too.
	var others errgroup.Group
	for range min(runtime.GOMAXPROCS(0), len(places)) - 1 {
		others.Go(work)
	}
	return out, errors.Join(work(), others.Wait())
}
