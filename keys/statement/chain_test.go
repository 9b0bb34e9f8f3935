package statement_test

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/record"
	"sigill/keys/statement"
	"sigill/keys/vectors"
)

// parts are a decision, its approval and its draft before they are signed, so
// that each can say something else than the others.
type parts struct {
	draft                       *statement.Draft
	approval                    *statement.Approval
	decision                    *statement.Decision
	author, signer, institution *jws.Signer
	draftHeader                 jws.Option
	header                      jws.Option // of the decision
}

func newParts(t testing.TB) *parts {
	leaf := vectors.Digest("leaf")
	return &parts{newDraft(), newApproval(t), newDecision(t, "approval"), vectors.Ed25519(t, "author"), vectors.Ed25519(t, "director"), vectors.Ed25519(t, "institution"), jws.Embed(),
		func(h *jws.Header, _ *jws.Signer) { h.Iat, h.X5t = 1795169700, &leaf }}
}

// sign signs all three without checking what they say.
func (p *parts) sign(t testing.TB) string {
	t.Helper()
	sign := func(s *jws.Signer, st jws.Statement, o jws.Option) string {
		c, err := jws.Sign(s, st.Typ(), st, o)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	plain := func(*jws.Header, *jws.Signer) {}
	p.approval.Draft = sign(p.author, p.draft, p.draftHeader)
	p.decision.Approval = sign(p.signer, p.approval, plain)
	return sign(p.institution, p.decision, p.header)
}

func read(t testing.TB, compact string) (*statement.Chain, error) {
	institution := jws.Among(vectors.Ed25519(t, "institution").Public(), vectors.P256(t, "institution").Public())
	signers := jws.Among(vectors.Ed25519(t, "director").Public(), vectors.P256(t, "deputy").Public(), vectors.Ed25519(t, "author").Public())
	return statement.ReadDecision(compact, institution, signers)
}

func TestReadDecision(t *testing.T) {
	for _, file := range []string{"decision", "decision-es256"} {
		g := vectors.Golden(t, file)
		c, err := read(t, g["compact"])
		if err != nil {
			t.Fatal(file, err)
		}
		if !reflect.DeepEqual(&c.Draft, newDraft()) || !reflect.DeepEqual(&c.Approval, newApproval(t)) || vectors.Canonical(t, c.Decision) != g["payload"] {
			t.Errorf("%s: %+v", file, c)
		}
		if !c.AuthorKey.Equal(vectors.Ed25519(t, "author").Public()) || c.DraftDigest() != draftDigest(t) || vectors.Canonical(t, c.Header) != g["header"] {
			t.Errorf("%s: author key, draft digest or header", file)
		}
		if chain, err := c.Header.Certificates(); err != nil || len(chain) != 1 || ident.DateOf(time.Unix(c.Header.Iat, 0)) != c.Decision.Date {
			t.Errorf("%s: certificate: %v", file, err)
		}
		want := vectors.Ed25519(t, "director").Public()
		if file == "decision-es256" {
			want = vectors.P256(t, "deputy").Public()
		}
		if !c.SignerKey.Equal(want) {
			t.Errorf("%s: signer's key", file)
		}
	}
	if c, err := read(t, newParts(t).sign(t)); err != nil || c == nil {
		t.Fatal("what the table below starts from is not right:", err)
	}
}

// cite is another decision, or the same by another statement.
func cite(decision, stmt string) *statement.Cite {
	return &statement.Cite{Decision: vectors.ID(decision), Statement: vectors.Digest(stmt)}
}

// TestChain: whatever decision, approval and draft all say, they say alike.
func TestChain(t *testing.T) {
	type change struct {
		what string
		do   func(*parts)
	}
	changes := []change{
		{"decision: authority", func(p *parts) { p.decision.Authority = "202100-0019" }},
		{"decision: id", func(p *parts) { p.decision.Decision = vectors.ID("other") }},
		{"decision: core", func(p *parts) { p.decision.Core = vectors.Digest("other") }},
		{"decision: date", func(p *parts) { p.decision.Date = "2026-11-21" }},
		{"decision: year and date", func(p *parts) { p.decision.Date, p.decision.Year = "2027-11-20", 2027 }},
		{"decision: item", func(p *parts) { p.decision.Item = "3.2.2" }},
		{"decision: mode", func(p *parts) { p.decision.Mode = record.DelegateDecides }},
		{"decision: order version", func(p *parts) { p.decision.Order.Version = 4 }},
		{"decision: order digest", func(p *parts) { p.decision.Order.Digest = vectors.Digest("other") }},
		{"decision: record", func(p *parts) { p.decision.Record = vectors.Digest("other") }},
		{"decision: author", func(p *parts) { p.decision.Author = vectors.Digest("other") }},
		{"decision: amends what the draft does not", func(p *parts) { p.decision.Amends = cite("other", "other") }},
		{"decision: corrects what the draft does not", func(p *parts) { p.decision.Corrects = cite("other", "other") }},
		{"decision: amends nothing", func(p *parts) { p.draft.Amends = cite("other", "other") }},
		{"decision: corrects nothing", func(p *parts) { p.draft.Corrects = cite("other", "other") }},
		{"decision: amends another", func(p *parts) {
			p.draft.Amends, p.decision.Amends = cite("other", "other"), cite("third", "other")
		}},
		{"decision: amends another statement", func(p *parts) {
			p.draft.Amends, p.decision.Amends = cite("other", "other"), cite("other", "third")
		}},
		{"decision: corrects another", func(p *parts) {
			p.draft.Corrects, p.decision.Corrects = cite("other", "other"), cite("third", "other")
		}},
		{"decision: corrects what the draft amends", func(p *parts) {
			p.draft.Amends, p.decision.Corrects = cite("other", "other"), cite("other", "other")
		}},

		{"approval: authority", func(p *parts) { p.approval.Authority = "202100-0019" }},
		{"approval: id", func(p *parts) { p.approval.Decision = vectors.ID("other") }},
		{"approval: core", func(p *parts) { p.approval.Core = vectors.Digest("other") }},
		{"approval: date", func(p *parts) { p.approval.Date = "2026-11-19" }},
		{"approval: item", func(p *parts) { p.approval.Item = "3.2.2" }},
		{"approval: mode", func(p *parts) { p.approval.Mode, p.approval.Signer.Name = record.DelegateDecides, "" }},
		{"approval: order version", func(p *parts) { p.approval.Order.Version = 4 }},
		{"approval: order digest", func(p *parts) { p.approval.Order.Digest = vectors.Digest("other") }},
		{"approval: record", func(p *parts) { p.approval.Record = vectors.Digest("other") }},

		{"draft: authority", func(p *parts) { p.draft.Authority = "202100-0019" }},
		{"draft: id", func(p *parts) { p.draft.Decision = vectors.ID("other") }},
		{"draft: item", func(p *parts) { p.draft.Item = "3.2.2" }},
		{"draft: mode", func(p *parts) { p.draft.Mode = record.DelegateDecides }},
		{"draft: order version", func(p *parts) { p.draft.Order.Version = 4 }},
		{"draft: order digest", func(p *parts) { p.draft.Order.Digest = vectors.Digest("other") }},
		{"draft: author", func(p *parts) { p.draft.Author = vectors.Digest("other") }},

		{"the signer's key is the author's", func(p *parts) { p.signer = p.author }},
	}
	for _, c := range changes {
		p := newParts(t)
		c.do(p)
		if got, err := read(t, p.sign(t)); !errors.Is(err, statement.ErrChain) || got != nil {
			t.Errorf("%s: %v", c.what, err)
		}
	}
}

// TestLineage: a decision that amends or corrects another is read as that.
func TestLineage(t *testing.T) {
	p := newParts(t)
	p.draft.Amends, p.decision.Amends = cite("other", "other"), cite("other", "other")
	if c, err := read(t, p.sign(t)); err != nil || *c.Decision.Amends != *cite("other", "other") {
		t.Error("amends:", err)
	}
	p = newParts(t)
	p.draft.Corrects, p.decision.Corrects = cite("other", "other"), cite("other", "other")
	if c, err := read(t, p.sign(t)); err != nil || *c.Decision.Corrects != *cite("other", "other") {
		t.Error("corrects:", err)
	}
}

// TestChainKeys: each of the three is signed by a key of its own kind, and the
// decision says when and under which certificate.
func TestChainKeys(t *testing.T) {
	for _, c := range []struct {
		what string
		do   func(*parts)
		want error
	}{
		{"institution unknown", func(p *parts) { p.institution = vectors.Ed25519(t, "stranger") }, jws.ErrUnknownKey},
		{"decision by a signer", func(p *parts) { p.institution = p.signer }, jws.ErrUnknownKey},
		{"signer unknown", func(p *parts) { p.signer = vectors.Ed25519(t, "stranger") }, jws.ErrUnknownKey},
		{"approval by the institution", func(p *parts) { p.signer = p.institution }, jws.ErrUnknownKey},
		{"author key of P-256", func(p *parts) { p.author = vectors.P256(t, "author") }, jws.ErrAlgorithm},
		{"draft without its key", func(p *parts) { p.draftHeader = func(*jws.Header, *jws.Signer) {} }, jws.ErrFormat},
		{"no time", func(p *parts) {
			p.header = func(h *jws.Header, _ *jws.Signer) { d := vectors.Digest("leaf"); h.X5t = &d }
		}, jws.ErrMissing},
		{"no certificate", func(p *parts) { p.header = func(h *jws.Header, _ *jws.Signer) { h.Iat = 1795169700 } }, jws.ErrMissing},
	} {
		p := newParts(t)
		c.do(p)
		if got, err := read(t, p.sign(t)); !errors.Is(err, c.want) || got != nil {
			t.Errorf("%s: %v", c.what, err)
		}
	}
}

// TestInnerByteFlip: what the decision holds cannot be changed inside it by the
// institution either.
func TestInnerByteFlip(t *testing.T) {
	p := newParts(t)
	p.sign(t)
	plain := func(*jws.Header, *jws.Signer) {}
	for i := 0; i < len(p.approval.Draft); i += 7 {
		b := []byte(p.approval.Draft)
		b[i] ^= 1
		q := *p.approval
		q.Draft = string(b)
		approval, err := jws.Sign(p.signer, q.Typ(), &q, plain)
		if err != nil {
			continue // a character that no text can hold
		}
		d := *p.decision
		d.Approval = approval
		compact, err := jws.Sign(p.institution, d.Typ(), &d, p.header)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := read(t, compact); err == nil || got != nil {
			t.Errorf("byte %d of the draft changed: accepted", i)
		}
	}
	for i := 0; i < len(p.decision.Approval); i += 7 {
		b := []byte(p.decision.Approval)
		b[i] ^= 1
		d := *p.decision
		d.Approval = string(b)
		compact, err := jws.Sign(p.institution, d.Typ(), &d, p.header)
		if err != nil {
			continue
		}
		if got, err := read(t, compact); err == nil || got != nil {
			t.Errorf("byte %d of the approval changed: accepted", i)
		}
	}
}

// TestSignerName: the signer's name stands in the approval exactly when the
// signer decides and the notice shows it.
func TestSignerName(t *testing.T) {
	for _, mode := range []record.Mode{record.ExecutiveDecides, record.DelegateDecides, record.BoardDecides} {
		for _, shown := range []record.Treatment{record.Shown, record.Omitted} {
			for _, name := range []string{"", "Förnamn Efternamn"} {
				p := newParts(t)
				p.draft.Mode, p.approval.Mode, p.decision.Mode = mode, mode, mode
				if mode == record.BoardDecides {
					p.draft.Protocol = "SN § 1/2026"
				}
				p.draft.Names.Decider, p.approval.Signer.Name = shown, name
				c, err := read(t, p.sign(t))
				due := mode == record.ExecutiveDecides && shown == record.Shown
				if due == (name != "") {
					if err != nil || c.Approval.Signer.Name != name {
						t.Errorf("%s, %s, %q: %v", mode, shown, name, err)
					}
					continue
				}
				if c != nil {
					t.Errorf("%s, %s, %q: accepted", mode, shown, name)
				}
				vectors.Blames(t, string(mode), err, "signer.name", jws.ErrValue)
				out, err := jws.Make(p.signer, p.approval)
				vectors.Blames(t, string(mode)+" made", err, "signer.name", jws.ErrValue)
				if out != "" {
					t.Error("refused, and yet signed")
				}
			}
		}
	}
}

func TestApprovalRefused(t *testing.T) {
	other := func(change func(*statement.Draft)) string {
		d := newDraft()
		change(d)
		c, err := jws.Sign(vectors.Ed25519(t, "author"), d.Typ(), d, jws.Embed())
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	for _, c := range []struct {
		what   string
		change func(*statement.Approval)
		field  string
		want   error
	}{
		{"no authority", func(a *statement.Approval) { a.Authority = "" }, "authority", jws.ErrMissing},
		{"no date", func(a *statement.Approval) { a.Date = "" }, "date", jws.ErrMissing},
		{"no core", func(a *statement.Approval) { a.Core = ident.Digest{} }, "core", jws.ErrMissing},
		{"no record", func(a *statement.Approval) { a.Record = ident.Digest{} }, "record", jws.ErrMissing},
		{"negative checkpoint", func(a *statement.Approval) { a.Checkpoint.Size = -1 }, "checkpoint", jws.ErrValue},
		{"no root", func(a *statement.Approval) { a.Checkpoint.Root = ident.Digest{} }, "checkpoint", jws.ErrValue},
		{"not declared", func(a *statement.Approval) { a.Signer.Declared = "" }, "signer.declared", jws.ErrValue},
		{"declared biased", func(a *statement.Approval) { a.Signer.Declared = "BIASED" }, "signer.declared", jws.ErrValue},
		{"title with a bidi override", func(a *statement.Approval) { a.Signer.Title = "\u202e" }, "signer.title", jws.ErrCharacter},
		{"name with a tab", func(a *statement.Approval) { a.Signer.Name = "a\tb" }, "signer.name", jws.ErrCharacter},
		{"no decision", func(a *statement.Approval) { a.Decision = "" }, "draft", statement.ErrChain},
		{"no draft", func(a *statement.Approval) { a.Draft = "" }, "draft", jws.ErrFormat},
		{"a dissent for a draft", func(a *statement.Approval) { a.Draft = vectors.Golden(t, "dissent")["compact"] }, "draft", jws.ErrType},
		{"a draft that is wrong in itself", func(a *statement.Approval) { a.Draft = other(func(d *statement.Draft) { d.Title = "" }) }, "draft.title", jws.ErrMissing},
		{"another's draft", func(a *statement.Approval) {
			a.Draft = other(func(d *statement.Draft) { d.Decision = vectors.ID("other") })
		}, "draft", statement.ErrChain},
	} {
		a := newApproval(t)
		c.change(a)
		refuses(t, c.what, a, &statement.Approval{}, vectors.Ed25519(t, "director"), c.field, c.want)
	}
	fresh := func() *statement.Approval { return newApproval(t) }
	for _, l := range []limit[statement.Approval]{
		{"signer.title", 1, 100, func(a *statement.Approval, n int) { a.Signer.Title = text(n) }, jws.ErrMissing, jws.ErrLength},
		{"signer.name", 1, 200, func(a *statement.Approval, n int) { a.Signer.Name = text(n) }, jws.ErrValue, jws.ErrLength},
	} {
		l.holds(t, fresh, vectors.Ed25519(t, "director"), false)
	}
	a := fresh()
	for _, n := range []int64{0, 1<<53 - 1} {
		if a.Checkpoint.Size = n; a.Check() != nil {
			t.Errorf("a checkpoint of %d is refused", n)
		}
	}
}

func TestDecisionRefused(t *testing.T) {
	for _, c := range []struct {
		what   string
		change func(*statement.Decision)
		field  string
		want   error
	}{
		{"no authority", func(d *statement.Decision) { d.Authority = "" }, "authority", jws.ErrMissing},
		{"no decision", func(d *statement.Decision) { d.Decision = "" }, "decision", jws.ErrMissing},
		{"no date", func(d *statement.Decision) { d.Date = "" }, "date", jws.ErrMissing},
		{"number 0", func(d *statement.Decision) { d.Number = 0 }, "number", jws.ErrValue},
		{"number -1", func(d *statement.Decision) { d.Number = -1 }, "number", jws.ErrValue},
		{"another year", func(d *statement.Decision) { d.Year++ }, "year", jws.ErrValue},
		{"the year before", func(d *statement.Decision) { d.Year-- }, "year", jws.ErrValue},
	} {
		d := newDecision(t, "approval")
		c.change(d)
		refuses(t, c.what, d, &statement.Decision{}, vectors.Ed25519(t, "institution"), c.field, c.want)
	}
	d := newDecision(t, "approval")
	if d.Number = 1<<53 - 1; d.Check() != nil {
		t.Error("the last number that JSON holds is refused")
	}
	d.Number++
	if out, err := jws.Make(vectors.Ed25519(t, "institution"), d); !errors.Is(err, jws.ErrNumber) || out != "" {
		t.Errorf("a number of 2^53: %v", err)
	}
}

func TestFormatNumber(t *testing.T) {
	for want, n := range map[string]int64{"B-2026-000001": 1, "B-2026-004711": 4711, "B-2026-999999": 999999, "B-2026-1000000": 1000000} {
		if got := statement.FormatNumber(2026, n); got != want {
			t.Errorf("%d: %s", n, got)
		}
	}
}
