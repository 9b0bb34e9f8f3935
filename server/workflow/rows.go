package workflow

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"

	"github.com/fxamacker/cbor/v2"

	"sigill/keys/ident"
	"sigill/server/audit"
	"sigill/server/ledger"
)

// The rooms of the house. A matter's rows lie together under its random id; what is
// signed is filed by log index, whose order says when it was signed and not when
// anyone drafted.
const (
	roomMatter     ledger.Room = "matter"      // decision id ‖ part: what that part is
	roomInbox      ledger.Room = "inbox"       // decision id: inboxRow, while pending or still shown
	roomStill      ledger.Room = "still-shown" // hour ‖ decision id: shownRow, until that hour
	roomDecision   ledger.Room = "decision"    // log index ‖ part: what that part is
	roomCase       ledger.Room = "case"        // MAC of the case reference: caseRow
	roomRequest    ledger.Room = "request"     // MAC of request id and caller: requestRow
	roomUsed       ledger.Room = "used"        // MAC of a key that may be used once
	roomOwed       ledger.Room = "owed"        // random: owedRow
	roomIndex      ledger.Room = "entry"       // entry digest: log index
	roomMeta       ledger.Room = "meta"        // counters and what is in force
	roomOrder      ledger.Room = "order"       // version: documentRow
	roomSet        ledger.Room = "set"         // epoch: documentRow
	roomRequester  ledger.Room = "requester"   // requester id: documentRow
	roomProvider   ledger.Room = "provider"    // SHA-256 of issuer and usable keys: documentRow
	roomOpening    ledger.Room = "opening"     // opening id: openingRow
	roomOpeningsOf ledger.Room = "openings"    // decision, account or zeros (undecided) ‖ opening id: empty, or the account
	roomTrust      ledger.Room = "trust"       // number, from 1: trustRow
	roomNotice     ledger.Room = "notice"      // due day ‖ opening id: empty, a delayed notice
)

// A part ends the key of a row of the rooms matter and decision.
type part byte

const (
	partKey      part = 'k' // of a matter: its key
	partMatter   part = 'm' // of a matter: matterRow
	partDraft    part = 'd' // of a matter: draftRow
	partDecision part = 'd' // of what is signed: decisionRow
	partBoxes    part = 's' // of both: boxesRow
)

// randomRooms and orderedRooms are the layout that [Layout] gives.
var (
	randomRooms = []ledger.Room{roomMatter, roomInbox, roomStill, roomCase, roomRequest, roomUsed, roomOwed,
		roomIndex, roomMeta, roomRequester, roomProvider, roomOpening, roomOpeningsOf}
	orderedRooms = []ledger.Room{roomDecision, roomOrder, roomSet, roomTrust, roomNotice}
)

// Rooms lists the rooms of the house and whether their keys only grow.
func Rooms() map[ledger.Room]bool {
	out := map[ledger.Room]bool{}
	for _, r := range randomRooms {
		out[r] = false
	}
	for _, r := range orderedRooms {
		out[r] = true
	}
	return out
}

// A state is where a decision stands, as proto/sigill/v1.DecisionState has it.
type state int

// The states.
const (
	Pending state = iota + 1
	Returned
	Signed
	Dispatched
	Withdrawn
)

// A matterRow is the small row that lasts: what a matter is, and what has
// happened to it. It is sealed under the matter's key.
type matterRow struct {
	State     state             `cbor:"1,keyasint"`
	Revision  int               `cbor:"2,keyasint"`
	Digests   []ident.Digest    `cbor:"3,keyasint"` // of every revision's draft statement
	AuthorKey ident.Digest      `cbor:"4,keyasint"` // thumbprint
	Author    ident.Digest      `cbor:"5,keyasint"` // author commitment
	Watch     [32]byte          `cbor:"6,keyasint"` // watch secret
	Case      [32]byte          `cbor:"7,keyasint"` // MAC of the case reference
	Returns   []string          `cbor:"8,keyasint"` // statements; gone when signed
	Dissents  []string          `cbor:"9,keyasint"`
	Abstained []audit.AccountID `cbor:"10,keyasint"` // signers
	Index     uint64            `cbor:"11,keyasint"` // of the decision's log entry
	Dispatch  string            `cbor:"12,keyasint"`
	Notices   uint32            `cbor:"13,keyasint"` // opening notices logged so far
	Jwk       []byte            `cbor:"14,keyasint"` // the author key
	Statement string            `cbor:"15,keyasint"` // of the last revision; gone when signed or withdrawn
	Approval  ident.Digest      `cbor:"16,keyasint"` // of the approval that signed it
}

// A draftRow is what awaits a signature: one row, replaced by each revision.
type draftRow struct {
	Content []byte `cbor:"1,keyasint"`
	Head    []byte `cbor:"2,keyasint"`
}

// A boxesRow is what only reviewers can open. It lies by itself, since nothing
// reads it before an opening: in the room matter until the decision is signed,
// and then, the same bytes, in the room decision.
type boxesRow struct {
	Ciphertexts []byte   `cbor:"1,keyasint"`
	Wrappings   [][]byte `cbor:"2,keyasint"`
}

// An inboxRow makes a pending draft visible from a time on. Before another, signers
// are shown what is kept instead.
type inboxRow struct {
	Visible int64  `cbor:"1,keyasint"` // unix seconds
	Item    string `cbor:"2,keyasint"` // of the delegation order, as the draft cites it
	Type    string `cbor:"3,keyasint"` // the decision type that it states
	Until   int64  `cbor:"4,keyasint"` // unix seconds; 0 if nothing is kept
}

// A decisionRow is a signed decision with its seal: one large value, written
// once.
type decisionRow struct {
	Decision string `cbor:"1,keyasint"`
	Content  []byte `cbor:"2,keyasint"`
	Head     []byte `cbor:"3,keyasint"`
	Preimage []byte `cbor:"4,keyasint"`
	ID       []byte `cbor:"5,keyasint"` // of the decision, for who starts from the log
	HeadSize uint64 `cbor:"6,keyasint"` // of the checkpoint in the commit that signed it
}

// A caseRow lists the drafts of a case reference in the order in which their
// first revisions came.
type caseRow struct {
	Decisions [][]byte `cbor:"1,keyasint"`
}

// A requestRow makes a change idempotent.
type requestRow struct {
	Print  ident.Digest `cbor:"1,keyasint"` // see [Office.print]
	Answer []byte       `cbor:"2,keyasint"`
}

// An owedRow is an entry that the log is owed for an author's act.
type owedRow struct {
	Entry    []byte `cbor:"1,keyasint"`
	Received uint32 `cbor:"2,keyasint"` // day
}

// A documentRow is a document of authority or of the log key, as it was signed.
type documentRow struct {
	Signatures []string `cbor:"1,keyasint"`
	Preimage   []byte   `cbor:"2,keyasint"`
	Index      uint64   `cbor:"3,keyasint"`
}

var encMode = sync.OnceValues(func() (cbor.UserBufferEncMode, error) { return cbor.CoreDetEncOptions().UserBufferEncMode() })

var decMode = sync.OnceValues(func() (cbor.DecMode, error) {
	return cbor.DecOptions{ExtraReturnErrors: cbor.ExtraDecErrorUnknownField, DupMapKey: cbor.DupMapKeyEnforcedAPF,
		MaxArrayElements: 1 << 20}.DecMode()
})

func encode(v any) (b []byte, err error) {
	m, err := encMode()
	if err == nil {
		b, err = m.Marshal(v)
	}
	if err != nil {
		return nil, fmt.Errorf("encoding a row: %w", err)
	}
	return b, nil
}

func decode(b []byte, v any) error {
	m, err := decMode()
	if err != nil {
		return fmt.Errorf("decoding a row: %w", err)
	}
	if err := m.Unmarshal(b, v); err != nil {
		return damaged("decoding a row", err)
	}
	return nil
}

// get reads a row that is not a matter's. It returns ledger.ErrNotFound as it
// is; damage is [ErrData].
func get(r ledger.Reader, room ledger.Room, key []byte, v any) error {
	b, err := r.Get(room, key)
	switch {
	case errors.Is(err, ledger.ErrNotFound):
		return err
	case errors.Is(err, ledger.ErrCorrupt):
		return damaged("room "+string(room), err)
	case err != nil:
		return err
	}
	return decode(b, v)
}

func put(tx *ledger.Tx, room ledger.Room, key []byte, v any) error {
	b, err := encode(v)
	if err != nil {
		return err
	}
	return tx.Put(room, key, b)
}

func indexKey(i uint64) []byte { return binary.BigEndian.AppendUint64(nil, i) }

func idKey(id ident.ID) []byte { b := id.Bytes(); return b[:] }

// A matter is one decision's rows under its own key: when the key goes, they are
// gone.
type matter struct {
	o      *Office
	id     ident.ID
	secret [32]byte // the matter's key
	matterRow
	instead bool // of one that is not there: nothing of it may be told
}

// key is where a part of the matter lies in the room of matters.
func (m *matter) key(p part) []byte { return append(idKey(m.id), byte(p)) }

// signedKey is where a part of a signed matter lies in the room of decisions.
func (m *matter) signedKey(p part) []byte { return append(indexKey(m.Index), byte(p)) }

// matter reads a matter, or ledger.ErrNotFound.
func (o *Office) matter(r ledger.Reader, id ident.ID) (*matter, error) {
	m := &matter{o: o, id: id}
	k, err := r.Get(roomMatter, m.key(partKey))
	if err != nil {
		return nil, storeError(err)
	}
	if len(k) != len(m.secret) {
		return nil, damaged("matter key", ledger.ErrCorrupt)
	}
	m.secret = [32]byte(k)
	return m, thereIs(m.get(r, roomMatter, m.key(partMatter), &m.matterRow))
}

// thereIs turns a row that is not there, and must be, into damage: somebody deleted it.
func thereIs(err error) error {
	if errors.Is(err, ledger.ErrNotFound) {
		return damaged("a row is missing", ledger.ErrCorrupt)
	}
	return err
}

// nearest reads a matter, or instead of one that is not there another, marked: whoever
// asks is then refused after the same work. In a house without matters it is
// ledger.ErrNotFound.
func (o *Office) nearest(r ledger.Reader, id ident.ID) (*matter, error) {
	other, err := another(r, id)
	if err != nil {
		return nil, err
	}
	m, err := o.matter(r, id)
	if !errors.Is(err, ledger.ErrNotFound) || other == "" {
		return m, err
	}
	if m, err = o.matter(r, other); err == nil {
		m.instead = true
	}
	return m, err
}

// another is the next matter in the inbox, whose rows are small, or else the next at
// all; "" if there is none.
func another(r ledger.Reader, id ident.ID) (ident.ID, error) {
	for _, room := range []ledger.Room{roomInbox, roomMatter} {
		for _, from := range [][]byte{append(idKey(id), 0xff), nil} {
			for p, err := range r.Scan(room, from, nil) {
				if err != nil {
					return "", storeError(err)
				}
				return ident.IDFromBytes([16]byte(p.Key)), nil
			}
		}
	}
	return "", nil
}

// storeError turns damage into [ErrData]; not found stays what it is.
func storeError(err error) error {
	if errors.Is(err, ledger.ErrCorrupt) {
		return damaged("store", err)
	}
	return err
}

func place(room ledger.Room, key []byte) string { return string(room) + "/" + string(key) }

// get reads one of the matter's rows.
func (m *matter) get(r ledger.Reader, room ledger.Room, key []byte, v any) error {
	b, err := r.Get(room, key)
	if err != nil {
		return storeError(err)
	}
	plain, err := m.o.cipher.OpenMatter(m.secret, place(room, key), b)
	if err != nil {
		return damaged("room "+string(room), err)
	}
	return decode(plain, v)
}

// A writer is an operation, or the overlay in which a batch ends.
type writer interface {
	Put(room ledger.Room, key, value []byte) error
}

// put writes one of the matter's rows.
func (m *matter) put(tx writer, room ledger.Room, key []byte, v any) error {
	b, err := m.sealed(place(room, key), v)
	if err != nil {
		return err
	}
	return tx.Put(room, key, b)
}

// sealed is a row as it is put. Unsealed it lies in a buffer that is used again, as it
// would within cbor's encoder.
func (m *matter) sealed(place string, v any) ([]byte, error) {
	b := buffers.Get().(*bytes.Buffer)
	defer buffers.Put(b)
	b.Reset()
	mode, err := encMode()
	if err == nil {
		err = mode.MarshalToBuffer(v, b)
	}
	if err != nil {
		return nil, fmt.Errorf("encoding a row: %w", err)
	}
	return m.o.cipher.SealMatter(m.secret, place, b.Bytes()), nil
}

var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// save writes the matter's lasting row.
func (m *matter) save(tx writer) error { return m.put(tx, roomMatter, m.key(partMatter), &m.matterRow) }

// draft reads what awaits a signature.
func (m *matter) draft(r ledger.Reader) (*draftRow, error) {
	d := &draftRow{}
	return d, m.get(r, roomMatter, m.key(partDraft), d)
}

// decision reads what is signed.
func (m *matter) decision(r ledger.Reader) (*decisionRow, error) {
	d := &decisionRow{}
	return d, thereIs(m.get(r, roomDecision, m.signedKey(partDecision), d))
}

// boxesPlace binds boxes to the decision and not to a room, so that they move as
// they are when it is signed. That they are the last revision's, the head says.
func (m *matter) boxesPlace() string { return place("seal", idKey(m.id)) }

// fileBoxes moves the boxes of what has been signed under its log index.
func (m *matter) fileBoxes(tx *ledger.Tx) error {
	b, err := tx.Get(roomMatter, m.key(partBoxes))
	if err != nil {
		return storeError(err)
	}
	if err := tx.Put(roomDecision, m.signedKey(partBoxes), b); err != nil {
		return err
	}
	return tx.Delete(roomMatter, m.key(partBoxes))
}

// boxes reads the boxes of a signed decision.
func (m *matter) boxes(r ledger.Reader) (*boxesRow, error) {
	b, err := r.Get(roomDecision, m.signedKey(partBoxes))
	if err != nil {
		return nil, thereIs(storeError(err))
	}
	plain, err := m.o.cipher.OpenMatter(m.secret, m.boxesPlace(), b)
	if err != nil {
		return nil, damaged("boxes", err)
	}
	row := &boxesRow{}
	return row, decode(plain, row)
}

// last is the digest of the last revision.
func (m *matter) last() ident.Digest { return m.Digests[len(m.Digests)-1] }

// ended reports whether nothing more can be drafted or signed.
func (m *matter) ended() bool { return m.State != Pending && m.State != Returned }
