package workflow_test

import (
	"context"
	"crypto/ed25519"
	"crypto/hpke"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"sigill/keys/bundle"
	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/opening"
	"sigill/keys/order"
	"sigill/keys/proof"
	"sigill/keys/record"
	"sigill/keys/seal"
	"sigill/keys/statement"
	"sigill/keys/token"
	"sigill/keys/unseal"
	"sigill/server/store"
	"sigill/server/translog"
	"sigill/server/workflow"
)

const (
	decider  = record.SectionDecider
	bias     = record.SectionBiasDeclaration
	evidence = record.SectionEvidence
)

// sign takes a draft to a signed decision.
func (h *house) sign(a *author) *bundle.Verdict {
	h.t.Helper()
	ctx := context.Background()
	if len(a.last) == 0 {
		must(a.submit())
	}
	title := "förvaltningsdirektör"
	d := must(h.GetInboxDraft(ctx, h.signerCaller(title, "SigningService/GetInboxDraft"), a.id))
	approval := must(h.approval(title, d))
	b := must(h.CosignDecision(ctx, h.signerCaller(title, "SigningService/CosignDecision"), approval))
	return must(bundle.Verify(b, h.trust))
}

// A court is a registered requester.
type court struct {
	h         *house
	name      string
	key       *jws.Signer
	doc       order.Requester
	recipient hpke.PrivateKey
}

func (h *house) court(name string, grounds ...order.Ground) *court {
	h.t.Helper()
	c := &court{h: h, name: name, key: newSigner(jws.EdDSA)}
	c.doc = order.Requester{Address: name + "@domstol.example", Authority: authority, From: "2020-01-01", Grounds: grounds,
		Key: c.key.Public().JWK(), Name: name, Requester: ident.NewID()}
	must(h.RegisterRequester(context.Background(), h.caller("admin", token.Administrator, "AdministrationService/RegisterRequester"), h.byBoard(&c.doc)))
	return c
}

func (c *court) revoke() {
	c.h.t.Helper()
	c.doc.Revoked = today()
	must(c.h.RevokeRequester(context.Background(), c.h.caller("admin", token.Administrator, "AdministrationService/RevokeRequester"), c.h.byBoard(&c.doc)))
}

func (c *court) caller(method string) *workflow.Caller {
	return c.h.caller("clerk of "+c.name, token.Requester, "OpeningService/"+method)
}

// ask makes a request, to a fresh recipient key.
func (c *court) ask(v *bundle.Verdict, ground order.Ground, sections ...record.Section) *opening.Request {
	c.recipient = must(hpke.MLKEM768X25519().GenerateKey())
	return &opening.Request{Authority: authority, Date: today(), Decision: v.Decision.Decision, Expires: today().AddDays(14), Ground: ground,
		Opening: ident.NewID(), Recipient: c.recipient.PublicKey().Bytes(), Reference: "Mål 4711-26", Sections: sections, Statement: v.Digest}
}

func (c *court) send(r *opening.Request) (*workflow.Logged, error) {
	return c.h.RequestOpening(context.Background(), c.caller("RequestOpening"), must(jws.Make(c.key, r)))
}

// request asks and wants it taken.
func (c *court) request(v *bundle.Verdict, ground order.Ground, sections ...record.Section) ident.ID {
	c.h.t.Helper()
	r := c.ask(v, ground, sections...)
	must(c.send(r))
	return r.Opening
}

func (c *court) get(id ident.ID) *workflow.OpeningView {
	c.h.t.Helper()
	return must(c.h.GetOpening(context.Background(), c.caller("GetOpening"), id))
}

func (h *house) reviewerCaller(g, i int, method string) *workflow.Caller {
	return h.caller("reviewer "+string(rune('0'+g))+string(rune('0'+i)), token.Reviewer, "ReviewService/"+method)
}

// fetch fetches a reviewer's share, with a key proof.
func (h *house) fetch(g, i int, id ident.ID) ([]byte, *workflow.Logged, error) {
	c := h.reviewerCaller(g, i, "FetchShare")
	c.Proof = h.keyProof(h.reviewers[g-1][i-1].sign, c, id)
	return h.FetchShare(context.Background(), c, id)
}

func (h *house) keyProof(key *jws.Signer, c *workflow.Caller, id ident.ID) string {
	return must(token.NewAuthorProof(key, token.AuthorRead{Authority: authority, Decision: id, Method: c.Method, Request: c.RequestID}, c.Received))
}

// A ballot is a vote in the making.
type ballot struct {
	vote   opening.Vote
	key    *jws.Signer
	vector []byte
}

// ballot is what a reviewer's client makes of a request: for an approval it
// fetches its share and re-seals it.
func (h *house) ballot(g, i int, id ident.ID, granted ...record.Section) *ballot {
	h.t.Helper()
	r := must(h.GetReview(context.Background(), h.reviewerCaller(g, i, "GetReview"), id, 0))
	var share []byte
	if len(granted) > 0 {
		var err error
		share, _, err = h.fetch(g, i, id)
		must(0, err)
	}
	return h.ballotOver(g, i, id, r, share, granted...)
}

// ballotOver is a ballot with the share that was fetched for it.
func (h *house) ballotOver(g, i int, id ident.ID, r *workflow.Review, share []byte, granted ...record.Section) *ballot {
	h.t.Helper()
	var req opening.Request
	must(0, jws.Peek(r.Request, &req))
	p := must(proof.ParseProof([]byte(r.Logged.Proof)))
	cp := must(proof.OpenCheckpoint(p.Checkpoint, h.trust.Policy))
	b := &ballot{key: h.reviewers[g-1][i-1].sign, vote: opening.Vote{Authority: authority,
		Checkpoint: statement.Checkpoint{Root: cp.Root, Size: int64(cp.Size)}, Decision: req.Decision, Granted: append([]record.Section{}, granted...),
		Group: g, Index: i, Opening: id, Request: jws.Digest(r.Request)}}
	if len(granted) < len(req.Sections) {
		b.vote.Refusal = &opening.Refusal{Basis: opening.BasisScope, Paragraphs: []string{"Mer än vad målet kräver."}, Provision: "38 kap. 2 § RB"}
	}
	if len(granted) > 0 {
		w := must(seal.ParseWrapping(share))
		head := must(seal.ParseHead(r.Head))
		scope := must(record.ScopeOf(granted))
		made := must(unseal.ReSeal(head, w, h.reviewers[g-1][i-1].open, unseal.Request{Digest: b.vote.Request, Recipient: req.Recipient, Checkpoint: cp.Root}, scope))
		b.vector = made.Marshal()
		b.vote.Vector = ident.Sum(b.vector)
	}
	return b
}

func (h *house) cast(g, i int, b *ballot) (*workflow.Voted, error) {
	compact := must(jws.Make(b.key, &b.vote))
	if len(b.vote.Granted) > 0 {
		return h.ApproveOpening(context.Background(), h.reviewerCaller(g, i, "ApproveOpening"), compact, b.vector)
	}
	return h.RefuseOpening(context.Background(), h.reviewerCaller(g, i, "RefuseOpening"), compact)
}

// vote casts a vote and wants it taken.
func (h *house) vote(g, i int, id ident.ID, granted ...record.Section) int {
	h.t.Helper()
	return must(h.cast(g, i, h.ballot(g, i, id, granted...))).State
}

// entries are what the log holds now.
func (h *house) entries() []proof.Entry { return h.entriesFrom(0) }

// entriesFrom are those from an index on.
func (h *house) entriesFrom(index uint64) (out []proof.Entry) {
	h.t.Helper()
	must(0, h.ledger.Read(context.Background(), func(r store.Reader) error {
		head := h.ledger.Head()
		tree, err := translog.Load(r, head.Size, head.Root)
		if err != nil {
			return err
		}
		for i := index; i < head.Size; i++ {
			e, err := tree.Entry(r, i)
			if err != nil {
				return err
			}
			out = append(out, e)
		}
		return nil
	}))
	return out
}

func (h *house) count(k proof.Kind) (n int) {
	for _, e := range h.entries() {
		if e.Kind == k {
			n++
		}
	}
	return n
}

// logs counts the entries by kind, for what must not change.
func (h *house) logs() map[proof.Kind]int {
	out := map[proof.Kind]int{}
	for _, e := range h.entries() {
		out[e.Kind]++
	}
	return out
}

// noEffect wants a call refused for a kind and a reason, with nothing in the log
// but at most one event.
func (h *house) noEffect(kind error, reason string, call func() error) {
	h.t.Helper()
	before := h.logs()
	err := call()
	no := (*workflow.Refusal)(nil)
	if !errors.Is(err, kind) || !errors.As(err, &no) || no.Reason != reason {
		h.t.Fatalf("%v, want %v: %s", err, kind, reason)
	}
	events := 1
	if errors.Is(kind, workflow.ErrInvalid) {
		events = 0
	}
	after := h.logs()
	if after[proof.Event]-before[proof.Event] != events {
		h.t.Errorf("%d events, want %d", after[proof.Event]-before[proof.Event], events)
	}
	delete(before, proof.Event)
	delete(after, proof.Event)
	if len(before) != len(after) {
		h.t.Error("the log has another kind of entry")
	}
	for k, n := range after {
		if before[k] != n {
			h.t.Errorf("%s: %d entries more", k, n-before[k])
		}
	}
}

// openings are the caller's own requests.
func (c *court) openings() []workflow.OpeningView {
	c.h.t.Helper()
	list, _, err := c.h.ListOpenings(context.Background(), c.caller("ListOpenings"), 0, "")
	must(0, err)
	return list
}

// seals are what the author is told of openings.
func (a *author) seals() ([]workflow.SealOpening, error) {
	c := a.caller("ListSealOpenings")
	c.Proof = must(token.NewAuthorProof(a.key, token.AuthorRead{Authority: authority, Decision: a.id, Method: c.Method, Request: c.RequestID}, c.Received))
	return a.h.ListSealOpenings(context.Background(), c, a.id)
}

// submitReal submits a draft under a token that a court can verify.
func (a *author) submitReal() {
	a.h.t.Helper()
	public, idp, err := ed25519.GenerateKey(nil)
	must(0, err)
	b64 := base64.RawURLEncoding.EncodeToString
	jwk := []byte(`{"alg":"EdDSA","crv":"Ed25519","kid":"k1","kty":"OKP","x":"` + b64(public) + `"}`)
	index := must(a.h.RecordProviderKeys(context.Background(), "https://idp.example", []byte(`{"keys":[`+string(jwk)+`]}`)))
	now := time.Now().Unix()
	claims := must(json.Marshal(map[string]any{"iss": "https://idp.example", "aud": "sigill", "sub": "sub-" + a.name, "name": a.name,
		"iat": now - 60, "exp": now + 3600, "cnf": map[string]any{"jkt": a.day.Public().Thumbprint().String()}}))
	in, _ := a.submission()
	c := a.caller("SubmitDraft")
	c.Key, c.KeysIndex = jwk, index
	signed := b64([]byte(`{"alg":"EdDSA","kid":"k1","typ":"at+jwt"}`)) + "." + b64(claims)
	c.Token = signed + "." + b64(ed25519.Sign(idp, []byte(signed)))
	must(a.h.SubmitDraft(context.Background(), c, in))
	a.last = append(a.last, jws.Digest(in.Statement))
}

func containsTag(entries []proof.Entry, tag proof.Tag) bool {
	return slices.ContainsFunc(entries, func(e proof.Entry) bool { return e.Kind == proof.OpeningNotice && e.Tag == tag })
}
