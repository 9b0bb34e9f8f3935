package story

import (
	"crypto/ed25519"
	"time"

	"sigill/keys/bundle"
	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/order"
	"sigill/keys/proof"
	"sigill/keys/record"
	"sigill/keys/seal"
	"sigill/keys/statement"
	"sigill/keys/vectors"
)

// A Plan is a decision before it is made: tests change what they need.
type Plan struct {
	Mode     record.Mode
	Names    record.Names
	Token    string
	Login    string // whom the author commitment opens to; Subject if empty
	Record   record.Record
	Draft    func(*statement.Draft)
	Evidence func(*record.EvidenceItem)
	Approval func(*statement.Approval)
	Decision func(*statement.Decision)
	Content  string
	Dissents [][]string
}

// Person is the author as the record names them.
func Person() record.Person {
	return record.Person{Author: true, Issuer: Issuer, Name: Name, Subject: Subject, Title: "Socialsekreterare", UserID: UserID}
}

// Plan is an ordinary decision: the caseworker decides on delegation, all names
// are omitted, one colleague took part, the login is bound to the day key.
func (s *Story) Plan() *Plan {
	s.Helper()
	author := Person()
	omitted := func(r record.Role) record.OmittedName {
		return record.OmittedName{Assessor: "HR-direktören", Date: "2026-10-01", Ground: record.GroundThreat, Ordinal: 1,
			Reference: "HR 2026/117", Review: "2027-10-01", Role: r}
	}
	return &Plan{
		Mode: record.DelegateDecides, Names: record.Names{Decider: record.Omitted, Participants: record.Omitted, Presenter: record.Omitted},
		Token: s.Token(nil), Content: Content,
		Record: record.Record{
			Decider:       record.Decider{Item: Item, Kind: record.DeciderPerson, Person: &author},
			Participants:  record.Participants{Persons: []record.Person{{Name: "Björn Ek", Stated: true, Title: "Socialsekreterare"}}},
			DissentAuthor: record.DissentAuthor{Person: author},
			BiasDeclaration: record.BiasDeclaration{Declarations: []record.Bias{{Ordinal: 1, Role: record.RoleDecider},
				{Ordinal: 1, Role: record.RoleParticipant, Stated: true}}},
			Assessment: record.Assessment{Omitted: []record.OmittedName{omitted(record.RoleDecider), omitted(record.RoleParticipant)}},
		},
	}
}

// A Decided is a signed and logged decision with its seal.
type Decided struct {
	*Story
	Sealed   *seal.Sealed
	Head     []byte
	Decision string
	Draft    string
	Digest   ident.Digest // of the decision statement
	Preimage proof.Preimage
	Index    uint64
	Number   int64
	Content  string
	Dissents []string
}

// Decide carries a plan out.
func (s *Story) Decide(p *Plan) *Decided {
	s.Helper()
	seed := record.Seed(vectors.Seed("seal"))
	nonce := record.Nonce(vectors.Seed("nonce"))
	stated, err := p.Record.Encode()
	check(s, err)
	plain, err := record.Lay(seed, stated)
	check(s, err)
	login := p.Login
	if login == "" {
		login = Subject
	}
	draft := s.draft(p, &plain, record.AuthorCommitment(nonce, Issuer, login))
	d := &Decided{Story: s, Content: p.Content, Number: 4711, Draft: s.sign(s.Author, draft, jws.Embed())}
	data, err := s.evidence(p, d.Draft, nonce).Encode()
	check(s, err)
	check(s, plain.SetEvidence(seed, data))
	d.Sealed, err = seal.New(seal.Subject{Authority: Authority, Decision: draft.Decision, Revision: draft.Revision, Draft: jws.Digest(d.Draft),
		AuthorKey: s.Author.Public().Thumbprint(), Set: draft.Set}, seal.Shapes(&s.Set), seed, &plain)
	check(s, err)
	d.Head, err = d.Sealed.Head.Marshal()
	check(s, err)
	s.cosign(p, d, draft)
	for _, paragraphs := range p.Dissents {
		d.Dissents = append(d.Dissents, s.sign(s.Author, &statement.Dissent{Authority: Authority, Decision: draft.Decision,
			Draft: jws.Digest(d.Draft), Paragraphs: paragraphs}))
	}
	return d
}

func (s *Story) sign(by *jws.Signer, st jws.Statement, opts ...jws.Option) string {
	s.Helper()
	compact, err := jws.Sign(by, st.Typ(), st, opts...) // not Make: a test may want what no check lets through
	check(s, err)
	return compact
}

// Sign signs a statement without asking its own check.
func (s *Story) Sign(by *jws.Signer, st jws.Statement) string { return s.sign(by, st) }

func (s *Story) draft(p *Plan, plain *record.Plaintexts, author ident.Digest) *statement.Draft {
	orderDigest, err := order.Digest(&s.Order)
	check(s, err)
	setDigest, err := order.Digest(&s.Set)
	check(s, err)
	d := &statement.Draft{
		Appeal: statement.AppealAdministrative, Author: author, Authority: Authority, Case: "SN-2026-117", Contact: "socialtjanst@kommun.example",
		Content:  statement.Content{Digest: ident.Sum(p.Content), Media: statement.MediaPlain, Size: len(p.Content)},
		Decision: vectors.ID("decision"), Item: Item, Mode: p.Mode, Names: p.Names, Order: order.Version{Digest: orderDigest, Version: s.Order.Version},
		Protocol: p.Record.Decider.Protocol, Provisions: []statement.Provision{{Place: "11 kap. 1 §", SFS: statement.SoL2025}},
		Reasons: statement.ReasonsStated, Revision: 1, Set: order.Epoch{Digest: setDigest, Epoch: s.Set.Epoch},
		Title: "Bistånd i form av hemtjänst", Type: Type,
	}
	stated := plain.Stated()
	d.Commitments = stated[:]
	if p.Draft != nil {
		p.Draft(d)
	}
	return d
}

func (s *Story) evidence(p *Plan, draft string, nonce record.Nonce) *record.Evidence {
	day := s.DayKey.Public().JWK()
	it := record.EvidenceItem{ACR: "http://id.elegnamnden.se/loa/1.0/loa3", AuthTime: At.Add(-5*time.Hour).Unix() - 10, DayKey: &day,
		Authorship: s.sign(s.DayKey, &statement.Authorship{AuthorKey: s.Author.Public().Thumbprint(), Authority: Authority, Draft: jws.Digest(draft)}),
		Key:        string(ProviderJWK(s.Provider.Public().(ed25519.PublicKey))), KeysIndex: int64(s.KeysIndex), Label: record.LabelDPoP,
		Nonce: nonce[:], Provider: "Kommunens inloggning", Received: Day, Token: p.Token, Type: record.EvidenceAccessToken}
	if p.Evidence != nil {
		p.Evidence(&it)
	}
	return &record.Evidence{Items: []record.EvidenceItem{it}}
}

func (s *Story) cosign(p *Plan, d *Decided, draft *statement.Draft) {
	core := ident.Sum(d.Head)
	rec := d.Sealed.Head.Commitments.Digest()
	cp := s.Tree.Head()
	a := &statement.Approval{Authority: Authority, Checkpoint: statement.Checkpoint{Root: cp.Root, Size: int64(cp.Size)}, Core: core, Date: Day,
		Decision: draft.Decision, Draft: d.Draft, Item: draft.Item, Mode: draft.Mode, Order: draft.Order, Record: rec,
		Signer: statement.SignerPart{Declared: statement.DeclaredUnbiased, Title: "Förvaltningsdirektör"}}
	if p.Approval != nil {
		p.Approval(a)
	}
	dec := &statement.Decision{Approval: s.sign(s.Director, a), Author: draft.Author, Authority: Authority, Core: core, Date: Day,
		Decision: draft.Decision, Item: draft.Item, Mode: draft.Mode, Number: d.Number, Order: draft.Order, Record: rec, Year: Day.Year()}
	if p.Decision != nil {
		p.Decision(dec)
	}
	d.Decision = s.sign(s.Institution, dec, jws.Certified(s.SignedAt, s.Certificate))
	d.Digest = jws.Digest(d.Decision)
	d.Preimage = Salt(proof.Decision, d.Digest)
	d.Index = s.Tree.Add(d.Preimage, proof.DecisionTag(uint16(Day.Year()), uint64(d.Number), vectors.ID("decision")))
}

// Bundle is the decision's bundle at the newest checkpoint.
func (d *Decided) Bundle() *bundle.Bundle {
	d.Helper()
	return &bundle.Bundle{Content: []byte(d.Content), Decision: d.Decision, Order: d.OrderDocs, Preimage: d.Preimage.Marshal(), Proof: d.Tree.Proof(d.Index)}
}
