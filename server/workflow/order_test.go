package workflow_test

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"testing/cryptotest"
	"testing/synctest"
	"time"

	"go.etcd.io/bbolt"

	"sigill/keys/ident"
	"sigill/server/gate"
	"sigill/server/store"
	"sigill/server/store/bolt"
	"sigill/server/workflow"
)

// How many drafts [TestOrderTellsNothing] plays; a thousand are what is promised:
//
//	go test ./server/workflow -run TestOrderTellsNothing -drafts 1000 -v
var drafts = flag.Int("drafts", 60, "drafts of TestOrderTellsNothing")

// A sighting is the place where an act or a draft of an author is seen, and which it is: the
// how-manieth, at which second of its day, by whom. What stratum it is in everybody
// may know: the listing in which it was new, the day, the batch.
type sighting struct {
	at, order, hour float64
	author, stratum int
}

// A week is some days of twenty authors who draft, revise and withdraw at all hours,
// and of a director who reads and returns by the order of the inbox.
type week struct {
	*house
	engine  store.Store
	random  *rand.Rand
	authors []*author  // of each draft, in the order of submission
	of      []sighting // of each draft: its last act
	shown   map[ident.ID]bool
	back    []int // drafts that have been returned
	acts    int
	rows    map[string]sighting       // by room and key
	owes    map[ident.Digest]sighting // by entry
	found   map[string][]sighting
}

// rooms are those to which authors' acts add rows, and nobody else's.
var rooms = []store.Room{"trail-author", "request", "case", "used"}

// acted notes what an act on a draft has left: rows, and the entry that it is owed.
func (w *week) acted(draft, by, day int, receipt string) {
	w.t.Helper()
	now := time.Now().In(ident.Stockholm())
	w.acts++
	s := sighting{order: float64(w.acts), hour: float64(now.Hour()*3600 + now.Minute()*60 + now.Second()), author: by, stratum: day}
	w.of[draft], w.owes[w.receipt(receipt).Entry] = s, s
	w.look(s)
}

// look gives the rows that are new to an act.
func (w *week) look(s sighting) {
	snap := must(w.engine.Snapshot(ctx))
	defer snap.Close()
	for _, room := range rooms {
		for p, err := range snap.Scan(room, nil, nil) {
			must(0, err)
			if _, known := w.rows[string(room)+string(p.Key)]; !known {
				w.rows[string(room)+string(p.Key)] = s
			}
		}
	}
}

// act is some author's: mostly a new draft, by turns a revision of what was returned,
// or a withdrawal.
func (w *week) act(day int) {
	kind := w.random.IntN(10)
	switch {
	case kind == 0 && len(w.authors) > 0:
		i := w.random.IntN(len(w.authors))
		if must(w.authors[i].get()).State == int(workflow.Pending) {
			w.acted(i, w.of[i].author, day, must(w.authors[i].withdraw()))
		}
		w.look(sighting{order: -1}) // looks of their own
	case kind < 3 && len(w.back) > 0:
		at := w.random.IntN(len(w.back))
		i := w.back[at]
		w.back = slices.Delete(w.back, at, at+1)
		w.acted(i, w.of[i].author, day, must(w.authors[i].submit()).Receipt)
	default:
		by := w.random.IntN(20)
		a := w.author(fmt.Sprint("Författare ", by)).in(fmt.Sprintf("SN2026-%05d", len(w.authors)+1))
		a.content = text + string(bytes.Repeat([]byte("Så var det. "), w.random.IntN(40)))
		w.authors, w.of = append(w.authors, a), append(w.of, sighting{})
		w.acted(len(w.authors)-1, by, day, must(a.submit()).Receipt)
	}
}

// inbox is when the director looks, and returns some.
func (w *week) inbox(listing int) {
	must(0, w.ForgetShown(ctx, time.Now()))
	for next, n := "", 0; ; {
		items, more, err := w.ListInbox(ctx, w.signerCaller(director, "SigningService/ListInbox"), 200, next)
		must(0, err)
		for _, it := range items {
			i := slices.IndexFunc(w.authors, func(a *author) bool { return a.id == it.ID })
			if n++; !w.shown[it.ID] {
				s := w.of[i]
				s.at, s.stratum = float64(n), listing
				w.found["place in the inbox"] = append(w.found["place in the inbox"], s)
			}
			w.shown[it.ID] = true
			if w.random.IntN(10) == 0 {
				must(w.sendBack(director, w.authors[i]))
				w.back, w.shown[it.ID] = append(w.back, i), false
			}
		}
		if next = more; next == "" {
			return
		}
	}
}

// night sends what is owed.
func (w *week) night(batch int) {
	from := w.ledger.Head().Size
	must(0, w.PublishOwed(ctx, time.Now()))
	must(0, w.Reshelve(ctx))
	for i, e := range w.entries() {
		if s, ok := w.owes[e.Digest]; ok && uint64(i) >= from {
			s.at, s.stratum = float64(i), batch
			w.found["index in the log"] = append(w.found["index in the log"], s)
		}
	}
}

// atRest looks at where rows lie, in their rooms and in the file.
func (w *week) atRest(path string) {
	snap := must(w.engine.Snapshot(ctx))
	for _, room := range append(rooms, "matter", "inbox") {
		n := 0
		for p, err := range snap.Scan(room, nil, nil) {
			must(0, err)
			n++
			s, ok := w.rows[string(room)+string(p.Key)]
			i := slices.IndexFunc(w.authors, func(a *author) bool { return bytes.HasPrefix(p.Key, rowKey(a.id)) })
			if i >= 0 {
				s, ok = w.of[i], true
			}
			if room != "trail-author" {
				s.stratum = 0 // its rows say the day
			}
			if room == "matter" && p.Key[16] != 'm' {
				continue // of the same matter
			}
			if s.at = float64(n); ok && s.order > 0 {
				w.found["order of the room "+string(room)] = append(w.found["order of the room "+string(room)], s)
			}
			if room == "matter" && len(w.authors[i].last) == 1 && must(w.authors[i].get()).State == int(workflow.Pending) {
				s.at = float64(len(p.Value))
				w.found["size of a draft's row"] = append(w.found["size of a draft's row"], s)
			}
		}
	}
	must(0, snap.Close())
	pending := map[ident.ID]bool{}
	for _, a := range w.authors {
		pending[a.id] = must(a.get()).State == int(workflow.Pending)
	}
	backup := path + ".backup"
	draft := must(bolt.NewDraft(bolt.Config{Path: backup, Layout: layout()}))
	must(0, w.store.(*gate.Store).Copy(ctx, layout(), draft.Put, func(store.Reader) ([]byte, error) { return nil, nil }))
	must(0, draft.Finish())
	w.stop()
	w.pages("page", path, pending)
	w.pages("page in a backup", backup, pending)
}

// pages looks at where the long rows of drafts begin in a file.
func (w *week) pages(name, path string, pending map[ident.ID]bool) {
	db := must(bbolt.Open(path, 0o600, &bbolt.Options{ReadOnly: true}))
	defer db.Close()
	must(0, db.View(func(tx *bbolt.Tx) error {
		room := tx.Bucket([]byte("matter"))
		for i, a := range w.authors {
			if !pending[a.id] {
				continue // returned: what it moved at tells when, as the log does
			}
			for _, part := range "ds" {
				if long := room.Bucket(append(rowKey(a.id), byte(part))); long != nil {
					s, of := w.of[i], name+" of a long row "+string(part)
					s.at, s.stratum = float64(long.Root()), 0
					w.found[of] = append(w.found[of], s)
				}
			}
		}
		return nil
	}))
}

// TestReshelve: what moves is what it was, whoever is shown it; it can be signed.
func TestReshelve(t *testing.T) {
	h := newHouse(t)
	a := h.author("Åsa Öberg")
	must(a.submit())
	for i := range 16 { // of more than one commit
		must(h.author("Bo Ek").in(fmt.Sprint("SN2026-", i)).submit())
	}
	before := h.rows()
	must(0, h.Reshelve(ctx))
	h.same("rows", h.rows(), before)
	h.sign(a)
}

// TestOrderTellsNothing: neither the place of a row in its room nor that of its pages
// in the store's file or a backup, nor its size, nor where in the log or the inbox something stands says
// which came first, at what hour it came, or which have one author. What is planted is
// found by the same test.
func TestOrderTellsNothing(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1)) // one order of all that is random but places in the file
	var found map[string][]sighting
	synctest.Test(t, func(t *testing.T) {
		sleepUntil("2026-11-23T05:00:00Z")
		cryptotest.SetGlobalRandom(t, 1)
		path := filepath.Join(t.TempDir(), "store.db")
		engine := must(bolt.Create(bolt.Config{Path: path, Layout: layout()}))
		w := &week{house: newHouseOver(t, func() store.Store { return engine }), engine: engine, random: rand.New(rand.NewPCG(1, 2)),
			shown: map[ident.ID]bool{}, rows: map[string]sighting{}, owes: map[ident.Digest]sighting{}, found: map[string][]sighting{}}
		w.InboxHours = []time.Duration{8 * time.Hour, 13 * time.Hour}
		w.look(sighting{order: -1}) // what was there before
		const days = 5
		for day := range days {
			for hour := 6; hour < 18; hour++ {
				if hour == 8 || hour == 13 {
					w.inbox(day*24 + hour)
				}
				n := *drafts*3/2/days/12 + 1 // a third of the acts are others
				for range n {
					time.Sleep(time.Hour / time.Duration(n+1))
					w.act(day)
				}
				time.Sleep(time.Until(time.Now().Truncate(time.Hour).Add(time.Hour)))
			}
			time.Sleep(9 * time.Hour)
			w.night(day)
			time.Sleep(3 * time.Hour)
		}
		w.atRest(path)
		found = w.found
		t.Logf("%d drafts, %d acts", len(w.authors), w.acts)
	})
	for _, name := range slices.Sorted(maps.Keys(found)) {
		for y, p := range pValues(found[name], some, many) {
			t.Logf("%s by %s: p = %.2g, of %d", name, y, p, len(found[name]))
			if p <= floor(many) {
				t.Errorf("%s tells the %s: p = %.2g", name, y, p)
			}
		}
		for y, p := range pValues(planted(found[name]), some) {
			if p > floor(some) {
				t.Errorf("%s: a planted %s is not found: p = %.2g", name, y, p)
			}
		}
	}
}
