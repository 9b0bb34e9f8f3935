package workflow

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"sigill/keys/bundle"
	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/order"
	"sigill/keys/proof"
	"sigill/keys/statement"
	"sigill/keys/token"
	"sigill/server/access"
	"sigill/server/audit"
	"sigill/server/check"
	"sigill/server/ledger"
)

// What the rows of the house mean is held against the log, both ways: every row that
// the log should know, and every entry that should have rows. So an edit is found that
// the sum over all rows (package gate) does not show, since it was made with the gate
// key. A key that is no row's own, a salt that nobody keeps and what is sealed under an
// author's nonce or a reviewer's key is out of reach: such rows are counted against what
// they belong to. What then only the sum guards stands in proto/SPEC.md, "The check",
// and TestMeaning in package workflow holds that list to be whole.

// A checker is one check of the house's rooms in one state of the store.
type checker struct {
	o     *Office // without a ledger
	r     ledger.Reader
	log   *ledger.Log
	w     *check.Walk
	trust *bundle.Trust // that takes a checkpoint on the log's own word

	tags    map[proof.Kind]map[proof.Tag]int // of entries that are found by tag
	covered marks                            // entries that have rows, of kinds that need them
	signed  marks                            // entries of decisions whose matter is there
	numbers map[uint64]string                // of decisions, by log index
	last    map[int]uint64                   // number of each year
	days    ledger.Days                      // that have a row

	orders  []publishedOrder
	sets    []publishedSet
	trail   *audit.Checked
	owed    map[ident.Digest]uint32 // day of receipt, by entry
	owedBy  map[proof.Kind]int
	logged  map[proof.Kind]int
	answers map[string]uint64 // rows of the room request, by kind
	n       struct{ matters, revisions, dissents, withdrawn, signed, ballots, taken, decided, released uint64 }
	at      *Checking
	byUse   map[string]bool      // keys of the room used that something refers to
	abstain map[string]int       // by account and matter, less the events of it
	trusts  int                  // trust files that have been in force
	votes   map[ident.Digest]int // votes, less what the log has of them

	lost      [][2]uint64        // from and to: entries that a recovery took up again, without what they stand for
	regained  uint64             // author_acts among them that the store owed
	withdrawn map[proof.Tag]bool // among them
	ended     map[[6]byte]bool   // subjects of matters that they ended
}

type publishedOrder struct {
	order.Delegation
	digest ident.Digest
	index  uint64
}

type publishedSet struct {
	*order.ReviewerSet
	digest ident.Digest
}

// marks are of entries, by index.
type marks []uint64

func (m *marks) set(i uint64) {
	if n := int(i/64) + 1 - len(*m); n > 0 {
		*m = append(*m, make([]uint64, n)...)
	}
	(*m)[i/64] |= 1 << (i % 64)
}

func (m marks) has(i uint64) bool { return i/64 < uint64(len(m)) && m[i/64]&(1<<(i%64)) != 0 }

// Figures are what a check has gone through.
type Figures struct {
	Entries   uint64 `json:"entries"`
	Decisions uint64 `json:"decisions"`
}

// A Checking is how far a check has come. What signatures say of matters is the long
// part of it: one that goes on where it was interrupted leaves out as many as it had
// verified, and counts them all the same.
type Checking struct {
	Figures
	Skip     uint64
	Verified uint64
}

// Check is the way through the rooms of the log, the trail and the house in a state of
// the store: steps to be taken in their order.
func Check(r ledger.Reader, trust *bundle.Trust, cipher Cipher, at *Checking) []check.Step {
	own := *trust
	own.Policy = trust.Policy.OnItsWord()
	c := &checker{o: &Office{Config: Config{Trust: trust}, cipher: cipher}, r: r, trust: &own,
		tags: map[proof.Kind]map[proof.Tag]int{}, numbers: map[uint64]string{},
		last: map[int]uint64{}, owed: map[ident.Digest]uint32{}, owedBy: map[proof.Kind]int{}, logged: map[proof.Kind]int{},
		answers: map[string]uint64{}, at: at, byUse: map[string]bool{}, abstain: map[string]int{}, votes: map[ident.Digest]int{},
		withdrawn: map[proof.Tag]bool{}, ended: map[[6]byte]bool{}}
	steps := []check.Step{{Name: "the log", Run: c.checkLog}}
	for _, s := range []check.Step{{Name: "documents of authority", Run: c.checkDocuments}, {Name: "owed entries", Run: c.checkOwed},
		{Name: "matters and decisions", Run: c.checkMatters}, {Name: "what signers are shown", Run: c.checkShown},
		{Name: "openings", Run: c.checkOpenings}, {Name: "answers", Run: c.checkAnswers}, {Name: "the trail", Run: c.checkTrail},
		{Name: "what is used", Run: c.checkUsed}, {Name: "what the log has", Run: c.checkCovered}} {
		run := s.Run
		s.Run = func(w *check.Walk) error {
			if c.log == nil {
				return nil // all of it rests on the log
			}
			c.w = w
			err := run(w)
			at.Entries, at.Decisions = c.log.Size, c.n.signed
			return err
		}
		steps = append(steps, s)
	}
	return steps
}

// checkLog reads the log anew, and notes of its entries what others are held against.
func (c *checker) checkLog(w *check.Walk) error {
	c.w = w
	log, err := ledger.LogAt(c.r)
	if errors.Is(err, ledger.ErrCorrupt) || errors.Is(err, ledger.ErrHead) {
		w.Found(ledger.RoomHead, "the log and its last checkpoint do not fit, or cannot be read; what rests on the log was not looked at", check.Hiding)
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading the log: %w", err)
	}
	c.log = log
	if err := c.checkRecoveries(); err != nil {
		return err
	}
	c.days, err = log.Check(c.r, w, c.o.Trust.Policy, c.noteEntry)
	return err
}

func (c *checker) noteEntry(i uint64, e proof.Entry) {
	lost := c.isLost(i)
	if !lost {
		c.logged[e.Kind]++
	} else if subject, ends := endsMatter(e); ends {
		c.ended[subject] = true
		c.withdrawn[e.Tag] = e.Kind == proof.Withdrawn
	}
	if c.tags[e.Kind] == nil {
		c.tags[e.Kind] = map[proof.Tag]int{}
	}
	switch e.Kind {
	case proof.Returned, proof.Withdrawn, proof.Dispatched, proof.OpeningNotice:
		if !lost {
			c.tags[e.Kind][e.Tag]++
		}
	case proof.Decision, proof.NumberVoid:
		n, _ := e.Number()
		c.numbers[i] = statement.FormatNumber(int(n.Year), int64(n.Number))
		if n.Number != c.last[int(n.Year)]+1 {
			c.w.Found(roomDecision, "the numbers of a year have a gap, or are out of order", check.At(i), check.Numbered(c.numbers[i]))
		}
		c.last[int(n.Year)] = n.Number
	}
	at, err := c.r.Get(roomIndex, e.Digest[:])
	switch {
	case errors.Is(err, ledger.ErrNotFound) && e.Kind == proof.Event: // of the trail, or else uncovered
	case lost && e.Kind.OfAuthority() && len(at) == 8 && c.stands(binary.BigEndian.Uint64(at), e): // was published again
	case err != nil || string(at) != string(indexKey(i)):
		c.w.Found(roomIndex, "an entry of the log cannot be found by its digest", check.At(i))
	}
}

// logs holds a preimage against the entry at an index, and marks that as covered.
func (c *checker) logs(row loggedRow, kind proof.Kind, signed ident.Digest) bool {
	pre, err := proof.ParsePreimage(row.Preimage)
	if err != nil || pre.Kind != kind || !signed.IsZero() && pre.Signed != signed {
		return false
	}
	entry, err := pre.Entry(row.Tag)
	if err != nil || !c.stands(row.Index, entry) {
		return false
	}
	at, err := c.r.Get(roomIndex, entry.Digest[:])
	if err != nil || string(at) != string(indexKey(row.Index)) {
		c.w.Found(roomIndex, "an entry of the log cannot be found by its digest", check.At(row.Index))
	}
	c.covered.set(row.Index)
	return true
}

// stands says whether an entry stands at an index.
func (c *checker) stands(index uint64, want proof.Entry) bool {
	e, err := c.log.Entry(c.r, index)
	return err == nil && e == want
}

// byLog finds the key of a log.
func (c *checker) byLog(kid ident.Digest) (*jws.PublicKey, error) { return c.o.Trust.LogKey(kid) }

// officer finds who could act on a day by any version of the order.
func (c *checker) officer(on ident.Date) func(kid ident.Digest) (*jws.PublicKey, error) {
	return func(kid ident.Digest) (*jws.PublicKey, error) {
		for i := range c.orders {
			if who, err := c.orders[i].Dispatcher(kid, on); err == nil {
				return who.Key.Public()
			}
		}
		return nil, jws.ErrUnknownKey
	}
}

// checkTrail holds the trail against the log, and accounts against their keys.
func (c *checker) checkTrail(w *check.Walk) (err error) {
	c.trail, err = audit.Check(c.r, w, c.o.cipher.MAC, func(index uint64, e audit.Event, digest ident.Digest) bool {
		entry, err := c.log.Entry(c.r, index)
		if err != nil {
			return false
		}
		made, err := proof.Preimage{Kind: proof.Event, Salt: e.Salt, Signed: digest}.Entry(entry.Tag)
		if err != nil || made != entry || c.covered.has(index) {
			return false
		}
		c.covered.set(index)
		return true
	}, audit.Rooms{Bound: func(id audit.AccountID, key ident.Digest) bool {
		k := c.o.cipher.MAC("bound key", key[:])
		c.byUse[string(k[:])] = true
		v, err := c.r.Get(roomUsed, k[:])
		return err == nil && string(v) == string(id[:])
	}, Matter: func(id []byte) bool {
		_, err := c.r.Get(roomMatter, append(slices.Clone(id), byte(partKey)))
		return err == nil
	}, May: func(method, role string) bool {
		return method == "" && access.Role(token.Role(role)) || access.May(method, token.Role(role))
	}, Event: func(e audit.Event) {
		if e.Method == "/sigill.v1.SigningService/AbstainFromDecision" {
			c.abstain[string(e.Account[:])+string(e.Matter)]--
		}
	}})
	for _, n := range c.abstain {
		if n != 0 {
			w.Found(roomMatter, "who abstained is not who the trail says")
		}
	}
	// A server closes the days that are over before all else, and soon after midnight.
	if t := c.trail; err == nil && t.First != "" &&
		(!c.days.First.Before(t.First) || c.days.Last.Before(ident.DateOf(time.Unix(60*(t.Last-60), 0)).AddDays(-1))) {
		w.Found("log-days", "a day that is over has no row")
	}
	return err
}

// checkUsed looks for what may not be used again, and for rows that nothing refers to.
func (c *checker) checkUsed(w *check.Walk) error {
	officers := 0
	err := w.Rows(c.r, roomUsed, func(key, value []byte) {
		switch {
		case c.byUse[string(key)]:
			delete(c.byUse, string(key))
		case len(value) == 0 && len(key) == 32:
			officers++
		default:
			w.Found(roomUsed, "a row that nothing refers to")
		}
	})
	if len(c.byUse) > 0 {
		w.Found(roomUsed, "a key that was used, or is bound to an account, is not marked as such")
	}
	if c.trail != nil && officers > c.trail.Roles["signer"]+c.trail.Roles["reviewer"] {
		w.Found(roomUsed, "more user ids of officers are noted than there are officers")
	}
	return err
}

// checkCovered comes last: entries that should have rows and have none, and rows that
// are counted against others.
func (c *checker) checkCovered(w *check.Walk) error {
	for i := range c.log.Size {
		e, err := c.log.Entry(c.r, i)
		if err != nil || c.isLost(i) {
			continue // found in the log; or named when it was taken up again
		}
		switch e.Kind {
		case proof.AuthorAct, proof.Withdrawn, proof.OpeningNotice: // counted
		case proof.Decision:
			if !c.signed.has(i) {
				w.Found(roomDecision, "the log has a decision, the store has not", check.At(i), check.Numbered(c.numbers[i]))
			}
		default:
			if !c.covered.has(i) {
				w.Found(roomOf(e.Kind), "an entry of the log has no row: "+e.Kind.String(), check.At(i))
			}
		}
		if i%1024 == 0 {
			if err := w.Each(); err != nil {
				return err
			}
		}
	}
	c.same(roomOwed, "acts of authors and what the log has or is owed for them differ in number",
		uint64(c.logged[proof.AuthorAct]+c.owedBy[proof.AuthorAct])+c.regained, c.n.revisions+c.n.dissents)
	for kind, room := range map[proof.Kind]ledger.Room{proof.Withdrawn: roomOwed, proof.Returned: roomRequest, proof.Dispatched: roomMatter, proof.OpeningNotice: roomMatter} {
		for _, left := range c.tags[kind] {
			if left != 0 {
				w.Found(room, "entries of the log do not fit the matters that they are about: "+kind.String())
			}
		}
	}
	return c.checkCounts()
}

// roomOf is where the rows of an entry lie.
func roomOf(k proof.Kind) ledger.Room {
	switch k {
	case proof.Event:
		return audit.RoomTrail
	case proof.ReviewerSet:
		return roomSet
	case proof.Recovery:
		return roomRecovery
	case proof.DelegationOrder:
		return roomOrder
	case proof.ProviderKeys:
		return roomProvider
	case proof.KeyChange:
		return roomTrust
	case proof.OpeningRequested, proof.OpeningRefused, proof.OpeningReleased, proof.OpeningClosed:
		return roomOpening
	}
	return roomRequest
}

func (c *checker) same(room ledger.Room, what string, a, b uint64) {
	if a != b {
		c.w.Found(room, what)
	}
}
