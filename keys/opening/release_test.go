package opening_test

import (
	"fmt"
	"testing"

	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/opening"
	"sigill/keys/order"
	"sigill/keys/record"
	"sigill/keys/vectors"
)

func casts(n int) []opening.Cast {
	out := []opening.Cast{}
	for i := range n {
		out = append(out, opening.Cast{Vote: vectors.Digest(fmt.Sprint("vote ", i))})
	}
	return out
}

func TestReleaseRefused(t *testing.T) {
	type R = opening.Release
	refused(t, func() *R { return newRelease(t) }, []wrong[R]{
		{"no authority", func(r *R) { r.Authority = "" }, "authority", jws.ErrMissing},
		{"no core", func(r *R) { r.Core = ident.Digest{} }, "core", jws.ErrMissing},
		{"no date", func(r *R) { r.Date = "" }, "date", jws.ErrMissing},
		{"no decision", func(r *R) { r.Decision = "" }, "decision", jws.ErrMissing},
		{"no opening", func(r *R) { r.Opening = "" }, "opening", jws.ErrMissing},
		{"no request", func(r *R) { r.Request = ident.Digest{} }, "request", jws.ErrMissing},
		{"granted out of order", func(r *R) { r.Granted[0], r.Granted[1] = r.Granted[1], r.Granted[0] }, "granted", jws.ErrValue},
		{"granted twice", func(r *R) { r.Granted[1] = r.Granted[0] }, "granted", jws.ErrValue},
		{"refused out of order", func(r *R) { r.Refused[0], r.Refused[1] = r.Refused[1], r.Refused[0] }, "refused", jws.ErrValue},
		{"refused twice", func(r *R) { r.Refused[1].Section = r.Refused[0].Section }, "refused", jws.ErrValue},
		{"granted and refused", func(r *R) { r.Refused[0].Section = record.SectionPresenter }, "refused", jws.ErrValue},
		{"nothing decided", func(r *R) { r.Granted, r.Refused = []record.Section{}, []opening.Denied{} }, "refused", jws.ErrValue},
		{"provision of 101", func(r *R) { r.Refused[0].Provision = text(101) }, "refused.provision", jws.ErrLength},
		{"provision with a NUL", func(r *R) { r.Refused[0].Provision = "\x00" }, "refused.provision", jws.ErrCharacter},
		{"nobody voted", func(r *R) { r.Votes = casts(0) }, "votes", jws.ErrCount},
		{"61 votes", func(r *R) { r.Votes = casts(61) }, "votes", jws.ErrCount},
		{"an empty vote", func(r *R) { r.Votes[1].Vote = ident.Digest{} }, "votes", jws.ErrValue},
		{"a vote twice", func(r *R) { r.Votes[1].Vote = r.Votes[0].Vote }, "votes", jws.ErrValue},
		{"no outcome", func(r *R) { r.Outcome = "" }, "outcome", jws.ErrValue},
		{"withdrawn is no release", func(r *R) { r.Outcome = "WITHDRAWN" }, "outcome", jws.ErrValue},
	})
	allowed(t, func() *R { return newRelease(t) }, map[string]func(*R){
		"one vote":  func(r *R) { r.Votes = casts(1) },
		"60 votes":  func(r *R) { r.Votes = casts(order.MaxGroups * order.MaxMembers) },
		"provision": func(r *R) { r.Refused[0].Provision, r.Refused[1].Provision = text(100), "" },
	})
}

// TestOutcomes: the word for how a request ended fits what was granted.
func TestOutcomes(t *testing.T) {
	all := func(r *opening.Release) { r.Refused = []opening.Denied{} }
	part := func(*opening.Release) {}
	none := func(r *opening.Release) { r.Granted = []record.Section{} }
	for outcome, ok := range map[opening.Outcome][3]bool{ // all, part, none granted
		opening.GrantedFull: {true, false, false}, opening.GrantedPartial: {false, true, false}, opening.GrantedWithReservation: {true, true, false},
		opening.RefusedAppealable: {false, false, true}, opening.NotHeld: {false, false, true}, opening.Forwarded: {false, false, true},
	} {
		for i, granted := range []func(*opening.Release){all, part, none} {
			r := newRelease(t)
			granted(r)
			r.Outcome = outcome
			err := r.Check()
			if ok[i] && err != nil {
				t.Errorf("%s, case %d: %v", outcome, i, err)
			} else if !ok[i] {
				vectors.Blames(t, fmt.Sprint(outcome, i), err, "outcome", jws.ErrValue)
			}
		}
	}
}
