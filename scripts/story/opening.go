package story

import (
	"context"
	"errors"
	"fmt"

	"sigill/client"
	"sigill/keys/disclosure"
	"sigill/keys/ident"
	"sigill/keys/opening"
	"sigill/keys/order"
	"sigill/keys/record"
	"sigill/keys/unseal"
	sigillv1 "sigill/proto/sigill/v1"
)

// open: a request is refused as a whole; another is approved for fewer sections
// than it asked for; the court opens and checks.
func (p *play) open(ctx context.Context) error {
	court, err := p.Run.AsCourt()
	if err != nil {
		return err
	}
	if err := p.refused(ctx, court); err != nil {
		return err
	}
	asked := []record.Section{record.SectionDecider, record.SectionDissentAuthor, record.SectionAssessment, record.SectionEvidence}
	err = p.early(ctx, func() (err error) {
		if p.Request, err = p.ask(ctx, court, order.CourtReferralOnAppeal, "Mål 4711-26", asked); err == nil {
			p.Say("Domstolen begär fyra uppgifter: %s.", sections(asked))
		}
		return err
	})
	if err != nil {
		return err
	}
	granted := []record.Section{record.SectionDecider, record.SectionDissentAuthor, record.SectionEvidence}
	// The first three settle what is granted. The section that is not stands open
	// until nobody can grant it.
	for _, at := range [][2]int{{1, 1}, {2, 1}, {1, 2}, {2, 2}, {1, 3}} {
		state, err := p.vote(ctx, at[0], at[1], p.Request.Opening, client.Judgement{Granted: granted, Refusal: &opening.Refusal{
			Basis: opening.BasisSecrecy, Provision: "39 kap. 3 § OSL", Paragraphs: []string{"Bedömningen behövs inte i målet."}}})
		if err != nil {
			return err
		}
		p.Say("Granskare %d i grupp %d lämnar ut tre av dem. %s", at[1], at[0], outcome(state))
	}
	return p.collect(ctx, court)
}

// refused: every vote of a group refuses; the request ends with a provision.
func (p *play) refused(ctx context.Context, court *client.Requester) error {
	asked := record.All()[:4]
	r, err := p.ask(ctx, court, order.CourtWitness, "Mål 4712-26", asked)
	if err != nil {
		return err
	}
	p.Say("Domstolen begär i ett annat mål mer än vad som behövs: %s.", sections(asked))
	var state sigillv1.OpeningState
	for _, at := range [][2]int{{1, 1}, {1, 2}, {1, 3}} {
		if state, err = p.vote(ctx, at[0], at[1], r.Opening, client.Judgement{Refusal: &opening.Refusal{Basis: opening.BasisScope,
			Provision: "36 kap. 1 § RB", Paragraphs: []string{"Begäran omfattar mer än vad som behövs för att kalla ett vittne."}}}); err != nil {
			return err
		}
		p.Say("Granskare %d i grupp %d avslår den. %s", at[1], at[0], outcome(state))
	}
	if state != sigillv1.OpeningState_OPENING_STATE_REFUSED {
		return fmt.Errorf("%w: a request that a group refuses stands as %s", ErrStory, state)
	}
	if _, err := court.Collect(ctx, r.Opening); err == nil {
		return fmt.Errorf("%w: a refused request can be collected", ErrStory)
	}
	o, err := court.Get(ctx, r.Opening)
	if err != nil {
		return err
	}
	release, votes, err := court.Outcome(o)
	if err != nil || release == nil || len(votes) != 3 || votes[0].Refusal == nil {
		return wrong("the requester is not told why", err)
	}
	p.Say("Domstolen får veta varför den avslås helt (%s): %s", votes[0].Refusal.Provision, votes[0].Refusal.Paragraphs[0])
	return nil
}

func (p *play) ask(ctx context.Context, court *client.Requester, g order.Ground, ref string, asked []record.Section) (*client.Recipient, error) {
	r, err := court.NewRequest(client.Ask{Verdict: p.Verdict, Ground: g, Reference: ref, Sections: asked, Days: 14})
	if err != nil {
		return nil, fmt.Errorf("requesting: %w", err)
	}
	if err := court.Send(ctx, r); err != nil {
		return nil, fmt.Errorf("requesting: %w", err)
	}
	return r, nil
}

func (p *play) vote(ctx context.Context, group, index int, id ident.ID, j client.Judgement) (sigillv1.OpeningState, error) {
	v, err := p.Run.Reviewer(group, index)
	if err != nil {
		return 0, err
	}
	var w *client.Review
	if err := p.until(ctx, func() (err error) { w, err = v.Get(ctx, id); return err }); err != nil {
		return 0, fmt.Errorf("reviewing: %w", err)
	}
	state, err := v.Vote(ctx, w, j)
	if err != nil {
		return 0, fmt.Errorf("voting: %w", err)
	}
	return state, nil
}

func (p *play) collect(ctx context.Context, court *client.Requester) (err error) {
	err = p.until(ctx, func() (err error) { p.Package, err = court.Collect(ctx, p.Request.Opening); return err })
	if err != nil {
		return fmt.Errorf("collecting: %w", err)
	}
	key, err := p.Request.Private()
	if err != nil {
		return err
	}
	protocol, err := disclosure.Open(p.Package, p.Run.Trust, key)
	if err != nil {
		return fmt.Errorf("opening: %w", err)
	}
	if len(protocol.Contradictions) > 0 || len(protocol.Granted) != 3 {
		return fmt.Errorf("%w: the record opens to something else", ErrStory)
	}
	if p.Opened, err = protocol.Marshal(); err != nil {
		return err
	}
	p.Text = protocol.Text(disclosure.Swedish)
	p.Say("Domstolen öppnar: %s stämmer med beslutet som stämplades. En uppgift är inte utlämnad.", sections(protocol.Granted))
	changed := append([]byte{}, p.Package...)
	changed[len(changed)/2] ^= 1
	if _, err := disclosure.Open(changed, p.Run.Trust, key); err == nil {
		return fmt.Errorf("%w: a changed package opens", ErrStory)
	} else if errors.Is(err, unseal.ErrNotEnough) {
		return fmt.Errorf("%w: a changed package is taken for an incomplete one", ErrStory)
	}
	return nil
}

// learn: the author sees that it happened.
func (p *play) learn(ctx context.Context) error {
	list, err := p.author.Openings(ctx, p.Own)
	if err != nil || len(list) != 1 {
		return wrong("the author does not learn of the opening", err)
	}
	p.Say("Den som skrev beslutet ser vem som fick uppgiften och varför: %s, %s.", list[0].Requester, list[0].Request.Reference)
	return nil
}

var sectionWords = map[record.Section]string{record.SectionDecider: "beslutsfattare", record.SectionPresenter: "föredragande",
	record.SectionParticipants: "medverkande", record.SectionDissentAuthor: "avvikande mening", record.SectionBiasDeclaration: "jävsförsäkran",
	record.SectionAssessment: "bedömning enligt 33 §", record.SectionEvidence: "bevisning"}

func sections(list []record.Section) string {
	s := ""
	for i, sec := range list {
		if i > 0 {
			s += ", "
		}
		s += sectionWords[sec]
	}
	return s
}

func outcome(s sigillv1.OpeningState) string {
	if s == sigillv1.OpeningState_OPENING_STATE_PENDING {
		return "Begäran prövas ännu."
	}
	return "Begäran är avgjord."
}
