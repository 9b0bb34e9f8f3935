package disclosure_test

import (
	"crypto"
	"crypto/ed25519"
	"slices"
	"strings"
	"testing"
	"time"

	"sigill/keys/bundle"
	"sigill/keys/disclosure"
	"sigill/keys/disclosure/story"
	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/opening"
	"sigill/keys/order"
	"sigill/keys/proof"
	"sigill/keys/record"
	"sigill/keys/statement"
	"sigill/keys/token"
	"sigill/keys/vectors"
)

func key(t *testing.T, name string) crypto.Signer {
	t.Helper()
	s := vectors.Seed(name)
	return ed25519.NewKeyFromSeed(s[:])
}

// disclosed asks for the evidence of a plan and collects it.
func disclosed(s *story.Story, plan *story.Plan) []byte {
	o := s.Decide(plan).Request(order.CourtOrder, nil, decider, evidence).All()
	return o.Bytes(o.Package(nil))
}

// TestEvidence: every way in which a seal could hold a login that proves nothing,
// as its server or its author could have made it.
func TestEvidence(t *testing.T) {
	iat := story.At.Add(-5 * time.Hour).Unix()
	for name, c := range map[string]struct {
		change func(t *testing.T, s *story.Story, p *story.Plan)
		cause  error
	}{
		"somebody else's login": {func(t *testing.T, s *story.Story, p *story.Plan) {
			p.Token = s.Token(map[string]any{"sub": "somebody else"})
		}, disclosure.ErrEvidence},
		"a commitment to somebody else": {func(t *testing.T, s *story.Story, p *story.Plan) { p.Login = "somebody else" }, disclosure.ErrEvidence},
		"a token for another service": {func(t *testing.T, s *story.Story, p *story.Plan) {
			p.Token = s.Token(map[string]any{"aud": "https://mail.kommun.example"})
		}, token.ErrToken},
		"another issuer": {func(t *testing.T, s *story.Story, p *story.Plan) {
			p.Token = s.Token(map[string]any{"iss": "https://evil.example"})
		}, bundle.ErrProvider},
		"a token that had expired": {func(t *testing.T, s *story.Story, p *story.Plan) {
			p.Token = s.Token(map[string]any{"iat": iat - 48*3600, "auth_time": iat - 48*3600, "exp": iat - 40*3600})
		}, token.ErrToken},
		"a token of the day after": {func(t *testing.T, s *story.Story, p *story.Plan) {
			p.Token = s.Token(map[string]any{"iat": iat + 86400, "auth_time": iat + 86400, "exp": iat + 90000})
		}, token.ErrToken},
		"a broken signature": {func(t *testing.T, s *story.Story, p *story.Plan) {
			other := vectors.Seed("another provider")
			was := s.Provider
			s.Provider = ed25519.NewKeyFromSeed(other[:])
			p.Token = s.Token(nil)
			s.Provider = was
		}, token.ErrToken},
		"a key that the provider never published": {func(t *testing.T, s *story.Story, p *story.Plan) {
			other := vectors.Seed("another provider")
			s.Provider = ed25519.NewKeyFromSeed(other[:]) // not in the logged set
			p.Token = s.Token(nil)
		}, disclosure.ErrEvidence},
		"an index that is no key set": {func(t *testing.T, s *story.Story, p *story.Plan) {
			p.Evidence = func(it *record.EvidenceItem) { it.KeysIndex = 7 }
		}, disclosure.ErrEvidence},
		"keys first seen later": {func(t *testing.T, s *story.Story, p *story.Plan) {
			p.Evidence = func(it *record.EvidenceItem) { it.Received = "2026-11-01" }
		}, disclosure.ErrEvidence},
		"received after the decision": {func(t *testing.T, s *story.Story, p *story.Plan) {
			p.Token = s.Token(map[string]any{"iat": iat + 86400, "auth_time": iat + 86400, "exp": iat + 90000})
			p.Evidence = func(it *record.EvidenceItem) { it.Received, it.AuthTime = story.Day.AddDays(1), iat+86400 }
		}, disclosure.ErrEvidence},
		"another level of assurance": {func(t *testing.T, s *story.Story, p *story.Plan) {
			p.Evidence = func(it *record.EvidenceItem) { it.ACR = "http://id.elegnamnden.se/loa/1.0/loa4" }
		}, disclosure.ErrEvidence},
		"another time of login": {func(t *testing.T, s *story.Story, p *story.Plan) {
			p.Evidence = func(it *record.EvidenceItem) { it.AuthTime++ }
		}, disclosure.ErrEvidence},
		"a bound token as bearer evidence": {func(t *testing.T, s *story.Story, p *story.Plan) {
			p.Evidence = func(it *record.EvidenceItem) { it.Label, it.DayKey, it.Authorship = record.LabelBearer, nil, "" }
		}, disclosure.ErrEvidence},
		"an unbound token as bound evidence": {func(t *testing.T, s *story.Story, p *story.Plan) {
			p.Token = s.Token(map[string]any{"cnf": nil})
		}, disclosure.ErrEvidence},
		"another day key": {func(t *testing.T, s *story.Story, p *story.Plan) {
			p.Token = s.Token(nil)
			s.DayKey = vectors.P256(t, "another day") // signs, but is not in the token
		}, disclosure.ErrEvidence},
		"a day key that signed another draft": {authorship(func(a *statement.Authorship) { a.Draft = ident.Sum("other") }), disclosure.ErrEvidence},
		"a day key that signed another author key": {authorship(func(a *statement.Authorship) {
			a.AuthorKey = ident.Sum("other")
		}), disclosure.ErrEvidence},
		"an authorship by another key": {func(t *testing.T, s *story.Story, p *story.Plan) {
			day := vectors.P256(t, "another day")
			p.Evidence = func(it *record.EvidenceItem) {
				it.Authorship = s.Sign(day, &statement.Authorship{Authority: story.Authority, AuthorKey: s.Author.Public().Thumbprint(), Draft: ident.Sum("x")})
			}
		}, jws.ErrUnknownKey},
	} {
		t.Run(name, func(t *testing.T) {
			s := story.New(t)
			p := s.Plan()
			c.change(t, s, p)
			refused(t, s, disclosed(s, p), c.cause)
		})
	}
}

func authorship(change func(*statement.Authorship)) func(*testing.T, *story.Story, *story.Plan) {
	return func(_ *testing.T, s *story.Story, p *story.Plan) {
		p.Evidence = func(it *record.EvidenceItem) {
			var a statement.Authorship
			if err := jws.Peek(it.Authorship, &a); err != nil {
				s.Fatal(err)
			}
			change(&a)
			it.Authorship = s.Sign(s.DayKey, &a)
		}
	}
}

// TestKeySets: the log key vouches for key sets, each in the log before the
// decision.
func TestKeySets(t *testing.T) {
	s := story.New(t)
	o := s.Decide(s.Plan()).Request(order.CourtOrder, nil, decider, evidence).All()
	late, index := s.PublishKeys(s.JWKS(s.Provider.Public().(ed25519.PublicKey))) // after the decision
	s.KeySet, s.KeysIndex = late, index
	refused(t, s, o.Bytes(o.Package(nil)), disclosure.ErrLogged)

	s = story.New(t)
	var doc order.ProviderKeys
	if err := jws.Peek(s.KeySet, &doc); err != nil {
		t.Fatal(err)
	}
	s.KeySet = s.Sign(s.Institution, &doc)
	refused(t, s, disclosed(s, s.Plan()), jws.ErrUnknownKey)

	s = story.New(t)
	doc.Issuer = "https://evil.example" // publishes the same key
	s.KeySet = s.Sign(s.LogKey, &doc)
	payload, err := order.Digest(&doc)
	if err != nil {
		t.Fatal(err)
	}
	s.KeysIndex = s.Tree.Add(proof.Preimage{Kind: proof.ProviderKeys, Signed: payload}, proof.Tag{})
	refused(t, s, disclosed(s, s.Plan()), disclosure.ErrEvidence)
}

// The provider's key was rotated away, years ago: the evidence
// holds the key and the log the set.
func TestE14_keyRotatedAway(t *testing.T) {
	s := story.New(t)
	plan := s.Plan()
	first, at := s.KeySet, s.KeysIndex
	d := s.Decide(plan)
	o := d.Request(order.CourtOrder, func(r *opening.Request) { r.Date, r.Expires = "2031-11-20", "2031-12-01" }, decider, evidence)
	other := vectors.Seed("next provider key")
	next, later := s.PublishKeys(s.JWKS(ed25519.NewKeyFromSeed(other[:]).Public().(ed25519.PublicKey)))
	s.KeySet, s.KeysIndex = first, at
	o.Checkpoint = s.Tree.Head()
	o.Date, o.Due = "2031-11-21", "2031-11-21"
	o.All()
	pkg := o.Bytes(o.Package(nil))
	if p := opens(t, s, pkg); !p.Evidence.Disclosed || p.Evidence.Label != record.LabelDPoP {
		t.Errorf("%+v", p.Evidence)
	} else if it := p.Sections.Evidence.Items[0]; it.KeysIndex != int64(at) || it.Key != string(story.ProviderJWK(s.Provider.Public().(ed25519.PublicKey))) {
		t.Errorf("the evidence names entry %d, and another key than the provider's of that day", it.KeysIndex)
	}
	// Without the set of that day the key is nobody's: the next one does not vouch for it.
	s.KeySet, s.KeysIndex = next, later
	refused(t, s, o.Bytes(o.Package(nil)), disclosure.ErrVerification)
}

// TestBearer: an unbound login is kept, and labelled for what it is.
func TestBearer(t *testing.T) {
	s := story.New(t)
	p := s.Plan()
	p.Token = s.Token(map[string]any{"cnf": nil})
	p.Evidence = func(it *record.EvidenceItem) { it.Label, it.DayKey, it.Authorship = record.LabelBearer, nil, "" }
	got := opens(t, s, disclosed(s, p))
	if got.Evidence.Label != record.LabelBearer {
		t.Errorf("%+v", got.Evidence)
	}
	if !strings.Contains(got.Text(disclosure.Swedish), "visar inte i sig") || strings.Contains(got.Text(disclosure.Swedish), "just detta utkast") {
		t.Error(got.Text(disclosure.Swedish))
	}
}

// What is sealed and not what the login said, and all else that does not fit: a court is shown what does not fit; it is
// no failure.
func TestE17_contradictionsShown(t *testing.T) {
	c := func(code disclosure.Code, sec record.Section, member string) disclosure.Contradiction {
		return disclosure.Contradiction{Code: code, Section: sec, Member: member}
	}
	for name, tt := range map[string]struct {
		change func(s *story.Story, p *story.Plan)
		ask    []record.Section
		want   []disclosure.Contradiction
	}{
		"another name than the login's": {func(_ *story.Story, p *story.Plan) {
			p.Record.Decider.Person.Name = "Någon Annan"
			p.Record.DissentAuthor.Person.Name = "Någon Annan"
		}, []record.Section{decider, evidence}, []disclosure.Contradiction{c(disclosure.ClaimDiffers, decider, "name")}},
		"the same without the evidence": {func(_ *story.Story, p *story.Plan) { p.Record.Decider.Person.Name = "Någon Annan" },
			[]record.Section{decider}, nil},
		"another user id": {func(_ *story.Story, p *story.Plan) { p.Record.Decider.Person.UserID = "annan" },
			[]record.Section{decider, evidence}, []disclosure.Contradiction{c(disclosure.ClaimDiffers, decider, "user_id")}},
		"what the login does not say": {func(_ *story.Story, p *story.Plan) { p.Record.Decider.Person.HSAID = "SE2120000000-1A2B" },
			[]record.Section{decider, evidence}, []disclosure.Contradiction{c(disclosure.ClaimUnsaid, decider, "hsa_id")}},
		"two authors": {func(_ *story.Story, p *story.Plan) { p.Record.DissentAuthor.Person.Name = "Någon Annan" },
			[]record.Section{decider, dissent}, []disclosure.Contradiction{c(disclosure.AuthorsMany, dissent, "")}},
		"a decider who does not fit the mode": {func(_ *story.Story, p *story.Plan) { p.Mode = record.ExecutiveDecides },
			[]record.Section{decider}, []disclosure.Contradiction{c(disclosure.DeciderMode, decider, ""), c(disclosure.AuthorPlace, decider, "")}},
		"another item": {func(_ *story.Story, p *story.Plan) { p.Record.Decider.Item = "9.9" },
			[]record.Section{decider}, []disclosure.Contradiction{c(disclosure.DeciderMode, decider, "")}},
		"nobody presented to who decided": {func(_ *story.Story, p *story.Plan) { p.Mode = record.ExecutiveDecides },
			[]record.Section{present}, []disclosure.Contradiction{c(disclosure.AuthorPlace, present, "")}},
		"an author among the participants": {func(_ *story.Story, p *story.Plan) {
			p.Record.Participants.Persons = append(p.Record.Participants.Persons, story.Person())
			p.Record.BiasDeclaration.Declarations = append(p.Record.BiasDeclaration.Declarations, record.Bias{Ordinal: 2, Role: record.RoleParticipant})
		}, []record.Section{partake}, []disclosure.Contradiction{c(disclosure.AuthorPlace, partake, "")}},
		"a bias declaration too few": {func(_ *story.Story, p *story.Plan) {
			p.Record.BiasDeclaration.Declarations = p.Record.BiasDeclaration.Declarations[:1]
		}, []record.Section{decider, partake, bias}, []disclosure.Contradiction{c(disclosure.BiasMissing, bias, "")}},
		"that cannot be seen alone": {func(_ *story.Story, p *story.Plan) {
			p.Record.BiasDeclaration.Declarations = p.Record.BiasDeclaration.Declarations[:1]
		}, []record.Section{decider, bias}, nil},
		"a bias declaration of nobody": {func(_ *story.Story, p *story.Plan) {
			p.Record.BiasDeclaration.Declarations = append(p.Record.BiasDeclaration.Declarations, record.Bias{Ordinal: 1, Role: record.RolePresenter})
		}, []record.Section{present, bias}, []disclosure.Contradiction{c(disclosure.BiasMissing, bias, "")}},
		"an omitted name without an assessment": {func(_ *story.Story, p *story.Plan) { p.Record.Assessment.Omitted = p.Record.Assessment.Omitted[:1] },
			[]record.Section{partake, assess}, []disclosure.Contradiction{c(disclosure.Unassessed, assess, "")}},
		"an assessment of a shown name": {func(_ *story.Story, p *story.Plan) { p.Names.Participants = record.Shown },
			[]record.Section{assess}, []disclosure.Contradiction{c(disclosure.Unassessed, assess, "")}},
	} {
		t.Run(name, func(t *testing.T) {
			s := story.New(t)
			p := s.Plan()
			p.Dissents = [][]string{{"Nej."}}
			tt.change(s, p)
			o := s.Decide(p).Request(order.CourtOrder, nil, tt.ask...).All()
			got := opens(t, s, o.Bytes(o.Package(nil)))
			if !slices.Equal(got.Contradictions, tt.want) && len(got.Contradictions)+len(tt.want) > 0 {
				t.Errorf("%v, want %v", got.Contradictions, tt.want)
			}
			if text := got.Text(disclosure.Swedish); strings.Contains(text, "Motsägelser") != (len(tt.want) > 0) {
				t.Error(text)
			}
		})
	}
}

// TestModes: the three lawful modes open without contradictions, and the text says
// what the signer did.
func TestModes(t *testing.T) {
	author := story.Person()
	for mode, want := range map[record.Mode]string{record.ExecutiveDecides: "Beslutat av: Förvaltningsdirektör",
		record.DelegateDecides: "Kontrasignerat av: Förvaltningsdirektör", record.BoardDecides: "Expedierat genom: Förvaltningsdirektör"} {
		s := story.New(t)
		p := s.Plan()
		p.Mode = mode
		if mode != record.DelegateDecides {
			p.Record.Decider = record.Decider{Item: story.Item, Kind: record.DeciderSigner}
			p.Record.Presenter.Person = &author
			p.Record.BiasDeclaration.Declarations[0].Role = record.RolePresenter
			p.Record.Assessment.Omitted[0].Role = record.RolePresenter
		}
		if mode == record.BoardDecides {
			p.Record.Decider = record.Decider{Board: "Socialnämnden", Item: story.Item, Kind: record.DeciderBoard, Protocol: "2026-11-17 § 112"}
		}
		if err := p.Record.Check(p.Mode, p.Names); err != nil {
			t.Fatal(err)
		}
		p.Dissents = [][]string{{"Nej."}}
		o := s.Decide(p).Request(order.CourtOrder, nil, record.All()...).All()
		got := opens(t, s, o.Bytes(o.Package(nil)))
		if len(got.Contradictions) != 0 {
			t.Errorf("%s: %v", mode, got.Contradictions)
		}
		if text := got.Text(disclosure.Swedish); !strings.Contains(text, want) {
			t.Error(text)
		}
	}
}
