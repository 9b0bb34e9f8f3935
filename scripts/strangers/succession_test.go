package strangers_test

import (
	"strings"
	"testing"

	"sigill/keys/bundle"
	"sigill/keys/disclosure/story"
	"sigill/keys/order"
)

// successor is a signed succession as a file.
func successor(t *testing.T, s *story.Story, change func(f *bundle.TrustFile)) []byte {
	t.Helper()
	return marshal(t, &order.Signed{Signatures: s.BoardSigns(s.Succession(change))})
}

// changedKeys is the stored story's change: another log key, which is believed of what
// comes, and a certificate that is revoked.
func changedKeys(s *story.Story, size uint64) func(f *bundle.TrustFile) {
	return func(f *bundle.TrustFile) {
		f.Policy = []string{s.NextLog(), "quorum none"}
		s.Before(f, size)
		f.Certificates[0].LoggedBefore = size
	}
}

// TestFollows: both implementations find what follows a trust file, and which decisions
// it verifies.
func TestFollows(t *testing.T) {
	s := story.New(t)
	data := marshal(t, s.Decide(s.Plan()).Bundle())
	v, err := bundle.Verify(data, s.Trust)
	if err != nil {
		t.Fatal(err)
	}
	file1, old := file(t, "bundle.json", data), trust(t, s)
	for name, c := range map[string]struct {
		code   int
		change func(f *bundle.TrustFile)
	}{
		"another log key":            {verified, changedKeys(s, v.Checkpoint.Size)},
		"another log key, too short": {refused, changedKeys(s, v.Checkpoint.Size-1)},
		"another board":              {verified, func(f *bundle.TrustFile) { s.NextBoard(f, 0, &s.Set, &s.Order, &s.Registered) }},
		"an order that is forgotten": {refused, func(f *bundle.TrustFile) { s.NextBoard(f, 0, &s.Set, &s.Registered) }},
		"no documents":               {refused, func(f *bundle.TrustFile) { s.NextBoard(f, 0) }},
		"a board that is forgotten": {refused, func(f *bundle.TrustFile) {
			s.NextBoard(f, 0, &s.Order)
			f.Earlier = nil
		}},
		"a document twice":            {refused, func(f *bundle.TrustFile) { s.NextBoard(f, 0, &s.Order, &s.Order) }},
		"revoked before this":         {refused, func(f *bundle.TrustFile) { f.Certificates[0].LoggedBefore = v.Index }},
		"revoked after this":          {verified, func(f *bundle.TrustFile) { f.Certificates[0].LoggedBefore = v.Index + 1 }},
		"a certificate counts longer": {refused, func(f *bundle.TrustFile) { f.Certificates[0].Until = "" }},
		"a certificate twice, once longer": {refused, func(f *bundle.TrustFile) {
			f.Certificates = append(f.Certificates, f.Certificates[0])
			f.Certificates[1].Until = ""
		}},
		"a provider left out":        {refused, func(f *bundle.TrustFile) { f.Providers = f.Providers[:0] }},
		"a policy that is forgotten": {refused, func(f *bundle.TrustFile) { f.Policy = []string{s.NextLog(), "quorum none"} }},
		"not counted":                {refused, func(f *bundle.TrustFile) { f.Successions = 0 }},
		"another name":               {verified, func(f *bundle.TrustFile) { f.Name = "Exempelstad" }},
	} {
		t.Run(name, func(t *testing.T) {
			signed := successor(t, s, c.change)
			doc, err := order.ParseSigned(signed)
			if err != nil {
				t.Fatal(err)
			}
			next, _, err := s.Trust.Succeed(doc.Signatures)
			if err == nil {
				_, err = bundle.Verify(data, next)
			}
			if (err == nil) != (c.code == verified) {
				t.Errorf("Go: %v", err)
			}
			out := wants(t, c.code, "follows.mjs", old, file(t, "successor.signed", signed), file1)
			if err == nil && !strings.Contains(out, next.Digest.String()) {
				t.Error("another file: ", out)
			}
		})
	}
}
