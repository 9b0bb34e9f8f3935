package workflow_test

import (
	"bytes"
	"fmt"
	"testing"

	"sigill/keys/disclosure"
	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/order"
	"sigill/server/workflow"
)

// TestTwoRegistrations: where the board has registered a key twice, a request is
// under the registration that lets it ask, wherever the other one lies.
func TestTwoRegistrations(t *testing.T) {
	h := newHouse(t)
	v := h.sign(h.author("Åsa Öberg"))
	both := []order.Ground{order.CourtWitness, order.CourtOrder}
	for name, other := range map[string]func(r *order.Requester){
		"another ground": func(r *order.Requester) { r.Grounds = []order.Ground{order.CourtWitness} },
		"expired":        func(r *order.Requester) { r.Until = today().AddDays(-1) },
		"not yet":        func(r *order.Requester) { r.From = today().AddDays(1) },
		"revoked":        func(r *order.Requester) { r.Revoked = today() },
	} {
		for _, before := range []bool{false, true} {
			c := h.court(fmt.Sprint("Tingsrätten ", name, before), both...) // a login of its own
			doc := c.doc
			for doc.Requester = ident.NewID(); (bytes.Compare(rowKey(doc.Requester), rowKey(c.doc.Requester)) < 0) != before; doc.Requester = ident.NewID() {
			}
			last := doc
			other(&last)
			doc.Grounds, doc.From, doc.Until = last.Grounds, last.From, last.Until
			must(h.RegisterRequester(ctx, h.admin("RegisterRequester"), h.byBoard(&doc)))
			if last.Revoked != "" {
				must(h.RevokeRequester(ctx, h.admin("RevokeRequester"), h.byBoard(&last)))
			}
			r := c.ask(v, order.CourtOrder, decider)
			if _, err := c.send(r); err != nil {
				t.Error(name, before, err)
				continue
			}
			for _, at := range [][2]int{{1, 1}, {1, 2}, {2, 1}} {
				h.vote(at[0], at[1], r.Opening, decider)
			}
			p := must(disclosure.Open(must(h.CollectOpening(ctx, c.caller("CollectOpening"), r.Opening)), h.trust, c.recipient))
			h.same("requester", p.Requester.Requester, c.doc.Requester)
			c.revoke() // the one that let it ask
			h.noEffect(workflow.ErrPermission, workflow.ReasonRequesterRevoked, func() error { _, err := c.send(c.ask(v, order.CourtOrder, decider)); return err })
		}
	}
	stranger := &court{h: h, name: "x", key: newSigner(jws.EdDSA)}
	h.noEffect(workflow.ErrPermission, workflow.ReasonKey, func() error { _, err := stranger.send(stranger.ask(v, order.CourtOrder, decider)); return err })
}
