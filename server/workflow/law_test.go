package workflow_test

import (
	"strings"
	"testing"

	"sigill/keys/bundle"
	"sigill/keys/ident"
	"sigill/keys/order"
	"sigill/keys/record"
	"sigill/keys/statement"
	"sigill/server/workflow"
)

// TestLaw: what the law or the delegation order makes impossible is refused.
func TestLaw(t *testing.T) {
	h := newHouse(t)
	for _, row := range []struct {
		name   string
		kind   error
		reason string
		field  string
		edit   func(d *statement.Draft, r *record.Record)
	}{
		{"the Act of 2001", workflow.ErrInvalid, workflow.ReasonLaw, "statement.provisions.sfs", func(d *statement.Draft, _ *record.Record) { d.Provisions[0].SFS = statement.SoL2001 }},
		{"a type of another item", workflow.ErrState, workflow.ReasonOrder, "", func(d *statement.Draft, _ *record.Record) { d.Type = "lvu" }},
		{"a type reserved for the board", workflow.ErrState, workflow.ReasonOrder, "", func(d *statement.Draft, r *record.Record) {
			d.Type, d.Item, r.Decider.Item = "lvu", "9.1", "9.1"
		}},
		{"another item in the record", workflow.ErrInvalid, workflow.ReasonContradiction, "seal.record.DECIDER", func(_ *statement.Draft, r *record.Record) { r.Decider.Item = "9.1" }},
		{"a decider for the executive", workflow.ErrInvalid, workflow.ReasonField, "seal.record.DECIDER", func(d *statement.Draft, _ *record.Record) { d.Mode = record.ExecutiveDecides }},
		{"no bias declaration", workflow.ErrInvalid, workflow.ReasonField, "seal.record.BIAS_DECLARATION", func(_ *statement.Draft, r *record.Record) { r.BiasDeclaration.Declarations = []record.Bias{} }},
		{"no assessment", workflow.ErrInvalid, workflow.ReasonField, "seal.record.ASSESSMENT", func(_ *statement.Draft, r *record.Record) { r.Assessment.Omitted = []record.OmittedName{} }},
		{"another's commitment", workflow.ErrInvalid, workflow.ReasonContradiction, "statement.author", func(d *statement.Draft, _ *record.Record) {
			d.Author = record.AuthorCommitment(record.Nonce{1}, "https://idp.example", "sub-Bo Ek")
		}},
		{"another authority", workflow.ErrInvalid, workflow.ReasonField, "statement.authority", func(d *statement.Draft, _ *record.Record) { d.Authority = "202100-5489" }},
		{"another order", workflow.ErrState, workflow.ReasonSuperseded, "", func(d *statement.Draft, _ *record.Record) { d.Order.Digest[0] ^= 1 }},
		{"another set", workflow.ErrState, workflow.ReasonSuperseded, "", func(d *statement.Draft, _ *record.Record) { d.Set.Epoch = 2 }},
		{"a correction of nothing", workflow.ErrInvalid, workflow.ReasonContradiction, "statement.corrects", func(d *statement.Draft, _ *record.Record) {
			d.Corrects = &statement.Cite{Decision: ident.NewID(), Statement: ident.Digest{1}}
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			h.t = t
			a := h.author("Åsa Öberg")
			a.edit = row.edit
			no := a.refusedDraft(row.kind, row.reason, row.field)
			for _, word := range []string{"Bo Ek", "Öberg", "boek01", "SN2026"} {
				if strings.Contains(no.Error(), word) {
					t.Fatal("the refusal repeats what was written:", no)
				}
			}
		})
	}
}

// TestSocialServicesAct: the Act of the day on which it was drafted, and of the day
// of signing.
func TestSocialServicesAct(t *testing.T) {
	bubble(t, "2025-06-30T21:00:00Z", func(t *testing.T) { // 23:00 in Sweden
		h := newHouse(t)
		a := h.author("Åsa Öberg")
		a.refusedDraft(workflow.ErrInvalid, workflow.ReasonLaw, "statement.provisions.sfs")
		a.edit = func(d *statement.Draft, _ *record.Record) { d.Provisions[0].SFS = statement.SoL2001 }
		must(a.submit())
		sleepUntil("2025-06-30T22:00:00Z") // the first of July
		approval := h.approve(director, a.id)
		h.refuses(workflow.ErrInvalid, workflow.ReasonLaw, nothing, func() error { _, err := h.cosign(director, approval); return err })
		a.edit = nil
		must(a.submit())
		must(bundle.Verify(must(h.cosign(director, h.approve(director, a.id))), h.trust))
	})
}

func second[A, B any](_ A, _ B, err error) error { return err }

// TestSupersededWhileDrafted: what was sealed to a set or under an order that has
// been replaced is not signed; a revision is.
func TestSupersededWhileDrafted(t *testing.T) {
	h := newHouse(t)
	a := h.author("Åsa Öberg")
	must(a.submit())
	approval := h.approve(director, a.id)
	next := *h.order
	next.Version, next.Previous = 2, h.version.Digest
	must(h.publishOrder(&next))
	h.refuses(workflow.ErrState, workflow.ReasonSuperseded, byName, func() error { _, err := h.cosign(director, approval); return err })
	a.refusedDraft(workflow.ErrState, workflow.ReasonSuperseded, "")
	h.version = order.Version{Digest: must(order.Digest(&next)), Version: 2}
	must(a.submit())
	approval = h.approve(director, a.id)
	h.nextSet()
	h.refuses(workflow.ErrState, workflow.ReasonSuperseded, byName, func() error { _, err := h.cosign(director, approval); return err })
	must(a.submit())
	v := must(bundle.Verify(must(h.cosign(director, h.approve(director, a.id))), h.trust))
	h.same("epoch", v.Draft.Set.Epoch, 2)
}

// TestCorrection: a decision corrects or amends one that was signed, and names it.
func TestCorrection(t *testing.T) {
	h := newHouse(t)
	a := h.author("Åsa Öberg")
	v := h.sign(a)
	b := h.author("Bo Ek")
	b.earlier = a.last
	b.edit = func(d *statement.Draft, _ *record.Record) {
		d.Corrects = &statement.Cite{Decision: a.id, Statement: ident.Digest{1}}
	}
	b.refusedDraft(workflow.ErrInvalid, workflow.ReasonContradiction, "statement.corrects")
	b.edit = func(d *statement.Draft, _ *record.Record) {
		d.Corrects = &statement.Cite{Decision: a.id, Statement: v.Digest}
	}
	if got := h.sign(b); *got.Decision.Corrects != (statement.Cite{Decision: a.id, Statement: v.Digest}) {
		t.Fatal("the decision does not say what it corrects")
	}
	c := h.author("Cia Dahl").in("SN2026-3")
	must(c.submit())
	d := h.author("Dan Elm").in("SN2026-4")
	was := d.edit
	d.edit = func(f *statement.Draft, r *record.Record) {
		was(f, r)
		f.Amends = &statement.Cite{Decision: c.id, Statement: c.last[0]} // a draft is no decision
	}
	d.refusedDraft(workflow.ErrInvalid, workflow.ReasonContradiction, "statement.amends")
}

// TestCorrectionsLaw: a correction keeps the law of the day of the decision that it
// corrects, through corrections of corrections, at submission and at cosigning; an
// amendment does not.
func TestCorrectionsLaw(t *testing.T) {
	bubble(t, "2025-06-30T10:00:00Z", func(t *testing.T) {
		h := newHouse(t)
		// drafting is an author in a case of its own, under an Act, about an earlier one.
		drafting := func(reference, sfs string, about func(d *statement.Draft)) *author {
			a := h.author("Åsa Öberg").in(reference)
			was := a.edit
			a.edit = func(d *statement.Draft, r *record.Record) {
				was(d, r)
				d.Provisions[0].SFS = sfs
				if about != nil {
					about(d)
				}
			}
			return a
		}
		cite := func(v *bundle.Verdict) *statement.Cite {
			return &statement.Cite{Decision: v.Decision.Decision, Statement: v.Digest}
		}
		correcting := func(v *bundle.Verdict) func(d *statement.Draft) {
			return func(d *statement.Draft) { d.Corrects = cite(v) }
		}
		old := h.sign(drafting("SN2025-1", statement.SoL2001, nil))
		sleepUntil("2025-07-01T10:00:00Z")
		recent := h.sign(drafting("SN2025-2", statement.SoL2025, nil))
		corrected := h.sign(drafting("SN2025-3", statement.SoL2001, correcting(old)))
		h.sign(drafting("SN2025-4", statement.SoL2001, correcting(corrected)))
		h.sign(drafting("SN2025-5", statement.SoL2025, correcting(recent)))
		for name, a := range map[string]*author{
			"the new Act for the old decision":            drafting("SN2025-6", statement.SoL2025, correcting(old)),
			"the old Act for the new decision":            drafting("SN2025-6", statement.SoL2001, correcting(recent)),
			"the new Act for a correction of the old one": drafting("SN2025-6", statement.SoL2025, correcting(corrected)),
			"an amendment under the Act of before":        drafting("SN2025-6", statement.SoL2001, func(d *statement.Draft) { d.Amends = cite(old) }),
		} {
			t.Log(name)
			a.refusedDraft(workflow.ErrInvalid, workflow.ReasonLaw, "statement.provisions.sfs")
		}
		// Whoever signs what no submission let through is refused on the same ground.
		a := drafting("SN2025-6", statement.SoL2025, correcting(recent))
		must(a.submit())
		shown := must(h.look(director, a.id))
		was := a.edit
		a.edit = func(d *statement.Draft, r *record.Record) { was(d, r); d.Provisions[0].SFS = statement.SoL2001 }
		in, _ := a.submission()
		shown.Statement = in.Statement
		no := h.refuses(workflow.ErrInvalid, workflow.ReasonLaw, nothing, func() error { _, err := h.cosign(director, must(h.approval(director, shown))); return err })
		h.same("field", no.Field, "statement.provisions.sfs")
	})
}
