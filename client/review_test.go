package client_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"sigill/client"
	"sigill/keys/bundle"
	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/opening"
	"sigill/keys/order"
	"sigill/keys/proof"
	"sigill/keys/record"
	"sigill/keys/statement"
	"sigill/keys/vectors"
	sigillv1 "sigill/proto/sigill/v1"
	"sigill/scripts/authority"
)

// A hearing is a decision on which a court has asked, before reviewers who talk to a
// server that may lie.
type hearing struct {
	*authority.Running
	author *client.Caseworker
	own    *client.Own
	court  *client.Requester
	asked  *client.Recipient
	lie    func(reply any) // changes what the server says
	calls  []string        // what clients have asked of it, by method

	instead func(reply proto.Message) error // answers in the server's place; nil: the server does
}

func newHearing(t testing.TB, sections ...record.Section) *hearing {
	t.Helper()
	ctx := t.Context()
	h := &hearing{lie: func(any) {}}
	a, err := authority.Make(ctx, filepath.Join(t.TempDir(), "house"), authority.Options{Groups: []authority.Shape{{Threshold: 1, Members: 3}},
		Dial: func(string) []grpc.DialOption {
			return []grpc.DialOption{grpc.WithChainUnaryInterceptor(func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, call grpc.UnaryInvoker, opts ...grpc.CallOption) error {
				h.calls = append(h.calls, method[strings.LastIndex(method, "/")+1:])
				if h.instead != nil {
					return h.instead(reply.(proto.Message))
				}
				err := call(ctx, method, req, reply, cc, opts...)
				h.lie(reply)
				return err
			})}
		}})
	must(err)
	t.Cleanup(func() { a.Close() })
	h.Running, err = a.Start(ctx)
	must(err)
	t.Cleanup(func() { h.Stop() })
	must(h.Publish(ctx))
	h.author, h.own = drafted(ctx, h.Running)
	v := signed(ctx, h.Running, h.own.Decision)
	h.court, err = h.AsCourt()
	must(err)
	h.asked, err = h.court.NewRequest(client.Ask{Verdict: v, Ground: order.CourtOrder, Reference: "T 1-26", Days: 10, Sections: sections})
	must(err)
	must(h.court.Send(ctx, h.asked))
	return h
}

// TestCast: the votes of a request that has run out are believed on their reviewers'
// signatures: on this request, by a reviewer at their seat, each once.
func TestCast(t *testing.T) {
	ctx := t.Context()
	h := newHearing(t, record.SectionDecider)
	o, err := h.court.Get(ctx, h.asked.Opening)
	must(err)
	if votes, err := h.court.Cast(ctx, o); err != nil || votes != nil {
		t.Fatal("votes on a request that runs", err)
	}
	reviewer, err := h.Reviewer(1, 2)
	must(err)
	w, err := reviewer.Get(ctx, h.asked.Opening)
	must(err)
	vote := func(key *jws.Signer, change func(v *opening.Vote)) string {
		v := &opening.Vote{Authority: authority.Number, Checkpoint: *reviewer.Seen, Decision: w.Request.Decision, Granted: []record.Section{}, Group: w.Group,
			Index: w.Index, Opening: w.Request.Opening, Request: w.Digest,
			Refusal: &opening.Refusal{Basis: opening.BasisScope, Paragraphs: []string{"Mer än vad målet kräver."}, Provision: "38 kap. 2 § RB"}}
		change(v)
		compact, err := jws.Make(key, v)
		must(err)
		return compact
	}
	same := func(*opening.Vote) {}
	stranger, _, err := jws.Generate(jws.EdDSA)
	must(err)
	good := vote(reviewer.Sign, same)
	o.State = sigillv1.OpeningState_OPENING_STATE_EXPIRED
	o.Ballots = []string{good}
	votes, err := h.court.Cast(ctx, o)
	if err != nil || len(votes) != 1 || votes[0].Refusal.Provision != "38 kap. 2 § RB" {
		t.Fatal(votes, err)
	}
	for name, ballots := range map[string][]string{
		"twice":           {good, good},
		"a stranger's":    {vote(stranger, same)},
		"another seat":    {vote(reviewer.Sign, func(v *opening.Vote) { v.Index = 1 })},
		"another opening": {vote(reviewer.Sign, func(v *opening.Vote) { v.Opening = ident.NewID() })},
		"another request": {good, vote(reviewer.Sign, func(v *opening.Vote) { v.Request = ident.Sum("x") })},
		"cut":             {good[:len(good)-1]},
	} {
		o.Ballots = ballots
		if votes, err := h.court.Cast(ctx, o); !errors.Is(err, client.ErrVerification) || votes != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestDissentOnItsSignature: that a dissent is logged, so that DISSENT_AUTHOR may be
// granted, a reviewer's client believes on the author key's signature alone.
func TestDissentOnItsSignature(t *testing.T) {
	ctx := t.Context()
	h := newHearing(t, record.SectionDissentAuthor)
	reviewer, err := h.Reviewer(1, 1)
	must(err)
	d := func(key *jws.Signer, decision ident.ID) string {
		compact, err := jws.Make(key, &statement.Dissent{Authority: authority.Number, Decision: decision, Draft: ident.Sum("draft"), Paragraphs: []string{"Nej."}})
		must(err)
		return compact
	}
	stranger, _, err := jws.Generate(jws.EdDSA)
	must(err)
	wants := func(name string, dissents int) *client.Review {
		t.Helper()
		w, err := reviewer.Get(ctx, h.asked.Opening)
		if err != nil || w.Dissent != (dissents > 0) || len(w.Dissents) != dissents {
			t.Fatalf("%s: %v, %d dissents", name, err, len(w.Dissents))
		}
		return w
	}
	author, err := jws.NewSigner(ed25519.NewKeyFromSeed(h.own.AuthorKey))
	must(err)
	wants("none", 0)
	for name, said := range map[string][]string{
		"said and not shown":  nil,
		"signed by nobody":    {"e30.e30.AA"},
		"by a stranger's key": {d(stranger, h.own.Decision)},
		"of another decision": {d(author, ident.NewID())},
	} {
		h.lie = func(reply any) {
			if r, ok := reply.(*sigillv1.GetReviewResponse); ok {
				r.Dissent, r.Dissents = true, said
			}
		}
		w := wants(name, 0)
		h.calls = nil
		if _, err := reviewer.Vote(ctx, w, client.Judgement{Granted: w.Request.Sections}); err == nil || len(h.calls) > 0 {
			t.Errorf("%s: granted after %v, %v", name, h.calls, err)
		}
	}
	h.lie = func(any) {}
	must(h.author.Dissent(ctx, h.own, []string{"Ansökan borde ha bifallits."}))
	w := wants("a dissent", 1)
	if w.Dissents[0].Paragraphs[0] != "Ansökan borde ha bifallits." {
		t.Error("another dissent")
	}
	h.lie = func(reply any) {
		if r, ok := reply.(*sigillv1.GetReviewResponse); ok {
			r.Dissents = append(r.Dissents, r.Dissents[0], d(stranger, h.own.Decision))
		}
	}
	w = wants("one, and what is none", 1)
	state, err := reviewer.Vote(ctx, w, client.Judgement{Granted: w.Request.Sections})
	if err != nil || state != sigillv1.OpeningState_OPENING_STATE_RELEASED {
		t.Error(state, err)
	}
}

// TestWitnessesOfToday: where witnesses were asked for later, a request that the log's
// key alone shows is none, however short the log is that it stands in: the policy of
// before would believe it.
func TestWitnessesOfToday(t *testing.T) {
	ctx := t.Context()
	h := newHearing(t, record.SectionDecider)
	reviewer, err := h.Reviewer(1, 1)
	must(err)
	if _, err := reviewer.Get(ctx, h.asked.Opening); err != nil {
		t.Fatal(err)
	}
	f := reviewer.Trust.File
	f.Earlier = []bundle.Before{{Board: f.Board, Policy: f.Policy, Size: 1000}}
	witness := vectors.Cosigner{Label: "witness.example", Key: ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))}
	f.Policy = []string{f.Policy[0], "witness w " + witness.VKey(), "quorum w"}
	text, err := f.Marshal()
	must(err)
	reviewer.Trust, err = bundle.ParseTrust(text)
	must(err)
	h.calls = nil
	w, err := reviewer.Get(ctx, h.asked.Opening)
	if w != nil || !errors.Is(err, client.ErrNotLogged) || !errors.Is(err, proof.ErrUnwitnessed) || slices.Contains(h.calls, "FetchShare") {
		t.Errorf("%v, after %v", err, h.calls)
	}
}

// A court's key that was swapped in the server's store is refused by the reviewer's
// client, whoever signed the swap, before a share is asked for.
func TestE08_courtKeySwapped(t *testing.T) {
	ctx := t.Context()
	h := newHearing(t, record.SectionDecider)
	reviewer, err := h.Reviewer(1, 1)
	must(err)
	w, err := reviewer.Get(ctx, h.asked.Opening)
	must(err)
	thief, _, err := jws.Generate(jws.EdDSA)
	must(err)
	swapped := *h.Requester
	swapped.Key = thief.Public().JWK()
	signed := func(by ...*jws.Signer) (out []string) {
		for _, b := range by {
			s, err := order.Sign(b, &swapped)
			must(err)
			out = append(out, s)
		}
		return out
	}
	request, err := jws.Make(thief, &w.Request)
	must(err)
	pinned := reviewer.Pinned
	for name, c := range map[string]struct {
		signatures []string
		cause      error
	}{
		"by the thief":                          {signed(thief), client.ErrVerification},
		"by one of the board":                   {signed(h.Board[0]), client.ErrVerification},
		"by the board, which has been deceived": {signed(h.Board[:h.Trust.Board.Need]...), client.ErrNotPinned},
	} {
		h.lie = func(reply any) {
			if r, ok := reply.(*sigillv1.GetReviewResponse); ok {
				r.Requester.Signatures, r.Request = c.signatures, request
			}
		}
		h.calls = nil
		reviewer.Pinned = pinned
		got, err := reviewer.Get(ctx, h.asked.Opening)
		if !errors.Is(err, c.cause) || got != nil || !slices.Equal(h.calls, []string{"GetReview"}) {
			t.Errorf("%s: %v after %v", name, err, h.calls)
		}
		// A reviewer who was talked into pinning it still has the board's signatures.
		reviewer.Pinned = map[ident.ID]ident.Digest{h.CourtID: thief.Public().Thumbprint()}
		if got, err := reviewer.Get(ctx, h.asked.Opening); !errors.Is(err, client.ErrVerification) || errors.Is(err, client.ErrNotPinned) || got != nil {
			t.Errorf("%s, and pinned: %v", name, err)
		}
	}
	h.lie = func(any) {}
	reviewer.Pinned = nil // nor is the right key taken without a pin
	if got, err := reviewer.Get(ctx, h.asked.Opening); !errors.Is(err, client.ErrNotPinned) || got != nil {
		t.Error(err)
	}
	o, err := h.court.Get(ctx, h.asked.Opening)
	if err != nil || o.Votes != 0 || o.State != sigillv1.OpeningState_OPENING_STATE_PENDING {
		t.Errorf("%+v %v", o, err)
	}
}

// TestLongRefusal: the longest refusal that a vote can state is taken; a longer one is
// refused before the reviewer's share is asked for, which would be logged for nothing.
func TestLongRefusal(t *testing.T) {
	ctx := t.Context()
	h := newHearing(t, record.SectionDecider, record.SectionEvidence)
	reviewer, err := h.Reviewer(1, 1)
	must(err)
	w, err := reviewer.Get(ctx, h.asked.Opening)
	must(err)
	refusal := &opening.Refusal{Basis: opening.BasisScope, Provision: "38 kap. 2 § RB"}
	for range 20 {
		refusal.Paragraphs = append(refusal.Paragraphs, strings.Repeat(`"`, 600))
	}
	j := client.Judgement{Granted: w.Request.Sections[:1], Refusal: refusal}
	for name, change := range map[string]func(r *opening.Refusal){
		"a byte more": func(r *opening.Refusal) { r.Paragraphs[3] += "x" },
		"20 x 2,000": func(r *opening.Refusal) {
			for i := range r.Paragraphs {
				r.Paragraphs[i] = strings.Repeat("x", 2000)
			}
		},
		"no reasons":    func(r *opening.Refusal) { r.Paragraphs = nil },
		"a line feed":   func(r *opening.Refusal) { r.Paragraphs[0] = "a\nb" },
		"no such basis": func(r *opening.Refusal) { r.Basis = "DISLIKE" },
	} {
		h.calls = nil
		bad := *refusal
		bad.Paragraphs = slices.Clone(bad.Paragraphs)
		change(&bad)
		try := j
		try.Refusal = &bad
		if _, err := reviewer.Vote(ctx, w, try); err == nil || len(h.calls) > 0 {
			t.Errorf("%s: %v after %v", name, err, h.calls)
		}
	}
	state, err := reviewer.Vote(ctx, w, j)
	if err != nil || state != sigillv1.OpeningState_OPENING_STATE_PENDING {
		t.Error(state, err)
	}
}
