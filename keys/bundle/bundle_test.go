package bundle_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"sigill/keys/bundle"
	"sigill/keys/disclosure/story"
	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/order"
	"sigill/keys/proof"
	"sigill/keys/record"
	"sigill/keys/statement"
	"sigill/keys/vectors"
)

func marshal(t testing.TB, b *bundle.Bundle) []byte {
	t.Helper()
	out, err := b.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func golden(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.TrimSuffix(b, []byte("\n"))
}

// TestGolden: the vectors verify, and the story makes them again to the byte.
func TestGolden(t *testing.T) {
	data, file := golden(t, "bundle.json"), golden(t, "trust.json")
	trust, err := bundle.ParseTrust(file)
	if err != nil {
		t.Fatal(err)
	}
	v, err := bundle.Verify(data, trust)
	if err != nil {
		t.Fatal(err)
	}
	if v.Number() != "B-2026-004711" || v.Officer.Title != "Förvaltningsdirektör" || string(v.Content) != story.Content ||
		v.Index != 1 || v.Checkpoint.Size != 2 || v.Witnessed || v.Draft.Decision != vectors.ID("decision") || v.Log.Kind != proof.Decision {
		t.Errorf("%+v", v)
	}
	s := story.New(t)
	if got := marshal(t, s.Decide(s.Plan()).Bundle()); !bytes.Equal(got, data) {
		t.Error("the story's bundle is not the vector")
	}
	if got, err := s.TrustFile.Marshal(); err != nil || !bytes.Equal(got, file) {
		t.Error("the story's trust file is not the vector", err)
	}
}

// TestByteFlip: no changed, missing or added byte of a bundle passes. Verifying
// takes a millisecond: each byte is changed in one of several ways, in parts that
// run side by side.
func TestByteFlip(t *testing.T) {
	t.Parallel()
	data := golden(t, "bundle.json")
	trust, err := bundle.ParseTrust(golden(t, "trust.json"))
	if err != nil {
		t.Fatal(err)
	}
	ways := []func(byte) byte{func(b byte) byte { return b ^ 1 }, func(b byte) byte { return b ^ 0x20 }, func(b byte) byte { return b + 1 }}
	const parts = 8
	for part := range parts {
		t.Run(fmt.Sprint(part), func(t *testing.T) {
			t.Parallel()
			for i := part; i < len(data); i += parts {
				changed := bytes.Clone(data)
				changed[i] = ways[i%len(ways)](changed[i])
				if v, err := bundle.Verify(changed, trust); err == nil || v != nil {
					t.Fatalf("byte %d: passed", i)
				}
			}
		})
	}
	for what, changed := range map[string][]byte{
		"nothing": nil, "a byte": data[:1], "half": data[:len(data)/2], "all but a byte": data[:len(data)-1], "a line feed more": append(bytes.Clone(data), '\n'),
		"too long": bytes.Repeat([]byte(" "), bundle.MaxSize+1),
	} {
		if v, err := bundle.Verify(changed, trust); err == nil || v != nil {
			t.Errorf("%s: passed", what)
		}
	}
}

// TestTrustByteFlip: a trust file is not signed, so what is changed in it may be
// another trust file; but nothing in it goes unread, and with another key,
// certificate, policy or authority the bundle does not verify.
func TestTrustByteFlip(t *testing.T) {
	t.Parallel()
	data, file := golden(t, "bundle.json"), golden(t, "trust.json")
	free := map[int]bool{} // bytes of the name and the providers, and of dates
	var f struct {
		Certificates json.RawMessage
		Name         json.RawMessage
		Providers    json.RawMessage
	}
	if err := json.Unmarshal(file, &f); err != nil {
		t.Fatal(err)
	}
	for _, part := range [][]byte{f.Name, f.Providers, []byte(`"from":"2026-01-01"`), []byte(`"until":"2028-12-31"`)} {
		at := bytes.Index(file, part)
		for i := range part {
			free[at+i] = true
		}
	}
	for i := range file {
		for _, c := range []byte{file[i] ^ 1, file[i] ^ 0x20} {
			changed := bytes.Clone(file)
			changed[i] = c
			trust, err := bundle.ParseTrust(changed)
			if err != nil {
				if trust != nil || !errors.Is(err, bundle.ErrTrust) {
					t.Fatalf("byte %d: %v", i, err)
				}
				continue
			}
			if again, err := trust.File.Marshal(); err != nil || !bytes.Equal(again, changed) {
				t.Fatalf("byte %d went unread: %v", i, err)
			}
			if _, err := bundle.Verify(data, trust); err == nil && !free[i] {
				t.Fatalf("byte %d: verified under another trust file", i)
			}
		}
	}
}

// TestVerify: every check can fail, and nothing comes out when it does.
func TestVerify(t *testing.T) {
	bundleOf := func(change func(*story.Plan)) func(*story.Story) []byte {
		return func(s *story.Story) []byte {
			p := s.Plan()
			change(p)
			return marshal(s, s.Decide(p).Bundle())
		}
	}
	ordered := func(change func(*order.Delegation)) func(*story.Story) []byte {
		return func(s *story.Story) []byte {
			change(&s.Order)
			s.OrderDocs = s.BoardSigns(&s.Order)
			return marshal(s, s.Decide(s.Plan()).Bundle())
		}
	}
	made := func(change func(*story.Story, *story.Decided, *bundle.Bundle)) func(*story.Story) []byte {
		return func(s *story.Story) []byte {
			d := s.Decide(s.Plan())
			b := d.Bundle()
			change(s, d, b)
			return marshal(s, b)
		}
	}
	trusted := func(change func(*bundle.TrustFile)) func(*story.Story) []byte {
		return func(s *story.Story) []byte {
			f := s.TrustFile
			change(&f)
			s.Retrust(f)
			return marshal(s, s.Decide(s.Plan()).Bundle())
		}
	}
	for name, c := range map[string]struct {
		make  func(*story.Story) []byte
		cause error
	}{
		"another content": {made(func(_ *story.Story, _ *story.Decided, b *bundle.Bundle) { b.Content[0]++ }), statement.ErrContent},
		"one board key of two": {made(func(_ *story.Story, _ *story.Decided, b *bundle.Bundle) { b.Order = b.Order[:1] }),
			order.ErrSignatures},
		"another order": {made(func(s *story.Story, _ *story.Decided, b *bundle.Bundle) {
			s.Order.Date = "2026-11-03"
			b.Order = s.BoardSigns(&s.Order)
		}), bundle.ErrOrder},
		"another authority's order": {ordered(func(d *order.Delegation) { d.Authority = "229999-0008" }), bundle.ErrAuthority},
		"an item that has ended":    {ordered(func(d *order.Delegation) { d.Items[0].Until = "2026-11-19" }), order.ErrNoItem},
		"a type of the board's":     {ordered(func(d *order.Delegation) { d.Items[0].Modes = []record.Mode{record.BoardDecides} }), order.ErrNoItem},
		"another type":              {bundleOf(func(p *story.Plan) { p.Draft = func(d *statement.Draft) { d.Type = "LVU" } }), order.ErrNoItem},
		"a signer to come":          {ordered(func(d *order.Delegation) { d.Signers[0].From = "2026-11-21" }), order.ErrNoSigner},
		"a signer who has left":     {ordered(func(d *order.Delegation) { d.Signers[0].Until = "2026-11-19" }), order.ErrNoSigner},
		"a title of one's own": {bundleOf(func(p *story.Plan) {
			p.Approval = func(a *statement.Approval) { a.Signer.Title = "Kommundirektör" }
		}), bundle.ErrTitle},
		"a signer of no order": {func(s *story.Story) []byte {
			s.Director = vectors.Ed25519(s, "somebody")
			return marshal(s, s.Decide(s.Plan()).Bundle())
		}, jws.ErrUnknownKey},
		"the act of before": {bundleOf(func(p *story.Plan) {
			p.Draft = func(d *statement.Draft) { d.Provisions[0].SFS = statement.SoL2001 }
		}), statement.ErrProvision},
		"a correction under both acts": {bundleOf(func(p *story.Plan) {
			other := &statement.Cite{Decision: ident.NewID(), Statement: ident.Sum("other")}
			p.Draft = func(d *statement.Draft) {
				d.Corrects = other
				d.Provisions = append(d.Provisions, statement.Provision{Place: "4 kap. 1 §", SFS: statement.SoL2001})
			}
			p.Decision = func(d *statement.Decision) { d.Corrects = other }
		}), statement.ErrProvision},
		"another core in the approval": {bundleOf(func(p *story.Plan) {
			p.Approval = func(a *statement.Approval) { a.Core = ident.Sum("x") }
		}), statement.ErrChain},
		"another authority's decision": {bundleOf(func(p *story.Plan) {
			p.Decision = func(d *statement.Decision) { d.Authority = "229999-0008" }
		}), statement.ErrChain},
		"signed the day after": {func(s *story.Story) []byte {
			s.SignedAt = story.At.AddDate(0, 0, 1)
			return marshal(s, s.Decide(s.Plan()).Bundle())
		}, bundle.ErrDate},
		"signed by another key": {func(s *story.Story) []byte {
			s.Institution = vectors.Ed25519(s, "no institution")
			return marshal(s, s.Decide(s.Plan()).Bundle())
		}, bundle.ErrCertificate},
		"a certificate that counts later":   {trusted(func(f *bundle.TrustFile) { f.Certificates[0].From = "2026-11-21" }), bundle.ErrCertificate},
		"a certificate that counts no more": {trusted(func(f *bundle.TrustFile) { f.Certificates[0].Until = "2026-11-19" }), bundle.ErrCertificate},
		"a certificate past its own time":   {func(s *story.Story) []byte { return expiredCertificate(s) }, bundle.ErrCertificate},
		"another certificate on the key":    {func(s *story.Story) []byte { return otherCertificate(s) }, bundle.ErrCertificate},
		"another entry": {made(func(s *story.Story, _ *story.Decided, b *bundle.Bundle) {
			b.Preimage = story.Salt(proof.Decision, ident.Sum("x")).Marshal()
		}), bundle.ErrEntry},
		"an entry of another kind": {made(func(s *story.Story, d *story.Decided, b *bundle.Bundle) {
			b.Preimage = story.Salt(proof.Returned, d.Digest).Marshal()
		}), bundle.ErrEntry},
		"another log": {trusted(func(f *bundle.TrustFile) { f.Policy = []string{"log " + otherLog(t), "quorum none"} }), proof.ErrCheckpoint},
		"a log without its witnesses": {trusted(func(f *bundle.TrustFile) {
			f.Policy = []string{f.Policy[0], "witness w " + witness(), "quorum w"}
		}), proof.ErrUnwitnessed},
		"an entry under another number": {func(s *story.Story) []byte {
			p := s.Plan()
			p.Decision = func(d *statement.Decision) { d.Number = 4712 }
			return marshal(s, s.Decide(p).Bundle())
		}, proof.ErrProof},
	} {
		t.Run(name, func(t *testing.T) {
			s := story.New(t)
			data := c.make(s)
			if v, err := bundle.Verify(data, s.Trust); v != nil || !errors.Is(err, c.cause) {
				t.Errorf("%v, want %v", err, c.cause)
			}
		})
	}
}

// witness is the vkey of a witness that has signed nothing (C2SP
// tlog-cosignature, type 0x04).
func witness() string {
	seed := vectors.Seed("witness")
	key := append([]byte{4}, ed25519.NewKeyFromSeed(seed[:]).Public().(ed25519.PublicKey)...)
	id := sha256.Sum256(append([]byte("w.example\n"), key...))
	return fmt.Sprintf("w.example+%x+%s", id[:4], base64.StdEncoding.EncodeToString(key))
}

func otherLog(t *testing.T) string {
	k := vectors.Seed("another log")
	return story.NewLog(t, ed25519.NewKeyFromSeed(k[:])).Key.String()
}

func expiredCertificate(s *story.Story) []byte {
	s.SignedAt = s.Certificate.NotAfter.Add(time.Second)
	p := s.Plan()
	day := ident.DateOf(s.SignedAt)
	p.Approval = func(a *statement.Approval) { a.Date = day }
	p.Decision = func(d *statement.Decision) { d.Date, d.Year = day, day.Year() }
	f := s.TrustFile
	f.Certificates[0].Until = "2030-12-31"
	s.Retrust(f)
	return marshal(s, s.Decide(p).Bundle())
}

func otherCertificate(s *story.Story) []byte {
	listed := s.Certificate
	s.Certify(2) // the same key, another serial number
	d := s.Decide(s.Plan())
	s.Certificate = listed
	return marshal(s, d.Bundle())
}

// TestCertifies: who seals asks the rule that verification will hold a decision to,
// to the second.
func TestCertifies(t *testing.T) {
	s := story.New(t)
	leaf := s.Certificate
	f := s.TrustFile
	f.Certificates[0].From, f.Certificates[0].Until = ident.DateOf(leaf.NotBefore), ident.DateOf(leaf.NotAfter)
	s.Retrust(f)
	long := s.Trust
	f.Certificates[0].From, f.Certificates[0].Until = "2026-11-20", "2026-11-20"
	s.Retrust(f)
	short := s.Trust
	day := ident.Date("2026-11-20").Start()
	for _, c := range []struct {
		trust *bundle.Trust
		at    time.Time
		ok    bool
	}{
		{long, leaf.NotBefore, true}, {long, leaf.NotBefore.Add(-time.Second), false},
		{long, leaf.NotAfter.Add(time.Second - 1), true}, {long, leaf.NotAfter.Add(time.Second), false},
		{short, day, true}, {short, day.Add(-time.Second), false},
		{short, day.AddDate(0, 0, 1).Add(-time.Second), true}, {short, day.AddDate(0, 0, 1), false},
	} {
		if err := c.trust.Certifies(leaf, c.at); c.ok != (err == nil) || err != nil && !errors.Is(err, bundle.ErrCertificate) {
			t.Errorf("%s: %v", c.at, err)
		}
	}
	if got, want := long.CertifiedUntil(leaf), ident.DateOf(leaf.NotAfter); got != want {
		t.Errorf("until %s, want %s", got, want)
	}
	if got := short.CertifiedUntil(leaf); got != "2026-11-20" {
		t.Errorf("until %s", got)
	}
	s.Certify(2) // the same key, another certificate
	if err := long.Certifies(s.Certificate, day); !errors.Is(err, bundle.ErrCertificate) || long.CertifiedUntil(s.Certificate) != "" {
		t.Error("a certificate that is not listed", err)
	}
}

// TestHead: a head is the one that the decision names, or it is none.
func TestHead(t *testing.T) {
	s := story.New(t)
	d := s.Decide(s.Plan())
	v, err := bundle.Verify(marshal(t, d.Bundle()), s.Trust)
	if err != nil {
		t.Fatal(err)
	}
	if h, err := v.CheckHead(d.Head); err != nil || h.Decision != vectors.ID("decision") {
		t.Fatal(err)
	}
	for i := range d.Head {
		changed := bytes.Clone(d.Head)
		changed[i] ^= 1
		if _, err := v.CheckHead(changed); err == nil {
			t.Fatalf("byte %d of a head passed", i)
		}
	}
	h := d.Sealed.Head
	key, rec := s.Author.Public().Thumbprint(), h.Commitments.Digest()
	if err := bundle.CheckHead(&h, &v.Draft, v.DraftDigest(), key, rec); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(){
		"authority": func() { h.Authority = "229999-0008" }, "decision": func() { h.Decision = vectors.ID("x") }, "revision": func() { h.Revision++ },
		"draft": func() { h.Draft[0]++ }, "author key": func() { h.AuthorKey[0]++ }, "set": func() { h.Set.Epoch++ },
		"evidence": func() { h.Commitments[6][0]++ },
		"swapped commitments": func() {
			h.Commitments[0], h.Commitments[1] = h.Commitments[1], h.Commitments[0]
			rec = h.Commitments.Digest()
		},
	} {
		h, rec = d.Sealed.Head, d.Sealed.Head.Commitments.Digest()
		change()
		if err := bundle.CheckHead(&h, &v.Draft, v.DraftDigest(), key, rec); !errors.Is(err, bundle.ErrHead) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(golden(f, "bundle.json"))
	f.Add([]byte(`{"content":"","decision":"","order":[],"preimage":"","proof":[]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := bundle.Parse(data)
		if err != nil {
			return
		}
		if again, err := b.Marshal(); err != nil || !bytes.Equal(again, data) {
			t.Errorf("accepted, and written otherwise: %v", err)
		}
	})
}

func FuzzParseTrust(f *testing.F) {
	f.Add(golden(f, "trust.json"))
	f.Fuzz(func(t *testing.T, data []byte) {
		trust, err := bundle.ParseTrust(data)
		if err != nil {
			return
		}
		if again, err := trust.File.Marshal(); err != nil || !bytes.Equal(again, data) {
			t.Errorf("accepted, and written otherwise: %v", err)
		}
	})
}
