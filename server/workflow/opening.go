package workflow

import (
	"context"
	"errors"

	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/opening"
	"sigill/keys/order"
	"sigill/keys/proof"
	"sigill/keys/seal"
	"sigill/server/ledger"
)

// A requester is a registration with its signatures.
type requester struct {
	order.Requester
	docs []string
	key  *jws.PublicKey
}

func (o *Office) readRequester(docs []string) (*requester, error) {
	q := &requester{docs: docs}
	_, err := o.Trust.Board.Read(docs, &q.Requester)
	if err == nil {
		q.key, err = q.Key.Public()
	}
	if err != nil {
		return nil, damaged("requester", err)
	}
	return q, nil
}

// requesterNow is a requester as it is registered now.
func (o *Office) requesterNow(r ledger.Reader, id ident.ID) (*requester, error) {
	var row documentRow
	if err := get(r, roomRequester, idKey(id), &row); err != nil {
		return nil, err
	}
	return o.readRequester(row.Signatures)
}

// requestersBy finds the registrations of a key: the board may have made several.
func (o *Office) requestersBy(r ledger.Reader, kid ident.Digest) (found []*requester, err error) {
	for p, err := range r.Scan(roomRequester, nil, nil) {
		if err != nil {
			return nil, storeError(err)
		}
		var row documentRow
		if err := decode(p.Value, &row); err != nil {
			return nil, err
		}
		q, err := o.readRequester(row.Signatures)
		if err != nil {
			return nil, err
		}
		if q.key.Thumbprint() == kid {
			found = append(found, q)
		}
	}
	if len(found) == 0 {
		return nil, refuse(ErrPermission, ReasonKey)
	}
	return found, nil
}

// A sealRow is what an opening is about: the seal of a signed decision.
type sealRow struct {
	m        *matter
	decision *decisionRow
	boxes    *boxesRow
	head     *seal.Head
	core     ident.Digest
	of       *order.ReviewerSet // as set has read it
}

// sealOf reads the seal of a signed decision. Unknown, unsigned and withdrawn are
// one answer: nobody learns of a draft by asking for it.
func (o *Office) sealOf(r ledger.Reader, id ident.ID) (*sealRow, error) {
	m, err := o.matter(r, id)
	if errors.Is(err, ledger.ErrNotFound) || err == nil && m.State != Signed && m.State != Dispatched {
		return nil, refuse(ErrState, ReasonNotSigned)
	}
	if err != nil {
		return nil, err
	}
	row, err := m.decision(r)
	if err != nil {
		return nil, storeError(err)
	}
	h, err := seal.ParseHead(row.Head)
	if err != nil {
		return nil, damaged("seal", err)
	}
	boxes, err := m.boxes(r)
	if err != nil {
		return nil, storeError(err)
	}
	return &sealRow{m: m, decision: row, boxes: boxes, head: h, core: ident.Sum(row.Head)}, nil
}

func (s *sealRow) reviewers() (n int) {
	for _, g := range s.head.Groups {
		n += g.Members
	}
	return n
}

// RequestOpening takes a request: by a requester whom the board has registered
// for its ground, for a signed decision, to a recipient key never used before. It
// is durable and logged before the answer leaves.
func (o *Office) RequestOpening(ctx context.Context, c *Caller, request string) (*Logged, error) {
	if again, err := o.actedBefore(ctx, c, request); again != nil || err != nil {
		return again, err
	}
	var req opening.Request
	var who *requester
	var s *sealRow
	err := o.ledger.Read(ctx, func(r ledger.Reader) (err error) {
		if who, err = o.readRequest(r, c, request, &req); err == nil {
			s, err = o.sealOf(r, req.Decision)
		}
		return err
	})
	if err == nil && jws.Digest(s.decision.Decision) != req.Statement {
		err = refuse(ErrState, ReasonNotSigned)
	}
	if err != nil {
		return nil, o.refused(ctx, c, about(req.Decision), ledgerError(err))
	}
	answer, head, err := o.named(ctx, c, idKey(req.Decision), o.print(c, c.Method, request), func(tx *ledger.Tx, a *actor) ([]byte, error) {
		row := &openingRow{State: openingPending, Decision: idKey(req.Decision), Account: a.id, Request: request,
			Requester: who.docs, Epoch: s.head.Set.Epoch, Reviewers: s.reviewers()}
		return o.request(tx, a, &req, who, row)
	})
	if err != nil {
		return nil, err
	}
	return o.loggedAgain(ctx, answer, head)
}

// about is a decision's id for the trail, or nothing.
func about(id ident.ID) []byte {
	if id == "" {
		return nil
	}
	return idKey(id)
}

// readRequest reads a request by the key that the board has registered for it. Of
// several registrations it is under one by which the requester may ask.
func (o *Office) readRequest(r ledger.Reader, c *Caller, compact string, req *opening.Request) (who *requester, err error) {
	var list []*requester
	_, _, err = jws.ReadBy(compact, func(kid ident.Digest) (*jws.PublicKey, error) {
		if list, err = o.requestersBy(r, kid); err != nil {
			return nil, err
		}
		return list[0].key, nil
	}, req)
	switch no := (*Refusal)(nil); {
	case errors.As(err, &no):
		return nil, err
	case err != nil:
		return nil, malformed("request", err)
	case req.Authority != o.Trust.Authority:
		return nil, invalid("request.authority", ReasonField, jws.ErrValue)
	case req.Date != c.today():
		return nil, refuse(ErrState, ReasonDay)
	}
	for _, who = range list {
		if err = mayAsk(who, req); err == nil {
			break
		}
	}
	return who, err
}

func mayAsk(who *requester, req *opening.Request) error {
	if err := who.May(req.Ground, req.Date); err != nil {
		return &Refusal{Kind: ErrPermission, Reason: ReasonRequesterRevoked, err: err}
	}
	return nil
}

// request is the operation: what could have changed is looked at again.
func (o *Office) request(tx *ledger.Tx, a *actor, req *opening.Request, who *requester, row *openingRow) ([]byte, error) {
	f, err := o.inForceAt(tx)
	if err != nil {
		return nil, err
	}
	asking, err := requesters(tx, req.Date)
	if err != nil {
		return nil, err
	}
	if err := o.bindKey(tx, f, a, who.key.Thumbprint(), asking); err != nil {
		return nil, err
	}
	now, err := o.requesterNow(tx, who.Requester.Requester)
	if err != nil {
		return nil, err
	}
	if err := mayAsk(now, req); err != nil {
		return nil, err
	}
	switch _, err := readOpening(tx, req.Opening); {
	case err == nil:
		return nil, invalid("request.opening", ReasonTaken, nil)
	case !isKind(err, ErrNotFound):
		return nil, err
	}
	err = o.useOnce(tx, "recipient key", "request.recipient", req.Recipient)
	if isKind(err, ErrInvalid) {
		err = refuse(ErrState, ReasonTaken)
	}
	if err != nil {
		return nil, err
	}
	if err := o.hasRoom(tx, a); err != nil {
		return nil, err
	}
	if row.Requested, err = o.enterAs(tx, proof.OpeningRequested, jws.Digest(row.Request), proof.RandomTag()); err != nil {
		return nil, err
	}
	for _, l := range []struct{ list, value []byte }{{row.Decision, nil}, {a.id[:], nil}, {undecided, a.id[:]}} {
		if err := tx.Put(roomOpeningsOf, openingKey(l.list, req.Opening), append([]byte{}, l.value...)); err != nil {
			return nil, err
		}
	}
	if err := row.save(tx, req.Opening); err != nil {
		return nil, err
	}
	return encode(row.Requested)
}

// hasRoom bounds how many undecided requests a requester may have.
func (o *Office) hasRoom(r ledger.Reader, a *actor) error {
	n := 0
	from, to := within(undecided, nil)
	for p, err := range r.Scan(roomOpeningsOf, from, to) {
		if err != nil {
			return storeError(err)
		}
		if string(p.Value) == string(a.id[:]) {
			n++
		}
	}
	if n >= o.MaxOpenings {
		return refuse(ErrBusy, ReasonTooMany)
	}
	return nil
}

// An OpeningView is a request as its requester sees it: of the votes only how
// many there are.
type OpeningView struct {
	ID        ident.ID
	State     int
	Request   string
	Logged    Logged
	Votes     int // cast
	Reviewers int
	Release   string   // once it has ended by votes
	Ballots   []string // then also every vote that it counts, with its reasons; of one that has run out every vote cast
}

func (o *Office) openingView(ctx context.Context, id ident.ID, row *openingRow) (*OpeningView, error) {
	l, err := o.loggedFrom(ctx, row.Requested, o.headOver(row.Requested.Index+1))
	if err != nil {
		return nil, err
	}
	v := &OpeningView{ID: id, State: int(row.State), Request: row.Request, Logged: *l, Votes: len(row.Ballots), Reviewers: row.Reviewers}
	var shown []ballotRow // until it has ended nobody is told who voted how
	switch {
	case row.Release != "":
		v.Release = row.Release
		if shown, err = row.counted(); err != nil {
			return nil, err
		}
	case row.State == openingExpired: // who refused says why, also if too few did to end it
		shown = row.Ballots
	}
	for _, b := range shown {
		v.Ballots = append(v.Ballots, b.Vote)
	}
	return v, nil
}

// own reads the caller's own request; a foreign one is absent.
func own(r ledger.Reader, a *actor, id ident.ID) (*openingRow, error) {
	row, instead, err := nearestOpening(r, id)
	if err == nil && (instead || row.Account != a.id) {
		err = absent()
	}
	if err != nil {
		return nil, err
	}
	return row, nil
}

// GetOpening shows how the caller's own request stands.
func (o *Office) GetOpening(ctx context.Context, c *Caller, id ident.ID) (*OpeningView, error) {
	var row *openingRow
	err := o.look(ctx, c, o.aboutOpening(ctx, id), func(r ledger.Reader, a *actor) (err error) {
		row, err = own(r, a, id)
		return err
	})
	if err != nil {
		return nil, err
	}
	return o.openingView(ctx, id, row)
}

// ListOpenings lists the caller's own requests, by random id.
func (o *Office) ListOpenings(ctx context.Context, c *Caller, size int, token string) (views []OpeningView, next string, err error) {
	page, err := pageFrom(token)
	if err != nil {
		return nil, "", err
	}
	if size == 0 {
		size = pageDefault
	}
	var ids []ident.ID
	var rows []*openingRow
	err = o.look(ctx, c, nil, func(r ledger.Reader, a *actor) error {
		return listed(r, a.id[:], page, func(id ident.ID, row *openingRow) (bool, error) {
			if len(ids) == size {
				next = string(ids[size-1])
				return false, nil
			}
			ids, rows = append(ids, id), append(rows, row)
			return true, nil
		})
	})
	if err != nil {
		return nil, "", err
	}
	for i, row := range rows {
		v, err := o.openingView(ctx, ids[i], row)
		if err != nil {
			return nil, "", err
		}
		views = append(views, *v)
	}
	return views, next, nil
}

// WithdrawOpening takes an undecided request back; that it was, stays in the log.
func (o *Office) WithdrawOpening(ctx context.Context, c *Caller, id ident.ID) (*Logged, error) {
	answer, head, err := o.named(ctx, c, o.aboutOpening(ctx, id), o.print(c, c.Method, string(id)), func(tx *ledger.Tx, a *actor) ([]byte, error) {
		row, err := own(tx, a, id)
		if err != nil {
			return nil, err
		}
		if err := row.open(ident.DateOf(tx.Now)); err != nil {
			return nil, err
		}
		if row.Closed, err = o.enterAs(tx, proof.OpeningClosed, jws.Digest(row.Request), proof.RandomTag()); err != nil {
			return nil, err
		}
		if err := row.close(tx, id, openingWithdrawn); err != nil {
			return nil, err
		}
		return encode(row.Closed)
	})
	if err != nil {
		return nil, err
	}
	return o.loggedAgain(ctx, answer, head)
}
