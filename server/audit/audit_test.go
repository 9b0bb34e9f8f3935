package audit_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"sigill/keys/ident"
	"sigill/server/audit"
	"sigill/server/store"
	"sigill/server/store/memory"
)

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// shelf is an overlay over an empty store, and the way to read all of it.
func shelf(t *testing.T) *store.Overlay {
	snap, err := memory.NewDisk(audit.Layout()).Open().Snapshot(context.Background())
	ok(t, err)
	t.Cleanup(func() { snap.Close() })
	return store.NewOverlay(snap)
}

func rows(o *store.Overlay, room store.Room) (out []store.Change) {
	for _, c := range o.Changes() {
		if c.Room == room {
			out = append(out, c)
		}
	}
	return out
}

// mac stands for the store's.
func mac(label string, data ...[]byte) (sum [32]byte) {
	h := hmac.New(sha256.New, []byte("key"))
	h.Write([]byte(label))
	for _, d := range data {
		h.Write(append([]byte{byte(len(d))}, d...))
	}
	return [32]byte(h.Sum(nil))
}

const day = ident.Date("2026-11-22")

// TestAuthorLeavesNoTrace: what an author does leaves a date, a method and the
// matter, under a key that says nothing of when it came, in no other room than
// its own and the day's total. Two authors' rows cannot be told apart.
func TestAuthorLeavesNoTrace(t *testing.T) {
	o := shelf(t)
	matters := [][]byte{bytes.Repeat([]byte{1}, 16), bytes.Repeat([]byte{2}, 16)}
	const n = 64
	for i := range n {
		ok(t, audit.PutAuthor(o, mac, day, "/sigill.v1.DraftingService/GetDraft", matters[i%2], audit.OK))
	}
	for _, c := range o.Changes() {
		if c.Room != audit.RoomAuthors && c.Room != audit.RoomTotals {
			t.Fatal("a row in room", c.Room)
		}
	}
	// The values hold nothing but what was given: as many different ones as matters.
	kinds := map[string]int{}
	var lengths []int
	var order []byte // of the matters, by key
	for _, c := range rows(o, audit.RoomAuthors) {
		kinds[string(c.Value)]++
		lengths = append(lengths, len(c.Value))
		if len(c.Key) != 16 {
			t.Fatal("a key of another form")
		}
		order = append(order, '0'+byte(bytes.Count(c.Value, []byte{2})/16))
	}
	if len(kinds) != 2 || slices.Min(lengths) != slices.Max(lengths) {
		t.Fatal("rows that differ in more than their matter")
	}
	for _, times := range kinds {
		if times != n/2 {
			t.Fatal("rows are missing")
		}
	}
	if bytes.Contains(order, bytes.Repeat([]byte("01"), n/2)) || bytes.Contains(order, bytes.Repeat([]byte("10"), n/2)) {
		t.Fatal("the keys tell the order in which the acts came")
	}
	totals := rows(o, audit.RoomTotals)
	want := append([]byte{0, 0, 0x51, 0x2b, 0, 0, 0, 0, 0, 0, 0, n}, "/sigill.v1.DraftingService/GetDraft"...)
	if len(totals) != 1 || !bytes.Equal(totals[0].Value, append(want, make([]byte, 64-len(want))...)) {
		t.Fatal("not one total for the day and the method")
	}
}

// TestTotalsInClear: keys of rows lie in the store file as they are, so neither they
// nor the lengths of values say on which day an author did what.
func TestTotalsInClear(t *testing.T) {
	o := shelf(t)
	days := []ident.Date{day, day.AddDays(1), "2150-01-01"}
	methods := []string{"/sigill.v1.DraftingService/GetDraft", "/sigill.v1.DraftingService/WithdrawDraft", "/sigill.v1.VerificationService/GetBundle"}
	for _, d := range days {
		for _, m := range methods {
			for range 1 + len(m)*10 {
				ok(t, audit.PutAuthor(o, mac, d, m, nil, audit.OK))
			}
			if n, err := audit.AuthorCalls(o, mac, d, m); err != nil || n != uint64(1+len(m)*10) {
				t.Error(d, m, n, err)
			}
		}
	}
	if n, err := audit.AuthorCalls(o, mac, day.AddDays(2), methods[0]); err != nil || n != 0 {
		t.Error("a day without calls", n, err)
	}
	totals := rows(o, audit.RoomTotals)
	if len(totals) != len(days)*len(methods) {
		t.Fatal(len(totals), "totals")
	}
	for _, c := range totals {
		if len(c.Key) != 32 || len(c.Value) != 64 {
			t.Fatal("a row of another size")
		}
		for _, d := range days {
			if bytes.Contains(c.Key, binary.BigEndian.AppendUint32(nil, d.Days())) {
				t.Error("a key holds its day")
			}
		}
		if bytes.Contains(c.Key, []byte("Draft")) {
			t.Error("a key holds its method")
		}
	}
	if err := audit.PutAuthor(o, mac, day, strings.Repeat("m", 53), nil, audit.OK); err == nil {
		t.Error("a method that does not fit")
	}
}

// TestRefusedSubmission: the day and the reason, no matter.
func TestRefusedSubmission(t *testing.T) {
	o := shelf(t)
	ok(t, audit.PutAuthor(o, mac, day, "/sigill.v1.DraftingService/SubmitDraft", nil, "NAMED"))
	row := rows(o, audit.RoomAuthors)[0]
	const want = "a4" + "0119512b" + "027826" + "2f736967696c6c2e76312e4472616674696e67536572766963652f5375626d69744472616674" +
		"03f6" + "04654e414d4544" // {1: 20779, 2: the method, 3: null, 4: "NAMED"}
	if got := hex.EncodeToString(row.Value); got != want {
		t.Fatalf("%s, want %s", got, want)
	}
}

// TestNamed: an event names its account by a random id and the minute; issuer and
// subject stand in one row of the whole store.
func TestNamed(t *testing.T) {
	o := shelf(t)
	login := [32]byte{7}
	id, row, err := audit.Account(o, login, "https://idp.example", "sub-Åsa")
	ok(t, err)
	if len(row.Roles) != 0 || len(row.Keys) != 0 {
		t.Fatal("a new account that has done something")
	}
	at := time.Date(2026, 11, 22, 9, 14, 59, 999, time.UTC)
	e := audit.NewEvent(id, at, "/sigill.v1.SigningService/ListInbox", nil, audit.OK)
	if e.Minute != at.Unix()/60 {
		t.Fatal("not the minute")
	}
	ok(t, audit.PutNamed(o, 5, e))
	for _, c := range o.Changes() {
		if bytes.Contains(c.Value, []byte("sub-Åsa")) != (c.Room == audit.RoomAccounts) {
			t.Fatal("the subject stands in room", c.Room)
		}
		if bytes.Contains(c.Key, id[:]) && c.Room != audit.RoomAccounts {
			t.Fatal("the account is a key of room", c.Room)
		}
	}
	d1, err := e.Digest()
	ok(t, err)
	if ident.Sum(rows(o, audit.RoomTrail)[0].Value) != d1 {
		t.Fatal("the log entry would cover something else than the row")
	}
	d2, err := audit.NewEvent(id, at, "/sigill.v1.SigningService/ListInbox", nil, audit.OK).Digest()
	ok(t, err)
	if d1 == d2 {
		t.Fatal("equal events have one digest: the log would show them")
	}
}

// TestAccount: one account for a login, for good; another login another account;
// reading makes none.
func TestAccount(t *testing.T) {
	o := shelf(t)
	if _, _, err := audit.Find(o, [32]byte{1}); !errors.Is(err, store.ErrNotFound) {
		t.Fatal(err)
	}
	if len(o.Changes()) != 0 {
		t.Fatal("looking made something")
	}
	id, row, err := audit.Account(o, [32]byte{1}, "i", "s")
	ok(t, err)
	row.Roles, row.Keys = []string{"signer"}, []ident.Digest{{9}, {8}}
	ok(t, audit.PutAccount(o, id, row))
	again, got, err := audit.Account(o, [32]byte{1}, "i", "s")
	ok(t, err)
	if again != id || !slices.Equal(got.Keys, row.Keys) || !slices.Equal(got.Roles, row.Roles) || got.Issuer != "i" || got.Subject != "s" {
		t.Fatal("another account")
	}
	other, _, err := audit.Account(o, [32]byte{2}, "i", "t")
	ok(t, err)
	if other == id {
		t.Fatal("two logins share an account")
	}
}

// TestDamage: rows of another form are damage, never an empty account or a count
// from nothing.
func TestDamage(t *testing.T) {
	o := shelf(t)
	id, _, err := audit.Account(o, [32]byte{1}, "i", "s")
	ok(t, err)
	for name, break_ := range map[string]func(o *store.Overlay) error{
		"login":   func(o *store.Overlay) error { return o.Put(audit.RoomLogins, make([]byte, 32), []byte{1}) },
		"account": func(o *store.Overlay) error { return o.Put(audit.RoomAccounts, id[:], []byte{0xff}) },
		"unknown member": func(o *store.Overlay) error {
			return o.Put(audit.RoomAccounts, id[:], []byte{0xa1, 0x18, 0x63, 0x01})
		},
	} {
		bad := store.NewOverlay(o)
		ok(t, break_(bad))
		login := [32]byte{1}
		if name == "login" {
			login = [32]byte{}
		}
		if _, _, err := audit.Account(bad, login, "i", "s"); !errors.Is(err, store.ErrCorrupt) {
			t.Fatal(name, err)
		}
	}
	ok(t, audit.PutAuthor(o, mac, day, "m", nil, audit.OK))
	key := rows(o, audit.RoomTotals)[0].Key
	value := rows(o, audit.RoomTotals)[0].Value
	another := bytes.Clone(value)
	another[12] = 'n'
	for _, bad := range [][]byte{{1, 2}, another, append([]byte{1}, value[1:]...)} {
		ok(t, o.Put(audit.RoomTotals, key, bad))
		if err := audit.PutAuthor(o, mac, day, "m", nil, audit.OK); !errors.Is(err, store.ErrCorrupt) {
			t.Fatal(err)
		}
	}
}
