package client_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"sigill/client"
	"sigill/keys/bundle"
	"sigill/keys/disclosure"
	"sigill/keys/ident"
	"sigill/keys/order"
	"sigill/keys/record"
	"sigill/keys/statement"
	"sigill/scripts/authority"
)

// begin starts a development authority, whose people the examples play.
func begin(ctx context.Context) (*authority.Running, func()) {
	dir, err := os.MkdirTemp("", "sigill-example-")
	must(err)
	a, err := authority.Make(ctx, filepath.Join(dir, "house"), authority.Options{Groups: []authority.Shape{{Threshold: 1, Members: 3}}})
	must(err)
	r, err := a.Start(ctx)
	must(err)
	must(r.Publish(ctx))
	return r, func() { r.Stop(); a.Close(); os.RemoveAll(dir) }
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// decisionText is a decision on delegation whose notice leaves its author out.
func decisionText() client.Text {
	today := ident.Date("2026-11-02")
	return client.Text{
		Content: []byte("Beslut\n\nDu får bistånd.\n\nSkäl för beslutet\n\nBehov finns.\n"), Media: statement.MediaPlain,
		Title: "Ekonomiskt bistånd", Type: authority.TypeSupport, Item: authority.ItemDelegate, Case: "SN 2026-00417",
		Contact: "Socialtjänstens mottagning", Mode: record.DelegateDecides, Appeal: statement.AppealNone, Reasons: statement.ReasonsStated,
		Names:      record.Names{Decider: record.Omitted, Presenter: record.Shown, Participants: record.Shown},
		Provisions: []statement.Provision{{SFS: statement.SoL2025, Place: "12 kap. 1 §"}},
		Record: record.Record{
			Decider: record.Decider{Item: authority.ItemDelegate, Kind: record.DeciderPerson,
				Person: &record.Person{Author: true, Title: "socialsekreterare"}}, // the rest is the token's to say
			Participants:    record.Participants{Persons: []record.Person{}},
			BiasDeclaration: record.BiasDeclaration{Declarations: []record.Bias{{Role: record.RoleDecider, Ordinal: 1}}},
			Assessment: record.Assessment{Omitted: []record.OmittedName{{Role: record.RoleDecider, Ordinal: 1, Ground: record.GroundThreat,
				Assessor: "enhetschef", Date: today, Reference: "P 1", Review: today.AddDays(180)}}},
		},
	}
}

// drafted and signed do what comes before an example.
func drafted(ctx context.Context, r *authority.Running) (*client.Caseworker, *client.Own) {
	asa, err := r.Caseworker("asa")
	must(err)
	own, err := asa.Submit(ctx, decisionText())
	must(err)
	return asa, own
}

func signed(ctx context.Context, r *authority.Running, id ident.ID) *bundle.Verdict {
	director, err := r.Signer("direktor", r.Director)
	must(err)
	draft, err := director.Read(ctx, id)
	must(err)
	v, _, err := director.Sign(ctx, draft)
	must(err)
	return v
}

// Whoever knows where the server is and has the trust file can ask it for the
// delegation order; what comes back is believed on the board's signatures alone.
func ExampleDial() {
	ctx := context.Background()
	r, end := begin(ctx)
	defer end()
	s, err := client.Dial(client.Config{Addr: r.Addr, Origin: authority.Origin, Plain: true, Trust: r.Trust})
	must(err)
	defer s.Close()
	d, version, err := s.Delegation(ctx)
	must(err)
	fmt.Println(d.Board, version.Version)
	// Output: Socialnämnden 1
}

func ExampleSession_Caseworker() {
	ctx := context.Background()
	r, end := begin(ctx)
	defer end()
	// In a program: s.Caseworker(me) with the session and the token's own claims.
	asa, err := r.Caseworker("asa")
	must(err)

	// A text that names its author is refused before anything is sent.
	text := decisionText()
	text.Content = append(text.Content, "\nHandläggare: Åsa-Märta Öberghult Ny\n"...)
	_, err = asa.Submit(ctx, text)
	fmt.Println(err)

	// The mended one is sealed. What Submit returns is the author's alone.
	own, err := asa.Submit(ctx, decisionText())
	must(err)
	must(asa.Dissent(ctx, own, []string{"Beloppet borde vara högre."}))
	m, err := asa.Get(ctx, own)
	must(err)
	fmt.Println(m.State, m.Dissents, len(own.Receipts))
	// Output:
	// the text names someone whose name is to be omitted: content, line 9
	// DECISION_STATE_PENDING 1 2
}

func ExampleSession_Signer() {
	ctx := context.Background()
	r, end := begin(ctx)
	defer end()
	drafted(ctx, r)
	// In a program: s.Signer(key, name).
	director, err := r.Signer("direktor", r.Director)
	must(err)
	waiting, err := director.Inbox(ctx)
	must(err)
	for _, w := range waiting {
		draft, err := director.Read(ctx, w.Decision) // checks all that the approval vouches for
		must(err)
		v, _, err := director.Sign(ctx, draft)
		must(err)
		must(director.Dispatch(ctx, v))
		fmt.Println(v.Officer.Title, v.Draft.Title, strings.Contains(string(v.Content), "Öberghult"))
	}
	// Output: förvaltningsdirektör Ekonomiskt bistånd false
}

func ExampleSession_Reviewer() {
	ctx := context.Background()
	r, end := begin(ctx)
	defer end()
	_, own := drafted(ctx, r)
	court, err := r.AsCourt()
	must(err)
	asked, err := court.NewRequest(client.Ask{Verdict: signed(ctx, r, own.Decision), Ground: order.CourtOrder, Reference: "T 1-26", Days: 10,
		Sections: []record.Section{record.SectionDecider}})
	must(err)
	must(court.Send(ctx, asked))

	// In a program: s.Reviewer(signing, opening, pinned).
	reviewer, err := r.Reviewer(1, 1)
	must(err)
	pending, err := reviewer.Pending(ctx)
	must(err)
	for _, p := range pending {
		review, err := reviewer.Get(ctx, p.Opening) // checks everything, decrypts nothing
		must(err)
		ended, err := reviewer.Vote(ctx, review, client.Judgement{Granted: review.Request.Sections})
		must(err)
		fmt.Println(review.Requester.Name, review.Request.Sections, ended)
	}
	// Output: Förvaltningsrätten i Exempelstad [DECIDER] OPENING_STATE_RELEASED
}

func ExampleSession_Requester() {
	ctx := context.Background()
	r, end := begin(ctx)
	defer end()
	asa, own := drafted(ctx, r)
	v := signed(ctx, r, own.Decision)

	// In a program: s.Requester(key).
	court, err := r.AsCourt()
	must(err)
	asked, err := court.NewRequest(client.Ask{Verdict: v, Ground: order.CourtOrder, Reference: "T 1-26", Days: 10,
		Sections: []record.Section{record.SectionDecider, record.SectionEvidence}})
	must(err)
	// Keep asked, encrypted, before it is sent: nothing else opens the answer.
	must(court.Send(ctx, asked))

	reviewer, err := r.Reviewer(1, 2)
	must(err)
	review, err := reviewer.Get(ctx, asked.Opening)
	must(err)
	_, err = reviewer.Vote(ctx, review, client.Judgement{Granted: review.Request.Sections})
	must(err)

	pkg, err := court.Collect(ctx, asked.Opening)
	must(err)
	key, err := asked.Private()
	must(err)
	protocol, err := disclosure.Open(pkg, r.Trust, key) // offline
	must(err)
	fmt.Println(protocol.Outcome, protocol.Sections.Decider.Person.Name, protocol.Evidence.Label)

	openings, err := asa.Openings(ctx, own) // the author learns of it
	must(err)
	fmt.Println(len(openings), openings[0].Requester)
	// Output:
	// GRANTED_FULL Åsa-Märta Öberghult Ny dpop
	// 1 Förvaltningsrätten i Exempelstad
}

func ExampleSession_Board() {
	ctx := context.Background()
	r, end := begin(ctx)
	defer end()

	// Offline, each key on a machine of its own:
	revoked := *r.Requester
	revoked.Revoked = ident.Date("2026-11-02")
	signatures, err := client.SignDocument(&revoked, r.Authority.Board[0], r.Authority.Board[2])
	must(err)

	// An administrator carries it. In a program: s.Board().
	s, err := r.Session("drift")
	must(err)
	must(s.Board().RevokeRequester(ctx, signatures))
	list, err := s.Board().Requesters(ctx)
	must(err)
	fmt.Println(list[0].Name, list[0].Revoked)
	// Output: Förvaltningsrätten i Exempelstad 2026-11-02
}
