package opening_test

import (
	"testing"

	"pgregory.net/rapid"

	"sigill/keys/ident"
	"sigill/keys/opening"
	"sigill/keys/record"
	"sigill/keys/seal"
)

// vote is what Tally looks at of a vote.
func vote(group, index int, granted record.Scope) *opening.Vote {
	return &opening.Vote{Group: group, Index: index, Granted: granted.List()}
}

// ballot is a member's first vote, if any.
func ballot(votes []*opening.Vote, group, index int) *opening.Vote {
	for _, v := range votes {
		if v.Group == group && v.Index == index {
			return v
		}
	}
	return nil
}

// model is the contract's words: granted when each group has t votes that grant;
// refused when in one group that can come about no more, however those vote who
// have not yet.
func model(groups []seal.Group, asked record.Scope, votes []*opening.Vote) (out opening.Decided) {
	for _, sec := range asked.List() {
		bit := record.Scope(1) << (sec - 1)
		everywhere, hopeless := true, false
		for _, g := range groups {
			yes, silent := 0, 0
			for i := 1; i <= g.Members; i++ {
				switch b := ballot(votes, g.Group, i); {
				case b == nil:
					silent++
				case has(b.Granted, sec):
					yes++
				}
			}
			everywhere = everywhere && yes >= g.Threshold
			hopeless = hopeless || yes+silent < g.Threshold
		}
		switch {
		case everywhere:
			out.Granted |= bit
		case hopeless:
			out.Refused |= bit
		default:
			out.Open |= bit
		}
	}
	return out
}

func has(list []record.Section, sec record.Section) bool {
	for _, s := range list {
		if s == sec {
			return true
		}
	}
	return false
}

// TestTallyExhaustive: every way in which one or two small groups can vote on
// one section.
func TestTallyExhaustive(t *testing.T) {
	shapes := [][]seal.Group{}
	for n := 3; n <= 6; n++ {
		for th := 1; th <= n-2; th++ {
			shapes = append(shapes, []seal.Group{{Group: 1, Threshold: th, Members: n}})
		}
	}
	for _, b := range []int{1, 2} {
		shapes = append(shapes, []seal.Group{{Group: 1, Threshold: 2, Members: 4}, {Group: 2, Threshold: b, Members: b + 2}})
	}
	for _, groups := range shapes {
		total := 1
		for _, g := range groups {
			for range g.Members {
				total *= 3
			}
		}
		for ways := range total {
			var votes []*opening.Vote
			rest, refusals := ways, 0
			for _, g := range groups {
				for i := 1; i <= g.Members; i++ {
					if rest%3 > 0 {
						votes = append(votes, vote(g.Group, i, record.Scope(rest%3-1)))
					}
					if rest%3 == 1 {
						refusals++
					}
					rest /= 3
				}
			}
			got := opening.Tally(groups, 1, votes)
			if want := model(groups, 1, votes); got != want {
				t.Fatalf("%v, way %d: %+v, want %+v", groups, ways, got, want)
			}
			if got.Settled() != (got.Open == 0) || refusals <= 1 && got.Refused != 0 {
				t.Fatalf("%v, way %d: %+v with %d refusals", groups, ways, got, refusals)
			}
		}
	}
}

func drawGroups(t *rapid.T) []seal.Group {
	groups := []seal.Group{}
	for i := range rapid.IntRange(1, 4).Draw(t, "groups") {
		th := rapid.IntRange(1, 4).Draw(t, "threshold")
		groups = append(groups, seal.Group{Group: i + 1, Threshold: th, Members: th + rapid.IntRange(2, 4).Draw(t, "more")})
	}
	return groups
}

var days = []ident.Date{"2026-12-01", "2026-12-02", "2027-01-01"}

func drawVotes(t *rapid.T) []*opening.Vote {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) *opening.Vote {
		// also of groups and seats that there are not, and twice by the same
		v := vote(rapid.IntRange(0, 5).Draw(t, "group"), rapid.IntRange(-1, 9).Draw(t, "index"), record.Scope(rapid.IntRange(0, 127).Draw(t, "granted")))
		if d := rapid.IntRange(0, len(days)).Draw(t, "delay"); d > 0 {
			v.NotBefore = &opening.Delay{Date: days[d-1], Provision: "x"}
		}
		return v
	}), 0, 40).Draw(t, "votes")
}

// TestTally holds the count against the model for groups, thresholds, sections
// and votes of all sorts; what has been decided stays so.
func TestTally(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		groups, votes := drawGroups(t), drawVotes(t)
		asked := record.Scope(rapid.IntRange(1, 127).Draw(t, "asked"))
		var before opening.Decided
		for n := range len(votes) + 1 {
			got := opening.Tally(groups, asked, votes[:n])
			if want := model(groups, asked, votes[:n]); got != want {
				t.Fatalf("%+v, want %+v", got, want)
			}
			if got.Granted|got.Refused|got.Open != asked || got.Granted&got.Refused != 0 || got.Open&(got.Granted|got.Refused) != 0 {
				t.Fatalf("%+v does not part %07b", got, asked)
			}
			if before.Granted&^got.Granted != 0 || before.Refused&^got.Refused != 0 {
				t.Fatalf("a later vote undid %+v: %+v", before, got)
			}
			before = got
		}
	})
}

// TestTallyOfNobody: without groups or votes nothing is granted.
func TestTallyOfNobody(t *testing.T) {
	groups := []seal.Group{{Group: 1, Threshold: 0, Members: 3}}
	for what, g := range map[string][]seal.Group{"no groups": nil, "a threshold of 0": groups} {
		if got := opening.Tally(g, 0b11, nil); got.Granted != 0 || got.Settled() {
			t.Errorf("%s: %+v", what, got)
		}
		if got := opening.NoticeNotBefore(g, nil); got != "" {
			t.Errorf("%s: notice on %s", what, got)
		}
	}
}

// TestNoticeNotBefore: the notice is delayed only if a threshold of every group
// says so, and then to the earliest day that any of them said.
func TestNoticeNotBefore(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		groups, votes := drawGroups(t), drawVotes(t)
		want := ident.Date("9999-12-31")
		for _, g := range groups {
			said := 0
			for i := 1; i <= g.Members; i++ {
				if b := ballot(votes, g.Group, i); b != nil && b.NotBefore != nil {
					said++
					want = min(want, b.NotBefore.Date)
				}
			}
			if said < g.Threshold {
				want = ""
			}
		}
		if got := opening.NoticeNotBefore(groups, votes); got != want {
			t.Fatalf("%q, want %q", got, want)
		}
	})
	two := []seal.Group{{Group: 1, Threshold: 2, Members: 4}, {Group: 2, Threshold: 1, Members: 3}}
	delayed := func(group, index int, d ident.Date) *opening.Vote {
		v := vote(group, index, 1)
		v.NotBefore = &opening.Delay{Date: d, Provision: "x"}
		return v
	}
	for _, c := range []struct {
		votes []*opening.Vote
		want  ident.Date
	}{
		{nil, ""},
		{[]*opening.Vote{delayed(1, 1, days[1]), delayed(1, 2, days[2]), delayed(2, 1, days[0])}, days[0]},
		{[]*opening.Vote{delayed(1, 1, days[1]), delayed(1, 2, days[2]), delayed(2, 1, days[2])}, days[1]},
		{[]*opening.Vote{delayed(1, 1, days[1]), delayed(1, 2, days[2]), vote(2, 1, 1)}, ""},
		{[]*opening.Vote{delayed(1, 1, days[1]), vote(1, 2, 1), delayed(2, 1, days[2])}, ""},
		{[]*opening.Vote{delayed(1, 1, days[1]), delayed(1, 1, days[2]), delayed(2, 1, days[2])}, ""},
		{[]*opening.Vote{vote(1, 1, 1), delayed(1, 1, days[1]), delayed(1, 2, days[2]), delayed(2, 1, days[2])}, ""},
		{[]*opening.Vote{delayed(1, 1, days[1]), delayed(1, 5, days[2]), delayed(2, 1, days[2])}, ""},
	} {
		if got := opening.NoticeNotBefore(two, c.votes); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}
