package workflow_test

import (
	"errors"
	"strings"
	"testing"

	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/record"
	"sigill/keys/statement"
	"sigill/server/workflow"
)

// refusedDraft wants the author's next revision refused.
func (a *author) refusedDraft(kind error, reason, field string) *workflow.Refusal {
	a.h.t.Helper()
	no := a.h.refuses(kind, reason, byDay, func() error { _, err := a.submit(); return err })
	a.h.same("field", no.Field, field)
	return no
}

// TestGuarded: who is left out of the notice is not named in it, nor in any other
// text of the statement; the refusal says where and never whom.
func TestGuarded(t *testing.T) {
	h := newHouse(t)
	const name = "Åsa Öberg-Lindström"
	for field, edit := range map[string]func(a *author, d *statement.Draft){
		"content":                       nil,
		"statement.title":               func(_ *author, d *statement.Draft) { d.Title = "Beslut av " + name },
		"statement.contact":             func(_ *author, d *statement.Draft) { d.Contact = "asa.oberg@exempelstad.example" },
		"statement.provisions[0].place": func(_ *author, d *statement.Draft) { d.Provisions[0].Place = "11 kap. 1 § " + name },
	} {
		a := h.author(name)
		if edit == nil {
			a.content = text + "\nHandläggare: Lindström-Oberg, asa O\u0308BERG\u00adlindström\n\nÅSA\nÖBERG-LINDSTRÖM\n"
		}
		a.edit = func(d *statement.Draft, _ *record.Record) {
			if edit != nil {
				edit(a, d)
			}
		}
		in, _ := a.submission()
		c := a.caller("SubmitDraft")
		c.Identity.Email = "asa.oberg@exempelstad.example"
		no := h.refuses(workflow.ErrInvalid, workflow.ReasonNamed, byDay, func() error { _, err := h.SubmitDraft(ctx, c, in); return err })
		h.same("field", no.Field, field)
		if field == "content" && no.Line < 13 || no.Line == 0 {
			t.Fatal("line", no.Line)
		}
		for _, word := range []string{"berg", "BERG", "Lindstr", "LINDSTR", "exempelstad"} {
			if strings.Contains(no.Error(), word) {
				t.Fatal("the refusal repeats the name:", no)
			}
		}
	}
	a := h.author(name)
	must(a.submit())
	no := h.refuses(workflow.ErrInvalid, workflow.ReasonNamed, byDay, func() error { _, err := a.dissent("Jag, " + name + ", är skiljaktig."); return err })
	h.same("field", no.Field, "statement.paragraphs")
	if len(must(a.get()).Dissents) != 0 {
		t.Fatal("a refused dissent is attached")
	}
	// A shown name may stand in the notice.
	b := h.author("Bo Ek").in("SN2026-2")
	b.content = text + "\nBeslutsfattare: Bo Ek\n"
	b.edit = func(d *statement.Draft, r *record.Record) {
		d.Names.Decider, d.Case, r.Assessment.Omitted = record.Shown, "SN2026-2", []record.OmittedName{}
	}
	must(b.submit())
}

// TestContent: the parts that 32 and 33 §§ FL ask for, the form, and that the text
// is the one that was signed (F10).
func TestContent(t *testing.T) {
	h := newHouse(t)
	for _, row := range []struct {
		name, content, reason, field string
		edit                         func(d *statement.Draft)
	}{
		{"no decision", strings.Replace(text, "# Beslut", "# Svar", 1), workflow.ReasonPartDecision, "content", nil},
		{"no reasons", strings.Replace(text, "Skäl för", "Om", 1), workflow.ReasonPartReasons, "content", nil},
		{"no appeal", strings.Replace(text, "Hur du överklagar", "Mer", 1), workflow.ReasonPartAppeal, "content", nil},
		{"three bare headings", "## Beslut\n\n## Skäl\n\n## Hur du överklagar\n", workflow.ReasonPartDecision, "content", nil},
		{"reasons without text", strings.Replace(text, "Behovet är styrkt.", "", 1), workflow.ReasonPartReasons, "content", nil},
		{"HTML", text + "<script>x</script>\n", workflow.ReasonMedia, "content", nil},
		{"control character", text + "\x07", workflow.ReasonMedia, "content", nil},
		{"another digest", text, workflow.ReasonContent, "content", func(d *statement.Draft) { d.Content.Digest[0] ^= 1 }},
		{"another length", text, workflow.ReasonContent, "content", func(d *statement.Draft) { d.Content.Size++ }},
	} {
		a := h.author("Åsa Öberg")
		a.content = row.content
		a.edit = func(d *statement.Draft, _ *record.Record) {
			if row.edit != nil {
				row.edit(d)
			}
		}
		no := a.refusedDraft(workflow.ErrInvalid, row.reason, row.field)
		h.same(row.name, no.Line, map[string]int{"three bare headings": 1, "reasons without text": 5, "HTML": 12, "control character": 12}[row.name])
	}
	for _, row := range []struct {
		name, content string
		edit          func(d *statement.Draft)
	}{
		{"nothing to appeal", strings.Replace(text, "Hur du överklagar", "Mer", 1), func(d *statement.Draft) { d.Appeal = statement.AppealNone }},
		{"reasons obvious", strings.Replace(text, "Skäl för", "Om", 1), func(d *statement.Draft) { d.Reasons = statement.ReasonsUnnecessary }},
		{"in bold", "**Beslut**\n\nJa.\n\n**Skäl:**\n\nX.\n\n**Hur du överklagar**\n\nY.\n", nil},
	} {
		a := h.author("Åsa Öberg")
		a.content = row.content
		a.edit = func(d *statement.Draft, _ *record.Record) {
			d.Case = "SN2026-" + ident.Sum(row.name).String()[:6]
			d.Case = statement.NormalCase(strings.NewReplacer("_", "A", "-", "B").Replace(d.Case))
			if row.edit != nil {
				row.edit(d)
			}
		}
		if _, err := a.submit(); err != nil {
			t.Fatal(row.name, err)
		}
	}
}

// unchecked is a submission whose statement breaks its own rules.
func (a *author) unchecked(edit func(d *statement.Draft)) workflow.Submission {
	in, d := a.submission0()
	edit(d)
	in.Statement = must(jws.Sign(a.key, statement.TypDraft, d, jws.Embed()))
	return in
}

// TestEarlier: a draft cites all drafts of its case that were accepted before its
// own first revision, each by its last; the refusal lists them.
func TestEarlier(t *testing.T) {
	h := newHouse(t)
	first, second, third := h.author("Åsa Öberg"), h.author("Bo Ek"), h.author("Cia Dahl")
	must(first.submit())
	no := second.refusedDraft(workflow.ErrState, workflow.ReasonEarlier, "")
	h.same("due", no.Digests, []ident.Digest{first.last[0]})
	second.earlier = no.Digests
	must(second.submit())
	// The first is revised and withdrawn: it stays, by its last revision.
	must(first.submit())
	must(first.withdraw())
	third.earlier = []ident.Digest{first.last[0], second.last[0]}
	statement.SortEarlier(third.earlier)
	no = third.refusedDraft(workflow.ErrState, workflow.ReasonEarlier, "")
	want := []ident.Digest{first.last[1], second.last[0]}
	statement.SortEarlier(want)
	h.same("due", no.Digests, want)
	third.earlier = want
	must(third.submit())
	// A revision answers for what came before its own first one: by the last
	// revisions, and never for the third.
	no = second.refusedDraft(workflow.ErrState, workflow.ReasonEarlier, "")
	h.same("due", no.Digests, []ident.Digest{first.last[1]})
	second.earlier = no.Digests
	must(second.submit())
	// Citing too much is no better than too little; another case owes nothing.
	fourth := h.author("Dan Elm").in("SN2026-00418")
	fourth.earlier = []ident.Digest{first.last[1]}
	no = fourth.refusedDraft(workflow.ErrState, workflow.ReasonEarlier, "")
	h.same("due", len(no.Digests), 0)
	fourth.earlier = nil
	must(fourth.submit())
}

// TestCaseForm: a reference in another form is another reference to nobody.
func TestCaseForm(t *testing.T) {
	h := newHouse(t)
	must(h.author("Åsa Öberg").submit())
	for _, reference := range []string{"sn2026-00417", "SN2026-00417 ", "SN 2026-00417", "SN2026\u201100417", "SN2026-00417\u200b", "ЅN2026-00417"} {
		a := h.author("Bo Ek")
		in, c := a.unchecked(func(d *statement.Draft) { d.Case = reference }), a.caller("SubmitDraft")
		no := h.refuses(workflow.ErrInvalid, workflow.ReasonField, byDay, func() error { _, err := h.SubmitDraft(ctx, c, in); return err })
		h.same("field", no.Field, "statement.case")
	}
}

// TestLineage: a revision is the next one and cites the one before; the case, like
// the author, stays.
func TestLineage(t *testing.T) {
	h := newHouse(t)
	a := h.author("Åsa Öberg")
	a.last = []ident.Digest{{1}} // as if there were a first
	in, _ := a.submission()
	h.refuses(workflow.ErrInvalid, workflow.ReasonRevision, byDay, func() error { _, err := h.SubmitDraft(ctx, a.caller("SubmitDraft"), in); return err })
	h.refuses(workflow.ErrNotFound, workflow.ReasonAbsent, nothing, func() error { _, err := h.ReviseDraft(ctx, a.caller("ReviseDraft"), in); return err })
	a.last = nil
	must(a.submit())
	for name, edit := range map[string]func(d *statement.Draft){
		"the first again":   func(d *statement.Draft) { d.Revision, d.Previous = 1, ident.Digest{} },
		"one left out":      func(d *statement.Draft) { d.Revision = 3 },
		"another before it": func(d *statement.Draft) { d.Previous[0] ^= 1 },
	} {
		a.edit = func(d *statement.Draft, _ *record.Record) { edit(d) }
		in, _ := a.submission()
		no := h.refuses(workflow.ErrStale, workflow.ReasonRevision, byDay, func() error { _, err := h.ReviseDraft(ctx, a.caller("ReviseDraft"), in); return err })
		h.same(name, no.Field, "")
	}
	a.edit = func(d *statement.Draft, _ *record.Record) { d.Case = "SN2026-00999" }
	a.refusedDraft(workflow.ErrInvalid, workflow.ReasonContradiction, "statement.case")
	a.edit = nil
	must(a.submit())
	h.same("revision", len(a.last), 2)
}

// TestHostile: statements that are none, or hold nothing, are refused before they
// reach a matter, and no call panics.
func TestHostile(t *testing.T) {
	h := newHouse(t)
	a := h.author("Åsa Öberg")
	must(a.submit())
	in, d := a.submission()
	empty := func(key *jws.Signer, typ string) string {
		return must(jws.Sign(key, typ, &struct {
			Decision string `json:"decision"`
		}{"x"}))
	}
	for _, s := range []string{"", ".", "..", "a.b.c", strings.Repeat("A", 300<<10), in.Statement + "A", in.Statement[:len(in.Statement)-3],
		empty(a.key, statement.TypDissent), empty(h.signers[director], statement.TypApproval), empty(h.signers[director], statement.TypReturn)} {
		before := h.rows()
		_, err1 := h.ReviseDraft(ctx, a.caller("ReviseDraft"), workflow.Submission{Statement: s})
		_, err2 := h.AttachDissent(ctx, a.caller("AttachDissent"), s)
		_, err3 := h.WithdrawDraft(ctx, a.caller("WithdrawDraft"), s)
		_, err4 := h.cosign(director, s)
		_, err5 := h.ReturnDraft(ctx, h.signerCaller(director, "SigningService/ReturnDraft"), s)
		_, err6 := h.AbstainFromDecision(ctx, h.signerCaller(director, "SigningService/AbstainFromDecision"), s)
		_, err7 := h.DispatchDecision(ctx, h.signerCaller(director, "SigningService/DispatchDecision"), s)
		for i, err := range []error{err1, err2, err3, err4, err5, err6, err7} {
			if !errors.Is(err, workflow.ErrInvalid) {
				t.Fatal(i+1, err)
			}
		}
		if got := changed(before, h.rows()); len(got) != 0 {
			t.Fatal("what is malformed left", got)
		}
	}
	// The form of a submission is checked whatever is missing.
	for name, broken := range map[string]func(in *workflow.Submission){
		"no record":      func(in *workflow.Submission) { in.Record = [record.Stated][]byte{} },
		"no authorship":  func(in *workflow.Submission) { in.Authorship = "" },
		"another seed":   func(in *workflow.Submission) { in.Seed[0] ^= 1 },
		"another record": func(in *workflow.Submission) { in.Record[2] = []byte(`{"persons":[]} `) },
		"no content":     func(in *workflow.Submission) { in.Content = nil },
	} {
		bad := in
		broken(&bad)
		h.refuses(workflow.ErrInvalid, reasonOf(t, func() error { _, err := h.ReviseDraft(ctx, a.caller("ReviseDraft"), bad); return err }), byDay,
			func() error { _, err := h.ReviseDraft(ctx, a.caller("ReviseDraft"), bad); return err })
		_ = name
	}
	if d.Revision != 2 {
		t.Fatal("not the revision that was tried")
	}
	h.same("revision", must(a.get()).State, 1)
}

func reasonOf(t *testing.T, call func() error) string {
	t.Helper()
	r := (*workflow.Refusal)(nil)
	if err := call(); !errors.As(err, &r) {
		t.Fatal("no refusal:", err)
	}
	return r.Reason
}
