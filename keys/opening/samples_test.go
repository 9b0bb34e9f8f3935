package opening_test

import (
	"testing"

	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/opening"
	"sigill/keys/order"
	"sigill/keys/record"
	"sigill/keys/statement"
	"sigill/keys/vectors"
)

const authority = ident.Authority("202100-0001")

func newRequest(t testing.TB) *opening.Request {
	return &opening.Request{
		Authority: authority, Date: "2026-11-20", Decision: vectors.ID("decision"), Expires: "2026-12-20", Ground: order.PoliceSuspectOfficial,
		Opening: vectors.ID("opening"), Recipient: vectors.HPKE(t, "recipient"), Reference: "0105-K117-26",
		Sections:  []record.Section{record.SectionDecider, record.SectionPresenter, record.SectionAssessment, record.SectionEvidence},
		Statement: vectors.Digest("statement"),
	}
}

func requestDigest(t testing.TB) ident.Digest {
	return jws.Digest(vectors.Golden(t, "request")["compact"])
}

// newVote grants two sections of four, with everything that a vote can say.
func newVote(t testing.TB) *opening.Vote {
	return &opening.Vote{
		Authority: authority, Checkpoint: statement.Checkpoint{Root: vectors.Digest("root"), Size: 19}, Decision: vectors.ID("decision"),
		Granted: []record.Section{record.SectionDecider, record.SectionPresenter}, Group: 1, Index: 2,
		NotBefore: &opening.Delay{Date: "2027-01-31", Provision: "18 kap. 1 § OSL"}, Opening: vectors.ID("opening"),
		Refusal: &opening.Refusal{Basis: opening.BasisSecrecy, Paragraphs: []string{"Hotbildsbedömningen lämnas inte ut."}, Provision: "39 kap. 3 § OSL"},
		Request: requestDigest(t), Reservation: "Uppgifterna får inte föras vidare.", Vector: vectors.Digest("vector"),
	}
}

func secondVote(t testing.TB) *opening.Vote {
	v := newVote(t)
	v.Index = 1
	return v
}

func newRefusal(t testing.TB) *opening.Vote {
	return &opening.Vote{
		Authority: authority, Checkpoint: statement.Checkpoint{Root: vectors.Digest("root"), Size: 19}, Decision: vectors.ID("decision"),
		Granted: []record.Section{}, Group: 2, Index: 1, Opening: vectors.ID("opening"),
		Refusal: &opening.Refusal{Basis: opening.BasisNotHeld, Paragraphs: []string{"Beslutet är inte nämndens."}, Provision: "2 kap. 4 § TF"},
		Request: requestDigest(t),
	}
}

func newRelease(t testing.TB) *opening.Release {
	return &opening.Release{
		Authority: authority, Core: vectors.Digest("core"), Date: "2026-11-22", Decision: vectors.ID("decision"),
		Granted: []record.Section{record.SectionDecider, record.SectionPresenter}, Opening: vectors.ID("opening"), Outcome: opening.GrantedPartial,
		Refused: []opening.Denied{{Provision: "39 kap. 3 § OSL", Section: record.SectionAssessment}, {Section: record.SectionEvidence}},
		Request: requestDigest(t),
		Votes: []opening.Cast{{Vector: vectors.Digest("vector"), Vote: jws.Digest(vectors.Golden(t, "vote")["compact"])},
			{Vote: jws.Digest(vectors.Golden(t, "vote-refusal")["compact"])}},
	}
}

func newCountersigned(t testing.TB) *opening.Countersigned {
	return &opening.Countersigned{Authority: authority, Date: "2026-11-21", Registration: []string{"registration 1", "registration 2"},
		Request: vectors.Golden(t, "request")["compact"]}
}

// A kind is a type of statement with its golden vector.
type kind struct {
	file  string
	new   jws.Statement
	empty func() jws.Statement
	key   *jws.Signer
}

func kinds(t testing.TB) []kind {
	vote := func() jws.Statement { return &opening.Vote{} }
	return []kind{
		{"request", newRequest(t), func() jws.Statement { return &opening.Request{} }, vectors.Ed25519(t, "police")},
		{"vote", newVote(t), vote, vectors.Ed25519(t, "reviewer 1 2")},
		{"vote-es256", secondVote(t), vote, vectors.P256(t, "reviewer 1 5")},
		{"vote-refusal", newRefusal(t), vote, vectors.Ed25519(t, "reviewer 2 1")},
		{"release", newRelease(t), func() jws.Statement { return &opening.Release{} }, vectors.Ed25519(t, "log")},
		{"countersigned", newCountersigned(t), func() jws.Statement { return &opening.Countersigned{} }, vectors.Ed25519(t, "board 1")},
	}
}
