package workflow

import (
	"context"
	"errors"
	"fmt"

	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/proof"
	"sigill/server/access"
	"sigill/server/audit"
	"sigill/server/ledger"
)

// An actor is a named caller inside an operation.
type actor struct {
	id  audit.AccountID
	row audit.AccountRow
}

// Admit checks the caller's role. A refusal is recorded: under the caller's name,
// but for an author's calls by the day alone. No matter has been looked at then,
// and it may be an author whose role comes back: account, method and minute would
// say who worked when.
func (o *Office) Admit(ctx context.Context, c *Caller) error {
	if access.Public(c.Method) || access.May(c.Method, c.Role) {
		return nil
	}
	if access.Authors(c.Method) {
		return o.authorRefused(ctx, c, nil, refuse(ErrPermission, ReasonRole))
	}
	return o.refused(ctx, c, nil, refuse(ErrPermission, ReasonRole))
}

const submitMethod = "/sigill.v1.DraftingService/SubmitDraft"

// refused records a refusal before its answer leaves, and returns it. What is
// malformed leaves nothing; what cannot be recorded is not answered.
func (o *Office) refused(ctx context.Context, c *Caller, about []byte, err error) error {
	r := (*Refusal)(nil)
	if !errors.As(err, &r) || r.Kind == ErrUnavailable || r.Kind == ErrData || r.Kind == ErrUnauthenticated {
		return err
	}
	if c.Method == submitMethod {
		return o.authorRefused(ctx, c, nil, err)
	}
	if r.Kind == ErrInvalid {
		return err
	}
	_, failed := o.ledger.Do(context.WithoutCancel(ctx), func(tx *ledger.Tx) error {
		return o.trailRefusal(tx, c, about, r.Reason)
	})
	if failed != nil {
		return ledgerError(failed)
	}
	return err
}

func (o *Office) trailRefusal(tx *ledger.Tx, c *Caller, about []byte, reason string) error {
	a, err := o.actor(tx, c)
	if err != nil {
		return err
	}
	return o.trail(tx, c, a, about, reason)
}

// unknown answers a caseworker's question about what is not there. It does all that
// naming a snooper takes, and keeps nothing of it.
func (o *Office) unknown(ctx context.Context, c *Caller, id ident.ID) error {
	_, failed := o.ledger.Do(context.WithoutCancel(ctx), func(tx *ledger.Tx) error {
		if err := o.trailRefusal(tx.Apart(), c, idKey(id), ReasonAbsent); err != nil {
			return err
		}
		return audit.PutAgain(tx.Overlay, o.ledger.Head().Size)
	})
	if failed != nil {
		return ledgerError(failed)
	}
	return absent()
}

// authorRefused records a refusal to an author: the day, the method, the reason.
func (o *Office) authorRefused(ctx context.Context, c *Caller, about []byte, err error) error {
	r := (*Refusal)(nil)
	if !errors.As(err, &r) || r.Kind == ErrUnavailable || r.Kind == ErrData {
		return err
	}
	_, failed := o.ledger.Do(context.WithoutCancel(ctx), func(tx *ledger.Tx) error {
		return audit.PutAuthor(tx.Overlay, o.cipher.MAC, ident.DateOf(tx.Now), c.Method, about, r.Reason)
	})
	if failed != nil {
		return ledgerError(failed)
	}
	return err
}

// actor finds or makes the caller's account, and notes the role it acts in.
func (o *Office) actor(tx *ledger.Tx, c *Caller) (*actor, error) {
	id, row, err := audit.Account(tx.Overlay, o.login(c), c.Identity.Issuer, c.Identity.Subject)
	if err != nil {
		return nil, storeError(err)
	}
	if err := o.noteOfficer(tx, c); err != nil {
		return nil, err
	}
	for _, r := range row.Roles {
		if r == string(c.Role) {
			return &actor{id, row}, nil
		}
	}
	row.Roles = append(row.Roles, string(c.Role))
	return &actor{id, row}, audit.PutAccount(tx.Overlay, id, row)
}

// knownActor finds the account of a caller who has acted before.
func (o *Office) knownActor(r ledger.Reader, c *Caller) (*actor, error) {
	id, row, err := audit.Find(r, o.login(c))
	return &actor{id, row}, storeError(err)
}

// trail files an event for a named caller, with its opaque entry in the log.
func (o *Office) trail(tx *ledger.Tx, c *Caller, a *actor, about []byte, outcome string) error {
	e := audit.NewEvent(a.id, tx.Now, c.Method, about, outcome)
	d, err := e.Digest()
	if err != nil {
		return err
	}
	// Under the event's own salt: the row alone then proves its entry.
	entry, err := proof.Preimage{Kind: proof.Event, Salt: e.Salt, Signed: d}.Entry(proof.RandomTag())
	if err != nil {
		return fmt.Errorf("trail: %w", err)
	}
	return audit.PutNamed(tx.Overlay, tx.Log(entry), e)
}

// once makes an operation idempotent by request id. print is over what was
// asked, who is the account or the author key. An answer given before is given
// again, and nothing else happens.
func (o *Office) once(tx *ledger.Tx, c *Caller, who []byte, print ident.Digest, run func() ([]byte, error)) ([]byte, error) {
	key := o.cipher.MAC("request", c.RequestID[:], who)
	var row requestRow
	switch err := get(tx, roomRequest, key[:], &row); {
	case err == nil && row.Print == print:
		return row.Answer, nil
	case err == nil:
		return nil, refuse(ErrState, ReasonRequestID)
	case !errors.Is(err, ledger.ErrNotFound):
		return nil, err
	}
	answer, err := run()
	if err != nil {
		return nil, err
	}
	return answer, put(tx, roomRequest, key[:], requestRow{print, answer})
}

// answered is what the very same request was answered before; nil if it was not.
// What changes an answer with the day, the order or the state is checked after it.
func (o *Office) answered(ctx context.Context, c *Caller, who []byte, print ident.Digest) (answer []byte, err error) {
	key := o.cipher.MAC("request", c.RequestID[:], who)
	err = o.ledger.Read(ctx, func(r ledger.Reader) error {
		var row requestRow
		err := get(r, roomRequest, key[:], &row)
		if errors.Is(err, ledger.ErrNotFound) {
			return nil
		}
		if row.Print == print {
			answer = row.Answer
		}
		return err
	})
	return answer, ledgerError(err)
}

// named runs a change for a caller under their name: once, trailed, in one
// commit. A refusal is recorded in a commit of its own.
func (o *Office) named(ctx context.Context, c *Caller, about []byte, print ident.Digest, run func(tx *ledger.Tx, a *actor) ([]byte, error)) ([]byte, ledger.Head, error) {
	var answer []byte
	head, err := o.ledger.Do(ctx, func(tx *ledger.Tx) error {
		a, err := o.actor(tx, c)
		if err != nil {
			return err
		}
		answer, err = o.once(tx, c, a.id[:], print, func() ([]byte, error) {
			out, err := run(tx, a)
			if err != nil {
				return nil, err
			}
			return out, o.trail(tx, c, a, about, audit.OK)
		})
		return err
	})
	if err != nil {
		return nil, head, o.refused(ctx, c, about, ledgerError(err))
	}
	return answer, head, nil
}

// look records that a named caller reads, and lets the answer leave only then.
// show runs on the state in which the look is recorded.
func (o *Office) look(ctx context.Context, c *Caller, about []byte, show func(r ledger.Reader, a *actor) error) error {
	_, err := o.ledger.Do(ctx, func(tx *ledger.Tx) error {
		a, err := o.actor(tx, c)
		if err != nil {
			return err
		}
		if err := show(tx, a); err != nil {
			return err
		}
		return o.trail(tx, c, a, about, audit.OK)
	})
	if err != nil {
		return o.refused(ctx, c, about, ledgerError(err))
	}
	return nil
}

// authored runs a change for the author of a matter: once, trailed by the day,
// in one commit. Whether the caller is the author has been established.
func (o *Office) authored(ctx context.Context, c *Caller, m *matter, print ident.Digest, run func(tx *ledger.Tx, m *matter) ([]byte, error)) ([]byte, error) {
	var answer []byte
	about := idKey(m.id)
	_, err := o.ledger.Do(ctx, func(tx *ledger.Tx) error {
		now, err := o.matter(tx, m.id)
		if err != nil {
			return err
		}
		answer, err = o.once(tx, c, m.AuthorKey[:], print, func() ([]byte, error) {
			out, err := run(tx, now)
			if err != nil {
				return nil, err
			}
			return out, audit.PutAuthor(tx.Overlay, o.cipher.MAC, ident.DateOf(tx.Now), c.Method, about, audit.OK)
		})
		return err
	})
	if err != nil {
		return nil, o.authorRefused(ctx, c, about, ledgerError(err))
	}
	return answer, nil
}

// authorKey is the matter's one-time key.
func (m *matter) authorKey() (*jws.PublicKey, error) {
	k, err := jws.ParseJWK(m.Jwk)
	if err != nil {
		return nil, damaged("author key", err)
	}
	return k, nil
}

// byAuthor reads a matter for a caller who says they are its author, and reads
// their statement, signed by the author key, into st. Whoever is not the author
// gets the answer for the unknown, and is named in the trail.
func (o *Office) byAuthor(ctx context.Context, c *Caller, id ident.ID, compact string, st jws.Statement) (*matter, error) {
	m, err := o.sought(ctx, id)
	if err == nil {
		var key *jws.PublicKey
		if key, err = m.authorKey(); err == nil {
			_, err = jws.Read(compact, key, st)
			if f := (*jws.FieldError)(nil); errors.As(err, &f) && c.isAuthor(m.Author) {
				return nil, malformed("statement", err)
			}
		}
	}
	return o.known(ctx, c, id, m, err)
}

// known tells the author of a matter from all others, when err says whether the
// author key was proved. The author is who proves the key with a token that opens
// the commitment. A token that opens it without the key (a proof from a clock that
// is wrong, a key that was lost) is still nobody's but the author's: the refusal
// is filed by the day, since a name here would be the name in the seal. A question
// about what is not there leaves nothing: it may be its author's, whose submission was
// lost and is sent again, and nobody's matter was looked at. Everyone else, also
// with a borrowed key, is named. All get the answer for the unknown, in its time.
func (o *Office) known(ctx context.Context, c *Caller, id ident.ID, m *matter, err error) (*matter, error) {
	if m == nil && !isKind(err, ErrNotFound) || isKind(err, ErrData) {
		return nil, err
	}
	author := m != nil && c.isAuthor(m.Author)
	switch {
	case m == nil || m.instead:
		return nil, o.unknown(ctx, c, id)
	case author && err == nil:
		return m, nil
	case author:
		return nil, o.authorRefused(ctx, c, idKey(id), absent())
	}
	return nil, o.refused(ctx, c, idKey(id), absent())
}

// sought reads a matter outside the queue for who says they are its author: it, or
// another instead of it ([Office.nearest]).
func (o *Office) sought(ctx context.Context, id ident.ID) (m *matter, err error) {
	if _, err := ident.ParseID(string(id)); err != nil {
		return nil, absent()
	}
	err = o.ledger.Read(ctx, func(r ledger.Reader) error {
		m, err = o.nearest(r, id)
		return err
	})
	if errors.Is(err, ledger.ErrNotFound) {
		return nil, absent()
	}
	return m, ledgerError(err)
}

func isKind(err, kind error) bool { return errors.Is(err, kind) }

// find reads a matter outside the queue; what is not there is absent.
func (o *Office) find(ctx context.Context, id ident.ID) (m *matter, err error) {
	if _, err := ident.ParseID(string(id)); err != nil {
		return nil, absent()
	}
	err = o.ledger.Read(ctx, func(r ledger.Reader) error {
		m, err = o.matter(r, id)
		return err
	})
	switch {
	case errors.Is(err, ledger.ErrNotFound):
		return nil, absent()
	case err != nil:
		return nil, ledgerError(err)
	}
	return m, nil
}

// print tells what was asked under a request id, never over a token. It is made with
// the id, which is kept nowhere: a digest of a draft that is published when it is
// signed would say to whoever has the store's keys which row is its request's.
func (o *Office) print(c *Caller, parts ...string) ident.Digest {
	data := [][]byte{c.RequestID[:]}
	for _, p := range parts {
		data = append(data, []byte(p))
	}
	return o.cipher.MAC("print", data...)
}

// fingerprint is a digest over several values.
func fingerprint(parts ...string) ident.Digest {
	var b []byte
	for _, p := range parts {
		d := ident.Sum(p)
		b = append(b, d[:]...)
	}
	return ident.Sum(b)
}
