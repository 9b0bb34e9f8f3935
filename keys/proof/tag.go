package proof

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"

	"sigill/keys/ident"
)

// A Tag lets those entitled find their entries, and anyone check that decision
// numbers have no gaps. By kind:
//
//	decision, number_void                     DecisionTag
//	returned, withdrawn, dispatched, erasure  SubjectTag
//	opening_released                          ReleaseTag
//	opening_notice                            NoticeTag
//	recovery                                  RecoveryTag
//	documents of authority                    zero (the zero value)
//	every other                               RandomTag
type Tag [16]byte

// subject hides the decision's identifier from those who do not have it: it is
// random, so its hash cannot be guessed.
func subject(decision ident.ID) [sha256.Size]byte {
	id := decision.Bytes()
	return ident.Sum("sigill subject v1", string(id[:]))
}

// DecisionTag is year (u16), number (u64) and the first 6 bytes of
// SHA-256("sigill subject v1" ‖ the decision's 16 bytes), big-endian.
func DecisionTag(year uint16, number uint64, decision ident.ID) (t Tag) {
	binary.BigEndian.PutUint16(t[:], year)
	binary.BigEndian.PutUint64(t[2:], number)
	s := subject(decision)
	copy(t[10:], s[:])
	return t
}

// SubjectTag is the first 16 bytes of SHA-256("sigill subject v1" ‖ the
// decision's 16 bytes).
func SubjectTag(decision ident.ID) Tag {
	s := subject(decision)
	return Tag(s[:])
}

// ReleaseTag is the day by which the opening's notice stands in the log (u32,
// days since 1970-01-01) and 12 random bytes. The day is what makes a silent
// opening countable; the rest keeps releases apart.
func ReleaseTag(due ident.Date, random [12]byte) (t Tag) {
	binary.BigEndian.PutUint32(t[:], due.Days())
	copy(t[4:], random[:])
	return t
}

// NoticeTag is the first 16 bytes of HMAC-SHA256(watchSecret,
// "sigill opening notice v1" ‖ n as u32, big-endian), n counted from 0 for each
// decision. Only who holds the receipt's watch secret knows it for theirs.
func NoticeTag(watchSecret [32]byte, n uint32) Tag {
	h := hmac.New(sha256.New, watchSecret[:])
	h.Write([]byte("sigill opening notice v1"))
	h.Write(binary.BigEndian.AppendUint32(nil, n))
	return Tag(h.Sum(nil))
}

// RecoveryTag is the size of the log in the backup that was restored (u64), and the
// size up to which the published log was regained (u64), big-endian: of what the
// entries between them stand for, the authority has lost its own rows.
func RecoveryTag(restored, regained uint64) (t Tag) {
	binary.BigEndian.PutUint64(t[:], restored)
	binary.BigEndian.PutUint64(t[8:], regained)
	return t
}

// RandomTag is 16 random bytes, for a kind that nobody looks up.
func RandomTag() (t Tag) {
	rand.Read(t[:])
	return t
}

// A Number is a decision's, in its authority's log. The zero value is before all.
type Number struct {
	Number uint64 `json:"number"`
	Year   uint16 `json:"year"`
}

// Follows reports whether the number is the next after the one that the log gave
// last: numbers are given in its order, by decision and number_void alike, from 1 in
// each year.
func (n Number) Follows(last Number) bool {
	return n.Year == last.Year && n.Number == last.Number+1 && n.Number > 0 || n.Year > last.Year && n.Number == 1
}

// Number is the year and number in the tag of a decision or number_void; ok is
// false for every other kind.
func (e Entry) Number() (n Number, ok bool) {
	if e.Kind != Decision && e.Kind != NumberVoid {
		return Number{}, false
	}
	return Number{binary.BigEndian.Uint64(e.Tag[2:]), binary.BigEndian.Uint16(e.Tag[:])}, true
}

// Due is the day by which an opening_released owes its notice; ok is false for
// every other kind, and for a day past 9999.
func (e Entry) Due() (due ident.Date, ok bool) {
	if e.Kind != OpeningReleased {
		return "", false
	}
	due, err := ident.ParseDate(string(ident.DateFromDays(binary.BigEndian.Uint32(e.Tag[:]))))
	return due, err == nil
}

// Recovery is the two sizes in the tag of a recovery; ok is false for every other
// kind, and for sizes of which the second is less than the first.
func (e Entry) Recovery() (restored, regained uint64, ok bool) {
	restored, regained = binary.BigEndian.Uint64(e.Tag[:]), binary.BigEndian.Uint64(e.Tag[8:])
	if e.Kind != Recovery || restored > regained {
		return 0, 0, false
	}
	return restored, regained, true
}
