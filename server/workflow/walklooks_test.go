package workflow_test

import (
	"fmt"
	"slices"
	"sync"

	"sigill/keys/jws"
	"sigill/keys/opening"
	"sigill/keys/proof"
	"sigill/server/workflow"
)

// What everyone sees, against the model. What fails says nothing random: rapid then
// knows it again, and makes the walk shorter.

// A look is a call that only reads, and what must hold of its answer.
type look struct {
	named bool // it leaves an event in the log
	call  func() error
	holds func()
}

func seen[T any](named bool, call func() (T, error), holds func(T)) look {
	var v T
	return look{named, func() (err error) { v, err = call(); return err }, func() { holds(v) }}
}

// looks makes calls at once, which share their commits.
func (w *walk) looks(list ...look) {
	w.t.Helper()
	var all sync.WaitGroup
	errs := make([]error, len(list))
	var leaves []proof.Kind
	for i, l := range list {
		all.Go(func() { errs[i] = l.call() })
		if l.named {
			leaves = append(leaves, proof.Event)
		}
	}
	all.Wait()
	for i, l := range list {
		must(0, errs[i])
		l.holds()
	}
	w.grew("looks", leaves)
}

// check looks at what the last step was about.
func (w *walk) check() {
	w.t.Helper()
	var list []look
	if w.touched != nil {
		list = append(list, w.matter(w.touched), w.inboxOf(director), w.inboxOf(deputy))
	}
	if w.asked != nil {
		list = append(list, w.standing(w.asked))
	}
	w.touched, w.asked = nil, nil
	w.looks(list...)
}

// all looks at everything.
func (w *walk) all() {
	w.t.Helper()
	list := []look{w.inboxOf(director), w.inboxOf(deputy), w.figures()}
	for _, s := range w.stories {
		list = append(list, w.matter(s), w.told(s))
	}
	for _, p := range w.petitions {
		list = append(list, w.standing(p))
		if p.state == collected {
			list = append(list, seen(true, func() ([]byte, error) { return w.CollectOpening(ctx, p.court.caller("CollectOpening"), p.id) },
				func(pkg []byte) { w.same("the same package", string(pkg) == string(p.pkg), true) }))
		}
	}
	for _, at := range seats {
		list = append(list, w.toVoteOn(at))
	}
	w.looks(list...)
	years := map[uint16]uint64{}
	for year, n := range w.numbers {
		years[uint16(year)] = uint64(n)
	}
	w.same("numbers", w.numbersInOrder(), years)
}

// matter is what an author sees of their matter.
func (w *walk) matter(s *story) look {
	return seen(false, s.get, func(v *workflow.DraftView) {
		w.same("state", v.State, s.state)
		w.alike("dissents", v.Dissents, s.dissents)
		w.alike("returns", v.Returns, s.returns)
		w.same("a bundle", len(v.Bundle) > 0, s.signed())
		switch s.state {
		case isPending, isReturned:
			w.same("revision", s.revision(v.Statement), len(s.last))
			w.same("content", string(v.Content), s.content)
		case isSigned, isDispatched:
			w.sameDecision(s, v.Bundle)
		}
	})
}

// told is what an author is told of openings of their seal.
func (w *walk) told(s *story) look {
	return seen(false, s.seals, func(list []workflow.SealOpening) {
		var got, want []int
		for i, p := range w.petitions {
			if p.story == s && p.noticed {
				want = append(want, i)
			}
		}
		for _, o := range list {
			var r opening.Request
			must(0, jws.Peek(o.Request, &r))
			got = append(got, w.petition(r.Opening))
		}
		w.same("openings told of", slices.Sorted(slices.Values(got)), want)
	})
}

// inboxOf is what a signer is shown.
func (w *walk) inboxOf(title string) look {
	return seen(true, func() (items []workflow.InboxItem, err error) {
		items, _, err = w.ListInbox(ctx, w.signerCaller(title, "SigningService/ListInbox"), 0, "")
		return items, err
	}, func(items []workflow.InboxItem) {
		got, want := map[int]int{}, map[int]int{} // revisions, by matter
		for _, it := range items {
			i := slices.IndexFunc(w.stories, func(s *story) bool { return s.id == it.ID })
			got[i] = w.stories[max(i, 0)].revision(it.Statement)
		}
		for i, s := range w.stories {
			if v := w.shownTo(title, s); v != nil {
				want[i] = v.revision
			}
		}
		w.same("inbox of "+title, got, want)
	})
}

// standing is how a request stands, as its requester sees it: nobody is told who voted
// how while it runs, nor when it was taken back.
func (w *walk) standing(p *petition) look {
	return seen(true, func() (*workflow.OpeningView, error) { return w.GetOpening(ctx, p.court.caller("GetOpening"), p.id) },
		func(v *workflow.OpeningView) {
			shown := 0
			if p.state != pending && p.state != withdrawn {
				shown = len(p.votes)
			}
			w.same("request", []any{v.State, v.Votes, len(v.Ballots), v.Reviewers, v.Release != ""},
				[]any{p.state, len(p.votes), shown, len(seats), p.state == released || p.state == wasRefused || p.state == collected})
		})
}

// toVoteOn are the requests that a reviewer is shown, and whether they have voted.
func (w *walk) toVoteOn(at [2]int) look {
	return seen(true, func() (items []workflow.ReviewItem, err error) {
		items, _, err = w.ListReviews(ctx, w.reviewerCaller(at[0], at[1], "ListReviews"), 0, "")
		return items, err
	}, func(items []workflow.ReviewItem) {
		got, want := map[int]bool{}, map[int]bool{}
		for _, it := range items {
			got[w.petition(it.ID)] = it.Voted
		}
		for i, p := range w.petitions {
			if p.state == pending {
				_, want[i] = p.votes[at]
			}
		}
		w.same("requests to vote on", got, want)
	})
}

// figures are what an administrator is told: drafts that are shown, undecided requests,
// and what is owed for the days before.
func (w *walk) figures() look {
	return seen(true, w.status, func(st *workflow.Status) {
		var drafts, openings, owed uint64
		for _, s := range w.stories {
			if s.shown != nil {
				drafts++
			}
		}
		for _, p := range w.petitions {
			if p.state == pending {
				openings++
			}
		}
		for _, p := range w.promises {
			if !p.kept && p.day.Before(today()) {
				owed++
			}
		}
		w.same("figures", []uint64{st.Drafts, st.Openings, st.Owed}, []uint64{drafts, openings, owed})
	})
}

// alike wants the same statements, in one order.
func (w *walk) alike(what string, got, want []string) {
	w.t.Helper()
	w.same(fmt.Sprintf("%d of %d %s", len(got), len(want), what), slices.Equal(got, want), true)
}
