package client

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"google.golang.org/grpc/codes"

	"sigill/keys/guard"
	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/order"
	"sigill/keys/record"
	"sigill/keys/seal"
	"sigill/keys/statement"
	sigillv1 "sigill/proto/sigill/v1"
)

// Errors of drafting.
var (
	// ErrNamed: the text names someone whose name is omitted. It wraps a
	// [NamedError].
	ErrNamed = errors.New("the text names someone whose name is to be omitted")
	// ErrSeal: the server sealed something other than what the client sent.
	ErrSeal = fmt.Errorf("%w: the seal is not over what was sent", ErrVerification)
	// ErrReceipt: the receipt does not promise what it must.
	ErrReceipt = fmt.Errorf("%w: the receipt is not for this act", ErrVerification)
	// ErrLogin: the login is not the one that drafted. Nothing was sent: the server
	// would have filed it under the caller's name, beside the decision.
	ErrLogin = errors.New("this matter was drafted under another login, and can be reached by that one alone")
)

// A FormError says where the form of a text is not accepted, without repeating it,
// and wraps what is wrong: one of the errors of package guard.
type FormError struct {
	Field string
	Line  int // from 1; 0 if it is not about a line
	Err   error
}

func (e *FormError) Error() string {
	if e.Line == 0 {
		return fmt.Sprintf("%s: %v", e.Field, e.Err)
	}
	return fmt.Sprintf("%s, line %d: %v", e.Field, e.Line, e.Err)
}

// Unwrap is what is wrong.
func (e *FormError) Unwrap() error { return e.Err }

// A NamedError says where a text names someone, without saying whom.
type NamedError struct{ Findings []guard.Finding }

func (e *NamedError) Error() string {
	f := e.Findings[0]
	return fmt.Sprintf("%s: %s, line %d", ErrNamed.Error(), f.Field, f.Line)
}

// Unwrap is [ErrNamed].
func (e *NamedError) Unwrap() error { return ErrNamed }

// An Identity is what the caller's own token says of them.
type Identity struct {
	Issuer, Subject, Name, Email, Phone, UserID, HSAID, ACR string
	AuthTime                                                int64
	Token                                                   string
}

// A Caseworker drafts decisions. Store, if it is set, keeps what the author must
// keep, before anything is sent and after each answer: whoever loses the author
// key loses the draft. Earlier, if it is set, is shown the earlier drafts of the
// case before they are cited, and may refuse. Settled is for [Home.Submit].
type Caseworker struct {
	*Session
	Me      Identity
	Store   func(*Own) error
	Earlier func([]ident.Digest) error
	Settled func(matter string, taken bool)
}

// Caseworker is the session's caller as a caseworker.
func (s *Session) Caseworker(me Identity) *Caseworker { return &Caseworker{Session: s, Me: me} }

// A Text is what a caseworker writes: the decision and what is said of it. What
// the law gives no choice in is not here.
type Text struct {
	Content    []byte
	Media      string
	Title      string
	Type       string
	Item       string
	Case       string
	Contact    string
	Mode       record.Mode
	Names      record.Names
	Appeal     statement.Appeal
	Reasons    statement.Reasons
	Provisions []statement.Provision
	Protocol   string
	Urgent     bool
	Amends     *statement.Cite
	Corrects   *statement.Cite
	Record     record.Record // the author's own Person is filled in from the token
}

// Own is what the author keeps of a matter: with it the author alone can revise,
// dissent, withdraw and look, and can prove what was promised. It reveals
// authorship: keep it encrypted (see [Home]), and delete it when done. Sent is a
// revision that was sent and never answered: [Caseworker.Get] finds out, and
// [Home.Submit] asks a first one again, which Pending holds.
type Own struct {
	Author    ident.Digest   `json:"author,omitzero"` // the commitment to the login that drafts
	AuthorKey ident.Bytes    `json:"author_key"`      // Ed25519 seed
	Case      string         `json:"case"`
	Decision  ident.ID       `json:"decision"`
	Nonce     ident.Bytes    `json:"nonce"`
	Pending   *Pending       `json:"pending,omitempty"`
	Receipts  []string       `json:"receipts"`
	Revisions []ident.Digest `json:"revisions"`
	Sent      ident.Digest   `json:"sent,omitzero"`
	Typ       string         `json:"typ"`
	Watch     ident.Bytes    `json:"watch"`
}

// TypOwn is the typ member of [Own].
const TypOwn = "sigill-own"

// Submit drafts a new decision. It returns what the author must keep, or nothing
// where the server certainly took nothing.
func (w *Caseworker) Submit(ctx context.Context, t Text) (*Own, error) {
	own := &Own{Typ: TypOwn, Case: statement.NormalCase(t.Case), Decision: ident.NewID(), Receipts: []string{}, Revisions: []ident.Digest{},
		AuthorKey: random(32), Nonce: random(32), Watch: random(32)}
	own.Author = record.AuthorCommitment(record.Nonce(own.Nonce), w.Me.Issuer, w.Me.Subject)
	if err := w.Revise(ctx, own, t); err != nil {
		if len(own.Revisions) == 0 && own.Sent.IsZero() {
			return nil, err
		}
		return own, err
	}
	return own, nil
}

// Revise replaces the last revision of the author's own draft, after it has found
// out about one that was never answered.
func (w *Caseworker) Revise(ctx context.Context, own *Own, t Text) error {
	if err := w.settle(ctx, own); err != nil {
		return err
	}
	var earlier []ident.Digest
	for range 3 {
		err := w.submit(ctx, own, t, earlier)
		e := (*Error)(nil)
		if !errors.As(err, &e) || !e.Tells() || e.Reason != "EARLIER_DRAFTS" {
			return err
		}
		earlier = e.Digests
		if w.Earlier != nil {
			if err := w.Earlier(earlier); err != nil {
				return err
			}
		}
	}
	return fmt.Errorf("earlier drafts of the case keep changing")
}

func (w *Caseworker) keep(own *Own) error {
	if w.Store == nil {
		return nil
	}
	if err := w.Store(own); err != nil {
		return fmt.Errorf("keeping the author's own: %w", err)
	}
	return nil
}

func random(n int) ident.Bytes {
	b := make(ident.Bytes, n)
	rand.Read(b)
	return b
}

// revision is one submission in the making.
type revision struct {
	text    Text
	rec     record.Record
	draft   statement.Draft
	compact string
	digest  ident.Digest
	key     *jws.Signer
	seed    record.Seed
	plain   record.Plaintexts
	stated  [record.Stated][]byte
	set     *order.ReviewerSet
	auth    string // authorship
}

func (w *Caseworker) submit(ctx context.Context, own *Own, t Text, earlier []ident.Digest) error {
	r, err := w.prepare(ctx, own, t, earlier)
	if err != nil {
		return err
	}
	sealIn := &sigillv1.SealInput{Seed: r.seed[:], Authorship: r.auth, Record: &sigillv1.RecordInput{
		Decider: r.stated[0], Presenter: r.stated[1], Participants: r.stated[2], DissentAuthor: r.stated[3],
		BiasDeclaration: r.stated[4], Assessment: r.stated[5],
	}}
	authored, err := w.author(ctx, own, false)
	if err != nil {
		return err
	}
	call, err := w.call(own, r, sealIn)
	if err != nil {
		return err
	}
	own.Sent = r.digest
	if err := w.keep(own); err != nil {
		own.unsend() // it is not sent
		return err
	}
	receipt, proof, err := call(authored)
	if err != nil {
		if e := (*Error)(nil); errors.As(err, &e) && e.Tells() {
			own.unsend()
			return errors.Join(err, w.keep(own))
		}
		return err
	}
	// Accepted, whatever the checks below say: keep what proves it.
	own.took(r.digest)
	own.Receipts = append(own.Receipts, receipt)
	if err := w.keep(own); err != nil {
		return err
	}
	rc, err := w.checkReceipt(own, receipt, r.digest)
	if err != nil {
		return err
	}
	return unverified(w.checkSeal(own, r, proof, rc.Received, w.evidence(own, r)))
}

// call is how the first revision is sent, or one that replaces another.
func (w *Caseworker) call(own *Own, r *revision, in *sigillv1.SealInput) (func(context.Context) (string, *sigillv1.SealProof, error), error) {
	if len(own.Revisions) == 0 {
		req, pending, err := w.first(own, r, in)
		own.Pending = pending
		return func(ctx context.Context) (string, *sigillv1.SealProof, error) {
			out, err := w.drafting().SubmitDraft(ctx, req)
			return out.GetReceipt(), out.GetSeal(), err
		}, err
	}
	return func(ctx context.Context) (string, *sigillv1.SealProof, error) {
		out, err := w.drafting().ReviseDraft(ctx, &sigillv1.ReviseDraftRequest{RequestId: newRequestID(), Statement: r.compact,
			Content: r.text.Content, Seal: in})
		return out.GetReceipt(), out.GetSeal(), err
	}, nil
}

// author marks a call as the author's, if the login is the one that drafted.
func (w *Caseworker) author(ctx context.Context, own *Own, read bool) (context.Context, error) {
	key, err := own.signer()
	if err != nil {
		return nil, err
	}
	nonce := record.Nonce(own.Nonce)
	if !own.Author.IsZero() && record.AuthorCommitment(nonce, w.Me.Issuer, w.Me.Subject) != own.Author {
		return nil, ErrLogin
	}
	return asAuthor(ctx, authorCall{nonce: nonce, key: key, decision: own.Decision, read: read}), nil
}

// settle finds out whether a revision that was sent and never answered was taken.
// To send another one without knowing would lose the matter: what is kept would
// then name neither the server's last revision nor the one to cite.
func (w *Caseworker) settle(ctx context.Context, own *Own) error {
	if own.Sent.IsZero() {
		return nil
	}
	_, err := w.Get(ctx, own)
	e := (*Error)(nil)
	if len(own.Revisions) == 0 && errors.As(err, &e) && e.Code == codes.NotFound {
		err = nil
	}
	if err != nil || own.Sent.IsZero() {
		return err
	}
	own.unsend()
	return w.keep(own)
}

// prepare fills in what the author does not write, guards, pads, signs.
func (w *Caseworker) prepare(ctx context.Context, own *Own, t Text, earlier []ident.Digest) (*revision, error) {
	r := &revision{text: t, rec: w.fill(t.Record)}
	if err := w.Guard(t, &r.rec); err != nil {
		return nil, err
	}
	if err := r.rec.Check(t.Mode, t.Names); err != nil {
		return nil, err
	}
	_, version, err := w.Delegation(ctx)
	if err != nil {
		return nil, err
	}
	set, epoch, err := w.ReviewerSet(ctx, 0)
	if err != nil {
		return nil, err
	}
	r.set = set
	rand.Read(r.seed[:])
	if r.stated, err = r.rec.Encode(); err != nil {
		return nil, err
	}
	if r.plain, err = record.Lay(r.seed, r.stated); err != nil {
		return nil, err
	}
	if r.key, err = own.signer(); err != nil {
		return nil, err
	}
	stated := r.plain.Stated()
	statement.SortEarlier(earlier)
	r.draft = statement.Draft{
		Amends: t.Amends, Appeal: t.Appeal, Author: record.AuthorCommitment(record.Nonce(own.Nonce), w.Me.Issuer, w.Me.Subject),
		Authority: w.Trust.Authority, Case: own.Case, Commitments: stated[:], Contact: t.Contact,
		Content: statement.Content{Digest: ident.Sum(t.Content), Media: t.Media, Size: len(t.Content)}, Corrects: t.Corrects,
		Decision: own.Decision, Earlier: earlier, Item: t.Item, Mode: t.Mode, Names: t.Names, Order: version,
		Protocol: t.Protocol, Provisions: t.Provisions, Reasons: t.Reasons, Revision: len(own.Revisions) + 1, Set: epoch,
		Title: t.Title, Type: t.Type, Urgent: t.Urgent,
	}
	if n := len(own.Revisions); n > 0 {
		r.draft.Previous = own.Revisions[n-1]
	}
	if r.compact, err = jws.Make(r.key, &r.draft, jws.Embed()); err != nil {
		return nil, err
	}
	r.digest = jws.Digest(r.compact)
	if w.Day == nil {
		return r, nil
	}
	r.auth, err = jws.Make(w.Day, &statement.Authorship{AuthorKey: r.key.Public().Thumbprint(), Authority: w.Trust.Authority, Draft: r.digest})
	return r, err
}

// fill puts what the token says of the author where the mode places them.
func (w *Caseworker) fill(r record.Record) record.Record {
	me := func(p record.Person) record.Person {
		p.Author, p.Stated = true, false
		p.Name, p.Issuer, p.Subject = w.Me.Name, w.Me.Issuer, w.Me.Subject
		return p
	}
	if p := r.Decider.Person; p != nil && p.Author {
		q := me(*p)
		r.Decider.Person = &q
	}
	if p := r.Presenter.Person; p != nil && p.Author {
		q := me(*p)
		r.Presenter.Person = &q
	}
	persons := make([]record.Person, len(r.Participants.Persons))
	for i, p := range r.Participants.Persons {
		if persons[i] = p; p.Author {
			persons[i] = me(p)
		}
	}
	r.Participants.Persons = persons
	for _, p := range r.Persons() {
		if p.Author {
			r.DissentAuthor.Person = p
		}
	}
	return r
}

// Guard refuses, before anything is sent, a text whose form is not accepted
// ([FormError]), that names someone whose role is omitted ([NamedError]), or that
// lacks what the law asks for ([statement.PartError]).
func (w *Caseworker) Guard(t Text, rec *record.Record) error {
	if err := guard.CheckMedia(t.Media, t.Content); err != nil {
		return formError("content", err)
	}
	texts := []guard.Text{{Field: "content", Body: string(t.Content)}, {Field: "title", Body: t.Title}, {Field: "contact", Body: t.Contact},
		{Field: "case", Body: t.Case}, {Field: "type", Body: t.Type}, {Field: "protocol", Body: t.Protocol}}
	for _, p := range t.Provisions {
		texts = append(texts, guard.Text{Field: "provisions", Body: p.Place})
	}
	if found := guard.Check(w.terms(rec, t.Names), texts...); len(found) > 0 {
		return &NamedError{found}
	}
	return statement.CheckParts(t.Content, t.Reasons, t.Appeal)
}

func formError(field string, err error) error {
	if m := (*guard.MediaError)(nil); errors.As(err, &m) {
		return &FormError{field, m.Line, m.Err}
	}
	return &FormError{field, 0, err}
}

func (w *Caseworker) terms(rec *record.Record, names record.Names) guard.Terms {
	var t guard.Terms
	add := func(to *[]string, v string) {
		if v != "" {
			*to = append(*to, v)
		}
	}
	for _, p := range rec.OmittedPersons(names) {
		add(&t.Names, p.Name)
		add(&t.UserIDs, p.UserID)
		add(&t.HSAIDs, p.HSAID)
		if p.Author {
			add(&t.Emails, w.Me.Email)
			add(&t.Phones, w.Me.Phone)
			add(&t.UserIDs, w.Me.UserID)
			add(&t.HSAIDs, w.Me.HSAID)
		}
	}
	return t
}

// checkReceipt verifies a promise: by a log key of the trust file, for this act.
func (w *Caseworker) checkReceipt(own *Own, compact string, act ident.Digest) (*statement.Receipt, error) {
	rc := &statement.Receipt{}
	if _, _, err := jws.ReadBy(compact, w.Trust.LogKey, rc); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrReceipt, err)
	}
	if rc.Authority != w.Trust.Authority || rc.Decision != own.Decision || rc.Statement != act {
		return nil, ErrReceipt
	}
	return rc, nil
}

// evidence is what the login is to the server, but for what the server adds.
func (w *Caseworker) evidence(own *Own, r *revision) record.EvidenceItem {
	it := record.EvidenceItem{Type: record.EvidenceAccessToken, Label: record.LabelBearer, Token: w.Me.Token, Nonce: own.Nonce,
		ACR: w.Me.ACR, AuthTime: w.Me.AuthTime}
	if w.Day != nil {
		j := w.Day.Public().JWK()
		it.Label, it.DayKey, it.Authorship = record.LabelDPoP, &j, r.auth
	}
	return it
}

// checkSeal recomputes the seal from what was sent and compares heads.
func (w *Caseworker) checkSeal(own *Own, r *revision, p *sigillv1.SealProof, received ident.Date, it record.EvidenceItem) error {
	it.Key, it.KeysIndex, it.Provider, it.Received = string(p.GetProviderKey()), int64(p.GetProviderKeysIndex()), p.GetProvider(), received
	evidence, err := (&record.Evidence{Items: []record.EvidenceItem{it}}).Encode()
	if err != nil {
		return err
	}
	plain := r.plain
	if err := plain.SetEvidence(r.seed, evidence); err != nil {
		return err
	}
	s, err := seal.New(seal.Subject{Authority: r.draft.Authority, Decision: own.Decision, Revision: r.draft.Revision, Draft: r.digest,
		AuthorKey: r.key.Public().Thumbprint(), Set: r.draft.Set}, seal.Shapes(r.set), r.seed, &plain)
	if err != nil {
		return err
	}
	head, err := s.Head.Marshal()
	if err != nil {
		return err
	}
	if string(head) != string(p.GetHead()) {
		return ErrSeal
	}
	return nil
}
