package workflow_test

import (
	"crypto/rand"

	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/order"
	"sigill/keys/record"
	"sigill/keys/seal"
	"sigill/keys/statement"
	"sigill/keys/token"
	"sigill/server/workflow"
)

// author is a caseworker with what they keep of one matter.
type author struct {
	h          *house
	name       string
	key        *jws.Signer
	day        *jws.Signer
	nonce      record.Nonce
	watch      [32]byte
	id         ident.ID
	last       []ident.Digest
	earlier    []ident.Digest
	seed       record.Seed
	plain      record.Plaintexts
	authorship string
	edit       func(d *statement.Draft, r *record.Record)
	content    string
	unbound    bool // the token is not bound to a day key
}

func (h *house) author(name string) *author {
	a := &author{h: h, name: name, key: newSigner(jws.EdDSA), day: newSigner(jws.ES256), id: ident.NewID(), content: text}
	rand.Read(a.nonce[:])
	rand.Read(a.watch[:])
	return a
}

func (a *author) caller(method string) *workflow.Caller {
	c := a.h.caller(a.name, token.Caseworker, "DraftingService/"+method)
	c.Nonce = &a.nonce
	if !a.unbound {
		c.DayKey = a.day.Public()
	}
	return c
}

const text = "# Beslut\n\nAnsökan beviljas.\n\n## Skäl för beslutet\n\nBehovet är styrkt.\n\n## Hur du överklagar\n\nSkriv till oss inom tre veckor.\n"

func (a *author) person() record.Person {
	return record.Person{Author: true, Issuer: "https://idp.example", Name: a.name, Subject: "sub-" + a.name, Title: "socialsekreterare"}
}

// submission makes the next revision's submission.
func (a *author) submission() (workflow.Submission, *statement.Draft) {
	in, d := a.submission0()
	in.Statement = must(jws.Make(a.key, d, jws.Embed()))
	a.authorship = must(jws.Make(a.day, &statement.Authorship{AuthorKey: a.key.Public().Thumbprint(), Authority: authority, Draft: jws.Digest(in.Statement)}))
	if !a.unbound {
		in.Authorship = a.authorship
	}
	return in, d
}

// submission0 is a submission without its signatures.
func (a *author) submission0() (workflow.Submission, *statement.Draft) {
	me := a.person()
	r := &record.Record{
		Decider:         record.Decider{Item: "1.1", Kind: record.DeciderPerson, Person: &me},
		Participants:    record.Participants{Persons: []record.Person{}},
		DissentAuthor:   record.DissentAuthor{Person: me},
		BiasDeclaration: record.BiasDeclaration{Declarations: []record.Bias{{Ordinal: 1, Role: record.RoleDecider}}},
		Assessment: record.Assessment{Omitted: []record.OmittedName{{Assessor: "enhetschef", Date: today(), Ground: record.GroundThreat,
			Ordinal: 1, Reference: "P-1", Review: today().AddDays(90), Role: record.RoleDecider}}},
	}
	d := &statement.Draft{
		Appeal: statement.AppealAdministrative, Author: record.AuthorCommitment(a.nonce, "https://idp.example", "sub-"+a.name),
		Authority: authority, Case: "SN2026-00417", Contact: "socialkontoret@exempelstad.example",
		Content: statement.Content{Digest: ident.Sum(a.content), Media: statement.MediaMarkdown, Size: len(a.content)}, Decision: a.id,
		Earlier: a.earlier, Item: "1.1", Mode: record.DelegateDecides,
		Names: record.Names{Decider: record.Omitted, Participants: record.Shown, Presenter: record.Shown},
		Order: a.h.version, Provisions: []statement.Provision{{Place: "11 kap. 1 §", SFS: statement.SoL2025}}, Reasons: statement.ReasonsStated,
		Revision: len(a.last) + 1, Set: a.h.setEpoch, Title: "Bistånd", Type: "bistand",
	}
	if n := len(a.last); n > 0 {
		d.Previous = a.last[n-1]
	}
	if a.edit != nil {
		a.edit(d, r)
	}
	rand.Read(a.seed[:])
	in := workflow.Submission{Content: []byte(a.content), Seed: a.seed, WatchSecret: a.watch}
	in.Record = must(r.Encode())
	a.plain = must(record.Lay(a.seed, in.Record))
	stated := a.plain.Stated()
	d.Commitments = stated[:]
	return in, d
}

// submit sends the next revision and keeps its digest.
func (a *author) submit() (*workflow.DraftAnswer, error) {
	in, _ := a.submission()
	var out *workflow.DraftAnswer
	var err error
	if len(a.last) == 0 {
		out, err = a.h.SubmitDraft(ctx, a.caller("SubmitDraft"), in)
	} else {
		out, err = a.h.ReviseDraft(ctx, a.caller("ReviseDraft"), in)
	}
	if err == nil {
		a.last = append(a.last, jws.Digest(in.Statement))
	}
	return out, err
}

// signerCaller is the login of an officer.
func (h *house) signerCaller(title, method string) *workflow.Caller {
	role := token.Signer
	if title == "registrator" {
		role = token.Registrar
	}
	return h.caller("Officer "+title, role, method)
}

// approval makes a signer's approval of what the inbox shows.
func (h *house) approval(title string, d *workflow.InboxDraft) (string, error) {
	var draft statement.Draft
	if _, err := jws.ReadEmbedded(d.Statement, &draft); err != nil {
		return "", err
	}
	head, err := seal.ParseHead(d.Head)
	if err != nil {
		return "", err
	}
	part := statement.SignerPart{Declared: statement.DeclaredUnbiased, Title: title}
	if draft.Mode == record.ExecutiveDecides && draft.Names.Decider == record.Shown {
		part.Name = h.signerCaller(title, "").Identity.Name
	}
	at := h.ledger.Head()
	return jws.Make(h.signers[title], &statement.Approval{
		Authority: authority, Checkpoint: statement.Checkpoint{Root: at.Root, Size: int64(at.Size)}, Core: ident.Sum(d.Head), Date: today(),
		Decision: draft.Decision, Draft: d.Statement, Item: draft.Item, Mode: draft.Mode, Order: draft.Order, Record: head.Commitments.Digest(),
		Signer: part,
	})
}

// executive makes the author present what the signer decides, under the signer's
// name.
func (a *author) executive() *author {
	a.edit = func(d *statement.Draft, r *record.Record) {
		me := a.person()
		d.Mode, d.Names = record.ExecutiveDecides, record.Names{Decider: record.Shown, Participants: record.Shown, Presenter: record.Omitted}
		r.Decider = record.Decider{Item: "1.1", Kind: record.DeciderSigner}
		r.Presenter.Person = &me
		r.BiasDeclaration.Declarations[0].Role, r.Assessment.Omitted[0].Role = record.RolePresenter, record.RolePresenter
	}
	return a
}

// board makes the author a participant in what the board decided.
func (a *author) board() *author {
	a.edit = func(d *statement.Draft, r *record.Record) {
		d.Mode, d.Item, d.Type, d.Protocol = record.BoardDecides, "9.1", "lvu", "SN § 112/2026"
		d.Names = record.Names{Decider: record.Shown, Participants: record.Omitted, Presenter: record.Shown}
		d.Provisions = []statement.Provision{{Place: "11 §", SFS: "1990:52"}}
		r.Decider = record.Decider{Board: "Socialnämnden", Item: "9.1", Kind: record.DeciderBoard, Protocol: d.Protocol}
		r.Participants.Persons = []record.Person{a.person()}
		r.BiasDeclaration.Declarations[0].Role, r.Assessment.Omitted[0].Role = record.RoleParticipant, record.RoleParticipant
	}
	return a
}

// in puts the author's drafts into a case of its own.
func (a *author) in(reference string) *author {
	was := a.edit
	a.edit = func(d *statement.Draft, r *record.Record) {
		if was != nil {
			was(d, r)
		}
		d.Case = reference
	}
	return a
}

// dissent, withdraw and get are the author's other calls.
func (a *author) dissent(text string) (string, error) {
	return a.h.AttachDissent(ctx, a.caller("AttachDissent"), a.dissentBy(a.key, text))
}

func (a *author) dissentBy(key *jws.Signer, text string) string {
	return must(jws.Make(key, &statement.Dissent{Authority: authority, Decision: a.id, Draft: a.last[len(a.last)-1], Paragraphs: []string{text}}))
}

func (a *author) withdraw() (string, error) {
	return a.h.WithdrawDraft(ctx, a.caller("WithdrawDraft"), a.withdrawal())
}

func (a *author) withdrawal() string {
	return must(jws.Make(a.key, &statement.Withdrawal{Authority: authority, Decision: a.id, Draft: a.last[len(a.last)-1]}))
}

func (a *author) get() (*workflow.DraftView, error) {
	return a.h.GetDraft(ctx, a.reader("GetDraft"), a.id)
}

// reader is a caller with an author proof.
func (a *author) reader(method string) *workflow.Caller {
	c := a.caller(method)
	c.Proof = must(token.NewAuthorProof(a.key, token.AuthorRead{Authority: authority, Decision: a.id, Method: c.Method, Request: c.RequestID}, c.Received))
	return c
}

const director, deputy, registrar = "förvaltningsdirektör", "ställföreträdare", "registrator"

func (h *house) look(title string, id ident.ID) (*workflow.InboxDraft, error) {
	return h.GetInboxDraft(ctx, h.signerCaller(title, "SigningService/GetInboxDraft"), id)
}

// approve is an approval of what the inbox shows.
func (h *house) approve(title string, id ident.ID) string {
	h.t.Helper()
	return must(h.approval(title, must(h.look(title, id))))
}

func (h *house) cosign(title, approval string) ([]byte, error) {
	return h.CosignDecision(ctx, h.signerCaller(title, "SigningService/CosignDecision"), approval)
}

func (h *house) sendBack(title string, a *author) (*workflow.Logged, error) {
	return h.ReturnDraft(ctx, h.signerCaller(title, "SigningService/ReturnDraft"), h.returning(title, a))
}

func (h *house) returning(title string, a *author) string {
	return must(jws.Make(h.signers[title], &statement.Return{Authority: authority, Date: today(), Decision: a.id, Draft: a.last[len(a.last)-1], Paragraphs: []string{"Skälen räcker inte."}}))
}

func (h *house) abstain(title string, a *author) (*workflow.Logged, error) {
	return h.AbstainFromDecision(ctx, h.signerCaller(title, "SigningService/AbstainFromDecision"),
		must(jws.Make(h.signers[title], &statement.Abstention{Authority: authority, Date: today(), Decision: a.id, Draft: a.last[len(a.last)-1]})))
}

func (h *house) dispatch(title string, id ident.ID, decision ident.Digest, dissents ...string) (*workflow.Logged, error) {
	return h.DispatchDecision(ctx, h.signerCaller(title, "SigningService/DispatchDecision"), h.dispatching(title, id, decision, dissents...))
}

func (h *house) dispatching(title string, id ident.ID, decision ident.Digest, dissents ...string) string {
	cited := []ident.Digest{}
	for _, d := range dissents {
		cited = append(cited, jws.Digest(d))
	}
	statement.SortEarlier(cited)
	at := h.ledger.Head()
	return must(jws.Make(h.signers[title], &statement.Dispatch{Authority: authority, Date: today(), Decision: id, Dissents: cited, Statement: decision,
		Checkpoint: statement.Checkpoint{Root: at.Root, Size: int64(at.Size)}}))
}

// publishOrder is the board's next delegation order.
func (h *house) publishOrder(o *order.Delegation) (*workflow.Logged, error) {
	return h.PublishDelegationOrder(ctx, h.caller("admin", token.Administrator, "AdministrationService/PublishDelegationOrder"), h.byBoard(o))
}

// nextSet puts the next reviewer set into force: the same people, signed by a
// quorum of each group.
func (h *house) nextSet() {
	h.t.Helper()
	next := *h.set
	next.Epoch, next.Previous = h.set.Epoch+1, h.setEpoch.Digest
	must(h.publishSet(&next, 2, 1))
	h.set, h.setEpoch = &next, order.Epoch{Digest: must(order.Digest(&next)), Epoch: next.Epoch}
}

// publishSet publishes a set under so many signatures of each group of the one in
// force.
func (h *house) publishSet(set *order.ReviewerSet, of ...int) (*workflow.Logged, error) {
	var signatures []string
	for g, n := range of {
		for i := range n {
			signatures = append(signatures, must(order.Sign(h.reviewers[g][i].sign, set)))
		}
	}
	return h.PublishReviewerSet(ctx, h.caller("admin", token.Administrator, "AdministrationService/PublishReviewerSet"), signatures)
}
