package opening_test

import (
	"fmt"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"sigill/keys/ident"
	"sigill/keys/opening"
	"sigill/keys/record"
	"sigill/keys/seal"
	"sigill/keys/vectors"
)

var conclusive = []seal.Group{{Group: 1, Threshold: 2, Members: 4}, {Group: 2, Threshold: 1, Members: 3}}

// cast is a ballot that grants some sections and refuses the rest on a basis.
func cast(group, index int, granted record.Scope, basis opening.Basis) opening.Ballot {
	v := vote(group, index, granted)
	name := fmt.Sprint(group, index)
	b := opening.Ballot{Vote: v, Cast: opening.Cast{Vote: vectors.Digest("vote " + name)}}
	if granted != 0 {
		v.Vector, b.Cast.Vector = vectors.Digest("vector "+name), vectors.Digest("vector "+name)
	}
	if basis != "" {
		v.Refusal = &opening.Refusal{Basis: basis, Paragraphs: []string{"x"}, Provision: "by " + name}
	}
	return b
}

func TestConclude(t *testing.T) {
	const all, one = record.Scope(0b1100011), record.Scope(0b1) // of what newRequest asks
	reserved := cast(1, 1, all, "")
	reserved.Reservation = "x"
	elsewhere := cast(1, 3, one<<1, opening.BasisSecrecy) // reserves what is not granted in the end
	elsewhere.Reservation = "x"
	for _, c := range []struct {
		what    string
		ballots []opening.Ballot
		on      ident.Date
		outcome opening.Outcome // "" goes on, or has expired
		granted record.Scope
		law     []string // provision of each refused section
	}{
		{"nobody", nil, "2026-11-20", "", 0, nil},
		{"nobody by the end", nil, "2026-12-21", "", 0, nil},
		{"a quorum for all", []opening.Ballot{cast(1, 1, all, ""), cast(2, 3, all, ""), cast(1, 4, all, "")}, "2026-11-21", opening.GrantedFull, all, nil},
		{"a group short", []opening.Ballot{cast(1, 1, all, ""), cast(1, 2, all, ""), cast(1, 3, all, "")}, "2026-11-21", "", 0, nil},
		{"a reviewer twice", []opening.Ballot{cast(1, 1, all, ""), cast(1, 1, all, ""), cast(2, 1, all, "")}, "2026-11-21", "", 0, nil},
		{"a quorum with a reservation", []opening.Ballot{reserved, cast(1, 2, all, ""), cast(2, 1, all, "")}, "2026-11-21", opening.GrantedWithReservation, all, nil},
		{"one refusal", []opening.Ballot{cast(1, 1, 0, opening.BasisScope)}, "2026-11-21", "", 0, nil},
		{"one refusal and a quorum", []opening.Ballot{cast(1, 1, 0, opening.BasisScope), cast(1, 2, all, ""), cast(2, 2, all, ""), cast(1, 3, all, "")}, "2026-11-21", opening.GrantedFull, all, nil},
		{"one section by all, not settled", []opening.Ballot{cast(1, 1, one, opening.BasisScope), cast(1, 2, one, opening.BasisSecrecy), cast(2, 1, one, opening.BasisScope)}, "2026-12-20", "", 0, nil},
		{"one section by all, at the end", []opening.Ballot{cast(1, 1, one, opening.BasisScope), cast(1, 2, one, opening.BasisSecrecy), cast(2, 1, one, opening.BasisScope)},
			"2026-12-21", opening.GrantedPartial, one, []string{"by 1 1", "by 1 1", "by 1 1"}},
		{"one section, the rest refused", []opening.Ballot{cast(2, 1, one, opening.BasisSecrecy), cast(1, 1, one, opening.BasisScope), elsewhere, cast(1, 2, one, opening.BasisScope), cast(1, 4, one, opening.BasisScope)},
			"2026-11-21", opening.GrantedPartial, one, []string{"by 2 1", "by 2 1", "by 2 1"}},
		{"one section by all, 90 days later", []opening.Ballot{cast(1, 1, one, opening.BasisScope), cast(1, 2, one, opening.BasisSecrecy), cast(2, 1, one, opening.BasisScope)},
			"2027-03-20", opening.GrantedPartial, one, []string{"by 1 1", "by 1 1", "by 1 1"}},
		{"one section by all, 91 days later", []opening.Ballot{cast(1, 1, one, opening.BasisScope), cast(1, 2, one, opening.BasisSecrecy), cast(2, 1, one, opening.BasisScope)}, "2027-03-21", "", 0, nil},
		{"a quorum for all, counted 91 days later", []opening.Ballot{cast(1, 1, all, ""), cast(2, 3, all, ""), cast(1, 4, all, "")}, "2027-03-21", "", 0, nil},
		{"no quorum by the end", []opening.Ballot{cast(1, 1, all, ""), cast(2, 1, all, "")}, "2026-12-21", "", 0, nil},
		{"refused by one group", []opening.Ballot{cast(2, 1, 0, opening.BasisSecrecy), cast(2, 2, 0, opening.BasisScope), cast(2, 3, 0, opening.BasisSecrecy)},
			"2026-11-21", opening.RefusedAppealable, 0, []string{"by 2 1", "by 2 1", "by 2 1", "by 2 1"}},
		{"refused by the first group against the second", []opening.Ballot{cast(2, 1, all, ""), cast(1, 4, 0, opening.BasisSecrecy), cast(1, 2, 0, opening.BasisScope), cast(1, 3, 0, opening.BasisSecrecy)},
			"2026-11-21", opening.RefusedAppealable, 0, []string{"by 1 4", "by 1 4", "by 1 4", "by 1 4"}},
		{"not held", []opening.Ballot{cast(2, 1, 0, opening.BasisNotHeld), cast(2, 2, 0, opening.BasisNotHeld), cast(2, 3, 0, opening.BasisNotHeld)},
			"2026-11-21", opening.NotHeld, 0, []string{"by 2 1", "by 2 1", "by 2 1", "by 2 1"}},
		{"forwarded", []opening.Ballot{cast(2, 1, 0, opening.BasisForwarded), cast(2, 2, 0, opening.BasisForwarded), cast(2, 3, 0, opening.BasisForwarded)},
			"2026-11-21", opening.Forwarded, 0, []string{"by 2 1", "by 2 1", "by 2 1", "by 2 1"}},
		{"not held, says all but one", []opening.Ballot{cast(2, 1, 0, opening.BasisNotHeld), cast(2, 2, 0, opening.BasisNotHeld), cast(2, 3, 0, opening.BasisSecrecy)},
			"2026-11-21", opening.RefusedAppealable, 0, []string{"by 2 1", "by 2 1", "by 2 1", "by 2 1"}},
	} {
		r := opening.Conclude(newRequest(t), vectors.Digest("request"), vectors.Digest("core"), conclusive, c.ballots, c.on)
		if c.outcome == "" {
			if r != nil {
				t.Errorf("%s: %+v", c.what, r)
			}
			continue
		}
		if r == nil {
			t.Errorf("%s: goes on", c.what)
			continue
		}
		want := &opening.Release{Authority: authority, Core: vectors.Digest("core"), Date: c.on, Decision: vectors.ID("decision"), Granted: c.granted.List(), Opening: vectors.ID("opening"),
			Outcome: c.outcome, Refused: []opening.Denied{}, Request: vectors.Digest("request")}
		for i, sec := range (all &^ c.granted).List() {
			want.Refused = append(want.Refused, opening.Denied{Provision: c.law[i], Section: sec})
		}
		for _, b := range c.ballots {
			want.Votes = append(want.Votes, b.Cast)
		}
		if !reflect.DeepEqual(r, want) || r.Check() != nil {
			t.Errorf("%s: %v\n got %+v\nwant %+v", c.what, r.Check(), r, want)
		}
	}
}

// TestConcludeAny: however reviewers vote, what ends can be signed, says what the
// count says, and stays ended.
func TestConcludeAny(t *testing.T) {
	req := newRequest(t)
	bases := []opening.Basis{opening.BasisAuthenticity, opening.BasisScope, opening.BasisSecrecy, opening.BasisNotHeld, opening.BasisForwarded}
	rapid.Check(t, func(t *rapid.T) {
		groups := drawGroups(t)
		var ballots []opening.Ballot
		for _, g := range groups {
			for i := range g.Members {
				granted := rapid.SampledFrom([]record.Scope{0, 1, 3, 0b1100011, 0b1100011}).Draw(t, "granted")
				basis := opening.Basis("")
				if granted != req.Scope() {
					basis = rapid.SampledFrom(bases).Draw(t, "basis")
				}
				ballots = append(ballots, cast(g.Group, i+1, granted, basis))
			}
		}
		ballots = rapid.Permutation(ballots).Draw(t, "order")
		ballots = ballots[:rapid.IntRange(0, len(ballots)).Draw(t, "so far")]
		votes := []*opening.Vote{}
		for _, b := range ballots {
			votes = append(votes, b.Vote)
		}
		count := opening.Tally(groups, req.Scope(), votes)
		for _, on := range []ident.Date{req.Date, req.Expires, req.Expires.AddDays(1), req.Expires.AddDays(opening.MaxLate), req.Expires.AddDays(opening.MaxLate + 1)} {
			r := opening.Conclude(req, vectors.Digest("request"), vectors.Digest("core"), groups, ballots, on)
			expired := on > req.Expires
			late := on > req.Expires.AddDays(opening.MaxLate)
			if (r != nil) != (!late && (count.Settled() || expired && count.Granted != 0)) {
				t.Fatalf("on %s with %+v: %+v", on, count, r)
			}
			if r == nil {
				continue
			}
			if err := r.Check(); err != nil {
				t.Fatalf("%v: %+v", err, r)
			}
			if !slices.Equal(r.Granted, count.Granted.List()) || len(r.Granted)+len(r.Refused) != len(req.Sections) || len(r.Votes) != len(ballots) {
				t.Fatalf("%+v of %+v", r, count)
			}
		}
	})
}
