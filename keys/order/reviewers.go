package order

import (
	"crypto/hpke"
	"errors"
	"slices"

	"sigill/keys/ident"
	"sigill/keys/jws"
)

// TypReviewers is the typ of a reviewer set.
const TypReviewers = "sigill-reviewer-set+jws"

// HPKEKeySize is the length of a public MLKEM768-X25519 key in bytes.
const HPKEKeySize = 1216

// Limits of a reviewer set.
const (
	MaxGroups  = 4
	MaxMembers = 15        // of a group
	MaxEpoch   = 1<<31 - 1 // seals write it in four bytes
	MaxRevoked = 1000
)

// Errors of reviewer sets.
var (
	ErrGroup    = errors.New("a group needs a threshold of at least 1 and at least two members more than it")
	ErrQuorum   = errors.New("no quorum of every group of the set before has signed")
	ErrHPKEKey  = errors.New("not a usable MLKEM768-X25519 public key")
	ErrEpoch    = errors.New("not the epoch after the set before, or another authority's")
	ErrReviewer = errors.New("not a reviewer of this set")
	ErrRevoked  = errors.New("a key that the set before has revoked is revoked no more")
)

// A Reviewer is a member of a group: keys and a function, never a name. One key
// of each group is an archive key on paper, since seals live for decades.
type Reviewer struct {
	Archive bool        `json:"archive,omitempty"`
	HPKE    ident.Bytes `json:"hpke"` // 1,216 bytes
	Index   int         `json:"index"`
	Key     jws.JWK     `json:"key"` // signs votes
	Title   string      `json:"title"`
}

// A Group of reviewers must agree by a threshold of its own.
type Group struct {
	Group     int        `json:"group"` // from 1, in order
	Members   []Reviewer `json:"members"`
	Name      string     `json:"name"`
	Threshold int        `json:"threshold"`
}

// ReviewerSet is who can open the seals that are made in its epoch; every group
// must agree. Revoked lists signing keys of any epoch that never vote again, in
// the order of their bytes; a later set can only add to it.
type ReviewerSet struct {
	Authority ident.Authority `json:"authority"`
	Date      ident.Date      `json:"date"`
	Epoch     int             `json:"epoch"`
	Groups    []Group         `json:"groups"`
	Previous  ident.Digest    `json:"previous,omitzero"`
	Revoked   []ident.Digest  `json:"revoked,omitempty"`
}

// Typ implements [jws.Statement].
func (*ReviewerSet) Typ() string { return TypReviewers }

// Check implements [jws.Statement]. In each group n ≥ t + 2, indices run from 1,
// one key is archived and t keys are not revoked; no key stands twice in the set.
// The thresholds together are at most [MaxSignatures], or no quorum's signatures
// would fit under the next set.
func (r *ReviewerSet) Check() error {
	if err := missing("authority", r.Authority == ""); err != nil {
		return err
	}
	if err := missing("date", r.Date == ""); err != nil {
		return err
	}
	if r.Epoch < 1 || r.Epoch > MaxEpoch || (r.Epoch == 1) != r.Previous.IsZero() {
		return jws.Field("epoch", jws.ErrValue)
	}
	if err := jws.Digests("revoked", r.Revoked, MaxRevoked); err != nil {
		return err
	}
	if len(r.Groups) < 1 || len(r.Groups) > MaxGroups {
		return jws.Field("groups", jws.ErrCount)
	}
	seen, votes := map[ident.Digest]bool{}, 0
	for i, g := range r.Groups {
		if g.Group != i+1 {
			return jws.Field(index("groups", i), jws.ErrValue)
		}
		if err := g.check(seen, r.Revoked); err != nil {
			return jws.Field(index("groups", i), err)
		}
		votes += g.Threshold
	}
	if votes > MaxSignatures {
		return jws.Field("groups", ErrGroup)
	}
	return nil
}

func (g Group) check(seen map[ident.Digest]bool, revoked []ident.Digest) error {
	if err := jws.Text("name", g.Name, 1, 100); err != nil {
		return err
	}
	n := len(g.Members)
	if g.Threshold < 1 || n < g.Threshold+2 || n > MaxMembers {
		return jws.Field("threshold", ErrGroup)
	}
	archived, active := 0, 0
	for i, m := range g.Members {
		at := index("members", i)
		if m.Index != i+1 {
			return jws.Field(at, jws.ErrValue)
		}
		if err := jws.Text(at+".title", m.Title, 1, 100); err != nil {
			return err
		}
		key, err := m.Key.Public()
		if err != nil {
			return jws.Field(at+".key", err)
		}
		if _, err := m.HPKEKey(); err != nil {
			return jws.Field(at+".hpke", err)
		}
		for _, d := range []ident.Digest{key.Thumbprint(), ident.Sum(m.HPKE)} {
			if seen[d] {
				return jws.Field(at, ErrTwice)
			}
			seen[d] = true
		}
		if m.Archive {
			archived++
		}
		if !slices.Contains(revoked, key.Thumbprint()) {
			active++
		}
	}
	if archived != 1 {
		return jws.Field("archive", jws.ErrCount)
	}
	if active < g.Threshold {
		return jws.Field("threshold", ErrGroup)
	}
	return nil
}

// HPKEKey parses and checks the reviewer's public key. Parse once: it costs
// more than an encapsulation.
func (m Reviewer) HPKEKey() (hpke.PublicKey, error) { return ParseHPKEKey(m.HPKE) }

// ParseHPKEKey checks a public MLKEM768-X25519 key: the ML-KEM part is reduced
// (FIPS 203), the X25519 part is the one form of its value and of no small order.
func ParseHPKEKey(b []byte) (hpke.PublicKey, error) {
	if len(b) != HPKEKeySize {
		return nil, ErrHPKEKey
	}
	k, err := hpke.MLKEM768X25519().NewPublicKey(b)
	if err != nil || !usableX25519(b[HPKEKeySize-32:]) {
		return nil, ErrHPKEKey
	}
	return k, nil
}

// Member finds a reviewer by group and index.
func (r *ReviewerSet) Member(group, idx int) (Reviewer, error) {
	if group < 1 || group > len(r.Groups) || idx < 1 || idx > len(r.Groups[group-1].Members) {
		return Reviewer{}, ErrReviewer
	}
	return r.Groups[group-1].Members[idx-1], nil
}

// Find finds a reviewer by the thumbprint of their signing key.
func (r *ReviewerSet) Find(kid ident.Digest) (group int, m Reviewer, key *jws.PublicKey, err error) {
	for _, g := range r.Groups {
		for _, m := range g.Members {
			if m.Key.Is(kid) {
				key, err := m.Key.Public()
				return g.Group, m, key, err
			}
		}
	}
	return 0, Reviewer{}, nil, ErrReviewer
}

// ReadNext reads the set that follows r: the next epoch, citing r, signed by at
// least the threshold of every group of r with keys that are not revoked. Of
// what is refused nothing is written to next.
func (r *ReviewerSet) ReadNext(signatures []string, next *ReviewerSet) (ident.Digest, error) {
	mine, err := Digest(r)
	if err != nil {
		return ident.Digest{}, err
	}
	lookup := func(kid ident.Digest) (*jws.PublicKey, error) {
		_, _, k, err := r.Find(kid)
		if err != nil || slices.Contains(r.Revoked, kid) {
			return nil, jws.ErrUnknownKey
		}
		return k, nil
	}
	return read(signatures, lookup, next, func(got Document, _ ident.Digest, keys map[ident.Digest]bool) error {
		return r.precedes(got.(*ReviewerSet), mine, keys)
	})
}

func (r *ReviewerSet) precedes(next *ReviewerSet, mine ident.Digest, keys map[ident.Digest]bool) error {
	if next.Authority != r.Authority || next.Epoch != r.Epoch+1 || next.Previous != mine {
		return ErrEpoch
	}
	for _, d := range r.Revoked {
		if !slices.Contains(next.Revoked, d) {
			return ErrRevoked
		}
	}
	for _, g := range r.Groups {
		n := 0
		for _, m := range g.Members {
			if thumb, err := m.Key.Thumbprint(); err == nil && keys[thumb] {
				n++
			}
		}
		if n < g.Threshold {
			return ErrQuorum
		}
	}
	return nil
}
