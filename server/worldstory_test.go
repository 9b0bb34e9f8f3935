package server_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/test/bufconn"

	"sigill/client"
	"sigill/keys/bundle"
	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/order"
	"sigill/keys/proof"
	"sigill/keys/record"
	"sigill/scripts/authority"
	"sigill/scripts/devidp/devidp"
	"sigill/scripts/story"
	"sigill/server"
)

// A play is one world: a server on listeners in memory, and everyone who calls it.
type play struct {
	t        *testing.T
	ctx      context.Context
	stage    *stage
	who      actor
	author   string // the author's user id at the provider
	public   *bufconn.Listener
	readers  *bufconn.Listener // of the log
	internal *bufconn.Listener
	log      strings.Builder
	stop     func() error
	open     []*client.Session
	lines    []*line // of the author

	mu   sync.Mutex
	kept recording
}

func newPlay(t *testing.T, s *stage, who actor, author string) *play {
	t.Helper()
	p := &play{t: t, ctx: t.Context(), stage: s, who: who, author: author, public: bufconn.Listen(1 << 20),
		readers: bufconn.Listen(1 << 20), internal: bufconn.Listen(1 << 20)}
	srv, err := server.New(p.ctx, s.config, server.NewLog(&p.log))
	p.must(err)
	p.must(srv.On(p.public, p.readers, p.internal))
	ctx, cancel := context.WithCancel(p.ctx)
	done := make(chan error, 1)
	go func() { done <- srv.Run(ctx) }()
	p.stop = sync.OnceValue(func() error { cancel(); return <-done })
	t.Cleanup(func() { // where the story goes wrong
		p.leave()
		p.must(p.stop())
	})
	return p
}

func (p *play) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

func (p *play) keep(s ...seen) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.kept = append(p.kept, s...)
}

// session is a user's for the hour. Two day keys are drawn, whichever is theirs, so that
// the randomness that follows is the same.
func (p *play) session(user string, unbound bool, day int) (*client.Session, string) {
	p.t.Helper()
	var keys [2]*jws.Signer
	for i := range keys {
		k, _, err := jws.Generate(jws.ES256)
		p.must(err)
		keys[i] = k
	}
	jkt := keys[day].Public().Thumbprint()
	tok, err := p.stage.IDP.Issue(user, &jkt, 0)
	if unbound {
		tok, err = p.stage.IDP.Issue(user, nil, 0)
	}
	p.must(err)
	c := client.Config{Addr: "127.0.0.1:1", Origin: authority.Origin, Trust: p.stage.Trust, Plain: true,
		Token: func(context.Context) (string, error) { return tok, nil },
		Options: []grpc.DialOption{grpc.WithStatsHandler(&wire{p, user}),
			grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
				conn, err := p.public.DialContext(ctx)
				if err == nil && user == p.author {
					conn = p.newLine(conn)
				}
				return conn, err
			})}}
	if !unbound {
		c.Day = keys[day]
	}
	s, err := client.Dial(c)
	p.must(err)
	p.open = append(p.open, s)
	return s, tok
}

// leave ends everyone's sessions, as at the end of a visit.
func (p *play) leave() {
	for _, s := range p.open {
		p.must(s.Close())
	}
	p.open = nil
}

func (p *play) caseworker() *client.Caseworker {
	s, tok := p.session(p.author, p.who.unbound, p.who.day)
	if n := len(tok); p.who.token > 0 && (n > p.who.token || n < p.who.token-12) {
		p.t.Fatalf("a token of %d bytes, not %d", n, p.who.token)
	}
	me, err := p.stage.Identity(p.author, tok)
	p.must(err)
	return s.Caseworker(me)
}

func (p *play) colleague() *client.Caseworker {
	s, tok := p.session("asa", false, 0)
	me, err := p.stage.Identity("asa", tok)
	p.must(err)
	return s.Caseworker(me)
}

func (p *play) officer(user string, key *jws.Signer) *client.Signer {
	s, _ := p.session(user, false, 0)
	i := slices.IndexFunc(authority.People(), func(u devidp.User) bool { return u.ID == user })
	return s.Signer(key, authority.People()[i].Name)
}

// operator reads what is counted and how the authority stands.
func (p *play) operator(name string) {
	p.t.Helper()
	s, _ := p.session("drift", false, 0)
	_, err := s.Board().Status(p.ctx)
	p.must(err)
	h := http.Client{Transport: &http.Transport{DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return p.internal.DialContext(ctx) }}}
	for _, page := range []string{"metrics", "readyz"} {
		r, err := h.Get("http://internal/" + page)
		p.must(err)
		b, err := io.ReadAll(r.Body)
		p.must(err)
		p.must(r.Body.Close())
		for i, line := range strings.Split(string(b), "\n") {
			p.keep(seen{place: fmt.Sprintf("%s %s line %d", page, name, i), value: []byte(line)})
		}
	}
	p.leave()
}

// get reads a file of the published log, as anyone does.
func (p *play) get(name, path string) []byte {
	p.t.Helper()
	h := http.Client{Transport: &http.Transport{DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return p.readers.DialContext(ctx) }}}
	r, err := h.Get("http://log/" + path)
	p.must(err)
	b, err := io.ReadAll(r.Body)
	p.must(errors.Join(err, r.Body.Close()))
	p.keep(seen{place: fmt.Sprintf("reader %s %s header", name, path), value: fmt.Append(nil, r.Header)}) // in order of keys
	if r.StatusCode != http.StatusOK {
		p.t.Fatalf("%s: %d", path, r.StatusCode)
	}
	return b
}

// dayPath is where a day of the stage's is, counted from 0.
func (p *play) dayPath(day int) string {
	return "day/" + string(ident.DateOf(p.stage.dawn).AddDays(day))
}

// reader reads all of it.
func (p *play) reader(name string, days ...int) {
	p.t.Helper()
	get := func(path string) []byte { return p.get(name, path) }
	note := get("checkpoint")
	p.keep(seen{place: "reader checkpoint", value: note})
	cp, err := proof.OpenCheckpoint(note, p.stage.Trust.Policy)
	p.must(err)
	if cp.Size == 0 || cp.Size > 255 {
		p.t.Fatalf("a log of %d entries", cp.Size)
	}
	n := int(cp.Size)
	for b := range slices.Chunk(get(proof.TilePath(0, 0, n)), 32) {
		p.keep(seen{place: "reader hash", value: b})
	}
	for b := range slices.Chunk(get(proof.TilePath(proof.EntriesLevel, 0, n)), 2+proof.EntrySize) {
		p.keep(seen{place: "reader entry", value: b[2:]})
	}
	for _, day := range days {
		d, err := proof.ParseDay(get(p.dayPath(day)))
		p.must(err)
		p.keep(seen{place: "reader day", value: fmt.Append(nil, d.Date, d.First, len(d.Entries))}, seen{place: "reader checkpoint", value: d.Checkpoint})
		for _, h := range d.Frontier {
			p.keep(seen{place: "reader hash", value: h[:]})
		}
		for _, e := range d.Entries {
			p.keep(seen{place: "reader entry", value: e.Marshal()})
		}
	}
}

// perform plays the story and gives all that was seen.
func (p *play) perform() recording {
	p.until(0, "09:17:31")
	own, withdrawn := p.draft()
	p.until(0, "11:30:05")
	p.operator("before")
	p.until(0, "12:59:30")
	p.returned(own)
	p.until(0, "14:40:12")
	p.revise(own)
	p.until(1, "01:30:00")
	p.operator("after midnight")
	p.reader("after midnight", -1, 0)
	p.until(1, "08:30:40")
	verdict := p.sign(own)
	p.opened(client.Ask{Verdict: verdict, Ground: order.CourtReferralOnAppeal, Reference: "Mål 4711-26",
		Sections: []record.Section{record.SectionDecider, record.SectionDissentAuthor, record.SectionEvidence}, Days: 14})
	p.learn(own)
	p.until(2, "01:30:00")
	p.operator("at last")
	p.reader("at last", -1, 0, 1)
	p.checks(own, withdrawn)
	p.must(p.stop())
	p.overheard()
	p.told()
	p.atRest()
	return p.kept
}

// draft: a draft is refused by the server's guard, another taken, a third withdrawn,
// and a colleague asks for what is not theirs.
func (p *play) draft() (own, withdrawn *client.Own) {
	p.t.Helper()
	w := p.caseworker()
	blind := *w
	blind.Me.Phone = "" // a client that does not know what it must not say
	_, err := blind.Submit(p.ctx, story.Text(append(slices.Clone(story.Decision), "\nFrågor besvaras på "+w.Me.Phone+".\n"...), "SN 2026-00417"))
	if client.Reason(err) != "NAMED" {
		p.t.Fatal("a text that names its author: ", err)
	}
	own, err = w.Submit(p.ctx, story.Text(story.Decision, "SN 2026-00417"))
	p.must(err)
	withdrawn, err = w.Submit(p.ctx, story.Text(story.Decision, "SN 2026-00418"))
	p.must(err)
	p.must(w.Withdraw(p.ctx, withdrawn))
	p.snoop(own)
	p.leave()
	return own, withdrawn
}

// snoop: a colleague with all that the author keeps, who has a login of their own.
func (p *play) snoop(own *client.Own) {
	p.t.Helper()
	stolen, c := *own, p.colleague()
	stolen.Author = record.AuthorCommitment(record.Nonce(own.Nonce), c.Me.Issuer, c.Me.Subject)
	if _, err := c.Get(p.ctx, &stolen); client.Reason(err) != "ABSENT" {
		p.t.Fatal("a colleague asks: ", err)
	}
}

// returned: directors are shown the draft at its hour, and one sends it back.
func (p *play) returned(own *client.Own) {
	p.t.Helper()
	d := p.officer("direktor", p.stage.Director)
	ctx, cancel := context.WithCancel(p.ctx)
	watched := make(chan error, 1)
	shown := 0
	go func() {
		watched <- p.officer("vice", p.stage.Deputy).Watch(ctx, func(ids []ident.ID) error { shown += len(ids); return nil })
	}()
	p.until(0, "13:00:20")
	cancel()
	if err := <-watched; err != nil || shown != 1 {
		p.t.Fatal("the deputy was shown ", shown, err)
	}
	p.until(0, "13:00:21") // the server has noticed
	_, err := d.Inbox(p.ctx)
	p.must(err)
	c, err := d.Read(p.ctx, own.Decision)
	p.must(err)
	p.must(d.Return(p.ctx, c, []string{"Motivera avslaget tydligare."}))
	p.leave()
}

func (p *play) revise(own *client.Own) {
	p.t.Helper()
	w := p.caseworker()
	_, err := w.Get(p.ctx, own)
	p.must(err)
	p.must(w.Revise(p.ctx, own, story.Text(append(slices.Clone(story.Decision), "\nBeslutet gäller från och med i dag.\n"...), own.Case)))
	p.must(w.Dissent(p.ctx, own, []string{"Jag är av en annan mening."}))
	p.snoop(own)
	p.leave()
}

// sign: the revision is countersigned and dispatched.
func (p *play) sign(own *client.Own) *bundle.Verdict {
	p.t.Helper()
	d := p.officer("direktor", p.stage.Director)
	_, err := d.Inbox(p.ctx)
	p.must(err)
	c, err := d.Read(p.ctx, own.Decision)
	p.must(err)
	v, _, err := d.Sign(p.ctx, c)
	p.must(err)
	p.must(p.officer("registrator", p.stage.Registrar).Dispatch(p.ctx, v))
	return v
}

// opened: a court asks, reviewers vote, the court collects.
func (p *play) opened(ask client.Ask) {
	p.t.Helper()
	s, _ := p.session("domstol", false, 0)
	court := s.Requester(p.stage.Court)
	r, err := court.NewRequest(ask)
	p.must(err)
	p.must(court.Send(p.ctx, r))
	p.until(1, "08:45:00") // the witness has seen it
	for _, at := range [][2]int{{1, 1}, {2, 1}, {1, 2}} {
		s, _ := p.session(fmt.Sprintf("granskare-%d-%d", at[0], at[1]), false, 0)
		k := p.stage.Reviewers[at[0]-1][at[1]-1]
		v := s.Reviewer(k.Sign, k.Open, map[ident.ID]ident.Digest{p.stage.CourtID: p.stage.Court.Public().Thumbprint()})
		_, err := v.Pending(p.ctx)
		p.must(err)
		w, err := v.Get(p.ctx, r.Opening)
		p.must(err)
		_, err = v.Vote(p.ctx, w, client.Judgement{Granted: ask.Sections})
		p.must(err)
	}
	p.until(1, "09:00:00")
	_, err = court.Get(p.ctx, r.Opening)
	p.must(err)
	_, err = court.Collect(p.ctx, r.Opening)
	p.must(err)
}

// learn: the author sees the decision and who opened the seal.
func (p *play) learn(own *client.Own) {
	p.t.Helper()
	w := p.caseworker()
	_, err := w.Get(p.ctx, own)
	p.must(err)
	list, err := w.Openings(p.ctx, own)
	if err != nil || len(list) != 1 {
		p.t.Fatal("openings: ", len(list), err)
	}
	p.leave()
}
