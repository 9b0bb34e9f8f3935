package disclosure

import (
	"slices"

	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/opening"
	"sigill/keys/order"
	"sigill/keys/record"
	"sigill/keys/statement"
)

// TypProtocol is the typ member of an opening protocol.
const TypProtocol = "sigill-opening-protocol"

// A Protocol says what was opened, on whose word, and what was checked. It holds
// what was granted and nothing else of the record. It is a report and not signed:
// whoever doubts it opens the package again.
type Protocol struct {
	Asked          []record.Section `json:"asked"`
	Authority      ident.Authority  `json:"authority"`
	AuthorityName  string           `json:"authority_name"`
	BadShares      []BadShare       `json:"bad_shares"`
	Checkpoint     Checkpoint       `json:"checkpoint"`
	Contradictions []Contradiction  `json:"contradictions"`
	Decision       Decision         `json:"decision"`
	Dissents       []Dissent        `json:"dissents"`
	Evidence       Evidence         `json:"evidence"`
	Granted        []record.Section `json:"granted"`
	Ground         order.Ground     `json:"ground"`
	GroundLaw      string           `json:"ground_law"`
	NoticeDue      ident.Date       `json:"notice_due"` // when the author is told at the latest
	Opening        ident.ID         `json:"opening"`
	Outcome        opening.Outcome  `json:"outcome"`
	Reference      string           `json:"reference"`
	Refused        []opening.Denied `json:"refused"`
	Release        Logged           `json:"release"`
	Request        Logged           `json:"request"`
	Requester      Requester        `json:"requester"`
	Sections       Sections         `json:"sections"`
	Typ            string           `json:"typ"`
	Votes          []Vote           `json:"votes"`
}

// A BadShare is a reviewer whose release vector was not usable, by title; Section
// is the first section whose share was wrong, empty if none could be read.
type BadShare struct {
	Group   int    `json:"group"`
	Index   int    `json:"index"`
	Section string `json:"section,omitempty"`
	Title   string `json:"title"`
}

// A Checkpoint is the head of the log that proves everything in the package.
// Witnessed says whether outsiders have signed it as well.
type Checkpoint struct {
	Root      ident.Digest `json:"root"`
	Size      int64        `json:"size"`
	Witnessed bool         `json:"witnessed"`
}

// A Decision is the decision that the record belongs to, with the signer's part
// of the 31 § document, which stands in the approval and is not sealed.
type Decision struct {
	AuthorKey ident.Digest         `json:"author_key"`
	Case      string               `json:"case"`
	Content   ident.Digest         `json:"content"`
	Core      ident.Digest         `json:"core"`
	Date      ident.Date           `json:"date"`
	Decision  ident.ID             `json:"decision"`
	Draft     ident.Digest         `json:"draft"`
	Index     int64                `json:"index"` // in the log
	Item      string               `json:"item"`
	Mode      record.Mode          `json:"mode"`
	Names     record.Names         `json:"names"`
	Number    string               `json:"number"`
	Order     order.Version        `json:"order"`
	Protocol  string               `json:"protocol,omitempty"`
	Record    ident.Digest         `json:"record"`
	Signer    statement.SignerPart `json:"signer"`
	Statement ident.Digest         `json:"statement"`
	Title     string               `json:"title"`
	Type      string               `json:"type"`
}

// A Dissent is the author's own view, verified by the author key.
type Dissent struct {
	Digest     ident.Digest `json:"digest"`
	Paragraphs []string     `json:"paragraphs"`
}

// Evidence is what the login proves. Where the section was not granted, Disclosed
// is false and the rest is empty: nothing is known of authorship.
type Evidence struct {
	ACR       string     `json:"acr,omitempty"`
	AuthTime  int64      `json:"auth_time,omitempty"` // seconds since 1970
	Disclosed bool       `json:"disclosed"`
	HSAID     string     `json:"hsa_id,omitempty"`
	Issuer    string     `json:"issuer,omitempty"`
	Label     string     `json:"label,omitempty"` // record.LabelDPoP or record.LabelBearer
	Name      string     `json:"name,omitempty"`
	Provider  string     `json:"provider,omitempty"`
	Received  ident.Date `json:"received,omitempty"`
	Subject   string     `json:"subject,omitempty"`
	UserID    string     `json:"user_id,omitempty"`
}

// Logged is a statement that stands in the log.
type Logged struct {
	Date      ident.Date   `json:"date"`
	Index     int64        `json:"index"`
	Statement ident.Digest `json:"statement"`
}

// A Requester is who asked, as the board registered it.
type Requester struct {
	Address   string   `json:"address"`
	Name      string   `json:"name"`
	Requester ident.ID `json:"requester"`
}

// Sections are the opened parts of the record.
type Sections struct {
	Assessment      *record.Assessment      `json:"ASSESSMENT,omitempty"`
	BiasDeclaration *record.BiasDeclaration `json:"BIAS_DECLARATION,omitempty"`
	Decider         *record.Decider         `json:"DECIDER,omitempty"`
	DissentAuthor   *record.DissentAuthor   `json:"DISSENT_AUTHOR,omitempty"`
	Evidence        *record.Evidence        `json:"EVIDENCE,omitempty"`
	Participants    *record.Participants    `json:"PARTICIPANTS,omitempty"`
	Presenter       *record.Presenter       `json:"PRESENTER,omitempty"`
}

// A Vote is one reviewer's word, by function and place, never by name.
type Vote struct {
	Granted     []record.Section `json:"granted"`
	Group       int              `json:"group"`
	GroupName   string           `json:"group_name"`
	Index       int              `json:"index"`
	Refusal     *opening.Refusal `json:"refusal,omitempty"`
	Reservation string           `json:"reservation,omitempty"`
	Title       string           `json:"title"`
}

// Marshal is the protocol's one form: RFC 8785 JSON.
func (p *Protocol) Marshal() ([]byte, error) { return jws.Canonical(p) }

// protocol reports on a package that has passed every check.
func (o *opener) protocol() *Protocol {
	v, r := o.verdict, &o.request
	d, draft := &v.Decision, &v.Draft
	p := &Protocol{
		Asked: r.Sections, Authority: o.trust.Authority, AuthorityName: o.trust.Name,
		BadShares:      append([]BadShare{}, o.bad...),
		Checkpoint:     Checkpoint{v.Checkpoint.Root, int64(v.Checkpoint.Size), v.Witnessed},
		Contradictions: o.contradictions(),
		Decision: Decision{AuthorKey: v.AuthorKey.Thumbprint(), Case: draft.Case, Content: draft.Content.Digest, Core: d.Core, Date: d.Date,
			Decision: d.Decision, Draft: v.DraftDigest(), Index: int64(v.Index), Item: d.Item, Mode: d.Mode, Names: draft.Names,
			Number: v.Number(), Order: d.Order, Protocol: draft.Protocol, Record: d.Record, Signer: v.Approval.Signer,
			Statement: v.Digest, Title: draft.Title, Type: draft.Type},
		Dissents: []Dissent{}, Evidence: o.evidence, Granted: o.release.Granted, Ground: r.Ground, GroundLaw: r.Ground.Law(),
		NoticeDue: o.due, Opening: r.Opening, Outcome: o.release.Outcome, Reference: r.Reference, Refused: o.release.Refused,
		Release:   Logged{o.release.Date, int64(o.released), jws.Digest(o.Release)},
		Request:   Logged{r.Date, int64(o.requested), o.digest},
		Requester: Requester{o.requester.Address, o.requester.Name, o.requester.Requester},
		Sections:  o.sections, Typ: TypProtocol,
	}
	for i, dissent := range o.dissents {
		p.Dissents = append(p.Dissents, Dissent{jws.Digest(o.Dissents[i]), slices.Clone(dissent.Paragraphs)})
	}
	for _, b := range o.ballots {
		m, _ := o.set.Member(b.Group, b.Index) // its vote has been read by its key
		p.Votes = append(p.Votes, Vote{Granted: b.Granted, Group: b.Group, GroupName: o.set.Groups[b.Group-1].Name, Index: b.Index,
			Refusal: b.Refusal, Reservation: b.Reservation, Title: m.Title})
	}
	return p
}
