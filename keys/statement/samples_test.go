package statement_test

import (
	"testing"

	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/order"
	"sigill/keys/record"
	"sigill/keys/statement"
	"sigill/keys/vectors"
)

const authority = ident.Authority("202100-0001")

const content = "Nämnden beviljar bistånd.\n"

func newDraft() *statement.Draft {
	return &statement.Draft{
		Appeal: statement.AppealAdministrative, Author: vectors.Digest("author"), Authority: authority, Case: "SN2026-0117",
		Commitments: []ident.Digest{vectors.Digest("commitment 1"), vectors.Digest("commitment 2"), vectors.Digest("commitment 3"), vectors.Digest("commitment 4"), vectors.Digest("commitment 5"), vectors.Digest("commitment 6")},
		Contact:     "Socialkontoret, 010-000 00 00, socialkontoret@kommun.example",
		Content:     statement.Content{Digest: ident.Sum(content), Media: statement.MediaPlain, Size: len(content)},
		Decision:    vectors.ID("decision"), Item: "3.2.1", Mode: record.ExecutiveDecides,
		Names:      record.Names{Decider: record.Shown, Participants: record.Shown, Presenter: record.Omitted},
		Order:      order.Version{Digest: vectors.Digest("order"), Version: 3},
		Provisions: []statement.Provision{{Place: "11 kap. 1 §", SFS: statement.SoL2025}, {Place: "32 §", SFS: "2017:900"}},
		Reasons:    statement.ReasonsStated, Revision: 1, Set: order.Epoch{Digest: vectors.Digest("set"), Epoch: 1},
		Title: "Bistånd i form av kontaktfamilj", Type: "BISTAND",
	}
}

// fullDraft has every optional member but corrects, which excludes amends.
func fullDraft() *statement.Draft {
	d := newDraft()
	d.Amends = &statement.Cite{Decision: vectors.ID("amended"), Statement: vectors.Digest("amended")}
	d.Appeal, d.Content.Media, d.Item, d.Mode = statement.AppealNone, statement.MediaMarkdown, "5.1", record.BoardDecides
	d.Earlier = []ident.Digest{vectors.Digest("earlier 1"), vectors.Digest("earlier 2"), vectors.Digest("earlier 3")}
	statement.SortEarlier(d.Earlier)
	d.Names = record.Names{Decider: record.Omitted, Participants: record.Omitted, Presenter: record.Omitted}
	d.Previous, d.Protocol, d.Reasons, d.Revision = vectors.Digest("previous"), "SN § 117/2026", statement.ReasonsUrgent, 2
	d.Title, d.Type, d.Urgent = `Ansökan om vård "<LVU>" & mer`, "LVU_ANSOKAN", true
	return d
}

func draftDigest(t testing.TB) ident.Digest { return jws.Digest(vectors.Golden(t, "draft")["compact"]) }

func newApproval(t testing.TB) *statement.Approval {
	return &statement.Approval{
		Authority: authority, Checkpoint: statement.Checkpoint{Root: vectors.Digest("root"), Size: 17}, Core: vectors.Digest("core"), Date: "2026-11-20",
		Decision: vectors.ID("decision"), Draft: vectors.Golden(t, "draft")["compact"], Item: "3.2.1", Mode: record.ExecutiveDecides,
		Order: order.Version{Digest: vectors.Digest("order"), Version: 3}, Record: vectors.Digest("record"),
		Signer: statement.SignerPart{Declared: statement.DeclaredUnbiased, Name: "Förnamn Efternamn", Title: "Förvaltningsdirektör"},
	}
}

func newDecision(t testing.TB, approval string) *statement.Decision {
	return &statement.Decision{
		Approval: vectors.Golden(t, approval)["compact"], Author: vectors.Digest("author"), Authority: authority, Core: vectors.Digest("core"), Date: "2026-11-20",
		Decision: vectors.ID("decision"), Item: "3.2.1", Mode: record.ExecutiveDecides, Number: 4711,
		Order: order.Version{Digest: vectors.Digest("order"), Version: 3}, Record: vectors.Digest("record"), Year: 2026,
	}
}

func newDissent(t testing.TB) *statement.Dissent {
	return &statement.Dissent{Authority: authority, Decision: vectors.ID("decision"), Draft: draftDigest(t),
		Paragraphs: []string{"Jag anser att ansökan borde ha avslagits.", "Barnets bästa är inte utrett."}}
}

func newReturn(t testing.TB) *statement.Return {
	return &statement.Return{Authority: authority, Date: "2026-11-20", Decision: vectors.ID("decision"), Draft: draftDigest(t), Paragraphs: []string{"Komplettera skälen."}}
}

func newDispatch(t testing.TB) *statement.Dispatch {
	return &statement.Dispatch{Authority: authority, Checkpoint: statement.Checkpoint{Root: vectors.Digest("root"), Size: 18}, Date: "2026-11-21", Decision: vectors.ID("decision"),
		Dissents: []ident.Digest{jws.Digest(vectors.Golden(t, "dissent")["compact"])}, Statement: jws.Digest(vectors.Golden(t, "decision")["compact"])}
}

func newReceipt(t testing.TB) *statement.Receipt {
	return &statement.Receipt{Authority: authority, Decision: vectors.ID("decision"), Due: "2026-11-27", Entry: vectors.Digest("entry"), Received: "2026-11-20", Statement: draftDigest(t)}
}

func newRecovery() *statement.Recovery {
	return &statement.Recovery{Authority: authority, Date: "2026-11-27", Reason: "HARDWARE",
		Regained: statement.Checkpoint{Root: vectors.Digest("regained"), Size: 4711}, Restored: statement.Checkpoint{Root: vectors.Digest("restored"), Size: 9}}
}

func newAuthorship(t testing.TB) *statement.Authorship {
	return &statement.Authorship{AuthorKey: vectors.Ed25519(t, "author").Public().Thumbprint(), Authority: authority, Draft: draftDigest(t)}
}

func newWithdrawal(t testing.TB) *statement.Withdrawal {
	return &statement.Withdrawal{Authority: authority, Decision: vectors.ID("decision"), Draft: draftDigest(t)}
}

func newAbstention(t testing.TB) *statement.Abstention {
	return &statement.Abstention{Authority: authority, Date: "2026-11-20", Decision: vectors.ID("decision"), Draft: draftDigest(t)}
}

// A kind is a type of statement with its golden vector.
type kind struct {
	file  string
	new   jws.Statement        // the value that the vector says
	empty func() jws.Statement // to read into
	key   *jws.Signer
	embed bool
}

func kinds(t testing.TB) []kind {
	draft := func() jws.Statement { return &statement.Draft{} }
	approval := func() jws.Statement { return &statement.Approval{} }
	decision := func() jws.Statement { return &statement.Decision{} }
	return []kind{
		{"draft", newDraft(), draft, vectors.Ed25519(t, "author"), true},
		{"draft-full", fullDraft(), draft, vectors.Ed25519(t, "author"), true},
		{"authorship", newAuthorship(t), func() jws.Statement { return &statement.Authorship{} }, vectors.P256(t, "day"), false},
		{"dissent", newDissent(t), func() jws.Statement { return &statement.Dissent{} }, vectors.Ed25519(t, "author"), false},
		{"withdrawal", newWithdrawal(t), func() jws.Statement { return &statement.Withdrawal{} }, vectors.Ed25519(t, "author"), false},
		{"return", newReturn(t), func() jws.Statement { return &statement.Return{} }, vectors.Ed25519(t, "director"), false},
		{"abstention", newAbstention(t), func() jws.Statement { return &statement.Abstention{} }, vectors.Ed25519(t, "director"), false},
		{"dispatch", newDispatch(t), func() jws.Statement { return &statement.Dispatch{} }, vectors.Ed25519(t, "registrar"), false},
		{"receipt", newReceipt(t), func() jws.Statement { return &statement.Receipt{} }, vectors.Ed25519(t, "log"), false},
		{"recovery", newRecovery(), func() jws.Statement { return &statement.Recovery{} }, vectors.Ed25519(t, "log"), false},
		{"approval", newApproval(t), approval, vectors.Ed25519(t, "director"), false},
		{"approval-es256", newApproval(t), approval, vectors.P256(t, "deputy"), false},
		{"decision", newDecision(t, "approval"), decision, vectors.Ed25519(t, "institution"), false},
		{"decision-es256", newDecision(t, "approval-es256"), decision, vectors.P256(t, "institution"), false},
	}
}

func (k kind) read(compact string, st jws.Statement) (jws.Header, error) {
	if k.embed {
		_, err := jws.ReadEmbedded(compact, st)
		return jws.Header{}, err
	}
	return jws.Read(compact, k.key.Public(), st)
}

func (k kind) opts() []jws.Option {
	if k.embed {
		return []jws.Option{jws.Embed()}
	}
	return nil
}
