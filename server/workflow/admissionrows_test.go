package workflow_test

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"

	"sigill/keys/jws"
	"sigill/keys/order"
	"sigill/keys/proof"
	"sigill/keys/record"
	"sigill/keys/statement"
	"sigill/keys/token"
	"sigill/server/workflow"
)

// The role, and the place in the order, are those of the moment of signing.
func TestS15_roleRevoked(t *testing.T) {
	h := newHouse(t)
	a := h.author("Åsa Öberg")
	must(a.submit())
	items, _, err := h.ListInbox(ctx, h.signerCaller(director, "SigningService/ListInbox"), 0, "")
	if err != nil || len(items) != 1 {
		t.Fatal(len(items), err)
	}
	approval := h.approve(director, a.id)
	c := h.caller("Officer "+director, token.Caseworker, "SigningService/CosignDecision")
	h.refuses(workflow.ErrPermission, workflow.ReasonRole, byName, func() error { return h.Admit(ctx, c) })
	must(0, h.Admit(ctx, h.signerCaller(director, "SigningService/CosignDecision")))
	next := *h.order
	next.Version, next.Previous = 2, h.version.Digest
	next.Signers = slices.Clone(h.order.Signers)
	next.Signers[0].Until = today().AddDays(-1)
	must(h.publishOrder(&next))
	h.refuses(workflow.ErrPermission, workflow.ReasonKey, byName, func() error {
		b, err := h.cosign(director, approval)
		if b != nil {
			t.Fatal("signed")
		}
		return err
	})
	h.same("decisions", h.count(proof.Decision), 0)
	h.same("state", must(a.get()).State, 1)
}

// A draft under a key of small order, which a signature of no work fits, or with a
// signature that is no canonical one, reaches no matter; keys/jws has all forms.
func TestS14_ed25519(t *testing.T) {
	h := newHouse(t)
	a := h.author("Åsa Öberg")
	in, _ := a.submission()
	b64 := base64.RawURLEncoding
	part := strings.Split(in.Statement, ".")
	sig := must(b64.DecodeString(part[2]))
	identity := append([]byte{1}, make([]byte, 31)...)
	header := fmt.Sprintf(`{"alg":"EdDSA","jwk":{"crv":"Ed25519","kty":"OKP","x":"%s"},"typ":"%s"}`, b64.EncodeToString(identity), statement.TypDraft)
	high := slices.Clone(sig) // S + L
	carry := 0
	for i, l := range []byte{0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 31: 0x10} {
		carry += int(high[32+i]) + int(l)
		high[32+i], carry = byte(carry), carry>>8
	}
	if carry != 0 {
		t.Fatal("S + L does not fit")
	}
	for name, forged := range map[string]string{
		"small order":      b64.EncodeToString([]byte(header)) + "." + part[1] + "." + b64.EncodeToString(append(identity, make([]byte, 32)...)),
		"S + L":            part[0] + "." + part[1] + "." + b64.EncodeToString(high),
		"spare bits":       in.Statement[:len(in.Statement)-1] + string(in.Statement[len(in.Statement)-1]+1),
		"R of small order": part[0] + "." + part[1] + "." + b64.EncodeToString(append(identity, sig[32:]...)),
	} {
		t.Run(name, func(t *testing.T) {
			h.t = t
			bad := in
			bad.Statement = forged
			no := h.refuses(workflow.ErrInvalid, workflow.ReasonSignature, byDay, func() error {
				answer, err := h.SubmitDraft(ctx, a.caller("SubmitDraft"), bad)
				if answer != nil {
					t.Fatal("answered")
				}
				return err
			})
			h.same("field", no.Field, "statement")
		})
	}
	h.t = t
	must(h.SubmitDraft(ctx, a.caller("SubmitDraft"), in))
}

func TestS17_emptyContent(t *testing.T) {
	h := newHouse(t)
	a := h.author("Åsa Öberg")
	a.content = ""
	in, c := a.unchecked(func(d *statement.Draft) { d.Content.Size = 0 }), a.caller("SubmitDraft")
	no := h.refuses(workflow.ErrInvalid, workflow.ReasonField, byDay, func() error { _, err := h.SubmitDraft(ctx, c, in); return err })
	h.same("field", no.Field, "statement.content.size")
}

// A group of fewer than t + 2 could not lose two of its keys; a threshold of zero
// needs nobody. Neither comes into force, and nothing is sealed to it.
func TestS17_thresholds(t *testing.T) {
	h := newHouse(t)
	for name, shape := range map[string]struct{ t, n int }{"t of t + 1": {3, 4}, "t of t": {4, 4}, "t over n": {5, 4}, "t is 0": {0, 4}, "t below 0": {-1, 4}} {
		signatures := h.unlawfulSet(func(g *order.Group) { g.Threshold, g.Members = shape.t, g.Members[:shape.n] })
		no := h.refuses(workflow.ErrInvalid, workflow.ReasonField, nothing, func() error {
			_, err := h.PublishReviewerSet(ctx, h.admin("PublishReviewerSet"), signatures)
			return err
		})
		h.same("field", no.Field, "set.groups[0].threshold")
		h.same(name, must(h.status()).Epoch, 1)
	}
}

// There are no units in what is sent; an item, or a type, that the delegation order
// does not know is refused as outside the order.
func TestS17_unknownItem(t *testing.T) {
	h := newHouse(t)
	for _, edit := range []func(d *statement.Draft, r *record.Record){
		func(d *statement.Draft, r *record.Record) { d.Item, r.Decider.Item = "7.7", "7.7" },
		func(d *statement.Draft, _ *record.Record) { d.Type = "okand" },
	} {
		a := h.author("Åsa Öberg")
		a.edit = edit
		a.refusedDraft(workflow.ErrState, workflow.ReasonOrder, "")
	}
}

// An account that has signed or reviewed does not draft, and its user id does not
// stand in a record.
func TestS17_signerWhoDrafts(t *testing.T) {
	h := newHouse(t)
	c := h.signerCaller(director, "SigningService/ListInbox")
	must(0, second(h.ListInbox(ctx, c, 0, "")))
	c = h.signerCaller(director, "SigningService/ListInbox") // the id came with a later token
	c.Identity.UserID = "dirdir01"
	must(0, second(h.ListInbox(ctx, c, 0, "")))
	a := h.author(c.Identity.Name)
	a.refusedDraft(workflow.ErrPermission, workflow.ReasonOfficer, "")
	b := h.author("Bo Ek")
	b.edit = func(d *statement.Draft, r *record.Record) {
		r.Participants.Persons = []record.Person{{Name: "Någon", Stated: true, Title: "chef", UserID: "dirdir01"}}
		r.BiasDeclaration.Declarations = append(r.BiasDeclaration.Declarations, record.Bias{Ordinal: 1, Role: record.RoleParticipant, Stated: true})
	}
	b.refusedDraft(workflow.ErrInvalid, workflow.ReasonOfficer, "record.user_id")
	b.edit = nil
	in, _ := b.submission() // by another login of the same person's
	second := b.caller("SubmitDraft")
	second.Identity.UserID = "dirdir01"
	h.refuses(workflow.ErrPermission, workflow.ReasonOfficer, byDay, func() error { _, err := h.SubmitDraft(ctx, second, in); return err })
	must(b.submit())
}

// unlawfulSet is a next set whose first group has been changed, signed by a quorum
// whose software does not look.
func (h *house) unlawfulSet(change func(*order.Group)) (signatures []string) {
	h.t.Helper()
	next := *h.set
	next.Epoch, next.Previous = h.set.Epoch+1, h.setEpoch.Digest
	next.Groups = slices.Clone(h.set.Groups)
	next.Groups[0].Members = slices.Clone(next.Groups[0].Members)
	change(&next.Groups[0])
	for _, s := range []*jws.Signer{h.reviewers[0][0].sign, h.reviewers[0][1].sign, h.reviewers[1][0].sign} {
		signatures = append(signatures, must(jws.Sign(s, order.TypReviewers, &next)))
	}
	return signatures
}
