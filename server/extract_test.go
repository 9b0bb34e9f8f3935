package server_test

import (
	"bytes"
	"crypto/hpke"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"sigill/keys/bundle"
	"sigill/keys/ident"
	"sigill/keys/keyfile"
	"sigill/keys/opening"
	"sigill/keys/record"
	"sigill/keys/seal"
	"sigill/keys/unseal"
	"sigill/scripts/authority"
	"sigill/server"
	"sigill/server/gate"
)

// copyTo copies a file as a backup would have it.
func copyTo(t *testing.T, from, to string) {
	t.Helper()
	b, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, b, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestExtract is the second promise: with server, identity provider, log key and
// configuration gone, a copy of the store and the gate key give a decision that
// verifies, and a seal that a quorum of reviewers opens.
func TestExtract(t *testing.T) {
	r := published(t, authority.Options{})
	asa, err := r.Caseworker("asa")
	if err != nil {
		t.Fatal(err)
	}
	own, err := asa.Submit(t.Context(), text("SN 2026-0420"))
	if err != nil {
		t.Fatal(err)
	}
	pending, err := asa.Submit(t.Context(), text("SN 2026-0421"))
	if err != nil {
		t.Fatal(err)
	}
	director, err := r.Signer("direktor", r.Director)
	if err != nil {
		t.Fatal(err)
	}
	c, err := director.Read(t.Context(), own.Decision)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := director.Sign(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	left := server.Copy{Store: filepath.Join(r.Dir, "data", "store.db"), GateKey: filepath.Join(dir, "gate.age"),
		PassphraseFile: filepath.Join(dir, "passphrase")}
	copyTo(t, filepath.Join(r.Dir, "keys", "gate.age"), left.GateKey)
	copyTo(t, filepath.Join(r.Dir, "keys", "passphrase"), left.PassphraseFile)
	if _, err := left.Extract(t.Context(), string(own.Decision)); err == nil {
		t.Fatal("extracted from the store of a running server")
	}
	if err := r.Stop(); err != nil {
		t.Fatal(err)
	}
	copyTo(t, left.Store, filepath.Join(dir, "copy.db"))
	left.Store = filepath.Join(dir, "copy.db")
	for _, id := range []string{string(pending.Decision), string(ident.NewID()), "", "x"} {
		if b, err := left.Extract(t.Context(), id); err == nil || b != nil {
			t.Errorf("%q: extracted", id)
		}
	}
	b, err := left.Extract(t.Context(), string(own.Decision))
	if err != nil {
		t.Fatal(err)
	}
	again, err := left.Extract(t.Context(), string(own.Decision))
	if err != nil || !bytes.Equal(b, again) {
		t.Fatal("another extract of the same copy", err)
	}
	opens(t, r, b)

	foreign := filepath.Join(dir, "foreign.age")
	k, err := keyfile.Generate(keyfile.Gate, authority.Number)
	if err != nil {
		t.Fatal(err)
	}
	if err := keyfile.Save(foreign, authority.Passphrase, k, keyfile.Options{WorkFactor: 1}); err != nil {
		t.Fatal(err)
	}
	left.GateKey = foreign
	if _, err := left.Extract(t.Context(), string(own.Decision)); !errors.Is(err, gate.ErrWrongKey) {
		t.Fatal("another gate key: ", err)
	}
}

// opens verifies an extract and has a quorum open what was assessed.
func opens(t *testing.T, r *authority.Running, b []byte) {
	t.Helper()
	e, err := opening.ParseExtract(b)
	if err != nil {
		t.Fatal(err)
	}
	v, err := bundle.Verify(e.Bundle, r.Trust)
	if err != nil {
		t.Fatal(err)
	}
	head, err := v.CheckHead(e.Head)
	if err != nil {
		t.Fatal(err)
	}
	if len(e.Sets) != 1 || len(e.Wrappings) != 7 || len(e.Providers) != 1 {
		t.Fatal(len(e.Sets), len(e.Wrappings), len(e.Providers))
	}
	ciphertexts := map[record.Section][]byte{}
	for i, sec := range record.All() {
		if ident.Sum(e.Ciphertexts[i]) != head.Ciphertexts[i] {
			t.Fatal("not the seal's ciphertexts")
		}
		ciphertexts[sec] = e.Ciphertexts[i]
	}
	court, err := hpke.MLKEM768X25519().GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	scope, err := record.ScopeOf([]record.Section{record.SectionAssessment})
	if err != nil {
		t.Fatal(err)
	}
	req := unseal.Request{Digest: ident.Sum("a request"), Recipient: court.PublicKey().Bytes(), Checkpoint: ident.Sum("a checkpoint")}
	var shares []*unseal.Share
	for i, raw := range e.Wrappings {
		w, err := seal.ParseWrapping(raw)
		if err != nil {
			t.Fatal(err)
		}
		if i != 0 && i != 2 && i != 5 { // two of the first group, one of the second
			continue
		}
		rel, err := unseal.ReSeal(head, w, r.Reviewers[w.Group-1][w.Index-1].Open, req, scope)
		if err != nil {
			t.Fatal(err)
		}
		share, err := unseal.OpenRelease(head, rel, court, req)
		if err != nil {
			t.Fatal(err)
		}
		shares = append(shares, share)
	}
	plain, err := unseal.Combine(head, ciphertexts, shares, scope)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(plain[record.SectionAssessment], []byte(`"reference":"P-17"`)) || len(plain) != 1 {
		t.Errorf("opened %d sections", len(plain))
	}
}
