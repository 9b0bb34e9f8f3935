package order_test

import (
	"testing"

	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/order"
	"sigill/keys/record"
	"sigill/keys/vectors"
)

const authority = ident.Authority("202100-0001")

func newDelegation(t testing.TB) *order.Delegation {
	return &order.Delegation{
		Authority: authority, Board: "Socialnämnden", Date: "2026-11-02",
		Items: []order.Item{
			{From: "2026-11-02", Item: "3.2.1", Modes: []record.Mode{record.ExecutiveDecides, record.DelegateDecides},
				Text: "Bistånd åt enskild, 11 kap. 1 § SoL", Types: []string{"BISTAND", "BISTAND_AVSLAG"}},
			{From: "2026-11-02", Item: "5.1", Modes: []record.Mode{record.BoardDecides},
				Text: "Ansökan om vård, 4 § LVU", Types: []string{"LVU_ANSOKAN"}, Until: "2027-12-31"},
		},
		Previous:   vectors.Digest("order 2"),
		Registrars: []order.Officer{{From: "2026-11-02", Items: []string{}, Key: vectors.Ed25519(t, "registrar").Public().JWK(), Title: "Registrator"}},
		Signers: []order.Officer{
			{From: "2026-11-02", Items: []string{"3.2.1", "5.1"}, Key: vectors.Ed25519(t, "director").Public().JWK(), Title: "Förvaltningsdirektör"},
			{Deputy: true, From: "2026-11-02", Items: []string{"3.2.1"}, Key: vectors.P256(t, "deputy").Public().JWK(), Title: "Biträdande förvaltningsdirektör", Until: "2026-12-31"},
		},
		Version: 3,
	}
}

func member(t testing.TB, group, idx byte, archive bool) order.Reviewer {
	at := string([]byte{'0' + group, ' ', '0' + idx})
	m := order.Reviewer{Archive: archive, HPKE: vectors.HPKE(t, "hpke-"+string([]byte{'0' + group, '-', '0' + idx})), Index: int(idx),
		Key: vectors.Ed25519(t, "reviewer "+at).Public().JWK(), Title: "Granskare " + string([]byte{'0' + idx})}
	if archive {
		m.Title = "Arkivnyckel"
	}
	return m
}

// newSet is epoch 1: 2 of 4 inside and 1 of 3 outside.
func newSet(t testing.TB) *order.ReviewerSet {
	return &order.ReviewerSet{
		Authority: authority, Date: "2026-11-02", Epoch: 1,
		Groups: []order.Group{
			{Group: 1, Members: []order.Reviewer{member(t, 1, 1, false), member(t, 1, 2, false), member(t, 1, 3, false), member(t, 1, 4, true)},
				Name: "Kommunens rättsavdelning", Threshold: 2},
			{Group: 2, Members: []order.Reviewer{member(t, 2, 1, false), member(t, 2, 2, false), member(t, 2, 3, true)},
				Name: "Utomstående granskare", Threshold: 1},
		},
	}
}

// nextSet is epoch 2, in which reviewer 1 of group 1 is revoked and replaced.
func nextSet(t testing.TB) *order.ReviewerSet {
	r := newSet(t)
	d, err := order.Digest(r)
	if err != nil {
		t.Fatal(err)
	}
	r.Date, r.Epoch, r.Previous = "2026-11-20", 2, d
	r.Revoked = []ident.Digest{thumb(t, "reviewer 1 1")}
	m := &r.Groups[0].Members[0]
	m.HPKE, m.Key = vectors.HPKE(t, "hpke-1-5"), vectors.P256(t, "reviewer 1 5").Public().JWK()
	return r
}

func newRequester(t testing.TB) *order.Requester {
	return &order.Requester{Address: "forvaltningsratten@domstol.example", Authority: authority, From: "2026-11-02",
		Grounds: []order.Ground{order.CourtOrder, order.CourtReferralLVU}, Key: vectors.Ed25519(t, "court").Public().JWK(), Name: "Förvaltningsrätten", Requester: vectors.ID("requester")}
}

func revokedRequester(t testing.TB) *order.Requester {
	r := newRequester(t)
	r.Revoked, r.Until = "2026-11-20", "2027-11-01"
	return r
}

func newProviderKeys(testing.TB) *order.ProviderKeys {
	return &order.ProviderKeys{Authority: authority, Date: "2026-11-20", Issuer: "https://login.kommun.example",
		JWKS: ident.Bytes(`{"keys":[{"alg":"ES256","crv":"P-256","kid":"1","kty":"EC","use":"sig","x":"x","y":"y"}]}` + "\n")}
}

func thumb(t testing.TB, name string) ident.Digest {
	return vectors.Ed25519(t, name).Public().Thumbprint()
}

// board is three keys, two of which must sign.
func board(t testing.TB) order.Board {
	return order.Board{Keys: []*jws.PublicKey{vectors.Ed25519(t, "board 1").Public(), vectors.Ed25519(t, "board 2").Public(), vectors.Ed25519(t, "board 3").Public()}, Need: 2}
}

// signed is a document under the signatures of the named keys, unchecked.
func signed(t testing.TB, doc order.Document, names ...string) []string {
	t.Helper()
	out := []string{}
	for _, n := range names {
		c, err := jws.Sign(vectors.Ed25519(t, n), doc.Typ(), doc)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, c)
	}
	return out
}

// A kind is a type of document with its golden vector and how it is read.
type kind struct {
	file string
	new  order.Document
	read func(signatures []string, doc order.Document) (ident.Digest, error)
}

func kinds(t testing.TB) []kind {
	read, first := board(t).Read, newSet(t)
	return []kind{
		{"delegation-order", newDelegation(t), read},
		{"reviewer-set-1", newSet(t), read},
		{"reviewer-set-2", nextSet(t), func(s []string, doc order.Document) (ident.Digest, error) {
			return first.ReadNext(s, doc.(*order.ReviewerSet))
		}},
		{"requester", newRequester(t), read},
		{"requester-revoked", revokedRequester(t), read},
		{"provider-keys", newProviderKeys(t), order.Board{Keys: []*jws.PublicKey{vectors.Ed25519(t, "log").Public()}, Need: 1}.Read},
	}
}

func empty(doc order.Document) order.Document {
	switch doc.(type) {
	case *order.Delegation:
		return &order.Delegation{}
	case *order.ReviewerSet:
		return &order.ReviewerSet{}
	case *order.Requester:
		return &order.Requester{}
	}
	return &order.ProviderKeys{}
}

// signatures are those of a golden vector.
func signatures(g map[string]string) (out []string) {
	for i := '1'; g["compact"+string(i)] != ""; i++ {
		out = append(out, g["compact"+string(i)])
	}
	return out
}
