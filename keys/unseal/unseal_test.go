package unseal_test

import (
	"crypto/hpke"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"testing"

	"sigill/keys/ident"
	"sigill/keys/record"
	"sigill/keys/seal"
	"sigill/keys/unseal"
	"sigill/keys/vectors"
)

// sets calls f with the shares of every set of reviewers, and whether it is a quorum.
func sets(t *testing.T, m *matter, f func(chosen []*unseal.Share, quorum bool)) {
	t.Helper()
	everyone := []place{{1, 1}, {1, 2}, {1, 3}, {1, 4}, {2, 1}, {2, 2}, {2, 3}}
	shares := m.shares(t, all, everyone...)
	quorums := 0
	for set := range 1 << len(everyone) {
		var chosen []*unseal.Share
		count := map[int]int{}
		for i, at := range everyone {
			if set>>i&1 == 1 {
				chosen = append(chosen, shares[i])
				count[at.group]++
			}
		}
		quorum := count[1] >= 2 && count[2] >= 1
		if quorum {
			quorums++
		}
		f(chosen, quorum)
	}
	if quorums != 11*7 {
		t.Errorf("%d quorums, not 77", quorums)
	}
}

// TestOpening is the whole way: sealed, wrapped, re-sealed, opened, combined; by
// every set of reviewers that is a quorum.
func TestOpening(t *testing.T) {
	m := newMatter(t, 1)
	sets(t, m, func(chosen []*unseal.Share, quorum bool) {
		if quorum {
			m.opens(t, chosen, all)
			slices.Reverse(chosen)
			m.opens(t, chosen, all)
		}
	})
}

// A set that is no quorum of each group opens nothing, not even a section in part.
func TestE05_oneShareTooFew(t *testing.T) {
	m := newMatter(t, 1)
	sets(t, m, func(chosen []*unseal.Share, quorum bool) {
		if quorum {
			return
		}
		for _, scope := range []record.Scope{all, 1} {
			if got, err := unseal.Combine(m.head, m.core, chosen, scope); !errors.Is(err, unseal.ErrNotEnough) || got != nil {
				t.Errorf("%d shares: %v", len(chosen), err)
			}
		}
	})
}

// TestOpeningOffline: reviewers who meet combine their own wrappings.
func TestOpeningOffline(t *testing.T) {
	m := newMatter(t, 1)
	var shares []*unseal.Share
	for _, at := range []place{{1, 4}, {1, 1}, {2, 2}} {
		v, err := unseal.OpenWrapping(m.head, m.wrapped[at], m.reviewers[at])
		if err != nil {
			t.Fatal(err)
		}
		shares = append(shares, &unseal.Share{Group: at.group, Index: at.index, Scope: all, Vector: v})
	}
	m.opens(t, shares, all)
}

// TestVectors opens messages that another implementation made, with stored keys.
func TestVectors(t *testing.T) {
	v, s := vectors.Read(t, "testdata/opening.txt"), vectors.Read(t, "../seal/testdata/seal.txt")
	sections := vectors.Read(t, "../record/testdata/sections.txt")
	h, err := seal.ParseHead(vectors.Hex(t, s["head"]))
	if err != nil {
		t.Fatal(err)
	}
	private := func(name string) hpke.PrivateKey {
		k, err := hpke.MLKEM768X25519().NewPrivateKey(vectors.Hex(t, v[name]))
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	hold := func(name string, got []byte, want string) {
		t.Helper()
		if hex.EncodeToString(got) != want {
			t.Errorf("%s is %x, the vectors say %s", name, got, want)
		}
	}
	recipient := private("recipient-seed")
	req := unseal.Request{Digest: ident.Digest(vectors.Hex(t, v["request"])), Recipient: recipient.PublicKey().Bytes(), Checkpoint: ident.Digest(vectors.Hex(t, v["checkpoint"]))}
	d := ident.Sum(req.Recipient)
	hold("recipient key", d[:], v["recipient-key-sha256"])
	scope := record.Scope(1<<(record.SectionDecider-1) | 1<<(record.SectionBiasDeclaration-1))
	if scope.String() != v["scope"] {
		t.Fatalf("the scope is %s", scope)
	}
	var shares []*unseal.Share
	for _, at := range []string{"/1/2", "/1/4", "/2/3"} {
		reviewer := private("reviewer-seed" + at)
		d := ident.Sum(reviewer.PublicKey().Bytes())
		hold("reviewer key", d[:], v["reviewer-key-sha256"+at])
		w, err := seal.ParseWrapping(vectors.Hex(t, v["wrapping"+at]))
		if err != nil {
			t.Fatal(err)
		}
		hold("wrap info", h.WrapInfo(w.Group, w.Index, w.Generation), v["wrap-info"+at])
		vector, err := unseal.OpenWrapping(h, w, reviewer)
		if err != nil {
			t.Fatalf("wrapping %s: %v", at, err)
		}
		for i, sec := range record.All() {
			hold("share", vector[i][:], s[fmt.Sprintf("share%s/%d", at, sec)])
		}
		r, err := seal.ParseRelease(vectors.Hex(t, v["release"+at]))
		if err != nil {
			t.Fatal(err)
		}
		share, err := unseal.OpenRelease(h, r, recipient, req)
		if err != nil {
			t.Fatalf("release %s: %v", at, err)
		}
		shares = append(shares, share)
	}
	core := map[record.Section][]byte{1: vectors.Hex(t, v["ciphertext/1"]), 5: vectors.Hex(t, v["ciphertext/5"])}
	got, err := unseal.Combine(h, core, shares, scope)
	if err != nil || len(got) != 2 {
		t.Fatalf("%d sections, %v", len(got), err)
	}
	for sec, plain := range got {
		text, err := record.Unpad(sec, plain)
		if want := sections[fmt.Sprintf("json/%d", sec)]; err != nil || string(text) != want {
			t.Errorf("%s: %q, %v", sec, text, err)
		}
	}
}

// TestPartial: what is not granted is zero in the message, and no quorum of such
// messages opens it.
func TestPartial(t *testing.T) {
	m := newMatter(t, 1)
	quorum := []place{{1, 1}, {1, 3}, {2, 2}}
	for scope := record.Scope(1); scope <= all; scope += 9 {
		shares := m.shares(t, scope, quorum...)
		for _, s := range shares {
			for i, sec := range record.All() {
				if zero := s.Vector[i] == [seal.ScalarSize]byte{}; zero == scope.Has(sec) {
					t.Errorf("granted %s: %s of %d/%d is there: %v", scope, sec, s.Group, s.Index, !zero)
				}
			}
		}
		m.opens(t, shares, scope)
		for _, sec := range (all &^ scope).List() {
			bit := record.Scope(1 << (sec - 1))
			for _, ask := range []record.Scope{bit, scope | bit, all} {
				if got, err := unseal.Combine(m.head, m.core, shares, ask); !errors.Is(err, unseal.ErrNotEnough) || got != nil {
					t.Errorf("granted %s, %s: %v", scope, sec, err)
				}
			}
			// who claims that the zeros were granted is told whose share is bad
			for _, s := range shares {
				forged := *s
				forged.Scope |= bit
				got, err := unseal.Combine(m.head, m.core, append([]*unseal.Share{&forged}, shares...), bit)
				holdBad(t, err, s.Group, s.Index, sec)
				if got != nil {
					t.Errorf("%s was opened", sec)
				}
			}
		}
	}
	// each group grants another section: nothing is granted by both
	mixed := append(m.shares(t, 1, place{1, 1}, place{1, 2}), m.shares(t, 2, place{2, 1})...)
	for _, ask := range []record.Scope{1, 2, 3} {
		if got, err := unseal.Combine(m.head, m.core, mixed, ask); !errors.Is(err, unseal.ErrNotEnough) || got != nil {
			t.Errorf("granted by one group alone: %v", err)
		}
	}
	// each reviewer grants what another does not, and together there are enough
	overlap := slices.Concat(m.shares(t, 3, place{1, 1}), m.shares(t, 5, place{1, 2}), m.shares(t, 6, place{1, 3}), m.shares(t, 7, place{2, 1}))
	m.opens(t, overlap, 7)
}

func holdBad(t testing.TB, err error, group, index int, sec record.Section) {
	t.Helper()
	bad := (*unseal.BadShareError)(nil)
	if !errors.As(err, &bad) || *bad != (unseal.BadShareError{Group: group, Index: index, Section: sec}) {
		t.Errorf("got %v, not the share of %d/%d for %s", err, group, index, sec)
	}
}

// TestScopes: nothing and an eighth section can be neither granted nor opened.
func TestScopes(t *testing.T) {
	m := newMatter(t, 1)
	at := place{2, 1}
	for _, scope := range []record.Scope{0, 128, 129, 255} {
		r, err := unseal.ReSeal(m.head, m.wrapped[at], m.reviewers[at], m.request, scope)
		if !errors.Is(err, record.ErrSection) || r != nil {
			t.Errorf("granting %d: %v", scope, err)
		}
		got, err := unseal.Combine(m.head, m.core, m.shares(t, all, place{1, 1}, place{1, 2}, at), scope)
		if !errors.Is(err, record.ErrSection) || got != nil {
			t.Errorf("opening %d: %v", scope, err)
		}
	}
}
