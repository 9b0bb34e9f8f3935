package unseal_test

import (
	"bytes"
	"crypto/ecdh"
	"crypto/hpke"
	"errors"
	"fmt"
	"slices"
	"testing"

	"sigill/keys/ident"
	"sigill/keys/order"
	"sigill/keys/record"
	"sigill/keys/seal"
	"sigill/keys/unseal"
	"sigill/keys/vectors"
)

// A share that is not the sealed one is named, before and
// after it is re-sealed, and nothing comes out, whatever else there is.
func TestE04_tamperedShare(t *testing.T) {
	m := newMatter(t, 1)
	at, sec := place{1, 3}, record.SectionDissentAuthor
	good, err := unseal.OpenWrapping(m.head, m.wrapped[at], m.reviewers[at])
	if err != nil {
		t.Fatal(err)
	}
	bad := *good
	bad[sec-1][0] ^= 1
	w := *m.wrapped[at]
	if w.Box, err = seal.SealVector(m.reviewers[at].PublicKey(), m.head.WrapInfo(at.group, at.index, 0), &bad); err != nil {
		t.Fatal(err)
	}
	v, err := unseal.OpenWrapping(m.head, &w, m.reviewers[at])
	holdBad(t, err, 1, 3, sec)
	r, err2 := unseal.ReSeal(m.head, &w, m.reviewers[at], m.request, 1)
	holdBad(t, err2, 1, 3, sec)
	if v != nil || r != nil {
		t.Error("a wrapping with a bad share gave something")
	}
	// in a release: of a granted section, and in place of a zero
	for _, scope := range []record.Scope{all, 1} {
		rel := m.release(t, at, scope)
		forged := bad
		for i, s := range record.All() {
			if !scope.Has(s) && s != sec {
				forged[i] = [seal.ScalarSize]byte{}
			}
		}
		if rel.Box, err = seal.SealVector(m.recipient.PublicKey(), releaseInfo(m, rel), &forged); err != nil {
			t.Fatal(err)
		}
		share, err := unseal.OpenRelease(m.head, rel, m.recipient, m.request)
		holdBad(t, err, 1, 3, sec)
		if share != nil {
			t.Error("a release with a bad share gave something")
		}
	}
	// handed to Combine past OpenRelease, beside a quorum of good ones
	shares := append(m.shares(t, all, place{1, 1}, place{1, 2}, place{2, 1}), &unseal.Share{Group: 1, Index: 3, Scope: all, Vector: &bad})
	got, err := unseal.Combine(m.head, m.core, shares, 1)
	holdBad(t, err, 1, 3, sec)
	if got != nil {
		t.Error("something was opened beside a bad share")
	}
	// a good share under another's index, and one that is no canonical scalar
	shares[3] = &unseal.Share{Group: 1, Index: 4, Scope: all, Vector: good}
	got, err = unseal.Combine(m.head, m.core, shares, 1)
	holdBad(t, err, 1, 4, record.SectionDecider)
	if got != nil {
		t.Error("something was opened beside a borrowed share")
	}
}

// TestNoCanonicalScalar: a head that names a share of ℓ or more, which other
// implementations would reduce, opens nothing.
func TestNoCanonicalScalar(t *testing.T) {
	m := newMatter(t, 1)
	shares := m.shares(t, all, place{1, 1}, place{1, 2}, place{2, 1})
	high := *shares[2].Vector
	high[0][31] |= 0x10 // 2^252, and
	high[0][16] |= 0x80 // 2^135, together more than ℓ
	shares[2] = &unseal.Share{Group: 2, Index: 1, Scope: all, Vector: &high}
	m.head.Shares[1][0][0] = m.head.ShareDigest(2, 1, 1, high[0][:])
	got, err := unseal.Combine(m.head, m.core, shares, 1)
	holdBad(t, err, 2, 1, 1)
	if got != nil {
		t.Error("something was opened")
	}
}

// A reviewer counts once (and shares have one length, by their type), and x = 0 is no reviewer.
func TestE06_duplicatesAndZero(t *testing.T) {
	m := newMatter(t, 1)
	quorum := m.shares(t, all, place{1, 1}, place{1, 2}, place{2, 1})
	once := []*unseal.Share{quorum[0], quorum[0], quorum[0], quorum[2]}
	if got, err := unseal.Combine(m.head, m.core, once, all); !errors.Is(err, unseal.ErrNotEnough) || got != nil {
		t.Errorf("one reviewer three times: %v", err)
	}
	again := m.shares(t, all, place{1, 1})
	m.opens(t, []*unseal.Share{quorum[0], again[0], quorum[0], quorum[1], quorum[2], quorum[2]}, all)
	for _, at := range []place{{1, 0}, {1, -1}, {1, 5}, {2, 4}, {0, 1}, {3, 1}, {1, 257}, {257, 1}} {
		bad := &unseal.Share{Group: at.group, Index: at.index, Scope: all, Vector: quorum[0].Vector}
		if got, err := unseal.Combine(m.head, m.core, append(slices.Clone(quorum), bad), all); !errors.Is(err, unseal.ErrMember) || got != nil {
			t.Errorf("share of %v: %v", at, err)
		}
		w, r := *m.wrapped[place{1, 1}], *m.release(t, place{1, 1}, all)
		w.Group, w.Index, r.Group, r.Index = at.group, at.index, at.group, at.index
		if v, err := unseal.OpenWrapping(m.head, &w, m.reviewers[place{1, 1}]); !errors.Is(err, unseal.ErrMember) || v != nil {
			t.Errorf("wrapping of %v: %v", at, err)
		}
		if s, err := unseal.OpenRelease(m.head, &r, m.recipient, m.request); !errors.Is(err, unseal.ErrMember) || s != nil {
			t.Errorf("release of %v: %v", at, err)
		}
	}
}

// refusesMessage wants a wrapping refused, to open and to re-seal, and nothing of it
// shown.
func refusesMessage(t *testing.T, name string, h *seal.Head, w *seal.Wrapping, key hpke.PrivateKey, req unseal.Request) {
	t.Helper()
	if v, err := unseal.OpenWrapping(h, w, key); !errors.Is(err, unseal.ErrNotForKey) || v != nil {
		t.Errorf("%s: %v", name, err)
	}
	if r, err := unseal.ReSeal(h, w, key, req, 1); !errors.Is(err, unseal.ErrNotForKey) || r != nil {
		t.Errorf("%s, re-sealed: %v", name, err)
	}
}

// A message opens only as what it is, whoever holds the key.
func TestE02_swappedDecisions(t *testing.T) {
	a, b := newMatter(t, 1), newMatter(t, 2)
	at := place{1, 2}
	key := a.reviewers[at]
	refusesMessage(t, "another decision's", a.head, b.wrapped[at], key, a.request)
	for name, change := range map[string]func(h *seal.Head){
		"authority": func(h *seal.Head) { h.Authority = "202100-2114" },
		"decision":  func(h *seal.Head) { h.Decision = b.head.Decision },
		"draft":     func(h *seal.Head) { h.Draft[0] ^= 1 },
	} {
		h := *a.head
		change(&h)
		refusesMessage(t, "another "+name, &h, a.wrapped[at], key, a.request)
	}
	release := a.release(t, at, all)
	asWrapping := *a.wrapped[at]
	asWrapping.Box = release.Box
	refusesMessage(t, "a release", a.head, &asWrapping, a.recipient, a.request)
	// Ciphertexts of sections are swapped no more than messages are.
	shares := a.shares(t, all, place{1, 1}, place{1, 2}, place{2, 1})
	if got, err := unseal.Combine(a.head, b.core, shares, all); !errors.Is(err, unseal.ErrCiphertext) || got != nil {
		t.Errorf("another decision's ciphertexts: %v", err)
	}
}

func TestE03_swappedReviewers(t *testing.T) {
	m := newMatter(t, 1)
	at := place{1, 2}
	key := m.reviewers[at]
	refuse := func(name string, h *seal.Head, w *seal.Wrapping, key hpke.PrivateKey) {
		t.Helper()
		refusesMessage(t, name, h, w, key, m.request)
	}
	refuse("another reviewer's", m.head, m.wrapped[place{1, 3}], key)
	refuse("one's own with another's key", m.head, m.wrapped[at], m.reviewers[place{1, 3}])
	other := *m.wrapped[at]
	other.Index = 3
	refuse("one's own under another index", m.head, &other, key)
	other = *m.wrapped[at]
	other.Group = 2
	refuse("one's own in another group", m.head, &other, key)
	other = *m.wrapped[at]
	other.Generation = 1
	refuse("one's own of another generation", m.head, &other, key)
	other = *m.wrapped[at]
	other.Epoch = 2
	if v, err := unseal.OpenWrapping(m.head, &other, key); !errors.Is(err, unseal.ErrMember) || v != nil {
		t.Errorf("another epoch: %v", err)
	}
	h := *m.head
	h.Set.Epoch = 2
	refuse("another epoch in both", &h, &other, key)
}

// releaseInfo is what the SPEC binds a release to, written out once more.
func releaseInfo(m *matter, r *seal.Release) []byte {
	id, d := m.head.Decision.Bytes(), ident.Sum(m.request.Recipient)
	return slices.Concat([]byte("sigill release v1"), m.request.Digest[:], id[:],
		[]byte{0, 0, 0, byte(r.Epoch), byte(r.Group), byte(r.Index), byte(r.Scope)}, d[:], m.request.Checkpoint[:])
}

// An approval is of no use for another request,
// recipient or checkpoint, nor as another reviewer's or of another scope.
func TestE07_replayedRelease(t *testing.T) {
	m := newMatter(t, 1)
	at := place{1, 2}
	r := m.release(t, at, 1)
	refuse := func(name string, h *seal.Head, r *seal.Release, key hpke.PrivateKey, req unseal.Request, want error) {
		t.Helper()
		if s, err := unseal.OpenRelease(h, r, key, req); !errors.Is(err, want) || s != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := unseal.OpenRelease(m.head, r, m.recipient, m.request); err != nil {
		t.Fatal(err)
	}
	req := m.request
	req.Digest[0] ^= 1
	refuse("another request", m.head, r, m.recipient, req, unseal.ErrNotForKey)
	req = m.request
	req.Checkpoint[31] ^= 1
	refuse("another checkpoint", m.head, r, m.recipient, req, unseal.ErrNotForKey)
	stranger := key(t, 201)
	req = m.request
	req.Recipient = stranger.PublicKey().Bytes()
	refuse("another recipient", m.head, r, m.recipient, req, unseal.ErrNotForKey)
	refuse("another recipient's key", m.head, r, stranger, req, unseal.ErrNotForKey)
	refuse("the reviewer's key", m.head, r, m.reviewers[at], m.request, unseal.ErrNotForKey)
	refuse("another decision", newMatter(t, 2).head, r, m.recipient, m.request, unseal.ErrNotForKey)
	other := *r
	other.Scope = 3
	refuse("a wider scope", m.head, &other, m.recipient, m.request, unseal.ErrNotForKey)
	other = *r
	other.Index = 3
	refuse("another reviewer", m.head, &other, m.recipient, m.request, unseal.ErrNotForKey)
	other = *r
	other.Epoch = 2
	refuse("another epoch", m.head, &other, m.recipient, m.request, unseal.ErrMember)
	other = *r
	other.Box = m.wrapped[at].Box
	refuse("a wrapping", m.head, &other, m.recipient, m.request, unseal.ErrNotForKey)
}

// message is one of the things that are opened, and whether bytes pass for it.
type message struct {
	name  string
	data  []byte
	opens func(b []byte) bool
}

// messages are a wrapping, a release and the ciphertexts of a matter.
func (m *matter) messages(t *testing.T) []message {
	t.Helper()
	at := place{2, 1}
	list := []message{{"a wrapping", m.wrapped[at].Marshal(), func(b []byte) bool {
		w, err := seal.ParseWrapping(b)
		if err != nil {
			return false
		}
		v, err := unseal.OpenWrapping(m.head, w, m.reviewers[at])
		return err == nil || v != nil
	}}, {"a release", m.release(t, at, 0x55).Marshal(), func(b []byte) bool {
		r, err := seal.ParseRelease(b)
		if err != nil {
			return false
		}
		s, err := unseal.OpenRelease(m.head, r, m.recipient, m.request)
		return err == nil || s != nil
	}}}
	shares := m.shares(t, all, place{1, 1}, place{1, 2}, at)
	for _, sec := range record.All() {
		bit := record.Scope(1 << (sec - 1))
		list = append(list, message{"the ciphertext of " + sec.String(), m.core[sec], func(b []byte) bool {
			got, err := unseal.Combine(m.head, map[record.Section][]byte{sec: b}, shares, bit)
			return !errors.Is(err, unseal.ErrCiphertext) || got != nil
		}})
	}
	return list
}

// No changed byte of a message, a ciphertext or a share passes.
func TestE01_everyByteFlipped(t *testing.T) {
	m := newMatter(t, 1)
	for _, msg := range m.messages(t) {
		if !msg.opens(msg.data) {
			t.Fatalf("%s does not open as it is", msg.name)
		}
		for i := range msg.data {
			b := bytes.Clone(msg.data)
			b[i] ^= 1 << (i % 8)
			if msg.opens(b) {
				t.Errorf("%s: byte %d can be changed", msg.name, i)
			}
		}
	}
	shares := m.shares(t, all, place{1, 1}, place{1, 2}, place{2, 1})
	for i := range shares {
		for sec := range shares[i].Vector {
			for at := range seal.ScalarSize {
				bad := *shares[i]
				v := *bad.Vector
				v[sec][at] ^= 1 << (at % 8)
				bad.Vector = &v
				got, err := unseal.Combine(m.head, m.core, append([]*unseal.Share{&bad}, shares...), all)
				if e := (*unseal.BadShareError)(nil); !errors.As(err, &e) || e.Group != bad.Group || e.Index != bad.Index || got != nil {
					t.Fatalf("share %d, section %d, byte %d: %v", i, sec+1, at, err)
				}
			}
		}
	}
}

func TestE11_otherLength(t *testing.T) {
	m := newMatter(t, 1)
	for _, msg := range m.messages(t) {
		if !msg.opens(msg.data) {
			t.Fatalf("%s does not open as it is", msg.name)
		}
		for _, b := range [][]byte{nil, msg.data[1:], msg.data[:len(msg.data)-1], msg.data[:len(msg.data)/2], append(bytes.Clone(msg.data), 0),
			append([]byte{0}, msg.data...), append(bytes.Clone(msg.data), msg.data...)} {
			if msg.opens(b) {
				t.Errorf("%s: can be %d bytes long", msg.name, len(b))
			}
		}
	}
}

// TestForgedHead: where a head's own digests were forged together with the
// ciphertext, cipher and commitment still hold.
func TestForgedHead(t *testing.T) {
	m := newMatter(t, 1)
	shares := m.shares(t, all, place{1, 1}, place{1, 2}, place{2, 1})
	refuse := func(name string, h *seal.Head, core map[record.Section][]byte) {
		t.Helper()
		if got, err := unseal.Combine(h, core, shares, all); !errors.Is(err, unseal.ErrCommitment) || got != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	sec := record.SectionEvidence
	h, core := *m.head, map[record.Section][]byte{}
	for s, c := range m.core {
		core[s] = bytes.Clone(c)
	}
	core[sec][5] ^= 1
	h.Ciphertexts[sec-1] = ident.Sum(core[sec])
	refuse("a changed ciphertext", &h, core)
	h = *m.head
	h.Commitments[sec-1][0] ^= 1
	refuse("another commitment", &h, m.core)
	// a seal under the right key over another plaintext
	other := m.plain
	other[sec-1] = bytes.Clone(other[sec-1])
	other[sec-1][40] ^= 1
	s, err := seal.New(m.head.Subject, twoGroups, record.Seed{1}, &other)
	if err != nil {
		t.Fatal(err)
	}
	h, core[sec] = *m.head, s.Ciphertexts[sec-1]
	h.Ciphertexts[sec-1] = s.Head.Ciphertexts[sec-1]
	refuse("another plaintext under the same key", &h, core)
	h = *m.head
	h.Groups = []seal.Group{{Group: 1, Threshold: 1, Members: 4}, {Group: 2, Threshold: 1, Members: 3}}
	refuse("a lower threshold", &h, m.core)
	h = *m.head
	h.Groups = h.Groups[:1]
	shares = shares[:2]
	refuse("one group fewer", &h, m.core)
}

// TestMissingCiphertext: a granted section whose ciphertext is missing, or is
// another section's, opens nothing.
func TestMissingCiphertext(t *testing.T) {
	m := newMatter(t, 1)
	shares := m.shares(t, all, place{1, 1}, place{1, 2}, place{2, 1})
	for name, core := range map[string]map[record.Section][]byte{
		"none":      nil,
		"another's": {1: m.core[2], 2: m.core[2]},
		"one":       {2: m.core[2]},
	} {
		if got, err := unseal.Combine(m.head, core, shares, 3); !errors.Is(err, unseal.ErrCiphertext) || got != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A message that is not MLKEM768-X25519, HKDF-SHA256 and
// AES-256-GCM is refused, also one that is well made and for the same secret.
func TestE12_otherSuite(t *testing.T) {
	m := newMatter(t, 1)
	at := place{2, 3}
	info := m.head.WrapInfo(2, 3, 0)
	v, err := unseal.OpenWrapping(m.head, m.wrapped[at], m.reviewers[at])
	if err != nil {
		t.Fatal(err)
	}
	plain := slices.Concat(v[0][:], v[1][:], v[2][:], v[3][:], v[4][:], v[5][:], v[6][:])
	hybrid := m.reviewers[at]
	for _, c := range []struct {
		key  hpke.PrivateKey
		kdf  hpke.KDF
		aead hpke.AEAD
	}{
		{hybrid, hpke.HKDFSHA512(), hpke.AES256GCM()},
		{hybrid, hpke.SHAKE256(), hpke.AES256GCM()},
		{hybrid, hpke.HKDFSHA256(), hpke.ChaCha20Poly1305()},
		{hybrid, hpke.HKDFSHA256(), hpke.AES128GCM()},
		{derive(t, hpke.DHKEM(ecdh.X25519())), hpke.HKDFSHA256(), hpke.AES256GCM()},
		{derive(t, hpke.DHKEM(ecdh.P256())), hpke.HKDFSHA256(), hpke.AES256GCM()},
		{derive(t, hpke.MLKEM768()), hpke.HKDFSHA256(), hpke.AES256GCM()},
		{derive(t, hpke.MLKEM768P256()), hpke.HKDFSHA256(), hpke.AES256GCM()},
	} {
		box, err := hpke.Seal(c.key.PublicKey(), c.kdf, c.aead, info, plain)
		if err != nil {
			t.Fatal(err)
		}
		name := fmt.Sprintf("suite %#04x %#04x %#04x", c.key.KEM().ID(), c.kdf.ID(), c.aead.ID())
		w := *m.wrapped[at]
		w.Box = box
		if len(box) != seal.BoxSize {
			if _, err := seal.ParseWrapping(w.Marshal()); !errors.Is(err, seal.ErrFormat) {
				t.Errorf("%s: parses: %v", name, err)
			}
		}
		for whose, key := range map[string]hpke.PrivateKey{"own": c.key, "the reviewer's": hybrid} {
			if v, err := unseal.OpenWrapping(m.head, &w, key); !errors.Is(err, unseal.ErrNotForKey) || v != nil {
				t.Errorf("%s, %s key: %v", name, whose, err)
			}
		}
	}
}

func derive(t testing.TB, kem hpke.KEM) hpke.PrivateKey {
	t.Helper()
	k, err := kem.DeriveKeyPair(bytes.Repeat([]byte{77}, 64))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// Shares are re-sealed to a sound hybrid key or not at all.
func TestE13_recipientKeys(t *testing.T) {
	m := newMatter(t, 1)
	at := place{1, 1}
	good := m.recipient.PublicKey().Bytes()
	change := func(f func(b []byte)) []byte {
		b := bytes.Clone(good)
		f(b)
		return b
	}
	order8 := vectors.Hex(t, "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800")
	for name, recipient := range map[string][]byte{
		"none":               nil,
		"cut":                good[:len(good)-1],
		"longer":             append(bytes.Clone(good), 0),
		"X25519 alone":       good[len(good)-32:],
		"X25519 of zero":     change(func(b []byte) { clear(b[len(b)-32:]) }),
		"X25519 of order 8":  change(func(b []byte) { copy(b[len(b)-32:], order8) }),
		"ML-KEM not reduced": change(func(b []byte) { b[0], b[1] = 0xff, 0xff }),
	} {
		req := m.request
		req.Recipient = recipient
		r, err := unseal.ReSeal(m.head, m.wrapped[at], m.reviewers[at], req, 1)
		if !errors.Is(err, order.ErrHPKEKey) || r != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
