package bundle_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"sigill/keys/bundle"
	"sigill/keys/disclosure/story"
	"sigill/keys/jws"
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
