package statement_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/order"
	"sigill/keys/record"
	"sigill/keys/statement"
	"sigill/keys/vectors"
)

// refuses checks that a statement is not made, with the field and reason named,
// and not read when it was signed all the same.
func refuses(t *testing.T, what string, st, empty jws.Statement, key *jws.Signer, field string, want error) {
	t.Helper()
	out, err := jws.Make(key, st)
	vectors.Blames(t, what, err, field, want)
	if out != "" {
		t.Errorf("%s: refused, and yet signed", what)
	}
	for _, embed := range []bool{false, true} {
		k := kind{key: key, embed: embed}
		if c, err := jws.Sign(key, st.Typ(), st, k.opts()...); err == nil {
			if h, err := k.read(c, empty); err == nil || !reflect.DeepEqual(h, jws.Header{}) {
				t.Errorf("%s: read", what)
			}
		}
	}
}

// text is a text of n bytes with a letter of two.
func text(n int) string {
	if n < 2 {
		return strings.Repeat("x", n)
	}
	return "å" + strings.Repeat("x", n-2)
}

func TestDraftRefused(t *testing.T) {
	for _, c := range []struct {
		what   string
		change func(*statement.Draft)
		field  string
		want   error
	}{
		{"no authority", func(d *statement.Draft) { d.Authority = "" }, "authority", jws.ErrMissing},
		{"no decision", func(d *statement.Draft) { d.Decision = "" }, "decision", jws.ErrMissing},
		{"no author commitment", func(d *statement.Draft) { d.Author = ident.Digest{} }, "author", jws.ErrMissing},
		{"order version 0", func(d *statement.Draft) { d.Order.Version = 0 }, "order", jws.ErrMissing},
		{"no order digest", func(d *statement.Draft) { d.Order.Digest = ident.Digest{} }, "order", jws.ErrMissing},
		{"epoch 0", func(d *statement.Draft) { d.Set.Epoch = 0 }, "set", jws.ErrMissing},
		{"epoch of 2^31", func(d *statement.Draft) { d.Set.Epoch = order.MaxEpoch + 1 }, "set", jws.ErrMissing},
		{"no set digest", func(d *statement.Draft) { d.Set.Digest = ident.Digest{} }, "set", jws.ErrMissing},
		{"decider unsaid", func(d *statement.Draft) { d.Names.Decider = "" }, "names.decider", jws.ErrValue},
		{"presenter hidden", func(d *statement.Draft) { d.Names.Presenter = "hidden" }, "names.presenter", jws.ErrValue},
		{"participants Shown", func(d *statement.Draft) { d.Names.Participants = "Shown" }, "names.participants", jws.ErrValue},
		{"unlawful mode", func(d *statement.Draft) { d.Mode = "DIRECTOR_SHOWN" }, "mode", record.ErrMode},
		{"no mode", func(d *statement.Draft) { d.Mode = "" }, "mode", record.ErrMode},
		{"board without protocol", func(d *statement.Draft) { d.Mode = record.BoardDecides }, "protocol", jws.ErrValue},
		{"protocol without board", func(d *statement.Draft) { d.Protocol = "§ 1" }, "protocol", jws.ErrValue},
		{"no appeal", func(d *statement.Draft) { d.Appeal = "" }, "appeal", jws.ErrValue},
		{"other appeal", func(d *statement.Draft) { d.Appeal = "NONE" }, "appeal", jws.ErrValue},
		{"no reasons", func(d *statement.Draft) { d.Reasons = "" }, "reasons", jws.ErrValue},
		{"other reasons", func(d *statement.Draft) { d.Reasons = "OMITTED" }, "reasons", jws.ErrValue},
		{"HTML", func(d *statement.Draft) { d.Content.Media = "text/html" }, "content.media", jws.ErrValue},
		{"media with a parameter", func(d *statement.Draft) { d.Content.Media = "text/plain; charset=utf-8" }, "content.media", jws.ErrValue},
		{"no content digest", func(d *statement.Draft) { d.Content.Digest = ident.Digest{} }, "content.digest", jws.ErrMissing},
		{"empty commitment", func(d *statement.Draft) { d.Commitments[5] = ident.Digest{} }, "commitments", jws.ErrMissing},
		{"five commitments", func(d *statement.Draft) { d.Commitments = d.Commitments[:5] }, "commitments", jws.ErrCount},
		{"seven commitments", func(d *statement.Draft) { d.Commitments = append(d.Commitments, vectors.Digest("x")) }, "commitments", jws.ErrCount},
		{"no statute number", func(d *statement.Draft) { d.Provisions[0].SFS = "" }, "provisions.sfs", jws.ErrValue},
		{"statute by name", func(d *statement.Draft) { d.Provisions[1].SFS = "SoL" }, "provisions.sfs", jws.ErrValue},
		{"statute of year 3025", func(d *statement.Draft) { d.Provisions[1].SFS = "3025:400" }, "provisions.sfs", jws.ErrValue},
		{"statute with a line feed", func(d *statement.Draft) { d.Provisions[1].SFS = "2017:900\n" }, "provisions.sfs", jws.ErrValue},
		{"second revision without the first", func(d *statement.Draft) { d.Revision = 2 }, "revision", jws.ErrValue},
		{"first revision of another", func(d *statement.Draft) { d.Previous = vectors.Digest("p") }, "revision", jws.ErrValue},
		{"earlier unsorted", func(d *statement.Draft) { e := vectors.Sorted(2); d.Earlier = []ident.Digest{e[1], e[0]} }, "earlier", jws.ErrValue},
		{"earlier twice", func(d *statement.Draft) { e := vectors.Sorted(1); d.Earlier = []ident.Digest{e[0], e[0]} }, "earlier", jws.ErrValue},
		{"earlier empty digest", func(d *statement.Draft) { d.Earlier = []ident.Digest{{}} }, "earlier", jws.ErrValue},
		{"amends itself", func(d *statement.Draft) {
			d.Amends = &statement.Cite{Decision: d.Decision, Statement: vectors.Digest("x")}
		}, "amends", jws.ErrValue},
		{"amends no statement", func(d *statement.Draft) { d.Amends = &statement.Cite{Decision: vectors.ID("other")} }, "amends", jws.ErrValue},
		{"corrects itself", func(d *statement.Draft) {
			d.Corrects = &statement.Cite{Decision: d.Decision, Statement: vectors.Digest("x")}
		}, "corrects", jws.ErrValue},
		{"corrects nothing", func(d *statement.Draft) { d.Corrects = &statement.Cite{Statement: vectors.Digest("x")} }, "corrects", jws.ErrValue},
		{"amends and corrects", func(d *statement.Draft) {
			d.Amends = &statement.Cite{Decision: vectors.ID("other"), Statement: vectors.Digest("x")}
			d.Corrects = &statement.Cite{Decision: vectors.ID("other"), Statement: vectors.Digest("x")}
		}, "corrects", jws.ErrValue},
		{"case in lower case", func(d *statement.Draft) { d.Case = "sn2026-0117" }, "case", statement.ErrReference},
		{"case with a space", func(d *statement.Draft) { d.Case = "SN 2026-0117" }, "case", statement.ErrReference},
		{"case with a no-break space", func(d *statement.Draft) { d.Case = "SN\u00a02026-0117" }, "case", statement.ErrReference},
		{"case in NFD", func(d *statement.Draft) { d.Case = "A\u030a1" }, "case", statement.ErrReference},
		{"case with a zero-width space", func(d *statement.Draft) { d.Case = "SN2026\u200b-0117" }, "case", statement.ErrReference},
		{"case with a soft hyphen", func(d *statement.Draft) { d.Case = "SN2026-\u00ad0117" }, "case", statement.ErrReference},
		{"case with another hyphen", func(d *statement.Draft) { d.Case = "SN2026\u20110117" }, "case", statement.ErrReference},
		{"case with a Cyrillic S", func(d *statement.Draft) { d.Case = "\u0405N2026-0117" }, "case", statement.ErrReference},
		{"case with a full-width digit", func(d *statement.Draft) { d.Case = "SN2026-011\uff17" }, "case", statement.ErrReference},
		{"case with a ligature", func(d *statement.Draft) { d.Case = "\u0132SN-1" }, "case", statement.ErrReference},
		{"case with a bidi override", func(d *statement.Draft) { d.Case = "SN\u202e2026" }, "case", jws.ErrCharacter},
		{"title with a bidi override", func(d *statement.Draft) { d.Title = "a\u202eb" }, "title", jws.ErrCharacter},
		{"type with a line feed", func(d *statement.Draft) { d.Type = "a\nb" }, "type", jws.ErrCharacter},
		{"item with a line separator", func(d *statement.Draft) { d.Item = "a\u2028" }, "item", jws.ErrCharacter},
		{"contact that is no UTF-8", func(d *statement.Draft) { d.Contact = "a\xff" }, "contact", jws.ErrCharacter},
		{"protocol with a NUL", func(d *statement.Draft) { d.Protocol = "a\x00" }, "protocol", jws.ErrCharacter},
		{"place with a DEL", func(d *statement.Draft) { d.Provisions[0].Place = "a\x7f" }, "provisions.place", jws.ErrCharacter},
	} {
		d := newDraft()
		c.change(d)
		refuses(t, c.what, d, &statement.Draft{}, vectors.Ed25519(t, "author"), c.field, c.want)
	}
}

// limit is a member that can be of any size from min to max.
type limit[T any] struct {
	field    string
	min, max int
	set      func(st *T, n int)
	below    error // what too little is
	above    error // what too much is
}

// holds checks a limit at min−1, min, max and max+1.
func (l limit[T]) holds(t *testing.T, fresh func() *T, key *jws.Signer, embed bool) {
	t.Helper()
	for _, n := range []int{l.min - 1, l.min, l.max, l.max + 1} {
		st := fresh()
		if n < 0 {
			continue
		}
		l.set(st, n)
		p := any(st).(jws.Statement)
		empty := any(new(T)).(jws.Statement)
		switch {
		case n < l.min:
			refuses(t, l.field+" below", p, empty, key, l.field, l.below)
		case n > l.max:
			refuses(t, l.field+" above", p, empty, key, l.field, l.above)
		default:
			k := kind{key: key, embed: embed}
			c, err := jws.Make(key, p, k.opts()...)
			if err != nil {
				t.Errorf("%s of %d: %v", l.field, n, err)
				continue
			}
			if _, err := k.read(c, empty); err != nil || !reflect.DeepEqual(empty, p) {
				t.Errorf("%s of %d, read: %v", l.field, n, err)
			}
		}
	}
}

func TestDraftLimits(t *testing.T) {
	for _, l := range []limit[statement.Draft]{
		{"title", 1, 200, func(d *statement.Draft, n int) { d.Title = text(n) }, jws.ErrMissing, jws.ErrLength},
		{"type", 1, 64, func(d *statement.Draft, n int) { d.Type = text(n) }, jws.ErrMissing, jws.ErrLength},
		{"item", 1, 32, func(d *statement.Draft, n int) { d.Item = text(n) }, jws.ErrMissing, jws.ErrLength},
		{"contact", 1, 300, func(d *statement.Draft, n int) { d.Contact = text(n) }, jws.ErrMissing, jws.ErrLength},
		{"protocol", 1, 100, func(d *statement.Draft, n int) { d.Mode, d.Protocol = record.BoardDecides, text(n) }, jws.ErrValue, jws.ErrLength},
		{"case", 1, 64, func(d *statement.Draft, n int) { d.Case = strings.ToUpper(text(n)) }, jws.ErrMissing, jws.ErrLength},
		{"content.size", 1, statement.MaxContent, func(d *statement.Draft, n int) { d.Content.Size = n }, jws.ErrLength, jws.ErrLength},
		{"revision", 1, 1000, func(d *statement.Draft, n int) {
			if d.Revision = n; n > 1 {
				d.Previous = vectors.Digest("previous")
			}
		}, jws.ErrValue, jws.ErrValue},
		{"provisions", 1, 20, func(d *statement.Draft, n int) {
			d.Provisions = []statement.Provision{}
			for range n {
				d.Provisions = append(d.Provisions, statement.Provision{Place: "1 §", SFS: "2017:900"})
			}
		}, jws.ErrCount, jws.ErrCount},
		{"provisions.place", 1, 80, func(d *statement.Draft, n int) { d.Provisions[1].Place = text(n) }, jws.ErrMissing, jws.ErrLength},
		{"earlier", 1, statement.MaxEarlier, func(d *statement.Draft, n int) {
			if d.Earlier = nil; n > 0 {
				d.Earlier = vectors.Sorted(n)
			}
		}, nil, jws.ErrCount},
	} {
		if l.field == "earlier" {
			l.min = 0
		}
		l.holds(t, newDraft, vectors.Ed25519(t, "author"), true)
	}
}

// TestLargestDraft: the largest draft that is allowed fits into what the API
// carries, 16 KiB.
func TestLargestDraft(t *testing.T) {
	q := func(n int) string { return strings.Repeat(`"`, n) } // the longest in JSON
	d := fullDraft()
	d.Earlier, d.Revision = vectors.Sorted(statement.MaxEarlier), 1000
	d.Title, d.Type, d.Item, d.Contact, d.Protocol, d.Case = q(200), q(64), q(32), q(300), q(100), q(64)
	d.Order.Version, d.Set.Epoch, d.Content.Size = 1<<53-1, order.MaxEpoch, statement.MaxContent
	d.Provisions = nil
	for range 20 {
		d.Provisions = append(d.Provisions, statement.Provision{Place: q(80), SFS: "2025:4000"})
	}
	c, err := jws.Make(vectors.Ed25519(t, "author"), d, jws.Embed())
	if err != nil || len(c) > 16<<10 {
		t.Fatalf("%d bytes, %v", len(c), err)
	}
	if got := new(statement.Draft); func() error { _, err := jws.ReadEmbedded(c, got); return err }() != nil || !reflect.DeepEqual(got, d) {
		t.Fatal("the largest draft is not read")
	}
}

// TestLawful: every provision is right for one day. Of a correction alone nobody
// can say which, but that it is not after its own.
func TestLawful(t *testing.T) {
	const before, turn, after = ident.Date("2025-06-30"), ident.Date("2025-07-01"), ident.Date("2026-11-20")
	for _, c := range []struct {
		sfs      []string
		on       ident.Date
		corrects bool
		ok       bool
	}{
		{[]string{statement.SoL2001, "2017:900"}, before, false, true},
		{[]string{"2017:900", statement.SoL2025}, before, false, false},
		{[]string{statement.SoL2001}, turn, false, false},
		{[]string{statement.SoL2025}, turn, false, true},
		{[]string{statement.SoL2001, statement.SoL2025}, after, false, false},
		{[]string{statement.SoL2001}, before, true, true},
		{[]string{statement.SoL2025}, before, true, false}, // of what could it be the law?
		{[]string{statement.SoL2001, "2017:900"}, turn, true, true},
		{[]string{statement.SoL2001}, after, true, true},
		{[]string{statement.SoL2025}, after, true, true},
		{[]string{statement.SoL2025, statement.SoL2001}, after, true, false},
		{[]string{statement.SoL2001, statement.SoL2025}, after, true, false},
	} {
		d := newDraft()
		d.Provisions = nil
		for _, s := range c.sfs {
			d.Provisions = append(d.Provisions, statement.Provision{Place: "1 §", SFS: s})
		}
		if c.corrects {
			d.Corrects = &statement.Cite{Decision: vectors.ID("other"), Statement: vectors.Digest("other")}
		}
		if err := d.LawfulAlone(c.on); (err == nil) != c.ok || err != nil && !errors.Is(err, statement.ErrProvision) {
			t.Errorf("%v on %s, a correction: %v: %v", c.sfs, c.on, c.corrects, err)
		}
	}
}

func TestInForce(t *testing.T) {
	for _, c := range []struct {
		sfs string
		on  ident.Date
		ok  bool
	}{
		{statement.SoL2001, "2025-06-30", true}, {statement.SoL2001, "2025-07-01", false}, {statement.SoL2001, "2026-11-20", false},
		{statement.SoL2025, "2025-06-30", false}, {statement.SoL2025, "2025-07-01", true}, {statement.SoL2025, "2026-11-20", true},
		{"2017:900", "2018-07-01", true}, {"2017:900", "2026-11-20", true}, {"1990:52", "2026-11-20", true},
	} {
		err := statement.Provision{Place: "1 §", SFS: c.sfs}.InForce(c.on)
		if c.ok && err != nil {
			t.Errorf("%s on %s: %v", c.sfs, c.on, err)
		} else if !c.ok {
			vectors.Blames(t, c.sfs+" on "+string(c.on), err, "sfs", statement.ErrProvision)
		}
	}
}

func TestNormalCase(t *testing.T) {
	for in, want := range map[string]string{
		"SN 2026-0117": "SN2026-0117", " sn2026-0117\t": "SN2026-0117", "a\u030a 1": "Å1", "Å1": "Å1",
		"sn\u00a02026\u20030117": "SN20260117", "": "", "\n": "",
	} {
		if got := statement.NormalCase(in); got != want {
			t.Errorf("%q: %q", in, got)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.String().Draw(t, "reference")
		once := statement.NormalCase(s)
		if twice := statement.NormalCase(once); twice != once {
			t.Fatalf("%q: %q, then %q", s, once, twice)
		}
		if spaced := statement.NormalCase(" " + s + "\u00a0"); spaced != once {
			t.Fatalf("%q: %q with spaces, %q without", s, spaced, once)
		}
	})
}

func TestContentFits(t *testing.T) {
	c := newDraft().Content
	if err := c.Fits([]byte(content)); err != nil {
		t.Fatal(err)
	}
	for i := range content {
		b := []byte(content)
		b[i] ^= 1
		if err := c.Fits(b); !errors.Is(err, statement.ErrContent) {
			t.Errorf("byte %d changed: %v", i, err)
		}
	}
	for _, s := range []string{"", content + "\n", content[:len(content)-1]} {
		if err := c.Fits([]byte(s)); !errors.Is(err, statement.ErrContent) {
			t.Errorf("%d bytes: %v", len(s), err)
		}
	}
	c.Size++
	if err := c.Fits([]byte(content)); !errors.Is(err, statement.ErrContent) {
		t.Errorf("another size: %v", err)
	}
}

// TestFreeTexts: every text of a draft in which a name could be written is shown
// to the guard; of the others each is one of a few words.
func TestFreeTexts(t *testing.T) {
	d := fullDraft()
	want := map[string]string{"title": d.Title, "contact": d.Contact, "case": d.Case, "type": d.Type, "item": d.Item, "protocol": d.Protocol,
		"provisions[0].place": d.Provisions[0].Place, "provisions[1].place": d.Provisions[1].Place}
	got := map[string]string{}
	for _, f := range d.FreeTexts() {
		got[f.Field] = f.Text
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%v", got)
	}
	closed := map[string]bool{"Appeal": true, "Authority": true, "Decision": true, "Mode": true, "Reasons": true}
	for i := range reflect.TypeFor[statement.Draft]().NumField() {
		f := reflect.TypeFor[statement.Draft]().Field(i)
		if f.Type.Kind() != reflect.String || closed[f.Name] {
			continue
		}
		if _, ok := got[f.Tag.Get("json")]; !ok && f.Name != "Protocol" {
			t.Errorf("%s is a free text that the guard does not see", f.Name)
		}
	}
}
