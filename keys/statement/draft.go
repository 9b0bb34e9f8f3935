package statement

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/order"
	"sigill/keys/record"
)

// TypDraft is the typ of a draft.
const TypDraft = "sigill-draft+jws"

// Media types of content.
const (
	MediaPlain    = "text/plain"
	MediaMarkdown = "text/markdown"
)

// MaxContent is the longest content in bytes.
const MaxContent = 1 << 20

// MaxEarlier is how many earlier drafts of a case reference a draft can cite.
const MaxEarlier = 100

// An Appeal says how the decision can be appealed (33 § FL, KL 13).
type Appeal string

// The ways of appeal.
const (
	AppealAdministrative Appeal = "FORVALTNINGSBESVAR"  // to förvaltningsrätten, within three weeks of receipt
	AppealLegality       Appeal = "LAGLIGHETSPROVNING"  // KL 13, within three weeks of the notice
	AppealNone           Appeal = "FAR_INTE_OVERKLAGAS" // cannot be appealed
)

// Reasons says whether the decision states its reasons (32 § FL).
type Reasons string

// The cases of 32 § FL.
const (
	ReasonsStated      Reasons = "STATED"
	ReasonsUnnecessary Reasons = "OBVIOUSLY_UNNECESSARY"
	ReasonsUrgent      Reasons = "URGENT"
)

// A Provision is a place in a statute (lagrum): the statute by its number in
// Svensk författningssamling, and the place in it.
type Provision struct {
	Place string `json:"place"`
	SFS   string `json:"sfs"`
}

// The two Social Services Acts and the day on which one gave way to the other.
const (
	SoL2001 = "2001:453"
	SoL2025 = "2025:400"
	solTurn = ident.Date("2025-07-01")
)

var sfsForm = regexp.MustCompile(`^[12][0-9]{3}:[0-9]{1,4}$`)

// InForce refuses the Social Services Act that is not in force on the date.
func (p Provision) InForce(on ident.Date) error {
	if p.SFS == SoL2001 && !on.Before(solTurn) || p.SFS == SoL2025 && on.Before(solTurn) {
		return jws.Field("sfs", ErrProvision)
	}
	return nil
}

// Lawful refuses provisions that are not right for a day: that of the decision, or
// if the draft corrects another, that of the decision which was corrected first.
func (d *Draft) Lawful(on ident.Date) error {
	for _, p := range d.Provisions {
		if err := p.InForce(on); err != nil {
			return err
		}
	}
	return nil
}

// LawfulAlone is what can be said on the day of a decision without the one that it
// corrects: a correction's provisions are right for one day, its own or an earlier.
func (d *Draft) LawfulAlone(on ident.Date) error {
	err := d.Lawful(on)
	if err != nil && d.Corrects != nil {
		err = d.Lawful(solTurn.AddDays(-1))
	}
	return err
}

// Errors of drafts.
var (
	ErrProvision = errors.New("names a Social Services Act that is not in force on the date of the decision")
	ErrReference = errors.New("is not a case reference in its normal form: capitals, digits and visible ASCII characters without spaces")
)

// A Content is what the author signs of the text: its digest, type and length.
type Content struct {
	Digest ident.Digest `json:"digest"`
	Media  string       `json:"media"`
	Size   int          `json:"size"`
}

// A Cite names another signed decision.
type Cite struct {
	Decision  ident.ID     `json:"decision"`
	Statement ident.Digest `json:"statement"`
}

// A Draft is the author's statement: everything about the decision but its
// number, its date and who its author is. Commitments are those of the six
// stated sections, in order.
type Draft struct {
	Amends      *Cite           `json:"amends,omitempty"`
	Appeal      Appeal          `json:"appeal"`
	Author      ident.Digest    `json:"author"`
	Authority   ident.Authority `json:"authority"`
	Case        string          `json:"case"`
	Commitments []ident.Digest  `json:"commitments"`
	Contact     string          `json:"contact"`
	Content     Content         `json:"content"`
	Corrects    *Cite           `json:"corrects,omitempty"`
	Decision    ident.ID        `json:"decision"`
	Earlier     []ident.Digest  `json:"earlier,omitempty"`
	Item        string          `json:"item"`
	Mode        record.Mode     `json:"mode"`
	Names       record.Names    `json:"names"`
	Order       order.Version   `json:"order"`
	Previous    ident.Digest    `json:"previous,omitzero"`
	Protocol    string          `json:"protocol,omitempty"`
	Provisions  []Provision     `json:"provisions"`
	Reasons     Reasons         `json:"reasons"`
	Revision    int             `json:"revision"`
	Set         order.Epoch     `json:"set"`
	Title       string          `json:"title"`
	Type        string          `json:"type"`
	Urgent      bool            `json:"urgent,omitempty"`
}

// Typ implements [jws.Statement].
func (*Draft) Typ() string { return TypDraft }

// Check implements [jws.Statement].
func (d *Draft) Check() error {
	for _, c := range []error{
		missing("authority", d.Authority == ""),
		missing("decision", d.Decision == ""),
		missing("author", d.Author.IsZero()),
		missing("order", d.Order.Version < 1 || d.Order.Digest.IsZero()),
		missing("set", d.Set.Epoch < 1 || d.Set.Epoch > order.MaxEpoch || d.Set.Digest.IsZero()),
		jws.Field("names", d.Names.Check()),
		jws.Text("title", d.Title, 1, 200),
		jws.Text("type", d.Type, 1, 64),
		jws.Text("item", d.Item, 1, 32),
		jws.Text("contact", d.Contact, 1, 300),
		jws.Text("protocol", d.Protocol, 0, 100),
		d.checkCase(),
		d.checkLineage(),
		d.checkContent(),
		d.checkLaw(),
	} {
		if c != nil {
			return c
		}
	}
	return nil
}

func missing(field string, is bool) error {
	if is {
		return jws.Field(field, jws.ErrMissing)
	}
	return nil
}

func (d *Draft) checkCase() error {
	if err := jws.Text("case", d.Case, 1, 64); err != nil {
		return err
	}
	if NormalCase(d.Case) != d.Case || strings.ContainsFunc(d.Case, unlikeCase) || !norm.NFKC.IsNormalString(d.Case) {
		return jws.Field("case", ErrReference)
	}
	return nil
}

// unlikeCase: what is no visible ASCII and no European Latin letter. An invisible
// or look-alike character would make another reference of what reads the same,
// and a fresh draft could bury a refused one.
func unlikeCase(r rune) bool {
	return (r <= ' ' || r > '~') && (r < 0xc0 || r > 0x17f || !unicode.IsLetter(r))
}

// NormalCase is a case reference's normal form: NFC, upper case, no spaces.
func NormalCase(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return -1
		}
		return unicode.ToUpper(r)
	}, norm.NFC.String(s))
	return norm.NFC.String(s)
}

func (d *Draft) checkLineage() error {
	if d.Revision < 1 || d.Revision > 1000 || (d.Revision == 1) != d.Previous.IsZero() {
		return jws.Field("revision", jws.ErrValue)
	}
	if err := jws.Digests("earlier", d.Earlier, MaxEarlier); err != nil {
		return err
	}
	if d.Amends != nil && d.Corrects != nil {
		return jws.Field("corrects", jws.ErrValue)
	}
	for field, c := range map[string]*Cite{"amends": d.Amends, "corrects": d.Corrects} { // one at most
		if c != nil && (c.Decision == "" || c.Decision == d.Decision || c.Statement.IsZero()) {
			return jws.Field(field, jws.ErrValue)
		}
	}
	return nil
}

// SortEarlier puts digests into the order in which a draft lists them.
func SortEarlier(list []ident.Digest) { slices.SortFunc(list, ident.Digest.Compare) }

func (d *Draft) checkContent() error {
	c := d.Content
	if c.Media != MediaPlain && c.Media != MediaMarkdown {
		return jws.Field("content.media", jws.ErrValue)
	}
	if c.Size < 1 || c.Size > MaxContent {
		return jws.Field("content.size", jws.ErrLength)
	}
	if c.Digest.IsZero() {
		return jws.Field("content.digest", jws.ErrMissing)
	}
	if len(d.Commitments) != record.Stated {
		return jws.Field("commitments", jws.ErrCount)
	}
	for _, commitment := range d.Commitments {
		if commitment.IsZero() {
			return jws.Field("commitments", jws.ErrMissing)
		}
	}
	return nil
}

func (d *Draft) checkLaw() error {
	if !d.Mode.Valid() {
		return jws.Field("mode", record.ErrMode)
	}
	if (d.Mode == record.BoardDecides) != (d.Protocol != "") {
		return jws.Field("protocol", jws.ErrValue)
	}
	if d.Appeal != AppealAdministrative && d.Appeal != AppealLegality && d.Appeal != AppealNone {
		return jws.Field("appeal", jws.ErrValue)
	}
	if d.Reasons != ReasonsStated && d.Reasons != ReasonsUnnecessary && d.Reasons != ReasonsUrgent {
		return jws.Field("reasons", jws.ErrValue)
	}
	if len(d.Provisions) < 1 || len(d.Provisions) > 20 {
		return jws.Field("provisions", jws.ErrCount)
	}
	for _, p := range d.Provisions {
		if !sfsForm.MatchString(p.SFS) {
			return jws.Field("provisions.sfs", jws.ErrValue)
		}
		if err := jws.Text("provisions.place", p.Place, 1, 80); err != nil {
			return err
		}
	}
	return nil
}

// A FreeText is a member in which a name could be written.
type FreeText struct{ Field, Text string }

// FreeTexts are the draft's free texts, for the guard.
func (d *Draft) FreeTexts() []FreeText {
	out := []FreeText{{"title", d.Title}, {"contact", d.Contact}, {"case", d.Case}, {"type", d.Type}, {"item", d.Item}, {"protocol", d.Protocol}}
	for i, p := range d.Provisions {
		out = append(out, FreeText{fmt.Sprintf("provisions[%d].place", i), p.Place})
	}
	return out
}

// Fits checks content against what the author signed of it.
func (c Content) Fits(content []byte) error {
	if len(content) != c.Size || ident.Sum(content) != c.Digest {
		return ErrContent
	}
	return nil
}

// ErrContent says that a text is not the one that was signed.
var ErrContent = errors.New("the content is not the one that its author signed")
