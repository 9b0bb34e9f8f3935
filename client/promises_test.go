package client_test

import (
	"bytes"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"slices"
	"testing"

	"sigill/client"
	"sigill/client/tiles"
	"sigill/keys/bundle"
	"sigill/keys/disclosure/story"
	"sigill/keys/evidence"
	"sigill/keys/ident"
	"sigill/keys/proof"
	"sigill/keys/statement"
	"sigill/keys/vectors"
	"sigill/scripts/openlog"
)

// An archive is a log's days, and somebody's matters.
type archive struct {
	*openlog.Archive
	own []client.Kept
}

func newArchive(t *testing.T) *archive {
	t.Helper()
	return &archive{Archive: openlog.NewArchive(t, "2026-11-10")}
}

// matter is an own matter with revisions.
func (a *archive) matter(name string, revisions ...string) *client.Own {
	own := &client.Own{Typ: client.TypOwn, Case: "SN-2026-117", Decision: vectors.ID(name), Receipts: []string{}, Watch: ident.Bytes(bytes.Repeat([]byte{name[0]}, 32))}
	for _, r := range revisions {
		own.Revisions = append(own.Revisions, vectors.Digest(r))
	}
	a.own = append(a.own, client.Kept{Matter: name, Own: own})
	return own
}

// receive has the log receive an act: it gives what it owes.
func (a *archive) receive(own *client.Own, act string, kind proof.Kind) proof.Preimage {
	a.Helper()
	receipt, owed := a.Receive(own.Decision, act, kind)
	own.Receipts = append(own.Receipts, receipt)
	return owed
}

func (a *archive) check(from string, today ident.Date) (*client.LogCheck, error) {
	a.Helper()
	l, err := tiles.Open(from, a.Trust.Policy, nil)
	if err != nil {
		a.Fatal(err)
	}
	return client.CheckLog(a.Context(), l, a.Trust, today, a.own)
}

// now is the check on the day after the last that passed.
func (a *archive) now() *client.LogCheck {
	a.Helper()
	c, err := a.check(a.Dir, a.Last.AddDays(1))
	if err != nil {
		a.Fatal(err)
	}
	return c
}

// states are those of a check's promises, in order.
func states(c *client.LogCheck) (out []client.PromiseState) {
	for _, m := range c.Matters {
		for _, p := range m.Promises {
			out = append(out, p.State)
		}
	}
	return out
}

// TestCheckLog: receipts are held against the days; what bears the matter's tag is
// told, and nothing of anybody else's.
func TestCheckLog(t *testing.T) {
	a := newArchive(t)
	own, other := a.matter("first", "draft 1", "draft 2"), a.matter("second", "draft 3")
	draft := a.receive(own, "draft 1", proof.AuthorAct)
	a.Tree.Meanwhile(3)
	a.Pass() // 11th
	revised := a.receive(own, "draft 2", proof.AuthorAct)
	returned := story.Salt(proof.Returned, vectors.Digest("return"))
	a.Tree.Add(returned, proof.SubjectTag(own.Decision))
	a.Tree.Add(story.Salt(proof.Returned, vectors.Digest("another's")), proof.SubjectTag(vectors.ID("another's")))
	a.Pass() // 12th
	at := a.Tree.Add(draft, proof.Tag{1})
	a.Tree.Add(story.Salt(proof.Decision, vectors.Digest("decision")), proof.DecisionTag(2026, 17, own.Decision))
	a.Tree.Add(story.Salt(proof.Decision, vectors.Digest("another's")), proof.DecisionTag(2026, 18, vectors.ID("another's")))
	a.Pass() // 13th
	a.Tree.Add(revised, proof.Tag{1})
	for _, n := range []uint32{0, 2, 1, 17} { // one was delayed
		a.Tree.Add(story.Salt(proof.OpeningNotice, vectors.Digest("notice")), proof.NoticeTag([32]byte(own.Watch), n))
	}
	a.Tree.Add(story.Salt(proof.OpeningNotice, vectors.Digest("another's")), proof.NoticeTag([32]byte{1}, 0))
	a.Tree.Add(story.Salt(proof.Event, vectors.Digest("event")), proof.SubjectTag(own.Decision)) // no tag of an event's
	a.Tree.Add(story.Salt(proof.Event, vectors.Digest("event")), proof.NoticeTag([32]byte(own.Watch), 3))
	a.receive(other, "draft 3", proof.AuthorAct)
	gone := a.receive(other, "withdrawal", proof.Withdrawn)
	a.Tree.Add(gone, proof.SubjectTag(other.Decision))
	a.Pass() // 14th
	c := a.now()
	if want := []client.PromiseState{"kept", "kept", "open", "kept"}; !slices.Equal(states(c), want) {
		t.Errorf("%v, want %v", states(c), want)
	}
	p := c.Matters[0].Promises
	if p[0].Revision != 1 || p[1].Revision != 2 || *p[0].Entry != (client.Logged{Day: "2026-11-13", Index: at, Kind: proof.AuthorAct}) ||
		p[0].Due != "2026-11-18" || p[0].Evidence != nil || c.Matters[1].Promises[1].Revision != 0 {
		t.Errorf("%+v", p)
	}
	if e := c.Matters[0].Events; len(e) != 2 || e[0].Kind != proof.Returned || e[0].Day != "2026-11-12" || e[1].Kind != proof.Decision || e[1].Number != "B-2026-000017" {
		t.Errorf("%+v", e)
	}
	if n := c.Matters[0].Notices; len(n) != 4 || n[0].Day != "2026-11-14" {
		t.Errorf("%+v", n)
	}
	if e := c.Matters[1].Events; len(e) != 1 || e[0].Kind != proof.Withdrawn || len(c.Matters[1].Notices) != 0 {
		t.Errorf("%+v", c.Matters[1])
	}
	if c.From != "2026-11-10" || c.Until != "2026-11-14" || !c.Witnessed || c.Checkpoint != a.Tree.Head() {
		t.Errorf("%+v", c)
	}
}

// TestBrokenPromise: what does not come by its day is proven as soon as the witnesses
// have seen the log since, in a file that a stranger verifies; before, and where
// nothing is wrong, there is none.
func TestBrokenPromise(t *testing.T) {
	a := newArchive(t)
	own := a.matter("first", "draft 1", "draft 2", "draft 3")
	a.receive(own, "draft 1", proof.AuthorAct) // never comes
	a.Tree.Meanwhile(1)
	late := a.receive(own, "draft 2", proof.AuthorAct)
	kept := a.receive(own, "draft 3", proof.AuthorAct)
	a.Pass() // 11th
	for range 6 {
		a.Pass()
	}
	a.Tree.Add(kept, proof.Tag{1})
	holds := func(when string, want ...client.PromiseState) *client.LogCheck {
		t.Helper()
		c := a.now()
		if !slices.Equal(states(c), want) {
			t.Errorf("%s: %v, want %v", when, states(c), want)
		}
		for _, p := range c.Matters[0].Promises {
			if (p.Evidence != nil) != (p.State == client.PromiseBroken) {
				t.Errorf("%s: evidence of what is %s", when, p.State)
			}
		}
		return c
	}
	holds("on the day", "open", "open", "open")
	a.Pass() // 18th, on which they are due
	holds("the day after", "unproved", "unproved", "kept")
	a.Tree.Add(late, proof.Tag{1})
	a.PassBy(1) // 19th
	holds("with one witness since", "unproved", "unproved", "kept")
	a.Pass() // 20th
	c := holds("with two", "broken", "late", "kept")
	first := c.Matters[0].Promises[0].Evidence
	f, err := evidence.Verify(first, a.Trust)
	if err != nil || f.From != "2026-11-11" || f.Until != "2026-11-18" || !f.Witnessed || *f.Receipt != c.Matters[0].Promises[0].Receipt {
		t.Errorf("%v, %+v", err, f)
	}
	a.Pass()
	if c := holds("later", "broken", "late", "kept"); !bytes.Equal(c.Matters[0].Promises[0].Evidence, first) {
		t.Error("the same evidence is another file")
	}
}

// TestClocklessPromise: where witnesses are asked for today, days from before, without any,
// prove nothing to others, until a day that witnesses saw does.
func TestClocklessPromise(t *testing.T) {
	a := newArchive(t)
	watched, alone := a.TrustFile, story.New(t).TrustFile
	a.receive(a.matter("first", "draft 1"), "draft 1", proof.AuthorAct) // never comes
	for range 9 {
		a.PassBy() // the 19th is the day after it is due
	}
	a.Retrust(alone)
	holds := func(when string, want client.PromiseState) {
		t.Helper()
		p := a.now().Matters[0].Promises[0]
		if p.State != want || (p.Evidence != nil) != (want == client.PromiseBroken) {
			t.Errorf("%s: %s, want %s", when, p.State, want)
		}
		if p.Evidence == nil {
			return
		}
		if f, err := evidence.Verify(p.Evidence, a.Trust); err != nil || f.Witnessed != a.Trust.Policy.Witnessed() {
			t.Errorf("%s: %v", when, err)
		}
	}
	holds("no witness was ever asked for", "broken")
	watched.Earlier = []bundle.Before{{Board: alone.Board, Policy: alone.Policy, Size: 1000}}
	a.Retrust(watched)
	holds("witnesses are asked for, and have seen no day since", "unproved")
	a.Pass()
	holds("they have seen one", "broken")
}

// TestReplacedKeyPromise: a receipt under a log key that had been replaced when it was given
// promises nothing, and keeps nobody from what else there is to see.
func TestReplacedKeyPromise(t *testing.T) {
	a := newArchive(t)
	own, now := a.matter("first", "draft 1", "draft 2"), a.LogKey
	a.Pass()
	a.LogKey = vectors.Ed25519(t, "the next log") // here it is the one before
	a.receive(own, "draft 1", proof.AuthorAct)
	a.LogKey = now
	kept := a.receive(own, "draft 2", proof.AuthorAct)
	a.Pass()
	a.Tree.Add(kept, proof.Tag{1})
	for range 9 {
		a.Pass()
	}
	f := a.TrustFile
	f.Earlier = []bundle.Before{{Board: f.Board, Policy: append([]string{a.NextLog()}, f.Policy[1:]...), Size: 0}}
	a.Retrust(f)
	if c := a.now(); !slices.Equal(states(c), []client.PromiseState{"invalid", "kept"}) || c.Matters[0].Promises[0].Evidence != nil {
		t.Errorf("%v", states(c))
	}
	f.Earlier[0].Size = 1000
	a.Retrust(f)
	if c := a.now(); !slices.Equal(states(c), []client.PromiseState{"broken", "kept"}) {
		t.Errorf("of its time: %v", states(c))
	}
}

// TestUnseen: an entry that no witness has seen is not there.
func TestUnseen(t *testing.T) {
	a := newArchive(t)
	own := a.matter("first", "draft 1")
	owed := a.receive(own, "draft 1", proof.AuthorAct)
	a.Pass()
	a.Tree.Add(owed, proof.Tag{1})
	a.Tree.Add(story.Salt(proof.Returned, vectors.Digest("return")), proof.SubjectTag(own.Decision))
	a.Tree.Add(story.Salt(proof.OpeningNotice, vectors.Digest("notice")), proof.NoticeTag([32]byte(own.Watch), 0))
	a.PassBy(2)
	if c := a.now(); c.Until != "2026-11-11" || states(c)[0] != client.PromiseOpen || len(c.Matters[0].Events)+len(c.Matters[0].Notices) > 0 {
		t.Errorf("%+v", c)
	}
	a.Pass()
	if c := a.now(); c.Until != "2026-11-13" || states(c)[0] != client.PromiseKept || len(c.Matters[0].Events) != 1 || len(c.Matters[0].Notices) != 1 {
		t.Errorf("%+v", c)
	}
}

// TestInvalidReceipts: what is no receipt of this log for this matter promises nothing,
// and one entry is not promised twice.
func TestInvalidReceipts(t *testing.T) {
	a := newArchive(t)
	own, other := a.matter("first", "draft 1"), a.matter("second", "draft 2")
	owed := a.receive(own, "draft 1", proof.AuthorAct)
	a.receive(own, "draft 1", proof.AuthorAct)
	forged := a.LogKey
	a.LogKey = vectors.Ed25519(t, "another")
	a.receive(other, "draft 2", proof.AuthorAct)
	a.LogKey = forged
	stray := &client.Own{Decision: vectors.ID("third")}
	a.receive(stray, "draft 3", proof.AuthorAct)
	other.Receipts = append(other.Receipts, stray.Receipts[0], "a.b.c")
	a.Tree.Add(owed, proof.Tag{1})
	a.Pass()
	if want := []client.PromiseState{"kept", "invalid", "invalid", "invalid", "invalid"}; !slices.Equal(states(a.now()), want) {
		t.Errorf("%v, want %v", states(a.now()), want)
	}
}

// TestCheckAsksForDaysAlone: whoever gives the log out is asked for every day from the
// first of the oldest receipt's month to yesterday, in order, whatever is looked for
// and whatever is found, and for nothing else; where there is no receipt, for nothing.
func TestCheckAsksForDaysAlone(t *testing.T) {
	a := newArchive(t)
	var asked []string
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Method+" "+r.URL.Path)
		http.FileServer(http.Dir(a.Dir)).ServeHTTP(w, r)
	}))
	t.Cleanup(site.Close)
	own := a.matter("first", "draft 1", "draft 2")
	if c, err := a.check(site.URL, "2026-12-03"); err != nil || len(asked) > 0 || c.From != "" || len(c.Matters) != 1 {
		t.Errorf("%v, %v, %+v", asked, err, c)
	}
	var want []string
	for d := ident.Date("2026-11-01"); d < "2026-12-03"; d = d.AddDays(1) {
		want = append(want, "GET /day/"+string(d))
	}
	kept := a.receive(own, "draft 1", proof.AuthorAct)
	a.receive(own, "draft 2", proof.AuthorAct) // broken
	a.Pass()
	a.Tree.Add(kept, proof.Tag{1})
	for a.Last != "2026-12-02" {
		a.Pass()
	}
	for range 2 {
		c, err := a.check(site.URL, "2026-12-03")
		if err != nil || !slices.Equal(asked, want) || len(c.Matters) != len(a.own) {
			t.Errorf("%v, asked for %q", err, asked)
		}
		asked = nil
		a.matter("another", "draft 3").Receipts = []string{}
	}
}

// TestCheckStops: where the days are not what the log signed nothing is said of any
// promise.
func TestCheckStops(t *testing.T) {
	a := newArchive(t)
	a.receive(a.matter("first", "draft 1"), "draft 1", proof.AuthorAct)
	a.Pass()
	a.Pass()
	path := a.Day(a.Last)
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		text []byte
		err  error
	}{
		"changed":       {bytes.Replace(good, []byte("\n"+string(a.Last)), []byte("\n"+string(a.Last.AddDays(1))), 1), tiles.ErrDamaged},
		"another log":   {bytes.Replace(good, []byte("202100-0001"), []byte("202100-0019"), 1), proof.ErrCheckpoint},
		"cut in two":    {good[:20], tiles.ErrDamaged},
		"no day at all": {[]byte("<html>"), tiles.ErrDamaged},
	} {
		if err := os.WriteFile(path, c.text, 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := a.check(a.Dir, a.Last.AddDays(1)); !errors.Is(err, c.err) || got != nil {
			t.Errorf("%s: %v, %+v", name, err, got)
		}
	}
}

// TestCheckDecision: a decision is over one's own draft to the byte or is not, and
// says which earlier drafts of the case it cites.
func TestCheckDecision(t *testing.T) {
	a := newArchive(t)
	first, second, third := a.matter("first", "draft 1", "draft 2"), a.matter("second", "draft 3"), a.matter("third", "draft 4")
	third.Case = "SN-2026-118"
	p := a.Plan()
	p.Draft = func(d *statement.Draft) { d.Earlier = []ident.Digest{first.Revisions[1]} }
	data, err := a.Decide(p).Bundle().Marshal()
	if err != nil {
		t.Fatal(err)
	}
	v, err := bundle.VerifySigned(data, a.Trust)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := client.CheckDecision(v, a.own), (client.DecisionCheck{Cited: []client.CitedDraft{{Matter: "first", Revision: 2}},
		Uncited: []string{"second"}}); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
	second.Decision = v.Decision.Decision
	if got := client.CheckDecision(v, a.own); got.Matter != "second" || got.Revision != 0 || got.Uncited != nil {
		t.Errorf("over another draft: %+v", got)
	}
	second.Revisions = append(second.Revisions, v.DraftDigest())
	if got := client.CheckDecision(v, a.own); got.Matter != "second" || got.Revision != 2 {
		t.Errorf("as drafted: %+v", got)
	}
}
