package workflow

import (
	"context"
	"errors"
	"fmt"

	"sigill/keys/guard"
	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/record"
	"sigill/keys/seal"
	"sigill/keys/statement"
)

// read reads a revision's statement, signed by the key that it carries.
func read(in Submission) (*prepared, error) {
	p := &prepared{Submission: in, digest: jws.Digest(in.Statement)}
	var err error
	p.key, err = jws.ReadEmbedded(in.Statement, &p.draft)
	return p, malformed("statement", err)
}

// prepare does all of a revision that needs no queue, the cheap checks before
// the costly ones: form, guard, law, identity, and then the seal.
func (o *Office) prepare(ctx context.Context, c *Caller, m *matter, p *prepared) error {
	var err error
	if p.rec, err = record.Parse(p.Record); err != nil {
		return malformed("seal", err)
	}
	if err := o.guard(c, p); err != nil {
		return err
	}
	if err := p.draft.Content.Fits(p.Content); err != nil {
		return invalid("content", ReasonContent, err)
	}
	if err := parted(statement.CheckParts(p.Content, p.draft.Reasons, p.draft.Appeal)); err != nil {
		return err
	}
	if p.draft.Authority != o.Trust.Authority {
		return invalid("statement.authority", ReasonField, jws.ErrValue)
	}
	if err := p.rec.Check(p.draft.Mode, p.draft.Names); err != nil {
		return malformed("seal", err)
	}
	if p.rec.Decider.Item != p.draft.Item || p.rec.Decider.Protocol != p.draft.Protocol {
		return invalid("seal.record.DECIDER", ReasonContradiction, nil)
	}
	if err := o.identified(c, p); err != nil {
		return err
	}
	law, err := o.linked(ctx, &p.draft, c.today())
	if err != nil {
		return err
	}
	p.f = o.current()
	if err := p.f.permits(&p.draft, c.today(), law); err != nil {
		return err
	}
	return o.seal(c, m, p)
}

// linked checks that what a draft corrects or amends is a signed decision of this
// authority's, and says of which day its law is: today's, but a correction keeps
// that of what it corrects (36 § FL), which may itself be a correction.
func (o *Office) linked(ctx context.Context, d *statement.Draft, today ident.Date) (law ident.Date, err error) {
	if d.Amends != nil {
		_, err := o.cited(ctx, "statement.amends", d.Amends)
		return today, err
	}
	law = today
	for c := d.Corrects; c != nil; {
		corrected, err := o.cited(ctx, "statement.corrects", c)
		if err != nil {
			return "", err
		}
		law, c = corrected.Date, corrected.Corrects
	}
	return law, nil
}

// cited is the signed decision that a draft cites in a field.
func (o *Office) cited(ctx context.Context, field string, c *statement.Cite) (*statement.Decision, error) {
	m, err := o.find(ctx, c.Decision)
	if isKind(err, ErrNotFound) || err == nil && m.State != Signed && m.State != Dispatched {
		return nil, invalid(field, ReasonContradiction, nil)
	}
	if err != nil {
		return nil, err
	}
	row, d, err := o.decisionOf(ctx, m)
	if err != nil {
		return nil, err
	}
	if jws.Digest(row.Decision) != c.Statement {
		return nil, invalid(field, ReasonContradiction, nil)
	}
	return d, nil
}

// guard is the first stage: the content's form, and the names of those whose
// role is omitted, in the content and in every free text.
func (o *Office) guard(c *Caller, p *prepared) error {
	if err := guard.CheckMedia(p.draft.Content.Media, p.Content); err != nil {
		no := &Refusal{Kind: ErrInvalid, Reason: ReasonMedia, Field: "content", err: err}
		if m := (*guard.MediaError)(nil); errors.As(err, &m) {
			no.Line = m.Line
		}
		return no
	}
	texts := []guard.Text{{Field: "content", Body: string(p.Content)}}
	for _, t := range p.draft.FreeTexts() {
		texts = append(texts, guard.Text{Field: "statement." + t.Field, Body: t.Text})
	}
	return named(guard.Check(terms(c, p.rec, p.draft.Names), texts...))
}

// named is the refusal of the first finding.
func named(findings []guard.Finding) error {
	if len(findings) == 0 {
		return nil
	}
	f := findings[0]
	return &Refusal{Kind: ErrInvalid, Reason: ReasonNamed, Field: f.Field, Line: f.Line}
}

// partReasons are the reasons by which a part that the content lacks is named.
var partReasons = map[statement.Part]string{
	statement.PartDecision: ReasonPartDecision, statement.PartReasons: ReasonPartReasons, statement.PartAppeal: ReasonPartAppeal,
}

// parted is the refusal of a content without a part that the law asks for.
func parted(err error) error {
	if no := (*statement.PartError)(nil); errors.As(err, &no) {
		return &Refusal{Kind: ErrInvalid, Reason: partReasons[no.Part], Field: "content", Line: no.Line}
	}
	return err
}

// terms are what the notice must not say: the names of those whose role is
// omitted, and of the author, when theirs is, all that the token says.
func terms(c *Caller, rec *record.Record, names record.Names) guard.Terms {
	var t guard.Terms
	for _, p := range rec.OmittedPersons(names) {
		t.Names = append(t.Names, p.Name)
		if p.UserID != "" {
			t.UserIDs = append(t.UserIDs, p.UserID)
		}
		if p.HSAID != "" {
			t.HSAIDs = append(t.HSAIDs, p.HSAID)
		}
		if p.Author {
			t = withToken(t, c)
		}
	}
	return t
}

func withToken(t guard.Terms, c *Caller) guard.Terms {
	for _, f := range []struct {
		to    *[]string
		value string
	}{{&t.Names, c.Identity.Name}, {&t.Emails, c.Identity.Email}, {&t.Phones, c.Identity.Phone},
		{&t.UserIDs, c.Identity.UserID}, {&t.HSAIDs, c.Identity.HSAID}} {
		if f.value != "" {
			*f.to = append(*f.to, f.value)
		}
	}
	return t
}

// identified holds the draft against the token: the author commitment opens to
// its issuer and subject, and what the record says of its author is what the
// token says.
func (o *Office) identified(c *Caller, p *prepared) error {
	if !c.isAuthor(p.draft.Author) {
		return invalid("statement.author", ReasonContradiction, nil)
	}
	a, id := p.rec.Author(), c.Identity
	switch {
	case a.Issuer != id.Issuer || a.Subject != id.Subject || a.Name != id.Name,
		a.UserID != "" && a.UserID != id.UserID, a.HSAID != "" && a.HSAID != id.HSAID:
		return invalid("seal.record.DISSENT_AUTHOR", ReasonContradiction, nil)
	}
	if c.DayKey == nil {
		if p.Authorship != "" {
			return invalid("seal.authorship", ReasonEvidence, nil)
		}
		return nil
	}
	var by statement.Authorship
	if _, err := jws.Read(p.Authorship, c.DayKey, &by); err != nil {
		return invalid("seal.authorship", ReasonEvidence, err)
	}
	if by.Authority != p.draft.Authority || by.Draft != p.digest || by.AuthorKey != p.key.Thumbprint() {
		return invalid("seal.authorship", ReasonEvidence, nil)
	}
	return nil
}

// seal makes the seal, the wrappings, the rows under the matter's key, the receipt
// and the answer.
func (o *Office) seal(c *Caller, m *matter, p *prepared) error {
	plain, err := record.Lay(p.Seed, p.Record)
	if err != nil {
		return malformed("seal", err)
	}
	for i, d := range plain.Stated() {
		if d != p.draft.Commitments[i] {
			return invalid(fmt.Sprintf("statement.commitments[%d]", i), ReasonContradiction, nil)
		}
	}
	json, err := o.evidence(c, p).Encode()
	if err != nil {
		return malformed("seal", err)
	}
	if err := plain.SetEvidence(p.Seed, json); err != nil {
		return malformed("seal", err)
	}
	subject := seal.Subject{Authority: p.draft.Authority, Decision: p.draft.Decision, Revision: p.draft.Revision,
		Draft: p.digest, AuthorKey: p.key.Thumbprint(), Set: p.draft.Set}
	s, err := seal.New(subject, seal.Shapes(p.f.set), p.Seed, &plain)
	if err != nil {
		return fmt.Errorf("sealing: %w", err)
	}
	p.head, err = s.Head.Marshal()
	if err != nil {
		return fmt.Errorf("sealing: %w", err)
	}
	wrappings, err := o.wrap(s, p.f)
	if err != nil {
		return fmt.Errorf("sealing: %w", err)
	}
	if p.rows[0], err = m.sealed(place(roomMatter, m.key(partDraft)), &draftRow{p.Content, p.head}); err != nil {
		return err
	}
	if p.rows[1], err = m.sealed(m.boxesPlace(), &boxesRow{s.JoinCiphertexts(), wrappings}); err != nil {
		return err
	}
	if p.owed, err = o.promise(c, p.draft.Decision, p.digest); err != nil {
		return err
	}
	p.answer = DraftAnswer{p.owed.receipt, p.head, c.Key, c.KeysIndex}
	p.sealed, err = o.sealAnswer(c, p.answer)
	return err
}

// evidence is the seventh section: what a court checks authorship by.
func (o *Office) evidence(c *Caller, p *prepared) *record.Evidence {
	it := record.EvidenceItem{
		Type: record.EvidenceAccessToken, Label: record.LabelBearer, Token: c.Token, Key: string(c.Key),
		KeysIndex: int64(c.KeysIndex), Nonce: ident.Bytes(c.Nonce[:]), Provider: c.Provider, Received: c.today(), ACR: c.Identity.ACR,
	}
	if !c.Identity.AuthTime.IsZero() {
		it.AuthTime = c.Identity.AuthTime.Unix()
	}
	if c.DayKey != nil {
		j := c.DayKey.JWK()
		it.Label, it.DayKey, it.Authorship = record.LabelDPoP, &j, p.Authorship
	}
	return &record.Evidence{Items: []record.EvidenceItem{it}}
}
