package main

import (
	"context"
	"errors"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/peer"

	"sigill/client"
	"sigill/keys/ident"
	"sigill/keys/order"
)

// patience is how long a server is waited for.
const patience = 10 * time.Second

// checkServer asks the server what anyone may ask: no login is sent, and no number
// that this machine remembers.
func (p *patient) checkServer(ctx context.Context) {
	if p.addr == "" {
		p.warn("server", "Set SIGILL_ADDR to host:port. Verifying, opening and the board's signatures need no server.", "none in SIGILL_ADDR")
		return
	}
	if p.trust == nil {
		p.warn("server", "Mend the trust file first: nothing that a server says counts without one.", "not asked")
		return
	}
	met := &peer.Peer{}
	c := client.Config{Trust: p.trust, Options: []grpc.DialOption{grpc.WithDefaultCallOptions(grpc.Peer(met))}}
	err := p.reach(&c)
	var s *client.Session
	if err == nil {
		s, err = client.Dial(c)
	}
	if err != nil {
		p.broken("server", err)
		return
	}
	defer s.Close()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if _, err := s.Checkpoint(ctx, nil); err != nil {
		if !p.succeeded(ctx, s) { // under a log key that the trust file does not know yet nothing verifies
			p.unreached(err)
		}
		return
	}
	p.ok("server", "%s answers, and its log is the trust file's", p.addr)
	if info, ok := met.AuthInfo.(credentials.TLSInfo); ok && len(info.State.PeerCertificates) > 0 {
		p.until("connection", "Tell those who run the authority's server to renew its TLS certificate.", ident.DateOf(info.State.PeerCertificates[0].NotAfter))
	}
	p.checkServerTrust(ctx, s)
	p.checkOrder(ctx, s)
	p.checkReviewers(ctx, s)
}

// unreached says why there is no answer, as far as this side can tell.
func (p *patient) unreached(err error) {
	e := (*client.Error)(nil)
	switch {
	case !errors.As(err, &e):
		p.broken("server", err)
	case e.Code == codes.Unimplemented:
		p.fail("server", "Check SIGILL_ADDR, and whether the server has a version that fits this program's.", "what answers is no Sigill server of this version")
	case e.Handshake:
		p.fail("server", "Check SIGILL_ADDR and SIGILL_CACERT, or ask those who run the server who issued its certificate.", "it cannot prove who it is: %s", e.Message)
	default:
		p.note("server", ill, p.t("no answer")+" ("+e.Code.String()+")", p.t("Check SIGILL_ADDR, the network and the firewall; otherwise ask those who run the server."))
		p.worst(exitUnknown)
	}
}

// until is a check of what ends on a day; "" never does.
func (p *patient) until(check, advice string, last ident.Date) {
	today := ident.DateOf(time.Now())
	switch {
	case last == "":
		p.ok(check, "without an end")
	case last.Before(today):
		p.fail(check, advice, "ended on %s", last)
	case last.Before(today.AddDays(soon)):
		p.warn(check, advice, "ends on %s", last)
	default:
		p.ok(check, "until %s", last)
	}
}

// succeeded warns of a trust file that has taken the place of one's own.
func (p *patient) succeeded(ctx context.Context, s *client.Session) bool {
	next, err := s.Successor(ctx)
	if err != nil || next == nil {
		return false
	}
	p.warn("server's trust file", "Take it over: sigill adopt.", "the board has signed one that follows yours")
	return true
}

func (p *patient) checkServerTrust(ctx context.Context, s *client.Session) {
	theirs, err := s.ServerTrust(ctx)
	if err != nil {
		p.unreached(err)
		return
	}
	mine, err := p.trust.File.Marshal()
	if err != nil {
		p.broken("server's trust file", err)
		return
	}
	if string(mine) != string(theirs) {
		if p.succeeded(ctx, s) {
			return
		}
		p.warn("server's trust file", "Ask the authority which is right, by another way than its server, and compare with sigill board trust show.", "it differs from yours")
		return
	}
	p.ok("server's trust file", "the same as yours")
}

func (p *patient) checkOrder(ctx context.Context, s *client.Session) {
	d, v, err := s.Delegation(ctx)
	if err != nil {
		p.unpublished("delegation order", err)
		return
	}
	today := ident.DateOf(time.Now())
	first := ident.Date("")
	sooner := func(from, until ident.Date) {
		if until != "" && today.Within(from, until) && (first == "" || until.Before(first)) {
			first = until
		}
	}
	for _, i := range d.Items {
		sooner(i.From, i.Until)
	}
	for _, o := range append(d.Signers, d.Registrars...) {
		sooner(o.From, o.Until)
	}
	const renew = "The board publishes the next version before that day."
	if first != "" && first.Before(today.AddDays(soon)) {
		p.warn("delegation order", renew, "version %d; something in it ends on %s", v.Version, first)
	} else {
		p.ok("delegation order", "version %d", v.Version)
	}
	if p.key == nil || p.key.Use != "director" {
		return
	}
	for _, o := range append(d.Signers, d.Registrars...) {
		if o.Key.Is(p.key.Thumbprint) && today.Within(o.From, o.Until) {
			p.until("your key", renew, o.Until)
			return
		}
	}
	p.fail("your key", "Give the key that the board has registered for you, or have the board register this one.", "the delegation order does not list it today")
}

func (p *patient) checkReviewers(ctx context.Context, s *client.Session) {
	set, v, err := s.ReviewerSet(ctx, 0)
	if err != nil {
		p.unpublished("reviewers", err)
		return
	}
	p.ok("reviewers", "epoch %d, of %s", v.Epoch, set.Date)
	if p.key == nil || p.key.Use != "reviewer-sign" {
		return
	}
	for _, gone := range set.Revoked {
		if gone == p.key.Thumbprint {
			p.fail("your key", "Tell the board: a new reviewer set gives you a new key.", "it is revoked")
			return
		}
	}
	if _, _, _, err := set.Find(p.key.Thumbprint); errors.Is(err, order.ErrReviewer) {
		p.warn("your key", "It opens seals that were made when you were listed. For new ones the board publishes a set that lists you.", "the reviewer set in force does not list it")
		return
	}
	p.ok("your key", "listed in epoch %d", v.Epoch)
}

// unpublished is a document of authority that cannot be had: a new authority has
// none yet.
func (p *patient) unpublished(check string, err error) {
	if client.Reason(err) == "ABSENT" {
		p.warn(check, "An administrator publishes what the board has signed: sigill admin --help.", "none is published yet")
		return
	}
	p.unreached(err)
}
