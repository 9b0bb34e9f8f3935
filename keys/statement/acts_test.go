package statement_test

import (
	"strings"
	"testing"

	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/statement"
	"sigill/keys/vectors"
)

// change is what makes an act wrong in one field.
type change[T any] struct {
	field string
	set   func(*T)
	want  error
}

// TestAuthorActsRefused: every member that an author's act needs, and what
// cannot stand in it.
func TestAuthorActsRefused(t *testing.T) {
	check := func(what string, st, empty jws.Statement, field string, want error) {
		t.Helper()
		refuses(t, what+": "+field, st, empty, vectors.Ed25519(t, "author"), field, want)
	}
	for _, c := range []change[statement.Authorship]{
		{"authority", func(a *statement.Authorship) { a.Authority = "" }, jws.ErrMissing},
		{"author_key", func(a *statement.Authorship) { a.AuthorKey = ident.Digest{} }, jws.ErrMissing},
		{"draft", func(a *statement.Authorship) { a.Draft = ident.Digest{} }, jws.ErrMissing},
	} {
		a := newAuthorship(t)
		c.set(a)
		check("authorship", a, &statement.Authorship{}, c.field, c.want)
	}
	for _, c := range []change[statement.Dissent]{
		{"authority", func(d *statement.Dissent) { d.Authority = "" }, jws.ErrMissing},
		{"decision", func(d *statement.Dissent) { d.Decision = "" }, jws.ErrMissing},
		{"draft", func(d *statement.Dissent) { d.Draft = ident.Digest{} }, jws.ErrMissing},
		{"paragraphs", func(d *statement.Dissent) { d.Paragraphs = []string{"a", ""} }, jws.ErrMissing},
		{"paragraphs", func(d *statement.Dissent) { d.Paragraphs = []string{"a\nb"} }, jws.ErrCharacter},
	} {
		d := newDissent(t)
		c.set(d)
		check("dissent", d, &statement.Dissent{}, c.field, c.want)
	}
	for _, c := range []change[statement.Withdrawal]{
		{"authority", func(w *statement.Withdrawal) { w.Authority = "" }, jws.ErrMissing},
		{"decision", func(w *statement.Withdrawal) { w.Decision = "" }, jws.ErrMissing},
		{"draft", func(w *statement.Withdrawal) { w.Draft = ident.Digest{} }, jws.ErrMissing},
	} {
		w := newWithdrawal(t)
		c.set(w)
		check("withdrawal", w, &statement.Withdrawal{}, c.field, c.want)
	}
}

// TestActsRefused: the same for the signer's acts and the log's receipt.
func TestActsRefused(t *testing.T) {
	check := func(what string, st, empty jws.Statement, field string, want error) {
		t.Helper()
		refuses(t, what+": "+field, st, empty, vectors.Ed25519(t, "director"), field, want)
	}
	for _, c := range []change[statement.Return]{
		{"authority", func(r *statement.Return) { r.Authority = "" }, jws.ErrMissing},
		{"date", func(r *statement.Return) { r.Date = "" }, jws.ErrMissing},
		{"decision", func(r *statement.Return) { r.Decision = "" }, jws.ErrMissing},
		{"draft", func(r *statement.Return) { r.Draft = ident.Digest{} }, jws.ErrMissing},
		{"paragraphs", func(r *statement.Return) { r.Paragraphs = []string{"a\u2066b"} }, jws.ErrCharacter},
	} {
		r := newReturn(t)
		c.set(r)
		check("return", r, &statement.Return{}, c.field, c.want)
	}
	for _, c := range []change[statement.Abstention]{
		{"authority", func(a *statement.Abstention) { a.Authority = "" }, jws.ErrMissing},
		{"date", func(a *statement.Abstention) { a.Date = "" }, jws.ErrMissing},
		{"decision", func(a *statement.Abstention) { a.Decision = "" }, jws.ErrMissing},
		{"draft", func(a *statement.Abstention) { a.Draft = ident.Digest{} }, jws.ErrMissing},
	} {
		a := newAbstention(t)
		c.set(a)
		check("abstention", a, &statement.Abstention{}, c.field, c.want)
	}
	two := vectors.Sorted(2)
	for _, c := range []change[statement.Dispatch]{
		{"authority", func(d *statement.Dispatch) { d.Authority = "" }, jws.ErrMissing},
		{"date", func(d *statement.Dispatch) { d.Date = "" }, jws.ErrMissing},
		{"decision", func(d *statement.Dispatch) { d.Decision = "" }, jws.ErrMissing},
		{"statement", func(d *statement.Dispatch) { d.Statement = ident.Digest{} }, jws.ErrMissing},
		{"checkpoint", func(d *statement.Dispatch) { d.Checkpoint.Size = -1 }, jws.ErrValue},
		{"checkpoint", func(d *statement.Dispatch) { d.Checkpoint.Root = ident.Digest{} }, jws.ErrValue},
		{"dissents", func(d *statement.Dispatch) { d.Dissents = []ident.Digest{two[1], two[0]} }, jws.ErrValue},
		{"dissents", func(d *statement.Dispatch) { d.Dissents = []ident.Digest{two[0], two[0]} }, jws.ErrValue},
		{"dissents", func(d *statement.Dispatch) { d.Dissents = []ident.Digest{{}, two[0]} }, jws.ErrValue},
	} {
		d := newDispatch(t)
		c.set(d)
		check("dispatch", d, &statement.Dispatch{}, c.field, c.want)
	}
	for _, c := range []change[statement.Receipt]{
		{"authority", func(r *statement.Receipt) { r.Authority = "" }, jws.ErrMissing},
		{"decision", func(r *statement.Receipt) { r.Decision = "" }, jws.ErrMissing},
		{"statement", func(r *statement.Receipt) { r.Statement = ident.Digest{} }, jws.ErrMissing},
		{"entry", func(r *statement.Receipt) { r.Entry = ident.Digest{} }, jws.ErrMissing},
		{"received", func(r *statement.Receipt) { r.Received = "" }, jws.ErrMissing},
		{"due", func(r *statement.Receipt) { r.Due = "" }, jws.ErrValue},
		{"due", func(r *statement.Receipt) { r.Due = r.Received.AddDays(-1) }, jws.ErrValue},
	} {
		r := newReceipt(t)
		c.set(r)
		check("receipt", r, &statement.Receipt{}, c.field, c.want)
	}
	for _, c := range []change[statement.Recovery]{
		{"authority", func(r *statement.Recovery) { r.Authority = "" }, jws.ErrMissing},
		{"date", func(r *statement.Recovery) { r.Date = "" }, jws.ErrMissing},
		{"reason", func(r *statement.Recovery) { r.Reason = "Disken dog" }, jws.ErrValue},
		{"regained", func(r *statement.Recovery) { r.Regained.Root = ident.Digest{} }, jws.ErrValue},
		{"regained", func(r *statement.Recovery) { r.Regained.Size = 8 }, jws.ErrValue},
		{"regained", func(r *statement.Recovery) { r.Regained.Size = 9 }, jws.ErrValue},
		{"restored", func(r *statement.Recovery) { r.Restored.Size = -1 }, jws.ErrValue},
	} {
		r := newRecovery()
		c.set(r)
		check("recovery", r, &statement.Recovery{}, c.field, c.want)
	}
}

// list is n paragraphs of size bytes.
func list(n, size int) []string {
	out := []string{}
	for range n {
		out = append(out, text(size))
	}
	return out
}

func TestActsLimits(t *testing.T) {
	author := vectors.Ed25519(t, "author")
	dissent := func() *statement.Dissent { return newDissent(t) }
	for _, l := range []limit[statement.Dissent]{
		{"paragraphs", 1, 100, func(d *statement.Dissent, n int) { d.Paragraphs = list(n, 1) }, jws.ErrCount, jws.ErrCount},
		{"paragraphs", 1, 8 << 10, func(d *statement.Dissent, n int) { d.Paragraphs = list(1, n) }, jws.ErrMissing, jws.ErrLength},
		{"paragraphs", 1, 8 << 10, func(d *statement.Dissent, n int) { d.Paragraphs = append(list(n/1024, 1024), list(n%1024, 1)...) }, jws.ErrCount, jws.ErrLength},
	} {
		l.holds(t, dissent, author, false)
	}
	for _, l := range []limit[statement.Return]{
		{"paragraphs", 1, 100, func(r *statement.Return, n int) { r.Paragraphs = list(n, 1) }, jws.ErrCount, jws.ErrCount},
		{"paragraphs", 1, 8 << 10, func(r *statement.Return, n int) { r.Paragraphs = list(1, n) }, jws.ErrMissing, jws.ErrLength},
	} {
		l.holds(t, func() *statement.Return { return newReturn(t) }, author, false)
	}
	limit[statement.Dispatch]{"dissents", 0, statement.MaxDissents, func(d *statement.Dispatch, n int) { d.Dissents = vectors.Sorted(n) }, nil, jws.ErrCount}.
		holds(t, func() *statement.Dispatch { return newDispatch(t) }, author, false)
	limit[statement.Receipt]{"due", 0, statement.MaxOwed, func(r *statement.Receipt, n int) { r.Due = r.Received.AddDays(n) }, nil, jws.ErrValue}.
		holds(t, func() *statement.Receipt { return newReceipt(t) }, author, false)
}

// A dissent of ordinary Swedish at its longest fits into what the API carries.
func TestLongDissentFits(t *testing.T) {
	d := newDissent(t)
	d.Paragraphs = []string{strings.Repeat("Å", 4<<10)}
	if c, err := jws.Make(vectors.Ed25519(t, "author"), d); err != nil || len(c) > 16<<10 {
		t.Errorf("%d bytes, %v", len(c), err)
	}
}
