// Package story plays the way of one decision in memory, for tests: keys, board,
// order, reviewers, a login, a draft, its seal, approval and decision, a log, a
// request, votes and the package that a requester collects. Everything but HPKE
// is deterministic, so that its bytes can be golden vectors.
//
// [New] makes the authority, [Story.Decide] a signed decision, [Story.Request] an
// opening, [Opening.Vote] and [Opening.Package] the rest. What is not as it should
// be is a test's to arrange: it changes a [Plan], or a part of the package, and
// signs or logs it again with the story's keys. TestStory in keys/disclosure
// proves that an unchanged story opens.
package story

import (
	"crypto/ed25519"
	"crypto/hpke"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"testing"
	"time"

	"sigill/keys/bundle"
	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/order"
	"sigill/keys/proof"
	"sigill/keys/record"
	"sigill/keys/vectors"
)

// Facts of every story.
const (
	Authority = ident.Authority("202100-0001")
	Issuer    = "https://login.kommun.example"
	Audience  = "https://sigill.kommun.example"
	Subject   = "5f0d6c1e-3c1b-4b8e-9a51-0d9f3f6f8a10"
	Name      = "Åsa Öberg-Ek"
	UserID    = "asaobe"
	Day       = ident.Date("2026-11-20") // of draft, decision and request
	Item      = "3.2.1"
	Type      = "BISTAND"
)

// At is when the institution signs, if nothing else is said.
var At = time.Date(2026, 11, 20, 13, 4, 5, 0, time.UTC)

// Content is the decision's text.
const Content = "Beslut\n\nAnsökan avslås.\n\nSkäl\n\nBehovet är tillgodosett.\n\nHur du överklagar\n\nInom tre veckor.\n"

// A Reviewer holds both keys of a member.
type Reviewer struct {
	Sign *jws.Signer
	HPKE hpke.PrivateKey
}

// A Story is an authority with its keys, documents and log.
type Story struct {
	testing.TB
	Board       []*jws.Signer
	Institution *jws.Signer
	Certificate *x509.Certificate
	LogKey      *jws.Signer
	Tree        *Log
	Director    *jws.Signer
	Author      *jws.Signer
	DayKey      *jws.Signer
	Court       *jws.Signer
	Recipient   hpke.PrivateKey
	Reviewers   map[[2]int]Reviewer // by group and index
	Provider    ed25519.PrivateKey

	SignedAt      time.Time // by the institution
	TrustFile     bundle.TrustFile
	Trust         *bundle.Trust
	Order         order.Delegation
	OrderDocs     []string
	Set           order.ReviewerSet
	SetDocs       []string
	Registered    order.Requester
	RegisteredDoc []string
	KeySet        string // provider_keys, by the log key
	KeysIndex     uint64
}

// Box is the HPKE key of a name.
func Box(t testing.TB, name string) hpke.PrivateKey {
	t.Helper()
	s := vectors.Seed("hpke " + name)
	k, err := hpke.MLKEM768X25519().DeriveKeyPair(s[:])
	check(t, err)
	return k
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// New makes an authority: two board keys that both sign, two groups of reviewers
// (2 of 4, 1 of 3), a court that may ask on three grounds, an unwitnessed log in
// which the provider's keys stand.
func New(t testing.TB) *Story {
	t.Helper()
	s := &Story{TB: t, Board: []*jws.Signer{vectors.Ed25519(t, "board 1"), vectors.Ed25519(t, "board 2")}, Institution: vectors.Ed25519(t, "institution"), LogKey: vectors.Ed25519(t, "log"),
		Director: vectors.Ed25519(t, "director"), Author: vectors.Ed25519(t, "author"), DayKey: vectors.P256(t, "day"), Court: vectors.Ed25519(t, "court"), Recipient: Box(t, "recipient"),
		Reviewers: map[[2]int]Reviewer{}, SignedAt: At}
	p := vectors.Seed("provider")
	s.Provider = ed25519.NewKeyFromSeed(p[:])
	s.Certify(1)
	k := vectors.Seed("log")
	s.Tree = NewLog(t, ed25519.NewKeyFromSeed(k[:]))
	s.trust()
	s.documents()
	return s
}

// Certify gives the institution's key a certificate of a serial number, which the
// trust file does not list until [Story.Retrust].
func (s *Story) Certify(serial int64) {
	s.Helper()
	key := vectors.Seed("institution")
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(serial), Subject: pkix.Name{Organization: []string{"Exempelkommun"}, CommonName: "ej kvalificerad"},
		NotBefore: At.AddDate(-1, 0, 0), NotAfter: At.AddDate(2, 0, 0), KeyUsage: x509.KeyUsageDigitalSignature}
	priv := ed25519.NewKeyFromSeed(key[:])
	der, err := x509.CreateCertificate(nil, tmpl, tmpl, priv.Public(), priv)
	check(s, err)
	s.Certificate, err = x509.ParseCertificate(der)
	check(s, err)
}

func (s *Story) trust() {
	f := bundle.TrustFile{Authority: Authority, Name: "Exempelkommun", Typ: bundle.TypTrust,
		Certificates: []bundle.TrustCertificate{{Certificate: s.Certificate.Raw, From: "2026-01-01", Until: "2028-12-31"}},
		Policy:       []string{"log " + s.Tree.Key.String(), "quorum none"},
		Providers:    []bundle.Provider{{Audience: Audience, Issuer: Issuer, Name: []string{"name"}, UserID: []string{"uid"}}}}
	for _, b := range s.Board {
		f.Board.Keys = append(f.Board.Keys, b.Public().JWK())
	}
	f.Board.Need = len(s.Board)
	s.Retrust(f)
}

// Retrust sets another trust file.
func (s *Story) Retrust(f bundle.TrustFile) {
	s.Helper()
	b, err := f.Marshal()
	check(s, err)
	s.TrustFile = f
	s.Trust, err = bundle.ParseTrust(b)
	check(s, err)
}

func (s *Story) documents() {
	s.Order = order.Delegation{Authority: Authority, Board: "Socialnämnden", Date: "2026-11-02", Version: 1, Registrars: []order.Officer{},
		Items: []order.Item{{From: "2026-11-02", Item: Item, Text: "Bistånd enligt socialtjänstlagen", Types: []string{Type},
			Modes: []record.Mode{record.ExecutiveDecides, record.DelegateDecides, record.BoardDecides}}},
		Signers: []order.Officer{{From: "2026-11-02", Items: []string{Item}, Key: s.Director.Public().JWK(), Title: "Förvaltningsdirektör"}}}
	s.OrderDocs = s.BoardSigns(&s.Order)
	s.Set = order.ReviewerSet{Authority: Authority, Date: "2026-11-02", Epoch: 1,
		Groups: []order.Group{s.group(1, "Kommunens jurister", 2, 4), s.group(2, "Utomstående granskare", 1, 3)}}
	s.SetDocs = s.BoardSigns(&s.Set)
	s.Registered = order.Requester{Address: "forvaltningsratten@domstol.example", Authority: Authority, From: "2026-11-02",
		Grounds: []order.Ground{order.CourtOrder, order.PartyAccess, order.PoliceSuspectOfficial}, Key: s.Court.Public().JWK(),
		Name: "Förvaltningsrätten i Exempel", Requester: vectors.ID("court")}
	s.RegisteredDoc = s.BoardSigns(&s.Registered)
	s.KeySet, s.KeysIndex = s.PublishKeys(s.JWKS(s.Provider.Public().(ed25519.PublicKey)))
}

func (s *Story) group(n int, name string, threshold, members int) order.Group {
	g := order.Group{Group: n, Name: name, Threshold: threshold}
	for i := range members {
		label := name + " " + string(rune('1'+i))
		r := Reviewer{vectors.Ed25519(s, label), Box(s, label)}
		s.Reviewers[[2]int{n, i + 1}] = r
		g.Members = append(g.Members, order.Reviewer{Archive: i == members-1, HPKE: r.HPKE.PublicKey().Bytes(), Index: i + 1,
			Key: r.Sign.Public().JWK(), Title: "Granskare"})
	}
	return g
}

// BoardSigns has every board key sign a document.
func (s *Story) BoardSigns(doc order.Document) (out []string) {
	s.Helper()
	for _, b := range s.Board {
		sig, err := order.Sign(b, doc)
		check(s, err)
		out = append(out, sig)
	}
	return out
}

// JWKS is the provider's key set as it serves it.
func (s *Story) JWKS(key ed25519.PublicKey) []byte {
	return []byte(`{"keys":[` + string(ProviderJWK(key)) + `]}`)
}

// ProviderJWK is the provider's one key, as evidence holds it.
func ProviderJWK(key ed25519.PublicKey) []byte {
	return []byte(`{"alg":"EdDSA","crv":"Ed25519","kid":"p1","kty":"OKP","x":"` + base64.RawURLEncoding.EncodeToString(key) + `"}`)
}

// PublishKeys signs and logs a key set of the story's issuer.
func (s *Story) PublishKeys(jwks []byte) (doc string, index uint64) {
	s.Helper()
	d := &order.ProviderKeys{Authority: Authority, Date: "2026-11-02", Issuer: Issuer, JWKS: jwks}
	doc, err := jws.Make(s.LogKey, d)
	check(s, err)
	payload, err := order.Digest(d)
	check(s, err)
	return doc, s.Tree.Add(proof.Preimage{Kind: proof.ProviderKeys, Signed: payload}, proof.Tag{})
}

// Token is an access token of the provider with the given claims changed; nil
// takes one away.
func (s *Story) Token(change map[string]any) string {
	s.Helper()
	iat := At.Add(-5 * time.Hour).Unix()
	claims := map[string]any{"acr": "http://id.elegnamnden.se/loa/1.0/loa3", "aud": Audience, "auth_time": iat - 10, "exp": iat + 8*3600,
		"iat": iat, "iss": Issuer, "name": Name, "sub": Subject, "uid": UserID, "cnf": map[string]any{"jkt": s.DayKey.Public().Thumbprint().String()}}
	for k, v := range change {
		if claims[k] = v; v == nil {
			delete(claims, k)
		}
	}
	b, err := json.Marshal(claims)
	check(s, err)
	b64 := base64.RawURLEncoding.EncodeToString
	in := b64([]byte(`{"alg":"EdDSA","kid":"p1","typ":"at+jwt"}`)) + "." + b64(b)
	return in + "." + b64(ed25519.Sign(s.Provider, []byte(in)))
}
