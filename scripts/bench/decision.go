package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"

	"sigill/client"
	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/order"
	"sigill/keys/record"
	"sigill/keys/seal"
	"sigill/keys/statement"
	"sigill/keys/token"
	sigillv1 "sigill/proto/sigill/v1"
	"sigill/scripts/authority"
)

// caller makes the three calls of a decision with no more work than a client
// must do, so that what is measured is the server.
type caller struct {
	run      *authority.Running
	conns    []*grpc.ClientConn
	me       record.Person
	day      *jws.Signer
	token    string
	director session
	version  order.Version
	epoch    order.Epoch
	content  []byte
}

// session is a token with its day key.
type session struct {
	day   *jws.Signer
	token string
}

const contentSize = 4 << 10

func newCaller(run *authority.Running) (*caller, error) {
	c := &caller{run: run}
	for range 2 {
		cc, err := grpc.NewClient("passthrough:///"+run.Addr, grpc.WithStaticStreamWindowSize(256<<10), grpc.WithStaticConnWindowSize(1<<20), grpc.WithTransportCredentials(credentials.NewClientTLSFromCert(run.Roots, "")))
		if err != nil {
			return nil, err
		}
		c.conns = append(c.conns, cc)
	}
	var err error
	if c.day, c.token, err = run.Login("asa"); err != nil {
		return nil, err
	}
	if c.director.day, c.director.token, err = run.Login("direktor"); err != nil {
		return nil, err
	}
	me, err := run.Identity("asa", c.token)
	if err != nil {
		return nil, err
	}
	c.me = record.Person{Author: true, Issuer: me.Issuer, Name: me.Name, Subject: me.Subject, Title: "socialsekreterare"}
	digest, err := order.Digest(run.Order)
	if err != nil {
		return nil, err
	}
	c.version = order.Version{Digest: digest, Version: run.Order.Version}
	if digest, err = order.Digest(run.Set); err != nil {
		return nil, err
	}
	c.epoch = order.Epoch{Digest: digest, Epoch: run.Set.Epoch}
	c.content = []byte("# Beslut\n\nAnsökan beviljas.\n\n## Skäl för beslutet\n\n")
	for len(c.content) < contentSize-64 {
		c.content = append(c.content, "Behovet är styrkt. "...)
	}
	c.content = append(c.content, "\n\n## Hur du överklagar\n\nSkriv till oss.\n"...)
	return c, nil
}

func (c *caller) close() {
	for _, cc := range c.conns {
		cc.Close()
	}
}

func auth(s session, method string) ([]string, error) {
	p, err := token.NewProof(s.day, "POST", authority.Origin+method, s.token, time.Now(), rand.Text())
	return []string{"authorization", "DPoP " + s.token, "dpop", p}, err
}

// decision is one decision from the clients' side.
func (c *caller) decision(ctx context.Context, worker int) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	cc := c.conns[worker%len(c.conns)]
	id, err := c.submit(ctx, cc)
	if err != nil {
		return fmt.Errorf("submitting: %w", err)
	}
	md, err := auth(c.director, sigillv1.SigningService_GetInboxDraft_FullMethodName)
	if err != nil {
		return err
	}
	d, err := sigillv1.NewSigningServiceClient(cc).GetInboxDraft(metadata.AppendToOutgoingContext(ctx, md...), &sigillv1.GetInboxDraftRequest{DecisionId: string(id)})
	if err != nil {
		return fmt.Errorf("fetching: %w", err)
	}
	return c.cosign(ctx, cc, d)
}

func (c *caller) submit(ctx context.Context, cc *grpc.ClientConn) (ident.ID, error) {
	var nonce record.Nonce
	var seed record.Seed
	watch, request := make([]byte, 32), make([]byte, 16)
	for _, b := range [][]byte{nonce[:], seed[:], watch, request} {
		rand.Read(b)
	}
	key, _, err := jws.Generate(jws.EdDSA)
	if err != nil {
		return "", err
	}
	today := ident.DateOf(time.Now())
	rec := &record.Record{
		Decider:       record.Decider{Item: authority.ItemDelegate, Kind: record.DeciderPerson, Person: &c.me},
		Participants:  record.Participants{Persons: []record.Person{}},
		DissentAuthor: record.DissentAuthor{Person: c.me}, BiasDeclaration: record.BiasDeclaration{Declarations: []record.Bias{{Ordinal: 1, Role: record.RoleDecider}}},
		Assessment: record.Assessment{Omitted: []record.OmittedName{{Assessor: "enhetschef", Date: today, Ground: record.GroundThreat,
			Ordinal: 1, Reference: "P 1", Review: today, Role: record.RoleDecider}}},
	}
	stated, err := rec.Encode()
	if err != nil {
		return "", err
	}
	plain, err := record.Lay(seed, stated)
	if err != nil {
		return "", err
	}
	commitments, id := plain.Stated(), ident.NewID()
	compact, err := jws.Make(key, &statement.Draft{
		Appeal: statement.AppealAdministrative, Author: record.AuthorCommitment(nonce, c.me.Issuer, c.me.Subject), Authority: authority.Number,
		Case: statement.NormalCase("SN " + string(id)), Commitments: commitments[:], Contact: "mottagningen",
		Content: statement.Content{Digest: ident.Sum(c.content), Media: statement.MediaMarkdown, Size: len(c.content)}, Decision: id,
		Item: authority.ItemDelegate, Mode: record.DelegateDecides,
		Names: record.Names{Decider: record.Omitted, Participants: record.Shown, Presenter: record.Shown}, Order: c.version,
		Provisions: []statement.Provision{{Place: "11 kap. 1 §", SFS: statement.SoL2025}}, Reasons: statement.ReasonsStated, Revision: 1,
		Set: c.epoch, Title: "Bistånd", Type: authority.TypeSupport,
	}, jws.Embed())
	if err != nil {
		return "", err
	}
	by, err := jws.Make(c.day, &statement.Authorship{AuthorKey: key.Public().Thumbprint(), Authority: authority.Number, Draft: jws.Digest(compact)})
	if err != nil {
		return "", err
	}
	req := &sigillv1.SubmitDraftRequest{RequestId: request, Statement: compact, Content: c.content, WatchSecret: watch,
		Seal: &sigillv1.SealInput{Seed: seed[:], Authorship: by, Record: &sigillv1.RecordInput{Decider: stated[0], Presenter: stated[1],
			Participants: stated[2], DissentAuthor: stated[3], BiasDeclaration: stated[4], Assessment: stated[5]}}}
	md, err := auth(session{c.day, c.token}, sigillv1.DraftingService_SubmitDraft_FullMethodName)
	if err != nil {
		return "", err
	}
	md = append(md, "sigill-author-nonce-bin", string(nonce[:]))
	if err := client.Pad(req, md); err != nil {
		return "", err
	}
	_, err = sigillv1.NewDraftingServiceClient(cc).SubmitDraft(metadata.AppendToOutgoingContext(ctx, md...), req)
	return id, err
}

func (c *caller) cosign(ctx context.Context, cc *grpc.ClientConn, d *sigillv1.GetInboxDraftResponse) error {
	var draft statement.Draft
	if err := jws.Peek(d.GetStatement(), &draft); err != nil {
		return err
	}
	head, err := seal.ParseHead(d.GetSealHead())
	if err != nil {
		return err
	}
	st := &statement.Approval{
		Authority: authority.Number, Checkpoint: statement.Checkpoint{Root: ident.Sum(""), Size: 0}, Core: ident.Sum(d.GetSealHead()),
		Date: ident.DateOf(time.Now()), Decision: draft.Decision, Draft: d.GetStatement(), Item: draft.Item, Mode: draft.Mode,
		Order: draft.Order, Record: head.Commitments.Digest(),
		Signer: statement.SignerPart{Declared: statement.DeclaredUnbiased, Title: authority.TitleDirector},
	}
	approval, err := jws.Sign(c.run.Director, st.Typ(), st) // jws.Make would verify the draft, on the server's cores
	if err != nil {
		return err
	}
	md, err := auth(c.director, sigillv1.SigningService_CosignDecision_FullMethodName)
	if err != nil {
		return err
	}
	request := make([]byte, 16)
	rand.Read(request)
	_, err = sigillv1.NewSigningServiceClient(cc).CosignDecision(metadata.AppendToOutgoingContext(ctx, md...),
		&sigillv1.CosignDecisionRequest{RequestId: request, Approval: approval})
	if err != nil {
		return fmt.Errorf("countersigning: %w", err)
	}
	return nil
}
