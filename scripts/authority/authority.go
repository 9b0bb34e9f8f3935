// Package authority makes a whole development authority in a directory: every
// key, the trust file, a certificate from an issuer of its own ("ej
// kvalificerad"), a reviewer set, a delegation order, a registered court, an
// identity provider, the configuration of sigilld, and the store.
//
//	a, err := authority.Make(ctx, dir, authority.Options{})
//	defer a.Close()
//	run, err := a.Start(ctx)           // in process, or a.StartBinary(ctx, path)
//	defer run.Stop()
//	err = run.Publish(ctx)             // set, order and court, by the board
//	asa, err := run.Caseworker("asa")
//
// Demo, stories, benchmarks and the canary all begin with it. Its people are
// invented ([People]); nothing here is ever linked into sigilld.
// TestStory in server plays the way of a decision with it.
package authority

import (
	"context"
	"crypto/hpke"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"google.golang.org/grpc"

	"sigill/keys/bundle"
	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/order"
	"sigill/scripts/devidp/devidp"
	"sigill/server"
)

// What every development authority has.
const (
	Number     = ident.Authority("212000-0449")
	Name       = "Exempelstads socialförvaltning"
	Origin     = "https://sigill.example" // what proofs name; the address is another
	Passphrase = "bara för utveckling"    // of every key file
	ConfigFile = "sigilld.yaml"
)

// Options say how an authority differs from the usual one. The zero value is a
// reviewer set of 2 of 4 inside and 1 of 3 outside, drafts shown at once, no
// TLS, and the usual [People].
type Options struct {
	Users        []devidp.User // besides People
	Groups       []Shape       // of reviewers
	InboxHours   server.InboxHours
	PublishEvery time.Duration                       // 0: every second
	SmallestSet  int                                 // 0: five
	TLS          bool                                // under an issuer of its own
	Internal     string                              // where the server answers a supervisor
	Witnesses    []string                            // lines of the policy behind the log's; none: quorum none
	WorkFactor   int                                 // of key files; 0: 1, for speed
	Dial         func(user string) []grpc.DialOption // for each user's sessions; nil: none

	Ed25519Directors bool // false: they sign with P-256, as their cards do
}

// A Shape is a group of reviewers: how many must agree, of how many.
type Shape struct{ Threshold, Members int }

// An Authority is all that a development authority's parties hold together.
type Authority struct {
	Dir       string
	Trust     *bundle.Trust
	IDP       *devidp.Provider
	Roots     *x509.CertPool // who signs the TLS certificate; nil without TLS
	Board     []*jws.Signer
	Director  *jws.Signer
	Deputy    *jws.Signer
	Registrar *jws.Signer
	Court     *jws.Signer
	CourtID   ident.ID
	Reviewers [][]Reviewer // by group and index, each from 0; the last of a group is its archive key
	Set       *order.ReviewerSet
	Order     *order.Delegation
	Requester *order.Requester // the court's registration

	made    place
	options Options
	issuer  *certificateIssuer
	idp     *http.Server
	mu      sync.Mutex
	logins  map[string]login
}

// A Reviewer is a reviewer's two keys.
type Reviewer struct {
	Sign *jws.Signer
	Open hpke.PrivateKey
}

// Make makes an authority in a directory, which it makes with mode 0700, or which
// must be empty and nobody's to write in but its owner's and its group's; else the
// error is [ErrDirectory]. Its identity provider answers at once, on loopback; its
// server must be started. Where it fails, nothing that it made is left.
func Make(ctx context.Context, dir string, o Options) (_ *Authority, err error) {
	o.defaults()
	made, err := makePlace(dir)
	if err != nil {
		return nil, fmt.Errorf("making an authority: %w", err)
	}
	a := &Authority{Dir: made.dir, made: made, options: o, logins: map[string]login{}}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.Remove())
		}
	}()
	for _, d := range []string{"keys", "people", "log"} {
		if err := os.Mkdir(a.path(d), 0o700); err != nil {
			return nil, fmt.Errorf("making an authority: %w", err)
		}
	}
	if err := a.startIDP(); err != nil {
		return nil, err
	}
	for _, step := range []func() error{a.makeKeys, a.makeCertificates, a.makeTrust, a.makeDocuments, a.writeConfig} {
		if err := step(); err != nil {
			return nil, fmt.Errorf("making an authority: %w", err)
		}
	}
	c, err := server.ReadConfig(a.path(ConfigFile))
	if err != nil {
		return nil, err
	}
	return a, server.Init(ctx, c)
}

func (o *Options) defaults() {
	if o.Groups == nil {
		o.Groups = []Shape{{2, 4}, {1, 3}}
	}
	if o.PublishEvery == 0 {
		o.PublishEvery = time.Second
	}
	if o.SmallestSet == 0 {
		o.SmallestSet = 5
	}
	if o.WorkFactor == 0 {
		o.WorkFactor = 1
	}
	if o.InboxHours == nil {
		o.InboxHours = server.InboxHours{}
	}
}

func (a *Authority) path(elem ...string) string {
	return filepath.Join(append([]string{a.Dir}, elem...)...)
}

func (a *Authority) startIDP() error {
	l, err := devidp.Listen("127.0.0.1:0")
	if err != nil {
		return err
	}
	a.IDP, err = devidp.New(devidp.Config{Issuer: "http://" + l.Addr().String(), Audience: Origin, ClientID: "sigill-dev",
		Lifetime: 8 * time.Hour, Users: append(People(), a.options.Users...)})
	if err != nil {
		l.Close()
		return err
	}
	a.idp = &http.Server{Handler: a.IDP.Handler(), ReadHeaderTimeout: 5 * time.Second}
	go a.idp.Serve(l)
	return nil
}

// Close ends the identity provider.
func (a *Authority) Close() error {
	if a.idp == nil {
		return nil
	}
	return a.idp.Close()
}

// Remove closes the authority and takes away what was made for it. Its server
// must have stopped.
func (a *Authority) Remove() error { return errors.Join(a.Close(), a.made.remove()) }

// People are the invented employees and others, by the role that their tokens
// give: three caseworkers, a director and a deputy, a registrar, reviewers of
// both groups, a court, an administrator.
func People() []devidp.User {
	var out []devidp.User
	for i, p := range []struct{ id, name, role string }{
		{"asa", "Åsa-Märta Öberghult Ny", "caseworker"},
		{"bjorn", "Björn af Ängslycka", "caseworker"},
		{"cajsa", "Cajsa-Lisa Ek Råvik", "caseworker"},
		{"direktor", "Dagny Ödesköld", "signer"},
		{"vice", "Valfrid Söderöga", "signer"},
		{"registrator", "Rut-Åke Diariesson", "registrar"},
		{"granskare-1-1", "Gärd Ömsesidig", "reviewer"},
		{"granskare-1-2", "Håkan Åtta-Fält", "reviewer"},
		{"granskare-1-3", "Ivar Tröskelvärd", "reviewer"},
		{"granskare-2-1", "Idun von Ytterby Ström", "reviewer"},
		{"granskare-2-2", "Jöns Utomstående", "reviewer"},
		{"domstol", "Målkansli Två", "requester"},
		{"drift", "Östen Driftberg", "administrator"},
	} {
		out = append(out, devidp.User{
			ID: p.id, Subject: fmt.Sprintf("b7f0c1d2-%04d", i+1), Name: p.name, Roles: []string{p.role},
			Email: p.id + "@exempelstad.example", Phone: fmt.Sprintf("+4670174%04d", 605+i),
			Username: fmt.Sprintf("exs%s%02d", p.id[:3], i+1), HSAID: fmt.Sprintf("SE2120000449-%04d", 1001+i),
		})
	}
	return out
}
