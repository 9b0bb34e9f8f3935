package workflow_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"math/big"
	"testing"
	"time"

	"sigill/keys/bundle"
	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/proof"
	"sigill/server/workflow"
)

// certified gives the house an institution whose certificate ends at a time by
// itself and on a day by the trust file ("" for never), and reopens it.
func (h *house) certified(notAfter time.Time, until ident.Date) {
	h.t.Helper()
	signer, key, err := jws.Generate(jws.ES256)
	must(0, err)
	_, issuer, err := ed25519.GenerateKey(rand.Reader)
	must(0, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(2), NotBefore: time.Now().AddDate(-1, 0, 0), NotAfter: notAfter}
	cert := must(x509.ParseCertificate(must(x509.CreateCertificate(rand.Reader, template, template, key.Public(), issuer))))
	file := h.trust.File
	file.Certificates = append(file.Certificates[:1:1], bundle.TrustCertificate{Certificate: cert.Raw, From: "2020-01-01", Until: until})
	h.trust = must(bundle.ParseTrust(must(file.Marshal())))
	h.config.Trust, h.config.Institution = h.trust, workflow.Institution{Signer: signer, Chain: []*x509.Certificate{cert}}
	h.reopen()
}

// TestCertificateRunsOut: what would verify nowhere gets neither number nor entry,
// whichever end comes first; under a new certificate the same approval signs, and
// no number is missing.
func TestCertificateRunsOut(t *testing.T) {
	for name, row := range map[string]struct {
		notAfter string
		until    ident.Date
	}{
		"by itself":         {"2026-11-22T12:30:00Z", ""},
		"by the trust file": {"2028-01-01T00:00:00Z", "2026-11-21"},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, "2026-11-22T12:00:00Z", func(t *testing.T) {
				h := newHouse(t)
				first := h.sign(h.author("Åsa Öberg"))
				h.certified(must(time.Parse(time.RFC3339, row.notAfter)), row.until)
				sleepUntil("2026-11-22T12:30:01Z")
				b := h.author("Bo Ek").in("SN2026-2")
				must(b.submit())
				approval := h.approve(director, b.id)
				h.refuses(workflow.ErrUnavailable, workflow.ReasonCertificate, nothing, func() error { _, err := h.cosign(director, approval); return err })
				h.same("decisions", h.count(proof.Decision), 1)
				h.certified(time.Now().AddDate(1, 0, 0), "2026-11-22")
				next := must(bundle.Verify(must(h.cosign(director, approval)), h.trust))
				h.same("number", next.Decision.Number, first.Decision.Number+1)
			})
		})
	}
}

// TestCertificateUntil: GetStatus shows the earlier of both ends.
func TestCertificateUntil(t *testing.T) {
	bubble(t, "2026-11-22T12:00:00Z", func(t *testing.T) {
		h := newHouse(t)
		for _, row := range []struct {
			notAfter    string
			until, want ident.Date
		}{
			{"2027-03-01T12:00:00Z", "", "2027-03-01"},
			{"2027-03-01T12:00:00Z", "2027-04-01", "2027-03-01"},
			{"2027-03-01T12:00:00Z", "2027-02-01", "2027-02-01"},
		} {
			h.certified(must(time.Parse(time.RFC3339, row.notAfter)), row.until)
			h.same("until", must(h.status()).CertificateUntil, row.want)
		}
	})
}
