package client_test

import (
	"errors"
	"slices"
	"testing"

	"sigill/client"
	"sigill/keys/bundle"
	"sigill/keys/jws"
	"sigill/keys/opening"
	"sigill/keys/record"
	"sigill/keys/statement"
	sigillv1 "sigill/proto/sigill/v1"
)

// TestActs: who returns, abstains, dispatches, asks or votes holds what proves that the log
// took it; what the server gives for another act, or for none, is not believed.
func TestActs(t *testing.T) {
	ctx := t.Context()
	h := newHearing(t, record.SectionDecider)
	director, err := h.Signer("direktor", h.Director)
	must(err)
	var kept []*bundle.Act
	keep := func(a *bundle.Act) error { kept = append(kept, a); return nil }
	director.Acted, h.court.Acted = keep, keep
	read := func() *client.Case {
		_, own := drafted(ctx, h.Running)
		c, err := director.Read(ctx, own.Decision)
		must(err)
		return c
	}
	v, _, err := director.Bundle(ctx, h.own.Decision)
	must(err)
	must(director.Return(ctx, read(), []string{"Motivera tydligare."}))
	must(director.Abstain(ctx, read()))
	must(director.Dispatch(ctx, v))
	must(h.court.Send(ctx, h.asked)) // again: the same answer
	for i := 1; i <= 2; i++ {        // one refuses
		v, err := h.Reviewer(1, i)
		must(err)
		v.Acted = keep
		w, err := v.Get(ctx, h.asked.Opening)
		must(err)
		j := client.Judgement{Granted: w.Request.Sections}
		if i == 1 {
			j = client.Judgement{Refusal: &opening.Refusal{Basis: opening.BasisAuthenticity, Paragraphs: []string{"Begäran är inte domstolens."}, Provision: "6 kap. 3 § OSL"}}
		}
		_, err = v.Vote(ctx, w, j)
		must(err)
	}
	var typs []string
	for _, a := range kept {
		l, err := a.VerifySigned(h.Trust)
		if err != nil {
			t.Fatal(err)
		}
		typs = append(typs, l.Typ)
	}
	if !slices.Equal(typs, []string{statement.TypReturn, statement.TypAbstention, statement.TypDispatch, opening.TypRequest, opening.TypVote, opening.TypVote}) {
		t.Errorf("%q", typs)
	}

	first := kept[0]
	for name, lie := range map[string]func(l *sigillv1.Logged){
		"nothing": func(l *sigillv1.Logged) { l.Reset() },
		"another's": func(l *sigillv1.Logged) {
			l.Preimage, l.Proof, l.Tag = first.Preimage, bundle.JoinLines(first.Proof), first.Tag
		},
		"no tag":        func(l *sigillv1.Logged) { l.Tag = l.GetTag()[:15] },
		"another place": func(l *sigillv1.Logged) { l.Proof = bundle.JoinLines(first.Proof) },
	} {
		c, n := read(), len(kept)
		h.lie = func(reply any) {
			if r, ok := reply.(*sigillv1.ReturnDraftResponse); ok {
				lie(r.Logged)
			}
		}
		if err := director.Return(ctx, c, []string{"Motivera tydligare."}); !errors.Is(err, client.ErrActed) || len(kept) != n {
			t.Errorf("%s: %v, %d kept", name, err, len(kept)-n)
		}
		h.lie = func(any) {}
	}

	must(h.Stop())
	again, err := h.Authority.Start(ctx) // it publishes before it serves
	must(err)
	t.Cleanup(func() { again.Stop() })
	anyone, err := again.Session("")
	must(err)
	for i, a := range kept[:6] {
		was := a.Proof
		l, err := anyone.Prove(ctx, a)
		if err != nil || l.Typ != typs[i] || l.Pending || slices.Equal(a.Proof, was) {
			t.Errorf("%s: %v, %+v", typs[i], err, l)
		}
		if l, err := a.Verify(h.Trust); err != nil || l.Digest != jws.Digest(a.Statement) {
			t.Errorf("%s: %v", typs[i], err)
		}
	}
	spoilt := *kept[0]
	spoilt.Statement = kept[1].Statement
	if _, err := anyone.Prove(ctx, &spoilt); !errors.Is(err, bundle.ErrActEntry) {
		t.Errorf("another statement: %v", err)
	}
}
