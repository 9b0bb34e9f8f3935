package check

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestDate: what was there keeps its times, whatever else comes; what is new came after
// the last check that would have told of it.
func TestDate(t *testing.T) {
	hour := func(h int) Moment { return Moment{time.Date(2026, 11, 20, h, 0, 0, 0, time.UTC), uint64(10 * h)} }
	many := func(n int) (all []string) {
		for i := range n {
			all = append(all, fmt.Sprint(i))
		}
		return all
	}
	type round struct { // a check that begins at an hour and takes one
		hour  int
		found []string // a name each; "blind" hides others
		want  string   // of the finding that is looked at, times, after and found
	}
	for name, rounds := range map[string][]round{
		"the first":                 {{1, []string{"x"}, "1: -2"}},
		"after a green one":         {{1, nil, ""}, {3, []string{"x"}, "1: 1-4"}, {5, []string{"x"}, "1: 1-4"}},
		"after one that found else": {{1, []string{"y"}, ""}, {3, []string{"x", "y"}, "1: 1-4"}},
		"mended, and again":         {{1, []string{"x"}, "1: -2"}, {3, nil, ""}, {5, []string{"x"}, "1: 3-6"}},
		"more of it": {{1, []string{"x"}, "1: -2"}, {3, []string{"x", "x", "x"}, "1: -2, 2: 1-4"},
			{5, []string{"x", "x", "x", "x"}, "1: -2, 3: 1-6"}, {7, []string{"x", "x", "x", "x"}, "1: -2, 3: 1-6"}},
		"less of it":           {{1, []string{"x", "x"}, "2: -2"}, {3, []string{"x"}, "1: -2"}, {5, []string{"x", "x"}, "1: -2, 1: 3-6"}},
		"hidden meanwhile":     {{1, []string{"x"}, "1: -2"}, {3, []string{"blind"}, ""}, {5, []string{"x"}, "1: -2"}},
		"after one half blind": {{1, nil, ""}, {3, []string{"blind"}, ""}, {5, []string{"x"}, "1: 1-6"}},
		"beyond what is told":  {{1, nil, ""}, {3, append(many(MaxFindings), "x"), ""}, {5, []string{"x"}, "1: 1-6"}},
		"beyond what is remembered": {{1, []string{"x"}, "1: -2"}, {3, many(MaxFindings), ""}, {5, []string{"x"}, "1: 3-6"},
			{7, append(many(MaxFindings), "x"), ""}, {9, []string{"x"}, "1: -10"}},
		"overtaken": {{3, []string{"x"}, "1: -4"}, {2, nil, ""}, {2, []string{"z"}, ""}, {5, []string{"x"}, "1: -4"}, {4, []string{"y", "x"}, "1: -4"},
			{7, []string{"y"}, ""}, {6, []string{"x"}, "1: -7"}},
		"after a clock that was ahead": {{20, []string{"x"}, "1: -21"}, {1, []string{"x"}, "1: -2"}, {3, []string{"x"}, "1: -2"}, {5, nil, ""},
			{7, []string{"x"}, "1: 5-8"}},
	} {
		t.Run(name, func(t *testing.T) {
			var m Memory
			for _, r := range rounds {
				var w Walk
				for _, f := range r.found {
					if f == "blind" {
						w.Found("room", f, Hiding)
					} else {
						w.Found("room", f)
					}
				}
				m = m.Date(&w.Findings, hour(r.hour), hour(r.hour+1))
				var got []string
				if i := slices.IndexFunc(w.List, func(f Finding) bool { return f.What == "x" }); i >= 0 {
					for _, s := range w.List[i].Since {
						after := ""
						if s.After != nil {
							after = fmt.Sprint(s.After.At.Hour())
						}
						got = append(got, fmt.Sprintf("%d: %s-%d", s.Times, after, s.Found.At.Hour()))
					}
				}
				if strings.Join(got, ", ") != r.want {
					t.Errorf("at %d: %q, want %q", r.hour, got, r.want)
				}
				for _, f := range w.List {
					if len(f.Since) == 0 {
						t.Errorf("at %d: %s has no time", r.hour, f.What)
					}
				}
			}
		})
	}
}
