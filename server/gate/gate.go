// Package gate is the store under encryption: a store.Store over an engine that
// never sees a value in clear.
//
// Use first: [Create] once over a new engine, [Open] at each start. A gate key,
// from a file or a device, opens a random store key that lies in the engine's
// room [Room]; the store key opens everything else. Each value is encrypted
// under a key of its own that is derived from the store key, the value's room
// and its row's key, so that a value which was changed, cut, moved or swapped is
// store.ErrCorrupt. [MatterKey] seals what must be forgotten together: a matter
// is erased by deleting the row that holds its key.
//
// A sum over all rows (sum.go) lies beside the store key and changes with each
// commit: by it [Store.Verify] finds rows that were deleted, added or put back as they
// once were. Reading a row does not look at it.
//
// What it does not do: the keys of rows lie in clear (they are random ids,
// indices or the result of [Store.MAC], never a name); a whole store that was put
// back is not noticed here but by the log and its witnesses.
//
// The bytes are in SPEC.md, "The gate"; gate_test.go holds them against vectors
// made by another program, disk_test.go looks for clear values in a real file,
// sum_test.go shows that no row can be taken, added or put back unseen.
package gate

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"iter"
	"slices"
	"sync"
	"sync/atomic"

	"sigill/server/store"
)

// Room is the engine's room that the gate keeps for itself. The engine's
// layout must have it; readers and writers of the gate do not.
const Room store.Room = "gate"

// Overhead is how much longer a value is in the engine than in clear, in bytes.
// The engine's limit on values (store.MaxValue) is on the longer one.
const Overhead = 1 + saltSize + tagSize

const (
	version  = 1
	saltSize = 16
	tagSize  = 16
)

// The purposes of derived keys, first in every HKDF info.
const (
	storeKeyLabel = "sigill store key v1"
	valueLabel    = "sigill value v1"
	matterLabel   = "sigill matter v1"
	macLabel      = "sigill mac v1"
	sumLabel      = "sigill sum v1"
)

var rowKey = []byte("store-key")

// ErrWrongKey: the gate key does not open this store's key, or that row is
// damaged; the two cannot be told apart.
var ErrWrongKey = errors.New("gate: the gate key does not open this store")

// ErrExists: the engine has a store key already.
var ErrExists = errors.New("gate: the store has been created before")

// ErrNoSum: the store has no sum over its rows. It is gone, or an earlier version
// made the store.
var ErrNoSum = errors.New("gate: the store has no sum over its rows")

// ErrNoKey: the engine has no store key. It was never created under a gate, or
// its creation was cut short and holds nothing.
var ErrNoKey = errors.New("gate: the store has no key")

// Key is the gate key: 32 bytes that only the authority holds. It does not show
// itself when printed or logged.
type Key [32]byte

// Format prints nothing of the key, whatever the verb.
func (Key) Format(s fmt.State, _ rune) { fmt.Fprint(s, "gate key") }

// MarshalText keeps the key out of JSON and structured logs.
func (Key) MarshalText() ([]byte, error) { return []byte("gate key"), nil }

// A Store is an engine behind the gate. It implements store.Store and owns the
// engine: closing it closes both.
type Store struct {
	engine  store.Store
	values  sync.Pool // of HMACs under the store key
	macs    sync.Pool // of HMACs under the MAC key
	buffers sync.Pool // of *[]byte: what a commit has encrypted
	terms   sync.Pool // of *termer
	unmark  atomic.Bool

	committing sync.Mutex // guards what follows
	sums       sums       // over what is in the engine
}

// Create draws a store key, wraps it under the gate key and keeps it in an
// engine that has none; otherwise it is ErrExists.
func Create(ctx context.Context, engine store.Store, gateKey Key) (*Store, error) {
	switch _, err := readRow(ctx, engine); {
	case err == nil:
		return nil, ErrExists
	case !errors.Is(err, store.ErrNotFound):
		return nil, fmt.Errorf("creating the store key: %w", err)
	}
	var key [32]byte
	rand.Read(key[:])
	s := newStore(engine, key)
	row := store.Change{Room: Room, Key: rowKey, Value: seal(nil, hmac.New(sha256.New, gateKey[:]), []byte(storeKeyLabel), key[:])}
	if err := engine.Commit(ctx, store.Changes{row, s.sumRow(s.sums)}); err != nil {
		return nil, fmt.Errorf("keeping the store key: %w", err)
	}
	return s, nil
}

// Open unwraps the engine's store key. A gate key that does not fit is
// ErrWrongKey, before anything else is read. A store without the sum over its rows is
// ErrNoSum, and one with another in its place store.ErrCorrupt.
func Open(ctx context.Context, engine store.Store, gateKey Key) (*Store, error) {
	row, err := readRow(ctx, engine)
	if errors.Is(err, store.ErrNotFound) {
		return nil, ErrNoKey
	}
	if err != nil {
		return nil, fmt.Errorf("reading the store key: %w", err)
	}
	var key [32]byte
	opened, err := open(hmac.New(sha256.New, gateKey[:]), []byte(storeKeyLabel), row)
	if err != nil || copy(key[:], opened) != len(opened) || len(opened) != len(key) {
		return nil, ErrWrongKey
	}
	s := newStore(engine, key)
	if s.sums, err = s.readSums(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

func readRow(ctx context.Context, engine store.Store) ([]byte, error) {
	snapshot, err := engine.Snapshot(ctx)
	if err != nil {
		return nil, err
	}
	row, err := snapshot.Get(Room, rowKey)
	return row, errors.Join(err, snapshot.Close())
}

func newStore(engine store.Store, key [32]byte) *Store {
	derived := func(label string) []byte {
		k, err := hkdf.Key(sha256.New, key[:], nil, label, 32)
		if err != nil {
			panic(err) // 32 bytes are not too many
		}
		return k
	}
	macKey, termKey := derived(macLabel), derived(sumLabel)
	s := &Store{engine: engine, sums: sums{}}
	s.values.New = func() any { return hmac.New(sha256.New, key[:]) }
	s.buffers.New = func() any { return new([]byte) }
	s.macs.New = func() any { return hmac.New(sha256.New, macKey) }
	s.terms.New = func() any { return &termer{mac: hmac.New(sha256.New, termKey)} }
	return s
}

// MAC is HMAC-SHA256, under a key that only this store has, of a label and
// data, each length-prefixed. It turns what must not lie in the store (a case
// reference, a caller's request id) into the key of a row.
func (s *Store) MAC(label string, data ...[]byte) [32]byte {
	mac := s.macs.Get().(hash.Hash)
	defer s.macs.Put(mac)
	mac.Reset()
	part := func(b []byte) {
		var length [4]byte
		binary.BigEndian.PutUint32(length[:], uint32(len(b)))
		mac.Write(length[:])
		mac.Write(b)
	}
	part([]byte(label))
	for _, d := range data {
		part(d)
	}
	var sum [32]byte
	mac.Sum(sum[:0])
	return sum
}

// Snapshot implements store.Store.
func (s *Store) Snapshot(ctx context.Context) (store.Snapshot, error) {
	inner, err := s.engine.Snapshot(ctx)
	if err != nil {
		return nil, err
	}
	return &snapshot{inner: inner, store: s}, nil
}

// Commit implements store.Store. Values are encrypted anew at every call, under
// fresh salts. What cannot be read of what is replaced is store.ErrCorrupt, and
// nothing was changed.
func (s *Store) Commit(ctx context.Context, changes store.Changes) error {
	if len(changes) == 0 {
		return s.engine.Commit(ctx, nil)
	}
	size := 0
	for _, c := range changes {
		if err := ownRoom(c.Room); err != nil {
			return err
		}
		size += Overhead + len(c.Value)
	}
	// Engines keep nothing of what they commit, so that the next commit may have the bytes.
	held := s.buffers.Get().(*[]byte)
	defer s.buffers.Put(held)
	*held = slices.Grow((*held)[:0], size)
	rest, sealed := *held, make(store.Changes, len(changes), len(changes)+1)
	for i, c := range changes {
		if !c.Delete {
			c.Value = s.seal(rest, c.Room, c.Key, c.Value)
			rest = rest[len(c.Value):len(c.Value)]
		}
		sealed[i] = c
	}
	err := s.commit(ctx, s.withoutMark(sealed))
	if cap(*held) > maxKept {
		*held = nil
	}
	return err
}

// maxKept is the longest buffer that is kept for the next commit, in bytes.
const maxKept = 1 << 20

// Close implements store.Store.
func (s *Store) Close() error { return s.engine.Close() }

type snapshot struct {
	inner store.Snapshot
	store *Store
}

// Get implements store.Reader.
func (p *snapshot) Get(room store.Room, key []byte) ([]byte, error) {
	if err := ownRoom(room); err != nil {
		return nil, err
	}
	value, err := p.inner.Get(room, key)
	if err != nil {
		return nil, err
	}
	return p.open(room, key, value)
}

// Scan implements store.Reader.
func (p *snapshot) Scan(room store.Room, from, to []byte) iter.Seq2[store.Pair, error] {
	return func(yield func(store.Pair, error) bool) {
		if err := ownRoom(room); err != nil {
			yield(store.Pair{}, err)
			return
		}
		for row, err := range p.inner.Scan(room, from, to) {
			if err == nil {
				row.Value, err = p.open(room, row.Key, row.Value)
			}
			if err != nil {
				yield(store.Pair{}, err)
				return
			}
			if !yield(row, nil) {
				return
			}
		}
	}
}

// Close implements store.Snapshot.
func (p *snapshot) Close() error { return p.inner.Close() }

func (p *snapshot) open(room store.Room, key, value []byte) ([]byte, error) {
	secret := p.store.values.Get().(hash.Hash)
	defer p.store.values.Put(secret)
	opened, err := open(secret, place(room, key), value)
	if err != nil {
		return nil, fmt.Errorf("room %s: %w", room, err)
	}
	return opened, nil
}

func (s *Store) seal(into []byte, room store.Room, key, value []byte) []byte {
	secret := s.values.Get().(hash.Hash)
	defer s.values.Put(secret)
	return seal(into, secret, place(room, key), value)
}

// ownRoom keeps the gate's room out of reach.
func ownRoom(room store.Room) error {
	if room == Room {
		return fmt.Errorf("%w: %q", store.ErrUnknownRoom, string(room))
	}
	return nil
}

// place is the info that binds a value to its row.
func place(room store.Room, key []byte) []byte {
	b := make([]byte, 0, len(valueLabel)+1+len(room)+len(key))
	b = append(append(b, valueLabel...), byte(len(room)))
	return append(append(b, room...), key...)
}

// A MatterKey seals what belongs to one matter. It is itself kept as a value of
// the store: with that row everything sealed under it is gone, wherever copies
// of it lie. The row is gone when the engine has also overwritten the page that
// held it, and when the last backup of it has been destroyed; until then the
// gate key revives it. Who makes a matter draws its 32 random bytes. A MatterKey does
// not show itself when printed or logged.
type MatterKey [32]byte

// Format prints nothing of the key, whatever the verb.
func (MatterKey) Format(s fmt.State, _ rune) { fmt.Fprint(s, "matter key") }

// MarshalText keeps the key out of JSON and structured logs.
func (MatterKey) MarshalText() ([]byte, error) { return []byte("matter key"), nil }

// Seal encrypts plaintext for a place within the matter, such as
// "content/2": Open needs the same. The result is Overhead bytes longer and
// different at each call.
func (k MatterKey) Seal(place string, plaintext []byte) []byte {
	return seal(nil, hmac.New(sha256.New, k[:]), []byte(matterLabel+place), plaintext)
}

// Open is the inverse of Seal, or store.ErrCorrupt.
func (k MatterKey) Open(place string, sealed []byte) ([]byte, error) {
	return open(hmac.New(sha256.New, k[:]), []byte(matterLabel+place), bytes.Clone(sealed))
}

// seal is version ‖ salt ‖ AES-256-GCM under a key used for nothing else. The
// secret is given as an HMAC under it. The result lies in the capacity of into, which
// is empty, if that is enough.
func seal(into []byte, secret hash.Hash, info, plaintext []byte) []byte {
	sealed := slices.Grow(into, Overhead+len(plaintext))[:1+saltSize]
	sealed[0] = version
	rand.Read(sealed[1:])
	return aead(secret, sealed[1:], info).Seal(sealed, zeroNonce[:], plaintext, nil)
}

// open decrypts in place. It never returns nil without an error: an empty value
// is a value.
func open(secret hash.Hash, info, sealed []byte) ([]byte, error) {
	if len(sealed) < Overhead || sealed[0] != version {
		return nil, store.ErrCorrupt
	}
	salt, body := sealed[1:1+saltSize], sealed[1+saltSize:]
	plaintext, err := aead(secret, salt, info).Open(body[:0], zeroNonce[:], body, nil)
	if err != nil {
		return nil, store.ErrCorrupt
	}
	return plaintext, nil
}

// zeroNonce will do, since every salt makes another key.
var zeroNonce [12]byte

// aead derives the key by HKDF-Expand (RFC 5869, section 2.3), of which one block
// is enough; secrets are random throughout and need no Extract (section 3.3). The
// HMAC is used again from value to value, which crypto/hkdf does not allow.
func aead(secret hash.Hash, salt, info []byte) cipher.AEAD {
	secret.Reset()
	for _, part := range [][]byte{info, salt, {1}} {
		secret.Write(part)
	}
	var key [sha256.Size]byte
	block, err := aes.NewCipher(secret.Sum(key[:0]))
	if err != nil {
		panic(err) // the key has 32 bytes
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		panic(err) // the block has 16
	}
	return gcm
}
