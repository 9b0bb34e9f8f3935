package disclosure_test

import (
	"bytes"
	"errors"
	"slices"
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

// TestTampered: parts taken away, doubled, moved and put in from elsewhere, with
// no key at all.
func TestTampered(t *testing.T) {
	s, o := story.Whole(t)
	good := o.Package(nil)
	opens(t, s, o.Bytes(good))
	spare := story.New(t)
	plan := spare.Plan()
	plan.Content += "\n"
	foreign := spare.Decide(plan).Request(order.CourtOrder, nil, record.All()...).All().Package(nil)
	drop := func(list []opening.CastVote, i int) []opening.CastVote {
		return slices.Delete(slices.Clone(list), i, i+1)
	}
	for name, c := range map[string]struct {
		change func(p *opening.Package)
		cause  error
	}{
		"a ciphertext taken away": {func(p *opening.Package) { p.Ciphertexts = p.Ciphertexts[1:] }, disclosure.ErrCiphertexts},
		"a ciphertext doubled":    {func(p *opening.Package) { p.Ciphertexts = append(p.Ciphertexts, p.Ciphertexts[0]) }, disclosure.ErrCiphertexts},
		"ciphertexts swapped": {func(p *opening.Package) {
			c := slices.Clone(p.Ciphertexts)
			c[0].Bytes, c[1].Bytes = c[1].Bytes, c[0].Bytes
			p.Ciphertexts = c
		}, disclosure.ErrVerification},
		"another seal's ciphertexts": {func(p *opening.Package) { p.Ciphertexts = foreign.Ciphertexts }, disclosure.ErrVerification},
		"another decision's bundle":  {func(p *opening.Package) { p.Bundle = foreign.Bundle }, bundle.ErrHead},
		"another seal's head":        {func(p *opening.Package) { p.Head = foreign.Head }, bundle.ErrHead},
		"another request":            {func(p *opening.Package) { p.Request = foreign.Request }, disclosure.ErrRequest},
		"another release":            {func(p *opening.Package) { p.Release = foreign.Release }, disclosure.ErrLogged},
		"another request's votes":    {func(p *opening.Package) { p.Votes = foreign.Votes }, disclosure.ErrVote},
		"a vote taken away":          {func(p *opening.Package) { p.Votes = drop(p.Votes, 2) }, disclosure.ErrRelease},
		"a vote doubled":             {func(p *opening.Package) { p.Votes = append(slices.Clone(p.Votes), p.Votes[0]) }, disclosure.ErrVote},
		"votes in another order": {func(p *opening.Package) {
			p.Votes = slices.Clone(p.Votes)
			p.Votes[0], p.Votes[1] = p.Votes[1], p.Votes[0]
		}, disclosure.ErrRelease},
		"vectors swapped": {func(p *opening.Package) {
			v := slices.Clone(p.Votes)
			v[0].Vector, v[1].Vector = v[1].Vector, v[0].Vector
			p.Votes = v
		}, disclosure.ErrVote},
		"a vector taken away":     {func(p *opening.Package) { p.Votes = slices.Clone(p.Votes); p.Votes[0].Vector = nil }, disclosure.ErrVote},
		"a dissent doubled":       {func(p *opening.Package) { p.Dissents = append(p.Dissents, p.Dissents[0]) }, disclosure.ErrDissent},
		"all dissents taken away": {func(p *opening.Package) { p.Dissents = []string{} }, disclosure.ErrVote},
		"no key set":              {func(p *opening.Package) { p.Providers = p.Providers[:0] }, disclosure.ErrEvidence},
		"a key set doubled":       {func(p *opening.Package) { p.Providers = append(p.Providers, p.Providers[0]) }, disclosure.ErrLogged},
		"entries swapped":         {func(p *opening.Package) { p.Requested, p.Released = p.Released, p.Requested }, disclosure.ErrLogged},
		"another tag":             {func(p *opening.Package) { p.Requested.Tag = bytes.Repeat([]byte{9}, 16) }, proof.ErrProof},
		"a longer tag":            {func(p *opening.Package) { p.Requested.Tag = make([]byte, 17) }, disclosure.ErrLogged},
		"one board key":           {func(p *opening.Package) { p.Requester = p.Requester[:1] }, order.ErrSignatures},
		"the set with a bit more": {func(p *opening.Package) { p.Set = append(slices.Clone(p.Set), ' ') }, disclosure.ErrSet},
		"no package":              {func(p *opening.Package) { p.Typ = "x" }, opening.ErrPackage},
	} {
		t.Run(name, func(t *testing.T) {
			p := *good
			c.change(&p)
			refused(t, s, o.Bytes(&p), c.cause)
		})
	}
}

// TestForged: what a server could put in with the log key, a reviewer or a court
// with theirs.
func TestForged(t *testing.T) {
	later := story.Day.AddDays(3)
	for name, c := range map[string]struct {
		make  func(t *testing.T, s *story.Story) []byte
		cause error
	}{
		"more granted than voted": {func(t *testing.T, s *story.Story) []byte {
			o := s.Decide(s.Plan()).Request(order.CourtOrder, nil, decider, evidence)
			for _, at := range [][2]int{{1, 1}, {2, 2}, {1, 3}, {1, 4}, {2, 1}, {2, 3}} {
				o.Vote(at[0], at[1], nil, decider)
			}
			return o.Bytes(o.Package(func(r *opening.Release) {
				r.Granted, r.Refused, r.Outcome = []record.Section{decider, evidence}, []opening.Denied{}, opening.GrantedFull
			}))
		}, disclosure.ErrRelease},
		"E5: one vote too few": {func(t *testing.T, s *story.Story) []byte {
			o := s.Decide(s.Plan()).Request(order.CourtOrder, nil, decider)
			o.Vote(1, 1, nil, decider)
			o.Vote(2, 2, nil, decider)
			return o.Bytes(o.Package(func(r *opening.Release) {
				*r = opening.Release{Authority: story.Authority, Core: ident.Sum(o.Head), Date: story.Day, Decision: o.Request.Decision,
					Granted: []record.Section{decider}, Opening: o.Request.Opening, Outcome: opening.GrantedFull, Refused: []opening.Denied{},
					Request: jws.Digest(o.Compact), Votes: []opening.Cast{o.Ballots[0].Cast, o.Ballots[1].Cast}}
			}))
		}, disclosure.ErrRelease},
		"a vote kept back": {func(t *testing.T, s *story.Story) []byte {
			o := s.Decide(s.Plan()).Request(order.CourtOrder, nil, decider).All()
			o.Vote(1, 4, nil)
			p := o.Package(nil)
			p.Votes = p.Votes[:3]
			return o.Bytes(p)
		}, disclosure.ErrRelease},
		"another outcome": {func(t *testing.T, s *story.Story) []byte {
			o := s.Decide(s.Plan()).Request(order.CourtOrder, nil, decider).All()
			return o.Bytes(o.Package(func(r *opening.Release) { r.Outcome = opening.GrantedWithReservation }))
		}, disclosure.ErrRelease},
		"another core": {func(t *testing.T, s *story.Story) []byte {
			o := s.Decide(s.Plan()).Request(order.CourtOrder, nil, decider).All()
			return o.Bytes(o.Package(func(r *opening.Release) { r.Core = ident.Sum("other") }))
		}, disclosure.ErrRelease},
		"released before it was asked for": {func(t *testing.T, s *story.Story) []byte {
			o := s.Decide(s.Plan()).Request(order.CourtOrder, nil, decider).All()
			o.Date = story.Day.AddDays(-1)
			return o.Bytes(o.Package(nil))
		}, disclosure.ErrRelease},
		"released 91 days after the request's last": {func(t *testing.T, s *story.Story) []byte {
			o := s.Decide(s.Plan()).Request(order.CourtOrder, nil, decider).All()
			o.Due = o.Request.Expires.AddDays(91)
			return o.Bytes(o.Package(func(r *opening.Release) { r.Date = o.Due }))
		}, disclosure.ErrRelease},
		"a release by another key": {func(t *testing.T, s *story.Story) []byte {
			o := s.Decide(s.Plan()).Request(order.CourtOrder, nil, decider).All()
			o.Key = s.Institution
			return o.Bytes(o.Package(nil))
		}, jws.ErrUnknownKey},
		"a delay that nobody voted for": {func(t *testing.T, s *story.Story) []byte {
			o := s.Decide(s.Plan()).Request(order.PoliceSuspectOfficial, nil, decider).All()
			o.Due = later
			return o.Bytes(o.Package(nil))
		}, disclosure.ErrLogged},
		"a request by a key that is not registered": {func(t *testing.T, s *story.Story) []byte {
			s.Court = vectors.Ed25519(t, "no court")
			o := s.Decide(s.Plan()).Request(order.CourtOrder, nil, decider).All()
			return o.Bytes(o.Package(nil))
		}, jws.ErrUnknownKey},
		"a ground that is not the requester's": {func(t *testing.T, s *story.Story) []byte {
			o := s.Decide(s.Plan()).Request(order.SupervisionJO, nil, decider).All()
			return o.Bytes(o.Package(nil))
		}, order.ErrRequester},
		"a revoked requester": {func(t *testing.T, s *story.Story) []byte {
			s.Registered.Revoked = story.Day
			s.RegisteredDoc = s.BoardSigns(&s.Registered)
			o := s.Decide(s.Plan()).Request(order.CourtOrder, nil, decider).All()
			return o.Bytes(o.Package(nil))
		}, order.ErrRequester},
		"a request for another statement": {func(t *testing.T, s *story.Story) []byte {
			o := s.Decide(s.Plan()).Request(order.CourtOrder, func(r *opening.Request) { r.Statement = ident.Sum("other") }, decider).All()
			return o.Bytes(o.Package(nil))
		}, disclosure.ErrRequest},
		"a request from before the decision": {func(t *testing.T, s *story.Story) []byte {
			o := s.Decide(s.Plan()).Request(order.CourtOrder, func(r *opening.Request) { r.Date = story.Day.AddDays(-1) }, decider).All()
			return o.Bytes(o.Package(nil))
		}, disclosure.ErrRequest},
		"E7: a vote on another request": {voted(func(o *story.Opening, v *opening.Vote) { v.Request = ident.Sum("other") }), disclosure.ErrVote},
		"a vote before the log":         {voted(func(o *story.Opening, v *opening.Vote) { v.Checkpoint.Size = int64(o.Index) }), disclosure.ErrVote},
		"a vote after the release":      {voted(func(o *story.Opening, v *opening.Vote) { v.Checkpoint.Size += 5 }), disclosure.ErrVote},
		"a vote in another's place":     {voted(func(o *story.Opening, v *opening.Vote) { v.Index = 4 }), disclosure.ErrVote},
		"a vote with a forbidden delay": {voted(func(o *story.Opening, v *opening.Vote) { v.NotBefore = &opening.Delay{Date: later, Provision: "x"} }), opening.ErrNotice},
		"votes for a delay without an end": {func(t *testing.T, s *story.Story) []byte {
			o := s.Decide(s.Plan()).Request(order.PoliceSuspectOfficial, nil, decider)
			o.Due = o.Request.Expires.AddDays(opening.MaxDelay + 1)
			for _, at := range [][2]int{{1, 1}, {2, 2}, {1, 3}} {
				o.Vote(at[0], at[1], func(v *opening.Vote, _ *seal.Release) { v.NotBefore = &opening.Delay{Date: o.Due, Provision: "x"} }, decider)
			}
			return o.Bytes(o.Package(nil))
		}, opening.ErrDelay},
		"E10: a reviewer of no set": {func(t *testing.T, s *story.Story) []byte {
			s.Reviewers[[2]int{1, 1}] = story.Reviewer{Sign: vectors.Ed25519(t, "stranger"), HPKE: s.Reviewers[[2]int{1, 1}].HPKE}
			o := s.Decide(s.Plan()).Request(order.CourtOrder, nil, decider).All()
			return o.Bytes(o.Package(nil))
		}, order.ErrReviewer},
		"a revoked reviewer": {func(t *testing.T, s *story.Story) []byte {
			s.Set.Revoked = []ident.Digest{s.Reviewers[[2]int{1, 1}].Sign.Public().Thumbprint()}
			o := s.Decide(s.Plan()).Request(order.CourtOrder, nil, decider).All()
			return o.Bytes(o.Package(nil))
		}, order.ErrReviewer},
		"a set that the draft does not cite": {func(t *testing.T, s *story.Story) []byte {
			o := s.Decide(s.Plan()).Request(order.CourtOrder, nil, decider).All()
			s.Set.Date = later
			return o.Bytes(o.Package(nil))
		}, disclosure.ErrSet},
		"a dissent by somebody else": {func(t *testing.T, s *story.Story) []byte {
			o := s.Decide(s.Plan()).Request(order.CourtOrder, nil, decider).All()
			p := o.Package(nil)
			p.Dissents = []string{s.Sign(s.Director, &statement.Dissent{Authority: story.Authority, Decision: o.Request.Decision, Draft: jws.Digest(o.Draft), Paragraphs: []string{"x"}})}
			return o.Bytes(p)
		}, jws.ErrUnknownKey},
		"a dissent in another matter": {func(t *testing.T, s *story.Story) []byte {
			o := s.Decide(s.Plan()).Request(order.CourtOrder, nil, decider).All()
			p := o.Package(nil)
			p.Dissents = []string{s.Sign(s.Author, &statement.Dissent{Authority: story.Authority, Decision: vectors.ID("other"), Draft: jws.Digest(o.Draft), Paragraphs: []string{"x"}})}
			return o.Bytes(p)
		}, disclosure.ErrDissent},
		"key sets without evidence": {func(t *testing.T, s *story.Story) []byte {
			o := s.Decide(s.Plan()).Request(order.CourtOrder, nil, decider).All()
			p := o.Package(nil)
			var keys order.ProviderKeys
			if err := jws.Peek(s.KeySet, &keys); err != nil {
				t.Fatal(err)
			}
			p.Providers = []opening.ProviderEntry{{Keys: s.KeySet, Logged: p.Requested}}
			return o.Bytes(p)
		}, disclosure.ErrEvidence},
		"the request at another checkpoint": {func(t *testing.T, s *story.Story) []byte {
			o := s.Decide(s.Plan()).Request(order.CourtOrder, nil, decider).All()
			p := o.Package(nil)
			o.Tree.Add(story.Salt(proof.Event, ident.Sum("more")), proof.Tag{1})
			p.Requested = o.Tree.Entry(o.Preimage, o.Tag, o.Index)
			return o.Bytes(p)
		}, disclosure.ErrLogged},
		"a request logged as something else": {func(t *testing.T, s *story.Story) []byte {
			o := s.Decide(s.Plan()).Request(order.CourtOrder, nil, decider).All()
			o.Preimage = story.Salt(proof.Event, jws.Digest(o.Compact))
			o.Index = o.Tree.Add(o.Preimage, o.Tag)
			return o.Bytes(o.Package(nil))
		}, disclosure.ErrLogged},
		"a request logged before its decision": {func(t *testing.T, s *story.Story) []byte {
			d := s.Decide(s.Plan())
			o := d.Request(order.CourtOrder, nil, decider)
			d.Index = s.Tree.Add(d.Preimage, proof.DecisionTag(uint16(story.Day.Year()), uint64(d.Number), vectors.ID("decision")))
			o.Checkpoint = s.Tree.Head()
			return o.Bytes(o.All().Package(nil))
		}, disclosure.ErrLogged},
		"a request logged after its release": {func(t *testing.T, s *story.Story) []byte {
			o := s.Decide(s.Plan()).Request(order.CourtOrder, nil, decider).All()
			p := o.Package(nil)
			at := s.Tree.Add(o.Preimage, o.Tag)
			p.Requested = s.Tree.Entry(o.Preimage, o.Tag, at)
			p.Released = s.Tree.Entry(story.Salt(proof.OpeningReleased, jws.Digest(o.Released)), proof.ReleaseTag(o.Due, [12]byte{7}), at-1)
			b, err := o.Bundle().Marshal()
			if err != nil {
				t.Fatal(err)
			}
			p.Bundle = b
			return o.Bytes(p)
		}, disclosure.ErrLogged},
		"a log of another key": {func(t *testing.T, s *story.Story) []byte {
			o := s.Decide(s.Plan()).Request(order.CourtOrder, nil, decider).All()
			f := s.TrustFile
			f.Policy = []string{"log " + story.NewLog(t, key(t, "another log")).Key.String(), "quorum none"}
			s.Retrust(f)
			return o.Bytes(o.Package(nil))
		}, proof.ErrCheckpoint},
	} {
		t.Run(name, func(t *testing.T) {
			s := story.New(t)
			refused(t, s, c.make(t, s), c.cause)
		})
	}
}

// voted is a story in which one vote is not as it should be, though its reviewer
// signed it.
func voted(change func(*story.Opening, *opening.Vote)) func(*testing.T, *story.Story) []byte {
	return func(_ *testing.T, s *story.Story) []byte {
		o := s.Decide(s.Plan()).Request(order.CourtOrder, nil, decider).All()
		o.Vote(1, 2, func(v *opening.Vote, _ *seal.Release) { change(o, v) }, decider)
		return o.Bytes(o.Package(nil))
	}
}

// No changed byte of a package passes, and every refusal is of one class. Opening takes milliseconds and a package has tens of
// thousands of bytes, so bytes are drawn: one in 37, and in values of more than a
// thousand characters, which one digest or signature covers whole, one in 601.
func TestE01_packageByteFlipped(t *testing.T) {
	t.Parallel()
	pkg, try := packaged(t)
	ways := []func(byte) byte{func(b byte) byte { return b ^ 1 }, func(b byte) byte { return b ^ 0x20 }, func(b byte) byte { return b + 1 }}
	tried, at := 0, 0
	for _, value := range bytes.SplitAfter(pkg, []byte{'"'}) {
		every := 37
		if len(value) > 1000 {
			every = 601
		}
		for i := tried % 7; i < len(value); i += every {
			changed := bytes.Clone(pkg)
			changed[at+i] = ways[tried%len(ways)](changed[at+i])
			try(changed, at+i)
			tried++
		}
		at += len(value)
	}
}

// packaged is a package that opens, and wants what is made of it refused.
func packaged(t *testing.T) (pkg []byte, try func(changed []byte, at int)) {
	t.Helper()
	s := story.New(t)
	plan := s.Plan()
	plan.Dissents = [][]string{{"Nej."}}
	o := s.Decide(plan).Request(order.CourtOrder, nil, decider, evidence).All()
	pkg = o.Bytes(o.Package(nil))
	opens(t, s, pkg)
	return pkg, func(changed []byte, at int) {
		t.Helper()
		p, err := disclosure.Open(changed, s.Trust, s.Recipient)
		if p != nil || !errors.Is(err, disclosure.ErrVerification) {
			t.Fatalf("byte %d: %v", at, err)
		}
	}
}

func TestE11_packageLength(t *testing.T) {
	pkg, try := packaged(t)
	for _, n := range []int{0, 1, len(pkg) / 2, len(pkg) - 1} {
		try(pkg[:n], n)
	}
	for _, more := range []string{" ", "\n", "\x00", "{}", string(pkg)} {
		try(append(bytes.Clone(pkg), more...), len(pkg))
		try(append([]byte(more), pkg...), 0)
	}
}
