package workflow_test

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/fxamacker/cbor/v2"

	"sigill/keys/ident"
	"sigill/server/gate"
	"sigill/server/store"
)

// Whether every row is changed in every way. Else TestEveryValue draws few of each room,
// and [TestMeaning] takes of each form one row, which it deletes; of openings it changes
// a member too, of decisions each. All of it takes minutes:
//
//	go test ./server/workflow -run 'TestEveryValue|TestMeaning' -check.all -v
var checkAll = flag.Bool("check.all", false, "change every row of a store in every way")

// rowsOf are the rows of a store, by room.
func rowsOf(t *testing.T, s store.Store) map[store.Room][]store.Pair {
	t.Helper()
	snapshot := must(s.Snapshot(ctx))
	defer snapshot.Close()
	out := map[store.Room][]store.Pair{}
	for room := range layout() {
		if _, behind := s.(*gate.Store); behind && room == gate.Room {
			continue
		}
		for p, err := range snapshot.Scan(room, nil, nil) {
			must(0, err)
			out[room] = append(out[room], p)
		}
	}
	return out
}

// set commits rows: a nil value deletes.
func set(s store.Store, room store.Room, rows ...store.Pair) {
	var changes store.Changes
	for _, p := range rows {
		changes = append(changes, store.Change{Room: room, Key: p.Key, Value: p.Value, Delete: p.Value == nil})
	}
	slices.SortFunc(changes, func(a, b store.Change) int { return bytes.Compare(a.Key, b.Key) })
	must(0, s.Commit(ctx, changes))
}

// bySum are the rooms in which the sum or the encryption finds something; the gate's
// own if it cannot be opened.
func bySum(engine store.Store, rooms ...store.Room) (out []store.Room) {
	g, err := gate.Open(ctx, engine, gate.Key{1})
	if err != nil {
		return []store.Room{gate.Room}
	}
	snapshot := must(g.Snapshot(ctx))
	defer snapshot.Close()
	for _, room := range rooms {
		if l := must(g.Verify(snapshot, room, func() error { return nil })); l.Differs || l.Damaged > 0 {
			out = append(out, room)
		}
	}
	return out
}

// TestEveryValue: each row of the store, of a house with rows of every kind, is flipped,
// deleted, copied under another key, swapped with its neighbour, and put back as it was
// before it was last written. All of it is found, in its room and in no other.
func TestEveryValue(t *testing.T) {
	bubble(t, "2026-11-20T09:00:00Z", func(t *testing.T) {
		h, k := lived(t, true)
		h.sound()
		rows := rowsOf(t, k)
		var rooms []store.Room
		for room := range layout() {
			if len(rows[room]) == 0 {
				t.Errorf("room %s has no row", room)
			}
			if room != gate.Room {
				rooms = append(rooms, room)
			}
		}
		if found := bySum(k, rooms...); len(found) != 0 {
			t.Fatalf("found in what nobody changed: %v", found)
		}
		tried := 0
		for room, list := range rows {
			drawn := rand.Perm(len(list))[:min(len(list), 5)]
			for i, p := range list {
				if !*checkAll && i != 0 && !slices.Contains(drawn, i) {
					continue
				}
				look := []store.Room{room}
				if i == 0 {
					look = rooms // nothing is found in any other
				}
				if room == gate.Room {
					look = rooms
				}
				flipped := bytes.Clone(p.Value)
				flipped[i*7%len(flipped)] ^= 1 << (i % 8)
				other := list[(i+1)%len(list)]
				for what, changed := range map[string][]store.Pair{
					"flipped": {{Key: p.Key, Value: flipped}},
					"deleted": {{Key: p.Key}},
					"copied":  {{Key: append(bytes.Clone(p.Key), 0), Value: p.Value}},
					"swapped": {{Key: p.Key, Value: other.Value}, {Key: other.Key, Value: p.Value}},
					"as once": {{Key: p.Key, Value: k.was[string(room)+"/"+string(p.Key)]}},
				} {
					switch {
					case what == "swapped" && len(list) == 1, what == "as once" && changed[0].Value == nil, what == "copied" && room == gate.Room:
						continue
					}
					tried++
					set(k.Store, room, changed...)
					found := bySum(k.Store, look...)
					if room == gate.Room && what == "as once" {
						found = found[:min(len(found), 1)] // the sum of another time: whatever was written since
					} else if !slices.Equal(found, []store.Room{room}) {
						t.Errorf("room %s, row %d, %s: found in %v", room, i, what, found)
					}
					if len(found) == 0 {
						t.Errorf("room %s, row %d, %s: not found", room, i, what)
					}
					set(k.Store, room, store.Pair{Key: append(bytes.Clone(p.Key), 0)})
					set(k.Store, room, p)
					if what == "swapped" {
						set(k.Store, room, other)
					}
				}
			}
		}
		t.Logf("%d changes", tried)
	})
}

// onlySum is what the meaning of rows does not show, and the sum alone guards, by the
// form of a row. It is the list of proto/SPEC.md, "The check".
var onlySum = map[string]string{
	"decision d":       "6",       // the size of the log when it was signed
	"decision s":       "2",       // wrappings, which reviewers alone can open
	"inbox":            "1",       // from when it is shown
	"matter d":         "2",       // share digests of a draft that is not signed
	"matter m 1":       "6",       // watch secret, until it is used
	"matter m 2":       "6",       //
	"matter m 3":       "6",       //
	"matter m 5":       "3 5 6",   // of a withdrawn draft: its digest and author commitment too
	"matter s":         "2",       // wrappings
	"owed 20":          "1",       // which entry a draft is owed
	"owed 20, earlier": "1 2",     // and since when
	"request none":     "1",       // what was asked
	"request draft":    "1 2",     // and an answer under the author's nonce
	"request receipt":  "1",       //
	"request logged":   "1",       //
	"request share":    "1",       //
	"request vote":     "1",       //
	"still-shown":      "4",       // share digests, as of a draft
	"trail-author":     "4",       // why an author was refused, or that a read was not
	"used officer":     "deleted", // user ids, which stand nowhere else
}

// A change is one that somebody makes who has the gate key.
type change struct {
	what  string
	value []byte // nil: deleted
}

// changes are the ways in which TestMeaning changes a row: it is gone; and of its value
// each member is another, or a byte is.
func changes(value []byte) (out []change) {
	out = append(out, change{"deleted", nil})
	var members map[int]any
	if len(value) == 0 || cbor.Unmarshal(value, &members) != nil {
		if len(value) > 0 {
			flipped := bytes.Clone(value)
			flipped[len(flipped)-1] ^= 1
			out = append(out, change{"changed", flipped})
		}
		return out
	}
	mode := must(cbor.CoreDetEncOptions().EncMode())
	for _, n := range slices.Sorted(maps.Keys(members)) {
		was := members[n]
		members[n] = another(was)
		out = append(out, change{fmt.Sprint(n), must(mode.Marshal(members))})
		members[n] = was
	}
	return out
}

// another is another value of the same form.
func another(v any) any {
	switch v := v.(type) {
	case uint64:
		return v + 1
	case int64:
		return v - 1
	case bool:
		return !v
	case string:
		if v == "" {
			return "x"
		}
		b := []byte(v)
		b[len(b)/2] ^= 1
		return string(b)
	case []byte:
		b := bytes.Clone(v)
		if len(b) == 0 {
			return []byte{1}
		}
		b[len(b)/2] ^= 1
		return b
	case []any:
		if len(v) == 0 {
			return v
		}
		return append(slices.Clone(v[:len(v)-1]), another(v[len(v)-1]))
	case map[any]any:
		out := map[any]any{}
		for k, one := range v {
			out[k] = another(one)
		}
		return out
	}
	return v
}

// form is what kind of row it is.
func (h *house) form(room store.Room, key, plain []byte) string {
	var members map[int]any
	_ = cbor.Unmarshal(plain, &members)
	state := func(n int) string { return fmt.Sprint(" ", members[n]) }
	switch room {
	case "matter", "decision":
		if p := key[len(key)-1]; p != 'm' {
			return string(room) + " " + string(p)
		}
		return "matter m" + state(1)
	case "opening":
		return "opening" + state(1)
	case "inbox", "still-shown":
		if members[2] == "" {
			return string(room) + ", withdrawn"
		}
	case "trail-author":
		if method := members[2].(string); members[4] == "OK" && !strings.Contains(method, "/Get") && !strings.Contains(method, "/List") {
			return "trail-author act"
		}
	case "openings":
		return fmt.Sprint(room, len(plain))
	case "meta":
		return "meta " + strings.Split(string(key), "/")[0]
	case "owed":
		f := fmt.Sprint("owed ", members[1].([]byte)[2])
		if uint32(members[2].(uint64)) < today().Days() {
			f += ", earlier"
		}
		return f
	case "used":
		if officer := (cipher{h.store.(*gate.Store)}).MAC("officer", []byte(officerID)); bytes.Equal(key, officer[:]) {
			return "used officer"
		}
		return fmt.Sprint("used ", len(plain))
	case "request":
		switch answer, _ := members[2].([]byte); {
		case len(answer) == 0:
			return "request none"
		case bytes.HasPrefix(answer, []byte{0xa2, 0x01}) && answer[2]>>5 == 0: // a number first
			return "request vote"
		default:
			return "request " + map[byte]string{1: "draft", 'e': "receipt", 0xa3: "logged", 0xa2: "share"}[answer[0]]
		}
	}
	return string(room)
}

// TestMeaning: who has the gate key changes rows so that the sum fits. What rows mean
// shows it, but for what onlySum lists.
func TestMeaning(t *testing.T) {
	bubble(t, "2026-11-20T09:00:00Z", func(t *testing.T) {
		h, _ := lived(t, *checkAll)
		g := h.store.(*gate.Store)
		seen := map[string]int{}
		tried := 0
		for room, list := range rowsOf(t, g) {
			for _, p := range list {
				f, m := h.opened(room, p)
				if seen[f]++; !*checkAll && seen[f] > 1 {
					continue
				}
				for i, c := range changes(m.plain) {
					if bytes.Equal(c.value, m.plain) && c.value != nil {
						continue // a member that has nothing in it
					}
					if !*checkAll && i > 0 && (i > 1 || room != "opening") && room != "decision" {
						break
					}
					tried++
					value := c.value
					if value != nil {
						value = m.seal(value)
					}
					set(g, room, store.Pair{Key: p.Key, Value: value})
					found := h.meant()
					if only := slices.Contains(strings.Fields(onlySum[f]), c.what); only != (len(found) == 0) {
						t.Errorf("%s, %s: found %v, listed as guarded by the sum alone: %v", f, c.what, found, only)
					}
					set(g, room, p)
				}
			}
		}
		h.sound() // what the gate wrote, the sum is over
		t.Logf("%d changes of %d forms", tried, len(seen))
	})
}

// An open is a row's value in clear, and how it is sealed again.
type open struct {
	plain []byte
	seal  func(plain []byte) []byte
}

// opened takes the matter's key off a row that lies under it.
func (h *house) opened(room store.Room, p store.Pair) (string, open) {
	c := cipher{h.store.(*gate.Store)}
	for _, m := range h.matters() {
		for _, at := range []string{string(room) + "/" + string(p.Key), "seal/" + string(rowKey(m.id))} {
			if plain, err := c.OpenMatter(m.key, at, p.Value); err == nil {
				return h.form(room, p.Key, plain), open{plain, func(b []byte) []byte { return c.SealMatter(m.key, at, b) }}
			}
		}
	}
	return h.form(room, p.Key, p.Value), open{p.Value, func(b []byte) []byte { return b }}
}

type matterKey struct {
	id  ident.ID
	key [32]byte
}

// matters are all that there are, with their keys.
func (h *house) matters() (out []matterKey) {
	snapshot := must(h.store.Snapshot(ctx))
	defer snapshot.Close()
	for p, err := range snapshot.Scan("matter", nil, nil) {
		must(0, err)
		if p.Key[16] == 'k' {
			out = append(out, matterKey{ident.IDFromBytes([16]byte(p.Key)), [32]byte(p.Value)})
		}
	}
	return out
}
