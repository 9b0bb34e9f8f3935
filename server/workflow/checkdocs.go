package workflow

import (
	"bytes"
	"crypto/sha256"
	"errors"

	"sigill/keys/bundle"
	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/order"
	"sigill/keys/proof"
	"sigill/keys/token"
	"sigill/server/check"
	"sigill/server/ledger"
)

// documents goes through a room of documents: each signed as read has it, and logged.
func (c *checker) documents(room ledger.Room, kind proof.Kind, read func(key []byte, signatures []string) (ident.Digest, error), then func(row documentRow)) error {
	return c.w.Rows(c.r, room, func(key, value []byte) {
		var row documentRow
		err := decode(value, &row)
		if err == nil && len(row.Signatures) == 0 {
			err = ledger.ErrCorrupt
		}
		var digest ident.Digest
		if err == nil {
			digest, err = read(key, row.Signatures)
		}
		if err != nil {
			c.w.Found(room, "a document that is not signed as it must be, or stands in another's place")
			return
		}
		if !c.logs(loggedRow{Preimage: row.Preimage, Index: row.Index}, kind, digest) {
			c.w.Found(room, "a document that the log does not have where it says", check.At(row.Index))
		}
		then(row)
	})
}

// checkDocuments checks orders, sets, requesters and providers' keys, and the counters
// of the room meta.
func (c *checker) checkDocuments(*check.Walk) error {
	for _, step := range []func() error{c.checkTrusts, c.checkOrders, c.checkSets, c.checkRequesters, c.checkProviders} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// checkTrusts checks the trust files that have been in force: each but the first follows
// from the one before, and the last is the one of this check.
func (c *checker) checkTrusts() error {
	var before *bundle.Trust
	err := c.w.Rows(c.r, roomTrust, func(key, value []byte) {
		c.trusts++
		var row trustRow
		err := decode(value, &row)
		var t *bundle.Trust
		if err == nil {
			t, err = bundle.ParseTrust(row.Trust)
		}
		switch {
		case err != nil:
		case before == nil:
			err = holds(len(row.Signs.Signatures) == 0 && len(row.Signs.Preimage) == 0 && row.Signs.Index == 0)
		default:
			var next *bundle.Trust
			var by *order.Succession
			if next, by, err = before.Succeed(row.Signs.Signatures); err != nil {
				break
			}
			var digest ident.Digest
			if digest, err = order.Digest(by); err == nil {
				err = holds(next.Digest == t.Digest && c.logs(loggedRow{Preimage: row.Signs.Preimage, Index: row.Signs.Index}, proof.KeyChange, digest))
			}
		}
		if err != nil || !bytes.Equal(key, indexKey(uint64(c.trusts))) {
			c.w.Found(roomTrust, "a trust file that does not follow from the one before, or is in another's place")
			return
		}
		before = t
	})
	if before != nil && before.Digest != c.o.Trust.Digest {
		c.w.Found(roomTrust, "the newest trust file is not the one of the configuration")
	}
	return err
}

func (c *checker) checkOrders() error {
	var next publishedOrder
	return c.documents(roomOrder, proof.DelegationOrder, func(key []byte, signatures []string) (digest ident.Digest, err error) {
		next = publishedOrder{}
		if next.digest, err = c.o.Trust.Board.Read(signatures, &next.Delegation); err != nil {
			return digest, err
		}
		if !bytes.Equal(key, indexKey(uint64(next.Version))) || next.Version != len(c.orders)+1 || next.Authority != c.o.Trust.Authority ||
			next.Version > 1 && next.Previous != c.orders[len(c.orders)-1].digest {
			return digest, ledger.ErrCorrupt
		}
		return next.digest, nil
	}, func(row documentRow) {
		next.index = row.Index
		c.orders = append(c.orders, next)
	})
}

func (c *checker) checkSets() error {
	var next publishedSet
	return c.documents(roomSet, proof.ReviewerSet, func(key []byte, signatures []string) (digest ident.Digest, err error) {
		next = publishedSet{ReviewerSet: &order.ReviewerSet{}}
		if len(c.sets) == 0 {
			next.digest, err = c.o.Trust.Board.Read(signatures, next.ReviewerSet)
		} else {
			next.digest, err = c.sets[len(c.sets)-1].ReadNext(signatures, next.ReviewerSet)
		}
		if err == nil && (!bytes.Equal(key, indexKey(uint64(next.Epoch))) || next.Epoch != len(c.sets)+1 || next.Authority != c.o.Trust.Authority) {
			err = ledger.ErrCorrupt
		}
		return next.digest, err
	}, func(documentRow) { c.sets = append(c.sets, next) })
}

func (c *checker) checkRequesters() error {
	registered, revoked := 0, 0
	err := c.documents(roomRequester, proof.Requester, func(key []byte, signatures []string) (ident.Digest, error) {
		var q order.Requester
		digest, err := c.o.Trust.Board.Read(signatures, &q)
		if q.Revoked != "" {
			revoked++
		}
		if err == nil && (!bytes.Equal(key, idKey(q.Requester)) || q.Authority != c.o.Trust.Authority) {
			err = ledger.ErrCorrupt
		}
		return digest, err
	}, func(documentRow) { registered++ })
	// Of one that was revoked the row is the revocation, and the log has both.
	c.same(roomRequester, "a registration that the log has is missing", uint64(c.logged[proof.Requester]), uint64(registered+revoked))
	return err
}

// checkProviders checks the logged key sets, and how many of each issuer a day had.
func (c *checker) checkProviders() error {
	type latest struct {
		on ident.Date
		n  uint64
	}
	issuers := map[[sha256.Size]byte]latest{}
	var doc order.ProviderKeys
	err := c.documents(roomProvider, proof.ProviderKeys, func(key []byte, signatures []string) (ident.Digest, error) {
		doc = order.ProviderKeys{}
		if _, _, err := jws.ReadBy(signatures[0], c.byLog, &doc); err != nil {
			return ident.Digest{}, err
		}
		set, _, err := token.ParseKeySet(doc.Issuer, doc.JWKS)
		if err != nil {
			return ident.Digest{}, err
		}
		want := fingerprint("provider", doc.Issuer, string(set.Bytes()))
		if !bytes.Equal(key, want[:]) || len(signatures) != 1 || doc.Authority != c.o.Trust.Authority || c.w.Today.Before(doc.Date) {
			return ident.Digest{}, ledger.ErrCorrupt
		}
		return order.Digest(&doc)
	}, func(documentRow) {
		at := ident.Sum(doc.Issuer)
		switch of := issuers[at]; {
		case of.on == doc.Date:
			issuers[at] = latest{of.on, of.n + 1}
		case of.on.Before(doc.Date):
			issuers[at] = latest{doc.Date, 1}
		}
	})
	if err != nil {
		return err
	}
	counters := map[string]uint64{}
	for name, n := range map[string]int{string(metaOrder): len(c.orders), string(metaSet): len(c.sets), string(metaTrust): c.trusts} {
		if n > 0 {
			counters[name] = uint64(n)
		}
	}
	for year, n := range c.last {
		counters[string(numberKey(year))] = n
	}
	for issuer, of := range issuers {
		counters[string(keySets)+string(issuer[:])] = uint64(of.on.Days())<<32 + of.n
	}
	err = c.w.Rows(c.r, roomMeta, func(key, _ []byte) {
		n, err := number(c.r, key)
		want, known := counters[string(key)]
		delete(counters, string(key))
		if known && bytes.HasPrefix(key, keySets) && n > want && n-want <= MaxKeySets && n>>32 == want>>32 {
			n = want // a set of the day before was logged after midnight
		}
		if err != nil || !known || n != want {
			c.w.Found(roomMeta, "a counter that is not what the log and the documents give")
		}
	})
	if len(counters) > 0 {
		c.w.Found(roomMeta, "a counter is missing")
	}
	return err
}

// checkOwed checks what the log is owed, and that no promise is overdue.
func (c *checker) checkOwed(*check.Walk) error {
	return c.w.Rows(c.r, roomOwed, func(_, value []byte) {
		var row owedRow
		err := decode(value, &row)
		if err != nil {
			c.w.Found(roomOwed, "a row that is no owed entry")
			return
		}
		e, err := proof.ParseEntry(row.Entry)
		if err != nil || e.Kind != proof.AuthorAct && e.Kind != proof.Withdrawn {
			c.w.Found(roomOwed, "a row that is no owed entry")
			return
		}
		if _, err := c.r.Get(roomIndex, e.Digest[:]); !errors.Is(err, ledger.ErrNotFound) {
			c.w.Found(roomOwed, "an entry is owed that the log has")
		}
		if c.w.Today.Days() < row.Received || row.Received+OwedDays < c.w.Today.Days() {
			c.w.Found(roomOwed, "an owed entry is dated ahead, or overdue")
		}
		c.owed[e.Digest] = row.Received
		c.owedBy[e.Kind]++
		if e.Kind == proof.Withdrawn {
			c.tagged(e.Kind, e.Tag, 1)
		}
	})
}

// tagged counts an entry with a tag.
func (c *checker) tagged(k proof.Kind, t proof.Tag, by int) {
	if c.tags[k] == nil {
		c.tags[k] = map[proof.Tag]int{}
	}
	c.tags[k][t] += by
}
