package workflow_test

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"sigill/keys/proof"
	"sigill/server/audit"
	"sigill/server/ledger"
	"sigill/server/store"
	"sigill/server/translog"
	"sigill/server/workflow"
)

// rows is all that is at rest, as it is under the gate and the matters' keys: by
// room and key.
func (h *house) rows() map[string]string {
	h.t.Helper()
	out := map[string]string{}
	must(0, h.ledger.Read(ctx, func(r store.Reader) error {
		keys := map[string][32]byte{}
		for p, err := range r.Scan("matter", nil, nil) {
			if err != nil {
				return err
			}
			if id, ok := bytes.CutSuffix(p.Key, []byte("k")); ok && len(id) == 16 {
				keys[string(id)] = [32]byte(p.Value)
			}
		}
		for room := range layout() {
			if room == "gate" {
				continue
			}
			for p, err := range r.Scan(room, nil, nil) {
				if err != nil {
					return err
				}
				place, value := string(room)+"/"+string(p.Key), p.Value
				tried := h.opens[place+string(value)]
				if tried == nil {
					tried = map[string]*string{}
					h.opens[place+string(value)] = tried
				}
				out[place] = string(value)
				for id, key := range keys { // a row under a matter's key opens under one
					plain, known := tried[id+string(key[:])]
					if !known {
						plain = underMatter(id, key, place, value)
						tried[id+string(key[:])] = plain
					}
					if plain != nil {
						out[place] = *plain
					}
				}
			}
		}
		return nil
	}))
	return out
}

// underMatter is a row's value in clear, or nil if it lies under another key than a matter's.
func underMatter(id string, key [32]byte, place string, value []byte) *string {
	for _, at := range []string{place, "seal/" + id} {
		if plain, err := (cipher{}).OpenMatter(key, at, value); err == nil {
			clear := string(plain)
			return &clear
		}
	}
	return nil
}

// changed counts the rows of each room that are new, other or gone, without the
// log itself.
func changed(before, after map[string]string) map[string]int {
	out := map[string]int{}
	for key := range merge(before, after) {
		was, old := before[key]
		is, now := after[key]
		if old != now || was != is {
			room, _, _ := strings.Cut(key, "/")
			out[room]++
		}
	}
	for _, room := range []store.Room{ledger.RoomHead, translog.Entries, translog.Tiles} {
		delete(out, string(room))
	}
	return out
}

func merge(a, b map[string]string) map[string]string {
	out := maps.Clone(a)
	maps.Copy(out, b)
	return out
}

// What a refusal may leave.
const (
	nothing = "nothing"
	byName  = "an event that names the caller"
	byDay   = "an event of the day"
)

// refuses wants a call refused, and nothing changed but what is left of it in the
// trail; it returns the refusal.
func (h *house) refuses(kind error, reason, leaves string, call func() error) *workflow.Refusal {
	h.t.Helper()
	before, size := h.rows(), h.ledger.Head().Size
	err := call()
	no := (*workflow.Refusal)(nil)
	if !errors.Is(err, kind) || !errors.As(err, &no) || no.Reason != reason {
		h.t.Fatalf("%v, want %v: %s", err, kind, reason)
	}
	got, grown := changed(before, h.rows()), h.ledger.Head().Size-size
	want, entries := map[string]int{}, uint64(0)
	switch leaves {
	case byName:
		delete(got, string(audit.RoomAccounts)) // of a login's first act
		delete(got, string(audit.RoomLogins))
		want, entries = map[string]int{string(audit.RoomTrail): 1}, 1
	case byDay:
		want = map[string]int{string(audit.RoomAuthors): 1, string(audit.RoomTotals): 1}
	}
	if !maps.Equal(got, want) || grown != entries {
		h.t.Fatalf("refused as %s, and left %v and %d entries, want %s", reason, got, grown, leaves)
	}
	return no
}

// where finds a text in what is at rest: rooms, sorted.
func where(rows map[string]string, text string) []string {
	found := map[string]bool{}
	for key, value := range rows {
		if strings.Contains(key, text) || strings.Contains(value, text) {
			room, _, _ := strings.Cut(key, "/")
			found[room] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}

func (h *house) same(what string, got, want any) {
	h.t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		h.t.Fatalf("%s: %v, want %v", what, got, want)
	}
}

// owed are the kinds of the entries that the log is owed.
func (h *house) owed() (out []proof.Kind) {
	for key, value := range h.rows() {
		if strings.HasPrefix(key, "owed/") {
			e := must(proof.ParseEntry([]byte(value)[4 : 4+proof.EntrySize])) // after the map, the member and the length
			out = append(out, e.Kind)
		}
	}
	return out
}

// spoil changes, until the next Tamper, what is read of rows: those of a room, of
// which a part may be named: "matter/d".
func (h *house) spoil(rows string) {
	room, part, _ := strings.Cut(rows, "/")
	h.disk.Tamper(func(r store.Room, key, value []byte) []byte {
		if string(r) == room && bytes.HasSuffix(key, []byte(part)) && len(value) > 0 {
			value[len(value)/2] ^= 1
		}
		return value
	})
}
