package disclosure

import (
	"crypto/hpke"
	"errors"
	"fmt"
	"slices"

	"sigill/keys/bundle"
	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/opening"
	"sigill/keys/order"
	"sigill/keys/record"
	"sigill/keys/seal"
	"sigill/keys/statement"
)

// TypEstablished is the typ member of [Established].
const TypEstablished = "sigill-established-record"

// Reasons of [ErrVerification] where there is no server.
var (
	ErrCountersigned = errors.New("the request was not countersigned by the board for this authority")
	ErrUndecided     = errors.New("the votes grant nothing, or do not decide the request yet")
)

// A Countersigned is a request without a server, verified against an extract:
// the board's countersignature, the requester, the request, the decision, its
// seal and the reviewers of its epoch. Nothing of it has been opened.
type Countersigned struct {
	Request   opening.Request
	Digest    ident.Digest
	Requester order.Requester
	Verdict   *bundle.Verdict
	Head      *seal.Head
	Set       order.ReviewerSet
	Dissent   bool
	o         *opener
}

// ReadCountersigned verifies a countersigned request (one signature for each
// board key) and the extract of the decision that it asks about, for a reviewer
// who then votes, or for the requester who then calls [Countersigned.Open]. Errors
// are [ErrVerification] with their cause.
func ReadCountersigned(signatures []string, x *opening.Extract, trust *bundle.Trust) (*Countersigned, error) {
	var doc opening.Countersigned
	if _, err := trust.Board.Read(signatures, &doc); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrVerification, err)
	}
	if doc.Authority != trust.Authority {
		return nil, fmt.Errorf("%w: %w", ErrVerification, ErrCountersigned)
	}
	o := &opener{trust: trust, Package: &opening.Package{Bundle: x.Bundle, Dissents: x.Dissents, Head: x.Head, Providers: x.Providers,
		Request: doc.Request, Requester: doc.Registration}}
	sets := func() (err error) {
		o.Set, err = lastSet(x.Sets, trust)
		return err
	}
	if err := o.run([]step{{"decision", o.checkDecision}, {"reviewer sets", sets}, {"reviewer set", o.checkSet},
		{"request", o.checkRequest}, {"dissents", o.checkDissents}}); err != nil {
		return nil, err
	}
	return &Countersigned{Request: o.request, Digest: o.digest, Requester: o.requester, Verdict: o.verdict, Head: o.head, Set: o.set,
		Dissent: len(o.dissents) > 0, o: o}, nil
}

// lastSet verifies reviewer sets from the board's first on, each by the one
// before, and gives the payload of the last.
func lastSet(sets [][]string, trust *bundle.Trust) ([]byte, error) {
	var last *order.ReviewerSet
	for _, signatures := range sets {
		next := &order.ReviewerSet{}
		var err error
		if last == nil {
			_, err = trust.Board.Read(signatures, next)
		} else {
			_, err = last.ReadNext(signatures, next)
		}
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrSet, err)
		}
		last = next
	}
	if last == nil {
		return nil, ErrSet
	}
	return jws.Canonical(last)
}

// An Established is a record that was opened without a server. Its votes are not
// in the log: they must be logged when it stands again, and until then nobody
// outside has seen that the seal was opened.
type Established struct {
	Asked          []record.Section     `json:"asked"`
	Authority      ident.Authority      `json:"authority"`
	BadShares      []BadShare           `json:"bad_shares"`
	Checkpoint     statement.Checkpoint `json:"checkpoint"` // the last of the copy
	Contradictions []Contradiction      `json:"contradictions"`
	Date           ident.Date           `json:"date"`
	Decision       ident.ID             `json:"decision"`
	Evidence       Evidence             `json:"evidence"`
	Granted        []record.Section     `json:"granted"`
	Number         string               `json:"number"`
	Opening        ident.ID             `json:"opening"`
	Outcome        opening.Outcome      `json:"outcome"`
	Reference      string               `json:"reference"`
	Refused        []opening.Denied     `json:"refused"`
	Request        ident.Digest         `json:"request"`
	Requester      Requester            `json:"requester"`
	Sections       Sections             `json:"sections"`
	Statement      ident.Digest         `json:"statement"`
	Title          string               `json:"title"`
	Typ            string               `json:"typ"`
	Votes          []ident.Digest       `json:"votes"`
}

// Open counts the votes of a quorum and opens what they grant with the recipient
// key, checking shares, sections and evidence as [Open] does. What the log would
// have proved of the request is not proved here. Errors are those of Open.
func (c *Countersigned) Open(x *opening.Extract, votes []*opening.OfflineVote, key hpke.PrivateKey) (*Established, error) {
	o, pkg := *c.o, *c.o.Package // what was read may be opened again with more votes
	o.key, o.Package = key, &pkg
	for _, v := range votes {
		pkg.Votes = append(pkg.Votes, opening.CastVote{Vector: v.Vector, Vote: v.Vote})
	}
	// a vote names the copy's last checkpoint: there is no other
	o.released, o.requested = o.verdict.Checkpoint.Size, o.verdict.Checkpoint.Size-1
	var end *opening.Release
	count := func() error {
		for _, b := range o.ballots {
			if b.Checkpoint.Root != o.verdict.Checkpoint.Root {
				return fmt.Errorf("%w: its checkpoint", ErrVote)
			}
		}
		if end = opening.Conclude(&o.request, o.digest, o.verdict.Decision.Core, o.head.Groups, o.ballots, o.request.Date); end == nil || len(end.Granted) == 0 {
			return ErrUndecided
		}
		o.granted, _ = record.ScopeOf(end.Granted)
		for _, sec := range end.Granted {
			pkg.Ciphertexts = append(pkg.Ciphertexts, opening.Ciphertext{Bytes: x.Ciphertexts[sec-1], Section: sec})
		}
		if !slices.Contains(end.Granted, record.SectionEvidence) {
			pkg.Providers = nil
		}
		return nil
	}
	if err := o.run([]step{{"recipient", o.checkRecipient}, {"votes", o.checkVotes}, {"count", count}, {"sections", o.open},
		{"evidence", o.checkEvidence}}); err != nil {
		return nil, err
	}
	return o.established(end), nil
}

func (o *opener) established(end *opening.Release) *Established {
	v := o.verdict
	e := &Established{Asked: o.request.Sections, Authority: o.trust.Authority, BadShares: append([]BadShare{}, o.bad...),
		Checkpoint: statement.Checkpoint{Root: v.Checkpoint.Root, Size: int64(v.Checkpoint.Size)}, Contradictions: o.contradictions(),
		Date: v.Decision.Date, Decision: v.Decision.Decision, Evidence: o.evidence, Granted: end.Granted, Number: v.Number(),
		Opening: o.request.Opening, Outcome: end.Outcome, Reference: o.request.Reference, Refused: end.Refused, Request: o.digest,
		Requester: Requester{o.requester.Address, o.requester.Name, o.requester.Requester}, Sections: o.sections, Statement: v.Digest,
		Title: v.Draft.Title, Typ: TypEstablished}
	for _, b := range o.ballots {
		e.Votes = append(e.Votes, b.Cast.Vote)
	}
	return e
}

// Marshal is the record's one form: RFC 8785 JSON.
func (e *Established) Marshal() ([]byte, error) { return jws.Canonical(e) }
