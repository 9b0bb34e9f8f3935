package workflow

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"

	"sigill/keys/bundle"
	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/proof"
	"sigill/keys/seal"
	"sigill/keys/statement"
	"sigill/server/check"
	"sigill/server/ledger"
)

// errWrong is what does not hold; the finding says what.
var errWrong = errors.New("does not hold")

// holds turns a condition into an error.
func holds(ok bool) error {
	if ok {
		return nil
	}
	return errWrong
}

// firstOf is the first error of checks that are made one after the other.
func firstOf(checks ...func() error) error {
	for _, do := range checks {
		if err := do(); err != nil {
			return err
		}
	}
	return nil
}

// checkMatters checks every matter with its seal, signed or not, and its case.
func (c *checker) checkMatters(*check.Walk) error {
	err := c.w.Rows(c.r, roomMatter, func(key, _ []byte) {
		if len(key) != 17 {
			c.w.Found(roomMatter, "a row of no known kind")
			return
		}
		id := ident.IDFromBytes([16]byte(key))
		m, err := c.o.matter(c.r, id)
		if err != nil {
			c.w.Found(roomMatter, "a row of a matter without its key or its lasting row, or one that cannot be read")
			return
		}
		switch p := part(key[16]); p {
		case partKey:
			c.n.matters++
			c.checkMatter(m)
			c.at.Verified = max(c.at.Verified, c.n.matters)
		case partMatter:
		case partDraft, partBoxes:
			if m.ended() {
				c.w.Found(roomMatter, "an ended matter still has its draft or seal here")
			}
		default:
			c.w.Found(roomMatter, "a row of no known kind")
		}
	})
	if err != nil {
		return err
	}
	err = c.w.Rows(c.r, roomDecision, func(key, _ []byte) {
		if len(key) != 9 || !slices.Contains([]part{partDecision, partBoxes}, part(key[8])) || !c.signed.has(binary.BigEndian.Uint64(key)) {
			c.w.Found(roomDecision, "a row of no decision whose matter is there")
		}
	})
	if err != nil {
		return err
	}
	return c.w.Rows(c.r, roomCase, func(key, value []byte) {
		var row caseRow
		err := decode(value, &row)
		for i, id := range row.Decisions {
			if err != nil || len(id) != 16 {
				err = errWrong
				break
			}
			var m *matter
			if m, err = c.o.matter(c.r, ident.IDFromBytes([16]byte(id))); err == nil {
				err = holds(bytes.Equal(m.Case[:], key) && !slices.ContainsFunc(row.Decisions[:i], func(b []byte) bool { return bytes.Equal(b, id) }))
			}
		}
		if err != nil || len(row.Decisions) == 0 {
			c.w.Found(roomCase, "a case lists what is no matter of its own")
		}
	})
}

// checkMatter checks one matter. What is wrong is told by the decision's number, of one
// that is signed; of a draft that it is one.
func (c *checker) checkMatter(m *matter) {
	found := func(room ledger.Room, what string) {
		if m.State == Signed || m.State == Dispatched {
			c.w.Found(room, what, check.At(m.Index), check.Numbered(c.numbers[m.Index]))
			return
		}
		c.w.Found(room, what)
	}
	c.n.revisions, c.n.dissents = c.n.revisions+uint64(len(m.Digests)), c.n.dissents+uint64(len(m.Dissents))
	for _, a := range m.Abstained {
		c.abstain[string(a[:])+string(idKey(m.id))]++
	}
	if m.State < Pending || m.State > Withdrawn || m.Revision < 1 || m.Revision != len(m.Digests) {
		found(roomMatter, "a matter in no state that there is")
		return
	}
	if signed := m.State == Signed || m.State == Dispatched; !signed && m.Index != 0 {
		found(roomMatter, "a matter that is not signed has a place in the log")
	}
	used := c.o.cipher.MAC("author key", m.AuthorKey[:])
	c.byUse[string(used[:])] = true
	if err := c.checkCase(m); err != nil {
		found(roomCase, "a matter is missing in its case")
	}
	if err := c.checkAuthor(m); err != nil {
		found(roomMatter, "what an author signed does not fit the matter")
	}
	tag := proof.SubjectTag(m.id)
	if n := c.tags[proof.Returned][tag]; n < len(m.Returns) || !m.ended() && n != len(m.Returns) {
		found(roomMatter, "the returns of a draft are not those that the log has")
	}
	delete(c.tags[proof.Returned], tag)
	for n := range m.Notices {
		c.tagged(proof.OpeningNotice, proof.NoticeTag(m.Watch, n), -1)
	}
	if err := c.checkNotices(m); err != nil {
		found(roomMatter, "the notices of openings are not those of the openings")
	}
	switch m.State {
	case Withdrawn:
		c.n.withdrawn++
		c.tagged(proof.Withdrawn, tag, -1)
		if m.Statement != "" || len(m.Returns) > 0 || m.Approval != (ident.Digest{}) || m.Dispatch != "" {
			found(roomMatter, "a withdrawn draft keeps what should be gone")
		}
	case Pending, Returned:
		if c.n.matters <= c.at.Skip {
			break
		}
		if err := c.checkDraft(m); err != nil {
			found(roomMatter, "a draft, its seal or its returns are not what was signed and sealed")
		}
	default:
		c.n.signed++
		c.checkSigned(m, found)
	}
}

func (c *checker) checkCase(m *matter) error {
	var row caseRow
	if err := get(c.r, roomCase, m.Case[:], &row); err != nil {
		return err
	}
	return holds(slices.ContainsFunc(row.Decisions, func(b []byte) bool { return bytes.Equal(b, idKey(m.id)) }))
}

// checkAuthor checks what stands under the author's key, but the draft itself.
func (c *checker) checkAuthor(m *matter) error {
	key, err := m.authorKey()
	if err == nil {
		err = holds(key.Thumbprint() == m.AuthorKey)
	}
	for i, s := range m.Dissents {
		var d statement.Dissent
		if err == nil {
			_, err = jws.Read(s, key, &d)
		}
		if err == nil {
			err = holds(d.Decision == m.id && d.Authority == c.o.Trust.Authority && slices.Contains(m.Digests, d.Draft) && !slices.Contains(m.Dissents[:i], s))
		}
	}
	return err
}

func (c *checker) checkNotices(m *matter) error {
	noticed := uint32(0)
	err := listed(c.r, idKey(m.id), nil, func(_ ident.ID, row *openingRow) (bool, error) {
		if row.Noticed {
			noticed++
		}
		return true, nil
	})
	if err != nil {
		return err
	}
	return holds(noticed == m.Notices)
}

// checkDraft checks what awaits a signature.
func (c *checker) checkDraft(m *matter) error {
	var d statement.Draft
	var row *draftRow
	var h *seal.Head
	return firstOf(func() error {
		key, err := jws.ReadEmbedded(m.Statement, &d)
		if err != nil {
			return err
		}
		return holds(key.Thumbprint() == m.AuthorKey && jws.Digest(m.Statement) == m.last() && d.Decision == m.id && d.Author == m.Author &&
			d.Authority == c.o.Trust.Authority && d.Revision == m.Revision && c.o.cipher.MAC("case", []byte(d.Case)) == m.Case &&
			(m.Revision == 1 || d.Previous == m.Digests[m.Revision-2]))
	}, func() (err error) {
		if row, err = m.draft(c.r); err == nil {
			err = d.Content.Fits(row.Content)
		}
		return err
	}, func() (err error) {
		if h, err = seal.ParseHead(row.Head); err != nil {
			return err
		}
		return bundle.CheckHead(h, &d, m.last(), m.AuthorKey, h.Commitments.Digest())
	}, func() error {
		b, err := c.r.Get(roomMatter, m.key(partBoxes))
		if err != nil {
			return err
		}
		return c.checkBoxes(m, h, b)
	}, func() error {
		if m.State == Returned && len(m.Returns) == 0 {
			return errWrong
		}
		return c.checkReturns(m, m.Returns)
	}, func() error {
		_, err := c.r.Get(roomInbox, idKey(m.id))
		return holds(m.Approval.IsZero() && m.Dispatch == "" && (err == nil) == (m.State == Pending))
	})
}

func (c *checker) checkReturns(m *matter, list []string) error {
	for _, s := range list {
		var r statement.Return
		if err := jws.Peek(s, &r); err != nil {
			return err
		}
		if _, _, err := jws.ReadBy(s, c.officer(r.Date), &r); err != nil {
			return err
		}
		if r.Decision != m.id || !slices.Contains(m.Digests, r.Draft) {
			return errWrong
		}
	}
	return nil
}

// checkBoxes checks a seal against its head: every ciphertext, and one wrapping for
// each reviewer of the set. What lies in them only reviewers can open.
func (c *checker) checkBoxes(m *matter, h *seal.Head, sealed []byte) error {
	plain, err := c.o.cipher.OpenMatter(m.secret, m.boxesPlace(), sealed)
	if err != nil {
		return err
	}
	var row boxesRow
	if err := decode(plain, &row); err != nil {
		return err
	}
	parts, err := seal.SplitCiphertexts(row.Ciphertexts)
	if err != nil {
		return err
	}
	for i, p := range parts {
		if ident.Sum(p) != h.Ciphertexts[i] {
			return errWrong
		}
	}
	if h.Set.Epoch < 1 || h.Set.Epoch > len(c.sets) || c.sets[h.Set.Epoch-1].digest != h.Set.Digest ||
		!slices.Equal(h.Groups, seal.Shapes(c.sets[h.Set.Epoch-1].ReviewerSet)) {
		return errWrong
	}
	n := 0
	for _, g := range h.Groups {
		for i := range g.Members {
			if n >= len(row.Wrappings) {
				return errWrong
			}
			w, err := seal.ParseWrapping(row.Wrappings[n])
			if err != nil || w.Group != g.Group || w.Index != i+1 || w.Epoch != h.Set.Epoch {
				return errWrong
			}
			n++
		}
	}
	return holds(n == len(row.Wrappings))
}

// checkSigned checks a decision as whoever gets it does, and its seal.
func (c *checker) checkSigned(m *matter, found func(ledger.Room, string)) {
	if c.signed.has(m.Index) {
		found(roomMatter, "two matters say that they are one decision")
		return
	}
	c.signed.set(m.Index)
	if m.State == Dispatched {
		c.tagged(proof.Dispatched, proof.SubjectTag(m.id), -1)
	}
	if c.n.matters <= c.at.Skip {
		return
	}
	row, err := m.decision(c.r)
	if err != nil {
		found(roomDecision, "a decision's row is missing or cannot be read")
		return
	}
	v, err := c.verify(m, row)
	if err != nil {
		found(roomDecision, "a decision that does not verify")
		return
	}
	if err := c.fits(m, row, v); err != nil {
		found(roomDecision, "a decision that is not its matter's, or under another order than was in force")
	}
	h, err := v.CheckHead(row.Head)
	var sealed []byte
	if err == nil {
		sealed, err = c.r.Get(roomDecision, m.signedKey(partBoxes))
	}
	if err == nil {
		err = c.checkBoxes(m, h, sealed)
	}
	if err != nil {
		found(roomDecision, "a decision's seal is missing, or is not the one that it names")
	}
	if err := c.checkDispatch(m, v); err != nil {
		found(roomMatter, "a dispatch that was not signed so")
	}
}

// verify makes the decision's bundle and verifies it.
func (c *checker) verify(m *matter, row *decisionRow) (*bundle.Verdict, error) {
	var d statement.Decision
	if err := jws.Peek(row.Decision, &d); err != nil {
		return nil, err
	}
	docs, err := c.o.orderDocs(c.r, d.Order.Version)
	if err != nil {
		return nil, err
	}
	text, err := c.log.Proof(c.r, m.Index)
	if err != nil {
		return nil, err
	}
	b := bundle.Bundle{Content: row.Content, Decision: row.Decision, Order: docs, Preimage: row.Preimage, Proof: bundle.SplitLines(text)}
	data, err := b.Marshal()
	if err != nil {
		return nil, err
	}
	return bundle.Verify(data, c.trust)
}

// fits holds a verified decision against its matter and against what was in force when
// it was logged.
func (c *checker) fits(m *matter, row *decisionRow, v *bundle.Verdict) error {
	version := 0
	for _, o := range c.orders {
		if o.index < m.Index {
			version = o.Version
		}
	}
	return holds(v.Decision.Decision == m.id && v.Index == m.Index && bytes.Equal(row.ID, idKey(m.id)) && v.Decision.Author == m.Author &&
		v.DraftDigest() == m.last() && v.AuthorKey.Thumbprint() == m.AuthorKey && v.Draft.Revision == m.Revision &&
		(m.Revision == 1 || v.Draft.Previous == m.Digests[m.Revision-2]) && jws.Digest(v.Decision.Approval) == m.Approval && m.Statement == "" && len(m.Returns) == 0 &&
		c.o.cipher.MAC("case", []byte(v.Draft.Case)) == m.Case && v.Decision.Order.Version == version &&
		row.HeadSize > m.Index && row.HeadSize <= c.log.Size && !c.w.Today.Before(v.Decision.Date))
}

func (c *checker) checkDispatch(m *matter, v *bundle.Verdict) error {
	if m.State != Dispatched {
		return holds(m.Dispatch == "")
	}
	var d statement.Dispatch
	if err := jws.Peek(m.Dispatch, &d); err != nil {
		return err
	}
	if _, _, err := jws.ReadBy(m.Dispatch, c.officer(d.Date), &d); err != nil {
		return err
	}
	due := []ident.Digest{}
	for _, s := range m.Dissents {
		due = append(due, jws.Digest(s))
	}
	statement.SortEarlier(due)
	return holds(d.Decision == m.id && d.Statement == v.Digest && slices.Equal(d.Dissents, due) && !d.Date.Before(v.Decision.Date))
}
