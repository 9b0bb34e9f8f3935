package workflow_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/statement"
	"sigill/server/workflow"
)

// A tried call is one of those that a matter is given at once: what it is, over
// which approval's bytes, and what came of it.
type tried struct {
	what     string
	approval int // of a cosign
}

// outcome is what a call says: whether it was taken, or the state that it read.
type outcome struct {
	taken bool
	state int
}

// modelled is a matter as the table of states has it, from its first revision on.
type modelled struct {
	state   int // as the API numbers them
	revised bool
	signed  int // whose bytes
}

// matterModel is the contract's table for calls over the first revision.
var matterModel = porcupine.Model{
	Init: func() any { return modelled{state: 1} },
	Step: func(state, input, output any) (bool, any) {
		s, in, out := state.(modelled), input.(tried), output.(outcome)
		first := !s.revised
		may, next := false, s
		switch in.what {
		case "get":
			return out.state == s.state, s
		case "cosign":
			if s.state == 3 {
				return out.taken == (s.signed == in.approval), s
			}
			may, next = s.state == 1 && first, modelled{3, s.revised, in.approval}
		case "withdraw":
			may, next = s.state <= 2 && first, modelled{5, s.revised, 0}
		case "return":
			may, next = s.state == 1 && first, modelled{2, s.revised, 0}
		case "revise":
			may, next = s.state <= 2 && first, modelled{1, true, 0}
		}
		if !may {
			next = s
		}
		return out.taken == may, next
	},
}

// What callers see of one matter at once is what some order of their calls would
// show: nobody is told of a signature that a later caller does not find.
func TestS08_linearizable(t *testing.T) {
	h := newHouse(t)
	began := time.Now()
	ends := map[int]int{}
	for round := range 24 {
		a := h.author("Åsa Öberg").in(fmt.Sprint("SN-", round))
		must(a.submit())
		shown := must(h.look(director, a.id))
		approvals := []string{must(h.approval(director, shown)), must(h.approval(director, shown)), must(h.approval(deputy, must(h.look(deputy, a.id))))}
		titles := []string{director, director, deputy}
		back, withdrawal := h.returning(director, a), a.withdrawal()
		a.content += "\nTillägg.\n"
		revision, _ := a.submission()
		calls := map[string]func(approval int) error{
			"cosign":   func(i int) error { _, err := h.cosign(titles[i], approvals[i]); return err },
			"withdraw": func(int) error { _, err := h.WithdrawDraft(ctx, a.caller("WithdrawDraft"), withdrawal); return err },
			"return": func(int) error {
				_, err := h.ReturnDraft(ctx, h.signerCaller(director, "SigningService/ReturnDraft"), back)
				return err
			},
			"revise": func(int) error { _, err := h.ReviseDraft(ctx, a.caller("ReviseDraft"), revision); return err },
		}
		list := []tried{{"cosign", 0}, {"cosign", 0}, {"cosign", 1}, {"cosign", 2}, {"withdraw", 0}, {"return", 0}, {"revise", 0}, {"get", 0}, {"get", 0}, {"get", 0}}
		rand.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
		history := make([]porcupine.Operation, len(list)+1)
		do := func(i int, in tried) {
			op := porcupine.Operation{ClientId: i, Input: in, Call: int64(time.Since(began))}
			var out outcome
			if in.what == "get" {
				view, err := a.get()
				if err != nil {
					t.Error(err)
					return
				}
				out.state = view.State
				if digest := contentOf(view); out.state <= 2 && digest != ident.Sum(string(view.Content)) {
					t.Error("the text of another revision is shown beside the statement")
				}
			} else {
				err := calls[in.what](in.approval)
				if err != nil && !errors.Is(err, workflow.ErrState) && !errors.Is(err, workflow.ErrStale) {
					t.Error(in, err)
				}
				out.taken = err == nil
			}
			op.Output, op.Return = out, int64(time.Since(began))
			history[i] = op
		}
		var all sync.WaitGroup
		for i, in := range list {
			all.Go(func() { do(i, in) })
		}
		all.Wait()
		if t.Failed() {
			t.FailNow()
		}
		do(len(list), tried{what: "get"}) // what all of them came to
		if !porcupine.CheckOperations(matterModel, history) {
			t.Fatalf("no order of these calls shows this: %+v", history)
		}
		ends[history[len(list)].Output.(outcome).state]++
	}
	t.Log("ends, by state:", ends)
}

// contentOf is the digest that the statement of a view gives its text.
func contentOf(v *workflow.DraftView) ident.Digest {
	var d statement.Draft
	if v.State <= 2 {
		must(0, jws.Peek(v.Statement, &d))
	}
	return d.Content.Digest
}

// The model refuses what it should: two signatures, a withdrawal of what is signed,
// and a state that is read before it came about.
func TestS08_modelCanFail(t *testing.T) {
	at := func(i, from, to int, in tried, out outcome) porcupine.Operation {
		return porcupine.Operation{ClientId: i, Input: in, Call: int64(from), Output: out, Return: int64(to)}
	}
	yes, no := outcome{taken: true}, outcome{}
	cosign := func(i int) tried { return tried{"cosign", i} }
	for name, c := range map[string]struct {
		history []porcupine.Operation
		want    bool
	}{
		"one signs, again and another": {[]porcupine.Operation{at(0, 0, 9, cosign(0), yes), at(1, 0, 9, cosign(0), yes), at(2, 0, 9, cosign(1), no)}, true},
		"two sign":                     {[]porcupine.Operation{at(0, 0, 9, cosign(0), yes), at(1, 0, 9, cosign(1), yes)}, false},
		"signed and withdrawn":         {[]porcupine.Operation{at(0, 0, 9, cosign(0), yes), at(1, 0, 9, tried{"withdraw", 0}, yes)}, false},
		"nobody's":                     {[]porcupine.Operation{at(0, 0, 9, cosign(0), no), at(1, 0, 9, tried{"withdraw", 0}, no)}, false},
		"read after, and not seen":     {[]porcupine.Operation{at(0, 0, 1, cosign(0), yes), at(1, 2, 3, tried{"get", 0}, outcome{state: 1})}, false},
		"read before, and seen":        {[]porcupine.Operation{at(0, 2, 3, cosign(0), yes), at(1, 0, 1, tried{"get", 0}, outcome{state: 3})}, false},
		"returned and then signed":     {[]porcupine.Operation{at(0, 0, 1, tried{"return", 0}, yes), at(1, 2, 3, cosign(0), yes)}, false},
	} {
		if got := porcupine.CheckOperations(matterModel, c.history); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
