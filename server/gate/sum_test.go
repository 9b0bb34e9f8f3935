package gate_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"sigill/server/gate"
	"sigill/server/store"
	"sigill/server/store/memory"
)

// look verifies a room.
func look(t testing.TB, s *gate.Store, at store.Room) gate.Look {
	t.Helper()
	snapshot, err := s.Snapshot(context.Background())
	ok(t, err)
	defer snapshot.Close()
	l, err := s.Verify(snapshot, at, func() error { return nil })
	ok(t, err)
	return l
}

// sound wants nothing found in a room.
func sound(t testing.TB, s *gate.Store, at store.Room) {
	t.Helper()
	if l := look(t, s, at); l.Differs || l.Damaged > 0 || l.Rows != l.Wanted {
		t.Errorf("room %s: %+v", at, l)
	}
}

// TestSum: whatever is committed, the sum is over what is there, also after a start;
// and what anyone does to a row in the engine is found, in the room where it is.
func TestSum(t *testing.T) {
	engine, s := pair(t)
	rnd := rand.New(rand.NewPCG(1, 2))
	rooms := []store.Room{"d", room, "signed"}
	for range 100 {
		held := map[store.Room]map[string]store.Change{}
		var changes store.Changes
		for _, at := range rooms {
			held[at] = map[string]store.Change{}
			for k := range byte(8) {
				c := store.Change{Room: at, Key: []byte{k}, Value: bytes.Repeat([]byte{k}, rnd.IntN(3000))}
				switch rnd.IntN(4) {
				case 0:
					changes = append(changes, c)
				case 1:
					c.Value, c.Delete = nil, true
					changes = append(changes, c)
				}
			}
		}
		ok(t, s.Commit(t.Context(), changes))
	}
	put(t, s, room, "a", "first")
	was, err := get(t, engine, room, "a")
	ok(t, err)
	put(t, s, room, "a", "later")
	put(t, s, room, "b", "other")
	for range 2 {
		for _, at := range rooms {
			sound(t, s, at)
		}
		s, err = gate.Open(t.Context(), engine, gateKey)
		ok(t, err)
	}

	is, err := get(t, engine, room, "a")
	ok(t, err)
	other, err := get(t, engine, room, "b")
	ok(t, err)
	set := func(key string, value []byte) {
		ok(t, engine.Commit(t.Context(), store.Changes{{Room: room, Key: []byte(key), Value: value, Delete: value == nil}}))
	}
	for what, do := range map[string]func(){
		"put back":  func() { set("a", was) },
		"deleted":   func() { set("a", nil) },
		"copied":    func() { set("c", is) },
		"swapped":   func() { set("a", other); set("b", is) },
		"both gone": func() { set("a", nil); set("b", nil) },
		"cut":       func() { set("a", is[:5]) },
	} {
		do()
		if l := look(t, s, room); !l.Differs {
			t.Errorf("%s: not found: %+v", what, l)
		}
		sound(t, s, "signed")
		set("a", is)
		set("b", other)
		set("c", nil)
		sound(t, s, room)
	}
	for i := range is {
		flipped := bytes.Clone(is)
		flipped[i] ^= 1
		set("a", flipped)
		if l := look(t, s, room); l.Damaged != 1 {
			t.Errorf("a flipped byte %d: %+v", i, l)
		}
	}
}

// TestSumRow: a store without its sum, or with one that was changed, moved there or of
// another time, is not opened, or found.
func TestSumRow(t *testing.T) {
	engine, s := pair(t)
	put(t, s, room, "a", "first")
	earlier, err := get(t, engine, gate.Room, "sum")
	ok(t, err)
	put(t, s, room, "a", "second")
	whole, err := get(t, engine, gate.Room, "sum")
	ok(t, err)
	for i := range whole {
		flipped := bytes.Clone(whole)
		flipped[i] ^= 1
		put(t, engine, gate.Room, "sum", string(flipped))
		_, err := gate.Open(t.Context(), engine, gateKey)
		wantErr(t, err, store.ErrCorrupt)
	}
	value, err := get(t, engine, room, "a")
	ok(t, err)
	put(t, engine, gate.Room, "sum", string(value))
	_, err = gate.Open(t.Context(), engine, gateKey)
	wantErr(t, err, store.ErrCorrupt)
	put(t, engine, gate.Room, "sum", string(earlier))
	s, err = gate.Open(t.Context(), engine, gateKey)
	ok(t, err)
	if l := look(t, s, room); !l.Differs {
		t.Errorf("an earlier sum: %+v", l)
	}
	ok(t, engine.Commit(t.Context(), store.Changes{{Room: gate.Room, Key: []byte("sum"), Delete: true}}))
	_, err = gate.Open(t.Context(), engine, gateKey)
	wantErr(t, err, gate.ErrNoSum)
}

// TestSumAfterFault: a commit that is refused leaves the sum as it was, and one that
// fails is in it or not as its rows are there or not.
func TestSumAfterFault(t *testing.T) {
	for what, fault := range map[string]memory.Fault{"full": {Err: store.ErrFull}, "lost": {Err: errors.New("no")},
		"kept": {Err: errors.New("no"), Applied: true}} {
		disk := memory.NewDisk(layout())
		s, err := gate.Create(t.Context(), disk.Open(), gateKey)
		ok(t, err)
		put(t, s, room, "a", "first")
		disk.Fault(1, fault)
		if err := s.Commit(t.Context(), store.Changes{{Room: room, Key: []byte("b"), Value: []byte("second")}}); err == nil {
			t.Fatal("no fault")
		}
		if what != "full" {
			s, err = gate.Open(t.Context(), disk.Open(), gateKey)
			ok(t, err)
		}
		sound(t, s, room)
		put(t, s, room, "a", "third")
		sound(t, s, room)
	}
}

// BenchmarkCommit is a commit like a decision's: thirty short rows, half of them there
// before.
func BenchmarkCommit(b *testing.B) {
	_, s := pair(b)
	for n := 0; b.Loop(); n++ {
		var changes store.Changes
		for i := range 30 {
			key := fmt.Sprintf("%02d", i)
			if i%2 == 1 {
				key = fmt.Sprintf("%02d/%09d", i, n%64)
			}
			changes = append(changes, store.Change{Room: "signed", Key: []byte(key), Value: make([]byte, 300)})
		}
		if err := s.Commit(b.Context(), changes); err != nil {
			b.Fatal(err)
		}
	}
}
