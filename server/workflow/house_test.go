package workflow_test

import (
	"context"
	"crypto/ed25519"
	"crypto/hpke"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"testing"
	"time"

	"pgregory.net/rapid"

	"sigill/keys/bundle"
	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/order"
	"sigill/keys/proof"
	"sigill/keys/record"
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

// tb is a test, or one check of a walk.
type tb interface {
	rapid.TB
	Cleanup(func())
}

// house is an authority at work over a store, with everybody's keys.
type house struct {
	*workflow.Office
	t         tb
	disk      *memory.Disk       // where the store is one in memory
	engine    func() store.Store // opens what is durable
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
	logSigner *proof.LogSigner
	stop      func()
	opens     map[string]map[string]*string // what [house.rows] has tried: row, then key, then its value
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
	l := store.Layout{gate.Room: store.Random, ledger.RoomHead: store.Random, translog.Entries: store.Ordered, translog.Tiles: store.Random,
		translog.Days: store.Ordered}
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
	disk := memory.NewDisk(layout())
	h := newHouseOver(t, func() store.Store { return disk.Open() })
	h.disk = disk
	return h
}

// newHouseOver is a house over another engine, which may be opened once.
func newHouseOver(t tb, engine func() store.Store) *house {
	h := &house{t: t, engine: engine, signers: map[string]*jws.Signer{}, opens: map[string]map[string]*string{}}
	logKey, logCrypto, err := jws.Generate(jws.EdDSA)
	must(0, err)
	inst, instCrypto, err := jws.Generate(jws.ES256)
	must(0, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{Organization: []string{"Exempelstad"}, CommonName: "ej kvalificerad"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(2, 0, 0)}
	_, caKey, err := ed25519.GenerateKey(rand.Reader) // its signatures have one length, as rows are compared by theirs
	must(0, err)
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
	h.logSigner = logSigner
	h.open(logSigner)
	h.publish()
	h.keysIndex = must(h.RecordProviderKeys(context.Background(), "https://idp.example", []byte(`{"keys":[]}`)))
	return h
}

func (h *house) open(logSigner *proof.LogSigner) {
	ctx, cancel := context.WithCancel(context.Background())
	engine := h.engine()
	g, err := gate.Open(ctx, engine, gate.Key{1})
	if err != nil {
		g = must(gate.Create(ctx, engine, gate.Key{1}))
	}
	h.store = g
	h.ledger = must(ledger.Open(ctx, g, logSigner, h.trust.Policy.Witnessed()))
	done := make(chan error, 1)
	go func() { done <- h.ledger.Run(ctx); close(done) }()
	h.stop = func() { cancel(); <-done; g.Close() }
	h.t.Cleanup(h.stop)
	h.Office = must(workflow.New(ctx, h.config, h.ledger, cipher{g}))
	must(0, h.CloseDays(ctx, time.Now(), h.ledger.Published().Note)) // as a server does before all else
}

// announce publishes the newest head of the log.
func (h *house) announce() {
	h.t.Helper()
	if err := h.Publish(ctx, h.ledger.Head()); err != nil {
		h.t.Fatal(err)
	}
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
