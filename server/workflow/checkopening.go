package workflow

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"

	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/opening"
	"sigill/keys/proof"
	"sigill/server/audit"
	"sigill/server/check"
)

// checkOpenings checks every request to open a seal with its votes and its end, and the
// lists in which it stands.
func (c *checker) checkOpenings(*check.Walk) error {
	err := c.w.Rows(c.r, roomOpening, func(key, value []byte) {
		var row openingRow
		if len(key) != 16 || decode(value, &row) != nil || len(row.Decision) != 16 {
			c.w.Found(roomOpening, "a row that is no request")
			return
		}
		id := ident.IDFromBytes([16]byte(key))
		if err := c.checkOpening(id, &row); err != nil {
			c.w.Found(roomOpening, "a request, its votes or its end are not what was signed and logged", check.At(row.Requested.Index))
		}
		lists := [][]byte{row.Decision, row.Account[:]}
		if row.State == openingPending {
			lists = append(lists, undecided)
		}
		for _, l := range lists {
			if _, err := c.r.Get(roomOpeningsOf, openingKey(l, id)); err != nil {
				c.w.Found(roomOpeningsOf, "a request is missing in a list", check.At(row.Requested.Index))
			}
		}
	})
	if err != nil {
		return err
	}
	err = c.w.Rows(c.r, roomOpeningsOf, func(key, value []byte) {
		if err := c.checkListed(key, value); err != nil {
			c.w.Found(roomOpeningsOf, "a list has what does not belong there")
		}
	})
	if err != nil {
		return err
	}
	return c.w.Rows(c.r, roomNotice, func(key, value []byte) {
		err := holds(len(key) == 20 && len(value) == 0)
		var row *openingRow
		if err == nil {
			row, err = readOpening(c.r, ident.IDFromBytes([16]byte(key[4:])))
		}
		if err != nil || row.Noticed || row.Release == "" || !bytes.Equal(row.Released.Tag[:4], key[:4]) {
			c.w.Found(roomNotice, "a delayed notice of no opening that waits for one, or for another day")
		}
	})
}

func (c *checker) checkListed(key, value []byte) error {
	if len(key) != 32 {
		return errWrong
	}
	row, err := readOpening(c.r, ident.IDFromBytes([16]byte(key[16:])))
	if err != nil {
		return err
	}
	if bytes.Equal(key[:16], undecided) {
		return holds(row.State == openingPending && bytes.Equal(value, row.Account[:]))
	}
	return holds(len(value) == 0 && (bytes.Equal(key[:16], row.Decision) || bytes.Equal(key[:16], row.Account[:])))
}

func (c *checker) checkOpening(id ident.ID, row *openingRow) error {
	var req opening.Request
	var s *sealRow
	return firstOf(func() error {
		who, err := c.o.readRequester(row.Requester)
		if err != nil {
			return err
		}
		if _, err := jws.Read(row.Request, who.key, &req); err != nil {
			return err
		}
		used := c.o.cipher.MAC("recipient key", req.Recipient)
		c.byUse[string(used[:])] = true
		return holds(req.Opening == id && string(idKey(req.Decision)) == string(row.Decision) && req.Authority == c.o.Trust.Authority &&
			who.May(req.Ground, req.Date) == nil && c.logs(row.Requested, proof.OpeningRequested, jws.Digest(row.Request)))
	}, func() error {
		_, err := c.r.Get(audit.RoomAccounts, row.Account[:])
		return err
	}, func() (err error) {
		if s, err = c.o.sealOf(c.r, row.decision()); err == nil {
			err = holds(jws.Digest(s.decision.Decision) == req.Statement && row.Epoch == s.head.Set.Epoch && row.Reviewers == s.reviewers())
		}
		return err
	}, func() error {
		return c.checkBallots(row, &req, s)
	}, func() error {
		return c.checkEnd(id, row, &req, s)
	})
}

// checkBallots verifies every vote, and that its vector is there exactly as long as it
// may count.
func (c *checker) checkBallots(row *openingRow, req *opening.Request, s *sealRow) error {
	set, err := s.set(c.r)
	if err != nil {
		return err
	}
	var counted []ballotRow
	if row.Release != "" {
		if counted, err = row.counted(); err != nil {
			return err
		}
	}
	voted := map[[2]int]bool{}
	for _, b := range row.Ballots {
		c.n.ballots++
		c.votes[jws.Digest(b.Vote)]++
		var v opening.Vote
		if err := jws.Peek(b.Vote, &v); err != nil {
			return err
		}
		m, err := set.Member(v.Group, v.Index)
		if err != nil {
			return err
		}
		key, err := m.Key.Public()
		if err != nil {
			return err
		}
		if _, err := jws.Read(b.Vote, key, &v); err != nil {
			return err
		}
		cp := proof.Checkpoint{Origin: c.o.Trust.Authority, Size: uint64(v.Checkpoint.Size), Root: v.Checkpoint.Root}
		if err := errors.Join(v.Fits(req, jws.Digest(row.Request), true), c.log.Holds(c.r, cp)); err != nil {
			return err
		}
		kept := len(v.Granted) > 0 && (row.State == openingPending || slices.ContainsFunc(counted, func(k ballotRow) bool { return k.Vote == b.Vote }) && granted(row.State))
		if voted[[2]int{v.Group, v.Index}] || kept != (len(b.Vector) > 0) || kept && ident.Sum(b.Vector) != v.Vector {
			return errWrong
		}
		voted[[2]int{v.Group, v.Index}] = true
	}
	return nil
}

func granted(s openingState) bool { return s == openingReleased || s == openingCollected }

// checkEnd makes the release again from the votes that it counts.
func (c *checker) checkEnd(id ident.ID, row *openingRow, req *opening.Request, s *sealRow) error {
	none := func(l loggedRow) bool { return len(l.Preimage) == 0 && l.Index == 0 }
	if (row.State == openingCollected) != (len(row.Note) > 0) || row.State != openingCollected && row.Dissents != 0 {
		return errWrong
	}
	switch row.State {
	case openingPending:
		return holds(row.Release == "" && none(row.Released) && none(row.Closed) && !row.Noticed)
	case openingWithdrawn, openingExpired:
		if row.State == openingWithdrawn {
			c.n.taken++
		}
		return holds(row.Release == "" && none(row.Released) && !row.Noticed && c.logs(row.Closed, proof.OpeningClosed, jws.Digest(row.Request)))
	case openingReleased, openingCollected, openingRefused:
	default:
		return errWrong
	}
	var rel opening.Release
	if _, _, err := jws.ReadBy(row.Release, c.byLog, &rel); err != nil {
		return err
	}
	kept, err := row.counted()
	if err != nil {
		return err
	}
	var ballots []opening.Ballot
	for _, b := range kept {
		v := &opening.Vote{}
		if err := jws.Peek(b.Vote, v); err != nil {
			return err
		}
		ballots = append(ballots, opening.Ballot{Vote: v, Cast: opening.Cast{Vector: v.Vector, Vote: jws.Digest(b.Vote)}})
	}
	again := opening.Conclude(req, jws.Digest(row.Request), s.core, s.head.Groups, ballots, rel.Date)
	if again == nil || c.w.Today.Before(rel.Date) {
		return errWrong
	}
	a, err := jws.Canonical(again)
	if err != nil {
		return err
	}
	b, err := jws.Canonical(&rel)
	kind := proof.OpeningReleased
	if row.State == openingRefused {
		kind = proof.OpeningRefused
	}
	if err != nil || !bytes.Equal(a, b) || (len(rel.Granted) > 0) != granted(row.State) || !none(row.Closed) || !c.logs(row.Released, kind, jws.Digest(row.Release)) {
		return errWrong
	}
	if !req.Expires.Before(rel.Date) { // by votes, and not by the clock
		c.n.decided++
		if row.State != openingRefused {
			c.n.released++
		}
	}
	if row.State == openingRefused {
		return holds(!row.Noticed)
	}
	return c.checkNoticed(id, row, s)
}

// checkNoticed: the author knows, or a notice waits for its day; and what a package is
// proved by is a head of this log.
func (c *checker) checkNoticed(id ident.ID, row *openingRow, s *sealRow) error {
	due := binary.BigEndian.Uint32(row.Released.Tag[:4])
	_, err := c.r.Get(roomNotice, noticeKey(ident.DateFromDays(due), id))
	if (err == nil) == row.Noticed || !row.Noticed && due+1 < c.w.Today.Days() {
		return errWrong
	}
	if row.State == openingReleased {
		return nil
	}
	cp, _, err := c.trust.Policy.Accept(row.Note)
	if err == nil {
		err = c.log.Holds(c.r, cp)
	}
	if err != nil {
		return err
	}
	return holds(cp.Size > row.Released.Index && row.Dissents <= len(s.m.Dissents))
}
