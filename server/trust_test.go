package server_test

import (
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"sigill/keys/bundle"
	"sigill/keys/ident"
	"sigill/keys/keyfile"
	"sigill/keys/proof"
	"sigill/scripts/authority"
	"sigill/server"
	"sigill/server/ledger"
)

// retrust is a configuration with another trust file.
func retrust(t *testing.T, a *authority.Authority, c server.Config, change func(f *bundle.TrustFile)) server.Config {
	t.Helper()
	f := a.Trust.File
	f.Certificates = append([]bundle.TrustCertificate{}, f.Certificates...)
	f.Providers = append([]bundle.Provider{}, f.Providers...)
	change(&f)
	b, err := f.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	c.Trust = filepath.Join(t.TempDir(), "trust.json")
	if err := os.WriteFile(c.Trust, b, 0o644); err != nil {
		t.Fatal(err)
	}
	return c
}

// TestCertificateInForce: a server whose decisions would verify nowhere does not
// start, and says what to do.
func TestCertificateInForce(t *testing.T) {
	a, c := made(t, authority.Options{})
	today := ident.DateOf(time.Now())
	for name, change := range map[string]func(f *bundle.TrustFile){
		"run out":  func(f *bundle.TrustFile) { f.Certificates[0].Until = today.AddDays(-1) },
		"not yet":  func(f *bundle.TrustFile) { f.Certificates[0].From = today.AddDays(2) },
		"in force": func(f *bundle.TrustFile) { f.Certificates[0].Until = today.AddDays(1) },
	} {
		err := starts(t, retrust(t, a, c, change))
		switch {
		case name == "in force":
			if err != nil {
				t.Error(name, err)
			}
		case !errors.Is(err, server.ErrKeys) || !errors.Is(err, bundle.ErrCertificate) || !strings.Contains(err.Error(), "certificate_chain"):
			t.Error(name, err)
		}
	}
}

// TestProviderTrusted: what the server accepts a login by is what a court will
// read it by, or it does not start.
func TestProviderTrusted(t *testing.T) {
	a, c := made(t, authority.Options{})
	label := c.Providers[0].Label
	for what, change := range map[string]func(f *bundle.TrustFile){
		"issuer":         func(f *bundle.TrustFile) { f.Providers[0].Issuer = "https://another.example" },
		"audience":       func(f *bundle.TrustFile) { f.Providers[0].Audience = "https://another.example" },
		"claims.name":    func(f *bundle.TrustFile) { f.Providers[0].Name = []string{"display_name"} },
		"claims.user_id": func(f *bundle.TrustFile) { f.Providers[0].UserID = nil },
		"claims.hsa_id":  func(f *bundle.TrustFile) { f.Providers[0].HSAID = []string{"person", "employeeHsaId"} },
	} {
		err := starts(t, retrust(t, a, c, change))
		if !errors.Is(err, server.ErrKeys) || !strings.Contains(err.Error(), "provider "+label) || !strings.Contains(err.Error(), what) ||
			strings.Contains(err.Error(), "another.example") {
			t.Errorf("%s: %v", what, err)
		}
	}
	more := func(f *bundle.TrustFile) { // one that has been replaced: its evidence stays readable
		f.Providers = append(f.Providers, bundle.Provider{Issuer: "https://another.example", Audience: "x"})
	}
	if err := starts(t, retrust(t, a, c, more)); err != nil {
		t.Error(err)
	}
}

// TestL10_logKey: with another log key than the one that signed the log, whether the
// trust file lists it or not, no server starts; and nobody who pins the key believes a
// log under another one.
func TestL10_logKey(t *testing.T) {
	a, c := made(t, authority.Options{})
	runOnce(t, a)
	key, err := keyfile.Generate(keyfile.Log, authority.Number)
	fine(t, err)
	signer, err := key.Crypto()
	fine(t, err)
	log, err := proof.NewLogSigner(authority.Number, signer)
	fine(t, err)
	other := retrust(t, a, c, func(f *bundle.TrustFile) {
		f.Policy = slices.Insert(slices.Clone(f.Policy), 0, "log "+log.LogKey.String())
	})
	other.Keys.Log = filepath.Join(t.TempDir(), "log.age")
	fine(t, keyfile.Save(other.Keys.Log, authority.Passphrase, key, keyfile.Options{WorkFactor: 1}))
	unlisted := c
	unlisted.Keys.Log = other.Keys.Log
	before := tree(t, c.Data)
	if err := starts(t, unlisted); !errors.Is(err, server.ErrKeys) {
		t.Error("a key that the trust file does not list: ", err)
	}
	if err := starts(t, other); !errors.Is(err, ledger.ErrHead) {
		t.Error("another key than the log's: ", err)
	}
	if !maps.Equal(before, tree(t, c.Data)) {
		t.Error("something was changed")
	}

	other.Data = filepath.Join(t.TempDir(), "data") // another log, under the key that clients do not pin
	fine(t, server.Init(t.Context(), other))
	s, err := server.New(t.Context(), other, quiet())
	fine(t, err)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	session, err := (&authority.Running{Authority: a, Addr: s.Addr().String()}).Session("drift")
	fine(t, err)
	if _, err := session.Checkpoint(t.Context(), nil); !errors.Is(err, proof.ErrCheckpoint) {
		t.Error("a client that pins the other key: ", err)
	}
	stop()
	fine(t, <-ended)
}
