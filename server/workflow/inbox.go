package workflow

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"sigill/keys/ident"
	"sigill/server/ledger"
)

// An InboxItem is a draft that awaits a signer.
type InboxItem struct {
	ID        ident.ID
	Statement string
	revision  int
}

// ListInbox lists what the caller may sign today, by random id.
func (o *Office) ListInbox(ctx context.Context, c *Caller, size int, after string) (items []InboxItem, next string, err error) {
	from, err := pageFrom(after)
	if err != nil {
		return nil, "", err
	}
	err = o.look(ctx, c, nil, func(r ledger.Reader, a *actor) error {
		items, next, err = o.inboxPage(r, c, a, size, from)
		return err
	})
	return items, next, err
}

// pageFrom is the key from which a page goes on; a token is the last id of the
// page before.
func pageFrom(token string) ([]byte, error) {
	if token == "" {
		return nil, nil
	}
	id, err := ident.ParseID(token)
	if err != nil {
		return nil, invalid("page_token", ReasonField, err)
	}
	return append(idKey(id), 0), nil
}

const pageDefault = 50

func (o *Office) inboxPage(r ledger.Reader, c *Caller, a *actor, size int, from []byte) (items []InboxItem, next string, err error) {
	if size == 0 {
		size = pageDefault
	}
	f, err := o.inForceAt(r)
	if err != nil {
		return nil, "", err
	}
	for p, err := range r.Scan(roomInbox, from, nil) {
		if err != nil {
			return nil, "", storeError(err)
		}
		m, err := o.matter(r, ident.IDFromBytes([16]byte(p.Key)))
		if err != nil {
			return nil, "", err
		}
		v, err := o.shown(r, f, c, a, m)
		if err != nil {
			return nil, "", err
		}
		if v == nil {
			continue
		}
		if len(items) == size {
			return items, string(items[size-1].ID), nil
		}
		items = append(items, InboxItem{m.id, v.Statement, v.Revision})
	}
	return items, "", nil
}

// shown is what a signer is shown of a matter, or nil: its hour has come, the signer
// has not abstained, and the delegation order lets them sign the item.
func (o *Office) shown(r ledger.Reader, f *inForce, c *Caller, a *actor, m *matter) (*shownRow, error) {
	if slices.Contains(m.Abstained, a.id) {
		return nil, nil
	}
	v, err := m.shownAt(r, c.Received)
	if err != nil || v == nil || m.instead {
		return nil, err
	}
	if ok, err := o.maySign(r, f, a, v.Item, c.today()); err != nil || !ok {
		return nil, err
	}
	return v, nil
}

// An InboxDraft is a draft with what its approval cites.
type InboxDraft struct {
	Statement string
	Content   []byte
	Head      []byte
	Dissents  []string
	Returns   []string
	SmallSet  bool
}

// GetInboxDraft shows one draft to a signer; the look is logged first.
func (o *Office) GetInboxDraft(ctx context.Context, c *Caller, id ident.ID) (v *InboxDraft, err error) {
	err = o.look(ctx, c, idKey(id), func(r ledger.Reader, a *actor) error {
		m, s, err := o.shownDraft(r, c, a, id)
		if err != nil {
			return err
		}
		if s.Head == nil { // the pending draft
			d, err := m.draft(r)
			if err != nil {
				return err
			}
			s.Content, s.Head = d.Content, d.Head
		}
		v = &InboxDraft{Statement: s.Statement, Content: s.Content, Head: s.Head, Dissents: s.Dissents, Returns: s.Returns, SmallSet: o.small(s.Type)}
		return nil
	})
	return v, err
}

// shownDraft finds what the caller is shown of a matter; any other is absent.
func (o *Office) shownDraft(r ledger.Reader, c *Caller, a *actor, id ident.ID) (*matter, *shownRow, error) {
	m, err := o.nearest(r, id)
	if errors.Is(err, ledger.ErrNotFound) {
		return nil, nil, absent()
	}
	if err != nil {
		return nil, nil, err
	}
	f, err := o.inForceAt(r)
	if err != nil {
		return nil, nil, err
	}
	v, err := o.shown(r, f, c, a, m)
	if err == nil && v == nil {
		return nil, nil, absent()
	}
	return m, v, err
}

// small reports whether fewer than k people could have written a draft of a type.
func (o *Office) small(typ string) bool {
	n, stated := o.Drafters[typ]
	return stated && n < o.SmallestSet
}

// watchers counts who watches the inbox: one stream for each login.
type watchers struct {
	mu   sync.Mutex
	open map[[32]byte]bool
}

func (w *watchers) enter(login [32]byte) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.open == nil {
		w.open = map[[32]byte]bool{}
	}
	if w.open[login] {
		return false
	}
	w.open[login] = true
	return true
}

func (w *watchers) leave(login [32]byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.open, login)
}

// watchEvery is how often the inbox is looked at for a watcher.
const watchEvery = time.Second

// WatchInbox tells the caller of drafts as they are shown: first of all that are,
// then of those that are new, in order of id. It ends with ctx.
func (o *Office) WatchInbox(ctx context.Context, c *Caller, send func([]ident.ID) error) error {
	login := o.login(c)
	if !o.watchers.enter(login) {
		return refuse(ErrBusy, ReasonTooMany)
	}
	defer o.watchers.leave(login)
	known := map[ident.ID]int{}
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for first := true; ; first = false {
		ids, err := o.newIDs(ctx, c, known, first)
		if err != nil {
			return err
		}
		if len(ids) > 0 || first {
			if err := send(ids); err != nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// newIDs lists shown drafts that are not known, each by its revision: a draft is
// told of again when it is shown revised, whether or not it was away in between.
// The first look is trailed, the later ones belong to it.
func (o *Office) newIDs(ctx context.Context, c *Caller, known map[ident.ID]int, first bool) (ids []ident.ID, err error) {
	now := *c
	now.Received = time.Now()
	list := func(r ledger.Reader, a *actor) error {
		ids = nil
		shown := map[ident.ID]bool{}
		for next := []byte(nil); ; {
			items, more, err := o.inboxPage(r, &now, a, 200, next)
			if err != nil {
				return err
			}
			for _, it := range items {
				shown[it.ID] = true
				if known[it.ID] != it.revision {
					known[it.ID], ids = it.revision, append(ids, it.ID)
				}
			}
			if more == "" {
				maps.DeleteFunc(known, func(id ident.ID, _ int) bool { return !shown[id] })
				return nil
			}
			if next, err = pageFrom(more); err != nil {
				return err
			}
		}
	}
	if first {
		err = o.look(ctx, c, nil, list)
		return ids, err
	}
	err = o.ledger.Read(ctx, func(r ledger.Reader) error {
		a, err := o.knownActor(r, c)
		if err != nil {
			return err
		}
		return list(r, a)
	})
	return ids, ledgerError(err)
}
