package statement

import (
	"errors"
	"fmt"

	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/order"
	"sigill/keys/record"
)

// The typs of approval and decision.
const (
	TypApproval = "sigill-approval+jws"
	TypDecision = "sigill-decision+jwt"
)

// ErrChain says that decision, approval and draft do not belong together.
var ErrChain = errors.New("decision, approval and draft contradict each other")

// A Checkpoint is a head of the log that whoever signs has seen: a statement
// that cites one shows that nothing was taken away before it.
type Checkpoint struct {
	Root ident.Digest `json:"root"`
	Size int64        `json:"size"`
}

func (c Checkpoint) check() error {
	if c.Size < 0 || c.Root.IsZero() {
		return jws.Field("checkpoint", jws.ErrValue)
	}
	return nil
}

// A SignerPart is the signer as the approval names them: by title, and by name
// only where the signer decides and the notice shows it. Declared is the
// signer's own bias declaration; one who cannot give it abstains.
type SignerPart struct {
	Declared string `json:"declared"`
	Name     string `json:"name,omitempty"`
	Title    string `json:"title"`
}

// DeclaredUnbiased is the one bias declaration with which anyone may sign.
const DeclaredUnbiased = "UNBIASED"

// An Approval is the signer's statement over a draft and its seal. It holds the
// draft whole.
type Approval struct {
	Authority  ident.Authority `json:"authority"`
	Checkpoint Checkpoint      `json:"checkpoint"`
	Core       ident.Digest    `json:"core"`
	Date       ident.Date      `json:"date"`
	Decision   ident.ID        `json:"decision"`
	Draft      string          `json:"draft"`
	Item       string          `json:"item"`
	Mode       record.Mode     `json:"mode"`
	Order      order.Version   `json:"order"`
	Record     ident.Digest    `json:"record"`
	Signer     SignerPart      `json:"signer"`
}

// Typ implements [jws.Statement].
func (*Approval) Typ() string { return TypApproval }

// Check implements [jws.Statement]. It verifies the draft inside as well.
func (a *Approval) Check() error {
	_, _, err := a.ReadDraft()
	return err
}

// ReadDraft verifies the draft inside against its own key, and that draft and
// approval say the same where both speak.
func (a *Approval) ReadDraft() (*Draft, *jws.PublicKey, error) {
	d := &Draft{}
	key, err := jws.ReadEmbedded(a.Draft, d)
	if err != nil {
		err = jws.Field("draft", err)
	}
	if err := a.check(d, err); err != nil {
		return nil, nil, err
	}
	return d, key, nil
}

// check holds an approval to its rules, and draft and approval to one another;
// unread is what was wrong with the draft.
func (a *Approval) check(d *Draft, unread error) error {
	for _, c := range []error{
		missing("authority", a.Authority == ""),
		missing("date", a.Date == ""),
		missing("core", a.Core.IsZero()),
		missing("record", a.Record.IsZero()),
		jws.Text("signer.title", a.Signer.Title, 1, 100),
		jws.Text("signer.name", a.Signer.Name, 0, 200),
		a.Checkpoint.check(),
	} {
		if c != nil {
			return c
		}
	}
	switch {
	case a.Signer.Declared != DeclaredUnbiased:
		return jws.Field("signer.declared", jws.ErrValue)
	case unread != nil:
		return unread
	case d.Authority != a.Authority || d.Decision != a.Decision || d.Item != a.Item || d.Mode != a.Mode || d.Order != a.Order:
		return jws.Field("draft", ErrChain)
	case (a.Signer.Name != "") != (a.Mode == record.ExecutiveDecides && d.Names.Decider == record.Shown):
		return jws.Field("signer.name", jws.ErrValue)
	}
	return nil
}

// ReadApproval verifies an approval by the signers' keys and the draft inside by
// its own, each once.
func ReadApproval(compact string, signers Keys) (a *Approval, d *Draft, signer, author *jws.PublicKey, err error) {
	a = &Approval{}
	if signer, _, err = jws.VerifyBy(compact, TypApproval, signers, a); err != nil {
		return nil, nil, nil, nil, err
	}
	if d, author, err = a.ReadDraft(); err != nil {
		return nil, nil, nil, nil, err
	}
	return a, d, signer, author, nil
}

// ReadApprovalAlone is [ReadApproval] for who has verified the drafts of its
// matter before and holds their digests: the approval is verified, the draft
// inside only read. It proves nothing until the draft's digest has been found
// among those.
func ReadApprovalAlone(compact string, signers Keys) (a *Approval, d *Draft, signer *jws.PublicKey, err error) {
	a, d = &Approval{}, &Draft{}
	if signer, _, err = jws.VerifyBy(compact, TypApproval, signers, a); err != nil {
		return nil, nil, nil, err
	}
	if err = jws.Peek(a.Draft, d); err == nil {
		err = d.Check()
	}
	if err != nil {
		err = jws.Field("draft", err)
	}
	if err = a.check(d, err); err != nil {
		return nil, nil, nil, err
	}
	return a, d, signer, nil
}

// A Decision is what the institution signs: the approval whole, with number and
// date. Its header carries the certificate and the true time.
type Decision struct {
	Amends    *Cite           `json:"amends,omitempty"`
	Approval  string          `json:"approval"`
	Author    ident.Digest    `json:"author"`
	Authority ident.Authority `json:"authority"`
	Core      ident.Digest    `json:"core"`
	Corrects  *Cite           `json:"corrects,omitempty"`
	Date      ident.Date      `json:"date"`
	Decision  ident.ID        `json:"decision"`
	Item      string          `json:"item"`
	Mode      record.Mode     `json:"mode"`
	Number    int64           `json:"number"`
	Order     order.Version   `json:"order"`
	Record    ident.Digest    `json:"record"`
	Year      int             `json:"year"`
}

// Typ implements [jws.Statement].
func (*Decision) Typ() string { return TypDecision }

// Check implements [jws.Statement]; [ReadDecision] checks the chain.
func (d *Decision) Check() error {
	for _, c := range []error{
		missing("authority", d.Authority == ""),
		missing("decision", d.Decision == ""),
		missing("date", d.Date == ""),
	} {
		if c != nil {
			return c
		}
	}
	if d.Number < 1 {
		return jws.Field("number", jws.ErrValue)
	}
	if d.Year != d.Date.Year() {
		return jws.Field("year", jws.ErrValue)
	}
	return nil
}

// FormatNumber prints a decision number: B-2026-004711.
func FormatNumber(year int, number int64) string { return fmt.Sprintf("B-%04d-%06d", year, number) }

// A Chain is a decision with what it holds, each verified.
type Chain struct {
	Decision  Decision
	Approval  Approval
	Draft     Draft
	Header    jws.Header     // of the decision
	SignerKey *jws.PublicKey // that made the approval
	AuthorKey *jws.PublicKey // that made the draft
}

// DraftDigest is the digest of the draft statement.
func (c *Chain) DraftDigest() ident.Digest { return jws.Digest(c.Approval.Draft) }

// Keys finds verifying keys by thumbprint.
type Keys func(kid ident.Digest) (*jws.PublicKey, error)

// ReadDecision verifies a decision by the institution's keys, the approval in it
// by the signers', the draft in that by its own, and that mode, item, order,
// date, commitments and lineage are the same in all. Whether the signer may sign
// is the delegation order's to say (keys/bundle).
func ReadDecision(compact string, institution, signers Keys) (*Chain, error) {
	c := &Chain{}
	var err error
	if _, c.Header, err = jws.ReadBy(compact, institution, &c.Decision); err != nil {
		return nil, err
	}
	a, d, signer, author, err := ReadApproval(c.Decision.Approval, signers)
	if err != nil {
		return nil, err
	}
	c.Approval, c.Draft, c.SignerKey, c.AuthorKey = *a, *d, signer, author
	if err := c.agree(); err != nil {
		return nil, err
	}
	return c, nil
}

func (c *Chain) agree() error {
	d, a, f := &c.Decision, &c.Approval, &c.Draft
	if d.Authority != a.Authority || d.Decision != a.Decision || d.Core != a.Core || d.Date != a.Date ||
		d.Item != a.Item || d.Mode != a.Mode || d.Order != a.Order || d.Record != a.Record || d.Author != f.Author ||
		!sameCite(d.Amends, f.Amends) || !sameCite(d.Corrects, f.Corrects) {
		return ErrChain
	}
	if c.SignerKey.Equal(c.AuthorKey) { // an author key says nothing of who holds it, a signer's does
		return ErrChain
	}
	if c.Header.Iat == 0 || c.Header.X5t == nil {
		return jws.Field("header", jws.ErrMissing)
	}
	return nil
}

func sameCite(a, b *Cite) bool { return (a == nil) == (b == nil) && (a == nil || *a == *b) }
