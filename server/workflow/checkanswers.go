package workflow

import (
	"encoding/binary"
	"slices"

	"sigill/keys/bundle"
	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/proof"
	"sigill/keys/seal"
	"sigill/keys/statement"
	"sigill/server/audit"
	"sigill/server/check"
	"sigill/server/ledger"
)

// The kinds of answers that the room request keeps, by their form.
const (
	answerDraft   = "a draft's"  // sealed under the author's nonce
	answerReceipt = "a receipt"  // of an author's other act
	answerLogged  = "an entry's" // of a named act
	answerShare   = "a share's"
	answerState   = "a vote's"
	answerNothing = "none" // of a decision, and of a package
)

// checkAnswers checks what retries are answered from, as far as it can be read, and the
// entries that only these rows prove.
func (c *checker) checkAnswers(*check.Walk) error {
	return c.w.Rows(c.r, roomRequest, func(key, value []byte) {
		var row requestRow
		err := holds(len(key) == 32)
		if err == nil {
			err = decode(value, &row)
		}
		kind := ""
		if err == nil {
			kind, err = c.checkAnswer(row.Answer)
		}
		if err != nil || row.Print.IsZero() {
			c.w.Found(roomRequest, "an answer that the log does not prove, or that is none")
			return
		}
		c.answers[kind]++
	})
}

func (c *checker) checkAnswer(b []byte) (kind string, err error) {
	switch {
	case len(b) == 0:
		return answerNothing, nil
	case b[0] == 1:
		return answerDraft, nil
	case b[0] == 'e':
		return answerReceipt, c.checkReceipt(string(b))
	}
	var logged loggedRow
	if err := decode(b, &logged); err == nil {
		pre, err := proof.ParsePreimage(logged.Preimage)
		if err != nil {
			return "", err
		}
		return answerLogged, holds(c.logs(logged, pre.Kind, pre.Signed))
	}
	var v votedRow
	if err := decode(b, &v); err == nil {
		return c.checkVoted(v)
	}
	var f fetched
	if err := decode(b, &f); err != nil {
		return "", err
	}
	return answerShare, holds(c.logs(f.Logged, proof.ShareHandedOut, ident.Sum(f.Wrapping)))
}

// checkVoted: the vote stands in the log.
func (c *checker) checkVoted(v votedRow) (kind string, err error) {
	pre, err := proof.ParsePreimage(v.Logged.Preimage)
	if err != nil {
		return "", err
	}
	c.votes[pre.Signed]--
	kind, known := map[openingState]string{openingPending: answerState, openingReleased: answerState + " released",
		openingRefused: answerState + " refused"}[openingState(v.State)]
	return kind, holds(known && c.logs(v.Logged, proof.Event, pre.Signed))
}

// checkReceipt: what was promised stands in the log, or is owed and not overdue.
func (c *checker) checkReceipt(compact string) error {
	var rc statement.Receipt
	if _, _, err := jws.ReadBy(compact, c.byLog, &rc); err != nil {
		return err
	}
	if received, owed := c.owed[rc.Entry]; owed {
		return holds(received == rc.Received.Days())
	}
	_, err := c.r.Get(roomIndex, rc.Entry[:])
	return err
}

// checkShown checks the inbox, and what signers are still shown.
func (c *checker) checkShown(*check.Walk) error {
	err := c.w.Rows(c.r, roomInbox, func(key, _ []byte) {
		err := holds(len(key) == 16)
		if err == nil {
			err = c.checkInbox(ident.IDFromBytes([16]byte(key)))
		}
		if err != nil {
			c.w.Found(roomInbox, "a row of no draft that awaits a signature, or that says other than the draft")
		}
	})
	if err != nil {
		return err
	}
	err = c.w.Rows(c.r, roomStill, func(key, _ []byte) {
		err := holds(len(key) == 24)
		if err == nil {
			err = c.checkStill(key, ident.IDFromBytes([16]byte(key[8:])))
		}
		if err != nil {
			c.w.Found(roomStill, "what signers are still shown is none of its draft's")
		}
	})
	if err != nil {
		return err
	}
	return c.w.Rows(c.r, roomIndex, func(key, value []byte) {
		if len(key) != len(ident.Digest{}) || len(value) != 8 {
			c.w.Found(roomIndex, "a row that is no place in the log")
			return
		}
		i := binary.BigEndian.Uint64(value)
		if e, err := c.log.Entry(c.r, i); err != nil || e.Digest != ident.Digest(key) {
			c.w.Found(roomIndex, "a digest whose entry stands elsewhere, or nowhere", check.At(i))
		}
	})
}

func (c *checker) checkInbox(id ident.ID) error {
	m, err := c.o.matter(c.r, id)
	if err != nil {
		return err
	}
	var row inboxRow
	if err := m.get(c.r, roomInbox, idKey(id), &row); err != nil {
		return err
	}
	if row.Until != 0 {
		if _, err := c.r.Get(roomStill, stillKey(row.Until, id)); err != nil {
			return err
		}
	}
	if m.State == Withdrawn {
		return holds(row == inboxRow{Until: row.Until} && row.Until != 0)
	}
	var d statement.Draft
	if err := jws.Peek(m.Statement, &d); err != nil {
		return err
	}
	return holds(m.State == Pending && row.Item == d.Item && row.Type == d.Type && row.Visible > 0)
}

func (c *checker) checkStill(key []byte, id ident.ID) error {
	m, err := c.o.matter(c.r, id)
	if err != nil {
		return err
	}
	var in inboxRow
	if err := m.get(c.r, roomInbox, idKey(id), &in); err != nil {
		return err
	}
	var v shownRow
	if err := m.get(c.r, roomStill, key, &v); err != nil {
		return err
	}
	if uint64(in.Until) != binary.BigEndian.Uint64(key) {
		return errWrong
	}
	if v.Statement == "" {
		return firstOf(func() error {
			return holds(m.State == Withdrawn && v.Revision == 0 && len(v.Content)+len(v.Head)+len(v.Dissents) == 0 && v.Item == "" && v.Type == "")
		}, func() error { return c.checkReturns(m, v.Returns) })
	}
	var d statement.Draft
	if _, err := jws.ReadEmbedded(v.Statement, &d); err != nil {
		return err
	}
	h, err := seal.ParseHead(v.Head)
	if err == nil {
		err = bundle.CheckHead(h, &d, jws.Digest(v.Statement), m.AuthorKey, h.Commitments.Digest())
	}
	if err != nil {
		return err
	}
	if err := c.checkReturns(m, v.Returns); err != nil {
		return err
	}
	for _, s := range v.Dissents {
		if !slices.Contains(m.Dissents, s) {
			return errWrong
		}
	}
	return holds(v.Revision >= 1 && v.Revision <= len(m.Digests) && jws.Digest(v.Statement) == m.Digests[v.Revision-1] && v.Item == d.Item &&
		v.Type == d.Type && d.Content.Fits(v.Content) == nil)
}

// checkCounts holds against each other what can only be counted: each act leaves one
// answer, one event and one change.
func (c *checker) checkCounts() error {
	named := func(methods ...string) (n uint64) {
		for _, m := range methods {
			n += c.trail.Named["/sigill.v1."+m]
		}
		return n
	}
	author := func(method string) uint64 { return c.trail.Authors["/sigill.v1.DraftingService/"+method] }
	for _, n := range c.votes {
		if n != 0 {
			c.w.Found(roomOpening, "votes and what the log has of them differ")
		}
	}
	votes := named("ReviewService/ApproveOpening", "ReviewService/RefuseOpening")
	for _, f := range []struct {
		room ledger.Room
		a, b uint64
	}{
		{roomRequest, c.answers[answerDraft], c.n.revisions},
		{roomRequest, c.answers[answerReceipt], c.n.dissents + c.n.withdrawn},
		{roomRequest, c.answers[answerState] + c.answers[answerState+" refused"] + c.answers[answerState+" released"], votes},
		{roomRequest, c.answers[answerShare], named("ReviewService/FetchShare")},
		{roomRequest, c.answers[answerNothing], named("SigningService/CosignDecision", "OpeningService/CollectOpening")},
		{roomRequest, c.answers[answerLogged], named("SigningService/ReturnDraft", "SigningService/AbstainFromDecision",
			"SigningService/DispatchDecision", "OpeningService/RequestOpening", "OpeningService/WithdrawOpening",
			"AdministrationService/PublishReviewerSet", "AdministrationService/PublishDelegationOrder",
			"AdministrationService/RegisterRequester", "AdministrationService/RevokeRequester")},
		{roomOpening, c.n.ballots, votes},
		{roomMatter, c.n.signed, named("SigningService/CosignDecision")},
		{roomOpening, c.n.taken, named("OpeningService/WithdrawOpening")},
		{roomRequest, c.answers[answerState+" refused"], c.n.decided - c.n.released},
		{roomRequest, c.answers[answerState+" released"], c.n.released},
		{audit.RoomAuthors, author("SubmitDraft"), c.n.matters},
		{audit.RoomAuthors, author("ReviseDraft") + c.n.matters, c.n.revisions},
		{audit.RoomAuthors, author("AttachDissent"), c.n.dissents},
		{audit.RoomAuthors, author("WithdrawDraft"), c.n.withdrawn},
	} {
		c.same(f.room, "there are more rows, or fewer, than there were acts", f.a, f.b)
	}
	return nil
}
