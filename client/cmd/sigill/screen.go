package main

import (
	"fmt"
	"io"
	"regexp"
	"strings"

	"sigill/client"
	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/record"
	"sigill/keys/statement"
)

// shownDraft is a draft as the director reads it.
type shownDraft struct {
	Decision ident.ID        `json:"decision"`
	Digest   ident.Digest    `json:"digest"` // of the draft statement, for a second channel
	Content  string          `json:"content"`
	Draft    statement.Draft `json:"draft"`
	Dissents [][]string      `json:"dissents"`
	Returns  [][]string      `json:"returns"`
	SmallSet bool            `json:"small_set"`
	Unfit    string          `json:"unfit,omitempty"` // why it cannot be signed
	Title    string          `json:"signer_title"`
	Meaning  string          `json:"meaning"`
	Preview  string          `json:"preview"`
}

// screen shows a draft that has been checked, on standard output.
func (a *app) screen(c *client.Case) error {
	if a.format == "table" {
		return a.screenTo(a.stdout, c)
	}
	v := shownDraft{Decision: c.Draft.Decision, Digest: jws.Digest(c.Compact), Content: string(c.Content), Draft: c.Draft,
		Dissents: [][]string{}, Returns: [][]string{}, SmallSet: c.SmallSet, Title: c.Officer.Title, Meaning: a.meaning(c.Draft.Mode),
		Preview: preview(&c.Draft, c.Order.Board)}
	if c.Unfit != nil {
		v.Unfit = c.Unfit.Error()
	}
	for _, d := range c.Dissents {
		v.Dissents = append(v.Dissents, d.Paragraphs)
	}
	for _, r := range c.Returns {
		v.Returns = append(v.Returns, r.Paragraphs)
	}
	return a.emit(v)
}

// screenTo writes the director's screen in the order in which a matter is read.
// All of it has been checked for characters that would not show what they are.
func (a *app) screenTo(w io.Writer, c *client.Case) error {
	d, words := &c.Draft, a.words
	var b strings.Builder
	heading := func(s string) { fmt.Fprintf(&b, "\n== %s ==\n", s) }
	row := func(label, value string) {
		if value != "" {
			fmt.Fprintf(&b, "%s: %s\n", label, value)
		}
	}
	fmt.Fprintf(&b, "== %s ==\n%s\n", words.matter, d.Title)
	row(words.caseRef, d.Case)
	row(words.decisionType, d.Type)
	row(words.item, fmt.Sprintf("%s (%s)", d.Item, fmt.Sprintf(a.t("delegation order version %d"), d.Order.Version)))
	row(words.protocol, d.Protocol)
	row(words.contact, d.Contact)
	if d.Corrects != nil {
		row(words.corrects, string(d.Corrects.Decision))
	}
	if d.Amends != nil {
		row(words.amends, string(d.Amends.Decision))
	}
	if n := len(d.Earlier); n > 0 {
		row(words.earlier, fmt.Sprint(n))
	}
	if d.Urgent {
		fmt.Fprintln(&b, words.urgent)
	}
	heading(words.proposal)
	fmt.Fprintln(&b, strings.TrimRight(string(c.Content), "\n"))
	heading(words.reasons)
	fmt.Fprintln(&b, words.reasonsOf[string(d.Reasons)])
	heading(words.provisions)
	for _, p := range d.Provisions {
		fmt.Fprintf(&b, "%s (%s)\n", p.Place, p.SFS)
	}
	row(words.appeal, words.appeals[string(d.Appeal)])
	heading(words.dissent)
	if len(c.Dissents) == 0 {
		fmt.Fprintln(&b, words.noDissent)
	}
	for i, dissent := range c.Dissents {
		fmt.Fprintf(&b, "%d. %s\n", i+1, strings.Join(dissent.Paragraphs, "\n   "))
	}
	for _, r := range c.Returns {
		row(words.returned, string(r.Date))
		fmt.Fprintf(&b, "   %s\n", strings.Join(r.Paragraphs, "\n   "))
	}
	heading(words.bias)
	fmt.Fprintln(&b, words.biasText)
	heading(words.assessment)
	for _, role := range []record.Role{record.RoleDecider, record.RolePresenter, record.RoleParticipant} {
		said := words.shown
		if d.Names.Of(role) == record.Omitted {
			said = words.omitted
		}
		row(words.roles[string(role)], said)
	}
	heading(words.preview)
	fmt.Fprintln(&b, preview(d, c.Order.Board))
	heading(words.digest)
	fmt.Fprintln(&b, inGroups(jws.Digest(c.Compact).String()))
	if c.SmallSet {
		fmt.Fprintf(&b, "\n%s\n", words.smallSet)
	}
	if c.Unfit != nil {
		what, do := a.local(c.Unfit)
		fmt.Fprintf(&b, "\n%s: %s. %s\n", words.unfit, what, do)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

var fours = regexp.MustCompile(`.{1,4}`)

// inGroups writes a digest so that two people can read it to each other.
func inGroups(s string) string { return strings.Join(fours.FindAllString(s, -1), " ") }

// preview is how the notice will say how the decision was made. The notice is
// Swedish, whatever the screen speaks.
func preview(d *statement.Draft, board string) string {
	var s []string
	switch d.Mode {
	case record.ExecutiveDecides:
		s = append(s, fmt.Sprintf("Beslutet har fattats av förvaltningsdirektören på delegation av %s, enligt punkt %s i delegationsordningen, efter föredragning.", board, d.Item))
	case record.DelegateDecides:
		s = append(s, fmt.Sprintf("Beslutet har fattats av en tjänsteman på delegation av %s, enligt punkt %s i delegationsordningen, och har kontrasignerats.", board, d.Item))
	default:
		s = append(s, fmt.Sprintf("Beslutet har fattats av %s, protokoll %s.", board, d.Protocol))
	}
	var omitted []string
	for _, r := range []struct {
		role record.Role
		name string
	}{{record.RoleDecider, "beslutsfattare"}, {record.RolePresenter, "föredragande"}, {record.RoleParticipant, "medverkande"}} {
		if d.Names.Of(r.role) == record.Omitted {
			omitted = append(omitted, r.name)
		}
	}
	if len(omitted) > 0 {
		s = append(s, fmt.Sprintf("Uppgift om %s har utelämnats med stöd av 33 § fjärde stycket förvaltningslagen.", strings.Join(omitted, ", ")))
	}
	s = append(s, "Uppgift om person enligt 31 § förvaltningslagen finns hos nämnden, i en särskild handling. "+
		"Du kan begära att få ta del av den och du kan göra gällande att någon är jävig. Ett avslag på en sådan begäran kan överklagas.")
	return strings.Join(s, " ")
}
