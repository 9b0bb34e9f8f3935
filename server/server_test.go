package server_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"sigill/client"
	"sigill/keys/bundle"
	"sigill/keys/ident"
	"sigill/keys/record"
	"sigill/keys/statement"
	"sigill/scripts/authority"
)

// start makes an authority and runs its server in process.
func start(t *testing.T, o authority.Options) *authority.Running {
	t.Helper()
	a, err := authority.Make(t.Context(), t.TempDir(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	r, err := a.Start(context.WithoutCancel(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Stop(); err != nil {
			t.Error(err)
		}
	})
	return r
}

func published(t *testing.T, o authority.Options) *authority.Running {
	t.Helper()
	r := start(t, o)
	if err := r.Publish(t.Context()); err != nil {
		t.Fatal(err)
	}
	return r
}

const content = "# Beslut\n\nAnsökan om ekonomiskt bistånd beviljas.\n\n## Skäl för beslutet\n\nBehovet är styrkt.\n\n" +
	"## Hur du överklagar\n\nSkriv till nämnden inom tre veckor.\n"

// text is a decision that the caseworker makes on delegation, without her name.
func text(caseRef string) client.Text {
	me := record.Person{Author: true, Title: "socialsekreterare"}
	return client.Text{
		Content: []byte(content), Media: statement.MediaMarkdown, Title: "Ekonomiskt bistånd", Type: authority.TypeSupport,
		Case: caseRef, Item: authority.ItemDelegate, Contact: "socialkontoret@exempelstad.example", Mode: record.DelegateDecides,
		Names:  record.Names{Decider: record.Omitted, Participants: record.Shown, Presenter: record.Shown},
		Appeal: statement.AppealAdministrative, Reasons: statement.ReasonsStated,
		Provisions: []statement.Provision{{Place: "12 kap. 1 §", SFS: statement.SoL2025}},
		Record: record.Record{
			Decider:         record.Decider{Item: authority.ItemDelegate, Kind: record.DeciderPerson, Person: &me},
			Participants:    record.Participants{Persons: []record.Person{}},
			BiasDeclaration: record.BiasDeclaration{Declarations: []record.Bias{{Ordinal: 1, Role: record.RoleDecider}}},
			Assessment: record.Assessment{Omitted: []record.OmittedName{{Assessor: "enhetschef", Date: ident.DateOf(time.Now()),
				Ground: record.GroundThreat, Ordinal: 1, Reference: "P-17", Review: ident.DateOf(time.Now()).AddDays(90), Role: record.RoleDecider}}},
		},
	}
}

// TestStory: a decision is drafted, signed, dispatched and verified over real
// sockets, with real keys, tokens and store.
func TestStory(t *testing.T) {
	r := published(t, authority.Options{})
	ctx := t.Context()
	asa, err := r.Caseworker("asa")
	if err != nil {
		t.Fatal(err)
	}
	own, err := asa.Submit(ctx, text("SN 2026-0417"))
	if err != nil {
		t.Fatal(err)
	}
	director, err := r.Signer("direktor", r.Director)
	if err != nil {
		t.Fatal(err)
	}
	inbox, err := director.Inbox(ctx)
	if err != nil || len(inbox) != 1 || inbox[0].Decision != own.Decision {
		t.Fatalf("inbox of %d: %v", len(inbox), err)
	}
	c, err := director.Read(ctx, own.Decision)
	if err != nil {
		t.Fatal(err)
	}
	_, raw, err := director.Sign(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	v, err := bundle.Verify(raw, r.Trust)
	if err != nil || string(v.Content) != content {
		t.Fatalf("the bundle does not verify: %v", err)
	}
	if err := director.Dispatch(ctx, v); err != nil {
		t.Fatal(err)
	}
	m, err := asa.Get(ctx, own)
	if err != nil || m.Verdict == nil || m.Verdict.Digest != v.Digest {
		t.Fatalf("the author does not see the decision: %v", err)
	}
	bjorn, err := r.Caseworker("bjorn")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := bjorn.Get(ctx, own); !errors.Is(err, client.ErrLogin) {
		t.Fatalf("a colleague with a borrowed file: %v", err)
	}
	own.Author = ident.Digest{} // a client that does not hold them back
	if _, err := bjorn.Get(ctx, own); client.Reason(err) != "ABSENT" {
		t.Fatalf("a colleague with a borrowed key: %v", err)
	}
	e := (*client.Error)(nil)
	if _, err := bjorn.Session.Signer(r.Director, "").Inbox(ctx); !errors.As(err, &e) || e.Reason != "ROLE" {
		t.Fatalf("a caseworker at the inbox: %v", err)
	}
}
