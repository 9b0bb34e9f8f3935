package gate_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sigill/server/gate"
	"sigill/server/store"
	"sigill/server/store/bolt"
	"sigill/server/store/memory"
	"sigill/server/store/storetest"
)

var gateKey = gate.Key{1, 2, 3}

func TestSuiteOverMemory(t *testing.T) {
	storetest.Run(t, func(testing.TB) storetest.Opener {
		layout := storetest.Layout()
		layout[gate.Room] = store.Random
		disk := memory.NewDisk(layout)
		open := gate.Create
		return func() (store.Store, error) {
			s, err := open(context.Background(), disk.Open(), gateKey)
			open = gate.Open
			return s, err
		}
	})
}

func TestSuiteOverBolt(t *testing.T) {
	storetest.Run(t, func(t testing.TB) storetest.Opener {
		layout := storetest.Layout()
		layout[gate.Room] = store.Random
		c := bolt.Config{Path: filepath.Join(t.TempDir(), "store"), Layout: layout}
		openEngine, open := bolt.Create, gate.Create
		return func() (store.Store, error) {
			engine, err := openEngine(c)
			if err != nil {
				return nil, err
			}
			s, err := open(context.Background(), engine, gateKey)
			openEngine, open = bolt.Open, gate.Open
			return s, err
		}
	})
}

const room store.Room = "drafts"

func layout() store.Layout {
	return store.Layout{gate.Room: store.Random, room: store.Random, "d": store.Random, "signed": store.Ordered}
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantErr(t testing.TB, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("got error %v, want %v", err, want)
	}
}

func put(t testing.TB, s store.Store, room store.Room, key, value string) {
	t.Helper()
	ok(t, s.Commit(context.Background(), store.Changes{{Room: room, Key: []byte(key), Value: []byte(value)}}))
}

func get(t testing.TB, s store.Store, room store.Room, key string) ([]byte, error) {
	t.Helper()
	snapshot, err := s.Snapshot(context.Background())
	ok(t, err)
	defer snapshot.Close()
	return snapshot.Get(room, []byte(key))
}

// pair returns an engine and the gate over it.
func pair(t testing.TB) (engine store.Store, s *gate.Store) {
	t.Helper()
	engine = memory.NewDisk(layout()).Open()
	s, err := gate.Create(t.Context(), engine, gateKey)
	ok(t, err)
	return engine, s
}

// refused asserts that a row's value is ErrCorrupt, and that nothing of it
// comes out.
func refused(t testing.TB, s store.Store, room store.Room, key string) {
	t.Helper()
	value, err := get(t, s, room, key)
	if !errors.Is(err, store.ErrCorrupt) || value != nil {
		t.Fatalf("got %q, %v", value, err)
	}
	snapshot, err := s.Snapshot(context.Background())
	ok(t, err)
	defer snapshot.Close()
	for p, err := range snapshot.Scan(room, []byte(key), nil) {
		if !errors.Is(err, store.ErrCorrupt) || p.Key != nil || p.Value != nil {
			t.Fatalf("scanned %q, %v", p, err)
		}
	}
}

func TestEveryByteCounts(t *testing.T) {
	engine, s := pair(t)
	put(t, s, room, "k", "value")
	whole, err := get(t, engine, room, "k")
	ok(t, err)
	if len(whole) != len("value")+gate.Overhead {
		t.Fatalf("the engine holds %d bytes", len(whole))
	}
	for i := range whole {
		for bit := range 8 {
			flipped := bytes.Clone(whole)
			flipped[i] ^= 1 << bit
			put(t, engine, room, "k", string(flipped))
			refused(t, s, room, "k")
		}
		put(t, engine, room, "k", string(whole[:i]))
		refused(t, s, room, "k")
	}
	put(t, engine, room, "k", string(whole)+"\x00")
	refused(t, s, room, "k")
	put(t, engine, room, "k", string(whole))
	if value, err := get(t, s, room, "k"); err != nil || string(value) != "value" {
		t.Fatalf("got %q, %v", value, err)
	}
}

func TestMovedValues(t *testing.T) {
	engine, s := pair(t)
	_, other := pair(t)
	put(t, s, room, "k", "value")
	put(t, s, room, "l", "value")
	first, err := get(t, engine, room, "k")
	ok(t, err)
	second, err := get(t, engine, room, "l")
	ok(t, err)
	if bytes.Equal(first, second) || bytes.Equal(first[17:], second[17:]) {
		t.Fatal("equal values look alike")
	}
	put(t, engine, room, "l", string(first)) // swapped
	put(t, engine, room, "k", string(second))
	refused(t, s, room, "k")
	refused(t, s, room, "l")
	put(t, engine, "signed", "k", string(first)) // in another room
	refused(t, s, "signed", "k")
	put(t, s, "d", "rafts\x00", "value") // as one string the same as drafts, \x00
	moved, err := get(t, engine, "d", "rafts\x00")
	ok(t, err)
	put(t, engine, room, "\x00", string(moved))
	refused(t, s, room, "\x00")
	ok(t, other.Commit(t.Context(), store.Changes{{Room: room, Key: []byte("k"), Value: []byte("value")}}))
	put(t, engine, room, "k", string(first))
	if value, err := get(t, s, room, "k"); err != nil || string(value) != "value" {
		t.Fatalf("back in its place: %q, %v", value, err)
	}
}

// TestOwnKey: what one store wrote is refused by another, even under the same
// gate key.
func TestOwnKey(t *testing.T) {
	engine, s := pair(t)
	otherEngine, other := pair(t)
	put(t, s, room, "k", "value")
	value, err := get(t, engine, room, "k")
	ok(t, err)
	put(t, otherEngine, room, "k", string(value))
	refused(t, other, room, "k")
	if s.MAC("l") == other.MAC("l") {
		t.Fatal("two stores have one MAC key")
	}
}

func TestOpenAndCreate(t *testing.T) {
	engine := memory.NewDisk(layout()).Open()
	_, err := gate.Open(t.Context(), engine, gateKey)
	wantErr(t, err, gate.ErrNoKey)
	s, err := gate.Create(t.Context(), engine, gateKey)
	ok(t, err)
	put(t, s, room, "k", "value")
	_, err = gate.Create(t.Context(), engine, gateKey)
	wantErr(t, err, gate.ErrExists)
	for i := range gateKey {
		wrong := gateKey
		wrong[i] ^= 0x80
		opened, err := gate.Open(t.Context(), engine, wrong)
		wantErr(t, err, gate.ErrWrongKey)
		if opened != nil {
			t.Fatal("a store came with ErrWrongKey")
		}
	}
	s, err = gate.Open(t.Context(), engine, gateKey)
	ok(t, err)
	if value, err := get(t, s, room, "k"); err != nil || string(value) != "value" {
		t.Fatalf("got %q, %v", value, err)
	}

	row, err := get(t, engine, gate.Room, "store-key")
	ok(t, err)
	for i := range row {
		damaged := bytes.Clone(row)
		damaged[i] ^= 1
		put(t, engine, gate.Room, "store-key", string(damaged))
		_, err = gate.Open(t.Context(), engine, gateKey)
		wantErr(t, err, gate.ErrWrongKey)
	}
	_, err = gate.Create(t.Context(), engine, gateKey)
	wantErr(t, err, gate.ErrExists) // a damaged key is not replaced
}

func TestCreateKeepsNothingThatFailed(t *testing.T) {
	disk := memory.NewDisk(layout())
	disk.Fault(1, memory.Fault{Err: errors.New("the disk says no")})
	_, err := gate.Create(t.Context(), disk.Open(), gateKey)
	wantErr(t, err, store.ErrStopped)
	_, err = gate.Open(t.Context(), disk.Open(), gateKey)
	wantErr(t, err, gate.ErrNoKey)
	_, err = gate.Create(t.Context(), memory.NewDisk(storetest.Layout()).Open(), gateKey)
	wantErr(t, err, store.ErrUnknownRoom)
}

func TestOwnRoomIsOutOfReach(t *testing.T) {
	engine, s := pair(t)
	before, err := get(t, engine, gate.Room, "store-key")
	ok(t, err)
	value, err := get(t, s, gate.Room, "store-key")
	wantErr(t, err, store.ErrUnknownRoom)
	if value != nil {
		t.Fatal("the gate gave its own row")
	}
	snapshot, err := s.Snapshot(t.Context())
	ok(t, err)
	for p, err := range snapshot.Scan(gate.Room, nil, nil) {
		wantErr(t, err, store.ErrUnknownRoom)
		if p.Key != nil {
			t.Fatal("the gate gave its own row")
		}
	}
	wantErr(t, s.Commit(t.Context(), store.Changes{
		{Room: room, Key: []byte("k"), Value: []byte("v")},
		{Room: gate.Room, Key: []byte("store-key"), Delete: true},
	}), store.ErrUnknownRoom)
	after, err := get(t, engine, gate.Room, "store-key")
	ok(t, err)
	_, err = get(t, s, room, "k")
	wantErr(t, err, store.ErrNotFound)
	if !bytes.Equal(before, after) {
		t.Fatal("the gate's row was changed")
	}
}

// The longest value that an overlay takes fits the engine behind the gate: a row
// that is found too long only by the commit would stop the server.
func TestLongestValue(t *testing.T) {
	_, s := pair(t)
	snapshot, err := s.Snapshot(context.Background())
	ok(t, err)
	defer snapshot.Close()
	o := store.NewOverlay(snapshot)
	ok(t, o.Put(room, []byte("k"), make([]byte, store.MaxHeld)))
	wantErr(t, o.Put(room, []byte("l"), make([]byte, store.MaxHeld+1)), store.ErrInvalid)
	ok(t, s.Commit(context.Background(), o.Changes()))
}

func newMatterKey() (k gate.MatterKey) {
	rand.Read(k[:])
	return k
}

func TestMatterKey(t *testing.T) {
	key, other := newMatterKey(), newMatterKey()
	sealed := key.Seal("content/1", []byte("beslut"))
	if opened, err := key.Open("content/1", sealed); err != nil || string(opened) != "beslut" {
		t.Fatalf("got %q, %v", opened, err)
	}
	if bytes.Equal(sealed, key.Seal("content/1", []byte("beslut"))) {
		t.Fatal("two seals of one plaintext are equal")
	}
	refuse := func(what string, opened []byte, err error) {
		t.Helper()
		if !errors.Is(err, store.ErrCorrupt) || opened != nil {
			t.Fatalf("%s: got %q, %v", what, opened, err)
		}
	}
	opened, err := other.Open("content/1", sealed)
	refuse("another matter", opened, err)
	opened, err = key.Open("content/2", sealed)
	refuse("another place", opened, err)
	for i := range sealed {
		flipped := bytes.Clone(sealed)
		flipped[i] ^= 1
		opened, err = key.Open("content/1", flipped)
		refuse("a flipped byte", opened, err)
		opened, err = key.Open("content/1", sealed[:i])
		refuse("cut", opened, err)
	}
}

func TestKeysDoNotShow(t *testing.T) {
	matter := newMatterKey()
	for _, key := range []any{gateKey, &gateKey, matter, &matter, struct{ K gate.Key }{gateKey}, struct{ K gate.MatterKey }{matter}} {
		asJSON, err := json.Marshal(key)
		ok(t, err)
		for _, shown := range []string{fmt.Sprint(key), fmt.Sprintf("%#v", key), fmt.Sprintf("%x", key), fmt.Sprintf("%d", key), string(asJSON)} {
			if strings.ContainsAny(shown, "0123456789") {
				t.Errorf("a key shows as %s", shown)
			}
		}
	}
}

// TestVectors reads what testdata/vectors.py made without this package.
func TestVectors(t *testing.T) {
	text, err := os.ReadFile("testdata/gate.txt")
	ok(t, err)
	engine := memory.NewDisk(layout()).Open()
	var s *gate.Store
	var gateKey gate.Key
	var values [][]string
	seen := map[string]int{}
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		seen[f[0]]++
		switch f[0] {
		case "store-key":
			gateKey = gate.Key([]byte(field(t, f[1])))
			put(t, engine, gate.Room, "store-key", field(t, f[2]))
		case "value":
			put(t, engine, store.Room(f[1]), field(t, f[2]), field(t, f[4]))
			values = append(values, f)
		case "sum":
			put(t, engine, gate.Room, "sum", field(t, f[2]))
			s, err = gate.Open(t.Context(), engine, gateKey)
			ok(t, err)
			for _, f := range values {
				at, key := store.Room(f[1]), field(t, f[2])
				if value, err := get(t, s, at, key); err != nil || string(value) != field(t, f[3]) {
					t.Errorf("%.40s %x: %v", at, key, err)
				}
				sound(t, s, at)
			}
		case "matter":
			key := gate.MatterKey([]byte(field(t, f[1])))
			clear, err := key.Open(strings.TrimPrefix(f[2], "-"), []byte(field(t, f[4])))
			if err != nil || string(clear) != field(t, f[3]) {
				t.Errorf("%.40s: %v", line, err)
			}
		case "mac":
			var data [][]byte
			for _, d := range f[3:] {
				data = append(data, []byte(field(t, d)))
			}
			if mac := s.MAC(strings.TrimPrefix(f[2], "-"), data...); string(mac[:]) != field(t, f[1]) {
				t.Errorf("%.40s: got %x", line, mac)
			}
		}
	}
	if seen["store-key"] != 1 || seen["value"] != 4 || seen["sum"] != 1 || seen["matter"] != 2 || seen["mac"] != 5 {
		t.Fatalf("vectors read: %v", seen)
	}
}

func field(t testing.TB, s string) string {
	t.Helper()
	b, err := hex.DecodeString(strings.TrimPrefix(s, "-"))
	ok(t, err)
	return string(b)
}

// FuzzOpen: there is one sealed form, and whoever does not have the key cannot
// make another.
func FuzzOpen(f *testing.F) {
	text, err := os.ReadFile("testdata/gate.txt")
	ok(f, err)
	var key gate.MatterKey
	known := map[string]string{} // by sealed form, for the place "content/1"
	for line := range strings.Lines(string(text)) {
		if v := strings.Fields(line); v[0] == "matter" {
			key = gate.MatterKey([]byte(field(f, v[1])))
			sealed := field(f, v[4])
			if v[2] == "content/1" {
				known[sealed] = field(f, v[3])
			}
			f.Add([]byte(sealed))
		}
	}
	f.Fuzz(func(t *testing.T, sealed []byte) {
		opened, err := key.Open("content/1", sealed)
		if plaintext, ours := known[string(sealed)]; ours != (err == nil) || ours && string(opened) != plaintext {
			t.Fatalf("opened %x as %q, %v", sealed, opened, err)
		}
	})
}
