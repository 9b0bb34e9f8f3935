package record_test

import (
	"strconv"
	"testing"

	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/record"
	"sigill/keys/vectors"
)

func author() record.Person {
	return record.Person{Author: true, Name: "Åsa Exempelsson-Öberg", Title: "socialsekreterare", Unit: "Myndighet",
		Issuer: "https://idp.example", Subject: "5f1d0c0e-8c1b-4b1e-9d3c-2b0f6a7d9e11", UserID: "asaexe", HSAID: "SE0000000000-1A2B"}
}

func other(name string) record.Person {
	return record.Person{Name: name, Title: "enhetschef", Stated: true}
}

// lawful is a record that stands under the mode, with two participants besides
// those that the mode asks for.
func lawful(mode record.Mode) *record.Record {
	r := &record.Record{
		Decider:       record.Decider{Item: "4.2.1"},
		Participants:  record.Participants{Persons: []record.Person{other("Björn Prov"), other("Céline d'Exempel")}},
		DissentAuthor: record.DissentAuthor{Person: author()},
		BiasDeclaration: record.BiasDeclaration{Declarations: []record.Bias{
			{Role: record.RoleParticipant, Ordinal: 1, Stated: true},
			{Role: record.RoleParticipant, Ordinal: 2, Stated: true},
		}},
		Assessment: record.Assessment{Omitted: []record.OmittedName{}},
	}
	a := author()
	own := record.Bias{Role: record.RolePresenter, Ordinal: 1}
	switch mode {
	case record.ExecutiveDecides:
		r.Decider.Kind, r.Presenter.Person = record.DeciderSigner, &a
	case record.DelegateDecides:
		r.Decider.Kind, r.Decider.Person = record.DeciderPerson, &a
		own.Role = record.RoleDecider
	case record.BoardDecides:
		r.Decider = record.Decider{Kind: record.DeciderBoard, Board: "Socialnämnden", Protocol: "2026-11-17 § 112", Item: "1.1"}
		r.Presenter.Person = &a
	}
	r.BiasDeclaration.Declarations = append(r.BiasDeclaration.Declarations, own)
	return r
}

var (
	modes    = []record.Mode{record.ExecutiveDecides, record.DelegateDecides, record.BoardDecides}
	allShown = record.Names{Decider: record.Shown, Participants: record.Shown, Presenter: record.Shown}
)

func omitted(role record.Role, ordinal int) record.OmittedName {
	return record.OmittedName{Role: role, Ordinal: ordinal, Assessor: "HR-direktören", Ground: record.GroundThreat,
		Date: "2026-10-01", Reference: "HR 2026/117", Review: "2027-10-01"}
}

func evidence() *record.Evidence {
	return &record.Evidence{Items: []record.EvidenceItem{{
		ACR: "http://id.elegnamnden.se/loa/1.0/loa3", AuthTime: 1795330800, Authorship: "eyJ.eyJ.c2ln",
		DayKey: &jws.JWK{Crv: "P-256", Kty: "EC", X: "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", Y: "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"},
		Key:    `{"kty":"EC"}`, KeysIndex: 3, Label: record.LabelDPoP, Nonce: make(ident.Bytes, 32),
		Provider: "prov", Received: "2026-11-22", Token: "a.b.c", Type: record.EvidenceAccessToken,
	}}}
}

func encode(t testing.TB, r *record.Record) [record.Stated][]byte {
	t.Helper()
	out, err := r.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// vectorSections are the golden seed and the JSON of all seven sections.
func vectorSections(t testing.TB) (seed record.Seed, json [record.Sections][]byte) {
	t.Helper()
	v := vectors.Golden(t, "sections")
	seed = record.Seed(vectors.Hex(t, v["seed"]))
	for i := range json {
		json[i] = []byte(v["json/"+strconv.Itoa(i+1)])
	}
	return seed, json
}
