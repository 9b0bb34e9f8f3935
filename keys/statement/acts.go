package statement

import (
	"sigill/keys/ident"
	"sigill/keys/jws"
)

// The typs of the other acts.
const (
	TypAuthorship = "sigill-authorship+jws"
	TypDissent    = "sigill-dissent+jws"
	TypWithdrawal = "sigill-withdrawal+jws"
	TypReturn     = "sigill-return+jws"
	TypAbstention = "sigill-abstention+jws"
	TypDispatch   = "sigill-dispatch+jws"
	TypReceipt    = "sigill-receipt+jws"
)

// Authorship is the day key's word that its holder made a draft. It lies inside
// the seal and nowhere else: the day key is bound to the author's token.
type Authorship struct {
	AuthorKey ident.Digest    `json:"author_key"`
	Authority ident.Authority `json:"authority"`
	Draft     ident.Digest    `json:"draft"`
}

// Typ implements [jws.Statement].
func (*Authorship) Typ() string { return TypAuthorship }

// Check implements [jws.Statement].
func (a *Authorship) Check() error {
	if err := missing("authority", a.Authority == ""); err != nil {
		return err
	}
	if err := missing("author_key", a.AuthorKey.IsZero()); err != nil {
		return err
	}
	return missing("draft", a.Draft.IsZero())
}

// Dissent is the author's own view (30 § FL), in paragraphs.
type Dissent struct {
	Authority  ident.Authority `json:"authority"`
	Decision   ident.ID        `json:"decision"`
	Draft      ident.Digest    `json:"draft"`
	Paragraphs []string        `json:"paragraphs"`
}

// Typ implements [jws.Statement].
func (*Dissent) Typ() string { return TypDissent }

// Check implements [jws.Statement].
func (d *Dissent) Check() error {
	if err := about(d.Authority, d.Decision, "draft", d.Draft); err != nil {
		return err
	}
	return paragraphs("paragraphs", d.Paragraphs)
}

// Withdrawal ends the author's own draft.
type Withdrawal struct {
	Authority ident.Authority `json:"authority"`
	Decision  ident.ID        `json:"decision"`
	Draft     ident.Digest    `json:"draft"`
}

// Typ implements [jws.Statement].
func (*Withdrawal) Typ() string { return TypWithdrawal }

// Check implements [jws.Statement].
func (w *Withdrawal) Check() error { return about(w.Authority, w.Decision, "draft", w.Draft) }

// Return sends a draft back with the signer's reason, which is for its two
// readers: it is no part of the bundle and goes when the decision is signed.
type Return struct {
	Authority  ident.Authority `json:"authority"`
	Date       ident.Date      `json:"date"`
	Decision   ident.ID        `json:"decision"`
	Draft      ident.Digest    `json:"draft"`
	Paragraphs []string        `json:"paragraphs"`
}

// Typ implements [jws.Statement].
func (*Return) Typ() string { return TypReturn }

// Check implements [jws.Statement].
func (r *Return) Check() error {
	if err := about(r.Authority, r.Decision, "draft", r.Draft); err != nil {
		return err
	}
	if err := missing("date", r.Date == ""); err != nil {
		return err
	}
	return paragraphs("paragraphs", r.Paragraphs)
}

// Abstention takes a signer out of a matter for bias (16–18 §§ FL). Why is not
// said here.
type Abstention struct {
	Authority ident.Authority `json:"authority"`
	Date      ident.Date      `json:"date"`
	Decision  ident.ID        `json:"decision"`
	Draft     ident.Digest    `json:"draft"`
}

// Typ implements [jws.Statement].
func (*Abstention) Typ() string { return TypAbstention }

// Check implements [jws.Statement].
func (a *Abstention) Check() error {
	if err := missing("date", a.Date == ""); err != nil {
		return err
	}
	return about(a.Authority, a.Decision, "draft", a.Draft)
}

// Dispatch says that the notice went out. It cites the decision and the digest
// of every dissent, sorted, so that none can be dropped.
type Dispatch struct {
	Authority  ident.Authority `json:"authority"`
	Checkpoint Checkpoint      `json:"checkpoint"`
	Date       ident.Date      `json:"date"`
	Decision   ident.ID        `json:"decision"`
	Dissents   []ident.Digest  `json:"dissents"`
	Statement  ident.Digest    `json:"statement"`
}

// Typ implements [jws.Statement].
func (*Dispatch) Typ() string { return TypDispatch }

// Check implements [jws.Statement].
func (d *Dispatch) Check() error {
	if err := missing("date", d.Date == ""); err != nil {
		return err
	}
	if err := d.Checkpoint.check(); err != nil {
		return err
	}
	if err := jws.Digests("dissents", d.Dissents, MaxDissents); err != nil {
		return err
	}
	return about(d.Authority, d.Decision, "statement", d.Statement)
}

// MaxDissents is how many dissents a decision can have.
const MaxDissents = 20

// MaxOwed is how many days an act may wait for its place in the log.
const MaxOwed = 7

// Receipt is the log's promise to an author: the act whose statement it names
// was received on one day and will stand in the log by another, under an entry
// with the digest that it gives.
type Receipt struct {
	Authority ident.Authority `json:"authority"`
	Decision  ident.ID        `json:"decision"`
	Due       ident.Date      `json:"due"`
	Entry     ident.Digest    `json:"entry"`
	Received  ident.Date      `json:"received"`
	Statement ident.Digest    `json:"statement"`
}

// Typ implements [jws.Statement].
func (*Receipt) Typ() string { return TypReceipt }

// Check implements [jws.Statement].
func (r *Receipt) Check() error {
	if err := missing("received", r.Received == ""); err != nil {
		return err
	}
	if r.Due.Before(r.Received) || r.Received.AddDays(MaxOwed).Before(r.Due) {
		return jws.Field("due", jws.ErrValue)
	}
	if err := missing("entry", r.Entry.IsZero()); err != nil {
		return err
	}
	return about(r.Authority, r.Decision, "statement", r.Statement)
}

func about(a ident.Authority, id ident.ID, field string, d ident.Digest) error {
	if err := missing("authority", a == ""); err != nil {
		return err
	}
	if err := missing("decision", id == ""); err != nil {
		return err
	}
	return missing(field, d.IsZero())
}

// paragraphs bounds a longer text: at most 100 paragraphs, 8 KiB in all.
func paragraphs(field string, list []string) error {
	if len(list) < 1 || len(list) > 100 {
		return jws.Field(field, jws.ErrCount)
	}
	total := 0
	for _, p := range list {
		if err := jws.Text(field, p, 1, 8<<10); err != nil {
			return err
		}
		total += len(p)
	}
	if total > 8<<10 {
		return jws.Field(field, jws.ErrLength)
	}
	return nil
}
