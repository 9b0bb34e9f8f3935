package workflow_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/order"
	"sigill/keys/record"
	"sigill/keys/statement"
	"sigill/server/store"
	"sigill/server/store/bolt"
	"sigill/server/store/memory"
	"sigill/server/workflow"
)

// How many questions [TestS11_sameTime] times for each call; without the flag none. A
// hundred thousand are what is promised, over a store on a disk that TMPDIR names; of the
// seventeen calls six at a time take three quarters of an hour:
//
//	go test ./server/workflow -run TestS11_sameTime -calls 100000 -parallel 6 -timeout 3h -v
var calls = flag.Int("calls", 0, "questions of TestS11_sameTime for each call")

// A question is a call about an id that somebody has come by. It is prepared first, as
// it would be in a client.
type question struct {
	name    string
	prepare func(id ident.ID) func() error
}

// An asked house has drafts that nobody may see but their author, and questions.
type asked struct {
	*house
	foreign, withdrawn ident.ID // drafts
	request            ident.ID // another court's
	matters, requests  []question
}

func newAsked(t *testing.T, engine func() store.Store) *asked {
	h := newHouseOver(t, engine)
	now := time.Now().In(ident.Stockholm())
	a, b, signed := h.author("Åsa Öberg"), h.author("Åsa Öberg").in("SN2026-2"), h.author("Åsa Öberg").in("SN2026-3")
	v := h.sign(signed)
	h.InboxHours = []time.Duration{time.Duration((now.Hour()+12)%24) * time.Hour} // far away
	must(a.submit())
	must(b.submit())
	must(b.withdraw())
	w := &asked{house: h, foreign: a.id, withdrawn: b.id}
	w.request = h.court("Förvaltningsrätten", order.CourtOrder).request(v, order.CourtOrder, decider)
	w.ofCaseworkers()
	head := must(h.GetInboxDraft(ctx, h.signerCaller(director, "SigningService/GetInboxDraft"), w.shown())).Head
	w.ofSigners(head)
	other := h.court("Polisen", order.PoliceSuspectOfficial)
	with := func(name string, call func(c *workflow.Caller, id ident.ID) error) {
		w.requests = append(w.requests, question{"requester " + name, func(id ident.ID) func() error {
			c := other.caller(name)
			return func() error { return call(c, id) }
		}})
	}
	with("GetOpening", func(c *workflow.Caller, id ident.ID) error { _, err := h.GetOpening(ctx, c, id); return err })
	with("CollectOpening", func(c *workflow.Caller, id ident.ID) error { _, err := h.CollectOpening(ctx, c, id); return err })
	with("WithdrawOpening", func(c *workflow.Caller, id ident.ID) error { _, err := h.WithdrawOpening(ctx, c, id); return err })
	return w
}

// shown is an urgent draft, which signers are shown at once.
func (w *asked) shown() ident.ID {
	a := w.author("Åsa Öberg").in("SN2026-4")
	in := a.edit
	a.edit = func(d *statement.Draft, r *record.Record) { in(d, r); d.Urgent = true }
	must(a.submit())
	return a.id
}

// ofCaseworkers: a colleague with an id and a key of their own.
func (w *asked) ofCaseworkers() {
	colleague := w.author("Bo Ek")
	with := func(name string, call func(id ident.ID, b *author) func() error) {
		w.matters = append(w.matters, question{"caseworker " + name, func(id ident.ID) func() error {
			b := *colleague
			b.id, b.last = id, []ident.Digest{ident.Sum("another")}
			return call(id, &b)
		}})
	}
	with("GetDraft", func(id ident.ID, b *author) func() error {
		c := b.reader("GetDraft")
		return func() error { _, err := w.GetDraft(ctx, c, id); return err }
	})
	with("ListSealOpenings", func(id ident.ID, b *author) func() error {
		c := b.reader("ListSealOpenings")
		return func() error { _, err := w.ListSealOpenings(ctx, c, id); return err }
	})
	with("GetBundle", func(id ident.ID, b *author) func() error {
		c := b.reader("GetBundle")
		return func() error { _, err := w.GetBundle(ctx, c, id); return err }
	})
	with("AttachDissent", func(_ ident.ID, b *author) func() error {
		c, d := b.caller("AttachDissent"), b.dissentBy(b.key, "Jag är av en annan mening.")
		return func() error { _, err := w.AttachDissent(ctx, c, d); return err }
	})
	with("WithdrawDraft", func(_ ident.ID, b *author) func() error {
		c, d := b.caller("WithdrawDraft"), b.withdrawal()
		return func() error { _, err := w.WithdrawDraft(ctx, c, d); return err }
	})
	with("ReviseDraft", func(_ ident.ID, b *author) func() error {
		c := b.caller("ReviseDraft")
		in, _ := b.submission()
		return func() error { _, err := w.ReviseDraft(ctx, c, in); return err }
	})
}

// ofSigners: a director and a registrar with an id, and a draft of somebody's that
// cites it.
func (w *asked) ofSigners(head []byte) {
	colleague := w.author("Bo Ek")
	with := func(name, title string, call func(c *workflow.Caller, b *author) func() error) {
		w.matters = append(w.matters, question{title + " " + name, func(id ident.ID) func() error {
			b := *colleague
			b.id, b.last = id, []ident.Digest{ident.Sum("another")}
			return call(w.signerCaller(title, name), &b)
		}})
	}
	with("SigningService/GetInboxDraft", director, func(c *workflow.Caller, b *author) func() error {
		return func() error { _, err := w.GetInboxDraft(ctx, c, b.id); return err }
	})
	with("SigningService/CosignDecision", director, func(c *workflow.Caller, b *author) func() error {
		b.last = nil
		in, _ := b.submission()
		approval := must(w.approval(director, &workflow.InboxDraft{Statement: in.Statement, Head: head}))
		return func() error { _, err := w.CosignDecision(ctx, c, approval); return err }
	})
	with("SigningService/ReturnDraft", director, func(c *workflow.Caller, b *author) func() error {
		st := w.returning(director, b)
		return func() error { _, err := w.ReturnDraft(ctx, c, st); return err }
	})
	with("SigningService/AbstainFromDecision", director, func(c *workflow.Caller, b *author) func() error {
		st := must(jws.Make(w.signers[director], &statement.Abstention{Authority: authority, Date: today(), Decision: b.id, Draft: b.last[0]}))
		return func() error { _, err := w.AbstainFromDecision(ctx, c, st); return err }
	})
	for _, title := range []string{director, registrar} {
		with("SigningService/DispatchDecision", title, func(c *workflow.Caller, b *author) func() error {
			st := w.dispatching(title, b.id, ident.Sum("a decision"))
			return func() error { _, err := w.DispatchDecision(ctx, c, st); return err }
		})
		with("VerificationService/GetBundle", title, func(c *workflow.Caller, b *author) func() error {
			return func() error { _, err := w.GetBundle(ctx, c, b.id); return err }
		})
	}
}

// told is what of a refusal becomes an answer: server/rpc knows nothing else of it.
func told(err error) string {
	no := (*workflow.Refusal)(nil)
	if !errors.As(err, &no) {
		return fmt.Sprint("no refusal: ", err)
	}
	return fmt.Sprint(no.Kind, no.Reason, no.Field, no.Line, no.Digests)
}

// What is not there, what is somebody else's and what has been withdrawn are one
// answer, to whoever asks, and it is that of the unknown.
func TestS11_sameAnswer(t *testing.T) {
	w := newAsked(t, func() store.Store { return memory.NewDisk(layout()).Open() })
	for _, q := range w.matters {
		for what, id := range map[string]ident.ID{"unknown": ident.NewID(), "foreign": w.foreign, "withdrawn": w.withdrawn} {
			if got, want := told(q.prepare(id)()), fmt.Sprint(workflow.ErrNotFound, workflow.ReasonAbsent, "", 0, []ident.Digest(nil)); got != want {
				t.Errorf("%s of %s: %s", q.name, what, got)
			}
		}
	}
	for _, q := range w.requests {
		if one, other := told(q.prepare(ident.NewID())()), told(q.prepare(w.request)()); one != other {
			t.Errorf("%s: %s of the unknown, %s of another's", q.name, one, other)
		}
	}
}

// Shaped is an engine of which is known what its last commit wrote: rooms, and lengths of keys.
type shaped struct {
	store.Store
	last []string
}

func (s *shaped) Commit(ctx context.Context, changes store.Changes) error {
	s.last = nil
	for _, c := range changes {
		s.last = append(s.last, fmt.Sprint(c.Room, len(c.Key), c.Delete))
	}
	return s.Store.Commit(ctx, changes)
}

// The commit that an answer waits for writes as many rows of the same rooms for what
// is not there as for what is somebody else's.
func TestS11_sameWork(t *testing.T) {
	s := &shaped{Store: memory.NewDisk(layout()).Open()}
	w := newAsked(t, func() store.Store { return s })
	for _, q := range append(w.matters, w.requests...) {
		foreign := w.foreign
		if slices.ContainsFunc(w.requests, func(r question) bool { return r.name == q.name }) {
			foreign = w.request
		}
		q.prepare(foreign)() // the first act of a login makes its account
		q.prepare(foreign)()
		one := s.last
		q.prepare(ident.NewID())()
		if !slices.Equal(one, s.last) || len(one) == 0 {
			t.Errorf("%s: %v of what is foreign, %v of what is not there", q.name, one, s.last)
		}
	}
}

// The times of the two answers cannot be told apart: Welch's |t| is under 4.5. The
// questions are asked in random order, in one warm process, straight of the office over
// a store on a disk of its own, so that sockets add no noise, and held as server/rpc
// holds them. Nothing is left out of the sums.
func TestS11_sameTime(t *testing.T) {
	asked := func(t *testing.T) *asked {
		path := filepath.Join(t.TempDir(), "store.db")
		return newAsked(t, func() store.Store { return must(bolt.Create(bolt.Config{Path: path, Layout: layout()})) })
	}
	w := asked(t)
	for i, q := range w.matters {
		t.Run(q.name, func(t *testing.T) {
			t.Parallel()
			w := asked(t)
			w.matters[i].times(t, w.foreign, w.withdrawn)
		})
	}
	for i, q := range w.requests {
		t.Run(q.name, func(t *testing.T) {
			t.Parallel()
			w := asked(t)
			w.requests[i].times(t, w.request)
		})
	}
}

// times asks about ids of somebody else's and about others, at first to warm up.
func (q question) times(t *testing.T, foreign ...ident.ID) {
	var known, unknown moments
	for n := -1 - min(*calls, 100); n < *calls; n++ {
		id, into := ident.NewID(), &unknown
		if rand.IntN(2) == 0 {
			id, into = foreign[rand.IntN(len(foreign))], &known
		}
		ask := q.prepare(id)
		began := time.Now()
		err := workflow.Hold(ctx, began, ask())
		if took := time.Since(began); n >= 0 {
			into.add(float64(took))
		}
		if !errors.Is(err, workflow.ErrNotFound) {
			t.Fatal(err)
		}
	}
	if *calls == 0 {
		return
	}
	by := welch(known, unknown)
	t.Logf("t = %.2f over %d calls, %.1f and %.1f µs", by, *calls, known.mean/1e3, unknown.mean/1e3)
	if math.Abs(by) >= 4.5 {
		t.Error("the times tell them apart")
	}
}

// moments are the number, the mean and the squared deviations of what was added.
type moments struct{ n, mean, m2 float64 }

func (m *moments) add(x float64) {
	m.n++
	d := x - m.mean
	m.mean += d / m.n
	m.m2 += d * (x - m.mean)
}

func welch(a, b moments) float64 {
	return (a.mean - b.mean) / math.Sqrt(a.m2/(a.n-1)/a.n+b.m2/(b.n-1)/b.n)
}

// TestWelch: what is apart is told apart, and what is not is not.
func TestWelch(t *testing.T) {
	var a, b, c moments
	r := rand.New(rand.NewPCG(1, 1))
	for range 100000 {
		a.add(1000 + 100*r.NormFloat64())
		b.add(1000 + 100*r.NormFloat64())
		c.add(1003 + 100*r.NormFloat64())
	}
	if same, apart := welch(a, b), welch(a, c); math.Abs(same) >= 4.5 || math.Abs(apart) < 4.5 {
		t.Errorf("t = %.2f of what is alike, %.2f of what is not", same, apart)
	}
}
