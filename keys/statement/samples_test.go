package statement_test

import (
	"bytes"
	"slices"
	"testing"

	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/order"
	"sigill/keys/record"
	"sigill/keys/statement"
)

const content = "Nämnden beviljar bistånd.\n"

func newDraft() *statement.Draft {
	return &statement.Draft{
		Appeal: statement.AppealAdministrative, Author: dig("author"), Authority: authority, Case: "SN2026-0117",
		Commitments: []ident.Digest{dig("commitment 1"), dig("commitment 2"), dig("commitment 3"), dig("commitment 4"), dig("commitment 5"), dig("commitment 6")},
		Contact:     "Socialkontoret, 010-000 00 00, socialkontoret@kommun.example",
		Content:     statement.Content{Digest: ident.Sum(content), Media: statement.MediaPlain, Size: len(content)},
		Decision:    id("decision"), Item: "3.2.1", Mode: record.ExecutiveDecides,
		Names:      record.Names{Decider: record.Shown, Participants: record.Shown, Presenter: record.Omitted},
		Order:      order.Version{Digest: dig("order"), Version: 3},
		Provisions: []statement.Provision{{Place: "11 kap. 1 §", SFS: statement.SoL2025}, {Place: "32 §", SFS: "2017:900"}},
		Reasons:    statement.ReasonsStated, Revision: 1, Set: order.Epoch{Digest: dig("set"), Epoch: 1},
		Title: "Bistånd i form av kontaktfamilj", Type: "BISTAND",
	}
}

// fullDraft has every optional member but corrects, which excludes amends.
func fullDraft() *statement.Draft {
	d := newDraft()
	d.Amends = &statement.Cite{Decision: id("amended"), Statement: dig("amended")}
	d.Appeal, d.Content.Media, d.Item, d.Mode = statement.AppealNone, statement.MediaMarkdown, "5.1", record.BoardDecides
	d.Earlier = []ident.Digest{dig("earlier 1"), dig("earlier 2"), dig("earlier 3")}
	statement.SortEarlier(d.Earlier)
	d.Names = record.Names{Decider: record.Omitted, Participants: record.Omitted, Presenter: record.Omitted}
	d.Previous, d.Protocol, d.Reasons, d.Revision = dig("previous"), "SN § 117/2026", statement.ReasonsUrgent, 2
	d.Title, d.Type, d.Urgent = `Ansökan om vård "<LVU>" & mer`, "LVU_ANSOKAN", true
	return d
}

func draftDigest(t testing.TB) ident.Digest { return jws.Digest(golden(t, "draft")["compact"]) }

func newApproval(t testing.TB) *statement.Approval {
	return &statement.Approval{
		Authority: authority, Checkpoint: statement.Checkpoint{Root: dig("root"), Size: 17}, Core: dig("core"), Date: "2026-11-20",
		Decision: id("decision"), Draft: golden(t, "draft")["compact"], Item: "3.2.1", Mode: record.ExecutiveDecides,
		Order: order.Version{Digest: dig("order"), Version: 3}, Record: dig("record"),
		Signer: statement.SignerPart{Declared: statement.DeclaredUnbiased, Name: "Förnamn Efternamn", Title: "Förvaltningsdirektör"},
	}
}

func newDecision(t testing.TB, approval string) *statement.Decision {
	return &statement.Decision{
		Approval: golden(t, approval)["compact"], Author: dig("author"), Authority: authority, Core: dig("core"), Date: "2026-11-20",
		Decision: id("decision"), Item: "3.2.1", Mode: record.ExecutiveDecides, Number: 4711,
		Order: order.Version{Digest: dig("order"), Version: 3}, Record: dig("record"), Year: 2026,
	}
}

func newDissent(t testing.TB) *statement.Dissent {
	return &statement.Dissent{Authority: authority, Decision: id("decision"), Draft: draftDigest(t),
		Paragraphs: []string{"Jag anser att ansökan borde ha avslagits.", "Barnets bästa är inte utrett."}}
}

func newReturn(t testing.TB) *statement.Return {
	return &statement.Return{Authority: authority, Date: "2026-11-20", Decision: id("decision"), Draft: draftDigest(t), Paragraphs: []string{"Komplettera skälen."}}
}

func newDispatch(t testing.TB) *statement.Dispatch {
	return &statement.Dispatch{Authority: authority, Checkpoint: statement.Checkpoint{Root: dig("root"), Size: 18}, Date: "2026-11-21", Decision: id("decision"),
		Dissents: []ident.Digest{jws.Digest(golden(t, "dissent")["compact"])}, Statement: jws.Digest(golden(t, "decision")["compact"])}
}

func newReceipt(t testing.TB) *statement.Receipt {
	return &statement.Receipt{Authority: authority, Decision: id("decision"), Due: "2026-11-27", Entry: dig("entry"), Received: "2026-11-20", Statement: draftDigest(t)}
}

func newAuthorship(t testing.TB) *statement.Authorship {
	return &statement.Authorship{AuthorKey: ed(t, "author").Public().Thumbprint(), Authority: authority, Draft: draftDigest(t)}
}

func newWithdrawal(t testing.TB) *statement.Withdrawal {
	return &statement.Withdrawal{Authority: authority, Decision: id("decision"), Draft: draftDigest(t)}
}

func newAbstention(t testing.TB) *statement.Abstention {
	return &statement.Abstention{Authority: authority, Date: "2026-11-20", Decision: id("decision"), Draft: draftDigest(t)}
}

// sorted are n digests in the order of their bytes.
func sorted(n int) []ident.Digest {
	out := []ident.Digest{}
	for i := range n {
		out = append(out, dig(string(rune('0'+i))))
	}
	slices.SortFunc(out, func(a, b ident.Digest) int { return bytes.Compare(a[:], b[:]) })
	return out
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
		{"draft", newDraft(), draft, ed(t, "author"), true},
		{"draft-full", fullDraft(), draft, ed(t, "author"), true},
		{"authorship", newAuthorship(t), func() jws.Statement { return &statement.Authorship{} }, p256(t, "day"), false},
		{"dissent", newDissent(t), func() jws.Statement { return &statement.Dissent{} }, ed(t, "author"), false},
		{"withdrawal", newWithdrawal(t), func() jws.Statement { return &statement.Withdrawal{} }, ed(t, "author"), false},
		{"return", newReturn(t), func() jws.Statement { return &statement.Return{} }, ed(t, "director"), false},
		{"abstention", newAbstention(t), func() jws.Statement { return &statement.Abstention{} }, ed(t, "director"), false},
		{"dispatch", newDispatch(t), func() jws.Statement { return &statement.Dispatch{} }, ed(t, "registrar"), false},
		{"receipt", newReceipt(t), func() jws.Statement { return &statement.Receipt{} }, ed(t, "log"), false},
		{"approval", newApproval(t), approval, ed(t, "director"), false},
		{"approval-es256", newApproval(t), approval, p256(t, "deputy"), false},
		{"decision", newDecision(t, "approval"), decision, ed(t, "institution"), false},
		{"decision-es256", newDecision(t, "approval-es256"), decision, p256(t, "institution"), false},
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
