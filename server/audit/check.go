package audit

import (
	"bytes"
	"encoding/binary"
	"slices"
	"time"

	"sigill/keys/ident"
	"sigill/server/check"
	"sigill/server/store"
)

// Checked is what [Check] has seen that other rooms can be held against.
type Checked struct {
	Named   map[string]uint64 // events of named callers with outcome OK, by method
	Authors map[string]uint64 // of authors, likewise
	First   ident.Date        // of the first event; "" if there is none
	Last    int64             // minute of the last one
	Roles   map[string]int    // accounts that have acted in a role

	others Rooms
	did    map[AccountID]map[string]bool // methods of events with outcome OK
}

// Rooms is what others say of what stands in the trail's.
type Rooms struct {
	Bound  func(id AccountID, key ident.Digest) bool // is the key bound to the account?
	Matter func(id []byte) bool                      // is there such a matter?
	May    func(method, role string) bool            // may a role call a method? none: is it a role?
	Event  func(e Event)                             // is told of each event of a named caller with outcome OK
}

// Check checks the rooms of the trail. Covers says whether the log entry at an index is
// the one over an event with a digest.
func Check(r store.Reader, w *check.Walk, mac MAC, covers func(index uint64, e Event, digest ident.Digest) bool, others Rooms) (*Checked, error) {
	c := &Checked{Named: map[string]uint64{}, Authors: map[string]uint64{}, Roles: map[string]int{}, others: others,
		did: map[AccountID]map[string]bool{}}
	for _, step := range []func() error{
		func() error { return c.trail(r, w, covers) },
		func() error { return c.authors(r, w, mac) },
		func() error { return c.accounts(r, w, mac) },
	} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func (c *Checked) trail(r store.Reader, w *check.Walk, covers func(uint64, Event, ident.Digest) bool) error {
	return w.Rows(r, RoomTrail, func(key, value []byte) {
		var e Event
		if len(key) != 8 || decode(value, &e) != nil {
			w.Found(RoomTrail, "a row that is no event")
			return
		}
		index := binary.BigEndian.Uint64(key)
		if !covers(index, e, ident.Sum(value)) {
			w.Found(RoomTrail, "an event that its log entry does not cover", check.At(index))
			return
		}
		if _, err := r.Get(RoomAccounts, e.Account[:]); err != nil && e.Account != (AccountID{}) {
			w.Found(RoomAccounts, "the account of an event is missing", check.At(index))
		}
		if e.Outcome == OK {
			if c.Named[e.Method]++; c.did[e.Account] == nil {
				c.did[e.Account] = map[string]bool{}
			}
			c.did[e.Account][e.Method] = true
			c.others.Event(e)
		}
		on := ident.DateOf(time.Unix(60*e.Minute, 0))
		if w.Today.AddDays(1).Before(on) {
			w.Found(RoomTrail, "an event that is dated ahead", check.At(index))
			return
		}
		if c.First == "" {
			c.First = on
		}
		c.Last = max(c.Last, e.Minute)
	})
}

// authors holds the author's events against the totals of their days, both ways.
func (c *Checked) authors(r store.Reader, w *check.Walk, mac MAC) error {
	type on struct {
		day    uint32
		method string
	}
	counted := map[on]uint64{}
	err := w.Rows(r, RoomAuthors, func(_, value []byte) {
		var e AuthorEvent
		if decode(value, &e) != nil {
			w.Found(RoomAuthors, "a row that is no event")
			return
		}
		if counted[on{e.Day, e.Method}]++; e.Outcome == OK {
			c.Authors[e.Method]++
		}
		if len(e.Matter) > 0 && !c.others.Matter(e.Matter) || e.Outcome == OK && len(e.Matter) == 0 {
			w.Found(RoomAuthors, "an event about no matter that there is")
		}
		if w.Today.Days() < e.Day {
			w.Found(RoomAuthors, "an event that is dated ahead")
		}
	})
	if err != nil {
		return err
	}
	err = w.Rows(r, RoomTotals, func(key, value []byte) {
		if len(value) != totalSize {
			w.Found(RoomTotals, "a row that is no total")
			return
		}
		day, n := binary.BigEndian.Uint32(value), binary.BigEndian.Uint64(value[4:])
		method := string(bytes.TrimRight(value[12:], "\x00"))
		if want, whole := totalRow(mac, ident.DateFromDays(day), method, n); !bytes.Equal(key, want[:]) || !bytes.Equal(value, whole) {
			w.Found(RoomTotals, "a total that stands in another's place")
		}
		if counted[on{day, method}] != n {
			w.Found(RoomTotals, "a total is not the number of its events")
		}
		delete(counted, on{day, method})
	})
	if len(counted) > 0 {
		w.Found(RoomTotals, "events of authors whose total is missing")
	}
	return err
}

// accounts holds accounts, logins and bound keys against each other.
func (c *Checked) accounts(r store.Reader, w *check.Walk, mac MAC) error {
	accounts, logins := 0, 0
	err := w.Rows(r, RoomAccounts, func(key, value []byte) {
		accounts++
		var row AccountRow
		if len(key) != len(AccountID{}) || decode(value, &row) != nil {
			w.Found(RoomAccounts, "a row that is no account")
			return
		}
		id, login := AccountID(key), mac("login", []byte(row.Issuer), []byte(row.Subject))
		if v, err := r.Get(RoomLogins, login[:]); err != nil || !bytes.Equal(v, key) {
			w.Found(RoomLogins, "the login of an account is missing, or another's")
		}
		for i, k := range row.Keys {
			if slices.Contains(row.Keys[:i], k) || !c.others.Bound(id, k) {
				w.Found(RoomAccounts, "an account lists a key that is not bound to it")
			}
		}
		for _, role := range row.Roles {
			if c.Roles[role]++; !c.others.May("", role) {
				w.Found(RoomAccounts, "an account with a role that there is not")
			}
		}
		for method := range c.did[id] {
			if !slices.ContainsFunc(row.Roles, func(role string) bool { return c.others.May(method, role) }) {
				w.Found(RoomAccounts, "an account has not the role in which it has acted")
			}
		}
	})
	if err != nil {
		return err
	}
	err = w.Rows(r, RoomLogins, func(_, value []byte) {
		logins++
		if _, err := r.Get(RoomAccounts, value); len(value) != len(AccountID{}) || err != nil {
			w.Found(RoomLogins, "a login without its account")
		}
	})
	if err == nil && accounts != logins {
		w.Found(RoomLogins, "there are more logins than accounts, or fewer")
	}
	return err
}
