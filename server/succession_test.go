package server_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"sigill/client"
	"sigill/keys/bundle"
	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/order"
	"sigill/scripts/authority"
	"sigill/server"
	"sigill/server/ledger"
	"sigill/server/workflow"
)

// refusesStart: it does not start, says why, and leaves the store as it was.
func refusesStart(t *testing.T, what string, c server.Config, cause error) {
	t.Helper()
	before := tree(t, c.Data)
	if err := starts(t, c); !errors.Is(err, cause) {
		t.Errorf("%s: %v, want %v", what, err, cause)
	}
	if !slices.ContainsFunc(server.Check(t.Context(), c), func(f server.Finding) bool { return errors.Is(f.Err, cause) }) {
		t.Errorf("%s: the configuration is said to be right", what)
	}
	for path, b := range tree(t, c.Data) {
		if before[path] != b {
			t.Errorf("%s: %s was changed", what, filepath.Base(path))
		}
	}
}

// under has an authority's server run with another trust file and other keys.
func under(t *testing.T, a *authority.Authority, c server.Config) *authority.Running {
	t.Helper()
	fine(t, a.Reconfigure(func(to *server.Config) {
		to.Trust, to.Keys.Log, to.Keys.Institution, to.Certificates = c.Trust, c.Keys.Log, c.Keys.Institution, c.Certificates
	}))
	r, err := a.Start(context.WithoutCancel(t.Context()))
	fine(t, err)
	t.Cleanup(func() { _ = r.Stop() })
	return r
}

// TestNewLogKey: a log key and a certificate take the place of others by the board's
// word alone, which stands in the log; decisions from before and after verify by the new
// trust file, and one who has the old one gets there from it. Nothing else starts.
func TestNewLogKey(t *testing.T) {
	w := newOutsider(t, "ivo.example")
	r := published(t, watchedBy(t, "quorum ivo.example", w))
	a := r.Authority
	director, err := r.Signer("direktor", r.Director)
	fine(t, err)
	first, _ := sign(t, r, director, "SN 2026-0501")
	until(t, func() bool {
		v, _, err := director.Bundle(t.Context(), first.Decision.Decision)
		return err == nil && v.Witnessed
	})
	_, before, err := director.Bundle(t.Context(), first.Decision.Decision)
	fine(t, err)
	fine(t, r.Stop())
	c, err := server.ReadConfig(filepath.Join(a.Dir, authority.ConfigFile))
	fine(t, err)

	line, err := a.NewLogKey("log-2")
	fine(t, err)
	cert, err := a.NewCertificate("institution-2")
	fine(t, err)
	old, today := a.Trust, ident.DateOf(time.Now())
	change := func(size uint64) func(f *bundle.TrustFile) {
		return func(f *bundle.TrustFile) {
			f.Earlier = append(f.Earlier, bundle.Before{Board: f.Board, Policy: f.Policy, Size: size})
			f.Policy = append([]string{f.Policy[0], line}, f.Policy[1:]...)
			f.Certificates = append(f.Certificates, bundle.TrustCertificate{Certificate: cert, From: today})
		}
	}
	_, err = a.Succeed("short", today, change(3))
	fine(t, err)
	_, err = a.Succeed("long", today, change(2*workflow.TrustSlack))
	fine(t, err)
	next, err := a.Succeed("trust-2", today, change(1000))
	fine(t, err)

	with := func(trust, log string) server.Config {
		c := c
		c.Trust, c.Keys.Log = filepath.Join(a.Dir, trust), filepath.Join(a.Dir, "keys", log)
		return c
	}
	refusesStart(t, "a log key that nobody listed", with("trust.json", "log-2.age"), server.ErrKeys)
	refusesStart(t, "a trust file that nobody signed", with("trust-2.json", "log.age"), workflow.ErrTrustFile)
	if err := starts(t, with("trust-2.json", "log.age")); err == nil || !strings.Contains(err.Error(), "the succession that the board signed") {
		t.Errorf("a trust file without its succession: %v", err)
	}
	refusesStart(t, "one that is too short for the log", with("short.signed", "log.age"), workflow.ErrTrustFile)

	refusesStart(t, "one of a log that is far longer", with("long.signed", "log.age"), workflow.ErrTrustFile)
	if err := starts(t, with("long.signed", "log.age")); err == nil || !strings.Contains(err.Error(), "earlier[0].size") {
		t.Error(err)
	}

	renewed := with("trust-2.signed", "log.age")
	renewed.Certificates, renewed.Keys.Institution = filepath.Join(a.Dir, "institution-2.pem"), filepath.Join(a.Dir, "keys", "institution-2.age")
	r = under(t, a, renewed)
	s, err := r.Session("")
	fine(t, err)
	until(t, func() bool { found, err := s.Successor(t.Context()); return err == nil && found != nil })
	found, err := s.Successor(t.Context())
	fine(t, err)
	if found.Next.Digest != next.Digest || found.Date != today {
		t.Error("another successor")
	}
	if cp, err := s.Checkpoint(t.Context(), nil); err != nil {
		t.Error("who has the old trust file sees no more of the log: ", cp, err)
	}
	fine(t, r.Stop())

	r = under(t, a, func() server.Config { c := renewed; c.Keys.Log = filepath.Join(a.Dir, "keys", "log-2.age"); return c }())
	a.Trust = next
	if director, err = r.Signer("direktor", r.Director); err != nil {
		t.Fatal(err)
	}
	second, _ := sign(t, r, director, "SN 2026-0502")
	until(t, func() bool {
		v, _, err := director.Bundle(t.Context(), second.Decision.Decision)
		return err == nil && v.Witnessed
	})
	_, after, err := director.Bundle(t.Context(), second.Decision.Decision)
	fine(t, err)
	fine(t, r.Stop())
	now := renewed
	now.Keys.Log = filepath.Join(a.Dir, "keys", "log-2.age")
	isGreen(t, now)
	state := tree(t, c.Data)
	if found, err := server.CheckStore(t.Context(), c, func(step string, _ uint64) { t.Error("checks ", step) }); !errors.Is(err, workflow.ErrTrustFile) || found != nil {
		t.Errorf("checked by the configuration of before: %+v, %v", found, err)
	}
	if !maps.Equal(state, tree(t, c.Data)) {
		t.Error("something was changed")
	}

	for what, b := range map[string][]byte{"before": before, "after": after} {
		if v, err := bundle.Verify(b, next); err != nil || !v.Witnessed {
			t.Errorf("%s, by the new trust file: %v", what, err)
		}
	}
	if _, err := bundle.Verify(before, old); err != nil {
		t.Error("before, by the old trust file: ", err)
	}
	if _, err := bundle.Verify(after, old); !errors.Is(err, bundle.ErrCertificate) {
		t.Error("after, by the old trust file: ", err)
	}
	if second.Decision.Number != first.Decision.Number+1 || second.Index <= first.Index {
		t.Error("the log did not go on: ", second.Decision.Number, second.Index)
	}

	back := renewed
	refusesStart(t, "the log key of before", back, ledger.ErrHead)
	back.Keys.Log = filepath.Join(a.Dir, "keys", "log-2.age")
	back.Trust = filepath.Join(a.Dir, "trust.json")
	back.Certificates, back.Keys.Institution = c.Certificates, c.Keys.Institution
	refusesStart(t, "the trust file of before", back, server.ErrKeys)
	back.Trust = filepath.Join(a.Dir, "trust-2.json") // which the store knows by now
	fine(t, starts(t, back))
}

// TestTrustRecorded: a succession that another board signed, or that was tampered with,
// starts nothing.
func TestTrustRecorded(t *testing.T) {
	a, c := made(t, authority.Options{})
	runOnce(t, a)
	today := ident.DateOf(time.Now())
	_, err := a.Succeed("trust-2", today, func(f *bundle.TrustFile) { f.Name = "Exempelstads nya nämnd" })
	fine(t, err)
	b, err := os.ReadFile(filepath.Join(a.Dir, "trust-2.signed"))
	fine(t, err)
	signed, err := order.ParseSigned(b)
	fine(t, err)
	signed.Signatures = signed.Signatures[:1]
	b, err = signed.Marshal()
	fine(t, err)
	fine(t, os.WriteFile(filepath.Join(a.Dir, "one.signed"), b, 0o644))
	c.Trust = filepath.Join(a.Dir, "one.signed")
	refusesStart(t, "signed by too few", c, workflow.ErrTrustFile)
	c.Trust = filepath.Join(a.Dir, "trust-2.signed")
	fine(t, starts(t, c))
}

// TestNewBoard: a board that takes another's place is taken with all that the one before
// has signed here, and not without any of it; from then on it alone signs.
func TestNewBoard(t *testing.T) {
	r := published(t, authority.Options{})
	a := r.Authority
	director, err := r.Signer("direktor", r.Director)
	fine(t, err)
	first, before := sign(t, r, director, "SN 2026-0501")
	c, err := server.ReadConfig(filepath.Join(a.Dir, authority.ConfigFile))
	fine(t, err)
	running, err := server.Documents(t.Context(), c)
	fine(t, err)
	fine(t, r.Stop())
	stopped, err := server.Documents(t.Context(), c)
	fine(t, err)
	if !bytes.Equal(running, stopped) {
		t.Error("a running server gives other documents")
	}
	var all []ident.Digest
	names := map[ident.Digest]string{}
	for line := range bytes.Lines(stopped) {
		s, err := order.ParseSigned(line)
		fine(t, err)
		doc, err := client.Payload(s)
		fine(t, err)
		digest, err := order.Digest(doc)
		fine(t, err)
		all, names[digest] = append(all, digest), strings.TrimSuffix(doc.Typ(), "+jws")
	}
	slices.SortFunc(all, ident.Digest.Compare)
	if len(all) != 3 {
		t.Fatalf("%v", names)
	}

	key, _, err := jws.Generate(jws.EdDSA)
	fine(t, err)
	today := ident.DateOf(time.Now())
	board := func(name string, documents []ident.Digest) string {
		_, err := a.Succeed(name, today, func(f *bundle.TrustFile) {
			f.Earlier = append(f.Earlier, bundle.Before{Board: f.Board, Documents: documents, Policy: f.Policy, Size: 1000})
			f.Board = bundle.BoardKeys{Keys: []jws.JWK{key.Public().JWK()}, Need: 1}
		})
		fine(t, err)
		return filepath.Join(a.Dir, name+".signed")
	}
	for i, d := range all {
		c.Trust = board(fmt.Sprint("without", i), slices.Delete(slices.Clone(all), i, i+1))
		refusesStart(t, names[d]+" left out", c, workflow.ErrTrustFile)
		if err := starts(t, c); !strings.Contains(err.Error(), "earlier[0].documents leaves out the "+names[d]+" with the digest "+d.String()) {
			t.Errorf("%s left out: %v", names[d], err)
		}
	}
	c.Trust = board("trust-2", all)
	r = under(t, a, c)
	b, err := os.ReadFile(filepath.Join(a.Dir, "trust-2.json"))
	fine(t, err)
	a.Trust, err = bundle.ParseTrust(b)
	fine(t, err)
	if v, err := bundle.Verify(before, a.Trust); err != nil || v.Digest != first.Digest {
		t.Error("what was decided under the board before: ", err)
	}
	next := *a.Order
	next.Version, next.Previous = 2, first.Decision.Order.Digest
	s, err := r.Session("drift")
	fine(t, err)
	by := func(signers ...*jws.Signer) (out []string) {
		for _, k := range signers {
			one, err := order.Sign(k, &next)
			fine(t, err)
			out = append(out, one)
		}
		return out
	}
	var no *client.Error
	if err := s.Board().PublishDelegationOrder(t.Context(), by(a.Board[:2]...)); !errors.As(err, &no) || no.Code != codes.InvalidArgument || no.Field != "order" {
		t.Error("an order that the board of before signs now: ", err)
	}
	fine(t, s.Board().PublishDelegationOrder(t.Context(), by(key)))
	director, err = r.Signer("direktor", r.Director)
	fine(t, err)
	if second, _ := sign(t, r, director, "SN 2026-0502"); second.Decision.Order.Version != 2 {
		t.Errorf("under version %d of the order", second.Decision.Order.Version)
	}
	fine(t, r.Stop())
	isGreen(t, c)
}
