package workflow

import (
	"errors"
	"slices"

	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/order"
	"sigill/server/audit"
	"sigill/server/ledger"
)

// Whose key it is. A registered key belongs for ever to the first account that
// uses it. An account may come to hold several, as documents name new ones: a
// director's key is renewed, a reviewer has one in each epoch. One login is one
// person all the same: of the keys that it holds it binds one alone in each
// reviewer set, revoked or not, and one alone among those that act now. A later
// document can still name two keys of one account: then it acts under the one
// that it bound last.

// A roll is whose keys a document names.
type roll func(kid ident.Digest) bool

// acting is the key under which an account acts by a roll; zero for none.
func (a *actor) acting(by roll) (kid ident.Digest) {
	for _, k := range a.row.Keys {
		if by(k) {
			kid = k
		}
	}
	return kid
}

// officers are who may sign or dispatch on a day.
func (f *inForce) officers(on ident.Date) roll {
	return func(kid ident.Digest) bool {
		if f.order == nil {
			return false
		}
		_, err := f.order.Dispatcher(kid, on)
		return err == nil
	}
}

// revoked reports whether the set in force lists a key as revoked; each set lists
// all that those before it do.
func (f *inForce) revoked(kid ident.Digest) bool {
	return f.set != nil && slices.Contains(f.set.Revoked, kid)
}

// member finds a reviewer of a seal's set by key. A revoked key is nobody's, in any
// epoch.
func (f *inForce) member(set *order.ReviewerSet, kid ident.Digest) (group int, m order.Reviewer, key *jws.PublicKey, err error) {
	if group, m, key, err = set.Find(kid); err == nil && f.revoked(kid) {
		err = order.ErrReviewer
	}
	if err != nil {
		return 0, m, nil, &Refusal{Kind: ErrPermission, Reason: ReasonKey, err: err}
	}
	return group, m, key, nil
}

// seats are who votes on a set's seals.
func (f *inForce) seats(set *order.ReviewerSet) roll {
	return func(kid ident.Digest) bool {
		_, _, _, err := f.member(set, kid)
		return err == nil
	}
}

// keysOf is whose keys a set names, also those that are revoked.
func keysOf(set *order.ReviewerSet) roll {
	return func(kid ident.Digest) bool {
		_, _, _, err := set.Find(kid)
		return err == nil
	}
}

// requesters are who may ask on a day, on whatever ground.
func requesters(r ledger.Reader, on ident.Date) (roll, error) {
	may := map[ident.Digest]bool{}
	for p, err := range r.Scan(roomRequester, nil, nil) {
		if err != nil {
			return nil, storeError(err)
		}
		var row documentRow
		if err := decode(p.Value, &row); err != nil {
			return nil, err
		}
		var q order.Requester // verified when it was published
		if len(row.Signatures) == 0 || jws.Peek(row.Signatures[0], &q) != nil {
			return nil, damaged("requester", ledger.ErrCorrupt)
		}
		key, err := q.Key.Public()
		if err != nil {
			return nil, damaged("requester", err)
		}
		if q.Revoked == "" && on.Within(q.From, q.Until) {
			may[key.Thumbprint()] = true
		}
	}
	return func(kid ident.Digest) bool { return may[kid] }, nil
}

// rolls are those in each of which an account binds one key alone: who acts now,
// as signer, reviewer or requester, and the members of each set.
func (o *Office) rolls(tx *ledger.Tx, f *inForce) ([]roll, error) {
	on := ident.DateOf(tx.Now)
	asking, err := requesters(tx, on)
	if err != nil {
		return nil, err
	}
	deciding := f.officers(on)
	out := []roll{func(kid ident.Digest) bool {
		return deciding(kid) || asking(kid) || f.set != nil && f.seats(f.set)(kid)
	}}
	for epoch := 1; f.set != nil && epoch <= f.set.Epoch; epoch++ {
		set, err := readSet(tx, epoch)
		if err != nil {
			return nil, err
		}
		out = append(out, keysOf(set))
	}
	return out, nil
}

// bindKey lets an account act under a key by a roll, and binds the key to it if
// this is its first use.
func (o *Office) bindKey(tx *ledger.Tx, f *inForce, a *actor, kid ident.Digest, by roll) error {
	if !slices.Contains(a.row.Keys, kid) {
		if err := o.bind(tx, f, a, kid); err != nil {
			return err
		}
	}
	if a.acting(by) != kid {
		return refuse(ErrPermission, ReasonKey)
	}
	return nil
}

func (o *Office) bind(tx *ledger.Tx, f *inForce, a *actor, kid ident.Digest) error {
	free, err := o.free(tx, kid)
	if err != nil {
		return err
	}
	if !free {
		return refuse(ErrPermission, ReasonKey)
	}
	if len(a.row.Keys) > 0 {
		rolls, err := o.rolls(tx, f)
		if err != nil {
			return err
		}
		for _, names := range rolls {
			if names(kid) && slices.ContainsFunc(a.row.Keys, names) {
				return refuse(ErrPermission, ReasonKey)
			}
		}
	}
	k := o.cipher.MAC("bound key", kid[:])
	if err := tx.Put(roomUsed, k[:], a.id[:]); err != nil {
		return err
	}
	a.row.Keys = append(a.row.Keys, kid)
	return audit.PutAccount(tx.Overlay, a.id, a.row)
}

// sees reports whether a request is shown to a reviewer, and under which key they
// have a seat, if that is known. An account whose key in the set is revoked sees
// nothing; one that holds other keys alone may be one whose key nobody has used.
func (o *Office) sees(r ledger.Reader, f *inForce, a *actor, row *openingRow) (set *order.ReviewerSet, kid ident.Digest, ok bool, err error) {
	if set, err = readSet(r, row.Epoch); err != nil {
		return nil, kid, false, err
	}
	kid = a.acting(f.seats(set))
	if !kid.IsZero() || len(a.row.Keys) == 0 {
		return set, kid, true, nil
	}
	if slices.ContainsFunc(a.row.Keys, keysOf(set)) {
		return set, kid, false, nil
	}
	var keys []jws.JWK
	for _, g := range set.Groups {
		for _, m := range g.Members {
			if k, err := m.Key.Public(); err == nil && !f.revoked(k.Thumbprint()) {
				keys = append(keys, m.Key)
			}
		}
	}
	ok, err = o.someFree(r, keys)
	return set, kid, ok, err
}

// maySign reports whether an account may sign under an item, as far as is known: a
// login that has used no key yet sees what some signer may sign. One that has, but
// none that acts today, has left, or its key has been renewed: it sees what signers
// may sign whose keys are nobody's yet.
func (o *Office) maySign(r ledger.Reader, f *inForce, a *actor, item string, on ident.Date) (bool, error) {
	if f.order == nil {
		return false, nil
	}
	if kid := a.acting(f.officers(on)); !kid.IsZero() {
		_, err := f.order.Signer(kid, item, on)
		return err == nil, nil
	}
	var keys []jws.JWK
	for _, s := range f.order.Signers {
		if slices.Contains(s.Items, item) && on.Within(s.From, s.Until) {
			keys = append(keys, s.Key)
		}
	}
	if len(a.row.Keys) == 0 {
		return len(keys) > 0, nil
	}
	return o.someFree(r, keys)
}

// free reports whether a key is bound to nobody yet.
func (o *Office) free(r ledger.Reader, kid ident.Digest) (bool, error) {
	k := o.cipher.MAC("bound key", kid[:])
	_, err := r.Get(roomUsed, k[:])
	if errors.Is(err, ledger.ErrNotFound) {
		return true, nil
	}
	return false, storeError(err)
}

// someFree reports whether one of the keys is bound to nobody yet.
func (o *Office) someFree(r ledger.Reader, keys []jws.JWK) (bool, error) {
	for _, k := range keys {
		key, err := k.Public()
		if err != nil {
			return false, damaged("registered key", err)
		}
		if free, err := o.free(r, key.Thumbprint()); free || err != nil {
			return free, err
		}
	}
	return false, nil
}
