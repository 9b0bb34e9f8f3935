// Package story plays the way of one decision through a running authority, from
// a draft that names its author to a court that opens the seal: what the demo
// shows, and what the canary looks for traces in.
//
// [Play] runs it through package client over real sockets, as every role, and
// says each step through a callback. Each refusal in it is asserted: a step that
// should fail and does not ends the story with an error.
package story

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"strings"

	"sigill/client"
	"sigill/keys/bundle"
	"sigill/keys/ident"
	"sigill/keys/record"
	"sigill/keys/statement"
	"sigill/scripts/authority"
	"sigill/scripts/devidp/devidp"
)

// Decision is the default content: a decision of several pages, in Markdown.
//
//go:embed beslut/content.md
var Decision []byte

// A Cast is who plays and on what.
type Cast struct {
	Run     *authority.Running
	Author  devidp.User
	Content []byte                             // any text in UTF-8
	Case    string                             // case reference; "" for one of the story's own
	Say     func(format string, values ...any) // one call for each step; nil: silent
	Away    func(bool)                         // has the witness that the policy asks for go away, or come back; nil: the policy asks for none
}

// A Result is what the story leaves with its people.
type Result struct {
	Own      *client.Own // what the author keeps
	Verdict  *bundle.Verdict
	Bundle   []byte
	Package  []byte // what the court collected
	Opened   []byte // the opening protocol, JSON
	Text     string // the same in Swedish
	Request  *client.Recipient
	Me       client.Identity
	Signed   []byte   // the content that was signed
	Media    string   // what kind of text it is
	Returned []string // the director's reason
}

// ErrStory says that a step went other than the story.
var ErrStory = errors.New("the story went wrong")

// wrong is [ErrStory] with what went wrong, and with the error behind it if there
// is one.
func wrong(what string, err error) error {
	if err == nil {
		return fmt.Errorf("%w: %s", ErrStory, what)
	}
	return fmt.Errorf("%w: %s: %w", ErrStory, what, err)
}

type play struct {
	Cast
	Result
	script   *Script
	author   *client.Caseworker
	director *client.Signer
}

// Play plays the whole story. What cannot be played is refused before the first
// step (see [Prepare]).
func Play(ctx context.Context, c Cast) (*Result, error) {
	script, err := Prepare(c.Content, c.Author)
	if err != nil {
		return nil, err
	}
	p := &play{Cast: c, script: script, Result: Result{Media: script.Media}}
	if p.Say == nil {
		p.Say = func(string, ...any) {}
	}
	if p.Case == "" {
		p.Case = "SN 2026-00417"
	}
	for _, step := range []func(context.Context) error{p.meet, p.draft, p.revise, p.sign, p.verify, p.open, p.learn, p.promises} {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	return &p.Result, nil
}

func (p *play) meet(context.Context) (err error) {
	if p.author, err = p.Run.Caseworker(p.Author.ID); err != nil {
		return err
	}
	p.Me = p.author.Me
	p.director, err = p.Run.Signer("direktor", p.Run.Director)
	return err
}

// Text is the decision as its author fills in the form: the author decides on
// delegation, and the name is left out of the notice.
func Text(content []byte, caseRef string) client.Text {
	today := ident.Date("2026-11-02")
	return client.Text{
		Content: content, Media: statement.MediaMarkdown, Title: title, Type: authority.TypeDaily,
		Item: authority.ItemDelegate, Case: caseRef, Contact: contact,
		Mode: record.DelegateDecides, Names: record.Names{Decider: record.Omitted, Participants: record.Shown, Presenter: record.Shown},
		Appeal: statement.AppealAdministrative, Reasons: statement.ReasonsStated,
		Provisions: []statement.Provision{{Place: "11 kap. 1 §", SFS: statement.SoL2025}},
		Record: record.Record{
			Decider:         record.Decider{Item: authority.ItemDelegate, Kind: record.DeciderPerson, Person: &record.Person{Author: true, Title: "socialsekreterare"}},
			Participants:    record.Participants{Persons: []record.Person{}},
			BiasDeclaration: record.BiasDeclaration{Declarations: []record.Bias{{Ordinal: 1, Role: record.RoleDecider}}},
			Assessment: record.Assessment{Omitted: []record.OmittedName{{Assessor: "enhetschef", Date: today, Ground: record.GroundThreat,
				Ordinal: 1, Reference: "P 2026-31", Review: today.AddDays(180), Role: record.RoleDecider}}},
		},
	}
}

// draft: a text that names its author is refused before anything is sent; the
// mended one is sealed, and its author recomputes the seal.
func (p *play) draft(ctx context.Context) error {
	_, err := p.author.Submit(ctx, p.script.text(p.script.Named, p.Case))
	named := (*client.NamedError)(nil)
	if !errors.As(err, &named) {
		return wrong("a text that names its author was not refused", err)
	}
	p.Say("Utkastet nämner den som skrev det (rad %d) och skickas inte.", named.Findings[0].Line)
	if c := p.script.Changes; len(c) > 0 {
		p.Say("Innan texten skickas ändras den: %s.", strings.Join(c, "; "))
	}
	if p.Own, err = p.author.Submit(ctx, p.script.text(p.script.Mended, p.Case)); err != nil {
		return fmt.Errorf("mended draft: %w", err)
	}
	p.Say("Det rättade utkastet är förseglat; klienten har räknat om förseglingen och fått ett kvitto.")
	return nil
}

// revise: the director sends the draft back, its author revises and dissents.
func (p *play) revise(ctx context.Context) error {
	c, err := p.director.Read(ctx, p.Own.Decision)
	if err != nil {
		return fmt.Errorf("reading the draft: %w", err)
	}
	p.Say("Förvaltningsdirektören har läst utkastet. Vem som skrev det framgår inte.")
	p.Returned = []string{"Skriv ut från vilken dag boendestödet gäller.", "Motivera avslaget tydligare."}
	if err := p.director.Return(ctx, c, p.Returned); err != nil {
		return fmt.Errorf("returning the draft: %w", err)
	}
	m, err := p.author.Get(ctx, p.Own)
	if err != nil || len(m.Returns) != 1 {
		return wrong("the author does not see the return", err)
	}
	p.Say("Utkastet är återsänt: %s", m.Returns[0].Paragraphs[0])
	p.Signed = p.script.Revised
	if err := p.author.Revise(ctx, p.Own, p.script.text(p.Signed, p.Case)); err != nil {
		return fmt.Errorf("revising: %w", err)
	}
	p.Say("Version 2 är förseglad och hänvisar till version 1.")
	if err := p.author.Dissent(ctx, p.Own, []string{dissent}); err != nil {
		return fmt.Errorf("dissenting: %w", err)
	}
	p.Say("En avvikande mening är antecknad.")
	return nil
}

// sign: the director countersigns, the registrar dispatches.
func (p *play) sign(ctx context.Context) error {
	c, err := p.director.Read(ctx, p.Own.Decision)
	if err != nil {
		return fmt.Errorf("reading the revision: %w", err)
	}
	if p.Away != nil {
		p.Away(true)
	}
	if p.Verdict, p.Bundle, err = p.director.Sign(ctx, c); err != nil {
		return fmt.Errorf("countersigning: %w", err)
	}
	p.Say("Kontrasignerat och stämplat: %s, post %d i loggen.", p.Verdict.Number(), p.Verdict.Index)
	if p.Away != nil {
		if err := p.pending(ctx); err != nil {
			return err
		}
	}
	registrar, err := p.Run.Signer("registrator", p.Run.Registrar)
	if err != nil {
		return err
	}
	if err := registrar.Dispatch(ctx, p.Verdict); err != nil {
		return fmt.Errorf("dispatching: %w", err)
	}
	p.Say("Expedierat av registratorn, med den avvikande meningen.")
	return nil
}

// verify: anyone, offline; and a changed bundle fails.
func (p *play) verify(context.Context) error {
	v, err := bundle.Verify(p.Bundle, p.Run.Trust)
	if err != nil {
		return fmt.Errorf("verifying: %w", err)
	}
	word := "obevittnad logg"
	if v.Witnessed {
		word = "bevittnad logg"
	}
	p.Say("Kontrollerat utan nät: innehåll, underskrifter, delegationsordning och plats i loggen stämmer (%s).", word)
	changed := append([]byte{}, p.Bundle...)
	changed[len(changed)/3] ^= 1
	if _, err := bundle.Verify(changed, p.Run.Trust); err == nil {
		return fmt.Errorf("%w: a changed bundle verifies", ErrStory)
	}
	p.Say("En ändrad byte, och kontrollen säger nej.")
	return nil
}
