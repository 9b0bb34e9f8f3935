package workflow

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"time"

	"sigill/keys/bundle"
	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/opening"
	"sigill/keys/order"
	"sigill/keys/proof"
	"sigill/keys/record"
	"sigill/keys/seal"
	"sigill/server/audit"
	"sigill/server/ledger"
)

// ballots are the votes of a request, as the count takes them: without those of
// reviewers of the seal's set whose keys have been revoked since they voted. A
// stolen key neither grants nor refuses; how many reviewers there are stays.
func (row *openingRow) ballots(f *inForce, set *order.ReviewerSet) (out []opening.Ballot, votes []*opening.Vote, err error) {
	for _, b := range row.Ballots {
		v := &opening.Vote{}
		if err := jws.Peek(b.Vote, v); err != nil {
			return nil, nil, damaged("vote", err)
		}
		m, err := set.Member(v.Group, v.Index)
		if err != nil {
			return nil, nil, damaged("vote", err)
		}
		key, err := m.Key.Public()
		if err != nil {
			return nil, nil, damaged("reviewer set", err)
		}
		if f.revoked(key.Thumbprint()) {
			continue
		}
		out = append(out, opening.Ballot{Vote: v, Cast: opening.Cast{Vector: v.Vector, Vote: jws.Digest(b.Vote)}})
		votes = append(votes, v)
	}
	return out, votes, nil
}

// counted are the ballots that a release counts, in the order in which they were
// cast: what the requester is given makes the same release again, whoever has been
// revoked before it or since.
func (row *openingRow) counted() (out []ballotRow, err error) {
	var rel opening.Release
	if err := jws.Peek(row.Release, &rel); err != nil {
		return nil, damaged("release", err)
	}
	for _, b := range row.Ballots {
		if slices.ContainsFunc(rel.Votes, func(c opening.Cast) bool { return c.Vote == jws.Digest(b.Vote) }) {
			out = append(out, b)
		}
	}
	return out, nil
}

// conclude ends a request if its votes, or its last day, have decided it: the log
// key signs how, the log takes it, and the author is told at once or on the day
// that a lawful delay ends. The caller saves the row.
func (o *Office) conclude(tx *ledger.Tx, id ident.ID, row *openingRow, s *sealRow, on ident.Date) error {
	f, err := o.inForceAt(tx)
	if err != nil {
		return err
	}
	set, err := s.set(tx)
	if err != nil {
		return err
	}
	req, err := row.request()
	if err != nil {
		return err
	}
	ballots, votes, err := row.ballots(f, set)
	if err != nil {
		return err
	}
	rel := opening.Conclude(req, jws.Digest(row.Request), s.core, s.head.Groups, ballots, on)
	if rel == nil {
		return nil
	}
	if row.Release, err = jws.Make(o.Log, rel); err != nil {
		return &Refusal{Kind: ErrUnavailable, Reason: ReasonStopped, err: err}
	}
	signed := jws.Digest(row.Release)
	if len(rel.Granted) == 0 {
		if row.Released, err = o.enterAs(tx, proof.OpeningRefused, signed, proof.RandomTag()); err != nil {
			return err
		}
		return row.close(tx, id, openingRefused)
	}
	due := on
	if d := opening.NoticeNotBefore(s.head.Groups, votes); on.Before(d) {
		due = d
	}
	var random [12]byte
	rand.Read(random[:])
	if row.Released, err = o.enterAs(tx, proof.OpeningReleased, signed, proof.ReleaseTag(due, random)); err != nil {
		return err
	}
	if due == on {
		err = o.notice(tx, row)
	} else {
		err = tx.Put(roomNotice, noticeKey(due, id), []byte{})
	}
	if err != nil {
		return err
	}
	return row.close(tx, id, openingReleased)
}

// serverExpiry is the method that the trail names for what the clock ends.
const serverExpiry = "expiry"

// ExpireOpenings ends requests whose last day has passed: what is granted is
// released, and where nothing is, the request is closed.
func (o *Office) ExpireOpenings(ctx context.Context, now time.Time) error {
	on := ident.DateOf(now)
	var open []ident.ID
	from, to := within(undecided, nil)
	err := o.ledger.Read(ctx, func(r ledger.Reader) error {
		for p, err := range r.Scan(roomOpeningsOf, from, to) {
			if err != nil {
				return storeError(err)
			}
			if len(p.Key) != 32 {
				return damaged("list of openings", ledger.ErrCorrupt)
			}
			open = append(open, ident.IDFromBytes([16]byte(p.Key[16:])))
		}
		return nil
	})
	return errors.Join(ledgerError(err), eachOf(open, func(id ident.ID) error { return o.expireOne(ctx, id, on) }))
}

// eachOf does something to each, also when it fails with one: a damaged row must
// not stop what is due to others. It ends when nothing can be done any more.
func eachOf[T any](list []T, do func(T) error) (errs error) {
	for _, one := range list {
		err := ledgerError(do(one))
		errs = errors.Join(errs, err)
		if isKind(err, ErrUnavailable) || errors.Is(err, context.Canceled) {
			break
		}
	}
	return errs
}

// expireOne ends a request if its last day has passed.
func (o *Office) expireOne(ctx context.Context, id ident.ID, on ident.Date) error {
	due := false
	err := o.ledger.Read(ctx, func(r ledger.Reader) error {
		row, err := readOpening(r, id)
		if err != nil {
			return damaged("list of openings", err)
		}
		req, err := row.request()
		due = err == nil && req.Expires.Before(on)
		return err
	})
	if err != nil || !due {
		return err
	}
	s, _, err := o.fetchable(ctx, id)
	if err != nil {
		return err
	}
	_, err = o.ledger.Do(ctx, func(tx *ledger.Tx) error { return o.expire(tx, id, s, on) })
	return err
}

// expire is the operation, under the account of nobody.
func (o *Office) expire(tx *ledger.Tx, id ident.ID, s *sealRow, on ident.Date) error {
	row, err := readOpening(tx, id)
	if err != nil || row.State != openingPending {
		return err // decided meanwhile
	}
	if err := o.conclude(tx, id, row, s, on); err != nil {
		return err
	}
	if row.State == openingPending {
		if row.Closed, err = o.enterAs(tx, proof.OpeningClosed, jws.Digest(row.Request), proof.RandomTag()); err != nil {
			return err
		}
		if err := row.close(tx, id, openingExpired); err != nil {
			return err
		}
	}
	c := &Caller{Method: serverExpiry}
	return o.trail(tx, c, &actor{id: audit.AccountID{}}, row.Decision, audit.OK)
}

// CollectOpening hands out what was granted, in the same bytes each time: the
// first time fixes the checkpoint that everything in the package is proved by. The
// package is made before that: what cannot be made has not been collected.
func (o *Office) CollectOpening(ctx context.Context, c *Caller, id ident.ID) ([]byte, error) {
	ready, made, err := o.collectable(ctx, c, id)
	if err != nil {
		return nil, err
	}
	var row *openingRow
	_, _, err = o.named(ctx, c, o.aboutOpening(ctx, id), o.print(c, c.Method, string(id)), func(tx *ledger.Tx, a *actor) (_ []byte, err error) {
		if row, err = own(tx, a, id); err != nil {
			return nil, err
		}
		if err := o.stillMay(tx, row); err != nil {
			return nil, err
		}
		return nil, row.collect(tx, id, ready)
	})
	if err != nil {
		return nil, err
	}
	if row == nil { // asked for under a request id that was answered before
		err = o.ledger.Read(ctx, func(r ledger.Reader) (err error) {
			row, err = readOpening(r, id)
			return err
		})
		if err != nil {
			return nil, ledgerError(err)
		}
	}
	if ready != nil && bytes.Equal(row.Note, ready.Note) && row.Dissents == ready.Dissents {
		return made, nil
	}
	return o.packageOf(ctx, row) // another call was first
}

// collectable is the caller's own opening as it is when it has been collected, and
// its package; nil where nothing can be collected, which is for the operation to
// refuse and to record.
func (o *Office) collectable(ctx context.Context, c *Caller, id ident.ID) (row *openingRow, made []byte, err error) {
	head := o.ledger.Head() // what it proves is committed
	if o.Trust.Policy.Witnessed() {
		head = o.ledger.Published()
	}
	err = o.ledger.Read(ctx, func(r ledger.Reader) error {
		a, err := o.knownActor(r, c)
		if err != nil {
			return err
		}
		if row, err = own(r, a, id); err != nil {
			return err
		}
		if err := o.stillMay(r, row); err != nil {
			return err
		}
		if row.State != openingReleased {
			return row.collected()
		}
		if head.Size <= row.Released.Index {
			return refuse(ErrUnavailable, ReasonUnwitnessed)
		}
		m, err := o.matter(r, row.decision())
		if err != nil {
			return err
		}
		row.State, row.Note, row.Dissents = openingCollected, head.Note, len(m.Dissents)
		return nil
	})
	switch no := (*Refusal)(nil); {
	case errors.Is(err, ledger.ErrNotFound), errors.As(err, &no) && no.Kind != ErrData && no.Kind != ErrUnavailable:
		return nil, nil, nil
	case err != nil:
		return nil, nil, ledgerError(err)
	}
	made, err = o.packageOf(ctx, row)
	return row, made, err
}

// collect marks what is released as collected, as it was made ready.
func (row *openingRow) collect(tx *ledger.Tx, id ident.ID, ready *openingRow) error {
	if row.State != openingReleased || ready == nil {
		return row.collected()
	}
	row.State, row.Note, row.Dissents = openingCollected, ready.Note, ready.Dissents
	return row.save(tx, id)
}

// collected refuses what has not been collected.
func (row *openingRow) collected() error {
	switch row.State {
	case openingCollected:
		return nil
	case openingWithdrawn, openingExpired:
		return refuse(ErrState, ReasonEnded)
	}
	return refuse(ErrState, ReasonNotReleased)
}

// packageOf puts a collected opening together, at its own checkpoint.
func (o *Office) packageOf(ctx context.Context, row *openingRow) ([]byte, error) {
	head, err := ledger.ParseHead(row.Note)
	if err != nil {
		return nil, damaged("package", err)
	}
	var s *sealRow
	var set []byte
	var keys []documentRow
	err = o.ledger.Read(ctx, func(r ledger.Reader) error {
		if s, err = o.sealOf(r, row.decision()); err != nil {
			return err
		}
		of, err := s.set(r)
		if err != nil {
			return err
		}
		if set, err = jws.Canonical(of); err != nil {
			return err
		}
		keys, err = providersBefore(r, s.m.Index)
		return err
	})
	if err != nil {
		return nil, ledgerError(err)
	}
	_, d, err := o.decisionOf(ctx, s.m)
	if err != nil {
		return nil, err
	}
	p := &opening.Package{Typ: opening.TypPackage, Head: s.decision.Head, Set: set, Request: row.Request, Requester: row.Requester,
		Release: row.Release, Dissents: append([]string{}, s.m.Dissents[:row.Dissents]...), Ciphertexts: []opening.Ciphertext{},
		Providers: []opening.ProviderEntry{}}
	ballots, err := row.counted()
	if err != nil {
		return nil, err
	}
	for _, b := range ballots {
		p.Votes = append(p.Votes, opening.CastVote{Vector: b.Vector, Vote: b.Vote})
	}
	if p.Bundle, err = o.bundleAt(ctx, s.m, s.decision, d, head); err != nil {
		return nil, err
	}
	if p.Requested, err = o.entryOf(ctx, row.Requested, head); err != nil {
		return nil, err
	}
	if p.Released, err = o.entryOf(ctx, row.Released, head); err != nil {
		return nil, err
	}
	if err := o.addGranted(ctx, p, s, keys, head); err != nil {
		return nil, err
	}
	b, err := p.Marshal()
	if err == nil && len(b) > opening.MaxPackage {
		err = opening.ErrPackage
	}
	if err != nil {
		return nil, fmt.Errorf("opening package: %w", err)
	}
	return b, nil
}

// addGranted adds the ciphertexts of what was granted and, with the evidence, the
// key sets that it may cite: which one, only the requester will know.
func (o *Office) addGranted(ctx context.Context, p *opening.Package, s *sealRow, keys []documentRow, head ledger.Head) error {
	var rel opening.Release
	if err := jws.Peek(p.Release, &rel); err != nil {
		return damaged("release", err)
	}
	parts, err := seal.SplitCiphertexts(s.boxes.Ciphertexts)
	if err != nil {
		return damaged("seal", err)
	}
	for _, sec := range rel.Granted {
		p.Ciphertexts = append(p.Ciphertexts, opening.Ciphertext{Bytes: parts[sec-1], Section: sec})
	}
	if !slices.Contains(rel.Granted, record.SectionEvidence) {
		return nil
	}
	for _, k := range keys {
		e, err := o.entryOf(ctx, loggedRow{Preimage: k.Preimage, Index: k.Index}, head)
		if err != nil {
			return err
		}
		p.Providers = append(p.Providers, opening.ProviderEntry{Keys: k.Signatures[0], Logged: e})
	}
	return nil
}

// entryOf proves an entry as a package holds it.
func (o *Office) entryOf(ctx context.Context, row loggedRow, head ledger.Head) (opening.Entry, error) {
	text, err := o.ledger.Proof(ctx, row.Index, head)
	if err != nil {
		return opening.Entry{}, ledgerError(err)
	}
	return opening.Entry{Preimage: row.Preimage, Proof: bundle.SplitLines(text), Tag: row.Tag[:]}, nil
}

// providersBefore lists the key sets that were logged before an index, in the
// order of the log: a token is accepted only under one that is logged.
func providersBefore(r ledger.Reader, index uint64) (out []documentRow, err error) {
	for p, err := range r.Scan(roomProvider, nil, nil) {
		if err != nil {
			return nil, storeError(err)
		}
		var row documentRow
		if err := decode(p.Value, &row); err != nil {
			return nil, err
		}
		var doc order.ProviderKeys
		if len(row.Signatures) != 1 || jws.Peek(row.Signatures[0], &doc) != nil {
			return nil, damaged("provider keys", ledger.ErrCorrupt)
		}
		if row.Index < index {
			out = append(out, row)
		}
	}
	slices.SortFunc(out, func(a, b documentRow) int {
		if a.Index < b.Index {
			return -1
		}
		return 1
	})
	return out, nil
}
