package workflow_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hpke"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"testing"
	"time"

	"sigill/keys/bundle"
	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/order"
	"sigill/keys/proof"
	"sigill/keys/record"
	"sigill/keys/seal"
	"sigill/keys/statement"
	"sigill/keys/token"
	"sigill/server/audit"
	"sigill/server/gate"
	"sigill/server/ledger"
	"sigill/server/store"
	"sigill/server/store/memory"
	"sigill/server/translog"
	"sigill/server/workflow"
)

const authority = ident.Authority("212000-0449")

// house is an authority at work over a store in memory, with everybody's keys.
type house struct {
	*workflow.Office
	t         *testing.T
	disk      *memory.Disk
	ledger    *ledger.Ledger
	store     store.Store
	config    workflow.Config
	trust     *bundle.Trust
	board     []*jws.Signer
	signers   map[string]*jws.Signer // by title
	reviewers [][]reviewer
	set       *order.ReviewerSet
	setEpoch  order.Epoch
	order     *order.Delegation
	version   order.Version
	keysIndex uint64
	stop      func()
}

type reviewer struct {
	sign *jws.Signer
	open hpke.PrivateKey
}

// cipher joins the gate to the office, as the server does.
type cipher struct{ *gate.Store }

func (c cipher) SealMatter(key [32]byte, place string, plain []byte) []byte {
	return gate.MatterKey(key).Seal(place, plain)
}

func (c cipher) OpenMatter(key [32]byte, place string, sealed []byte) ([]byte, error) {
	return gate.MatterKey(key).Open(place, sealed)
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func newSigner(alg string) *jws.Signer {
	s, _, err := jws.Generate(alg)
	return must(s, err)
}

func layout() store.Layout {
	l := store.Layout{gate.Room: store.Random, ledger.RoomHead: store.Random, translog.Entries: store.Ordered, translog.Tiles: store.Random}
	for r, o := range audit.Layout() {
		l[r] = o
	}
	for r, ordered := range workflow.Rooms() {
		l[r] = store.Random
		if ordered {
			l[r] = store.Ordered
		}
	}
	return l
}

func newHouse(t *testing.T) *house {
	h := &house{t: t, signers: map[string]*jws.Signer{}}
	h.disk = memory.NewDisk(layout())
	logKey, logCrypto, err := jws.Generate(jws.EdDSA)
	must(0, err)
	inst, instCrypto, err := jws.Generate(jws.ES256)
	must(0, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{Organization: []string{"Exempelstad"}, CommonName: "ej kvalificerad"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(2, 0, 0)}
	caKey := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	cert := must(x509.ParseCertificate(must(x509.CreateCertificate(rand.Reader, template, template, instCrypto.Public(), caKey))))
	logSigner := must(proof.NewLogSigner(authority, logCrypto))
	policy := must(proof.UnwitnessedPolicy(logSigner.LogKey))
	h.board = []*jws.Signer{newSigner(jws.EdDSA), newSigner(jws.EdDSA)}
	file := bundle.TrustFile{Authority: authority, Name: "Exempelstads socialnämnd", Typ: bundle.TypTrust,
		Board:        bundle.BoardKeys{Keys: []jws.JWK{h.board[0].Public().JWK(), h.board[1].Public().JWK()}, Need: 2},
		Certificates: []bundle.TrustCertificate{{Certificate: cert.Raw, From: "2020-01-01"}},
		Policy:       bundle.SplitLines(string(policy.Marshal())), Providers: []bundle.Provider{{Audience: "sigill", Issuer: "https://idp.example", Name: []string{"name"}}}}
	h.trust = must(bundle.ParseTrust(must(file.Marshal())))
	h.config = workflow.Config{Trust: h.trust, Institution: workflow.Institution{Signer: inst, Chain: []*x509.Certificate{cert}},
		Log: logKey, SmallestSet: 5, MaxOpenings: 10, Version: "test"}
	h.open(logSigner)
	h.publish()
	h.keysIndex = must(h.RecordProviderKeys(context.Background(), "https://idp.example", []byte(`{"keys":[]}`)))
	return h
}

func (h *house) open(logSigner *proof.LogSigner) {
	ctx, cancel := context.WithCancel(context.Background())
	g, err := gate.Open(ctx, h.disk.Open(), gate.Key{1})
	if err != nil {
		g = must(gate.Create(ctx, h.disk.Open(), gate.Key{1}))
	}
	h.store = g
	h.ledger = must(ledger.Open(ctx, g, logSigner))
	done := make(chan error, 1)
	go func() { done <- h.ledger.Run(ctx) }()
	h.stop = func() { cancel(); <-done }
	h.t.Cleanup(h.stop)
	h.Office = must(workflow.New(ctx, h.config, h.ledger, cipher{g}))
}

func (h *house) publish() {
	h.set = &order.ReviewerSet{Authority: authority, Date: today(), Epoch: 1}
	for g, shape := range []struct{ t, n int }{{2, 4}, {1, 3}} {
		group := order.Group{Group: g + 1, Name: "grupp", Threshold: shape.t}
		var list []reviewer
		for i := range shape.n {
			r := reviewer{newSigner(jws.EdDSA), must(hpke.MLKEM768X25519().GenerateKey())}
			list = append(list, r)
			group.Members = append(group.Members, order.Reviewer{Archive: i == shape.n-1, HPKE: r.open.PublicKey().Bytes(), Index: i + 1,
				Key: r.sign.Public().JWK(), Title: "granskare"})
		}
		h.reviewers = append(h.reviewers, list)
		h.set.Groups = append(h.set.Groups, group)
	}
	for _, title := range []string{"förvaltningsdirektör", "ställföreträdare", "registrator"} {
		h.signers[title] = newSigner(jws.ES256)
	}
	h.order = &order.Delegation{Authority: authority, Board: "Socialnämnden", Date: today(), Version: 1,
		Items: []order.Item{
			{From: "2020-01-01", Item: "1.1", Modes: []record.Mode{record.ExecutiveDecides, record.DelegateDecides}, Text: "bistånd", Types: []string{"bistand"}},
			{From: "2020-01-01", Item: "9.1", Modes: []record.Mode{record.BoardDecides}, Text: "LVU", Types: []string{"lvu"}},
		},
		Signers: []order.Officer{
			{From: "2020-01-01", Items: []string{"1.1", "9.1"}, Key: h.signers["förvaltningsdirektör"].Public().JWK(), Title: "förvaltningsdirektör"},
			{Deputy: true, From: "2020-01-01", Items: []string{"1.1"}, Key: h.signers["ställföreträdare"].Public().JWK(), Title: "ställföreträdare"},
		},
		Registrars: []order.Officer{{From: "2020-01-01", Items: []string{}, Key: h.signers["registrator"].Public().JWK(), Title: "registrator"}},
	}
	ctx := context.Background()
	must(h.PublishReviewerSet(ctx, h.caller("admin", token.Administrator, "AdministrationService/PublishReviewerSet"), h.byBoard(h.set)))
	must(h.PublishDelegationOrder(ctx, h.caller("admin", token.Administrator, "AdministrationService/PublishDelegationOrder"), h.byBoard(h.order)))
	h.setEpoch = order.Epoch{Digest: must(order.Digest(h.set)), Epoch: 1}
	h.version = order.Version{Digest: must(order.Digest(h.order)), Version: 1}
}

func (h *house) byBoard(doc order.Document) []string {
	var out []string
	for _, b := range h.board {
		out = append(out, must(order.Sign(b, doc)))
	}
	return out
}

func today() ident.Date { return ident.DateOf(time.Now()) }

// caller is somebody with a token for a role, calling a method.
func (h *house) caller(name string, role token.Role, method string) *workflow.Caller {
	c := &workflow.Caller{Method: "/sigill.v1." + method, Role: role, Received: time.Now(), KeysIndex: h.keysIndex, Provider: "idp",
		Identity: token.Identity{Issuer: "https://idp.example", Subject: "sub-" + name, Name: name, Role: role},
		Token:    "token-of-" + name, Key: []byte(`{"kty":"EC"}`)}
	rand.Read(c.RequestID[:])
	return c
}

// author is a caseworker with what they keep of one matter.
type author struct {
	h       *house
	name    string
	key     *jws.Signer
	day     *jws.Signer
	nonce   record.Nonce
	watch   [32]byte
	id      ident.ID
	last    []ident.Digest
	earlier []ident.Digest
	seed    record.Seed
	plain   record.Plaintexts
	edit    func(d *statement.Draft, r *record.Record)
}

func (h *house) author(name string) *author {
	a := &author{h: h, name: name, key: newSigner(jws.EdDSA), day: newSigner(jws.ES256), id: ident.NewID()}
	rand.Read(a.nonce[:])
	rand.Read(a.watch[:])
	return a
}

func (a *author) caller(method string) *workflow.Caller {
	c := a.h.caller(a.name, token.Caseworker, "DraftingService/"+method)
	c.Nonce, c.DayKey = &a.nonce, a.day.Public()
	return c
}

const text = "# Beslut\n\nAnsökan beviljas.\n\n## Skäl för beslutet\n\nBehovet är styrkt.\n\n## Hur du överklagar\n\nSkriv till oss inom tre veckor.\n"

// submission makes the next revision's submission.
func (a *author) submission() (workflow.Submission, *statement.Draft) {
	me := record.Person{Author: true, Issuer: "https://idp.example", Name: a.name, Subject: "sub-" + a.name, Title: "socialsekreterare"}
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
		Content: statement.Content{Digest: ident.Sum(text), Media: statement.MediaMarkdown, Size: len(text)}, Decision: a.id,
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
	in := workflow.Submission{Content: []byte(text), Seed: a.seed, WatchSecret: a.watch}
	in.Record = must(r.Encode())
	a.plain = must(record.Lay(a.seed, in.Record))
	stated := a.plain.Stated()
	d.Commitments = stated[:]
	in.Statement = must(jws.Make(a.key, d, jws.Embed()))
	in.Authorship = must(jws.Make(a.day, &statement.Authorship{AuthorKey: a.key.Public().Thumbprint(), Authority: authority, Draft: jws.Digest(in.Statement)}))
	return in, d
}

// submit sends the next revision and keeps its digest.
func (a *author) submit() (*workflow.DraftAnswer, error) {
	in, _ := a.submission()
	var out *workflow.DraftAnswer
	var err error
	if len(a.last) == 0 {
		out, err = a.h.SubmitDraft(context.Background(), a.caller("SubmitDraft"), in)
	} else {
		out, err = a.h.ReviseDraft(context.Background(), a.caller("ReviseDraft"), in)
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
	at := h.ledger.Head()
	return jws.Make(h.signers[title], &statement.Approval{
		Authority: authority, Checkpoint: statement.Checkpoint{Root: at.Root, Size: int64(at.Size)}, Core: ident.Sum(d.Head), Date: today(),
		Decision: draft.Decision, Draft: d.Statement, Item: draft.Item, Mode: draft.Mode, Order: draft.Order, Record: head.Commitments.Digest(),
		Signer: statement.SignerPart{Declared: statement.DeclaredUnbiased, Title: title},
	})
}

// TestLife: a draft is sealed, seen, signed, verified and dispatched.
func TestLife(t *testing.T) {
	h := newHouse(t)
	ctx := context.Background()
	a := h.author("Åsa Öberg-Lindström")
	answer, err := a.submit()
	if err != nil {
		t.Fatal(err)
	}
	var rc statement.Receipt
	if _, _, err := jws.ReadBy(answer.Receipt, h.trust.LogKey, &rc); err != nil {
		t.Fatal(err)
	}
	items, _, err := h.ListInbox(ctx, h.signerCaller("förvaltningsdirektör", "SigningService/ListInbox"), 0, "")
	if err != nil || len(items) != 1 || items[0].ID != a.id {
		t.Fatal("inbox", len(items), err)
	}
	d, err := h.GetInboxDraft(ctx, h.signerCaller("förvaltningsdirektör", "SigningService/GetInboxDraft"), a.id)
	if err != nil {
		t.Fatal(err)
	}
	approval := must(h.approval("förvaltningsdirektör", d))
	b, err := h.CosignDecision(ctx, h.signerCaller("förvaltningsdirektör", "SigningService/CosignDecision"), approval)
	if err != nil {
		t.Fatal(err)
	}
	v, err := bundle.Verify(b, h.trust)
	if err != nil {
		t.Fatal(err)
	}
	if v.Decision.Number != 1 || v.DraftDigest() != a.last[0] {
		t.Fatal("not the decision")
	}
	if _, err := v.CheckHead(answer.Head); err != nil {
		t.Fatal(err)
	}
	again, err := h.CosignDecision(ctx, h.signerCaller("förvaltningsdirektör", "SigningService/CosignDecision"), approval)
	if err != nil || string(again) != string(b) {
		t.Fatal("another answer to the same approval", err)
	}
	dispatch := must(jws.Make(h.signers["registrator"], &statement.Dispatch{Authority: authority,
		Checkpoint: statement.Checkpoint{Root: v.Checkpoint.Root, Size: int64(v.Checkpoint.Size)}, Date: today(), Decision: a.id,
		Dissents: []ident.Digest{}, Statement: v.Digest}))
	if _, err := h.DispatchDecision(ctx, h.signerCaller("registrator", "SigningService/DispatchDecision"), dispatch); err != nil {
		t.Fatal(err)
	}
}
