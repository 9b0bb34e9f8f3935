package authority

import (
	"crypto/ed25519"
	"fmt"
	"os"
	"time"

	"go.yaml.in/yaml/v3"

	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/order"
	"sigill/keys/record"
	"sigill/keys/token"
	"sigill/server"
)

// Items of the delegation order, and the decision types under them.
const (
	ItemExecutive = "3.1" // the director decides: TypeShelter
	ItemDelegate  = "2.4" // a caseworker decides, the director countersigns: TypeSupport, TypeDaily
	ItemBoard     = "9.1" // the board decides: TypeCare
	TypeShelter   = "skyddat-boende"
	TypeSupport   = "ekonomiskt-bistand"
	TypeDaily     = "boendestod-och-kontaktperson"
	TypeCare      = "lvu"
)

// Titles that the delegation order gives.
const (
	TitleDirector  = "förvaltningsdirektör"
	TitleDeputy    = "biträdande förvaltningsdirektör"
	TitleRegistrar = "registrator"
)

func edPublic(k *jws.PublicKey) ed25519.PublicKey {
	p, _ := k.Crypto().(ed25519.PublicKey)
	return p
}

// makeDocuments makes what the board signs: the first reviewer set, the
// delegation order, the court's registration.
func (a *Authority) makeDocuments() error {
	today := ident.DateOf(time.Now())
	a.Set = &order.ReviewerSet{Authority: Number, Date: today, Epoch: 1}
	for g, list := range a.Reviewers {
		group := order.Group{Group: g + 1, Name: fmt.Sprintf("Granskningsgrupp %d", g+1), Threshold: a.options.Groups[g].Threshold}
		for i, r := range list {
			group.Members = append(group.Members, order.Reviewer{Archive: i == len(list)-1, HPKE: r.Open.PublicKey().Bytes(),
				Index: i + 1, Key: r.Sign.Public().JWK(), Title: "granskare"})
		}
		a.Set.Groups = append(a.Set.Groups, group)
	}
	from := today.AddDays(-1)
	item := func(name, text string, mode record.Mode, types ...string) order.Item {
		return order.Item{From: from, Item: name, Text: text, Types: types, Modes: []record.Mode{mode}}
	}
	signs := []string{ItemDelegate, ItemExecutive, ItemBoard}
	a.Order = &order.Delegation{
		Authority: Number, Board: "Socialnämnden", Date: today, Version: 1,
		Items: []order.Item{
			item(ItemDelegate, "Ekonomiskt bistånd, boendestöd och kontaktperson", record.DelegateDecides, TypeSupport, TypeDaily),
			item(ItemExecutive, "Skyddat boende", record.ExecutiveDecides, TypeShelter),
			item(ItemBoard, "Ansökan om vård enligt LVU, utdrag ur protokoll", record.BoardDecides, TypeCare),
		},
		Signers: []order.Officer{
			{From: from, Items: signs, Key: a.Director.Public().JWK(), Title: TitleDirector},
			{From: from, Items: signs, Key: a.Deputy.Public().JWK(), Title: TitleDeputy, Deputy: true},
		},
		Registrars: []order.Officer{{From: from, Items: []string{}, Key: a.Registrar.Public().JWK(), Title: TitleRegistrar}},
	}
	a.CourtID = ident.NewID()
	a.Requester = &order.Requester{
		Authority: Number, Requester: a.CourtID, Name: "Förvaltningsrätten i Exempelstad", Address: "kansli@domstol.example",
		From: from, Key: a.Court.Public().JWK(),
		Grounds: []order.Ground{order.CourtOrder, order.CourtWitness, order.CourtReferralOnAppeal},
	}
	return nil
}

// sign has as many board members sign as must.
func (a *Authority) sign(doc order.Document) (out []string, err error) {
	for _, b := range a.Board[:a.Trust.Board.Need] {
		s, err := order.Sign(b, doc)
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

// writeConfig writes the configuration of sigilld: loopback, any free port.
func (a *Authority) writeConfig() error {
	roles := map[string]token.Role{}
	for _, r := range []token.Role{token.Caseworker, token.Signer, token.Registrar, token.Requester, token.Reviewer,
		token.Administrator, token.Auditor} {
		roles[string(r)] = r
	}
	c := server.Config{
		Listen: "127.0.0.1:0", PublicOrigin: Origin, LogListen: "127.0.0.1:0", Internal: a.options.Internal, Data: "data", Trust: "trust.json",
		Certificates: "institution.pem",
		Keys: server.Keys{Institution: "keys/institution.age", Log: "keys/log.age", Gate: "keys/gate.age",
			PassphraseFile: "keys/passphrase"},
		Providers: []server.Provider{{
			Issuer: a.IDP.Issuer(), Label: "Utvecklingens inloggning", Audience: Origin, JWKSURI: a.IDP.Issuer() + "/jwks",
			Lifetime: 12 * time.Hour, Leeway: 30 * time.Second, Roles: roles,
			Claims: server.Claims{Name: token.Path{"name"}, UserID: token.Path{"preferred_username"}, Email: token.Path{"email"},
				Phone: token.Path{"phone_number"}, HSAID: token.Path{"employeeHsaId"}, Role: token.Path{"roles"}},
		}},
		InboxHours: a.options.InboxHours, OwedHour: server.Hour(3 * time.Hour), SmallestSet: a.options.SmallestSet,
		Drafters: map[string]int{TypeShelter: 3}, MaxOpenings: 100, PublishEvery: a.options.PublishEvery,
	}
	if a.options.TLS {
		c.TLS = server.TLS{Certificate: "tls-chain.pem", Key: "tls-key.pem"}
	}
	return a.saveConfig(c)
}

func (a *Authority) saveConfig(c server.Config) error {
	text, err := yaml.Marshal(c)
	if err != nil {
		return err
	}
	return os.WriteFile(a.path(ConfigFile), text, 0o600)
}

// Reconfigure changes the configuration of sigilld.
func (a *Authority) Reconfigure(change func(c *server.Config)) error {
	c, err := server.ReadConfig(a.path(ConfigFile))
	if err != nil {
		return err
	}
	change(&c)
	return a.saveConfig(c)
}
