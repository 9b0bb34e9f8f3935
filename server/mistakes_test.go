package server_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"sigill/client"
	"sigill/keys/bundle"
	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/keyfile"
	"sigill/keys/opening"
	"sigill/keys/order"
	"sigill/keys/record"
	"sigill/scripts/authority"
	"sigill/server"
	"sigill/server/audit"
	"sigill/server/gate"
	"sigill/server/store"
	"sigill/server/store/bolt"
)

// A scene is an authority where people make mistakes, and what Åsa keeps of her
// matter.
type scene struct {
	*authority.Running
	t      *testing.T
	own    *client.Own
	lost   map[string]int // answers that the network loses, by method
	begun  time.Time
	cases  int
	signed *bundle.Verdict
}

func newScene(t *testing.T) *scene {
	s := &scene{t: t, lost: map[string]int{}, begun: time.Now()}
	s.Running = published(t, authority.Options{Groups: []authority.Shape{{Threshold: 1, Members: 3}},
		Dial: func(string) []grpc.DialOption {
			return []grpc.DialOption{grpc.WithChainUnaryInterceptor(func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn,
				invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
				err := invoke(ctx, method, req, reply, cc, opts...)
				if name := path.Base(method); s.lost[name] > 0 {
					s.lost[name]--
					return status.Error(codes.Unavailable, "lost")
				}
				return err
			})}
		}})
	return s
}

func (s *scene) need(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *scene) text() client.Text {
	s.cases++
	return text(fmt.Sprintf("SN 2026-%04d", s.cases))
}

func (s *scene) caseworker(user string) *client.Caseworker {
	s.t.Helper()
	w, err := s.Caseworker(user)
	s.need(err)
	return w
}

func (s *scene) officer(user string, key *jws.Signer) *client.Signer {
	s.t.Helper()
	g, err := s.Signer(user, key)
	s.need(err)
	return g
}

// late is a caseworker whose token has run out.
func (s *scene) late(user string) *client.Caseworker {
	s.t.Helper()
	w := s.caseworker(user)
	jkt := w.Day.Public().Thumbprint()
	tok, err := s.IDP.Issue(user, &jkt, -time.Hour)
	s.need(err)
	w.Token = func(context.Context) (string, error) { return tok, nil }
	return w
}

// question is what a court asks of the signed decision.
func (s *scene) question() client.Ask {
	return client.Ask{Verdict: s.signed, Ground: order.CourtOrder, Reference: "T 1", Days: 3, Sections: []record.Section{record.SectionDecider}}
}

// borrowed is what someone has who found the file of Åsa's matter.
func (s *scene) borrowed(change func(own *client.Own)) *client.Own {
	own := *s.own
	own.Author = ident.Digest{} // the file does not know whose login it is for
	change(&own)
	return &own
}

// trail stops the server and reads, under the gate key, all that its trail says:
// who is named with a minute, and who is nobody, with a day.
func (s *scene) trail() (lines []string) {
	s.t.Helper()
	s.need(s.Stop())
	k, err := keyfile.Load(filepath.Join(s.Dir, "keys", "gate.age"), authority.Passphrase)
	s.need(err)
	seed, err := k.Seed()
	s.need(err)
	engine, err := bolt.OpenReadOnly(bolt.Config{Path: filepath.Join(s.Dir, "data", "store.db"), Layout: server.Layout()})
	s.need(err)
	opened, err := gate.Open(s.t.Context(), engine, gate.Key(seed))
	s.need(err)
	snap, err := opened.Snapshot(s.t.Context())
	s.need(err)
	people := map[audit.AccountID]string{}
	for p, err := range snap.Scan(audit.RoomAccounts, nil, nil) {
		s.need(err)
		var row audit.AccountRow
		s.need(cbor.Unmarshal(p.Value, &row))
		people[audit.AccountID(p.Key)] = s.user(row.Subject)
	}
	for p, err := range snap.Scan(audit.RoomTrail, nil, nil) {
		s.need(err)
		lines = append(lines, s.named(p, people))
	}
	for p, err := range snap.Scan(audit.RoomAuthors, nil, nil) {
		s.need(err)
		lines = append(lines, s.nobody(p))
	}
	s.need(snap.Close())
	s.need(opened.Close())
	r, err := s.Start(context.WithoutCancel(s.t.Context()))
	s.need(err)
	s.Running = r
	s.t.Cleanup(func() { r.Stop() })
	return lines
}

func (s *scene) user(subject string) string {
	for _, u := range authority.People() {
		if u.Subject == subject {
			return u.ID
		}
	}
	return "?"
}

func (s *scene) named(p store.Pair, people map[audit.AccountID]string) string {
	s.t.Helper()
	var e audit.Event
	s.need(cbor.Unmarshal(p.Value, &e))
	if now := time.Now().Unix() / 60; e.Minute < s.begun.Unix()/60 || e.Minute > now {
		s.t.Errorf("minute %d", e.Minute)
	}
	return fmt.Sprintf("%s, by the minute: %s%s: %s", people[e.Account], path.Base(e.Method), s.matter(e.Matter), e.Outcome)
}

func (s *scene) nobody(p store.Pair) string {
	s.t.Helper()
	var e audit.AuthorEvent
	s.need(cbor.Unmarshal(p.Value, &e))
	if day := ident.DateOf(s.begun).Days(); e.Day < day || e.Day > day+1 {
		s.t.Errorf("day %d", e.Day)
	}
	return fmt.Sprintf("by the day: %s%s: %s", path.Base(e.Method), s.matter(e.Matter), e.Outcome)
}

// matter says which matter a row is about.
func (s *scene) matter(id []byte) string {
	if len(id) == 0 {
		return ""
	}
	if s.own != nil {
		if b := s.own.Decision.Bytes(); bytes.Equal(id, b[:]) {
			return " in the matter"
		}
	}
	return " in another matter"
}

// A mistake is one that honest people make, with what it is answered and which
// rows it leaves in the trail.
type mistake struct {
	name   string
	do     func(s *scene) error
	code   codes.Code
	reason string
	trail  []string
}

// TestHonestMistakes: each mistake is answered, and leaves in the trail the rows
// that it should: who looks at or touches somebody else's matter is named, with the
// minute; an author who fails is a day; what is not authenticated, or contradicts
// itself, is nothing. -v shows the rows.
func TestHonestMistakes(t *testing.T) {
	s := newScene(t)
	before := s.trail()
	for _, m := range slices.Concat(draftingMistakes(), authorMistakes(), otherMistakes()) {
		err := m.do(s)
		e := (*client.Error)(nil)
		switch {
		case m.code == codes.OK:
			if err != nil {
				t.Errorf("%s: %v", m.name, err)
			}
		case !errors.As(err, &e) || e.Code != m.code || client.Reason(err) != m.reason:
			t.Errorf("%s: %v", m.name, err)
		}
		after := s.trail()
		rows := slices.Clone(after)
		for _, line := range before { // authors' rows have no order
			if i := slices.Index(rows, line); i >= 0 {
				rows = slices.Delete(rows, i, i+1)
			}
		}
		before = after
		t.Logf("%s:\n\t%s", m.name, strings.Join(rows, "\n\t"))
		slices.Sort(rows)
		if !slices.Equal(rows, m.trail) {
			t.Errorf("%s: left %q, want %q", m.name, rows, m.trail)
		}
	}
	for _, line := range before {
		if strings.HasPrefix(line, "asa,") {
			t.Errorf("the author is named: %s", line)
		}
	}
}

// draftingMistakes are made with a first draft.
func draftingMistakes() []mistake {
	return []mistake{
		{"the text names the author, to a client that does not look", func(s *scene) error {
			w := s.caseworker("asa")
			named := s.text()
			named.Content = []byte(strings.Replace(content, "Behovet", "Enligt "+w.Me.Name+" är behovet", 1))
			w.Me.Name = "Någon Annan"
			return second(w.Submit(s.t.Context(), named))
		}, codes.InvalidArgument, "NAMED", []string{"by the day: SubmitDraft: NAMED"}},
		{"an item that is not in the order", func(s *scene) error {
			wrong := s.text()
			wrong.Item, wrong.Record.Decider.Item = "9.9", "9.9"
			return second(s.caseworker("asa").Submit(s.t.Context(), wrong))
		}, codes.FailedPrecondition, "DELEGATION_ORDER", []string{"by the day: SubmitDraft: DELEGATION_ORDER"}},
		{"the token has run out", func(s *scene) error {
			return second(s.late("asa").Submit(s.t.Context(), s.text()))
		}, codes.Unauthenticated, "TOKEN", nil},
		{"a registrar drafts", func(s *scene) error {
			return second(s.caseworker("registrator").Submit(s.t.Context(), s.text()))
		}, codes.PermissionDenied, "ROLE", []string{"by the day: SubmitDraft: ROLE"}},
		{"an answer is lost, and the client asks again", func(s *scene) (err error) {
			s.lost["SubmitDraft"] = 1
			s.own, err = s.caseworker("asa").Submit(s.t.Context(), s.text())
			return err
		}, codes.OK, "", []string{"by the day: SubmitDraft in the matter: OK"}},
	}
}

// authorMistakes are made by the author of a matter, or with what is hers.
func authorMistakes() []mistake {
	ctx := context.Background()
	return []mistake{
		{"all answers are lost after the commit, and she looks later", func(s *scene) error {
			w := s.caseworker("asa")
			s.lost["AttachDissent"] = 4
			if err := w.Dissent(ctx, s.own, []string{"Beloppet borde vara högre."}); err == nil {
				return errors.New("an answer came")
			}
			return second(w.Get(ctx, s.own))
		}, codes.OK, "", []string{"by the day: AttachDissent in the matter: OK", "by the day: GetDraft in the matter: OK"}},
		{"her token has run out", func(s *scene) error {
			return second(s.late("asa").Get(ctx, s.own))
		}, codes.Unauthenticated, "TOKEN", nil},
		{"another key than this matter's, with her own login", func(s *scene) error {
			own := s.borrowed(func(own *client.Own) { own.AuthorKey = slices.Repeat(ident.Bytes{7}, 32) })
			return s.caseworker("asa").Withdraw(ctx, own)
		}, codes.NotFound, "ABSENT", []string{"by the day: WithdrawDraft in the matter: ABSENT"}},
		{"a matter that is not there", func(s *scene) error {
			own := s.borrowed(func(own *client.Own) { own.Decision = ident.NewID() })
			return second(s.caseworker("asa").Get(ctx, own))
		}, codes.NotFound, "ABSENT", nil},
		{"a colleague with a borrowed author key", func(s *scene) error {
			return second(s.caseworker("bjorn").Get(ctx, s.borrowed(func(*client.Own) {})))
		}, codes.NotFound, "ABSENT", []string{"bjorn, by the minute: GetDraft in the matter: ABSENT"}},
		{"a colleague with the decision's id and a key of his own", func(s *scene) error {
			own := s.borrowed(func(own *client.Own) { own.AuthorKey = slices.Repeat(ident.Bytes{8}, 32) })
			return s.caseworker("bjorn").Withdraw(ctx, own)
		}, codes.NotFound, "ABSENT", []string{"bjorn, by the minute: WithdrawDraft in the matter: ABSENT"}},
		{"a dissent that names her, to a client that does not look", func(s *scene) error {
			w := s.caseworker("asa")
			name := w.Me.Name
			w.Me.Name = "Någon Annan"
			return w.Dissent(ctx, s.own, []string{"Jag, " + name + ", är skiljaktig."})
		}, codes.InvalidArgument, "NAMED", []string{"by the day: AttachDissent in the matter: NAMED"}},
	}
}

// otherMistakes are made by those who act under their names.
func otherMistakes() []mistake {
	ctx := context.Background()
	return []mistake{
		{"a director with the registrar's key", func(s *scene) error {
			g := s.officer("direktor", s.Director)
			c, err := g.Read(ctx, s.own.Decision)
			s.need(err)
			g.Key = s.Registrar
			return g.Abstain(ctx, c)
		}, codes.NotFound, "ABSENT", []string{"direktor, by the minute: AbstainFromDecision in the matter: ABSENT",
			"direktor, by the minute: GetInboxDraft in the matter: OK"}},
		{"a director returns what has just been revised", func(s *scene) error {
			g := s.officer("direktor", s.Director)
			c, err := g.Read(ctx, s.own.Decision)
			s.need(err)
			revised := text("SN 2026-0005")
			revised.Content = []byte(content + "\nMer.\n")
			s.need(s.caseworker("asa").Revise(ctx, s.own, revised))
			return g.Return(ctx, c, []string{"Motivera."})
		}, codes.Aborted, "REVISION", []string{"by the day: ReviseDraft in the matter: OK",
			"direktor, by the minute: GetInboxDraft in the matter: OK", "direktor, by the minute: ReturnDraft in the matter: REVISION"}},
		{"the author revises what is signed", func(s *scene) error {
			g := s.officer("direktor", s.Director)
			c, err := g.Read(ctx, s.own.Decision)
			s.need(err)
			s.signed, _, err = g.Sign(ctx, c)
			s.need(err)
			return s.caseworker("asa").Revise(ctx, s.own, text("SN 2026-0005"))
		}, codes.FailedPrecondition, "ENDED", []string{"by the day: ReviseDraft in the matter: ENDED",
			"direktor, by the minute: CosignDecision in the matter: OK", "direktor, by the minute: GetInboxDraft in the matter: OK"}},
		{"a court with a key that nobody registered", func(s *scene) error {
			court, err := s.AsCourt()
			s.need(err)
			court.Key = s.Deputy
			ask, err := court.NewRequest(s.question())
			s.need(err)
			return court.Send(ctx, ask)
		}, codes.PermissionDenied, "KEY", []string{"domstol, by the minute: RequestOpening: KEY"}},
		{"a reviewer with a colleague's key", func(s *scene) error {
			court, err := s.AsCourt()
			s.need(err)
			ask, err := court.NewRequest(s.question())
			s.need(err)
			s.need(court.Send(ctx, ask))
			v, err := s.Reviewer(1, 1)
			s.need(err)
			w, err := v.Get(ctx, ask.Opening)
			s.need(err)
			v.Sign = s.Reviewers[0][1].Sign
			return second(v.Vote(ctx, w, client.Judgement{Refusal: &opening.Refusal{Basis: opening.BasisScope, Paragraphs: []string{"Mer än vad målet kräver."}, Provision: "38 kap. 2 § RB"}}))
		}, codes.InvalidArgument, "CONTRADICTION", []string{"domstol, by the minute: RequestOpening in the matter: OK",
			"granskare-1-1, by the minute: GetReview in the matter: OK"}},
	}
}

func second[T any](_ T, err error) error { return err }
