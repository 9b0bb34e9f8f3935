package bundle

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"

	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/order"
	"sigill/keys/proof"
)

// MaxEarlier is how many times board or policy may have changed.
const MaxEarlier = 100

// MaxDocuments is how many documents a board of before is believed of.
const MaxDocuments = 1000

// Before is whom a trust file's predecessor believed, where the file believes others. Its
// keys may come into other hands, so that it has a bound: what they sign later is nothing.
type Before struct {
	Board     BoardKeys      `json:"board"`
	Documents []ident.Digest `json:"documents,omitempty"` // those that the board signed and is to be believed of, in order
	Policy    []string       `json:"policy"`
	Size      uint64         `json:"size"` // entries that the log has at most in a checkpoint that the policy is to be believed of
}

// After has a file count on from the one before it, remember what that remembered and, if
// it believed another board or policy, that too, of these documents and a log of at most
// size entries.
func (f *TrustFile) After(before *TrustFile, size uint64, documents []ident.Digest) {
	f.Successions = before.Successions + 1
	f.Earlier = slices.Clone(before.Earlier)
	if !reflect.DeepEqual(f.Board, before.Board) || !slices.Equal(f.Policy, before.Policy) {
		f.Earlier = append(f.Earlier, Before{before.Board, documents, before.Policy, size})
	}
}

// Succeed reads the trust file that takes the place of this one, as enough keys of this
// file's board signed it. It fails with [ErrSuccession] for one that follows another, or
// that leaves out what somebody may hold a proof by: what verified before verifies after,
// but for what was sealed under a certificate that is revoked.
func (t *Trust) Succeed(signatures []string) (*Trust, *order.Succession, error) {
	s := &order.Succession{}
	if _, err := t.Board.Now().Read(signatures, s); err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrSuccession, err)
	}
	next, err := t.Follows(s)
	if err != nil {
		return nil, nil, err
	}
	return next, s, nil
}

// Follows checks a succession as [Trust.Succeed] does, before anybody has signed it.
func (t *Trust) Follows(s *order.Succession) (*Trust, error) {
	if s.Authority != t.Authority || s.From != t.Digest {
		return nil, fmt.Errorf("%w: %w", ErrSuccession, jws.Field("from", jws.ErrValue))
	}
	next, err := ParseTrust(s.Trust)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSuccession, err)
	}
	if err := t.keeps(next); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSuccession, err)
	}
	return next, nil
}

// keeps checks that the next file has all that this one has that a proof may rest on.
func (t *Trust) keeps(next *Trust) error {
	old, f := &t.File, &next.File
	if f.Authority != old.Authority {
		return jws.Field("authority", jws.ErrValue)
	}
	want := *f
	if n := len(f.Earlier); n > 0 {
		want.After(old, f.Earlier[n-1].Size, f.Earlier[n-1].Documents)
	} else {
		want.After(old, 0, nil)
	}
	if f.Successions != want.Successions {
		return jws.Field("successions", jws.ErrValue)
	}
	if len(f.Earlier) != len(want.Earlier) || len(f.Earlier) > 0 && !reflect.DeepEqual(f.Earlier, want.Earlier) {
		return jws.Field("earlier", jws.ErrValue)
	}
	for i, p := range old.Providers {
		if !slices.ContainsFunc(f.Providers, func(o Provider) bool { return reflect.DeepEqual(o, p) }) {
			return jws.Field(fmt.Sprintf("providers: number %d of before", i+1), jws.ErrMissing)
		}
	}
	for i, c := range old.Certificates {
		if !slices.ContainsFunc(f.Certificates, c.stays) {
			return jws.Field(fmt.Sprintf("certificates: number %d of before", i+1), jws.ErrMissing)
		}
	}
	return t.revives(next)
}

// revives looks for what the next file brings back: a certificate of this one, for longer
// than it was listed, or another for a key that was revoked, which may be in other hands.
func (t *Trust) revives(next *Trust) error {
	for i, c := range next.File.Certificates {
		wrong := slices.ContainsFunc(t.certs, func(o trusted) bool {
			return o.before != 0 && (c.LoggedBefore == 0 || c.LoggedBefore > o.before) && o.key.Equal(next.certs[i].key)
		})
		if slices.ContainsFunc(t.File.Certificates, func(o TrustCertificate) bool { return bytes.Equal(o.Certificate, c.Certificate) }) {
			wrong = !slices.ContainsFunc(t.File.Certificates, func(o TrustCertificate) bool { return o.stays(c) })
		}
		if wrong {
			return jws.Field(fmt.Sprintf("certificates[%d]", i), jws.ErrValue)
		}
	}
	return nil
}

// stays reports whether a later entry is for the same certificate, which may have been
// revoked meanwhile and is not revived.
func (c TrustCertificate) stays(later TrustCertificate) bool {
	return bytes.Equal(c.Certificate, later.Certificate) && c.From == later.From &&
		(c.Until == "" || later.Until != "" && !c.Until.Before(later.Until)) &&
		(c.LoggedBefore == 0 || later.LoggedBefore != 0 && later.LoggedBefore <= c.LoggedBefore)
}

// addEarlier reads whom the files before this one believed.
func (t *Trust) addEarlier(list []Before) error {
	if len(list) > MaxEarlier {
		return jws.Field("earlier", jws.ErrCount)
	}
	for i, b := range list {
		member := fmt.Sprintf("earlier[%d]", i)
		board, err := b.Board.read()
		if err != nil {
			return jws.Field(member, err)
		}
		if err := jws.Digests("documents", b.Documents, MaxDocuments); err != nil {
			return jws.Field(member, err)
		}
		policy, err := proof.ParsePolicy([]byte(JoinLines(b.Policy)))
		if err != nil {
			return jws.Field(member, err)
		}
		if t.Policy, err = t.Policy.After(policy, b.Size); err != nil {
			return jws.Field(member, err)
		}
		t.Board.Earlier = append(t.Board.Earlier, order.Former{Board: board, Documents: b.Documents})
	}
	return nil
}

func (b BoardKeys) read() (board order.Board, err error) {
	if len(b.Keys) < 1 || len(b.Keys) > order.MaxSignatures || b.Need < 1 || b.Need > len(b.Keys) {
		return board, jws.Field("board", jws.ErrCount)
	}
	for _, j := range b.Keys {
		k, err := j.Public()
		if err != nil {
			return board, jws.Field("board.keys", err)
		}
		if slices.ContainsFunc(board.Keys, k.Equal) {
			return board, jws.Field("board.keys", order.ErrTwice)
		}
		board.Keys = append(board.Keys, k)
	}
	board.Need = b.Need
	return board, nil
}

// A Change is one thing that a trust file says otherwise than the one before it.
type Change struct {
	What  Changed `json:"what"`
	Which string  `json:"which"` // a thumbprint, a digest, a vkey, an issuer, a name
}

// Changed is what a [Change] is of.
type Changed string

// What may change.
const (
	NewLogKey          Changed = "log_key_new"
	OldLogKey          Changed = "log_key_out" // signs nothing more
	NewPolicy          Changed = "policy"      // of witnesses
	NewCertificate     Changed = "certificate_new"
	RevokedCertificate Changed = "certificate_revoked"
	NewBoardKey        Changed = "board_key_new"
	OldBoardKey        Changed = "board_key_out"
	NewNeed            Changed = "board_need"
	NewProvider        Changed = "provider_new"
	NewName            Changed = "name"
)

// Changes are what a trust file that has succeeded this one says otherwise.
func (t *Trust) Changes(next *Trust) (changes []Change) {
	add := func(what Changed, which string) { changes = append(changes, Change{what, which}) }
	if t.Name != next.Name {
		add(NewName, next.Name)
	}
	diff := func(before, after []string, gone, come Changed) {
		for _, b := range before {
			if !slices.Contains(after, b) {
				add(gone, b)
			}
		}
		for _, a := range after {
			if !slices.Contains(before, a) {
				add(come, a)
			}
		}
	}
	diff(t.boardKeys(), next.boardKeys(), OldBoardKey, NewBoardKey)
	if t.Board.Need != next.Board.Need {
		add(NewNeed, fmt.Sprintf("%d/%d", next.Board.Need, len(next.Board.Keys)))
	}
	diff(t.logKeys(), next.logKeys(), OldLogKey, NewLogKey)
	if !reflect.DeepEqual(t.Policy.Witnesses(), next.Policy.Witnesses()) || t.Policy.Witnessed() != next.Policy.Witnessed() {
		add(NewPolicy, fmt.Sprint(len(next.Policy.Witnesses())))
	}
	for _, c := range next.File.Certificates {
		i := slices.IndexFunc(t.File.Certificates, func(o TrustCertificate) bool { return bytes.Equal(o.Certificate, c.Certificate) && o.From == c.From })
		switch {
		case i < 0:
			add(NewCertificate, ident.Sum(c.Certificate).String())
		case t.File.Certificates[i].Until != c.Until || t.File.Certificates[i].LoggedBefore != c.LoggedBefore:
			add(RevokedCertificate, ident.Sum(c.Certificate).String())
		}
	}
	for _, p := range next.File.Providers {
		if t.providers[p.Issuer] == nil {
			add(NewProvider, p.Issuer)
		}
	}
	return changes
}

func (t *Trust) boardKeys() (keys []string) {
	for _, k := range t.Board.Keys {
		keys = append(keys, k.Thumbprint().String())
	}
	return keys
}

// logKeys are those that sign now.
func (t *Trust) logKeys() (keys []string) {
	for _, k := range t.Policy.Now().LogKeys() {
		keys = append(keys, k.String())
	}
	return keys
}
