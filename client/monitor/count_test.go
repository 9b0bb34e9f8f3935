package monitor_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"sigill/keys/evidence"
	"sigill/keys/ident"
	"sigill/keys/proof"
	"sigill/server/web"
)

// TestNumbers: a number that is left out, given again or out of its order is found once,
// with proof, whichever look comes upon it; voids have numbers too, and years their own.
func TestNumbers(t *testing.T) {
	void := func(n int) proof.Entry {
		e := number(n)
		e.Kind = proof.NumberVoid
		return e
	}
	for name, c := range map[string]struct {
		logged []proof.Entry
		found  []string
		last   string
	}{
		"in order":                  {[]proof.Entry{number(26001), of(proof.Event), number(26002), void(26003), number(26004)}, nil, "2026-4"},
		"a new year":                {[]proof.Entry{number(26001), number(26002), number(27001), number(27002)}, nil, "2027-2"},
		"a year without any":        {[]proof.Entry{number(26001), number(28001)}, nil, "2028-1"},
		"one left out":              {[]proof.Entry{number(26001), of(proof.Event), of(proof.Event), number(26003), number(26004)}, []string{"gap 3"}, "2026-4"},
		"two left out":              {[]proof.Entry{number(26001), number(26003), of(proof.Returned), number(26005)}, []string{"gap 1", "gap 3"}, "2026-5"},
		"the first left out":        {[]proof.Entry{of(proof.Event), of(proof.Event), number(26002)}, []string{"gap 2"}, "2026-2"},
		"at once":                   {[]proof.Entry{number(26007)}, []string{"gap 0"}, "2026-7"},
		"the first of a year":       {[]proof.Entry{number(26001), number(27002)}, []string{"gap 1"}, "2027-2"},
		"twice":                     {[]proof.Entry{number(26001), number(26002), number(26002), number(26003)}, []string{"duplicate 2"}, "2026-3"},
		"twice by a void":           {[]proof.Entry{number(26001), void(26001)}, []string{"duplicate 1"}, "2026-1"},
		"a year that has ended":     {[]proof.Entry{number(26001), number(27001), number(26002)}, []string{"duplicate 2"}, "2026-2"},
		"none":                      {[]proof.Entry{number(26001), number(26000)}, []string{"duplicate 1"}, "2026-0"},
		"a bundle's length between": {append(append([]proof.Entry{number(26001)}, make([]proof.Entry, 300)...), number(26003)), []string{"gap 301"}, "2026-3"},
	} {
		for i, e := range c.logged {
			if e.Kind == 0 {
				c.logged[i] = of(proof.Event)
			}
		}
		for _, apart := range []int{len(c.logged), 1} {
			if apart == 1 && len(c.logged) > 100 {
				apart = 250
			}
			p, state := newPost(t), "fine"
			for i := 0; i < len(c.logged); i += apart {
				to := min(i+apart, len(c.logged))
				p.log.Put(c.logged[i:to]...)
				p.log.Grow(to)
				if to < len(c.logged) {
					p.look()
				}
			}
			if len(c.found) > 0 {
				state = "found"
			}
			for range 2 {
				l := p.says(name, state, len(c.logged), c.found...)
				if got := fmt.Sprint(l.Number.Year, "-", l.Number.Number); got != c.last {
					t.Errorf("%s: the last is %s", name, got)
				}
				for _, f := range l.Findings {
					v := p.proves(f, evidence.Numbers)
					if n, ok := c.logged[f.At].Number(); !ok || v.Number != n || v.Number.Follows(v.Last) {
						t.Errorf("%s: proven is %+v", name, v)
					}
				}
			}
		}
	}
}

// TestManyFindings: of each kind the first ten are kept; nobody fills a disk with them.
func TestManyFindings(t *testing.T) {
	p := newPost(t)
	for i := range 40 {
		p.log.Put(number(26001 + 2*i))
	}
	p.log.Grow(40)
	l := p.look()
	if len(l.Findings) != 10 || l.Findings[0].At != 1 || l.Findings[9].At != 10 || l.Entries["decision"] != 40 || len(p.files()) != 11 {
		t.Errorf("%s, %d files", text(l), len(p.files()))
	}
}

// TestEntry: what the log signed and is no entry is found, proven and counted apart, and
// the entries behind it are read.
func TestEntry(t *testing.T) {
	p, dir := newPost(t), t.TempDir()
	p.log.Put(number(26001), of(proof.Event), of(proof.Event), number(26002))
	p.log.Grow(300)
	var all [][]byte
	for _, e := range p.log.Logged {
		all = append(all, e.Marshal())
	}
	all[1][2], all[270][0] = 99, 7
	p.log.Write(dir, all...)
	p.url = dir
	l := p.says("two of them", "found", 300, "entry 1", "entry 270")
	for _, f := range l.Findings {
		if v := p.proves(f, evidence.Entry); v.Before.Size != f.At || v.After.Size != 300 {
			t.Errorf("%+v", v)
		}
	}
	if text(l.Entries) != `{"decision":2,"event":296,"unknown":2}` {
		t.Error(text(l.Entries))
	}
}

// TestNotices: by the end of the day on which it is due, a notice has come, or that is
// found; that the day is over in the log is told by witnesses or by its own file.
func TestNotices(t *testing.T) {
	asked := of(proof.OpeningRequested)
	notice := of(proof.OpeningNotice)
	today := ident.DateOf(noon)
	due := func(days int) proof.Entry { return released(today.AddDays(days)) }
	day := func(days int) string { return fmt.Sprintf("notice %d", today.AddDays(days).Days()) }
	for name, c := range map[string]struct {
		logged []proof.Entry
		found  string
	}{
		"neither told":           {[]proof.Entry{asked, asked, due(-9), due(-2)}, day(-9)},
		"told at once":           {[]proof.Entry{asked, due(-3), notice}, ""},
		"due today":              {[]proof.Entry{asked, due(0)}, ""},
		"due later":              {[]proof.Entry{asked, asked, due(1), due(300)}, ""},
		"not told":               {[]proof.Entry{asked, due(-1)}, day(-1)},
		"one of two":             {[]proof.Entry{asked, asked, due(-3), due(-2), notice}, day(-2)},
		"the later told":         {[]proof.Entry{asked, asked, due(-3), due(5), notice}, ""},
		"two of a day":           {[]proof.Entry{asked, asked, due(-3), notice, due(-3)}, day(-3)},
		"not in order of days":   {[]proof.Entry{asked, asked, asked, due(-2), due(-9), due(4), notice}, day(-2)},
		"settled, and then late": {[]proof.Entry{asked, asked, asked, due(-9), notice, due(-8), notice, due(-4)}, day(-4)},
	} {
		for _, witnesses := range []bool{false, true} {
			p := newPost(t)
			if witnesses {
				p.believe(watched()...)
				p.cosigned(p.at.Add(-time.Minute), 1, 3)
			}
			p.shown = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path >= "/day/"+string(today) && r.URL.Path < "/e" {
					t.Errorf("%s: it asks for %s", name, r.URL.Path)
				}
				web.Handler(p.log).ServeHTTP(w, r)
			})
			p.log.End(today.AddDays(-12))
			p.log.Put(c.logged...)
			p.log.Grow(len(c.logged))
			if !witnesses {
				p.says(name+", as long as no day is over", "fine", len(c.logged))
				p.log.End(today.AddDays(-1))
			}
			state, want := "fine", []string(nil)
			if c.found != "" {
				state, want = "found", []string{c.found}
			}
			if l := p.says(name, state, len(c.logged), want...); len(p.files()) != 1 {
				t.Errorf("%s: what nobody else can check is evidence: %s", name, text(l))
			}
			if c.found != "" && name != "neither told" {
				p.log.Put(notice)
				p.log.Grow(len(c.logged) + 1)
				p.says(name+", told late", "found", len(c.logged)+1, c.found)
			}
		}
	}
}

// TestNoticesOfACopy: an older copy of the log lacks what has come since, and proves
// nothing of a day that it does not have.
func TestNoticesOfACopy(t *testing.T) {
	p := newPost(t, watched()...)
	p.log.End("2026-11-10")
	p.cosigned(ident.Date("2026-11-19").Start().Add(time.Hour), 1, 2)
	p.log.Put(of(proof.OpeningRequested), released("2026-11-19"))
	p.log.Grow(2)
	older := web.Handler(p.log)
	p.log.End("2026-11-18")
	l := p.look()
	if l.State != "found" || len(l.Findings) != 1 || l.Findings[0].Name != "stall" || l.Cosigned != ident.Date("2026-11-19").Start().Add(time.Hour).Unix() {
		t.Error("a copy that is a day old: ", text(l))
	}
	// The day came to an end with more than the copy has.
	later := p.log.Branch(2)
	later.End("2026-11-18")
	later.Put(of(proof.OpeningNotice))
	later.Grow(3)
	later.End("2026-11-19")
	p.shown = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/day/") {
			web.Handler(later).ServeHTTP(w, r)
		} else {
			older.ServeHTTP(w, r)
		}
	})
	if l := p.look(); len(l.Findings) != 1 || l.Findings[0].Name != "stall" || l.Day != "" {
		t.Error("its day is longer: ", text(l))
	}
}

// TestOpenings: an opening that ends, or is told of, without having been asked for.
func TestOpenings(t *testing.T) {
	asked, refused, closed, notice := of(proof.OpeningRequested), of(proof.OpeningRefused), of(proof.OpeningClosed), of(proof.OpeningNotice)
	today := ident.DateOf(noon)
	for name, c := range map[string]struct {
		logged []proof.Entry
		found  string
	}{
		"each in its time":        {[]proof.Entry{asked, asked, asked, closed, refused, released(today), notice}, ""},
		"refused, not asked for":  {[]proof.Entry{refused}, "openings 0"},
		"closed, not asked for":   {[]proof.Entry{asked, closed, closed, asked}, "openings 2"},
		"released, not asked for": {[]proof.Entry{asked, refused, released(today)}, "openings 2"},
		"told, not released":      {[]proof.Entry{asked, notice, released(today)}, "openings 1"},
		"due in a far year":       {[]proof.Entry{asked, released(today.AddDays(401))}, "openings 1"},
		"due as late as may be":   {[]proof.Entry{asked, released(today.AddDays(400))}, ""},
	} {
		p := newPost(t)
		p.log.Put(c.logged...)
		p.log.Grow(len(c.logged))
		state, want := "fine", []string(nil)
		if c.found != "" {
			state, want = "found", []string{c.found}
		}
		if l := p.says(name, state, len(c.logged), want...); len(p.files()) != 1 {
			t.Errorf("%s: %s", name, text(l))
		}
	}
}
