// Package disclosure (utlämnande) is what a requester does with the package that
// it collects: [Open] checks everything, offline, against the trust file, opens
// what was granted with the recipient key, and gives the [Protocol] of the
// opening, as JSON and as plain text for the court's file.
//
// Nothing is shown before all of it has been verified: the decision and its place
// in the log, the request and the release, every vote and the count, each share
// against the seal's head, each section against its commitment and, where the
// evidence was granted, author, day key and login. A package of which any byte
// was changed is [ErrVerification]; one for another key is [ErrNotForKey]. What
// the sealed record says against itself or against the login is no failure: the
// court is shown it as a contradiction.
//
// The package's format is in proto/SPEC.md, "Opening package". TestE01_packageByteFlipped
// and TestTampered prove that nothing changed passes. The server's build is held free
// of this package, as of keys/unseal, by the arrows test.
package disclosure

import (
	"bytes"
	"crypto/hpke"
	"errors"
	"fmt"
	"slices"

	"sigill/keys/bundle"
	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/opening"
	"sigill/keys/order"
	"sigill/keys/proof"
	"sigill/keys/record"
	"sigill/keys/seal"
	"sigill/keys/statement"
)

// What a package is refused with.
var (
	// ErrVerification: something in the package is not what it should be. What it
	// wraps says which check failed; nothing of the package may be relied on.
	ErrVerification = errors.New("the opening package does not verify")
	// ErrNotForKey: the request names another recipient key.
	ErrNotForKey = errors.New("not for this key")
)

// Reasons of [ErrVerification] besides those of the packages below.
var (
	ErrSet         = errors.New("the reviewer set is not the one that the seal was made for")
	ErrRequest     = errors.New("the request is not for this decision, or its requester may not ask")
	ErrLogged      = errors.New("request, release or key set does not stand in the log as it should")
	ErrVote        = errors.New("a vote is not one that a reviewer of the seal could cast on this request")
	ErrRelease     = errors.New("the release is not what the votes come to")
	ErrDissent     = errors.New("a dissent is not the author's, or stands twice")
	ErrCiphertexts = errors.New("the ciphertexts are not those of what was granted")
	ErrEvidence    = errors.New("the evidence does not prove authorship")
)

// opener is a package under verification: each step adds what the next needs.
type opener struct {
	*opening.Package
	trust *bundle.Trust
	key   hpke.PrivateKey

	verdict   *bundle.Verdict
	head      *seal.Head
	set       order.ReviewerSet
	requester order.Requester
	request   opening.Request
	digest    ident.Digest // of the request
	release   opening.Release
	requested uint64 // index of the request's entry
	released  uint64
	due       ident.Date // of the author's notice
	ballots   []opening.Ballot
	dissents  []statement.Dissent
	granted   record.Scope
	bad       []BadShare
	sections  Sections
	evidence  Evidence
}

// Open verifies a package of at most [opening.MaxPackage] bytes and opens what it
// grants with the private key of the request's recipient key. It reads no clock:
// whether a provision or a key was good is asked of the dates in the statements.
// Errors are [ErrNotForKey], or [ErrVerification] with its cause; then there is no
// protocol. A bad share is named in the protocol as long as the others suffice,
// and in the error (unseal.BadShareError) where they do not.
func Open(pkg []byte, trust *bundle.Trust, key hpke.PrivateKey) (*Protocol, error) {
	p, err := opening.ParsePackage(pkg)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrVerification, err)
	}
	o := &opener{Package: p, trust: trust, key: key}
	if err := o.run([]step{
		{"decision", o.checkDecision}, {"reviewer set", o.checkSet}, {"request", o.checkRequest}, {"recipient", o.checkRecipient}, {"release", o.checkRelease},
		{"log", o.checkLog}, {"votes", o.checkVotes}, {"count", o.checkCount}, {"dissents", o.checkDissents},
		{"sections", o.open}, {"evidence", o.checkEvidence},
	}); err != nil {
		return nil, err
	}
	return o.protocol(), nil
}

// A step is one check, by name.
type step struct {
	name string
	run  func() error
}

// run makes the checks in order and ends at the first that does not hold.
func (o *opener) run(steps []step) error {
	for _, s := range steps {
		if err := s.run(); errors.Is(err, ErrNotForKey) {
			return ErrNotForKey
		} else if err != nil {
			return fmt.Errorf("%w: %s: %w", ErrVerification, s.name, err)
		}
	}
	return nil
}

func (o *opener) checkDecision() (err error) {
	if o.verdict, err = bundle.Verify(o.Bundle, o.trust); err != nil {
		return err
	}
	o.head, err = o.verdict.CheckHead(o.Head)
	return err
}

// checkSet: the draft cites the set by the digest of its payload, so signatures
// are not needed to know that it is the one.
func (o *opener) checkSet() error {
	if err := jws.Decode(o.Set, &o.set); err != nil {
		return fmt.Errorf("%w: %w", ErrSet, err)
	}
	if err := o.set.Check(); err != nil {
		return fmt.Errorf("%w: %w", ErrSet, err)
	}
	cited := o.verdict.Draft.Set
	if ident.Sum(o.Set) != cited.Digest || o.set.Epoch != cited.Epoch || o.set.Authority != o.trust.Authority ||
		!slices.Equal(seal.Shapes(&o.set), o.head.Groups) {
		return ErrSet
	}
	return nil
}

func (o *opener) checkRequest() error {
	if _, err := o.trust.Board.Read(o.Requester, &o.requester); err != nil {
		return err
	}
	key, err := o.requester.Key.Public()
	if err != nil {
		return err
	}
	r := &o.request
	if _, err := jws.Read(o.Request, key, r); err != nil {
		return err
	}
	o.digest = jws.Digest(o.Request)
	d := &o.verdict.Decision
	if o.requester.Authority != o.trust.Authority || r.Authority != o.trust.Authority || r.Decision != d.Decision ||
		r.Statement != o.verdict.Digest || r.Date.Before(d.Date) {
		return ErrRequest
	}
	if err := o.requester.May(r.Ground, r.Date); err != nil {
		return fmt.Errorf("%w: %w", ErrRequest, err)
	}
	return nil
}

// checkRecipient: the answer is sealed to the key that opens it.
func (o *opener) checkRecipient() error {
	if !bytes.Equal(o.key.PublicKey().Bytes(), o.request.Recipient) {
		return ErrNotForKey
	}
	return nil
}

func (o *opener) checkRelease() error {
	if _, _, err := jws.ReadBy(o.Release, o.trust.LogKey, &o.release); err != nil {
		return err
	}
	o.granted, _ = record.ScopeOf(o.release.Granted) // the release's own check has read it
	if o.granted == 0 || o.release.Date.Before(o.request.Date) {
		return ErrRelease
	}
	return nil
}

// checkLog: request and release stand in the log after the decision, in this
// order, and one checkpoint proves all three: it is one history.
func (o *opener) checkLog() (err error) {
	var entry proof.Entry
	if _, o.requested, err = o.logged(o.Requested, proof.OpeningRequested, o.digest); err != nil {
		return err
	}
	if entry, o.released, err = o.logged(o.Released, proof.OpeningReleased, jws.Digest(o.Release)); err != nil {
		return err
	}
	due, ok := entry.Due()
	if !ok || o.requested <= o.verdict.Index || o.released <= o.requested {
		return ErrLogged
	}
	o.due = due
	return nil
}

// logged checks an entry of the package: it is of the kind, over these signed
// bytes, in the log at the checkpoint that proves the decision.
func (o *opener) logged(e opening.Entry, kind proof.Kind, signed ident.Digest) (entry proof.Entry, index uint64, err error) {
	pre, err := proof.ParsePreimage(e.Preimage)
	if err != nil {
		return entry, 0, err
	}
	if pre.Kind != kind || pre.Signed != signed || len(e.Tag) != len(proof.Tag{}) {
		return entry, 0, ErrLogged
	}
	if entry, err = pre.Entry(proof.Tag(e.Tag)); err != nil {
		return entry, 0, err
	}
	index, cp, err := proof.CheckInclusion([]byte(bundle.JoinLines(e.Proof)), entry, o.trust.Policy)
	if err == nil && cp != o.verdict.Checkpoint {
		err = ErrLogged
	}
	return entry, index, err
}

// checkVotes: each is by a reviewer of the seal whose key is not revoked, on this
// request, cast after they could see it in the log and before the release.
func (o *opener) checkVotes() error {
	seen := map[[2]int]bool{}
	for _, c := range o.Votes {
		v := &opening.Vote{}
		group, index := 0, 0
		_, _, err := jws.ReadBy(c.Vote, func(kid ident.Digest) (*jws.PublicKey, error) {
			g, m, key, err := o.set.Find(kid)
			if err == nil && slices.Contains(o.set.Revoked, kid) {
				err = order.ErrReviewer
			}
			group, index = g, m.Index
			return key, err
		}, v)
		if err != nil {
			return err
		}
		at := [2]int{v.Group, v.Index}
		if v.Group != group || v.Index != index || seen[at] {
			return ErrVote
		}
		seen[at] = true
		if err := v.Fits(&o.request, o.digest, len(o.Dissents) > 0); err != nil {
			return fmt.Errorf("%w: %w", ErrVote, err)
		}
		size := uint64(v.Checkpoint.Size) // at least 1
		if size <= o.requested || size > o.released {
			return fmt.Errorf("%w: its checkpoint", ErrVote)
		}
		if v.Vector.IsZero() != (len(c.Vector) == 0) || len(c.Vector) > 0 && ident.Sum(c.Vector) != v.Vector {
			return fmt.Errorf("%w: its vector", ErrVote)
		}
		o.ballots = append(o.ballots, opening.Ballot{Vote: v, Cast: opening.Cast{Vector: v.Vector, Vote: jws.Digest(c.Vote)}})
	}
	return nil
}

// checkCount makes the release again from the votes.
func (o *opener) checkCount() error {
	votes := make([]*opening.Vote, len(o.ballots))
	for i, b := range o.ballots {
		votes[i] = b.Vote
	}
	want := opening.Conclude(&o.request, o.digest, o.verdict.Decision.Core, o.head.Groups, o.ballots, o.release.Date)
	if want == nil {
		return ErrRelease
	}
	a, err := jws.Canonical(want)
	if err != nil {
		return err
	}
	b, err := jws.Canonical(&o.release)
	if err != nil {
		return err
	}
	if !bytes.Equal(a, b) {
		return ErrRelease
	}
	due := o.release.Date
	if d := opening.NoticeNotBefore(o.head.Groups, votes); due.Before(d) {
		due = d
	}
	if o.due != due { // a delay that nobody voted for
		return fmt.Errorf("%w: the day of the author's notice", ErrLogged)
	}
	return nil
}

func (o *opener) checkDissents() error {
	seen := map[ident.Digest]bool{}
	for _, compact := range o.Dissents {
		var d statement.Dissent
		if _, err := jws.Read(compact, o.verdict.AuthorKey, &d); err != nil {
			return err
		}
		if d.Authority != o.trust.Authority || d.Decision != o.verdict.Decision.Decision || seen[jws.Digest(compact)] {
			return ErrDissent
		}
		seen[jws.Digest(compact)] = true
		o.dissents = append(o.dissents, d)
	}
	return nil
}
