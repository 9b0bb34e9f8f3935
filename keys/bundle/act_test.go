package bundle_test

import (
	"bytes"
	"errors"
	"testing"

	"sigill/keys/bundle"
	"sigill/keys/disclosure/story"
	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/opening"
	"sigill/keys/order"
	"sigill/keys/proof"
	"sigill/keys/record"
	"sigill/keys/statement"
	"sigill/keys/vectors"
)

// vote is an act as well; it bears no date.
func vote() *opening.Vote {
	return &opening.Vote{Authority: story.Authority, Checkpoint: statement.Checkpoint{Root: vectors.Digest("root"), Size: 3}, Decision: vectors.ID("decision"),
		Granted: []record.Section{record.SectionDecider}, Group: 1, Index: 2, Opening: vectors.ID("opening"), Request: vectors.Digest("request"), Vector: vectors.Digest("vector")}
}

// acts are the others that have a file, with the kinds of their entries.
func acts(s *story.Story) map[proof.Kind]jws.Statement {
	id, draft := vectors.ID("decision"), vectors.Digest("draft")
	return map[proof.Kind]jws.Statement{
		proof.Returned:   &statement.Return{Authority: story.Authority, Date: story.Day, Decision: id, Draft: draft, Paragraphs: []string{"Motivera tydligare."}},
		proof.Event:      &statement.Abstention{Authority: story.Authority, Date: story.Day, Decision: id, Draft: draft},
		proof.Dispatched: &statement.Dispatch{Authority: story.Authority, Checkpoint: statement.Checkpoint{Root: vectors.Digest("root"), Size: 3}, Date: story.Day, Decision: id, Dissents: []ident.Digest{}, Statement: vectors.Digest("decision")},
		proof.OpeningRequested: &opening.Request{Authority: story.Authority, Date: story.Day, Decision: id, Expires: story.Day, Ground: order.CourtOrder,
			Opening: vectors.ID("opening"), Recipient: vectors.HPKE(s, "recipient"), Reference: "T 1", Sections: []record.Section{record.SectionDecider}, Statement: vectors.Digest("decision")},
	}
}

// logged has an act signed and logged.
func logged(s *story.Story, st jws.Statement, kind proof.Kind, tag proof.Tag) *bundle.Act {
	compact := s.Sign(s.Director, st)
	pre := story.Salt(kind, jws.Digest(compact))
	at := s.Tree.Add(pre, tag)
	return &bundle.Act{Preimage: pre.Marshal(), Proof: s.Tree.Proof(at), Statement: compact, Tag: tag[:], Typ: bundle.TypAct}
}

func tagOf(kind proof.Kind) proof.Tag {
	if kind == proof.Event || kind == proof.OpeningRequested {
		return proof.Tag{1}
	}
	return proof.SubjectTag(vectors.ID("decision"))
}

// TestAct: a file shows that exactly this act stands in the log, and where.
func TestAct(t *testing.T) {
	s := story.New(t)
	for kind, st := range acts(s) {
		a := logged(s, st, kind, tagOf(kind))
		data, err := a.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		if a, err = bundle.ParseAct(data); err != nil || !bundle.IsAct(data) {
			t.Fatal(kind, err)
		}
		v, err := a.Verify(s.Trust)
		if err != nil || v.Typ != st.Typ() || v.Decision != vectors.ID("decision") || v.Date != story.Day || v.Log.Kind != kind ||
			v.Index != s.Tree.Head().Size-1 || v.Checkpoint != s.Tree.Head() || v.Witnessed || v.Pending || v.Digest != jws.Digest(a.Statement) {
			t.Errorf("%s: %v, %+v", kind, err, v)
		}
	}
	if v, err := logged(s, vote(), proof.Event, tagOf(proof.Event)).Verify(s.Trust); err != nil || v.Typ != opening.TypVote || v.Date != "" || v.Decision != vectors.ID("decision") {
		t.Errorf("a vote: %v, %+v", err, v)
	}
	a := logged(s, acts(s)[proof.Returned], proof.Returned, tagOf(proof.Returned))
	s.Watch()
	if v, err := a.Verify(s.Trust); !errors.Is(err, proof.ErrUnwitnessed) || v != nil {
		t.Errorf("unwitnessed: %v, %+v", err, v)
	}
	if v, err := a.VerifySigned(s.Trust); err != nil || !v.Pending || v.Witnessed {
		t.Errorf("just signed: %v, %+v", err, v)
	}
	p := proofOf(t, a)
	p.Checkpoint = s.Tree.Note(story.Cosigned(story.Day, 1, 2)...)
	a.Proof = bundle.SplitLines(string(p.Marshal()))
	if v, err := a.Verify(s.Trust); err != nil || !v.Witnessed || v.Pending {
		t.Errorf("witnessed: %v, %+v", err, v)
	}
}

func proofOf(t *testing.T, a *bundle.Act) proof.Proof {
	t.Helper()
	p, err := proof.ParseProof([]byte(bundle.JoinLines(a.Proof)))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestActGolden: the vector verifies, and is made again to the byte.
func TestActGolden(t *testing.T) {
	s := story.New(t)
	want := golden(t, "act.json")
	a, err := bundle.ParseAct(want)
	if err != nil {
		t.Fatal(err)
	}
	trust, err := bundle.ParseTrust(golden(t, "trust.json"))
	if err != nil {
		t.Fatal(err)
	}
	if v, err := a.Verify(trust); err != nil || v.Log.Kind != proof.Returned || v.Index != 1 {
		t.Errorf("%v, %+v", err, v)
	}
	got, err := logged(s, acts(s)[proof.Returned], proof.Returned, tagOf(proof.Returned)).Marshal()
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("the story's act is not the vector: %v", err)
	}
}

// TestActRefused: an entry of another kind, tag or statement is not this act's, and
// what is no act has no file.
func TestActRefused(t *testing.T) {
	s := story.New(t)
	all := acts(s)
	other := *all[proof.Returned].(*statement.Return)
	other.Authority = "202100-0019"
	for name, c := range map[string]struct {
		act *bundle.Act
		err error
	}{
		"logged as another kind":  {logged(s, all[proof.Returned], proof.Withdrawn, tagOf(proof.Returned)), bundle.ErrActEntry},
		"an event's":              {logged(s, all[proof.Dispatched], proof.Event, tagOf(proof.Event)), bundle.ErrActEntry},
		"under another's tag":     {logged(s, all[proof.Returned], proof.Returned, proof.SubjectTag(vectors.ID("another"))), bundle.ErrActEntry},
		"another authority's":     {logged(s, &other, proof.Returned, tagOf(proof.Returned)), bundle.ErrAuthority},
		"no act of these":         {logged(s, &statement.Withdrawal{Authority: story.Authority, Decision: vectors.ID("decision"), Draft: vectors.Digest("draft")}, proof.Withdrawn, tagOf(proof.Withdrawn)), bundle.ErrAct},
		"a return without a word": {logged(s, &statement.Return{Authority: story.Authority, Date: story.Day, Decision: vectors.ID("decision"), Draft: vectors.Digest("draft"), Paragraphs: []string{}}, proof.Returned, tagOf(proof.Returned)), bundle.ErrAct},
	} {
		if v, err := c.act.Verify(s.Trust); !errors.Is(err, c.err) || v != nil {
			t.Errorf("%s: %v, %+v", name, err, v)
		}
	}
	one, two := logged(s, all[proof.Returned], proof.Returned, tagOf(proof.Returned)), logged(s, all[proof.Event], proof.Event, tagOf(proof.Event))
	one.Proof = two.Proof
	if _, err := one.Verify(s.Trust); !errors.Is(err, proof.ErrProof) {
		t.Errorf("another's place: %v", err)
	}
}

// TestActByteFlip: no changed, missing or added byte of a file passes as one that
// says something else.
func TestActByteFlip(t *testing.T) {
	t.Parallel()
	s := story.New(t)
	a := logged(s, acts(s)[proof.Returned], proof.Returned, tagOf(proof.Returned))
	data, err := a.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	vectors.Flips(string(data), func(changed string) {
		got, err := bundle.ParseAct([]byte(changed))
		if err != nil {
			if !errors.Is(err, bundle.ErrAct) {
				t.Fatal(err)
			}
			return
		}
		if v, err := got.Verify(s.Trust); err == nil || v != nil {
			t.Fatalf("passed: %s", changed)
		}
	})
	if _, err := bundle.ParseAct(bytes.Repeat([]byte(" "), bundle.MaxAct+1)); !errors.Is(err, bundle.ErrAct) {
		t.Error(err)
	}
}

func FuzzParseAct(f *testing.F) {
	s := story.New(f)
	for kind, st := range acts(s) {
		data, err := logged(s, st, kind, tagOf(kind)).Marshal()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		a, err := bundle.ParseAct(data)
		if err != nil {
			return
		}
		if again, err := a.Marshal(); err != nil || !bytes.Equal(again, data) {
			t.Errorf("accepted, and written otherwise: %v", err)
		}
	})
}
