package client_test

import (
	"context"
	"crypto/hpke"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"sigill/client"
	"sigill/keys/bundle"
	"sigill/keys/disclosure"
	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/opening"
	"sigill/keys/order"
	"sigill/keys/record"
	"sigill/keys/unseal"
	"sigill/scripts/authority"
	"sigill/server"
)

// ruins is what is left of an authority: a copy of its store, and keys.
type ruins struct {
	*authority.Running
	extract *opening.Extract
	signed  []string // the countersigned request
	key     hpke.PrivateKey
	today   ident.Date
}

// ruin plays a decision, stops the server and takes the extract.
func ruin(t *testing.T) *ruins {
	t.Helper()
	ctx := t.Context()
	a, err := authority.Make(ctx, filepath.Join(t.TempDir(), "house"), authority.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	r, err := a.Start(context.WithoutCancel(ctx))
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Publish(ctx); err != nil {
		t.Fatal(err)
	}
	_, own := drafted(ctx, r)
	v := signed(ctx, r, own.Decision)
	court, err := r.AsCourt()
	if err != nil {
		t.Fatal(err)
	}
	asked, err := court.NewRequest(client.Ask{Verdict: v, Ground: order.CourtOrder, Reference: "T 1-26", Days: 10,
		Sections: []record.Section{record.SectionDecider, record.SectionEvidence}})
	if err != nil {
		t.Fatal(err)
	}
	out := &ruins{Running: r, today: ident.DateOf(time.Now())}
	if out.key, err = asked.Private(); err != nil {
		t.Fatal(err)
	}
	if err := r.Stop(); err != nil {
		t.Fatal(err)
	}
	copied := server.Copy{Store: filepath.Join(a.Dir, "copy.db"), GateKey: filepath.Join(a.Dir, "keys", "gate.age"),
		PassphraseFile: filepath.Join(a.Dir, "keys", "passphrase")}
	b, err := os.ReadFile(filepath.Join(a.Dir, "data", "store.db"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(copied.Store, b, 0o600); err != nil {
		t.Fatal(err)
	}
	if b, err = copied.Extract(ctx, string(own.Decision)); err != nil {
		t.Fatal(err)
	}
	if out.extract, err = opening.ParseExtract(b); err != nil {
		t.Fatal(err)
	}
	registration, err := client.SignDocument(r.Requester, a.Board[0], a.Board[1])
	if err != nil {
		t.Fatal(err)
	}
	out.signed, err = client.SignDocument(&opening.Countersigned{Authority: authority.Number, Date: out.today, Registration: registration,
		Request: asked.Request}, a.Board[1], a.Board[2])
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func (r *ruins) reviewer(group, index int) *client.OfflineReviewer {
	k := r.Reviewers[group-1][index-1]
	return &client.OfflineReviewer{Trust: r.Trust, Sign: k.Sign, Open: k.Open,
		Pinned: map[ident.ID]ident.Digest{r.CourtID: r.Court.Public().Thumbprint()}}
}

func (r *ruins) vote(t *testing.T, group, index int) *opening.OfflineVote {
	t.Helper()
	v := r.reviewer(group, index)
	w, err := v.Read(r.signed, r.extract, r.today)
	if err != nil {
		t.Fatal(err)
	}
	vote, err := v.Vote(w, client.Judgement{Granted: w.Request.Sections})
	if err != nil {
		t.Fatal(err)
	}
	return vote
}

// TestOffline: with a quorum of both groups the record is established with its
// evidence; with less, or with anything changed, nothing is shown.
func TestOffline(t *testing.T) {
	r := ruin(t)
	c, err := disclosure.ReadCountersigned(r.signed, r.extract, r.Trust)
	if err != nil {
		t.Fatal(err)
	}
	votes := []*opening.OfflineVote{r.vote(t, 1, 1), r.vote(t, 2, 3)}
	for _, few := range [][]*opening.OfflineVote{nil, votes[:1], votes} {
		if e, err := c.Open(r.extract, few, r.key); !errors.Is(err, disclosure.ErrUndecided) || e != nil {
			t.Fatalf("%d votes: %v", len(few), err)
		}
	}
	votes = append(votes, r.vote(t, 1, 4))
	e, err := c.Open(r.extract, votes, r.key)
	if err != nil {
		t.Fatal(err)
	}
	if e.Outcome != opening.GrantedFull || e.Sections.Decider.Person.Name != "Åsa-Märta Öberghult Ny" || e.Evidence.Label != record.LabelDPoP {
		t.Errorf("established %+v", e)
	}
	other, err := hpke.MLKEM768X25519().GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	if e, err := c.Open(r.extract, votes, other); !errors.Is(err, disclosure.ErrNotForKey) || e != nil {
		t.Errorf("another key: %v", err)
	}
	// A vote by somebody else's hand; a vector that is not the vote's.
	for name, bad := range map[string]*opening.OfflineVote{
		"a vote twice":     votes[0],
		"another's vector": {Typ: opening.TypOfflineVote, Vote: votes[2].Vote, Vector: votes[0].Vector},
		"no vector":        {Typ: opening.TypOfflineVote, Vote: votes[2].Vote},
	} {
		if e, err := c.Open(r.extract, []*opening.OfflineVote{votes[0], votes[1], bad}, r.key); !errors.Is(err, disclosure.ErrVerification) || e != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	refusal := &opening.Refusal{Basis: opening.BasisScope, Provision: "20 § FPL", Paragraphs: []string{"Behövs inte."}}
	var nothing []*opening.OfflineVote
	for i := range 3 {
		by := r.reviewer(1, i+1)
		w, err := by.Read(r.signed, r.extract, r.today)
		if err != nil {
			t.Fatal(err)
		}
		vote, err := by.Vote(w, client.Judgement{Refusal: refusal})
		if err != nil || len(vote.Vector) != 0 {
			t.Fatal(err)
		}
		nothing = append(nothing, vote)
	}
	if e, err := c.Open(r.extract, nothing, r.key); !errors.Is(err, disclosure.ErrUndecided) || e != nil {
		t.Errorf("nothing granted: %v", err)
	}
	// A vote on another copy's checkpoint.
	v := r.reviewer(1, 4)
	w, err := v.Read(r.signed, r.extract, r.today)
	if err != nil {
		t.Fatal(err)
	}
	w.Verdict.Checkpoint.Root = ident.Sum("another history")
	elsewhere, err := v.Vote(w, client.Judgement{Granted: w.Request.Sections})
	if err != nil {
		t.Fatal(err)
	}
	if e, err := c.Open(r.extract, []*opening.OfflineVote{votes[0], votes[1], elsewhere}, r.key); !errors.Is(err, disclosure.ErrVote) || e != nil {
		t.Errorf("a vote on another checkpoint: %v", err)
	}
	flipVotes(t, r, c, votes)
}

// flipVotes: no changed byte of a vote passes, in any of its places.
func flipVotes(t *testing.T, r *ruins, c *disclosure.Countersigned, votes []*opening.OfflineVote) {
	t.Helper()
	b, err := votes[2].Marshal()
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(b); i += 7 {
		changed := append([]byte{}, b...)
		changed[i] ^= 1
		v, err := opening.ParseOfflineVote(changed)
		if err != nil {
			continue
		}
		if e, err := c.Open(r.extract, []*opening.OfflineVote{votes[0], votes[1], v}, r.key); err == nil || e != nil {
			t.Fatalf("a changed byte at %d passes", i)
		}
	}
}

// TestOfflineRefusals: a reviewer's client decrypts nothing before the checks.
func TestOfflineRefusals(t *testing.T) {
	r := ruin(t)
	unpinned := r.reviewer(1, 1)
	unpinned.Pinned = nil
	stranger := r.reviewer(1, 1)
	stranger.Sign = r.Director
	later := r.reviewer(1, 1)
	f := r.Trust.File
	f.Earlier = []bundle.Before{{Board: f.Board, Policy: f.Policy, Size: 1000}}
	f.Board = bundle.BoardKeys{Keys: f.Board.Keys[:1], Need: 1}
	text, err := f.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if later.Trust, err = bundle.ParseTrust(text); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name    string
		by      *client.OfflineReviewer
		signed  []string
		extract func(opening.Extract) *opening.Extract
		today   ident.Date
		want    error
	}{
		{"not pinned", unpinned, r.signed, nil, r.today, client.ErrNotPinned},
		{"no reviewer", stranger, r.signed, nil, r.today, client.ErrWrongGroup},
		{"expired", r.reviewer(1, 1), r.signed, nil, r.today.AddDays(11), client.ErrExpired},
		{"one board key", r.reviewer(1, 1), r.signed[:1], nil, r.today, order.ErrSignatures},
		{"one board key twice", r.reviewer(1, 1), []string{r.signed[0], r.signed[0]}, nil, r.today, order.ErrTwice},
		{"a board of before", later, r.signed, nil, r.today, jws.ErrUnknownKey},
		{"no sets", r.reviewer(1, 1), r.signed, func(x opening.Extract) *opening.Extract { x.Sets = nil; return &x }, r.today, disclosure.ErrSet},
		{"no share", r.reviewer(1, 1), r.signed, func(x opening.Extract) *opening.Extract { x.Wrappings = x.Wrappings[1:]; return &x }, r.today, client.ErrNotMine},
		{"no head", r.reviewer(1, 1), r.signed, func(x opening.Extract) *opening.Extract { x.Head = x.Head[1:]; return &x }, r.today, disclosure.ErrVerification},
	} {
		x := r.extract
		if c.extract != nil {
			x = c.extract(*r.extract)
		}
		if w, err := c.by.Read(c.signed, x, c.today); !errors.Is(err, c.want) || w != nil {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	// Somebody else's share under one's own place does not open.
	v := r.reviewer(1, 1)
	v.Open = r.Reviewers[0][1].Open
	w, err := v.Read(r.signed, r.extract, r.today)
	if err != nil {
		t.Fatal(err)
	}
	if vote, err := v.Vote(w, client.Judgement{Granted: w.Request.Sections}); !errors.Is(err, unseal.ErrNotForKey) || vote != nil {
		t.Errorf("another reviewer's key: %v", err)
	}
	if vote, err := v.Vote(w, client.Judgement{Granted: []record.Section{record.SectionDecider}}); err == nil || vote != nil {
		t.Error("less than asked for, without a refusal")
	}
}
