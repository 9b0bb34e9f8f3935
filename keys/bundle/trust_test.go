package bundle_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"math/big"
	"slices"
	"strings"
	"testing"

	"sigill/keys/bundle"
	"sigill/keys/disclosure/story"
	"sigill/keys/jws"
	"sigill/keys/vectors"
)

// TestTrust: every rule of a trust file can be broken.
func TestTrust(t *testing.T) {
	for name, change := range map[string]func(s *story.Story, f *bundle.TrustFile){
		"typ":                  func(_ *story.Story, f *bundle.TrustFile) { f.Typ = "x" },
		"no name":              func(_ *story.Story, f *bundle.TrustFile) { f.Name = "" },
		"a long name":          func(_ *story.Story, f *bundle.TrustFile) { f.Name = strings.Repeat("x", 201) },
		"no authority":         func(_ *story.Story, f *bundle.TrustFile) { f.Authority = "" },
		"another authority":    func(_ *story.Story, f *bundle.TrustFile) { f.Authority = "229999-0008" },
		"no board":             func(_ *story.Story, f *bundle.TrustFile) { f.Board.Keys = []jws.JWK{} },
		"nobody must sign":     func(_ *story.Story, f *bundle.TrustFile) { f.Board.Need = 0 },
		"more than there are":  func(_ *story.Story, f *bundle.TrustFile) { f.Board.Need = 3 },
		"a board key twice":    func(_ *story.Story, f *bundle.TrustFile) { f.Board.Keys[1] = f.Board.Keys[0] },
		"no board key":         func(_ *story.Story, f *bundle.TrustFile) { f.Board.Keys[0].X = "x" },
		"too many board keys":  func(_ *story.Story, f *bundle.TrustFile) { f.Board.Keys = make([]jws.JWK, 17) },
		"no policy":            func(_ *story.Story, f *bundle.TrustFile) { f.Policy = []string{"quorum none"} },
		"no certificates":      func(_ *story.Story, f *bundle.TrustFile) { f.Certificates = []bundle.TrustCertificate{} },
		"no certificate":       func(_ *story.Story, f *bundle.TrustFile) { f.Certificates[0].Certificate = []byte{1} },
		"a time backwards":     func(_ *story.Story, f *bundle.TrustFile) { f.Certificates[0].Until = "2025-12-31" },
		"a provider twice":     func(_ *story.Story, f *bundle.TrustFile) { f.Providers = append(f.Providers, f.Providers[0]) },
		"no issuer":            func(_ *story.Story, f *bundle.TrustFile) { f.Providers[0].Issuer = "" },
		"no audience":          func(_ *story.Story, f *bundle.TrustFile) { f.Providers[0].Audience = "" },
		"a path with a hole":   func(_ *story.Story, f *bundle.TrustFile) { f.Providers[0].Name = []string{""} },
		"too many providers":   func(_ *story.Story, f *bundle.TrustFile) { f.Providers = make([]bundle.Provider, 21) },
		"a control character":  func(_ *story.Story, f *bundle.TrustFile) { f.Name = "a\u202eb" },
		"too many of the same": func(_ *story.Story, f *bundle.TrustFile) { f.Certificates = slices.Repeat(f.Certificates, 101) },
	} {
		t.Run(name, func(t *testing.T) {
			s := story.New(t)
			f := s.TrustFile
			change(s, &f)
			if _, err := f.Marshal(); !errors.Is(err, bundle.ErrTrust) {
				t.Errorf("%v", err)
			}
			data, err := jws.Canonical(&f)
			if err != nil {
				return // cannot even be written
			}
			if trust, err := bundle.ParseTrust(data); trust != nil || !errors.Is(err, bundle.ErrTrust) {
				t.Errorf("read: %v", err)
			}
		})
	}
}

// TestTrustSize: what would be a trust file is refused, read and written, when it
// is longer than MaxTrust; a hundred certificates of 6 KiB are not too much, nor
// with the longest policy.
func TestTrustSize(t *testing.T) {
	s := story.New(t)
	f := s.TrustFile
	hundred := func(size int) []byte {
		t.Helper()
		key := vectors.Ed25519(t, "institution").Public().Crypto()
		cert := &x509.Certificate{SerialNumber: big.NewInt(1),
			ExtraExtensions: []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 2, 3}, Value: make([]byte, size)}}}
		seed := vectors.Seed("institution")
		der, err := x509.CreateCertificate(rand.Reader, cert, cert, key, ed25519.NewKeyFromSeed(seed[:]))
		if err != nil {
			t.Fatal(err)
		}
		f.Certificates = slices.Repeat([]bundle.TrustCertificate{{Certificate: der, From: story.Day}}, 100)
		b, err := jws.Canonical(&f)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	b := hundred(6<<10 - 200)
	if _, err := bundle.ParseTrust(b); err != nil || len(b)+128<<10 > bundle.MaxTrust {
		t.Errorf("%d bytes: %v", len(b), err)
	}
	b = hundred(8 << 10)
	if trust, err := bundle.ParseTrust(b); trust != nil || !errors.Is(err, bundle.ErrTrust) {
		t.Errorf("%d bytes: %v", len(b), err)
	}
	if _, err := f.Marshal(); !errors.Is(err, bundle.ErrTrust) {
		t.Errorf("written though it has %d bytes: %v", len(b), err)
	}
}

// TestTrustAnswers: what a trust file does not list is not believed.
func TestTrustAnswers(t *testing.T) {
	s := story.New(t)
	if p, err := s.Trust.Provider(story.Issuer); err != nil || p.Issuer() != story.Issuer {
		t.Error(err)
	}
	if p, err := s.Trust.Provider("https://evil.example"); p != nil || !errors.Is(err, bundle.ErrProvider) {
		t.Error(err)
	}
	if k, err := s.Trust.LogKey(s.LogKey.Public().Thumbprint()); err != nil || !k.Equal(s.LogKey.Public()) {
		t.Error(err)
	}
	if _, err := s.Trust.LogKey(s.Institution.Public().Thumbprint()); !errors.Is(err, jws.ErrUnknownKey) {
		t.Error(err)
	}
}
