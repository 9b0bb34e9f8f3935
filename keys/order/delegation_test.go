package order_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/order"
	"sigill/keys/record"
	"sigill/keys/vectors"
)

// wrong is a change that makes a document wrong in one field.
type wrong[T any] struct {
	what  string
	do    func(*T)
	field string
	want  error
}

// refused checks that a wrong document is neither signed nor, signed all the
// same, read.
func refused[T any](t *testing.T, fresh func() *T, list []wrong[T]) {
	t.Helper()
	for _, w := range list {
		v := fresh()
		w.do(v)
		doc := any(v).(order.Document)
		out, err := order.Sign(vectors.Ed25519(t, "board 1"), doc)
		vectors.Blames(t, w.what, err, w.field, w.want)
		if out != "" {
			t.Errorf("%s: refused, and yet signed", w.what)
		}
		if c, err := jws.Sign(vectors.Ed25519(t, "board 1"), doc.Typ(), doc); err == nil {
			b := order.Board{Keys: []*jws.PublicKey{vectors.Ed25519(t, "board 1").Public()}, Need: 1}
			refuse(t, w.what, kind{"forged", doc, b.Read}, []string{c}, nil)
		}
	}
}

// allowed checks that documents on the edge are signed and read.
func allowed[T any](t *testing.T, fresh func() *T, list map[string]func(*T)) {
	t.Helper()
	for what, do := range list {
		v := fresh()
		do(v)
		doc := any(v).(order.Document)
		c, err := order.Sign(vectors.Ed25519(t, "board 1"), doc)
		if err != nil {
			t.Errorf("%s: %v", what, err)
			continue
		}
		b := order.Board{Keys: []*jws.PublicKey{vectors.Ed25519(t, "board 1").Public()}, Need: 1}
		got := empty(doc)
		if _, err := b.Read([]string{c}, got); err != nil || vectors.Canonical(t, got) != vectors.Canonical(t, doc) {
			t.Errorf("%s, read: %v", what, err)
		}
	}
}

func text(n int) string { return strings.Repeat("x", n) }

// names are n different texts.
func names(n int) []string {
	out := []string{}
	for i := range n {
		out = append(out, "T"+string(rune('0'+i/26))+string(rune('A'+i%26)))
	}
	return out
}

func items(n int) []order.Item {
	out := []order.Item{}
	for _, name := range names(n) {
		out = append(out, order.Item{From: "2026-11-02", Item: name, Modes: []record.Mode{record.BoardDecides}, Text: "x", Types: []string{"A"}})
	}
	return out
}

func officers(t testing.TB, n int, items []string) []order.Officer {
	out := []order.Officer{}
	for _, name := range names(n) {
		out = append(out, order.Officer{From: "2026-11-02", Items: items, Key: vectors.Ed25519(t, "officer "+name).Public().JWK(), Title: "x"})
	}
	return out
}

func TestDelegationRefused(t *testing.T) {
	type D = order.Delegation
	refused(t, func() *D { return newDelegation(t) }, []wrong[D]{
		{"no authority", func(d *D) { d.Authority = "" }, "authority", jws.ErrMissing},
		{"no date", func(d *D) { d.Date = "" }, "date", jws.ErrMissing},
		{"no board", func(d *D) { d.Board = "" }, "board", jws.ErrMissing},
		{"board of 201", func(d *D) { d.Board = text(201) }, "board", jws.ErrLength},
		{"board with a bidi override", func(d *D) { d.Board = "\u202e" }, "board", jws.ErrCharacter},
		{"version 0", func(d *D) { d.Version = 0 }, "version", jws.ErrValue},
		{"version 1 after another", func(d *D) { d.Version = 1 }, "version", jws.ErrValue},
		{"version 3 after none", func(d *D) { d.Previous = ident.Digest{} }, "version", jws.ErrValue},
		{"no items", func(d *D) { d.Items = []order.Item{} }, "items", jws.ErrCount},
		{"501 items", func(d *D) { d.Items = append(d.Items, items(499)...) }, "items", jws.ErrCount},
		{"item without from", func(d *D) { d.Items[1].From = "" }, "items[1].from", jws.ErrMissing},
		{"item that ends before it begins", func(d *D) { d.Items[1].Until = "2026-11-01" }, "items[1].until", jws.ErrValue},
		{"item without number", func(d *D) { d.Items[0].Item = "" }, "items[0].item", jws.ErrMissing},
		{"item number of 33", func(d *D) { d.Items[0].Item = text(33) }, "items[0].item", jws.ErrLength},
		{"item without text", func(d *D) { d.Items[0].Text = "" }, "items[0].text", jws.ErrMissing},
		{"item text of 501", func(d *D) { d.Items[0].Text = text(501) }, "items[0].text", jws.ErrLength},
		{"item without mode", func(d *D) { d.Items[0].Modes = []record.Mode{} }, "items[0].modes", jws.ErrCount},
		{"four modes", func(d *D) {
			d.Items[0].Modes = []record.Mode{record.BoardDecides, record.DelegateDecides, record.ExecutiveDecides, record.BoardDecides}
		}, "items[0].modes", jws.ErrCount},
		{"mode twice", func(d *D) { d.Items[0].Modes = []record.Mode{record.BoardDecides, record.BoardDecides} }, "items[0].modes", jws.ErrValue},
		{"unlawful mode", func(d *D) { d.Items[0].Modes[1] = "DIRECTOR_SHOWN" }, "items[0].modes", jws.ErrValue},
		{"item without type", func(d *D) { d.Items[0].Types = []string{} }, "items[0].types", jws.ErrCount},
		{"101 types", func(d *D) { d.Items[0].Types = names(101) }, "items[0].types", jws.ErrCount},
		{"empty type", func(d *D) { d.Items[0].Types[1] = "" }, "items[0].types", jws.ErrMissing},
		{"type of 65", func(d *D) { d.Items[0].Types[1] = text(65) }, "items[0].types", jws.ErrLength},
		{"type twice", func(d *D) { d.Items[0].Types[1] = d.Items[0].Types[0] }, "items[0].types", jws.ErrValue},
		{"no signers", func(d *D) { d.Signers = []order.Officer{} }, "signers", jws.ErrCount},
		{"51 signers", func(d *D) { d.Signers = officers(t, 51, []string{"5.1"}) }, "signers", jws.ErrCount},
		{"51 registrars", func(d *D) { d.Registrars = officers(t, 51, []string{}) }, "registrars", jws.ErrCount},
		{"signer without from", func(d *D) { d.Signers[1].From = "" }, "signers[1].from", jws.ErrMissing},
		{"signer who ends before beginning", func(d *D) { d.Signers[1].Until = "2026-11-01" }, "signers[1].until", jws.ErrValue},
		{"signer without title", func(d *D) { d.Signers[0].Title = "" }, "signers[0].title", jws.ErrMissing},
		{"title of 101", func(d *D) { d.Registrars[0].Title = text(101) }, "registrars[0].title", jws.ErrLength},
		{"no key", func(d *D) { d.Signers[0].Key = jws.JWK{} }, "signers[0].key", jws.ErrKey},
		{"key of small order", func(d *D) {
			d.Registrars[0].Key = jws.JWK{Crv: "Ed25519", Kty: "OKP", X: strings.Repeat("A", 43)}
		}, "registrars[0].key", jws.ErrKey},
		{"two signers with a key", func(d *D) { d.Signers[1].Key = d.Signers[0].Key }, "signers[1].key", order.ErrTwice},
		{"a registrar with a signer's key", func(d *D) { d.Registrars[0].Key = d.Signers[1].Key }, "registrars[0].key", order.ErrTwice},
		{"signer without items", func(d *D) { d.Signers[0].Items = []string{} }, "signers[0].items", jws.ErrCount},
		{"registrar with items", func(d *D) { d.Registrars[0].Items = []string{"5.1"} }, "registrars[0].items", jws.ErrCount},
		{"signer of no such item", func(d *D) { d.Signers[0].Items[1] = "5.2" }, "signers[0].items", jws.ErrValue},
		{"signer of an item twice", func(d *D) { d.Signers[0].Items[1] = "3.2.1" }, "signers[0].items", jws.ErrValue},
		{"more items than there are", func(d *D) { d.Signers[0].Items = []string{"5.1", "5.1", "5.1"} }, "signers[0].items", jws.ErrCount},
	})
	allowed(t, func() *D { return newDelegation(t) }, map[string]func(*D){
		"the shortest": func(d *D) {
			d.Board, d.Version, d.Previous, d.Registrars = "x", 1, ident.Digest{}, []order.Officer{}
			d.Items = []order.Item{{From: "2026-11-02", Item: "1", Modes: []record.Mode{record.BoardDecides}, Text: "x", Types: []string{"A"}, Until: "2026-11-02"}}
			d.Signers = officers(t, 1, []string{"1"})
		},
		"the longest texts": func(d *D) {
			d.Board, d.Items[0].Item, d.Items[0].Text, d.Items[0].Types[0] = text(200), text(32), text(500), text(64)
			d.Items[0].Modes = []record.Mode{record.BoardDecides, record.DelegateDecides, record.ExecutiveDecides}
			d.Signers[0].Items[0], d.Signers[1].Items[0], d.Signers[0].Title = text(32), text(32), text(100)
		},
		"500 items": func(d *D) { d.Items = append(d.Items, items(498)...) },
		"100 types": func(d *D) { d.Items[0].Types = names(100) },
		"50 of each": func(d *D) {
			d.Signers = officers(t, 50, []string{"5.1"})
			d.Registrars = []order.Officer{}
			for _, n := range names(50) {
				d.Registrars = append(d.Registrars, order.Officer{From: "2026-11-02", Items: []string{}, Key: vectors.Ed25519(t, "registrar "+n).Public().JWK(), Title: "x"})
			}
		},
		"an item again for a later time": func(d *D) {
			it := d.Items[1]
			it.From, it.Until = "2028-01-01", ""
			d.Items = append(d.Items, it)
		},
	})
}

func TestPermits(t *testing.T) {
	d := newDelegation(t)
	for _, c := range []struct {
		item, typ string
		mode      record.Mode
		on        ident.Date
		ok        bool
	}{
		{"3.2.1", "BISTAND", record.ExecutiveDecides, "2026-11-02", true},
		{"3.2.1", "BISTAND_AVSLAG", record.DelegateDecides, "2099-01-01", true},
		{"3.2.1", "BISTAND", record.BoardDecides, "2026-11-20", false},
		{"3.2.1", "BISTAND", record.ExecutiveDecides, "2026-11-01", false},
		{"5.1", "BISTAND", record.BoardDecides, "2026-11-20", false},
		{"3.2.1", "LVU_ANSOKAN", record.ExecutiveDecides, "2026-11-20", false},
		{"5.1", "LVU_ANSOKAN", record.BoardDecides, "2026-11-02", true},
		{"5.1", "LVU_ANSOKAN", record.BoardDecides, "2027-12-31", true},
		{"5.1", "LVU_ANSOKAN", record.BoardDecides, "2028-01-01", false},
		{"5.1", "LVU_ANSOKAN", record.BoardDecides, "2026-11-01", false},
		// what only the board decides, nobody else does
		{"5.1", "LVU_ANSOKAN", record.ExecutiveDecides, "2026-11-20", false},
		{"5.1", "LVU_ANSOKAN", record.DelegateDecides, "2026-11-20", false},
		{"3.2.1", "LVU_ANSOKAN", record.DelegateDecides, "2026-11-20", false},
		{"3.2", "BISTAND", record.ExecutiveDecides, "2026-11-20", false},
		{"", "BISTAND", record.ExecutiveDecides, "2026-11-20", false},
		{"3.2.1", "bistand", record.ExecutiveDecides, "2026-11-20", false},
		{"3.2.1", "BISTAND", "", "2026-11-20", false},
	} {
		err := d.Permits(c.item, c.typ, c.mode, c.on)
		if c.ok != (err == nil) || err != nil && !errors.Is(err, order.ErrNoItem) {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

// TestOfficers: who may sign under which item, and who may dispatch, by day.
func TestOfficers(t *testing.T) {
	d := newDelegation(t)
	keys := map[string]*jws.PublicKey{"director": vectors.Ed25519(t, "director").Public(), "deputy": vectors.P256(t, "deputy").Public(),
		"registrar": vectors.Ed25519(t, "registrar").Public(), "stranger": vectors.Ed25519(t, "stranger").Public()}
	for _, c := range []struct {
		who, item string
		on        ident.Date
		signs     bool
		sends     bool
	}{
		{"director", "3.2.1", "2026-11-02", true, true},
		{"director", "5.1", "2099-01-01", true, true},
		{"director", "3.2.1", "2026-11-01", false, false},
		{"director", "5.2", "2026-11-20", false, true},
		{"director", "", "2026-11-20", false, true},
		{"deputy", "3.2.1", "2026-12-31", true, true},
		{"deputy", "3.2.1", "2027-01-01", false, false},
		{"deputy", "5.1", "2026-11-20", false, true},
		{"registrar", "3.2.1", "2026-11-20", false, true},
		{"registrar", "", "2026-11-20", false, true},
		{"registrar", "3.2.1", "2026-11-01", false, false},
		{"stranger", "3.2.1", "2026-11-20", false, false},
	} {
		key := keys[c.who]
		for what, f := range map[string]struct {
			ok  bool
			ask func() (order.Officer, error)
		}{
			"signs":      {c.signs, func() (order.Officer, error) { return d.Signer(key.Thumbprint(), c.item, c.on) }},
			"dispatches": {c.sends, func() (order.Officer, error) { return d.Dispatcher(key.Thumbprint(), c.on) }},
		} {
			o, err := f.ask()
			if f.ok && (err != nil || o.Key != key.JWK() || o.Title == "") {
				t.Errorf("%s %s: %+v, %v", c.who, what, c, err)
			}
			if !f.ok && (!errors.Is(err, order.ErrNoSigner) || o.Title != "" || !slices.Equal(o.Items, nil)) {
				t.Errorf("%s %s: %+v: %v", c.who, what, c, err)
			}
		}
	}
}
