package bundle_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"sigill/keys/bundle"
	"sigill/keys/disclosure/story"
	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/order"
	"sigill/keys/proof"
	"sigill/keys/vectors"
)

// adopt follows a succession that the story's board has signed.
func adopt(t *testing.T, s *story.Story, change func(f *bundle.TrustFile)) *bundle.Trust {
	t.Helper()
	next, _, err := s.Trust.Succeed(s.BoardSigns(s.Succession(change)))
	if err != nil {
		t.Fatal(err)
	}
	return next
}

// TestSucceed: a decision from before a change verifies after it, by the trust file
// that the board of before has signed alone.
func TestSucceed(t *testing.T) {
	s := story.New(t)
	data := marshal(s, s.Decide(s.Plan()).Bundle())
	v, err := bundle.Verify(data, s.Trust)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		change func(f *bundle.TrustFile)
		what   []bundle.Changed
		cause  error // of not verifying after it
	}{
		"a new log key": {func(f *bundle.TrustFile) {
			f.Policy = []string{f.Policy[0], s.NextLog(), "quorum none"}
			s.Before(f, v.Checkpoint.Size)
		}, []bundle.Changed{bundle.NewLogKey}, nil},
		"another log key": {func(f *bundle.TrustFile) {
			f.Policy = []string{s.NextLog(), "quorum none"}
			s.Before(f, v.Checkpoint.Size)
		}, []bundle.Changed{bundle.OldLogKey, bundle.NewLogKey}, nil},
		"another log key, since before this was logged": {func(f *bundle.TrustFile) {
			f.Policy = []string{s.NextLog(), "quorum none"}
			s.Before(f, v.Checkpoint.Size-1)
		}, []bundle.Changed{bundle.OldLogKey, bundle.NewLogKey}, proof.ErrCheckpoint},
		"witnesses": {func(f *bundle.TrustFile) {
			f.Policy = []string{f.Policy[0], "witness w " + witness(), "quorum w"}
			s.Before(f, v.Checkpoint.Size)
		}, []bundle.Changed{bundle.NewPolicy}, nil},
		"witnesses, since before this was logged": {func(f *bundle.TrustFile) {
			f.Policy = []string{f.Policy[0], "witness w " + witness(), "quorum w"}
			s.Before(f, v.Checkpoint.Size-1)
		}, []bundle.Changed{bundle.NewPolicy}, proof.ErrUnwitnessed},
		"another board": {func(f *bundle.TrustFile) { s.NextBoard(f, 0, &s.Set, &s.Order) },
			[]bundle.Changed{bundle.OldBoardKey, bundle.OldBoardKey, bundle.NewBoardKey, bundle.NewNeed}, nil},
		"another board, and the order forgotten": {func(f *bundle.TrustFile) { s.NextBoard(f, 0, &s.Set) },
			[]bundle.Changed{bundle.OldBoardKey, bundle.OldBoardKey, bundle.NewBoardKey, bundle.NewNeed}, jws.ErrUnknownKey},
		"a certificate renewed": {func(f *bundle.TrustFile) {
			s.Certify(2)
			f.Certificates = append(f.Certificates, bundle.TrustCertificate{Certificate: s.Certificate.Raw, From: "2026-11-21"})
		}, []bundle.Changed{bundle.NewCertificate}, nil},
		"a certificate that has had its time": {func(f *bundle.TrustFile) { f.Certificates[0].Until = "2026-11-20" },
			[]bundle.Changed{bundle.RevokedCertificate}, nil},
		"a certificate revoked after this": {func(f *bundle.TrustFile) { f.Certificates[0].LoggedBefore = v.Index + 1 },
			[]bundle.Changed{bundle.RevokedCertificate}, nil},
		"a certificate revoked before this": {func(f *bundle.TrustFile) { f.Certificates[0].LoggedBefore = v.Index },
			[]bundle.Changed{bundle.RevokedCertificate}, bundle.ErrCertificate},
		"another name": {func(f *bundle.TrustFile) { f.Name = "Exempelstad" }, []bundle.Changed{bundle.NewName}, nil},
		"one more provider": {func(f *bundle.TrustFile) {
			f.Providers = append(f.Providers, bundle.Provider{Audience: story.Audience, Issuer: "https://other.example"})
		}, []bundle.Changed{bundle.NewProvider}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			next := adopt(t, s, c.change)
			var what []bundle.Changed
			for _, ch := range s.Trust.Changes(next) {
				what = append(what, ch.What)
			}
			if !slices.Equal(what, c.what) {
				t.Errorf("said to change: %v", what)
			}
			if got, err := bundle.Verify(data, next); !errors.Is(err, c.cause) || (got != nil) != (c.cause == nil) {
				t.Errorf("%v, want %v", err, c.cause)
			} else if got != nil && got.Witnessed {
				t.Error("said to be witnessed, by a policy that came later")
			}
		})
	}
}

// TestSucceedAgain: what one file remembers the next one does too.
func TestSucceedAgain(t *testing.T) {
	s := story.New(t)
	data := marshal(s, s.Decide(s.Plan()).Bundle())
	first := s.Trust
	s.Retrust(adopt(t, s, func(f *bundle.TrustFile) {
		f.Policy = []string{s.NextLog(), "quorum none"}
		s.Before(f, 100)
	}).File)
	if _, _, err := first.Succeed(s.BoardSigns(s.Succession(func(*bundle.TrustFile) {}))); !errors.Is(err, bundle.ErrSuccession) {
		t.Errorf("one that follows another file: %v", err)
	}
	second := s.Trust
	s.Retrust(adopt(t, s, func(f *bundle.TrustFile) { s.NextBoard(f, 200, &s.Order) }).File)
	if len(s.TrustFile.Earlier) != 2 {
		t.Fatalf("%d", len(s.TrustFile.Earlier))
	}
	if _, err := bundle.Verify(data, s.Trust); err != nil {
		t.Error(err)
	}
	if _, err := s.Trust.LogKey(s.LogKey.Public().Thumbprint()); err != nil {
		t.Error("receipts under the first log key:", err)
	}
	// The board of before has said what it had to say.
	if _, _, err := s.Trust.Succeed(s.BoardSigns(s.Succession(func(*bundle.TrustFile) {}))); !errors.Is(err, order.ErrSignatures) && !errors.Is(err, jws.ErrUnknownKey) {
		t.Errorf("signed by the board of before: %v", err)
	}
	// What a file remembers is not added to.
	later := s.Succession(func(f *bundle.TrustFile) {
		f.Earlier = slices.Clone(f.Earlier)
		f.Earlier[1].Documents = []ident.Digest{ident.Sum("another")}
	})
	if _, err := s.Trust.Follows(later); !errors.Is(err, bundle.ErrSuccession) || !strings.Contains(err.Error(), "earlier") {
		t.Errorf("one more document of the board before: %v", err)
	}
	if _, err := second.Follows(&order.Succession{Authority: story.Authority, Date: "2026-11-21", From: first.Digest, Trust: []byte("{}")}); !errors.Is(err, bundle.ErrSuccession) {
		t.Error(err)
	}
}

// TestOldBoard: with the keys of the board before, the institution's and the log's a new
// decision can be made that the old trust file believes, and no new one.
func TestOldBoard(t *testing.T) {
	s := story.New(t)
	data := marshal(s, s.Decide(s.Plan()).Bundle())
	old, next := s.Trust, adopt(t, s, func(f *bundle.TrustFile) { s.NextBoard(f, 100, &s.Order, &s.Set, &s.Registered) })
	s.Order.Version, s.Order.Previous = 2, next.File.Earlier[0].Documents[0]
	s.Order.Signers[0].Key = vectors.Ed25519(t, "nobody").Public().JWK()
	s.Director, s.OrderDocs = vectors.Ed25519(t, "nobody"), s.BoardSigns(&s.Order)
	forged := marshal(s, s.Decide(s.Plan()).Bundle())
	if _, err := bundle.Verify(forged, old); err != nil {
		t.Fatal(err)
	}
	if v, err := bundle.Verify(forged, next); !errors.Is(err, jws.ErrUnknownKey) || v != nil {
		t.Errorf("an order that the board of before signs now: %v", err)
	}
	if _, err := bundle.Verify(data, next); err != nil {
		t.Error(err)
	}
}

// TestNoSuccessor: what leaves out whatever a proof may rest on follows nothing.
func TestNoSuccessor(t *testing.T) {
	for name, change := range map[string]func(s *story.Story, f *bundle.TrustFile){
		"another authority's":       func(_ *story.Story, f *bundle.TrustFile) { f.Authority = "229999-0008" },
		"a board not remembered":    func(_ *story.Story, f *bundle.TrustFile) { f.Board.Need = 1 },
		"a policy not remembered":   func(_ *story.Story, f *bundle.TrustFile) { f.Policy = append(f.Policy, "# another") },
		"remembered without reason": func(s *story.Story, f *bundle.TrustFile) { s.Before(f, 1) },
		"another policy remembered": func(s *story.Story, f *bundle.TrustFile) {
			f.Policy = append(f.Policy, "# another")
			s.Before(f, 1)
			f.Earlier[0].Policy = append([]string{"# another"}, f.Earlier[0].Policy...)
		},
		"a document twice": func(s *story.Story, f *bundle.TrustFile) { s.NextBoard(f, 1, &s.Order, &s.Order) },
		"no document": func(s *story.Story, f *bundle.TrustFile) {
			s.NextBoard(f, 1)
			f.Earlier[0].Documents = []ident.Digest{{}}
		},
		"too many documents": func(s *story.Story, f *bundle.TrustFile) {
			s.NextBoard(f, 1)
			for i := range bundle.MaxDocuments + 1 {
				f.Earlier[0].Documents = append(f.Earlier[0].Documents, ident.Digest{byte(i >> 8), byte(i), 1})
			}
		},
		"another board remembered": func(s *story.Story, f *bundle.TrustFile) {
			f.Policy = append(f.Policy, "# another")
			s.Before(f, 1)
			f.Earlier[0].Board.Need = 1
		},
		"without a provider": func(_ *story.Story, f *bundle.TrustFile) { f.Providers = f.Providers[:0] },
		"a provider's other audience": func(_ *story.Story, f *bundle.TrustFile) {
			f.Providers[0].Audience = "https://other.example"
		},
		"without a certificate": func(s *story.Story, f *bundle.TrustFile) {
			s.Certify(2)
			f.Certificates[0].Certificate = s.Certificate.Raw
		},
		"a certificate that counts later":  func(_ *story.Story, f *bundle.TrustFile) { f.Certificates[0].From = "2026-01-02" },
		"a certificate that counts longer": func(_ *story.Story, f *bundle.TrustFile) { f.Certificates[0].Until = "2029-01-01" },
		"a certificate without an end":     func(_ *story.Story, f *bundle.TrustFile) { f.Certificates[0].Until = "" },
		"a certificate once more, for longer": func(_ *story.Story, f *bundle.TrustFile) {
			f.Certificates = append(f.Certificates, f.Certificates[0])
			f.Certificates[1].Until = ""
		},
		"not counted":   func(_ *story.Story, f *bundle.TrustFile) { f.Successions = 0 },
		"one skipped":   func(_ *story.Story, f *bundle.TrustFile) { f.Successions++ },
		"no trust file": func(_ *story.Story, f *bundle.TrustFile) { f.Typ = "x" },
		"too many before it": func(s *story.Story, f *bundle.TrustFile) {
			for range bundle.MaxEarlier + 1 {
				s.Before(f, 1)
				s.TrustFile.Earlier = f.Earlier
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := story.New(t)
			trust := s.Trust
			next, doc, err := trust.Succeed(s.BoardSigns(s.Succession(func(f *bundle.TrustFile) { change(s, f) })))
			if next != nil || doc != nil || !errors.Is(err, bundle.ErrSuccession) {
				t.Errorf("%v", err)
			}
		})
	}
	s := story.New(t)
	same := s.Succession(func(*bundle.TrustFile) {})
	for name, change := range map[string]func(d *order.Succession) []string{
		"of another file":      func(d *order.Succession) []string { d.From = ident.Sum("another"); return s.BoardSigns(d) },
		"of another authority": func(d *order.Succession) []string { d.Authority = "229999-0008"; return s.BoardSigns(d) },
		"signed by too few":    func(d *order.Succession) []string { return s.BoardSigns(d)[:1] },
		"signed by nobody":     func(*order.Succession) []string { return nil },
		"another document":     func(*order.Succession) []string { return s.OrderDocs },
		"signed by another": func(d *order.Succession) []string {
			other, err := order.Sign(vectors.Ed25519(t, "board 3"), d)
			if err != nil {
				t.Fatal(err)
			}
			return append(s.BoardSigns(d)[:1], other)
		},
	} {
		d := *same
		if next, _, err := s.Trust.Succeed(change(&d)); next != nil || !errors.Is(err, bundle.ErrSuccession) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestRevoked: nothing more is sealed under a certificate that is revoked, and a
// revocation is not taken back.
func TestRevoked(t *testing.T) {
	s := story.New(t)
	if err := s.Trust.Certifies(s.Certificate, story.At); err != nil {
		t.Fatal(err)
	}
	s.Retrust(adopt(t, s, func(f *bundle.TrustFile) { f.Certificates[0].LoggedBefore = 5 }).File)
	if err := s.Trust.Certifies(s.Certificate, story.At); !errors.Is(err, bundle.ErrCertificate) {
		t.Error(err)
	}
	for _, later := range []uint64{0, 6} {
		d := s.Succession(func(f *bundle.TrustFile) { f.Certificates[0].LoggedBefore = later })
		if next, _, err := s.Trust.Succeed(s.BoardSigns(d)); next != nil || !errors.Is(err, bundle.ErrSuccession) {
			t.Errorf("%d: %v", later, err)
		}
	}
	revoked := s.Certificate.Raw
	s.Certify(7) // the same key, certified anew
	for name, again := range map[string]bundle.TrustCertificate{
		"the certificate": {Certificate: revoked, From: s.TrustFile.Certificates[0].From, Until: s.TrustFile.Certificates[0].Until},
		"on another day":  {Certificate: revoked, From: "2026-11-21", Until: s.TrustFile.Certificates[0].Until},
		"its key":         {Certificate: s.Certificate.Raw, From: "2026-11-21"},
		"its key, later":  {Certificate: s.Certificate.Raw, From: "2026-11-21", LoggedBefore: 6},
	} {
		d := s.Succession(func(f *bundle.TrustFile) { f.Certificates = append(f.Certificates, again) })
		if next, _, err := s.Trust.Succeed(s.BoardSigns(d)); next != nil || !errors.Is(err, bundle.ErrSuccession) {
			t.Errorf("%s listed once more: %v", name, err)
		}
	}
}
