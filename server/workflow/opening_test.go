package workflow_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"sigill/keys/disclosure"
	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/opening"
	"sigill/keys/order"
	"sigill/keys/proof"
	"sigill/keys/record"
	"sigill/keys/statement"
	"sigill/keys/token"
	"sigill/server/workflow"
)

// The states of openings, as the API numbers them.
const (
	pending = iota + 1
	released
	wasRefused
	withdrawn
	expired
	collected
)

var ctx = context.Background()

// TestOpening is the whole way: asked, reviewed, released, told, collected,
// opened by the court as it would be.
func TestOpening(t *testing.T) {
	h := newHouse(t)
	a := h.author("Åsa Öberg-Lindström")
	a.submitReal()
	v := h.sign(a)
	must(h.RecordProviderKeys(ctx, "https://idp.example", jwks("the day after"))) // no evidence for what was signed before
	dissent := must(jws.Make(a.key, &statement.Dissent{Authority: authority, Decision: a.id, Draft: a.last[0], Paragraphs: []string{"Nej."}}))
	must(h.AttachDissent(ctx, a.caller("AttachDissent"), dissent))
	c := h.court("Förvaltningsrätten", order.CourtOrder)
	r := c.ask(v, order.CourtOrder, decider, bias, evidence)
	logged := must(c.send(r))
	pre := must(proof.ParsePreimage(logged.Preimage))
	entry := must(pre.Entry(proof.Tag(logged.Tag)))
	if _, _, err := proof.CheckInclusion([]byte(logged.Proof), entry, h.trust.Policy); err != nil || pre.Kind != proof.OpeningRequested {
		t.Fatal("the answer does not prove that the request is logged", err)
	}
	if o := c.get(r.Opening); o.State != pending || o.Votes != 0 || o.Reviewers != 7 {
		t.Errorf("%+v", o)
	}

	if s := h.vote(1, 2, r.Opening, decider, bias, evidence); s != pending {
		t.Errorf("state %d after one vote", s)
	}
	if s := h.vote(2, 3, r.Opening, decider, bias, evidence); s != pending {
		t.Errorf("state %d after two votes", s)
	}
	if list, err := a.seals(); err != nil || len(list) != 0 {
		t.Error("the author is told of an opening that is not decided", err)
	}
	if s := h.vote(1, 4, r.Opening, decider, bias); s != pending { // group 1 has one for the evidence and one against
		t.Errorf("state %d after three votes", s)
	}
	if s := h.vote(1, 1, r.Opening, decider, evidence); s != released {
		t.Errorf("state %d after four votes", s)
	}
	if o := c.get(r.Opening); o.State != released || o.Votes != 4 {
		t.Errorf("%+v", o)
	}

	pkg := must(h.CollectOpening(ctx, c.caller("CollectOpening"), r.Opening))
	if again := must(h.CollectOpening(ctx, c.caller("CollectOpening"), r.Opening)); !bytes.Equal(pkg, again) {
		t.Error("another package the second time")
	}
	if o := c.get(r.Opening); o.State != collected {
		t.Errorf("state %d", o.State)
	}
	p := must(disclosure.Open(pkg, h.trust, c.recipient))
	if p.Sections.Decider.Person.Name != a.name || p.Evidence.Name != a.name || p.Evidence.Label != record.LabelDPoP ||
		len(p.Contradictions) != 0 || len(p.BadShares) != 0 || len(p.Dissents) != 1 || p.Outcome != opening.GrantedFull {
		t.Errorf("%+v", p)
	}

	list := must(a.seals())
	if len(list) != 1 || list[0].Requester != "Förvaltningsrätten" {
		t.Fatalf("%+v", list)
	}
	var rel opening.Release
	if _, _, err := jws.ReadBy(list[0].Release, h.trust.LogKey, &rel); err != nil || rel.Opening != r.Opening {
		t.Error(err)
	}
	if !containsTag(h.entries(), proof.NoticeTag(a.watch, 0)) {
		t.Error("no notice that the author would know")
	}
}

// TestSameBytesLater: a dissent that comes after the first collection does not
// change the package.
func TestSameBytesLater(t *testing.T) {
	h := newHouse(t)
	a := h.author("Åsa")
	v := h.sign(a)
	c := h.court("Förvaltningsrätten", order.CourtOrder)
	id := c.request(v, order.CourtOrder, decider)
	for _, at := range [][2]int{{1, 1}, {1, 2}, {2, 1}} {
		h.vote(at[0], at[1], id, decider)
	}
	pkg := must(h.CollectOpening(ctx, c.caller("CollectOpening"), id))
	dissent := must(jws.Make(a.key, &statement.Dissent{Authority: authority, Decision: a.id, Draft: a.last[0], Paragraphs: []string{"Nej."}}))
	must(h.AttachDissent(ctx, a.caller("AttachDissent"), dissent))
	must(h.RecordProviderKeys(ctx, "https://idp.example", jwks("later")))
	if again := must(h.CollectOpening(ctx, c.caller("CollectOpening"), id)); !bytes.Equal(pkg, again) {
		t.Error("another package after a dissent")
	}
	must(disclosure.Open(pkg, h.trust, c.recipient))
}

// TestRequestRefused: each refusal leaves nothing but an event, and the unsigned
// is as unknown as what never was.
func TestRequestRefused(t *testing.T) {
	h := newHouse(t)
	h.config.MaxOpenings = 10
	a, draft := h.author("Åsa"), h.author("Björn")
	v := h.sign(a)
	draft.earlier = []ident.Digest{a.last[0]}
	must(draft.submit())
	c := h.court("Förvaltningsrätten", order.CourtOrder)
	known := c.ask(v, order.CourtOrder, decider)
	must(c.send(known))
	usedKey := known.Recipient
	for name, tt := range map[string]struct {
		kind   error
		reason string
		change func(r *opening.Request)
		key    *jws.Signer
	}{
		"unknown decision":       {workflow.ErrState, workflow.ReasonNotSigned, func(r *opening.Request) { r.Decision = ident.NewID() }, c.key},
		"a draft":                {workflow.ErrState, workflow.ReasonNotSigned, func(r *opening.Request) { r.Decision = draft.id }, c.key},
		"another statement":      {workflow.ErrState, workflow.ReasonNotSigned, func(r *opening.Request) { r.Statement = ident.Sum("x") }, c.key},
		"yesterday":              {workflow.ErrState, workflow.ReasonDay, func(r *opening.Request) { r.Date = today().AddDays(-1) }, c.key},
		"another authority":      {workflow.ErrInvalid, workflow.ReasonField, func(r *opening.Request) { r.Authority = "202100-0001" }, c.key},
		"a ground that it lacks": {workflow.ErrPermission, workflow.ReasonRequesterRevoked, func(r *opening.Request) { r.Ground = order.SupervisionJO }, c.key},
		"an opening id again":    {workflow.ErrInvalid, workflow.ReasonTaken, func(r *opening.Request) { r.Opening = known.Opening }, c.key},
		"a recipient key again":  {workflow.ErrState, workflow.ReasonTaken, func(r *opening.Request) { r.Recipient = usedKey }, c.key},
		"a key of nobody's":      {workflow.ErrPermission, workflow.ReasonKey, func(*opening.Request) {}, newSigner(jws.EdDSA)},
	} {
		t.Run(name, func(t *testing.T) {
			h.t = t
			r := c.ask(v, order.CourtOrder, decider)
			tt.change(r)
			compact := must(jws.Make(tt.key, r))
			h.noEffect(tt.kind, tt.reason, func() error {
				_, err := h.RequestOpening(ctx, c.caller("RequestOpening"), compact)
				return err
			})
			if n := len(c.openings()); n != 1 {
				t.Errorf("%d openings", n)
			}
		})
	}
	h.t = t
	// A signature that does not fit, and a registered key under another login.
	r := c.ask(v, order.CourtOrder, decider)
	compact := must(jws.Make(c.key, r))
	h.noEffect(workflow.ErrInvalid, workflow.ReasonSignature, func() error {
		_, err := h.RequestOpening(ctx, c.caller("RequestOpening"), compact[:len(compact)-4]+"AAAA")
		return err
	})
	h.noEffect(workflow.ErrPermission, workflow.ReasonKey, func() error {
		_, err := h.RequestOpening(ctx, h.caller("somebody else", token.Requester, "OpeningService/RequestOpening"), compact)
		return err
	})
	c.revoke()
	h.noEffect(workflow.ErrPermission, workflow.ReasonRequesterRevoked, func() error {
		_, err := c.send(c.ask(v, order.CourtOrder, decider))
		return err
	})
}

// TestTooMany: a requester has a limited number of undecided requests.
func TestTooMany(t *testing.T) {
	h := newHouse(t)
	v := h.sign(h.author("Åsa"))
	c := h.court("Förvaltningsrätten", order.CourtOrder)
	var last ident.ID
	for range h.config.MaxOpenings {
		last = c.request(v, order.CourtOrder, decider)
	}
	r := c.ask(v, order.CourtOrder, decider)
	h.noEffect(workflow.ErrBusy, workflow.ReasonTooMany, func() error { _, err := c.send(r); return err })
	other := h.court("JO", order.SupervisionJO)
	other.request(v, order.SupervisionJO, decider)
	must(h.WithdrawOpening(ctx, c.caller("WithdrawOpening"), last))
	must(c.send(r)) // there is room again, and its key was not used up
}

// TestRequestTwice: the same request under the same request id is one request.
func TestRequestTwice(t *testing.T) {
	h := newHouse(t)
	v := h.sign(h.author("Åsa"))
	c := h.court("Förvaltningsrätten", order.CourtOrder)
	compact := must(jws.Make(c.key, c.ask(v, order.CourtOrder, decider)))
	caller := c.caller("RequestOpening")
	first := must(h.RequestOpening(ctx, caller, compact))
	before := h.count(proof.OpeningRequested)
	again := must(h.RequestOpening(ctx, caller, compact))
	if !bytes.Equal(first.Preimage, again.Preimage) || h.count(proof.OpeningRequested) != before || before != 1 {
		t.Error("another request")
	}
	h.noEffect(workflow.ErrState, workflow.ReasonTaken, func() error {
		r := c.ask(v, order.CourtOrder, decider)
		r.Recipient = must2(jws.Peek, compact).Recipient
		_, err := c.send(r)
		return err
	})
}

func must2(peek func(string, jws.Statement) error, compact string) *opening.Request {
	r := &opening.Request{}
	must(0, peek(compact, r))
	return r
}

// TestForeignOpening: another requester's request is absent, to read, to collect
// and to withdraw.
func TestForeignOpening(t *testing.T) {
	h := newHouse(t)
	v := h.sign(h.author("Åsa"))
	c, other := h.court("Förvaltningsrätten", order.CourtOrder), h.court("JO", order.SupervisionJO)
	id := c.request(v, order.CourtOrder, decider)
	other.request(v, order.SupervisionJO, decider)
	for _, id := range []ident.ID{id, ident.NewID(), "x"} {
		for method, call := range map[string]func(*workflow.Caller) error{
			"GetOpening":      func(c *workflow.Caller) error { _, err := h.GetOpening(ctx, c, id); return err },
			"CollectOpening":  func(c *workflow.Caller) error { _, err := h.CollectOpening(ctx, c, id); return err },
			"WithdrawOpening": func(c *workflow.Caller) error { _, err := h.WithdrawOpening(ctx, c, id); return err },
		} {
			h.noEffect(workflow.ErrNotFound, workflow.ReasonAbsent, func() error { return call(other.caller(method)) })
		}
	}
	if list := other.openings(); len(list) != 1 || list[0].ID == id {
		t.Errorf("%+v", list)
	}
	if o := c.get(id); o.State != pending {
		t.Errorf("state %d", o.State)
	}
}

// TestListOpenings pages by random id, each once.
func TestListOpenings(t *testing.T) {
	h := newHouse(t)
	v := h.sign(h.author("Åsa"))
	c := h.court("Förvaltningsrätten", order.CourtOrder)
	want := map[ident.ID]bool{}
	for range 7 {
		want[c.request(v, order.CourtOrder, decider)] = true
	}
	page, pages := "", 0
	for {
		list, next, err := h.ListOpenings(ctx, c.caller("ListOpenings"), 3, page)
		if err != nil || len(list) > 3 {
			t.Fatal(len(list), err)
		}
		for _, o := range list {
			if !want[o.ID] {
				t.Fatal("listed twice")
			}
			delete(want, o.ID)
		}
		if pages++; next == "" {
			break
		}
		page = next
	}
	if len(want) != 0 || pages != 3 {
		t.Errorf("%d left after %d pages", len(want), pages)
	}
	h.noEffect(workflow.ErrInvalid, workflow.ReasonField, func() error {
		_, _, err := h.ListOpenings(ctx, c.caller("ListOpenings"), 3, "x")
		return err
	})
}

// TestRefusedOpening: when no section can be granted any more the request ends,
// in the log as refused, and nothing is collected.
func TestRefusedOpening(t *testing.T) {
	h := newHouse(t)
	a := h.author("Åsa")
	v := h.sign(a)
	c := h.court("Förvaltningsrätten", order.CourtOrder)
	id := c.request(v, order.CourtOrder, decider)
	h.noEffect(workflow.ErrState, workflow.ReasonNotReleased, func() error {
		_, err := h.CollectOpening(ctx, c.caller("CollectOpening"), id)
		return err
	})
	for i, want := range []int{pending, pending, wasRefused} { // more than 4 − 2 against
		if got := h.vote(1, i+1, id); got != want {
			t.Errorf("state %d after %d refusals", got, i+1)
		}
	}
	if h.count(proof.OpeningRefused) != 1 || h.count(proof.OpeningReleased) != 0 || h.count(proof.OpeningNotice) != 0 {
		t.Error("the log says something else")
	}
	h.noEffect(workflow.ErrState, workflow.ReasonNotReleased, func() error {
		_, err := h.CollectOpening(ctx, c.caller("CollectOpening"), id)
		return err
	})
	if list, err := a.seals(); err != nil || len(list) != 0 {
		t.Error("the author is told of an opening that was refused", err)
	}
}

// TestExpiry: on the day after its last a request is closed, or released as far
// as it was granted.
func TestExpiry(t *testing.T) {
	h := newHouse(t)
	v := h.sign(h.author("Åsa"))
	c := h.court("Förvaltningsrätten", order.CourtOrder)
	none := c.request(v, order.CourtOrder, decider, bias)
	some := c.request(v, order.CourtOrder, decider, bias)
	recipient := c.recipient
	h.vote(1, 1, none, decider, bias)
	for _, at := range [][2]int{{1, 1}, {1, 2}, {2, 1}} {
		h.vote(at[0], at[1], some, decider)
	}
	must(0, h.ExpireOpenings(ctx, time.Now().AddDate(0, 0, 14)))
	if c.get(none).State != pending || c.get(some).State != pending {
		t.Fatal("ended on the last day")
	}
	after := time.Now().AddDate(0, 0, 15)
	must(0, h.ExpireOpenings(ctx, after))
	if s := c.get(none).State; s != expired || h.count(proof.OpeningClosed) != 1 {
		t.Errorf("state %d, %d closed", s, h.count(proof.OpeningClosed))
	}
	if s := c.get(some).State; s != released || h.count(proof.OpeningReleased) != 1 || h.count(proof.OpeningNotice) != 1 {
		t.Errorf("state %d", s)
	}
	before := h.logs()
	must(0, h.ExpireOpenings(ctx, after))
	if n := h.logs(); n[proof.OpeningClosed] != before[proof.OpeningClosed] || n[proof.OpeningReleased] != 1 || n[proof.Event] != before[proof.Event] {
		t.Error("ended twice")
	}
	h.noEffect(workflow.ErrState, workflow.ReasonEnded, func() error {
		_, err := h.CollectOpening(ctx, c.caller("CollectOpening"), none)
		return err
	})
	p := must(disclosure.Open(must(h.CollectOpening(ctx, c.caller("CollectOpening"), some)), h.trust, recipient))
	if p.Outcome != opening.GrantedPartial || !slices.Equal(p.Granted, []record.Section{decider}) {
		t.Errorf("%s: %v", p.Outcome, p.Granted)
	}
}

// TestRevokedRequester: a key that the board has revoked gets no approval and no
// package; a refusal can still be given.
func TestRevokedRequester(t *testing.T) {
	h := newHouse(t)
	v := h.sign(h.author("Åsa"))
	c := h.court("Förvaltningsrätten", order.CourtOrder)
	done := c.request(v, order.CourtOrder, decider)
	for _, at := range [][2]int{{1, 1}, {1, 2}, {2, 1}} {
		h.vote(at[0], at[1], done, decider)
	}
	open := c.request(v, order.CourtOrder, decider)
	yes, no := h.ballot(1, 1, open, decider), h.ballot(1, 2, open)
	c.revoke()
	h.noEffect(workflow.ErrState, workflow.ReasonRequesterRevoked, func() error { _, err := h.cast(1, 1, yes); return err })
	h.noEffect(workflow.ErrState, workflow.ReasonRequesterRevoked, func() error {
		_, err := h.CollectOpening(ctx, c.caller("CollectOpening"), done)
		return err
	})
	must(h.cast(1, 2, no))
	r := must(h.GetReview(ctx, h.reviewerCaller(1, 3, "GetReview"), open, 0))
	var doc order.Requester
	must(h.trust.Board.Read(r.Requester, &doc))
	if doc.Revoked == "" {
		t.Error("a reviewer is not shown the revocation")
	}
}

// TestDelayedNotice: promise 6. A lawful delay stands in the log with its end;
// until then the author is told nothing, and from then on all.
func TestDelayedNotice(t *testing.T) {
	h := newHouse(t)
	a := h.author("Åsa")
	v := h.sign(a)
	c := h.court("Polisen", order.PoliceSuspectOfficial)
	id := c.request(v, order.PoliceSuspectOfficial, decider)
	due := today().AddDays(30)
	never := h.ballot(1, 1, id, decider)
	never.vote.NotBefore = &opening.Delay{Date: today().AddDays(14 + opening.MaxDelay + 1), Provision: "35 kap. 1 § OSL"}
	h.noEffect(workflow.ErrInvalid, workflow.ReasonField, func() error { _, err := h.cast(1, 1, never); return err })
	h.same("votes", c.get(id).Votes, 0)
	for _, at := range [][2]int{{1, 1}, {1, 2}, {2, 1}} {
		b := h.ballot(at[0], at[1], id, decider)
		b.vote.NotBefore = &opening.Delay{Date: due, Provision: "35 kap. 1 § OSL"}
		must(h.cast(at[0], at[1], b))
	}
	entries := h.entries()
	i := slices.IndexFunc(entries, func(e proof.Entry) bool { return e.Kind == proof.OpeningReleased })
	if day, ok := entries[i].Due(); !ok || day != due {
		t.Errorf("due %s", day)
	}
	silent := func() bool {
		list, err := a.seals()
		return err == nil && len(list) == 0 && h.count(proof.OpeningNotice) == 0
	}
	must(0, h.SendNotices(ctx, time.Now()))
	must(0, h.SendNotices(ctx, due.AddDays(-1).Start()))
	if !silent() {
		t.Fatal("the author is told before the day")
	}
	must(disclosure.Open(must(h.CollectOpening(ctx, c.caller("CollectOpening"), id)), h.trust, c.recipient))
	if !silent() {
		t.Fatal("the author is told by the collection")
	}
	must(0, h.SendNotices(ctx, due.Start()))
	must(0, h.SendNotices(ctx, due.Start()))
	if list := must(a.seals()); len(list) != 1 || h.count(proof.OpeningNotice) != 1 || !containsTag(h.entries(), proof.NoticeTag(a.watch, 0)) {
		t.Errorf("%d openings, %d notices", len(list), h.count(proof.OpeningNotice))
	}
	// The next opening's notice is the next in the row.
	next := h.court("Förvaltningsrätten", order.CourtOrder)
	id = next.request(v, order.CourtOrder, decider)
	for _, at := range [][2]int{{1, 1}, {1, 2}, {2, 1}} {
		h.vote(at[0], at[1], id, decider)
	}
	if !containsTag(h.entries(), proof.NoticeTag(a.watch, 1)) || len(must(a.seals())) != 2 {
		t.Error("the second notice is not the second")
	}
}

// TestSealOpeningsForAuthorOnly: both the author key and the author's login.
func TestSealOpeningsForAuthorOnly(t *testing.T) {
	h := newHouse(t)
	a, other := h.author("Åsa"), h.author("Björn")
	h.sign(a)
	borrowed := *a
	borrowed.name = other.name // somebody else's login with the author's key
	h.noEffect(workflow.ErrNotFound, workflow.ReasonAbsent, func() error { _, err := borrowed.seals(); return err })
	stolen := *a
	stolen.key = other.key
	if _, err := stolen.seals(); !errors.Is(err, workflow.ErrNotFound) {
		t.Error(err)
	}
	must(a.seals())
}
