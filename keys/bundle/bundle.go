// Package bundle is what anyone who holds a decision needs: the [Bundle], which
// travels with it, the [Trust] file, which says whom to believe, and [Verify],
// which checks the one against the other, offline and in one call.
//
// Verify follows every arrow: the institutional certificate is one that the
// trust file lists and was valid at signing; decision, approval and draft are
// signed and agree; the board signed the delegation order that they cite, and it
// lets this key sign this type under this item in this mode on that day; the
// content is the one that the author signed; and the decision stands in the
// authority's log under its number. Bytes are in proto/SPEC.md, "Bundle" and
// "Trust file"; TestByteFlip shows that no changed byte of a bundle passes,
// TestTrustByteFlip that none of a trust file, which nobody signs, goes unread.
package bundle

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/order"
	"sigill/keys/proof"
	"sigill/keys/seal"
	"sigill/keys/statement"
)

// MaxSize is the longest bundle that is read, in bytes.
const MaxSize = 8 << 20

// Errors of verification. What they wrap says which check failed.
var (
	ErrBundle      = errors.New("not a bundle")
	ErrTrust       = errors.New("not a trust file")
	ErrSuccession  = errors.New("this trust file does not follow the one that is trusted")
	ErrAuthority   = errors.New("the decision is another authority's")
	ErrCertificate = errors.New("not signed under a certificate that the trust file lists for that time")
	ErrOrder       = errors.New("the delegation order is not the one that the decision cites")
	ErrTitle       = errors.New("the approval gives the signer a title that the delegation order does not")
	ErrDate        = errors.New("the decision's date is not the day on which it was signed")
	ErrEntry       = errors.New("the log entry is not this decision's")
	ErrProvider    = errors.New("an identity provider that the trust file does not list")
	ErrHead        = errors.New("the seal is not the one that the decision names")
)

// A Bundle is a decision with all that its verification needs but trust.
type Bundle struct {
	Content  ident.Bytes `json:"content"`
	Decision string      `json:"decision"`
	Order    []string    `json:"order"`    // the delegation order, by each board key
	Preimage ident.Bytes `json:"preimage"` // of the log entry's digest
	Proof    []string    `json:"proof"`    // C2SP tlog-proof, by line
}

// Marshal is the bundle's one form: RFC 8785 JSON.
func (b *Bundle) Marshal() ([]byte, error) {
	room := 4096 + base64.RawURLEncoding.EncodedLen(len(b.Content)) + len(b.Decision)
	for _, o := range b.Order {
		room += len(o)
	}
	return jws.AppendCanonical(make([]byte, 0, room), b)
}

// Parse reads a bundle strictly and checks nothing else.
func Parse(data []byte) (*Bundle, error) {
	b := &Bundle{}
	if len(data) > MaxSize {
		return nil, ErrBundle
	}
	if err := jws.Decode(data, b); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBundle, err)
	}
	return b, nil
}

// SplitLines makes a list of a text that ends in a line feed, since canonical
// JSON here holds no control characters; [JoinLines] is the inverse.
func SplitLines(text string) []string { return strings.Split(strings.TrimSuffix(text, "\n"), "\n") }

// JoinLines puts a line feed after each line.
func JoinLines(lines []string) string { return strings.Join(lines, "\n") + "\n" }

// A Verdict is what a verified bundle says.
type Verdict struct {
	*statement.Chain
	Content    []byte
	Officer    order.Officer     // who signed, by title
	Delegation *order.Delegation // under which
	Digest     ident.Digest      // of the decision statement
	Index      uint64            // of the entry in the log
	Checkpoint proof.Checkpoint  // that proves it
	Witnessed  bool              // whether the policy that accepts it asks for witnesses, and has them
	Pending    bool              // it asks, and has not: [VerifySigned] alone
	Log        proof.Entry       // the entry
}

// Number is the decision number as it is printed.
func (v *Verdict) Number() string {
	return statement.FormatNumber(v.Decision.Year, v.Decision.Number)
}

// VerifySigned is [Verify] for who holds what has just been signed: a checkpoint that
// too few witnesses have cosigned is taken on the log's own word, and the verdict says
// that it is pending. Whoever relies on the decision gets the bundle again, and verifies.
func VerifySigned(data []byte, t *Trust) (*Verdict, error) {
	v, err := Verify(data, t)
	if !errors.Is(err, proof.ErrUnwitnessed) {
		return v, err
	}
	own := *t
	own.Policy = t.Policy.OnItsWord()
	if v, err = Verify(data, &own); err == nil {
		v.Pending = true
	}
	return v, err
}

// Verify checks a bundle against a trust file.
func Verify(data []byte, t *Trust) (*Verdict, error) {
	b, err := Parse(data)
	if err != nil {
		return nil, err
	}
	v := &Verdict{Content: b.Content, Digest: jws.Digest(b.Decision)}
	v.Delegation = &order.Delegation{}
	orderDigest, err := t.Board.Read(b.Order, v.Delegation)
	if err != nil {
		return nil, fmt.Errorf("delegation order: %w", err)
	}
	signers := func(kid ident.Digest) (*jws.PublicKey, error) {
		for _, o := range v.Delegation.Signers {
			if k, err := o.Key.Public(); err == nil && k.Thumbprint() == kid {
				return k, nil
			}
		}
		return nil, jws.ErrUnknownKey
	}
	if v.Chain, err = statement.ReadDecision(b.Decision, t.institution, signers); err != nil {
		return nil, err
	}
	if v.Decision.Authority != t.Authority || v.Delegation.Authority != t.Authority {
		return nil, ErrAuthority
	}
	if err := t.certified(v.Header, 0); err != nil {
		return nil, err
	}
	if ident.DateOf(time.Unix(v.Header.Iat, 0)) != v.Decision.Date {
		return nil, ErrDate
	}
	if v.Decision.Order.Digest != orderDigest || v.Decision.Order.Version != v.Delegation.Version {
		return nil, ErrOrder
	}
	if err := v.checkOrder(); err != nil {
		return nil, err
	}
	if err := v.Draft.Content.Fits(b.Content); err != nil {
		return nil, err
	}
	if err := v.checkLog(b, t); err != nil {
		return nil, err
	}
	if err := t.certified(v.Header, v.Index); err != nil {
		return nil, err
	}
	return v, nil
}

// checkOrder: the law of the house at the date of the decision.
func (v *Verdict) checkOrder() error {
	d := &v.Decision
	officer, err := v.Delegation.Signer(v.SignerKey.Thumbprint(), d.Item, d.Date)
	if err != nil {
		return err
	}
	if officer.Title != v.Approval.Signer.Title {
		return ErrTitle
	}
	v.Officer = officer
	if err := v.Delegation.Permits(d.Item, v.Draft.Type, d.Mode, d.Date); err != nil {
		return err
	}
	return v.Draft.LawfulAlone(d.Date) // the server held a correction to the decision that it corrects
}

func (v *Verdict) checkLog(b *Bundle, t *Trust) error {
	pre, err := proof.ParsePreimage(b.Preimage)
	if err != nil {
		return err
	}
	if pre.Kind != proof.Decision || pre.Signed != v.Digest {
		return ErrEntry
	}
	tag := proof.DecisionTag(uint16(v.Decision.Year), uint64(v.Decision.Number), v.Decision.Decision)
	if v.Log, err = pre.Entry(tag); err != nil {
		return fmt.Errorf("%w: %w", ErrEntry, err)
	}
	v.Index, v.Checkpoint, v.Witnessed, err = proof.CheckWitnessed([]byte(JoinLines(b.Proof)), v.Log, t.Policy)
	return err
}

// CheckHead checks that a seal's head is the one that the decision names, and
// agrees with the draft in all that both say.
func (v *Verdict) CheckHead(head []byte) (*seal.Head, error) {
	h, err := seal.ParseHead(head)
	if err != nil {
		return nil, err
	}
	if ident.Sum(head) != v.Decision.Core {
		return nil, ErrHead
	}
	return h, CheckHead(h, &v.Draft, v.DraftDigest(), v.AuthorKey.Thumbprint(), v.Decision.Record)
}

// CheckHead holds a seal's head against the draft that it belongs to and the
// record commitment that was signed: what a signer's client does before it
// signs, and everyone after.
func CheckHead(h *seal.Head, d *statement.Draft, draft, authorKey, record ident.Digest) error {
	if h.Authority != d.Authority || h.Decision != d.Decision || h.Revision != d.Revision || h.Draft != draft ||
		h.AuthorKey != authorKey || h.Set != d.Set || h.Commitments.Digest() != record {
		return ErrHead
	}
	for i, c := range d.Commitments {
		if h.Commitments[i] != c {
			return ErrHead
		}
	}
	return nil
}
