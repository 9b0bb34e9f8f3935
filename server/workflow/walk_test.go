package workflow_test

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"sigill/keys/proof"
	"sigill/server/workflow"
)

// An action is one thing that may happen. It is drawn more often the more it weighs,
// and only when it is ready: when there is something that it can happen to.
type action struct {
	name   string
	weight int
	ready  func(w *walk) bool
	run    func(w *walk, rt *rapid.T)
}

func withStory(w *walk) bool  { return len(w.stories) > 0 }
func withSigned(w *walk) bool { return slices.ContainsFunc(w.stories, (*story).signed) }
func withAsked(w *walk) bool  { return len(w.petitions) > 0 }

var actions = []action{
	{"submit", 4, func(w *walk) bool { return len(w.stories) < 8 }, (*walk).submits},
	{"revise", 3, withStory, (*walk).revises},
	{"dissent", 3, withStory, (*walk).dissents},
	{"withdraw", 2, withStory, (*walk).withdraws},
	{"snoop", 1, withStory, (*walk).snoops},

	{"read", 3, withStory, (*walk).reads},
	{"cosign", 3, func(w *walk) bool { return len(w.approvals) > 0 }, (*walk).cosigns},
	{"read and cosign", 3, withStory, (*walk).signs},
	{"return", 2, withStory, (*walk).returns},
	{"abstain", 2, withStory, (*walk).abstains},
	{"dispatch", 2, withSigned, (*walk).dispatches},
	{"bundle", 1, withStory, (*walk).bundles},

	{"ask", 4, withSigned, (*walk).asks},
	{"fetch and vote", 9, withAsked, (*walk).votes},
	{"vote again", 1, func(w *walk) bool { return len(w.withBallots()) > 0 }, (*walk).votesAgain},
	{"take back", 1, withAsked, (*walk).takesBack},
	{"collect", 3, withAsked, (*walk).collects},

	{"board", 1, nil, (*walk).publishes},
	{"time passes", 3, nil, (*walk).passes},
	{"clock", 2, nil, (*walk).clock},
	{"restart", 1, nil, (*walk).restarts},
	{"the same again", 3, func(w *walk) bool { return len(w.answers) > 0 }, (*walk).again},
	{"its id for something else", 1, func(w *walk) bool { return len(w.answers) > 0 }, (*walk).misuses},
}

// longWalk is a number of steps in which all of reached comes up.
const longWalk = 20_000

// reached are the answers that a long walk must have been given.
var reached = map[string]string{
	"submit":                       "taken TAKEN EARLIER_DRAFTS OFFICER",
	"submit a correction":          "taken CONTRADICTION",
	"revise":                       "taken REVISION ENDED",
	"dissent":                      "taken REVISION ENDED DISPATCHED TAKEN",
	"withdraw":                     "taken REVISION ENDED",
	"snoop":                        "ABSENT",
	"read":                         "taken ABSENT",
	"cosign":                       "taken REVISION ENDED DAY ABSTAINED DELEGATION_ORDER SUPERSEDED",
	"cosign, the same bytes":       "taken",
	"return":                       "taken REVISION ENDED ABSENT",
	"abstain":                      "taken REVISION ENDED ABSENT",
	"dispatch":                     "taken NOT_SIGNED DISPATCHED DISSENTS",
	"bundle":                       "taken NOT_SIGNED ABSENT",
	"ask":                          "taken NOT_SIGNED REQUESTER TOO_MANY TAKEN",
	"review":                       "taken ABSENT",
	"fetch":                        "taken ENDED",
	"vote":                         "taken VOTED ENDED",
	"take back":                    "taken ENDED ABSENT",
	"collect":                      "taken NOT_RELEASED ENDED ABSENT",
	"ended by votes: released":     "taken",
	"ended by votes: refused":      "taken",
	"ended by the clock: expired":  "taken",
	"ended by the clock: released": "taken",
	"a late notice":                "taken",
	"board":                        "taken",
	"time passes":                  "taken",
	"clock":                        "taken",
	"restart":                      "taken",
	"the same again":               "taken",
	"its id for something else":    "REQUEST_ID",
}

// TestWalk: whatever people do, in whatever order, each step is answered as the
// specification's tables of states have it, leaves in the log what they say and no
// more, and all roles then see what the model of it says; over restarts nothing that
// was answered is lost. The store is a file, time is the bubble's.
//
//	go test ./server/workflow -run TestWalk -v -timeout 1h -rapid.checks=500 -rapid.steps=80
//
// walks for a good half hour, most of which it waits for the disk (with TMPDIR=/dev/shm it
// is one of memory), and lists what was answered how often. A walk that fails is made
// shorter and kept under testdata/rapid; -rapid.failfile plays it again.
func TestWalk(t *testing.T) {
	unlessGiven(t, "rapid.checks", "3")
	unlessGiven(t, "rapid.steps", "50")
	did, began := tally{}, time.Now()
	rapid.Check(t, func(rt *rapid.T) {
		dir := t.TempDir()
		defer os.RemoveAll(dir) // a long walk would fill the disk
		rapid.SyncTest(rt, func(rt *rapid.T) {
			sleepUntil("2026-12-27T10:30:00Z") // the year's numbers end within some walks
			w := newWalk(rt, dir, did)
			rt.Repeat(map[string]func(*rapid.T){"": func(*rapid.T) { w.check() }, "step": w.step})
			w.end()
		})
	})
	steps, missing := did.steps(), did.missing()
	t.Logf("%d steps in %s\n%s", steps, time.Since(began).Round(time.Second), did)
	if steps > longWalk && len(missing) > 0 {
		t.Errorf("in %d steps never: %q", steps, missing)
	}
}

// given are the flags of this run.
var given = sync.OnceValue(func() map[string]bool {
	set := map[string]bool{}
	flag.Visit(func(f *flag.Flag) { set[f.Name] = true })
	return set
})

// unlessGiven gives a flag another default for this test.
func unlessGiven(t *testing.T, name, value string) {
	t.Helper()
	if given()[name] {
		return
	}
	was := flag.Lookup(name).Value.String()
	must(0, flag.Set(name, value))
	t.Cleanup(func() { must(0, flag.Set(name, was)) })
}

// step is one action of those that can happen.
func (w *walk) step(rt *rapid.T) {
	var list []action
	for _, a := range actions {
		if a.ready == nil || a.ready(w) {
			list = append(list, slices.Repeat([]action{a}, a.weight)...)
		}
	}
	a := draw(rt, "action", list)
	rt.Log(a.name)
	if a.ready == nil {
		w.did.add(a.name, taken) // no call, which could be refused
	}
	a.run(w, rt)
}

// draw is one of a list, each as likely: rapid's own draws favour the first.
func draw[E any](rt *rapid.T, label string, list []E) E {
	rt.Helper()
	i := rapid.Custom(func(rt *rapid.T) (n int) {
		for range 12 {
			n <<= 1
			if rapid.Bool().Draw(rt, "bit") {
				n++
			}
		}
		return n * len(list) >> 12
	}).Draw(rt, label)
	return list[i]
}

// seldom is true once in n times.
func seldom(rt *rapid.T, label string, n int) bool {
	return draw(rt, label, append(make([]bool, n-1), true))
}

// does makes a call, wants the model's verdict on it, and wants in the log what a
// call that is taken leaves; one that is refused leaves an event if it names the
// caller, and is not malformed.
func (w *walk) does(name, files string, want verdict, leaves []proof.Kind, call func() error) bool {
	w.t.Helper()
	err := call()
	if got := verdictOf(err); got != want {
		w.t.Fatalf("%s: %v (%v), want %v", name, got, err, want)
	}
	w.did.add(name, want)
	w.t.Log(name, "is", want)
	if want != taken {
		leaves = nil
		if files == byName && want.kind != workflow.ErrInvalid {
			leaves = []proof.Kind{proof.Event}
		}
	}
	w.grew(name, leaves)
	return want == taken
}

// grew wants the log longer by entries of these kinds and no others.
func (w *walk) grew(what string, by []proof.Kind) {
	w.t.Helper()
	var got []proof.Kind
	for _, e := range w.entriesFrom(w.size) {
		got = append(got, e.Kind)
	}
	w.size = w.ledger.Head().Size
	got, by = slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(by))
	if !slices.Equal(got, by) {
		w.t.Fatalf("%s left %v in the log, want %v", what, got, by)
	}
}

// A tally counts by action how often it was taken, or refused and why.
type tally map[string]map[string]int

func (t tally) add(name string, v verdict) {
	if t[name] == nil {
		t[name] = map[string]int{}
	}
	said := v.reason
	if v == taken {
		said = "taken"
	}
	t[name][said]++
}

func (t tally) steps() (n int) {
	for _, by := range t {
		for _, k := range by {
			n += k
		}
	}
	return n
}

// missing are the answers of reached that no step was given.
func (t tally) missing() (out []string) {
	for name, answers := range reached {
		for said := range strings.FieldsSeq(answers) {
			if t[name][said] == 0 {
				out = append(out, name+": "+said)
			}
		}
	}
	slices.Sort(out)
	return out
}

func (t tally) String() string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(t)) {
		fmt.Fprintf(&b, "%-26s", name)
		for _, said := range slices.Sorted(maps.Keys(t[name])) {
			fmt.Fprintf(&b, " %s %d", said, t[name][said])
		}
		b.WriteByte('\n')
	}
	return b.String()
}
