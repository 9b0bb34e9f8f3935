package strangers_test

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sigill/keys/bundle"
	"sigill/keys/disclosure"
	"sigill/keys/disclosure/story"
	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/opening"
	"sigill/keys/order"
	"sigill/keys/proof"
	"sigill/keys/record"
	"sigill/keys/seal"
	"sigill/keys/statement"
	"sigill/keys/vectors"
)

// TestCourtByteFlip: no changed byte passes. The places are spread evenly.
func TestCourtByteFlip(t *testing.T) {
	t.Parallel()
	s, o := story.Whole(t)
	n := wants(t, verified, "refuses.mjs", "flips", file(t, "package.json", o.Bytes(o.Package(nil))), trust(t, s), recipient(t, s), "200")
	if n != "200\n" {
		t.Errorf("refused %s of 200", n)
	}
}

// A forgery is a package that nobody may open: what nobody signed, or what
// somebody signed who should not have.
type forgery struct {
	name string
	make func(s *story.Story) []byte
}

// changed alters the package of [whole] without any key.
func changed(change func(p *opening.Package)) func(*story.Story) []byte {
	return func(s *story.Story) []byte {
		plan := s.Plan()
		plan.Dissents = [][]string{{"Nej."}}
		o := s.Decide(plan).Request(order.CourtOrder, nil, record.All()...).All()
		p := o.Package(nil)
		change(p)
		return o.Bytes(p)
	}
}

// planned is a decision that was made in another way.
func planned(change func(s *story.Story, p *story.Plan)) func(*story.Story) []byte {
	return disclosed(change, decider)
}

// proven is a login of another kind, and its evidence disclosed.
func proven(change func(s *story.Story, p *story.Plan)) func(*story.Story) []byte {
	return disclosed(change, decider, evidence)
}

func disclosed(change func(s *story.Story, p *story.Plan), sections ...record.Section) func(*story.Story) []byte {
	return func(s *story.Story) []byte {
		p := s.Plan()
		change(s, p)
		o := s.Decide(p).Request(order.CourtOrder, nil, sections...).All()
		return o.Bytes(o.Package(nil))
	}
}

// evident is a decision with other evidence in its seal.
func evident(change func(it *record.EvidenceItem)) func(*story.Story) []byte {
	return proven(func(_ *story.Story, p *story.Plan) { p.Evidence = change })
}

// asked is a request that was made in another way.
func asked(ground order.Ground, change func(r *opening.Request)) func(*story.Story) []byte {
	return func(s *story.Story) []byte {
		o := s.Decide(s.Plan()).Request(ground, change, decider).All()
		return o.Bytes(o.Package(nil))
	}
}

// voted is a last vote that was cast in another way.
func voted(change func(o *story.Opening, v *opening.Vote)) func(*story.Story) []byte {
	return func(s *story.Story) []byte {
		o := s.Decide(s.Plan()).Request(order.CourtOrder, nil, decider).All()
		o.Vote(1, 2, func(v *opening.Vote, _ *seal.Release) { change(o, v) }, decider)
		return o.Bytes(o.Package(nil))
	}
}

// released is a release that says something else than the votes.
func released(change func(o *story.Opening), release func(r *opening.Release)) func(*story.Story) []byte {
	return func(s *story.Story) []byte {
		o := s.Decide(s.Plan()).Request(order.CourtOrder, nil, decider, bias).All()
		change(o)
		return o.Bytes(o.Package(release))
	}
}

func nothing(*story.Opening) {}

var forgeries = []forgery{
	{"a ciphertext taken away", changed(func(p *opening.Package) { p.Ciphertexts = p.Ciphertexts[1:] })},
	{"ciphertexts swapped", changed(func(p *opening.Package) {
		p.Ciphertexts[0].Bytes, p.Ciphertexts[1].Bytes = p.Ciphertexts[1].Bytes, p.Ciphertexts[0].Bytes
	})},
	{"a vote taken away", changed(func(p *opening.Package) { p.Votes = p.Votes[:2] })},
	{"a vote twice", changed(func(p *opening.Package) { p.Votes = append(p.Votes, p.Votes[0]) })},
	{"vectors swapped", changed(func(p *opening.Package) {
		p.Votes[0].Vector, p.Votes[1].Vector = p.Votes[1].Vector, p.Votes[0].Vector
	})},
	{"a dissent twice", changed(func(p *opening.Package) { p.Dissents = append(p.Dissents, p.Dissents[0]) })},
	{"no dissents", changed(func(p *opening.Package) { p.Dissents = []string{} })},
	{"no key set", changed(func(p *opening.Package) { p.Providers = p.Providers[:0] })},
	{"entries swapped", changed(func(p *opening.Package) { p.Requested, p.Released = p.Released, p.Requested })},
	{"another tag", changed(func(p *opening.Package) { p.Requested.Tag = bytes.Repeat([]byte{9}, 16) })},
	{"one board key", changed(func(p *opening.Package) { p.Requester = p.Requester[:1] })},
	{"a set with a space", changed(func(p *opening.Package) { p.Set = append(slices.Clone(p.Set), ' ') })},
	{"a head with a byte more", changed(func(p *opening.Package) { p.Head = append(slices.Clone(p.Head), 0) })},
	{"another typ", changed(func(p *opening.Package) { p.Typ = "x" })},
	{"white space", func(s *story.Story) []byte { return append(changed(func(*opening.Package) {})(s), '\n') }},
	{"a member that stands twice", func(s *story.Story) []byte {
		return bytes.Replace(changed(func(*opening.Package) {})(s), []byte(`"typ":`), []byte(`"typ":"","typ":`), 1)
	}},

	{"another record commitment", planned(func(_ *story.Story, p *story.Plan) {
		p.Decision = func(d *statement.Decision) { d.Record = ident.Sum("other") }
	})},
	{"another record commitment throughout", planned(func(_ *story.Story, p *story.Plan) {
		p.Approval = func(a *statement.Approval) { a.Record = ident.Sum("other") }
		p.Decision = func(d *statement.Decision) { d.Record = ident.Sum("other") }
	})},
	{"another commitment in the draft", planned(func(_ *story.Story, p *story.Plan) {
		p.Draft = func(d *statement.Draft) { d.Commitments[0] = ident.Sum("other") }
	})},
	{"another core throughout", planned(func(_ *story.Story, p *story.Plan) {
		p.Approval = func(a *statement.Approval) { a.Core = ident.Sum("other") }
		p.Decision = func(d *statement.Decision) { d.Core = ident.Sum("other") }
	})},
	{"another day than that of signing", planned(func(_ *story.Story, p *story.Plan) {
		p.Approval = func(a *statement.Approval) { a.Date = story.Day.AddDays(-1) }
		p.Decision = func(d *statement.Decision) { d.Date = story.Day.AddDays(-1) }
	})},
	{"another author commitment than the draft's", planned(func(_ *story.Story, p *story.Plan) {
		p.Decision = func(d *statement.Decision) { d.Author = ident.Sum("other") }
	})},
	{"another number than the log's", planned(func(_ *story.Story, p *story.Plan) {
		p.Decision = func(d *statement.Decision) { d.Number++ }
	})},
	{"a title that the order does not give", planned(func(_ *story.Story, p *story.Plan) {
		p.Approval = func(a *statement.Approval) { a.Signer.Title = "Direktör" }
	})},
	{"a type that the order does not allow", planned(func(_ *story.Story, p *story.Plan) {
		p.Draft = func(d *statement.Draft) { d.Type = "LVU" }
	})},
	{"the old Social Services Act", planned(func(_ *story.Story, p *story.Plan) {
		p.Draft = func(d *statement.Draft) { d.Provisions[0].SFS = statement.SoL2001 }
	})},
	{"a correction under both Social Services Acts", planned(bothActs)},
	{"a signer whom the order does not name", planned(func(s *story.Story, _ *story.Plan) { s.Director = vectors.Ed25519(s, "nobody") })},

	{"a signer who is the author", planned(func(s *story.Story, _ *story.Plan) { s.Author = s.Director })},
	{"an order that is not the one cited", planned(func(_ *story.Story, p *story.Plan) {
		p.Draft = func(d *statement.Draft) { d.Order.Digest = ident.Sum("other") }
	})},
	{"another content", func(s *story.Story) []byte {
		o := s.Decide(s.Plan()).Request(order.CourtOrder, nil, decider).All()
		o.Content = strings.Replace(o.Content, "avslås", "bifalls", 1)
		return o.Bytes(o.Package(nil))
	}},

	{"an author commitment to somebody else", proven(func(_ *story.Story, p *story.Plan) { p.Login = "somebody else" })},
	{"somebody else's login", proven(func(s *story.Story, p *story.Plan) { p.Token = s.Token(map[string]any{"sub": "somebody else"}) })},
	{"a token for another service", proven(func(s *story.Story, p *story.Plan) { p.Token = s.Token(map[string]any{"aud": "https://mail.example"}) })},
	{"a token of another issuer", proven(func(s *story.Story, p *story.Plan) { p.Token = s.Token(map[string]any{"iss": "https://evil.example"}) })},
	{"a token for an actor", proven(func(s *story.Story, p *story.Plan) {
		p.Token = s.Token(map[string]any{"act": map[string]any{"sub": "x"}})
	})},
	{"a token with a claim in capitals", proven(func(s *story.Story, p *story.Plan) { p.Token = s.Token(map[string]any{"SUB": "x"}) })},
	{"a token that lives too long", proven(func(s *story.Story, p *story.Plan) {
		p.Token = s.Token(map[string]any{"exp": story.At.Unix() + 86400})
	})},
	{"a token signed by another key", proven(func(s *story.Story, p *story.Plan) {
		was, other := s.Provider, vectors.Seed("another provider")
		s.Provider = ed25519.NewKeyFromSeed(other[:])
		p.Token = s.Token(nil)
		s.Provider = was
	})},
	{"a key that was never published", proven(func(s *story.Story, p *story.Plan) {
		other := vectors.Seed("another provider")
		s.Provider = ed25519.NewKeyFromSeed(other[:])
		p.Token = s.Token(nil)
	})},
	{"a day key that is not the token's", proven(func(s *story.Story, p *story.Plan) {
		p.Token = s.Token(nil)
		s.DayKey = vectors.P256(s, "another day")
	})},
	{"an authorship of another draft", proven(func(s *story.Story, p *story.Plan) {
		p.Evidence = func(it *record.EvidenceItem) {
			it.Authorship = s.Sign(s.DayKey, &statement.Authorship{AuthorKey: s.Author.Public().Thumbprint(), Authority: story.Authority, Draft: ident.Sum("other")})
		}
	})},
	{"another nonce", evident(func(it *record.EvidenceItem) { it.Nonce = bytes.Repeat([]byte{1}, 32) })},
	{"an index that is no key set", evident(func(it *record.EvidenceItem) { it.KeysIndex = 7 })},
	{"received before the keys", evident(func(it *record.EvidenceItem) { it.Received = "2026-11-01" })},
	{"received after the decision", evident(func(it *record.EvidenceItem) { it.Received = story.Day.AddDays(1) })},
	{"another level of assurance", evident(func(it *record.EvidenceItem) { it.ACR = "loa4" })},
	{"a bound token as bearer evidence", evident(func(it *record.EvidenceItem) { it.Label, it.DayKey, it.Authorship = record.LabelBearer, nil, "" })},

	{"keys logged after the decision", func(s *story.Story) []byte {
		o := s.Decide(s.Plan()).Request(order.CourtOrder, nil, decider, evidence).All()
		s.KeySet, s.KeysIndex = s.PublishKeys(s.JWKS(s.Provider.Public().(ed25519.PublicKey)))
		return o.Bytes(o.Package(nil))
	}},
	{"key sets without evidence", func(s *story.Story) []byte {
		o := s.Decide(s.Plan()).Request(order.CourtOrder, nil, decider).All()
		p := o.Package(nil)
		p.Providers = []opening.ProviderEntry{{Keys: s.KeySet, Logged: p.Requested}}
		return o.Bytes(p)
	}},

	{"a ground that is not the requester's", asked(order.SupervisionJO, nil)},
	{"a request for another statement", asked(order.CourtOrder, func(r *opening.Request) { r.Statement = ident.Sum("other") })},
	{"a request from before the decision", asked(order.CourtOrder, func(r *opening.Request) { r.Date = story.Day.AddDays(-1) })},
	{"a request for too long", asked(order.CourtOrder, func(r *opening.Request) { r.Expires = story.Day.AddDays(31) })},
	{"a revoked requester", func(s *story.Story) []byte {
		s.Registered.Revoked = story.Day
		s.RegisteredDoc = s.BoardSigns(&s.Registered)
		return asked(order.CourtOrder, nil)(s)
	}},
	{"a request by another key", func(s *story.Story) []byte {
		s.Court = vectors.Ed25519(s, "no court")
		return asked(order.CourtOrder, nil)(s)
	}},

	{"a vote on another request", voted(func(_ *story.Opening, v *opening.Vote) { v.Request = ident.Sum("other") })},
	{"a vote before the log", voted(func(o *story.Opening, v *opening.Vote) { v.Checkpoint.Size = int64(o.Index) })},
	{"a vote in another's place", voted(func(_ *story.Opening, v *opening.Vote) { v.Index = 4 })},
	{"a vote with a reservation under a duty", voted(func(_ *story.Opening, v *opening.Vote) { v.Reservation = "x" })},
	{"a vote with a forbidden delay", voted(func(_ *story.Opening, v *opening.Vote) {
		v.NotBefore = &opening.Delay{Date: story.Day, Provision: "x"}
	})},
	{"votes for a delay without an end", func(s *story.Story) []byte {
		o := s.Decide(s.Plan()).Request(order.PoliceSuspectOfficial, nil, decider)
		o.Due = o.Request.Expires.AddDays(opening.MaxDelay + 1)
		for _, at := range [][2]int{{1, 1}, {2, 2}, {1, 3}} {
			o.Vote(at[0], at[1], func(v *opening.Vote, _ *seal.Release) { v.NotBefore = &opening.Delay{Date: o.Due, Provision: "x"} }, decider)
		}
		return o.Bytes(o.Package(nil))
	}},
	{"a vote that grants what was not asked for", func(s *story.Story) []byte {
		o := s.Decide(s.Plan()).Request(order.CourtOrder, nil, decider).All()
		o.Vote(1, 2, nil, decider, bias)
		return o.Bytes(o.Package(nil))
	}},
	{"a vote that grants all and refuses", voted(func(_ *story.Opening, v *opening.Vote) {
		v.Refusal = &opening.Refusal{Basis: opening.BasisScope, Paragraphs: []string{"x"}, Provision: "x"}
	})},
	{"a set that the draft does not cite", func(s *story.Story) []byte {
		o := s.Decide(s.Plan()).Request(order.CourtOrder, nil, decider).All()
		s.Set.Date = story.Day
		return o.Bytes(o.Package(nil))
	}},
	{"a reviewer of no set", func(s *story.Story) []byte {
		s.Reviewers[[2]int{1, 1}] = story.Reviewer{Sign: vectors.Ed25519(s, "stranger"), HPKE: s.Reviewers[[2]int{1, 1}].HPKE}
		return asked(order.CourtOrder, nil)(s)
	}},
	{"a revoked reviewer", func(s *story.Story) []byte {
		s.Set.Revoked = []ident.Digest{s.Reviewers[[2]int{1, 1}].Sign.Public().Thumbprint()}
		return asked(order.CourtOrder, nil)(s)
	}},
	{"too few shares that open", func(s *story.Story) []byte {
		o := s.Decide(s.Plan()).Request(order.CourtOrder, nil, decider)
		spoilt(o, 1, 1)
		o.Vote(2, 2, nil, decider)
		o.Vote(1, 3, nil, decider)
		return o.Bytes(o.Package(nil))
	}},

	{"one vote too few", func(s *story.Story) []byte {
		o := s.Decide(s.Plan()).Request(order.CourtOrder, nil, decider)
		o.Vote(1, 1, nil, decider)
		o.Vote(2, 2, nil, decider)
		return o.Bytes(o.Package(func(r *opening.Release) {
			*r = opening.Release{Authority: story.Authority, Core: ident.Sum(o.Head), Date: story.Day, Decision: o.Request.Decision,
				Granted: []record.Section{decider}, Opening: o.Request.Opening, Outcome: opening.GrantedFull, Refused: []opening.Denied{},
				Request: jws.Digest(o.Compact), Votes: []opening.Cast{o.Ballots[0].Cast, o.Ballots[1].Cast}}
		}))
	}},
	{"granted before the request expired", func(s *story.Story) []byte {
		o := s.Decide(s.Plan()).Request(order.CourtOrder, nil, decider, bias)
		for _, at := range [][2]int{{1, 1}, {2, 2}, {1, 3}} {
			o.Vote(at[0], at[1], nil, decider)
		}
		o.Date = o.Request.Expires.AddDays(1)
		o.Package(nil) // concludes on the day after
		rel := o.Release
		rel.Date = o.Request.Expires
		o.Due = rel.Date
		return o.Bytes(o.Package(func(r *opening.Release) { *r = rel }))
	}},
	{"a request logged after its release", func(s *story.Story) []byte {
		o := s.Decide(s.Plan()).Request(order.CourtOrder, nil, decider).All()
		p := o.Package(nil)
		pre, err := proof.ParsePreimage(p.Released.Preimage)
		if err != nil {
			s.Fatal(err)
		}
		last := o.Tree.Head().Size - 1
		late := o.Tree.Add(o.Preimage, o.Tag)
		p.Requested, p.Released = o.Tree.Entry(o.Preimage, o.Tag, late), o.Tree.Entry(pre, proof.Tag(p.Released.Tag), last)
		if p.Bundle, err = o.Bundle().Marshal(); err != nil {
			s.Fatal(err)
		}
		return o.Bytes(p)
	}},
	{"another outcome", released(nothing, func(r *opening.Release) { r.Outcome = opening.GrantedWithReservation })},
	{"less than was granted", released(nothing, func(r *opening.Release) {
		r.Granted, r.Outcome = r.Granted[:1], opening.GrantedPartial
		r.Refused = []opening.Denied{{Section: bias}}
	})},
	{"released before it was asked for", released(func(o *story.Opening) { o.Date = story.Day.AddDays(-1) }, nil)},
	{"released 91 days after the request's last", released(func(o *story.Opening) { o.Due = story.Day.AddDays(105) }, func(r *opening.Release) { r.Date = story.Day.AddDays(105) })},
	{"a release by another key", released(func(o *story.Opening) { o.Key = o.Institution }, nil)},
	{"a delay that nobody voted for", released(func(o *story.Opening) { o.Due = story.Day.AddDays(3) }, nil)},
	{"the request at another checkpoint", func(s *story.Story) []byte {
		o := s.Decide(s.Plan()).Request(order.CourtOrder, nil, decider).All()
		p := o.Package(nil)
		o.Tree.Add(story.Salt(proof.Event, ident.Sum("more")), proof.Tag{1})
		p.Requested = o.Tree.Entry(o.Preimage, o.Tag, o.Index)
		return o.Bytes(p)
	}},
	{"a dissent by somebody else", func(s *story.Story) []byte {
		o := s.Decide(s.Plan()).Request(order.CourtOrder, nil, decider).All()
		p := o.Package(nil)
		p.Dissents = []string{s.Sign(s.Director, &statement.Dissent{Authority: story.Authority, Decision: o.Request.Decision, Draft: jws.Digest(o.Draft), Paragraphs: []string{"x"}})}
		return o.Bytes(p)
	}},
	{"a dissent in another matter", func(s *story.Story) []byte {
		o := s.Decide(s.Plan()).Request(order.CourtOrder, nil, decider).All()
		p := o.Package(nil)
		p.Dissents = []string{s.Sign(s.Author, &statement.Dissent{Authority: story.Authority, Decision: vectors.ID("other"), Draft: jws.Digest(o.Draft), Paragraphs: []string{"x"}})}
		return o.Bytes(p)
	}},
	{"a log of another key", func(s *story.Story) []byte {
		pkg := asked(order.CourtOrder, nil)(s)
		other, f := vectors.Seed("another log"), s.TrustFile
		f.Policy = []string{"log " + story.NewLog(s, ed25519.NewKeyFromSeed(other[:])).Key.String(), "quorum none"}
		s.Retrust(f)
		return pkg
	}},
	{"a checkpoint that the log did not sign", changed(func(p *opening.Package) {
		var b bundle.Bundle
		if err := jws.Decode(p.Bundle, &b); err != nil {
			panic(err)
		}
		proofs := [][]string{b.Proof, p.Requested.Proof, p.Released.Proof}
		for _, e := range p.Providers {
			proofs = append(proofs, e.Logged.Proof)
		}
		for _, lines := range proofs {
			last := lines[len(lines)-1]
			lines[len(lines)-1] = flip(last, len(last)-20)
		}
		p.Bundle, _ = b.Marshal()
	})},
	{"a certificate whose days are over", func(s *story.Story) []byte {
		pkg := asked(order.CourtOrder, nil)(s)
		f := s.TrustFile
		f.Certificates = []bundle.TrustCertificate{{Certificate: s.Certificate.Raw, From: "2026-01-01", Until: story.Day.AddDays(-1)}}
		s.Retrust(f)
		return pkg
	}},
	{"another board", func(s *story.Story) []byte {
		pkg := asked(order.CourtOrder, nil)(s)
		f := s.TrustFile
		f.Board.Keys = []jws.JWK{f.Board.Keys[0], vectors.Ed25519(s, "another board").Public().JWK()}
		s.Retrust(f)
		return pkg
	}},
}

// TestCourtRefuses: what the Go code refuses, the court's tool refuses.
func TestCourtRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	all := slices.Concat(forgeries, logins())
	for _, f := range all {
		s := story.New(t)
		pkg := f.make(s)
		if _, err := disclosure.Open(pkg, s.Trust, s.Recipient); !errors.Is(err, disclosure.ErrVerification) {
			t.Fatalf("%s: the Go code says %v", f.name, err)
		}
		in := filepath.Join(dir, f.name)
		if err := os.Mkdir(in, 0o700); err != nil {
			t.Fatal(err)
		}
		for name, from := range map[string]string{"trust.json": trust(t, s), "recipient": recipient(t, s), "package.json": file(t, "package.json", pkg)} {
			if err := os.Rename(from, filepath.Join(in, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if n := wants(t, verified, "refuses.mjs", "each", dir); n != fmt.Sprintln(len(all)) {
		t.Errorf("refused %s of %d", n, len(all))
	}
}

// TestCourtShowsNothing: as a program, it prints nothing of what it refuses.
func TestCourtShowsNothing(t *testing.T) {
	t.Parallel()
	s := story.New(t)
	pkg := evident(func(it *record.EvidenceItem) { it.ACR = "loa4" })(s)
	wants(t, refused, "court.mjs", file(t, "package.json", pkg), trust(t, s), recipient(t, s))
}

// TestVerify: npm jose verifies a decision's three signatures, and none of them
// when it has been changed.
func TestVerify(t *testing.T) {
	s := story.New(t)
	d := s.Decide(s.Plan())
	out := wants(t, verified, "verify.mjs", file(t, "bundle.json", marshal(t, d.Bundle())), trust(t, s))
	if !strings.Contains(out, `"decision": "`+string(vectors.ID("decision"))+`"`) || strings.Contains(out, story.Name) {
		t.Error(out)
	}
	for name, change := range map[string]func(s *story.Story, b *bundle.Bundle){
		"another content":              func(_ *story.Story, b *bundle.Bundle) { b.Content[0] ^= 1 },
		"a byte of the decision":       func(_ *story.Story, b *bundle.Bundle) { b.Decision = flip(b.Decision, len(b.Decision)/2) },
		"the decision's signature":     func(_ *story.Story, b *bundle.Bundle) { b.Decision = flip(b.Decision, len(b.Decision)-9) },
		"the order's signature":        func(_ *story.Story, b *bundle.Bundle) { b.Order[1] = flip(b.Order[1], len(b.Order[1])-9) },
		"an order by one board key":    func(_ *story.Story, b *bundle.Bundle) { b.Order = b.Order[:1] },
		"an order by one key twice":    func(_ *story.Story, b *bundle.Bundle) { b.Order[1] = b.Order[0] },
		"an approval that was changed": resigned(func(d *statement.Decision) { d.Approval = flip(d.Approval, len(d.Approval)/2) }),
		"an approval's signature":      resigned(func(d *statement.Decision) { d.Approval = flip(d.Approval, len(d.Approval)-9) }),
		"another institution": func(s *story.Story, b *bundle.Bundle) {
			b.Decision = decided(s, vectors.Ed25519(s, "another"), func(*statement.Decision) {}, b)
		},
		"a draft by another author key": redrafted(func(s *story.Story, a *statement.Approval) { a.Draft = flip(a.Draft, len(a.Draft)-9) }),
		"an approval by another key": func(s *story.Story, b *bundle.Bundle) {
			s.Director = vectors.Ed25519(s, "nobody")
			redrafted(func(*story.Story, *statement.Approval) {})(s, b)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := story.New(t)
			b := s.Decide(s.Plan()).Bundle()
			change(s, b)
			wants(t, refused, "verify.mjs", file(t, "bundle.json", marshal(t, b)), trust(t, s))
		})
	}
}

// flip changes one character of a compact JWS to another of base64url.
func flip(s string, at int) string {
	c := byte('A')
	if s[at] == c {
		c = 'B'
	}
	return s[:at] + string(c) + s[at+1:]
}

// decided signs a bundle's decision again.
func decided(s *story.Story, by *jws.Signer, change func(*statement.Decision), b *bundle.Bundle) string {
	var d statement.Decision
	if err := jws.Peek(b.Decision, &d); err != nil {
		s.Fatal(err)
	}
	change(&d)
	out, err := jws.Sign(by, d.Typ(), &d, jws.Certified(story.At, s.Certificate))
	if err != nil {
		s.Fatal(err)
	}
	return out
}

func resigned(change func(*statement.Decision)) func(*story.Story, *bundle.Bundle) {
	return func(s *story.Story, b *bundle.Bundle) { b.Decision = decided(s, s.Institution, change, b) }
}

// redrafted signs the approval again, by the story's director, and the decision.
func redrafted(change func(*story.Story, *statement.Approval)) func(*story.Story, *bundle.Bundle) {
	return func(s *story.Story, b *bundle.Bundle) {
		resigned(func(d *statement.Decision) {
			var a statement.Approval
			if err := jws.Peek(d.Approval, &a); err != nil {
				s.Fatal(err)
			}
			change(s, &a)
			d.Approval = s.Sign(s.Director, &a)
		})(s, b)
	}
}
