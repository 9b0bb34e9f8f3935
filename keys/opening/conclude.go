package opening

import (
	"sigill/keys/ident"
	"sigill/keys/record"
	"sigill/keys/seal"
)

// A Ballot is a vote as it was cast: what it says, and the digests by which the
// release names it.
type Ballot struct {
	*Vote
	Cast
}

// Conclude says how a request ends on a day by the ballots, in the order in which
// they were cast, or nil while it has not ended. Votes by keys that have been
// revoked are not among the ballots. The log key signs what comes out,
// and the requester's client makes the same again from the votes: a release that
// grants, refuses or calls itself anything else is no release of theirs.
//
// A request runs until all its sections are decided, or to the end of the day on
// which it expires; what is not decided by then is not granted, and if nothing is
// granted by then, nothing comes out. Nor does anything more than [MaxLate] days
// after that day, so that no release can be dated ahead.
func Conclude(req *Request, request, core ident.Digest, groups []seal.Group, ballots []Ballot, on ident.Date) *Release {
	if on.Days() > req.Expires.Days()+MaxLate {
		return nil
	}
	votes := make([]*Vote, len(ballots))
	r := &Release{Authority: req.Authority, Core: core, Date: on, Decision: req.Decision, Opening: req.Opening,
		Refused: []Denied{}, Request: request}
	for i, b := range ballots {
		votes[i] = b.Vote
		r.Votes = append(r.Votes, b.Cast)
	}
	d := Tally(groups, req.Scope(), votes)
	if !d.Settled() && (!req.Expires.Before(on) || d.Granted == 0) {
		return nil
	}
	r.Granted = d.Granted.List()
	for _, sec := range (d.Refused | d.Open).List() {
		r.Refused = append(r.Refused, Denied{provision(votes, sec), sec})
	}
	r.Outcome = outcome(d.Granted, len(r.Refused), votes)
	return r
}

// provision is the one that the first vote against a section gives; nobody may
// have voted against what expired.
func provision(votes []*Vote, sec record.Section) string {
	for _, v := range votes {
		if v.Refusal != nil && !scope(v.Granted).Has(sec) {
			return v.Refusal.Provision
		}
	}
	return ""
}

func outcome(granted record.Scope, denied int, votes []*Vote) Outcome {
	if granted != 0 {
		for _, v := range votes {
			if v.Reservation != "" && scope(v.Granted)&granted != 0 {
				return GrantedWithReservation
			}
		}
		if denied > 0 {
			return GrantedPartial
		}
		return GrantedFull
	}
	// Not held and forwarded are said only where all who refused say so.
	basis := Basis("")
	for _, v := range votes {
		if v.Refusal == nil {
			continue
		}
		if basis != "" && basis != v.Refusal.Basis {
			return RefusedAppealable
		}
		basis = v.Refusal.Basis
	}
	switch basis {
	case BasisNotHeld:
		return NotHeld
	case BasisForwarded:
		return Forwarded
	}
	return RefusedAppealable
}
