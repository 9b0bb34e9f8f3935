// Package audit keeps the trail: an event for every call that reads or changes a
// matter, in the same commit as its effect.
//
// Named actors stand by an account id, which is random; issuer and subject stand
// once, in a table of their own ([Account]). Their events lie under the index of
// the log entry that covers them ([PutNamed]). The author of a matter is never
// named: [PutAuthor] files a date, a method and the matter under a random key,
// outside any sequence, and counts the method for the day.
//
// Rows are CBOR (RFC 8949, core deterministic encoding). TestAuthorLeavesNoTrace
// shows that two authors' rows cannot be told apart.
package audit

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/fxamacker/cbor/v2"

	"sigill/keys/ident"
	"sigill/server/store"
)

// The rooms of the trail.
const (
	RoomTrail    store.Room = "trail"        // by log index
	RoomAuthors  store.Room = "trail-author" // by random key
	RoomAccounts store.Room = "account"      // by account id
	RoomLogins   store.Room = "login"        // by MAC of issuer and subject
	RoomTotals   store.Room = "total"        // by MAC of date and method
)

// Layout is what the trail adds to a store.
func Layout() store.Layout {
	return store.Layout{RoomTrail: store.Ordered, RoomAuthors: store.Random, RoomAccounts: store.Random,
		RoomLogins: store.Random, RoomTotals: store.Random}
}

// An AccountID names a login without saying whose it is.
type AccountID [16]byte

// An AccountRow is a login that acts under its name: who it is, what it has
// acted as, and the keys that their first use bound to it.
type AccountRow struct {
	Issuer  string         `cbor:"1,keyasint"`
	Subject string         `cbor:"2,keyasint"`
	Roles   []string       `cbor:"3,keyasint"`
	Keys    []ident.Digest `cbor:"4,keyasint"` // thumbprints, in the order in which they were bound
}

// An Event is what a named actor did. Its encoding is what the log entry covers, under
// the event's salt.
type Event struct {
	Account AccountID `cbor:"1,keyasint"`
	Minute  int64     `cbor:"2,keyasint"` // since 1970
	Method  string    `cbor:"3,keyasint"`
	Matter  []byte    `cbor:"4,keyasint"` // 16 bytes; empty if about none
	Outcome string    `cbor:"5,keyasint"` // "OK" or the reason of the refusal
	Salt    [32]byte  `cbor:"6,keyasint"`
}

// OK is the outcome of what was done.
const OK = "OK"

// AuthorEvent is what the author of a matter did: the day, and no more.
type AuthorEvent struct {
	Day     uint32 `cbor:"1,keyasint"`
	Method  string `cbor:"2,keyasint"`
	Matter  []byte `cbor:"3,keyasint"` // empty for a refused submission
	Outcome string `cbor:"4,keyasint"`
}

// NewEvent fills in the minute and a fresh salt.
func NewEvent(account AccountID, now time.Time, method string, matter []byte, outcome string) Event {
	e := Event{Account: account, Minute: now.Unix() / 60, Method: method, Matter: matter, Outcome: outcome}
	rand.Read(e.Salt[:])
	return e
}

// Digest is what the log entry's preimage names.
func (e Event) Digest() (ident.Digest, error) {
	b, err := encode(e)
	return ident.Sum(b), err
}

// PutNamed files a named actor's event under its log index.
func PutNamed(o *store.Overlay, index uint64, e Event) error {
	b, err := encode(e)
	if err != nil {
		return err
	}
	return o.Put(RoomTrail, binary.BigEndian.AppendUint64(nil, index), b)
}

// PutAgain writes the last of the events that lie shortly before an index as it
// stands, if there is one.
func PutAgain(o *store.Overlay, index uint64) error {
	for n := range min(index, 64) {
		key := binary.BigEndian.AppendUint64(nil, index-1-n)
		b, err := o.Get(RoomTrail, key)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		return errors.Join(err, o.Put(RoomTrail, key, b))
	}
	return nil
}

// A MAC is the store's: it makes keys of rows, which lie in the file in clear.
type MAC func(label string, data ...[]byte) [32]byte

// PutAuthor files an author's event under a random key and counts it in the
// day's total of its method.
func PutAuthor(o *store.Overlay, mac MAC, day ident.Date, method string, matter []byte, outcome string) error {
	b, err := encode(AuthorEvent{day.Days(), method, matter, outcome})
	if err != nil {
		return err
	}
	var key [16]byte
	rand.Read(key[:])
	if err := o.Put(RoomAuthors, key[:], b); err != nil {
		return err
	}
	return count(o, mac, day, method)
}

// totalSize is the length of a total: day (u32), calls (u64), and the method, with
// zeros up to one length for all. The row's key is a MAC of day and method, since
// keys lie in the file in clear: the days on which somebody drafted are in no hand
// that has the file alone.
const totalSize = 64

// count adds one to the day's total of a method.
func count(o *store.Overlay, mac MAC, day ident.Date, method string) error {
	n, err := AuthorCalls(o, mac, day, method)
	if err != nil {
		return err
	}
	key, value := totalRow(mac, day, method, n+1)
	return o.Put(RoomTotals, key[:], value)
}

// AuthorCalls is a day's total of a method of authors.
func AuthorCalls(r store.Reader, mac MAC, day ident.Date, method string) (uint64, error) {
	if len(method) > totalSize-12 {
		return 0, fmt.Errorf("daily total: a method of %d bytes", len(method))
	}
	key, _ := totalRow(mac, day, method, 0)
	v, err := r.Get(RoomTotals, key[:])
	switch {
	case errors.Is(err, store.ErrNotFound):
		return 0, nil
	case err != nil:
		return 0, err
	case len(v) != totalSize:
		return 0, fmt.Errorf("daily total: %w", store.ErrCorrupt)
	}
	n := binary.BigEndian.Uint64(v[4:])
	if _, whole := totalRow(mac, day, method, n); !bytes.Equal(v, whole) {
		return 0, fmt.Errorf("daily total: %w", store.ErrCorrupt)
	}
	return n, nil
}

func totalRow(mac MAC, day ident.Date, method string, n uint64) (key [32]byte, value []byte) {
	at := binary.BigEndian.AppendUint32(nil, day.Days())
	value = binary.BigEndian.AppendUint64(append(make([]byte, 0, totalSize), at...), n)
	return mac("total", at, []byte(method)), append(value, method...)[:totalSize]
}

// Find looks a login up by the MAC of its issuer and subject.
func Find(r store.Reader, login [32]byte) (id AccountID, row AccountRow, err error) {
	v, err := r.Get(RoomLogins, login[:])
	if err != nil {
		return id, row, err
	}
	if len(v) != len(id) {
		return id, row, fmt.Errorf("login: %w", store.ErrCorrupt)
	}
	id = AccountID(v)
	v, err = r.Get(RoomAccounts, id[:])
	if err != nil {
		return id, row, fmt.Errorf("account: %w", err)
	}
	if err := decode(v, &row); err != nil {
		return id, row, fmt.Errorf("account: %w: %w", store.ErrCorrupt, err)
	}
	return id, row, nil
}

// Account finds a login or makes an account for it.
func Account(o *store.Overlay, login [32]byte, issuer, subject string) (AccountID, AccountRow, error) {
	id, row, err := Find(o, login)
	if !errors.Is(err, store.ErrNotFound) {
		return id, row, err
	}
	rand.Read(id[:])
	row = AccountRow{Issuer: issuer, Subject: subject}
	if err := o.Put(RoomLogins, login[:], id[:]); err != nil {
		return id, row, err
	}
	return id, row, PutAccount(o, id, row)
}

// PutAccount changes an account.
func PutAccount(o *store.Overlay, id AccountID, row AccountRow) error {
	b, err := encode(row)
	if err != nil {
		return err
	}
	return o.Put(RoomAccounts, id[:], b)
}

var encMode = sync.OnceValues(func() (cbor.EncMode, error) { return cbor.CoreDetEncOptions().EncMode() })

var decMode = sync.OnceValues(func() (cbor.DecMode, error) {
	return cbor.DecOptions{ExtraReturnErrors: cbor.ExtraDecErrorUnknownField, DupMapKey: cbor.DupMapKeyEnforcedAPF}.DecMode()
})

func encode(v any) ([]byte, error) {
	m, err := encMode()
	if err != nil {
		return nil, fmt.Errorf("audit: %w", err)
	}
	b, err := m.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("audit: %w", err)
	}
	return b, nil
}

func decode(b []byte, v any) error {
	m, err := decMode()
	if err != nil {
		return err
	}
	return m.Unmarshal(b, v)
}
