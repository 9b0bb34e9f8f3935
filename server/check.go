package server

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"sigill/keys/bundle"
	"sigill/server/gate"
	"sigill/server/ledger"
	"sigill/server/rpc"
	"sigill/server/store/bolt"
	"sigill/server/workflow"
)

// A Finding is one of the things that a server cannot be without.
type Finding struct {
	What string
	Note string // what is good to know of it; may be empty
	Err  error  // nil: it is as it should be
}

// Check looks at everything that a server needs, and starts none: environment,
// trust file, keys, certificate, TLS, the identity providers and their published
// keys, the store. What rests on something that is wrong is left out. A server may
// be running meanwhile, and is not disturbed.
func Check(ctx context.Context, c Config) (found []Finding) {
	note := func(what, note string, err error) bool {
		found = append(found, Finding{what, note, err})
		return err == nil
	}
	note("environment", "", CheckEnvironment(os.Environ()))
	trust, err := readTrust(c.Trust)
	if note("trust file", "", err) {
		c.checkKeys(ctx, trust, note)
		_, err := witnesses(trust, nil)
		note("witnesses", fmt.Sprintf("%d in the policy", len(trust.Policy.Witnesses())), err)
	}
	if c.TLS.Certificate != "" {
		_, err := c.TLS.config()
		note("tls", "", err)
	} else {
		note("tls", "none: on this machine only", nil)
	}
	for _, p := range c.Providers {
		if trust != nil && !note("provider "+p.Label, "", trusted([]Provider{p}, trust.File.Providers)) {
			continue
		}
		t, err := p.token()
		usable := 0
		if err == nil {
			usable, err = rpc.TryKeys(ctx, rpc.Provider{Token: t, JWKSURI: p.JWKSURI})
		}
		note("keys of "+p.Label, fmt.Sprintf("%d usable", usable), err)
	}
	return found
}

func (c Config) checkKeys(ctx context.Context, trust *bundle.Trust, note func(what, note string, err error) bool) {
	k, err := loadKeys(c, trust)
	if !note("keys", "", err) {
		return
	}
	note("certificate", "seals count until "+string(trust.CertifiedUntil(k.institution.Chain[0])), certified(trust, k.institution.Chain[0], time.Now()))
	engine, err := openWith(bolt.OpenReadOnly, c.Data)
	if errors.Is(err, bolt.ErrLocked) {
		note("store", "in use by a server", nil)
		return
	}
	if err != nil {
		note("store", "", err)
		return
	}
	s, err := gate.Open(ctx, engine, k.gate)
	if err != nil {
		note("store", "", errors.Join(err, engine.Close()))
		return
	}
	if err = whole(ctx, s); err == nil {
		err = c.keptUnder(ctx, s, trust, k)
	}
	note("store", "", errors.Join(err, s.Close()))
}

// keptUnder checks that a store was kept under the trust file, or under one that the
// file follows, and by the log key or one before it; and not later than the clock shows.
func (c Config) keptUnder(ctx context.Context, s *gate.Store, trust *bundle.Trust, k *keys) error {
	l, err := ledger.Open(ctx, s, k.log, false, k.before...)
	if err != nil {
		return err
	}
	path := filepath.Join(c.Data, checkpointFile)
	if info, err := os.Stat(path); err == nil {
		if err := clockFits(l, path, info.ModTime()); err != nil {
			return err
		}
	}
	_, err = workflow.New(ctx, c.office(trust, k), l, cipher{s})
	return err
}

// certified refuses a certificate under which nothing could be verified.
func certified(trust *bundle.Trust, leaf *x509.Certificate, now time.Time) error {
	if err := trust.Certifies(leaf, now); err != nil {
		return fmt.Errorf("%w: by its own dates or the trust file's the institutional certificate has run out, or is not in force yet: "+
			"have the board list one that is, and name it in certificate_chain: %w", ErrKeys, err)
	}
	return nil
}
