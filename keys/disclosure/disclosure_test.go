package disclosure_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"sigill/keys/disclosure"
	"sigill/keys/disclosure/story"
	"sigill/keys/opening"
	"sigill/keys/order"
	"sigill/keys/record"
	"sigill/keys/seal"
	"sigill/keys/unseal"
)

const (
	decider  = record.SectionDecider
	present  = record.SectionPresenter
	partake  = record.SectionParticipants
	dissent  = record.SectionDissentAuthor
	bias     = record.SectionBiasDeclaration
	assess   = record.SectionAssessment
	evidence = record.SectionEvidence
)

// opens wants a package to open.
func opens(t *testing.T, s *story.Story, pkg []byte) *disclosure.Protocol {
	t.Helper()
	p, err := disclosure.Open(pkg, s.Trust, s.Recipient)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// refused wants a package to be refused for a cause, with nothing shown.
func refused(t *testing.T, s *story.Story, pkg []byte, cause error) error {
	t.Helper()
	p, err := disclosure.Open(pkg, s.Trust, s.Recipient)
	if p != nil {
		t.Fatal("something was shown")
	}
	if !errors.Is(err, disclosure.ErrVerification) || !errors.Is(err, cause) {
		t.Fatalf("%v, want a verification error for: %v", err, cause)
	}
	return err
}

// TestStory is the whole way: everything asked for is opened and checked.
func TestStory(t *testing.T) {
	s, o := story.Whole(t)
	pkg := o.Bytes(o.Package(nil))
	p := opens(t, s, pkg)
	if len(p.Contradictions) != 0 || len(p.BadShares) != 0 {
		t.Errorf("contradictions %v, bad shares %v", p.Contradictions, p.BadShares)
	}
	if !slices.Equal(p.Granted, record.All()) || p.Outcome != opening.GrantedFull || p.Checkpoint.Witnessed {
		t.Errorf("granted %v, %s", p.Granted, p.Outcome)
	}
	if e := p.Evidence; !e.Disclosed || e.Name != story.Name || e.Subject != story.Subject || e.Label != record.LabelDPoP || e.Received != story.Day {
		t.Errorf("evidence: %+v", e)
	}
	if d := p.Sections.Decider; d == nil || d.Person == nil || d.Person.Name != story.Name {
		t.Error("the decider is not in the protocol")
	}
	if len(p.Dissents) != 1 || p.Decision.Number != "B-2026-004711" || p.Decision.Signer.Title != "Förvaltningsdirektör" {
		t.Errorf("decision: %+v, dissents: %v", p.Decision, p.Dissents)
	}
	again := opens(t, s, pkg)
	a, err := p.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if b, _ := again.Marshal(); string(a) != string(b) {
		t.Error("one package, two protocols")
	}
}

// TestNotForKey: C8, a package for another key is told apart from a damaged one.
func TestNotForKey(t *testing.T) {
	s, o := story.Whole(t)
	pkg := o.Bytes(o.Package(nil))
	p, err := disclosure.Open(pkg, s.Trust, story.Box(t, "another court"))
	if p != nil || !errors.Is(err, disclosure.ErrNotForKey) || errors.Is(err, disclosure.ErrVerification) {
		t.Errorf("%v, %v", p, err)
	}
}

// TestPartial: what was not granted is not there, and the protocol says why.
func TestPartial(t *testing.T) {
	s := story.New(t)
	o := s.Decide(s.Plan()).Request(order.CourtOrder, nil, decider, bias, evidence)
	for _, at := range [][2]int{{1, 1}, {2, 2}, {1, 3}} {
		o.Vote(at[0], at[1], nil, decider, bias)
	}
	o.Vote(1, 4, nil, decider)
	o.Vote(2, 3, nil, decider)
	o.Vote(2, 1, nil, decider)
	p := opens(t, s, o.Bytes(o.Package(nil)))
	if p.Outcome != opening.GrantedPartial || !slices.Equal(p.Granted, []record.Section{decider, bias}) {
		t.Errorf("%s: %v", p.Outcome, p.Granted)
	}
	if len(p.Refused) != 1 || p.Refused[0].Section != evidence || p.Refused[0].Provision != "38 kap. 2 § RB" {
		t.Errorf("refused: %v", p.Refused)
	}
	if p.Evidence != (disclosure.Evidence{}) || p.Sections.Evidence != nil || p.Sections.Presenter != nil {
		t.Error("something that was not granted is shown")
	}
	if sv := p.Text(disclosure.Swedish); !strings.Contains(sv, "Bevisning om författarskap har inte lämnats ut") || !strings.Contains(sv, "38 kap. 2 § RB") {
		t.Error(sv)
	}
	if en := p.Text(disclosure.English); !strings.Contains(en, "Authorship evidence not disclosed") {
		t.Error(en)
	}
}

// TestWithoutNames: a bias declaration alone names nobody, and neither does the
// protocol.
func TestWithoutNames(t *testing.T) {
	s := story.New(t)
	o := s.Decide(s.Plan()).Request(order.PartyAccess, nil, bias, assess)
	o.All()
	p := opens(t, s, o.Bytes(o.Package(nil)))
	b, err := p.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{string(b), p.Text(disclosure.Swedish), p.Text(disclosure.English)} {
		for _, name := range []string{story.Name, story.Subject, story.UserID, "Björn Ek"} {
			if strings.Contains(text, name) {
				t.Errorf("the protocol says %q", name)
			}
		}
		if strings.Contains(text, "43 kap. 8 §") {
			t.Error("it warns of a name where there is none")
		}
	}
	for _, word := range []string{"anonym", "hemlig handläggare", "maskerad"} {
		if strings.Contains(strings.ToLower(p.Text(disclosure.Swedish)), word) {
			t.Errorf("the protocol says %q", word)
		}
	}
}

// TestExpired: what was granted when the request expired is released; the rest is
// refused without a provision, and before that day nothing is.
func TestExpired(t *testing.T) {
	s := story.New(t)
	o := s.Decide(s.Plan()).Request(order.CourtOrder, nil, decider, bias)
	for _, at := range [][2]int{{1, 1}, {2, 2}, {1, 3}} {
		o.Vote(at[0], at[1], nil, decider)
	}
	o.Date = o.Request.Expires.AddDays(1)
	o.Due = o.Date
	p := opens(t, s, o.Bytes(o.Package(nil)))
	if p.Outcome != opening.GrantedPartial || len(p.Refused) != 1 {
		t.Errorf("%s: %v", p.Outcome, p.Refused)
	}
	rel := o.Release
	rel.Date = o.Request.Expires
	o.Due = rel.Date
	refused(t, s, o.Bytes(o.Package(func(r *opening.Release) { *r = rel })), disclosure.ErrRelease)
}

// TestReservationAndDelay: what the law allows for a ground is in the protocol.
func TestReservationAndDelay(t *testing.T) {
	s := story.New(t)
	o := s.Decide(s.Plan()).Request(order.PoliceSuspectOfficial, nil, decider)
	later := story.Day.AddDays(90)
	for i, at := range [][2]int{{1, 1}, {2, 2}, {1, 3}} {
		o.Vote(at[0], at[1], func(v *opening.Vote, _ *seal.Release) {
			v.NotBefore = &opening.Delay{Date: later.AddDays(i), Provision: "35 kap. 1 § OSL"}
			v.Reservation = "Uppgiften får inte föras vidare."
		}, decider)
	}
	o.Due = later
	p := opens(t, s, o.Bytes(o.Package(nil)))
	if p.Outcome != opening.GrantedWithReservation || p.NoticeDue != later {
		t.Errorf("%s, notice due %s", p.Outcome, p.NoticeDue)
	}
	if !strings.Contains(p.Text(disclosure.Swedish), "Förbehåll: Uppgiften får inte föras vidare.") {
		t.Error("the reservation is not in the text")
	}
	o.Due = later.AddDays(1) // later than anybody voted for
	refused(t, s, o.Bytes(o.Package(nil)), disclosure.ErrLogged)
}

// spoilt has a reviewer seal the shares for no request, under a right signature.
func spoilt(t *testing.T, o *story.Opening, group, index int, sections ...record.Section) {
	t.Helper()
	o.Vote(group, index, func(v *opening.Vote, r *seal.Release) {
		req := unseal.Request{ // without the request's digest: the box stays shut
			Recipient: o.Request.Recipient, Checkpoint: v.Checkpoint.Root}
		w, err := o.Sealed.Wrap(group, index, o.Reviewers[[2]int{group, index}].HPKE.PublicKey())
		if err != nil {
			t.Fatal(err)
		}
		made, err := unseal.ReSeal(&o.Sealed.Head, w, o.Reviewers[[2]int{group, index}].HPKE, req, r.Scope)
		if err != nil {
			t.Fatal(err)
		}
		*r = *made
	}, sections...)
}

// A bad share is named and left out while the others
// suffice; where they do not, the error names it and nothing is shown.
func TestE04_badShare(t *testing.T) {
	s := story.New(t)
	o := s.Decide(s.Plan()).Request(order.CourtOrder, nil, decider, evidence)
	spoilt(t, o, 1, 2, decider, evidence)
	o.Vote(2, 1, nil, decider)
	o.Vote(1, 1, nil, decider, evidence)
	o.Vote(2, 3, nil, decider, evidence)
	enough := len(o.Cast)
	o.Vote(1, 4, nil, decider, evidence)
	p := opens(t, s, o.Bytes(o.Package(nil)))
	if len(p.BadShares) != 1 || p.BadShares[0].Group != 1 || p.BadShares[0].Index != 2 || p.Sections.Evidence == nil {
		t.Errorf("bad shares: %+v", p.BadShares)
	}
	if !strings.Contains(p.Text(disclosure.Swedish), "Granskare (grupp 1, plats 2)") {
		t.Error("the text does not name the bad share")
	}
	o.Cast, o.Ballots = o.Cast[:enough], o.Ballots[:enough]
	err := refused(t, s, o.Bytes(o.Package(nil)), unseal.ErrNotEnough)
	if bad := (&unseal.BadShareError{}); !errors.As(err, &bad) || bad.Group != 1 || bad.Index != 2 {
		t.Errorf("%v names nobody", err)
	}
}

// TestWrongScalar: a share that opens but is not the one in the head.
func TestWrongScalar(t *testing.T) {
	s := story.New(t)
	plan := s.Plan()
	other := s.Decide(plan)
	seedless := s.Decide(func() *story.Plan { p := s.Plan(); p.Content += "\n"; return p }())
	o := other.Request(order.CourtOrder, nil, decider)
	o.Vote(1, 1, func(v *opening.Vote, r *seal.Release) {
		// The reviewer re-seals shares of another draft under this request.
		h := o.Sealed.Head
		h.Shares = seedless.Sealed.Head.Shares
		h.Draft = seedless.Sealed.Head.Draft
		w, err := seedless.Sealed.Wrap(1, 1, s.Reviewers[[2]int{1, 1}].HPKE.PublicKey())
		if err != nil {
			t.Fatal(err)
		}
		made, err := unseal.ReSeal(&h, w, s.Reviewers[[2]int{1, 1}].HPKE, unseal.Request{Digest: v.Request, Recipient: o.Request.Recipient, Checkpoint: v.Checkpoint.Root}, r.Scope)
		if err != nil {
			t.Fatal(err)
		}
		*r = *made
	}, decider)
	o.Vote(1, 2, nil, decider)
	o.Vote(2, 1, nil, decider)
	o.Vote(1, 3, nil, decider)
	p := opens(t, s, o.Bytes(o.Package(nil)))
	if len(p.BadShares) != 1 || p.BadShares[0].Section != decider.String() {
		t.Errorf("bad shares: %+v", p.BadShares)
	}
}

// TestLateRelease: a server that stood still for a while may release late, to the
// last of the days that are allowed.
func TestLateRelease(t *testing.T) {
	s := story.New(t)
	o := s.Decide(s.Plan()).Request(order.CourtOrder, nil, decider, bias).All()
	o.Date = o.Request.Expires.AddDays(opening.MaxLate)
	o.Due = o.Date
	p, err := disclosure.Open(o.Bytes(o.Package(nil)), s.Trust, s.Recipient)
	if err != nil || p.NoticeDue != o.Due {
		t.Error(err)
	}
}
