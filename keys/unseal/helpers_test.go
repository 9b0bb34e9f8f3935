package unseal_test

import (
	"bytes"
	"crypto/hpke"
	"testing"

	"sigill/keys/ident"
	"sigill/keys/record"
	"sigill/keys/seal"
	"sigill/keys/unseal"
)

func key(t testing.TB, n int) hpke.PrivateKey {
	t.Helper()
	k, err := hpke.MLKEM768X25519().DeriveKeyPair(bytes.Repeat([]byte{byte(n)}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// A reviewer's place in a seal.
type place struct{ group, index int }

var all = record.Scope(127)

// A sealed matter: what is stored, and the keys of all who have one.
type matter struct {
	head      *seal.Head
	plain     record.Plaintexts
	core      map[record.Section][]byte
	wrapped   map[place]*seal.Wrapping
	reviewers map[place]hpke.PrivateKey
	recipient hpke.PrivateKey
	request   unseal.Request
}

var twoGroups = []seal.Group{{Group: 1, Threshold: 2, Members: 4}, {Group: 2, Threshold: 1, Members: 3}}

// newMatter seals seven sections that say their names to 2 of 4 and 1 of 3. The
// reviewers have the same keys in every matter.
func newMatter(t testing.TB, decision byte) *matter {
	t.Helper()
	m := &matter{core: map[record.Section][]byte{}, wrapped: map[place]*seal.Wrapping{}, reviewers: map[place]hpke.PrivateKey{}}
	seed := record.Seed{decision}
	for i, s := range record.All() {
		var err error
		if m.plain[i], err = record.Pad(s, seed.Blind(s), []byte(s.String())); err != nil {
			t.Fatal(err)
		}
	}
	subject := seal.Subject{Authority: "202100-0001", Decision: ident.IDFromBytes([16]byte{decision}), Revision: 1,
		Draft: ident.Sum("draft", string(decision)), AuthorKey: ident.Sum("author key")}
	subject.Set.Epoch = 1
	s, err := seal.New(subject, twoGroups, seed, &m.plain)
	if err != nil {
		t.Fatal(err)
	}
	head, err := s.Head.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if m.head, err = seal.ParseHead(head); err != nil { // as whoever opens gets it
		t.Fatal(err)
	}
	parts, err := seal.SplitCiphertexts(s.JoinCiphertexts())
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range record.All() {
		m.core[s] = parts[i]
	}
	for _, g := range twoGroups {
		for i := range g.Members {
			at := place{g.Group, i + 1}
			m.reviewers[at] = key(t, 16*at.group+at.index)
			w, err := s.Wrap(at.group, at.index, m.reviewers[at].PublicKey())
			if err != nil {
				t.Fatal(err)
			}
			if m.wrapped[at], err = seal.ParseWrapping(w.Marshal()); err != nil {
				t.Fatal(err)
			}
		}
	}
	m.recipient = key(t, 200)
	m.request = unseal.Request{Digest: ident.Sum("request", string(decision)), Recipient: m.recipient.PublicKey().Bytes(), Checkpoint: ident.Sum("checkpoint")}
	return m
}

// release re-seals a reviewer's shares to the requester.
func (m *matter) release(t testing.TB, at place, scope record.Scope) *seal.Release {
	t.Helper()
	r, err := unseal.ReSeal(m.head, m.wrapped[at], m.reviewers[at], m.request, scope)
	if err != nil {
		t.Fatal(err)
	}
	back, err := seal.ParseRelease(r.Marshal())
	if err != nil {
		t.Fatal(err)
	}
	return back
}

// shares has the reviewers release their shares and the requester open them.
func (m *matter) shares(t testing.TB, scope record.Scope, reviewers ...place) (out []*unseal.Share) {
	t.Helper()
	for _, at := range reviewers {
		s, err := unseal.OpenRelease(m.head, m.release(t, at, scope), m.recipient, m.request)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, s)
	}
	return out
}

// opens holds that exactly the sections of the scope come out, as sealed.
func (m *matter) opens(t testing.TB, shares []*unseal.Share, scope record.Scope) {
	t.Helper()
	got, err := unseal.Combine(m.head, m.core, shares, scope)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != len(scope.List()) {
		t.Errorf("%d sections of %s", len(got), scope)
	}
	for _, s := range scope.List() {
		text, err := record.Unpad(s, got[s])
		if err != nil || string(text) != s.String() || !bytes.Equal(got[s], m.plain[s-1]) {
			t.Errorf("%s opens to something else: %v", s, err)
		}
	}
}
