package story

import (
	"testing"

	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/opening"
	"sigill/keys/order"
	"sigill/keys/proof"
	"sigill/keys/record"
	"sigill/keys/seal"
	"sigill/keys/statement"
	"sigill/keys/unseal"
	"sigill/keys/vectors"
)

// An Opening is a request with its votes.
type Opening struct {
	*Decided
	Request    opening.Request
	Compact    string
	Preimage   proof.Preimage // of the request's entry
	Tag        proof.Tag
	Index      uint64
	Checkpoint proof.Checkpoint // in which the reviewers saw it
	Cast       []opening.CastVote
	Ballots    []opening.Ballot
	Release    opening.Release
	Released   string
	Date       ident.Date // of the release
	Due        ident.Date // of the notice
	Key        *jws.Signer
}

// Request asks and logs the request.
func (d *Decided) Request(ground order.Ground, change func(*opening.Request), sections ...record.Section) *Opening {
	d.Helper()
	o := &Opening{Decided: d, Date: Day, Due: Day, Key: d.LogKey, Request: opening.Request{Authority: Authority, Date: Day, Decision: vectors.ID("decision"),
		Expires: Day.AddDays(14), Ground: ground, Opening: vectors.ID("opening"), Recipient: d.Recipient.PublicKey().Bytes(), Reference: "Mål 4711-26",
		Sections: sections, Statement: d.Digest}}
	if change != nil {
		change(&o.Request)
	}
	o.Compact = d.sign(d.Court, &o.Request)
	o.Preimage, o.Tag = Salt(proof.OpeningRequested, jws.Digest(o.Compact)), proof.Tag{1, 2, 3}
	o.Index = d.Tree.Add(o.Preimage, o.Tag)
	o.Checkpoint = d.Tree.Head()
	return o
}

// Vote has a reviewer grant sections and, where some are not, refuse the rest.
func (o *Opening) Vote(group, index int, change func(*opening.Vote, *seal.Release), granted ...record.Section) {
	o.Helper()
	r := o.Reviewers[[2]int{group, index}]
	v := &opening.Vote{Authority: Authority, Checkpoint: statement.Checkpoint{Root: o.Checkpoint.Root, Size: int64(o.Checkpoint.Size)},
		Decision: o.Request.Decision, Granted: append([]record.Section{}, granted...), Group: group, Index: index, Opening: o.Request.Opening,
		Request: jws.Digest(o.Compact)}
	if len(granted) < len(o.Request.Sections) {
		v.Refusal = &opening.Refusal{Basis: opening.BasisScope, Paragraphs: []string{"Begäran går längre än målet kräver."}, Provision: "38 kap. 2 § RB"}
	}
	var rel *seal.Release
	if scope, err := record.ScopeOf(granted); err == nil && scope != 0 {
		w, err := o.Sealed.Wrap(group, index, r.HPKE.PublicKey())
		check(o, err)
		rel, err = unseal.ReSeal(&o.Sealed.Head, w, r.HPKE, unseal.Request{Digest: jws.Digest(o.Compact), Recipient: o.Request.Recipient, Checkpoint: v.Checkpoint.Root}, scope)
		check(o, err)
	}
	if change != nil {
		change(v, rel)
	}
	var vector []byte
	if rel != nil {
		vector = rel.Marshal()
		v.Vector = ident.Sum(vector)
	}
	compact := o.sign(r.Sign, v)
	o.Cast = append(o.Cast, opening.CastVote{Vector: vector, Vote: compact})
	o.Ballots = append(o.Ballots, opening.Ballot{Vote: v, Cast: opening.Cast{Vector: v.Vector, Vote: jws.Digest(compact)}})
}

// Package concludes, signs and logs the release, and collects. Change alters the
// release before it is signed; without it the story fails unless the votes have
// decided the request.
func (o *Opening) Package(change func(*opening.Release)) *opening.Package {
	o.Helper()
	rel := opening.Conclude(&o.Request, jws.Digest(o.Compact), ident.Sum(o.Head), o.Sealed.Head.Groups, o.Ballots, o.Date)
	if rel == nil {
		rel = &opening.Release{}
		if change == nil {
			o.Fatal("the votes have not decided the request")
		}
	}
	if change != nil {
		change(rel)
	}
	o.Release, o.Released = *rel, o.sign(o.Key, rel)
	pre := Salt(proof.OpeningReleased, jws.Digest(o.Released))
	tag := proof.ReleaseTag(o.Due, [12]byte{7})
	index := o.Tree.Add(pre, tag)
	set, err := jws.Canonical(&o.Set)
	check(o, err)
	p := &opening.Package{Typ: opening.TypPackage, Head: o.Head, Set: set, Request: o.Compact, Requester: o.RegisteredDoc, Release: o.Released,
		Votes: o.Cast, Dissents: append([]string{}, o.Dissents...), Ciphertexts: []opening.Ciphertext{}, Providers: []opening.ProviderEntry{},
		Requested: o.Tree.Entry(o.Preimage, o.Tag, o.Index), Released: o.Tree.Entry(pre, tag, index)}
	p.Bundle, err = o.Bundle().Marshal()
	check(o, err)
	for _, sec := range rel.Granted {
		p.Ciphertexts = append(p.Ciphertexts, opening.Ciphertext{Bytes: o.Sealed.Ciphertexts[sec-1], Section: sec})
		if sec == record.SectionEvidence {
			p.Providers = append(p.Providers, opening.ProviderEntry{Keys: o.KeySet, Logged: o.keysEntry()})
		}
	}
	return p
}

func (o *Opening) keysEntry() opening.Entry {
	var doc order.ProviderKeys
	check(o, jws.Peek(o.KeySet, &doc))
	payload, err := order.Digest(&doc)
	check(o, err)
	return o.Tree.Entry(proof.Preimage{Kind: proof.ProviderKeys, Signed: payload}, proof.Tag{}, o.KeysIndex)
}

// Bytes is a package as it is collected.
func (o *Opening) Bytes(p *opening.Package) []byte {
	o.Helper()
	b, err := p.Marshal()
	check(o, err)
	return b
}

// All grants all that was asked, by the quorum: two of the first group and one of
// the second.
func (o *Opening) All() *Opening {
	o.Helper()
	for _, at := range [][2]int{{1, 1}, {2, 2}, {1, 3}} {
		o.Vote(at[0], at[1], nil, o.Request.Sections...)
	}
	return o
}

// Whole is a story in which all sections are asked for and granted, with a
// dissent.
func Whole(t testing.TB) (*Story, *Opening) {
	t.Helper()
	s := New(t)
	plan := s.Plan()
	plan.Dissents = [][]string{{"Jag anser att ansökan borde ha bifallits."}}
	return s, s.Decide(plan).Request(order.CourtOrder, nil, record.All()...).All()
}
