package disclosure

import (
	"fmt"
	"strconv"
	"strings"

	"sigill/keys/ident"
	"sigill/keys/record"
)

// Languages of [Protocol.Text].
const (
	Swedish = "sv"
	English = "en"
)

// Text is the protocol for the court's file, in plain text: Swedish unless the
// language is English. Every line ends in a line feed; no value holds a control
// character, since none of the formats lets one through.
func (p *Protocol) Text(language string) string {
	w := &writer{words: sv}
	if language == English {
		w.words = en
	}
	w.title(w.words.title)
	w.row(w.words.authority, p.AuthorityName+" ("+string(p.Authority)+")")
	w.row(w.words.requester, p.Requester.Name+", "+p.Requester.Address)
	w.row(w.words.reference, p.Reference)
	w.row(w.words.ground, string(p.Ground)+" ("+p.GroundLaw+")")
	w.row(w.words.outcome, w.words.outcomes[string(p.Outcome)])
	p.decision(w)
	p.scope(w)
	p.record(w)
	p.authorship(w)
	p.warnings(w)
	p.votes(w)
	p.log(w)
	if p.names() {
		w.heading(w.words.noteHeading)
		w.line(w.words.note)
	}
	return w.String()
}

// names reports whether the protocol names anyone.
func (p *Protocol) names() bool {
	return p.Evidence.Disclosed || p.Sections.DissentAuthor != nil || len(p.Sections.persons()) > 0
}

type writer struct {
	strings.Builder
	*words
}

func (w *writer) title(s string) { fmt.Fprintf(w, "%s\n%s\n", s, strings.Repeat("=", len([]rune(s)))) }

func (w *writer) heading(s string) {
	fmt.Fprintf(w, "\n%s\n%s\n", s, strings.Repeat("-", len([]rune(s))))
}

func (w *writer) line(s string) { fmt.Fprintf(w, "%s\n", s) }

func (w *writer) row(label, value string) {
	if value != "" {
		fmt.Fprintf(w, "%s: %s\n", label, value)
	}
}

func (p *Protocol) decision(w *writer) {
	d := &p.Decision
	w.heading(w.words.decision)
	w.row(w.words.number, d.Number)
	w.row(w.words.date, string(d.Date))
	w.row(w.words.caseRef, d.Case)
	w.row(w.words.matter, d.Title)
	w.row(w.words.mode, w.words.modes[string(d.Mode)])
	w.row(w.words.item, fmt.Sprintf(w.words.itemOf, d.Item, d.Order.Version))
	w.row(w.words.protocol, d.Protocol)
	signer := d.Signer.Title
	if d.Signer.Name != "" {
		signer = d.Signer.Name + ", " + signer
	}
	w.row(w.words.signers[string(d.Mode)], signer+" ("+w.words.unbiased+")")
	w.row(w.words.content, d.Content.String())
	for i, dissent := range p.Dissents {
		w.heading(w.words.dissent + " " + strconv.Itoa(i+1))
		for _, para := range dissent.Paragraphs {
			w.line(para)
		}
	}
}

func (w *writer) sections(list []record.Section) string {
	names := make([]string, len(list))
	for i, s := range list {
		names[i] = w.words.sectionNames[s-1]
	}
	return strings.Join(names, "; ")
}

func (p *Protocol) scope(w *writer) {
	w.heading(w.words.scope)
	w.row(w.words.asked, w.sections(p.Asked))
	w.row(w.words.granted, w.sections(p.Granted))
	for _, r := range p.Refused {
		reason := w.words.noProvision
		if r.Provision != "" {
			reason = r.Provision
		}
		w.row(w.words.refused, w.words.sectionNames[r.Section-1]+" ("+reason+")")
	}
	for _, v := range p.Votes {
		if v.Reservation != "" {
			w.row(w.words.reservation, v.Reservation)
		}
	}
}

func (w *writer) person(p record.Person) string {
	parts := []string{p.Name, p.Title}
	for _, s := range []string{p.Unit, p.UserID, p.HSAID} {
		if s != "" {
			parts = append(parts, s)
		}
	}
	s := strings.Join(parts, ", ")
	if p.Stated {
		s += " (" + w.words.stated + ")"
	}
	if p.Author {
		s += " (" + w.words.author + ")"
	}
	return s
}

// record is the granted part of the 31 § document.
func (p *Protocol) record(w *writer) {
	s := &p.Sections
	w.heading(w.words.recordHeading)
	if d := s.Decider; d != nil {
		who := w.words.deciders[string(d.Kind)]
		switch {
		case d.Person != nil:
			who = w.person(*d.Person)
		case d.Board != "":
			who = d.Board + ", " + d.Protocol
		}
		w.row(w.words.sectionNames[0], who)
	}
	if d := s.Presenter; d != nil {
		who := w.words.nobody
		if d.Person != nil {
			who = w.person(*d.Person)
		}
		w.row(w.words.sectionNames[1], who)
	}
	if d := s.Participants; d != nil {
		if len(d.Persons) == 0 {
			w.row(w.words.sectionNames[2], w.words.nobody)
		}
		for i, person := range d.Persons {
			w.row(fmt.Sprintf("%s %d", w.words.sectionNames[2], i+1), w.person(person))
		}
	}
	if d := s.DissentAuthor; d != nil {
		w.row(w.words.sectionNames[3], w.person(d.Person))
	}
	if d := s.BiasDeclaration; d != nil {
		for _, b := range d.Declarations {
			text := w.words.unbiased
			if b.Stated {
				text += " (" + w.words.stated + ")"
			}
			w.row(fmt.Sprintf("%s, %s %d", w.words.sectionNames[4], w.words.roles[string(b.Role)], b.Ordinal), text)
		}
	}
	if d := s.Assessment; d != nil {
		for _, a := range d.Omitted {
			w.row(fmt.Sprintf("%s, %s %d", w.words.sectionNames[5], w.words.roles[string(a.Role)], a.Ordinal),
				fmt.Sprintf(w.words.assessment, w.words.fears[string(a.Ground)], a.Assessor, a.Date, a.Review, a.Reference))
		}
	}
}

func (p *Protocol) authorship(w *writer) {
	w.heading(w.words.sectionNames[6])
	e := &p.Evidence
	if !e.Disclosed {
		w.line(w.words.notDisclosed)
		return
	}
	w.row(w.words.login, strings.Join(nonEmpty(e.Name, e.UserID, e.HSAID), ", "))
	w.row(w.words.account, e.Subject+" ("+e.Issuer+")")
	w.row(w.words.provider, e.Provider)
	w.row(w.words.level, e.ACR)
	w.row(w.words.received, string(e.Received))
	w.line(w.words.labels[e.Label])
}

func nonEmpty(list ...string) (out []string) {
	for _, s := range list {
		if s != "" {
			out = append(out, s)
		}
	}
	return out
}

// warnings are what the court has to weigh.
func (p *Protocol) warnings(w *writer) {
	if len(p.Contradictions) > 0 {
		w.heading(w.words.contradictions)
		for _, c := range p.Contradictions {
			text := w.words.codes[string(c.Code)]
			if c.Member != "" {
				text += " (" + c.Member + ")"
			}
			w.row(w.words.sectionNames[c.Section-1], text)
		}
	}
	if len(p.BadShares) > 0 {
		w.heading(w.words.badShares)
		for _, b := range p.BadShares {
			w.line(fmt.Sprintf(w.words.badShare, b.Title, b.Group, b.Index))
		}
	}
}

func (p *Protocol) votes(w *writer) {
	w.heading(w.words.review)
	for _, v := range p.Votes {
		said := w.words.refusedAll
		if len(v.Granted) > 0 {
			said = w.words.granted + ": " + w.sections(v.Granted)
		}
		w.line(fmt.Sprintf("%s, %s %d: %s", v.GroupName, v.Title, v.Index, said))
		if r := v.Refusal; r != nil {
			w.line("  " + w.words.bases[string(r.Basis)] + ", " + r.Provision)
			for _, para := range r.Paragraphs {
				w.line("  " + para)
			}
		}
	}
}

func (p *Protocol) log(w *writer) {
	w.heading(w.words.verified)
	w.line(w.words.checked)
	row := func(label string, date ident.Date, index int64, d ident.Digest) {
		w.row(label, fmt.Sprintf(w.words.logged, date, index, d))
	}
	row(w.words.decision, p.Decision.Date, p.Decision.Index, p.Decision.Statement)
	row(w.words.request, p.Request.Date, p.Request.Index, p.Request.Statement)
	row(w.words.release, p.Release.Date, p.Release.Index, p.Release.Statement)
	witnessed := w.words.unwitnessed
	if p.Checkpoint.Witnessed {
		witnessed = w.words.witnessed
	}
	w.row(w.words.checkpoint, fmt.Sprintf("%d, %s, %s", p.Checkpoint.Size, p.Checkpoint.Root, witnessed))
	w.row(w.words.opening, string(p.Opening))
	w.row(w.words.told, string(p.NoticeDue))
}
