package main

import (
	"context"
	"strings"
	"testing"

	"sigill/client"
	"sigill/keys/ident"
	"sigill/keys/order"
)

// TestDocuments: all that boards have signed is printed, also the registration of a
// requester who is revoked now and asked under it, each once, in files that are read.
func TestDocuments(t *testing.T) {
	p := play(t)
	r, err := p.Start(context.WithoutCancel(t.Context()))
	ok(t, err)
	defer r.Stop()
	gone := *p.Requester
	gone.Revoked = gone.From
	var by []string
	for _, k := range p.Board[:p.Trust.Board.Need] {
		one, err := order.Sign(k, &gone)
		ok(t, err)
		by = append(by, one)
	}
	s, err := r.Session("drift")
	ok(t, err)
	ok(t, s.Board().RevokeRequester(t.Context(), by))
	code, out, talk := try(t, "documents", "--config", p.config)
	if code != 0 || talk != "" {
		t.Fatal(code, talk)
	}
	want := map[ident.Digest]bool{}
	for _, d := range []order.Document{p.Order, p.Set, p.Requester, &gone} {
		digest, err := order.Digest(d)
		ok(t, err)
		want[digest] = true
	}
	for line := range strings.Lines(out) {
		signed, err := order.ParseSigned([]byte(line))
		ok(t, err)
		doc, err := client.Payload(signed)
		ok(t, err)
		digest, err := p.Trust.Board.Read(signed.Signatures, doc)
		if err != nil || !want[digest] {
			t.Errorf("%s: %v", doc.Typ(), err)
		}
		delete(want, digest)
	}
	if len(want) != 0 {
		t.Errorf("%d are left out", len(want))
	}
	ok(t, r.Stop())
	if code, again, _ := try(t, "documents", "--config", p.config); code != 0 || again != out {
		t.Error("a stopped store gives others: ", code)
	}
	if code, out, talk := try(t, "documents", "--config", p.config+"x"); code != 1 || out != "" || talk == "" {
		t.Error(code, out, talk)
	}
}
